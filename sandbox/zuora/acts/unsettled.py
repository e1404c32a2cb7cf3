"""What all acts of a tenant without Invoice Settlement share: the check that it has none, and how its invoices move."""

from decimal import Decimal

from sandbox.zuora.acts.accounts import move_balance
from sandbox.zuora.acts.documents import in_status
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import Invoice
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_325


def check_no_settlement(tenant: Tenant) -> None:
    """Refuse whatever Invoice Settlement has replaced in a tenant that has it."""
    if tenant.settings.invoice_settlement:
        raise Refused(
            Category.PERMISSION, "This operation is not available: Invoice Settlement is enabled.", resource=RESOURCE
        )


def posted_invoice(tenant: Tenant, key: str) -> Invoice:
    """Return a posted invoice by id or number."""
    return in_status(tenant, Invoice, key, "Posted", resource=RESOURCE)


def move_unsettled(
    tenant: Tenant,
    invoice: Invoice,
    *,
    payment: Decimal = ZERO,
    adjustment: Decimal = ZERO,
    credit_balance: Decimal = ZERO,
) -> Invoice:
    """Move what is open of an invoice, and what its account owes.

    Args:
        tenant: The tenant.
        invoice: The invoice.
        payment: What is paid.
        adjustment: What is charged, below zero what is credited.
        credit_balance: What comes from the credit balance, below zero what goes there.
    """
    newest = tenant.get(Invoice, invoice.id)
    impact = adjustment - payment - credit_balance
    moved = tenant.change(
        newest,
        balance=newest.balance + impact,
        payment_amount=(newest.payment_amount or ZERO) + payment,
        adjustment_amount=(newest.adjustment_amount or ZERO) + adjustment,
        credit_balance_adjustment_amount=(newest.credit_balance_adjustment_amount or ZERO) + credit_balance,
    )
    move_balance(tenant, invoice.account_id, invoices=impact, credit_balance=-credit_balance)
    return moved
