"""What one slow account takes from the others: one of 50 whose calls take ten times as long, beside the same without.

Documents come evenly into the whole sink stage, of each account in turn, at half of what the ERP can answer: slow
calls take slots as long as they last, so at the limit itself there is nothing left that others could have. With one
account slow six tenths of the slots are taken. Measured is what the others make: how many a second until the last of
them has its outcome, and how long each waits from when it was due.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from benchmarks.erp import SLOW, SLOW_TIMES, Pace
from benchmarks.latency import Figure, evenly, figure, percentile
from benchmarks.sink import sending_to
from benchmarks.sink_world import World, sink_world
from schemas.postings import Posting
from tests.broker.erps import invoice, posting

PACES = (Pace(), Pace(over="QXtend"))
ACCOUNTS = 50
WORDS = (
    f"Documents come evenly at half of the limit, of {ACCOUNTS} accounts in turn; calls of one of them take "
    f"{SLOW_TIMES} times as long, in turns with runs in which none do. The others' documents a second, until the last "
    "of them has its outcome, and how long each waits from when it was due."
)

_SECONDS = 10.0
_FIRST_S = 2.0
_LIMIT_S = 120.0


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What the others made.

    Attributes:
        into: Which ERP, and how it is spoken to.
        slow: How many accounts were slow.
        per_second: Documents of the others.
        p50: From when one of them was due until its outcome was read, in milliseconds.
        p99: Likewise.
    """

    into: str
    slow: int
    per_second: Figure
    p50: Figure
    p99: Figure


def beside(pace: Pace, *, runs: int, seconds: float = _SECONDS) -> list[Beside]:
    """Measure so many runs without a slow account and with one, in turns, after a short one that does not count.

    Raises:
        TimeoutError: A posting has no outcome.
        ValueError: The slow account was not slow.
    """
    taken: dict[int, list[tuple[float, list[float]]]] = {0: [], 1: []}
    with sink_world(1, pace=pace) as (world, runner):
        runner.run(_run(world, pace, "first", slow=0, seconds=_FIRST_S))
        for number in range(runs):
            for slow, found in taken.items():
                found.append(runner.run(_run(world, pace, f"{slow}-{number}", slow=slow, seconds=seconds)))
    return [
        Beside(
            into=sending_to(pace, 1),
            slow=slow,
            per_second=figure([per_second for per_second, _ in found]),
            **{
                f"p{percent}": figure([1e3 * percentile(waited, percent) for _, waited in found])
                for percent in (50, 99)
            },
        )
        for slow, found in taken.items()
    ]


async def _run(world: World, pace: Pace, series: str, *, slow: int, seconds: float) -> tuple[float, list[float]]:
    """Return the others' documents a second, and how long each waited, in seconds."""
    now = asyncio.get_running_loop().time
    per_second = pace.per_second / 2
    postings = [_posting(series, number, slow=slow) for number in range(round(per_second * seconds))]
    others = {one.id for number, one in enumerate(postings) if number % ACCOUNTS}
    due: dict[str, float] = {}
    ended: dict[str, float] = {}

    def writing(one: Posting) -> Callable[[float], Awaitable[None]]:
        async def write(at: float) -> None:
            due[one.id] = at
            await world.write([one], partition=0)

        return write

    async def read() -> None:
        while len(ended) < len(postings):
            ended.update({outcome.subject: now() for outcome in await world.posted()})

    async with asyncio.timeout(_LIMIT_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        await evenly([writing(one) for one in postings], per_second=per_second)
    waits = {name: ended[name] - due[name] for name in due}
    if slow and min(wait for name, wait in waits.items() if name not in others) < SLOW_TIMES * pace.latency_ms / 1000:
        raise ValueError("the slow account was not slow: nothing is measured beside it")
    waited = [waits[name] for name in others]
    took = max(ended[name] for name in others) - min(due.values())
    return len(others) / took, waited


def _posting(series: str, number: int, *, slow: int) -> Posting:
    account = number % ACCOUNTS
    name = f"w{series}-{number}"
    customer = SLOW if account < slow else f"C{account:04}"
    return posting(name, msgspec.structs.replace(invoice(name).content, customer=customer))
