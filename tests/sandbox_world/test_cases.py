"""Every declared case is what it says it is, by Zuora's own books, Zuora's chronicle, and QAD's.

A fact is a function of a site and a case; a case without one fails.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.qad.books.master import Catalogue
from sandbox.world import CUT_OVER
from sandbox.world.chart import forgotten_yen_rate

STREAMS = Path(__file__).resolve().parents[2] / "streams"
SOURCES_OF_RULES = (
    "match/reasons.py",
    "match/rules.py",
    "ledger/stopping/reasons.py",
    "ledger/stopping/lacking.py",
    "sink/answers.py",
    "sink/meanings.py",
    "sink/steps.py",
)
FACTS: dict[str, Callable] = {}


def fact(*names):
    def keep(function):
        FACTS.update(dict.fromkeys(names, function))
        return function

    return keep


def day(row, field):
    return date.fromisoformat(row[field])


def posted_rows(site, case):
    books = {
        "invoice": site.invoices,
        "credit_memo": site.memos,
        "debit_memo": site.debits,
        "payment": site.payments,
        "refund": site.refunds,
    }
    return [books[case.kind][number] for number in case.documents]


def invoice_of(site, case, position=0):
    return site.invoices[case.documents[position]]


def deeds(site, number, *verbs):
    return [deed for deed in site.chronicle if deed["number"] == number and deed["verb"] in verbs]


def account_of(site, row):
    return site.accounts[row["accountId"]]["accountNumber"]


def customers_of(told, site, rows):
    accounts = {one.number: one for one in told.world.sites[site.name].population.accounts}
    return [accounts[account_of(site, row)].customer for row in rows]


def qad_of(told, site):
    return told.world.sites[site.name].qad()


def customer_of(told, site, row):
    code = customers_of(told, site, [row])[0]
    return next(one for one in qad_of(told, site).shared_sets[0].customers if one.customer_code == code)


def rows_of(site, payment):
    """Return the application rows of a payment in the order in which they were made."""
    return sorted(site.payments[payment]["paymentApplications"], key=lambda row: row["createdDate"])


# -- opening ---------------------------------------------------------------------------------------------------------


@fact("loaded_before")
def _(told, site, case):
    loaded = {one["content"]["reference"]: one for one in site.qad_documents if one["key"]["daybook_code"] == "OPEN"}
    for row in posted_rows(site, case):
        assert day(row, "invoiceDate") < CUT_OVER
        assert date.fromisoformat(row["postedDate"][:10]) < CUT_OVER
        paid_before = sum(
            part["applyAmount"] for part in row["paymentApplications"] if day(part, "effectiveDate") < CUT_OVER
        )
        if paid_before == row["amount"]:
            assert row["invoiceNumber"] not in loaded
        else:
            document = loaded[row["invoiceNumber"]]
            assert document["content"]["original_amount"] == row["amount"] - paid_before
            assert document["content"]["customer_code"] == customers_of(told, site, [row])[0]


@fact("paid_before")
def _(told, site, case):
    rows = posted_rows(site, case)
    assert all(day(row, "effectiveDate") < CUT_OVER for row in rows)
    loaded = [one for one in site.qad_documents if one["key"]["daybook_code"] == "OPAY"]
    assert [one["content"]["payment_reference"] for one in loaded] == [case.documents[-1]]
    assert loaded[0]["content"]["amount"] == rows[-1]["amount"]


# -- bill runs -------------------------------------------------------------------------------------------------------


@fact("long_invoice")
def _(told, site, case):
    assert len(invoice_of(site, case)["invoiceItems"]) == told.world.sizes.lines_max > 99


@fact("many_tax_rows")
def _(told, site, case):
    [item] = invoice_of(site, case)["invoiceItems"]
    assert len(item["taxationItems"]) == told.world.sizes.tax_rows > 99


@fact("memos_of_the_october_run", "memos_of_the_november_run")
def _(told, site, case):
    rows = posted_rows(site, case)
    assert len(rows) == told.world.sizes.run_memos
    assert all(row["source"] == "BillRun" and row["totalAmount"] > 0 for row in rows)


# -- payments --------------------------------------------------------------------------------------------------------


@fact("paid_for_a_sister")
def _(told, site, case):
    paid = [site.invoices[number] for number in case.partners]
    assert len({account_of(site, row) for row in paid}) == 2
    assert len(set(customers_of(told, site, paid))) == 1
    assert {row["invoiceId"] for row in rows_of(site, case.documents[0])} == {row["id"] for row in paid}


@fact("paid_for_another_customer")
def _(told, site, case):
    paid = [site.invoices[number] for number in case.partners]
    assert len(set(customers_of(told, site, paid))) == 2
    assert {row["invoiceId"] for row in rows_of(site, case.documents[0])} == {row["id"] for row in paid}


@fact("overpaid")
def _(told, site, case):
    [row] = posted_rows(site, case)
    assert 0 < row["unappliedAmount"] < row["amount"]
    assert site.invoices[case.partners[0]]["balance"] == 0


@fact("opening_item_paid")
def _(told, site, case):
    invoice = site.invoices[case.partners[0]]
    assert day(invoice, "invoiceDate") < CUT_OVER <= day(posted_rows(site, case)[0], "effectiveDate")
    assert invoice["balance"] == 0
    assert case.partners[0] in {
        one["content"]["reference"] for one in site.qad_documents if one["key"]["daybook_code"] == "OPEN"
    }


@fact("external_october_payments", "external_november_payments")
def _(told, site, case):
    assert {row["type"] for row in posted_rows(site, case)} == {"External"}


@fact("applied_next_month")
def _(told, site, case):
    [row] = posted_rows(site, case)
    first = rows_of(site, case.documents[0])[0]
    assert (day(row, "effectiveDate").month, day(first, "effectiveDate").month) == (10, 11)


@fact("opening_prepayment_applied")
def _(told, site, case):
    [applied] = rows_of(site, case.partners[0])
    assert day(site.payments[case.partners[0]], "effectiveDate") < CUT_OVER <= day(applied, "effectiveDate")
    assert applied["invoiceId"] == invoice_of(site, case)["id"]


@fact("paid_in_instalments")
def _(told, site, case):
    first, last = posted_rows(site, case)
    assert first["amount"] + last["amount"] == site.invoices[case.partners[0]]["amount"]
    assert (day(first, "effectiveDate").month, day(last, "effectiveDate").month) == (10, 11)


@fact("mapping_changed_between")
def _(told, site, case):
    row = invoice_of(site, case)
    [posted] = deeds(site, case.documents[0], "posted")
    paid = [deed for number in case.partners for deed in deeds(site, number, "applied")]
    assert all(deed["sequence"] > posted["sequence"] for deed in paid)
    assert any(item.get("accountingCode") == "Subscription Revenue" for item in row["invoiceItems"])


@fact("split_payment")
def _(told, site, case):
    assert len(case.partners) == 2
    assert len(rows_of(site, case.documents[0])) == 2
    months = {day(site.invoices[number], "invoiceDate").month for number in case.partners}
    assert months == {10, 11}


@fact("paid_at_another_rate")
def _(told, site, case):
    [row], invoice = posted_rows(site, case), site.invoices[case.partners[0]]
    world = qad_of(told, site)
    catalogue, base = Catalogue(world.shared_sets[0]), world.entities[0].base_currency_code
    assert row["currency"] != base
    rates = [
        catalogue.rate(row["currency"], base, when) for when in (day(invoice, "invoiceDate"), day(row, "effectiveDate"))
    ]
    assert rates[0] != rates[1]


# -- corrections -----------------------------------------------------------------------------------------------------


@fact("reversed")
def _(told, site, case):
    row, memo = invoice_of(site, case), site.memos[case.partners[0]]
    assert row["reversed"]
    assert row["balance"] == 0 == memo["balance"]
    assert memo["totalAmount"] == row["amount"] == memo["creditMemoApplications"][0]["amount"]
    assert memo["invoiceId"] == row["id"]


@fact("written_off")
def _(told, site, case):
    row, memo = invoice_of(site, case), site.memos[case.partners[0]]
    assert row["balance"] == 0
    assert memo["invoiceId"] == row["id"] == memo["creditMemoApplications"][0]["invoiceId"]
    assert memo["totalAmount"] + row["paymentAmount"] == row["amount"]
    assert (row["paymentAmount"] > 0) is (site.name == "emea")
    assert memo["revenueImpacting"] == ("Yes" if site.name == "emea" else "No")


@fact("reversed_memo", "written_off_memo")
def _(told, site, case):
    [memo] = posted_rows(site, case)
    assert memo["appliedAmount"] == memo["totalAmount"]


@fact("withdrawn")
def _(told, site, case):
    assert case.documents[0] not in site.invoices
    assert [deed["verb"] for deed in deeds(site, case.documents[0], "posted", "unposted")] == ["posted", "unposted"]
    assert deeds(site, case.documents[0], "posted")[0]["amount"] == case.amount


@fact("reposted")
def _(told, site, case):
    first, _, last = deeds(site, case.documents[0], "posted", "unposted")
    assert first["amount"] != last["amount"] == case.amount == invoice_of(site, case)["amount"]
    assert first["at"] < last["at"], "stamps tell the one posting from the other"


@fact("bonus")
def _(told, site, case):
    [memo] = posted_rows(site, case)
    assert len(memo["creditMemoApplications"]) == 3 * told.world.sizes.branches
    assert len(memo["creditMemoParts"]) == told.world.sizes.branches == len(case.partners)
    assert memo["appliedAmount"] == memo["totalAmount"]
    stamps = [row["createdDate"] for row in memo["creditMemoApplications"]]
    assert len(set(stamps)) == 3


@fact("memo_applied_in_part")
def _(told, site, case):
    [memo] = posted_rows(site, case)
    assert 0 < memo["appliedAmount"] < memo["totalAmount"]


@fact("memo_taken_back")
def _(told, site, case):
    [memo] = posted_rows(site, case)
    applied, back = sorted(memo["creditMemoApplications"], key=lambda row: row["createdDate"])
    assert applied["amount"] == -back["amount"] > 0
    assert applied["createdDate"] < back["createdDate"]
    assert memo["balance"] == memo["totalAmount"]


@fact("memos_left_alone")
def _(told, site, case):
    rows = posted_rows(site, case)
    assert len(rows) == told.world.sizes.goodwill_memos
    assert all(row["appliedAmount"] == 0 and not row["creditMemoApplications"] for row in rows)


@fact("items_credited")
def _(told, site, case):
    rows = posted_rows(site, case)
    by_id = {row["id"]: row for row in site.invoices.values()}
    assert len(rows) == told.world.sizes.item_memos
    for row in rows:
        assert 0 < row["totalAmount"] < by_id[row["invoiceId"]]["amount"]
        assert row["creditMemoItems"][0]["invoiceItemId"]


@fact("debited")
def _(told, site, case):
    [debit] = posted_rows(site, case)
    payment, memo = site.payments[case.partners[0]], site.memos[case.partners[1]]
    assert debit["balance"] == 0 < debit["totalAmount"]
    assert debit["totalAmount"] == payment["appliedAmount"] + memo["appliedAmount"]
    applied = [*payment["paymentApplications"], *memo["creditMemoApplications"]]
    assert {row["debitMemoId"] for row in applied} == {debit["id"]}


@fact("carried_and_taken_back")
def _(told, site, case):
    [payment] = posted_rows(site, case)
    rows = rows_of(site, case.documents[0])
    assert [row["applyAmount"] > 0 for row in rows] == [True, False, True]
    assert len({row["createdDate"] for row in rows}) == 3
    assert day(rows[0], "effectiveDate") == day(payment, "effectiveDate"), "its receipt carries it"
    assert payment["unappliedAmount"] == 0


@fact("applied_and_taken_back")
def _(told, site, case):
    [payment] = posted_rows(site, case)
    rows = rows_of(site, case.documents[0])
    assert [row["applyAmount"] > 0 for row in rows] == [True, False, True]
    assert day(rows[0], "effectiveDate") > day(payment, "effectiveDate"), "no receipt carries it"


# -- money back, and second thoughts ---------------------------------------------------------------------------------


def undone_rows(site, case):
    """Return the deeds of what was in Zuora's books and is not any more."""
    books = {"invoice": site.invoices, "debit_memo": site.debits, "payment": site.payments, "refund": site.refunds}
    [number] = case.documents
    assert number not in books[case.kind]
    first, *_, last = [one for one in site.chronicle if one["number"] == number and one["verb"] not in APPLIED]
    assert first["at"] < last["at"]
    assert first["amount"] == case.amount
    return first["verb"], last["verb"]


