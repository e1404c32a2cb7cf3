"""The life of a credit memo: drafted alone, from an invoice or by a bill run; posted, applied, unapplied, canceled."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.zuora.acts.accounting import check_period_open
from sandbox.zuora.acts.accounts import active_account, keep_custom, move_balance
from sandbox.zuora.acts.lines import NewItem, add_credit_memo_items, exempt_total, totals
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import (
    Application,
    Owed,
    applied_now,
    check_applications,
    check_effective_date,
    check_settlement,
    move_owed,
    move_part,
    named,
    number_of,
    row_amount,
)
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import (
    Account,
    BillingRun,
    CreditMemo,
    CreditMemoApplication,
    CreditMemoPart,
    Invoice,
    InvoiceItem,
)
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_312


class NewCreditMemo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A credit memo to be drafted.

    Attributes:
        account: Id or number of the account.
        items: As on an invoice; amounts are positive.
        memo_date: Today in the tenant's zone unless given.
        invoice: Invoice that the memo refers to, by id or number.
        revenue_impacting: "No" sends the lines to the non-revenue write-off code.
        custom: Custom fields as the tenant named them.
    """

    account: str
    items: list[NewItem]
    memo_date: date | None = None
    target_date: date | None = None
    currency: str | None = None
    memo_number: str | None = None
    invoice: str | None = None
    reason_code: str = "Correcting invoice error"
    revenue_impacting: str = "Yes"
    comments: str | None = None
    exclude_from_auto_apply_rules: bool = False
    custom: dict[str, str] = {}


@act
def create_credit_memo(tenant: Tenant, *, request: NewCreditMemo) -> CreditMemo:
    """Draft a credit memo by itself."""
    return draft_credit_memo(tenant, request, source_type="Standalone")


def draft_credit_memo(
    tenant: Tenant,
    request: NewCreditMemo,
    *,
    source_type: str,
    bill_run: BillingRun | None = None,
    sources: Sequence[InvoiceItem] = (),
) -> CreditMemo:
    """Draft a credit memo; the sources are the invoice items that its items mirror, one for each."""
    check_settlement(tenant)
    account = active_account(tenant, request.account)
    net, tax = totals(request.items)
    if not request.items or net + tax < 0:
        raise invalid_value("A credit memo needs items that do not sum below 0", resource=RESOURCE)
    memo_date = request.memo_date or (bill_run.invoice_date if bill_run else tenant.zone.day(tenant.clock.stamp()))
    memo = tenant.create(
        CreditMemo,
        account_id=account.id,
        memo_number=request.memo_number or tenant.next_number("CM-"),
        memo_date=memo_date,
        target_date=request.target_date or (bill_run.target_date if bill_run else memo_date),
        status="Draft",
        currency=request.currency or account.currency,
        total_amount=net + tax,
        total_amount_without_tax=net,
        tax_amount=tax,
        balance=net + tax,
        total_tax_exempt_amount=exempt_total(request.items),
        invoice_id=tenant.get(Invoice, request.invoice).id if request.invoice else None,
        reason_code=request.reason_code,
        revenue_impacting=request.revenue_impacting,
        comments=request.comments,
        exclude_from_auto_apply_rules=request.exclude_from_auto_apply_rules,
        source="BillRun" if bill_run else "API",
        source_id=bill_run.billing_run_number if bill_run else None,
        source_type=source_type,
        custom=keep_custom(tenant, "CreditMemo", request.custom),
        **_unmoved(account),
    )
    add_credit_memo_items(tenant, memo, request.items, sources=sources)
    return memo


def _unmoved(account: Account) -> dict[str, Any]:
    """Return what every fresh memo carries, before any business has moved it."""
    return {
        "bill_to_contact_id": account.bill_to_id,
        "communication_profile_id": account.communication_profile_id,
        "sequence_set_id": account.sequence_set_id,
        "applied_amount": ZERO,
        "refund_amount": ZERO,
        "discount_amount": ZERO,
        "auto_apply_upon_posting": False,
        "reversed": False,
        "tax_auto_calculation": False,
        "tax_status": "Complete",
        "transferred_to_accounting": "No",
    }


@act
def post_credit_memo(tenant: Tenant, *, credit_memo: str, by: Variant = "api") -> CreditMemo:
    """Post a Draft: it can be applied from now on."""
    draft = _in_status(tenant, credit_memo, "Draft")
    check_period_open(tenant, draft.memo_date)
    posted = tenant.change(draft, status="Posted", posted_on=tenant.clock.stamp(), posted_by_id=tenant.user_id)
    move_rest(tenant, posted, posted.balance)
    tell(tenant, "posted", posted, variant=by)
    return posted


