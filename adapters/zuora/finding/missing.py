"""What the log holds and Zuora no longer lists where it was: changed since, or gone.

Each is asked for by its id, and only where Zuora says that there is none is it taken for deleted, never because a list
is short. More of these within a day than business deletes are taken for a view that was lost (entity, organization,
permission): nothing is deleted then, and it is said. A slice may hold very few: what lies beside it is asked for as
well before anything booked is taken for deleted. The day is counted from the log, so a restart begins no new one.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

import msgspec
import structlog

from adapters.store.inventory import Held, Inventory
from adapters.zuora.finding.sweep import Slice
from adapters.zuora.reading.objects import ZuoraObjects
from schemas.errors import ConnectorError, Transient, Unreadable
from schemas.records import Found, ZuoraRecord, record_of_deletion
from streams.identity import moment_of

log = structlog.get_logger(__name__)

# Statuses of what was booked: Zuora lets none of these be deleted before it was taken back.
_BOOKED = frozenset({"Posted", "Processed"})
_DAY = timedelta(days=1)
# So many ids are named in a line of the log.
_NAMED = 5


class WhatIsHeld(Protocol):
    """An inventory that is kept up with the log."""

    @property
    def inventory(self) -> Inventory:
        """The inventory."""
        ...

    async def refresh(self) -> None:
        """Take up what the log holds by now."""
        ...


class Missing:
    """Asks one tenant for what its lists lack."""

    def __init__(self, objects: ZuoraObjects, held: WhatIsHeld, *, deletions_max: int) -> None:
        """Build it.

        Args:
            objects: Reads the tenant.
            held: What the log holds.
            deletions_max: So many booked objects may be taken for deleted within a day.
        """
        self._objects = objects
        self._held = held
        self._deletions_max = deletions_max

    async def asked_for(
        self,
        kind: str,
        absent: dict[str, Held],
        one: Slice,
        bound_s: int,
        found: Found,
        unread: list[ConnectorError],
    ) -> tuple[list[ZuoraRecord], list[ZuoraRecord]]:
        """Ask for what is not listed where it was; return what changed behind the cursor, and what is gone.

        Args:
            kind: What it is.
            absent: What the log holds in the slice and Zuora does not list there.
            one: The slice.
            bound_s: Where what the cursor has passed for certain ends.
            found: How it was found.
            unread: Takes why something may be told later.
        """
        read = partial(self._objects.read, kind, found=found)
        answers = await asyncio.gather(*(read(name) for name in absent), return_exceptions=True)
        moved, gone = list[ZuoraRecord](), list[str]()
        for name, answer in zip(absent, answers, strict=True):
            if isinstance(answer, ConnectorError):
                # What no try will read is there; whoever lists it where it is now says so.
                unread += [] if isinstance(answer, Unreadable) else [answer]
            elif isinstance(answer, BaseException):
                raise answer
            elif answer is None:
                gone.append(name)
            elif one.since_s <= _stamp_s(answer) < one.until_s:
                log.warning(
                    "Zuora has it, and does not list it where its stamp is",
                    tenant=self._objects.tenant,
                    kind=kind,
                    id=name,
                )
            elif _stamp_s(answer) < bound_s:
                moved.append(answer)
        try:
            await self._no_view_was_lost(kind, [name for name in gone if absent[name].status in _BOOKED], one, found)
        except ConnectorError as error:
            unread.append(error)
            return moved, []
        return moved, [record_of_deletion(self._objects.tenant, kind, name, found) for name in gone]

    async def _no_view_was_lost(self, kind: str, booked: list[str], one: Slice, found: Found) -> None:
        """See to it that what was booked and is gone may be taken for deleted.

        Raises:
            ConnectorError: It is more than business deletes within a day, or that cannot be told now.
        """
        if not booked:
            return
        booked = [*booked, *await self._gone_beside(kind, one, found)]
        before = self._held.inventory.deleted_since(found.at - _DAY, _BOOKED)
        if before + len(booked) > self._deletions_max:
            others = f", and {before} others were taken for deleted within a day" if before else ""
            raise Transient(
                f"Zuora says that it has {len(booked)} booked objects in and beside {found.evidence} no more "
                f"({named(booked)}){others}: nothing is taken for deleted. Are the user's permissions and the entity "
                "what they were? If people deleted them, raise deletions_max"
            )

    async def _gone_beside(self, kind: str, one: Slice, found: Found) -> list[str]:
        """Return what was booked nearest to a slice and is gone too: a lost view shows in what surrounds it."""
        names = self._held.inventory.beside(
            kind, one.since_s, one.until_s, statuses=_BOOKED, most=self._deletions_max + 1
        )
        read = partial(self._objects.read, kind, found=found)
        answers = await asyncio.gather(*(read(name) for name in names), return_exceptions=True)
        for answer in answers:
            # What no try will read is there.
            if isinstance(answer, BaseException) and not isinstance(answer, Unreadable):
                raise answer
        return [name for name, answer in zip(names, answers, strict=True) if answer is None]


def named(ids: Sequence[str]) -> str:
    """Return ids for a line of the log."""
    return ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")


class _Stamped(msgspec.Struct, rename="camel"):
    updated_date: str | None = None


_stamped = msgspec.json.Decoder(_Stamped)


def _stamp_s(record: ZuoraRecord) -> int:
    moment = moment_of(_stamped.decode(record.parent).updated_date)
    return int(moment.timestamp()) if moment else -1
