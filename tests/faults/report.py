"""Writes what came of a run into docs/reliability.md: one section per tier, with what made it; other sections stay."""

import os
import platform
import re
import statistics
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.scenario import Result

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "reliability.md"
_HEAD = """# Reliability, measured

Written by the commands named below; nothing in the tables is typed. Real processes, a real broker of one node, six
connections, each with a stand-in for Zuora and one for QAD that keep books of their own. After every fault a judge that
asks only those books and the log counts what is doubled, lost, unequal, out of order, out of balance, called without an
intent before it, or said in a log without an explanation. A fault that never fired fails. One node shows recovery, not
replication. Some figures depend on the machine; the zeros must not.
"""
_LIMITS = """## What is not shown here

- The loss of a machine or of a disk: one broker has no second copy. Killing it tests recovery, not fsync.
- QAD away for an hour of real time: pauses reach their cap within a minute, so ten minutes stand for it.
- A full volume: a limit of the process on file sizes stands for it, under the read model only.
- Our own clock wrong: no window is measured by it; Zuora's clocks are set ahead instead. A tenant's clock that jumps
  back is not covered.
- A zombie that is woken between its last look at the clock and its first byte, with a QAD that keeps idle connections
  longer than the settle time: that window cannot be closed from here, "The window that remains" shows it. Elsewhere
  the stand-ins keep idle connections for 5 s, and the profile settles after 7 s.
- Two deployments with different groups over the same topics: a group's name is made from the same namespace as its
  topics' names.
"""


def write(
    tier: str, results: Sequence[Result], *, command: str, seed: int, minutes: float, figures: Mapping[str, str]
) -> Path:
    """Write a tier's section; return the file."""
    section = "\n".join(
        [f"## {tier}", "", *_origin(command, seed, minutes), "", *_totals(results, figures), "", *_table(results)]
    )
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else _HEAD
    sections = re.split(r"(?m)^(?=## )", text)[1:]
    others = [
        one.rstrip() + "\n" for one in sections if one.splitlines()[0] not in (f"## {tier}", _LIMITS.splitlines()[0])
    ]
    FILE.write_text("\n".join([_HEAD, section + "\n", *others, _LIMITS]), encoding="utf-8")
    return FILE


def _origin(command: str, seed: int, minutes: float) -> list[str]:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return [f"`{command}`; seed {seed}, commit {commit}, {machine}, {minutes:.0f} minutes."]


def _totals(results: Sequence[Result], figures: Mapping[str, str]) -> list[str]:
    fired: Counter[str] = Counter()
    samples: dict[str, list[float]] = {}
    for result in results:
        fired.update(result.fired)
        for name, times in result.samples.items():
            samples.setdefault(name, []).extend(times)
    lost_replies = fired["replies lost"] + sum(count for name, count in fired.items() if name.startswith("commit_then"))
    found = Counter({name: len(found) for result in results for name, found in result.findings.items()})
    rows = [
        ("documents", sum(result.documents for result in results)),
        ("SIGKILLs of workers, counted per process", sum(result.kills for result in results)),
        ("replies lost after QAD had committed", lost_replies),
        ("rebalances seen by workers in the storm", fired["rebalances"]),
        (
            "broker restarts (SIGKILL)",
            f"{fired['broker: clean stop'] + fired['broker: SIGKILL']} ({fired['broker: SIGKILL']})",
        ),
        ("workers stopped for twice the session time-out", fired["stopped and woken"]),
        *((f"recovery after SIGKILL, {name}: n, p50, p95", _spread(times)) for name, times in sorted(samples.items())),
        *figures.items(),
        ("doubled / lost / order broken", f"{found['doubled']} / {found['lost']} / {found['order broken']}"),
    ]
    return ["| what | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def _spread(times: Sequence[float]) -> str:
    if len(times) < 2:
        return f"{len(times)}"
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return f"{len(times)}, {statistics.median(times):.1f} s, {cuts[18]:.1f} s"


def _table(results: Sequence[Result]) -> list[str]:
    head = "| fault | scenario | documents | fired | SIGKILLs | drained in | doubled | lost | order broken | other | |"
    lines = [head, "|" + "---|" * 11]
    for result in results:
        found = {name: len(all_of) for name, all_of in result.findings.items()}
        other = sum(found.values()) - found["doubled"] - found["lost"] - found["order broken"]
        fired = ", ".join(f"{name} {count}" for name, count in result.fired.items())
        figures = "".join(f"; {name}: {value}" for name, value in result.figures.items())
        lines.append(
            f"| {' '.join(result.scenario.faults)} | {result.scenario.name} | {result.documents} | {fired}{figures} "
            f"| {result.kills} | {result.drained_s:.1f} s | {found['doubled']} | {found['lost']} "
            f"| {found['order broken']} | {other} | {'passed' if result.passed else '**FAILED**'} |"
        )
    return lines
