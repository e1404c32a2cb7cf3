"""The fencing writer of the sink: what waits goes out in one transaction, and starting it shuts the one before out.

Only `outcomes` is written so. The transactional id is (connection, sink): a new owner fences the old one. Any error
ends a writer for good, since its place in the transaction is unknown; its lane opens anew.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import aiokafka.producer.sender
import msgspec
from aiokafka.errors import KafkaError, ProducerFenced

from adapters.kafka.cluster import TRANSACTION_TIMEOUT_MS, Cluster, begin, finish
from schemas.errors import ConnectorError
from schemas.topics import Topic

# aiokafka waits 20 ms between two transactions of one producer; 2 ms suffice and make a group 6 ms instead of 28.
aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002

# Says how many outcomes the sink has written to this partition with this one: a log that lost some in between shows.
COUNT_HEADER = "count"
# Longer than a commit takes, shorter than a supervisor's patience: a producer that cannot stop is left behind.
_STOP_TIMEOUT_S = 5.0


class Fenced(ConnectorError):
    """Another worker owns this connection now: this process must end, reopening would shut the rightful owner out."""


class Write(msgspec.Struct, frozen=True):
    """One record to write."""

    topic: Topic
    key: bytes
    value: bytes


class FencingWriter:
    """Writes groups of records, each group in one transaction, in order.

    Attributes:
        count: The number of the last record that stands in the log; the next one carries the next number. To be set
            before anything is written.
    """

    def __init__(
        self,
        cluster: Cluster,
        partition: int,
        name: str,
        taken: Callable[[Sequence[Write], int], None],
        *,
        begins: Callable[[Sequence[Write]], None] | None = None,
    ) -> None:
        """Name the owner.

        Args:
            cluster: The cluster.
            partition: The connection's partition.
            name: Transactional id.
            taken: Called with each committed group and its last offset, before its writers go on: what the log holds
                is what memory holds, whoever was cancelled meanwhile.
            begins: Called with each group before it is written.
        """
        self._cluster = cluster
        self._partition = partition
        self._taken = taken
        self._begins = begins
        self._producer = cluster.producer(
            transactional_id=name, transaction_timeout_ms=TRANSACTION_TIMEOUT_MS, request_timeout_ms=20_000
        )
        self._waiting: list[tuple[Sequence[Write], asyncio.Future[None]]] = []
        self._some = asyncio.Event()
        self._ended = False
        self.count = 0

    async def start(self) -> None:
        """Shut the owner before out, and abort what it left open.

        Raises:
            Fenced: Another owner did so to us at the same moment.
        """
        try:
            await begin(self._producer, self._cluster)
        except ProducerFenced as error:
            raise Fenced(str(error)) from error

    async def write(self, *records: Write) -> None:
        """Write records; come back when they are committed."""
        if self._ended:
            raise asyncio.CancelledError
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((records, done))
        self._some.set()
        await done

    async def run(self) -> None:
        """Write what waits, group by group, until an error or cancellation ends this writer.

        Raises:
            Fenced: Another worker owns this connection now.
        """
        group: list[tuple[Sequence[Write], asyncio.Future[None]]] = []
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                group, self._waiting = self._waiting, []
                await self._commit(group)
        except ProducerFenced as error:
            raise Fenced(str(error)) from error
        finally:
            self._ended = True
            for _, done in (*group, *self._waiting):
                done.cancel()

    async def stop(self) -> None:
        """Let the producer go; one that hangs is left behind."""
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await finish(self._producer)
        except (KafkaError, TimeoutError):
            return

    async def _commit(self, group: Sequence[tuple[Sequence[Write], asyncio.Future[None]]]) -> None:
        records = [record for written, _ in group for record in written]
        if self._begins is not None:
            self._begins(records)
        await self._producer.begin_transaction()
        sends = []
        for number, record in enumerate(records, self.count + 1):
            headers = [_STAGE, (COUNT_HEADER, b"%d" % number)]
            sent = await self._producer.send(
                self._cluster.name(record.topic), record.value, record.key, self._partition, headers=headers
            )
            # When a later one is refused nobody waits for this one any more; its error is the same one.
            sent.add_done_callback(_heard)
            sends.append(sent)
        acknowledged = await asyncio.gather(*sends)
        await self._producer.commit_transaction()
        self.count += len(records)
        self._taken(records, acknowledged[-1].offset)
        for _, done in group:
            if not done.cancelled():
                done.set_result(None)


_STAGE = ("stage", b"sink")


def _heard(sent: asyncio.Future[Any]) -> None:
    if not sent.cancelled():
        sent.exception()
