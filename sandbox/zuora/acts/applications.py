"""Payments and credit memos applied to what is owed, and taken back: each time a row that stays as history."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sandbox.zuora.acts.accounting import code_id
from sandbox.zuora.acts.moves import S, move_applied
from sandbox.zuora.acts.settlement import Application, Owed, Source, applied_now, check_applications, named, row_amount
from sandbox.zuora.objects import CreditMemoApplication, InvoicePayment, Payment, PaymentApplication
from sandbox.zuora.refusal import broken_rule
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_321


def apply_source(tenant: Tenant, source: S, applications: Sequence[Application], day: date) -> S:
    """Apply what is left of a source to posted invoices and debit memos."""
    group = tenant.new_id()
    if applications and source.account_id is None:
        raise broken_rule(f"Payment {tenant.number_of(source)} belongs to no account yet", resource=RESOURCE)
    left = source.unapplied_amount if isinstance(source, Payment) else source.balance
    for owed, amount in check_applications(tenant, applications, currency=source.currency, available=left):
        move_applied(tenant, source, owed, amount)
        row = _add_row(tenant, source, owed, amount=amount, status="Processed", day=day, group=group)
        tell_applied(tenant, "applied", row, source, owed, amount=amount, day=day)
    return tenant.get(type(source), source.id)


def unapply_source(tenant: Tenant, source: S, applications: Sequence[Application] | None, day: date) -> S:
    """Take a source back from what is named, else from all."""
    group = tenant.new_id()
    status = "Processed" if tenant.settings.unapply_rows == "negative" else "Unapplied"
    for owed, amount in applied_now(tenant, source, applications):
        move_applied(tenant, source, owed, -amount)
        signed = row_amount(tenant, amount)
        row = _add_row(tenant, source, owed, amount=signed, status=status, day=day, group=group)
        tell_applied(tenant, "unapplied", row, source, owed, amount=amount, day=day)
    return tenant.get(type(source), source.id)


def _add_row(
    tenant: Tenant, source: Source, owed: Owed, *, amount: Decimal, status: str, day: date, group: str
) -> PaymentApplication | CreditMemoApplication:
    """Add the row of an application; a credit memo's has no status to tell its undoing by."""
    shared = {"account_id": source.account_id, "effective_date": day, "application_group_id": group, **named(owed)}
    if not isinstance(source, Payment):
        return tenant.create(CreditMemoApplication, credit_memo_id=source.id, amount=amount, **shared)
    return tenant.create(
        PaymentApplication,
        payment_id=source.id,
        billing_document_owner_id=owed.account_id,
        apply_amount=amount,
        payment_application_status=status,
        account_receivable_accounting_code_id=code_id(tenant, None, otherwise="AccountsReceivable"),
        cash_accounting_code_id=code_id(tenant, source.accounting_code, otherwise="Cash"),
        unapplied_payment_accounting_code_id=code_id(tenant, None, otherwise="CustomerCashOnAccount"),
        **shared,
    )


def tell_applied(
    tenant: Tenant,
    verb: str,
    row: PaymentApplication | CreditMemoApplication | InvoicePayment,
    source: Source,
    owed: Owed,
    *,
    amount: Decimal,
    day: date,
) -> None:
    """Note that a source was applied, or taken back."""
    tenant.tell(
        verb,
        row,
        number=tenant.number_of(source),
        account_id=source.account_id,
        currency=source.currency,
        amount=amount,
        invoice_number=tenant.number_of(owed),
        effective_date=day,
    )
