"""Reads slices of the past once more, beside what the log holds: it proves the cursor, or finds what was missed.

What was committed behind the cursor is read and written; so is a change that was missed (`difference.py`), and a
contact that changed, since that moves no stamp of its account: no poll sees it, and none has missed it. What the
log holds and Zuora no longer lists is asked for by its id (`missing.py`).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Protocol

import msgspec
import structlog

from adapters.store.inventory import Inventory
from adapters.zuora.asking.answers import NotFound
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.finding.backfill import read_since
from adapters.zuora.finding.difference import Difference, difference
from adapters.zuora.finding.missing import Missing, WhatIsHeld, named
from adapters.zuora.finding.schedule import PollSettings
from adapters.zuora.finding.sweep import Slice, Sweep
from adapters.zuora.finding.window import Log
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.rows import Header
from adapters.zuora.reading.settlement import Settlement
from schemas.cursors import Backfill, Reread
from schemas.errors import ConnectorError, Unreadable
from schemas.records import Found, RecordKind, ZuoraRecord

log = structlog.get_logger(__name__)

# Their expansion changes without their own stamp: the contact of an account.
_MOVE_SILENTLY = frozenset({RecordKind.ACCOUNT})
# What the schedule calls it.
REREAD: Final = "reread"


class RereadLog(Log, Protocol):
    """Where a re-read writes, and what it knows of the other ways of reading."""

    def backfill_of(self, kind: str) -> Backfill | None:
        """Return how far the last backfill of a kind has come."""
        ...

    def reread_of(self, kind: str) -> Reread | None:
        """Return what the re-read of a kind last said."""
        ...

    async def reread(self, standing: Reread) -> None:
        """Write what the re-read of a kind has proved and found."""
        ...


class _Found(msgspec.Struct):
    """What a slice brought."""

    rows: int = 0
    late: list[str] = msgspec.field(default_factory=list)
    changed: list[str] = msgspec.field(default_factory=list)
    deleted: list[str] = msgspec.field(default_factory=list)
    # Changed where no poll looks.
    restated: list[str] = msgspec.field(default_factory=list)
    # Why not all that is missing could be read: the slice comes again.
    unread: list[ConnectorError] = msgspec.field(default_factory=list)

    @property
    def anything(self) -> bool:
        return bool(self.late or self.changed or self.deleted)


class TenantReread:
    """Re-reads one tenant, a slice or a few of each kind a round."""

    def __init__(
        self,
        client: ZuoraClient,
        tenant: str,
        *,
        kinds: Sequence[str],
        settings: PollSettings,
        write: RereadLog,
        held: WhatIsHeld,
        moved: Callable[[], None],
        random: Random,
        settlement: Settlement | None = None,
    ) -> None:
        """Build it.

        Args:
            client: The tenant's client.
            tenant: Its name.
            kinds: What is re-read.
            settings: How much, and since when.
            write: Where it writes.
            held: What the log holds.
            moved: Called after each page: the watchdog listens.
            random: Draws the slices.
            settlement: Whether the tenant has Invoice Settlement; without it, it has.
        """
        self._client = client
        self._objects = ZuoraObjects(client, tenant, settlement)
        self._missing = Missing(self._objects, held, deletions_max=settings.deletions_max)
        self._settings = settings
        self._write = write
        self._held = held
        self._moved = moved
        self._log = log.bind(tenant=tenant)
        self._sweeps = {kind: Sweep(rows_max=settings.reread_rows, random=random) for kind in kinds}
        self.failed = False

    async def round(self) -> int:
        """Prove the slices that are due; return how many records were written.

        A slice of which something cannot be read is not proved, and nothing else waits for that.
        """
        self.failed, written = False, 0
        try:
            await self._held.refresh()
            there = await self._objects.listed()
        except ConnectorError as error:
            self.failed, there = True, ()
            self._log.error("nothing can be re-read now", reason=str(error))
        for kind, sweep in self._sweeps.items():
            try:
                written += await self._kind(kind, sweep) if kind in there else 0
            except ConnectorError as error:
                self.failed = True
                self._log.error("re-read failed; its slice comes again", kind=kind, reason=str(error))
        return written

    async def _kind(self, kind: str, sweep: Sweep) -> int:
        read_to = await self._write.read_to(kind)
        if read_to is None:
            return 0
        inventory = self._held.inventory
        floor_s = self._floor_s(kind)
        bound_s = int((read_to - timedelta(seconds=self._settings.overlap_s)).timestamp())
        turns, written, unread = sweep.turns, 0, list[ConnectorError]()
        for one in sweep.due(floor_s, bound_s, _RowsOf(inventory, kind)):
            found = await self._slice(kind, one, bound_s)
            if not found.unread:
                sweep.proved(one, found=found.anything)
            written += len(found.late) + len(found.changed) + len(found.restated) + len(found.deleted)
            unread += found.unread
            await self._say(kind, one, found, sweep, floor_s)
        if sweep.turns > turns:
            self._log.info("everything behind the cursor is proved, and is proved again", kind=kind, turns=sweep.turns)
        if unread:
            self.failed = True
            self._log.error("re-read failed; its slice comes again", kind=kind, reason=str(unread[0]))
        return written

    async def _slice(self, kind: str, one: Slice, bound_s: int) -> _Found:
        """Compare a slice, and write what the log does not hold and could be read.

        Raises:
            ConnectorError: It could not be compared.
        """
        listed: dict[str, Header] = {}
        async for headers in self._objects.changed(kind, since=_moment(one.since_s), until=_moment(one.until_s)):
            listed |= {header.id: header for header in headers if header.id}
            self._moved()
        differs = self._difference(kind, one, listed)
        if differs.anything:
            # What others have written meanwhile is not missing: the log is read to its end after the list.
            await self._held.refresh()
            differs = self._difference(kind, one, listed)
        evidence = f"{_moment(one.since_s):%Y-%m-%dT%H:%M:%SZ}/{_moment(one.until_s):%Y-%m-%dT%H:%M:%SZ}"
        unread = list[ConnectorError]()
        late = await self._read(kind, differs.late, evidence, unread)
        changed = await self._read(kind, differs.changed, evidence, unread)
        restated = await self._read(kind, differs.restated, evidence, unread)
        found = Found(by=REREAD, at=datetime.now(UTC), evidence=evidence)
        moved, deleted = await self._missing.asked_for(kind, differs.absent, one, bound_s, found, unread)
        too_large = await self._write.records([*late, *changed, *restated, *moved, *deleted])
        if too_large:
            # A dead letter is said once: the next turn finds it held as it is.
            self._held.inventory.set_aside(kind, [(record.id, record.parent) for record in too_large])
        return _Found(
            rows=len(listed) + len(differs.absent),
            late=[record.id for record in late],
            changed=[record.id for record in (*changed, *moved)],
            deleted=[record.id for record in deleted],
            restated=[record.id for record in restated],
            unread=unread,
        )

    def _difference(self, kind: str, one: Slice, listed: dict[str, Header]) -> Difference:
        inventory = self._held.inventory
        there = inventory.between(kind, one.since_s, one.until_s)
        silently = kind in _MOVE_SILENTLY
        return difference(listed, inventory.held(kind, listed), there, moves_silently=silently)

    async def _read(
        self, kind: str, headers: Sequence[Header], evidence: str, unread: list[ConnectorError]
    ) -> list[ZuoraRecord]:
        """Return these rows whole, and note why others may be read later; what no try will read is a dead letter."""
        answers = await asyncio.gather(
            *(self._whole(kind, header, evidence) for header in headers),
            return_exceptions=True,
        )
        records = list[ZuoraRecord]()
        for header, answer in zip(headers, answers, strict=True):
            match answer:
                case ZuoraRecord():
                    records.append(answer)
                case Unreadable():
                    await self._dead_letter(kind, header, str(answer))
                case None:
                    # Deleted since it was listed: what the log holds of it is found gone where its stamp is.
                    pass
                case ConnectorError():
                    unread.append(answer)
                case _:
                    raise answer
        return records

    async def _whole(self, kind: str, header: Header, evidence: str) -> ZuoraRecord | None:
        """Return a row with all that belongs to it, or None where Zuora has it no more."""
        try:
            return await self._objects.complete(kind, header, by=REREAD, evidence=evidence)
        except NotFound:
            # Of what belongs to it, or of all of it: asked for by its id, it says which.
            return await self._objects.read(kind, header.id, Found(by=REREAD, at=datetime.now(UTC), evidence=evidence))

    async def _dead_letter(self, kind: str, header: Header, reason: str) -> None:
        self._log.error("no record can be made of this; it is a dead letter", kind=kind, id=header.id, reason=reason)
        await self._write.unreadable(kind, bytes(header.raw), reason)
        self._held.inventory.set_aside(kind, [(header.id, header.raw)])

    async def _say(self, kind: str, one: Slice, found: _Found, sweep: Sweep, floor_s: int) -> None:
        before = self._write.reread_of(kind)
        proved_s, turn_s = sweep.standing(floor_s)
        told = Reread(
            connection="",
            kind=kind,
            at=self._client.now().replace(microsecond=0),
            since=_moment(one.since_s),
            until=_moment(one.until_s),
            proved_s=proved_s,
            turn_s=turn_s,
            turns=sweep.turns,
            rows=(before.rows if before else 0) + found.rows,
            late=(before.late if before else 0) + len(found.late),
            changed=(before.changed if before else 0) + len(found.changed),
            deleted=(before.deleted if before else 0) + len(found.deleted),
        )
        await self._write.reread(told)
        if found.restated:
            self._log.info("contacts had changed, or were not held yet", kind=kind, accounts=named(found.restated))
        if found.anything:
            self._log.warning(
                "a re-read found what the polls had missed",
                kind=kind,
                since=told.since.isoformat(),
                until=told.until.isoformat(),
                late=named(found.late),
                changed=named(found.changed),
                deleted=named(found.deleted),
            )

    def _floor_s(self, kind: str) -> int:
        start = self._settings.start.astimezone(UTC)
        backfill = self._write.backfill_of(kind)
        if backfill is not None and backfill.finished:
            start = min(start, read_since(backfill))
        return int(start.timestamp())


class _RowsOf:
    """What the inventory holds of one kind."""

    def __init__(self, inventory: Inventory, kind: str) -> None:
        self._inventory = inventory
        self._kind = kind

    def count(self, since_s: int, until_s: int) -> int:
        return self._inventory.count(self._kind, since_s, until_s)

    def stamp_at(self, since_s: int, until_s: int, place: int) -> int | None:
        return self._inventory.stamp_at(self._kind, since_s, until_s, place)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
