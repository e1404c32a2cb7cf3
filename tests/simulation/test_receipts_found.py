"""Receipts that are found in QAD when the log of outcomes has lost what they were sent with."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from schemas.outcomes import Parked
from schemas.topics import Topic
from streams.ports import Adjustment, Command, FoundInQad
from tests.simulation.house import House
from tests.simulation.qad import BROKEN, Qad
from tests.simulation.zuora import DAYS

pytestmark = pytest.mark.usefixtures("settles")

CARRIED_OR_NOT = "carried_or_not"


@pytest.fixture
def shows_nothing(monkeypatch):
    """Have QAD's browse show no receipt's allocated amount, as where the profile names no column for it."""
    really = Qad.commit

    def commit(qad: Qad, command: Command) -> object:
        accepted = really(qad, command)
        found = qad.documents[command.reference]
        found[-1] = msgspec.structs.replace(found[-1], allocated=None)
        return accepted

    monkeypatch.setattr(Qad, "commit", commit)


def read(house: House, *documents: str) -> None:
    for document in documents:
        house.tell(Topic.RECORDS, house.zuora.read(document, newest=True))
        house.run_for(20.0)


def stop_at_the_application(house: House) -> None:
    """Let QAD go away, for good, before it has done the first adjustment that comes."""
    came = house.qad.came

    def goes_away(command: Command) -> None:
        came(command)
        if isinstance(command.payload, Adjustment):
            house.qad.fates.append(BROKEN)
            house.qad.down = True

    house.qad.came = goes_away


def lose_all_outcomes(house: House) -> None:
    """Lose the log, and have QAD back before the sink looks."""
    house.stop_all()
    house.judge.read_again()
    house.qad.came = house.judge._came
    house.qad.heal()
    house.cut(1000)
    house.rest()


def standing_still(house: House) -> list[str]:
    return [said.reason.rule for said in house.judge.outcomes.values() if isinstance(said, Parked)]


def receipt_of(house: House) -> FoundInQad:
    [found] = [one for [one] in house.qad.documents.values() if house.qad.kinds[one.reference] == "receipt"]
    return found


def applications(house: House) -> int:
    return sum(kind == "adjustment" for kind in house.qad.kinds.values())


def alone(house: House, *, applied: int = 100) -> None:
    """Send a receipt before its invoice, and lose its application on the way."""
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.apply("p1", "i1", applied)
    stop_at_the_application(house)
    read(house, "payment:p1", "invoice:i1")
    assert (len(house.qad.documents), applications(house)) == (2, 0)


def carrying(house: House, *, applied: int = 100) -> None:
    """Send a receipt behind its invoice: it carries the application."""
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.apply("p1", "i1", applied)
    read(house, "invoice:i1", "payment:p1")
    assert (len(house.qad.documents), applications(house)) == (2, 0)


@pytest.mark.parametrize("applied", [100, 60])
def test_an_application_that_never_arrived_is_sent(house, applied):
    alone(house, applied=applied)
    lose_all_outcomes(house)
    assert (house.wrong(), applications(house)) == ([], 1)


@pytest.mark.parametrize("applied", [200, 60])
def test_an_application_that_the_receipt_carries_is_not_sent_again(house, applied):
    carrying(house, applied=applied)
    lose_all_outcomes(house)
    assert (house.wrong(), applications(house)) == ([], 0)


def test_an_application_that_stands_by_itself_is_found_by_its_own_reference(house):
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    read(house, "payment:p1", "invoice:i1")
    assert applications(house) == 1
    lose_all_outcomes(house)
    assert (house.wrong(), applications(house)) == ([], 1)


def test_what_stands_by_itself_is_not_counted_among_what_the_receipt_carries(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.bill("i2", 100, account="acc1")
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    house.zuora.apply("p1", "i2", 40)
    read(house, "invoice:i1", "payment:p1", "invoice:i2")
    assert (receipt_of(house).allocated, applications(house)) == (60, 1)
    lose_all_outcomes(house)
    assert (house.wrong(), applications(house)) == ([], 1)


def test_what_stands_by_itself_is_not_sent_again_by_an_owner_that_has_not_read_what_qad_holds(house):
    """A person mends the receipt's date when the log is whole again: nobody reads all of QAD any more."""
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    read(house, "payment:p1", "invoice:i1")
    assert applications(house) == 1
    receipt = receipt_of(house)
    changed = msgspec.structs.replace(receipt, day=date(2026, 3, 11))
    house.qad.documents[receipt.reference] = [changed]
    lose_all_outcomes(house)
    assert standing_still(house) == ["conflict"]
    house.loop.call_soon(house.running("sink").die)
    house.rest()
    house.qad.documents[receipt.reference] = [receipt]
    house.release()
    house.rest()
    assert (standing_still(house), applications(house)) == ([CARRIED_OR_NOT], 1)
    house.release()
    house.rest()
    assert (house.wrong(), applications(house)) == ([], 1)


