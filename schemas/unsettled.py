"""Typed views of what a tenant without Invoice Settlement has: rows of ZOQL, whose names begin with capitals.

A date may come as a day or as a moment of that day in the tenant's zone: its first ten characters are the day.
"""

from datetime import date
from decimal import Decimal

import msgspec


class _Row(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Base of a view: PascalCase on the wire, unknown fields are not looked at."""

    id: str
    amount: Decimal
    created_date: str = ""
    updated_date: str = ""


class InvoicePayment(_Row, frozen=True, kw_only=True, rename="pascal"):
    """How much of a payment lies on one invoice since it was made."""

    invoice_id: str
    refund_amount: Decimal | None = None


class _Dated(_Row, frozen=True, kw_only=True, rename="pascal"):
    """What both ways of adjusting have: an amount above zero, whose type says which way it goes."""

    adjustment_date: str
    status: str
    type: str
    account_id: str = ""
    accounting_code: str | None = None

    @property
    def day(self) -> date:
        """Its date.

        Raises:
            ValueError: It is none.
        """
        return date.fromisoformat(self.adjustment_date[:10])


class Adjustment(_Dated, frozen=True, kw_only=True, rename="pascal"):
    """An adjustment of an invoice, or of an item or tax of it: Charge or Credit."""

    adjustment_number: str
    invoice_id: str
    source_type: str = ""
    source_id: str = ""
    invoice_item_name: str | None = None
    deferred_revenue_account: str | None = None
    service_start_date: str | None = None
    service_end_date: str | None = None


class CreditBalanceAdjustment(_Dated, frozen=True, kw_only=True, rename="pascal"):
    """One movement of an account's credit balance: Increase or Decrease."""

    number: str
    cancelled_on: str | None = None
    source_transaction_id: str | None = None
    source_transaction_number: str | None = None
    source_transaction_type: str | None = None


class AppliedRefund(_Row, frozen=True, kw_only=True, rename="pascal"):
    """Money given back of a payment that is applied, or of a credit balance."""

    refund_number: str
    refund_date: str
    status: str
    account_id: str = ""
    source_type: str | None = None

    @property
    def day(self) -> date:
        """Its date.

        Raises:
            ValueError: It is none.
        """
        return date.fromisoformat(self.refund_date[:10])
