"""What stands on invoices and credit memos: charges of the usual kinds, discounts, and the tax of each place.

Amounts are drawn in whole minor units of their currency; tax is reckoned per line and rounded as Zuora does.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import msgspec

from sandbox.world.chart import ANNUAL, DEFERRED, PASSED_ON, SERVICES, SETUP, SUBSCRIPTION, USAGE
from sandbox.world.mapping import DATA_INTERFACE_SKU
from sandbox.world.population import Account
from sandbox.world.sites import Fact, Month, Site
from sandbox.zuora.acts import NewItem, NewTax
from sandbox.zuora.money import minor_unit, rounded

# How much of a currency is about one euro or dollar: prices look at home everywhere.
_WORTH = {"JPY": Decimal(160), "KWD": Decimal("0.33"), "BHD": Decimal("0.41"), "GBP": Decimal("0.86")}
_PRODUCTS = ("Core Platform", "Fleet Insight", "Plant Monitor", "Document Vault", "Field Service", "Energy Desk")


class Rate(Fact, frozen=True, kw_only=True):
    """A tax that is due on a line.

    Attributes:
        code: Tax code.
        name: What it is called.
        jurisdiction: Who levies it.
        percent: Its rate; 0 for exempt and reverse-charged lines, which still show a row.
        inclusive: The price holds the tax.
        description: Why nothing is due.
    """

    code: str
    name: str
    jurisdiction: str
    percent: Decimal
    inclusive: bool = False
    description: str | None = None


_REVERSE_CHARGE = {"FR", "ES", "PL", "GR", "BG"}
_BY_COUNTRY = {
    "DE": Rate(code="VATDE", name="Umsatzsteuer", jurisdiction="GERMANY", percent=Decimal(19)),
    "GB": Rate(code="VATGB", name="VAT", jurisdiction="UNITED KINGDOM", percent=Decimal(20)),
    "JP": Rate(code="JCT", name="消費税", jurisdiction="JAPAN", percent=Decimal(10), inclusive=True),
}
# State, county and city by state; Oregon has no sales tax.
_BY_STATE = {
    "CA": (("CALIFORNIA", "6.0"), ("ALAMEDA COUNTY", "0.25"), ("OAKLAND", "1.5")),
    "NY": (("NEW YORK", "4.0"), ("ALBANY COUNTY", "4.0")),
    "TX": (("TEXAS", "6.25"), ("TRAVIS COUNTY", "1.0"), ("AUSTIN", "1.0")),
    "WA": (("WASHINGTON", "6.5"), ("KING COUNTY", "3.7")),
    "OR": (),
}


def rates_for(site: Site, account: Account) -> tuple[Rate, ...]:
    """Return the taxes that a site charges an account."""
    if account.country == "US":
        return tuple(
            Rate(code="SALESTAX", name="Sales Tax", jurisdiction=jurisdiction, percent=Decimal(percent))
            for jurisdiction, percent in _BY_STATE[account.state]
        )
    if site.home == "DE":
        if account.country in _BY_COUNTRY:
            return (_BY_COUNTRY[account.country],)
        why = "Reverse charge" if account.country in _REVERSE_CHARGE else "Export"
        code = "EURC" if account.country in _REVERSE_CHARGE else "EXPORT"
        return (Rate(code=code, name=why, jurisdiction=account.country, percent=Decimal(0), description=why),)
    return (Rate(code="EXPORT", name="Export", jurisdiction=account.country, percent=Decimal(0), description="Export"),)


def priced(amount: str | int, account: Account) -> Decimal:
    """Return an amount in euro or dollar as one in the account's currency, in whole minor units."""
    return rounded(Decimal(amount) * _WORTH.get(account.currency, Decimal(1)), account.currency)


def drawn_price(draw: Random, account: Account, *, least: int, most: int) -> Decimal:
    """Return a price between two amounts of euro or dollar, in minor units of the account's currency."""
    unit = minor_unit(account.currency)
    worth = _WORTH.get(account.currency, Decimal(1))
    return draw.randint(int(least * worth / unit), int(most * worth / unit)) * unit


def subscription(amount: Decimal, month: Month, *, product: str = "Core Platform") -> NewItem:
    """Return a month of a subscription, billed in advance."""
    return NewItem(
        charge_amount=amount,
        charge_name=f"{product}, monthly",
        sku=product.upper().replace(" ", "-"),
        accounting_code=SUBSCRIPTION,
        deferred_revenue_accounting_code=DEFERRED,
        service_start_date=month.first,
        service_end_date=month.last,
    )