def test_what_no_receipt_offered_and_stands_by_itself_is_not_sent_again_by_a_later_owner(house):
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 60)
    read(house, "payment:p1", "invoice:i1")
    assert applications(house) == 1
    receipt = receipt_of(house)
    house.qad.documents[receipt.reference] = [msgspec.structs.replace(receipt, day=date(2026, 3, 11))]
    lose_all_outcomes(house)
    house.loop.call_soon(house.running("sink").die)
    house.rest()
    house.qad.documents[receipt.reference] = [receipt]
    house.release()
    house.rest()
    assert house.wrong() == []


@pytest.mark.parametrize("carries", [True, False])
def test_what_was_taken_back_since_does_not_make_a_receipt_carry_less(house, carries):
    """Of the receipt all is open again, whether it carried the application or not."""
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    read(house, *sorted(["invoice:i1", "payment:p1"], reverse=not carries))
    house.zuora.unapply("p1", "i1", 60)
    house.read_all()
    house.rest()
    made = len(house.qad.documents)
    lose_all_outcomes(house)
    assert (house.wrong(), len(house.qad.documents)) == ([], made)


def test_a_receipt_that_was_refused_once_and_then_sent_carries_what_it_was_sent_with_then(house):
    house.close_period(3, shown=True)
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    house.qad.refused.add("?")
    house.open_period(3)
    read(house, "payment:p1")
    house.qad.refused.clear()
    read(house, "invoice:i1")
    before = len(house.log.topics[Topic.OUTCOMES.value])
    house.release()
    house.run_for(30.0)
    assert receipt_of(house).allocated == 60
    house.cut(len(house.log.topics[Topic.OUTCOMES.value]) - before)
    house.rest()
    assert (house.wrong(), applications(house)) == ([], 0)


# What cannot be told.


def test_where_the_browse_does_not_show_it_a_person_decides_and_a_release_sends_it(shows_nothing, house):
    alone(house)
    lose_all_outcomes(house)
    assert (standing_still(house), applications(house)) == ([CARRIED_OR_NOT], 0)
    house.release()
    house.rest()
    assert (house.wrong(), applications(house)) == ([], 1)


def test_what_cannot_be_told_says_where_to_look_and_what_to_do(shows_nothing, house):
    alone(house, applied=60)
    lose_all_outcomes(house)
    [said] = [one for one in house.judge.outcomes.values() if isinstance(one, Parked)]
    receipt = receipt_of(house).document
    assert f"{receipt.daybook} {receipt.voucher} of {receipt.year}" in said.reason.message
    assert "60 EUR to invoice:i1" in said.reason.message
    assert "release the document" in said.reason.next_step
    assert (said.value, said.currency) == (Decimal(60), "EUR")


def test_what_may_be_carried_is_never_sent_by_itself(shows_nothing, house):
    carrying(house, applied=60)
    lose_all_outcomes(house)
    for _ in range(2):
        house.cut(0)
        house.replay("match", "ledger")
        house.publish()
        house.rest()
    assert (standing_still(house), applications(house)) == ([CARRIED_OR_NOT], 0)
    # It is as it should be in QAD, and says that it stands still.
    assert (house.judge.owed("invoice:i1"), len(house.judge.left_behind())) == (140, 1)


def test_what_may_be_carried_and_is_taken_back_in_zuora_waits_for_the_person(shows_nothing, house):
    carrying(house, applied=60)
    lose_all_outcomes(house)
    house.zuora.unapply("p1", "i1", 60)
    house.read_all()
    house.rest()
    assert (standing_still(house), applications(house)) == ([CARRIED_OR_NOT], 0)
    assert len(house.judge.left_behind()) == 2


def test_of_two_applications_of_which_a_receipt_carries_one_none_is_guessed(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.bill("i2", 100, account="acc1")
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    house.zuora.apply("p1", "i2", 40)
    stop_at_the_application(house)
    read(house, "invoice:i1", "payment:p1", "invoice:i2")
    assert (receipt_of(house).allocated, applications(house)) == (60, 0)
    lose_all_outcomes(house)
    assert (standing_still(house), applications(house)) == ([CARRIED_OR_NOT] * 2, 0)
