"""What stands in QAD although the log of outcomes lost it, waits, and is undone in Zuora: it never ends silently."""

import asyncio
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from adapters.kafka import sink_audit, sink_session
from schemas.mapping import Daybooks
from schemas.topics import Topic
from streams.ports import Adjustment, Command, FoundInQad
from tests.simulation.house import House
from tests.simulation.qad import LATE, LOST_REQUEST, Line
from tests.simulation.test_receipts_found import applications, lose_all_outcomes, read, receipt_of, standing_still
from tests.simulation.zuora import DAYS
from tests.unit import builders as zuora

pytestmark = pytest.mark.usefixtures("settles")

A_DAY_S = 86_400.0
# Applications are built anew with them.
OTHER_DAYBOOKS = Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZCRN")
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
    house.publish(daybooks=OTHER_DAYBOOKS)
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


def applied_and_taken_back_before_it_was_sent(house: House) -> None:
    """Have 40 of 60 go, since 20 were taken back while QAD still refused the invoice."""
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


def test_what_was_taken_back_before_it_was_sent_is_no_part_of_what_stands_there(house):
    applied_and_taken_back_before_it_was_sent(house)
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


@pytest.mark.parametrize("seed", range(8))
def test_what_undoes_first_acts_first_however_long_qad_takes_to_answer(seed):
    """Nothing of it is in QAD; the log has lost its end once, and a later owner asks one by one."""
    with House(seed).open() as house:
        house.start_all()
        house.zuora.receive("p1", 200, account="acc1")
        house.zuora.bill("i1", 200, account="acc1")
        house.zuora.today = DAYS[1]
        house.zuora.apply("p1", "i1", 30)
        read(house, "payment:p1")
        lose_all_outcomes(house)
        restart(house)
        house.zuora.unapply("p1", "i1", 20)
        house.zuora.apply("p1", "i1", 40)
        house.zuora.unapply("p1", "i1", 50)
        for document in ("invoice:i1", "payment:p1"):
            house.tell(Topic.RECORDS, house.zuora.read(document, newest=True))
        house.settle()
        assert house.wrong() == []


@pytest.mark.parametrize("seed", range(8))
def test_of_two_that_took_back_the_one_that_stands_in_qad_cancels_nothing(seed):
    """60 applied; 20 taken back before it was sent, 20 after: in QAD stand 40 and -20."""
    with House(seed).open() as house:
        house.start_all()
        applied_and_taken_back_before_it_was_sent(house)
        take_back(house, 20)
        assert (house.wrong(), applications(house)) == ([], 2)
        invoice = change_by_hand(house)
        lose_all_outcomes(house)
        mend(house, invoice)
        assert (house.wrong(), applications(house)) == ([], 2)


def test_what_an_opening_pays_that_nobody_loaded_is_not_in_qad(house, monkeypatch):
    """As the adapter: an opening is no kind of document that a profile has a look-up for."""
    monkeypatch.setattr(Line, "can_find", lambda line, kind: kind != "opening")
    del house.qad.books.openings["CMOLD"]
    house.zuora.bill("i1", 200, account="acc2")
    house.zuora.apply("cmold", "i1", 60)
    read(house, "invoice:i1", "credit_memo:cmold")
    assert standing_still(house) == ["opening_not_found"]
    lose_all_outcomes(house)
    house.zuora.unapply("cmold", "i1", 60)
    read(house, "credit_memo:cmold")
    house.settle()
    assert not [one for one in house.judge.left_behind() if "allocate" in one]


def test_who_waits_for_the_receipt_goes_on_when_that_carries_nothing(house):
    """The application waits for an invoice that QAD refuses."""
    house.zuora.receive("p1", 200, account="acc1")
    refused_then_sent(house, "payment:p1")
    house.zuora.today = DAYS[1]
    house.close_period(4, shown=False)
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    read(house, "invoice:i1", "payment:p1")
    house.zuora.unapply("p1", "i1", 60)
    read(house, "payment:p1")
    house.run_for(A_DAY_S)
    assert not [one for one in house.judge.left_behind() if "allocate" in one]


def test_newer_content_comes_while_what_was_lost_is_still_looked_for(house, monkeypatch):
    """As where a million postings stand behind the commit."""
    really = sink_audit.Audit.lost

    async def slowly(audit, *args):
        await asyncio.sleep(60.0)
        return await really(audit, *args)

    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 60)
    read(house, "payment:p1", "invoice:i1")
    invoice = change_by_hand(house)
    monkeypatch.setattr(sink_audit.Audit, "lost", slowly)
    house.cut(1000)
    house.run_for(5.0)
    house.publish(daybooks=OTHER_DAYBOOKS)
    house.tell(Topic.DECISIONS, zuora.replayed("payment:p1"))
    house.run_for(20.0)
    house.zuora.unapply("p1", "i1", 60)
    house.tell(Topic.RECORDS, house.zuora.read("payment:p1", newest=True))
    house.rest()
    mend(house, invoice)
    assert (house.wrong(), applications(house)) == ([], 2)


