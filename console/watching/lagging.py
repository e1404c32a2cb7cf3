"""How far each stage is behind, per connection: in records, in time, and in money."""

import time
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from adapters.kafka.administration import end_offsets, group_state
from adapters.kafka.cluster import Cluster
from adapters.store.readmodel import ReadModel
from console.wiring import STAGES, Wiring
from schemas.cursors import Reread
from streams.customers.spec import ALIGN_SPEC
from streams.mark.spec import SPEC as MARK
from streams.stage import StageSpec


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
    """Return the lag of every stage and connection, in the pipeline's order; of what is beside it, where that is on."""
    partitions = await wiring.partitions()
    marked = {name: number for name, number in partitions.items() if wiring.site.write_back_of(name).on}
    connections = wiring.site.config.connections
    aligned = {name: number for name, number in partitions.items() if connections[name].align_customers}
    beside = [(spec, owned) for spec, owned in ((MARK, marked), (ALIGN_SPEC, aligned)) if owned]
    followed = [*((spec, partitions) for spec in STAGES.values()), *beside]
    return [lag for spec, owned in followed for lag in await _lags_of(wiring.site.cluster, model, spec, owned)]


async def _lags_of(cluster: Cluster, model: ReadModel, spec: StageSpec, partitions: Mapping[str, int]) -> list[Lag]:
    group = await group_state(cluster, spec.name, spec.source)
    ends = await end_offsets(cluster, [spec.source], list(partitions.values()))
    found = []
    for connection, partition in partitions.items():
        committed = group.committed.get(partition, 0)
        records = max(ends[spec.source, partition] - committed, 0)
        at_ms, value = model.behind(spec.source, partition, committed) if records else (None, {})
        found.append(
            Lag(
                connection=connection,
                stage=spec.name,
                records=records,
                oldest_s=max(0.0, time.time() - at_ms / 1000) if at_ms else 0.0,
                value=value,
                group=f"{group.state}, {group.members}",
            )
        )
    return found


def reread_row(told: Reread) -> tuple[str, ...]:
    """Return what the re-read of a kind has proved and found, as a table shows it."""
    share = told.proved_s / told.turn_s if told.turn_s else 1.0
    numbers = (told.turns, told.rows, told.late, told.changed, told.deleted)
    return (told.connection, told.kind, f"{share:.0%}", *map(str, numbers), f"{told.until:%Y-%m-%d %H:%M}")
