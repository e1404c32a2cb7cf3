"""What `ping` tries of reading a tenant: one object of each kind, whole, by the very calls that polls make.

A right that is missing shows with the one call that needs it, often that of a list within an object. Nothing that is
read is kept.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.finding.backfill import BEGINNING
from adapters.zuora.reading.changes import PARENT
from adapters.zuora.reading.kinds import ALWAYS
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.rows import Header, seen
from adapters.zuora.reading.settlement import Settlement
from console.pinging.write_back import Trial
from schemas.errors import ConnectorError, Refused, Unreadable
from schemas.records import RecordKind

# What belongs to a document is read of those that count.
_BOOKED = frozenset({"Posted", "Processed"})
# A query by ZOQL is read whole before its first row is shown.
_LATELY = timedelta(hours=1)
_HISTORY = "/v1/notification-history/callout"


async def try_reading(client: ZuoraClient, tenant: str, settlement: Settlement) -> Sequence[Trial]:
    """Return, for each kind that the tenant has, whether one of it can be read whole."""
    objects = ZuoraObjects(client, tenant, settlement)
    try:
        kinds, listed = await objects.kinds(), await objects.listed()
    except ConnectorError:
        # Why it cannot be told is a finding of its own.
        kinds = listed = ALWAYS
    return await asyncio.gather(*(_kind(client, objects, kind, is_listed=kind in listed) for kind in kinds))


async def try_callout_history(client: ZuoraClient) -> Trial:
    """Return whether the callouts that failed can be asked for."""
    what = "callouts that failed"
    try:
        await client.get(_HISTORY, [("failedOnly", "true"), ("page", "1"), ("pageSize", "1")])
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=step_of(error))
    return Trial(what=what, ok=True, found="can be read")


def step_of(error: ConnectorError) -> str:
    """Return what to do where a call fails: the error names it."""
    right = "Give the OAuth user's role the right to this by API. " if isinstance(error, Refused) else ""
    return f"{right}{error}"


async def _kind(client: ZuoraClient, objects: ZuoraObjects, kind: str, *, is_listed: bool) -> Trial:
    what, until = f"reading {kind}", client.now()
    since = BEGINNING if is_listed else until - _LATELY
    try:
        async for headers in objects.changed(kind, since=since, until=until):
            await objects.complete(kind, _one_of(headers), by="poll", evidence="ping")
            lacking = kind == RecordKind.ACCOUNT and objects.contacts_refused
            return Trial(what=what, ok=True, found=f"read without its contact: {lacking}" if lacking else "read whole")
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=step_of(error))
    none = "there is none to look at" if is_listed else "may be asked for; none changed within the hour"
    return Trial(what=what, ok=True, found=none)


def _one_of(headers: Sequence[Header]) -> Header:
    """Return one that counts, where there is one."""
    return next((header for header in headers if _is_booked(header)), headers[0])


def _is_booked(header: Header) -> bool:
    try:
        return seen(header.raw, PARENT, "a list").status in _BOOKED
    except Unreadable:
        return False
