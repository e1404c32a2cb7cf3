"""python -m benchmarks.profiles: where the time of the product's processes and of the bare loops goes, as one page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from benchmarks import moving, sink, state
from benchmarks.comparing import Machine, machine
from benchmarks.erp import Pace
from benchmarks.page import table
from benchmarks.profiling import Profile, Spent, can_profile
from console.logs import set_up_logs
from console.output import Output
from streams.sink.spec import STAGE as SINK

COLUMNS = ("way", "where", "share %", "us a document", "calls a document")

MOVING = "From a record to its posting, on a broker"
# Of each pace with as many connections: where most is to be done.
SENDING = ((Pace(), 4), (Pace(over="QXtend"), 1))
LOADING = "Loading what the sink knows of its outcomes, from the log"

PAGE = """# Where the time goes

Written by `python -m benchmarks.profiles --write docs/profiles.md`, never by hand: the works of docs/performance.md,
{documents} documents each (a connection, into an ERP; {outcomes} outcomes for the state), under cProfile. What each
room took itself, and what built-in functions took for it. Waiting for others is left out; what a thread waits for its
turn counts where it gave it up, as in `send`. cProfile makes small functions look larger than they are, and everything
slower: the shares may be compared, and one way with the other; times with those of docs/performance.md may not.

Machine: {machine}.

{works}
"""

WORK = """## {name}

{rooms}

What took most of the product's process:

{functions}"""


@click.command()
@click.option(
    "--documents", type=click.IntRange(min=1), default=2000, show_default=True, help="Documents of each work."
)
@click.option("--outcomes", type=click.IntRange(min=100), default=200_000, show_default=True, help="Outcomes to load.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page: docs/profiles.md.")
def main(*, documents: int, outcomes: int, as_json: bool, write: Path | None) -> None:
    """Do the works of the benchmarks under a profiler, and tell where their time goes."""
    if not can_profile():
        raise click.ClickException("Python 3.11 alone profiles threads apart: run it with that one.")
    where = machine()
    found = {
        MOVING: moving.profile(documents),
        **{
            _heading(sink.sending_to(pace, connections)): sink.profile(documents, pace, connections)
            for pace, connections in SENDING
        },
        LOADING: state.profile(outcomes, stage=SINK),
    }
    output = Output(as_json=as_json)
    output.result({"machine": where, "documents": documents, "outcomes": outcomes, "profiles": found})
    for name, profile in found.items():
        output.say(name)
        output.table(COLUMNS, [cells(row) for row in (*profile.rooms, *profile.functions)])
    if write:
        write.write_text(page(where, found, documents=documents, outcomes=outcomes), encoding="utf-8")


def _heading(name: str) -> str:
    return name[0].upper() + name[1:]


def cells(row: Spent) -> tuple[str, ...]:
    """Return a row of a profile as people read it."""
    return (row.way, row.where, f"{100 * row.share:.0f}", f"{row.us:.0f}", f"{row.calls:.1f}")


def page(where: Machine, found: Mapping[str, Profile], *, documents: int, outcomes: int) -> str:
    """Return the page of docs/profiles.md."""

    def rows(some: Sequence[Spent]) -> str:
        return table(COLUMNS, [cells(row) for row in some])

    works = [
        WORK.format(name=name, rooms=rows(profile.rooms), functions=rows(profile.functions))
        for name, profile in found.items()
    ]
    return PAGE.format(machine=where, documents=documents, outcomes=outcomes, works="\n\n".join(works))


if __name__ == "__main__":
    set_up_logs("error", process="benchmarks")
    main()
