"""What two people decide to move: a journal from the account posted to the account decided, taken back with its
document.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.decisions import DocumentReclassified
from schemas.ids import posting_id
from schemas.mapping import Analysis
from schemas.postings import GlLine, Posting
from schemas.records import RecordKind
from schemas.references import Daybook, GlAccount
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_ledger_corrections import booked, newest, steps
from tests.unit.test_ledger_corrections import by as corrected_by
from tests.unit.unsettled import adjusted
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World, world

INVOICE = "invoice:inv1"
MAY = date(2026, 5, 4)
LATER, LATEST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"
CLEARING = Analysis(account="1999")


def by(
    person: str,
    to: str = "4100",
    *,
    lines: tuple[GlLine, ...] = (),
    n: int = 1,
    m: int = 1,
    document: str = INVOICE,
    day: date = MAY,
    **analysis: str,
) -> DocumentReclassified:
    made = zuora.replayed(document)
    fields: dict[str, Any] = {"connection": made.connection, "at": made.at, "document": document, "number": document}
    moved = lines or (line("4000", "100.00"),)
    where = Analysis(account=to, **analysis)
    return DocumentReclassified(by=person, why="wrong account", n=n, m=m, lines=moved, to=where, day=day, **fields)


def line(account: str, credit: str, source: str = "inv1-1", **analysis: str) -> GlLine:
    return GlLine(account=account, credit=Decimal(credit), source=source, role="charge", text="Seats", **analysis)


def both(*args: Any, **more: Any) -> tuple[DocumentReclassified, DocumentReclassified]:
    return by("ada", *args, **more), by("bob", *args, **more)


def posted(**policy: Any) -> World:
    return world(policy=policy or None, daybooks=zuora.ALL_DAYBOOKS).put(
        Daybook(code="ZJRN", active=True), zuora.simple_invoice()
    )


def last(found: World) -> Posting:
    return found.postings[-1]


def test_approved_the_line_moves_by_a_journal_that_names_its_document():
    found = posted()
    sink = Sink(found).run()
    found.put(*both(sub_account="EU", cost_centre="CC1", project="P1"))
    assert steps(found) == ["post#1 document", "reclass#1 journal:1"]
    journal, content = last(found), last(found).content
    assert (content.total, content.currency, content.daybook, content.posting_date) == (100, "EUR", "ZJRN", MAY)
    assert (journal.number, content.description, content.document_date) == ("INV1", "Zuora INV1 moved", MAY)
    assert [
        (one.account, one.sub_account, one.cost_centre, one.project, one.debit, one.credit) for one in content.lines
    ] == [
        ("4000", "", "", "", 100, 0),
        ("4100", "EU", "CC1", "P1", 0, 100),
    ]
    sink.run()
    assert (sink.stuck, booked(sink), sink.open_of(INVOICE)) == ([], {"control": 100, "4100": -100}, 100)


def test_its_reference_is_its_own_and_the_same_on_replay():
    found = posted().put(*both())
    journal = last(found)
    assert journal.id == posting_id(
        zuora.CONNECTION, kind="invoice", zuora_id="inv1", act="reclass", n=1, step="journal:1"
    )
    assert journal.reference != found.postings[0].reference
    made = steps(found)
    found.put(zuora.replayed(INVOICE))
    found.restart()
    assert steps(found) == made


@pytest.mark.parametrize("people", [["ada"], ["ada", "ada"], ["ada", "ADA"]])
def test_one_person_alone_moves_nothing(people):
    found = posted().put(*map(by, people))
    found.restart()
    assert steps(found) == ["post#1 document"]


def test_who_says_otherwise_approves_nothing_and_the_first_that_is_approved_counts():
    found = posted().put(by("ada", "4100"), by("bob", "4090"))
    assert steps(found) == ["post#1 document"]
    found.put(by("eve", "4090"), by("eve", "4100"))
    assert booked(Sink(found).run()) == {"control": 100, "4090": -100}


def test_a_second_one_moves_from_where_the_line_stands():
    found = posted().put(*both(), *both("4090", lines=(line("4100", "100.00"),), m=2))
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 100, "4090": -100})
    assert steps(found)[1:] == ["reclass#1 journal:1", "reclass#1 journal:2"]


@pytest.mark.parametrize("order", [AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST])
@pytest.mark.parametrize("ran", [True, False])
def test_a_reversal_takes_each_back_whether_it_is_in_qad_or_not(order, ran):
    found = posted().put(*both(), *both("4090", lines=(line("4100", "100.00"),), m=2))
    sink = Sink(found)
    # What QAD refuses is not there.
    sink.books.journals_closed = not ran
    sink.run()
    assert (len(sink.sent) == 3) is ran
    found.restart(order)
    found.put(zuora.draft(updated=LATER))
    assert steps(found)[3:] == [
        "reverse#1 inverse",
        "reverse#1 inverse:journal:1",
        "reverse#1 inverse:journal:2",
        "reverse#1 settle",
    ]
    # Each under the date of what it takes back: no period holds the one without the other.
    assert [str(posting.content.posting_date) for posting in found.postings[3:6]] == [zuora.DAY, str(MAY), str(MAY)]
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {})


def test_one_over_nothing_is_taken_back_with_what_was_moved():
    lines = zuora.item("50.00", "a"), zuora.item("-50.00", "b", processingType="1")
    found = world(policy={"zero_total": "journal"}, daybooks=zuora.ALL_DAYBOOKS).put(
        Daybook(code="ZJRN", active=True), zuora.invoice(*lines)
    )
    [document] = found.postings
    found.put(*both(lines=(document.content.lines[0],)))
    assert booked(Sink(found).run())["4100"] == -50
    found.put(zuora.draft(updated=LATER))
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {})


def test_what_was_corrected_is_moved_no_more_and_what_took_its_place_may_be():
    found = posted().put(*both(), newest(), corrected_by("ada"), corrected_by("bob"))
    assert steps(found)[-2:] == ["reverse#1 settle", "post#2 document"]
    assert {posting.content.posting_date for posting in found.postings[2:]} == {MAY}
    assert booked(Sink(found).run()) == {"control": 100, "4100": -100}
    found.put(*both("4090", lines=(line("4100", "100.00"),), n=2))
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 100, "4090": -100})
    assert last(found).step == "journal:1"
    assert len({posting.reference for posting in found.postings}) == len(found.postings)


def test_what_does_not_stand_is_not_moved():
    found = posted().put(zuora.draft(updated=LATER))
    made = steps(found)
    found.put(*both(), zuora.replayed(INVOICE))
    assert steps(found)[: len(made)] == made
    assert not [step for step in steps(found) if step.startswith("reclass")]
    found.put(zuora.simple_invoice("80.00", updated=LATEST, postedDate=LATEST))
    assert booked(Sink(found).run()) == {"control": 80, "4000": -80}


def test_over_the_clearing_account_the_account_of_the_journal_moves():
    found = posted(gl="journal", clearing=CLEARING)
    sink = Sink(found).run()
    found.put(*both())
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 100, "4100": -100})
    found.put(zuora.draft(updated=LATER))
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {})


def test_of_a_credit_memo_the_debit_moves():
    found = posted().put(zuora.memo(zuora.memo_item("50.00")))
    memo = last(found)
    found.put(*both(lines=memo.content.lines, document="credit_memo:cm1"))
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 50, "4000": -100, "4100": 50})


@pytest.mark.parametrize(
    ("billed", "gone"),
    [
        (zuora.simple_invoice("30.00", "inv2"), zuora.deleted(RecordKind.INVOICE, "inv2")),
        (zuora.debit_memo(zuora.memo_item("30.00")), zuora.deleted(RecordKind.DEBIT_MEMO, "dm1")),
        (zuora.memo(zuora.memo_item("30.00")), zuora.deleted(RecordKind.CREDIT_MEMO, "cm1")),
        (adjusted("30.00"), adjusted("30.00", Status="Canceled", updated=LATER)),
        (adjusted("30.00", kind="Charge"), adjusted("30.00", kind="Charge", Status="Canceled", updated=LATER)),
    ],
    ids=["invoice", "debit memo", "credit memo", "adjustment", "charge"],
)
def test_whatever_is_billed_is_moved_and_goes_back_when_it_is_gone(billed, gone):
    found = posted()
    sink = Sink(found).run()
    before = booked(sink)
    found.put(billed)
    [made] = (posting for posting in found.postings[1:] if posting.step == "document")
    found.put(*both(lines=made.content.lines, document=made.document))
    assert abs(booked(sink.run())["4100"]) == 30
    found.put(gone)
    assert (booked(sink.run()), sink.stuck) == (before, [])
    assert "inverse:journal:1" in {posting.step for posting in found.postings}


def test_it_is_built_beside_what_zuora_shows_otherwise_and_builds_nothing_else_anew():
    found = posted().put(zuora.simple_invoice("80.00", updated=LATER))
    assert found.standing(INVOICE) == ("parked", "conflict")
    found.put(newest(), *both())
    assert steps(found) == ["post#1 document", "reclass#1 journal:1"]
    assert found.standing(INVOICE) == ("parked", "conflict")


def test_a_closed_period_holds_it_until_it_opens():
    found = posted().put(zuora.period(5, is_open=False), *both())
    assert (steps(found), found.standing(INVOICE)) == (["post#1 document"], ("waiting", "period_closed"))
    found.restart()
    found.put(zuora.period(5))
    assert steps(found)[-1] == "reclass#1 journal:1"
    assert found.standing(INVOICE)[0] == "released"


def test_what_was_moved_in_a_period_that_has_closed_holds_what_takes_it_back():
    found = posted().put(*both(), zuora.period(5, is_open=False), zuora.draft(updated=LATER))
    assert (steps(found)[-1], found.standing(INVOICE)) == ("reclass#1 journal:1", ("waiting", "period_closed"))
    found.put(zuora.period(5))
    assert steps(found)[-1] == "reverse#1 settle"
    assert booked(Sink(found).run()) == {}


def test_the_document_goes_on_while_it_waits():
    found = posted().put(zuora.period(5, is_open=False), *both(), zuora.draft(updated=LATER))
    assert (steps(found)[-1], found.standing(INVOICE)[0]) == ("reverse#1 settle", "released")
    assert booked(Sink(found).run()) == {}


@pytest.mark.parametrize(
    "account",
    [
        GlAccount(code="4100", active=False),
        GlAccount(code="4100", active=True, cost_centre_required=True),
        GlAccount(code="4100", active=True, account_type="CUSTOMER_CONTROL"),
    ],
)
def test_an_account_that_takes_no_journal_parks_it_until_it_does(account):
    found = posted().put(account, *both())
    assert (steps(found), found.standing(INVOICE)) == (["post#1 document"], ("parked", "gl_account_unfit"))
    found.put(GlAccount(code="4100", active=True))
    assert steps(found)[-1] == "reclass#1 journal:1"


def test_until_it_is_sent_it_goes_by_the_daybook_of_the_newest_mapping():
    found = posted().put(*both(), *both("4090", lines=(line("4100", "100.00"),), m=2))
    other = msgspec.structs.replace(zuora.ALL_DAYBOOKS, journal="ZJR2")
    found.put(Daybook(code="ZJR2", active=True), zuora.published(2, daybooks=other), zuora.replayed(INVOICE))
    anew = [posting for posting in found.postings if posting.act.value == "reclass"]
    assert [one.content.daybook for one in anew] == ["ZJRN", "ZJRN", "ZJR2", "ZJR2"]
    assert [one.id for one in anew[:2]] == [one.id for one in anew[2:]]
    assert [one.content.lines for one in anew[:2]] == [one.content.lines for one in anew[2:]]
    found.put(zuora.draft(updated=LATER))
    # Also when it is taken back, as long as neither is sent.
    made = len(found.postings)
    other = msgspec.structs.replace(zuora.ALL_DAYBOOKS, journal="ZJR3")
    found.put(Daybook(code="ZJR3", active=True), zuora.published(3, daybooks=other), zuora.replayed(INVOICE))
    anew = [posting for posting in found.postings[made:] if ":" in posting.step]
    assert [(one.step, one.content.daybook) for one in anew] == [
        ("journal:1", "ZJR3"),
        ("journal:2", "ZJR3"),
        ("inverse:journal:1", "ZJR3"),
        ("inverse:journal:2", "ZJR3"),
    ]
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {})


def test_what_was_asked_for_before_and_is_not_answered_is_done_too():
    found = posted()
    for event in (newest(), zuora.replayed(INVOICE), *both()):
        found.append(event)
    found.settle()
    assert steps(found)[1:] == ["post#1 document", "reclass#1 journal:1"]
    assert found.postings[1].content.lines[0].account == "4100"
    assert [event.input_pass for event in found.sets] == ["live", "replay:1"]


def test_a_payment_is_not_moved():
    found = posted().put(zuora.payment("60.00"), *both(document="payment:pay1", lines=(line("1010", "60.00"),)))
    assert steps(found) == ["post#1 document", "post#1 document"]
