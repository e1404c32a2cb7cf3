"""Judges connections: where the log ends, both systems, then the log to its end; then all sides against each other.

In that order, because what happens meanwhile is then seen by the log, which comes last: a document that the log touches
behind the first ends moved while it was looked at, and is said to be on its way, never called lost.
"""

import asyncio
from collections.abc import Mapping, Sequence

from adapters.kafka.administration import group_state
from adapters.kafka.cluster import Cluster
from console.verification.equality import compare_amounts, is_others
from console.verification.facts import Log
from console.verification.files import Files, compare_files, read_files
from console.verification.following import TOPICS, Following
from console.verification.presence import compare_presence
from console.verification.reading import LogReader, reading
from console.verification.report import Findings, Verdict
from console.verification.systems import Qad, read_qad
from console.wiring import Wiring
from console.zuora_side import Progress, ZuoraDocument, read_zuora
from schemas.topics import Topic

_STAGES = ("match", "ledger", "sink")


async def verify(
    wiring: Wiring, connections: Sequence[str], *, progress: Progress, restored: bool = False
) -> list[Verdict]:
    """Judge connections; see `Verdict`.

    Args:
        wiring: The site.
        connections: Which.
        progress: Told what is being read.
        restored: `outcomes` was cut or made anew: what was found by look-up needs no intent in the log.
    """
    partitions = await wiring.partitions()
    verdicts: list[Verdict] = []
    for tenant in dict.fromkeys(wiring.site.config.connections[name].tenant for name in connections):
        sharing = wiring.site.connections_of(tenant)
        asked = [name for name in sharing if name in connections]
        logs = await _begin(wiring.site.cluster, {name: partitions[name] for name in asked})
        async with wiring.zuora(tenant) as client:
            settlement = wiring.settlement(client, tenant)
            zuora = await read_zuora(client, tenant, progress=progress, settlement=settlement)
        others: list[set[str]] = []
        for log in logs:
            other_side = await _read_other_side(wiring, log.connection, progress)
            findings = Findings(log.connection)
            await read_log(wiring.site.cluster, log, findings, polled_in=partitions[sharing[0]], progress=progress)
            others.append({name for name in zuora if is_others(log.documents.get(name))})
            if len(others) == len(sharing):
                _taken_by_none(set.intersection(*others), zuora, findings)
            verdicts.append(judge(zuora, other_side, log, findings, restored=restored))
    return verdicts


async def _read_other_side(wiring: Wiring, connection: str, progress: Progress) -> Qad | Files:
    files = wiring.files(connection)
    if files is not None:
        return await asyncio.to_thread(read_files, wiring.site.path(files.directory))
    profile = wiring.profile(connection)
    async with wiring.qad(connection, profile) as client:
        return await read_qad(client, profile, progress=progress)


def judge(
    zuora: Mapping[str, ZuoraDocument], other_side: Qad | Files, log: Log, findings: Findings, *, restored: bool = False
) -> Verdict:
    """Hold three sides against each other, once the log has been followed."""
    qad, counted = (other_side, {}) if isinstance(other_side, Qad) else (other_side.shown, other_side.counted)
    if isinstance(other_side, Files):
        compare_files(other_side, log, findings)
    compare_presence(qad, log, findings, restored=restored)
    sums = compare_amounts(zuora, qad, log, findings)
    read = {topic.value: count for topic, count in log.read.items()}
    return Verdict(
        connection=log.connection,
        read={**read, "postings made": len(log.postings), "Zuora": len(zuora), "QAD": len(qad.documents)} | counted,
        sums=sums,
        broken=dict(sorted(findings.broken.items())),
        violations=tuple(sorted(findings.violations, key=lambda one: one.invariant)),
        on_its_way=tuple(findings.on_its_way),
        adopted=findings.adopted,
    )


async def read_log(
    cluster: Cluster, log: Log, findings: Findings, *, polled_in: int, progress: Progress = lambda _what: None
) -> None:
    """Follow a connection's log to its end.

    Args:
        cluster: The cluster.
        log: What becomes known; its partition is read.
        findings: Where what is broken is named.
        polled_in: Partition that holds the tenant's cursors: that of its first connection.
        progress: Told what is being read.
    """
    following = Following(log, findings)
    own = [topic for topic in TOPICS if topic is not Topic.CURSORS]
    async with reading(cluster, log.partition) as reader:
        for topic in own:
            await _follow(reader, topic, following, log, progress)
    async with reading(cluster, polled_in) as reader:
        await _follow(reader, Topic.CURSORS, following, log, progress)


async def _follow(reader: LogReader, topic: Topic, following: Following, log: Log, progress: Progress) -> None:
    async for page in reader.pages(topic):
        for entry in page:
            following.take(topic, entry)
        progress(f"{topic.value}: {log.read[topic]} events")


async def _begin(cluster: Cluster, partitions: Mapping[str, int]) -> list[Log]:
    """Return empty logs that know where the real ones end now, and what their stages have worked off."""
    logs = [Log(connection, partition) for connection, partition in partitions.items()]
    for log in logs:
        async with reading(cluster, log.partition) as reader:
            log.ends = await reader.ends(TOPICS)
    for stage in _STAGES:
        committed = (await group_state(cluster, stage)).committed
        for log in logs:
            log.committed[stage] = committed.get(log.partition, 0)
    return logs


def _taken_by_none(names: set[str], zuora: Mapping[str, ZuoraDocument], findings: Findings) -> None:
    for name in sorted(names):
        if zuora[name].counts:
            what = "every connection of its tenant says that it is another's"
            findings.name("I1", what, document=name, number=zuora[name].number)
