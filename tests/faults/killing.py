"""Processes that are killed, at random and at each crash point; and how soon each connection posts again."""

import asyncio
import time
from collections.abc import Mapping

from adapters.crashpoints import CRASHPOINTS
from tests.faults.judge import open_intents
from tests.faults.lanes import lanes_of
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial

_FIRE_WITHIN_S = 60.0
# Longer than any recovery that counts as one.
RECOVERY_S = 40.0
# What comes to QAD sooner than this was sent before the end: a worker needs longer to start.
_ON_ITS_WAY_S = 0.5
_HOSTS = {"receive": "receive", "poll": "poll", "observe": "observe", "stage": "ledger", "sink": "sink"}


def host_of(trial: Trial, crashpoint: str) -> Process:
    """Return a process that passes a crash point."""
    stage = _HOSTS[crashpoint.partition(".")[0]]
    if stage == "ledger":
        stage = trial.draw.choice(("match", "ledger"))
    return trial.draw.choice(trial.installation.crew.of(stage))


async def until_fired(trial: Trial, process: Process, crashpoint: str, before: int) -> bool:
    """Wait until a crash point has fired; make a little work meanwhile, so that somebody passes it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _FIRE_WITHIN_S
    more = loop.time() + 4.0
    while loop.time() < until:
        if len(process.crashpoints_fired()) > before:
            trial.fired[crashpoint] += 1
            return True
        if loop.time() > more:
            await trial.work.make(6)
            more = loop.time() + 4.0
        await asyncio.sleep(0.1)
    return False


async def at_each_crash_point(trial: Trial) -> None:
    """Kill a process at each crash point."""
    for _ in range(trial.rounds):
        for crashpoint in CRASHPOINTS:
            process = host_of(trial, crashpoint)
            before = len(process.crashpoints_fired())
            await process.arm(crashpoint, nth=trial.draw.randint(1, 3) if "sink" in crashpoint else 1)
            await until_fired(trial, process, crashpoint, before)


async def at_random(trial: Trial) -> None:
    """Kill two or three processes at once, again and again."""
    for _ in range(7 * trial.rounds):
        await asyncio.sleep(trial.draw.uniform(2, 5))
        names = trial.draw.sample(sorted(trial.installation.crew.processes), k=trial.draw.randint(2, 3))
        for name in names:
            trial.fired["SIGKILL"] += trial.installation.crew[name].kill()


def let_work_queue(trial: Trial) -> None:
    """Let each QAD take six calls a second, so that there is always something left to do.

    No slower: callers give up after 4 s, and what they gave up QAD does all the same before it takes the next.
    """
    for place in trial.installation.places:
        place.qad.control.change_settings({"traffic": {"latency_ms": 500, "concurrency_max": 3, "beyond": "queue"}})


async def recoveries(trial: Trial) -> None:
    """Kill sinks over a backlog, with and without intents in the log: how soon does each connection post again?"""
    sinks = trial.installation.crew.of("sink")
    let_work_queue(trial)
    for _ in range(trial.rounds):
        # Nothing intended: everything is settled, and a sink dies before its first intent.
        await _until_settled(trial)
        await _heap_up(trial)
        before = {sink.name: (len(sink.kills), len(sink.crashpoints_fired())) for sink in sinks}
        await asyncio.gather(*(sink.arm("sink.before_intended") for sink in sinks))
        for sink in sinks:
            await until_fired(trial, sink, "sink.before_intended", before[sink.name][1])
        await asyncio.sleep(RECOVERY_S)
        for sink in sinks:
            await _time(trial, sink, since=before[sink.name][0])
        # Something intended: both are killed at work.
        await _heap_up(trial)
        posted = {place.name: len(place.ledger.documents) for place in trial.installation.places}
        trial.installation.crew.start()
        await _until_posting(trial, posted)
        marks = [len(sink.kills) for sink in sinks]
        for sink in sinks:
            trial.fired["SIGKILL"] += sink.kill()
        await asyncio.sleep(RECOVERY_S)
        for sink, mark in zip(sinks, marks, strict=True):
            await _time(trial, sink, since=mark)


async def _heap_up(trial: Trial) -> None:
    """Make work while no sink is there: every connection has more to post than a recovery takes."""
    await asyncio.gather(*(sink.leave() for sink in trial.installation.crew.of("sink")))
    await trial.work.make(420)
    await asyncio.sleep(8)


async def _until_posting(trial: Trial, posted: Mapping[str, int]) -> None:
    """Wait until every place has more documents than these."""
    for _ in range(300):
        if all(len(place.ledger.documents) > posted[place.name] for place in trial.installation.places):
            return
        await asyncio.sleep(0.1)


async def _until_settled(trial: Trial) -> None:
    """Wait until no intent is open anywhere."""
    for _ in range(60):
        if not any([await _intended_at(trial, place.name, time.time()) for place in trial.installation.places]):
            return
        await asyncio.sleep(1)


async def _time(trial: Trial, sink: Process, *, since: int) -> None:
    """Time, for each connection of a sink that was killed, how long it was until its next call."""
    for at, _ in sink.kills[since : since + 1]:
        for place in trial.installation.places:
            if trial.installation.partitions[place.name] not in lanes_of(sink):
                continue
            calls = place.qad.control.requests(limit=1_000_000)
            after = (call.at.timestamp() - at for call in calls if call.references)
            later = [seconds for seconds in after if seconds > _ON_ITS_WAY_S]
            if not later:
                trial.findings.append(f"{place.name} posted nothing within {RECOVERY_S:.0f} s after {sink.name} ended")
                continue
            intended = await _intended_at(trial, place.name, at)
            trial.samples.setdefault("something intended" if intended else "nothing intended", []).append(later[0])


async def _intended_at(trial: Trial, place: str, at: float) -> bool:
    """Return whether the log held an intent without an outcome at a moment."""
    installation = trial.installation
    return bool(await open_intents(installation.cluster, installation.partitions[place], at=at))


SCENARIOS = (
    Scenario(
        name="killed at each crash point",
        faults=("F1",),
        script=at_each_crash_point,
        expects=CRASHPOINTS,
        documents=120,
        over_s=60,
        bursts=12,
        rounds=3,
        drains_within_s=120,
    ),
    Scenario(
        name="killed at random moments",
        faults=("F1",),
        script=at_random,
        expects=("SIGKILL",),
        documents=120,
        over_s=25,
        bursts=6,
        rounds=10,
    ),
    Scenario(
        name="sinks killed over a backlog: recovery",
        faults=("F1",),
        script=recoveries,
        expects=("sink.before_intended", "SIGKILL"),
        documents=6,
        over_s=0,
        bursts=1,
        rounds=5,
        drains_within_s=180,
    ),
)
