"""What two people decide to correct: taken back and posted anew by the newest mapping, on a day of theirs."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.decisions import DocumentCorrected
from schemas.mapping import Analysis
from schemas.references import Daybook
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import World, world

INVOICE = "invoice:inv1"
MAY = date(2026, 5, 4)
LATER = "2026-03-11T10:00:00Z"
# Another account for the same revenue.
LINES = (zuora.LineRow(code="Subscription Revenue", account="4100", revenue="recognized"), *zuora.lines()[1:])


def by(person: str, n: int = 1, *, document: str = INVOICE, day: date = MAY) -> DocumentCorrected:
    made = zuora.replayed(document)
    fields = {"connection": made.connection, "at": made.at, "document": document, "number": document}
    return DocumentCorrected(by=person, n=n, day=day, why="wrong account", **fields)


def steps(found: World) -> list[str]:
    return [f"{posting.act.value}#{posting.n} {posting.step}" for posting in found.postings]


def booked(sink: Sink) -> dict[str, Decimal]:
    return {account: amount for (_, account), amount in sink.books.ledger.items() if amount}


def posted(**policy: Any) -> World:
    return world(policy=policy or None, daybooks=zuora.ALL_DAYBOOKS).put(
        Daybook(code="ZJRN", active=True), zuora.simple_invoice()
    )


def newest(policy: dict[str, Any] | None = None) -> zuora.MappingPublished:
    return zuora.published(2, policy=policy, lines=LINES, daybooks=zuora.ALL_DAYBOOKS)


def test_approved_it_is_taken_back_and_posted_anew_by_the_newest_mapping_in_the_open_period():
    found = posted()
    sink = Sink(found).run()
    found.put(newest(), by("ada"), by("bob"))
    assert steps(found)[1:] == ["reverse#1 inverse", "reverse#1 settle", "post#2 document"]
    inverse, _, anew = (posting.content for posting in found.postings[1:])
    assert (inverse.posting_date, anew.posting_date) == (MAY, MAY)
    assert (str(anew.document_date), str(anew.original_date)) == (zuora.DAY, zuora.DAY)
    sink.run()
    assert (sink.stuck, booked(sink), sink.open_of(INVOICE, 2)) == ([], {"control": 100, "4100": -100}, 100)


@pytest.mark.parametrize("people", [["ada"], ["ada", "ada"], ["ada", "ADA"]])
def test_one_person_alone_changes_nothing(people):
    found = posted().put(newest(), *map(by, people))
    found.restart()
    assert steps(found) == ["post#1 document"]


def test_it_is_done_once_whatever_comes_after():
    found = posted().put(newest(), by("ada"), by("bob"))
    made = steps(found)
    found.put(by("eve"), zuora.replayed(INVOICE), zuora.simple_invoice(updated=LATER))
    found.restart()
    assert steps(found) == made
    found.put(by("ada", 2), by("bob", 2))
    assert steps(found)[-1] == "post#3 document"
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 100, "4100": -100})


def test_what_is_applied_to_it_goes_to_its_new_posting():
    found = posted().put(zuora.payment("60.00", zuora.row("60.00", "r1", created=LATER), updated=LATER))
    sink = Sink(found).run()
    found.put(newest(), by("ada"), by("bob"))
    sink.run()
    assert (sink.stuck, sink.open_of(INVOICE, 2)) == ([], 40)
    assert booked(sink) == {"control": 40, "4100": -100, "1010": 60}


def test_over_the_clearing_account_the_journal_is_taken_back_as_well():
    policy = {"gl": "journal", "clearing": Analysis(account="1999")}
    found = posted(**policy)
    sink = Sink(found).run()
    found.put(newest(policy), by("ada"), by("bob"))
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 100, "4100": -100})
    assert steps(found)[-2:] == ["post#2 document", "post#2 journal"]


def test_a_correction_settles_a_conflict_that_zuora_made():
    found = posted().put(zuora.simple_invoice("80.00", updated=LATER))
    assert found.standing(INVOICE) == ("parked", "conflict")
    found.put(by("ada"), by("bob"))
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 80, "4000": -80})


def test_what_cannot_be_posted_anew_stays_as_it_is_until_it_can():
    found = posted().put(zuora.published(2, lines=zuora.lines()[1:], daybooks=zuora.ALL_DAYBOOKS), by("ada"), by("bob"))
    assert (steps(found), found.standing(INVOICE)) == (["post#1 document"], ("parked", "unmapped_code"))
    found.put(msgspec.structs.replace(newest(), version=3))
    assert steps(found)[-1] == "post#2 document"


def test_a_closed_period_holds_it_until_it_opens():
    found = posted().put(zuora.period(5, is_open=False), newest(), by("ada"), by("bob"))
    assert (steps(found), found.standing(INVOICE)) == (["post#1 document"], ("waiting", "period_closed"))
    found.put(zuora.period(5))
    assert steps(found)[-1] == "post#2 document"


def test_a_credit_memo_that_is_applied_is_not_corrected():
    memo = zuora.memo(zuora.memo_item("50.00"), rows=[zuora.row("50.00", "r1")])
    found = posted().put(memo, newest(), by("ada", document="credit_memo:cm1"), by("bob", document="credit_memo:cm1"))
    assert found.standing("credit_memo:cm1") == ("parked", "corrected_and_applied")
    assert "post#2 document" not in steps(found)


def test_an_opening_item_is_never_corrected():
    old = zuora.simple_invoice(invoiceDate="2025-12-10", postedDate="2025-12-10T10:00:00Z")
    found = world().put(old, by("ada"), by("bob"))
    assert (found.standing(INVOICE), steps(found)) == (("ignored", "before_cut_over"), [])


def test_what_took_its_place_keeps_the_day_that_people_decided_under_a_newer_mapping():
    found = posted().put(newest(), by("ada"), by("bob"))
    again = zuora.published(3, policy={"closed_period": "first_open"}, lines=LINES, daybooks=zuora.ALL_DAYBOOKS)
    found.put(again, zuora.replayed(INVOICE))
    assert {one.posting_date for one in found.contents("invoice")[1:]} == {MAY}
