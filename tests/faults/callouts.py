"""Faults of callouts: repeated, out of order, late, lost; too many at once; no broker behind them."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from adapters.kafka.reader import read_whole
from sandbox.proxy.weather import Weather
from schemas.events import read_record
from schemas.topics import Topic
from tests.faults.callers import Caller, hint, hold_taken, is_quiet, session_of_callers, someones, stored, told
from tests.faults.log import BROKER_AWAY
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.zuora import arm, disarm, fired

_PER_SECOND = 200
_GROWN_MB_MAX = 150.0


async def astray(trial: Trial) -> None:
    """Send callouts five times, late, out of order, or not at all."""
    names = ("callout_duplicate", "callout_reorder", "callout_delay", "callout_drop")
    places, receive = trial.installation.places, trial.installation.crew["receive"]
    before, lives = {name: fired(trial, name) for name in names}, receive.starts
    history = {place.name: len(place.zuora.callouts.history) for place in places}
    known = {place.name: await _found_by(trial, place) for place in places}
    arm(trial, "callout_drop", share=0.2)
    arm(trial, "callout_duplicate", share=0.5, times=4)
    arm(trial, "callout_reorder", share=0.5, seconds=4)
    arm(trial, "callout_delay", share=0.2, seconds=10)
    await asyncio.sleep(14 * trial.rounds)
    disarm(trial)
    await until(lambda: all(is_quiet(place) for place in places), within_s=30)
    for name in names:
        trial.fired[name] += fired(trial, name) - before[name]
    answered = Counter(
        one.response_code for place in places for one in list(place.zuora.callouts.history)[history[place.name] :]
    )
    trial.fired["repeats answered 200"] += answered[200] - len(
        {
            one.notification_id
            for place in places
            for one in list(place.zuora.callouts.history)[history[place.name] :]
            if one.response_code == 200
        }
    )
    for place in places:
        counts = Counter(callout.notification_id for callout in await stored(trial, place) if callout.notification_id)
        twice = [name for name, count in counts.items() if count > 1]
        # A receiver that was ended has forgotten what it took; one that could not store it may have stored it.
        if twice and receive.starts == lives and set(answered) == {200}:
            trial.findings.append(f"{place.name}: {len(twice)} notifications stand more than once on the broker")
    ways: Counter[str] = Counter()
    for place in places:
        ways.update(await _found_by(trial, place) - known[place.name])
    trial.figures["records found by"] = ", ".join(f"{way} {count}" for way, count in sorted(ways.items()))


async def _found_by(trial: Trial, place: Place) -> Counter[str]:
    """Return how many records of a place each way has found first."""
    cluster, partition = trial.installation.cluster, trial.installation.partitions[place.name]
    first: dict[tuple[str, str], str] = {}
    for one in await read_whole(cluster, partition, [Topic.RECORDS]):
        try:
            record = read_record(one.value)
        except Exception:  # noqa: BLE001 - poison of another scenario
            continue
        first.setdefault((record.kind, record.id), record.found.by)
    return Counter(first.values())


async def storm(trial: Trial) -> None:
    """Hand in 200 callouts a second, which all tell of documents that were told of before."""
    places = trial.installation.places
    reads = {place.name: _reads(place) for place in places}
    async with session_of_callers() as session, asyncio.TaskGroup() as tasks:
        callers = [Caller(trial, session, place, "storm") for place in places]
        for number in range(_PER_SECOND * 10 * trial.rounds):
            caller = callers[number % len(callers)]
            tasks.create_task(caller.hand_in(hint("Invoice", someones(trial, caller.place))))
            await asyncio.sleep(1 / _PER_SECOND)
    answers = sum((caller.answers for caller in callers), Counter[int]())
    trial.fired["answered 200"] += answers[200]
    trial.figures["answers"] = told(answers)
    if set(answers) - {0, 200, 503}:
        trial.findings.append(f"answered neither 200 nor 503: {told(answers)}")
    await hold_taken(trial, *callers)
    made = sum(_reads(place) - reads[place.name] for place in places)
    trial.figures["read back"] = f"{made} reads of invoices for {answers[200]} hints and the work beside"


def _reads(place: Place) -> int:
    return sum(one.path.startswith("/object-query/invoices/") for one in place.zuora.journal.entries)


async def no_broker(trial: Trial) -> None:
    """Cut the way to the broker while callouts come: each is 503, and comes through afterwards."""
    kafka, receive = trial.installation.kafka, trial.installation.crew["receive"]
    place = trial.installation.places[0]
    async with session_of_callers() as session:
        caller = Caller(trial, session, place, "away")

        async def some(count: int) -> Counter[int]:
            before = caller.answers.copy()
            calls: list[Coroutine[Any, Any, int]] = [
                caller.hand_in(hint("Invoice", someones(trial, place))) for _ in range(count)
            ]
            await asyncio.gather(*calls)
            return caller.answers - before

        for _ in range(trial.rounds):
            await some(20)
            grown_from = _memory_mb(receive.pid)
            kafka.weather = Weather(refuse=True)
            kafka.reset()
            away: Counter[int] = Counter()
            for _ in range(2):
                away += await some(40)
            grown_mb = _memory_mb(receive.pid) - grown_from
            kafka.weather = Weather()
            trial.fired["503 while away"] += away[503]
            if away[200]:
                trial.findings.append(f"{away[200]} callouts were answered 200 with the broker away")
            if grown_mb > _GROWN_MB_MAX:
                trial.findings.append(f"the receiver grew by {grown_mb:.0f} MB with the broker away")
            trial.figures["receiver grown by, MB"] = f"{grown_mb:.1f}"

            async def taken() -> bool:
                return (await some(1))[200] == 1

            for _ in range(60):
                if await taken():
                    trial.fired["200 once it is back"] += 1
                    break
                await asyncio.sleep(1)
    await hold_taken(trial, caller)


def _memory_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / 1e6


SCENARIOS = (
    Scenario(
        name="callouts repeated, late, out of order, lost",
        faults=("F15",),
        script=astray,
        expects=("callout_duplicate", "callout_reorder", "callout_delay", "callout_drop", "repeats answered 200"),
        rounds=3,
    ),
    Scenario(
        name="200 callouts a second",
        faults=("F16",),
        script=storm,
        expects=("answered 200",),
        rounds=6,
    ),
    Scenario(
        name="the receiver's way to the broker cut",
        faults=("F17",),
        script=no_broker,
        expects=("503 while away", "200 once it is back"),
        rounds=3,
        explains=BROKER_AWAY,
    ),
)
