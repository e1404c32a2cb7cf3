"""How long a stage's state takes to load, from the log and from its checkpoint, and in how much memory.

And what one more document costs then. Each load is a process of its own on a real broker.
One document in a hundred stands still; all others have ended. The sink's are outcomes: two to a posting.
"""

import asyncio
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition

from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.lane import STAGE_HEADER
from benchmarks.profiling import Profile, functions, read_profile, rooms
from benchmarks.state_load import Job, Load
from benchmarks.state_logs import STAGES, log_of
from sandbox.kafka.broker import Broker, external
from schemas.topics import Topic

SIZES = (10_000, 100_000, 1_000_000)

_BATCH_BYTES = 900_000
_LIMIT_S = 1800.0


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """All loads of one stage, size and source; where there are several, the median.

    Attributes:
        stage: Which stage.
        documents: How many documents, or outcomes of the sink.
        source: "log" or "checkpoint".
        seconds: Each load.
        median_s: Their median.
        spread: From the fastest to the slowest, as a share of the median.
        cpu_s: What the process worked of that: on a machine that others use, this is what it takes.
        memory_mb: What the process grew by.
        peak_mb: What it grew by at most.
        one_more_us: What one more document costs then.
        file_mb: Size of the checkpoint.
        held_ms: For how long writing it held everything else back.
    """

    stage: str
    documents: int
    source: str
    seconds: tuple[float, ...]
    median_s: float
    spread: float
    cpu_s: float
    memory_mb: float
    peak_mb: float
    one_more_us: float
    file_mb: float
    held_ms: float


def loading(sizes: Sequence[int], *, runs: int, stages: Sequence[str] = tuple(STAGES)) -> Iterator[Loaded]:
    """Load the state of stages at each size so many times, from the log and from a checkpoint."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-state-")))
        bootstrap = external() or stack.enter_context(Broker()).bootstrap
        for stage in stages:
            for size in sizes:
                cluster = Cluster(bootstrap, namespace=f"state{secrets.token_hex(4)}.")
                asyncio.run(_fill(cluster, stage, size))
                file = directory / f"{stage}.{size}"
                job = Job(stage=stage, bootstrap=bootstrap, namespace=cluster.namespace, file=str(file), write=True)
                written = _child(job)
                for source, path in (("log", file.with_name("none")), ("checkpoint", file)):
                    one = msgspec.structs.replace(job, file=str(path), write=False)
                    loads = [_child(one) for _ in range(runs)]
                    yield _summed(stage, size, source, loads, file_mb=file.stat().st_size / 1e6, written=written)
                asyncio.run(_remove(cluster))
                file.unlink()


def profile(count: int, *, stage: str) -> Profile:
    """Return where the time goes while the state of so many documents of a stage is loaded from its log."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-state-")))
        bootstrap = external() or stack.enter_context(Broker()).bootstrap
        cluster = Cluster(bootstrap, namespace=f"state{secrets.token_hex(4)}.")
        asyncio.run(_fill(cluster, stage, count))
        job = Job(stage=stage, bootstrap=bootstrap, namespace=cluster.namespace, file=str(directory / "none"))
        _child(job, str(directory / "profile"))
        asyncio.run(_remove(cluster))
        stats, way = read_profile(directory / "profile"), f"state of {stage}"
    return Profile(rooms=rooms(stats, way=way, count=count), functions=functions(stats, way=way, count=count))


def _summed(stage: str, documents: int, source: str, loads: Sequence[Load], *, file_mb: float, written: Load) -> Loaded:
    """Return the loads as one row.

    Raises:
        ValueError: A load read what it should not have read.
    """
    if any((load.records == 0) != (source == "checkpoint") for load in loads):
        raise ValueError(f"{stage}: not loaded from the {source}: {loads}")
    seconds = tuple(load.seconds for load in loads)
    median = statistics.median(seconds)
    return Loaded(
        stage=stage,
        documents=documents,
        source=source,
        seconds=seconds,
        median_s=median,
        spread=(max(seconds) - min(seconds)) / median,
        cpu_s=statistics.median(load.cpu_seconds for load in loads),
        memory_mb=statistics.median(load.memory_mb for load in loads),
        peak_mb=statistics.median(load.peak_mb for load in loads),
        one_more_us=statistics.median(load.one_more_us for load in loads),
        file_mb=file_mb,
        held_ms=written.held_ms,
    )


def _child(job: Job, *profile_path: str) -> Load:
    command = [sys.executable, "-m", "benchmarks.state_load", msgspec.json.encode(job).decode(), *profile_path]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_LIMIT_S)  # noqa: S603 - ourselves
    return msgspec.json.decode(ended.stdout.splitlines()[-1], type=Load)


async def _fill(cluster: Cluster, stage: str, count: int) -> None:
    """Write a stage's log, in batches of our own: a record at a time takes minutes."""
    await create_topics(cluster, partitions=1, replicas=1)
    producer = cluster.producer(max_batch_size=_BATCH_BYTES + 100_000)
    async with started(producer, cluster):
        batches = {topic: _Batch(producer, cluster.partition(topic, 0)) for topic in STAGES[stage].writes}
        for topic, value in log_of(stage, count):
            await batches[topic].add(value, stage)
        for batch in batches.values():
            await batch.send()


class _Batch:
    """Records of one topic on their way."""

    def __init__(self, producer: AIOKafkaProducer, part: TopicPartition) -> None:
        self._producer, self._part = producer, part
        self._builder = producer.create_batch()

    async def add(self, value: bytes, stage: str) -> None:
        """Add a record; send what is full."""
        headers = [(STAGE_HEADER, stage.encode())]
        if self._builder.append(key=b"k", value=value, timestamp=None, headers=headers) is None:
            await self.send()
            self._builder.append(key=b"k", value=value, timestamp=None, headers=headers)

    async def send(self) -> None:
        """Send what is there."""
        if self._builder.record_count():
            await (await self._producer.send_batch(self._builder, self._part.topic, partition=self._part.partition))
        self._builder = self._producer.create_batch()


async def _remove(cluster: Cluster) -> None:
    async with cluster.admin() as admin:
        await admin.delete_topics([cluster.name(topic) for topic in Topic])
