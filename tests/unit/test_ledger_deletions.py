"""A document that Zuora has no more: what stood is undone, what never went on ends, and nothing comes back older."""

from decimal import Decimal

import pytest

from schemas.records import RecordKind
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.test_ledger_reversals import INVOICE, MEMO, PAYMENT, on, steps
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World, world

GONE = zuora.deleted(RecordKind.INVOICE, "inv1")
UNDONE = ["reverse#1 inverse", "reverse#1 settle"]


def test_a_posted_invoice_that_was_deleted_is_undone_by_its_exact_inverse():
    found = world().put(zuora.simple_invoice(), GONE)
    post, inverse, settle = found.postings
    assert steps(found, 1) == UNDONE
    assert (inverse.content.of, inverse.content.total, inverse.number) == (post.id, Decimal("100.00"), "INV1")
    assert (settle.content.payer, settle.content.item) == (inverse.id, post.id)
    assert found.standing(INVOICE) == ("", "")
    assert [(one.number, one.customer) for one in found.matched] == [("INV1", "C1"), ("INV1", "C1")]


@pytest.mark.parametrize(
    ("document", "gone"),
    [
        (zuora.memo(zuora.memo_item("30.00")), zuora.deleted(RecordKind.CREDIT_MEMO, "cm1")),
        (zuora.debit_memo(zuora.memo_item("30.00")), zuora.deleted(RecordKind.DEBIT_MEMO, "dm1")),
    ],
    ids=["credit memo", "debit memo"],
)
def test_a_memo_that_was_deleted_is_undone(document, gone):
    assert steps(world().put(document, gone), 1) == UNDONE


@pytest.mark.parametrize("order", [AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST])
def test_a_deletion_is_decided_once_however_often_it_is_read_and_whoever_starts(order):
    found = world().put(zuora.simple_invoice(), GONE, GONE)
    written = {topic: len(values) for topic, values in found.log.items()}
    found.restart(order)
    assert {topic: len(values) for topic, values in found.log.items()} == written
    assert len(found.postings) == 3


def test_a_draft_that_was_seen_and_then_deleted_is_undone_once():
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=on(11)), GONE)
    assert steps(found, 1) == UNDONE
    assert found.standing(INVOICE) == ("", "")


def test_what_is_applied_to_a_deleted_invoice_is_freed_and_its_unapplication_read_later_is_nothing():
    row = zuora.row("40.00")
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", row), GONE)
    assert steps(found)[-3:] == ["reverse#1 deallocate:r1", *UNDONE]
    back = zuora.row("-40.00", "r2", created=on(11))
    found.put(zuora.payment("100.00", row, back, updated=on(11)))
    assert found.standing(PAYMENT) == ("ignored", "already_deallocated")
    assert len([content for content in found.contents("allocation") if content.reopens]) == 1


def test_what_a_deleted_memo_had_applied_is_freed():
    rows = [zuora.row("20.00")]
    found = world().put(zuora.simple_invoice(), zuora.memo(zuora.memo_item("30.00"), rows=rows))
    found.put(zuora.deleted(RecordKind.CREDIT_MEMO, "cm1"))
    assert steps(found)[-3:] == ["reverse#1 deallocate:r1", *UNDONE]


def test_a_document_that_never_went_on_ends_when_it_is_deleted():
    """Parked for its accounting code: nobody has to look at it any more."""
    found = world().put(zuora.invoice(zuora.item("5.00", accountingCode="Nothing known")))
    assert found.standing(INVOICE) == ("parked", "unmapped_code")
    found.put(GONE)
    assert (found.standing(INVOICE), found.postings) == (("ignored", "deleted"), [])


def test_a_document_without_a_customer_ends_when_it_is_deleted():
    found = world().put(zuora.simple_invoice(accountId="acc9"))
    assert found.standing(INVOICE, "match") == ("waiting", "account_not_read")
    found.put(GONE)
    assert found.standing(INVOICE, "match") == ("ignored", "deleted")


def test_a_deletion_of_what_was_never_read_says_nothing():
    """A hint may name anything."""
    found = world().put(zuora.deleted(RecordKind.INVOICE, "inv7"))
    assert (found.matched, found.outcomes) == ([], [])
    found.put(zuora.simple_invoice(name="inv7"))
    assert steps(found) == ["post#1 document"]


def test_an_account_that_is_gone_changes_nothing():
    found = world().put(zuora.deleted(RecordKind.ACCOUNT, zuora.ACCOUNT), zuora.simple_invoice())
    assert steps(found) == ["post#1 document"]


def test_an_older_version_read_after_the_deletion_does_not_come_back():
    found = world().put(zuora.simple_invoice(updated=on(12)), GONE, zuora.simple_invoice("90.00", updated=on(11)))
    assert len(found.postings) == 3


def test_a_deletion_comes_after_a_version_that_brought_nothing_new():
    """Its stamp is newer than that of the last result; the deletion has none, and passes it all the same."""
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice(updated=on(20), balance=0), GONE)
    assert steps(found, 1) == UNDONE


def test_what_shows_again_after_a_deletion_is_posted_again():
    """Zuora said too early that it has none: nothing is lost for ever."""
    found = world().put(zuora.simple_invoice(), GONE, zuora.simple_invoice())
    assert steps(found, 3) == ["post#2 document"]
    found.put(GONE)
    assert steps(found, 4) == ["reverse#2 inverse", "reverse#2 settle"]


def test_a_deletion_waits_for_its_period_where_the_site_holds():
    found = world().put(zuora.simple_invoice(), zuora.period(3, is_open=False), GONE)
    assert (found.standing(INVOICE), len(found.postings)) == (("waiting", "period_closed"), 1)
    found.put(zuora.period(3))
    assert (found.standing(INVOICE), len(found.postings)) == (("released", ""), 3)


def test_an_opening_that_was_deleted_is_for_a_person():
    found = World().put(zuora.published(cut_over=zuora.date(2026, 3, 11)), zuora.simple_invoice(), GONE)
    assert found.standing(INVOICE) == ("parked", "opening_undone")


def test_a_deletion_carries_nothing_of_the_document():
    value = world().put(zuora.simple_invoice(), GONE).log[Topic.RECORDS][-1]
    assert b'"parent":{}' in value
    assert b'"deleted":true' in value


def test_a_memo_is_told_by_its_own_name():
    found = world().put(zuora.memo(zuora.memo_item("30.00")), zuora.deleted(RecordKind.CREDIT_MEMO, "cm1"))
    assert found.standing(MEMO) == ("", "")
