"""Which partition is whose: the first event of a partition of `decisions` says it, for ever.

A connection takes the first partition that is free. Two that claim the same one at the same moment are told apart by
the log: the first event counts, the other looks for the next.
"""

from datetime import UTC, datetime

from adapters.kafka.administration import end_offsets
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.reader import ByOffset
from schemas.codec import encode
from schemas.decisions import ConnectionAssigned
from schemas.errors import Misconfigured, Unreadable
from schemas.events import read_decision
from schemas.topics import Topic, key


async def read_assignments(cluster: Cluster, *, partitions: int) -> dict[str, int]:
    """Return the partition of every connection that ever had one."""
    ends = await end_offsets(cluster, [Topic.DECISIONS], range(partitions))
    owners = {}
    for (_, number), end in ends.items():
        if end > 0:
            owners[await _owner(cluster, number)] = number
    return owners


async def assign(cluster: Cluster, connections: list[str], *, partitions: int, by: str) -> dict[str, int]:
    """Give each connection that has none a partition; return those of the given connections.

    Raises:
        Misconfigured: There are more connections than partitions.
    """
    owners = await read_assignments(cluster, partitions=partitions)
    for connection in connections:
        while connection not in owners:
            free = sorted(set(range(partitions)) - set(owners.values()))
            if not free:
                raise Misconfigured(
                    f"connection {connection} finds no free partition: all {partitions} are taken (runbook: growing)"
                )
            await _claim(cluster, connection, free[0], by=by)
            owners[await _owner(cluster, free[0])] = free[0]
    return {connection: owners[connection] for connection in connections}


async def require_assignments(cluster: Cluster, connections: list[str], *, partitions: int) -> dict[str, int]:
    """Return the partitions of the connections.

    Raises:
        Misconfigured: A connection has none yet.
    """
    owners = await read_assignments(cluster, partitions=partitions)
    without = [connection for connection in connections if connection not in owners]
    if without:
        raise Misconfigured(f"no partition yet for {', '.join(without)}: run ml-connector topics create")
    return {connection: owners[connection] for connection in connections}


async def _claim(cluster: Cluster, connection: str, number: int, *, by: str) -> None:
    claim = ConnectionAssigned(connection=connection, by=by, at=datetime.now(UTC), why="first free partition")
    producer = cluster.producer()
    async with started(producer, cluster):
        await producer.send_and_wait(
            cluster.name(Topic.DECISIONS), encode(claim), key=key(connection), partition=number
        )


async def _owner(cluster: Cluster, number: int) -> str:
    async with ByOffset(cluster, Topic.DECISIONS, number) as decisions:
        first = (await decisions.get([0]))[0]
    try:
        decision = read_decision(first.value)
    except Unreadable as error:
        raise Misconfigured(f"decisions, partition {number}, does not begin with its connection: {error}") from None
    if not isinstance(decision, ConnectionAssigned):
        raise Misconfigured(f"decisions, partition {number}, does not begin with its connection")
    return decision.connection
