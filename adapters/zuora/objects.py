"""Reads objects of Zuora whole: the parent as answered, and every child, whatever number of pages that takes.

Expanded children are cut at the page without a mark: a list that is as long as the page is read again by itself. Ids
are matched whole and quoted before they stand in a path, also those that Zuora gave. What it gave is passed on as it
came: only where a field decides what else to read must it be as documented.
"""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar
from urllib.parse import quote

import msgspec

from adapters.zuora.answers import NotFound, decoded
from adapters.zuora.client import PAGE_SIZE_MAX, Page, ZuoraClient
from schemas.errors import Transient, Unreadable
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.zuora import TAX
from streams.identity import moment_of

Seen = TypeVar("Seen")

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
# A walk of one second that differs from the one before had a row leave or join it. So many in a row are no business,
# but a list without an order.
_WALKS_MAX = 100

BILL_RUN = "bill_run"

FoundBy = Literal["callout", "poll", "bill_run", "backfill", "reread"]


class ObjectKind(msgspec.Struct, frozen=True, kw_only=True):
    """How Object Query names a kind, and what it gives together with it."""

    objects: str
    expand: str = ""
    nested: str = ""


KINDS: dict[str, ObjectKind] = {
    RecordKind.ACCOUNT: ObjectKind(objects="accounts"),
    RecordKind.INVOICE: ObjectKind(objects="invoices"),
    RecordKind.CREDIT_MEMO: ObjectKind(
        objects="credit-memos", expand="creditmemoapplications", nested="creditMemoApplications"
    ),
    RecordKind.PAYMENT: ObjectKind(objects="payments", expand="paymentapplications", nested="paymentApplications"),
    BILL_RUN: ObjectKind(objects="billing-runs"),
}


class _Parent(msgspec.Struct, rename="camel"):
    id: str
    status: str | None = None
    account_id: str | None = None
    updated_date: str | None = None
    credit_memo_applications: list[msgspec.Raw] | None = None
    payment_applications: list[msgspec.Raw] | None = None


class _Item(msgspec.Struct, rename="camel"):
    id: str
    taxation_items: msgspec.Raw = msgspec.Raw(b"null")


class _CreditTax(msgspec.Struct, rename="camel"):
    next_page: str | None = None


class _CreditMemoId(msgspec.Struct, rename="camel"):
    credit_memo_id: str | None = None


_parent = msgspec.json.Decoder(_Parent)
_item = msgspec.json.Decoder(_Item)
_list = msgspec.json.Decoder(list[msgspec.Raw] | None)
_credit_tax = msgspec.json.Decoder(_CreditTax)
_credit_memo_id = msgspec.json.Decoder(_CreditMemoId)


class Header(msgspec.Struct, frozen=True):
    """A parent as listed, before its children are read.

    Attributes:
        raw: The row as answered.
        id: Its id, "" where it has none that Zuora gives: no record can be made of it.
        updated: Its stamp, "" where it has none.
        request_id: Zuora's id of the request that listed it.
    """

    raw: msgspec.Raw
    id: str
    updated: str
    request_id: str