APPLIED = ("applied", "unapplied")


@fact("cancelled", "transferred_and_cancelled", "of_nobody_cancelled")
def _(told, site, case):
    assert undone_rows(site, case) == ("processed", "canceled")
    held = {deed.get("account_id") for deed in deeds(site, case.documents[0], "processed", "transferred")} - {None}
    assert len(held) == {"transferred_and_cancelled": 2, "of_nobody_cancelled": 0}.get(case.name, 1)


@fact("bounced")
def _(told, site, case):
    assert undone_rows(site, case) == ("processed", "failed")
    applied = deeds(site, case.documents[0], "applied")
    back = deeds(site, case.documents[0], "unapplied")
    assert sum(deed["amount"] for deed in applied) == case.amount == sum(deed["amount"] for deed in back)
    by_invoice = [sorted(deed["invoice_number"] for deed in one) for one in (applied, back)]
    assert len(set(by_invoice[0])) == 2
    assert len(by_invoice[1]) == 3, "a part of one before, all of the rest when it failed"


@fact("refund_cancelled", "memo_refund_cancelled", "refund_failed")
def _(told, site, case):
    of_memo = case.name == "memo_refund_cancelled"
    gone = "failed" if case.name == "refund_failed" else "canceled"
    assert undone_rows(site, case) == ("memo_refunded" if of_memo else "payment_refunded", gone)
    source = (site.memos if of_memo else site.payments)[case.partners[0]]
    [kept] = [row for row in site.refunds.values() if source_of(row) == source["id"]]
    assert source["refundAmount"] == kept["amount"]


