"""What stands on a document: its items and their taxes as an act takes them, and the rows that become of them.

Amounts without tax are called `charge_amount` on every document here; the invoice item carries it under that name, a
memo item as `amount`, which holds the tax as well when the mode is TaxInclusive.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec

from sandbox.zuora.acts.accounting import code_id, code_name
from sandbox.zuora.acts.accounts import keep_custom
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

RESOURCE = 587_310

# Codes 0 to 3 are documented for the older item objects; the others continue the order of the enumeration.
PROCESSING_TYPES = {
    "Charge": "0",
    "Discount": "1",
    "Prepayment": "2",
    "Tax": "3",
    "Rounding": "4",
    "Surcharge": "5",
    "CommitmentTrueUp": "6",
    "PrepaymentBilling": "7",
    "PrepaymentApplication": "8",
}
_TYPE_NAMES = {code: name for name, code in PROCESSING_TYPES.items()}


class NewTax(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tax on an item; the taxable amount is the item's unless given."""

    tax_amount: Decimal
    name: str = "Tax"
    tax_code: str | None = None
    tax_code_description: str | None = None
    tax_rate: Decimal = Decimal(0)
    tax_rate_type: Literal["Percentage", "FlatFee"] = "Percentage"
    tax_rate_description: str | None = None
    jurisdiction: str | None = None
    location_code: str | None = None
    country_code: str | None = None
    taxable_amount: Decimal | None = None
    exempt_amount: Decimal = Decimal(0)
    exempt_certificate: str | None = None
    customer_code: str | None = None
    seller_registration: str | None = None
    accounting_code: str | None = None


class NewItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One item of a document.

    Attributes:
        charge_amount: Amount without tax; negative on discounts.
        discounts: On a discount line, the position (from 0) of the item that it lowers.
        accounting_code: Name of the code, as all other `..._accounting_code` fields; it must exist.
        processing_type: Name of Zuora's processing type.
        custom: Custom fields as the tenant named them.
    """

    charge_amount: Decimal
    charge_name: str = "Subscription"
    charge_number: str | None = None
    description: str | None = None
    discounts: int | None = None
    processing_type: str = "Charge"
    source_item_type: str = "SubscriptionComponent"
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None
    unit_of_measure: str | None = None
    sku: str | None = None
    service_start_date: date | None = None
    service_end_date: date | None = None
    subscription_id: str | None = None
    subscription_number: str | None = None
    rate_plan_charge_id: str | None = None
    product_rate_plan_charge_id: str | None = None
    purchase_order_number: str | None = None
    booking_reference: str | None = None
    tax_code: str | None = None
    tax_mode: Literal["TaxExclusive", "TaxInclusive"] = "TaxExclusive"
    taxes: list[NewTax] = []
    exclude_item_billing_from_revenue_accounting: bool = False
    accounting_code: str | None = None
    account_receivable_accounting_code: str | None = None
    deferred_revenue_accounting_code: str | None = None
    recognized_revenue_accounting_code: str | None = None
    unbilled_receivables_accounting_code: str | None = None
    contract_asset_accounting_code: str | None = None
    contract_liability_accounting_code: str | None = None
    contract_recognized_revenue_accounting_code: str | None = None
    adjustment_liability_accounting_code: str | None = None
    adjustment_revenue_accounting_code: str | None = None
    on_account_accounting_code: str | None = None
    non_revenue_write_off_accounting_code: str | None = None
    revenue_recognition_rule_name: str | None = None
    rev_rec_code: str | None = None
    custom: dict[str, str] = {}

    @property
    def tax_amount(self) -> Decimal:
        """Return the sum of the taxes."""
        return sum((tax.tax_amount for tax in self.taxes), ZERO)


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


def totals(items: Sequence[NewItem]) -> tuple[Decimal, Decimal]:
    """Return the sums without tax and of tax."""
    return sum((item.charge_amount for item in items), ZERO), sum((item.tax_amount for item in items), ZERO)


def exempt_total(items: Sequence[NewItem]) -> Decimal:
    """Return the sum of what the taxes do not cover."""
    return sum((tax.exempt_amount for item in items for tax in item.taxes), ZERO)


def processing_type(tenant: Tenant, name: str) -> str:
    """Return how Object Query writes a processing type in this tenant."""
    if name not in PROCESSING_TYPES:
        raise invalid_value(f"Invalid processing type: {name}", resource=RESOURCE)
    return PROCESSING_TYPES[name] if tenant.settings.processing_type == "code" else name


def type_name(written: str | None) -> str | None:
    """Return the name of a processing type, whichever way the tenant writes it."""
    return _TYPE_NAMES.get(written or "", written)


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
