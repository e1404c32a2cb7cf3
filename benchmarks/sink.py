"""What exactly once costs: the sink with Kafka around it, beside a bare loop that makes the same calls.

The ERP is a process of its own that takes its time: over REST 40 ms, 8 at once for each connection, so that 200 a
second is the limit of one; over QXtend the same, and 400 ms, 4 at once. The sink is the whole stage, a process as well,
with Faust, its lanes and the broker; it ends when the log holds every outcome. The bare loop runs in this process: as
many tasks as there may be calls at once, each of which freezes a posting, writes it, sends it, reads the answer and
judges it, by the same adapter and to the same bytes (but for message ids), and forgets it.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as counter
from pathlib import Path

from adapters.clock import boot_time_s
from benchmarks.comparing import Comparison, Measured
from benchmarks.erp import Pace
from benchmarks.profiling import Profile, functions, profiled, read_profile, rooms
from benchmarks.sink_world import World, sink_world
from schemas.postings import Posting
from streams.ports import Erp
from streams.sink.freezing import freeze
from streams.sink.state import SinkState
from tests.broker.erps import invoice

# What is measured, with how many connections.
MEASURED = (
    (Pace(), (1, 4)),
    (Pace(latency_ms=400, at_once=4), (1,)),
    (Pace(over="QXtend"), (1,)),
    (Pace(over="QXtend", latency_ms=400, at_once=4), (1,)),
)
BARE = "bare loop"

_LIMIT_S = 300.0


def sending_to(pace: Pace, connections: int) -> str:
    """Return how the comparison with so many connections is called."""
    over = "" if pace.over == "REST" else f"over {pace.over}, "
    into = f"into an ERP of {pace.latency_ms} ms, {pace.at_once} at once"
    return f"{over}{into}, {connections} connection{'s' if connections > 1 else ''}"


def share_of_limit(row: Measured) -> str:
    """Return what a sink makes of what its ERP can take at most, "" for any other row."""
    at_most = {sending_to(pace, count): pace.per_second * count for pace, counts in MEASURED for count in counts}
    return f"{row.per_second / at_most[row.comparison]:.2f}" if row.comparison in at_most else ""


@contextmanager
def sending(count: int, pace: Pace, connections_of_each: Sequence[int]) -> Iterator[Sequence[Comparison]]:
    """Yield the comparisons; as long as the block runs, a broker, the ERP and the stage do.

    Args:
        count: Documents of one connection in each run; fewer into an ERP that is slower, so that a run takes as long.
        pace: The ERP's.
        connections_of_each: How many connections, of each comparison.
    """
    count = max(1, count * pace.per_second // Pace().per_second)
    with sink_world(max(connections_of_each), pace=pace) as (world, runner):
        runs = counter()

        def comparison(connections: int) -> Comparison:
            def sink() -> Callable[[], int]:
                series = f"s{next(runs)}"
                return lambda: runner.run(_through_the_sink(world, _postings(series, count, connections)))

            def bare() -> Callable[[], int]:
                series = f"b{next(runs)}"
                return lambda: runner.run(_bare(world, _postings(series, count, connections)))

            ways = {"sink": sink, BARE: bare}
            name = sending_to(pace, connections)
            return Comparison(name=name, count=count * connections, ways=ways)

        yield [comparison(connections) for connections in connections_of_each]


def profile(count: int, pace: Pace, connections: int) -> Profile:
    """Return where the time of the stage's process and of the bare loop goes, with so many documents a connection."""
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as directory:
        ours, bare = Path(directory) / "sink", Path(directory) / "bare"
        with sink_world(connections, pace=pace, profile=ours) as (world, runner):
            runner.run(_through_the_sink(world, _postings("profiled", count, connections)))
            postings = _postings("bare", count, connections)
            with profiled([str(bare)]):
                runner.run(_bare(world, postings))
        done = count * connections
        found = {"sink": read_profile(ours), "bare loop": read_profile(bare)}
    return Profile(
        rooms=[row for way, stats in found.items() for row in rooms(stats, way=way, count=done)],
        functions=functions(found["sink"], way="sink", count=done),
    )


async def _through_the_sink(world: World, postings: Sequence[Sequence[Posting]]) -> int:
    """Write postings, and return how many outcomes say that they are in the ERP, when as many do."""
    wanted, found = sum(map(len, postings)), 0
    async with asyncio.timeout(_LIMIT_S):
        await asyncio.gather(*[world.write(some, partition=partition) for partition, some in enumerate(postings)])
        while found < wanted:
            found += len(await world.posted())
    return found


async def _bare(world: World, postings: Sequence[Sequence[Posting]]) -> int:
    """Make the same calls, so many at once, and return how many were answered."""
    answered = 0

    async def one_after_the_other(erp: Erp, left: Iterator[Posting]) -> None:
        nonlocal answered
        for posting in left:
            await erp.post(freeze(posting, state=SinkState()).command, not_after=boot_time_s() + 60)
            answered += 1

    async with asyncio.TaskGroup() as tasks:
        for erp, some in zip(world.erps, postings, strict=False):
            left = iter(some)
            for _ in range(world.at_once):
                tasks.create_task(one_after_the_other(erp, left))
    return answered


def _postings(series: str, count: int, connections: int) -> list[list[Posting]]:
    return [[invoice(f"{series}-{partition}-{number}") for number in range(count)] for partition in range(connections)]
