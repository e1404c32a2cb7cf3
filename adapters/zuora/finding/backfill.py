"""Reads everything that documents from a cut-over day on need, beside the polls: whole, in order of time, resumable.

Accounts come first, all of them; then documents of that day or later that changed before it; then, in slices of time,
whatever changed since that day, every kind side by side, so that little waits for another kind. A position stands
only for records that the broker has. A second run of the same backfill goes on; what two runs read twice has one
effect.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import msgspec

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.finding.window import Window, move_forward
from adapters.zuora.reading.kinds import KINDS, ORDER
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from schemas.cursors import Backfill
from schemas.errors import Transient
from schemas.records import RecordKind, ZuoraRecord

# Before this, Zuora had no tenants.
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
# A day begins first where clocks are ahead the most.
_FIRST_ZONE = timedelta(hours=14)
# Enough that kinds stay together in time and that progress is seen; few enough that empty ones cost nothing.
_SLICES = 200
_SLICE_MIN = timedelta(hours=1)


class BackfillLog(Protocol):
    """Where a backfill writes; each call comes back when the broker has all of it."""

    async def records(self, records: Sequence[ZuoraRecord]) -> Sequence[ZuoraRecord]:
        """Write records to every connection of the tenant; return those too large for it: they are dead letters."""
        ...

    async def unreadable(self, kind: str, row: bytes, reason: str) -> None:
        """Write a row that no record can be made of to the dead letters."""
        ...

    def backfill_of(self, kind: str) -> Backfill | None:
        """Return how far the last backfill of a kind has come."""
        ...

    async def backfilled(self, position: Backfill) -> None:
        """Write how far a backfill has come."""
        ...


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a backfill is.

    Attributes:
        records: Records that were written, also by runs before this one.
        records_now: Those of this run.
        share: Part of the time since the first day that is read, 0 to 1; accounts and what changed before that day
            come first and are not part of it.
        records_per_s: Speed of this run.
        left_s: When the rest will have been read at this pace, in seconds; None while that cannot be told.
        finished: Whether nothing is left.
    """

    records: int
    records_now: int
    share: float
    records_per_s: float
    left_s: float | None
    finished: bool