def source_of(refund):
    [row] = refund["refundApplications"]
    return row.get("paymentId") or row.get("creditMemoId")


@fact("rest_refunded", "part_refunded")
def _(told, site, case):
    [refund], payment = posted_rows(site, case), site.payments[case.partners[0]]
    assert source_of(refund) == payment["id"]
    assert 0 < refund["amount"] == payment["refundAmount"] < payment["amount"]
    unapplied = sum(-row["applyAmount"] for row in payment["paymentApplications"] if row["applyAmount"] < 0)
    # Once for this refund, once for the one that fails.
    assert unapplied == (2 * refund["amount"] if case.name == "part_refunded" else 0)


@fact("memo_refunded", "memo_refunded_next_month")
def _(told, site, case):
    [refund], memo = posted_rows(site, case), site.memos[case.partners[0]]
    assert source_of(refund) == memo["id"]
    assert memo["balance"] == memo["totalAmount"] - refund["amount"] > 0
    assert (day(memo, "memoDate").month, day(refund, "refundDate").month) == (
        11 if case.name == "memo_refunded" else 10,
        11,
    )


@fact("refunded_next_month")
def _(told, site, case):
    [refund], payment = posted_rows(site, case), site.payments[case.partners[0]]
    assert source_of(refund) == payment["id"]
    assert (day(payment, "effectiveDate").month, day(refund, "refundDate").month) == (10, 11)
    assert refund["currency"] == ("GBP" if site.name == "emea" else "USD")


