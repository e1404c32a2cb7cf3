"""Writes what people decide, and reads it back: the log says who, when and why."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import read_whole
from console.wiring import Wiring
from schemas.decisions import AnyDecision, Decision
from schemas.errors import Unreadable
from schemas.events import read_decision
from schemas.topics import Topic, key


async def decide(wiring: Wiring, decision: Decision) -> None:
    """Write a decision; back when the broker has it."""
    partitions = await wiring.partitions()
    async with Publisher(wiring.site.cluster) as publisher:
        await publisher.publish(
            [
                Publication(
                    topic=Topic.DECISIONS,
                    partition=partitions[decision.connection],
                    key=key(decision.connection),
                    event=decision,
                )
            ]
        )


async def decided(wiring: Wiring, connection: str) -> Sequence[AnyDecision]:
    """Return all decisions of a connection, oldest first; what nobody can read there is a dead letter already."""
    partitions = await wiring.partitions()
    found = []
    for record in await read_whole(wiring.site.cluster, partitions[connection], [Topic.DECISIONS]):
        with suppress(Unreadable):
            found.append(read_decision(record.value))
    return found


def now() -> datetime:
    """Return the moment of a decision."""
    return datetime.now(UTC)
