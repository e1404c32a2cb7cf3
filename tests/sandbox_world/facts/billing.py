"""Opening items, bill runs, and what corrects an invoice."""

from datetime import date

from sandbox.world import CUT_OVER
from tests.sandbox_world.facts.asking import (
    customers_of,
    day,
    deeds,
    fact,
    invoice_of,
    posted_rows,
    rows_of,
)


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
