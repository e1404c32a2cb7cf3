"""What the acts on documents share: finding one in the status that an act needs, and telling what was done to it."""

from typing import TypeVar

from sandbox.zuora.chronicle import Variant
from sandbox.zuora.objects import (
    Account,
    BillingRun,
    CreditMemo,
    DebitMemo,
    Invoice,
    InvoiceAdjustment,
    InvoiceItemAdjustment,
    Payment,
    Record,
    Refund,
)
from sandbox.zuora.refusal import broken_rule
from sandbox.zuora.tenant import Tenant

Document = Invoice | CreditMemo | DebitMemo | Payment | Refund
# Whatever has a number and a status: what Zuora calls it in a sentence.
_CALLED: dict[type[Record], str] = {
    Account: "Account",
    BillingRun: "Bill run",
    CreditMemo: "Credit memo",
    DebitMemo: "Debit memo",
    Invoice: "Invoice",
    InvoiceAdjustment: "Adjustment",
    InvoiceItemAdjustment: "Adjustment",
    Payment: "Payment",
    Refund: "Refund",
}
Numbered = TypeVar("Numbered", bound=Document | Account | BillingRun | InvoiceAdjustment | InvoiceItemAdjustment)


def in_status(tenant: Tenant, kind: type[Numbered], key: str, status: str, *, resource: int) -> Numbered:
    """Return what has this id or number, or refuse it when it is not in this status."""
    row = tenant.get(kind, key)
    if row.status != status:
        raise broken_rule(f"{_CALLED[kind]} {tenant.number_of(row)} is {row.status}, not {status}", resource=resource)
    return row


def tell(tenant: Tenant, verb: str, row: Document, *, variant: Variant | None = None) -> None:
    """Note a deed on a document, over all of it."""
    tenant.tell(
        verb,
        row,
        number=tenant.number_of(row),
        account_id=row.account_id,
        currency=row.currency,
        amount=row.total_amount if isinstance(row, CreditMemo | DebitMemo) else row.amount,
        variant=variant,
    )
