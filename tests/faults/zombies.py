"""Processes that are stopped for twice a session, and woken when another has done their work."""

import asyncio
import signal

from adapters.crashpoints import CRASHPOINTS
from tests.faults.killing import host_of, let_work_queue, until_fired
from tests.faults.lanes import lanes_of, shared_out
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial

# Twice the session time-out of a worker: another has taken over long before.
ZOMBIE_S = 21.0
WOKEN = "taken over and woken"
# After a rebalance, or a start.
_SETTLED_S = 60.0
_QUICK_POINTS = ("sink.after_intended", "sink.before_call")


async def at_crash_points(trial: Trial) -> None:
    """Stop a process at each crash point for twice the session time-out, and wake it."""
    points = CRASHPOINTS if trial.rounds > 1 else _QUICK_POINTS
    trial.fired.update(dict.fromkeys(points, 0))
    for crashpoint in points:
        process = host_of(trial, crashpoint)
        before = len(process.crashpoints_fired())
        await process.arm(crashpoint, nth=trial.draw.randint(1, 3) if "sink" in crashpoint else 1, stop=True)
        if await until_fired(trial, process, crashpoint, before):
            await _until_taken_over(trial, process)
        process.signal(signal.SIGCONT)


async def at_random(trial: Trial) -> None:
    """Stop one process of each stage that has two, each at its own random moments, and wake it."""
    let_work_queue(trial)
    async with asyncio.TaskGroup() as stages:
        stages.create_task(_again_and_again(trial, "sink", times=trial.rounds))
        stages.create_task(_again_and_again(trial, "ledger", times=(trial.rounds + 1) // 2))
        stages.create_task(_again_and_again(trial, "match", times=(trial.rounds + 1) // 2))


async def _again_and_again(trial: Trial, stage: str, *, times: int) -> None:
    crew = trial.installation.crew.of(stage)
    for number in range(times):
        process = crew[number % len(crew)]
        # One that was woken may still be ending: while nobody else is there, nobody can take over.
        if not await shared_out(crew, trial.installation.partitions.values(), within_s=_SETTLED_S):
            trial.findings.append(f"{stage}: the lanes were not shared out again")
            continue
        await asyncio.sleep(trial.draw.uniform(0.5, 5))
        process.signal(signal.SIGSTOP)
        await _until_taken_over(trial, process)
        process.signal(signal.SIGCONT)


async def _until_taken_over(trial: Trial, process: Process) -> None:
    """Let it stand still for so long, and hold that all of its lanes are another's then; where there is another."""
    await asyncio.sleep(ZOMBIE_S)
    others = [one for one in trial.installation.crew.of(process.name.split("-")[0]) if one is not process]
    if not others:
        return
    every = set(trial.installation.partitions.values())
    if set(lanes_of(others[0])) == every:
        trial.fired[WOKEN] += 1
    else:
        trial.findings.append(f"{process.name} stood still for {ZOMBIE_S:.0f} s and nobody took its lanes over")


# A client that is stopped while it asks for metadata gives up on waking, and calls the topic unknown.
_BROKER_SLOW = (r"lane opens again.*(CancelledError|KafkaError|Timeout|UnknownTopicOrPartitionError)",)

SCENARIOS = (
    Scenario(
        name="stopped at crash points, woken as zombies",
        faults=("F2",),
        script=at_crash_points,
        expects=(WOKEN,),
        documents=90,
        over_s=50,
        bursts=10,
        rounds=6,
        explains=_BROKER_SLOW,
    ),
    Scenario(
        name="stopped at random moments, woken as zombies",
        faults=("F2",),
        script=at_random,
        expects=(WOKEN,),
        documents=120,
        over_s=26,
        bursts=6,
        rounds=25,
        explains=_BROKER_SLOW,
    ),
)
