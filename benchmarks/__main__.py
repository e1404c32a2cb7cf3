"""python -m benchmarks: the product's way beside the alternatives, part by part, each a section of one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from benchmarks.comparing import machine
from benchmarks.page import section, with_sections
from benchmarks.parts import PARTS, Asked
from benchmarks.state import SIZES
from console.logs import set_up_logs
from console.output import Output

HEAD = """# Performance

Written by `make bench`, never by hand. Each section was measured by itself, on the commit that it names:
`make bench PARTS="sink customers"` measures these parts anew and leaves the others as they are. Ways are run in turns,
after one run of each that does not count. `time` is the median as a multiple of the product's, which is the first way
of each work; `spread` is from the fastest run to the slowest, in percent of the median.

Goals are held against each run, and a goal that is missed fails nothing: where its time goes is in
[profiles.md](profiles.md). Beside Kafka Connect: [peer.md](peer.md). A backfill: [backfill.md](backfill.md).
"""


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs that count, of each way.")
@click.option("--documents", type=click.IntRange(min=1), default=2000, show_default=True, help="Documents in each run.")
@click.option(
    "--state",
    "sizes",
    type=click.IntRange(min=100),
    multiple=True,
    default=SIZES,
    show_default=True,
    help="Documents of a state that is loaded.",
)
@click.option("--customers", type=click.IntRange(min=1), default=100_000, show_default=True, help="Of a company.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Also into a page: docs/performance.md.")
def main(
    *,
    parts: Sequence[str],
    runs: int,
    documents: int,
    sizes: Sequence[int],
    customers: int,
    as_json: bool,
    write: Path | None,
) -> None:
    """Do the same work in the product's way and in others, and tell their times: all PARTS, or some."""
    asked = Asked(runs=runs, documents=documents, sizes=sizes, customers=customers)
    # What is written into the page while it goes on makes no other version of it.
    commit = machine().commit
    output = Output(as_json=as_json)
    told: dict[str, Any] = {}
    for name in [name for name in PARTS if name in parts or not parts]:
        part, where = PARTS[name], msgspec.structs.replace(machine(), commit=commit)
        found = part.measure(asked)
        told[name] = {"machine": where, "runs": runs, "goals": found.goals, **found.facts}
        output.say(f"{part.heading}: {where}; {runs} runs")
        for table in found.all_tables:
            output.table(table.columns, table.rows)
        if write:
            # After each part: what was measured is not lost with what comes after it.
            below = section([f"Machine: {where}; {runs} runs of each.", found.words], found.all_tables)
            before = write.read_text(encoding="utf-8") if write.exists() else ""
            order = [one.heading for one in PARTS.values()]
            write.write_text(with_sections(before, HEAD, {part.heading: below}, order=order), encoding="utf-8")
    output.result(told)


if __name__ == "__main__":
    set_up_logs("error", process="benchmarks")
    main()
