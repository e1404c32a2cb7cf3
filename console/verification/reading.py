"""Reads a connection's partition for the judge: raw records, topic by topic, to the high watermark, page by page.

It is no reader of the product's: it has a consumer of its own, keeps nothing, and takes no group.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from adapters.kafka.cluster import Cluster, started
from schemas.errors import Transient
from schemas.topics import Topic

_PAGE_RECORDS = 5000
_POLL_MS = 500
# What another writer left open ends within the transaction time-out of 10 s; a broker that comes back takes longer.
_STALLED_S = 60.0


class Entry(NamedTuple):
    """One record of a topic."""

    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes


class LogReader:
    """Reads the topics of one partition."""

    def __init__(self, cluster: Cluster, partition: int, consumer: Any, probe: Any) -> None:
        self._cluster = cluster
        self._partition = partition
        self._consumer = consumer
        self._probe = probe

    async def ends(self, topics: Sequence[Topic]) -> dict[Topic, int]:
        """Return where topics end now: the high watermarks."""
        parts = {self._cluster.partition(topic, self._partition): topic for topic in topics}
        ends = await self._probe.end_offsets(list(parts))
        return {topic: ends[part] for part, topic in parts.items()}

    async def pages(self, topic: Topic) -> AsyncIterator[Sequence[Entry]]:
        """Yield all committed records of a topic up to its end as it is now.

        Raises:
            Transient: It cannot be read to its end now.
        """
        part = self._cluster.partition(topic, self._partition)
        end = (await self.ends([topic]))[topic]
        self._consumer.assign([part])
        await self._consumer.seek_to_beginning(part)
        moved = asyncio.get_running_loop().time()
        while await self._consumer.position(part) < end:
            fetched = await self._consumer.getmany(part, timeout_ms=_POLL_MS)
            now = asyncio.get_running_loop().time()
            if fetched:
                moved = now
            elif now - moved > _STALLED_S:
                raise Transient(f"{topic} cannot be read to its end at {end}: a transaction is open, or Kafka is away")
            for records in fetched.values():
                yield [Entry(one.offset, one.timestamp, one.key or b"", one.value or b"") for one in records]


@asynccontextmanager
async def reading(cluster: Cluster, partition: int) -> AsyncIterator[LogReader]:
    """Yield a reader of one partition."""
    consumer = cluster.consumer(max_poll_records=_PAGE_RECORDS)
    # Its isolation decides which end is told: the high watermark.
    probe = cluster.consumer(isolation_level="read_uncommitted")
    async with started(consumer, cluster), started(probe, cluster):
        yield LogReader(cluster, partition, consumer, probe)
