"""What payments and credit memos share when they meet an invoice: the checks, its balance, and the parts that stay.

Application rows are history and made by the callers; a part is the running net of one source on one document.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sandbox.zuora.acts.accounts import move_balance
from sandbox.zuora.objects import CreditMemoPart, Invoice, PaymentPart
from sandbox.zuora.refusal import Category, Refused, broken_rule, invalid_value, not_found
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_320

PartT = TypeVar("PartT", PaymentPart, CreditMemoPart)
# The field by which a part names what it is a part of.
_SOURCE: dict[type[PaymentPart | CreditMemoPart], str] = {PaymentPart: "payment_id", CreditMemoPart: "credit_memo_id"}


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of a payment or credit memo goes to, or comes back from, one invoice."""

    invoice: str
    amount: Decimal


def check_settlement(tenant: Tenant) -> None:
    """Refuse whatever needs Invoice Settlement in a tenant that does not have it."""
    settings = tenant.settings
    if not settings.invoice_settlement:
        raise Refused(
            Category.PERMISSION,
            "This operation is only available if you have Invoice Settlement enabled.",
            code=settings.invoice_settlement_off_code,
            status=settings.invoice_settlement_off_status,
        )


def check_applications(
    tenant: Tenant, applications: Sequence[Application], *, currency: str, available: Decimal
) -> list[tuple[Invoice, Decimal]]:
    """Return the invoices with their amounts, or refuse what cannot be applied."""
    total = sum((application.amount for application in applications), Decimal(0))
    if total > available:
        raise broken_rule(f"The amount to apply {total} is more than what is unapplied, {available}", resource=RESOURCE)
    found = [(tenant.get(Invoice, application.invoice), application.amount) for application in applications]
    if len({invoice.id for invoice, _ in found}) < len(found):
        raise invalid_value("The same invoice is named twice", resource=RESOURCE)
    for invoice, amount in found:
        _check_application(invoice, amount, currency=currency)
    return found


def _check_application(invoice: Invoice, amount: Decimal, *, currency: str) -> None:
    number = invoice.invoice_number
    if amount <= 0:
        raise invalid_value(f"The amount to apply to {number} must be greater than 0", resource=RESOURCE)
    if invoice.status != "Posted":
        raise broken_rule(f"Invoice {number} is {invoice.status}, not Posted", resource=RESOURCE)
    if invoice.currency != currency:
        raise broken_rule(f"Invoice {number} is in {invoice.currency}, not in {currency}", resource=RESOURCE)
    if amount > invoice.balance:
        raise broken_rule(
            f"The amount to apply {amount} is more than the balance of {number}, {invoice.balance}", resource=RESOURCE
        )


def check_effective_date(tenant: Tenant, effective_date: date | None, *, not_before: date) -> date:
    """Return the date of an application: as given, else today, and never before its source."""
    if effective_date is None:
        return max(not_before, tenant.zone.day(tenant.clock.stamp()))
    if effective_date < not_before:
        raise broken_rule(
            f"The effective date {effective_date} is before the date of its source, {not_before}", resource=RESOURCE
        )
    return effective_date


def move_invoice(
    tenant: Tenant, invoice: Invoice, *, payment: Decimal = Decimal(0), credit: Decimal = Decimal(0)
) -> Invoice:
    """Lower the balance of an invoice by what is applied; negative amounts raise it again."""
    newest = tenant.get(Invoice, invoice.id)
    moved = tenant.change(
        newest,
        balance=newest.balance - payment - credit,
        payment_amount=(newest.payment_amount or Decimal(0)) + payment,
        credit_memo_amount=(newest.credit_memo_amount or Decimal(0)) + credit,
    )
    move_balance(tenant, invoice.account_id, invoices=-(payment + credit))
    return moved


def move_part(
    tenant: Tenant, kind: type[PartT], *, source_id: str, invoice_id: str | None, amount: Decimal, **fields: Any
) -> None:
    """Add to the part of a source on one invoice, or to its unapplied rest; a part that reaches zero goes away."""
    if invoice_id is None and not tenant.settings.unapplied_part:
        return
    part = find_part(tenant, kind, source_id=source_id, invoice_id=invoice_id)
    if part is None:
        if amount:
            tenant.create(kind, invoice_id=invoice_id, amount=amount, **{_SOURCE[kind]: source_id}, **fields)
    elif part.amount + amount:
        tenant.change(part, amount=part.amount + amount)
    else:
        tenant.remove(part)


def find_part(tenant: Tenant, kind: type[PartT], *, source_id: str, invoice_id: str | None) -> PartT | None:
    """Return what a source has on one invoice, or its unapplied rest."""
    parts: list[PartT] = tenant.tables[kind].children(_SOURCE[kind], source_id)
    return next((part for part in parts if part.invoice_id == invoice_id), None)


def applied_now(
    tenant: Tenant, kind: type[PartT], *, source_id: str, applications: Sequence[Application] | None
) -> list[tuple[Invoice, Decimal]]:
    """Return what to unapply: as named, else all that is applied; refuse more than there is."""
    if applications is None:
        parts: list[PartT] = tenant.tables[kind].children(_SOURCE[kind], source_id)
        return [(tenant.get(Invoice, part.invoice_id), part.amount) for part in parts if part.invoice_id]
    return [_named_part(tenant, kind, source_id, application) for application in applications]


def _named_part(tenant: Tenant, kind: type[PartT], source_id: str, application: Application) -> tuple[Invoice, Decimal]:
    invoice = tenant.get(Invoice, application.invoice)
    part = find_part(tenant, kind, source_id=source_id, invoice_id=invoice.id)
    if part is None:
        raise not_found(application.invoice)
    if not 0 < application.amount <= part.amount:
        raise broken_rule(
            f"Between 0 and {part.amount} can be unapplied from {invoice.invoice_number}", resource=RESOURCE
        )
    return invoice, application.amount


def row_amount(tenant: Tenant, amount: Decimal) -> Decimal:
    """Return how an unapply row carries its amount in this tenant."""
    return -amount if tenant.settings.unapply_rows == "negative" else amount
