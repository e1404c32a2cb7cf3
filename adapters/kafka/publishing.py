"""Writes events outside the stages: callouts, records, references, decisions; back when the broker has them."""

import asyncio
from collections.abc import Sequence
from types import TracebackType

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from adapters.kafka.cluster import Cluster, begin, finish
from adapters.kafka.lane import STAGE_HEADER
from schemas.codec import Event, encode
from schemas.errors import Transient
from schemas.topics import Topic

log = structlog.get_logger(__name__)

# Longer than a leader takes to change.
WRITE_TIMEOUT_S = 10.0
# A producer that failed may hang when it ends as well.
STOP_TIMEOUT_S = 2.0


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way.

    Attributes:
        stage: Which stage says so, where one does: it stands in the record's header.
    """

    topic: Topic
    partition: int
    key: bytes
    event: Event
    stage: str = ""


class Publisher:
    """A producer that is made anew after every failure: one that has lost its place stays broken."""

    def __init__(self, cluster: Cluster, *, write_timeout_s: float = WRITE_TIMEOUT_S) -> None:
        """Write to this cluster, each time within so many seconds; use as an async context manager."""
        self._cluster = cluster
        self._write_timeout_s = write_timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> "Publisher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._forget(self._producer)

    async def publish(self, publications: Sequence[Publication]) -> None:
        """Write events in order; back when all replicas have all of them.

        Raises:
            Transient: The broker does not have them for certain: whoever asks comes again.
        """
        if not publications:
            return
        producer = self._producer
        try:
            async with asyncio.timeout(self._write_timeout_s):
                producer = await self._current()
                sent = [
                    await producer.send(
                        self._cluster.name(publication.topic),
                        encode(publication.event),
                        key=publication.key,
                        partition=publication.partition,
                        headers=[(STAGE_HEADER, publication.stage.encode())] if publication.stage else None,
                    )
                    for publication in publications
                ]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError) as error:
            await self._forget(producer)
            raise Transient(f"Kafka at {self._cluster.bootstrap} did not take it: {type(error).__name__}") from error

    async def _current(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = self._cluster.producer(request_timeout_ms=5_000)
                await begin(producer, self._cluster)
                self._producer = producer
            return self._producer

    async def _forget(self, producer: AIOKafkaProducer | None) -> None:
        """End a producer that failed; the one that came after it serves others, and goes on."""
        if producer is not None and producer is self._producer:
            self._producer = None
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await finish(producer)
            except (KafkaError, TimeoutError):
                log.warning("a producer did not end cleanly; it is left behind")
