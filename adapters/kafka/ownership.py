"""Which connections this process polls: shared out by a consumer group over `cursors`, so that each has one poller.

An old owner that has not noticed yet can only read twice; repeats are dropped further on.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition

from adapters.kafka.cluster import Cluster, started
from adapters.kafka.worker import HEARTBEAT_INTERVAL_S, SESSION_TIMEOUT_S
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

    async def run(self) -> None:
        """Share out until cancelled; a task that fails ends all, with its error."""
        consumer = self._cluster.consumer(
            group_id=self._cluster.group(STAGE),
            group_instance_id=f"{self._cluster.namespace}{STAGE}.{self._slot}",
            session_timeout_ms=SESSION_TIMEOUT_S * 1000,
            heartbeat_interval_ms=HEARTBEAT_INTERVAL_S * 1000,
            rebalance_timeout_ms=SESSION_TIMEOUT_S * 1000,
        )
        async with started(consumer, self._cluster):
            consumer.subscribe([self._cluster.name(Topic.CURSORS)], listener=_Listener(self))
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

    async def _run_one(self, number: int) -> None:
        await self._work(number)


class _Listener(ConsumerRebalanceListener):
    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Do nothing: what stays ours goes on, and the assignment names all that is ours."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._ownership.take({part.partition for part in assigned})
