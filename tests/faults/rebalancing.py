"""Rebalances that move work: workers leave and die for longer than a session, come back, and a third one joins."""

import asyncio

from tests.faults.lanes import lanes_are, lanes_of
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial

MOVED = "rebalances that moved lanes"
# Longer than a session of 10 s and the rebalance after it.
_MOVES_WITHIN_S = 30.0


async def storm(trial: Trial) -> None:
    """Let workers of every stage that has two join and leave while work goes on."""
    async with asyncio.TaskGroup() as stages:
        for stage in ("match", "ledger", "sink"):
            stages.create_task(_storm_of(trial, stage))


async def _storm_of(trial: Trial, stage: str) -> None:
    crew = trial.installation.crew
    stays, goes = crew.of(stage)
    third = crew.another(stage)
    for _ in range(trial.rounds):
        before = lanes_of(stays)
        await (goes.leave() if trial.draw.random() < 0.5 else goes.kill_and_stay_away())
        before = await _moved(trial, stays, before)
        goes.start()
        before = await _moved(trial, stays, before)
        third.start()
        before = await _moved(trial, stays, before)
        # It keeps its place in the group for a session, as all that have a slot do.
        await third.leave()
        await _moved(trial, stays, before)


async def _moved(trial: Trial, stays: Process, before: list[int]) -> list[int]:
    """Count when who stays has other lanes than before; return them."""
    if await lanes_are(stays, lambda lanes: lanes != before, within_s=_MOVES_WITHIN_S):
        trial.fired[MOVED] += 1
    else:
        trial.findings.append(f"no lane of {stays.name} moved within {_MOVES_WITHIN_S:.0f} s")
    return lanes_of(stays)


SCENARIOS = (
    Scenario(
        name="rebalance storm",
        faults=("F5",),
        script=storm,
        expects=(MOVED,),
        documents=90,
        over_s=30,
        bursts=8,
        rounds=6,
    ),
)
