"""Test data: Zuora's documents as Object Query and v1 answer them, what QAD shows, and what people decided.

Every builder has a plain default, so that a test names only what it is about. Amounts are given as text.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from schemas.decisions import (
    CustomerLinked,
    CustomerUnlinked,
    DocumentReleased,
    DocumentReplayed,
    MappingPublished,
    StageReplayed,
)
from schemas.mapping import BankRow, CustomerRules, Daybooks, LineRow, Mapping, Policy, TaxRow
from schemas.records import Found, RecordKind, ZuoraRecord, record_of_deletion
from schemas.references import AccountingCode, Customer, Daybook, GlAccount, Period, QadCurrency
from schemas.zuora import TAX

CONNECTION = "acme-de"
ACCOUNT = "acc1"
CUT_OVER = date(2026, 1, 1)
DAY = "2026-03-10"
STAMP = "2026-03-10T10:00:00Z"
ACCOUNTS = ("1010", "1020", "1999", "2300", "2310", "2500", "2600", "4000", "4090", "4100", "6800")
DAYBOOKS = ("ZINV", "ZCRN", "ZPAY", "ZADJ")
# Daybooks of a site that has refunds and journals as well.
ALL_DAYBOOKS = Daybooks(
    invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZADJ", banking="ZBNK", journal="ZJRN"
)
CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
CODES = {"c-def": "Deferred Revenue", "c-rec": "Subscription Revenue", "c-unb": "Unbilled", "c-con": "Contract"}

_encode = msgspec.json.Encoder(decimal_format="number").encode
_at = datetime(2026, 3, 10, 12, tzinfo=UTC)


def raw(fields: dict[str, Any]) -> msgspec.Raw:
    """Return an object as Zuora answers it: nulls are absent, amounts are JSON numbers."""
    return msgspec.Raw(_encode({name: value for name, value in fields.items() if value is not None}))


def record(kind: str, parent: dict[str, Any], **children: Sequence[dict[str, Any]]) -> ZuoraRecord:
    """Return a record; a child list named `tax__x` stands for `tax.x`."""
    return ZuoraRecord(
        connection=CONNECTION,
        tenant="t1",
        kind=kind,
        id=parent["id"],
        found=Found(by="poll", at=_at),
        parent=raw(parent),
        children={name.replace("__", "."): [raw(row) for row in rows] for name, rows in children.items()},
    )


def account(name: str = ACCOUNT, *, number: str = "A-1", updated: str = STAMP, **more: Any) -> ZuoraRecord:
    parent = {"id": name, "accountNumber": number, "currency": "EUR", "status": "Active", "paymentTerm": "Net 30"}
    return record(RecordKind.ACCOUNT, {**parent, "updatedDate": updated, **more})


def tax(amount: str, name: str = "tx1", **more: Any) -> dict[str, Any]:
    return {"id": name, "taxAmount": Decimal(amount), "taxCode": "VAT", "jurisdiction": "DE", "name": "VAT", **more}


def item(amount: str, name: str = "it1", *, taxes: Sequence[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """Return an invoice item; its own tax amount is what its tax rows come to."""
    fields: dict[str, Any] = {"id": name, "chargeAmount": Decimal(amount), "accountingCode": "Subscription Revenue"}
    fields |= {"taxAmount": _sum(taxes, "taxAmount"), "processingType": "0", "chargeName": "Seats"}
    fields |= {"serviceStartDate": "2026-03-01", "serviceEndDate": "2026-03-31", "taxationItems": list(taxes)}
    return {**fields, **more}


def invoice(*items: dict[str, Any], name: str = "inv1", updated: str = STAMP, **more: Any) -> ZuoraRecord:
    """Return an invoice whose total is what its lines and tax come to."""
    total = _sum(items, "chargeAmount") + sum((_sum(row["taxationItems"], "taxAmount") for row in items), Decimal(0))
    parent = {"id": name, "invoiceNumber": name.upper(), "accountId": ACCOUNT, "status": "Posted", "amount": total}
    parent |= {"currency": "EUR", "invoiceDate": DAY, "dueDate": "2026-04-09", "postedDate": STAMP}
    tax_rows = more.pop("tax_rows", {})
    return record(
        RecordKind.INVOICE,
        {**parent, "updatedDate": updated, **more},
        items=items,
        **{f"{TAX}__{name}": rows for name, rows in tax_rows.items()},
    )


def simple_invoice(amount: str = "100.00", name: str = "inv1", **more: Any) -> ZuoraRecord:
    """Return an invoice with one line and no tax."""
    return invoice(item(amount, f"{name}-1"), name=name, **more)


def draft(name: str = "inv1", *, updated: str, **more: Any) -> ZuoraRecord:
    """Return the same invoice unposted: the reader gives no lines of a draft."""
    return record(
        RecordKind.INVOICE,
        {
            "id": name,
            "invoiceNumber": name.upper(),
            "accountId": ACCOUNT,
            "status": "Draft",
            "amount": Decimal("100.00"),
            "currency": "EUR",
            "invoiceDate": DAY,
            "updatedDate": updated,
            **more,
        },
    )


def memo_item(net: str, name: str = "mi1", *, taxes: Sequence[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """Return a credit memo item as v1 answers it."""
    finance = {"recognizedRevenueAccountingCode": "Subscription Revenue"}
    fields: dict[str, Any] = {"id": name, "amount": Decimal(net), "amountWithoutTax": Decimal(net)}
    fields |= {"processingType": "Charge", "financeInformation": finance, "taxationItems": {"data": list(taxes)}}
    return {**fields, "skuName": "Seats", "serviceEndDate": "2026-03-31", **more}


def memo(
    *items: dict[str, Any], name: str = "cm1", rows: Sequence[dict[str, Any]] = (), updated: str = STAMP, **more: Any
) -> ZuoraRecord:
    """Return a credit memo whose total is what its lines and tax come to, with its applications and parts."""
    parts = more.pop("parts", None)
    total = sum((_sum(row["taxationItems"]["data"], "taxAmount") for row in items), Decimal(0))
    parent = {"id": name, "memoNumber": name.upper(), "accountId": ACCOUNT, "status": "Posted", "currency": "EUR"}
    parent |= {"totalAmount": total + _sum(items, "amountWithoutTax"), "memoDate": DAY, "postedOn": STAMP}
    return record(
        RecordKind.CREDIT_MEMO,
        {**parent, "updatedDate": updated, **more},
        items=items,
        applications=[
            {("amount" if key == "applyAmount" else key): value for key, value in row.items()} for row in rows
        ],
        parts=parts_of(rows) if parts is None else parts,
    )


def debit_memo(*items: dict[str, Any], name: str = "dm1", updated: str = STAMP, **more: Any) -> ZuoraRecord:
    """Return a debit memo whose total is what its lines and tax come to."""
    total = sum((_sum(row["taxationItems"]["data"], "taxAmount") for row in items), Decimal(0))
    parent = {"id": name, "memoNumber": name.upper(), "accountId": ACCOUNT, "status": "Posted", "currency": "EUR"}
    parent |= {"totalAmount": total + _sum(items, "amountWithoutTax"), "memoDate": DAY, "postedOn": STAMP}
    return record(
        RecordKind.DEBIT_MEMO, {**parent, "dueDate": "2026-04-09", "updatedDate": updated, **more}, items=items
    )


def deleted(kind: str, name: str) -> ZuoraRecord:
    """Return what is written of an object that Zuora has no more."""
    found = Found(by="reread", at=_at)
    return msgspec.structs.replace(record_of_deletion("t1", kind, name, found), connection=CONNECTION)


def row(amount: str, name: str = "r1", *, to: str = "inv1", created: str = STAMP, **more: Any) -> dict[str, Any]:
    """Return an application row of a payment; an unapplication is negative, as most tenants show it."""
    fields = {"id": name, "applyAmount": Decimal(amount), "effectiveDate": DAY, "invoiceId": to}
    return {**fields, "createdDate": created, "updatedDate": created, **more}


def part(amount: str, to: str = "inv1", **more: Any) -> dict[str, Any]:
    return {"id": f"part-{to}", "amount": Decimal(amount), "invoiceId": to, **more}


def parts_of(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts that signed rows come to."""
    standing: dict[tuple[str, str], Decimal] = {}
    for one in rows:
        target = ("debitMemoId", one["debitMemoId"]) if one.get("debitMemoId") else ("invoiceId", one["invoiceId"])
        standing[target] = standing.get(target, Decimal(0)) + one["applyAmount"]
    return [
        {"id": f"part-{document}", "amount": amount, field: document}
        for (field, document), amount in standing.items()
        if amount
    ]


