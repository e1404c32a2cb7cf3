"""Money given back: from a payment, of which so much is unapplied first as is needed, or from a credit memo.

A chargeback is a refund that the bank made: the payment itself stays Processed. A refund that is canceled, or fails,
after it was Processed gives its payment or memo back what it took.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from sandbox.zuora.acts.accounting import code_id, code_name
from sandbox.zuora.acts.documents import in_status, tell
from sandbox.zuora.acts.moves import S, move_refunded
from sandbox.zuora.acts.payments import unapply_payment
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, Source, check_effective_date, check_settlement, part_of
from sandbox.zuora.objects import CreditMemo, Payment, Refund, RefundApplication
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
    payment, day = _refundable(tenant, Payment, request, "Processed")
    if request.invoices or request.amount > payment.unapplied_amount:
        _check_amount(request, payment.unapplied_amount + payment.applied_amount)
        payment = unapply_payment(tenant, payment=payment.id, invoices=request.invoices, effective_date=day)
    return _refund(tenant, request, payment, payment.unapplied_amount, day)


@act
def refund_credit_memo(tenant: Tenant, *, request: NewRefund) -> Refund:
    """Refund what is left of a posted credit memo."""
    memo, day = _refundable(tenant, CreditMemo, request, "Posted")
    return _refund(tenant, request, memo, memo.balance, day)


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
    return in_status(tenant, Refund, key, "Processed", resource=RESOURCE)


def _refundable(tenant: Tenant, kind: type[S], request: NewRefund, status: str) -> tuple[S, date]:
    """Return what is to be refunded, in the status for it, and the day of the refund."""
    check_settlement(tenant)
    source = tenant.get(kind, request.source)
    dated = source.effective_date if isinstance(source, Payment) else source.memo_date
    day = check_effective_date(tenant, request.refund_date, not_before=dated)
    return in_status(tenant, kind, source.id, status, resource=RESOURCE), day


def _check_amount(request: NewRefund, available: Decimal) -> None:
    if not 0 < request.amount <= available:
        raise invalid_value(f"Between 0 and {available} of {request.source} can be refunded", resource=RESOURCE)


def _refund(tenant: Tenant, request: NewRefund, source: Source, left: Decimal, day: date) -> Refund:
    _check_amount(request, left)
    refund = _create(tenant, request, source, day)
    tell(tenant, "payment_refunded" if isinstance(source, Payment) else "memo_refunded", refund)
    _add_application(tenant, refund, source)
    move_refunded(tenant, source, request.amount)
    return refund


def _create(tenant: Tenant, request: NewRefund, source: Source, day: date) -> Refund:
    stamp, electronic = tenant.clock.stamp(), request.type == "Electronic"
    return tenant.create(
        Refund,
        refund_number=tenant.next_number("R-"),
        account_id=source.account_id,
        accounting_code=code_name(tenant, code_id(tenant, None, otherwise="Cash")),
        amount=request.amount,
        currency=source.currency,
        refund_date=day,
        refund_transaction_time=stamp,
        status="Processed",
        type=request.type,
        method_type="CreditCard" if electronic else request.method_type,
        source_type=type(source).__name__,
        gateway=request.gateway or ("Sandbox Gateway" if electronic else None),
        gateway_state="Settled" if electronic else "NotSubmitted",
        submitted_on=stamp if electronic else None,
        settled_on=stamp if electronic else None,
        reason_code=request.reason_code or request.transaction,
        comment=request.comment,
        transferred_to_accounting="No",
    )


def _add_application(tenant: Tenant, refund: Refund, source: Source) -> None:
    tenant.create(
        RefundApplication,
        refund_id=refund.id,
        account_id=refund.account_id,
        apply_amount=refund.amount,
        effective_date=refund.refund_date,
        application_group_id=tenant.new_id(),
        cash_accounting_code_id=code_id(tenant, refund.accounting_code, otherwise="Cash"),
        unapplied_payment_accounting_code_id=code_id(tenant, None, otherwise="CustomerCashOnAccount"),
        **{part_of(source)[1]: source.id},
    )


def _withdraw(tenant: Tenant, refund: Refund, verb: str, **changes: Any) -> Refund:
    rows: Sequence[RefundApplication] = tenant.refund_applications.children("refund_id", refund.id)
    for row in rows:
        if row.payment_id:
            move_refunded(tenant, tenant.get(Payment, row.payment_id), -row.apply_amount)
        if row.credit_memo_id:
            move_refunded(tenant, tenant.get(CreditMemo, row.credit_memo_id), -row.apply_amount)
    gone = tenant.change(refund, **changes)
    tell(tenant, verb, gone)
    return gone
