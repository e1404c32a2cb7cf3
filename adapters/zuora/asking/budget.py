"""One process's part of a tenant's budget: who goes when, and what is used. All its clients of the tenant share it.

Live reads go before a backfill, always; a backfill that waits costs them nothing. `pacing.py` decides; here is waited.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.headers import whole_of
from adapters.zuora.asking.pacing import Counted, Pace, Places, Priority, counted

# The kinds of calls whose number in flight Zuora counts apart.
DEFAULT, OBJECT_QUERY = "Default", "Object Query"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of a budget, now.

    Attributes:
        per_minute: What this process may send in a minute; None without a limit of ours.
        used: Calls of the last minute.
        limit: Zuora's own limit of the window nearest to its end; None where it has not told, as are the next two.
        remaining: What is left of it, for all that ask there.
        reset_s: Seconds until it counts anew.
        in_flight: Calls on their way, by kind.
        places: How many may be, by kind.
        waiting: Live reads that wait for their turn.
        waiting_backfill: Calls of a backfill that wait.
        refused: Answers of 429, ever.
    """

    per_minute: int | None
    used: int
    limit: int | None
    remaining: int | None
    reset_s: int | None
    in_flight: dict[str, int]
    places: dict[str, int]
    waiting: int
    waiting_backfill: int
    refused: int


