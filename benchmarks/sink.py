"""What exactly once costs: the sink with Kafka around it, beside a bare loop that makes the same calls.

The ERP is a process of its own that takes 40 ms, 8 at once for each connection: 200 a second is the limit of one. The
sink is the whole stage, a process as well, with Faust, its lanes and the broker; it ends when the log holds every
outcome. The bare loop runs in this process, and calls through the same adapter.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as counter
from pathlib import Path

from adapters.clock import boot_time_s
from benchmarks.comparing import Comparison
from benchmarks.profiling import Profile, functions, profiled, read_profile, rooms
from benchmarks.sink_stage import AT_ONCE
from benchmarks.sink_world import World, sink_world
from schemas.postings import Posting
from streams.ports import Erp
from streams.sink.freezing import freeze
from streams.sink.state import SinkState
from tests.broker.erps import invoice

CONNECTIONS = (1, 4)
BARE = "bare loop"

_LIMIT_S = 300.0


def sending_to(connections: int) -> str:
    """Return how the comparison with so many connections is called."""
    return f"into an ERP of 40 ms, 8 at once, {connections} connection{'s' if connections > 1 else ''}"


@contextmanager
def sending(count: int) -> Iterator[Sequence[Comparison]]:
    """Yield the comparisons; as long as the block runs, a broker, the ERP and the stage do."""
    with sink_world(max(CONNECTIONS)) as (world, runner):
        runs = counter()

        def comparison(connections: int) -> Comparison:
            def sink() -> Callable[[], int]:
                series = f"s{next(runs)}"
                return lambda: runner.run(_through_the_sink(world, _postings(series, count, connections)))

            def bare() -> Callable[[], int]:
                series = f"b{next(runs)}"
                return lambda: runner.run(_bare(world, _postings(series, count, connections)))

            ways = {"sink": sink, BARE: bare}
            return Comparison(name=sending_to(connections), count=count * connections, ways=ways)

        yield [comparison(connections) for connections in CONNECTIONS]


def profile(count: int) -> Profile:
    """Return where the time of the stage's process and of the bare loop goes, with so many documents a connection."""
    connections = max(CONNECTIONS)
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as directory:
        ours, bare = Path(directory) / "sink", Path(directory) / "bare"
        with sink_world(connections, profile=ours) as (world, runner):
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
            for _ in range(AT_ONCE):
                tasks.create_task(one_after_the_other(erp, left))
    return answered


def _postings(series: str, count: int, connections: int) -> list[list[Posting]]:
    return [[invoice(f"{series}-{partition}-{number}") for number in range(count)] for partition in range(connections)]
