"""A scenario: a workload, a fault script that runs beside it, and what the fault explains; and how one is played.

Make work while the script does its worst; heal everything; wait until nothing is missing; judge. A fault that never
fired, a finding of the judge, an error in a log that the fault does not explain: each fails the scenario.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from sandbox.proxy.weather import LostReply, Weather
from tests.faults.filed import lost_in_files, unequal_in_files
from tests.faults.installation import Installation
from tests.faults.judge import Intents, judge, lost_in, unequal
from tests.faults.logs import Logs
from tests.faults.places import Place
from tests.faults.work import Work

_LOOK_S = 0.5
# A scenario with fewer documents has a script that counts what becomes of each: nothing is undone beside it.
_UNDOES_FROM = 60
# What a call of QAD takes in fair weather.
_LATENCY_MS = 40


@dataclass
class Trial:
    """What a script acts on.

    Attributes:
        installation: Everything that stands.
        work: Makes business where there is a QAD.
        filing: Makes business where documents go into files.
        intents: What the log has ever held of them; to be read before a fault of the log.
        rounds: How often to do it: 1 in the quick tier, more in the full one.
        draw: Seeded.
        fired: How often each fault fired; a name that stays at 0 fails.
        over: How often faults fired over each way to QAD; one that stays at 0 and has to be there fails.
        figures: What is measured beside it.
        findings: What the script itself found wrong.
        samples: Times in seconds, by what was timed.
    """

    installation: Installation
    work: Work
    filing: Work
    intents: Intents
    rounds: int
    draw: Random
    fired: Counter[str] = field(default_factory=Counter)
    over: Counter[str] = field(default_factory=Counter)
    figures: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)


Script = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One fault and its workload.

    Attributes:
        name: For people.
        faults: Numbers of the fault matrix that it covers.
        script: Does it.
        expects: Names in `fired` that must not stay 0.
        over: Ways to QAD over which its faults must have fired.
        documents: How many are made meanwhile, per round.
        undoes: Some of what was made before is undone meanwhile.
        over_s: For how long, per round; the script may take longer.
        bursts: In how many batches, per round.
        rounds: Rounds of the full tier.
        drains_within_s: Patience after the fault.
        explains: Patterns of log lines that the fault brings.
        quick: Whether it is part of the quick tier.
        alone: Whether it says what became of what, so that no other may be played beside it.
        doubles: Whether it shows what cannot be prevented from here: what is doubled is a figure, not a finding.
    """

    name: str
    faults: tuple[str, ...]
    script: Script
    expects: tuple[str, ...]
    over: tuple[str, ...] = ()
    documents: int = 60
    undoes: bool = True
    over_s: float = 15.0
    bursts: int = 3
    rounds: int = 1
    drains_within_s: float = 120.0
    explains: tuple[str, ...] = ()
    quick: bool = True
    alone: bool = False
    doubles: bool = False


@dataclass
class Result:
    """What came of a scenario."""

    scenario: Scenario
    documents: int
    seconds: float
    drained_s: float
    doubled: int
    kills: int
    fired: Counter[str]
    figures: dict[str, str]
    findings: dict[str, list[str]]
    samples: dict[str, list[float]]

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not any(self.findings.values())


