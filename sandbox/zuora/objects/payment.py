"""Payments with their applications and parts, and refunds with theirs."""

from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects.record import Record


class Payment(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Money received; once Processed, amount = applied + unapplied + refunded."""

    payment_number: str
    amount: Decimal
    applied_amount: Decimal
    unapplied_amount: Decimal
    refund_amount: Decimal
    currency: str
    effective_date: date
    status: str
    type: str
    account_id: str | None = None
    accounting_code: str | None = None
    applied_credit_balance_amount: Decimal | None = None
    auth_transaction_id: str | None = None
    bank_identification_number: str | None = None
    cancelled_on: Stamp | None = None
    comment: str | None = None
    gateway: str | None = None
    gateway_order_id: str | None = None
    gateway_reconciliation_reason: str | None = None
    gateway_reconciliation_status: str | None = None
    gateway_response: str | None = None
    gateway_response_code: str | None = None
    gateway_state: str | None = None
    is_standalone: bool | None = None
    marked_for_submission_on: Stamp | None = None
    payment_method_id: str | None = None
    payment_method_snapshot_id: str | None = None
    payout_id: str | None = None
    prepayment: bool | None = None
    reference_id: str | None = None
    second_payment_reference_id: str | None = None
    settled_on: Stamp | None = None
    soft_descriptor: str | None = None
    source: str | None = None
    source_name: str | None = None
    submitted_on: Stamp | None = None
    transaction_source: str | None = None
    transferred_to_accounting: str | None = None


class PaymentApplication(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One application of a payment, or its undoing: rows are history and are never changed."""

    payment_id: str
    account_id: str | None
    apply_amount: Decimal
    effective_date: date
    payment_application_status: str
    application_group_id: str
    invoice_id: str | None = None
    debit_memo_id: str | None = None
    billing_document_owner_id: str | None = None
    account_receivable_accounting_code_id: str | None = None
    cash_accounting_code_id: str | None = None
    unapplied_payment_accounting_code_id: str | None = None
    journal_entry_id: str | None = None


class PaymentPart(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """How much of a payment lies on one document now; without a document, how much is unapplied."""

    payment_id: str
    amount: Decimal
    account_id: str | None = None
    invoice_id: str | None = None
    debit_memo_id: str | None = None
    billing_document_owner_id: str | None = None


class Refund(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Money given back from a payment or a credit memo."""

    refund_number: str
    amount: Decimal
    currency: str
    refund_date: date
    status: str
    type: str
    account_id: str | None = None
    accounting_code: str | None = None
    associated_transaction_number: str | None = None
    cancelled_on: Stamp | None = None
    comment: str | None = None
    gateway: str | None = None
    gateway_response: str | None = None
    gateway_response_code: str | None = None
    gateway_state: str | None = None
    method_type: str | None = None
    payment_method_id: str | None = None
    reason_code: str | None = None
    reference_id: str | None = msgspec.field(default=None, name="referenceID")
    refund_transaction_time: Stamp | None = None
    settled_on: Stamp | None = None
    source_type: str | None = None
    submitted_on: Stamp | None = None
    transferred_to_accounting: str | None = None


class RefundApplication(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Which payment or credit memo a refund closes."""

    refund_id: str
    apply_amount: Decimal
    effective_date: date
    account_id: str | None = None
    application_group_id: str | None = None
    credit_memo_id: str | None = None
    invoice_id: str | None = None
    payment_id: str | None = None
    account_receivable_accounting_code_id: str | None = None
    cash_accounting_code_id: str | None = None
    on_account_accounting_code_id: str | None = None
    unapplied_payment_accounting_code_id: str | None = None
