"""What exactly once costs: the sink with Kafka around it, beside a bare loop that makes the same calls.

The ERP is a process of its own that takes 40 ms, 8 at once for each connection: 200 a second is the limit of one. Both
ways run in this process and call through the same adapter. The sink is the whole stage, with Faust, its lanes and the
broker; it ends when the log holds every outcome.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from itertools import count as counter
from pathlib import Path
from types import SimpleNamespace

import msgspec

from adapters.clock import boot_time_s
from adapters.credentials.secret import Secret
from adapters.kafka.administration import create_topics
from adapters.kafka.bookmark import Bookmark
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.lane import Partition
from adapters.kafka.sink_calls import Limits
from adapters.kafka.sink_lane import SinkLane
from adapters.kafka.worker import StageWorker
from adapters.qad.client import Credentials, QadClient
from adapters.qad.profile import Profile
from adapters.qad.rest import RestQad
from benchmarks.comparing import Comparison
from sandbox.kafka.broker import Broker, external
from sandbox.process import Child, spawn
from schemas.codec import encode
from schemas.postings import Posting
from schemas.topics import Topic
from streams.ports import Erp
from streams.sink.agent import host
from streams.sink.freezing import freeze
from streams.sink.spec import SPEC
from streams.sink.state import SinkState
from tests.broker.erps import CONNECTION, invoice, posting_set, profile_for

CONNECTIONS = (1, 4)
AT_ONCE = 8

_LIMIT_S = 300.0
_STOP_LIMIT_S = 30.0


@contextmanager
def sending(count: int) -> Iterator[Sequence[Comparison]]:
    """Yield the comparisons; as long as the block runs, a broker, the ERP and the stage do."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-bench-")))
        bootstrap = external() or stack.enter_context(Broker()).bootstrap
        runner = stack.enter_context(asyncio.Runner())
        url = f"http://127.0.0.1:{_serve(directory, stack)}"
        world = _World(Cluster(bootstrap, namespace=f"bench{secrets.token_hex(4)}."), directory, url)
        stack.callback(lambda: runner.run(world.close()))
        runner.run(world.open())
        runs = counter()

        def comparison(connections: int) -> Comparison:
            def sink() -> Callable[[], int]:
                series = f"s{next(runs)}"
                return lambda: runner.run(world.through_the_sink(_postings(series, count, connections)))

            def bare() -> Callable[[], int]:
                series = f"b{next(runs)}"
                return lambda: runner.run(world.bare(_postings(series, count, connections)))

            name = f"into an ERP of 40 ms, 8 at once, {connections} connection{'s' if connections > 1 else ''}"
            return Comparison(name=name, count=count * connections, ways={"sink": sink, "bare loop": bare})

        yield [comparison(connections) for connections in CONNECTIONS]


class _World:
    """A broker, an ERP for each connection, and the stage that joins them."""

    def __init__(self, cluster: Cluster, directory: Path, url: str) -> None:
        self._cluster = cluster
        self._directory = directory
        self._url = url
        self._erps: list[RestQad] = []
        self._clients = AsyncExitStack()

    async def open(self) -> None:
        """Make the topics, and start the stage."""
        await create_topics(self._cluster, partitions=max(CONNECTIONS), replicas=1)
        profile = self._profile()
        for _ in range(max(CONNECTIONS)):
            client = await self._clients.enter_async_context(QadClient(profile, _CREDENTIALS))
            self._erps.append(RestQad(client, profile))
        self._producer = await self._clients.enter_async_context(started(self._cluster.producer(), self._cluster))
        self._outcomes = await self._clients.enter_async_context(started(self._cluster.consumer(), self._cluster))
        self._outcomes.assign([self._cluster.partition(Topic.OUTCOMES, number) for number in range(max(CONNECTIONS))])
        self._worker = StageWorker(
            spec=SPEC,
            cluster=self._cluster,
            slot="bench",
            directory=self._directory,
            host_agent=host,
            make_lane=self._make_lane,
        )
        self._running = asyncio.create_task(self._worker.run())

    async def through_the_sink(self, postings: Sequence[Sequence[Posting]]) -> int:
        """Write postings, and return how many outcomes say that they are in the ERP, when as many do."""
        wanted = sum(map(len, postings))
        name = self._cluster.name(Topic.POSTINGS)
        async with asyncio.timeout(_LIMIT_S):
            sends = [
                await self._producer.send(name, encode(posting_set(posting)), key=b"bench", partition=partition)
                for partition, some in enumerate(postings)
                for posting in some
            ]
            await asyncio.gather(*sends)
            return await self._posted(wanted)

    async def bare(self, postings: Sequence[Sequence[Posting]]) -> int:
        """Make the same calls, so many at once, and return how many were answered."""
        answered = 0

        async def one_after_the_other(erp: Erp, left: Iterator[Posting]) -> None:
            nonlocal answered
            for posting in left:
                await erp.post(freeze(posting, state=SinkState()).command, not_after=boot_time_s() + 60)
                answered += 1

        async with asyncio.TaskGroup() as tasks:
            for erp, some in zip(self._erps, postings, strict=False):
                left = iter(some)
                for _ in range(AT_ONCE):
                    tasks.create_task(one_after_the_other(erp, left))
        return answered

    async def close(self) -> None:
        """End the stage, and remove the topics."""
        self._worker.end("the benchmark is over")
        await self._running
        await self._clients.aclose()
        async with self._cluster.admin() as admin:
            await admin.delete_topics([self._cluster.name(topic) for topic in Topic])

    async def _posted(self, wanted: int) -> int:
        found = 0
        while found < wanted:
            for records in (await self._outcomes.getmany(timeout_ms=500)).values():
                found += sum(b'"type":"posted"' in record.value for record in records)
        return found

    def _make_lane(self, partition: int, owned: Partition, end: Callable[[str], None]) -> SinkLane:
        return SinkLane(
            cluster=self._cluster,
            connection=f"{CONNECTION}-{partition}",
            partition=partition,
            limits=Limits(concurrency=AT_ONCE),
            erp=self._erps[partition],
            worker=owned,
            end_process=end,
            bookmark=Bookmark(self._directory / f"{partition}.mark"),
        )

    def _profile(self) -> Profile:
        profile = profile_for(SimpleNamespace(url=self._url), self._directory)  # type: ignore[arg-type]  # its url is all
        return msgspec.structs.replace(profile, limits=msgspec.structs.replace(profile.limits, concurrency=AT_ONCE))


_CREDENTIALS = Credentials(
    client_id=Secret("ml-connector"), username=Secret("connector"), password=Secret("connector-word")
)


def _postings(series: str, count: int, connections: int) -> list[list[Posting]]:
    return [[invoice(f"{series}-{partition}-{number}") for number in range(count)] for partition in range(connections)]


def _serve(directory: Path, stack: ExitStack) -> int:
    """Start the ERP and return its port."""
    log = directory / "erp.log"
    erp = spawn([sys.executable, "-m", "benchmarks.erp"], log=log)
    stack.callback(_end, erp)
    until = time.monotonic() + _STOP_LIMIT_S
    while time.monotonic() < until:
        if log.exists() and log.read_text().endswith("\n"):
            return int(log.read_text())
        time.sleep(0.05)
    raise TimeoutError(f"the ERP does not begin: {log.read_text()[-2000:]}")


def _end(process: Child) -> None:
    process.terminate()
    process.wait(_STOP_LIMIT_S)
