"""Records of tenants without Invoice Settlement as the ledger reads them.

An adjustment is a billing document of one line; what a payment was applied to is rows that nothing takes back; a
credit balance is its movements, oldest first. Source: ACCOUNTING 1, rows "without IS".
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn, Unreadable
from schemas.ids import document_key
from schemas.money import ZERO, MoneyError, total_of
from schemas.records import RecordKind, ZuoraRecord
from schemas.unsettled import Adjustment, CreditBalanceAdjustment, InvoicePayment
from schemas.zuora import INVOICE_PAYMENTS, TAX, Invoice, Payment, TaxationItem, children_of
from streams.documents import Facts
from streams.ledger.applying.applications import Applications, SignedRow, age_of
from streams.ledger.billing.documents import BillingDocument
from streams.ledger.building.lines import Item
from streams.ledger.stopping import reasons

# Kinds that only such tenants have.
UNSETTLED = frozenset(
    {
        RecordKind.INVOICE_ADJUSTMENT,
        RecordKind.INVOICE_ITEM_ADJUSTMENT,
        RecordKind.CREDIT_BALANCE,
        RecordKind.APPLIED_REFUND,
    }
)

_SOURCES = {"Invoice": RecordKind.INVOICE, "Payment": RecordKind.PAYMENT}


class AdjustmentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An adjustment.

    Attributes:
        billing: The credit or debit note that it is.
        uses_up: `kind:id` of the negative invoice whose credit it takes from, or "".
        uses_up_number: Its number.
        row: The application that goes with it: to its invoice, or from the negative invoice to it.
    """

    billing: BillingDocument
    uses_up: str
    uses_up_number: str
    row: SignedRow


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of a credit balance.

    Attributes:
        id: Zuora's id.
        number: Zuora's number.
        up: It raises the balance.
        live: It was not cancelled.
        amount: Above zero.
        day: Its date.
        created: When it was made.
        ended: When it was cancelled, or "".
        document: `kind:id` of what it came from or went to; "" for none, or one of another kind.
        document_number: Its number.
        source: What Zuora calls its source: Invoice, Payment, Refund, or "".
    """

    id: str
    number: str
    up: bool
    live: bool
    amount: Decimal
    day: date
    created: str
    ended: str
    document: str
    document_number: str
    source: str


def adjustment_document(record: ZuoraRecord, facts: Facts) -> AdjustmentDocument:
    """Return an adjustment as the ledger reads it.

    Raises:
        Unreadable: A field is not what Zuora documents.
    """
    adjustment: Adjustment = facts.parent
    (invoice,) = children_of(record, "invoice")
    day, adjusted = _day(adjustment, facts.number), document_key(RecordKind.INVOICE, adjustment.invoice_id)
    own, is_charge, below_zero = document_key(record.kind, record.id), facts.value > 0, invoice.amount < 0
    row = SignedRow(
        id=adjustment.id,
        item_document=own if is_charge else adjusted,
        amount=abs(facts.value),
        day=day,
        created=adjustment.created_date,
    )
    billing = BillingDocument(
        posted=facts.posted,
        status=facts.status,
        total=facts.value,
        owed_sign=1,
        day=day,
        due=_due(invoice, day),
        posted_stamp=adjustment.created_date,
        items=(_item(record, adjustment, facts),),
        refers_to="" if is_charge else adjusted,
        charges=adjusted if is_charge and not below_zero else "",
        # A credit on a credit is one more: between the two there is nothing to apply.
        applications=Applications() if is_charge or below_zero else Applications(rows=(row,)),
    )
    uses_up = adjusted if is_charge and below_zero else ""
    return AdjustmentDocument(billing=billing, uses_up=uses_up, uses_up_number=invoice.invoice_number, row=row)


def is_unsettled(record: ZuoraRecord) -> bool:
    """Return whether a payment says by invoice payments what it was applied to."""
    return INVOICE_PAYMENTS in record.children


def applied_when_made(record: ZuoraRecord, facts: Facts) -> Applications:
    """Return what a payment was applied to when it was made.

    Raises:
        Unreadable: A row is not what Zuora documents.
    """
    payment: Payment = facts.parent
    found: list[InvoicePayment] = children_of(record, INVOICE_PAYMENTS)
    try:
        rows = [
            SignedRow(
                id=row.id,
                item_document=document_key(RecordKind.INVOICE, row.invoice_id),
                amount=total_of(row.amount, facts.currency),
                day=payment.effective_date,
                created=row.created_date,
            )
            for row in found
            if row.amount
        ]
    except MoneyError as error:
        return Applications(stops=(CannotGoOn(reasons.bad_amount(facts.number, str(error))),))
    total = sum((row.amount for row in rows), ZERO)
    if total > facts.value or any(row.amount < 0 for row in rows):
        stop = reasons.applications_mismatch(
            facts.number, item="its invoices", rows=str(total), part=f"at most {facts.value}"
        )
        return Applications(stops=(CannotGoOn(stop),))
    return Applications(rows=tuple(sorted(rows, key=lambda row: age_of(row.created, row.amount, row.id))))


def movements_of(record: ZuoraRecord, facts: Facts) -> Sequence[Movement]:
    """Return what moved a credit balance, oldest first.

    Raises:
        Unreadable: A row is not what Zuora documents, or of a type or status that is not known.
    """
    rows: list[CreditBalanceAdjustment] = children_of(record, "adjustments")
    moved = [_movement(row, facts) for row in rows]
    return sorted(moved, key=lambda one: age_of(one.created, one.amount if one.up else -one.amount, one.id))


def _movement(row: CreditBalanceAdjustment, facts: Facts) -> Movement:
    if row.type not in ("Increase", "Decrease") or row.status not in ("Processed", "Canceled"):
        raise Unreadable(f"{row.number}: {row.type[:40]!r}, {row.status[:40]!r} is not known of a credit balance")
    try:
        amount = total_of(row.amount, facts.currency)
    except MoneyError as error:
        raise Unreadable(f"{row.number}: {error}") from None
    if amount <= 0:
        raise Unreadable(f"{row.number}: {amount} is not above zero")
    source = row.source_transaction_type or ""
    kind = _SOURCES.get(source) if row.source_transaction_id else None
    return Movement(
        id=row.id,
        number=row.number,
        up=row.type == "Increase",
        live=row.status == "Processed",
        amount=amount,
        day=_day(row, row.number),
        created=row.created_date,
        ended=row.cancelled_on or row.updated_date,
        document=document_key(kind, row.source_transaction_id or "") if kind else "",
        document_number=row.source_transaction_number or "",
        source=source,
    )


def _item(record: ZuoraRecord, adjustment: Adjustment, facts: Facts) -> Item:
    taxes: list[TaxationItem] = children_of(record, TAX) if adjustment.source_type == "Tax" else []
    if adjustment.source_type == "Tax" and len(taxes) != 1:
        raise Unreadable(f"{facts.number}: it comes without the tax that it adjusts")
    code, deferred = adjustment.accounting_code or "", adjustment.deferred_revenue_account or ""
    return Item(
        id=adjustment.id,
        net=ZERO if taxes else facts.value,
        tax=None,
        tax_rows=tuple(msgspec.structs.replace(tax, id=adjustment.id, tax_amount=facts.value) for tax in taxes),
        code=code,
        contract_code="",
        deferred_code=deferred,
        codes=(code, deferred),
        processing="",
        product="",
        charge=adjustment.invoice_item_name or "",
        starts=_service_day(adjustment.service_start_date, facts.number),
        ends=_service_day(adjustment.service_end_date, facts.number),
        excluded=False,
        text=adjustment.invoice_item_name or "",
    )


def _day(row: Adjustment | CreditBalanceAdjustment, number: str) -> date:
    try:
        return row.day
    except ValueError:
        raise Unreadable(f"{number}: {row.adjustment_date[:20]!r} is no date") from None


def _service_day(text: str | None, number: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise Unreadable(f"{number}: {str(text)[:20]!r} is no date") from None


def _due(invoice: Invoice, day: date) -> date:
    """A charge is due with its invoice, and never before it was made."""
    return max(invoice.due_date or day, day)