@act
def apply_credit_memo(
    tenant: Tenant, *, credit_memo: str, invoices: list[Application], effective_date: date | None = None
) -> CreditMemo:
    """Apply what is left of a posted memo to posted invoices and debit memos."""
    memo = _in_status(tenant, credit_memo, "Posted")
    day = check_effective_date(tenant, effective_date, not_before=memo.memo_date)
    check_period_open(tenant, day)
    group = tenant.new_id()
    for owed, amount in check_applications(tenant, invoices, currency=memo.currency, available=memo.balance):
        _move(tenant, memo, owed, amount, row_amount=amount, day=day, group=group)
    return tenant.get(CreditMemo, memo.id)


@act
def unapply_credit_memo(
    tenant: Tenant, *, credit_memo: str, invoices: list[Application] | None = None, effective_date: date | None = None
) -> CreditMemo:
    """Take a memo back from the invoices that are named, else from all."""
    memo = _in_status(tenant, credit_memo, "Posted")
    day = check_effective_date(tenant, effective_date, not_before=memo.memo_date)
    check_period_open(tenant, day)
    group = tenant.new_id()
    for owed, amount in applied_now(tenant, CreditMemoPart, source_id=memo.id, applications=invoices):
        signed = row_amount(tenant, amount)
        _move(tenant, memo, owed, -amount, row_amount=signed, day=day, group=group)
    return tenant.get(CreditMemo, memo.id)


@act
def unpost_credit_memo(tenant: Tenant, *, credit_memo: str) -> CreditMemo:
    """Take a posted memo back to Draft; refused while any of it is applied or refunded."""
    memo = _in_status(tenant, credit_memo, "Posted")
    if memo.applied_amount or memo.refund_amount:
        raise broken_rule(f"Credit memo {memo.memo_number} is applied or refunded", resource=RESOURCE)
    check_period_open(tenant, memo.memo_date)
    move_rest(tenant, memo, -memo.balance)
    draft = tenant.change(memo, status="Draft", posted_on=None, posted_by_id=None)
    tell(tenant, "unposted", draft)
    return draft


@act
def cancel_credit_memo(tenant: Tenant, *, credit_memo: str) -> CreditMemo:
    """Cancel a Draft; it stays to be read, with nothing left of it."""
    draft = _in_status(tenant, credit_memo, "Draft")
    canceled = tenant.change(
        draft,
        status="Canceled",
        balance=ZERO,
        cancelled_on=tenant.clock.stamp(),
        cancelled_by_id=tenant.user_id,
    )
    tell(tenant, "canceled", canceled)
    return canceled


@act
def delete_credit_memo(tenant: Tenant, *, credit_memo: str) -> CreditMemo:
    """Delete a Draft; nobody can read it any more."""
    draft = _in_status(tenant, credit_memo, "Draft")
    for item in tenant.credit_memo_items.children("credit_memo_id", draft.id):
        for tax in tenant.credit_taxation_items.children("credit_memo_item_id", item.id):
            tenant.remove(tax)
        tenant.remove(item)
    tenant.remove(draft)
    tell(tenant, "deleted", draft)
    return draft


def _in_status(tenant: Tenant, key: str, status: str) -> CreditMemo:
    check_settlement(tenant)
    memo = tenant.get(CreditMemo, key)
    if memo.status != status:
        raise broken_rule(f"Credit memo {memo.memo_number} is {memo.status}, not {status}", resource=RESOURCE)
    return memo


def move_rest(tenant: Tenant, memo: CreditMemo, amount: Decimal) -> None:
    """Move what is left of a memo."""
    move_balance(tenant, memo.account_id, unapplied_credits=amount)
    move_part(
        tenant,
        CreditMemoPart,
        source_id=memo.id,
        owed=None,
        amount=amount,
        account_id=memo.account_id,
    )


def _move(
    tenant: Tenant, memo: CreditMemo, owed: Owed, amount: Decimal, *, row_amount: Decimal, day: date, group: str
) -> None:
    newest = tenant.get(CreditMemo, memo.id)
    tenant.change(newest, applied_amount=newest.applied_amount + amount, balance=newest.balance - amount)
    move_owed(tenant, owed, credit=amount)
    move_rest(tenant, memo, -amount)
    move_part(
        tenant,
        CreditMemoPart,
        source_id=memo.id,
        owed=owed,
        amount=amount,
        account_id=memo.account_id,
    )
    row = tenant.create(
        CreditMemoApplication,
        credit_memo_id=memo.id,
        account_id=memo.account_id,
        **named(owed),
        amount=row_amount,
        effective_date=day,
        application_group_id=group,
    )
    tenant.tell(
        "applied" if amount > 0 else "unapplied",
        row,
        number=memo.memo_number,
        account_id=memo.account_id,
        currency=memo.currency,
        amount=abs(amount),
        invoice_number=number_of(owed),
        effective_date=day,
    )


def tell(tenant: Tenant, verb: str, memo: CreditMemo, *, variant: Variant | None = None) -> None:
    """Note a deed on a credit memo."""
    tenant.tell(
        verb,
        memo,
        number=memo.memo_number,
        account_id=memo.account_id,
        currency=memo.currency,
        amount=memo.total_amount,
        variant=variant,
    )
