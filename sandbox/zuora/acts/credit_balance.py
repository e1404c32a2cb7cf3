"""The credit balance of an account without Invoice Settlement, and payments, which are applied when they are made.

What a payment leaves over goes up into the credit balance, and so does what a negative invoice gives back; it comes
down onto invoices.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from sandbox.zuora.acts.accounting import check_period_open, code_id, code_name
from sandbox.zuora.acts.accounts import active_account, keep_custom, move_balance
from sandbox.zuora.acts.applications import tell_applied
from sandbox.zuora.acts.documents import tell
from sandbox.zuora.acts.payments import NewPayment
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import check_applications
from sandbox.zuora.acts.unsettled import check_no_settlement, move_unsettled, posted_invoice
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import Account, CreditBalanceAdjustment, Invoice, InvoicePayment, Payment, Refund
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_326


@act
def create_applied_payment(tenant: Tenant, *, request: NewPayment) -> Payment:
    """Create a payment of a tenant without Invoice Settlement: what its invoices do not take is credit balance."""
    check_no_settlement(tenant)
    if request.account is None or request.amount <= 0 or request.processing:
        raise invalid_value("A payment needs an account and an amount above 0", resource=RESOURCE)
    account = active_account(tenant, request.account)
    day = request.effective_date or tenant.today()
    check_period_open(tenant, day)
    applied = check_applications(tenant, request.invoices, currency=account.currency, available=request.amount)
    total = sum((amount for _, amount in applied), Decimal(0))
    electronic = request.type == "Electronic"
    payment = tenant.create(
        Payment,
        payment_number=tenant.next_number("P-"),
        amount=request.amount,
        applied_amount=total,
        unapplied_amount=ZERO,
        refund_amount=ZERO,
        applied_credit_balance_amount=request.amount - total,
        currency=account.currency,
        effective_date=day,
        status="Processed",
        type=request.type,
        account_id=account.id,
        accounting_code=code_name(tenant, code_id(tenant, request.accounting_code, otherwise="Cash")),
        comment=request.comment,
        gateway=request.gateway or ("Sandbox Gateway" if electronic else None),
        gateway_state="Settled" if electronic else "NotSubmitted",
        payment_method_id=request.payment_method or (account.default_payment_method_id if electronic else None),
        reference_id=request.reference_id,
        source="API",
        transferred_to_accounting="No",
        custom=keep_custom(tenant, "Payment", request.custom),
    )
    tell(tenant, "processed", payment)
    for invoice, amount in applied:
        _apply(tenant, payment, tenant.get(Invoice, invoice.id), amount)
    if request.amount > total:
        _adjust(
            tenant, account, "Increase", request.amount - total, day=day, source=payment, number=payment.payment_number
        )
        move_balance(tenant, account.id, credit_balance=request.amount - total)
    return payment


@act
def cancel_applied_payment(tenant: Tenant, *, payment: str) -> Payment:
    """Void an external payment: its invoices are open again, and what it left over leaves the credit balance."""
    check_no_settlement(tenant)
    row = tenant.get(Payment, payment)
    if row.status != "Processed" or row.type != "External":
        raise broken_rule(f"Payment {row.payment_number} is {row.type} and {row.status}", resource=RESOURCE)
    for applied in tenant.invoice_payments.children("payment_id", row.id):
        move_unsettled(tenant, tenant.get(Invoice, applied.invoice_id), payment=-applied.amount)
    for up in tenant.credit_balance_adjustments.children("source_transaction_id", row.id):
        if up.status == "Processed":
            _cancel(tenant, up)
    canceled = tenant.change(row, status="Canceled", cancelled_on=tenant.clock.stamp())
    tell(tenant, "canceled", canceled)
    return canceled


@act
def refund_applied_payment(
    tenant: Tenant, *, payment: str, invoice: str, amount: Decimal, refund_date: date | None = None
) -> Refund:
    """Give back what a payment paid on an invoice, which is open again by that."""
    check_no_settlement(tenant)
    row, paid = tenant.get(Payment, payment), posted_invoice(tenant, invoice)
    day = refund_date or tenant.today()
    check_period_open(tenant, day)
    rows = tenant.invoice_payments.children("payment_id", row.id)
    applied = next((one for one in rows if one.invoice_id == paid.id), None)
    if applied is None or not 0 < amount <= applied.amount - applied.refund_amount:
        raise broken_rule(f"{row.payment_number} did not pay {amount} on {paid.invoice_number}", resource=RESOURCE)
    tenant.change(applied, refund_amount=applied.refund_amount + amount)
    tenant.change(row, refund_amount=row.refund_amount + amount)
    move_unsettled(tenant, paid, payment=-amount)
    return tenant.create(
        Refund,
        refund_number=tenant.next_number("R-"),
        amount=amount,
        currency=row.currency,
        refund_date=day,
        status="Processed",
        type=row.type,
        account_id=row.account_id,
        source_type="Payment",
    )


@act
def adjust_credit_balance(
    tenant: Tenant,
    *,
    type: Literal["Increase", "Decrease"],  # noqa: A002 - Zuora's name.
    amount: Decimal,
    invoice: str | None = None,
    account: str | None = None,
    adjustment_date: date | None = None,
    accounting_code: str | None = None,
    reason_code: str | None = None,
) -> CreditBalanceAdjustment:
    """Move what a negative invoice gives back up, what is there down onto an invoice; without an invoice, by hand."""
    check_no_settlement(tenant)
    day = adjustment_date or tenant.today()
    check_period_open(tenant, day)
    source = posted_invoice(tenant, invoice) if invoice else None
    if source is None and account is None:
        raise invalid_value("An adjustment of the credit balance needs an invoice or an account", resource=RESOURCE)
    owner = tenant.get(Account, source.account_id if source else account or "")
    impact = amount if type == "Increase" else -amount
    if amount <= 0 or (owner.credit_balance or ZERO) + impact < 0:
        raise broken_rule(f"The credit balance of {owner.account_number} does not allow {impact}", resource=RESOURCE)
    if source is not None:
        if abs(source.balance + impact) > abs(source.balance) or source.balance * (source.balance + impact) < 0:
            raise broken_rule(
                f"{type} of {amount} does not fit the balance of {source.invoice_number}, {source.balance}",
                resource=RESOURCE,
            )
        move_unsettled(tenant, source, credit_balance=-impact)
    else:
        move_balance(tenant, owner.id, credit_balance=impact)
    return _adjust(
        tenant,
        owner,
        type,
        amount,
        day=day,
        source=source,
        number=source.invoice_number if source else None,
        accounting_code=accounting_code,
        reason_code=reason_code,
    )


@act
def cancel_credit_balance_adjustment(tenant: Tenant, *, adjustment: str) -> CreditBalanceAdjustment:
    """Take an adjustment of the credit balance back; what a payment left over goes with its payment."""
    row = tenant.get(CreditBalanceAdjustment, adjustment)
    if row.status != "Processed" or row.source_transaction_type == "Payment":
        raise broken_rule(f"Adjustment {row.number} is {row.status}, or a payment's", resource=RESOURCE)
    return _cancel(tenant, row)


def _apply(tenant: Tenant, payment: Payment, invoice: Invoice, amount: Decimal) -> None:
    row = tenant.create(InvoicePayment, payment_id=payment.id, invoice_id=invoice.id, amount=amount, refund_amount=ZERO)
    move_unsettled(tenant, invoice, payment=amount)
    tell_applied(tenant, "applied", row, payment, invoice, amount=amount, day=payment.effective_date)


def _adjust(
    tenant: Tenant,
    account: Account,
    kind: str,
    amount: Decimal,
    *,
    day: date,
    source: Invoice | Payment | None,
    number: str | None,
    accounting_code: str | None = None,
    reason_code: str | None = None,
) -> CreditBalanceAdjustment:
    row = tenant.create(
        CreditBalanceAdjustment,
        account_id=account.id,
        number=tenant.next_number("CBA-"),
        adjustment_date=day,
        amount=amount,
        status="Processed",
        type=kind,
        accounting_code=accounting_code,
        reason_code=reason_code,
        source_transaction_id=source.id if source else None,
        source_transaction_number=number,
        source_transaction_type=type(source).__name__ if source else None,
        transferred_to_accounting="No",
    )
    _tell(tenant, "raised" if kind == "Increase" else "lowered", row, account)
    return row


def _cancel(tenant: Tenant, row: CreditBalanceAdjustment) -> CreditBalanceAdjustment:
    account = tenant.get(Account, row.account_id)
    impact = -row.amount if row.type == "Increase" else row.amount
    if (account.credit_balance or ZERO) + impact < 0:
        raise broken_rule(f"{row.number} cannot be canceled: its credit balance is used", resource=RESOURCE)
    if row.source_transaction_type == "Invoice":
        move_unsettled(tenant, tenant.get(Invoice, row.source_transaction_id or ""), credit_balance=-impact)
    else:
        move_balance(tenant, account.id, credit_balance=impact)
    canceled = tenant.change(row, status="Canceled", cancelled_by_id=tenant.user_id, cancelled_on=tenant.clock.stamp())
    _tell(tenant, "canceled", canceled, account)
    return canceled


def _tell(tenant: Tenant, verb: str, row: CreditBalanceAdjustment, account: Account) -> None:
    tenant.tell(
        verb,
        row,
        number=row.number,
        account_id=account.id,
        currency=account.currency,
        amount=row.amount,
        invoice_number=row.source_transaction_number if row.source_transaction_type == "Invoice" else None,
        effective_date=row.adjustment_date,
    )
