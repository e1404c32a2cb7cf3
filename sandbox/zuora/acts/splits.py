"""A Draft invoice split into several: it stays to be read as Split, and only its results can be posted."""

from collections.abc import Sequence
from decimal import Decimal

from sandbox.zuora.acts.documents import in_status
from sandbox.zuora.acts.invoices import RESOURCE, NewInvoice, draft_invoice
from sandbox.zuora.acts.lines import NewItem
from sandbox.zuora.acts.mirrors import mirror, share_of
from sandbox.zuora.acts.registry import act
from sandbox.zuora.money import ZERO, spread
from sandbox.zuora.objects import Invoice
from sandbox.zuora.refusal import invalid_value
from sandbox.zuora.tenant import Tenant


@act
def split_invoice(tenant: Tenant, *, invoice: str, percentages: list[Decimal]) -> list[Invoice]:
    """Split a Draft by percentages that come to 100; each result is a Draft with its share of every item and tax."""
    draft = in_status(tenant, Invoice, invoice, "Draft", resource=RESOURCE)
    if len(percentages) < 2 or sum(percentages, ZERO) != 100 or min(percentages) <= 0:
        raise invalid_value("Percentages are two or more, above 0, and come to 100", resource=RESOURCE)
    shares = [_shares(item, percentages, draft.currency) for item in mirror(tenant, draft)]
    results = []
    for place in range(len(percentages)):
        request = NewInvoice(
            account=draft.account_id,
            items=[share[place] for share in shares],
            invoice_date=draft.invoice_date,
            due_date=draft.due_date,
            currency=draft.currency,
        )
        results.append(tenant.change(draft_invoice(tenant, request, bill_run=None), is_split=True))
    tenant.change(draft, status="Split", balance=ZERO, is_split=True)
    return results


def _shares(item: NewItem, percentages: Sequence[Decimal], currency: str) -> list[NewItem]:
    charges = spread(item.charge_amount, percentages, currency)
    taxes = [spread(tax.tax_amount, percentages, currency) for tax in item.taxes]
    return [share_of(item, charge, [parts[place] for parts in taxes]) for place, charge in enumerate(charges)]
