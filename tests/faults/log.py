"""Faults of the log: the broker restarted, cut off, slow, silent; a topic's tail lost, a topic made anew."""

import asyncio
import json
import struct
from collections import Counter
from pathlib import Path

from sandbox.proxy.weather import Weather
from sandbox.qad.faults import Fault
from schemas.topics import Topic
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.ways import DIALECT
from tests.topics import delete_topic

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
_NOT_WHOLE = "the outcomes cannot be shown whole"


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
    for place in installation.companies:
        name = f"{installation.cluster.name(Topic.OUTCOMES)}-{installation.partitions[place.name]}"
        directory = installation.broker.directory / "data" / name
        trial.fired["outcomes cut off"] += cut_tail(directory, share=0.4)
    said = _said_by_sinks(trial)
    await asyncio.to_thread(installation.broker.start)
    installation.crew.start()
    await trial.work.make(30)
    await _noticed(trial, since=said)


async def outcomes_made_anew(trial: Trial) -> None:
    """Delete the topic `outcomes` and make it anew, empty, between two starts of everything.

    The sinks are there before anybody else, so that it is their look-ups among whose pages rows leave the lists.
    """
    installation = trial.installation
    await asyncio.sleep(10)
    await installation.crew.stop()
    await trial.intents.read()
    cluster = installation.cluster
    await delete_topic(cluster, Topic.OUTCOMES)
    await installation.product.command("topics", "create")
    said = _said_by_sinks(trial)
    shifts = {
        place: place.qad.control.arm(Fault(name="row_shift", kind="browse", share=0.5, count=3, seed=number))
        for number, place in enumerate(installation.places)
    }
    for sink in installation.crew.of("sink"):
        sink.start()
    await _noticed(trial, since=said)
    small = [shift for place, shift in shifts.items() if place.way is DIALECT]
    await until(lambda: not any(shift.is_armed for shift in small), within_s=30)
    for place, shift in shifts.items():
        trial.fired["row_shift"] += shift.fired
        trial.over[place.way.name] += shift.fired
    installation.crew.start()
    await trial.work.make(30)


def _said_by_sinks(trial: Trial) -> Counter[str]:
    """Return how often the sinks have said of each connection so far that its log of outcomes is not whole."""
    lines = (line for sink in trial.installation.crew.of("sink") for line in sink.lines() if _NOT_WHOLE in line)
    return Counter(json.loads(line)["connection"] for line in lines)


async def _noticed(trial: Trial, *, since: Counter[str]) -> None:
    """Hold that the sink has noticed at every place that its log lost something."""
    places = {place.name for place in trial.installation.companies}
    await until(lambda: places <= set(_said_by_sinks(trial) - since), within_s=60)
    noticed = places & set(_said_by_sinks(trial) - since)
    trial.fired["places where it was noticed"] += len(noticed)
    if noticed != places:
        trial.findings.append(f"the sink did not notice it at {sorted(places - noticed)}")


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
        expects=("outcomes cut off", "places where it was noticed"),
        documents=30,
        over_s=0,
        bursts=1,
        explains=BROKER_AWAY,
    ),
    Scenario(
        name="outcomes made anew, empty; lists of QAD change while they are read",
        faults=("F4", "F20"),
        script=outcomes_made_anew,
        expects=("places where it was noticed", "row_shift"),
        # What the others hold fits on one page.
        over=(DIALECT.name,),
        # More than a page of each place's.
        documents=120,
        undoes=False,
        over_s=0,
        bursts=1,
        explains=BROKER_AWAY,
    ),
)
