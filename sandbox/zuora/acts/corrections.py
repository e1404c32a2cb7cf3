"""What corrects a posted invoice: a memo from it, its reversal, its write-off; these two a memo and its application.

The invoice keeps its amounts; only `reversed` and its balance tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.acts.credit_memos import NewCreditMemo, apply_credit_memo, draft_credit_memo, post_credit_memo
from sandbox.zuora.acts.debit_memos import NewDebitMemo, draft_debit_memo
from sandbox.zuora.acts.documents import tell
from sandbox.zuora.acts.invoices import RESOURCE
from sandbox.zuora.acts.lines import NewItem
from sandbox.zuora.acts.mirrors import mirror, scaled, share_of
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, check_settlement
from sandbox.zuora.money import rounded
from sandbox.zuora.objects import CreditMemo, DebitMemo, Invoice, InvoiceItem
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant


class ItemCredit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of one invoice item is credited, or charged again, without tax; its taxes follow in proportion."""

    invoice_item: str
    amount: Decimal


@dataclass(frozen=True)
class Correction:
    """An invoice after its correction, and the memo that corrected it."""

    invoice: Invoice
    credit_memo: CreditMemo


@act
def create_credit_memo_from_invoice(
    tenant: Tenant,
    *,
    invoice: str,
    items: list[ItemCredit] | None = None,
    memo_date: date | None = None,
    reason_code: str = "Correcting invoice error",
) -> CreditMemo:
    """Draft a credit memo that refers to a posted invoice and mirrors all of it, or the items that are named."""
    row = _posted(tenant, invoice)
    chosen, sources = _chosen(tenant, row, items)
    request = NewCreditMemo(
        account=row.account_id,
        items=chosen,
        invoice=row.id,
        currency=row.currency,
        memo_date=memo_date,
        reason_code=reason_code,
    )
    return draft_credit_memo(tenant, request, source_type="Invoice", sources=sources)


@act
def create_debit_memo_from_invoice(
    tenant: Tenant, *, invoice: str, items: list[ItemCredit] | None = None, memo_date: date | None = None
) -> DebitMemo:
    """Draft a debit memo that refers to a posted invoice and charges all of it again, or the items that are named."""
    row = _posted(tenant, invoice)
    chosen, sources = _chosen(tenant, row, items)
    request = NewDebitMemo(
        account=row.account_id, items=chosen, invoice=row.id, currency=row.currency, memo_date=memo_date
    )
    return draft_debit_memo(tenant, request, source_type="Invoice", sources=sources)


@act
def reverse_invoice(
    tenant: Tenant, *, invoice: str, memo_date: date | None = None, apply_effective_date: date | None = None
) -> Correction:
    """Reverse an unpaid posted invoice by a memo over all of it."""
    row = _posted(tenant, invoice)
    if row.reversed or row.balance != row.amount:
        raise broken_rule(
            f"Invoice {row.invoice_number} is reversed already, or something is applied to it", resource=RESOURCE
        )
    request = NewCreditMemo(
        account=row.account_id,
        items=mirror(tenant, row),
        invoice=row.id,
        currency=row.currency,
        memo_date=memo_date,
        reason_code="Invoice Reversal",
    )
    memo = _credit(tenant, row, request, apply_effective_date)
    reversed_invoice = tenant.change(row, reversed=True)
    tell(tenant, "reversed", reversed_invoice)
    return Correction(invoice=reversed_invoice, credit_memo=memo)


@act
def write_off_invoice(
    tenant: Tenant,
    *,
    invoice: str,
    memo_date: date | None = None,
    reason_code: str = "Write-off",
    revenue_impacting: str = "Yes",
) -> Correction:
    """Write off what is still open of a posted invoice by a memo over that balance."""
    row = _posted(tenant, invoice)
    if row.balance <= 0:
        raise broken_rule(f"Invoice {row.invoice_number} has no balance to write off", resource=RESOURCE)
    mirrored = mirror(tenant, row)
    request = NewCreditMemo(
        account=row.account_id,
        items=mirrored if row.balance == row.amount else scaled(mirrored, row.balance, row.currency),
        invoice=row.id,
        currency=row.currency,
        memo_date=memo_date,
        reason_code=reason_code,
        revenue_impacting=revenue_impacting,
    )
    memo = _credit(tenant, row, request, None)
    written_off = tenant.get(Invoice, row.id)
    tell(tenant, "written_off", written_off)
    return Correction(invoice=written_off, credit_memo=memo)


def _posted(tenant: Tenant, key: str) -> Invoice:
    check_settlement(tenant)
    invoice = tenant.get(Invoice, key)
    if invoice.status != "Posted" or invoice.amount <= 0:
        raise broken_rule(
            f"Invoice {invoice.invoice_number} is {invoice.status} over {invoice.amount}; "
            "only a Posted one above 0 can be corrected",
            resource=RESOURCE,
        )
    return invoice


def _credit(tenant: Tenant, invoice: Invoice, request: NewCreditMemo, day: date | None) -> CreditMemo:
    memo = draft_credit_memo(tenant, request, source_type="Invoice", sources=_items(tenant, invoice))
    post_credit_memo(tenant, credit_memo=memo.id)
    application = Application(invoice=invoice.id, amount=memo.total_amount)
    apply_credit_memo(tenant, credit_memo=memo.id, invoices=[application], effective_date=day or memo.memo_date)
    return tenant.get(CreditMemo, memo.id)


def _items(tenant: Tenant, invoice: Invoice) -> list[InvoiceItem]:
    return tenant.invoice_items.children("invoice_id", invoice.id)


def _chosen(
    tenant: Tenant, invoice: Invoice, credits_: Sequence[ItemCredit] | None
) -> tuple[list[NewItem], list[InvoiceItem]]:
    """Return the items of an invoice, or so much of those that are named, and the rows that they mirror."""
    mirrored, sources = mirror(tenant, invoice), _items(tenant, invoice)
    if credits_ is None:
        return mirrored, sources
    places = {row.id: place for place, row in enumerate(sources)}
    unknown = [credit.invoice_item for credit in credits_ if credit.invoice_item not in places]
    if unknown:
        raise invalid_value(f"{unknown[0]} is no item of {invoice.invoice_number}", resource=RESOURCE)
    chosen = [
        _item_share(mirrored[places[credit.invoice_item]], credit.amount, invoice.currency) for credit in credits_
    ]
    return chosen, [sources[places[credit.invoice_item]] for credit in credits_]


def _item_share(item: NewItem, amount: Decimal, currency: str) -> NewItem:
    if not 0 < amount <= item.charge_amount:
        raise broken_rule(f"Between 0 and {item.charge_amount} of this item can be credited", resource=RESOURCE)
    taxes = [rounded(tax.tax_amount * amount / item.charge_amount, currency) for tax in item.taxes]
    return msgspec.structs.replace(share_of(item, amount, taxes), quantity=Decimal(1), discounts=None)
