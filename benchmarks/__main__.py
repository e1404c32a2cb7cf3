"""python -m benchmarks: the product's way beside the alternatives, as one table."""

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.comparing import Machine, Measured, machine, measure
from benchmarks.deciding import deciding, decoding
from benchmarks.moving import moving
from benchmarks.sink import sending
from benchmarks.state import SIZES, Loaded, loading
from console.output import Output

COLUMNS = ("what", "how", "documents", "median s", "spread %", "documents/s", "time")
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

PAGE = """# Performance

Written by `python -m benchmarks --write docs/performance.md`, never by hand. Runs of each way: {runs}, in turns, after
one that does not count. `time` is the median as a multiple of the product's, which is the first way of each work;
`spread` is from the fastest run to the slowest, in percent of the median.

Machine: {machine.cores} cores, {machine.system}, {machine.python}; load {machine.load} when it began.

{table}

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
        with sending(documents) as comparisons:
            measured += [row for comparison in comparisons for row in measure(comparison, runs=runs)]
    loaded = list(loading(sizes, runs=runs)) if broker else []
    output = Output(as_json=as_json)
    output.result({"machine": where, "runs": runs, "measured": measured, "state": loaded})
    output.say(f"{where.cores} cores, {where.system}, {where.python}; load {where.load} when it began; {runs} runs")
    output.table(COLUMNS, [cells(row) for row in measured])
    output.table(STATE_COLUMNS, [state_cells(row) for row in loaded])
    if write:
        write.write_text(page(where, measured, loaded, runs=runs), encoding="utf-8")


def cells(row: Measured) -> tuple[str, ...]:
    """Return a row as people read it."""
    return (
        row.comparison,
        row.way,
        str(row.documents),
        f"{row.median_s:.3f}",
        f"{100 * row.spread:.0f}",
        f"{row.per_second:.0f}",
        f"{row.ratio:.2f}",
    )


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


def page(where: Machine, measured: Sequence[Measured], loaded: Sequence[Loaded], *, runs: int) -> str:
    """Return the page of docs/performance.md."""
    return PAGE.format(
        runs=runs,
        machine=where,
        table=_table(COLUMNS, [cells(row) for row in measured]),
        state=_table(STATE_COLUMNS, [state_cells(row) for row in loaded]),
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(columns), *(" | ".join(row) for row in rows)]
    head, *body = (f"| {line} |" for line in lines)
    return "\n".join([head, f"|{'|'.join(['---'] * len(columns))}|", *body])


if __name__ == "__main__":
    main()
