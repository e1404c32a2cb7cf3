"""Follows every topic of every partition, read committed and without a group, into the read model."""

import asyncio

from adapters.crashpoints import crashpoint
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.reader import LogRecord
from adapters.store.readmodel import ReadModel
from schemas.topics import SPEC, Topic

# Records of one transaction of the read model.
_BATCH_RECORDS = 2000


class Observer:
    """Feeds one read model."""

    def __init__(self, cluster: Cluster, model: ReadModel, *, partitions: int) -> None:
        """Name what is followed.

        Args:
            cluster: The cluster.
            model: The read model, opened for writing.
            partitions: Partitions of every topic.
        """
        self._cluster = cluster
        self._model = model
        self._partitions = partitions

    async def run(self) -> None:
        """Follow until cancelled."""
        topics = {self._cluster.name(topic): topic for topic in SPEC}
        positions = self._model.positions()
        consumer = self._cluster.consumer(max_poll_records=_BATCH_RECORDS)
        async with started(consumer, self._cluster):
            parts = [self._cluster.partition(topic, number) for topic in SPEC for number in range(self._partitions)]
            consumer.assign(parts)
            for part in parts:
                consumer.seek(part, positions.get((topics[part.topic].value, part.partition), 0))
            while True:
                fetched = await consumer.getmany(timeout_ms=500)
                batch = [
                    (part.partition, _record(topics[part.topic], record))
                    for part, records in fetched.items()
                    for record in records
                ]
                if batch:
                    crashpoint("observe.before_commit")
                    await asyncio.to_thread(self._model.take, batch)
                self._model.looked()


def _record(topic: Topic, record: object) -> LogRecord:
    offset, at_ms = record.offset, record.timestamp  # type: ignore[attr-defined]  # aiokafka's ConsumerRecord
    return LogRecord(topic, offset, at_ms, record.key or b"", record.value or b"")  # type: ignore[attr-defined]  # likewise
