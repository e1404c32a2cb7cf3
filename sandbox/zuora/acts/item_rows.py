"""The rows that become of the items of a document and their taxes: put on it, found on it, taken off it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.zuora.acts.accounting import code_id, code_name
from sandbox.zuora.acts.accounts import keep_custom
from sandbox.zuora.acts.lines import RESOURCE, NewItem, NewTax, exempt_total, processing_type
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import (
    CreditMemo,
    CreditMemoItem,
    CreditTaxationItem,
    DebitMemo,
    DebitMemoItem,
    DebitTaxationItem,
    Invoice,
    InvoiceItem,
    TaxationItem,
)
from sandbox.zuora.refusal import invalid_value
from sandbox.zuora.tenant import Tenant

# What an act gives and every item carries, by the same name.
_SAME_ON_ALL = (
    "charge_name",
    "charge_number",
    "description",
    "exclude_item_billing_from_revenue_accounting",
    "product_rate_plan_charge_id",
    "quantity",
    "rate_plan_charge_id",
    "service_end_date",
    "service_start_date",
    "sku",
    "source_item_type",
    "subscription_id",
    "subscription_number",
    "tax_mode",
    "unit_of_measure",
)


def add_invoice_items(tenant: Tenant, invoice: Invoice, items: Sequence[NewItem]) -> None:
    """Put items and their taxes on an invoice."""
    rows: list[InvoiceItem] = []
    for item in items:
        rows.append(_add_invoice_item(tenant, invoice, item, _discounted(rows, item)))


def remove_items(tenant: Tenant, document: Invoice | CreditMemo | DebitMemo) -> None:
    """Take all items and their taxes off a document."""
    items: Sequence[InvoiceItem | CreditMemoItem | DebitMemoItem] = (
        tenant.invoice_items.children("invoice_id", document.id)
        if isinstance(document, Invoice)
        else memo_items_of(tenant, document)
    )
    for item in items:
        for tax in taxes_of(tenant, item):
            tenant.remove(tax)
        tenant.remove(item)


def memo_items_of(tenant: Tenant, memo: CreditMemo | DebitMemo) -> Sequence[CreditMemoItem | DebitMemoItem]:
    """Return the items of a memo."""
    if isinstance(memo, CreditMemo):
        return tenant.credit_memo_items.children("credit_memo_id", memo.id)
    return tenant.debit_memo_items.children("debit_memo_id", memo.id)


def taxes_of(
    tenant: Tenant, item: InvoiceItem | CreditMemoItem | DebitMemoItem
) -> Sequence[TaxationItem | CreditTaxationItem | DebitTaxationItem]:
    """Return the taxes of an item."""
    if isinstance(item, InvoiceItem):
        return tenant.taxation_items.children("invoice_item_id", item.id)
    if isinstance(item, CreditMemoItem):
        return tenant.credit_taxation_items.children("credit_memo_item_id", item.id)
    return tenant.debit_taxation_items.children("debit_memo_item_id", item.id)


def _discounted(rows: Sequence[InvoiceItem | CreditMemoItem | DebitMemoItem], item: NewItem) -> str | None:
    if item.discounts is None:
        return None
    if not 0 <= item.discounts < len(rows):
        raise invalid_value("A discount names the position of an item that stands before it", resource=RESOURCE)
    return rows[item.discounts].id


def _add_invoice_item(tenant: Tenant, invoice: Invoice, item: NewItem, discounted: str | None) -> InvoiceItem:
    codes = {
        f"{name}_id": code_id(tenant, getattr(item, name))
        for name in (
            "deferred_revenue_accounting_code",
            "recognized_revenue_accounting_code",
            "unbilled_receivables_accounting_code",
            "contract_asset_accounting_code",
            "contract_liability_accounting_code",
            "contract_recognized_revenue_accounting_code",
            "adjustment_liability_accounting_code",
            "adjustment_revenue_accounting_code",
        )
    }
    code_id(tenant, item.accounting_code)
    row = tenant.create(
        InvoiceItem,
        invoice_id=invoice.id,
        account_id=invoice.account_id,
        charge_amount=item.charge_amount,
        tax_amount=item.tax_amount,
        tax_exempt_amount=exempt_total([item]),
        accounting_code=item.accounting_code,
        account_receivable_accounting_code_id=_receivable(tenant, item),
        applied_to_invoice_item_id=discounted,
        booking_reference=item.booking_reference,
        charge_date=invoice.created_date,
        processing_type=processing_type(tenant, item.processing_type),
        rev_rec_code=item.rev_rec_code,
        subscription_owner_id=invoice.account_id,
        tax_code=item.tax_code,
        unit_price=_unit_price(item),
        custom=keep_custom(tenant, "InvoiceItem", item.custom),
        **codes,
        purchase_order_number=item.purchase_order_number,
        revenue_recognition_rule_name=item.revenue_recognition_rule_name,
        **{name: getattr(item, name) for name in _SAME_ON_ALL},
    )
    for tax in item.taxes:
        tenant.create(
            TaxationItem,
            invoice_item_id=row.id,
            tax_amount_unrounded=tax.tax_amount,
            credit_amount=ZERO,
            payment_amount=ZERO,
            country_code=tax.country_code,
            customer_code=tax.customer_code,
            exempt_certificate=tax.exempt_certificate,
            seller_registration=tax.seller_registration,
            **_tax_fields(tenant, item, tax, day=invoice.invoice_date),
        )
    return row


def add_memo_items(
    tenant: Tenant, memo: CreditMemo | DebitMemo, items: Sequence[NewItem], *, sources: Sequence[InvoiceItem] = ()
) -> None:
    """Put items and their taxes on a memo; the sources are the invoice items that they mirror, one for each."""
    origins: list[InvoiceItem | None] = list(sources) or [None for _ in items]
    rows: list[CreditMemoItem | DebitMemoItem] = []
    for item, origin in zip(items, origins, strict=True):
        discounted = _discounted(rows, item)
        if isinstance(memo, CreditMemo):
            rows.append(_add_credit_memo_item(tenant, memo, item, origin=origin, discounted=discounted))
        else:
            rows.append(_add_debit_memo_item(tenant, memo, item, origin=origin, discounted=discounted))


def _add_credit_memo_item(
    tenant: Tenant, memo: CreditMemo, item: NewItem, *, origin: InvoiceItem | None, discounted: str | None
) -> CreditMemoItem:
    row = tenant.create(
        CreditMemoItem,
        credit_memo_id=memo.id,
        unapplied_amount=item.charge_amount + item.tax_amount,
        non_revenue_write_off_accounting_code_id=code_id(
            tenant,
            item.non_revenue_write_off_accounting_code,
            otherwise="BadDebt" if memo.revenue_impacting == "No" else None,
        ),
        on_account_accounting_code_id=code_id(tenant, item.on_account_accounting_code, otherwise="OnAccountReceivable"),
        credit_from_item_id=origin.id if origin else None,
        credit_from_item_source="InvoiceItem" if origin else None,
        purchase_order_number=item.purchase_order_number,
        revenue_impacting=memo.revenue_impacting,
        revenue_recognition_rule_name=item.revenue_recognition_rule_name,
        custom=keep_custom(tenant, "CreditMemoItem", item.custom),
        **_memo_item(tenant, memo, item, origin=origin, discounted=discounted),
    )
    taxed = list(tenant.taxation_items.children("invoice_item_id", origin.id)) if origin else []
    for place, tax in enumerate(item.taxes):
        tenant.create(
            CreditTaxationItem,
            credit_memo_item_id=row.id,
            taxation_item_id=taxed[place].id if place < len(taxed) else None,
            applied_amount=ZERO,
            refund_amount=ZERO,
            unapplied_amount=tax.tax_amount,
            on_account_accounting_code_id=row.on_account_accounting_code_id,
            **_tax_fields(tenant, item, tax, day=memo.memo_date),
        )
    return row


def _add_debit_memo_item(
    tenant: Tenant, memo: DebitMemo, item: NewItem, *, origin: InvoiceItem | None, discounted: str | None
) -> DebitMemoItem:
    row = tenant.create(
        DebitMemoItem,
        debit_memo_id=memo.id,
        balance=item.charge_amount + item.tax_amount,
        custom=keep_custom(tenant, "DebitMemoItem", item.custom),
        **_memo_item(tenant, memo, item, origin=origin, discounted=discounted),
    )
    for tax in item.taxes:
        tenant.create(
            DebitTaxationItem,
            debit_memo_item_id=row.id,
            balance=tax.tax_amount,
            credit_amount=ZERO,
            payment_amount=ZERO,
            **_tax_fields(tenant, item, tax, day=memo.memo_date),
        )
    return row


def _memo_item(
    tenant: Tenant, memo: CreditMemo | DebitMemo, item: NewItem, *, origin: InvoiceItem | None, discounted: str | None
) -> dict[str, Any]:
    """Return what the items of both memos share."""
    inclusive = item.tax_mode == "TaxInclusive"
    return {
        "amount": item.charge_amount + item.tax_amount if inclusive else item.charge_amount,
        "amount_without_tax": item.charge_amount,
        "tax_amount": item.tax_amount,
        "tax_exempt_amount": exempt_total([item]),
        "account_receivable_accounting_code_id": _receivable(tenant, item),
        "deferred_revenue_accounting_code_id": code_id(tenant, item.deferred_revenue_accounting_code),
        "recognized_revenue_accounting_code_id": code_id(
            tenant, item.recognized_revenue_accounting_code or item.accounting_code, otherwise="SalesRevenue"
        ),
        "applied_to_item_id": discounted,
        "charge_date": memo.created_date,
        "invoice_item_id": origin.id if origin else None,
        "processing_type": processing_type(tenant, item.processing_type),
        "subscription_owner_id": memo.account_id,
        "tax_code_name": item.tax_code,
        "unit_price": _unit_price(item),
        **{name: getattr(item, name) for name in _SAME_ON_ALL},
    }


def _unit_price(item: NewItem) -> Decimal | None:
    return item.charge_amount if item.unit_price is None and item.quantity == 1 else item.unit_price


def _receivable(tenant: Tenant, item: NewItem) -> str | None:
    return code_id(tenant, item.account_receivable_accounting_code, otherwise="AccountsReceivable")


def _tax_fields(tenant: Tenant, item: NewItem, tax: NewTax, *, day: date) -> dict[str, Any]:
    payable = code_id(tenant, tax.accounting_code, otherwise="SalesTaxPayable")
    return {
        "tax_amount": tax.tax_amount,
        "name": tax.name,
        "tax_code": tax.tax_code or item.tax_code,
        "tax_code_description": tax.tax_code_description,
        "tax_date": day,
        "tax_mode": item.tax_mode,
        "tax_rate": tax.tax_rate,
        "tax_rate_description": tax.tax_rate_description,
        "tax_rate_type": tax.tax_rate_type,
        "jurisdiction": tax.jurisdiction,
        "location_code": tax.location_code,
        "taxable_amount": item.charge_amount if tax.taxable_amount is None else tax.taxable_amount,
        "exempt_amount": tax.exempt_amount,
        "accounting_code": code_name(tenant, payable),
        "account_receivable_accounting_code_id": _receivable(tenant, item),
        "sales_tax_payable_accounting_code_id": payable,
    }
