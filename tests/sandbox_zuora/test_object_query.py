"""Object Query: lists and single objects, the form of a row, expand, fields, nulls, and what is refused."""

from decimal import Decimal

import msgspec
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
    post_credit_memo,
    update_account,
    update_contact,
)
from sandbox.zuora.objects import DebitMemo, DebitMemoItem, Refund, RefundApplication
from sandbox.zuora.query.catalog import KINDS

EVERY_OBJECT = sorted(KINDS)


def one_of_everything(zuora):
    """Make a tenant hold at least one row of every object that Object Query knows."""
    tenant, stamp = zuora.tenant, zuora.sandbox.clock.stamp()
    invoice = zuora.posted()
    create_payment(
        tenant,
        request=NewPayment(
            account="A-00000001", amount=Decimal(80), invoices=[Application(invoice=invoice.id, amount=Decimal(60))]
        ),
    )
    item = NewItem(charge_amount=Decimal(10), taxes=[NewTax(tax_amount=Decimal("1.9"))])
    memo = create_credit_memo(tenant, request=NewCreditMemo(account="A-00000001", items=[item]))
    post_credit_memo(tenant, credit_memo=memo.id)
    apply_credit_memo(tenant, credit_memo=memo.id, invoices=[Application(invoice=invoice.id, amount=Decimal(5))])
    with tenant.act("rows of a later issue"):
        # Debit memos and refunds have no acts yet: their rows stand in the tables by hand.
        debit = tenant.create(
            DebitMemo,
            account_id=invoice.account_id,
            memo_number="DM-00000001",
            memo_date=invoice.invoice_date,
            status="Posted",
            currency="EUR",
            total_amount=Decimal(5),
            total_amount_without_tax=Decimal(5),
            tax_amount=Decimal(0),
            balance=Decimal(5),
        )
        tenant.create(
            DebitMemoItem,
            debit_memo_id=debit.id,
            amount=Decimal(5),
            amount_without_tax=Decimal(5),
            tax_amount=Decimal(0),
        )
        refund = tenant.create(
            Refund,
            refund_number="R-00000001",
            amount=Decimal(1),
            currency="EUR",
            refund_date=invoice.invoice_date,
            status="Processed",
            type="External",
            account_id=invoice.account_id,
            refund_transaction_time=stamp,
        )
        tenant.create(
            RefundApplication,
            refund_id=refund.id,
            apply_amount=Decimal(1),
            effective_date=invoice.invoice_date,
            account_id=invoice.account_id,
        )
    create_bill_run(tenant, request=NewBillRun(invoices=[]))
    return invoice


@pytest.mark.parametrize("path", EVERY_OBJECT)
async def test_every_object_is_listed_and_read_by_id(zuora, path):
    one_of_everything(zuora)
    required = [("filter[]", "updateddate.GE:2000-01-01T00:00:00Z")] if path == "invoice-items" else []
    rows = (await zuora.get(f"/object-query/{path}", *required)).json["data"]
    assert rows, path
    reply = await zuora.get(f"/object-query/{path}/{rows[0]['id']}")
    assert reply.status == 200
    assert reply.json == rows[0]
    assert "success" not in reply.json


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("accounts", "A-00000001"),
        ("invoices", "INV00000001"),
        ("payments", "P-00000001"),
        ("credit-memos", "CM-00000001"),
        ("billing-runs", "BR-00000001"),
        ("debit-memos", "DM-00000001"),
        ("refunds", "R-00000001"),
    ],
)
async def test_a_number_is_a_key_as_well(zuora, path, number):
    one_of_everything(zuora)
    reply = await zuora.get(f"/object-query/{path}/{number}")
    assert reply.status == 200
    assert number in reply.json.values()


async def test_an_empty_result_is_data_without_rows(zuora):
    reply = await zuora.get("/object-query/invoices")
    assert (reply.status, reply.json) == (200, {"data": []})


