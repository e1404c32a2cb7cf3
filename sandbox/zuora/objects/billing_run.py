"""Bill runs, called billing runs in Object Query and bill runs everywhere else."""

from datetime import date

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects.record import Record


class BillingRun(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A run that makes invoices and credit memos and, by itself or by hand, posts them."""

    billing_run_number: str
    billing_run_type: str
    status: str
    target_date: date
    invoice_date: date
    name: str | None = None
    auto_post: bool | None = None
    auto_email: bool | None = None
    auto_renewal: bool | None = None
    batches: str | None = None
    bill_cycle_day: str | None = None
    error_message: str | None = None
    end_date: Stamp | None = None
    executed_date: Stamp | None = None
    number_of_accounts: int | None = None
    number_of_credit_memos: int | None = None
    number_of_invoices: int | None = None
    posted_date: Stamp | None = None
    start_date: Stamp | None = None
    target_type: str | None = None
    total_time: int | None = None
