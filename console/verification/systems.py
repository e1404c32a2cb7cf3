"""What both systems show, read anew by the adapters' read calls: documents of both, QAD's open items and balances."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from adapters.qad.browse import browse, column
from adapters.qad.client import QadClient
from adapters.qad.profile import Profile
from adapters.qad.rest import RestQad
from adapters.qad.values import amount, whole
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from console.unsettled import Known, Unsettled, read_unsettled
from console.verification.views import QadKey
from schemas.ids import document_key
from schemas.money import ZERO
from schemas.records import RecordKind
from streams.ports import FoundInQad

Progress = Callable[[str], None]

_BEGINNING, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_COUNTS = {
    RecordKind.INVOICE: "Posted",
    RecordKind.DEBIT_MEMO: "Posted",
    RecordKind.CREDIT_MEMO: "Posted",
    RecordKind.PAYMENT: "Processed",
    RecordKind.REFUND: "Processed",
}
_QAD_KINDS = (
    "invoice",
    "credit_note",
    "receipt",
    "adjustment",
    "refund",
    "refund_reversal",
    "bounce",
    "transfer",
    "journal",
)


class ZuoraDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A document of Zuora today.

    Attributes:
        kind: invoice, debit_memo, credit_memo, payment or refund.
        number: Zuora's number.
        currency: Of its amounts.
        total: As Zuora signs it.
        open: What is not applied or paid of it.
        day: Document date.
        stamp: When it changed last.
        counts: Whether it is posted today.
        pool: One name for documents that stand in for one another: Zuora tells what is open of all of them only.
    """

    kind: str
    number: str
    currency: str
    total: Decimal
    open: Decimal
    day: str
    stamp: str
    counts: bool
    pool: str = ""


class QadDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A document of QAD that carries a reference, with the columns that its browse shows."""

    key: QadKey
    reference: str
    customer: str = ""
    currency: str = ""
    total: Decimal | None = None
    day: str = ""


class Qad(msgspec.Struct, kw_only=True):
    """What QAD shows.

    Attributes:
        documents: What carries a reference, by that.
        others: Further documents with the reference of one that stands in `documents`.
        open: What is open of each item; None where the profile says nothing of open items.
        balances: Debit less credit over all accounts, by currency.
        kinds: Kinds of document that can be looked up.
    """

    documents: dict[str, QadDocument] = msgspec.field(default_factory=dict)
    others: list[QadDocument] = msgspec.field(default_factory=list)
    open: dict[QadKey, Decimal] | None = None
    balances: dict[str, Decimal] = msgspec.field(default_factory=dict)
    kinds: frozenset[str] = frozenset(_QAD_KINDS)

    def add(self, document: QadDocument) -> None:
        """Take up a document; one that two browses show is one."""
        first = self.documents.setdefault(document.reference, document)
        if document.key != first.key and all(document.key != other.key for other in self.others):
            self.others.append(document)


class _Header(msgspec.Struct, rename="camel"):
    """What invoices, memos, payments and refunds say of themselves, each in its own words."""

    id: str
    status: str = ""
    currency: str = ""
    updated_date: str = ""
    invoice_number: str = ""
    memo_number: str = ""
    payment_number: str = ""
    refund_number: str = ""
    amount: Decimal = ZERO
    total_amount: Decimal = ZERO
    balance: Decimal = ZERO
    unapplied_amount: Decimal = ZERO
    invoice_date: str = ""
    memo_date: str = ""
    effective_date: str = ""
    refund_date: str = ""


_header = msgspec.json.Decoder(_Header)


async def read_zuora(
    client: ZuoraClient, tenant: str, *, progress: Progress, settlement: Settlement | None = None
) -> dict[str, ZuoraDocument]:
    """Return every document of a tenant, by `kind:id`."""
    objects = ZuoraObjects(client, tenant, settlement)
    documents: dict[str, ZuoraDocument] = {}
    kinds = await objects.kinds()
    for kind in (kind for kind in _COUNTS if kind in kinds):
        async for headers in objects.changed(kind, since=_BEGINNING, until=_END):
            for header in headers:
                found = _header.decode(header.raw)
                documents[document_key(kind, found.id)] = _document(kind, found)
            progress(f"Zuora: {len(documents)} documents")
    if RecordKind.CREDIT_BALANCE in kinds:
        _beside_the_balances(documents, await read_unsettled(objects, since=_BEGINNING, until=_END))
    return documents


def _beside_the_balances(documents: dict[str, ZuoraDocument], unsettled: Unsettled) -> None:
    """Add what a tenant without Invoice Settlement keeps beside its documents, and mend what is open of these."""
    known = {name: Known(one.currency, one.total, one.open) for name, one in documents.items() if one.counts}
    pools = unsettled.pools(known)
    for name, rest in unsettled.open_of(known).items():
        documents[name] = msgspec.structs.replace(documents[name], open=rest, pool=pools.get(name, ""))
    for one in unsettled.documents(known):
        documents[document_key(one.kind, one.id)] = ZuoraDocument(
            kind=one.kind.value,
            number=one.number,
            currency=one.currency,
            total=one.total,
            open=one.open,
            day=one.day,
            stamp=one.stamp,
            counts=one.counts,
            pool=pools.get(document_key(one.kind, one.id), ""),
        )


async def read_qad(client: QadClient, profile: Profile, *, progress: Progress) -> Qad:
    """Return all documents that carry a reference, what is open of each item, and the balance of each currency."""
    erp = RestQad(client, profile)
    qad = Qad(kinds=frozenset(kind for kind in _QAD_KINDS if erp.can_find(kind)))
    for kind in erp.lists_of(sorted(qad.kinds)):
        async for page in erp.find_all(kind):
            for found in page:
                qad.add(_shown(found))
            progress(f"QAD: {len(qad.documents)} documents")
    if profile.open_items is not None:
        qad.open = await _open_items(client, profile)
        progress(f"QAD: {len(qad.open)} open items")
    if profile.balances is not None:
        qad.balances = await _balances(client, profile)
    return qad


async def _open_items(client: QadClient, profile: Profile) -> dict[QadKey, Decimal]:
    items = profile.open_items
    if items is None:
        return {}
    find, found = items.find, {}
    pages = browse(client, browse_id=find.browse_id, prefix=find.prefix, filters=[], page_size=profile.limits.page_size)
    async for page in pages:
        for row in page:
            key = QadKey(
                whole(column(row, find.year, browse_id=find.browse_id), what="year"),
                str(column(row, find.daybook, browse_id=find.browse_id)),
                whole(column(row, find.voucher, browse_id=find.browse_id), what="voucher"),
            )
            found[key] = amount(column(row, items.open_amount, browse_id=find.browse_id))
    return found


async def _balances(client: QadClient, profile: Profile) -> dict[str, Decimal]:
    spec = profile.balances
    if spec is None:
        return {}
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    pages = browse(
        client,
        browse_id=spec.browse_id,
        prefix=spec.prefix,
        filters=spec.filter,
        page_size=profile.limits.page_size,
    )
    async for page in pages:
        for row in page:
            of: Mapping[str, Any] = {
                word: column(row, name, browse_id=spec.browse_id) for word, name in spec.columns.items()
            }
            totals[str(of["currency"])] += amount(of["debit"]) - amount(of["credit"])
    return dict(totals)


def _shown(found: FoundInQad) -> QadDocument:
    document = found.document
    return QadDocument(
        key=QadKey(document.year, document.daybook, document.voucher),
        reference=found.reference,
        customer=document.customer,
        currency=document.currency,
        total=document.total,
        day=found.day.isoformat() if found.day is not None else "",
    )


def _document(kind: RecordKind, header: _Header) -> ZuoraDocument:
    number, total, unsettled, day = {
        RecordKind.INVOICE: (header.invoice_number, header.amount, header.balance, header.invoice_date),
        RecordKind.DEBIT_MEMO: (header.memo_number, header.total_amount, header.balance, header.memo_date),
        RecordKind.CREDIT_MEMO: (header.memo_number, header.total_amount, header.balance, header.memo_date),
        RecordKind.PAYMENT: (header.payment_number, header.amount, header.unapplied_amount, header.effective_date),
        RecordKind.REFUND: (header.refund_number, header.amount, ZERO, header.refund_date),
    }[kind]
    return ZuoraDocument(
        kind=kind.value,
        number=number,
        currency=header.currency,
        total=total,
        open=unsettled,
        day=day,
        stamp=header.updated_date,
        counts=header.status == _COUNTS[kind],
    )
