"""State that was written down at any moment and folded on is the state that is folded from the whole log."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.events import read_outcome
from schemas.outcomes import AnyOutcome
from schemas.topics import Topic
from streams import waits
from streams.sink.state import SinkState
from tests.unit import sink_data as sink
from tests.unit.keeping import restored
from tests.unit.scripts import STORY, happenings
from tests.unit.test_crashes import told
from tests.unit.world import Lane


def stages(events: Sequence[Any]) -> tuple[Lane, Lane]:
    found, _ = told(events)
    return found.match, found.ledger


def own_outputs(lane: Lane) -> list[tuple[Topic, bytes]]:
    written = [(topic, lane.log[topic][offset]) for topic, offset in lane.log.written if topic in lane.spec.writes]
    return [
        (topic, value)
        for topic, value in written
        if topic is not Topic.OUTCOMES or read_outcome(value).stage == lane.spec.name
    ]


def folded_over(lane: Lane, cut: int) -> Any:
    """Return a core that was folded up to a cut, written down, taken up by another and folded on."""
    outputs = own_outputs(lane)
    before, after = lane.make_core(), lane.make_core()
    for topic, value in outputs[:cut]:
        before.fold(topic, value)
    restored(before.kept, after.kept)
    for topic, value in outputs[cut:]:
        after.fold(topic, value)
    for topic in lane.spec.sides:
        for offset, value in enumerate(lane.log[topic]):
            after.learn(topic, offset, value)
    return after


def test_a_stage_that_is_restored_at_any_cut_is_as_one_that_read_the_whole_log():
    for lane in stages(STORY):
        whole, cuts = lane.folded(), len(own_outputs(lane)) + 1
        assert cuts > 10
        for cut in range(cuts):
            after = folded_over(lane, cut)
            assert after.kept == whole.kept, (lane.spec.name, cut)
            assert after.unsettled() == whole.unsettled(), (lane.spec.name, cut)


@given(happenings, st.data())
@settings(max_examples=60, deadline=None)
def test_so_it_is_whatever_happened(events, data):
    for lane in stages(events):
        cut = data.draw(st.integers(0, len(own_outputs(lane))))
        after, whole = folded_over(lane, cut), lane.folded()
        assert after.kept == whole.kept
        assert after.unsettled() == whole.unsettled()
        assert after.kept == lane.core.kept, "and as one that decided it all"


@given(happenings)
@settings(max_examples=40, deadline=None)
def test_a_restored_stage_decides_as_the_one_that_was_written_down(events):
    """Inputs that come again, and what stands still: the same outputs from both."""
    for lane in stages(events):
        after, whole = folded_over(lane, len(own_outputs(lane))), lane.folded()
        for offset in range(lane.taken):
            for again in ("", "release", "replay"):
                assert after.decide(lane.input(offset, again)) == whole.decide(lane.input(offset, again))


SAID: tuple[Callable[[str], AnyOutcome], ...] = (
    lambda name: sink.waiting(name, waits.posting(sink.name("other"))),
    lambda name: sink.waiting(name, "k", origin=3),
    sink.parked,
    lambda name: sink.intended(name, customer="C2", attempt=2, carried=("x", "y")),
    lambda name: sink.posted(name, 7, carried=("x",)),
    sink.unknown,
    sink.rejected,
    sink.superseded,
    sink.ignored,
    sink.released,
)
said = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(range(len(SAID)))), max_size=25)


@example([("c", 0), ("d", 0)])
@given(said)
@settings(max_examples=150, deadline=None)
def test_the_sink_restored_at_any_cut_is_as_one_that_read_the_whole_log(events):
    outcomes = [SAID[which](name) for name, which in events]
    whole = sink.state(*outcomes)
    for cut in range(len(outcomes) + 1):
        after = restored(sink.state(*outcomes[:cut]), SinkState())
        for outcome in outcomes[cut:]:
            after.take(outcome)
        assert after == whole
        assert after.to_settle() == whole.to_settle()
        assert after.known_sides() == whole.known_sides()
        keys = ["k", waits.posting(sink.name("other")), *(waits.release(f"test:{name}") for name in "abcd")]
        assert after.held_by(keys) == whole.held_by(keys)


def test_states_of_other_stages_have_other_shapes():
    match, ledger = stages(())
    assert len({match.core.kept.shape, ledger.core.kept.shape, SinkState.shape}) == 3
