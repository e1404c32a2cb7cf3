"""python -m benchmarks: the product's way beside the alternatives, as one table."""

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.comparing import Machine, Measured, machine, measure
from benchmarks.deciding import deciding, decoding
from benchmarks.goals import Goal, goals, share_of_limit
from benchmarks.latency import Figure, Latency, waiting
from benchmarks.moving import moving, quix_python
from benchmarks.page import table
from benchmarks.receiving import PER_SECOND, READ_PER_SECOND, ReadBack, Received, receiving
from benchmarks.sink import MEASURED, sending
from benchmarks.state import SIZES, Loaded, loading
from console.logs import set_up_logs
from console.output import Output

COLUMNS = ("what", "how", "documents", "median s", "spread %", "documents/s", "of its limit", "time")
GOAL_COLUMNS = ("what", "goal", "measured", "")
STATE_COLUMNS = (
    "state of",
    "documents",
    "loaded from",
    "median s",
    "spread %",
    "CPU s",
    "MB",
    "MB at most",
    "one more, us",
    "file, MB",
    "held, ms",
)
RECEIVED_COLUMNS = ("way", "p50, ms", "p99, ms", "not answered 200")
READ_BACK_COLUMNS = ("percentile", "callout to record, ms", "the same requests to Zuora alone, ms", "above it, ms")
LATENCY_COLUMNS = ("percentile", "posting to outcome, ms", "the ERP alone, ms", "above it, ms")

WITHOUT_QUIX = "Without quixstreams: it could not be had here. `make bench` installs it from locks/bench.lock."

PAGE = """# Performance

Written by `python -m benchmarks --write docs/performance.md`, never by hand. Runs of each way: {runs}, in turns, after
one that does not count. `time` is the median as a multiple of the product's, which is the first way of each work;
`spread` is from the fastest run to the slowest, in percent of the median. `of its limit` is what a sink makes of the
calls that its ERP can answer in a second: so many at once for each connection, each as long as it says.

Machine: {machine}.

{table}

{without}## Goals

They are held against each run, and a goal that is missed fails nothing: where its time goes is in
[profiles.md](profiles.md). Beside Kafka Connect: [peer.md](peer.md).

{goals}

## Latency

Postings come evenly, 20 a second, into one connection of the whole sink stage. Their time runs from when each was due
until a reader of what is committed has its outcome; the ERP's from when each of as many bare calls was due until its
answer, in the same run. Median over the runs of each percentile, and from the lowest run to the highest.

{latency}

## Callouts

{per_second} a second come evenly for a minute, each from when it was due until its answer; the bare handler writes
the same to the same broker and checks nothing. The slow clients send heads and bodies byte by byte, and come again when
they are ended.

{received}

From when a callout was due until a reader of `zuora.records` has what it hints at, {read_per_second} a second; Zuora's
own part is told by the same requests, bare and one after the other, in the same run.

{read_back}

## State

What a stage knows of its documents, loaded by a process of its own. One document in a hundred stands still; the sink's
are outcomes, two to a posting. `MB` is what the process grew by, `one more` what a document costs then in time of the
processor, `held` for how long writing the checkpoint held everything else back.

{state}
"""


