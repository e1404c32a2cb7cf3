"""Histories that the simulation found, each as short as it came; and that it sees what is wrong."""

from decimal import Decimal

import msgspec
import pytest

from schemas.outcomes import Ignored
from schemas.reasons import Reason
from schemas.topics import Topic
from streams.ports import Adjustment
from tests.simulation.house import House
from tests.simulation.qad import LATE, LOST_REPLY
from tests.simulation.zuora import DAYS
from tests.unit import builders as zuora

# An outcome of a stage whose lane nobody runs here.
SAID_BY_ANOTHER = Ignored(
    connection=zuora.CONNECTION,
    stage="read",
    subject="a:b",
    document="a:b",
    origin=0,
    reason=Reason(rule="not_found", message="it was deleted since"),
)


@pytest.mark.parametrize("fate", [LOST_REPLY, LATE])
def test_a_lost_reply_is_looked_up_and_never_sent_again(house, fate):
    house.zuora.bill("i1", 100, account="acc1")
    house.qad.fates.append(fate)
    house.read_all()
    house.rest()
    assert (house.wrong(), [len(found) for found in house.qad.documents.values()]) == ([], [1])
    assert house.tally[f"call: {fate}"] == 1


def test_a_second_document_is_seen(house):
    house.zuora.bill("i1", 100, account="acc1")
    sent = []
    house.qad.came = sent.append
    house.read_all()
    house.rest()
    house.qad.commit(sent[0])
    assert "I1: two documents for one posting" in house.wrong()
    assert "invoice:i1: 100 in Zuora, 200.00 in QAD" in house.wrong()


def test_a_call_without_its_intent_is_seen(house):
    house.zuora.bill("i1", 100, account="acc1")
    sent, really = [], house.qad.came
    house.qad.came = sent.append
    house.read_all()
    house.rest()
    house.judge.forget_intents()
    really(sent[0])
    assert "I1: called without its intent" in house.wrong()


def test_an_entry_that_does_not_balance_is_seen(house):
    house.zuora.bill("i1", 100, account="acc1")
    sent = []
    house.qad.came = sent.append
    house.read_all()
    house.rest()
    # No content of ours can be built so.
    msgspec.structs.force_setattr(sent[0].payload, "total", Decimal(99))
    house.qad.commit(msgspec.structs.replace(sent[0], reference="R"))
    assert "I1: its entry does not balance, by -1.00" in house.wrong()


