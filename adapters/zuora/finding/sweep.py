"""Which slice of the past is read once more, next: everything behind the cursor comes round, a slice a round.

Each round takes a slice at random of what this turn has not proved yet; what lies an hour and half a day behind the
cursor, since late commits are most often there; and the neighbours of a slice in which something was found. Pure: it
draws from the numbers it is given, and knows times only as seconds of Zuora's stamps.
"""

from collections import deque
from random import Random
from typing import Protocol

import msgspec

# A long bill run commits within the hour, what hung over night within half a day; later ones come with the turn.
TRAILS_S = (3600, 43_200)
# Neighbours that wait: more than these, and the turn brings the others.
_AGAIN_MAX = 16


class Slice(msgspec.Struct, frozen=True):
    """A slice of time: stamps in [since_s, until_s).

    Attributes:
        trail_s: Which trail it belongs to, 0 where to none.
    """

    since_s: int
    until_s: int
    trail_s: int = 0


class Rows(Protocol):
    """How many rows are known to lie where; what is not known of is what is looked for."""

    def count(self, since_s: int, until_s: int) -> int:
        """Return how many lie in [since_s, until_s)."""
        ...

    def stamp_at(self, since_s: int, until_s: int, place: int) -> int | None:
        """Return the stamp of the row at a place, from 0, of those in [since_s, until_s)."""
        ...


class Sweep:
    """The slices of one kind.

    Attributes:
        turns: How often everything was proved.
    """

    def __init__(self, *, rows_max: int, random: Random) -> None:
        """Begin a first turn.

        Args:
            rows_max: About how many known rows a slice may hold; a second is never cut.
            random: Draws the slices.
        """
        self.turns = 0
        self._rows_max = rows_max
        self._random = random
        self._proved: list[tuple[int, int]] = []
        self._turn_until_s: int | None = None
        self._reached: dict[int, int] = {}
        self._again: deque[Slice] = deque(maxlen=_AGAIN_MAX)

    def due(self, floor_s: int, bound_s: int, rows: Rows) -> list[Slice]:
        """Return the slices of this round.

        Args:
            floor_s: Since when everything must have been read.
            bound_s: Up to where: what lies behind the cursor and its overlap.
            rows: What is known.
        """
        self._step_back(bound_s)
        neighbour = [self._again.popleft()] if self._again else []
        slices = [*neighbour, *self._trails(floor_s, bound_s, rows), *self._one_of_turn(floor_s, bound_s, rows)]
        clipped = [Slice(max(one.since_s, floor_s), min(one.until_s, bound_s), one.trail_s) for one in slices]
        return [one for one in clipped if one.since_s < one.until_s]

    def proved(self, one: Slice, *, found: bool) -> None:
        """Note that a slice was compared and what was missing is written, and whether anything was."""
        self._proved = _joined([*self._proved, (one.since_s, one.until_s)])
        if one.trail_s:
            self._reached[one.trail_s] = max(self._reached.get(one.trail_s, 0), one.until_s)
        if found:
            width = one.until_s - one.since_s
            self._again += [Slice(one.until_s, one.until_s + width), Slice(one.since_s - width, one.since_s)]

    def standing(self, floor_s: int) -> tuple[int, int]:
        """Return how many seconds this turn has proved, and how many it has."""
        until_s = self._turn_until_s or floor_s
        left_s = sum(until - since for since, until in self._gaps(floor_s, until_s))
        return until_s - floor_s - left_s, until_s - floor_s

    def _step_back(self, bound_s: int) -> None:
        """Take back what was proved, and what a turn has yet to prove, from the bound on: a cursor was set back.

        Nothing may have lain there yet. A trail that stands there begins again where a first one would.
        """
        if self._turn_until_s is not None:
            self._turn_until_s = min(self._turn_until_s, bound_s)
        self._proved = [(since_s, min(until_s, bound_s)) for since_s, until_s in self._proved if since_s < bound_s]
        self._reached = {
            trail_s: reached_s for trail_s, reached_s in self._reached.items() if reached_s <= bound_s - trail_s
        }

    def _trails(self, floor_s: int, bound_s: int, rows: Rows) -> list[Slice]:
        slices = []
        for trail_s in TRAILS_S:
            since_s, until_s = self._reached.get(trail_s, bound_s - 2 * trail_s), bound_s - trail_s
            since_s = max(since_s, floor_s)
            if since_s < until_s:
                slices.append(Slice(since_s, self._end(since_s, until_s, rows), trail_s))
        return slices

    def _one_of_turn(self, floor_s: int, bound_s: int, rows: Rows) -> list[Slice]:
        if self._turn_until_s is None:
            self._turn_until_s = bound_s
        gaps = self._gaps(floor_s, self._turn_until_s)
        if not gaps and bound_s > floor_s:
            self.turns += 1
            self._proved, self._turn_until_s = [], bound_s
            gaps = self._gaps(floor_s, bound_s)
        if not gaps:
            return []
        # Weighed by what is known to lie there; where nothing is known to, something may.
        counts = [rows.count(since_s, until_s) for since_s, until_s in gaps]
        (place,) = self._random.choices(range(len(gaps)), [count + 1 for count in counts])
        (since_s, until_s), count = gaps[place], counts[place]
        if count > self._rows_max:
            place = self._random.randrange(count - self._rows_max + 1)
            if place:
                since_s = rows.stamp_at(since_s, until_s, place) or since_s
        return [Slice(since_s, self._end(since_s, until_s, rows))]

    def _end(self, since_s: int, until_s: int, rows: Rows) -> int:
        """Return where a slice from here ends that holds no more than may be, and one second at least."""
        stamp_s = rows.stamp_at(since_s, until_s, self._rows_max)
        return until_s if stamp_s is None else max(stamp_s, since_s + 1)

    def _gaps(self, floor_s: int, until_s: int) -> list[tuple[int, int]]:
        gaps, at_s = [], floor_s
        for since_s, end_s in self._proved:
            if since_s > at_s:
                gaps.append((at_s, min(since_s, until_s)))
            at_s = max(at_s, end_s)
        gaps.append((at_s, until_s))
        return [(since_s, end_s) for since_s, end_s in gaps if since_s < end_s]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for since_s, until_s in sorted(spans):
        if joined and since_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until_s))
        else:
            joined.append((since_s, until_s))
    return joined
