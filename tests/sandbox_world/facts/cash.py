"""Payments, money that goes back, and second thoughts."""

from sandbox.qad.books.master import Catalogue
from sandbox.world import CUT_OVER
from tests.sandbox_world.facts.asking import (
    account_of,
    customers_of,
    day,
    deeds,
    fact,
    invoice_of,
    posted_rows,
    qad_of,
    rows_of,
)


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
