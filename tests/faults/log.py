"""Faults of the log: the broker restarted, cut off, slow, silent; a topic's tail lost, a topic made anew, poison."""

import asyncio
import json
import re
import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from adapters.kafka.cluster import started
from adapters.kafka.reader import read_whole
from sandbox.proxy.weather import Weather
from schemas.codec import encode
from schemas.events import read_dead_letter, read_record
from schemas.ids import document_key
from schemas.outcomes import Parked
from schemas.reasons import Reason
from schemas.topics import RECORD_BYTES_MAX, Topic
from tests.faults.judge import lost_in, outcomes_of
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial

# What the clients and lanes say while the broker is away, or is another one than a moment before.
BROKER_AWAY = (
    r"(lane|poll|ownership|observe|producer|consumer|callout)[^\"]*(opens again|begins again|ended|not stored)",
    r"Kafka(Connection|Timeout)?Error|ConnectionError|TimeoutError|NodeNotReady|RequestTimedOut|NotLeader|Coordinator",
    r"\"logger\": \"(aiokafka|faust|mode)|CancelledError",
)
_BATCH_HEADER = struct.Struct(">qi")
_ATTRIBUTES_AT = 21
# Attributes, and the number of the last record from 0.
_BATCH_DETAILS = struct.Struct(">hi")
_CONTROL = 0x20


async def broker_restarts(trial: Trial) -> None:
    """Restart the broker, cleanly and by SIGKILL in turn."""
    installation = trial.installation
    for number in range(2 * trial.rounds):
        await asyncio.sleep(trial.draw.uniform(2, 5))
        how = "SIGKILL" if number % 2 else "clean stop"
        await asyncio.to_thread(installation.broker.kill if number % 2 else installation.broker.stop)
        await asyncio.sleep(trial.draw.uniform(0, 3))
        await asyncio.to_thread(installation.broker.start)
        trial.fired[f"broker: {how}"] += 1
        await asyncio.sleep(5)


async def bad_lines_to_the_broker(trial: Trial) -> None:
    """Slow, slice, cut, reset and silence the lines to the broker."""
    kafka = trial.installation.kafka
    for _ in range(trial.rounds):
        before = kafka.counts.copy()
        kafka.weather = Weather(latency_ms=500, jitter_ms=200, slice_bytes=1024)
        await asyncio.sleep(12)
        kafka.weather = Weather()
        for _ in range(3):
            await asyncio.sleep(2)
            kafka.cut()
            await asyncio.sleep(2)
            kafka.reset()
        kafka.weather = Weather(black_hole=True)
        # Longer than a session: the broker takes every member for dead.
        await asyncio.sleep(14)
        kafka.weather = Weather()
        for name in ("delayed", "sliced", "cut", "reset", "held"):
            trial.fired[name] += kafka.counts[name] - before[name]
        await asyncio.sleep(5)


async def tail_cut_off(trial: Trial) -> None:
    """Cut the acknowledged tail of `outcomes` off between two starts of everything."""
    installation = trial.installation
    await trial.work.make(60)
    await asyncio.sleep(12)
    await installation.crew.stop()
    await trial.intents.read()
    await asyncio.to_thread(installation.broker.kill)
    for place in installation.places:
        name = f"{installation.cluster.name(Topic.OUTCOMES)}-{installation.partitions[place.name]}"
        directory = installation.broker.directory / "data" / name
        trial.fired["outcomes cut off"] += cut_tail(directory, share=0.4)
    await asyncio.to_thread(installation.broker.start)
    installation.crew.start()
    await trial.work.make(30)


async def outcomes_made_anew(trial: Trial) -> None:
    """Delete the topic `outcomes` and make it anew, empty, between two starts of everything."""
    installation = trial.installation
    await asyncio.sleep(10)
    await installation.crew.stop()
    await trial.intents.read()
    cluster = installation.cluster
    async with cluster.admin() as admin:
        await admin.delete_topics([cluster.name(Topic.OUTCOMES)])
    await asyncio.sleep(3)
    await installation.product.command("topics", "create")
    trial.fired["made anew"] += 1
    installation.crew.start()
    await trial.work.make(30)


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
_CONSUMED = {
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
    await _put_everywhere(trial, _unreadable)


def _unreadable(topic: Topic) -> list[Poison]:
    """Return what begins as an event of a topic and is none."""
    begins = b'{"type":"' + _CONSUMED[topic] + b'","v":1,'
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
        await _put(trial, place, [one for topic in _CONSUMED for one in nasty(topic)])
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


async def until(holds: Callable[[], bool], *, within_s: float) -> bool:
    """Wait until something holds; return whether it does."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not (held := holds()) and loop.time() < end:  # noqa: ASYNC110 - what it waits for sets no event
        await asyncio.sleep(0.5)
    return held


def cut_tail(directory: Path, *, share: float) -> int:
    """Cut the last batches of a partition off, as a disk that lost them would; return how many records that were.

    It ends behind a transaction's mark: in the middle of one, no reader would ever pass it again.
    """
    segment = sorted(directory.glob("*.log"))[-1]
    content = segment.read_bytes()
    at, marks, records = 0, [0], list[tuple[int, int]]()
    while at + _BATCH_HEADER.size < len(content):
        _, length = _BATCH_HEADER.unpack_from(content, at)
        if length <= 0:
            break
        attributes, last = _BATCH_DETAILS.unpack_from(content, at + _ATTRIBUTES_AT)
        if attributes & _CONTROL:
            marks.append(at + _BATCH_HEADER.size + length)
        else:
            # Nothing is ever compacted away here, so the last one's number tells how many there are.
            records.append((at, last + 1))
        at += _BATCH_HEADER.size + length
    kept = marks[int((len(marks) - 1) * (1 - share))]
    with segment.open("r+b") as log:
        log.truncate(kept)
    for pattern in ("*.index", "*.timeindex", "*.txnindex", "*.snapshot"):
        for path in directory.glob(pattern):
            path.unlink()
    return sum(count for start, count in records if start >= kept)


SCENARIOS = (
    Scenario(
        name="broker restarted, cleanly and by SIGKILL",
        faults=("F3",),
        script=broker_restarts,
        expects=("broker: clean stop", "broker: SIGKILL"),
        over_s=25,
        bursts=6,
        rounds=5,
        explains=BROKER_AWAY,
    ),
    Scenario(
        name="lines to the broker slow, sliced, cut, reset, silent",
        faults=("F6", "F7"),
        script=bad_lines_to_the_broker,
        expects=("delayed", "sliced", "cut", "reset", "held"),
        over_s=30,
        bursts=6,
        rounds=3,
        explains=BROKER_AWAY,
    ),
    Scenario(
        name="the acknowledged tail of outcomes cut off",
        faults=("F4",),
        script=tail_cut_off,
        expects=("outcomes cut off",),
        documents=30,
        over_s=0,
        bursts=1,
        explains=BROKER_AWAY,
    ),
    Scenario(
        name="outcomes made anew, empty",
        faults=("F4",),
        script=outcomes_made_anew,
        expects=("made anew",),
        documents=30,
        over_s=0,
        bursts=1,
        explains=BROKER_AWAY,
    ),
)

# What it breaks stays broken: it comes last.
LAST = (
    Scenario(
        name="poison in every stage's topic, up to 5 MB",
        faults=("F22", "F23"),
        script=poison,
        expects=(*(one.kind for one in _unreadable(Topic.RECORDS)), "lanes that went on"),
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
