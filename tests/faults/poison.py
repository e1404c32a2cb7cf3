"""Poison in the log: what nobody can read, what is too large, and what has the right form and cannot be right."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from adapters.kafka.cluster import started
from adapters.kafka.reader import read_whole
from schemas.codec import encode
from schemas.events import read_dead_letter, read_record
from schemas.ids import document_key
from schemas.outcomes import Parked
from schemas.reasons import Reason
from schemas.topics import RECORD_BYTES_MAX, Topic
from tests.faults.judge import lost_in, outcomes_of
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial, until


class Poison(NamedTuple):
    """What nobody can take as it is, and what has to be said of it.

    Attributes:
        kind: What is wrong with it.
        topic: Where it is put.
        value: The bytes.
        says: Words of what has to be said of it.
        rule: By what rule its document parks; "" where it is to be a dead letter.
        document: `kind:id` of that document.
    """

    kind: str
    topic: Topic
    value: bytes
    says: str
    rule: str = ""
    document: str = ""


# Key of all poison.
POISON = b"poison"
# What each stage consumes, and how its events are called.
CONSUMED = {
    Topic.CALLOUTS: b"callout",
    Topic.RECORDS: b"record",
    Topic.MATCHED: b"matched",
    Topic.POSTINGS: b"postings",
}
_NO_EVENT = "not an event of this topic"
_NEWER = "written by a newer version (v9"
# What is wrong, with which field as it stands in the record's bytes, what has to be said of it, and by what rule it
# parks; "" where it is to be a dead letter. Header fields come before those of lines.
_SPOILT_INVOICES = (
    ("amount of 1e400", "amount", "1e400", "amount is out of range", ""),
    ("amount of 40 digits", "amount", "1234567890" * 4 + ".12", "amount is out of range", ""),
    ("amount that is NaN", "amount", '"NaN"', "amount is not a finite number", "unreadable_record"),
    ("bare NaN", "amount", "NaN", _NO_EVENT, ""),
    ("amount of 4 decimals", "amount", "10.1234", "more decimals than", "unreadable_record"),
    ("unknown currency", "currency", '"ZZZ"', "currency 'ZZZ' is not in ISO 4217", "unreadable_record"),
    ("other than its lines", "amount", "1", "", "total_mismatch"),
    ("line of 1e400", "chargeAmount", "1e400", "amount is out of range", ""),
    ("line that is NaN", "chargeAmount", '"NaN"', "amount is not a finite number", "bad_amount"),
)
_SPOILT_POSTINGS = (
    ("postings: out of balance", "total", "", "is not what its lines come to"),
    ("postings: total of 1e400", "total", "1e400", "out of range"),
    ("postings: total that is NaN", "total", "NaN", "not a finite number"),
    ("postings: unknown currency", "currency", "ZZZ", "not in ISO 4217"),
)


async def poison(trial: Trial) -> None:
    """Put what nobody can read into what each stage consumes, up to 5 MB."""
    await _put_everywhere(trial, unreadable)


def unreadable(topic: Topic) -> list[Poison]:
    """Return what begins as an event of a topic and is none."""
    begins = b'{"type":"' + CONSUMED[topic] + b'","v":1,'
    return [
        Poison("not JSON", topic, b"\x00\xff{ not json", _NO_EVENT),
        Poison("another topic's", topic, b'{"type":"cursor","v":1}', _NO_EVENT),
        Poison("cut off", topic, begins[:-1], f"{_NO_EVENT}: Input data was truncated"),
        Poison("newer version", topic, begins.replace(b'"v":1', b'"v":9') + b'"new":{}}', _NEWER),
        Poison("nested deeply", topic, begins + b'"unheard_of":' + b"[" * 50_000, "nested too deeply"),
        Poison("NaN", topic, begins + b'"amount":1e3000000,"other":NaN}', f"{_NO_EVENT}: JSON is malformed"),
        Poison("5 MB", topic, begins + b'"connection":"' + b"x" * (5 << 20) + b'"}', "missing required field"),
    ]


async def poison_at_the_limit(trial: Trial) -> None:
    """Put what nobody can read into what each stage consumes, as large as a record may be."""
    value = json.dumps({"type": "surprise", "fill": "x" * RECORD_BYTES_MAX}).encode()[: -(1 << 16)]
    await _put_everywhere(trial, lambda topic: [Poison("as large as may be", topic, value, _NO_EVENT)])


async def _put_everywhere(trial: Trial, nasty: Callable[[Topic], list[Poison]]) -> None:
    """Put what is nasty for a topic into every stage's topic at some places."""
    for place in trial.installation.places[: 2 * trial.rounds]:
        await _put(trial, place, [one for topic in CONSUMED for one in nasty(topic)])
    await _lanes_go_on(trial)


