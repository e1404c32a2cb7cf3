"""Reads objects of Zuora whole: the parent as answered, and every child, whatever number of pages that takes.

Expanded children are cut at the page without a mark: a list that is as long as the page is read again by itself. Ids
are matched whole and quoted before they stand in a path.
"""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

import msgspec

from adapters.zuora.answers import NotFound
from adapters.zuora.client import PAGE_SIZE_MAX, Page, ZuoraClient
from schemas.errors import Misconfigured
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.zuora import TAX
from streams.identity import moment_of

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")

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
}


class _Parent(msgspec.Struct, rename="camel"):
    id: str
    status: str = ""
    account_id: str | None = None
    updated_date: str = ""
    credit_memo_applications: list[msgspec.Raw] = msgspec.field(default_factory=list)
    payment_applications: list[msgspec.Raw] = msgspec.field(default_factory=list)


class _Item(msgspec.Struct, rename="camel"):
    id: str
    taxation_items: msgspec.Raw = msgspec.Raw(b"[]")


class _CreditTax(msgspec.Struct, rename="camel"):
    next_page: str | None = None


class _CreditMemoId(msgspec.Struct, rename="camel"):
    credit_memo_id: str = ""


_parent = msgspec.json.Decoder(_Parent)
_item = msgspec.json.Decoder(_Item)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_credit_tax = msgspec.json.Decoder(_CreditTax)
_credit_memo_id = msgspec.json.Decoder(_CreditMemoId)


class Header(msgspec.Struct, frozen=True):
    """A parent as listed, before its children are read."""

    raw: msgspec.Raw
    id: str
    updated: str
    request_id: str


class ZuoraObjects:
    """Objects of one tenant."""

    def __init__(self, client: ZuoraClient, tenant: str) -> None:
        """Read through this client."""
        self._client = client
        self._tenant = tenant

    async def read(self, kind: str, zuora_id: str, found: Found) -> ZuoraRecord | None:
        """Return one object with all its children, or None where Zuora has none."""
        spec = KINDS[kind]
        params = [("pageSize", str(PAGE_SIZE_MAX))]
        if spec.expand:
            params.append(("expand[]", spec.expand))
        try:
            answer = await self._client.get(f"/object-query/{spec.objects}/{quoted(zuora_id)}", params)
        except NotFound:
            return None
        raw = msgspec.Raw(answer.body)
        parent = _parent.decode(raw)
        header = Header(raw, parent.id, parent.updated_date, answer.request_id)
        return await self.complete(kind, header, by=found.by, evidence=found.evidence)

    async def changed(self, kind: str, *, since: datetime, until: datetime) -> AsyncIterator[Sequence[Header]]:
        """Yield, page by page, the parents whose stamp lies in [since, until), oldest first.

        Zuora's cursors may be offsets: a row that changes while we page leaves its place, and all behind it move up. So
        each page is asked for anew from the last stamp that was seen; cursors are followed only inside one second. Rows
        of that second come twice.
        """
        at: datetime | None = since
        while at is not None:
            begun, at = at, None
            async for page in self._client.object_query_pages(KINDS[kind].objects, _params(kind, begun, until)):
                headers = [_header(raw, page) for raw in page.rows]
                if headers:
                    yield headers
                reached = moment_of(headers[-1].updated) if headers else None
                if not page.last and reached is not None and reached > begun:
                    at = reached
                    break

    async def complete(self, kind: str, header: Header, *, by: FoundBy, evidence: str) -> ZuoraRecord:
        """Return a listed parent as a record, with all its children."""
        found = Found(by=by, at=datetime.now(UTC), evidence=evidence, request_id=header.request_id)
        return ZuoraRecord(
            connection="",
            tenant=self._tenant,
            kind=kind,
            id=header.id,
            found=found,
            parent=header.raw,
            children=await self._children(kind, _parent.decode(header.raw)),
        )

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
            item = _item.decode(raw)
            if len(_list.decode(item.taxation_items)) >= PAGE_SIZE_MAX:
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
            item = _item.decode(raw)
            if bytes(item.taxation_items).startswith(b"{") and _credit_tax.decode(item.taxation_items).next_page:
                rows = await self._client.v1_rows(f"{path}/items/{quoted(item.id)}/taxation-items", "data")
                children[f"{TAX}.{item.id}"] = rows
        return children

    async def _payment_applications(self, parent: _Parent) -> list[msgspec.Raw]:
        if len(parent.payment_applications) < PAGE_SIZE_MAX:
            return parent.payment_applications
        return await self._all("payment-applications", [("filter[]", f"paymentid.EQ:{checked(parent.id)}")])

    async def _credit_memo_applications(self, parent: _Parent) -> list[msgspec.Raw]:
        if len(parent.credit_memo_applications) < PAGE_SIZE_MAX or not parent.account_id:
            return parent.credit_memo_applications
        # There is no filter by memo: those of its account are read, and sorted out here.
        params = [("filter[]", f"accountid.EQ:{checked(parent.account_id)}")]
        rows = await self._all("credit-memo-applications", params)
        return [raw for raw in rows if _credit_memo_id.decode(raw).credit_memo_id == parent.id]

    async def _all(self, objects: str, params: Sequence[tuple[str, str]]) -> list[msgspec.Raw]:
        return [raw async for page in self._client.object_query_pages(objects, params) for raw in page.rows]


def checked(zuora_id: str) -> str:
    """Return an id or number if it is one, whole.

    Raises:
        Misconfigured: It is none: it never reaches a URL.
    """
    if not _ID.fullmatch(zuora_id):
        raise Misconfigured(f"{zuora_id[:20]!r} is no id or number of Zuora")
    return zuora_id


def quoted(zuora_id: str) -> str:
    """Return an id or number as it stands in a path."""
    return quote(checked(zuora_id), safe="")


def _header(raw: msgspec.Raw, page: Page) -> Header:
    parent = _parent.decode(raw)
    return Header(raw, parent.id, parent.updated_date, page.request_id)


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