async def test_a_row_is_written_as_zuora_writes_it(zuora):
    invoice = zuora.posted("100.10", "19.02")
    row = (await zuora.get(f"/object-query/invoices/{invoice.id}")).json
    assert row["amount"] == Decimal("119.12")
    assert row["invoiceDate"] == "2026-03-10"
    assert row["dueDate"] == "2026-04-09"
    # Tenant zone: Pacific, in summer time since the 8th.
    assert row["postedDate"] == "2026-03-15T05:00:00-07:00"
    assert row["reversed"] is False
    assert row["transferredToAccounting"] == "No"
    assert "comments" not in row


async def test_amounts_are_numbers_without_trailing_zeros(zuora):
    zuora.posted("2170.00", "0")
    text = (await zuora.get("/object-query/invoices")).text
    assert '"amount":2170.0,' in text
    assert '"paymentAmount":0.0,' in text


async def test_amounts_may_keep_their_digits(zuora):
    await zuora.settings(amounts="as_given")
    zuora.posted("2170.00", "0.10")
    assert '"amount":2170.10,' in (await zuora.get("/object-query/invoices")).text


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "2026-03-15T12:00:00Z"),
        ("Europe/Berlin", "2026-03-15T13:00:00+01:00"),
        ("Asia/Kolkata", "2026-03-15T17:30:00+05:30"),
    ],
)
async def test_moments_carry_the_offset_of_the_tenant(zuora, zone, written):
    await zuora.settings(time_zone=zone)
    zuora.posted()
    assert (await zuora.get("/object-query/invoices")).json["data"][0]["updatedDate"] == written


async def test_first_letters_are_in_lower_case_also_of_custom_fields(zuora):
    zuora.posted(custom={"QADInvoice__c": "Q1"})
    account = (await zuora.get("/object-query/accounts/A-00000001")).json
    assert account["qADCustomer__c"] == "C0001"
    assert account["vATId"] == "DE123456789"
    item = (await zuora.get("/object-query/invoice-items", ("filter[]", "sourceitemtype.NE:None"))).json["data"][0]
    assert (item["sKU"], item["uOM"]) == ("SKU-1", "Each")
    assert (await zuora.get("/object-query/invoices")).json["data"][0]["qADInvoice__c"] == "Q1"


async def test_accounting_codes_are_ids_but_for_the_name_of_the_code(zuora):
    zuora.posted()
    item = (await zuora.get("/object-query/invoice-items", ("filter[]", "accountingcode.SW:Sub"))).json["data"][0]
    codes = {row["id"]: row["name"] for row in (await zuora.get("/v1/accounting-codes")).json["accountingCodes"]}
    assert item["accountingCode"] == "Subscription Revenue"
    assert codes[item["deferredRevenueAccountingCodeId"]] == "Deferred Revenue"
    assert codes[item["recognizedRevenueAccountingCodeId"]] == "Subscription Revenue"
    assert codes[item["accountReceivableAccountingCodeId"]] == "Accounts Receivable"


async def test_processing_type_is_a_code_unless_switched(zuora):
    zuora.posted()
    wanted = ("filter[]", "sourceitemtype.NE:None")
    assert (await zuora.get("/object-query/invoice-items", wanted)).json["data"][0]["processingType"] == "0"
    await zuora.settings(processing_type="name")
    zuora.posted()
    kinds = {row["processingType"] for row in (await zuora.get("/object-query/invoice-items", wanted)).json["data"]}
    assert kinds == {"0", "Charge"}


async def test_nulls_are_written_when_they_are_asked_for(zuora):
    zuora.posted()
    row = (await zuora.get("/object-query/invoices", ("includeNullFields", "true"))).json["data"][0]
    assert row["comments"] is None
    assert row["qADInvoice__c"] is None


async def test_fields_choose_and_ignore_case(zuora):
    zuora.posted(custom={"QADInvoice__c": "Q1"})
    for name in ("fields[]", "invoice.fields[]"):
        reply = await zuora.get("/object-query/invoices", (name, "ID,invoicenumber,QADINVOICE__C,nosuchfield"))
        assert set(reply.json["data"][0]) == {"id", "invoiceNumber", "qADInvoice__c"}


