"""python -m benchmarks: the product's way beside the alternatives, as one table."""

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.comparing import Machine, Measured, machine, measure
from benchmarks.deciding import deciding, decoding
from benchmarks.moving import moving
from console.output import Output

COLUMNS = ("what", "how", "documents", "median s", "spread %", "documents/s", "time")

PAGE = """# Performance

Written by `python -m benchmarks --write docs/performance.md`, never by hand. Runs of each way: {runs}, in turns, after
one that does not count. `time` is the median as a multiple of the product's, which is the first way of each work;
`spread` is from the fastest run to the slowest, in percent of the median.

Machine: {machine.cores} cores, {machine.system}, {machine.python}; load {machine.load} when it began.

| {head} |
|{rule}|
{rows}
"""


@click.command()
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs that count, of each way.")
@click.option("--documents", type=click.IntRange(min=1), default=2000, show_default=True, help="Documents in each run.")
@click.option("--broker/--no-broker", default=True, show_default=True, help="Also what needs a broker.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page: docs/performance.md."
)
def main(*, runs: int, documents: int, broker: bool, as_json: bool, write: Path | None) -> None:
    """Do the same work in the product's way and in others, and tell their times."""
    where = machine()
    measured = [row for comparison in (deciding, decoding) for row in measure(comparison(documents), runs=runs)]
    if broker:
        with moving(documents) as comparison:
            measured += measure(comparison, runs=runs)
    output = Output(as_json=as_json)
    output.result({"machine": where, "runs": runs, "measured": measured})
    output.say(f"{where.cores} cores, {where.system}, {where.python}; load {where.load} when it began; {runs} runs")
    output.table(COLUMNS, [cells(row) for row in measured])
    if write:
        write.write_text(page(where, measured, runs=runs), encoding="utf-8")


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


def page(where: Machine, measured: Sequence[Measured], *, runs: int) -> str:
    """Return the page of docs/performance.md."""
    rows = "\n".join(f"| {' | '.join(cells(row))} |" for row in measured)
    return PAGE.format(
        runs=runs, machine=where, head=" | ".join(COLUMNS), rule="|".join(["---"] * len(COLUMNS)), rows=rows
    )


if __name__ == "__main__":
    main()