class ZuoraObjects:
    """Objects of one tenant."""

    def __init__(self, client: ZuoraClient, tenant: str) -> None:
        """Read through this client."""
        self._client = client
        self.tenant = tenant

    async def read(self, kind: str, zuora_id: str, found: Found) -> ZuoraRecord | None:
        """Return one object with all its children, or None where Zuora has none.

        Raises:
            Unreadable: The id is none, or Zuora's answer is not what it documents.
            Transient: It cannot be told whole now.
            Refused: The user may not, or a feature is off.
        """
        header = await self._one(kind, zuora_id)
        if header is None:
            return None
        try:
            return await self.complete(kind, header, by=found.by, evidence=found.evidence)
        except NotFound as error:
            # Deleted after its parent was read; or it is there, and its children cannot be seen yet.
            if await self._one(kind, zuora_id) is None:
                return None
            raise Transient(f"Zuora has {kind} {header.id}, and not all of it: {error}") from None

    async def changed(self, kind: str, *, since: datetime, until: datetime) -> AsyncIterator[Sequence[Header]]:
        """Yield, page by page, the parents whose stamp lies in [since, until), oldest first.

        Zuora's cursors may be offsets: a row that changes while we page leaves its place, and all behind it move up. So
        each page is asked for anew from the last stamp that was seen, and a second that holds more than a page is
        walked until nothing moves. Rows of that second come again and again.
        """
        begun = since.replace(microsecond=0)
        while begun < until:
            page = await self._client.object_query_page(KINDS[kind].objects, _params(kind, begun, until))
            headers = [_header(raw, page) for raw in page.rows]
            if headers:
                yield headers
            if page.last:
                return
            reached = max((moment for header in headers if (moment := moment_of(header.updated))), default=begun)
            if reached <= begun:
                async for rest in self._second(kind, begun):
                    yield rest
                reached = begun + timedelta(seconds=1)
            begun = reached

    async def complete(self, kind: str, header: Header, *, by: FoundBy, evidence: str) -> ZuoraRecord:
        """Return a listed parent as a record, with all its children.

        Raises:
            NotFound: It, or what belongs to it, was deleted since.
            Unreadable: What Zuora gave is not what it documents; no other try will read it.
            Transient: It cannot be told whole now.
            Refused: The user may not, or a feature is off.
        """
        parent = _seen(header.raw, _parent, f"{kind} {header.id}")
        if not header.id:
            raise Unreadable(f"Zuora lists a {kind} without an id that is one")
        found = Found(by=by, at=datetime.now(UTC), evidence=evidence, request_id=header.request_id)
        return ZuoraRecord(
            connection="",
            tenant=self.tenant,
            kind=kind,
            id=header.id,
            found=found,
            parent=header.raw,
            children=await self._children(kind, parent),
        )

    async def _one(self, kind: str, zuora_id: str) -> Header | None:
        spec = KINDS[kind]
        path, params = f"/object-query/{spec.objects}/{quoted(zuora_id)}", [("pageSize", str(PAGE_SIZE_MAX))]
        if spec.expand:
            params.append(("expand[]", spec.expand))
        try:
            answer = await self._client.get(path, params)
        except NotFound:
            return None
        parent = decoded(answer.body, _parent, path)
        return Header(msgspec.Raw(answer.body), checked(parent.id), parent.updated_date or "", answer.request_id)

    async def _second(self, kind: str, second: datetime) -> AsyncIterator[Sequence[Header]]:
        """Yield all parents of one second, walked through its pages until two walks show the same.

        A row that leaves the second hides another only if it was shown before: then the next walk is without it, and
        differs.
        """
        params = _params(kind, second, second + timedelta(seconds=1))
        before: set[str] | None = None
        for _ in range(_WALKS_MAX):
            walk, pages = set[str](), 0
            async for page in self._client.object_query_pages(KINDS[kind].objects, params):
                headers = [_header(raw, page) for raw in page.rows]
                walk.update(header.id for header in headers)
                pages += 1
                yield headers
            if pages == 1 or walk == before:
                return
            before = walk
        raise Transient(f"Zuora's {KINDS[kind].objects} of {_zulu(second)} never come twice the same")

    async def _children(self, kind: str, parent: _Parent) -> dict[str, list[msgspec.Raw]]:
        match kind:
            case RecordKind.INVOICE if parent.status == "Posted":
                return await self._invoice_items(parent.id)
            case RecordKind.CREDIT_MEMO:
                return await self._credit_memo(parent)
            case RecordKind.PAYMENT:
                return {
                    "applications": await self._payment_applications(parent),
                    "parts": await self._client.v1_rows(f"/v1/payments/{quoted(parent.id)}/parts", "parts"),
                }
            case _:
                return {}

    async def _invoice_items(self, invoice_id: str) -> dict[str, list[msgspec.Raw]]:
        params = [("filter[]", f"invoiceid.EQ:{checked(invoice_id)}"), ("expand[]", "taxationitems")]
        children: dict[str, list[msgspec.Raw]] = {"items": await self._all("invoice-items", params)}
        for raw in children["items"]:
            item = _seen(raw, _item, f"items of invoice {invoice_id}")
            if len(_seen(item.taxation_items, _list, f"taxes of invoice {invoice_id}") or ()) >= PAGE_SIZE_MAX:
                path = f"/v1/invoices/{quoted(invoice_id)}/items/{quoted(item.id)}/taxation-items"
                children[f"{TAX}.{item.id}"] = await self._client.v1_rows(path, "data")
        return children

    async def _credit_memo(self, parent: _Parent) -> dict[str, list[msgspec.Raw]]:
        path = f"/v1/credit-memos/{quoted(parent.id)}"
        children = {
            "items": await self._client.v1_rows(f"{path}/items", "items"),
            "applications": await self._credit_memo_applications(parent),
            "parts": await self._client.v1_rows(f"{path}/parts", "parts"),
        }
        for raw in list(children["items"]):
            item = _seen(raw, _item, f"items of credit memo {parent.id}")
            if _goes_on(item.taxation_items, parent.id):
                rows = await self._client.v1_rows(f"{path}/items/{quoted(item.id)}/taxation-items", "data")
                children[f"{TAX}.{item.id}"] = rows
        return children

    async def _payment_applications(self, parent: _Parent) -> list[msgspec.Raw]:
        expanded = parent.payment_applications or []
        if len(expanded) < PAGE_SIZE_MAX:
            return expanded
        return await self._all("payment-applications", [("filter[]", f"paymentid.EQ:{checked(parent.id)}")])

    async def _credit_memo_applications(self, parent: _Parent) -> list[msgspec.Raw]:
        expanded = parent.credit_memo_applications or []
        if len(expanded) < PAGE_SIZE_MAX or not parent.account_id:
            return expanded
        # There is no filter by memo: those of its account are read, and sorted out here.
        params = [("filter[]", f"accountid.EQ:{checked(parent.account_id)}")]
        rows = await self._all("credit-memo-applications", params)
        what = f"applications of credit memo {parent.id}"
        return [raw for raw in rows if _seen(raw, _credit_memo_id, what).credit_memo_id == parent.id]

    async def _all(self, objects: str, params: Sequence[tuple[str, str]]) -> list[msgspec.Raw]:
        # In the order of their ids: one that changes while we page keeps its place, whatever Zuora's cursors are.
        pages = self._client.object_query_pages(objects, [*params, ("sort[]", "id.ASC")])
        return [raw async for page in pages for raw in page.rows]


