"""Deciding again: first a plan, then a decision in the log, then the offset; only while the stage is at rest.

What is in QAD stays as it is: a replay can only bring what is missing, or show what would be decided otherwise today.
"""

from datetime import datetime

import msgspec

from adapters.kafka.administration import end_offsets, group_state, offset_at, reset_offset
from adapters.store.readmodel import ReadModel
from console.decisions import decide, decided, now
from console.wiring import STAGES, Wiring
from schemas.decisions import DocumentReplayed, StageReplayed
from schemas.errors import Misconfigured


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay would do.

    Attributes:
        from_offset: First input that is decided again.
        to_offset: End of the input.
        documents: Inputs in that range.
        in_qad: Postings of this connection that are in QAD and stay.
        standing_still: Documents and postings that wait or are parked, and are tried again.
        group: The stage's group now; it must be empty.
        rests: Connections whose stage rests meanwhile: all of them, since a group is one.
    """

    stage: str
    connection: str
    partition: int
    from_offset: int
    to_offset: int
    documents: int
    in_qad: int
    standing_still: int
    group: str
    rests: list[str]


async def plan_replay(wiring: Wiring, model: ReadModel, *, stage: str, connection: str, since: str) -> Plan:
    """Return what a replay of a stage from an offset or a moment would do; nothing is changed."""
    partitions = await wiring.partitions()
    partition, source = partitions[connection], STAGES[stage].source
    end = (await end_offsets(wiring.site.cluster, [source], [partition]))[source, partition]
    from_offset = min(await _offset(wiring, stage, partition, since), end)
    group = await group_state(wiring.site.cluster, stage)
    return Plan(
        stage=stage,
        connection=connection,
        partition=partition,
        from_offset=from_offset,
        to_offset=end,
        documents=end - from_offset,
        in_qad=len(model.standings(statuses=("posted",), connection=connection)),
        standing_still=len(model.standings(statuses=("waiting", "parked"), connection=connection)),
        group=group.state,
        rests=list(partitions),
    )


async def replay_stage(wiring: Wiring, plan: Plan, *, by: str, why: str) -> None:
    """Carry a plan out.

    Raises:
        Transient: The stage is running somewhere.
    """
    part = wiring.site.cluster.partition(STAGES[plan.stage].source, plan.partition)
    before = await decided(wiring, plan.connection)
    number = 1 + sum(isinstance(other, StageReplayed) and other.stage == plan.stage for other in before)
    # The decision first: an offset that moved without it would find everything known and do nothing.
    await _require_rest(wiring, plan.stage)
    await decide(
        wiring,
        StageReplayed(
            connection=plan.connection,
            by=by,
            at=now(),
            why=why,
            stage=plan.stage,
            number=number,
            from_offset=plan.from_offset,
            to_offset=plan.to_offset,
        ),
    )
    await reset_offset(wiring.site.cluster, plan.stage, part, plan.from_offset)


async def replay_document(wiring: Wiring, *, connection: str, document: str, number: str, by: str, why: str) -> None:
    """Have one document decided again; no stage rests for it."""
    await decide(
        wiring,
        DocumentReplayed(connection=connection, by=by, at=now(), why=why, document=document, number=number),
    )


async def _require_rest(wiring: Wiring, stage: str) -> None:
    group = await group_state(wiring.site.cluster, stage)
    if group.state not in ("Empty", "Dead"):
        raise Misconfigured(
            f"the {stage} stage is running ({group.state}, {group.members} members): stop it on all machines, wait for "
            "one session time-out (10 s), and ask again"
        )


async def _offset(wiring: Wiring, stage: str, partition: int, since: str) -> int:
    if since.isdigit():
        return int(since)
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise Misconfigured(f"--from takes an offset or a moment such as 2026-10-31T00:00:00Z, not {since!r}") from None
    if moment.tzinfo is None:
        raise Misconfigured("--from needs a zone with its moment, e.g. a Z at the end")
    part = wiring.site.cluster.partition(STAGES[stage].source, partition)
    found = await offset_at(wiring.site.cluster, part, int(moment.timestamp() * 1000))
    if found is None:
        raise Misconfigured(f"nothing stands in {STAGES[stage].source} since {since}")
    return found
