"""What corrects a posted invoice: a memo from it, its reversal, its write-off; these two a memo and its application.

The invoice keeps its amounts; only `reversed` and its balance tell. Mirrored items carry the same codes, products,
service dates and tax rows as what they credit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.acts.accounting import code_name
from sandbox.zuora.acts.credit_memos import NewCreditMemo, apply_credit_memo, draft_credit_memo, post_credit_memo
from sandbox.zuora.acts.debit_memos import NewDebitMemo, draft_debit_memo
from sandbox.zuora.acts.invoices import RESOURCE, tell
from sandbox.zuora.acts.lines import PROCESSING_TYPES, NewItem, NewTax
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, check_settlement
from sandbox.zuora.money import rounded, spread
from sandbox.zuora.objects import CreditMemo, DebitMemo, Invoice, InvoiceItem, TaxationItem
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

_TYPE_NAMES = {code: name for name, code in PROCESSING_TYPES.items()}


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
    chosen, sources = mirror(tenant, row), _items(tenant, row)
    if items is not None:
        chosen, sources = _partly(row, sources, chosen, items)
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
    chosen, sources = mirror(tenant, row), _items(tenant, row)
    if items is not None:
        chosen, sources = _partly(row, sources, chosen, items)
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
        items=mirrored if row.balance == row.amount else _scaled(mirrored, row),
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


def mirror(tenant: Tenant, invoice: Invoice) -> list[NewItem]:
    """Return the items of an invoice as an act takes them."""
    rows = _items(tenant, invoice)
    places = {row.id: place for place, row in enumerate(rows)}
    return [_mirrored_item(tenant, row, places.get(row.applied_to_invoice_item_id or "")) for row in rows]


def _mirrored_item(tenant: Tenant, row: InvoiceItem, discounts: int | None) -> NewItem:
    taxes = tenant.taxation_items.children("invoice_item_id", row.id)
    kind = row.processing_type or "Charge"
    return NewItem(
        charge_amount=row.charge_amount,
        charge_name=row.charge_name or "",
        charge_number=row.charge_number,
        description=row.description,
        discounts=discounts,
        processing_type=_TYPE_NAMES.get(kind, kind),
        source_item_type="InvoiceDetail",
        quantity=row.quantity or Decimal(1),
        unit_price=row.unit_price,
        unit_of_measure=row.unit_of_measure,
        sku=row.sku,
        service_start_date=row.service_start_date,
        service_end_date=row.service_end_date,
        subscription_id=row.subscription_id,
        subscription_number=row.subscription_number,
        rate_plan_charge_id=row.rate_plan_charge_id,
        product_rate_plan_charge_id=row.product_rate_plan_charge_id,
        purchase_order_number=row.purchase_order_number,
        tax_code=row.tax_code,
        tax_mode="TaxInclusive" if row.tax_mode == "TaxInclusive" else "TaxExclusive",
        taxes=[_mirrored_tax(row_tax) for row_tax in taxes],
        exclude_item_billing_from_revenue_accounting=bool(row.exclude_item_billing_from_revenue_accounting),
        accounting_code=row.accounting_code,
        account_receivable_accounting_code=code_name(tenant, row.account_receivable_accounting_code_id),
        deferred_revenue_accounting_code=code_name(tenant, row.deferred_revenue_accounting_code_id),
        recognized_revenue_accounting_code=code_name(tenant, row.recognized_revenue_accounting_code_id),
        revenue_recognition_rule_name=row.revenue_recognition_rule_name,
    )


def _mirrored_tax(row: TaxationItem) -> NewTax:
    return NewTax(
        tax_amount=row.tax_amount,
        name=row.name or "Tax",
        tax_code=row.tax_code,
        tax_code_description=row.tax_code_description,
        tax_rate=row.tax_rate or Decimal(0),
        tax_rate_type="FlatFee" if row.tax_rate_type == "FlatFee" else "Percentage",
        tax_rate_description=row.tax_rate_description,
        jurisdiction=row.jurisdiction,
        location_code=row.location_code,
        taxable_amount=row.taxable_amount,
        exempt_amount=row.exempt_amount or Decimal(0),
        accounting_code=row.accounting_code,
    )


def _partly(
    invoice: Invoice, sources: Sequence[InvoiceItem], mirrored: Sequence[NewItem], credits_: Sequence[ItemCredit]
) -> tuple[list[NewItem], list[InvoiceItem]]:
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
    taxes = [
        msgspec.structs.replace(
            tax,
            tax_amount=rounded(tax.tax_amount * amount / item.charge_amount, currency),
            taxable_amount=amount,
            exempt_amount=Decimal(0),
        )
        for tax in item.taxes
    ]
    share = {"charge_amount": amount, "unit_price": None, "quantity": Decimal(1), "taxes": taxes, "discounts": None}
    return msgspec.structs.replace(item, **share)


def _scaled(items: Sequence[NewItem], invoice: Invoice) -> list[NewItem]:
    """Return the items shrunk to the invoice's balance; lines and taxes add up to it exactly."""
    weights = [amount for item in items for amount in (item.charge_amount, *(tax.tax_amount for tax in item.taxes))]
    shares = iter(spread(invoice.balance, weights, invoice.currency))
    scaled = []
    for item in items:
        charge = next(shares)
        taxes = [
            msgspec.structs.replace(tax, tax_amount=next(shares), taxable_amount=charge, exempt_amount=Decimal(0))
            for tax in item.taxes
        ]
        scaled.append(msgspec.structs.replace(item, charge_amount=charge, unit_price=None, taxes=taxes))
    return scaled
