"""Where a posting stands is folded from outcomes by one rule: nothing after `posted` takes it out of QAD again."""

from datetime import date
from decimal import Decimal

import pytest

from schemas.codec import encode
from schemas.events import read_outcome
from streams import waits
from streams.sink.state import SinkState, Status
from tests.unit.sink_data import (
    DAY,
    disputed,
    ignored,
    intended,
    name,
    parked,
    posted,
    qad,
    rejected,
    released,
    state,
    superseded,
    unknown,
    waiting,
)

A = name("a")


@pytest.mark.parametrize(
    ("outcomes", "status", "doubted", "stands_still", "settled"),
    [
        ([waiting("a")], Status.WAITING, False, True, False),
        ([parked("a")], Status.PARKED, False, True, False),
        ([intended("a")], Status.INTENDED, True, False, False),
        ([intended("a"), unknown("a")], Status.UNKNOWN, True, False, False),
        ([intended("a"), unknown("a"), parked("a")], Status.PARKED, True, False, False),
        ([intended("a"), rejected("a")], Status.REJECTED, False, True, False),
        ([intended("a"), rejected("a"), parked("a")], Status.PARKED, False, True, False),
        ([intended("a"), posted("a")], Status.POSTED, False, False, True),
        ([parked("a"), released("a")], Status.WAITING, False, True, False),
        ([waiting("a"), superseded("a")], Status.SUPERSEDED, False, False, True),
        ([ignored("a")], Status.SUPERSEDED, False, False, True),
        ([intended("a"), rejected("a"), intended("a", attempt=2)], Status.INTENDED, True, False, False),
    ],
)
def test_the_newest_outcome_is_the_standing(outcomes, status, doubted, stands_still, settled):
    found = state(*outcomes)
    standing = found.postings[A]
    assert (standing.status, standing.doubted, standing.stands_still) == (status, doubted, stands_still)
    assert (found.status(A), found.settled(A)) == (status, settled)


@pytest.mark.parametrize("later", [waiting, parked, superseded, ignored, released, rejected, unknown, intended])
def test_nothing_takes_a_posting_out_of_qad_again(later):
    found = state(intended("a"), posted("a", 5), later("a"))
    standing = found.postings[A]
    assert (standing.status, standing.qad, standing.reason) == (Status.POSTED, qad(5), None)
    assert found.held_by([waits.release("test:a")]) == []


def test_what_was_intended_stays_known_until_it_is_settled():
    found = state(intended("a", customer="C2", attempt=3, origin=9, index=2))
    standing = found.postings[A]
    assert (standing.intent.customer, standing.attempt, standing.origin, standing.index) == ("C2", 3, 9, 2)
    found.take(posted("a"))
    assert standing.intent is None


def test_a_receipt_that_is_posted_says_what_it_carries():
    found = state(intended("a", carried=("x", "y")), posted("a", carried=("x", "y")))
    assert found.postings[A].carried == {name("x"), name("y")}


def test_a_posting_is_released_by_what_it_waits_for_and_by_its_document():
    found = state(waiting("a", "k1", "k2"), parked("b", "k2", index=2))
    assert found.held_by(["k1"]) == [A]
    assert found.held_by(["k2", "k1"]) == [A, name("b")]
    assert found.held_by([waits.release("test:b")]) == [name("b")]
    assert found.held_by(["k3"]) == []
    found.take(waiting("a", "k3"))
    assert found.held_by(["k1", "k2"]) == [name("b")]
    found.take(intended("a"))
    assert found.held_by(["k3", waits.release("test:a")]) == []


def test_what_is_released_comes_in_the_order_of_the_inputs():
    found = state(
        waiting("c", "k", origin=2), waiting("b", "k", origin=1, index=2), parked("a", "k", origin=1, index=0)
    )
    assert found.held_by(["k"]) == [A, name("b"), name("c")]


def test_after_a_start_what_is_in_doubt_is_settled_and_what_waits_for_a_posting_is_asked_again():
    found = state(
        posted("done"),
        superseded("gone"),
        intended("intended", origin=1),
        unknown("unknown"),
        rejected("refused"),
        waiting("a", waits.qad_reference("period")),
        waiting("other", waits.posting("x")),
        parked("item", waits.item("x")),
        waiting("rest", cancels={A: Decimal("40.00")}),
        parked("person"),
        intended("conflict"),
        disputed("conflict"),
        waiting("period", waits.qad_reference("period")),
    )
    found.take(intended("doubted", origin=0))
    found.take(parked("doubted", origin=0))
    names = [found.postings[one].number for one in found.to_settle()]
    assert names[:2] == ["doubted", "intended"]
    assert set(names[2:]) == {"unknown", "refused", "other", "item", "rest"}


def test_what_qad_refused_is_found_by_what_it_waits_for_and_its_day():
    later, period = date(2026, 4, 1), waits.qad_reference("period")
    found = state(
        *(intended(one, day=day) for one, day in (("a", DAY), ("b", later), ("c", DAY), ("d", DAY), ("e", DAY))),
        *(rejected(one) for one in "abcde"),
        *(waiting(one, period, index=index) for one, index in (("a", 3), ("b", 2), ("c", 1))),
        waiting("d", waits.posting("x")),
        parked("e", period),
        waiting("never sent", period),
    )
    assert found.refused_alike() == [[name("c"), A], [name("b")]]


def test_what_was_known_when_a_posting_came_to_stand_releases_nothing():
    found = state(parked("a", "k", sides={"decisions": 4, "qad.reference": 9}), waiting("b", "k", index=2))
    assert found.held_by(["k"], topic="decisions", offset=4) == [name("b")]
    assert found.held_by(["k"], topic="decisions", offset=5) == [A, name("b")]
    assert found.held_by(["k"]) == [A, name("b")]
    assert found.known_sides() == {"decisions": 5, "qad.reference": 10}
    found.take(posted("a"))
    assert found.known_sides() == {}


def test_the_index_of_what_waits_does_not_grow():
    found = SinkState()
    for number in range(50):
        found.take(waiting("a", f"k{number}"))
    found.take(intended("a"))
    found.take(posted("a"))
    assert dict(found._waiting) == {}


def test_a_doubt_stays_until_an_answer_whatever_is_said_in_between():
    found = state(intended("a"), parked("a", "k"), waiting("a", "k"), released("a"))
    assert found.postings[A].doubted
    found.take(rejected("a"))
    assert not found.postings[A].doubted


@pytest.mark.parametrize("rule", ["conflict", "duplicate", "unknown_no_look_up", "log_not_whole", "carried_or_not"])
def test_what_may_be_there_and_was_given_to_a_person_is_neither_absent_nor_looked_up_by_itself(rule):
    for before in ([], [intended("a"), unknown("a")], [intended("a"), rejected("a")]):
        standing = state(*before, disputed("a", rule)).postings[A]
        assert (standing.disputed, standing.doubted, standing.stands_still) == (True, False, False)
    found = state(disputed("a", rule), intended("a"))
    assert (found.postings[A].disputed, found.postings[A].doubted) == (False, True)
    found.take(rejected("a"))
    assert found.postings[A].stands_still


def test_the_log_read_back_is_the_state_that_was():
    outcomes = [
        waiting("a", "k"),
        intended("b", carried=("x",)),
        posted("b", carried=("x",), untold=("y",)),
        parked("c"),
        superseded("d"),
    ]
    live, folded = SinkState(), SinkState()
    for outcome in outcomes:
        live.take(outcome)
        folded.take(read_outcome(encode(outcome)))
    assert live == folded
