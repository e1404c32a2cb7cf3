"""What stands on a document: its items and their taxes as an act takes them.

Amounts without tax are called `charge_amount` on every document here; the invoice item carries it under that name, a
memo item as `amount`, which holds the tax as well when the mode is TaxInclusive.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from sandbox.zuora.money import ZERO
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