async def test_expand_adds_one_or_many(zuora):
    one_of_everything(zuora)
    reply = await zuora.get(
        "/object-query/invoices/INV00000001",
        ("expand[]", "account.billto"),
        ("expand[]", "invoiceitems,paymentapplications.payment"),
        ("expand[]", "creditmemoapplications"),
    )
    row = reply.json
    assert row["account"]["billTo"]["lastName"] == "Müller"
    assert row["account"]["qADCustomer__c"] == "C0001"
    assert row["invoiceItems"][0]["chargeAmount"] == 100
    assert row["paymentApplications"][0]["payment"]["paymentNumber"] == "P-00000001"
    assert row["creditMemoApplications"][0]["amount"] == 5


async def test_expanded_objects_have_fields_of_their_own(zuora):
    zuora.posted()
    reply = await zuora.get(
        "/object-query/invoices",
        ("expand[]", "invoiceitems"),
        ("fields[]", "id"),
        ("invoiceitems.fields[]", "id,chargename"),
    )
    row = reply.json["data"][0]
    assert set(row) == {"id", "invoiceItems"}
    assert set(row["invoiceItems"][0]) == {"id", "chargeName"}


async def test_taxes_are_expanded_from_items(zuora):
    invoice = zuora.posted()
    reply = await zuora.get(
        "/object-query/invoice-items", ("filter[]", f"invoiceid.EQ:{invoice.id}"), ("expand[]", "taxationitems")
    )
    assert reply.json["data"][0]["taxationItems"][0]["taxAmount"] == 19


async def test_expanded_children_are_cut_at_the_page_size_without_a_mark(zuora):
    items = [NewItem(charge_amount=Decimal(1)) for _ in range(120)]
    create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=items))
    for size, shown in ((None, 10), (25, 25), (99, 99)):
        query = [("expand[]", "invoiceitems"), *([("pageSize", size)] if size else [])]
        for path in ("/object-query/invoices/INV00000001", "/object-query/invoices"):
            body = (await zuora.get(path, *query)).json
            row = body["data"][0] if "data" in body else body
            assert len(row["invoiceItems"]) == shown
            assert "nextPage" not in row


async def test_a_relation_that_is_not_carried_adds_nothing(zuora):
    reply = await zuora.get("/object-query/accounts/A-00000001", ("expand[]", "subscriptions"))
    assert reply.status == 200
    assert "subscriptions" not in reply.json


@pytest.mark.parametrize("size", ["0", "100", "-1", "x", "1.5"])
async def test_a_page_size_out_of_bounds_is_refused(zuora, size):
    assert (await zuora.get("/object-query/invoices", ("pageSize", size))).status == 400


async def test_the_largest_page_size_is_a_setting(zuora):
    await zuora.settings(page_size_max=50)
    assert (await zuora.get("/object-query/invoices", ("pageSize", "51"))).status == 400


@pytest.mark.parametrize(
    "query",
    [
        ("expand[]", "posteddate"),
        ("expand[]", "invoiceitems.taxationitems"),
        ("sort[]", "posteddate.ASC"),
        ("sort[]", "updateddate"),
        ("sort[]", "updateddate.ASC,id.ASC"),
        ("sort[]", "qadinvoice__c.ASC"),
        ("cursor", "!!"),
        ("cursor", "eA=="),
    ],
)
async def test_what_the_reference_does_not_list_is_refused(zuora, query):
    reply = await zuora.get("/object-query/invoices", query)
    assert reply.status == 400
    assert set(reply.json) == {"reasons", "requestId"}
    assert reply.json["reasons"][0]["code"] == 50000027


async def test_two_sorts_are_one_too_many(zuora):
    query = [("sort[]", "id.ASC"), ("sort[]", "updateddate.ASC")]
    assert (await zuora.get("/object-query/invoices", *query)).status == 400