@fact("transferred_and_refunded")
def _(told, site, case):
    [refund], payment = posted_rows(site, case), site.payments[case.partners[0]]
    [first] = deeds(site, case.partners[0], "processed")
    assert source_of(refund) == payment["id"]
    assert refund["accountId"] == payment["accountId"] != first["account_id"]
    assert payment["unappliedAmount"] == payment["amount"] - refund["amount"] > 0


@fact("charged_back")
def _(told, site, case):
    [refund], payment = posted_rows(site, case), site.payments[case.partners[0]]
    assert payment["status"] == "Processed"
    assert refund["reasonCode"] == "Chargeback"
    assert refund["amount"] == payment["amount"] == payment["refundAmount"]


@fact("transferred")
def _(told, site, case):
    [payment], paid = posted_rows(site, case), site.invoices[case.partners[0]]
    first, back, last = rows_of(site, case.documents[0])
    assert (first["invoiceId"], back["applyAmount"]) == (back["invoiceId"], -first["applyAmount"])
    assert last["invoiceId"] == paid["id"] != first["invoiceId"]
    assert last["accountId"] == payment["accountId"] == paid["accountId"] != first["accountId"]
    accounts = [{"accountId": row["accountId"]} for row in (first, last)]
    assert len(set(customers_of(told, site, accounts))) == 2
    assert paid["balance"] == 0


