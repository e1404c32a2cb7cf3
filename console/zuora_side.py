"""Zuora's documents as they are today, read anew by the adapters' read calls: what both judges hold the others against.

Nothing that was read before is asked, and nothing is decided: both say for themselves what of it should be in QAD.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from console.unsettled import Known, Unsettled, read_unsettled
from schemas.ids import document_key
from schemas.money import ZERO
from schemas.records import RecordKind

Progress = Callable[[str], None]

_BEGINNING, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_COUNTS = {
    RecordKind.INVOICE: "Posted",
    RecordKind.DEBIT_MEMO: "Posted",
    RecordKind.CREDIT_MEMO: "Posted",
    RecordKind.PAYMENT: "Processed",
    RecordKind.REFUND: "Processed",
}


class ZuoraDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A document of Zuora today.

    Attributes:
        kind: That of its record.
        number: Zuora's number.
        currency: Of its amounts.
        total: As Zuora signs it.
        open: What is not applied or paid of it.
        day: Document date, as Zuora writes it: what it is worth is for those who compare.
        stamp: When it changed last.
        counts: Whether it counts today; a draft, or one that was unposted or cancelled, does not.
        pool: One name for documents that stand in for one another: Zuora tells what is open of all of them only.
        account: Id of its billing account.
    """

    kind: str
    number: str
    currency: str
    total: Decimal
    open: Decimal
    day: str
    stamp: str
    counts: bool = True
    pool: str = ""
    account: str = ""


class _Header(msgspec.Struct, rename="camel"):
    """What invoices, memos, payments and refunds say of themselves, each in its own words."""

    id: str
    account_id: str = ""
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
    """Return every document of a tenant, by `kind:id`, with those that do not count today."""
    objects = ZuoraObjects(client, tenant, settlement)
    documents: dict[str, ZuoraDocument] = {}
    await client.token.get()
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
        account=header.account_id,
    )
