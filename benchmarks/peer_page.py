"""docs/peer.md: what the peer kit's judge said of each run, ours and the peer's side by side."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.comparing import Machine
from benchmarks.peer_erp import CONNECTIONS, LIMITS, TIMEOUT_S

SCENARIOS = {"plain": "plain", "kill": "SIGKILL midway", "lost": "5 % lost replies"}

# What a row is called, and which value of the judge's it shows.
_ROWS = {
    "documents/s": "docs_per_s",
    "... as a share of the target's 200": "share_of_limit",
    "lost": "lost",
    "doubled": "doubled",
    "... over a newer one of their account": "stale_doubles",
    "first there behind a later one of their account": "order_broken",
    "SIGKILL to posting again, s": "posting_again_s",
    "start to first POST, s": "first_post_s",
    "resident at most, MiB": "peak_rss_mib",
    "time of the processor, s": "cpu_s",
}

PAGE = """# Beside Kafka Connect

Written by `python -m benchmarks.peer --write docs/peer.md`, never by hand. The same sink job by the product's sink and
by Kafka Connect with an HTTP sink, as the peer kit sets it up (tuned for safety): 5,000 documents of 1 KB of 1,000
accounts in 8 partitions, into a REST API that takes 40 ms and 8 requests at once. Runs of each: {runs}, in turns; the
median, and in brackets the least and the most. The kit's own judge counts, from the target's log.

Machine: {machine}.

{table}

Both on the same broker (the sandbox's) and the same target: `benchmarks/peer_target.py` answers a POST as the kit's
target does, and has a look-up by reference beside it, which takes the same time and the same places; the peer has no
use for it. Ours makes a posting of each document in the same process, and that is part of its figures. It has one lane
and {connections} connections to the target, for calls and look-ups together, as the peer has {connections} tasks; up to
{slots} postings are called for at once.

What the sink's times rest on: the target begins a request at once or refuses it, and has committed 40 ms later. A call
is given up after {timeout_s:g} s, an intent is {age_s:g} s old at most when its first byte is sent, and "absent" is
believed {settle_s:g} s after the process before was shut out, or after the call ended.
"""


def page(found: Sequence[Mapping[str, Any]], *, machine: Machine, runs: int, names: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        found: What the judge said of each run.
        machine: Where it was.
        runs: How many of each.
        names: What each sink is called on the page, by its label, in the order of the columns.
    """
    return PAGE.format(
        runs=runs,
        machine=machine,
        table=table(found, names),
        connections=CONNECTIONS,
        slots=LIMITS.concurrency,
        timeout_s=TIMEOUT_S,
        age_s=LIMITS.age_s,
        settle_s=LIMITS.settle_s,
    )


def table(found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Return the table: a column for each scenario and sink, a row for each value."""
    columns = [(scenario, label) for scenario in SCENARIOS for label in names]
    lines = [
        ["", *(f"{SCENARIOS[scenario]}: {names[label]}" for scenario, label in columns)],
        ["---"] * (len(columns) + 1),
    ]
    for row, value in _ROWS.items():
        cells = [
            _cell(
                [run[value] for run in found if (run["scenario"], run["sink"]) == column and run.get(value) is not None]
            )
            for column in columns
        ]
        lines.append([row, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _values(found: Sequence[Mapping[str, Any]], scenario: str, label: str, value: str) -> list[float]:
    runs = [run for run in found if run["scenario"] == scenario and run["sink"] == label]
    return [run[value] for run in runs if run.get(value) is not None]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:g}" if least == most else f"{median:g} ({least:g} to {most:g})"
