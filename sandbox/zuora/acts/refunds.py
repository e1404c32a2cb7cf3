"""Money given back: from a payment, of which so much is unapplied first as is needed, or from a credit memo.

A chargeback is a refund that the bank made: the payment itself stays Processed. A refund that is canceled, or fails,
after it was Processed gives its payment or memo back what it took.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from sandbox.zuora.acts.accounting import check_period_open, code_id, code_name
from sandbox.zuora.acts.accounts import move_balance
from sandbox.zuora.acts.credit_memos import move_rest
from sandbox.zuora.acts.payments import unapply_payment
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, check_effective_date, check_settlement, move_part
from sandbox.zuora.objects import CreditMemo, Payment, PaymentPart, Refund, RefundApplication
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_322


class NewRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A refund to be made.

    Attributes:
        source: Payment or credit memo, by id or number.
        type: Electronic goes through a gateway; External is a cheque, a wire.
        transaction: What the bank calls it, where it was the bank's: a chargeback, a payment that came back.
        invoices: What of an applied payment is unapplied first; all of it where that is not said and not enough is
            unapplied.
        refund_date: Today unless given.
    """

    source: str
    amount: Decimal
    type: Literal["External", "Electronic"] = "External"
    transaction: Literal["Chargeback", "PaymentReversal"] | None = None
    invoices: list[Application] | None = None
    refund_date: date | None = None
    method_type: str = "Check"
    gateway: str | None = None
    reason_code: str | None = None
    comment: str | None = None


@act
def refund_payment(tenant: Tenant, *, request: NewRefund) -> Refund:
    """Refund a payment, unapplying what stands in the way."""
    check_settlement(tenant)
    payment = tenant.get(Payment, request.source)
    day = check_effective_date(tenant, request.refund_date, not_before=payment.effective_date)
    check_period_open(tenant, day)
    if payment.status != "Processed":
        raise broken_rule(f"Payment {payment.payment_number} is {payment.status}, not Processed", resource=RESOURCE)
    if request.invoices or request.amount > payment.unapplied_amount:
        _check_amount(request, payment.unapplied_amount + payment.applied_amount)
        payment = unapply_payment(tenant, payment=payment.id, invoices=request.invoices, effective_date=day)
    _check_amount(request, payment.unapplied_amount)
    refund = _create(
        tenant, request, account_id=payment.account_id, currency=payment.currency, day=day, source_type="Payment"
    )
    _add_application(tenant, refund, payment_id=payment.id)
    _move_payment(tenant, payment, request.amount)
    return refund


@act
def refund_credit_memo(tenant: Tenant, *, request: NewRefund) -> Refund:
    """Refund what is left of a posted credit memo."""
    check_settlement(tenant)
    memo = tenant.get(CreditMemo, request.source)
    day = check_effective_date(tenant, request.refund_date, not_before=memo.memo_date)
    check_period_open(tenant, day)
    if memo.status != "Posted":
        raise broken_rule(f"Credit memo {memo.memo_number} is {memo.status}, not Posted", resource=RESOURCE)
    _check_amount(request, memo.balance)
    refund = _create(
        tenant, request, account_id=memo.account_id, currency=memo.currency, day=day, source_type="CreditMemo"
    )
    _add_application(tenant, refund, credit_memo_id=memo.id)
    _move_memo(tenant, memo, request.amount)
    return refund


@act
def cancel_refund(tenant: Tenant, *, refund: str) -> Refund:
    """Cancel an external refund: what it gave back is open again."""
    row = _processed(tenant, refund)
    if row.type != "External":
        raise broken_rule(f"Refund {row.refund_number} is electronic: it cannot be canceled", resource=RESOURCE)
    return _withdraw(tenant, row, "canceled", status="Canceled", cancelled_on=tenant.clock.stamp())


