"""The life of a debit memo: drafted alone, from an invoice; posted, paid, unposted, canceled, deleted."""

from collections.abc import Sequence
from datetime import date

from sandbox.zuora.acts import memos
from sandbox.zuora.acts.invoices import due_on
from sandbox.zuora.acts.item_rows import add_memo_items
from sandbox.zuora.acts.memos import NewMemo
from sandbox.zuora.acts.registry import act
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.objects import DebitMemo, InvoiceItem
from sandbox.zuora.tenant import Tenant


class NewDebitMemo(NewMemo, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A debit memo to be drafted.

    Attributes:
        due_date: By the account's payment term unless given.
    """

    due_date: date | None = None
    reason_code: str = "Charge Dispute"


@act
def create_debit_memo(tenant: Tenant, *, request: NewDebitMemo) -> DebitMemo:
    """Draft a debit memo by itself."""
    return draft_debit_memo(tenant, request, source_type="Standalone")


def draft_debit_memo(
    tenant: Tenant, request: NewDebitMemo, *, source_type: str, sources: Sequence[InvoiceItem] = ()
) -> DebitMemo:
    """Draft a debit memo; the sources are the invoice items that its items mirror, one for each."""
    account = memos.memo_account(tenant, DebitMemo, request)
    memo_date = request.memo_date or tenant.today()
    memo = tenant.create(
        DebitMemo,
        memo_date=memo_date,
        due_date=request.due_date or due_on(memo_date, account.payment_term),
        target_date=memo_date,
        reason_code=request.reason_code,
        payment_term=account.payment_term,
        source="API",
        source_type=source_type,
        auto_pay=account.auto_pay,
        **memos.drafted(tenant, DebitMemo, request, account),
    )
    add_memo_items(tenant, memo, request.items, sources=sources)
    return memo


@act
def post_debit_memo(tenant: Tenant, *, debit_memo: str, by: Variant = "api") -> DebitMemo:
    """Post a Draft: it is owed from now on."""
    return memos.post(tenant, DebitMemo, debit_memo, by)


@act
def unpost_debit_memo(tenant: Tenant, *, debit_memo: str) -> DebitMemo:
    """Take a posted memo back to Draft; refused while anything is applied to it."""
    return memos.unpost(tenant, DebitMemo, debit_memo)


@act
def cancel_debit_memo(tenant: Tenant, *, debit_memo: str) -> DebitMemo:
    """Cancel a Draft; it stays to be read, with nothing to pay."""
    return memos.cancel(tenant, DebitMemo, debit_memo)


@act
def delete_debit_memo(tenant: Tenant, *, debit_memo: str) -> DebitMemo:
    """Delete a Draft; nobody can read it any more."""
    return memos.delete(tenant, DebitMemo, debit_memo)
