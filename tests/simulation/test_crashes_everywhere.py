"""One short history, and a crash at every place in it: each process is killed once at each passing of each point.

A point stands before each thing that others will see: a record, a commit, a call, a write to the disk. So a process is
killed once between every two writes that it makes. Without a crash the history is the same in every run, so the n-th
passing is the same moment in each.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.simulation.house import House
from tests.simulation.process import POINTS
from tests.simulation.qad import LOST_REPLY

# Half a minute of a processor of their own.
pytestmark = pytest.mark.timeout(600)
# What is done in Zuora, one act at a time.
ACTS: tuple[Callable[[House], object], ...] = (
    lambda house: house.zuora.bill("i1", 100, account="acc1"),
    lambda house: house.zuora.receive("p1", 100, account="acc1"),
    lambda house: house.zuora.apply("p1", "i1", 60),
    lambda house: house.zuora.unapply("p1", "i1", 60),
    lambda house: house.zuora.receive("cm1", 40, account="acc1"),
    lambda house: house.zuora.unpost("i1"),
)
# Time between two acts: less than a call takes with its intent and its outcome, so that they overlap.
MOMENT_S = 0.15
# Fewer would say that the history has shrunk: it has 654.
PASSINGS_MIN = 400


@contextmanager
def history(fates: tuple[str, ...], fuse: tuple[str, str] | None = None, passing: int = 0) -> Iterator[House]:
    """Run the history; a process ends at the n-th passing of a point, counted from 0."""
    random.seed(1)  # Pauses between tries are drawn by the product.
    with House(1, records_newer=2).open() as house:
        if fuse:
            house.broker.fuses[fuse] = passing
        house.qad.fates.extend(fates)
        house.start_all()
        house.read_all()
        house.run_for(1.0)
        for act in ACTS:
            assert act(house) is not False
            house.read_all()
            house.run_for(MOMENT_S)
        house.rest()
        yield house


def passings(fates: tuple[str, ...]) -> Counter[tuple[str, str]]:
    """Return how often each point is passed without a crash."""
    with history(fates) as house:
        assert house.wrong() == []
        return Counter(house.broker.passed)


def killed_everywhere(passed: Mapping[tuple[str, str], int], fates: tuple[str, ...]) -> list[str]:
    """Return what is wrong in all histories that have one crash each: 25 ms of processor time for one."""
    wrong: list[str] = []
    for (stage, point), times in sorted(passed.items()):
        for passing in range(times):
            with history(fates, (stage, point), passing) as house:
                found = house.wrong()
                if house.tally[f"killed: {stage} at {point}"] != 1:
                    found.append("it was not killed")
                wrong.extend(f"{stage} killed at {point}, passing {passing + 1} of {times}: {one}" for one in found)
    return wrong


def test_a_crash_between_any_two_writes_loses_and_doubles_nothing():
    passed = passings(())
    assert (sorted(set(POINTS) - set(passed)), sum(passed.values()) > PASSINGS_MIN) == ([], True)
    assert killed_everywhere(passed, ()) == []


def test_a_crash_anywhere_in_the_sink_loses_and_doubles_nothing_where_a_reply_was_lost():
    passed = {place: times for place, times in passings((LOST_REPLY,)).items() if place[0] == "sink"}
    assert {point for stage, point in POINTS if stage == "sink"} <= {point for _, point in passed}
    assert killed_everywhere(passed, (LOST_REPLY,)) == []
