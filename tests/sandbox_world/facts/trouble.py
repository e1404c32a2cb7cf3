"""What parks, waits, or is not ours."""

from datetime import date
from decimal import Decimal

from sandbox.qad.books.master import Catalogue
from sandbox.world import CUT_OVER
from sandbox.world.chart import forgotten_yen_rate
from tests.sandbox_world.facts.asking import (
    account_of,
    customer_of,
    day,
    fact,
    invoice_of,
    posted_rows,
    qad_of,
    rows_of,
)


@fact("no_customer", "no_customer_payment")
def _(told, site, case):
    for row in posted_rows(site, case):
        number = account_of(site, row)
        new = next(one for one in told.world.sites[site.name].zuora().accounts if one.account_number == number)
        assert not new.custom
        customers = qad_of(told, site).shared_sets[0].customers
        assert number not in {one.custom_short_0 for one in customers}
        assert customer_of(told, site, row).is_active, "there is one to link it to"


@fact("no_accounting_code")
def _(told, site, case):
    assert all(not item.get("accountingCode") for item in invoice_of(site, case)["invoiceItems"])


@fact("all_zero")
def _(told, site, case):
    assert all(item["chargeAmount"] == 0 == item["taxAmount"] for item in invoice_of(site, case)["invoiceItems"])


@fact("zero_total")
def _(told, site, case):
    row = invoice_of(site, case)
    assert row["amount"] == 0
    assert all(item["chargeAmount"] for item in row["invoiceItems"])


@fact("next_month", "closed_period")
def _(told, site, case):
    when = day(invoice_of(site, case), "invoiceDate")
    assert when >= CUT_OVER
    assert when.month == (12 if case.name == "next_month" else 10)
    period = told.world.sites[site.name].site.fiscal_period_of(when).period
    assert period in site.closed_periods
    assert case.fix.arguments["period"] == period


@fact("opening_not_loaded")
def _(told, site, case):
    row = invoice_of(site, case)
    assert day(row, "invoiceDate") < CUT_OVER
    assert row["balance"] == 0
    assert case.documents[0] not in {one["content"].get("reference") for one in site.qad_documents}


@fact("payment_of_the_unloaded", "paid_while_parked")
def _(told, site, case):
    [applied] = rows_of(site, case.documents[0])
    assert applied["invoiceId"] == site.invoices[case.partners[0]]["id"]
    held = site.cases[case.follows]
    assert held.documents == case.partners
    assert held.fate == "parked"


@fact("foreign_credit_note")
def _(told, site, case):
    year, daybook, voucher = case.documents[0].split("/")
    [found] = [
        one
        for one in site.qad_documents
        if (one["key"]["posting_year"], one["key"]["daybook_code"], one["key"]["voucher"])
        == (int(year), daybook, int(voucher))
    ]
    assert daybook == "ZCRN"
    assert found["content"]["custom_short_0"] == ""
    assert found["content"]["original_amount"] == case.amount
    assert found["created_by"] != "connector"


@fact("inactive_customer")
def _(told, site, case):
    assert not customer_of(told, site, invoice_of(site, case)).is_active


@fact("customer_on_hold")
def _(told, site, case):
    customer = customer_of(told, site, invoice_of(site, case))
    assert customer.is_active
    assert customer.is_locked_credit_limit


@fact("wrong_customer_field")
def _(told, site, case):
    row = invoice_of(site, case)
    facts = told.world.sites[site.name]
    account = next(one for one in facts.population.accounts if one.number == account_of(site, row))
    named = next(one for one in facts.population.customers if one.code == account.field_text)
    assert named.currency != row["currency"] == customer_of(told, site, row).currency_code
    assert not facts.site.other_currency


@fact("unmapped_code")
def _(told, site, case):
    assert {item["accountingCode"] for item in invoice_of(site, case)["invoiceItems"]} == {"Schulungserlöse"}


@fact("no_deferral_rule")
def _(told, site, case):
    [item] = invoice_of(site, case)["invoiceItems"]
    assert item["accountingCode"] == "Support Revenue"
    assert "deferredRevenueAccountingCodeId" not in item
    assert day(item, "serviceEndDate") > date(2026, 11, 30)


@fact("no_deferred_code")
def _(told, site, case):
    [item] = invoice_of(site, case)["invoiceItems"]
    assert item["accountingCode"] == "Subscription Revenue"
    assert "deferredRevenueAccountingCodeId" not in item
    assert day(item, "serviceEndDate") > date(2026, 11, 30)


@fact("bad_amount")
def _(told, site, case):
    row = invoice_of(site, case)
    assert row["amount"] == Decimal(20)
    assert all(Decimal(item["chargeAmount"]) % Decimal("0.01") for item in row["invoiceItems"])


@fact("unknown_currency")
def _(told, site, case):
    known = {one.currency_code for one in qad_of(told, site).currencies}
    assert invoice_of(site, case)["currency"] not in known


@fact("other_decimals")
def _(told, site, case):
    row = invoice_of(site, case)
    [currency] = [one for one in qad_of(told, site).currencies if one.currency_code == row["currency"]]
    assert currency.decimals == 2
    assert Decimal(row["amount"]) % Decimal("0.01")
    assert customer_of(told, site, row).currency_code == row["currency"]


@fact("rate_missing")
def _(told, site, case):
    row, world = invoice_of(site, case), qad_of(told, site)
    catalogue, when = Catalogue(world.shared_sets[0]), day(row, "invoiceDate")
    assert catalogue.rate(row["currency"], "EUR", when) is None
    catalogue.add_rate(forgotten_yen_rate())
    assert catalogue.rate(row["currency"], "EUR", when) is not None


@fact("payment_without_account")
def _(told, site, case):
    [row] = posted_rows(site, case)
    assert "accountId" not in row
    assert row["unappliedAmount"] == row["amount"]


@fact("inactive_gl_account")
def _(told, site, case):
    assert [item["accountingCode"] for item in invoice_of(site, case)["invoiceItems"]] == ["Hardware Revenue"]
    assert "4400" in site.inactive_accounts


@fact("unmapped_gateway")
def _(told, site, case):
    [row] = posted_rows(site, case)
    assert row["gateway"] == "Wallet Pay"
    assert row["appliedAmount"] == row["amount"]
