"""What payments and credit memos share when they meet what is owed: the checks, its balance, and the parts that stay.

Application rows are history and made by the callers; a part is the running net of one source on one document.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sandbox.zuora.acts.accounts import move_balance
from sandbox.zuora.objects import CreditMemoPart, DebitMemo, Invoice, PaymentPart
from sandbox.zuora.refusal import Category, Refused, broken_rule, invalid_value, not_found
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_320

PartT = TypeVar("PartT", PaymentPart, CreditMemoPart)
# The field by which a part names what it is a part of.
_SOURCE: dict[type[PaymentPart | CreditMemoPart], str] = {PaymentPart: "payment_id", CreditMemoPart: "credit_memo_id"}


Owed = Invoice | DebitMemo


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of a payment or credit memo goes to, or comes back from, one invoice or debit memo."""

    invoice: str = ""
    debit_memo: str = ""
    amount: Decimal


def number_of(owed: Owed) -> str:
    """Return the number of what is owed."""
    return owed.invoice_number if isinstance(owed, Invoice) else owed.memo_number


def named(owed: Owed) -> dict[str, str]:
    """Return the field by which rows and parts name what is owed."""
    return {"invoice_id": owed.id} if isinstance(owed, Invoice) else {"debit_memo_id": owed.id}


def _owed(tenant: Tenant, application: Application) -> Owed:
    if bool(application.invoice) == bool(application.debit_memo):
        raise invalid_value("An application names one invoice or one debit memo", resource=RESOURCE)
    if application.debit_memo:
        return tenant.get(DebitMemo, application.debit_memo)
    return tenant.get(Invoice, application.invoice)


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
) -> list[tuple[Owed, Decimal]]:
    """Return what is owed with the amounts for it, or refuse what cannot be applied."""
    total = sum((application.amount for application in applications), Decimal(0))
    if total > available:
        raise broken_rule(f"The amount to apply {total} is more than what is unapplied, {available}", resource=RESOURCE)
    found = [(_owed(tenant, application), application.amount) for application in applications]
    if len({owed.id for owed, _ in found}) < len(found):
        raise invalid_value("The same document is named twice", resource=RESOURCE)
    for owed, amount in found:
        _check_application(owed, amount, currency=currency)
    return found


def _check_application(owed: Owed, amount: Decimal, *, currency: str) -> None:
    number = number_of(owed)
    if amount <= 0:
        raise invalid_value(f"The amount to apply to {number} must be greater than 0", resource=RESOURCE)
    if owed.status != "Posted":
        raise broken_rule(f"{number} is {owed.status}, not Posted", resource=RESOURCE)
    if owed.currency != currency:
        raise broken_rule(f"{number} is in {owed.currency}, not in {currency}", resource=RESOURCE)
    if amount > owed.balance:
        raise broken_rule(
            f"The amount to apply {amount} is more than the balance of {number}, {owed.balance}", resource=RESOURCE
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


def move_owed(tenant: Tenant, owed: Owed, *, payment: Decimal = Decimal(0), credit: Decimal = Decimal(0)) -> None:
    """Lower the balance of what is owed by what is applied; negative amounts raise it again."""
    if isinstance(owed, DebitMemo):
        memo = tenant.get(DebitMemo, owed.id)
        tenant.change(memo, balance=memo.balance - payment - credit)
        move_balance(tenant, owed.account_id, debit_memos=-(payment + credit))
        return
    newest = tenant.get(Invoice, owed.id)
    tenant.change(
        newest,
        balance=newest.balance - payment - credit,
        payment_amount=(newest.payment_amount or Decimal(0)) + payment,
        credit_memo_amount=(newest.credit_memo_amount or Decimal(0)) + credit,
    )
    move_balance(tenant, owed.account_id, invoices=-(payment + credit))


def move_part(
    tenant: Tenant, kind: type[PartT], *, source_id: str, owed: Owed | None, amount: Decimal, **fields: Any
) -> None:
    """Add to the part of a source on one document, or to its unapplied rest; a part that reaches zero goes away."""
    if owed is None and not tenant.settings.unapplied_part:
        return
    part = find_part(tenant, kind, source_id=source_id, owed=owed)
    if part is None:
        if amount:
            target = named(owed) if owed else {}
            tenant.create(kind, amount=amount, **target, **{_SOURCE[kind]: source_id}, **fields)
    elif part.amount + amount:
        tenant.change(part, amount=part.amount + amount)
    else:
        tenant.remove(part)


def find_part(tenant: Tenant, kind: type[PartT], *, source_id: str, owed: Owed | None) -> PartT | None:
    """Return what a source has on one document, or its unapplied rest."""
    parts: list[PartT] = tenant.tables[kind].children(_SOURCE[kind], source_id)
    return next((part for part in parts if _target(part) == (owed.id if owed else None)), None)


def _target(part: PaymentPart | CreditMemoPart) -> str | None:
    return part.invoice_id or part.debit_memo_id


def applied_now(
    tenant: Tenant, kind: type[PartT], *, source_id: str, applications: Sequence[Application] | None
) -> list[tuple[Owed, Decimal]]:
    """Return what to unapply: as named, else all that is applied; refuse more than there is."""
    if applications is None:
        parts: list[PartT] = tenant.tables[kind].children(_SOURCE[kind], source_id)
        return [(_owed_of(tenant, part), part.amount) for part in parts if _target(part)]
    return [_named_part(tenant, kind, source_id, application) for application in applications]


def _owed_of(tenant: Tenant, part: PaymentPart | CreditMemoPart) -> Owed:
    if part.debit_memo_id:
        return tenant.get(DebitMemo, part.debit_memo_id)
    return tenant.get(Invoice, part.invoice_id or "")


def _named_part(tenant: Tenant, kind: type[PartT], source_id: str, application: Application) -> tuple[Owed, Decimal]:
    owed = _owed(tenant, application)
    part = find_part(tenant, kind, source_id=source_id, owed=owed)
    if part is None:
        raise not_found(number_of(owed))
    if not 0 < application.amount <= part.amount:
        raise broken_rule(f"Between 0 and {part.amount} can be unapplied from {number_of(owed)}", resource=RESOURCE)
    return owed, application.amount


def row_amount(tenant: Tenant, amount: Decimal) -> Decimal:
    """Return how an unapply row carries its amount in this tenant."""
    return -amount if tenant.settings.unapply_rows == "negative" else amount
