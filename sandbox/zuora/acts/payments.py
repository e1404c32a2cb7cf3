"""The life of a payment: received, processed, applied, unapplied, transferred, canceled, failed."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from sandbox.zuora.acts.accounting import check_period_open, code_id, code_name
from sandbox.zuora.acts.accounts import active_account, keep_custom, move_balance
from sandbox.zuora.acts.applications import apply_source, unapply_source
from sandbox.zuora.acts.documents import in_status, tell
from sandbox.zuora.acts.moves import move_rest
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, check_effective_date, check_settlement
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import Account, Payment
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_321


class NewPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payment to be created.

    Attributes:
        account: Id or number; absent for money whose payer is not known yet.
        currency: The account's unless given; needed without an account.
        type: Electronic goes through a gateway; External is a cheque, a wire, cash.
        processing: Whether the gateway has not answered yet; `process_payment` or `fail_payment` says what it did.
        invoices: What is applied at once, dated as the payment.
        payment_method: Id; the account's default one for an electronic payment.
        custom: Custom fields as the tenant named them.
    """

    amount: Decimal
    account: str | None = None
    currency: str | None = None
    type: Literal["External", "Electronic"] = "External"
    processing: bool = False
    effective_date: date | None = None
    invoices: list[Application] = []
    payment_method: str | None = None
    gateway: str | None = None
    reference_id: str | None = None
    second_payment_reference_id: str | None = None
    payout_id: str | None = None
    comment: str | None = None
    prepayment: bool | None = None
    accounting_code: str | None = None
    custom: dict[str, str] = {}


@act
def create_payment(tenant: Tenant, *, request: NewPayment) -> Payment:
    """Create a payment and apply what is named."""
    check_settlement(tenant)
    account = active_account(tenant, request.account) if request.account else None
    currency = request.currency or (account.currency if account else None)
    if request.amount <= 0 or currency is None:
        raise invalid_value("A payment needs an amount above 0 and a currency", resource=RESOURCE)
    if request.processing and (request.type == "External" or request.invoices):
        raise invalid_value(
            "Only an electronic payment can be in Processing, and is applied once Processed", resource=RESOURCE
        )
    effective_date = request.effective_date or tenant.today()
    check_period_open(tenant, effective_date)
    payment = tenant.create(
        Payment,
        payment_number=tenant.next_number("P-"),
        amount=request.amount,
        applied_amount=ZERO,
        unapplied_amount=ZERO,
        refund_amount=ZERO,
        applied_credit_balance_amount=ZERO,
        currency=currency,
        effective_date=effective_date,
        status="Processing",
        type=request.type,
        account_id=account.id if account else None,
        custom=keep_custom(tenant, "Payment", request.custom),
        **_origin(tenant, request, account),
    )
    if request.processing:
        return payment
    return _process(tenant, payment, request.invoices)


def _origin(tenant: Tenant, request: NewPayment, account: Account | None) -> dict[str, Any]:
    electronic, default = request.type == "Electronic", account.default_payment_method_id if account else None
    cash = code_id(tenant, request.accounting_code, otherwise="Cash")
    return {
        "accounting_code": code_name(tenant, cash),
        "comment": request.comment,
        "gateway": request.gateway or ("Sandbox Gateway" if electronic else None),
        "gateway_state": "MarkedForSubmission" if electronic else "NotSubmitted",
        "marked_for_submission_on": tenant.clock.stamp() if electronic else None,
        "is_standalone": False,
        "payment_method_id": request.payment_method or (default if electronic else None),
        "payout_id": request.payout_id,
        "prepayment": request.prepayment,
        "reference_id": request.reference_id,
        "second_payment_reference_id": request.second_payment_reference_id,
        "source": "API",
        "transferred_to_accounting": "No",
    }


@act
def process_payment(
    tenant: Tenant, *, payment: str, invoices: list[Application] | None = None, effective_date: date | None = None
) -> Payment:
    """Let the gateway say yes to a payment in Processing, and apply what is named."""
    row = in_status(tenant, Payment, payment, "Processing", resource=RESOURCE)
    if effective_date is not None:
        row = tenant.change(row, effective_date=effective_date)
    return _process(tenant, row, invoices or [])


