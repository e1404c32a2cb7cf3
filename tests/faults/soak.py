"""Mixes faults at random for so many minutes, two at a time; what excludes others is played by itself in between."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.scenario import Campaign, Result, Scenario

# These stop everything, change what the others stand on, or say of each document why it is not in QAD.
_ALONE = ("F4", "F13", "F25", "F29", "F31", "F32", "F33")


async def soak(
    campaign: Campaign, scenarios: Sequence[Scenario], *, minutes: float, told: Callable[[Result], None]
) -> tuple[list[Result], dict[str, str]]:
    """Play scenarios, in pairs or alone, until the time is over; return what came of them, and the memory."""
    draw = random.Random(campaign.seed)
    quick = [one for one in scenarios if one.quick]
    alone = [one for one in quick if one.alone or set(one.faults) & set(_ALONE)]
    mixable = [one for one in quick if one not in alone]
    until, began, results = time.monotonic() + minutes * 60, time.monotonic(), []
    memory = [_memory(campaign)]
    while time.monotonic() < until:
        by_itself = draw.random() < len(alone) / len(quick)
        played = draw.sample(alone, 1) if by_itself else draw.sample(mixable, 2)
        result = await campaign.play(*played, rounds=1)
        results.append(result)
        memory.append(_memory(campaign))
        told(result)
    hours = (time.monotonic() - began) / 3600
    fired = sum(result.fired.total() for result in results)
    return results, {
        "faults an hour": f"{fired / hours:.0f}",
        "documents an hour": f"{sum(result.documents for result in results) / hours:.0f}",
        "memory of all processes, at first and at the end": f"{memory[0]} MB, {memory[-1]} MB",
    }


def _memory(campaign: Campaign) -> int:
    """Return what all processes of the product hold, in MB; 0 where the system does not tell."""
    found = 0
    for process in campaign.installation.crew.processes.values():
        status = Path(f"/proc/{process.pid}/status")
        if process.running and status.exists():
            found += next(
                (int(one.split()[1]) for one in status.read_text().splitlines() if one.startswith("VmRSS")), 0
            )
    return found // 1024