def checked(zuora_id: str) -> str:
    """Return an id or number if it is one, whole.

    Raises:
        Unreadable: It is none: it never reaches a URL.
    """
    if not _ID.fullmatch(zuora_id):
        raise Unreadable(f"{zuora_id[:20]!r} is no id or number of Zuora")
    return zuora_id


def quoted(zuora_id: str) -> str:
    """Return an id or number as it stands in a path."""
    return quote(checked(zuora_id), safe="")


def _header(raw: msgspec.Raw, page: Page) -> Header:
    """Return a row of a list; one that is not as documented keeps no other from being read."""
    try:
        parent = _seen(raw, _parent, "a list")
        return Header(raw, checked(parent.id), parent.updated_date or "", page.request_id)
    except Unreadable:
        return Header(raw, "", "", page.request_id)


def _goes_on(taxes: msgspec.Raw, memo_id: str) -> bool:
    """Return whether the taxes within an item of a memo are cut; before Zuora-Version 239 they are a bare list."""
    if not bytes(taxes).startswith(b"{"):
        return False
    return bool(_seen(taxes, _credit_tax, f"taxes of credit memo {memo_id}").next_page)


def _seen(raw: msgspec.Raw, decoder: "msgspec.json.Decoder[Seen]", what: str) -> "Seen":
    """Return what is looked at of a row.

    Raises:
        Unreadable: The row came whole, within a list that did; it is not what Zuora documents.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{what}: not what Zuora documents: {error}") from None


def _params(kind: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
    spec = KINDS[kind]
    params = [
        ("filter[]", f"updateddate.GE:{_zulu(since)}"),
        ("filter[]", f"updateddate.LT:{_zulu(until)}"),
        ("sort[]", "updateddate.ASC"),
    ]
    return [*params, ("expand[]", spec.expand)] if spec.expand else params


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
