"""Writes what came of a run into docs/reliability.md: one section per tier, with what made it; other sections stay."""

import os
import platform
import re
import statistics
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.rebalancing import MOVED
from tests.faults.scenario import Result
from tests.faults.zombies import WOKEN

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "reliability.md"
_HEAD = """# Reliability, measured

Written by the commands named below; nothing in the tables is typed. Real processes, a real broker of one node, seven
connections: two post over REST, two through QXtend, two over REST in another tenant's dialect, each with a stand-in for
Zuora and one for QAD that keep books of their own; one writes files into a directory, from which an import takes them.
After every fault a judge that asks only those books, those files and the log counts what is doubled, lost, unequal, out
of order, out of balance, called without an intent before it, or said in a log without an explanation. A fault that
never fired fails; where a row says `over`, so does one that did not fire over each way named there. One node shows
recovery, not replication. Some figures depend on the machine; the zeros must not.

One does not: after F19 the drain takes what is left of a minute, anything from 3 s to 50 s. A process asks one address
for 20 tokens in any minute and no more (Zuora closes it for all at 100), and for one that is refused in a row every
24 s. Here seven tenants share an address: the next token may have to wait until the first of 20 is a minute old.
"""
_LIMITS = """## What is not shown here

- The loss of a machine or of a disk: one broker has no second copy. Killing it tests recovery, not fsync.
- QAD away for an hour of real time: pauses reach their cap within a minute, so ten minutes stand for it. The hour
  itself is a history of the simulation, on its own clock (tests/simulation).
- A full volume: a limit of the process on file sizes stands for it under the read model; under the file sink a device
  that answers as a full one does, where vouchers are noted. A directory that may not be written: the runs are root's.
- Our own clock wrong: no window is measured by it; Zuora's clocks are set wrong instead. The polls of a tenant whose
  clock goes back reach back further than that here (`overlap_s`, 15 minutes unless you set it); where they do not, they
  find nothing until its clock has caught up, and not what it stamped meanwhile. Nothing is undone while they are wrong:
  versions go by Zuora's stamps, and one that a clock stamps that went back is older than those from before.
- A zombie that is woken between its last look at the clock and its first byte, with a QAD that keeps idle connections
  longer than the settle time: that window cannot be closed from here, "The window that remains" shows it. Elsewhere
  the stand-ins keep idle connections for 5 s, and the profile settles after 7 s.
- A version that is rolled back: events of newer versions stand for what it would find.
- Two deployments with different groups over the same topics: a group's name is made from the same namespace as its
  topics' names.
"""


# Issue 4, "Numbers to show".
_AT_LEAST = {
    "SIGKILLs of workers, counted per process": 200,
    "replies lost after QAD had committed": 1_000,
    "rebalances that moved lanes": 60,
    "broker restarts": 10,
    "broker restarts by SIGKILL": 5,
    "workers stopped for twice the session time-out, taken over and woken": 50,
}
# Recovery is slower by the time after which "absent" is believed, where something was intended.
_SETTLE_S = 7.0
_AT_MOST_S = {"nothing intended": 15.0, "something intended": 15.0 + _SETTLE_S}


def missed(results: Sequence[Result]) -> list[str]:
    """Return what a full run shows less of than it has to, or slower."""
    counts, samples = _counts(results), _samples(results)
    short = [f"{name}: {counts[name]}, not {least}" for name, least in _AT_LEAST.items() if counts[name] < least]
    slow = [
        f"recovery after SIGKILL, {name}: {_p95(samples.get(name, ()))}, not within {most:.0f} s"
        for name, most in _AT_MOST_S.items()
        if not _p95(samples.get(name, ())) <= most
    ]
    return short + slow


def write(
    tier: str, results: Sequence[Result], *, command: str, seed: int, minutes: float, figures: Mapping[str, str]
) -> Path:
    """Write a tier's section; return the file."""
    section = "\n".join(
        [f"## {tier}", "", *_origin(command, seed, minutes), "", *_totals(tier, results, figures), "", *_table(results)]
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


def _totals(tier: str, results: Sequence[Result], figures: Mapping[str, str]) -> list[str]:
    """Return the table of numbers; what has to be shown stands beside it in the full tier."""
    full = tier == "Full"
    found: Counter[str] = Counter()
    for result in results:
        found.update({name: len(found) for name, found in result.findings.items()})
    rows = [("documents", str(sum(result.documents for result in results)), "")]
    rows += [
        (name, str(count), str(_AT_LEAST[name]) if full and name in _AT_LEAST else "")
        for name, count in _counts(results).items()
    ]
    rows += [
        (
            f"recovery after SIGKILL, {name}: n, p50, p95",
            f"{len(times)}, {statistics.median(times):.1f} s, {_p95(times):.1f} s",
            f"p95 at most {_AT_MOST_S[name]:.0f} s" if full else "",
        )
        for name, times in sorted(_samples(results).items())
    ]
    rows += [(name, value, "") for name, value in figures.items()]
    doubled = sum(result.doubled for result in results)
    rows.append(
        (
            "doubled / lost / order broken",
            f"{doubled} / {found['lost']} / {found['order broken']}",
            "0 / 0 / 0" if full else "",
        )
    )
    return ["| what | | at least |", "|---|---|---|", *(f"| {name} | {value} | {due} |" for name, value, due in rows)]


def _counts(results: Sequence[Result]) -> dict[str, int]:
    """Return how often each fault of the table fired, over all scenarios."""
    fired: Counter[str] = Counter()
    for result in results:
        fired.update(result.fired)
    by_answer = sum(count for name, count in fired.items() if name.startswith("commit_then"))
    return {
        "SIGKILLs of workers, counted per process": sum(result.kills for result in results),
        "replies lost after QAD had committed": fired["replies lost"] + by_answer,
        "rebalances that moved lanes": fired[MOVED],
        "broker restarts": fired["broker: clean stop"] + fired["broker: SIGKILL"],
        "broker restarts by SIGKILL": fired["broker: SIGKILL"],
        "workers stopped for twice the session time-out, taken over and woken": fired[WOKEN],
    }


def _samples(results: Sequence[Result]) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {}
    for result in results:
        for name, times in result.samples.items():
            samples.setdefault(name, []).extend(times)
    return samples


def _p95(times: Sequence[float]) -> float:
    """Return the 95th percentile in seconds; without two samples nobody knows it."""
    if len(times) < 2:
        return float("nan")
    return statistics.quantiles(times, n=20, method="inclusive")[18]


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
            f"| {result.kills} | {result.drained_s:.1f} s | {result.doubled} | {found['lost']} "
            f"| {found['order broken']} | {other} | {'passed' if result.passed else '**FAILED**'} |"
        )
    return lines
