"""How far each stage is behind, per connection: in records, in time, and in money."""

import time
from decimal import Decimal

import msgspec

from adapters.kafka.administration import end_offsets, group_state
from adapters.store.readmodel import ReadModel
from console.wiring import STAGES, Wiring


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of one connection.

    Attributes:
        records: Inputs not acknowledged yet.
        oldest_s: Age of the oldest of them, in seconds; 0 where there is none.
        value: What these documents are worth, by currency, sign apart.
        group: Kafka's word for the stage's group, and its members.
    """

    connection: str
    stage: str
    records: int
    oldest_s: float
    value: dict[str, Decimal]
    group: str


async def lags(wiring: Wiring, model: ReadModel) -> list[Lag]:
    """Return the lag of every stage and connection, in the order of the pipeline."""
    partitions = await wiring.partitions()
    found = []
    for stage, spec in STAGES.items():
        group = await group_state(wiring.site.cluster, stage)
        ends = await end_offsets(wiring.site.cluster, [spec.source], list(partitions.values()))
        for connection, partition in partitions.items():
            committed = group.committed.get(partition, 0)
            records = max(ends[spec.source, partition] - committed, 0)
            at_ms, value = model.behind(spec.source, partition, committed) if records else (None, {})
            found.append(
                Lag(
                    connection=connection,
                    stage=stage,
                    records=records,
                    oldest_s=max(0.0, time.time() - at_ms / 1000) if at_ms else 0.0,
                    value=value,
                    group=f"{group.state}, {group.members}",
                )
            )
    return found
