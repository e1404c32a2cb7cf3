"""What may happen when a payment or credit memo, a source, meets what is owed: the checks, and what is applied now."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.acts.accounting import check_period_open
from sandbox.zuora.objects import CreditMemo, CreditMemoPart, DebitMemo, Invoice, Payment, PaymentPart
from sandbox.zuora.refusal import Category, Refused, broken_rule, invalid_value, not_found
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_320

Source = Payment | CreditMemo
Part = PaymentPart | CreditMemoPart
Owed = Invoice | DebitMemo


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of a payment or credit memo goes to, or comes back from, one invoice or debit memo."""

    invoice: str = ""
    debit_memo: str = ""
    amount: Decimal


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
        _check_application(owed, tenant.number_of(owed), amount, currency=currency)
    return found


def _check_application(owed: Owed, number: str, amount: Decimal, *, currency: str) -> None:
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
    """Return the date of an application: as given, else today, never before its source, nor in a closed period."""
    if effective_date is not None and effective_date < not_before:
        raise broken_rule(
            f"The effective date {effective_date} is before the date of its source, {not_before}", resource=RESOURCE
        )
    day = effective_date or max(not_before, tenant.today())
    check_period_open(tenant, day)
    return day


def part_of(source: Source) -> tuple[type[Part], str]:
    """Return the kind of part that a source has, and the field by which it names the source."""
    return (PaymentPart, "payment_id") if isinstance(source, Payment) else (CreditMemoPart, "credit_memo_id")


def _parts(tenant: Tenant, source: Source) -> list[Part]:
    kind, name = part_of(source)
    return tenant.tables[kind].children(name, source.id)


def find_part(tenant: Tenant, source: Source, owed: Owed | None) -> Part | None:
    """Return what a source has on one document, or its unapplied rest."""
    wanted = owed.id if owed else None
    return next((part for part in _parts(tenant, source) if _target(part) == wanted), None)


def _target(part: Part) -> str | None:
    return part.invoice_id or part.debit_memo_id


def applied_now(
    tenant: Tenant, source: Source, applications: Sequence[Application] | None
) -> list[tuple[Owed, Decimal]]:
    """Return what to unapply: as named, else all that is applied; refuse more than there is."""
    if applications is None:
        return [(_owed_of(tenant, part), part.amount) for part in _parts(tenant, source) if _target(part)]
    return [_named_part(tenant, source, application) for application in applications]


def _owed_of(tenant: Tenant, part: Part) -> Owed:
    if part.debit_memo_id:
        return tenant.get(DebitMemo, part.debit_memo_id)
    return tenant.get(Invoice, part.invoice_id or "")


def _named_part(tenant: Tenant, source: Source, application: Application) -> tuple[Owed, Decimal]:
    owed = _owed(tenant, application)
    part, number = find_part(tenant, source, owed), tenant.number_of(owed)
    if part is None:
        raise not_found(number)
    if not 0 < application.amount <= part.amount:
        raise broken_rule(f"Between 0 and {part.amount} can be unapplied from {number}", resource=RESOURCE)
    return owed, application.amount


def row_amount(tenant: Tenant, amount: Decimal) -> Decimal:
    """Return how an unapply row carries its amount in this tenant."""
    return -amount if tenant.settings.unapply_rows == "negative" else amount
