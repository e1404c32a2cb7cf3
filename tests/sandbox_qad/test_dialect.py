"""Another tenant's dialect is data: other paths, names, nesting, dates, signs, envelopes and words."""

import msgspec
import pytest

from sandbox.qad.dialect import Browse, BrowseParameters, Dialect, Envelope, Lines, Resource
from sandbox.qad.house import HOUSE
from sandbox.qad.server import QadServer

OTHER = Dialect(
    name="other",
    base="/qad-central",
    token_path="/api/oauth/token",
    browse_path="/api/browse",
    workspace_header="x-workspace",
    view_parameter="view",
    date_format="%d.%m.%Y",
    date_formats_read=("%d.%m.%Y",),
    page_size_default=2,
    page_size_max=5,
    codes={"CUSTOMER_UNKNOWN": "4711", "FIELD_TOO_LONG": "48"},
    capitalises_length_fields=False,
    record_uri="",
    envelope=Envelope(
        records_under="dataset",
        success="result.ok",
        errors="result.messages",
        error_code="nbr",
        error_field="field",
        error_value="value",
        error_message="text",
        gateway_errors="failure.errors",
        rows="result.rows",
        has_more="result.more",
        data="result",
    ),
    browse_parameters=BrowseParameters(browse_id="id", page="p", page_size="n", page_action="do", filter="where"),
    resources=(
        Resource(
            kind="invoice",
            path="/api/ar/invoices",
            view_uri="urn:ar:invoice",
            list_name="tDInvoice",
            keys=("entity_code", "posting_year", "daybook_code", "voucher"),
            constants={"invoice_type": "INVOICE"},
            fields={
                "entity_code": "key.company",
                "posting_year": "key.year",
                "daybook_code": "key.journal",
                "voucher": "key.voucher",
                "customer_code": "tcDebtorCode",
                "currency_code": "money.currency",
                "original_amount": "money.total",
                "posting_date": "DInvoicePostingDate",
                "description": "DInvoiceDescription",
                "custom_short_0": "CustomShort0",
                "is_taxable": "DInvoiceIsTaxable",
                "open_amount": "money.open",
            },
            lines={
                "posting_lines": Lines(
                    name="posting.lines",
                    fields={"gl_account_code": "tcGLCode", "text": "text"},
                    signed_amount="amount",
                    positive_side="credit",
                )
            },
        ),
        Resource(
            kind="payment",
            path="/api/ar/payments",
            view_uri="urn:ar:payment",
            list_name="tDDocument",
            keys=("entity_code", "posting_year", "daybook_code", "voucher"),
            values={"status": {"Paid": "6-Bezahlt", "Initial": "1-Neu"}},
            fields={
                "entity_code": "company",
                "posting_year": "year",
                "daybook_code": "journal",
                "voucher": "voucher",
                "customer_code": "debtor",
                "currency_code": "currency",
                "bank_gl_account_code": "bank",
                "posting_date": "date",
                "amount": "amount",
                "status": "state",
            },
        ),
    ),
    browses=(
        Browse(
            table="gl_transactions",
            browse_id="urn:browse:mfg:gl001",
            prefix="tPostingLine",
            columns={"gl_account_code": "GLCode", "amount": "AmountTC", "posting_date": "Date"},
        ),
        Browse(
            table="customer_payments",
            browse_id="urn:browse:mfg:pay01",
            prefix="pay",
            columns={"status": "state", "amount": "amount"},
            values={"status": {"Paid": "6-Bezahlt", "Initial": "1-Neu"}},
        ),
    ),
)


@pytest.fixture
async def other(enter):
    async with QadServer(dialect=OTHER) as server:
        yield await enter(server)


def record(**changes):
    return {
        "key": {"company": "10USACO", "journal": "ZINV"},
        "tcDebtorCode": "C0001",
        "money": {"currency": "USD", "total": 90},
        "DInvoicePostingDate": "10.01.2026",
        "DInvoiceDescription": "Subscription",
        "CustomShort0": "mlc-1",
        "DInvoiceIsTaxable": False,
        "posting": {
            "lines": [{"tcGLCode": "4100", "amount": 100}, {"tcGLCode": "4100", "amount": -10, "text": "less"}]
        },
        **changes,
    }


async def post(tenant, resource, body, **query):
    params = {"view": resource.view_uri, **query}
    data = msgspec.json.encode({"dataset": {resource.list_name: [body]}})
    return await tenant.send("POST", resource.path, params=params, data=data)


