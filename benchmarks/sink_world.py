"""The sink stage between a broker and an ERP that takes its time, each a process of its own; this one measures."""

import asyncio
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

import msgspec

from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import started
from benchmarks.erp import Pace
from benchmarks.sink_stage import Job, erps_of
from sandbox.kafka.broker import Broker, external
from sandbox.process import Child, spawn
from schemas.codec import encode
from schemas.events import read_outcome
from schemas.outcomes import Posted
from schemas.postings import Posting
from schemas.topics import Topic
from streams.ports import Erp
from tests.broker.erps import invoice, posting_set

_START_LIMIT_S = 60.0
_PACE = Pace()
_STOP_LIMIT_S = 30.0


@contextmanager
def sink_world(
    connections: int, *, pace: Pace = _PACE, profile: Path | None = None
) -> Iterator[tuple["World", asyncio.Runner]]:
    """Yield the world and what runs its methods; as long as the block runs, a broker, the ERP and the stage do.

    A profile of the stage's process is there afterwards, if one is asked for: of what it did since it was ready.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-bench-")))
        job = Job(
            bootstrap=external() or stack.enter_context(Broker()).bootstrap,
            namespace=f"bench{secrets.token_hex(4)}.",
            url=f"http://127.0.0.1:{_serve(directory, stack, pace)}",
            directory=str(directory),
            connections=connections,
            pace=pace,
        )
        runner = stack.enter_context(asyncio.Runner())
        world = World(job)
        stack.callback(lambda: runner.run(world.close()))
        runner.run(world.open())
        log = directory / "stage.log"
        command = [sys.executable, "-m", "benchmarks.sink_stage", msgspec.json.encode(job).decode()]
        stage = spawn([*command, str(profile)] if profile else command, log=log)
        stack.callback(_end, stage)
        try:
            runner.run(world.begin())
        except TimeoutError:
            raise TimeoutError(f"the sink does not begin: {log.read_text()[-2000:]}") from None
        if profile:
            stage.send_signal(signal.SIGUSR1)
        yield world, runner


class World:
    """Both ends of the stage: postings in, outcomes out; and the ERP of each connection, for bare calls."""

    erps: Sequence[Erp]

    def __init__(self, job: Job) -> None:
        self._job = job
        self.at_once = job.pace.at_once
        self._cluster = job.cluster
        self._clients = AsyncExitStack()

    async def open(self) -> None:
        """Make the topics, and open both ends and the ERPs."""
        partitions = self._job.connections
        await create_topics(self._cluster, partitions=partitions, replicas=1)
        self.erps = await self._clients.enter_async_context(erps_of(self._job))
        self._producer = await self._clients.enter_async_context(started(self._cluster.producer(), self._cluster))
        self._outcomes = await self._clients.enter_async_context(started(self._cluster.consumer(), self._cluster))
        self._outcomes.assign([self._cluster.partition(Topic.OUTCOMES, number) for number in range(partitions)])

    async def begin(self) -> None:
        """Return when the stage has posted for every connection.

        Raises:
            TimeoutError: It has not.
        """
        posted = 0
        async with asyncio.timeout(_START_LIMIT_S):
            for partition in range(self._job.connections):
                await self.write([invoice(f"first-{partition}")], partition=partition)
            while posted < self._job.connections:
                posted += len(await self.posted())

    async def write(self, postings: Sequence[Posting], *, partition: int) -> None:
        """Write postings of one connection, and return when the broker has them."""
        name = self._cluster.name(Topic.POSTINGS)
        sends = [
            await self._producer.send(name, encode(posting_set(posting)), key=b"bench", partition=partition)
            for posting in postings
        ]
        await asyncio.gather(*sends)

    async def posted(self) -> list[Posted]:
        """Return what is posted by outcomes that can be read now and could not be before; wait a moment for some."""
        fetched = await self._outcomes.getmany(timeout_ms=500)
        outcomes = [read_outcome(record.value) for records in fetched.values() for record in records]
        return [outcome for outcome in outcomes if isinstance(outcome, Posted)]

    async def close(self) -> None:
        """Close both ends, and remove the topics."""
        await self._clients.aclose()
        async with self._cluster.admin() as admin:
            await admin.delete_topics([self._cluster.name(topic) for topic in Topic])


def _serve(directory: Path, stack: ExitStack, pace: Pace) -> int:
    """Start the ERP and return its port."""
    log = directory / "erp.log"
    erp = spawn([sys.executable, "-m", "benchmarks.erp", str(pace.latency_ms)], log=log)
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
