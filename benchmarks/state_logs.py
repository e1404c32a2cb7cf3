"""Logs of any length for the stages' states: one invoice decided by the product, written again under other ids."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from benchmarks.deciding import documents, known
from schemas.codec import encode
from schemas.events import read_matched, read_postings
from schemas.matching import AccountSeen
from schemas.outcomes import Document, Parked
from schemas.reasons import Reason
from schemas.topics import Topic
from streams import waits
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from streams.sink import saying
from streams.sink.freezing import freeze, intended
from streams.sink.spec import SPEC as SINK
from streams.sink.state import SinkState
from streams.stage import Core, Input, Output, StageSpec
from tests.unit import builders as zuora

Record = tuple[Topic, bytes]

STAGES: dict[str, StageSpec] = {spec.name: spec for spec in (MATCH, LEDGER, SINK)}

# Zuora's ids are 32 hex digits, and so are ours.
_SERIES = "0" * 29
_ID = f"inv{_SERIES}-0"
# One document in so many stands still.
_STILL_EACH = 100


def core_of(stage: str) -> Core:
    """Return an empty core of match or ledger that has learnt its side topics."""
    core: Core
    if stage == MATCH.name:
        core = MatchCore(connection=zuora.CONNECTION, claims=(Claim(connection=zuora.CONNECTION),))
    else:
        core = LedgerCore(connection=zuora.CONNECTION)
    for offset, (topic, event) in enumerate(known()):
        if topic in STAGES[stage].sides:
            core.learn(topic, offset, encode(event))
    return core


def log_of(stage: str, count: int) -> Iterator[Record]:
    """Yield what a stage wrote of so many documents; of the sink, so many outcomes: two to a posting."""
    matched, postings = _decided()
    if stage == SINK.name:
        yield from _each([(Topic.OUTCOMES, value) for value in _outcomes(postings)], count // 2, still=b"")
        return
    if stage == MATCH.name:
        yield Topic.MATCHED, encode(_account())
    product = (Topic.MATCHED, matched) if stage == MATCH.name else (Topic.POSTINGS, postings)
    yield from _each([product], count, still=_still(stage))


def inputs_of(stage: str, count: int) -> list[Input]:
    """Return inputs of match or ledger that are in no log."""
    matched, _ = _decided()
    [record] = documents(1, series=_SERIES)
    values: list[tuple[bytes, bytes | None]] = [(record, None)] if stage == MATCH.name else [(matched, record)]
    return [
        Input(offset, 0, b"", _renamed(value, f"x{offset}"), material and _renamed(material, f"x{offset}"))
        for value, material in values
        for offset in range(1 << 40, (1 << 40) + count)
    ]


def _each(values: Sequence[Record], count: int, *, still: bytes) -> Iterator[Record]:
    for number in range(count):
        for topic, value in values:
            yield topic, _renamed(value, str(number))
        if still and number % _STILL_EACH == 0:
            yield Topic.OUTCOMES, _renamed(still, str(number))


def _renamed(value: bytes, name: str) -> bytes:
    """Return an event under an id of its own; its posting too."""
    document = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return value.replace(_ID.encode(), document.encode()).replace(_posting(), document[::-1].encode())


@cache
def _posting() -> bytes:
    [posting] = read_postings(_decided()[1]).postings
    return posting.id.encode()


@cache
def _decided() -> tuple[bytes, bytes]:
    """Return what match and ledger make of one invoice."""
    [record] = documents(1, series=_SERIES)
    match, ledger = core_of(MATCH.name), core_of(LEDGER.name)
    match.decide(Input(0, 0, b"", encode(zuora.account())))
    matched = _one(match.decide(Input(1, 0, b"", record)), Topic.MATCHED)
    return matched, _one(ledger.decide(Input(1, 0, b"", matched, record)), Topic.POSTINGS)


def _account() -> AccountSeen:
    seen = read_matched(_one(core_of(MATCH.name).decide(Input(0, 0, b"", encode(zuora.account()))), Topic.MATCHED))
    assert isinstance(seen, AccountSeen)
    return seen


def _one(outputs: Iterable[Output], topic: Topic) -> bytes:
    [value] = [encode(output.event) for output in outputs if output.topic is topic]
    return value


def _outcomes(postings: bytes) -> list[bytes]:
    [job] = saying.jobs_of(read_postings(postings), 1)
    frozen = freeze(job.posting, state=SinkState())
    intent = intended(job.posting, frozen, connection=job.connection, origin=1, index=0, attempt=1, mapping_version=1)
    qad = Document(year=2026, daybook="ZINV", voucher=123456, customer="C1", currency="EUR", total=frozen.total)
    return [encode(intent), encode(saying.say_posted(job, intent, qad, how="answer"))]


def _still(stage: str) -> bytes:
    document = f"invoice:{_ID}"
    return encode(
        Parked(
            connection=zuora.CONNECTION,
            stage=stage,
            subject=document,
            document=document,
            number=_ID.upper(),
            origin=1,
            stamp=zuora.STAMP,
            reason=Reason(
                rule="unmapped_code",
                message=f"{_ID.upper()}: no row of the mapping takes accounting code Subscription Revenue",
                next_step="Add a row for it and publish the mapping: ml-connector mapping publish FILE.",
                waits_for=(waits.MAPPING,),
            ),
        )
    )