def payment(
    amount: str = "100.00", *rows: dict[str, Any], name: str = "pay1", updated: str = STAMP, **more: Any
) -> ZuoraRecord:
    """Return a payment with its applications and parts."""
    parts = more.pop("parts", None)
    parent = {"id": name, "paymentNumber": name.upper(), "accountId": ACCOUNT, "status": "Processed", "currency": "EUR"}
    parent |= {"amount": Decimal(amount), "effectiveDate": DAY, "type": "External"}
    return record(
        RecordKind.PAYMENT,
        {**parent, "updatedDate": updated, **more},
        applications=rows,
        parts=parts_of(rows) if parts is None else parts,
    )


def refund(
    amount: str = "100.00", *, name: str = "ref1", closes: str = "payment:pay1", updated: str = STAMP, **more: Any
) -> ZuoraRecord:
    """Return a refund of a payment or credit memo, with its application and part."""
    kind, zuora_id = closes.split(":")
    field = {"payment": "paymentId", "credit_memo": "creditMemoId"}[kind]
    rows = more.pop("rows", [{"id": f"{name}-a", "applyAmount": Decimal(amount), field: zuora_id}])
    parts = more.pop("parts", [{"id": f"{name}-p", "amount": Decimal(amount), field: zuora_id}])
    parent = {"id": name, "refundNumber": name.upper(), "accountId": ACCOUNT, "status": "Processed", "currency": "EUR"}
    parent |= {"amount": Decimal(amount), "refundDate": DAY, "type": "External"}
    return record(RecordKind.REFUND, {**parent, "updatedDate": updated, **more}, applications=rows, parts=parts)


