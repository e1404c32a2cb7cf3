"""The life that credit memos and debit memos share: drafted, posted, unposted, canceled, deleted.

What a memo opens when it is posted is the only difference: a credit memo something to apply, a debit memo something
to pay.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sandbox.zuora.acts.accounting import check_period_open
from sandbox.zuora.acts.accounts import active_account, keep_custom, move_balance
from sandbox.zuora.acts.documents import in_status, tell
from sandbox.zuora.acts.item_rows import remove_items
from sandbox.zuora.acts.lines import NewItem, exempt_total, totals
from sandbox.zuora.acts.moves import move_rest
from sandbox.zuora.acts.settlement import check_settlement
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import Account, CreditMemo, DebitMemo, Invoice
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

M = TypeVar("M", CreditMemo, DebitMemo)


@dataclass(frozen=True)
class _Kind:
    name: str
    prefix: str
    resource: int
    moved: str


_KINDS: dict[type[CreditMemo | DebitMemo], _Kind] = {
    CreditMemo: _Kind("credit memo", "CM-", 587_312, "applied or refunded"),
    DebitMemo: _Kind("debit memo", "DM-", 587_313, "paid in part; unapply that first"),
}


class NewMemo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A memo to be drafted.

    Attributes:
        account: Id or number of the account.
        items: As on an invoice; amounts are positive on a credit memo too.
        memo_date: Today in the tenant's zone unless given.
        invoice: Invoice that the memo refers to, by id or number.
        custom: Custom fields as the tenant named them.
    """

    account: str
    items: list[NewItem]
    memo_date: date | None = None
    currency: str | None = None
    memo_number: str | None = None
    invoice: str | None = None
    comments: str | None = None
    custom: dict[str, str] = {}


def memo_account(tenant: Tenant, kind: type[M], request: NewMemo) -> Account:
    """Return the account that a memo is drafted for, or refuse the memo."""
    check_settlement(tenant)
    account = active_account(tenant, request.account)
    if not request.items or sum(totals(request.items)) < 0:
        message = f"A {_KINDS[kind].name} needs items that do not sum below 0"
        raise invalid_value(message, resource=_KINDS[kind].resource)
    return account


def drafted(tenant: Tenant, kind: type[M], request: NewMemo, account: Account) -> dict[str, Any]:
    """Return what every fresh memo carries: what was asked for, before any business has moved it."""
    net, tax = totals(request.items)
    return {
        "account_id": account.id,
        "memo_number": request.memo_number or tenant.next_number(_KINDS[kind].prefix),
        "status": "Draft",
        "currency": request.currency or account.currency,
        "total_amount": net + tax,
        "total_amount_without_tax": net,
        "tax_amount": tax,
        "balance": net + tax,
        "total_tax_exempt_amount": exempt_total(request.items),
        "invoice_id": tenant.get(Invoice, request.invoice).id if request.invoice else None,
        "comments": request.comments,
        "bill_to_contact_id": account.bill_to_id,
        "communication_profile_id": account.communication_profile_id,
        "sequence_set_id": account.sequence_set_id,
        "tax_auto_calculation": False,
        "tax_status": "Complete",
        "transferred_to_accounting": "No",
        "custom": keep_custom(tenant, kind.__name__, request.custom),
    }


def memo_in(tenant: Tenant, kind: type[M], key: str, status: str) -> M:
    """Return the memo with this id or number, or refuse it when it is not in this status."""
    check_settlement(tenant)
    return in_status(tenant, kind, key, status, resource=_KINDS[kind].resource)


def post(tenant: Tenant, kind: type[M], key: str, by: Variant) -> M:
    """Post a Draft."""
    draft = memo_in(tenant, kind, key, "Draft")
    check_period_open(tenant, draft.memo_date)
    posted = tenant.change(draft, status="Posted", posted_on=tenant.clock.stamp(), posted_by_id=tenant.user_id)
    _move_open(tenant, posted, posted.balance)
    tell(tenant, "posted", posted, variant=by)
    return posted


def unpost(tenant: Tenant, kind: type[M], key: str) -> M:
    """Take a posted memo back to Draft; refused while any of it has moved."""
    posted = memo_in(tenant, kind, key, "Posted")
    if posted.balance != posted.total_amount:
        name, moved = _KINDS[kind].name.capitalize(), _KINDS[kind].moved
        raise broken_rule(f"{name} {posted.memo_number} is {moved}", resource=_KINDS[kind].resource)
    check_period_open(tenant, posted.memo_date)
    _move_open(tenant, posted, -posted.balance)
    draft = tenant.change(posted, status="Draft", posted_on=None, posted_by_id=None)
    tell(tenant, "unposted", draft)
    return draft


def cancel(tenant: Tenant, kind: type[M], key: str) -> M:
    """Cancel a Draft; it stays to be read, with nothing left of it."""
    draft = memo_in(tenant, kind, key, "Draft")
    stamp = tenant.clock.stamp()
    canceled = tenant.change(draft, status="Canceled", balance=ZERO, cancelled_on=stamp, cancelled_by_id=tenant.user_id)
    tell(tenant, "canceled", canceled)
    return canceled


def delete(tenant: Tenant, kind: type[M], key: str) -> M:
    """Delete a Draft; nobody can read it any more."""
    draft = memo_in(tenant, kind, key, "Draft")
    remove_items(tenant, draft)
    tenant.remove(draft)
    tell(tenant, "deleted", draft)
    return draft


def _move_open(tenant: Tenant, memo: CreditMemo | DebitMemo, amount: Decimal) -> None:
    if isinstance(memo, CreditMemo):
        move_rest(tenant, memo, amount)
    else:
        move_balance(tenant, memo.account_id, debit_memos=amount)
