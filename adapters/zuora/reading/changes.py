"""Lists what changed of a kind, page by page, parents only: no row is passed over, some come again."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from adapters.zuora.asking.client import Page, ZuoraClient
from adapters.zuora.asking.ids import checked
from adapters.zuora.reading.kinds import ObjectKind
from adapters.zuora.reading.rows import Header, seen
from schemas.errors import Transient, Unreadable
from streams.identity import moment_of

# A walk of one second that differs from the one before had a row leave or join it. So many in a row are no business,
# but a list without an order.
_WALKS_MAX = 100


class Parent(msgspec.Struct, rename="camel"):
    """What every kind has."""

    id: str
    status: str | None = None
    updated_date: str | None = None


PARENT = msgspec.json.Decoder(Parent)


async def changes(
    client: ZuoraClient, kind: ObjectKind, *, since: datetime, until: datetime, dated_from: date | None = None
) -> AsyncIterator[Sequence[Header]]:
    """Yield, page by page, the parents whose stamp lies in [since, until), oldest first.

    Zuora's cursors may be offsets: a row that changes while we page leaves its place, and all behind it move up. So
    each page is asked for anew from the last stamp that was seen, and a second that holds more than a page is
    walked until nothing moves. Rows of that second come again and again.
    """
    begun = since.replace(microsecond=0)
    while begun < until:
        page = await client.object_query_page(kind.objects, _params(kind, begun, until, dated_from))
        headers = [_header(raw, page, kind) for raw in page.rows]
        if headers:
            yield headers
        if page.last:
            return
        reached = max((moment for header in headers if (moment := moment_of(header.updated))), default=begun)
        if reached <= begun:
            async for rest in _second(client, kind, begun, dated_from):
                yield rest
            reached = begun + timedelta(seconds=1)
        begun = reached


async def _second(
    client: ZuoraClient, kind: ObjectKind, second: datetime, dated_from: date | None
) -> AsyncIterator[Sequence[Header]]:
    """Yield all parents of one second, walked through its pages until two walks show the same.

    A row that leaves the second hides another only if it was shown before: then the next walk is without it, and
    differs.
    """
    params = _params(kind, second, second + timedelta(seconds=1), dated_from)
    before: set[str] | None = None
    for _ in range(_WALKS_MAX):
        walk, pages = set[str](), 0
        async for page in client.object_query_pages(kind.objects, params):
            headers = [_header(raw, page, kind) for raw in page.rows]
            walk.update(header.id for header in headers)
            pages += 1
            yield headers
        if pages == 1 or walk == before:
            return
        before = walk
    raise Transient(f"Zuora's {kind.objects} of {_zulu(second)} never come twice the same")


def _header(raw: msgspec.Raw, page: Page, kind: ObjectKind) -> Header:
    """Return a row of a list; one that is not as documented keeps no other from being read."""
    try:
        parent = seen(raw, PARENT, "a list")
        return Header(kind.kept(raw), checked(parent.id), parent.updated_date or "", page.request_id, kind.expand)
    except Unreadable:
        return Header(kind.kept(raw), "", "", page.request_id)


def _params(kind: ObjectKind, since: datetime, until: datetime, dated_from: date | None) -> list[tuple[str, str]]:
    params = [
        ("filter[]", f"updateddate.GE:{_zulu(since)}"),
        ("filter[]", f"updateddate.LT:{_zulu(until)}"),
        ("sort[]", "updateddate.ASC"),
    ]
    if dated_from is not None and kind.dated:
        params.append(("filter[]", f"{kind.dated}.GE:{dated_from.isoformat()}"))
    return [*params, *kind.expansion]


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
