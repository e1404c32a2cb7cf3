"""The life of a credit memo: drafted alone, from an invoice or by a bill run; posted, applied, unapplied, canceled."""

from collections.abc import Sequence
from datetime import date

from sandbox.zuora.acts import memos
from sandbox.zuora.acts.applications import apply_source, unapply_source
from sandbox.zuora.acts.item_rows import add_memo_items
from sandbox.zuora.acts.memos import NewMemo
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, check_effective_date
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import BillingRun, CreditMemo, InvoiceItem
from sandbox.zuora.tenant import Tenant


class NewCreditMemo(NewMemo, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A credit memo to be drafted.

    Attributes:
        revenue_impacting: "No" sends the lines to the non-revenue write-off code.
    """

    target_date: date | None = None
    reason_code: str = "Correcting invoice error"
    revenue_impacting: str = "Yes"
    exclude_from_auto_apply_rules: bool = False


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
    account = memos.memo_account(tenant, CreditMemo, request)
    memo_date = request.memo_date or (bill_run.invoice_date if bill_run else tenant.today())
    memo = tenant.create(
        CreditMemo,
        memo_date=memo_date,
        target_date=request.target_date or (bill_run.target_date if bill_run else memo_date),
        reason_code=request.reason_code,
        revenue_impacting=request.revenue_impacting,
        exclude_from_auto_apply_rules=request.exclude_from_auto_apply_rules,
        source="BillRun" if bill_run else "API",
        source_id=bill_run.billing_run_number if bill_run else None,
        source_type=source_type,
        applied_amount=ZERO,
        refund_amount=ZERO,
        discount_amount=ZERO,
        auto_apply_upon_posting=False,
        reversed=False,
        **memos.drafted(tenant, CreditMemo, request, account),
    )
    add_memo_items(tenant, memo, request.items, sources=sources)
    return memo


@act
def post_credit_memo(tenant: Tenant, *, credit_memo: str, by: Variant = "api") -> CreditMemo:
    """Post a Draft: it can be applied from now on."""
    return memos.post(tenant, CreditMemo, credit_memo, by)


@act
def apply_credit_memo(
    tenant: Tenant, *, credit_memo: str, invoices: list[Application], effective_date: date | None = None
) -> CreditMemo:
    """Apply what is left of a posted memo to posted invoices and debit memos."""
    memo = memos.memo_in(tenant, CreditMemo, credit_memo, "Posted")
    day = check_effective_date(tenant, effective_date, not_before=memo.memo_date)
    return apply_source(tenant, memo, invoices, day)


@act
def unapply_credit_memo(
    tenant: Tenant, *, credit_memo: str, invoices: list[Application] | None = None, effective_date: date | None = None
) -> CreditMemo:
    """Take a memo back from the invoices that are named, else from all."""
    memo = memos.memo_in(tenant, CreditMemo, credit_memo, "Posted")
    day = check_effective_date(tenant, effective_date, not_before=memo.memo_date)
    return unapply_source(tenant, memo, invoices, day)


@act
def unpost_credit_memo(tenant: Tenant, *, credit_memo: str) -> CreditMemo:
    """Take a posted memo back to Draft; refused while any of it is applied or refunded."""
    return memos.unpost(tenant, CreditMemo, credit_memo)


@act
def cancel_credit_memo(tenant: Tenant, *, credit_memo: str) -> CreditMemo:
    """Cancel a Draft; it stays to be read, with nothing left of it."""
    return memos.cancel(tenant, CreditMemo, credit_memo)


@act
def delete_credit_memo(tenant: Tenant, *, credit_memo: str) -> CreditMemo:
    """Delete a Draft; nobody can read it any more."""
    return memos.delete(tenant, CreditMemo, credit_memo)
