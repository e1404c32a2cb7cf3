"""Mixes faults at random for so many minutes, two at a time where they do not exclude one another."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.scenario import Campaign, Result, Scenario

# These stop everything, change what the others stand on, or say of each document why it is not in QAD.
_ALONE = ("F4", "F13", "F25", "F29", "F32", "F33")


async def soak(
    campaign: Campaign, scenarios: Sequence[Scenario], *, minutes: float, told: Callable[[Result], None]
) -> tuple[list[Result], dict[str, str]]:
    """Play pairs of scenarios until the time is over; return what came of them, and how the processes fared."""
    draw = random.Random(campaign.seed)
    mixable = [one for one in scenarios if one.quick and not set(one.faults) & set(_ALONE)]
    until, began, results = time.monotonic() + minutes * 60, time.monotonic(), []
    memory = [_memory(campaign)]
    while time.monotonic() < until:
        first, second = draw.sample(mixable, 2)
        result = await campaign.play(first, second, rounds=1)
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
