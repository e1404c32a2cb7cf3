"""Which connections this process polls: shared out by a consumer group over `cursors`, so that each has one poller.

An old owner that has not noticed yet can only read twice; repeats are dropped further on.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from adapters.kafka.cluster import Cluster, started
from adapters.kafka.membership import SLOT_TAKEN, Membership, member
from adapters.kafka.watchdog import end_process
from schemas.topics import Topic

log = structlog.get_logger(__name__)

STAGE = "poll"


class Ownership:
    """Runs one task for each partition that is ours, as long as it is ours."""

    def __init__(self, cluster: Cluster, *, slot: str, work: Callable[[int], Awaitable[None]]) -> None:
        """Build it.

        Args:
            cluster: The cluster.
            slot: A name that is this process's own and stable over restarts.
            work: What to do for a partition, until cancelled.
        """
        self._cluster = cluster
        self._slot = slot
        self._work = work
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._membership = Membership()

    async def run(self) -> None:
        """Share out until cancelled; a task that fails ends all, with its error."""
        consumer = member(self._cluster, stage=STAGE, slot=self._slot)
        async with started(consumer, self._cluster):
            consumer.subscribe([self._cluster.name(Topic.CURSORS)], listener=_Listener(self, consumer))
            try:
                while True:
                    # What is read is of no use here; asking keeps the membership.
                    await consumer.getmany(timeout_ms=1000)
                    for task in self._tasks.values():
                        if task.done():
                            task.result()
            finally:
                await self.take(set())

    async def take(self, partitions: set[int]) -> None:
        """Make these partitions ours, and no others."""
        for number in set(self._tasks) - partitions:
            task = self._tasks.pop(number)
            task.cancel()
            await asyncio.wait([task])
        for number in partitions - set(self._tasks):
            self._tasks[number] = asyncio.create_task(self._run_one(number), name=f"{STAGE}.{number}")
        log.info("partitions assigned", stage=STAGE, partitions=sorted(partitions))

    def revoked(self, consumer: AIOKafkaConsumer) -> None:
        """See why a rebalance begins; end this process where another one has its name."""
        if self._membership.taken_over(consumer):
            end_process(f"{STAGE}.{self._slot}", SLOT_TAKEN)

    async def assigned(self, partitions: set[int]) -> None:
        """Take note that the group has taken us in, with these partitions."""
        self._membership.joined()
        await self.take(partitions)

    async def _run_one(self, number: int) -> None:
        await self._work(number)


class _Listener(ConsumerRebalanceListener):
    def __init__(self, ownership: Ownership, consumer: AIOKafkaConsumer) -> None:
        self._ownership = ownership
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """End nothing: what stays ours goes on, and the assignment names all that is ours."""
        self._ownership.revoked(self._consumer)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._ownership.assigned({part.partition for part in assigned})
