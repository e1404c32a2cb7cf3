"""What is compared with what, and how it is measured: in turns, so that a machine that slows down slows all alike.

The first way of a comparison is the product's, and the others' time is told as a share of its. Ways whose answers
differ did not do the same work, and are not compared.
"""

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]

# Makes ready, outside the clock, and returns the work.
Way = Callable[[], Callable[[], object]]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The same work in several ways.

    Attributes:
        name: What is done.
        count: How many documents one run takes.
        ways: Each way by its name, the product's first.
    """

    name: str
    count: int
    ways: Mapping[str, Way]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one way took.

    Attributes:
        comparison: What was done.
        way: How.
        documents: How many, each run.
        seconds: Each run.
        median_s: Their median.
        spread: From the fastest to the slowest, as a share of the median.
        per_second: Documents, by the median.
        ratio: Median by that of the product's way: 0.5 takes half the time.
    """

    comparison: str
    way: str
    documents: int
    seconds: tuple[float, ...]
    median_s: float
    spread: float
    per_second: float
    ratio: float


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured, as far as it explains the numbers; no name of it.

    Attributes:
        cores: Those that this process may use.
        python: Version and implementation.
        system: Kind of system and processor.
        load: Processes that wanted to run when it began, over the last minute: others' work shows in the numbers.
        commit: The version that was measured.
    """

    cores: int
    python: str
    system: str
    load: float
    commit: str

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.system}, {self.python}; load {self.load} when it began; commit {self.commit}"


def machine() -> Machine:
    """Return what this machine is, now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        load=round(os.getloadavg()[0], 1),
        commit=_commit(),
    )


def _commit() -> str:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    told = subprocess.run(git, capture_output=True, text=True, check=False)  # noqa: S603 - a command of ours
    return told.stdout.strip() or "unknown"


def measure(comparison: Comparison, *, runs: int) -> list[Measured]:
    """Run each way so many times, after one run that is not counted.

    Raises:
        ValueError: Two ways gave different answers.
    """
    seconds: dict[str, list[float]] = {name: [] for name in comparison.ways}
    answers = {name: way()() for name, way in comparison.ways.items()}
    if len(set(answers.values())) > 1:
        raise ValueError(f"{comparison.name}: not the same work: {answers}")
    for _ in range(runs):
        for name, way in comparison.ways.items():
            work = way()
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    base = statistics.median(next(iter(seconds.values())))
    return [_measured(comparison, name, tuple(taken), base=base) for name, taken in seconds.items()]


def _measured(comparison: Comparison, name: str, seconds: tuple[float, ...], *, base: float) -> Measured:
    median = statistics.median(seconds)
    return Measured(
        comparison=comparison.name,
        way=name,
        documents=comparison.count,
        seconds=seconds,
        median_s=median,
        spread=(max(seconds) - min(seconds)) / median,
        per_second=comparison.count / median,
        ratio=median / base,
    )
