"""Where a process's time goes: each of its threads under cProfile, and what that says by function and by room.

Waiting is left out; what a thread waits to run counts where it waited. cProfile itself makes small functions of Python
look larger than they are: shares may be compared, times with those of another measurement may not.
"""

import cProfile
import pstats
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

TOP = 12

_ROOT = Path(__file__).resolve().parents[1]
# cProfile's place of what is written in C.
_BUILT_IN = "~"
_WAITING = ("select.epoll", "select.kqueue", "_thread.lock", "_queue.SimpleQueue", "time.sleep")
# Rooms by what the path of a function's file holds, the first that fits.
_ROOMS = {
    f"{_ROOT}/streams/": "deciding: streams, schemas",
    f"{_ROOT}/schemas/": "deciding: streams, schemas",
    f"{_ROOT}/adapters/qad/": "calls: adapters/qad, aiohttp",
    f"{_ROOT}/adapters/xml.py": "calls: adapters/qad, aiohttp",
    f"{_ROOT}/adapters/": "lane, transport: adapters/kafka",
    f"{_ROOT}/benchmarks/": "the loop itself",
    "/site-packages/faust/": "Faust, mode",
    "/site-packages/mode/": "Faust, mode",
    "/site-packages/aiokafka/": "aiokafka",
    **{f"/site-packages/{name}/": "calls: adapters/qad, aiohttp" for name in ("aiohttp", "yarl", "multidict")},
    "/asyncio/": "asyncio",
    "/selectors.py": "asyncio",
}
_ELSEWHERE = "all else"

# A function as pstats names it: file, line, name.
Function = tuple[str, int, str]
# What pstats knows of each: primitive calls, calls, own seconds, seconds with what it calls, and the same by caller.
Stats = Mapping[Function, tuple[int, int, float, float, Mapping[Function, tuple[int, int, float, float]]]]


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a function, or all functions of a room, took of a way's process, without what they call.

    Attributes:
        way: Whose process.
        where: Which room, or which function of which file.
        share: Of all that was not waiting.
        us: Microseconds for each document.
        calls: For each document.
    """

    way: str
    where: str
    share: float
    us: float
    calls: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What the time of processes went into.

    Attributes:
        rooms: All of it, by room, of each way.
        functions: What took most, of the product's way.
    """

    rooms: list[Spent]
    functions: list[Spent]


@contextmanager
def profiled(paths: Sequence[str]) -> Iterator[None]:
    """Profile this process until the block ends, and write what was found to the path, if there is one.

    SIGUSR1 forgets what was found until then. Before Python 3.12 alone: since then one profile takes in all threads as
    if they were one.
    """
    if not paths:
        yield
        return
    profiles: list[cProfile.Profile] = []

    def begin(*_: Any) -> None:
        # What a new thread calls first: from here on its own profile is asked instead.
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    def forget(*_: Any) -> None:
        for profile in profiles:
            profile.clear()

    threading.setprofile(begin)
    signal.signal(signal.SIGUSR1, forget)
    begin()
    try:
        yield
    finally:
        threading.setprofile(None)
        profiles[0].disable()
        pstats.Stats(*profiles).dump_stats(paths[0])


def can_profile() -> bool:
    """Tell whether this Python profiles threads apart."""
    return sys.version_info < (3, 12)


def read_profile(path: Path) -> Stats:
    """Return what was found, without what only waits."""
    stats: Stats = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # known to everybody but its types
    return {function: spent for function, spent in stats.items() if not any(name in function[2] for name in _WAITING)}


def functions(stats: Stats, *, way: str, count: int) -> list[Spent]:
    """Return the functions that took most, the first of them most."""
    own = {function: (calls, seconds) for function, (_, calls, seconds, _, _) in stats.items()}
    return _ranked({_named(function): spent for function, spent in own.items()}, way=way, count=count)[:TOP]


def rooms(stats: Stats, *, way: str, count: int) -> list[Spent]:
    """Return what each room took; what is written in C counts where it was called."""
    found: defaultdict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))

    def add(function: Function, calls: int, seconds: float) -> None:
        room = next((room for part, room in _ROOMS.items() if part in function[0]), _ELSEWHERE)
        found[room] = found[room][0] + calls, found[room][1] + seconds

    for function, (_, calls, seconds, _, callers) in stats.items():
        if function[0] == _BUILT_IN and callers:
            for caller, (_, by_caller, seconds_by_caller, _) in callers.items():
                add(caller, by_caller, seconds_by_caller)
        else:
            add(function, calls, seconds)
    return _ranked(found, way=way, count=count)


def _ranked(found: Mapping[str, tuple[int, float]], *, way: str, count: int) -> list[Spent]:
    whole = sum(seconds for _, seconds in found.values())
    ranked = sorted(found.items(), key=lambda item: -item[1][1])
    return [
        Spent(way=way, where=where, share=seconds / whole, us=seconds / count * 1e6, calls=calls / count)
        for where, (calls, seconds) in ranked
    ]


def _named(function: Function) -> str:
    """Return a function's name and file, without where this machine keeps it."""
    file, line, name = function
    if file == _BUILT_IN:
        return name.strip("<>").partition(" at 0x")[0]
    parts = Path(file).parts
    place = parts[parts.index("site-packages") + 1 :] if "site-packages" in parts else parts[-2:]
    return f"{name} ({'/'.join(place)}:{line})"
