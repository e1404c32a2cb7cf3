"""Lines that go over the clearing account: a document with one line, a journal that moves it on, both taken back."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from schemas.mapping import Analysis
from schemas.references import Daybook, GlAccount
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import World
from tests.unit.world import world as plain_world

INVOICE, MEMO = "invoice:inv1", "credit_memo:cm1"
LATER, LATEST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"
CLEARING = Analysis(account="1990", sub_account="ZU", cost_centre="CC9", text="Zuora clearing")
JOURNAL = {"gl": "journal", "clearing": CLEARING}
WITH_DOCUMENT = {"gl": "with_document", "clearing": CLEARING}
UNPOSTED = zuora.draft(updated=LATER)


def world(policy: dict[str, Any] = JOURNAL, **changes: Any) -> World:
    found = plain_world(policy=policy, **{"daybooks": zuora.ALL_DAYBOOKS, **changes})
    return found.put(Daybook(code="ZJRN", active=True), GlAccount(code="1990", active=True))


def published(version: int, policy: dict[str, Any], **changes: Any) -> zuora.MappingPublished:
    return zuora.published(version, policy=policy, **{"daybooks": zuora.ALL_DAYBOOKS, **changes})


def taxed(amount: str = "100.00", **more: Any) -> zuora.ZuoraRecord:
    """Return an invoice with a line, a discount, and tax."""
    lines = zuora.item(amount, "a", taxes=[zuora.tax("19.00")]), zuora.item("-10.00", "b", processingType="1")
    return zuora.invoice(*lines, **more)


def steps(found: World) -> list[str]:
    return [f"{posting.act.value}#{posting.n} {posting.step}" for posting in found.postings]


def booked(sink: Sink) -> dict[str, Decimal]:
    """Return what each account of QAD holds, debit above zero; what holds nothing is left out."""
    return {account: amount for (_, account), amount in sink.books.ledger.items() if amount}


def test_an_invoice_has_one_line_to_clearing_and_its_journal_the_rest():
    found = world().put(taxed())
    assert steps(found) == ["post#1 document", "post#1 journal"]
    document, journal = (posting.content for posting in found.postings)
    [line] = document.lines
    assert (line.account, line.sub_account, line.cost_centre, line.text) == ("1990", "ZU", "CC9", "Zuora clearing")
    assert (line.credit, line.role, document.total) == (109, "clearing", 109)
    assert [(one.account, one.debit, one.credit) for one in journal.lines] == [
        ("1990", 109, 0),
        ("4000", 0, 100),
        ("2300", 0, 19),
        ("4090", 10, 0),
    ]
    assert (journal.total, journal.daybook, journal.of) == (119, "ZJRN", found.postings[0].id)
    assert (journal.document_date, journal.posting_date) == (document.document_date, document.posting_date)
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 109, "4000": -100, "2300": -19, "4090": 10})


def test_a_credit_memo_goes_the_other_way_and_nothing_is_left_on_clearing():
    found = world().put(zuora.memo(zuora.memo_item("50.00", taxes=[zuora.tax("9.50")])))
    document, journal = (posting.content for posting in found.postings)
    assert (document.lines[0].debit, journal.lines[0].credit) == (Decimal("59.50"), Decimal("59.50"))
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": Decimal("-59.50"), "4000": 50, "2300": Decimal("9.50")})


@pytest.mark.parametrize("came", ["before", "between", "after"])
@pytest.mark.parametrize("seed", range(5))
def test_a_reversal_takes_both_back_whatever_goes_first(came, seed):
    """Unposted before QAD has anything of it, when it has the document alone, or when it has both."""
    found = world().put(taxed())
    sink = Sink(found)
    if came == "after":
        sink.run()
    elif came == "between":
        sink.send_next()
        assert booked(sink) == {"control": 109, "1990": -109}
    found.put(UNPOSTED)
    found.restart()
    assert steps(found)[2:] == ["reverse#1 inverse", "reverse#1 inverse:journal", "reverse#1 settle"]
    sink.run(order=Random(seed))
    assert (sink.stuck, booked(sink)) == ([], {})


def test_a_journal_that_qad_refused_is_not_sent_when_its_document_is_unposted_and_nor_is_its_inverse():
    found = world().put(taxed())
    sink = Sink(found)
    sink.books.journals_closed = True
    sink.run()
    assert (sink.stuck, booked(sink)) == (["journal"], {"control": 109, "1990": -109})
    found.put(UNPOSTED)
    sink.run()
    assert (sink.stuck, booked(sink), sink.books.vouchers) == ([], {}, 4)


def test_posted_again_with_other_amounts_clearing_is_zero_for_each():
    found = world().put(taxed(), UNPOSTED, taxed("70.00", updated=LATEST, postedDate=LATEST))
    assert steps(found)[-2:] == ["post#2 document", "post#2 journal"]
    found.put(zuora.draft(updated="2026-03-13T10:00:00Z"))
    assert found.contents("inverse")[-1].total == 89
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {})


@pytest.mark.parametrize(("first", "then"), [(JOURNAL, WITH_DOCUMENT), (WITH_DOCUMENT, JOURNAL)])
@pytest.mark.parametrize("sent", [True, False])
def test_a_document_keeps_the_mode_that_it_was_built_in_and_never_has_both(first, then, sent):
    """What QAD has is not known here: a document with its lines beside a journal would book revenue twice."""
    found = world(first).put(taxed())
    made, sink = steps(found), Sink(found)
    if sent:
        sink.run()
    found.put(published(2, then), zuora.replayed(INVOICE))
    found.restart()
    assert sorted(set(steps(found))) == sorted(made)
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 109, "4000": -100, "2300": -19, "4090": 10})
    found.put(UNPOSTED, taxed(updated=LATEST, postedDate=LATEST))
    assert ("post#2 journal" in steps(found)) is (then is JOURNAL)
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 109, "4000": -100, "2300": -19, "4090": 10})


def test_a_journal_that_has_not_gone_goes_by_the_newest_mapping_from_the_clearing_account_that_its_document_took():
    found = world().put(taxed())
    sink = Sink(found).send_next()
    lines = (zuora.LineRow(code="Subscription Revenue", account="4100", revenue="recognized"), *zuora.lines()[1:])
    other = {**JOURNAL, "clearing": Analysis(account="1999")}
    found.put(published(2, other, lines=lines), zuora.replayed(INVOICE))
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 109, "4100": -100, "2300": -19, "4090": 10})


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {"daybooks": zuora.Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZADJ")},
            "no_daybook",
        ),
        ({"policy": {**JOURNAL, "clearing": Analysis(account="2300")}}, "clearing_not_zero"),
        ({"policy": {**JOURNAL, "clearing": Analysis(account="7777")}}, "gl_account_unfit"),
    ],
)
def test_a_document_whose_journal_cannot_be_built_parks_whole_and_goes_on_with_the_mapping(changes, rule):
    found = world(**changes).put(taxed())
    assert (found.standing(INVOICE)[1], found.postings) == (rule, [])
    found.put(published(2, JOURNAL))
    assert steps(found) == ["post#1 document", "post#1 journal"]


def test_a_document_over_nothing_needs_no_clearing():
    lines = zuora.item("100.00", "a"), zuora.item("-100.00", "b", processingType="1")
    found = world({**JOURNAL, "zero_total": "journal"}).put(zuora.invoice(*lines))
    assert steps(found) == ["post#1 document"]
    found.put(UNPOSTED)
    assert steps(found)[1:] == ["reverse#1 inverse"]
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {})


def test_what_is_applied_lies_on_the_document_and_not_on_its_journal():
    found = world().put(taxed(), zuora.payment("109.00", zuora.row("109.00", "r1")))
    sink = Sink(found).run()
    assert (sink.stuck, sink.open_of(INVOICE), booked(sink)["1010"]) == ([], 0, 109)