async def poison_of_right_form(trial: Trial) -> None:
    """Put what has the right form and cannot be right into what each stage consumes.

    Each is made of what came through: another id and number, and one thing that is wrong.
    """
    for place in trial.installation.places[: 2 * trial.rounds]:
        await _put(trial, place, [*await _records(trial, place), *await _postings(trial, place)])
    await _lanes_go_on(trial)
    # Whoever asks what stands still is told, whatever the amount.
    listed = await trial.installation.product.ask("parked", "list")
    trial.figures["listed as parked"] = str(len(listed["standing_still"]))


async def _records(trial: Trial, place: Place) -> list[Poison]:
    """Return an invoice of this place in several ways that nobody may post."""
    record = await _last(trial, place, Topic.RECORDS, _is_posted_invoice)
    header = json.loads(bytes(read_record(record).parent))
    spoilt: list[Poison] = []
    for kind, field, text, says, rule in _SPOILT_INVOICES:
        identity, number = f"{trial.draw.getrandbits(128):032x}", f"{header['invoiceNumber']}-{len(spoilt)}"
        value = record.replace(header["id"].encode(), identity.encode())
        value = value.replace(header["invoiceNumber"].encode(), number.encode())
        # In the bytes: what is put there need not be JSON.
        put = rf"\g<1>{text}".encode()
        value, count = re.subn(rf'("{field}":)("[^"]*"|[^",}}]+)'.encode(), put, value, count=1)
        if not count:
            raise LookupError(f"{number} has no {field}")
        spoilt.append(Poison(kind, Topic.RECORDS, value, says, rule, document_key("invoice", identity)))
    newer = msgspec.structs.replace(read_record(record), v=9)
    return [*spoilt, Poison("record: newer version", Topic.RECORDS, encode(newer), _NEWER)]


def _is_posted_invoice(value: bytes) -> bool:
    return b'"kind":"invoice"' in value and b'"status":"Posted"' in value


async def _postings(trial: Trial, place: Place) -> list[Poison]:
    """Return postings of this place in several ways in which they do not balance or cannot be carried."""
    genuine = await _last(trial, place, Topic.POSTINGS, lambda value: b'"content":{"kind":"invoice"' in value)
    spoilt: list[Poison] = []
    for kind, field, text, says in _SPOILT_POSTINGS:
        event = json.loads(genuine)
        event["id"] = f"{trial.draw.getrandbits(128):032x}"
        content = next(one["content"] for one in event["postings"] if one["content"]["kind"] == "invoice")
        content[field] = text or str(Decimal(content[field]) + 1)
        spoilt.append(Poison(kind, Topic.POSTINGS, json.dumps(event).encode(), says))
    newer = {**json.loads(genuine), "v": 9}
    matched = json.loads(await _last(trial, place, Topic.MATCHED, lambda value: b'"type":"matched"' in value))
    del matched["origin"]
    return [
        *spoilt,
        Poison("postings: newer version", Topic.POSTINGS, json.dumps(newer).encode(), _NEWER),
        Poison("matched: field missing", Topic.MATCHED, json.dumps(matched).encode(), "missing required field"),
    ]