class BackfillRun:
    """One run of a backfill."""

    def __init__(
        self,
        client: ZuoraClient,
        tenant: str,
        *,
        first_day: date,
        kinds: Sequence[str],
        write: BackfillLog,
        progress: Callable[[Progress], None],
        again: bool = False,
        lag_s: int = 0,
        settlement: Settlement | None = None,
    ) -> None:
        """Build it.

        Args:
            client: The tenant's client.
            tenant: Its name.
            first_day: The cut-over day.
            kinds: What is read, in the order of what waits for what.
            write: Where it writes.
            progress: Told after each page.
            again: Begin anew, also where this backfill was finished.
            lag_s: How far it ends behind Zuora's time; what is newer, polls read.
            settlement: Whether the tenant has Invoice Settlement; without it, it has.
        """
        self._client = client
        self._objects = ZuoraObjects(client, tenant, settlement)
        self._first_day = first_day
        self._begin = _begin(first_day)
        self._kinds = kinds
        self._write = write
        self._progress = progress
        self._again = again
        self._lag = timedelta(seconds=lag_s)
        self._positions: dict[str, _Position] = {}
        self._began_s = 0.0
        self._slices_began: tuple[float, float] | None = None

    async def run(self) -> Progress:
        """Read what is left; return how it stands.

        Raises:
            ConnectorError: Something could not be read or written: the next run goes on from there.
        """
        until = (await self._client.hear_time() - self._lag).replace(microsecond=0)
        there = await self._objects.kinds()
        self._kinds = [kind for kind in self._kinds if kind in there]
        for kind in self._kinds:
            self._positions[kind] = _Position(
                kind, self._write, await self._first_position(kind, until), self._page_done
            )
        self._began_s = time.monotonic()
        for kind, position in self._positions.items():
            # All accounts: whatever business there is moves their stamps, and no document goes on without its own.
            until = position.event.until if kind == RecordKind.ACCOUNT else self._begin
            await self._read(kind, BEGINNING, until)
        self._slices_began = (time.monotonic(), self._share())
        for since, until in slices(
            self._begin, max((one.event.until for one in self._positions.values()), default=self._begin)
        ):
            await self._slice(since, until)
        return self._standing()

    async def _slice(self, since: datetime, until: datetime) -> None:
        answers = await asyncio.gather(
            *(self._read(kind, since, until) for kind in self._kinds), return_exceptions=True
        )
        for answer in answers:
            if answer is not None:
                raise answer

    async def _read(self, kind: str, since: datetime, until: datetime) -> None:
        """Read what is left of a kind between two moments."""
        position = self._positions[kind]
        since, until = max(since, position.event.read_to), min(until, position.event.until)
        if since >= until:
            return
        dated_from = self._first_day if until <= self._begin else None
        window = Window(
            self._objects, kind, overlap=timedelta(0), write=position, moved=lambda: None, told=lambda: until
        )
        await window.read(
            since, until, by="backfill", evidence=f"from {self._first_day.isoformat()}", dated_from=dated_from
        )
        if not window.whole:
            raise Transient(f"not every {kind} could be read; run it again: it goes on from there")
        await move_forward(position, kind, until)
        self._page_done()

    async def _first_position(self, kind: str, until: datetime) -> Backfill:
        before = self._write.backfill_of(kind)
        if before is not None and before.first_day == self._first_day and not self._again:
            return before
        first = Backfill(connection="", kind=kind, first_day=self._first_day, until=until, read_to=BEGINNING, records=0)
        if before is not None:
            # Else a run that goes on after this one was stopped would find the kind read, by the backfill before.
            await self._write.backfilled(first)
        return first

    def _share(self) -> float:
        """Return which part of the time since the first day is read, of all kinds together."""
        positions = [position.event for kind, position in self._positions.items() if kind != RecordKind.ACCOUNT]
        parts = [_share_of(position, self._begin) for position in positions]
        return sum(parts) / len(parts) if parts else float(self._finished())

    def _finished(self) -> bool:
        return all(position.event.finished for position in self._positions.values())

    def _page_done(self) -> None:
        self._progress(self._standing())

    def _standing(self) -> Progress:
        now, share = time.monotonic(), self._share()
        written = sum(position.written for position in self._positions.values())
        left_s = None
        if self._slices_began is not None and share > self._slices_began[1]:
            began_s, began = self._slices_began
            left_s = (now - began_s) * (1 - share) / (share - began)
        return Progress(
            records=sum(position.event.records for position in self._positions.values()),
            records_now=written,
            share=share,
            records_per_s=written / max(now - self._began_s, 0.001),
            left_s=left_s,
            finished=self._finished(),
        )


class _Position:
    """The position of one kind, and the log that its window writes to."""

    def __init__(self, kind: str, write: BackfillLog, event: Backfill, page_done: Callable[[], None]) -> None:
        self.event = event
        self.written = 0
        self._kind = kind
        self._write = write
        self._page_done = page_done

    async def records(self, records: Sequence[ZuoraRecord]) -> Sequence[ZuoraRecord]:
        too_large = await self._write.records(records)
        self.written += len(records)
        self.event = msgspec.structs.replace(self.event, records=self.event.records + len(records))
        self._page_done()
        return too_large

    async def unreadable(self, kind: str, row: bytes, reason: str) -> None:
        await self._write.unreadable(kind, row, reason)

    async def read_to(self, _kind: str) -> datetime | None:
        return self.event.read_to

    async def moved_to(self, _kind: str, moment: datetime) -> None:
        moved = msgspec.structs.replace(self.event, read_to=moment)
        await self._write.backfilled(moved)
        self.event = moved


def read_since(position: Backfill) -> datetime:
    """Return the stamp since which a finished backfill has read all rows of its kind."""
    spec = KINDS.get(position.kind)
    return _begin(position.first_day) if spec is not None and spec.dated else BEGINNING


def _begin(first_day: date) -> datetime:
    return datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC) - _FIRST_ZONE


def slices(begin: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the slices of time of a backfill, oldest first, whole seconds each."""
    length = max(_SLICE_MIN, timedelta(seconds=int((until - begin).total_seconds()) // _SLICES))
    while begin < until:
        yield begin, min(begin + length, until)
        begin += length


def ordered(kinds: Sequence[str]) -> list[str]:
    """Return kinds in the order of what waits for what, accounts first."""
    return sorted(kinds, key=ORDER.index)


def _share_of(position: Backfill, begin: datetime) -> float:
    whole = (position.until - begin).total_seconds()
    read = (min(position.read_to, position.until) - begin).total_seconds()
    return 1.0 if whole <= 0 else max(0.0, read / whole)
