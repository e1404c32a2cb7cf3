"""Reads one connection's partition without a group: to its end as it is now, on from there, and again by offset.

To the end means the high watermark, not the last stable offset: behind another writer's open transaction our own
committed records may wait, and an outcome that is not seen is a second call to QAD.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import msgspec
from aiokafka import TopicPartition

from adapters.kafka.cluster import Cluster, begin, finish, started
from schemas.errors import InvariantViolation
from schemas.topics import Topic

# How long one poll waits for something new.
_POLL_MS = 500
# Records per poll: a million outcomes load in seconds, and no poll holds the loop for long.
_POLL_RECORDS = 5000
# Bytes that are fetched ahead of each topic; a record that is larger comes whole all the same. With room for the
# largest, the buffers of a start take more memory than the state of 100,000 documents.
_FETCH_BYTES = 1 << 20
# A stuck end: the records of an aborted or forgotten transaction become readable when it times out, after 10 s.
_TO_END_TIMEOUT_S = 120.0


class LogRecord(msgspec.Struct, frozen=True):
    """One record of the log."""

    topic: Topic
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class LogShorterError(InvariantViolation):
    """A topic ends before what was read of it: it was cut off or made anew."""


class Reader:
    """Follows topics of one partition from known positions."""

    def __init__(self, cluster: Cluster, partition: int, positions: Mapping[Topic, int]) -> None:
        """Name what to read and from where.

        Args:
            cluster: The cluster.
            partition: The connection's partition.
            positions: Next offset to read, by topic.
        """
        self._cluster = cluster
        self._topics = {cluster.partition(topic, partition): topic for topic in positions}
        self._positions = dict(positions)
        self._consumer = cluster.consumer(max_poll_records=_POLL_RECORDS, max_partition_fetch_bytes=_FETCH_BYTES)
        # Its isolation decides which end is told: the high watermark.
        self._probe = cluster.consumer(isolation_level="read_uncommitted")

    async def __aenter__(self) -> "Reader":
        try:
            await begin(self._consumer, self._cluster)
            await begin(self._probe, self._cluster)
        except BaseException:
            await self.__aexit__()
            raise
        self._consumer.assign(list(self._topics))
        for part, topic in self._topics.items():
            self._consumer.seek(part, self._positions[topic])
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await finish(self._consumer, self._probe)

    async def to_end(self) -> Sequence[LogRecord]:
        """Return all records up to the high watermark as it is now; for what is not large.

        Raises:
            LogShorterError: A topic ends before the position it is read from.
        """
        return [record async for records in self.until_end() for record in records]

    async def until_end(self) -> AsyncIterator[Sequence[LogRecord]]:
        """Yield the records up to the high watermark as it is when this begins, as they are fetched.

        Raises:
            LogShorterError: A topic ends before the position it is read from.
            TimeoutError: Nothing came for too long.
        """
        parts = list(self._topics)
        ends: dict[TopicPartition, int] = await self._probe.end_offsets(parts)
        for part, topic in self._topics.items():
            if self._positions[topic] > ends[part]:
                raise LogShorterError(f"{topic} ends at {ends[part]}, before {self._positions[topic]} that was read")
        loop = asyncio.get_running_loop()
        moved_at = loop.time()
        while [part for part in parts if await self._consumer.position(part) < ends[part]]:
            records = await self.step()
            if records:
                yield records
                moved_at = loop.time()
            elif loop.time() - moved_at > _TO_END_TIMEOUT_S:
                raise TimeoutError(f"the end of {', '.join(self._topics.values())} is not reached")

    async def step(self) -> Sequence[LogRecord]:
        """Return what is new, waiting a moment for it; an empty list when nothing came."""
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return [
            LogRecord(
                self._topics[part],
                record.offset,
                record.timestamp,
                record.key or b"",
                record.value or b"",
                tuple(record.headers),
            )
            for part, records in fetched.items()
            for record in records
        ]


class ByOffset:
    """Reads single records of one topic and partition again, by offset; cheapest when the offsets ascend."""

    # What one poll fetches is kept until it is passed: enough for a run, little beside a lane.
    _AHEAD_RECORDS = 500

    def __init__(self, cluster: Cluster, topic: Topic, partition: int) -> None:
        """Name the topic."""
        self._cluster = cluster
        self._part = cluster.partition(topic, partition)
        self._topic = topic
        # Position by offset must not skip: records of open transactions are not in this topic.
        self._consumer = cluster.consumer(max_poll_records=self._AHEAD_RECORDS)
        self._next = -1
        self._ahead: dict[int, LogRecord] = {}

    async def __aenter__(self) -> "ByOffset":
        await begin(self._consumer, self._cluster)
        self._consumer.assign([self._part])
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await finish(self._consumer)

    async def get(self, offsets: Iterable[int]) -> dict[int, LogRecord]:
        """Return the records at these offsets.

        Raises:
            LogShorterError: The topic has no record at one of them.
        """
        return {offset: await self._one(offset) for offset in sorted(set(offsets))}

    async def _one(self, offset: int) -> LogRecord:
        if offset not in self._ahead:
            await self._fetch(offset)
        record = self._ahead.get(offset)
        if record is None:
            raise LogShorterError(f"{self._topic} has no record at offset {offset}")
        return record

    async def _fetch(self, offset: int) -> None:
        if offset != self._next:
            self._consumer.seek(self._part, offset)
        self._ahead.clear()
        async with asyncio.timeout(_TO_END_TIMEOUT_S):
            while not self._ahead:
                fetched = await self._consumer.getmany(self._part, timeout_ms=_POLL_MS)
                for record in fetched.get(self._part, ()):
                    self._ahead[record.offset] = LogRecord(
                        self._topic,
                        record.offset,
                        record.timestamp,
                        record.key or b"",
                        record.value or b"",
                        tuple(record.headers),
                    )
                    self._next = record.offset + 1
                if not self._ahead and await self._is_passed(offset):
                    raise LogShorterError(f"{self._topic} has no record at offset {offset}")

    async def _is_passed(self, offset: int) -> bool:
        """Return whether no record can come there: it is beyond the end, or a transaction's marker has its place."""
        ends = await self._consumer.end_offsets([self._part])
        return int(await self._consumer.position(self._part)) > offset or offset >= int(ends[self._part])


async def ends_of(cluster: Cluster, partition: int, topics: Sequence[Topic]) -> dict[Topic, int]:
    """Return where topics of one partition end now: the high watermarks."""
    probe = cluster.consumer(isolation_level="read_uncommitted")
    async with started(probe, cluster):
        ends = await probe.end_offsets([cluster.partition(topic, partition) for topic in topics])
    return {topic: ends[cluster.partition(topic, partition)] for topic in topics}


async def read_whole(cluster: Cluster, partition: int, topics: Sequence[Topic]) -> Sequence[LogRecord]:
    """Return everything that topics of one partition hold now, topic by topic in offset order."""
    async with Reader(cluster, partition, dict.fromkeys(topics, 0)) as reader:
        records = await reader.to_end()
    return sorted(records, key=lambda record: (topics.index(record.topic), record.offset))
