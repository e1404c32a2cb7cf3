"""What becomes of the e-invoice of a document: an authority answers when it likes, and nobody touches the document."""

from sandbox.zuora.acts.registry import act
from sandbox.zuora.objects import CreditMemo, DebitMemo, Invoice
from sandbox.zuora.refusal import broken_rule, not_found
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_400


@act
def set_e_invoice(tenant: Tenant, *, document: str, status: str) -> Invoice | CreditMemo | DebitMemo:
    """Set the e-invoice status of a posted document; the tenant's switches say whether that moves its update stamp."""
    tables = (tenant.tables[kind] for kind in (Invoice, CreditMemo, DebitMemo))
    row: Invoice | CreditMemo | DebitMemo | None = next(
        (found for table in tables if (found := table.find(document)) is not None), None
    )
    if row is None:
        raise not_found(document)
    if row.status != "Posted":
        told = f"{tenant.number_of(row)} is {row.status}: e-invoices are made of what is posted"
        raise broken_rule(told, resource=RESOURCE)
    return tenant.change(row, silently=not tenant.settings.e_invoice_moves_document, e_invoice_status=status)
