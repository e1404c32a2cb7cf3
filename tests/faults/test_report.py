"""The full tier fails when it shows less than it has to: a table of zeros that nothing produced proves nothing."""

from collections import Counter

import pytest

from tests.faults.rebalancing import MOVED
from tests.faults.report import missed
from tests.faults.scenario import Result, Scenario, Trial
from tests.faults.zombies import WOKEN

ENOUGH = {
    MOVED: 60,
    WOKEN: 50,
    "replies lost": 990,
    "commit_then_500": 10,
    "broker: clean stop": 5,
    "broker: SIGKILL": 5,
}
TIMES = {"nothing intended": [3.0, 15.0, 4.0], "something intended": [22.0, 9.0, 9.5]}


async def nothing(trial: Trial) -> None: ...


def result(fired: dict[str, int], *, kills: int, samples: dict[str, list[float]]) -> Result:
    scenario = Scenario(name="one", faults=("F1",), script=nothing, expects=())
    return Result(scenario, 1, 1.0, 0.0, 0, kills, Counter(fired), {}, {}, samples)


def test_enough_over_several_scenarios_is_enough():
    first = result({**ENOUGH, MOVED: 30}, kills=150, samples=TIMES)
    assert missed([first, result({MOVED: 30}, kills=50, samples={})]) == []


@pytest.mark.parametrize("name", [MOVED, WOKEN, "replies lost", "commit_then_500", "broker: clean stop"])
def test_one_less_is_told(name):
    assert len(missed([result({**ENOUGH, name: ENOUGH[name] - 1}, kills=200, samples=TIMES)])) == 1


def test_a_restart_in_good_order_stands_for_no_kill():
    few = {**ENOUGH, "broker: SIGKILL": 4, "broker: clean stop": 6}
    assert missed([result(few, kills=200, samples=TIMES)]) == ["broker restarts by SIGKILL: 4, not 5"]


def test_too_few_kills_and_a_slow_recovery_are_told():
    slow = {**TIMES, "nothing intended": [16.0, 16.0]}
    assert missed([result(ENOUGH, kills=199, samples=slow)]) == [
        "SIGKILLs of workers, counted per process: 199, not 200",
        "recovery after SIGKILL, nothing intended: 16.0, not within 15 s",
    ]


def test_a_recovery_that_nobody_timed_is_told():
    assert len(missed([result(ENOUGH, kills=200, samples={})])) == 2
