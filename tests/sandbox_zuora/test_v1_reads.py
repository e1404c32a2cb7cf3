"""The v1 reads: their names, their forms, their pages, and their own way to fail."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora.acts import (
    Application,
    NewBillRun,
    NewCreditMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    NewTax,
    apply_credit_memo,
    create_bill_run,
    create_credit_memo,
    create_invoice,
    create_payment,
    generate_bill_run,
    post_credit_memo,
)


def taxed_item(taxes=1, **fields):
    """One item with so many taxes of 1."""
    return NewItem(charge_amount=Decimal("10.50"), taxes=[NewTax(tax_amount=Decimal(1))] * taxes, **fields)


async def test_an_invoice_is_flat_and_says_success(zuora):
    zuora.posted(custom={"QADInvoice__c": "Q1"})
    reply = await zuora.get("/v1/invoices/INV00000001")
    body = reply.json
    assert body["success"] is True
    assert body["invoiceNumber"] == "INV00000001"
    assert body["amount"] == 119
    assert body["postedDate"] == "2026-03-15"
    assert body["createdDate"] == "2026-03-15 05:00:00"
    assert body["QADInvoice__c"] == "Q1"
    assert (await zuora.get(f"/v1/invoices/{body['id']}")).json == body


async def test_amounts_of_an_invoice_may_be_strings(zuora):
    await zuora.settings(v1_amounts="text")
    zuora.posted()
    body = (await zuora.get("/v1/invoices/INV00000001")).json
    assert (body["amount"], body["balance"], body["paymentAmount"]) == ("119.0", "119.0", "0.0")


async def test_nulls_may_be_written(zuora):
    zuora.posted()
    assert "comments" not in (await zuora.get("/v1/invoices/INV00000001")).json
    await zuora.settings(v1_nulls=True)
    assert (await zuora.get("/v1/invoices/INV00000001")).json["comments"] is None


async def test_items_have_amounts_as_strings_and_codes_by_name(zuora):
    zuora.posted("100.10", "19.02")
    item = (await zuora.get("/v1/invoices/INV00000001/items")).json["invoiceItems"][0]
    assert (item["chargeAmount"], item["taxAmount"]) == ("100.1", "19.02")
    assert item["accountingCode"] == "Subscription Revenue"
    assert item["deferredRevenueAccountingCode"] == "Deferred Revenue"
    assert item["recognizedRevenueAccountingCode"] == "Subscription Revenue"
    assert not [name for name in item if "eceivable" in name]
    assert item["processingType"] == "Charge"
    assert (item["sku"], item["unitOfMeasure"]) == ("SKU-1", "Each")
    assert item["taxationItems"]["data"][0]["taxAmount"] == Decimal("19.02")
    assert "nextPage" not in item["taxationItems"]


async def test_a_discount_names_what_it_lowers(zuora):
    items = [taxed_item(), NewItem(charge_amount=Decimal(-1), processing_type="Discount", discounts=0)]
    create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=items))
    charge, discount = (await zuora.get("/v1/invoices/INV00000001/items")).json["invoiceItems"]
    assert discount["appliedToItemId"] == charge["id"]
    assert discount["processingType"] == "Discount"
    row = (await zuora.get(f"/object-query/invoice-items/{discount['id']}")).json
    assert (row["appliedToInvoiceItemId"], row["processingType"]) == (charge["id"], "1")


async def test_items_come_in_pages_with_whole_urls(zuora):
    items = [taxed_item() for _ in range(95)]
    create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=items))
    url, seen, pages = f"{zuora.url}/v1/invoices/INV00000001/items?pageSize=99", [], 0
    while url:
        assert url.startswith(zuora.url)
        body = (await zuora.get(url.removeprefix(zuora.url))).json
        assert len(body["invoiceItems"]) <= 40
        seen += [item["id"] for item in body["invoiceItems"]]
        url, pages = body.get("nextPage"), pages + 1
    assert (len(set(seen)), len(seen), pages) == (95, 95, 3)


async def test_the_taxes_of_an_item_have_pages_of_their_own(zuora):
    create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=[taxed_item(taxes=13)]))
    nested = (await zuora.get("/v1/invoices/INV00000001/items")).json["invoiceItems"][0]["taxationItems"]
    assert len(nested["data"]) == 10
    rest = (await zuora.get(nested["nextPage"].removeprefix(zuora.url))).json
    assert len(rest["data"]) == 3
    assert "nextPage" not in rest
    assert not {tax["id"] for tax in rest["data"]} & {tax["id"] for tax in nested["data"]}


async def test_taxes_of_another_invoices_item_are_not_found(zuora):
    zuora.posted()
    zuora.posted()
    item = (await zuora.get("/v1/invoices/INV00000001/items")).json["invoiceItems"][0]["id"]
    assert (await zuora.get(f"/v1/invoices/INV00000001/items/{item}/taxation-items")).json["success"] is True
    assert (await zuora.get(f"/v1/invoices/INV00000002/items/{item}/taxation-items")).json["success"] is False


@pytest.mark.parametrize(
    "query", [[("page", 2)], [("pageSize", 0)], [("pageSize", 5), ("page", 0)], [("pageSize", "x")]]
)
async def test_pages_that_are_none_are_refused(zuora, query):
    zuora.posted()
    assert (await zuora.get("/v1/invoices/INV00000001/items", *query)).status == 400


async def test_application_parts_show_payments_and_memos(zuora):
    invoice = zuora.posted()
    part = [Application(invoice=invoice.id, amount=Decimal(50))]
    payment = create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(80), invoices=part))
    memo = create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[taxed_item()]))
    post_credit_memo(zuora.tenant, credit_memo=memo.id)
    apply_credit_memo(
        zuora.tenant, credit_memo=memo.id, invoices=[Application(invoice=invoice.id, amount=Decimal("11.5"))]
    )
    parts = (await zuora.get("/v1/invoices/INV00000001/application-parts")).json["applicationParts"]
    assert [(part["appliedAmount"], part.get("paymentId"), part.get("creditMemoId")) for part in parts] == [
        (50, payment.id, None),
        (Decimal("11.5"), None, memo.id),
    ]


async def test_a_payment_has_a_moment_where_object_query_has_a_date(zuora):
    payment = create_payment(
        zuora.tenant,
        request=NewPayment(
            account="A-00000001",
            amount=Decimal("80.40"),
            effective_date=date(2026, 3, 12),
            reference_id="BANK-1",
            custom={"QADPayment__c": "Q"},
        ),
    )
    body = (await zuora.get("/v1/payments/P-00000001")).json
    assert body["effectiveDate"] == "2026-03-12 00:00:00"
    assert body["number"] == "P-00000001"
    assert body["accountNumber"] == "A-00000001"
    assert (body["unappliedAmount"], body["appliedAmount"]) == (Decimal("80.4"), 0)
    assert body["financeInformation"]["bankAccountAccountingCode"] == "Bank"
    assert body["financeInformation"]["unappliedPaymentAccountingCode"] == "Unapplied Payments"
    assert body["QADPayment__c"] == "Q"
    assert "source" not in body
    assert (await zuora.get(f"/object-query/payments/{payment.id}")).json["effectiveDate"] == "2026-03-12"


async def test_parts_of_a_payment_include_the_rest_unless_switched(zuora):
    invoice = zuora.posted()
    request = NewPayment(
        account="A-00000001", amount=Decimal(80), invoices=[Application(invoice=invoice.id, amount=Decimal(50))]
    )
    create_payment(zuora.tenant, request=request)
    parts = (await zuora.get("/v1/payments/P-00000001/parts")).json["parts"]
    assert [(part["amount"], part.get("invoiceId")) for part in parts] == [(30, None), (50, invoice.id)]
    await zuora.settings(unapplied_part=False)
    second = zuora.posted()
    request = NewPayment(
        account="A-00000001", amount=Decimal(80), invoices=[Application(invoice=second.id, amount=Decimal(50))]
    )
    create_payment(zuora.tenant, request=request)
    parts = (await zuora.get("/v1/payments/P-00000002/parts")).json["parts"]
    assert [(part["amount"], part.get("invoiceId")) for part in parts] == [(50, second.id)]


async def test_a_credit_memo_has_names_of_its_own(zuora):
    invoice = zuora.posted()
    request = NewCreditMemo(
        account="A-00000001",
        items=[taxed_item(description="Too much", sku="S", tax_mode="TaxInclusive")],
        memo_date=date(2026, 3, 14),
        invoice=invoice.id,
    )
    create_credit_memo(zuora.tenant, request=request)
    body = (await zuora.get("/v1/credit-memos/CM-00000001")).json
    assert (body["number"], body["creditMemoDate"], body["amount"]) == ("CM-00000001", "2026-03-14", Decimal("11.5"))
    assert (body["unappliedAmount"], body["referredInvoiceId"]) == (Decimal("11.5"), invoice.id)
    assert body["transferredToAccounting"] == "No"
    assert not {"memoNumber", "memoDate", "totalAmount", "balance", "invoiceId"} & set(body)
    row = (await zuora.get("/object-query/credit-memos/CM-00000001")).json
    assert (row["memoNumber"], row["totalAmount"], row["balance"]) == ("CM-00000001", Decimal("11.5"), Decimal("11.5"))


@pytest.mark.parametrize(
    ("version", "names"),
    [
        (None, {"comment", "creditTaxItems"}),
        ("238.0", {"comment", "creditTaxItems"}),
        ("239.0", {"comment", "taxationItems"}),
        ("257.0", {"description", "taxationItems"}),
        ("2025-08-12", {"description", "taxationItems"}),
    ],
)
async def test_names_of_memo_items_depend_on_the_version(zuora, version, names):
    items = [taxed_item(description="Too much")]
    create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=items))
    headers = {"Zuora-Version": version} if version else {}
    item = (await zuora.get("/v1/credit-memos/CM-00000001/items", headers=headers)).json["items"][0]
    assert {"comment", "description", "creditTaxItems", "taxationItems"} & set(item) == names


async def test_memo_items_carry_their_codes_in_finance_information(zuora):
    item = taxed_item(recognized_revenue_accounting_code="Subscription Revenue")
    create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[item]))
    headers = {"Zuora-Version": "2025-08-12"}
    body = (await zuora.get("/v1/credit-memos/CM-00000001/items", headers=headers)).json["items"][0]
    assert body["financeInformation"]["recognizedRevenueAccountingCode"] == "Subscription Revenue"
    assert body["financeInformation"]["onAccountAccountingCode"] == "On Account"
    tax = body["taxationItems"]["data"][0]
    assert tax["financeInformation"]["salesTaxPayableAccountingCode"] == "VAT"


async def test_the_amount_of_a_memo_item_depends_on_its_tax_mode(zuora):
    items = [taxed_item(), taxed_item(tax_mode="TaxInclusive")]
    create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=items))
    rows = (await zuora.get("/object-query/credit-memo-items")).json["data"]
    assert {row["taxMode"]: (row["amount"], row["amountWithoutTax"]) for row in rows} == {
        "TaxExclusive": (Decimal("10.5"), Decimal("10.5")),
        "TaxInclusive": (Decimal("11.5"), Decimal("10.5")),
    }


async def test_parts_of_a_credit_memo(zuora):
    invoice = zuora.posted()
    create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[taxed_item()]))
    post_credit_memo(zuora.tenant, credit_memo="CM-00000001")
    apply_credit_memo(
        zuora.tenant, credit_memo="CM-00000001", invoices=[Application(invoice=invoice.id, amount=Decimal(4))]
    )
    parts = (await zuora.get("/v1/credit-memos/CM-00000001/parts")).json["parts"]
    assert [(part["amount"], part.get("invoiceId")) for part in parts] == [(Decimal("7.5"), None), (4, invoice.id)]


async def test_an_account_in_its_compartments(zuora):
    zuora.posted()
    body = (await zuora.get("/v1/accounts/A-00000001")).json
    assert body["basicInfo"]["QADCustomer__c"] == "C0001"
    assert body["billingAndPayment"]["currency"] == "EUR"
    assert body["billingAndPayment"]["paymentTerm"] == "Net 30"
    assert body["billToContact"]["lastName"] == "Müller"
    assert body["metrics"]["totalInvoiceBalance"] == 119
    assert body["taxInfo"]["VATId"] == "DE123456789"
    assert (await zuora.get("/v1/accounts/A-00000002")).json["basicInfo"]["parentId"] == body["basicInfo"]["id"]


async def test_codes_and_periods(zuora):
    codes = (await zuora.get("/v1/accounting-codes", ("pageSize", 40))).json["accountingCodes"]
    revenue = next(code for code in codes if code["name"] == "Subscription Revenue")
    assert (revenue["type"], revenue["category"], revenue["glAccountNumber"]) == ("SalesRevenue", "Revenue", "4001")
    periods = (await zuora.get("/v1/accounting-periods")).json["accountingPeriods"]
    assert periods[0]["name"] == "2026-Q1"
    assert (periods[0]["startDate"], periods[0]["fiscalYear"], periods[0]["fiscal_quarter"]) == (
        "2026-01-01",
        "2026",
        1,
    )


async def test_a_bill_run_and_the_invoices_that_name_it(zuora):
    planned = [NewInvoice(account="A-00000001", items=[taxed_item()])]
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned, name="March"))
    generate_bill_run(zuora.tenant, bill_run=run.id)
    body = (await zuora.get(f"/v1/bill-runs/{run.id}")).json
    assert (body["billRunNumber"], body["status"], body["name"]) == ("BR-00000001", "Completed", "March")
    assert (await zuora.get("/v1/invoices/INV00000001")).json["billRunId"] == run.id


@pytest.mark.parametrize(
    "path", ["/v1/invoices/x", "/v1/payments/x", "/v1/credit-memos/x", "/v1/accounts/x", "/v1/bill-runs/x"]
)
async def test_an_unknown_key_is_a_success_of_http_only(zuora, path):
    reply = await zuora.get(path)
    assert reply.status == 200
    body = reply.json
    assert body["success"] is False
    assert body["reasons"] == [{"code": 50000040, "message": "Cannot find entity by key: 'x'."}]
    assert body["requestId"] == reply.headers["Zuora-Request-Id"]
    assert body["processId"]
    await zuora.settings(v1_not_found_status=404)
    assert (await zuora.get(path)).status == 404


async def test_the_invoice_list_does_not_exist(zuora):
    reply = await zuora.get("/v1/invoices")
    assert reply.status == 404
    assert reply.json["reasons"][0] == {"code": 50000040, "message": "The endpoint /v1/invoices does not exist."}


async def test_what_belongs_to_nobody_is_the_gateways(zuora):
    reply = await zuora.get("/v2/invoices")
    assert (reply.status, reply.json) == (404, {"message": "no Route matched with those values"})


async def test_another_method_is_refused(zuora):
    reply = await zuora.api("DELETE", "/v1/invoices/INV00000001")
    assert (reply.status, reply.json["reasons"][0]["code"]) == (405, 50000045)


async def test_an_object_that_is_not_queried_does_not_exist(zuora):
    reply = await zuora.get("/object-query/journal-entries")
    assert (reply.status, reply.json["reasons"][0]["code"]) == (404, 50000040)
