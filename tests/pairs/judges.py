"""What the product's own judges say of a house: `verify` and `reconcile`, over its log and both systems, read anew."""

from collections.abc import Iterator
from datetime import date

from console.reconciliation import reading as reconciling
from console.reconciliation.comparing import Result, compare
from console.reconciliation.facts import LogSide
from console.verification import systems
from console.verification.facts import Log
from console.verification.following import TOPICS, Following
from console.verification.judging import judge
from console.verification.reading import Entry
from console.verification.report import Findings
from console.zuora_side import read_zuora
from schemas.codec import encode
from schemas.records import RecordKind
from schemas.topics import Topic
from tests.pairs.house import House
from tests.unit import builders

# Everything has been read: nothing is excused as not read yet.
_READ_TO = "2100-01-01T00:00:00+00:00"
_EVER = (date(2020, 1, 1), date(2100, 1, 1))


async def broken(house: House) -> list[str]:
    """Return what breaks a promise, by `verify`."""
    zuora = await read_zuora(house.client, "acme", progress=_quiet, settlement=house.settlement)
    qad = await systems.read_qad(await house.qad.client(), house.qad.profile(), progress=_quiet)
    log, findings = Log(builders.CONNECTION, 0), Findings(builders.CONNECTION)
    following = Following(log, findings)
    for topic in TOPICS:
        for offset, value in enumerate(_values(house, topic)):
            following.take(topic, Entry(offset, 0, b"", value))
    log.ends = {topic: len(list(_values(house, topic))) for topic in TOPICS}
    inputs = {"match": Topic.RECORDS, "ledger": Topic.MATCHED, "sink": Topic.POSTINGS}
    log.committed = {stage: log.ends[topic] for stage, topic in inputs.items()}
    log.read_to = dict.fromkeys(map(str, RecordKind), _READ_TO)
    verdict = judge(zuora, qad, log, findings)
    return [f"{one.invariant} {one.number}: {one.what}" for one in verdict.violations] + list(verdict.on_its_way)


async def unexplained(house: House) -> list[str]:
    """Return what does not agree between both systems, by `reconcile`; what is ignored by rule is explained."""
    result = await reconciled(house)
    return [f"{one.part} {one.number}: {one.what}" for one in result.differences if one.part != "ignored"]


async def reconciled(house: House, *, first: date = _EVER[0], last: date = _EVER[1], on: date | None = None) -> Result:
    """Return what `reconcile` finds over documents of these days, with balances as of a day."""
    side = LogSide(read_to=dict.fromkeys(map(str, RecordKind), _READ_TO))
    for topic in (Topic.DECISIONS, Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES):
        for offset, value in enumerate(_values(house, topic)):
            reconciling.TAKE[topic](side, value, offset)
    zuora = await read_zuora(house.client, "acme", progress=_quiet, settlement=house.settlement)
    qad = await reconciling.read_qad(await house.qad.client(), house.qad.profile(), side, progress=_quiet)
    return compare(zuora, qad, side, from_date=first, as_of=last, balances_on=on)


def _values(house: House, topic: Topic) -> Iterator[bytes]:
    yield from house.world.log[topic]
    if topic is Topic.OUTCOMES:
        yield from map(encode, house.sink.outcomes)


def _quiet(_what: str) -> None:
    """Say nothing."""
