"""A process beside the stages that writes what the log says to one of the systems: marks in Zuora, customers in QAD.

A consumer group of its own, a lane per connection. It acknowledges a batch when its lane is done with it, so one that
was killed in the middle comes again, and finds what stands there already. One batch of a connection is under way at a
time; the others go on. Where nothing is written, the partition is left alone, and begins at its beginning when it is.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, RebalanceInProgressError

from adapters.kafka.cluster import Cluster, started
from adapters.kafka.membership import SLOT_TAKEN, Membership, member
from adapters.kafka.reader import LogRecord
from adapters.kafka.watchdog import end_process
from schemas.topics import Topic
from streams.stage import StageSpec

log = structlog.get_logger(__name__)

_POLL_MS = 500
_BATCH_RECORDS = 500
# A lane may wait for the other side for as long as an outage lasts: that is no reason to lose its partitions.
_POLL_INTERVAL_MAX_MS = 30 * 86_400_000


class BatchLane(Protocol):
    """One connection's part of it."""

    async def batch(self, records: Sequence[LogRecord]) -> None:
        """Do what a batch of the log asks for; back when all of it is done or said."""
        ...


def topics_of(spec: StageSpec) -> tuple[Topic, ...]:
    """Return what such a process reads: all of it in a group, the sides as well."""
    return (spec.source, *spec.sides)


class LogWorker:
    """One such process."""

    def __init__(
        self, cluster: Cluster, spec: StageSpec, *, slot: str, make_lane: Callable[[int], BatchLane | None]
    ) -> None:
        """Build it.

        Args:
            cluster: The cluster.
            spec: What it is called, and reads.
            slot: A name that is this process's own and stable over restarts.
            make_lane: Makes the lane of a partition, or None where nothing is written.
        """
        self._cluster = cluster
        self._name = spec.name
        self._slot = slot
        self._make_lane = make_lane
        self._topics = {cluster.name(topic): topic for topic in topics_of(spec)}
        self._lanes: dict[int, BatchLane] = {}
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._membership = Membership()

    async def run(self) -> None:
        """Write until cancelled."""
        consumer = member(self._cluster, stage=self._name, slot=self._slot, max_poll_interval_ms=_POLL_INTERVAL_MAX_MS)
        async with started(consumer, self._cluster):
            consumer.subscribe(list(self._topics), listener=_Listener(self, consumer))
            try:
                while True:
                    await self._hand_over(consumer)
                    await self._acknowledge(consumer)
            finally:
                await self.revoked(consumer)

    async def _hand_over(self, consumer: AIOKafkaConsumer) -> None:
        """Give what came to lanes that have nothing under way."""
        idle = [part for part in consumer.assignment() if self._is_idle(part)]
        if not idle:
            await asyncio.sleep(_POLL_MS / 1000)
            return
        fetched = await consumer.getmany(*idle, timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS)
        batches: dict[int, list[LogRecord]] = {}
        for part in sorted(fetched):
            batches.setdefault(part.partition, []).extend(self._record(part, record) for record in fetched[part])
        for number, records in batches.items():
            # A rebalance meanwhile may have taken the lane: then they come again to whoever has it now.
            lane = self._lanes.get(number)
            if lane is not None and records:
                self._under_way[number] = asyncio.create_task(lane.batch(records), name=f"{self._name}.{number}")

    def _is_idle(self, part: TopicPartition) -> bool:
        return part.partition in self._lanes and part.partition not in self._under_way

    def _record(self, part: TopicPartition, record: object) -> LogRecord:
        found: Any = record
        return LogRecord(self._topics[part.topic], found.offset, found.timestamp, found.key or b"", found.value or b"")

    async def _acknowledge(self, consumer: AIOKafkaConsumer) -> None:
        """Commit how far the lanes are that have nothing under way: over the marks of transactions as well."""
        for number, task in list(self._under_way.items()):
            if task.done():
                del self._under_way[number]
                task.result()
        reached = {part: await consumer.position(part) for part in consumer.assignment() if self._is_idle(part)}
        moved = {part: place for part, place in reached.items() if place != self._committed.get(part, 0)}
        if not moved:
            return
        try:
            await consumer.commit({part: OffsetAndMetadata(place, "") for part, place in moved.items()})
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError) as error:
            log.info("not acknowledged: the group shares out anew", stage=self._name, what=type(error).__name__)
        else:
            self._committed |= moved

    async def revoked(self, consumer: AIOKafkaConsumer) -> None:
        """Leave all lanes: what is under way comes again to whoever has them next."""
        if self._membership.taken_over(consumer):
            end_process(f"{self._name}.{self._slot}", SLOT_TAKEN)
        under_way, self._under_way, self._lanes = list(self._under_way.values()), {}, {}
        self._committed.clear()
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)

    async def assigned(self, partitions: set[int]) -> None:
        """Take these partitions over, those where something is written."""
        self._membership.joined()
        for number in sorted(partitions):
            lane = self._make_lane(number)
            if lane is not None:
                self._lanes[number] = lane
        log.info("partitions assigned", stage=self._name, lanes=sorted(self._lanes))


class _Listener(ConsumerRebalanceListener):
    def __init__(self, worker: LogWorker, consumer: AIOKafkaConsumer) -> None:
        self._worker = worker
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._worker.revoked(self._consumer)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._worker.assigned({part.partition for part in assigned})