async def test_a_document_in_other_words_is_the_same_document(other):
    invoice = OTHER.resource_of("invoice")
    reply = await post(other, invoice, record())
    assert reply.json["result"] == {"ok": True}
    stored = reply.json["dataset"]["tDInvoice"][0]
    assert stored["key"] == {"company": "10USACO", "year": 2026, "journal": "ZINV", "voucher": 1}
    assert stored["money"] == {"currency": "USD", "total": 90, "open": 90}
    assert stored["DInvoicePostingDate"] == "10.01.2026"
    assert stored["posting"]["lines"] == [
        {"tcGLCode": "4100", "text": "", "amount": 100},
        {"tcGLCode": "4100", "text": "less", "amount": -10},
    ]
    key = {"company": "10USACO", "year": 2026, "journal": "ZINV", "voucher": 1, "view": invoice.view_uri}
    read = await other.send("GET", invoice.path, params=key)
    assert read.json == {"result": {"tDInvoice": [stored]}}
    [line] = [one for one in other.control.documents("10USACO")[0]["entry"] if one["debit_amount"] == 10]
    assert line["gl_account_code"] == "4100"
    assert other.control.audit()["10USACO"] == []


async def test_failures_are_spelled_its_way(other):
    invoice = OTHER.resource_of("invoice")
    reply = await post(other, invoice, record(tcDebtorCode="C9999", DInvoiceDescription="x" * 41))
    assert reply.json["result"]["ok"] is False
    assert [(one["nbr"], one["field"]) for one in reply.json["result"]["messages"]] == [
        ("4711", "tcDebtorCode"),
        ("48", "DInvoiceDescription"),
    ]
    iso = await post(other, invoice, record(DInvoicePostingDate="2026-01-10"))
    assert (iso.status, iso.json["failure"]["errors"][0]["field"]) == (
        400,
        "DInvoicePostingDate",
    )
    text = await post(other, invoice, record(posting={"lines": [{"tcGLCode": "4100", "amount": "5"}]}))
    assert (text.status, text.json["failure"]["errors"][0]["field"]) == (400, "amount")


async def test_words_are_translated_in_records_browses_and_filters(other):
    payment = {
        "company": "10USACO",
        "journal": "ZPAY",
        "debtor": "C0001",
        "currency": "USD",
        "bank": "1010",
        "date": "10.02.2026",
        "amount": 5,
        "state": "6-Bezahlt",
    }
    reply = await post(other, OTHER.resource_of("payment"), payment)
    assert reply.json["dataset"]["tDDocument"][0]["state"] == "6-Bezahlt"
    params = {"id": "urn:browse:mfg:pay01", "where": "state,eq,6-Bezahlt,literal"}
    rows = (await other.send("GET", OTHER.browse_path, params=params)).json["result"]
    assert rows == {"rows": [{"pay.state": "6-Bezahlt", "pay.amount": 5}], "more": "false"}
    params = {"id": "urn:browse:mfg:gl001", "p": "1", "n": "100", "do": "first"}
    rows = (await other.send("GET", OTHER.browse_path, params=params)).json["result"]["rows"]
    assert [(row["tPostingLine.GLCode"], row["tPostingLine.AmountTC"], row["tPostingLine.Date"]) for row in rows] == [
        ("1010", 5, "10.02.2026"),
        ("2400", -5, "10.02.2026"),
    ]


def test_a_dialect_is_json():
    for dialect in (OTHER, HOUSE):
        assert msgspec.json.decode(msgspec.json.encode(dialect), type=Dialect) == dialect
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"name": "x", "resources": [], "browses": [], "speed": 1}', type=Dialect)


def test_the_house_spells_what_is_publicly_known():
    customer = HOUSE.resource_of("customer")
    assert (customer.path, customer.view_uri) == ("/api/erp/customerV2s", "urn:be:com.qad.base.customer.ICustomerV2")
    assert customer.fields["invoice_control_gl_profile_code"] == "invoiceControlGLProfileCode"
    assert customer.fields["pre_payment_control_gl_profile_code"] == "prePaymentControlGLProfileCode"
    journal = HOUSE.resource_of("journal")
    assert journal.view_uri == "urn:be:com.qad.financials.generalledger.journalentry.IJournalEntry"
    assert HOUSE.resource_of("payment").fields["bank_gl_account_code"] == "bankGLAccountCode"
    assert HOUSE.browse_of("customers").browse_id == "urn:browse:bebrowse:com.qad.erp.base.customerV2s"
