"""What stands in QAD although the log of outcomes lost it, waits, and is undone in Zuora: it never ends silently."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from adapters.kafka.sink_calls import Limits
from schemas.mapping import Daybooks
from schemas.topics import Topic
from streams.ports import FoundInQad
from tests.simulation.house import House
from tests.simulation.qad import Line
from tests.simulation.test_receipts_found import applications, lose_all_outcomes, read, receipt_of, standing_still
from tests.simulation.zuora import DAYS
from tests.unit import builders as zuora

A_DAY_S = 86_400.0
SINK_POINTS = (
    "producer.before_commit",
    "producer.after_commit",
    "the question",
    "the call",
    "the answer",
    "bookmark.begins",
    "bookmark.committed",
    "acknowledge",
    "commit",
)


@pytest.fixture(params=[8.0, 20.0], ids=["", "settles for longer than a receipt waits for its invoices"])
def house(request, monkeypatch, house):
    limits = Limits(concurrency=2, intended_ahead=5, age_s=1.0, settle_s=request.param)
    monkeypatch.setattr("tests.simulation.house.LIMITS", limits)
    return house


@pytest.fixture
def finds_no_adjustments(monkeypatch):
    monkeypatch.setattr(Line, "can_find", lambda line, kind: kind != "adjustment")


def the_only(house: House, kind: str) -> FoundInQad:
    [found] = [one for [one] in house.qad.documents.values() if house.qad.kinds[one.reference] == kind]
    return found


def change_by_hand(house: House) -> FoundInQad:
    """Have a person change the invoice's date in QAD, and return it as it was: it will be in conflict."""
    invoice = the_only(house, "invoice")
    house.qad.documents[invoice.reference] = [msgspec.structs.replace(invoice, day=date(2026, 3, 11))]
    return invoice


def mend(house: House, invoice: FoundInQad) -> None:
    house.qad.documents[invoice.reference] = [invoice]
    for _ in range(3):
        house.release()
        house.rest()


def restart(house: House) -> None:
    house.loop.call_soon(house.running("sink").die)
    house.rest()


def outcomes_end(house: House) -> int:
    return len(house.log.topics[Topic.OUTCOMES.value])


def waits_untraced(house: House) -> FoundInQad:
    """Have an application of 60 stand in QAD, and wait by the log for its invoice, which is in conflict."""
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 60)
    read(house, "payment:p1", "invoice:i1")
    assert applications(house) == 1
    invoice = change_by_hand(house)
    lose_all_outcomes(house)
    return invoice


def take_back(house: House, amount: int) -> None:
    house.zuora.unapply("p1", "i1", amount)
    read(house, "payment:p1")
    house.rest()


def newer_content(house: House) -> None:
    before = len(house.log.topics[Topic.POSTINGS.value])
    house.publish(daybooks=Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZCRN"))
    house.tell(Topic.DECISIONS, zuora.replayed("payment:p1"))
    house.rest()
    assert len(house.log.topics[Topic.POSTINGS.value]) > before


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("newer", [False, True], ids=["", "newer content comes first"])
@pytest.mark.parametrize("amount", [60, 20])
def test_an_application_that_is_taken_back(house, amount, newer, restarts):
    invoice = waits_untraced(house)
    if newer:
        newer_content(house)
    if restarts:
        restart(house)
    take_back(house, amount)
    mend(house, invoice)
    assert (house.wrong(), applications(house)) == ([], 2)


@pytest.mark.parametrize("point", SINK_POINTS)
@pytest.mark.parametrize("passings", [0, 1, 2])
def test_wherever_the_sink_is_killed_meanwhile(house, point, passings):
    invoice = waits_untraced(house)
    house.broker.fuses["sink", point] = passings
    take_back(house, 60)
    mend(house, invoice)
    assert (house.wrong(), applications(house)) == ([], 2)


def test_qad_is_away_when_it_would_be_asked(house):
    invoice = waits_untraced(house)
    restart(house)
    house.qad.down = True
    house.zuora.unapply("p1", "i1", 60)
    read(house, "payment:p1")
    house.run_for(100)
    house.qad.come_back()
    house.rest()
    mend(house, invoice)
    assert (house.wrong(), applications(house)) == ([], 2)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_person_takes_it_out_of_qad_and_releases_it(house, restarts):
    waits_untraced(house)
    take_back(house, 60)
    del house.qad.documents[the_only(house, "adjustment").reference]
    house.tell(Topic.DECISIONS, zuora.released("payment:p1"))
    house.rest()
    if restarts:
        restart(house)
    assert not [one for one in house.judge.left_behind() if "allocate" in one]


@pytest.mark.parametrize("newer", [False, True], ids=["", "newer content comes first"])
@pytest.mark.parametrize("restarts", [False, True])
def test_where_nobody_can_look_a_person_decides(house, finds_no_adjustments, newer, restarts):
    invoice = waits_untraced(house)
    if newer:
        newer_content(house)
    if restarts:
        restart(house)
    house.qad.documents[invoice.reference] = [invoice]
    house.release()
    house.rest()
    assert (standing_still(house), applications(house), house.judge.violations) == (["log_not_whole"], 1, [])


def test_what_was_taken_back_before_it_was_sent_is_no_part_of_what_stands_there(house):
    """40 of 60 went, since 20 had been taken back by then: both are known again when the log is lost."""
    house.qad.refused.add("?")
    house.zuora.bill("i1", 100, account="acc1")
    read(house, "invoice:i1")
    house.qad.refused.clear()
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 60)
    read(house, "payment:p1")
    take_back(house, 20)
    house.release()
    house.rest()
    assert (house.wrong(), the_only(house, "adjustment").document.total) == ([], Decimal(40))
    invoice = change_by_hand(house)
    lose_all_outcomes(house)
    mend(house, invoice)
    assert (house.wrong(), applications(house)) == ([], 1)


@pytest.mark.parametrize("restarts", [False, True])
def test_the_receipt_that_carries_it_stands_there_untraced_too(house, restarts):
    house.publish(policy={"cash_waits": True})
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    read(house, "invoice:i1", "payment:p1")
    assert (receipt_of(house).allocated, applications(house)) == (60, 0)
    invoice = change_by_hand(house)
    lose_all_outcomes(house)
    if restarts:
        restart(house)
    take_back(house, 60)
    mend(house, invoice)
    assert (house.wrong(), applications(house)) == ([], 1)


def refused_then_sent(house: House, *documents: str) -> None:
    """Have a closed period refuse documents, and take them an hour later; the log loses all that was said since."""
    house.close_period(3, shown=False)
    read(house, *documents)
    before = outcomes_end(house)
    house.qad.closed_months.clear()
    house.run_for(3700.0)
    assert len(house.qad.documents) == len(documents)
    house.cut(outcomes_end(house) - before)
    house.run_for(60.0)


def test_an_invoice_that_was_refused_and_then_sent_is_undone(house):
    house.zuora.bill("i1", 100, account="acc1")
    refused_then_sent(house, "invoice:i1")
    house.zuora.undo("i1")
    house.read_all()
    house.settle()
    house.run_for(A_DAY_S)
    assert house.wrong() == []


def test_what_a_receipt_carries_that_was_refused_and_then_sent_is_taken_back(house):
    house.zuora.today = DAYS[1]
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.today = DAYS[0]
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    refused_then_sent(house, "payment:p1", "invoice:i1")
    assert (receipt_of(house).allocated, applications(house)) == (60, 0)
    house.zuora.unapply("p1", "i1", 60)
    house.read_all()
    house.settle()
    house.run_for(A_DAY_S)
    assert house.wrong() == []