async def _last(trial: Trial, place: Place, topic: Topic, wanted: Callable[[bytes], bool]) -> bytes:
    """Return the last value of a topic at a place that is wanted, and that nobody has spoilt."""
    installation = trial.installation
    records = await read_whole(installation.cluster, installation.partitions[place.name], [topic])
    return next(one.value for one in reversed(records) if one.key != POISON and wanted(one.value))


async def _put(trial: Trial, place: Place, put: Sequence[Poison]) -> None:
    """Put poison at a place, and hold that each was met as it has to be, no more and no less."""
    installation = trial.installation
    cluster, partition = installation.cluster, installation.partitions[place.name]
    at: dict[tuple[str, int], Poison] = {}
    async with started(cluster.producer(), cluster) as producer:
        for one in put:
            sent = await producer.send_and_wait(cluster.name(one.topic), one.value, key=POISON, partition=partition)
            at[one.topic.value, sent.offset] = one
    told: dict[tuple[str, int], list[str]] = {}
    parked: dict[str, Reason] = {}
    for _ in range(30):
        await asyncio.sleep(2)
        told, parked = await _letters(trial, partition), await _parked(trial, partition)
        if all(one.document in parked if one.rule else key in told for key, one in at.items()):
            break
    for key, one in at.items():
        letters, reason = told.get(key, []), parked.get(one.document)
        if one.rule:
            is_met = not letters and reason is not None and reason.rule == one.rule and one.says in reason.message
        else:
            is_met = len(letters) == 1 and one.says in letters[0] and reason is None
        trial.fired[one.kind] += is_met
        if not is_met:
            came = f"dead letters: {letters}; parked: {reason}"[:300]
            trial.findings.append(f"{place.name}: {one.kind} in {one.topic}, not {one.rule or one.says}, but {came}")


async def _letters(trial: Trial, partition: int) -> dict[tuple[str, int], list[str]]:
    """Return the reasons of all dead letters of a partition, by the topic and offset of what they are about."""
    told: dict[tuple[str, int], list[str]] = {}
    for record in await read_whole(trial.installation.cluster, partition, [Topic.DEAD_LETTERS]):
        letter = read_dead_letter(record.value)
        told.setdefault((letter.topic, letter.offset), []).append(letter.reason)
    return told


async def _parked(trial: Trial, partition: int) -> dict[str, Reason]:
    """Return why documents were parked last."""
    outcomes = await outcomes_of(trial.installation.cluster, partition)
    return {outcome.document: outcome.reason for _, outcome in outcomes if isinstance(outcome, Parked)}


async def _lanes_go_on(trial: Trial) -> None:
    """Hold that what comes behind the poison goes through."""
    await trial.work.make(4 * len(trial.installation.places))
    for place in trial.installation.places[: 2 * trial.rounds]:
        went = await until(lambda place=place: not any(lost_in(place, trial.work.made[place.name])), within_s=90)
        trial.fired["lanes that went on"] += went
        if not went:
            trial.findings.append(f"{place.name}: what came behind the poison is not in QAD")


SCENARIOS = (
    Scenario(
        name="poison in every stage's topic, up to 5 MB",
        faults=("F22", "F23"),
        script=poison,
        expects=(*(one.kind for one in unreadable(Topic.RECORDS)), "lanes that went on"),
        rounds=3,
    ),
    Scenario(
        name="poison as large as a record may be",
        faults=("F22",),
        script=poison_at_the_limit,
        expects=("as large as may be", "lanes that went on"),
        documents=30,
        over_s=5,
    ),
    Scenario(
        name="poison of the right form",
        faults=("F22", "F23"),
        script=poison_of_right_form,
        expects=(
            *(kind for kind, *_ in (*_SPOILT_INVOICES, *_SPOILT_POSTINGS)),
            "record: newer version",
            "postings: newer version",
            "matched: field missing",
            "lanes that went on",
        ),
        documents=30,
        over_s=5,
        rounds=3,
    ),
)
