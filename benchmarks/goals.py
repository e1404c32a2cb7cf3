"""The speeds that `make bench` is held against, and whether what was measured meets them. They are goals, not tests."""

from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.comparing import Measured
from benchmarks.customers import CHANGED, INTERVAL_S
from benchmarks.moving import LOOP, MOVING, QUIX
from benchmarks.receiving import BESIDE_SLOW, PER_SECOND, RECEIVER, Received
from benchmarks.sink import BARE, MEASURED, sending_to
from benchmarks.slow_account import Beside
from benchmarks.state import Loaded

_OUTCOMES = 1_000_000
_STATE_S = {"log": 8.0, "checkpoint": 1.0}
_STATE_MB = 200
_ANSWERED_MS = 250.0
# A cost that differs less from one size to another counts as flat.
_FLAT = 1.2
_BESIDE_SLOW = 0.95


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One goal.

    Attributes:
        what: What is held against it.
        wanted: The goal, in words.
        measured: What came out.
        met: Whether that is enough.
    """

    what: str
    wanted: str
    measured: str
    met: bool


def speed_goals(measured: Sequence[Measured]) -> list[Goal]:
    """Return the goals of works that were compared."""
    return list(_speeds({(row.comparison, row.way): row for row in measured}))


def state_goals(loaded: Sequence[Loaded]) -> list[Goal]:
    """Return the goals of states that were loaded."""
    return list(_states(loaded))


def callout_goals(received: Sequence[Received]) -> list[Goal]:
    """Return the goals of callouts that were taken in."""
    return list(_callouts({row.way: row for row in received}))


def slow_account_goals(rows: Sequence[Beside]) -> list[Goal]:
    """Return the goals of what the others make beside a slow account."""
    alone = {row.into: row for row in rows if not row.slow}
    return [
        Goal(
            what=f"{row.into}: the others beside a slow account, as a share of what they make without one",
            wanted=f"at least {_BESIDE_SLOW}",
            measured=f"{row.per_second.median / alone[row.into].per_second.median:.2f}",
            met=round(row.per_second.median / alone[row.into].per_second.median, 2) >= _BESIDE_SLOW,
        )
        for row in rows
        if row.slow
    ]


def customer_goals(rows: Sequence[Measured]) -> list[Goal]:
    """Return the goal of a customer that changed."""
    return [
        Goal(
            what=f"{row.comparison}: seconds beyond the pause between two readings, {INTERVAL_S} unless set otherwise",
            wanted=f"at most {INTERVAL_S}: within the next reading",
            measured=f"{row.median_s:.1f}",
            met=row.median_s <= INTERVAL_S,
        )
        for row in rows
        if row.way == CHANGED
    ]


def _speeds(rows: dict[tuple[str, str], Measured]) -> Iterator[Goal]:
    sinks = [(sending_to(pace, count), BARE, 0.95) for pace, counts in MEASURED for count in counts]
    for comparison, other, least in ((MOVING, LOOP, 0.9), (MOVING, QUIX, 1.0), *sinks):
        row = rows.get((comparison, other))
        if row is not None:
            # The other's time as a share of ours is our speed as a share of the other's.
            yield Goal(
                what=f"{comparison}: speed as a share of the {other}'s",
                wanted=f"at least {least}",
                measured=f"{row.ratio:.2f}",
                met=round(row.ratio, 2) >= least,
            )


def _states(loaded: Sequence[Loaded]) -> Iterator[Goal]:
    sink = [row for row in loaded if row.stage == "sink"]
    for row in sink:
        if row.documents != _OUTCOMES:
            continue
        most = _STATE_S[row.source]
        yield Goal(
            what=f"1,000,000 outcomes from the {row.source}: seconds",
            wanted=f"at most {most:.0f}",
            measured=f"{row.median_s:.2f}",
            met=row.median_s <= most,
        )
        yield Goal(
            what=f"1,000,000 outcomes from the {row.source}: MB at most",
            wanted=f"at most {_STATE_MB}",
            measured=f"{row.peak_mb:.0f}",
            met=row.peak_mb <= _STATE_MB,
        )
    costs = {row.documents: row.one_more_us for row in sink if row.source == "log"}
    if len(costs) > 1:
        least, most = costs[min(costs)], costs[max(costs)]
        yield Goal(
            what=f"one more document at {max(costs)} outcomes, as a share of that at {min(costs)}",
            wanted=f"flat: at most {_FLAT}",
            measured=f"{most / least:.2f}",
            met=most <= _FLAT * least,
        )


def _callouts(rows: dict[str, Received]) -> Iterator[Goal]:
    receiver, slow = rows.get(RECEIVER), rows.get(BESIDE_SLOW)
    if receiver is None or slow is None:
        return
    yield Goal(
        what=f"{PER_SECOND} callouts a second, answered: p99 in ms",
        wanted=f"at most {_ANSWERED_MS:.0f}",
        measured=f"{receiver.p99.median:.1f}",
        # A refusal is quick: a figure with some in it is none.
        met=not receiver.refused and receiver.p99.median <= _ANSWERED_MS,
    )
    yield Goal(
        what="the same beside slow clients: p99 as a share of that without them",
        wanted=f"unmoved: at most {_FLAT}, or within the runs' own spread",
        measured=f"{slow.p99.median / receiver.p99.median:.2f}",
        met=not slow.refused and slow.p99.median <= max(_FLAT * receiver.p99.median, *receiver.p99.runs),
    )