def test_what_is_sent_before_what_it_refers_to_is_seen(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.today = DAYS[1]
    house.zuora.apply("p1", "i1", 100)
    sent, really = [], house.qad.came
    house.qad.came = sent.append
    house.read_all()
    house.rest()
    house.judge.outcomes.clear()
    really(next(command for command in sent if isinstance(command.payload, Adjustment)))
    assert "P1 allocate:p1-1: called before document" in house.wrong()


def test_what_is_lost_is_seen(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.read("invoice:i1")
    house.rest()
    assert house.wrong() == ["invoice:i1: 100 in Zuora, 0 in QAD", "GL 4000 and 4100: -100 by Zuora, 0 in QAD"]


def test_money_that_was_given_back_and_stays_in_the_bank_is_seen(house):
    house.zuora.receive("p1", 100, account="acc1")
    assert house.zuora.refund("p1", 40)
    house.zuora.read("refund:r0")
    house.read_all()
    house.rest()
    assert house.wrong() == ["payment:p1: -60 in Zuora, -100.00 in QAD", "GL 1010: 60 by Zuora, 100.00 in QAD"]


def test_money_that_stays_with_whom_it_was_taken_from_is_seen(house):
    house.zuora.receive("p1", 100, account="acc1")
    house.read_all()
    assert house.zuora.transfer("p1", "acc3")
    house.zuora.read("payment:p1")
    house.rest()
    assert house.wrong() == ["payment:p1: acc3 was never ['C1']'s, which have its money in QAD"]


def test_cash_of_nobody_that_stays_so_is_seen(house):
    house.zuora.receive("p1", 100, account="")
    house.read_all()
    house.rest()
    assert house.wrong() == []
    assert house.zuora.transfer("p1", "acc1")
    house.zuora.read("payment:p1")
    assert house.wrong() == ["payment:p1: -100 in Zuora, 0 in QAD", "GL 1999: 0 by Zuora, -100.00 in QAD"]


def test_a_person_moves_what_others_loaded_under_another_customer():
    """Its first version was never read: nobody here saw whose it was."""
    with House(1).open() as house:
        house.start_all()
        assert house.zuora.transfer("pold", "acc3")
        house.heal()
        assert (house.tally["an opening is moved by hand"], house.wrong()) == (1, [])


def test_a_posting_whose_outcome_was_lost_is_found_again(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.qad.refused.add("4000")
    house.read_all()
    house.run_for(5.0)
    house.cut(100)
    house.heal()
    assert house.wrong() == []


def test_a_lane_closes_although_a_commit_fails_at_that_moment(house):
    begun, failed = house.qad.came, []

    def fails(point: str) -> bool:
        if failed or point != "commit is not made":
            return False
        failed.append(point)
        return True

    def came(command):
        house.qad.came = begun
        begun(command)
        sink = house.processes["sink"]
        sink.broker_fails = fails
        house.loop.call_soon(sink.rebalance)

    house.zuora.bill("i1", 100, account="acc1")
    house.qad.came = came
    house.read_all()
    house.rest()
    house.zuora.bill("i2", 100, account="acc1")
    house.read_all()
    house.rest()
    assert (failed, house.wrong()) == (["commit is not made"], [])


def test_a_call_on_its_way_is_waited_for_when_all_outcomes_are_lost(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.qad.fates.append(LATE)
    house.read_all()
    house.run_for(0.3)
    house.cut(100)
    house.rest()
    assert house.tally["the end of outcomes is lost, the mark stays"] == 1
    assert house.wrong() == []


def test_zuora_refuses_to_unpost_an_invoice_that_a_memo_was_made_from(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.receive("cm1", 40, account="acc1", refers_to="i1")
    refused = [house.zuora.unpost("i1"), house.zuora.undo("i1")]
    # In Draft it is a memo all the same; only a cancelled one is none.
    assert house.zuora.unpost_memo("cm1")
    refused.append(house.zuora.unpost("i1"))
    versions = len(house.zuora.versions["invoice:i1"])
    assert house.zuora.cancel_memo("cm1")
    assert (refused, versions, house.zuora.unpost("i1")) == ([False, False, False], 1, True)
    house.read_all()
    house.rest()
    assert (house.wrong(), house.judge.owed("invoice:i1"), house.judge.owed("credit_memo:cm1")) == ([], 0, 0)


def test_zuora_refuses_to_unpost_what_is_applied(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.receive("cm1", 40, account="acc1")
    house.zuora.apply("cm1", "i1", 40)
    assert [house.zuora.unpost("i1"), house.zuora.unpost_memo("cm1"), house.zuora.cancel_memo("cm1")] == [False] * 3
    house.zuora.unapply("cm1", "i1", 40)
    assert [house.zuora.unpost("i1"), house.zuora.unpost_memo("cm1"), house.zuora.cancel_memo("cm1")] == [True] * 3


@pytest.mark.parametrize("failure", ["send is not made", "send is made and not answered"])
def test_what_is_released_stays_so_when_its_posting_could_not_be_written(house, failure):
    house.publish(lines=())
    house.zuora.bill("i1", 100, account="acc1")
    house.read_all()
    house.run_for(1.0)
    # The ledger writes the posting and then "released": the first of both fails.
    house.broker.errors.append(failure)
    house.publish()
    house.rest()
    assert house.tally[f"broker: {failure}"] == 1
    assert house.wrong() == []


def test_a_checkpoint_whose_last_record_is_a_marker_now_does_not_hold_up_its_stage():
    """The end of outcomes is lost; in the place of the last record that was known stands a marker, and then nothing."""
    with House(1, records_newer=1).open() as house:
        house.start_all()
        house.zuora.bill("i1", 100, account="acc1")
        house.read_all()
        house.rest()
        house.tell(Topic.OUTCOMES, SAID_BY_ANOTHER)
        house.rest()
        outcomes = house.log.topics[Topic.OUTCOMES.value]
        known = len(outcomes)
        # The sink has time to write again what it finds in QAD, before the ledger looks at its checkpoint.
        house.broker.fuses["ledger", "consumer.start"] = 0
        house.cut(3)
        house.tell(Topic.OUTCOMES, SAID_BY_ANOTHER)
        for _ in range(15):
            house.run_for(1.0)
            house.broker.fuses["ledger", "consumer.start"] = 0
        assert (len(outcomes), outcomes[-1].is_marker) == (known, True)
        house.broker.fuses.clear()
        house.rest()
        assert (house.tally["a checkpoint is not used: ledger"], house.wrong()) == (1, [])
