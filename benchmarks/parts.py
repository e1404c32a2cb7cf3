"""The parts of `make bench`: what each measures, and how that is told as a section of docs/performance.md.

A part measures by itself: none needs what another found.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from benchmarks import customers, slow_account
from benchmarks.comparing import Measured, measure
from benchmarks.deciding import deciding, decoding
from benchmarks.goals import Goal, callout_goals, customer_goals, slow_account_goals, speed_goals, state_goals
from benchmarks.latency import Figure, Latency, waiting
from benchmarks.moving import moving, quix_python
from benchmarks.page import Table
from benchmarks.receiving import PER_SECOND, READ_PER_SECOND, ReadBack, Received, receiving
from benchmarks.sink import MEASURED, sending, share_of_limit
from benchmarks.state import Loaded, loading

COLUMNS = ("what", "how", "documents", "median s", "spread %", "documents/s", "time")
SINK_COLUMNS = (*COLUMNS[:-1], "of its limit", "time")
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
SLOW_COLUMNS = ("into", "slow accounts", "others' documents/s", "spread %", "others' p50, ms", "others' p99, ms")

_WITHOUT_QUIX = "Without quixstreams: it could not be had here. `make bench` installs it from locks/bench.lock."


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured.

    Attributes:
        runs: That count, of each way.
        documents: In each run, where no part says otherwise.
        sizes: Documents of a state that is loaded.
        customers: Customers of a company.
    """

    runs: int
    documents: int
    sizes: Sequence[int]
    customers: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a part found.

    Attributes:
        tables: For people.
        goals: Those that are held against it.
        facts: The same for programs.
        words: What stands above the tables.
    """

    tables: Sequence[Table]
    goals: Sequence[Goal]
    facts: Mapping[str, Any]
    words: str = ""

    @property
    def all_tables(self) -> list[Table]:
        """The tables, and that of the goals."""
        return [*self.tables, Table(columns=GOAL_COLUMNS, rows=[goal_cells(goal) for goal in self.goals])]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part: its heading, and what measures it."""

    heading: str
    measure: Callable[[Asked], Found]


def decisions(asked: Asked) -> Found:
    """Measure the decisions alone, without a broker."""
    rows = [row for comparison in (deciding, decoding) for row in measure(comparison(asked.documents), runs=asked.runs)]
    return _compared(rows, words="Without a broker: what is decided, and how amounts are read.")


def on_a_broker(asked: Asked) -> Found:
    """Measure from a record to its posting on a broker."""
    with moving(asked.documents) as comparison:
        rows = measure(comparison, runs=asked.runs)
    words = "Each way is one process on the same broker: benchmarks/moving.py says what each does."
    return _compared(rows, words=words if quix_python() else f"{words} {_WITHOUT_QUIX}")


def into_an_erp(asked: Asked) -> Found:
    """Measure the sink beside the bare loop."""
    rows: list[Measured] = []
    for pace, connections in MEASURED:
        with sending(asked.documents, pace, connections) as comparisons:
            rows += [row for comparison in comparisons for row in measure(comparison, runs=asked.runs)]
    words = (
        "`of its limit` is what a sink makes of the calls that its ERP can answer in a second: so many at once for "
        "each connection, each as long as it says. The bare loop writes and judges the same calls by the same "
        "adapter, as many at once; it keeps no log, looks nothing up, and is lost where it stops."
    )
    told = [[*_cells(row)[:-1], share_of_limit(row), _cells(row)[-1]] for row in rows]
    table = Table(columns=SINK_COLUMNS, rows=told)
    return Found(words=words, tables=[table], goals=speed_goals(rows), facts={"measured": rows})


def one_slow_account(asked: Asked) -> Found:
    """Measure what one slow account takes from the others."""
    rows = [row for pace in slow_account.PACES for row in slow_account.beside(pace, runs=asked.runs)]
    table = Table(columns=SLOW_COLUMNS, rows=[_slow_cells(row) for row in rows], words=slow_account.WORDS)
    return Found(tables=[table], goals=slow_account_goals(rows), facts={"slow": rows})


def of_customers(asked: Asked) -> Found:
    """Measure customers, read and matched from cold, and one that changed."""
    rows = customers.measured(asked.customers, runs=asked.runs)
    found = _compared(rows, words=customers.WORDS)
    return msgspec.structs.replace(found, goals=customer_goals(rows))


