"""What a tenant without Invoice Settlement has instead of memos and applications: read by ZOQL only.

Field names are those of Zuora's SOAP objects; ZOQL writes them with a capital first letter.
"""

from datetime import date
from decimal import Decimal

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects.record import Record


class InvoicePayment(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """How much of a payment lies on one invoice: made with the payment, and never after it."""

    payment_id: str
    invoice_id: str
    amount: Decimal
    refund_amount: Decimal


class InvoiceAdjustment(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A charge or credit on an invoice as a whole; the amount is never negative, the type says which way."""

    account_id: str
    adjustment_number: str
    adjustment_date: date
    amount: Decimal
    impact_amount: Decimal
    invoice_id: str
    invoice_number: str
    status: str
    type: str
    accounting_code: str | None = None
    cancelled_by_id: str | None = None
    cancelled_on: Stamp | None = None
    comments: str | None = None
    customer_name: str | None = None
    customer_number: str | None = None
    reason_code: str | None = None
    reference_id: str | None = None
    transferred_to_accounting: str | None = None


class InvoiceItemAdjustment(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A charge or credit on one item of an invoice, or on one tax of it."""

    account_id: str
    adjustment_number: str
    adjustment_date: date
    amount: Decimal
    invoice_id: str
    invoice_number: str
    source_id: str
    source_type: str
    status: str
    type: str
    accounting_code: str | None = None
    cancelled_by_id: str | None = None
    cancelled_date: Stamp | None = None
    comment: str | None = None
    customer_name: str | None = None
    customer_number: str | None = None
    deferred_revenue_account: str | None = None
    invoice_item_name: str | None = None
    reason_code: str | None = None
    recognized_revenue_account: str | None = None
    reference_id: str | None = None
    service_end_date: date | None = None
    service_start_date: date | None = None
    transferred_to_accounting: str | None = None


class CreditBalanceAdjustment(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """The credit balance of an account, up from what is left over, or down onto an invoice."""

    account_id: str
    number: str
    adjustment_date: date
    amount: Decimal
    status: str
    type: str
    accounting_code: str | None = None
    cancelled_by_id: str | None = None
    cancelled_on: Stamp | None = None
    comment: str | None = None
    reason_code: str | None = None
    reference_id: str | None = None
    source_transaction_id: str | None = None
    source_transaction_number: str | None = None
    source_transaction_type: str | None = None
    transferred_to_accounting: str | None = None