def test_the_receipt_is_taken_up_again_after_what_it_carries(house, monkeypatch):
    """Another daybook for receipts: it alone is built anew, long after its application."""
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    read(house, "invoice:i1", "payment:p1")
    house.zuora.today = DAYS[1]
    house.close_period(4, shown=False)
    house.zuora.unapply("p1", "i1", 60)
    read(house, "payment:p1")
    house.publish(daybooks=Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZCRN", adjustment="ZADJ"))
    house.tell(Topic.DECISIONS, zuora.replayed("payment:p1"))
    house.run_for(20.0)
    monkeypatch.setattr(sink_session, "_TAKEN_UP_AT_ONCE", 1)
    lose_all_outcomes(house)
    house.qad.closed_months.clear()
    house.run_for(A_DAY_S)
    assert (house.wrong(), applications(house)) == ([], 1)


# Intents that outlived what came after them.


@pytest.mark.parametrize("takes_back", [False, True])
def test_a_receipt_that_was_refused_and_sent_again_is_in_conflict(house, takes_back):
    """The intent that is known carries nothing; the one that was lost carried its application."""
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    house.qad.refused.add("?")
    read(house, "payment:p1")
    house.qad.refused.clear()
    read(house, "invoice:i1")
    before = outcomes_end(house)
    house.release()
    house.run_for(30.0)
    receipt = receipt_of(house)
    assert receipt.allocated == 60
    house.qad.documents[receipt.reference] = [msgspec.structs.replace(receipt, day=date(2026, 3, 11))]
    house.cut(outcomes_end(house) - before)
    house.settle()
    assert "conflict" in standing_still(house)
    if takes_back:
        house.zuora.unapply("p1", "i1", 60)
        read(house, "payment:p1")
    mend(house, receipt)
    assert (house.wrong(), applications(house)) == ([], int(takes_back))


@pytest.mark.parametrize("takes_back", [False, True])
def test_a_receipt_that_was_in_doubt_refused_and_sent_again(house, takes_back):
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    house.qad.fates.append(LOST_REQUEST)
    house.tell(Topic.RECORDS, house.zuora.read("payment:p1", newest=True))
    house.run_for(2.0)
    house.qad.refused.add("?")
    before = outcomes_end(house)
    house.run_for(60.0)
    house.qad.refused.clear()
    read(house, "invoice:i1")
    house.release()
    house.run_for(30.0)
    assert receipt_of(house).allocated == 60
    house.stop_all()
    house.cut(outcomes_end(house) - before)
    if takes_back:
        house.zuora.unapply("p1", "i1", 60)
        read(house, "payment:p1")
    house.settle()
    assert (house.wrong(), applications(house)) == ([], int(takes_back))


def test_what_was_refused_then_sent_and_nobody_can_look_up_is_not_sent_again(house, finds_no_adjustments):
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 60)
    house.close_period(4, shown=False)
    read(house, "payment:p1", "invoice:i1")
    before = outcomes_end(house)
    house.qad.closed_months.clear()
    house.run_for(3700.0)
    assert applications(house) == 1
    house.cut(outcomes_end(house) - before)
    house.run_for(A_DAY_S)
    assert (house.judge.violations, applications(house), standing_still(house)) == ([], 1, ["log_not_whole"])


@pytest.mark.parametrize("takes_back", [False, True])
def test_the_owner_that_noticed_the_loss_dies_before_qad_could_be_asked(house, takes_back):
    """The application waits for its invoice by the log; both went since, the application late."""
    house.zuora.receive("p1", 200, account="acc1")
    house.zuora.bill("i1", 200, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 60)
    house.qad.refused.add("?")
    read(house, "invoice:i1")
    house.qad.refused.clear()
    read(house, "payment:p1")
    house.rest()
    before, came, sent = outcomes_end(house), house.qad.came, []

    def late(command: Command) -> None:
        came(command)
        if isinstance(command.payload, Adjustment) and not sent:
            sent.append(command)
            house.qad.fates.append(LATE)

    house.qad.came = late
    house.qad.random.seed(5)
    house.release()
    while not sent:
        house.run_for(0.1)
    house.run_for(0.3)
    assert applications(house) == 0
    if takes_back:
        house.zuora.unapply("p1", "i1", 60)
        house.tell(Topic.RECORDS, house.zuora.read("payment:p1", newest=True))
        house.run_for(0.05)
    house.cut(outcomes_end(house) - before)
    house.run_for(0.1)
    house.loop.call_soon(house.running("sink").die)
    house.settle()
    assert (house.wrong(), applications(house)) == ([], 1 + takes_back)