class Timer(Protocol):
    """Calls back after a while, as an event loop does."""

    def __call__(self, delay_s: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        """Return what can be cancelled."""
        ...


class Turn(msgspec.Struct, frozen=True):
    """A call's turn, as it was when it came.

    Attributes:
        answered: How many calls were answered before it.
        at_s: When it came, by the budget's clock.
    """

    answered: int
    at_s: float


class _Waiting(msgspec.Struct, eq=False):
    """One that waits for its turn; the lower number came first."""

    number: int
    turn: asyncio.Future[Turn]


class Budget:
    """The budget of one tenant in one process."""

    def __init__(
        self, allowance: Allowance, *, now_s: Callable[[], float] = time.monotonic, timer: Timer | None = None
    ) -> None:
        """Begin with nothing used.

        Args:
            allowance: What may be used.
            now_s: The clock.
            timer: Calls back; the running loop's own when absent.
        """
        self.allowance = allowance
        self._now_s = now_s
        self._timer = timer
        self._pace = Pace(allowance.per_minute, of_tenant=allowance.of_tenant)
        self._places = {DEFAULT: Places(allowance.concurrency), OBJECT_QUERY: Places(allowance.object_query)}
        self._lines = {(priority, kind): deque[_Waiting]() for priority in Priority for kind in self._places}
        self._came = 0
        self._handle: asyncio.TimerHandle | None = None
        self._sent = _LastMinute()
        self._told: Counted | None = None
        self._refused = 0

    @asynccontextmanager
    async def turn(self, kind: str, priority: Priority) -> AsyncIterator[Turn]:
        """Wait until a call may go, and hold its place meanwhile."""
        self._came += 1
        waiting = _Waiting(self._came, asyncio.get_running_loop().create_future())
        self._lines[priority, kind].append(waiting)
        self._serve()
        try:
            turn = await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.cancelled():
                self._lines[priority, kind].remove(waiting)
            else:
                # It was its turn, and it does not go: the place is free again; the call stays counted.
                self._leave(kind)
            raise
        try:
            yield turn
        finally:
            self._leave(kind)

    def hear(self, kind: str, status: int, headers: Mapping[str, str], *, turn: Turn) -> None:
        """Take up what an answer tells of the tenant's limits; call while the place is held.

        Args:
            kind: The kind of call.
            status: Its HTTP status.
            headers: Its headers.
            turn: Its turn.
        """
        now_s = self._now_s()
        told = counted(headers)
        self._pace.hear(told, now_s, on_the_way=self._in_flight - 1, answered=turn.answered)
        self._told = told or self._told
        limit, remaining = (whole_of(headers.get(f"Concurrency-Limit-{name}")) for name in ("Limit", "Remaining"))
        if status == 429:
            self._refused += 1
            if limit is not None:
                self._places[kind].refused(now_s)
        else:
            self._places[kind].hear(limit=limit, remaining=remaining, now_s=now_s, sent_s=turn.at_s)

    def close(self, pause_s: float) -> None:
        """Send nothing for a while: Zuora turned a call away, and would turn away the next."""
        self._pace.close(pause_s, self._now_s())

    @property
    def waited_for(self) -> bool:
        """Whether a call waits for its turn."""
        return any(self._lines.values())

    def usage(self) -> Usage:
        """Return what is used of it now."""
        now_s = self._now_s()
        remaining = self._pace.remaining(now_s)
        told = self._told if remaining is not None else None
        return Usage(
            per_minute=self.allowance.per_minute,
            used=self._sent.count(now_s),
            limit=told.limit if told else None,
            remaining=remaining,
            reset_s=told.reset_s if told else None,
            in_flight={kind: places.in_flight for kind, places in self._places.items()},
            places={kind: places.most for kind, places in self._places.items()},
            waiting=self._in_line(Priority.LIVE),
            waiting_backfill=self._in_line(Priority.BACKFILL),
            refused=self._refused,
        )

    def _leave(self, kind: str) -> None:
        self._places[kind].leave(self._now_s())
        self._serve()

    def _serve(self) -> None:
        """Let go whoever may, live reads first; where only time is missing, look again then."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        for priority in Priority:
            now_s = self._now_s()
            while (kind := self._first(priority, now_s)) is not None:
                wait_s = self._pace.wait_s(priority, now_s)
                if wait_s > 0:
                    self._look_again(wait_s)
                    return
                self._go(priority, kind, now_s)
        # Who waits for a place that others took may go when what Zuora told is old: no call may come or end until then.
        held_s = [self._places[kind].told_for_s(now_s) for (_, kind), line in self._lines.items() if line]
        if soonest_s := min((wait_s for wait_s in held_s if wait_s > 0), default=0.0):
            self._look_again(soonest_s)

    def _first(self, priority: Priority, now_s: float) -> str | None:
        """Return the kind of the call that came first of those for which there is a place."""
        heads = []
        for kind, places in self._places.items():
            line = self._lines[priority, kind]
            # Some may have gone away a moment ago; they leave the line by themselves.
            number = next((waiting.number for waiting in line if not waiting.turn.cancelled()), None)
            if number is not None and places.free(priority, now_s):
                heads.append((number, kind))
        return min(heads)[1] if heads else None

    def _go(self, priority: Priority, kind: str, now_s: float) -> None:
        line = self._lines[priority, kind]
        waiting = next(waiting for waiting in line if not waiting.turn.cancelled())
        line.remove(waiting)
        answered = self._pace.calls - self._in_flight
        self._places[kind].take(now_s)
        self._pace.sent(priority, now_s)
        self._sent.add(now_s)
        waiting.turn.set_result(Turn(answered, now_s))

    @property
    def _in_flight(self) -> int:
        return sum(places.in_flight for places in self._places.values())

    def _in_line(self, priority: Priority) -> int:
        return sum(len(self._lines[priority, kind]) for kind in self._places)

    def _look_again(self, wait_s: float) -> None:
        timer = self._timer or asyncio.get_running_loop().call_later
        self._handle = timer(wait_s, self._serve)


class _LastMinute:
    """Counts what was sent in the last sixty seconds, by the second."""

    def __init__(self) -> None:
        self._seconds = deque[list[int]](maxlen=60)

    def add(self, now_s: float) -> None:
        second = int(now_s)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0])
        self._seconds[-1][1] += 1

    def count(self, now_s: float) -> int:
        return sum(count for second, count in self._seconds if second > now_s - 60)