@act
def fail_refund(tenant: Tenant, *, refund: str, reason: str = "Account closed") -> Refund:
    """Let an electronic refund fail to settle after it was Processed."""
    row = _processed(tenant, refund)
    if row.type != "Electronic":
        raise broken_rule(f"Refund {row.refund_number} is external: no gateway answers for it", resource=RESOURCE)
    return _withdraw(tenant, row, "failed", status="Error", gateway_state="FailedToSettle", gateway_response=reason)


def _processed(tenant: Tenant, key: str) -> Refund:
    check_settlement(tenant)
    refund = tenant.get(Refund, key)
    if refund.status != "Processed":
        raise broken_rule(f"Refund {refund.refund_number} is {refund.status}, not Processed", resource=RESOURCE)
    return refund


def _check_amount(request: NewRefund, available: Decimal) -> None:
    if not 0 < request.amount <= available:
        raise invalid_value(f"Between 0 and {available} of {request.source} can be refunded", resource=RESOURCE)


def _create(
    tenant: Tenant, request: NewRefund, *, account_id: str | None, currency: str, day: date, source_type: str
) -> Refund:
    stamp, electronic = tenant.clock.stamp(), request.type == "Electronic"
    refund = tenant.create(
        Refund,
        refund_number=tenant.next_number("R-"),
        account_id=account_id,
        accounting_code=code_name(tenant, code_id(tenant, None, otherwise="Cash")),
        amount=request.amount,
        currency=currency,
        refund_date=day,
        refund_transaction_time=stamp,
        status="Processed",
        type=request.type,
        method_type="CreditCard" if electronic else request.method_type,
        source_type=source_type,
        gateway=request.gateway or ("Sandbox Gateway" if electronic else None),
        gateway_state="Settled" if electronic else "NotSubmitted",
        submitted_on=stamp if electronic else None,
        settled_on=stamp if electronic else None,
        reason_code=request.reason_code or request.transaction,
        comment=request.comment,
        transferred_to_accounting="No",
    )
    _tell(tenant, "payment_refunded" if source_type == "Payment" else "memo_refunded", refund)
    return refund


def _add_application(tenant: Tenant, refund: Refund, **source: str) -> None:
    tenant.create(
        RefundApplication,
        refund_id=refund.id,
        account_id=refund.account_id,
        apply_amount=refund.amount,
        effective_date=refund.refund_date,
        application_group_id=tenant.new_id(),
        cash_accounting_code_id=code_id(tenant, refund.accounting_code, otherwise="Cash"),
        unapplied_payment_accounting_code_id=code_id(tenant, None, otherwise="CustomerCashOnAccount"),
        **source,
    )


def _move_payment(tenant: Tenant, payment: Payment, amount: Decimal) -> None:
    tenant.change(
        payment, refund_amount=payment.refund_amount + amount, unapplied_amount=payment.unapplied_amount - amount
    )
    move_balance(tenant, payment.account_id, unapplied_payments=-amount)
    move_part(tenant, PaymentPart, source_id=payment.id, owed=None, amount=-amount, account_id=payment.account_id)


def _move_memo(tenant: Tenant, memo: CreditMemo, amount: Decimal) -> None:
    tenant.change(memo, refund_amount=memo.refund_amount + amount, balance=memo.balance - amount)
    move_rest(tenant, memo, -amount)


def _withdraw(tenant: Tenant, refund: Refund, verb: str, **changes: Any) -> Refund:
    rows: Sequence[RefundApplication] = tenant.refund_applications.children("refund_id", refund.id)
    for row in rows:
        if row.payment_id:
            _move_payment(tenant, tenant.get(Payment, row.payment_id), -row.apply_amount)
        if row.credit_memo_id:
            _move_memo(tenant, tenant.get(CreditMemo, row.credit_memo_id), -row.apply_amount)
    gone = tenant.change(refund, **changes)
    _tell(tenant, verb, gone)
    return gone


def _tell(tenant: Tenant, verb: str, refund: Refund) -> None:
    tenant.tell(
        verb,
        refund,
        number=refund.refund_number,
        account_id=refund.account_id,
        currency=refund.currency,
        amount=refund.amount,
    )
