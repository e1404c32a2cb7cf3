"""Documents over the wire: bodies, keys, refusals by form, and what comes back as stored."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from sandbox.qad.house import HOUSE

KEY = {"entityCode": "10USACO", "postingYear": 2026, "daybookCode": "ZINV", "voucher": 1}


async def test_a_created_invoice_comes_back_as_stored_and_is_read_by_its_key(tenant, invoice_record):
    reply = await tenant.post("invoice", invoice_record())
    assert (reply.status, reply.success) == (200, True)
    stored = reply.json["customerInvoices"][0]
    expected = KEY | {
        "postingPeriod": 1,
        "invoiceType": "INVOICE",
        "originalAmount": Decimal("110.10"),
        "openAmount": Decimal("110.10"),
        "taxAmount": 0,
        "postingDate": "2026-01-10T00:00:00.000Z",
        "taxPointDate": "2026-01-10T00:00:00.000Z",
        "customShort0": "mlc-1",
        "isPosted": True,
        "createdBy": "connector",
        "createdAt": "2026-02-15T12:00:00.000000Z",
        "uri": "urn:be:com.qad.financials.salesledger.customerinvoice.ICustomerInvoice:10USACO.2026.ZINV.1",
    }
    assert {name: stored[name] for name in expected} == expected
    assert stored["postingLines"][0]["creditAmount"] == Decimal("100.10")
    read = await tenant.read("invoice", **KEY)
    assert (read.status, read.json) == (200, {"data": {"customerInvoices": [stored]}})


async def test_money_is_written_as_json_numbers(tenant, invoice_record):
    reply = await tenant.post("invoice", invoice_record(amount="110.10"))
    assert b'"originalAmount":110.10,' in reply.body


async def test_every_kind_of_document_is_created_and_read(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    records = {
        "payment": {
            "customerCode": "C0001",
            "currencyCode": "USD",
            "bankGLAccountCode": "1010",
            "postingDate": "2026-02-01",
            "daybookCode": "ZPAY",
            "amount": 200,
            "paymentReference": "P-1",
            "customShort0": "mlc-2",
            "status": "Paid",
            "allocations": [
                {"invoicePostingYear": 2026, "invoiceDaybookCode": "ZINV", "invoiceVoucher": 1, "amount": 50}
            ],
        },
        "adjustment": {
            "currencyCode": "USD",
            "postingDate": "2026-02-02",
            "daybookCode": "ZADJ",
            "description": "Application",
            "customShort0": "mlc-3",
            "lines": [
                {
                    "customerCode": "C0001",
                    "itemPostingYear": 2026,
                    "itemDaybookCode": "ZPAY",
                    "itemVoucher": 1,
                    "debitAmount": 60.1,
                },
                {
                    "customerCode": "C0001",
                    "itemPostingYear": 2026,
                    "itemDaybookCode": "ZINV",
                    "itemVoucher": 1,
                    "creditAmount": 60.1,
                },
            ],
        },
        "journal": {
            "postingDate": "2026-02-03",
            "daybookCode": "ZJRN",
            "description": "Reclass",
            "customShort0": "mlc-4",
            "lines": [
                {"sequence": 1, "glAccountCode": "1900", "currencyCode": "USD", "debitAmount": 5},
                {"sequence": 2, "glAccountCode": "4100", "currencyCode": "USD", "creditAmount": 5},
            ],
        },
    }
    for kind, record in records.items():
        reply = await tenant.post(kind, record)
        assert reply.success, reply.body
        resource = HOUSE.resource_of(kind)
        stored = reply.json[resource.list_name][0]
        assert {name: stored[name] for name in record if name not in ("postingDate", "lines", "allocations")} == {
            name: value for name, value in record.items() if name not in ("postingDate", "lines", "allocations")
        }
        key = {name: stored[name] for name in ("entityCode", "postingYear", "daybookCode", "voucher")}
        read = await tenant.read(kind, **key)
        assert read.json["data"][resource.list_name] == [stored]
    invoice = (await tenant.read("invoice", **KEY)).json["data"]["customerInvoices"][0]
    assert invoice["openAmount"] == 0
    assert tenant.control.audit() == {"10USACO": [], "20DEUCO": []}


async def test_a_business_failure_says_so_in_its_body_and_not_by_its_status(tenant, invoice_record):
    reply = await tenant.post("invoice", invoice_record(customerCode="C9999", description="x" * 41, daybookCode=""))
    assert (reply.status, reply.success) == (200, False)
    assert reply.errors[0] == {
        "fieldName": "customerCode",
        "message": "Customer C9999 does not exist.",
        "fieldValue": "C9999",
        "code": "CUSTOMER_UNKNOWN",
    }
    assert reply.errors[1]["fieldName"] == "Description"
    assert (reply.errors[1]["code"], reply.errors[1]["message"]) == ("47", "Field length should be less than 41.")
    assert reply.errors[2]["code"] == "DAYBOOK_UNKNOWN"
    tenant.control.change_settings({"calls": {"business_failure_status": 400}})
    assert (await tenant.post("invoice", invoice_record(customerCode="C9999"))).status == 400


async def test_fields_of_lines_are_named_by_the_wire(tenant, invoice_record):
    record = invoice_record(postingLines=[{"glAccountCode": "9999", "creditAmount": 110.1}])
    reply = await tenant.post("invoice", record)
    assert [(error["fieldName"], error["code"]) for error in reply.errors] == [("glAccountCode", "ACCOUNT_UNKNOWN")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"originalAmount": "110.10"}, "originalAmount"),
        ({"originalAmount": True}, "originalAmount"),
        ({"voucher": 1.5}, "voucher"),
        ({"voucher": "1"}, "voucher"),
        ({"invoiceDate": "10/01/2026"}, "invoiceDate"),
        ({"invoiceDate": "2026-01-10T05:00:00.000Z"}, "invoiceDate"),
        ({"invoiceDate": 20260110}, "invoiceDate"),
        ({"isTaxable": "false"}, "isTaxable"),
        ({"customerCode": 1}, "customerCode"),
        ({"postingLines": {}}, "postingLines"),
        ({"postingLines": [1]}, "postingLines"),
        ({"postingLines": [{"creditAmount": "5"}]}, "creditAmount"),
    ],
)
async def test_values_of_the_wrong_form_never_reach_the_books(tenant, invoice_record, changes, field):
    reply = await tenant.post("invoice", invoice_record(**changes))
    assert reply.status == 400
    assert [error["fieldName"] for error in reply.json["errors"]] == [field]
    assert "submitResult" not in reply.json
    assert tenant.control.counts()["10USACO"]["invoice"] == 0


@pytest.mark.parametrize(
    "number",
    [
        b"1e9999999999999999999999",
        b"[" * 5000 + b"]" * 5000,
        b"1e999999999",
        b"1E+400",
        b"1e-99999999",
        b"123456789012345678901234567890.12",
    ],
)
async def test_hostile_numbers_cost_nothing(tenant, invoice_record, number):
    resource = HOUSE.resource_of("invoice")
    body = msgspec.json.Encoder(decimal_format="number").encode({"customerInvoices": [invoice_record()]})
    body = body.replace(b'"originalAmount":110.10', b'"originalAmount":' + number)
    params = {"viewUri": resource.view_uri}
    reply = await tenant.send("POST", resource.path, params=params, data=body, timeout_s=2)
    assert reply.status == 400 or reply.codes >= {"AMOUNT_TOO_LARGE"}
    assert tenant.control.counts()["10USACO"]["invoice"] == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"\xff\xfe", 400),
        (b'{"invoices": [{}]}', 400),
        (b'{"customerInvoices": {}}', 400),
        (b'{"customerInvoices": []}', 400),
        (b'{"customerInvoices": [5]}', 400),
        (b'{"customerInvoices": [{}]}', 200),
    ],
)
async def test_bodies_that_are_none(tenant, body, status):
    resource = HOUSE.resource_of("invoice")
    reply = await tenant.send("POST", resource.path, params={"viewUri": resource.view_uri}, data=body)
    assert reply.status == status
    assert reply.json["submitResult"]["success"] is False if status == 200 else reply.json["errors"]


async def test_view_list_and_path_must_fit(tenant, invoice_record):
    resource = HOUSE.resource_of("invoice")
    wrong_view = await tenant.post("invoice", invoice_record(), viewUri="urn:be:other")
    no_view = await tenant.send("GET", resource.path, params=KEY)
    wrong_path = await tenant.send("POST", "/api/erp/invoices", json={})
    wrong_method = await tenant.send("DELETE", resource.path)
    for reply in (wrong_view, no_view, wrong_path, wrong_method):
        assert reply.status == 404
        assert reply.json["errors"][0] | {"message": ""} | {"fieldName": ""} == {
            "severity": 1,
            "code": "404",
            "message": "",
            "fieldName": "",
        }


async def test_reading_needs_every_part_of_the_key(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    assert (await tenant.read("invoice", entityCode="10USACO", voucher=1)).status == 400
    assert (await tenant.read("invoice", **{**KEY, "voucher": "one"})).status == 400
    assert (await tenant.read("invoice", **{**KEY, "voucher": 9})).json == {"data": {"customerInvoices": []}}
    assert (await tenant.read("payment", **KEY)).json == {"data": {"customerPayments": []}}


async def test_the_workspace_selects_the_entity(tenant, invoice_record):
    assert (await tenant.post("invoice", invoice_record(entityCode="20DEUCO"))).codes == {"ENTITY_MISMATCH"}
    tenant.workspace = "20DEU_20DEUCO"
    record = invoice_record()
    del record["entityCode"]
    stored = (await tenant.post("invoice", record)).json["customerInvoices"][0]
    assert stored["entityCode"] == "20DEUCO"
    tenant.workspace = None
    assert (await tenant.post("invoice", invoice_record())).json["customerInvoices"][0]["entityCode"] == "10USACO"
    tenant.workspace = "30XXX_30XXX"
    assert (await tenant.post("invoice", invoice_record())).status == 403
    await tenant.sign_in("clerk", "clerk-word")
    tenant.workspace = "20DEU_20DEUCO"
    refused = await tenant.post("invoice", invoice_record())
    assert refused.json == {"errors": [{"severity": 1, "code": "403", "message": "Access is denied", "fieldName": ""}]}


async def test_who_may_only_read_is_denied_writing(tenant, invoice_record):
    await tenant.sign_in("reader", "reader-word")
    assert (await tenant.post("invoice", invoice_record())).status == 403
    assert (await tenant.browse("customers"))[0]["customerCode"] == "C0001"


async def test_several_records_of_one_call_stand_or_fall_together(tenant, invoice_record):
    records = [invoice_record(f"mlc-{number}") for number in range(50)]
    records[7]["customerCode"] = records[20]["customerCode"] = "C9999"
    records[30]["description"] = ""
    reply = await tenant.post("invoice", *records)
    assert [(error["recordIndex"], error["code"]) for error in reply.errors] == [
        (7, "CUSTOMER_UNKNOWN"),
        (20, "CUSTOMER_UNKNOWN"),
        (30, "FIELD_REQUIRED"),
    ]
    assert tenant.control.counts()["10USACO"]["invoice"] == 0
    tenant.control.change_settings({"calls": {"each_record_by_itself": True}})
    reply = await tenant.post("invoice", *records)
    assert reply.success is False
    assert len(reply.json["customerInvoices"]) == 47
    assert {error["recordIndex"] for error in reply.errors} == {7, 20, 30}
    assert tenant.control.counts()["10USACO"]["invoice"] == 47
    assert (await tenant.post("invoice", *records, invoice_record())).status == 400


async def test_unknown_fields_are_noted_and_refused_where_the_site_says_so(tenant, invoice_record):
    record = invoice_record(glAccount="4100", dataOperation="C", concurrencyHash="", customShort3="x")
    assert (await tenant.post("invoice", record)).success
    assert tenant.control.requests()[-1].ignored_fields == ("glAccount",)
    tenant.control.change_settings({"calls": {"refuses_unknown_fields": True}})
    reply = await tenant.post("invoice", record)
    assert (reply.status, reply.json["errors"][0]["fieldName"]) == (400, "glAccount")


async def test_posted_documents_are_changed_only_where_the_site_allows_it(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    stored = (await tenant.read("invoice", **KEY)).json["data"]["customerInvoices"][0]
    changed = {**stored, "dueDate": "2026-05-01T00:00:00.000Z"}
    reply = await tenant.post("invoice", changed, **KEY)
    assert (reply.codes, reply.errors[0]["fieldName"]) == ({"NOT_MODIFIABLE"}, "dueDate")
    tenant.control.change_settings({"books": {"amendable_fields": ["due_date"]}})
    reply = await tenant.post("invoice", changed, **KEY)
    assert reply.json["customerInvoices"][0]["dueDate"] == "2026-05-01T00:00:00.000Z"
    assert (await tenant.post("invoice", {**changed, "originalAmount": 5}, **KEY)).codes == {"NOT_MODIFIABLE"}
    assert (await tenant.post("invoice", changed, **{**KEY, "voucher": 9})).codes == {"NOT_FOUND"}
    tenant.workspace = "20DEU_20DEUCO"
    assert (await tenant.post("invoice", changed, **KEY)).codes == {"NOT_FOUND"}
    tenant.workspace = "10USA_10USACO"
    assert (await tenant.post("invoice", changed, voucher=1)).status == 400
    assert tenant.control.counts()["10USACO"]["invoice"] == 1


async def test_a_given_voucher_that_exists_is_refused(tenant, invoice_record):
    assert (await tenant.post("invoice", invoice_record(voucher=77))).success
    reply = await tenant.post("invoice", invoice_record(voucher=77))
    assert "already exists" in reply.errors[0]["message"]


async def test_reversal_is_offered_only_where_the_site_has_it(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    resource = HOUSE.resource_of("invoice")
    path, params = resource.path + "/reverse", {"viewUri": resource.view_uri, **KEY}
    assert (await tenant.send("POST", path, params=params)).status == 404
    tenant.control.change_settings({"books": {"offers_reversal": True}})
    said = {"customerInvoices": [{"customShort0": "mlc-r", "postingDate": "2026-02-01"}]}
    reply = await tenant.send("POST", path, params=params, json=said)
    reversal = reply.json["customerInvoices"][0]
    assert (reversal["invoiceType"], reversal["customShort0"], reversal["reversalOf"]) == (
        "INVOICECORRECTION",
        "mlc-r",
        "10USACO.2026.ZINV.1",
    )
    again = await tenant.send("POST", path, params=params)
    assert again.codes == {"NOT_REVERSIBLE"}
    assert tenant.control.requests()[-1].errors == ("NOT_REVERSIBLE",)


async def test_many_at_once_lose_and_double_nothing(tenant, invoice_record):
    posts = [tenant.post("invoice", invoice_record(f"mlc-{number}")) for number in range(300)]
    replies = await asyncio.gather(*posts)
    vouchers = {reply.json["customerInvoices"][0]["voucher"] for reply in replies}
    assert vouchers == set(range(1, 301))
    assert tenant.control.duplicates() == []
    key = {"invoicePostingYear": 2026, "invoiceDaybookCode": "ZINV", "invoiceVoucher": 1}
    payment = {
        "customerCode": "C0001",
        "currencyCode": "USD",
        "bankGLAccountCode": "1010",
        "postingDate": "2026-02-01",
        "daybookCode": "ZPAY",
        "amount": 20,
        "status": "Paid",
        "allocations": [{**key, "amount": 20}],
    }
    replies = await asyncio.gather(*(tenant.post("payment", payment) for _ in range(40)))
    # 110.10 takes five payments of 20; the others come too late.
    assert sorted(str(reply.success) for reply in replies) == ["False"] * 35 + ["True"] * 5
    assert {code for reply in replies if not reply.success for code in reply.codes} == {"OVER_ALLOCATION"}
    assert tenant.control.audit()["10USACO"] == []