@fact("moved_to_a_sister")
def _(told, site, case):
    [payment] = posted_rows(site, case)
    [moved], [first] = (deeds(site, case.documents[0], verb) for verb in ("transferred", "processed"))
    assert moved["account_id"] == payment["accountId"] != first["account_id"]
    assert len(set(customers_of(told, site, [payment, {"accountId": first["account_id"]}]))) == 1


@fact("claimed", "unclaimed")
def _(told, site, case):
    [payment] = posted_rows(site, case)
    [first] = deeds(site, case.documents[0], "processed")
    assert "account_id" not in first
    assert ("accountId" in payment) is (case.name == "claimed")
    assert payment["unappliedAmount"] == (0 if case.name == "claimed" else payment["amount"])


@fact("memo_reversed", "memo_written_off", "debit_written_off")
def _(told, site, case):
    [memo] = posted_rows(site, case)
    other = (site.memos if case.kind == "debit_memo" else site.debits)[case.partners[0]]
    assert memo["balance"] == 0 == other["balance"]
    assert (other["totalAmount"] < memo["totalAmount"]) is (case.name == "memo_written_off")
    assert bool(memo.get("reversed")) is (case.name == "memo_reversed")


@fact("memo_reversed_by", "memo_written_off_by", "debit_written_off_by")
def _(told, site, case):
    other = site.cases[case.name.removesuffix("_by")]
    assert (case.documents, case.partners) == (other.partners, other.documents)
    assert posted_rows(site, case)[0]["balance"] == 0


@fact("debit_withdrawn", "courtesy_withdrawn")
def _(told, site, case):
    assert undone_rows(site, case) == ("posted", "unposted")
    assert bool(case.amount) is (case.name == "debit_withdrawn")


@fact("courtesy")
def _(told, site, case):
    row = invoice_of(site, case)
    assert row["amount"] == 0
    assert [item["chargeAmount"] > 0 for item in row["invoiceItems"]] == [True, False]


# -- trouble ---------------------------------------------------------------------------------------------------------


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


# -- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_case_is_what_it_says(told, name):
    if name.startswith("external_") and not any(name in site.cases for site in told.sites.values()):
        pytest.skip("by chance nobody paid by transfer")
    for site, case in told.cases(name):
        FACTS[name](told, site, case)


def test_every_case_has_a_fact(told):
    declared = {name for site in told.sites.values() for name in site.cases}
    assert declared <= set(FACTS)


def test_only_what_is_special_twice_is_declared_twice(told):
    """A document may have several cases that end well, and at most one that holds it."""
    for site in told.sites.values():
        held = [
            number
            for case in site.cases.values()
            if case.fate not in ("posted", "ignored") and case.rule != "waits_for_posting"
            for number in case.documents
        ]
        assert len(set(held)) == len(held)


def test_rules_are_the_products(told):
    """Each rule that a case names is one that the product's reasons know by that word."""
    text = "".join((STREAMS / source).read_text(encoding="utf-8") for source in SOURCES_OF_RULES)
    for site in told.sites.values():
        for case in site.cases.values():
            for rule in (case.rule, case.or_rule, case.rule_seen_late):
                assert not rule or f'"{rule}"' in text, rule
            assert bool(case.rule) is (case.fate in ("parked", "waiting", "ignored"))


def test_what_does_not_stay_has_a_way_out(told):
    """Everything parked is mended, follows something that is, or is the one that this version cannot carry."""
    staying = {("emea", "other_decimals")}
    for site in told.sites.values():
        for case in site.cases.values():
            if case.fate in ("parked", "waiting"):
                assert case.is_mended is ((site.name, case.name) not in staying), case.name
            if case.follows:
                assert site.cases[case.follows].fix is not None
            if case.fix is not None:
                assert case.fix.act or case.fix.commands
                assert set(case.fix.after) <= set(site.cases)


def test_of_each_reason_to_park_one_is_mended(told):
    cases = [case for site in told.sites.values() for case in site.cases.values() if case.fate == "parked"]
    mended = {case.rule for case in cases if case.fix is not None}
    assert mended == {case.rule for case in cases}
    assert len(mended) == 13
