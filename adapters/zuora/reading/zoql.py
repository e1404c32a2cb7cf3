"""Reads by ZOQL what a tenant without Invoice Settlement keeps where Object Query does not reach.

Rows come in no order, and a locator may end or bring what has moved meanwhile. So a window that holds more than one
batch is cut by time until each slice is one answer: no more is held than that, and what changes meanwhile costs one
slice. Where a second alone, or what belongs to one object, comes in several batches, it counts only when two readings
show the same. Every value stands in quotes that it cannot end.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import msgspec

from adapters.zuora.asking import posts
from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked
from adapters.zuora.reading.rows import Header, seen
from schemas.errors import Misconfigured, Transient, Unreadable
from streams.identity import moment_of

# So many readings of which no two agree, or whose locators end, are no business, but a list that cannot be told.
_READINGS_MAX = 10
# Stamps are asked for by whole seconds: no slice is shorter.
_SECOND = timedelta(seconds=1)


class Zoql(msgspec.Struct, frozen=True, kw_only=True):
    """An object of ZOQL.

    Attributes:
        name: Its name.
        fields: What is read of it, with Id and UpdatedDate.
        owner: The field that names what a change of it is a change of.
    """

    name: str
    fields: tuple[str, ...]
    owner: str = "Id"


class _Row(msgspec.Struct, rename="pascal"):
    id: str
    updated_date: str = ""


class _Rows(msgspec.Struct, frozen=True):
    by_id: dict[str, msgspec.Raw]
    request_id: str
    # Whether one answer held them all.
    at_once: bool


_row = msgspec.json.Decoder(_Row)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_join = msgspec.json.Encoder()

_AUDIT = ("Id", "CreatedDate", "UpdatedDate")
_ADJUSTMENT = (*_AUDIT, "AccountId", "AccountingCode", "AdjustmentDate", "Amount", "Status", "Type", "ReasonCode")

INVOICE_PAYMENTS = Zoql(
    name="InvoicePayment", fields=(*_AUDIT, "PaymentId", "InvoiceId", "Amount", "RefundAmount"), owner="PaymentId"
)
INVOICE_ADJUSTMENTS = Zoql(
    name="InvoiceAdjustment", fields=(*_ADJUSTMENT, "AdjustmentNumber", "InvoiceId", "InvoiceNumber", "CancelledOn")
)
INVOICE_ITEM_ADJUSTMENTS = Zoql(
    name="InvoiceItemAdjustment",
    fields=(
        *_ADJUSTMENT,
        "AdjustmentNumber",
        "InvoiceId",
        "InvoiceNumber",
        "CancelledDate",
        "SourceId",
        "SourceType",
        "InvoiceItemName",
        "DeferredRevenueAccount",
        "RecognizedRevenueAccount",
        "ServiceStartDate",
        "ServiceEndDate",
    ),
)
CREDIT_BALANCE_ADJUSTMENTS = Zoql(
    name="CreditBalanceAdjustment",
    fields=(
        *_ADJUSTMENT,
        "Number",
        "CancelledOn",
        "SourceTransactionId",
        "SourceTransactionNumber",
        "SourceTransactionType",
    ),
    owner="AccountId",
)
REFUNDS = Zoql(
    name="Refund",
    fields=(*_AUDIT, "AccountId", "Amount", "RefundDate", "RefundNumber", "SourceType", "Status", "Type"),
)


async def rows_of(client: ZuoraClient, of: Zoql, field: str, zuora_id: str) -> tuple[list[msgspec.Raw], str]:
    """Return all rows whose field is this id, oldest id first, and Zuora's id of the request.

    Raises:
        Unreadable: The id is none.
        Transient: They cannot be told whole now.
        Refused: The user may not.
    """
    found = await _read(client, of, [f"{field} = {posts.literal(checked(zuora_id))}"])
    return [found.by_id[name] for name in sorted(found.by_id)], found.request_id


async def changes_by_zoql(
    client: ZuoraClient, of: Zoql, *, since: datetime, until: datetime
) -> AsyncIterator[Sequence[Header]]:
    """Yield, page by page, whatever rows of [since, until) are a change of, oldest first; each once in a slice of it.

    What changes meanwhile leaves for a later window: slices are read oldest first, and none of them is changed into.
    """
    slices = [(since.replace(microsecond=0), until)]
    while slices:
        begun, end = slices.pop()
        if begun >= end:
            continue
        window = [
            f"UpdatedDate >= {posts.literal(_zulu(begun))}",
            f"UpdatedDate < {posts.literal(_zulu(end))}",
        ]
        if end - begun > _SECOND:
            found = await _first_batch(client, of, window)
            if not found.at_once:
                middle = _middle(found, begun, end)
                slices += [(middle, end), (begun, middle)]
                continue
        else:
            found = await _read(client, of, window)
        headers = sorted(_headers(of, found), key=lambda header: (_age(header.updated), header.id))
        for first in range(0, len(headers), PAGE_SIZE_MAX):
            yield headers[first : first + PAGE_SIZE_MAX]


def _middle(found: _Rows, begun: datetime, end: datetime) -> datetime:
    """Return where to cut a slice of more than a second: where its rows lie, as far as a batch of them shows."""
    stamps = sorted(stamp for raw in found.by_id.values() if (stamp := _stamp(raw)) and begun <= stamp < end)
    middle = stamps[len(stamps) // 2] if stamps else begun + (end - begun) / 2
    return max(middle.replace(microsecond=0), begun + _SECOND)


def _stamp(raw: msgspec.Raw) -> datetime | None:
    try:
        return moment_of(_row.decode(raw).updated_date)
    except (msgspec.DecodeError, ValueError):
        return None


async def _first_batch(client: ZuoraClient, of: Zoql, conditions: Sequence[str]) -> _Rows:
    async with aclosing(client.zoql(_query(of, conditions))) as pages:
        page = await anext(pages)
    return _Rows({_id_of(raw, of): raw for raw in page.rows}, page.request_id, at_once=page.last)


def _query(of: Zoql, conditions: Sequence[str]) -> str:
    # Names are the tables' above, values come from `literal`.
    return f"select {', '.join(of.fields)} from {of.name} where {' and '.join(conditions)}"  # noqa: S608


async def _read(client: ZuoraClient, of: Zoql, conditions: Sequence[str]) -> _Rows:
    query = _query(of, conditions)
    before: set[str] | None = None
    for _ in range(_READINGS_MAX):
        found = await _reading(client, of, query)
        if found is None:
            continue
        if found.at_once or found.by_id.keys() == before:
            return found
        before = set(found.by_id)
    raise Transient(f"Zuora's rows of {of.name} never come twice the same")


async def _reading(client: ZuoraClient, of: Zoql, query: str) -> _Rows | None:
    """Return one reading, or None where its locator ended on the way."""
    by_id: dict[str, msgspec.Raw] = {}
    batches, request_id = 0, ""
    try:
        async for page in client.zoql(query):
            batches, request_id = batches + 1, page.request_id
            for raw in page.rows:
                by_id[_id_of(raw, of)] = raw
    except Misconfigured:
        if not batches:
            raise
        return None
    return _Rows(by_id, request_id, at_once=batches == 1)


def _id_of(raw: msgspec.Raw, of: Zoql) -> str:
    try:
        return checked(seen(raw, _row, of.name).id)
    except Unreadable:
        # No record can be made of it: it goes on as it came, and is named by its bytes.
        return bytes(raw).decode(errors="replace")


def _headers(of: Zoql, found: _Rows) -> list[Header]:
    """Return one header for each owner, with all its rows that were found."""
    owned: dict[str, list[msgspec.Raw]] = {}
    unreadable: list[Header] = []
    for name in sorted(found.by_id):
        raw = found.by_id[name]
        try:
            owner = checked(_text.decode(_fields.decode(raw).get(of.owner, b'""')))
            seen(raw, _row, of.name)
        except (msgspec.DecodeError, UnicodeDecodeError, Unreadable):
            unreadable.append(Header(raw, "", "", found.request_id))
        else:
            owned.setdefault(owner, []).append(raw)
    return unreadable + [
        Header(
            rows[0] if of.owner == "Id" else msgspec.Raw(_join.encode(rows)),
            owner,
            max((seen(raw, _row, of.name).updated_date for raw in rows), key=_age),
            found.request_id,
        )
        for owner, rows in owned.items()
    ]


def _age(stamp: str) -> datetime:
    return moment_of(stamp) or datetime.min.replace(tzinfo=UTC)


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