@click.command()
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs that count, of each way.")
@click.option("--documents", type=click.IntRange(min=1), default=2000, show_default=True, help="Documents in each run.")
@click.option("--broker/--no-broker", default=True, show_default=True, help="Also what needs a broker.")
@click.option(
    "--state",
    "sizes",
    type=click.IntRange(min=100),
    multiple=True,
    default=SIZES,
    show_default=True,
    help="Documents of a state that is loaded, on a broker.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page: docs/performance.md."
)
def main(*, runs: int, documents: int, broker: bool, sizes: Sequence[int], as_json: bool, write: Path | None) -> None:
    """Do the same work in the product's way and in others, and tell their times."""
    where = machine()
    measured = [row for comparison in (deciding, decoding) for row in measure(comparison(documents), runs=runs)]
    if broker:
        with moving(documents) as comparison:
            measured += measure(comparison, runs=runs)
        for pace, connections in MEASURED:
            with sending(documents, pace, connections) as comparisons:
                measured += [row for comparison in comparisons for row in measure(comparison, runs=runs)]
    waited = waiting(runs=runs) if broker else []
    received, read_back = receiving(runs=runs) if broker else ([], [])
    loaded = list(loading(sizes, runs=runs)) if broker else []
    output = Output(as_json=as_json)
    held = goals(measured, loaded, received)
    found = {
        "measured": measured,
        "goals": held,
        "latency": waited,
        "received": received,
        "read_back": read_back,
        "state": loaded,
    }
    output.result({"machine": where, "runs": runs, **found})
    output.say(f"{where}; {runs} runs")
    output.table(COLUMNS, [cells(row) for row in measured])
    if not quix_python():
        output.say(WITHOUT_QUIX)
    output.table(GOAL_COLUMNS, [goal_cells(row) for row in held])
    output.table(LATENCY_COLUMNS, [latency_cells(row) for row in waited])
    output.table(RECEIVED_COLUMNS, [received_cells(row) for row in received])
    output.table(READ_BACK_COLUMNS, [read_back_cells(row) for row in read_back])
    output.table(STATE_COLUMNS, [state_cells(row) for row in loaded])
    if write:
        told = page(where, measured, waited, (received, read_back), loaded, runs=runs)
        write.write_text(told, encoding="utf-8")


def cells(row: Measured) -> tuple[str, ...]:
    """Return a row as people read it."""
    return (
        row.comparison,
        row.way,
        str(row.documents),
        f"{row.median_s:.3f}",
        f"{100 * row.spread:.0f}",
        f"{row.per_second:.0f}",
        share_of_limit(row),
        f"{row.ratio:.2f}",
    )


def goal_cells(row: Goal) -> tuple[str, ...]:
    """Return a goal as people read it."""
    return (row.what, row.wanted, row.measured, "met" if row.met else "missed")


def latency_cells(row: Latency) -> tuple[str, ...]:
    """Return a percentile as people read it."""
    return (f"p{row.percentile}", _told(row.sink), _told(row.erp), _told(row.above))


def received_cells(row: Received) -> tuple[str, ...]:
    """Return a way of taking callouts in as people read it."""
    return (row.way, _told(row.p50), _told(row.p99), str(row.refused))


def read_back_cells(row: ReadBack) -> tuple[str, ...]:
    """Return a percentile as people read it."""
    return (f"p{row.percentile}", _told(row.record), _told(row.zuora), _told(row.above))


def _told(figure: Figure) -> str:
    return f"{figure.median:.1f} ({min(figure.runs):.1f} to {max(figure.runs):.1f})"


def state_cells(row: Loaded) -> tuple[str, ...]:
    """Return a row of the table of states as people read it."""
    return (
        row.stage,
        str(row.documents),
        row.source,
        f"{row.median_s:.2f}",
        f"{100 * row.spread:.0f}",
        f"{row.cpu_s:.2f}",
        f"{row.memory_mb:.0f}",
        f"{row.peak_mb:.0f}",
        f"{row.one_more_us:.0f}",
        f"{row.file_mb:.1f}",
        f"{row.held_ms:.1f}",
    )


def page(
    where: Machine,
    measured: Sequence[Measured],
    waited: Sequence[Latency],
    callouts: tuple[Sequence[Received], Sequence[ReadBack]],
    loaded: Sequence[Loaded],
    *,
    runs: int,
) -> str:
    """Return the page of docs/performance.md."""
    received, read_back = callouts
    return PAGE.format(
        runs=runs,
        machine=where,
        table=table(COLUMNS, [cells(row) for row in measured]),
        without="" if quix_python() else f"{WITHOUT_QUIX}\n\n",
        goals=table(GOAL_COLUMNS, [goal_cells(row) for row in goals(measured, loaded, received)]),
        latency=table(LATENCY_COLUMNS, [latency_cells(row) for row in waited]),
        per_second=PER_SECOND,
        received=table(RECEIVED_COLUMNS, [received_cells(row) for row in received]),
        read_per_second=READ_PER_SECOND,
        read_back=table(READ_BACK_COLUMNS, [read_back_cells(row) for row in read_back]),
        state=table(STATE_COLUMNS, [state_cells(row) for row in loaded]),
    )


if __name__ == "__main__":
    set_up_logs("error", process="benchmarks")
    main()
