"""The life of a debit memo: drafted alone, from an invoice; posted, paid, unposted, canceled, deleted."""

from collections.abc import Sequence
from datetime import date

import msgspec

from sandbox.zuora.acts.accounting import check_period_open
from sandbox.zuora.acts.accounts import active_account, keep_custom, move_balance
from sandbox.zuora.acts.invoices import due_on
from sandbox.zuora.acts.lines import NewItem, add_debit_memo_items, exempt_total, totals
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import check_settlement
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import DebitMemo, Invoice, InvoiceItem
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_313


class NewDebitMemo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A debit memo to be drafted.

    Attributes:
        account: Id or number of the account.
        items: As on an invoice.
        memo_date: Today in the tenant's zone unless given.
        due_date: By the account's payment term unless given.
        invoice: Invoice that the memo refers to, by id or number.
        custom: Custom fields as the tenant named them.
    """

    account: str
    items: list[NewItem]
    memo_date: date | None = None
    due_date: date | None = None
    currency: str | None = None
    memo_number: str | None = None
    invoice: str | None = None
    reason_code: str = "Charge Dispute"
    comments: str | None = None
    custom: dict[str, str] = {}


@act
def create_debit_memo(tenant: Tenant, *, request: NewDebitMemo) -> DebitMemo:
    """Draft a debit memo by itself."""
    return draft_debit_memo(tenant, request, source_type="Standalone")


def draft_debit_memo(
    tenant: Tenant, request: NewDebitMemo, *, source_type: str, sources: Sequence[InvoiceItem] = ()
) -> DebitMemo:
    """Draft a debit memo; the sources are the invoice items that its items mirror, one for each."""
    check_settlement(tenant)
    account = active_account(tenant, request.account)
    net, tax = totals(request.items)
    if not request.items or net + tax < 0:
        raise invalid_value("A debit memo needs items that do not sum below 0", resource=RESOURCE)
    memo_date = request.memo_date or tenant.zone.day(tenant.clock.stamp())
    memo = tenant.create(
        DebitMemo,
        account_id=account.id,
        memo_number=request.memo_number or tenant.next_number("DM-"),
        memo_date=memo_date,
        due_date=request.due_date or due_on(memo_date, account.payment_term),
        target_date=memo_date,
        status="Draft",
        currency=request.currency or account.currency,
        total_amount=net + tax,
        total_amount_without_tax=net,
        tax_amount=tax,
        balance=net + tax,
        total_tax_exempt_amount=exempt_total(request.items),
        invoice_id=tenant.get(Invoice, request.invoice).id if request.invoice else None,
        reason_code=request.reason_code,
        comments=request.comments,
        payment_term=account.payment_term,
        bill_to_contact_id=account.bill_to_id,
        communication_profile_id=account.communication_profile_id,
        sequence_set_id=account.sequence_set_id,
        source="API",
        source_type=source_type,
        auto_pay=account.auto_pay,
        tax_auto_calculation=False,
        tax_status="Complete",
        transferred_to_accounting="No",
        custom=keep_custom(tenant, "DebitMemo", request.custom),
    )
    add_debit_memo_items(tenant, memo, request.items, sources=sources)
    return memo


@act
def post_debit_memo(tenant: Tenant, *, debit_memo: str, by: Variant = "api") -> DebitMemo:
    """Post a Draft: it is owed from now on."""
    draft = _in_status(tenant, debit_memo, "Draft")
    check_period_open(tenant, draft.memo_date)
    posted = tenant.change(draft, status="Posted", posted_on=tenant.clock.stamp(), posted_by_id=tenant.user_id)
    move_balance(tenant, posted.account_id, debit_memos=posted.balance)
    _tell(tenant, "posted", posted, variant=by)
    return posted


@act
def unpost_debit_memo(tenant: Tenant, *, debit_memo: str) -> DebitMemo:
    """Take a posted memo back to Draft; refused while anything is applied to it."""
    memo = _in_status(tenant, debit_memo, "Posted")
    if memo.balance != memo.total_amount:
        raise broken_rule(f"Debit memo {memo.memo_number} is paid in part; unapply that first", resource=RESOURCE)
    check_period_open(tenant, memo.memo_date)
    move_balance(tenant, memo.account_id, debit_memos=-memo.balance)
    draft = tenant.change(memo, status="Draft", posted_on=None, posted_by_id=None)
    _tell(tenant, "unposted", draft)
    return draft


@act
def cancel_debit_memo(tenant: Tenant, *, debit_memo: str) -> DebitMemo:
    """Cancel a Draft; it stays to be read, with nothing to pay."""
    draft = _in_status(tenant, debit_memo, "Draft")
    stamp = tenant.clock.stamp()
    canceled = tenant.change(draft, status="Canceled", balance=ZERO, cancelled_on=stamp, cancelled_by_id=tenant.user_id)
    _tell(tenant, "canceled", canceled)
    return canceled


@act
def delete_debit_memo(tenant: Tenant, *, debit_memo: str) -> DebitMemo:
    """Delete a Draft; nobody can read it any more."""
    draft = _in_status(tenant, debit_memo, "Draft")
    for item in tenant.debit_memo_items.children("debit_memo_id", draft.id):
        for tax in tenant.debit_taxation_items.children("debit_memo_item_id", item.id):
            tenant.remove(tax)
        tenant.remove(item)
    tenant.remove(draft)
    _tell(tenant, "deleted", draft)
    return draft


def _in_status(tenant: Tenant, key: str, status: str) -> DebitMemo:
    check_settlement(tenant)
    memo = tenant.get(DebitMemo, key)
    if memo.status != status:
        raise broken_rule(f"Debit memo {memo.memo_number} is {memo.status}, not {status}", resource=RESOURCE)
    return memo


def _tell(tenant: Tenant, verb: str, memo: DebitMemo, *, variant: Variant | None = None) -> None:
    tenant.tell(
        verb,
        memo,
        number=memo.memo_number,
        account_id=memo.account_id,
        currency=memo.currency,
        amount=memo.total_amount,
        variant=variant,
    )
