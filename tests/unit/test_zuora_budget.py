"""Who goes first within a budget: live reads before a backfill, each in the order they came."""

import asyncio
from typing import get_args

import pytest

from adapters.zuora.asking.allowances import Allowance, Process
from adapters.zuora.asking.budget import DEFAULT, OBJECT_QUERY, Budget, Turn
from adapters.zuora.asking.pacing import Priority

LIVE, BACKFILL = Priority
PROCESSES = get_args(Process)


class Clock:
    """A clock that a test sets, with timers."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.timers = []

    def __call__(self) -> float:
        return self.now_s

    def timer(self, delay_s, callback):
        handle = Timer(self.now_s + delay_s, callback)
        self.timers.append(handle)
        return handle

    async def on(self, by_s: float) -> None:
        """Let time pass, and whoever may go."""
        end_s = self.now_s + by_s
        while due := [timer for timer in self.timers if timer.at_s <= end_s and not timer.gone]:
            first = min(due, key=lambda timer: timer.at_s)
            self.now_s, first.gone = max(self.now_s, first.at_s), True
            first.callback()
            await asyncio.sleep(0)
        self.now_s = end_s
        for _ in range(5):
            await asyncio.sleep(0)


class Timer:
    def __init__(self, at_s, callback) -> None:
        self.at_s, self.callback, self.gone = at_s, callback, False

    def cancel(self) -> None:
        self.gone = True


@pytest.fixture
def clock():
    return Clock()


class Asking:
    """Calls that note when they went, and end when they are told."""

    def __init__(self, budget: Budget) -> None:
        self.budget, self.went, self.ends = budget, [], asyncio.Event()
        self.tasks: list[asyncio.Task] = []

    def ask(self, name: str, priority: Priority = LIVE, kind: str = DEFAULT) -> asyncio.Task:
        async def call() -> None:
            async with self.budget.turn(kind, priority):
                self.went.append(name)
                await self.ends.wait()

        self.tasks.append(asyncio.create_task(call()))
        return self.tasks[-1]

    async def all_over(self) -> None:
        self.ends.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_live_read_goes_before_every_backfill_that_waits(clock):
    budget = Budget(Allowance(per_minute=60, concurrency=99), now_s=clock, timer=clock.timer)
    asking = Asking(budget)
    for number in range(5):
        asking.ask(f"b{number}", BACKFILL)
    await clock.on(0.0)
    asking.ask("live")
    await clock.on(0.0)
    assert (asking.went, budget.usage().waiting, budget.usage().waiting_backfill) == (["b0"], 1, 4)
    await clock.on(1.1)
    assert asking.went == ["b0", "live"]
    await clock.on(1.1)
    assert asking.went == ["b0", "live", "b1"]
    assert budget.usage().used == 3
    await clock.on(61.0)
    await asking.all_over()
    assert budget.usage().in_flight == {DEFAULT: 0, OBJECT_QUERY: 0}


async def test_a_backfill_never_takes_the_last_place(clock):
    asking = Asking(Budget(Allowance(concurrency=3), now_s=clock, timer=clock.timer))
    for number in range(5):
        asking.ask(f"b{number}", BACKFILL)
    await clock.on(0.0)
    assert asking.went == ["b0", "b1"]
    asking.ask("live")
    await clock.on(0.0)
    assert asking.went == ["b0", "b1", "live"]
    await asking.all_over()


async def test_the_two_kinds_have_places_of_their_own_and_go_in_the_order_they_came(clock):
    asking = Asking(Budget(Allowance(per_minute=60, concurrency=1, object_query=2), now_s=clock, timer=clock.timer))
    for name, kind in (("v1", DEFAULT), ("v2", DEFAULT), ("o1", OBJECT_QUERY), ("o2", OBJECT_QUERY)):
        asking.ask(name, kind=kind)
    await clock.on(0.0)
    assert asking.went == ["v1"]
    await clock.on(3.0)
    assert asking.went == ["v1", "o1", "o2"]
    await asking.all_over()
    await clock.on(3.0)
    assert asking.went == ["v1", "o1", "o2", "v2"]


@pytest.mark.parametrize("waits", [True, False])
async def test_who_goes_away_leaves_no_place_taken(clock, waits):
    budget = Budget(Allowance(concurrency=1), now_s=clock, timer=clock.timer)
    asking = Asking(budget)
    first = asking.ask("first")
    await clock.on(0.0)
    second, _third = asking.ask("second"), asking.ask("third")
    await clock.on(0.0)
    if waits:
        second.cancel()
        first.cancel()
    else:
        # Its turn comes and it is cancelled before it has taken it.
        first.cancel()
        await asyncio.sleep(0)
        second.cancel()
    await clock.on(0.0)
    assert asking.went == ["first", "third"]
    await asking.all_over()
    assert budget.usage().in_flight[DEFAULT] == 0
    assert budget.usage().waiting == 0


async def test_usage_says_what_zuora_said_last(clock):
    budget = Budget(Allowance(per_minute=600, of_tenant=1_200), now_s=clock, timer=clock.timer)
    headers = {"RateLimit-Limit": "50000", "RateLimit-Remaining": "49000", "RateLimit-Reset": "30"}
    async with budget.turn(OBJECT_QUERY, LIVE) as turn:
        budget.hear(OBJECT_QUERY, 429, headers, turn=turn)
        usage = budget.usage()
    assert (usage.per_minute, usage.used, usage.refused) == (600, 1, 1)
    assert (usage.limit, usage.remaining, usage.reset_s) == (50_000, 49_000, 30)
    assert usage.in_flight == {DEFAULT: 0, OBJECT_QUERY: 1}
    clock.now_s += 61
    assert (budget.usage().used, budget.usage().remaining) == (0, None)


async def test_who_waits_for_room_that_others_took_goes_when_what_zuora_told_is_old(clock):
    """Not only when a call comes or ends: the one on its way may take two minutes."""
    budget = Budget(Allowance(concurrency=4), now_s=clock, timer=clock.timer)
    asking = Asking(budget)
    asking.ask("slow")
    await clock.on(0.0)
    budget.hear(DEFAULT, 200, {"Concurrency-Limit-Limit": "40", "Concurrency-Limit-Remaining": "4"}, turn=Turn(0, 0.0))
    asking.ask("next")
    await clock.on(0.0)
    assert asking.went == ["slow"]
    await clock.on(3.0)
    assert asking.went == ["slow", "next"]
    await asking.all_over()
