"""A credit memo waits for the document that it refers to, and for nothing that will never come (ACCOUNTING 6)."""

import pytest

from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import Crash, World, world

INVOICE, MEMO = "invoice:inv1", "credit_memo:cm1"
LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"
UNMAPPED = zuora.item("100.00", accountingCode="New")


def memo(**more) -> zuora.ZuoraRecord:
    return zuora.memo(zuora.memo_item("30.00"), invoiceId="inv1", **more)


def after(found: World) -> list[tuple[str, ...]]:
    """Return what each content of the memo comes after."""
    return [posting.after for posting in found.postings if posting.document == MEMO]


@pytest.mark.parametrize("memo_first", [False, True])
def test_a_memo_comes_after_its_invoice_whichever_is_read_first(memo_first):
    records = [zuora.simple_invoice(), memo()]
    found = world().put(*(reversed(records) if memo_first else records))
    invoice = next(posting for posting in found.postings if posting.document == INVOICE)
    assert after(found) == [(invoice.id,)]


def test_a_memo_that_refers_to_nothing_comes_after_nothing():
    assert after(world().put(zuora.memo(zuora.memo_item("30.00")))) == [()]


def test_a_memo_waits_while_its_invoice_is_parked():
    found = world().put(zuora.invoice(UNMAPPED), memo())
    assert len(after(found)[-1]) == 1
    assert Sink(found).run().stuck == ["document"]


@pytest.mark.parametrize(
    "invoice",
    [zuora.simple_invoice("0.00"), zuora.simple_invoice(invoiceDate="2025-12-15", postedDate="2025-12-15T10:00:00Z")],
    ids=["zero", "before the cut-over"],
)
@pytest.mark.parametrize("memo_first", [False, True])
def test_a_memo_does_not_wait_for_what_makes_no_posting(invoice, memo_first):
    found = world().put(*([memo(), invoice] if memo_first else [invoice, memo()]))
    assert after(found)[-1] == ()
    assert Sink(found).run().stuck == []


def test_a_memo_comes_after_the_posting_that_stands():
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice("120.00", updated=LATER, postedDate=LATER))
    found.put(memo(updated=LAST))
    second = [posting for posting in found.postings if (posting.document, posting.step) == (INVOICE, "document")][-1]
    assert after(found) == [(second.id,)]
    assert Sink(found).run().stuck == []


def test_a_memo_is_let_go_even_if_the_stage_is_killed_in_between():
    found = world().put(memo())
    found.ledger.write_at_most = 1
    found.append(zuora.simple_invoice("0.00"))
    with pytest.raises(Crash):
        found.settle()
    found.restart()
    assert found.standing(INVOICE) == ("ignored", "zero")
    assert after(found)[-1] == ()


def test_a_memo_does_not_wait_for_an_invoice_that_was_undone_before_it_came():
    """Its posting is superseded in the sink: the memo only waited for it."""
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=LATER), memo(updated=LAST))
    assert Sink(found).run().stuck == []
