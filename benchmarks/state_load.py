"""One load of a stage's state, in a process of its own: as a lane loads, from its checkpoint and then from the log.

Run by benchmarks/state.py, which gives the job, says where to write a profile, if anywhere, and reads the answer.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.cluster import Cluster
from adapters.kafka.lane import STAGE_HEADER
from adapters.kafka.reader import LogRecord, Reader
from benchmarks.profiling import profiled
from benchmarks.state_logs import STAGES, core_of, inputs_of, log_of
from schemas.events import read_outcome
from schemas.ids import PostingId
from schemas.topics import Topic
from streams.shelf import Kept
from streams.sink.spec import STAGE as SINK
from streams.sink.state import SinkState
from tests.unit import builders as zuora

# Documents that are decided after the load, to tell what one costs.
_MORE = 1000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to load.

    Attributes:
        file: The checkpoint's.
        write: Write it after the load.
    """

    stage: str
    bootstrap: str
    namespace: str
    file: str
    write: bool = False


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one load took.

    Attributes:
        seconds: From nothing to ready.
        cpu_seconds: What the process worked of that, in all of its threads.
        memory_mb: What the process grew by.
        peak_mb: What it grew by at most, on the way.
        one_more_us: What one more document costs then, of the processor's time.
        held_ms: For how long writing the checkpoint held everything else back.
        records: Read from the log.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float
    peak_mb: float
    one_more_us: float
    held_ms: float
    records: int


class _Loading:
    """State on its way, and what takes up a record of the log."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.kept: Kept
        if stage == SINK:
            self.kept = self.sink = SinkState()
        else:
            self.core = core_of(stage)
            self.kept = self.core.kept

    def take(self, record: LogRecord) -> None:
        if self.stage != SINK:
            if (STAGE_HEADER, self.stage.encode()) in record.headers:
                self.core.fold(record.topic, record.value)
        elif (outcome := read_outcome(record.value)).stage == SINK:
            self.sink.take(outcome)

    def more(self) -> Callable[[], object]:
        """Return the work on documents that are new."""
        if self.stage != SINK:
            items = inputs_of(self.stage, _MORE)
            return lambda: [self.core.decide(item) for item in items]
        values = [value for _, value in log_of(SINK, 2 * _MORE)]

        def work() -> None:
            for value in values:
                outcome = read_outcome(value)
                self.sink.status(PostingId(outcome.subject))
                self.sink.take(outcome)

        return work


async def load(job: Job) -> Load:
    """Load, and tell what it took."""
    cluster = Cluster(job.bootstrap, namespace=job.namespace)
    loading = _Loading(job.stage)
    work, kept = loading.more(), loading.kept
    checkpoint = Checkpoint(Path(job.file), cluster=cluster, stage=job.stage, connection=zuora.CONNECTION, partition=0)
    before, began, worked = _memory_mb(), time.perf_counter(), time.process_time()
    positions = dict.fromkeys(STAGES[job.stage].writes, 0) | await checkpoint.restore(kept)
    records = await _read(cluster, loading, positions)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    memory, peak = _memory_mb(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    began = time.perf_counter()
    if job.write:
        checkpoint.keep(kept, positions)
    held = time.perf_counter() - began
    if job.write:
        await checkpoint.written()
    began = time.process_time()
    work()
    return Load(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        memory_mb=memory - before,
        peak_mb=peak - before,
        one_more_us=(time.process_time() - began) / _MORE * 1e6,
        held_ms=held * 1e3,
        records=records,
    )


async def _read(cluster: Cluster, loading: _Loading, positions: dict[Topic, int]) -> int:
    """Read the log to its end; return how many records that were."""
    count = 0
    async with Reader(cluster, 0, positions) as reader:
        async for records in reader.until_end():
            for record in records:
                loading.take(record)
                positions[record.topic] = record.offset + 1
            count += len(records)
    return count


def _memory_mb() -> float:
    """Return what this process holds in memory now; Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    with profiled(sys.argv[2:]):
        answer = asyncio.run(load(msgspec.json.decode(sys.argv[1], type=Job)))
    sys.stdout.write(msgspec.json.encode(answer).decode())
