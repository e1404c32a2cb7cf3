"""Which lanes a worker has, by what it wrote in its log: whether work was moved is seen there."""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Sequence

from tests.faults.processes import Process

_LOOK_S = 0.2


def lanes_of(process: Process) -> list[int]:
    """Return the partitions that a process was assigned last."""
    lanes: list[int] = []
    if process.log.exists():
        for line in process.log.read_bytes().splitlines():
            if b'"partitions assigned"' in line:
                lanes = json.loads(line)["lanes"]
    return lanes


async def shared_out(crew: Sequence[Process], lanes: Collection[int], *, within_s: float) -> bool:
    """Wait until all of these lanes are shared out among processes, each at one; return whether they came to be so."""
    until = time.monotonic() + within_s
    while sorted(lane for one in crew for lane in lanes_of(one)) != sorted(lanes):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


async def lanes_are(process: Process, holds: Callable[[list[int]], bool], *, within_s: float) -> bool:
    """Wait until the lanes of a process are as asked; return whether they came to be so."""
    until = time.monotonic() + within_s
    while not holds(lanes_of(process)):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK_S)
    return True
