"""Reads one kind of one tenant, window by window: each object whole, each record acknowledged before the cursor moves.

One object that cannot be read keeps no other back: what may be read later keeps the cursor where it is, what no try
will read becomes a dead letter. Repeats are allowed; the same bytes again are not read again.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from adapters.zuora.reading.objects import FoundBy, ZuoraObjects
from adapters.zuora.reading.rows import Header
from schemas.errors import ConnectorError, Transient, Unreadable
from schemas.records import ZuoraRecord
from schemas.references import ZuoraReference
from streams.identity import moment_of

# More than a page of objects that cannot be read is no matter of these objects any more: the rest waits as well.
_UNREAD_MAX = 99


class WindowLog(Protocol):
    """Where a window writes; each call comes back when the broker has all of it."""

    async def records(self, records: Sequence[ZuoraRecord]) -> Sequence[ZuoraRecord]:
        """Write records to every connection of the tenant; return those too large for it: they are dead letters."""
        ...

    async def unreadable(self, kind: str, row: bytes, reason: str) -> None:
        """Write a row that no record can be made of to the dead letters."""
        ...

    async def read_to(self, kind: str) -> datetime | None:
        """Return the cursor of a kind."""
        ...

    async def moved_to(self, kind: str, moment: datetime) -> None:
        """Write the cursor of a kind."""
        ...


class Log(WindowLog, Protocol):
    """Where a tenant's poller writes."""

    async def references(self, references: Sequence[ZuoraReference]) -> None:
        """Write those references that differ from what was last written."""
        ...

    def quiet_since(self, kind: str) -> datetime | None:
        """Return since when no row of a kind was listed, up to its cursor; None where that is not known."""
        ...

    async def moved_to(self, kind: str, moment: datetime, *, quiet_since: datetime | None = None) -> None:
        """Write the cursor of a kind, and since when no row was listed up to it."""
        ...


async def move_forward(write: WindowLog, kind: str, moment: datetime) -> None:
    """Move a cursor, never back: the first pages of a window lie in the overlap, behind it."""
    read_to = await write.read_to(kind)
    if read_to is None or moment > read_to:
        await write.moved_to(kind, moment)


class _Known(msgspec.Struct, frozen=True):
    """What was last read of an object: its bytes in short, since a stamp counts whole seconds, and when it changed."""

    digest: bytes
    moment: datetime | None


class Window:
    """The windows of one kind, one after the other."""

    def __init__(
        self,
        objects: ZuoraObjects,
        kind: str,
        *,
        overlap: timedelta,
        write: WindowLog,
        moved: Callable[[], None],
        told: Callable[[], datetime],
    ) -> None:
        """Build it.

        Args:
            objects: The tenant's objects.
            kind: The kind.
            overlap: How far each window reaches back behind the cursor.
            write: Where records go.
            moved: Called after each page: the watchdog listens.
            told: How far a cursor may go by what the last answer told of Zuora's time.
        """
        self._objects = objects
        self._kind = kind
        self._told = told
        self._overlap = overlap
        self._write = write
        self._moved = moved
        self._log = structlog.get_logger(__name__).bind(tenant=objects.tenant, kind=kind)
        # What an overlap may show again, by id.
        self._known: dict[str, _Known] = {}
        self._whole = True
        self._newest: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """The newest stamp that the last window listed."""
        return self._newest

    @property
    def whole(self) -> bool:
        """Whether all objects of the last window could be read."""
        return self._whole

    async def read(
        self, since: datetime, until: datetime, *, by: FoundBy, evidence: str, dated_from: date | None = None
    ) -> int:
        """Read what changed in [since, until); return how many records that was.

        The cursor stands at a stamp that was listed, then; whoever asked moves it to where the window ended, if that is
        whole.

        Args:
            since: First stamp.
            until: Behind the last stamp.
            by: How records say that they were found.
            evidence: What they name for it.
            dated_from: Only documents of this day or later, of kinds whose lists can be filtered by it.

        Raises:
            ConnectorError: A page cannot be read, nothing can be written, or too many objects cannot be read.
        """
        count, limit, unread = 0, until, dict[str, ConnectorError]()
        self._whole, self._newest = False, None
        async for headers in self._objects.changed(self._kind, since=since, until=until, dated_from=dated_from):
            fresh = {name: header for name, header in self._fresh(headers).items() if name not in unread}
            records, failed = await self._page(fresh, by=by, evidence=evidence)
            count += len(records)
            if failed and not unread:
                # Rows come in the order of their stamps: nothing from this one on may be passed over.
                limit = moment_of(fresh[next(iter(failed))].updated) or since
            unread |= failed
            if len(unread) > _UNREAD_MAX:
                break
            await self._page_done(headers, limit)
        self._whole = not unread
        self._complain(unread)
        return count

    def _fresh(self, headers: Sequence[Header]) -> dict[str, Header]:
        """Return the rows that are not known with these bytes, by name."""
        return {_name(header): header for header in headers if self._known.get(_name(header)) != _known(header)}

    async def _page(
        self, fresh: dict[str, Header], *, by: FoundBy, evidence: str
    ) -> tuple[list[ZuoraRecord], dict[str, ConnectorError]]:
        """Read and write the objects of a page; return what was written, and what may be read later."""
        answers = await asyncio.gather(
            *(self._objects.complete(self._kind, header, by=by, evidence=evidence) for header in fresh.values()),
            return_exceptions=True,
        )
        records, failed = list[ZuoraRecord](), dict[str, ConnectorError]()
        for (name, header), answer in zip(fresh.items(), answers, strict=True):
            match answer:
                case ZuoraRecord():
                    records.append(answer)
                case Unreadable():
                    self._log.error("no record can be made of this; it is a dead letter", id=name, reason=str(answer))
                    await self._write.unreadable(self._kind, bytes(header.raw), str(answer))
                case ConnectorError():
                    failed[name] = answer
                case _:
                    raise answer
        await self._write.records(records)
        self._known |= {name: _known(header) for name, header in fresh.items() if name not in failed}
        return records, failed

    async def _page_done(self, headers: Sequence[Header], limit: datetime) -> None:
        """Move the cursor to the last stamp of a page: rows are sorted by it, so a stopped read goes on from there."""
        self._moved()
        stamps = [moment for header in headers if (moment := moment_of(header.updated))]
        if stamps:
            self._newest = max(stamps) if self._newest is None else max(self._newest, *stamps)
            await move_forward(self._write, self._kind, min(max(stamps), limit, self._told()))
        cursor = await self._write.read_to(self._kind)
        if cursor is not None:
            self._forget(cursor - self._overlap)

    def _forget(self, before: datetime) -> None:
        """Forget rows that no window will show again."""
        self._known = {
            name: known for name, known in self._known.items() if known.moment is None or known.moment >= before
        }

    def _complain(self, unread: dict[str, ConnectorError]) -> None:
        if not unread:
            return
        names, reason = list(unread), next(iter(unread.values()))
        told = f"{len(names)} could not be read ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}): {reason}"
        if len(names) > _UNREAD_MAX:
            raise Transient(f"{told}; newer ones wait with them")
        self._log.error("objects are not read yet; they are tried again with the next round", reason=told)


def _name(header: Header) -> str:
    return header.id or _digest(header).hex()


def _known(header: Header) -> _Known:
    return _Known(_digest(header), moment_of(header.updated))


def _digest(header: Header) -> bytes:
    return hashlib.blake2b(header.raw, digest_size=16).digest()
