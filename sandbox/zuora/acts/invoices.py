"""The life of an invoice: drafted, edited, posted, unposted, canceled, deleted.

What corrects a posted invoice is a credit memo, and has a module of its own.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.zuora.acts.accounting import check_period_open
from sandbox.zuora.acts.accounts import active_account, keep_custom, move_balance
from sandbox.zuora.acts.documents import in_status, tell
from sandbox.zuora.acts.item_rows import add_invoice_items, remove_items
from sandbox.zuora.acts.lines import NewItem, exempt_total, totals
from sandbox.zuora.acts.registry import act
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import Account, BillingRun, Invoice
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_311


class NewInvoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An invoice to be drafted, by itself or by a bill run.

    Attributes:
        account: Id or number of the account.
        invoice_date: Today in the tenant's zone unless given.
        due_date: By the account's payment term unless given.
        currency: The account's unless given.
        custom: Custom fields as the tenant named them.
    """

    account: str
    items: list[NewItem]
    invoice_date: date | None = None
    due_date: date | None = None
    target_date: date | None = None
    currency: str | None = None
    invoice_number: str | None = None
    comments: str | None = None
    source_type: str = "Subscription"
    organization_id: str | None = None
    template_id: str | None = None
    e_invoice_status: str | None = None
    custom: dict[str, str] = {}


def due_on(invoice_date: date, payment_term: str | None) -> date:
    """Return the due date under a term such as "Net 30"; any other text means at once."""
    net = re.fullmatch(r"Net (\d+)", payment_term or "")
    return invoice_date + timedelta(days=int(net[1]) if net else 0)


@act
def create_invoice(tenant: Tenant, *, request: NewInvoice) -> Invoice:
    """Draft an invoice by the API."""
    return draft_invoice(tenant, request, bill_run=None)


def draft_invoice(tenant: Tenant, request: NewInvoice, *, bill_run: BillingRun | None) -> Invoice:
    """Draft an invoice, for a bill run or on its own."""
    account = active_account(tenant, request.account)
    if not request.items:
        raise invalid_value("An invoice needs at least one item", resource=RESOURCE)
    invoice_date = request.invoice_date or (bill_run.invoice_date if bill_run else tenant.today())
    number = request.invoice_number or tenant.next_number("INV")
    if tenant.invoices.find(number) is not None:
        raise invalid_value(f"Invoice number {number} is already used", resource=RESOURCE)
    invoice = tenant.create(
        Invoice,
        account_id=account.id,
        invoice_number=number,
        status="Draft",
        currency=request.currency or account.currency,
        invoice_date=invoice_date,
        due_date=request.due_date or due_on(invoice_date, account.payment_term),
        target_date=request.target_date or (bill_run.target_date if bill_run else invoice_date),
        payment_term=account.payment_term,
        comments=request.comments,
        source="BillRun" if bill_run else "API",
        source_id=bill_run.billing_run_number if bill_run else None,
        source_type=request.source_type if bill_run else "Standalone",
        organization_id=request.organization_id or account.organization_id,
        template_id=request.template_id or account.invoice_template_id,
        e_invoice_status=request.e_invoice_status,
        custom=keep_custom(tenant, "Invoice", request.custom),
        **_unmoved(account),
        **_amounts(request.items),
    )
    add_invoice_items(tenant, invoice, request.items)
    return invoice


def _unmoved(account: Account) -> dict[str, Any]:
    """Return what every fresh invoice carries, before any business has moved it."""
    return {
        "bill_to_contact_id": account.bill_to_id,
        "sold_to_contact_id": account.sold_to_id,
        "ship_to_contact_id": account.ship_to_id,
        "auto_pay": account.auto_pay,
        "communication_profile_id": account.communication_profile_id,
        "sequence_set_id": account.sequence_set_id,
        "adjustment_amount": ZERO,
        "credit_balance_adjustment_amount": ZERO,
        "credit_memo_amount": ZERO,
        "payment_amount": ZERO,
        "refund_amount": ZERO,
        "includes_one_time": True,
        "includes_recurring": True,
        "includes_usage": True,
        "is_split": False,
        "reversed": False,
        "tax_status": "Complete",
        "transferred_to_accounting": "No",
    }


def _amounts(items: Sequence[NewItem]) -> dict[str, Decimal]:
    net, tax = totals(items)
    amounts = {"amount_without_tax": net, "tax_amount": tax, "amount": net + tax, "balance": net + tax}
    return {**amounts, "tax_exempt_amount": exempt_total(items)}


def _draft(tenant: Tenant, key: str, verb: str) -> Invoice:
    invoice = tenant.get(Invoice, key)
    if invoice.status != "Draft":
        raise broken_rule(
            f"Only a Draft invoice can be {verb}; {invoice.invoice_number} is {invoice.status}", resource=RESOURCE
        )
    return invoice


@act
def edit_invoice(
    tenant: Tenant,
    *,
    invoice: str,
    invoice_date: date | None = None,
    due_date: date | None = None,
    comments: str | None = None,
    items: list[NewItem] | None = None,
    custom: dict[str, str] | None = None,
) -> Invoice:
    """Change a Draft; items that are given replace all items."""
    draft = _draft(tenant, invoice, "edited")
    given = {"invoice_date": invoice_date, "due_date": due_date, "comments": comments}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if custom:
        changes["custom"] = keep_custom(tenant, "Invoice", {**(draft.custom or {}), **custom})
    if items:
        changes |= _amounts(items)
    edited = tenant.change(draft, **changes)
    if items:
        remove_items(tenant, edited)
        add_invoice_items(tenant, edited, items)
    return edited


@act
def post_invoice(tenant: Tenant, *, invoice: str, by: Variant = "api") -> Invoice:
    """Post a Draft: it is owed from now on."""
    draft = _draft(tenant, invoice, "posted")
    check_period_open(tenant, draft.invoice_date)
    posted = tenant.change(draft, status="Posted", posted_date=tenant.clock.stamp(), posted_by=tenant.user_id)
    move_balance(tenant, posted.account_id, invoices=posted.balance, invoiced_on=posted.invoice_date)
    tell(tenant, "posted", posted, variant=by)
    return posted


@act
def unpost_invoice(tenant: Tenant, *, invoice: str) -> Invoice:
    """Take a posted invoice back to Draft; refused while anything is applied to it."""
    posted = in_status(tenant, Invoice, invoice, "Posted", resource=RESOURCE)
    moved = (posted.payment_amount, posted.credit_memo_amount, posted.credit_balance_adjustment_amount)
    if any(moved) or posted.balance != posted.amount:
        raise broken_rule(
            f"Invoice {posted.invoice_number} has payments, credits or adjustments applied; take them back first",
            resource=RESOURCE,
        )
    check_period_open(tenant, posted.invoice_date)
    move_balance(tenant, posted.account_id, invoices=-posted.balance)
    draft = tenant.change(posted, status="Draft", posted_date=None, posted_by=None)
    tell(tenant, "unposted", draft)
    return draft


@act
def cancel_invoice(tenant: Tenant, *, invoice: str) -> Invoice:
    """Cancel a Draft; it stays to be read, with nothing to pay."""
    canceled = tenant.change(_draft(tenant, invoice, "canceled"), status="Canceled", balance=ZERO)
    tell(tenant, "canceled", canceled)
    return canceled


@act
def delete_invoice(tenant: Tenant, *, invoice: str) -> Invoice:
    """Delete a Draft; nobody can read it any more."""
    draft = _draft(tenant, invoice, "deleted")
    remove_items(tenant, draft)
    tenant.remove(draft)
    tell(tenant, "deleted", draft)
    return draft