def latency(asked: Asked) -> Found:
    """Measure how long a posting waits."""
    waited = waiting(runs=asked.runs)
    words = (
        "Postings come evenly, 20 a second, into one connection of the whole sink stage. Their time runs from when "
        "each was due until a reader of what is committed has its outcome; the ERP's from when each of as many "
        "bare calls was due until its answer, in the same run. Median over the runs of each percentile, and from "
        "the lowest run to the highest."
    )
    table = Table(columns=LATENCY_COLUMNS, rows=[_latency_cells(row) for row in waited], words=words)
    return Found(tables=[table], goals=[], facts={"latency": waited})


def callouts(asked: Asked) -> Found:
    """Measure how callouts come in."""
    received, read_back = receiving(runs=asked.runs)
    in_words = (
        f"{PER_SECOND} a second come evenly for a minute, each from when it was due until its answer; the bare "
        "handler writes the same to the same broker and checks nothing. The slow clients send heads and bodies "
        "byte by byte, and come again when they are ended."
    )
    back_words = (
        f"From when a callout was due until a reader of `zuora.records` has what it hints at, {READ_PER_SECOND} a "
        "second; Zuora's own part is told by the same requests, bare and one after the other, in the same run."
    )
    tables = [
        Table(columns=RECEIVED_COLUMNS, rows=[_received_cells(row) for row in received], words=in_words),
        Table(columns=READ_BACK_COLUMNS, rows=[_read_back_cells(row) for row in read_back], words=back_words),
    ]
    facts = {"received": received, "read_back": read_back}
    return Found(tables=tables, goals=callout_goals(received), facts=facts)


def states(asked: Asked) -> Found:
    """Measure how long what a stage knows takes to load."""
    loaded = list(loading(asked.sizes, runs=asked.runs))
    words = (
        "What a stage knows of its documents, loaded by a process of its own. One document in a hundred stands "
        "still; the sink's are outcomes, two to a posting. `MB` is what the process grew by, `one more` what a "
        "document costs then in time of the processor, `held` for how long writing the checkpoint held everything "
        "else back."
    )
    table = Table(columns=STATE_COLUMNS, rows=[_state_cells(row) for row in loaded], words=words)
    return Found(tables=[table], goals=state_goals(loaded), facts={"state": loaded})


# In the order of the page.
PARTS: Mapping[str, Part] = {
    "decisions": Part(heading="Decisions", measure=decisions),
    "broker": Part(heading="On a broker", measure=on_a_broker),
    "sink": Part(heading="Into an ERP", measure=into_an_erp),
    "slow-account": Part(heading="One slow account", measure=one_slow_account),
    "customers": Part(heading="Customers", measure=of_customers),
    "latency": Part(heading="Latency", measure=latency),
    "callouts": Part(heading="Callouts", measure=callouts),
    "state": Part(heading="State", measure=states),
}


def _compared(rows: Sequence[Measured], *, words: str) -> Found:
    table = Table(columns=COLUMNS, rows=[_cells(row) for row in rows])
    return Found(words=words, tables=[table], goals=speed_goals(rows), facts={"measured": rows})


def _cells(row: Measured) -> tuple[str, ...]:
    return (
        row.comparison,
        row.way,
        str(row.documents),
        f"{row.median_s:.3f}",
        f"{100 * row.spread:.0f}",
        f"{row.per_second:.0f}",
        f"{row.ratio:.2f}",
    )


def goal_cells(row: Goal) -> tuple[str, ...]:
    """Return a goal as people read it."""
    return (row.what, row.wanted, row.measured, "met" if row.met else "missed")


def _slow_cells(row: slow_account.Beside) -> tuple[str, ...]:
    return (
        row.into,
        str(row.slow),
        f"{row.per_second.median:.1f}",
        f"{100 * row.per_second.spread / row.per_second.median:.0f}",
        _told(row.p50),
        _told(row.p99),
    )


def _latency_cells(row: Latency) -> tuple[str, ...]:
    return (f"p{row.percentile}", _told(row.sink), _told(row.erp), _told(row.above))


def _received_cells(row: Received) -> tuple[str, ...]:
    return (row.way, _told(row.p50), _told(row.p99), str(row.refused))


def _read_back_cells(row: ReadBack) -> tuple[str, ...]:
    return (f"p{row.percentile}", _told(row.record), _told(row.zuora), _told(row.above))


def _told(figure: Figure) -> str:
    return f"{figure.median:.1f} ({min(figure.runs):.1f} to {max(figure.runs):.1f})"


def _state_cells(row: Loaded) -> tuple[str, ...]:
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
