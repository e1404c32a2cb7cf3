"""Bill runs: created with what they will bill, generated into drafts, posted by hand or by themselves, or canceled.

A negative total becomes a credit memo with the signs turned, unless the tenant still makes negative invoices.
"""

from datetime import date
from typing import Any

import msgspec

from sandbox.zuora.acts.credit_memos import NewCreditMemo, delete_credit_memo, draft_credit_memo, post_credit_memo
from sandbox.zuora.acts.documents import in_status
from sandbox.zuora.acts.invoices import NewInvoice, delete_invoice, draft_invoice, post_invoice
from sandbox.zuora.acts.lines import NewItem, totals
from sandbox.zuora.acts.registry import act
from sandbox.zuora.chronicle import Variant
from sandbox.zuora.objects import BillingRun, CreditMemo, Invoice
from sandbox.zuora.refusal import broken_rule
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_330


class NewBillRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A bill run to be created.

    Attributes:
        invoices: What it will bill, one document each.
        invoice_date: Date of the documents that name none; today in the tenant's zone unless given.
        auto_post: Whether generating posts as well.
    """

    invoices: list[NewInvoice]
    invoice_date: date | None = None
    target_date: date | None = None
    name: str | None = None
    batch: str = "AllBatches"
    auto_post: bool = False


@act
def create_bill_run(tenant: Tenant, *, request: NewBillRun) -> BillingRun:
    """Create a bill run; nothing is billed yet."""
    invoice_date = request.invoice_date or tenant.today()
    bill_run = tenant.create(
        BillingRun,
        billing_run_number=tenant.next_number("BR-"),
        billing_run_type="Regular",
        status="Pending",
        name=request.name,
        invoice_date=invoice_date,
        target_date=request.target_date or invoice_date,
        target_type="Batch",
        batches=request.batch,
        bill_cycle_day="AllBillCycleDays",
        auto_post=request.auto_post,
        auto_email=False,
        auto_renewal=False,
    )
    tenant.planned_invoices[bill_run.id] = request.invoices
    return bill_run


@act
def generate_bill_run(tenant: Tenant, *, bill_run: str) -> BillingRun:
    """Make the drafts of a bill run, and post them if it posts by itself."""
    run = _in_status(tenant, bill_run, "Pending")
    drafts = [_draft(tenant, run, planned) for planned in tenant.planned_invoices[run.id]]
    memos = [draft for draft in drafts if isinstance(draft, CreditMemo)]
    stamp = tenant.clock.stamp()
    completed = tenant.change(
        run,
        status="Completed",
        start_date=stamp,
        end_date=stamp,
        executed_date=stamp,
        number_of_accounts=len({draft.account_id for draft in drafts}),
        number_of_invoices=len(drafts) - len(memos),
        number_of_credit_memos=len(memos),
        total_time=1000,
    )
    _tell(tenant, "completed", completed)
    if not completed.auto_post:
        return completed
    return _post(tenant, completed, "bill_run")


@act
def post_bill_run(tenant: Tenant, *, bill_run: str) -> BillingRun:
    """Post all drafts of a completed bill run, as a person does."""
    return _post(tenant, _in_status(tenant, bill_run, "Completed"), tenant.settings.hand_posted_bill_run)


@act
def cancel_bill_run(tenant: Tenant, *, bill_run: str) -> BillingRun:
    """Cancel a bill run that is not posted, with all its drafts."""
    run = tenant.get(BillingRun, bill_run)
    if run.status not in ("Pending", "Completed"):
        raise broken_rule(f"Bill run {run.billing_run_number} is {run.status}", resource=RESOURCE)
    for invoice in _invoices(tenant, run):
        delete_invoice(tenant, invoice=invoice.id)
    for memo in _credit_memos(tenant, run):
        delete_credit_memo(tenant, credit_memo=memo.id)
    return tenant.change(run, status="Canceled")


def _draft(tenant: Tenant, run: BillingRun, planned: NewInvoice) -> Invoice | CreditMemo:
    net, tax = totals(planned.items)
    settings = tenant.settings
    as_memo = settings.invoice_settlement and settings.negative_totals == "credit_memo"
    if net + tax >= 0 or not as_memo:
        return draft_invoice(tenant, planned, bill_run=run)
    request = NewCreditMemo(
        account=planned.account,
        items=[_turned(item) for item in planned.items],
        memo_date=planned.invoice_date,
        target_date=planned.target_date,
        currency=planned.currency,
        comments=planned.comments,
        custom=planned.custom,
    )
    return draft_credit_memo(tenant, request, source_type=planned.source_type, bill_run=run)


def _turned(item: NewItem) -> NewItem:
    changes: dict[str, Any] = {
        "charge_amount": -item.charge_amount,
        "unit_price": None if item.unit_price is None else -item.unit_price,
        "taxes": [
            msgspec.structs.replace(
                tax,
                tax_amount=-tax.tax_amount,
                taxable_amount=None if tax.taxable_amount is None else -tax.taxable_amount,
            )
            for tax in item.taxes
        ],
    }
    return msgspec.structs.replace(item, **changes)


def _post(tenant: Tenant, run: BillingRun, by: Variant) -> BillingRun:
    for invoice in _invoices(tenant, run):
        post_invoice(tenant, invoice=invoice.id, by=by)
    for memo in _credit_memos(tenant, run):
        post_credit_memo(tenant, credit_memo=memo.id, by=by)
    posted = tenant.change(run, status="Posted", posted_date=tenant.clock.stamp())
    _tell(tenant, "posted", posted)
    return posted


def _invoices(tenant: Tenant, run: BillingRun) -> list[Invoice]:
    return [row for row in tenant.invoices.children("source_id", run.billing_run_number) if row.status == "Draft"]


def _credit_memos(tenant: Tenant, run: BillingRun) -> list[CreditMemo]:
    return [row for row in tenant.credit_memos.children("source_id", run.billing_run_number) if row.status == "Draft"]


def _in_status(tenant: Tenant, key: str, status: str) -> BillingRun:
    return in_status(tenant, BillingRun, key, status, resource=RESOURCE)


def _tell(tenant: Tenant, verb: str, run: BillingRun) -> None:
    tenant.tell(verb, run, number=run.billing_run_number)
