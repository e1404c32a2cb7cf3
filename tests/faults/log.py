"""Faults of the log: the broker restarted, cut off, slow, silent; a topic's tail lost, a topic made anew, poison."""

import asyncio
import json
import struct
from collections.abc import Sequence
from pathlib import Path

from adapters.kafka.cluster import started
from adapters.kafka.reader import read_whole
from sandbox.proxy.weather import Weather
from schemas.topics import RECORD_BYTES_MAX, Topic
from tests.faults.scenario import Scenario, Trial

# What the clients and lanes say while the broker is away, or is another one than a moment before.
BROKER_AWAY = (
    r"(lane|poll|ownership|observe|producer|consumer|callout)[^\"]*(opens again|begins again|ended|not stored)",
    r"Kafka(Connection|Timeout)?Error|ConnectionError|TimeoutError|NodeNotReady|RequestTimedOut|NotLeader|Coordinator",
    r"\"logger\": \"(aiokafka|faust|mode)|CancelledError",
)
_BATCH_HEADER = struct.Struct(">qi")
_ATTRIBUTES_AT = 21
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
        trial.fired["records cut off"] += cut_tail(directory, share=0.4)
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


async def poison(trial: Trial) -> None:
    """Put what nobody can read into what each stage consumes, up to 5 MB."""
    nasty = [
        b"\x00\xff{ not json",
        b'{"type":"record","v":1',
        b'{"type":"postings","v":9,"new":{}}',
        b'{"type":"record","unheard_of":' + b"[" * 50_000,
        b'{"type":"record","amount":1e3000000,"other":NaN}',
        json.dumps({"type": "matched", "connection": "x" * (5 << 20)}).encode(),
    ]
    await _put_everywhere(trial, nasty)


async def poison_at_the_limit(trial: Trial) -> None:
    """Put what nobody can read into what each stage consumes, as large as a record may be."""
    await _put_everywhere(
        trial, [json.dumps({"type": "surprise", "fill": "x" * RECORD_BYTES_MAX}).encode()[: -(1 << 16)]]
    )


async def _put_everywhere(trial: Trial, nasty: Sequence[bytes]) -> None:
    """Put values into every stage's topic at some places; each has to become a dead letter."""
    installation = trial.installation
    cluster = installation.cluster
    before, put = await _letters(trial), 0
    async with started(cluster.producer(), cluster) as producer:
        for place in installation.places[: 2 * trial.rounds]:
            for topic in (Topic.CALLOUTS, Topic.RECORDS, Topic.MATCHED, Topic.POSTINGS):
                for value in nasty:
                    partition = installation.partitions[place.name]
                    await producer.send_and_wait(cluster.name(topic), value, key=b"poison", partition=partition)
                    put += 1
    trial.fired["poison"] += put
    came = 0
    for _ in range(45):
        came = await _letters(trial) - before
        if came >= put:
            break
        await asyncio.sleep(2)
    trial.figures["dead letters"] = f"{came} of {put}"
    if came != put:
        trial.findings.append(f"{put} records were poison and {came} are dead letters")


async def _letters(trial: Trial) -> int:
    installation = trial.installation
    return sum(
        [
            len(await read_whole(installation.cluster, installation.partitions[place.name], [Topic.DEAD_LETTERS]))
            for place in installation.places
        ]
    )


def cut_tail(directory: Path, *, share: float) -> int:
    """Cut the last batches of a partition off, as a disk that lost them would; return how many.

    It ends behind a transaction's mark: in the middle of one, no reader would ever pass it again.
    """
    segment = sorted(directory.glob("*.log"))[-1]
    content = segment.read_bytes()
    at, marks, batches = 0, [0], 0
    while at + _BATCH_HEADER.size < len(content):
        _, length = _BATCH_HEADER.unpack_from(content, at)
        if length <= 0:
            break
        attributes = int.from_bytes(content[at + _ATTRIBUTES_AT : at + _ATTRIBUTES_AT + 2], "big")
        at += _BATCH_HEADER.size + length
        batches += 1
        if attributes & _CONTROL:
            marks.append(at)
    kept = marks[int((len(marks) - 1) * (1 - share))]
    with segment.open("r+b") as log:
        log.truncate(kept)
    for pattern in ("*.index", "*.timeindex", "*.txnindex", "*.snapshot"):
        for path in directory.glob(pattern):
            path.unlink()
    return len([mark for mark in marks if mark > kept])


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
        expects=("records cut off",),
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
        expects=("poison",),
        rounds=3,
    ),
    Scenario(
        name="poison as large as a record may be",
        faults=("F22",),
        script=poison_at_the_limit,
        expects=("poison",),
        documents=30,
        over_s=5,
    ),
)