def annual_plan(amount: Decimal, month: Month, *, product: str = "Plant Monitor") -> NewItem:
    """Return a year of a subscription, paid in advance: it is deferred."""
    return NewItem(
        charge_amount=amount,
        charge_name=f"{product}, annual prepaid",
        sku=product.upper().replace(" ", "-"),
        accounting_code=ANNUAL,
        deferred_revenue_accounting_code=DEFERRED,
        service_start_date=month.first,
        service_end_date=month.first.replace(year=month.first.year + 1) - timedelta(days=1),
    )


def usage(amount: Decimal, month: Month, *, units: Decimal, sku: str = "METER") -> NewItem:
    """Return last month's usage, billed in arrears."""
    last = month.first - timedelta(days=1)
    return NewItem(
        charge_amount=amount,
        charge_name="Usage" if sku != DATA_INTERFACE_SKU else "Data interface, calls",
        sku=sku,
        accounting_code=USAGE,
        quantity=units,
        # A unit price has more decimals than the currency.
        unit_price=(amount / units).quantize(Decimal("0.00000001")),
        unit_of_measure="MWh" if sku != DATA_INTERFACE_SKU else "Calls",
        service_start_date=last.replace(day=1),
        service_end_date=last,
    )


def services(amount: Decimal, day: date, *, name: str = "Consulting day") -> NewItem:
    """Return a service that was rendered once."""
    return NewItem(
        charge_amount=amount,
        charge_name=name,
        accounting_code=SERVICES,
        service_start_date=day,
        service_end_date=day,
    )


def set_up_fee(amount: Decimal, day: date) -> NewItem:
    """Return a one-time fee."""
    return NewItem(
        charge_amount=amount,
        charge_name="Set-up fee",
        accounting_code=SETUP,
        service_start_date=day,
        service_end_date=day,
    )


def passed_on(amount: Decimal, day: date) -> NewItem:
    """Return a cost that is passed on, which Zuora excludes from revenue accounting."""
    return NewItem(
        charge_amount=amount,
        charge_name="Courier, at cost",
        accounting_code=PASSED_ON,
        exclude_item_billing_from_revenue_accounting=True,
        service_start_date=day,
        service_end_date=day,
    )


def trial(month: Month) -> NewItem:
    """Return a line of zero: a product that is tried out."""
    item = subscription(Decimal(0), month, product="Energy Desk")
    return msgspec.structs.replace(item, charge_name="Energy Desk, free trial")


def discount(items: list[NewItem], position: int, percent: int, currency: str) -> NewItem:
    """Return the discount line on the item at a position."""
    item = items[position]
    return msgspec.structs.replace(
        item,
        charge_amount=-rounded(item.charge_amount * percent / 100, currency),
        charge_name=f"Discount {percent} %",
        processing_type="Discount",
        discounts=position,
    )


def taxed(items: Iterable[NewItem], rates: tuple[Rate, ...], account: Account) -> list[NewItem]:
    """Return the items with the taxes that are due on them; where a price holds its tax, it is taken out."""
    return [_taxed(item, rates, account) for item in items]


def _taxed(item: NewItem, rates: tuple[Rate, ...], account: Account) -> NewItem:
    inclusive = any(rate.inclusive for rate in rates)
    net = item.charge_amount
    if inclusive:
        whole = Decimal(100) + sum((rate.percent for rate in rates), Decimal(0))
        net = rounded(item.charge_amount * 100 / whole, account.currency)
    taxes = []
    for rate in rates:
        due = item.charge_amount - net if rate.inclusive else rounded(net * rate.percent / 100, account.currency)
        taxes.append(_tax(rate, net, Decimal(0) if account.is_exempt else due, is_exempt=account.is_exempt))
    return msgspec.structs.replace(
        item,
        charge_amount=net,
        taxes=taxes,
        tax_code=rates[0].code if rates else None,
        tax_mode="TaxInclusive" if inclusive else "TaxExclusive",
    )


def total_of(items: Iterable[NewItem]) -> Decimal:
    """Return what items come to with their taxes."""
    return sum((item.charge_amount + sum(tax.tax_amount for tax in item.taxes) for item in items), Decimal(0))


def _tax(rate: Rate, net: Decimal, due: Decimal, *, is_exempt: bool) -> NewTax:
    return NewTax(
        tax_amount=due,
        name=rate.name,
        tax_code=rate.code,
        tax_rate=rate.percent / 100,
        tax_rate_description=rate.description,
        jurisdiction=rate.jurisdiction,
        taxable_amount=net,
        exempt_amount=net if is_exempt else Decimal(0),
        exempt_certificate="CERT-0042" if is_exempt else None,
    )


def product_for(draw: Random) -> str:
    """Return the name of a product."""
    return draw.choice(_PRODUCTS)