async def test_an_unknown_key_is_not_found_in_its_own_envelope(zuora):
    reply = await zuora.get("/object-query/invoices/INV99999999")
    assert reply.status == 404
    assert reply.json["reasons"] == [{"code": 50000040, "message": "Cannot find entity by key: 'INV99999999'."}]
    assert reply.json["requestId"] == reply.headers["Zuora-Request-Id"]


async def test_invoice_items_need_a_filter(zuora):
    assert (await zuora.get("/object-query/invoice-items")).status == 400


async def test_without_invoice_settlement_memos_do_not_exist(zuora):
    one_of_everything(zuora)
    await zuora.settings(invoice_settlement=False)
    reply = await zuora.get("/object-query/credit-memos", ("pageSize", 1))
    assert (reply.status, reply.json["reasons"][0]["code"]) == (403, 50000010)
    assert (await zuora.get("/object-query/payment-applications")).status == 403
    assert (await zuora.get("/object-query/invoices")).status == 200
    assert (await zuora.get("/v1/credit-memos/CM-00000001")).json["reasons"][0]["code"] == 50000010
    await zuora.settings(invoice_settlement_off_code=50000040, invoice_settlement_off_status=404)
    reply = await zuora.get("/object-query/credit-memos/CM-00000001")
    assert (reply.status, reply.json["reasons"][0]["code"]) == (404, 50000040)


async def test_a_custom_field_that_is_cleared_is_gone(zuora):
    update_account(zuora.tenant, account="A-00000001", custom={"QADCustomer__c": None})
    assert "qADCustomer__c" not in (await zuora.get("/object-query/accounts/A-00000001")).json


ADDRESS = "id,address1,address2,city,county,state,postalcode,country,taxregion,workemail"


async def test_a_bill_to_contact_is_expanded_with_the_fields_that_are_asked_for(zuora):
    expanded = [("expand[]", "billto"), ("billto.fields[]", ADDRESS)]
    rows = (await zuora.get("/object-query/accounts", *expanded)).json["data"]
    one = (await zuora.get("/object-query/accounts/A-00000001", *expanded)).json
    assert one in rows
    assert {name.lower() for name in one["billTo"]} <= set(ADDRESS.split(","))
    assert one["billTo"]["id"] == one["billToId"]
    assert "lastName" not in one["billTo"]


@pytest.mark.parametrize("moves", [False, True])
async def test_a_changed_contact_moves_its_account_where_the_tenant_is_so(zuora, moves):
    zuora.sandbox.use(msgspec.structs.replace(zuora.tenant.settings, contact_moves_account=moves))
    account = zuora.tenant.accounts.find("A-00000001")
    zuora.sandbox.clock.advance(60)
    changed = update_contact(zuora.tenant, contact=account.bill_to_id, address2="2. Stock", county="Rheinland")
    after = zuora.tenant.accounts.find("A-00000001")
    assert (after.updated_date == changed.updated_date) == moves
    row = (await zuora.get("/object-query/accounts/A-00000001", ("expand[]", "billto"))).json
    assert (row["billTo"]["address2"], row["billTo"]["county"]) == ("2. Stock", "Rheinland")


@pytest.mark.parametrize(("contacts", "status"), [("refused", 403), ("absent", 200)])
async def test_a_user_may_see_accounts_and_no_contacts(zuora, contacts, status):
    zuora.sandbox.use(msgspec.structs.replace(zuora.tenant.settings, contacts=contacts))
    for path in ("/object-query/accounts", "/object-query/accounts/A-00000001"):
        assert (await zuora.get(path)).status == 200
        reply = await zuora.get(path, ("expand[]", "billto"))
        assert reply.status == status
        assert "billTo" not in str(reply.json).replace("billToId", "")
    assert (await zuora.get("/object-query/invoices", ("expand[]", "account.billto"))).status == status