class Campaign:
    """Plays scenarios one after the other on one installation."""

    def __init__(self, installation: Installation, *, seed: int) -> None:
        self.installation = installation
        self.seed = seed
        self.work = Work(installation.places, seed=seed)
        self.filing = Work([installation.filed], seed=seed)
        self.intents = Intents(installation.cluster, installation.companies, installation.partitions)
        self._logs = Logs(installation.logs)
        self._played = 0
        self._told: set[str] = set()

    async def play(self, *scenarios: Scenario, rounds: int) -> Result:
        """Play one scenario, or several at once, and judge what came of it."""
        scenario = together(scenarios)
        began, before, kills = time.monotonic(), self._documents, len(self.installation.crew.kills)
        self._played += 1
        draw = Random(f"{self.seed}:{self._played}:{scenario.name}")
        trial = Trial(self.installation, self.work, self.filing, self.intents, rounds, draw)
        trial.fired.update(dict.fromkeys(scenario.expects, 0))
        trial.over.update(dict.fromkeys(scenario.over, 0))
        self._logs.skip()
        heal(self.installation)
        making = asyncio.create_task(self._make(scenario, rounds))
        try:
            await scenario.script(trial)
        except Exception as error:  # noqa: BLE001 - a script that fails is a finding, and the next one goes on
            trial.findings.append(f"the script ended with {type(error).__name__}: {error}")
        try:
            await making
        except Exception as error:  # noqa: BLE001 - as above
            trial.findings.append(f"the work ended with {type(error).__name__}: {error}")
        heal(self.installation)
        healed = time.monotonic()
        drained = await self._drained(scenario.drains_within_s * max(1, rounds // 4), equal=not scenario.doubles)
        drained_s = time.monotonic() - healed
        verdict = await judge(
            self.installation.places, self.installation.filed, self.work.made | self.filing.made, self.intents
        )
        # What an earlier scenario broke stays broken: it is told once.
        findings = {name: [one for one in found if one not in self._told] for name, found in verdict.found.items()}
        self._told.update(verdict.findings)
        # Each is found by its machine reference and, where it has one, by Zuora's number.
        by_number = sum(one.endswith(" times") for one in findings["doubled"])
        doubled = max(by_number, len(findings["doubled"]) - by_number)
        if scenario.doubles:
            findings |= {"doubled": [], "unequal": []}
        findings["unexpected"] += trial.findings + self._logs.unexpected(scenario.explains)
        findings["unexpected"] += [f"{name} never fired" for name, count in trial.fired.items() if not count]
        findings["unexpected"] += [f"nothing fired over {way}" for way in scenario.over if not trial.over[way]]
        if trial.over:
            trial.figures["over"] = ", ".join(f"{way} {count}" for way, count in trial.over.items())
        if not drained:
            findings["unexpected"].append(f"not drained within {scenario.drains_within_s:.0f} s")
        return Result(
            scenario,
            documents=self._documents - before,
            seconds=time.monotonic() - began,
            drained_s=drained_s,
            doubled=doubled,
            kills=len(self.installation.crew.kills) - kills,
            fired=trial.fired,
            figures=trial.figures,
            findings=findings,
            samples=trial.samples,
        )

    @property
    def _documents(self) -> int:
        return self.work.documents + self.filing.documents

    async def _make(self, scenario: Scenario, rounds: int) -> None:
        """Make a scenario's work at all companies alike."""
        documents, undoes = scenario.documents * rounds, scenario.undoes and scenario.documents >= _UNDOES_FROM
        over_s, bursts = scenario.over_s * rounds, scenario.bursts * rounds
        await asyncio.gather(
            self.work.make(documents, over_s=over_s, bursts=bursts, undoes=undoes),
            self.filing.make(documents // len(self.work.places), over_s=over_s, bursts=bursts, undoes=undoes),
        )

    async def warm_up(self, documents: int) -> bool:
        """Let some work through undisturbed; return whether it came through."""
        heal(self.installation)
        await asyncio.gather(self.work.make(documents), self.filing.make(documents // len(self.work.places)))
        return await self._drained(120)

    async def _drained(self, within_s: float, *, equal: bool = True) -> bool:
        """Wait until everything is in QAD; and what is open of it is as in Zuora, unless it cannot be `equal`."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if all(self._is_done(place, equal=equal) for place in self.installation.places) and self._is_filed():
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    def _is_filed(self) -> bool:
        filed = self.installation.filed
        lost = lost_in_files(filed, self.filing.made[filed.name])
        if any(one not in self._told for one in lost):
            return False
        try:
            return not any(one for one in unequal_in_files(filed, filed.ours()) if one not in self._told)
        except ValueError as error:
            return f"{filed.name}: {error}" in self._told

    def _is_done(self, place: Place, *, equal: bool) -> bool:
        lost = (one for one in lost_in(place, self.work.made[place.name]) if one not in self._told)
        return not any(lost) and not (equal and any(one for one in unequal(place) if one not in self._told))


def together(scenarios: Sequence[Scenario]) -> Scenario:
    """Return several scenarios as one."""
    if len(scenarios) == 1:
        return scenarios[0]

    async def script(trial: Trial) -> None:
        async with asyncio.TaskGroup() as tasks:
            for scenario in scenarios:
                tasks.create_task(scenario.script(trial))  # type: ignore[arg-type]  # each is a coroutine function

    return Scenario(
        name=" + ".join(one.name for one in scenarios),
        faults=tuple(dict.fromkeys(fault for one in scenarios for fault in one.faults)),
        script=script,
        expects=tuple(name for one in scenarios for name in one.expects),
        over=tuple(dict.fromkeys(way for one in scenarios for way in one.over)),
        documents=sum(one.documents for one in scenarios),
        over_s=max(one.over_s for one in scenarios),
        bursts=max(one.bursts for one in scenarios),
        drains_within_s=2 * max(one.drains_within_s for one in scenarios),
        explains=tuple(pattern for one in scenarios for pattern in one.explains),
    )


def heal(installation: Installation) -> None:
    """End every fault: fair weather, nothing armed, everybody there."""
    installation.kafka.weather = Weather()
    for place in installation.places:
        place.proxy.weather = Weather()
        place.proxy.lose_replies(LostReply())
        place.qad.control.disarm()
        place.qad.control.set_down(is_down=False)
        place.qad.control.change_settings({"traffic": {"latency_ms": _LATENCY_MS, "concurrency_max": 0}})
        place.zuora.faults.disarm()
    installation.crew.start()


async def until(holds: Callable[[], bool], *, within_s: float, look_s: float = _LOOK_S) -> bool:
    """Wait until something holds; return whether it does."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not (held := holds()) and loop.time() < end:  # noqa: ASYNC110 - what it waits for sets no event
        await asyncio.sleep(look_s)
    return held