def lines() -> tuple[LineRow, ...]:
    return (
        LineRow(code="Subscription Revenue", account="4000", revenue="by_service_period", text="Subscriptions"),
        LineRow(code="Deferred Revenue", account="2500"),
        LineRow(code="Subscription Revenue", processing="Discount", account="4090", revenue="recognized"),
        LineRow(code="Usage", account="4100"),
        LineRow(code="Bad Debt", account="6800"),
        LineRow(code="Unbilled", account="2600"),
        LineRow(code="Contract", account="2600"),
    )


def mapping(*, policy: dict[str, Any] | None = None, **changes: Any) -> Mapping:
    """Return a whole mapping as a site would publish it."""
    fields: dict[str, Any] = {
        "first_document_date": CUT_OVER,
        "cut_over": CUT_OVER,
        "policy": Policy(**{"deferral_system": "QAD", **(policy or {})}),
        "daybooks": Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZADJ"),
        "lines": lines(),
        "banks": tuple(BankRow(currency=currency, account="1010") for currency in CURRENCIES),
        "tax": (TaxRow(account="2300"),),
        "terms": {"Net 30": "NET30"},
        "customers": CustomerRules(account_field="QADCustomer__c"),
    }
    return Mapping(**{**fields, **changes})


def published(version: int = 1, *, policy: dict[str, Any] | None = None, **changes: Any) -> MappingPublished:
    whole = mapping(policy=policy, **changes)
    return MappingPublished(
        connection=CONNECTION, by="ada", at=_at, version=version, content_hash=f"h{version}", mapping=whole
    )


def linked(customer: str, name: str = ACCOUNT) -> CustomerLinked:
    return CustomerLinked(
        connection=CONNECTION, by="ada", at=_at, account_id=name, account_number="A-1", customer=customer
    )


def unlinked(customer: str, name: str = ACCOUNT) -> CustomerUnlinked:
    return CustomerUnlinked(
        connection=CONNECTION, by="ada", at=_at, account_id=name, account_number="A-1", customer=customer
    )


def released(document: str) -> DocumentReleased:
    return DocumentReleased(connection=CONNECTION, by="ada", at=_at, document=document, number=document)


def replayed(document: str) -> DocumentReplayed:
    return DocumentReplayed(connection=CONNECTION, by="ada", at=_at, document=document, number=document)


def stage_replayed(stage: str, to: int, *, number: int = 1) -> StageReplayed:
    return StageReplayed(
        connection=CONNECTION, by="ada", at=_at, stage=stage, number=number, from_offset=0, to_offset=to
    )


def customer(code: str = "C1", **more: Any) -> Customer:
    return Customer(**{"code": code, "active": True, "currency": "", "zuora_account": "A-1", **more})


def period(month: int, *, is_open: bool = True, year: int = 2026) -> Period:
    first = date(year, month, 1)
    after = date(year + month // 12, month % 12 + 1, 1)
    last = date.fromordinal(after.toordinal() - 1)
    return Period(code=f"{year}-{month:02}", year=year, period=month, first_day=first, last_day=last, open=is_open)


def references() -> list[Any]:
    """Return what QAD shows of a site where all that the mapping names is there and 2025 to 2026 is open."""
    return [
        customer(),
        *(GlAccount(code=code, active=True) for code in ACCOUNTS),
        *(Daybook(code=code, active=True) for code in DAYBOOKS),
        *(period(month, year=year) for year in (2025, 2026) for month in range(1, 13)),
        *(QadCurrency(code=code, decimals=decimals) for code, decimals in CURRENCIES.items()),
    ]


def codes() -> list[AccountingCode]:
    return [AccountingCode(id=name, name=text) for name, text in CODES.items()]


def _sum(rows: Iterable[dict[str, Any]], field: str) -> Decimal:
    return sum((row[field] for row in rows), Decimal(0))
