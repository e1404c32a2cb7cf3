"""What a tenant without Invoice Settlement corrects invoices with: adjustments of them, of their items and taxes."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

from sandbox.zuora.acts.accounting import check_period_open, code_id
from sandbox.zuora.acts.documents import in_status
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.unsettled import check_no_settlement, move_unsettled, posted_invoice
from sandbox.zuora.objects import Account, Invoice, InvoiceAdjustment, InvoiceItem, InvoiceItemAdjustment, TaxationItem
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_325

Adjusted = TypeVar("Adjusted", InvoiceAdjustment, InvoiceItemAdjustment)


class NewAdjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An adjustment to be made.

    Attributes:
        invoice: Id or number.
        amount: Above zero; the type says which way.
        type: A Credit lowers what is owed, a Charge raises it.
        source: Id of the invoice item or tax row; absent for the invoice as a whole.
        accounting_code: By name; that of the item or tax row unless given.
    """

    invoice: str
    amount: Decimal
    type: Literal["Credit", "Charge"]
    source: str | None = None
    accounting_code: str | None = None
    deferred_revenue_account: str | None = None
    recognized_revenue_account: str | None = None
    service_start_date: date | None = None
    service_end_date: date | None = None
    adjustment_date: date | None = None
    reason_code: str | None = None
    reference_id: str | None = None
    comment: str | None = None


@act
def adjust_invoice(tenant: Tenant, *, request: NewAdjustment) -> InvoiceAdjustment:
    """Charge or credit an invoice as a whole."""
    if request.source is not None:
        raise invalid_value("An adjustment of an item is made by adjust_invoice_item", resource=RESOURCE)
    invoice, shared = _checked(tenant, request)
    impact = _impact(request.type, request.amount)
    row = tenant.create(
        InvoiceAdjustment,
        adjustment_number=tenant.next_number("IA-"),
        impact_amount=impact,
        accounting_code=_code(tenant, request.accounting_code),
        comments=request.comment,
        **shared,
    )
    move_unsettled(tenant, invoice, adjustment=impact)
    _tell(tenant, "adjusted", row, currency=invoice.currency)
    return row


@act
def adjust_invoice_item(tenant: Tenant, *, request: NewAdjustment) -> InvoiceItemAdjustment:
    """Charge or credit one item of an invoice, or one tax of it."""
    invoice, shared = _checked(tenant, request)
    source, item = _source(tenant, invoice, request.source or "")
    is_tax = isinstance(source, TaxationItem)
    code = request.accounting_code or source.accounting_code
    row = tenant.create(
        InvoiceItemAdjustment,
        adjustment_number=tenant.next_number("IIA-"),
        source_id=source.id,
        source_type="Tax" if is_tax else "InvoiceDetail",
        accounting_code=_code(tenant, code),
        comment=request.comment,
        deferred_revenue_account=_code(tenant, request.deferred_revenue_account),
        recognized_revenue_account=_code(tenant, request.recognized_revenue_account),
        invoice_item_name=item.charge_name,
        service_start_date=None if is_tax else request.service_start_date or item.service_start_date,
        service_end_date=None if is_tax else request.service_end_date or item.service_end_date,
        **shared,
    )
    move_unsettled(tenant, invoice, adjustment=_impact(row.type, row.amount))
    _tell(tenant, "adjusted", row, currency=invoice.currency)
    return row


@act
def cancel_invoice_adjustment(tenant: Tenant, *, adjustment: str) -> InvoiceAdjustment:
    """Take an adjustment of an invoice back."""
    row = in_status(tenant, InvoiceAdjustment, adjustment, "Processed", resource=RESOURCE)
    return _cancel(tenant, row, cancelled_on=tenant.clock.stamp())


@act
def cancel_invoice_item_adjustment(tenant: Tenant, *, adjustment: str) -> InvoiceItemAdjustment:
    """Take an adjustment of an item or tax back."""
    row = in_status(tenant, InvoiceItemAdjustment, adjustment, "Processed", resource=RESOURCE)
    return _cancel(tenant, row, cancelled_date=tenant.clock.stamp())


def _checked(tenant: Tenant, request: NewAdjustment) -> tuple[Invoice, dict[str, Any]]:
    """Return the invoice and what both kinds of adjustment carry, or refuse what Zuora would refuse."""
    check_no_settlement(tenant)
    invoice = posted_invoice(tenant, request.invoice)
    if request.amount <= 0:
        raise invalid_value("The amount of an adjustment must be greater than 0", resource=RESOURCE)
    day = request.adjustment_date or tenant.today()
    check_period_open(tenant, day)
    _check_room(invoice, _impact(request.type, request.amount))
    account = tenant.get(Account, invoice.account_id)
    return invoice, {
        "account_id": invoice.account_id,
        "adjustment_date": day,
        "amount": request.amount,
        "invoice_id": invoice.id,
        "invoice_number": invoice.invoice_number,
        "status": "Processed",
        "type": request.type,
        "customer_name": account.name,
        "customer_number": account.account_number,
        "reason_code": request.reason_code,
        "reference_id": request.reference_id,
        "transferred_to_accounting": "No",
    }


def _check_room(invoice: Invoice, impact: Decimal) -> None:
    """A credit takes no more than what is open, nor does a charge on a negative invoice: none changes its sign."""
    left = invoice.balance + impact
    if (invoice.amount >= 0 and left < 0) or (invoice.amount < 0 and (impact < 0 or left > 0)):
        raise broken_rule(
            f"The adjustment {impact} does not fit the balance of {invoice.invoice_number}, {invoice.balance}",
            resource=RESOURCE,
        )


def _source(tenant: Tenant, invoice: Invoice, key: str) -> tuple[InvoiceItem | TaxationItem, InvoiceItem]:
    for item in tenant.invoice_items.children("invoice_id", invoice.id):
        if item.id == key:
            return item, item
        for tax in tenant.taxation_items.children("invoice_item_id", item.id):
            if tax.id == key:
                return tax, item
    raise invalid_value(f"{invoice.invoice_number} has no item or tax {key}", resource=RESOURCE)


def _code(tenant: Tenant, name: str | None) -> str | None:
    """Return the name of an accounting code that exists, None for none."""
    if name is not None:
        code_id(tenant, name)
    return name


def _impact(kind: str, amount: Decimal) -> Decimal:
    return amount if kind == "Charge" else -amount


def _cancel(tenant: Tenant, row: Adjusted, **when: Any) -> Adjusted:
    invoice = tenant.get(Invoice, row.invoice_id)
    impact = -_impact(row.type, row.amount)
    if invoice.amount >= 0 and invoice.balance + impact < 0:
        raise broken_rule(
            f"{row.adjustment_number} cannot be canceled: {invoice.invoice_number} is settled with it",
            resource=RESOURCE,
        )
    move_unsettled(tenant, invoice, adjustment=impact)
    canceled = tenant.change(row, status="Canceled", cancelled_by_id=tenant.user_id, **when)
    _tell(tenant, "canceled", canceled, currency=invoice.currency)
    return canceled


def _tell(tenant: Tenant, verb: str, row: InvoiceAdjustment | InvoiceItemAdjustment, *, currency: str) -> None:
    tenant.tell(
        verb,
        row,
        number=row.adjustment_number,
        account_id=row.account_id,
        currency=currency,
        amount=row.amount,
        invoice_number=row.invoice_number,
        effective_date=row.adjustment_date,
    )
