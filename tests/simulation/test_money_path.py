"""Histories in which a fresh reading of the money path found a document doubled, half undone, or standing still."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest
from aiokafka.errors import KafkaError

from adapters.kafka.crashes import CRASHES_MAX
from schemas.errors import Rejected
from schemas.outcomes import Ignored, Waiting
from schemas.reasons import Reason
from schemas.topics import OVERHEAD_BYTES, SPEC, Topic
from streams.ports import Accepted, Adjustment, Command
from tests.simulation.house import House
from tests.simulation.kafka import Consumer, Entry
from tests.simulation.machine import OTHER_ACCOUNT
from tests.simulation.qad import BROKEN, LOST_REPLY, LOST_REQUEST, Line
from tests.simulation.zuora import DAYS
from tests.unit import builders as zuora

A_DAY_S = 86_400.0


def bill(house: House, *names: str) -> None:
    for name in names:
        house.zuora.bill(name, 100, account="acc1")
    house.read_all()


def kill(house: House, stage: str) -> None:
    house.loop.call_soon(house.running(stage).die)


def outcomes_end(house: House) -> int:
    return len(house.log.topics[Topic.OUTCOMES.value])


def said_by_another(origin: int) -> Ignored:
    """Return an outcome of a stage whose lane nobody runs here."""
    reason = Reason(rule="not_found", message="it was deleted since")
    return Ignored(
        connection=zuora.CONNECTION, stage="read", subject="a:b", document="a:b", origin=origin, reason=reason
    )


def changed_in_qad(house: House) -> None:
    """Bill i1, have a person change its date in QAD, and lose the log of outcomes: its reference is in conflict."""
    bill(house, "i1")
    house.rest()
    [found] = house.qad.documents.values()
    found[0] = msgspec.structs.replace(found[0], day=date(2026, 3, 11))
    house.cut(100)
    house.rest()
    assert [said.reason.rule for said in house.judge.outcomes.values()] == ["conflict"]


# Newer content.


def test_the_newest_content_of_what_waits_is_sent(house):
    house.qad.refused.add("?")
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.receive("cm1", 40, account="acc1", refers_to="i1")
    house.read_all()
    house.rest()
    house.publish(lines=OTHER_ACCOUNT)
    house.replay("ledger")
    house.rest()
    house.qad.refused.clear()
    house.release()
    house.rest()
    assert (house.wrong(), house.qad.books.ledger["EUR", "4000"]) == ([], 0)


def test_the_newest_content_of_what_is_not_intended_is_sent_when_qad_is_back(house):
    house.qad.down = True
    names = [f"i{number}" for number in range(10)]
    bill(house, *names)
    house.run_for(20.0)
    intended = len({said.subject for said in house.judge.outcomes.values()})
    house.publish(lines=OTHER_ACCOUNT)
    for name in names:
        house.tell(Topic.DECISIONS, zuora.replayed(f"invoice:{name}"))
    house.run_for(20.0)
    house.qad.come_back()
    house.rest()
    assert (house.wrong(), house.qad.books.ledger["EUR", "4000"]) == ([], -100 * intended)


# What stands still.


def test_the_rest_of_an_unapplication_goes_on_after_a_crash(house):
    bill(house, "i1")
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.apply("p1", "i1", 60)
    house.read_all()
    house.rest()
    house.zuora.today = DAYS[1]
    house.close_period(4, shown=False)
    house.zuora.apply("p1", "i1", 40)
    house.read_all()
    house.rest()
    # Of 100, 40 were never sent and cancel out; it is killed before the other 60 are intended.
    house.zuora.today = DAYS[0]
    house.zuora.unapply("p1", "i1", 100)
    house.broker.fuses["sink", "producer.after_commit"] = 0
    house.read_all()
    house.rest()
    assert house.tally["killed: sink at producer.after_commit"] == 1
    assert house.wrong() == []


def test_an_input_that_nobody_can_read_does_not_stop_the_connection(house):
    bill(house, "i1")
    house.rest()
    good = house.log.topics[Topic.POSTINGS.value][-1].value
    bad = good.replace(b'"id":"', b'"id":"x').replace(b'"total"', b'"totals"')
    # The judge reads what is good alone.
    told, house.log.committed = house.log.committed, lambda *_: None
    house.log.append(Topic.POSTINGS.value, Entry(b"", bad))
    house.log.committed = told
    house.rest()
    kill(house, "sink")
    house.run_for(5.0)
    bill(house, "i2")
    house.run_for(300.0)
    assert (house.unexpected[:1], house.judge.owed("invoice:i2")) == ([], 100)


def test_what_a_period_refused_goes_on_although_nobody_saw_it_closed(house):
    house.close_period(3, shown=False)
    bill(house, "i1")
    house.run_for(60.0)
    # The poller writes only what differs from what it wrote last: here nothing does.
    house.qad.closed_months.clear()
    house.run_for(A_DAY_S)
    assert house.wrong() == []


def test_a_release_of_what_cannot_be_looked_up_has_an_effect(house, monkeypatch):
    monkeypatch.setattr(Line, "can_find", lambda line, kind: False)
    house.qad.fates.append(LOST_REQUEST)
    bill(house, "i1")
    house.rest()
    [before] = house.judge.outcomes.values()
    assert "release the document" in before.reason.next_step
    house.release()
    house.rest()
    [after] = house.judge.outcomes.values()
    assert getattr(after, "reason", None) != before.reason


def test_a_stage_lane_closes_although_its_reader_does_not_stop_cleanly(house, monkeypatch):
    failed = []

    async def fails_once(consumer: Consumer) -> None:
        if not failed:
            failed.append(consumer)
            raise KafkaError("the fetcher ended with an error")

    monkeypatch.setattr(Consumer, "stop", fails_once)
    house.loop.call_soon(house.running("match").rebalance)
    house.rest()
    bill(house, "i1")
    house.rest()
    assert (len(failed), house.wrong()) == (1, [])


# What may be in QAD.


@pytest.mark.parametrize("how", ["conflict", "duplicate"])
def test_what_undoes_a_document_that_may_be_in_qad_does_not_end_both_silently(house, monkeypatch, how):
    if how == "conflict":
        changed_in_qad(house)
    else:
        really = house.qad.commit

        def says_duplicate(command: Command) -> None:
            really(command)
            raise Rejected("duplicate", ("it exists",))

        with monkeypatch.context() as patched:
            patched.setattr(house.qad, "commit", says_duplicate)
            patched.setattr(house.qad, "find", lambda reference: None)
            bill(house, "i1")
            house.rest()
    house.zuora.undo("i1")
    house.read_all()
    house.rest()
    # It stands in QAD and not in Zuora: a person must be told.
    assert (house.judge.owed("invoice:i1"), bool(house.judge.left_behind())) == (100, True)


@pytest.mark.parametrize("restarts", [False, True])
def test_what_was_in_conflict_and_is_mended_is_found_when_it_is_released(house, restarts):
    changed_in_qad(house)
    [found] = house.qad.documents.values()
    found[0] = msgspec.structs.replace(found[0], day=date.fromisoformat(DAYS[0]))
    if restarts:
        kill(house, "sink")
        house.rest()
    house.release()
    house.rest()
    assert house.wrong() == []


# What QAD refuses in words that pass.


def locked(house: House, monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[Command]:
    """Have somebody keep open in QAD what the next calls need; return the calls that met it."""
    really, met = house.qad.commit, list[Command]()

    def commit(command: Command) -> Accepted:
        if len(met) < times:
            met.append(command)
            raise Rejected("locked", ("The record is locked by another user.",))
        return really(command)

    monkeypatch.setattr(house.qad, "commit", commit)
    return met


def standings(house: House) -> list[str]:
    return [said.reason.rule for said in house.judge.outcomes.values() if isinstance(said, Waiting)]


def test_a_record_that_is_open_for_a_moment_is_waited_for(house, monkeypatch):
    met = locked(house, monkeypatch, times=3)
    bill(house, "i1")
    house.rest()
    assert (len(met), house.wrong()) == (3, [])


def test_a_record_that_stays_open_is_said_and_tried_again_every_hour(house, monkeypatch):
    met = locked(house, monkeypatch, times=10)
    bill(house, "i1")
    house.run_for(600.0)
    assert (len(met), standings(house), house.qad.documents) == (8, ["locked"], {})
    house.run_for(2 * 3600.0)
    assert (len(met), house.wrong()) == (10, [])


# A log that lost its end.


@pytest.mark.parametrize("others_write", [False, True], ids=["from below", "others write over it"])
def test_a_log_that_loses_its_end_under_a_running_lane_doubles_nothing(house, others_write):
    bill(house, "i1")
    house.rest()
    end, came = outcomes_end(house), house.qad.came

    def goes_away(command: Command) -> None:
        came(command)
        house.qad.down = True

    house.qad.came = goes_away
    house.qad.fates.append(LOST_REPLY)
    bill(house, "i2")
    house.run_for(6.0)
    house.qad.came = came
    # Its intent is lost; another one is written in its place, or behind what other stages wrote there.
    lost = outcomes_end(house) - end
    house.log.cut(Topic.OUTCOMES.value, lost)
    for origin in range(lost if others_write else 0):
        house.tell(Topic.OUTCOMES, said_by_another(origin))
    bill(house, "i3")
    house.run_for(3.0)
    kill(house, "sink")
    house.run_for(3.0)
    house.heal()
    assert house.wrong() == []


def test_a_log_and_a_bookmark_that_go_back_together_double_nothing(house):
    bill(house, "i1")
    house.rest()
    end = outcomes_end(house)
    bill(house, "i2")
    house.run_for(0.9)
    assert len(house.qad.documents) == 2
    house.cut(outcomes_end(house) - end, mark="goes back")
    house.heal()
    assert house.wrong() == []


def test_a_receipt_that_is_found_carries_no_more_than_it_was_sent_with(house):
    house.zuora.receive("p1", 100, account="acc1")
    house.zuora.bill("i1", 100, account="acc1")
    house.zuora.apply("p1", "i1", 100)
    came = house.qad.came

    def goes_away_at_the_application(command: Command) -> None:
        came(command)
        if isinstance(command.payload, Adjustment):
            house.qad.fates.append(BROKEN)
            house.qad.down = True

    house.qad.came = goes_away_at_the_application
    # The payment is read before its invoice and goes alone; its application is a call of its own.
    for document in ("payment:p1", "invoice:i1"):
        house.tell(Topic.RECORDS, house.zuora.read(document, newest=True))
        house.run_for(20.0)
    assert len(house.qad.documents) == 2
    house.qad.came = came
    house.cut(100)
    house.heal()
    assert house.wrong() == []


def test_the_newest_content_of_what_was_in_doubt_is_sent_when_the_older_is_refused(house):
    came = house.qad.came

    def goes_away(command: Command) -> None:
        came(command)
        house.qad.down = True

    # It is refused first: so its first input is done with.
    house.qad.refused.add("?")
    bill(house, "i1")
    house.rest()
    house.qad.refused.clear()
    house.qad.came = goes_away
    house.qad.fates.append(LOST_REQUEST)
    house.release()
    house.run_for(6.0)
    house.qad.came = came
    house.publish(lines=OTHER_ACCOUNT)
    house.tell(Topic.DECISIONS, zuora.replayed("invoice:i1"))
    house.run_for(6.0)
    kill(house, "sink")
    house.run_for(6.0)
    house.qad.refused.add("4000")
    house.qad.come_back()
    house.rest()
    house.settle()
    assert house.wrong() == []


def test_an_output_that_no_topic_takes_does_not_stop_the_connection(house, monkeypatch):
    bill(house, "i1")
    house.rest()
    as_usual = max(len(entry.value) for entry in house.log.topics[Topic.POSTINGS.value])
    monkeypatch.setitem(
        SPEC, Topic.POSTINGS, replace(SPEC[Topic.POSTINGS], message_bytes_max=OVERHEAD_BYTES + as_usual)
    )
    bill(house, "i" * 500)
    house.run_for(60.0)
    bill(house, "i2")
    house.rest()
    assert (house.judge.owed("invoice:i2"), house.judge.violations) == (100, [])
    [letter] = [entry.value for entry in house.log.topics[Topic.DEAD_LETTERS.value]]
    assert b"3 crashes at this record" in letter
    assert len(house.unexpected) == CRASHES_MAX
    assert all("OutputTooLargeError('postings takes" in said for said in house.unexpected)
