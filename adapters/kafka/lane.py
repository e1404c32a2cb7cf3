"""A lane: the task that runs one stage's core for one partition.

It reads the stage's own outputs and its side topics to the end before it decides, keeps both across rebalances, and
reads on from where it was. It acknowledges a run when all that the run makes is acknowledged by the broker. It never
decides anything itself; what goes through the core is its session's work (lane_work.py).

What was written is known by its offset. An output of this stage in the log that this lane did not write, while it
owns the partition, is a zombie's: the state is dropped and read again. So it is when a write fails.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from adapters.crashpoints import crashpoint
from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.cluster import Cluster
from adapters.kafka.crashes import Crashes
from adapters.kafka.lane_work import Ready, Work
from adapters.kafka.owned import Acknowledge, InMemory, Partition
from adapters.kafka.reader import ByOffset, LogRecord, Reader
from schemas.codec import encode
from schemas.errors import Unreadable
from schemas.topics import Topic
from streams.outcomes import dead_letter
from streams.stage import Core, Input, StageSpec

log = structlog.get_logger(__name__)

# Pause before a lane opens again after an error; doubled up to the second.
_PAUSE_S = 0.5
_PAUSE_MAX_S = 15.0

STAGE_HEADER = "stage"


class StateDiffersError(Exception):
    """The log holds an output of this stage that memory does not: another worker wrote it."""


class StageLane:
    """One partition of one stage."""

    def __init__(
        self,
        *,
        spec: StageSpec,
        make_core: Callable[[], Core],
        cluster: Cluster,
        connection: str,
        partition: int,
        worker: Partition,
        crashes: Crashes | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Build the lane; it begins with `start`.

        Args:
            spec: The stage.
            make_core: Makes an empty core of it.
            cluster: The cluster.
            connection: Whose partition it is.
            partition: Its number.
            worker: The worker that owns it.
            crashes: What is known of crashes here; without it, they are counted as long as the lane lives.
            checkpoint: Where the state is written down at times; without it, every start reads the whole log.
        """
        self._spec = spec
        self._make_core = make_core
        self._cluster = cluster
        self._connection = connection
        self._partition = partition
        self._worker = worker
        self._log = log.bind(stage=spec.name, connection=connection, partition=partition)
        self._core: Core | None = None
        self._positions: dict[Topic, int] = {}
        self._written: defaultdict[Topic, set[int]] = defaultdict(set)
        self._crashes = crashes or Crashes()
        self._checkpoint = checkpoint
        self._deciding = False
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._runs: list[tuple[Any, Acknowledge]] = []
        self._came = asyncio.Event()
        self._in_memory = InMemory(worker)
        self._pause_s = _PAUSE_S

    def put(self, event: Any, acknowledge: Acknowledge) -> None:
        """Take a run; never waits. Over the high mark this partition is held back."""
        self._runs.append((event, acknowledge))
        self._in_memory.took(event)
        self._came.set()

    def start(self) -> None:
        """Begin, or begin again after a rebalance with what is known."""
        self._runs.clear()
        self._in_memory.clear()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name=f"{self._spec.name}.{self._partition}")

    @property
    def running(self) -> bool:
        """Whether the lane has begun and not been closed."""
        return self._task is not None

    async def close(self) -> None:
        """End. What was decided and is not acknowledged may not be in the log: the state goes with it."""
        task, self._task = self._task, None
        if task is not None:
            # A client that does not end cleanly hides the cancellation behind an error of its own.
            self._closing = True
            task.cancel()
            await asyncio.wait([task])
        if self._deciding:
            self._drop()

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._session()
            except StateDiffersError as error:
                self._drop()
                self._log.warning("another worker wrote here: the state is read again", what=str(error))
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001 - whatever it was, nothing is acknowledged: it comes again, with a fresh state
                self._drop()
                self._log.exception("lane opens again", pause_s=self._pause_s)
                if not self._closing:
                    await asyncio.sleep(self._pause_s)
                self._pause_s = min(self._pause_s * 2, _PAUSE_MAX_S)

    async def _session(self) -> None:
        spec = self._spec
        if self._core is None:
            self._core = await self._begin()
        core = self._core
        async with (
            Reader(self._cluster, self._partition, self._positions) as reader,
            ByOffset(self._cluster, spec.source, self._partition) as inputs,
            ByOffset(self._cluster, spec.material or spec.source, self._partition) as material,
        ):
            async for records in reader.until_end():
                for record in records:
                    await self._take_up(core, record)
                self._worker.moved()
            self._log.info("lane ready", read_to={topic.value: end for topic, end in self._positions.items()})
            work = Work(
                spec,
                core,
                self,
                connection=self._connection,
                crashes=self._crashes,
                inputs=inputs,
                material=material,
                told=self._log,
            )
            await work.again(core.unsettled())
            self._pause_s = _PAUSE_S
            if self._runs:  # taken before this lane had to open again
                self._came.set()
            await self._serve(reader, work, core)

    async def _begin(self) -> Core:
        """Return a core with what a checkpoint says, and read on from there."""
        core = self._make_core()
        self._positions = dict.fromkeys((*self._spec.writes, *self._spec.sides), 0)
        if self._checkpoint is not None:
            self._positions |= await self._checkpoint.restore(core.kept)
        return core

    async def _serve(self, reader: Reader, work: Work, core: Core) -> None:
        """Take runs and side records in turn, as they come, until cancelled."""
        following = asyncio.create_task(reader.step())
        coming = asyncio.create_task(self._came.wait())
        try:
            while True:
                await asyncio.wait((following, coming), return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    await self._follow(following.result(), work, core)
                    await self._keep(reader, work, core)
                    following = asyncio.create_task(reader.step())
                if coming.done():
                    self._came.clear()
                    # One at a time: what comes beside is not to wait until no run is left.
                    if self._runs:
                        await self._one_run(work)
                    if self._runs:
                        self._came.set()
                    coming = asyncio.create_task(self._came.wait())
        finally:
            following.cancel()
            coming.cancel()
            await asyncio.gather(following, coming, return_exceptions=True)

    async def _one_run(self, work: Work) -> None:
        event, acknowledge = self._runs[0]
        await work.run(event.value)
        crashpoint("stage.before_acknowledged")
        await acknowledge(event)
        self._crashes.forget(record.offset for record in event.value)
        self._runs.pop(0)
        self._in_memory.acknowledged(event)

    async def _follow(self, records: Sequence[LogRecord], work: Work, core: Core) -> None:
        keys: list[str] = []
        for record in records:
            if record.topic in self._spec.writes and self._foreign(record):
                raise StateDiffersError(f"{record.topic} at {record.offset}")
            keys.extend(await self._take_up(core, record))
        if keys:
            await work.again(core.held_by(keys))

    async def _keep(self, reader: Reader, work: Work, core: Core) -> None:
        """Write a checkpoint when one is due: of what the log says, so it is read up to what was written here first."""
        if self._checkpoint is None or not self._checkpoint.is_due(self._own_positions()):
            return
        async for records in reader.until_end():
            await self._follow(records, work, core)
        if not any(self._written.values()):
            self._checkpoint.keep(core.kept, self._own_positions())

    def _own_positions(self) -> dict[Topic, int]:
        return {topic: self._positions[topic] for topic in self._spec.writes}

    def _foreign(self, record: LogRecord) -> bool:
        return _stage_of(record) == self._spec.name and record.offset not in self._written[record.topic]

    async def _take_up(self, core: Core, record: LogRecord) -> Sequence[str]:
        """Take up one record of the log: an own output once, a side record with the keys that it changes."""
        self._positions[record.topic] = record.offset + 1
        if record.topic in self._spec.sides:
            try:
                return core.learn(record.topic, record.offset, record.value)
            except Unreadable as error:
                await self._set_aside(record, str(error))
                return ()
        if record.offset in self._written[record.topic]:
            self._written[record.topic].discard(record.offset)
        elif _stage_of(record) == self._spec.name:
            core.fold(record.topic, record.value)
        return ()

    async def _set_aside(self, record: LogRecord, reason: str) -> None:
        """Make a dead letter of a side record that nobody can read: it must not stop this connection's inputs."""
        item = Input(record.offset, record.timestamp_ms, record.key, record.value)
        letter = dead_letter(item, connection=self._connection, spec=self._spec, reason=reason, side=record.topic)
        self._log.error("a record beside cannot be read and is passed over", topic=record.topic, offset=record.offset)
        await (await self._worker.send(Topic.DEAD_LETTERS, key=item.key, value=encode(letter), stage=self._spec.name))

    def _drop(self) -> None:
        self._core = None
        self._deciding = False
        self._written.clear()

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Mark that memory is ahead of the log until the block ends well."""
        self._deciding = True
        yield
        self._deciding = False

    async def write(self, outputs: Sequence[Ready]) -> None:
        """Send outputs in order and wait for the broker; remember where they stand.

        What is said of a document goes out when what was made of it is in the log: "released" without the posting would
        be the last that anybody hears of it.
        """
        crashpoint("stage.before_write")
        await self._send([output for output in outputs if output.topic is not Topic.OUTCOMES])
        await self._send([output for output in outputs if output.topic is Topic.OUTCOMES])

    async def _send(self, outputs: Sequence[Ready]) -> None:
        sends = [
            (topic, await self._worker.send(topic, key=key, value=value, stage=self._spec.name))
            for topic, key, value in outputs
        ]
        for topic, sent in sends:
            acknowledged = await sent
            if topic in self._spec.writes:
                self._written[topic].add(acknowledged.offset)
            crashpoint("stage.between_writes")


def _stage_of(record: LogRecord) -> str:
    return next((value.decode() for name, value in record.headers if name == STAGE_HEADER), "")
