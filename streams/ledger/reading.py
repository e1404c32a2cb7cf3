"""Zuora's records as the ledger reads them: one shape for invoices and memos, one for payments.

Which code a line credits is named here; where it goes is decided in `lines.py`.
"""

from datetime import date

from schemas.errors import CannotGoOn
from schemas.ids import document_key
from schemas.money import ZERO
from schemas.records import RecordKind, ZuoraRecord
from schemas.zuora import (
    TAX,
    Application,
    CreditMemo,
    DebitMemo,
    Invoice,
    InvoiceItem,
    MemoItem,
    Part,
    Payment,
    Refund,
    TaxationItem,
    children_of,
)
from streams.documents import Facts
from streams.ledger.applying.applications import NO_APPLICATIONS, Applications, read_applications
from streams.ledger.billing.documents import BillingDocument
from streams.ledger.building.lines import Item
from streams.ledger.cash.payments import PaymentDocument
from streams.ledger.cash.refunds import RefundDocument
from streams.ledger.known.books import Books
from streams.ledger.stopping.words import unknown_word
from streams.ledger.unsettled.records import applied_when_made, is_unsettled


def billing_document(record: ZuoraRecord, facts: Facts, books: Books) -> BillingDocument:
    """Return an invoice or memo as the ledger reads it.

    Raises:
        CannotGoOn: An accounting code has not been read yet.
        Unreadable: A line is not what Zuora documents.
    """
    header: Invoice | CreditMemo | DebitMemo = facts.parent
    rows = children_of(record, "items")
    unknown = unknown_word(facts.number, header, rows)
    if isinstance(header, Invoice):
        return _billing(
            facts,
            items=tuple(_invoice_item(record, row, facts, books) for row in rows),
            day=header.invoice_date,
            due=header.due_date,
            stamp=header.posted_date,
            owed_sign=1,
            unknown=unknown,
        )
    items = tuple(_memo_item(record, row) for row in rows)
    if isinstance(header, DebitMemo):
        return _billing(
            facts,
            items=items,
            day=header.memo_date,
            due=header.due_date,
            stamp=header.posted_on,
            owed_sign=1,
            unknown=unknown,
        )
    return _billing(
        facts,
        items=items,
        day=header.memo_date,
        due=None,
        stamp=header.posted_on,
        owed_sign=-1,
        unknown=unknown,
        refers_to=document_key(RecordKind.INVOICE, header.invoice_id) if header.invoice_id else "",
        applications=applications_of(record, facts),
    )


def payment_document(record: ZuoraRecord, facts: Facts) -> PaymentDocument:
    """Return a payment as the ledger reads it.

    Raises:
        Unreadable: A row is not what Zuora documents.
    """
    payment: Payment = facts.parent
    return PaymentDocument(
        posted=facts.posted,
        status=facts.status,
        total=facts.value,
        day=payment.effective_date,
        payment_type=payment.type,
        gateway=payment.gateway or "",
        created=payment.created_date,
        changed=day_of(payment.cancelled_on, payment.updated_date, otherwise=payment.effective_date),
        refunded=payment.refund_amount or ZERO,
        applications=applied_when_made(record, facts) if is_unsettled(record) else applications_of(record, facts),
    )


def refund_document(record: ZuoraRecord, facts: Facts) -> RefundDocument:
    """Return a refund as the ledger reads it.

    Raises:
        Unreadable: A row is not what Zuora documents.
    """
    refund: Refund = facts.parent
    return RefundDocument(
        posted=facts.posted,
        status=facts.status,
        total=facts.value,
        day=refund.refund_date,
        refund_type=refund.type,
        gateway=refund.gateway or "",
        created=refund.created_date,
        changed=day_of(refund.cancelled_on, refund.updated_date, otherwise=refund.refund_date),
        applications=children_of(record, "applications"),
        parts=children_of(record, "parts"),
    )


def applications_of(record: ZuoraRecord, facts: Facts) -> Applications:
    """Return the application rows of a payment or credit memo, held against its parts.

    Raises:
        Unreadable: A row is not what Zuora documents.
    """
    rows: list[Application] = children_of(record, "applications")
    parts: list[Part] = children_of(record, "parts")
    return read_applications(rows, parts, number=facts.number, currency=facts.currency, payer_total=abs(facts.value))


def day_of(*stamps: str | None, otherwise: date) -> date:
    """Return the day of the first stamp that is one, in the zone that it carries."""
    for stamp in stamps:
        try:
            return date.fromisoformat((stamp or "")[:10])
        except ValueError:
            continue
    return otherwise


def _billing(
    facts: Facts,
    *,
    items: tuple[Item, ...],
    day: date,
    due: date | None,
    stamp: str | None,
    owed_sign: int,
    unknown: CannotGoOn | None,
    refers_to: str = "",
    applications: Applications = NO_APPLICATIONS,
) -> BillingDocument:
    return BillingDocument(
        posted=facts.posted,
        status=facts.status,
        total=facts.value,
        owed_sign=owed_sign,
        day=day,
        due=due or day,
        posted_stamp=stamp or "",
        items=items,
        refers_to=refers_to,
        applications=applications,
        unknown=unknown,
    )


def _invoice_item(record: ZuoraRecord, row: InvoiceItem, facts: Facts, books: Books) -> Item:
    number = facts.number
    contract = row.unbilled_receivables_accounting_code_id or row.contract_liability_accounting_code_id
    return Item(
        id=row.id,
        net=row.charge_amount,
        tax=row.tax_amount,
        tax_rows=_tax_rows(record, row.id, row.taxation_items),
        code=row.accounting_code or books.code_name(number, row.recognized_revenue_accounting_code_id),
        contract_code=books.code_name(number, contract),
        deferred_code=books.code_name(number, row.deferred_revenue_accounting_code_id),
        codes=(
            row.accounting_code or row.recognized_revenue_accounting_code_id or "",
            row.unbilled_receivables_accounting_code_id or "",
            row.contract_liability_accounting_code_id or "",
            row.deferred_revenue_accounting_code_id or "",
        ),
        processing=row.processing_type or "",
        product=row.sku or "",
        charge=row.charge_name or "",
        starts=row.service_start_date,
        ends=row.service_end_date,
        excluded=bool(row.exclude_item_billing_from_revenue_accounting),
        text=row.charge_name or "",
    )


def _memo_item(record: ZuoraRecord, row: MemoItem) -> Item:
    finance = row.finance_information
    code, deferred = finance.recognized_revenue_accounting_code, finance.deferred_revenue_accounting_code
    if row.revenue_impacting == "No":
        code, deferred = finance.non_revenue_write_off_accounting_code, None
    return Item(
        id=row.id,
        net=row.amount if row.amount_without_tax is None else row.amount_without_tax,
        tax=None,
        tax_rows=_tax_rows(record, row.id, row.taxation_items.data),
        code=code or "",
        contract_code="",
        deferred_code=deferred or "",
        codes=(code or "", deferred or ""),
        processing=row.processing_type or "",
        product=row.sku or "",
        charge=row.sku_name or "",
        starts=row.service_start_date,
        ends=row.service_end_date,
        excluded=bool(row.exclude_item_billing_from_revenue_accounting),
        text=row.sku_name or "",
    )


def _tax_rows(record: ZuoraRecord, item_id: str, nested: tuple[TaxationItem, ...]) -> tuple[TaxationItem, ...]:
    """Return all tax rows of an item: those read whole where the nested ones were cut."""
    name = f"{TAX}.{item_id}"
    return tuple(children_of(record, name)) if name in record.children else nested
