"""Faults of QAD and of the way there: refused, lost, late, repeated, closed, away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from sandbox.proxy.weather import LostReply, Weather
from sandbox.qad.faults import Fault
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial
from tests.faults.ways import OVER_ALL

# Below the profile's settle time (7 s) and above its time-out (4 s): a look-up in between finds nothing.
_LATE_S = 6.5
# As long as the caller's time-out keeps a silent call.
_SILENCE_S = 5.0
# What a proxy counts, and how it is called here.
_WEATHERS = {
    "delayed": "delayed",
    "sliced": "sliced",
    "throttled": "throttled",
    "cut": "cut",
    "reset": "reset",
    "refused": "connections refused",
    "held": "held",
}


def fired(trial: Trial, name: str) -> int:
    """Return how often a fault of the stand-ins has fired so far."""
    return sum(place.qad.control.fired(name) for place in trial.installation.places)


def by_way(trial: Trial, count: Callable[[Place], int]) -> Counter[str]:
    """Return what is counted at each place, by the way in which its QAD is spoken to."""
    counts: Counter[str] = Counter()
    for place in trial.installation.places:
        counts[place.way.name] += count(place)
    return counts


def armed(*names: str, for_s: float, **settings: object) -> Callable[[Trial], Awaitable[None]]:
    """Return a script that arms faults of the stand-in for a while."""

    async def script(trial: Trial) -> None:
        def of_all(place: Place) -> int:
            return sum(map(place.qad.control.fired, names))

        before, over = {name: fired(trial, name) for name in names}, by_way(trial, of_all)
        for place in trial.installation.places:
            for name in names:
                place.qad.control.arm(Fault(name=name, seed=trial.draw.randrange(1000), **settings))  # type: ignore[arg-type]  # keywords by name
        await asyncio.sleep(for_s * trial.rounds)
        for name in names:
            trial.fired[name] += fired(trial, name) - before[name]
        trial.over.update(by_way(trial, of_all) - over)

    return script


async def replies_lost_on_the_way(trial: Trial) -> None:
    """Lose replies in the network, after QAD has answered: reset, closed, silent."""
    places = trial.installation.places
    before = by_way(trial, lambda place: place.proxy.counts["reply_lost"])
    for how in ("reset", "close", "silence"):
        for place in places:
            place.proxy.lose_replies(LostReply(share=0.5, begins=place.way.writes, how=how))
        await asyncio.sleep(8 * trial.rounds)
    lost = by_way(trial, lambda place: place.proxy.counts["reply_lost"]) - before
    trial.fired["replies lost"] += lost.total()
    trial.over.update(lost)


async def bad_lines(trial: Trial) -> None:
    """Slow, slice, throttle, cut, reset, refuse and silence the lines to QAD."""
    places = trial.installation.places
    for _ in range(trial.rounds):
        before = _counts(places)
        _set_weather(places, Weather(latency_ms=200, jitter_ms=300, slice_bytes=200, bandwidth_bytes_s=20_000))
        await asyncio.sleep(5)
        for _ in range(4):
            for place in places:
                place.proxy.cut()
            await asyncio.sleep(1)
            for place in places:
                place.proxy.reset()
            await asyncio.sleep(1)
        # Whoever still has a connection asks for none.
        _set_weather(places, Weather(refuse=True))
        for place in places:
            place.proxy.reset()
        await asyncio.sleep(_SILENCE_S)
        _set_weather(places, Weather())
        # Lines that nobody uses have nothing to hold.
        await trial.work.make(12)
        await asyncio.sleep(2)
        _set_weather(places, Weather(black_hole=True))
        await asyncio.sleep(_SILENCE_S)
        _set_weather(places, Weather())
        trial.fired.update(_counts(places) - before)
        await asyncio.sleep(2)


def _set_weather(places: Sequence[Place], weather: Weather) -> None:
    for place in places:
        place.proxy.weather = weather


def _counts(places: Sequence[Place]) -> Counter[str]:
    """Return how often the weather of all lines to QAD has done what, so far."""
    counts: Counter[str] = Counter()
    for place in places:
        counts.update({_WEATHERS[kind]: count for kind, count in place.proxy.counts.items() if kind in _WEATHERS})
    return counts


def away(*, for_s: float) -> Callable[[Trial], Awaitable[None]]:
    """Return a script in which QAD is away: first it refuses connections, then it cuts them."""

    async def script(trial: Trial) -> None:
        places, crew = trial.installation.places, trial.installation.crew
        starts = {name: process.starts for name, process in crew.processes.items()}
        requests = {place.name: place.qad.installation.log.count for place in places}
        for place in places:
            await place.qad.refuse_connections()
        await asyncio.sleep(for_s / 2)
        for place in places:
            await place.qad.listen()
            place.qad.control.set_down(is_down=True)
        await asyncio.sleep(for_s / 2)
        for place in places:
            trial.fired["calls cut while away"] += place.qad.installation.log.count - requests[place.name]
        trial.fired["places away"] += len(places)
        trial.figures["away for"] = f"{for_s:.0f} s"
        restarted = [name for name, process in crew.processes.items() if process.starts != starts[name]]
        if restarted:
            trial.findings.append(f"started again while QAD was away: {restarted}")

    return script


SCENARIOS = (
    Scenario(
        name="QAD fails before it commits: 500, 503, reset",
        faults=("F8",),
        script=armed("http_500_before_commit", "http_503_before_commit", "reset_before_commit", for_s=20, share=0.2),
        expects=("http_500_before_commit", "http_503_before_commit", "reset_before_commit"),
        over=OVER_ALL,
        rounds=3,
    ),
    Scenario(
        name="QAD commits and fails: 500, 502, 504, reset, hang",
        faults=("F9",),
        script=armed(
            "commit_then_500",
            "commit_then_502",
            "commit_then_504",
            "commit_then_reset",
            "commit_then_hang",
            for_s=25,
            share=0.12,
        ),
        expects=("commit_then_500", "commit_then_502", "commit_then_504", "commit_then_reset", "commit_then_hang"),
        over=OVER_ALL,
        documents=120,
        rounds=10,
    ),
    Scenario(
        name="replies lost on the way back",
        faults=("F9",),
        script=replies_lost_on_the_way,
        expects=("replies lost",),
        over=OVER_ALL,
        documents=180,
        over_s=20,
        rounds=10,
    ),
    Scenario(
        name="lines to QAD cut, reset, silent, slow, in slices",
        faults=("F6", "F7"),
        script=bad_lines,
        expects=tuple(_WEATHERS.values()),
        rounds=5,
    ),
    Scenario(
        name="QAD commits late: a look-up finds nothing, then it is there",
        faults=("F10",),
        script=armed("commit_late", for_s=15, share=0.3, seconds=_LATE_S),
        expects=("commit_late",),
        over=OVER_ALL,
        rounds=4,
    ),
    Scenario(
        name="QAD away for 40 s, then back",
        faults=("F14",),
        script=away(for_s=40),
        expects=("places away", "calls cut while away"),
    ),
    Scenario(
        name="QAD away for 10 minutes, then back",
        faults=("F14",),
        script=away(for_s=600),
        expects=("places away", "calls cut while away"),
        documents=600,
        over_s=300,
        bursts=30,
        drains_within_s=300,
        quick=False,
    ),
)