def _process(tenant: Tenant, payment: Payment, applications: Sequence[Application]) -> Payment:
    settled: dict[str, Any] = {}
    if payment.type == "Electronic":
        stamp = tenant.clock.stamp()
        settled = {
            "gateway_state": "Settled",
            "gateway_response": "Approved",
            "gateway_response_code": "approve",
            "submitted_on": stamp,
            "settled_on": stamp,
        }
    processed = tenant.change(payment, status="Processed", unapplied_amount=payment.amount, **settled)
    move_rest(tenant, processed, payment.amount)
    tell(tenant, "processed", processed)
    return apply_source(tenant, processed, applications, processed.effective_date)


@act
def apply_payment(
    tenant: Tenant, *, payment: str, invoices: list[Application], effective_date: date | None = None
) -> Payment:
    """Apply what is unapplied of a payment to posted invoices and debit memos, also of other accounts."""
    check_settlement(tenant)
    row = _processed(tenant, payment)
    day = check_effective_date(tenant, effective_date, not_before=row.effective_date)
    return apply_source(tenant, row, invoices, day)


@act
def unapply_payment(
    tenant: Tenant, *, payment: str, invoices: list[Application] | None = None, effective_date: date | None = None
) -> Payment:
    """Take a payment back from the invoices that are named, else from all."""
    check_settlement(tenant)
    row = _processed(tenant, payment)
    day = check_effective_date(tenant, effective_date, not_before=row.effective_date)
    return unapply_source(tenant, row, invoices, day)


@act
def transfer_payment(tenant: Tenant, *, payment: str, account: str | None = None) -> Payment:
    """Give a wholly unapplied payment to another account, or to none."""
    check_settlement(tenant)
    row = _processed(tenant, payment)
    if row.applied_amount or row.refund_amount:
        raise broken_rule(f"Payment {row.payment_number} is not wholly unapplied", resource=RESOURCE)
    target = active_account(tenant, account).id if account else None
    move_balance(tenant, row.account_id, unapplied_payments=-row.unapplied_amount)
    move_balance(tenant, target, unapplied_payments=row.unapplied_amount)
    for part in tenant.payment_parts.children("payment_id", row.id):
        tenant.change(part, account_id=target)
    moved = tenant.change(row, account_id=target)
    tell(tenant, "transferred", moved)
    return moved


@act
def cancel_payment(tenant: Tenant, *, payment: str) -> Payment:
    """Cancel an external payment of which nothing is applied or refunded."""
    check_settlement(tenant)
    row = _processed(tenant, payment)
    if row.type != "External" or row.applied_amount or row.refund_amount:
        raise broken_rule(
            f"Payment {row.payment_number} cannot be canceled: it is electronic, applied or refunded", resource=RESOURCE
        )
    return _withdraw(tenant, row, "canceled", status="Canceled", cancelled_on=tenant.clock.stamp())


@act
def fail_payment(tenant: Tenant, *, payment: str, reason: str = "Declined") -> Payment:
    """Let an electronic payment fail: in Processing, or after it was Processed, when it is unapplied first."""
    row = tenant.get(Payment, payment)
    if row.type != "Electronic" or row.status not in ("Processing", "Processed"):
        raise broken_rule(f"Payment {row.payment_number} is {row.type} and {row.status}", resource=RESOURCE)
    failure: dict[str, Any] = {
        "gateway_state": "FailedToSettle",
        "gateway_response": reason,
        "gateway_response_code": "declined",
    }
    if row.status == "Processing":
        failed = tenant.change(row, status="Error", **failure)
        tell(tenant, "failed", failed)
        return failed
    row = unapply_source(tenant, row, None, max(tenant.today(), row.effective_date))
    return _withdraw(tenant, row, "failed", status="Error", **failure)


def _withdraw(tenant: Tenant, payment: Payment, verb: str, **changes: Any) -> Payment:
    move_rest(tenant, payment, -payment.unapplied_amount)
    gone = tenant.change(payment, unapplied_amount=ZERO, **changes)
    tell(tenant, verb, gone)
    return gone


def _processed(tenant: Tenant, key: str) -> Payment:
    return in_status(tenant, Payment, key, "Processed", resource=RESOURCE)
