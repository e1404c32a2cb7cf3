"""What lane tests stand on: a worker's side of a partition, and runs as Faust hands them over."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import AIOKafkaProducer

from adapters.kafka.cluster import Cluster
from schemas.topics import Topic


class OwnedPartition:
    """Stands where the Faust worker stands: the plain producer is real, holding back is recorded."""

    def __init__(self, cluster: Cluster, partition: int = 0) -> None:
        self._cluster = cluster
        self._partition = partition
        self._producer: AIOKafkaProducer | None = None
        self.held_back = 0
        self.moves = 0

    async def __aenter__(self) -> "OwnedPartition":
        self._producer = self._cluster.producer()
        await self._producer.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._producer.stop()

    async def send(self, topic: Topic, *, key: bytes, value: bytes, stage: str) -> Awaitable[Any]:
        return await self._producer.send(
            self._cluster.name(topic),
            value,
            key=key,
            partition=self._partition,
            headers=[("stage", stage.encode())],
        )

    def hold_back(self) -> None:
        self.held_back += 1

    def let_go(self) -> None:
        self.held_back = 0

    def moved(self) -> None:
        self.moves += 1


@dataclass
class Runs:
    """Runs handed to a lane, and which of them were acknowledged."""

    acknowledged: list[Any] = field(default_factory=list)

    async def acknowledge(self, event: Any) -> None:
        self.acknowledged.append(event)

    def event(self, *records: Any) -> SimpleNamespace:
        return SimpleNamespace(value=list(records))


async def read_records(cluster: Cluster, topic: Topic, partition: int = 0) -> list[Any]:
    """Return aiokafka's records of a topic, as a stage's run holds them."""
    consumer = cluster.consumer()
    await consumer.start()
    part = cluster.partition(topic, partition)
    consumer.assign([part])
    end = (await consumer.end_offsets([part]))[part]
    records: list[Any] = []
    while await consumer.position(part) < end:
        for found in (await consumer.getmany(part, timeout_ms=500)).values():
            records.extend(found)
    await consumer.stop()
    return records
