"""Answers of QAD that are none, and a QAD that is busy; and sinks killed while it works: over every way there is.

What was asked may be done or not, and no answer says which: it is looked up, and stands there once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from sandbox.qad.faults import Armed, Fault
from tests.faults.judge import open_intents
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.ways import OVER_ALL, QXTEND

# So often each fault fires at each place.
_TIMES = 2
_WITHIN_S = 30.0
# As long as QAD takes only one call at a time.
_CROWDED_S = 6.0
_NO_ANSWERS = (
    "html_login",
    "commit_then_login_page",
    "commit_then_no_content",
    "commit_then_other_shape",
    "commit_then_no_key",
    "commit_then_gzip_cut",
    "commit_then_chunks_cut",
    "truncated_json",
)
_SOAP = {
    "fault of nobody, nothing done": Fault(name="soap_fault", code="Server", message="The request has failed."),
    "no agent": Fault(name="soap_fault", code="ProcessException001", message="No licensed agent is available."),
    "fault after the processing": Fault(
        name="commit_then_soap_fault", code="ProcessException009", message="Timed out."
    ),
    "login page": Fault(name="html_login"),
    "login page after it was done": Fault(name="commit_then_login_page"),
    "half of the XML": Fault(name="truncated_json", kind="invoice"),
}
_BUSY = {
    "429 without Retry-After": Fault(name="too_many_requests"),
    "429 with Retry-After": Fault(name="too_many_requests", retry_after_s=1),
    "429 to a look-up": Fault(name="too_many_requests", kind="browse"),
    "record locked": Fault(name="business_error", code="RECORD_LOCKED"),
}


def each_at_each_place(
    faults: Mapping[str, Fault], *, ways: Collection[str] = OVER_ALL, meanwhile: Callable[[Trial], Awaitable[None]]
) -> Callable[[Trial], Awaitable[None]]:
    """Return a script in which each of these faults fires twice at each place that is spoken to in one of these ways.

    Args:
        faults: Each by what it is called here.
        ways: Names of the ways.
        meanwhile: What else is done, before it is waited for that all have fired.
    """

    async def script(trial: Trial) -> None:
        places = [place for place in trial.installation.places if place.way.name in ways]
        armed = {(place.name, what): _arm(trial, place, fault) for place in places for what, fault in faults.items()}
        await meanwhile(trial)
        more = asyncio.create_task(_more_work(trial))
        try:
            await until(lambda: all(not one.is_armed for one in armed.values()), within_s=_WITHIN_S)
        finally:
            more.cancel()
        for place in places:
            for what in faults:
                one = armed[place.name, what]
                trial.fired[what] += one.fired
                trial.over[place.way.name] += one.fired
                if one.is_armed:
                    trial.findings.append(f"{place.name}: {what} fired {one.fired} times, not {_TIMES * trial.rounds}")

    return script


def _arm(trial: Trial, place: Place, fault: Fault) -> Armed:
    """Arm a fault so that it fires on some of the calls: two that mean the same call leave it to each other."""
    found = Fault(**{name: getattr(fault, name) for name in fault.__struct_fields__})
    found.count, found.share, found.seed = _TIMES * trial.rounds, 0.3, trial.draw.randrange(1000)
    return place.qad.control.arm(found)


async def _more_work(trial: Trial) -> None:
    while True:
        await asyncio.sleep(4)
        await trial.work.make(24)


async def _nothing(_trial: Trial) -> None:
    """Wait for the faults alone."""


async def _crowded(trial: Trial) -> None:
    """Let each QAD take one call at a time for a while, and refuse what comes beside it."""
    places = trial.installation.places
    for place in places:
        place.qad.control.change_settings(
            {"traffic": {"latency_ms": 150, "concurrency_max": 1, "agents_max": 1, "beyond": "refuse"}}
        )
    since = {place.name: place.qad.installation.log.count for place in places}
    await trial.work.make(60)
    await asyncio.sleep(_CROWDED_S)
    for place in places:
        place.qad.control.change_settings(
            {"traffic": {"latency_ms": 40, "concurrency_max": 0, "agents_max": 0, "beyond": "queue"}}
        )
        calls = place.qad.control.requests(after=since[place.name], limit=1_000_000)
        trial.fired["sessions in use"] += sum(call.status == 503 for call in calls)


async def killed_at_work(trial: Trial) -> None:
    """Kill both sinks while QAD works at what they have sent: every place has an intent without an outcome then."""
    places, sinks = trial.installation.places, trial.installation.crew.of("sink")
    for _ in range(2 * trial.rounds):
        for place in places:
            # Long enough that all are caught at it, and shorter than the callers wait.
            place.qad.control.change_settings({"traffic": {"latency_ms": 2500}})
        await trial.work.make(36)
        if not await until(lambda: all(_is_writing(place) for place in places), within_s=_WITHIN_S, look_s=0.05):
            trial.findings.append(f"no call was under way at {[one.name for one in places if not _is_writing(one)]}")
        at = time.time()
        for sink in sinks:
            trial.fired["SIGKILL"] += sink.kill()
        trial.over.update(await _intended(trial, places, at=at))
        for place in places:
            place.qad.control.change_settings({"traffic": {"latency_ms": 40}})
        await asyncio.sleep(6)


def _is_writing(place: Place) -> bool:
    """Return whether QAD has a call that makes a document, and has not answered it."""
    return any(one.is_write and one.outcome == "open" for one in place.qad.control.requests(limit=1_000_000)[-20:])


async def _intended(trial: Trial, places: Sequence[Place], *, at: float) -> dict[str, int]:
    """Return how many intents stood without an outcome at a moment, by way."""
    installation, counts = trial.installation, dict.fromkeys(OVER_ALL, 0)
    for place in places:
        found = await open_intents(installation.cluster, installation.partitions[place.name], at=at)
        counts[place.way.name] += len(found)
        trial.fired["intents open when killed"] += len(found)
        if not found:
            trial.findings.append(f"{place.name}: nothing was intended when the sinks were killed")
    return counts


SCENARIOS = (
    Scenario(
        name="QAD's answers are none: a login page, half of one, another shape, nothing, packed and cut",
        faults=("F21", "F9"),
        script=each_at_each_place({name: Fault(name=name) for name in _NO_ANSWERS}, meanwhile=_nothing),
        expects=_NO_ANSWERS,
        over=OVER_ALL,
        documents=180,
        rounds=3,
    ),
    Scenario(
        name="QXtend: SOAP faults before and after the processing, a login page, half of the XML",
        faults=("F8", "F9", "F21"),
        script=each_at_each_place(_SOAP, ways={QXTEND.name}, meanwhile=_nothing),
        expects=tuple(_SOAP),
        over=(QXTEND.name,),
        documents=120,
        rounds=3,
    ),
    Scenario(
        name="QAD is busy: 429, sessions in use, no agent, records locked",
        faults=("F14", "F18"),
        script=each_at_each_place(_BUSY, meanwhile=_crowded),
        expects=(*_BUSY, "sessions in use"),
        alone=True,
        over=OVER_ALL,
        documents=120,
        rounds=3,
    ),
    Scenario(
        name="sinks killed while QAD works at what they sent",
        faults=("F1",),
        script=killed_at_work,
        expects=("SIGKILL", "intents open when killed"),
        alone=True,
        over=OVER_ALL,
        documents=60,
        rounds=3,
    ),
)
