"""How long a posting waits for its outcome when they come evenly, 20 a second, and how much of that the ERP takes.

The sink is the whole stage, as in benchmarks/sink.py, with one connection. A posting is written at its time, whatever
became of those before, and its time runs from when it was due until a reader of what is committed has its `Posted`. The
ERP's own part is told by bare calls in the same run: as many, as evenly, from when each was due until its answer.
"""

import asyncio
import math
import statistics
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from adapters.clock import boot_time_s
from benchmarks.sink_world import World, sink_world
from schemas.postings import Posting
from streams.sink.freezing import freeze
from streams.sink.state import SinkState
from tests.broker.erps import invoice

PER_SECOND = 20
# Of each run, once through the sink and once for the bare calls: 400 documents, so that four are slower than the p99.
SECONDS = 20.0
PERCENTILES = (50, 95, 99)

_FIRST_S = 2.0
# A document that has no outcome so long after the last was due has none at all.
_LIMIT_S = 60.0


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile over all runs, in milliseconds.

    Attributes:
        runs: Each run's.
        median: Their median.
        spread: From the lowest to the highest.
    """

    runs: tuple[float, ...]
    median: float
    spread: float


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile of what was measured.

    Attributes:
        percentile: Which.
        sink: From posting to outcome.
        erp: From call to answer.
        above: What the first is above the second in the same run.
    """

    percentile: int
    sink: Figure
    erp: Figure
    above: Figure


def waiting(*, runs: int, seconds: float = SECONDS) -> list[Latency]:
    """Measure so many runs, after a short one that does not count.

    Raises:
        TimeoutError: A posting has no outcome.
    """
    with sink_world(1) as (world, runner):
        runner.run(_run(world, "first", _FIRST_S))
        taken = [runner.run(_run(world, str(number), seconds)) for number in range(runs)]
    return summed(taken)


def summed(taken: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[Latency]:
    """Return the percentiles of runs: the seconds of each posting, and those of each bare call."""
    found = []
    for percent in PERCENTILES:
        sink = [1e3 * percentile(seconds, percent) for seconds, _ in taken]
        erp = [1e3 * percentile(seconds, percent) for _, seconds in taken]
        above = [whole - own for whole, own in zip(sink, erp, strict=True)]
        found.append(Latency(percentile=percent, sink=figure(sink), erp=figure(erp), above=figure(above)))
    return found


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the least of the values that at least so many percent of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


async def evenly(acts: Sequence[Callable[[float], Awaitable[None]]], *, per_second: float) -> None:
    """Begin each act at its time, told when that was by the loop's clock, and return when all have ended."""
    now = asyncio.get_running_loop().time
    began = now()

    async def begin(act: Callable[[float], Awaitable[None]], due: float) -> None:
        await asyncio.sleep(due - now())
        await act(due)

    async with asyncio.TaskGroup() as tasks:
        for number, act in enumerate(acts):
            tasks.create_task(begin(act, began + number / per_second))


async def _run(world: World, series: str, seconds: float) -> tuple[list[float], list[float]]:
    count = round(PER_SECOND * seconds)
    async with asyncio.timeout(2 * seconds + _LIMIT_S):
        return (
            await _through_the_sink(world, [invoice(f"s{series}-{number}") for number in range(count)]),
            await _bare(world, [invoice(f"b{series}-{number}") for number in range(count)]),
        )


async def _through_the_sink(world: World, postings: Sequence[Posting]) -> list[float]:
    """Return from when each posting was due until its outcome was read, in seconds."""
    now = asyncio.get_running_loop().time
    due: dict[str, float] = {}
    taken: list[float] = []

    def writing(posting: Posting) -> Callable[[float], Awaitable[None]]:
        async def write(at: float) -> None:
            due[posting.id] = at
            await world.write([posting], partition=0)

        return write

    async def read() -> None:
        while len(taken) < len(postings):
            posted = await world.posted()
            at = now()
            taken.extend(at - due[outcome.subject] for outcome in posted)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        await evenly([writing(posting) for posting in postings], per_second=PER_SECOND)
    return taken


async def _bare(world: World, postings: Sequence[Posting]) -> list[float]:
    """Return from when each call was due until its answer, in seconds."""
    now = asyncio.get_running_loop().time
    [erp] = world.erps
    taken: list[float] = []

    def calling(posting: Posting) -> Callable[[float], Awaitable[None]]:
        command = freeze(posting, state=SinkState()).command

        async def call(at: float) -> None:
            await erp.post(command, not_after=boot_time_s() + _LIMIT_S)
            taken.append(now() - at)

        return call

    await evenly([calling(posting) for posting in postings], per_second=PER_SECOND)
    return taken


def figure(runs: Sequence[float]) -> Figure:
    """Return one percentile over all runs."""
    return Figure(runs=tuple(runs), median=statistics.median(runs), spread=max(runs) - min(runs))
