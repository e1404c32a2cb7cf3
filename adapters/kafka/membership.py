"""A process's place in a consumer group, and whether another process has it.

Two with one static id would drive each other out: Kafka does not refuse the second one. Each that joins takes the
place over, the other's heartbeat fails, it joins again, and so on for ever, while both work. But no session expires
sooner after it began than it is long: who is driven out so soon was driven out by another.
"""

import time
from typing import Any

from aiokafka import AIOKafkaConsumer

from adapters.kafka.cluster import Cluster

# A dead worker's partitions stay silent for one session; the broker allows no less than 6 s.
SESSION_TIMEOUT_S = 10
HEARTBEAT_INTERVAL_S = 3

SLOT_TAKEN = "another process runs under this name: give each a --slot of its own"


def member(cluster: Cluster, *, stage: str, slot: str, **options: Any) -> AIOKafkaConsumer:
    """Return a consumer with a place in the group of a stage: the slot keeps the place over a restart."""
    return cluster.consumer(
        group_id=cluster.group(stage),
        group_instance_id=f"{cluster.namespace}{stage}.{slot}",
        session_timeout_ms=SESSION_TIMEOUT_S * 1000,
        heartbeat_interval_ms=HEARTBEAT_INTERVAL_S * 1000,
        rebalance_timeout_ms=SESSION_TIMEOUT_S * 1000,
        **options,
    )


class Membership:
    """One process's place in a group, as its rebalances show it."""

    def __init__(self) -> None:
        """Begin outside the group."""
        self._joined_at = float("-inf")

    def joined(self) -> None:
        """Take note that the group has taken us in."""
        self._joined_at = time.monotonic()

    def taken_over(self, consumer: AIOKafkaConsumer) -> bool:
        """Return whether another process has our static id; to be asked in a revocation, before we join again."""
        # aiokafka shows its member id nowhere else. It is empty once the group does not know us any more.
        coordinator: Any = consumer._coordinator  # noqa: SLF001
        driven_out = not coordinator.member_id
        return driven_out and time.monotonic() - self._joined_at < SESSION_TIMEOUT_S
