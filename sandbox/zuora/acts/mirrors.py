"""The items of a document as an act takes them: to be credited, charged again, split or written off.

Mirrored items carry the same codes, products, service dates and tax rows as what they mirror; where only a part of a
document is open, lines and taxes shrink so that they add up to it exactly.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from sandbox.zuora.acts.accounting import code_name
from sandbox.zuora.acts.item_rows import memo_items_of, taxes_of
from sandbox.zuora.acts.lines import NewItem, NewTax, type_name
from sandbox.zuora.money import ZERO, spread
from sandbox.zuora.objects import (
    CreditMemo,
    CreditMemoItem,
    DebitMemo,
    DebitMemoItem,
    Invoice,
    InvoiceItem,
    TaxationItem,
)
from sandbox.zuora.tenant import Tenant


def mirror(tenant: Tenant, invoice: Invoice) -> list[NewItem]:
    """Return the items of an invoice as an act takes them."""
    rows = tenant.invoice_items.children("invoice_id", invoice.id)
    places = {row.id: place for place, row in enumerate(rows)}
    return [_mirrored_item(tenant, row, places.get(row.applied_to_invoice_item_id or "")) for row in rows]


def _mirrored_item(tenant: Tenant, row: InvoiceItem, discounts: int | None) -> NewItem:
    taxes = tenant.taxation_items.children("invoice_item_id", row.id)
    return NewItem(
        charge_amount=row.charge_amount,
        charge_name=row.charge_name or "",
        charge_number=row.charge_number,
        description=row.description,
        discounts=discounts,
        processing_type=type_name(row.processing_type) or "Charge",
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


def mirror_memo(tenant: Tenant, memo: CreditMemo | DebitMemo) -> list[NewItem]:
    """Return the items of a memo as an act takes them, shrunk to what is open of it."""
    items = [_mirrored_memo_item(tenant, row) for row in memo_items_of(tenant, memo)]
    return items if memo.balance == memo.total_amount else scaled(items, memo.balance, memo.currency)


def _mirrored_memo_item(tenant: Tenant, row: CreditMemoItem | DebitMemoItem) -> NewItem:
    return NewItem(
        charge_amount=row.amount_without_tax,
        charge_name=row.charge_name or "",
        description=row.description,
        processing_type=type_name(row.processing_type) or "Charge",
        source_item_type="CreditMemoItem" if isinstance(row, CreditMemoItem) else "DebitMemoItem",
        sku=row.sku,
        service_start_date=row.service_start_date,
        service_end_date=row.service_end_date,
        tax_mode="TaxInclusive" if row.tax_mode == "TaxInclusive" else "TaxExclusive",
        taxes=[
            NewTax(
                tax_amount=tax.tax_amount,
                name=tax.name or "Tax",
                tax_code=tax.tax_code,
                jurisdiction=tax.jurisdiction,
                accounting_code=tax.accounting_code,
            )
            for tax in taxes_of(tenant, row)
        ],
        deferred_revenue_accounting_code=code_name(tenant, row.deferred_revenue_accounting_code_id),
        recognized_revenue_accounting_code=code_name(tenant, row.recognized_revenue_accounting_code_id),
    )


def scaled(items: Sequence[NewItem], total: Decimal, currency: str) -> list[NewItem]:
    """Return the items shrunk to a total; lines and taxes add up to it exactly."""
    weights = [amount for item in items for amount in (item.charge_amount, *(tax.tax_amount for tax in item.taxes))]
    shares = iter(spread(total, weights, currency))
    return [share_of(item, next(shares), [next(shares) for _ in item.taxes]) for item in items]


def share_of(item: NewItem, charge: Decimal, taxes: Sequence[Decimal]) -> NewItem:
    """Return an item with these amounts instead of its own."""
    shares = [
        msgspec.structs.replace(tax, tax_amount=amount, taxable_amount=charge, exempt_amount=ZERO)
        for tax, amount in zip(item.taxes, taxes, strict=True)
    ]
    return msgspec.structs.replace(item, charge_amount=charge, unit_price=None, taxes=shares)
