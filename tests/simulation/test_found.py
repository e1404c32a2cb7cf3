"""Histories that the simulation found, each as short as it came; and that it sees what is wrong."""

from decimal import Decimal

import msgspec
import pytest

from schemas.topics import Topic
from streams.ports import Adjustment
from tests.simulation.qad import LATE, LOST_REPLY
from tests.simulation.zuora import DAYS
from tests.unit.defects import defect


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
    assert house.wrong() == ["invoice:i1: 100 in Zuora, 0 in QAD"]


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


@defect("the ledger never hears that an invoice was never posted: the match stage ignores it, and the memo waits on")
def test_a_memo_goes_on_when_the_invoice_it_names_was_undone_before_it_was_read(house):
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.receive("cm1", 40, account="acc1", refers_to="i1")
    house.zuora.unpost("i1")
    house.tell(Topic.RECORDS, house.zuora.read("invoice:i1", newest=True))
    house.tell(Topic.RECORDS, house.zuora.read("credit_memo:cm1"))
    house.rest()
    assert house.wrong() == []


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
