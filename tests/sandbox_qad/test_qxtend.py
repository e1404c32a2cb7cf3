"""The stand-in's QXtend: the same books by SOAP, what it refuses before and after it looked, and its own faults."""

import asyncio
from decimal import Decimal
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest

from sandbox.qad.faults import Fault

QDOC = "{urn:schemas-qad-com:xml-services}"
COMMON = "{urn:schemas-qad-com:xml-services:common}"
CONTEXT = {
    "domain": "10USA",
    "entity": "10USACO",
    "scopeTransaction": "true",
    "version": "ERP3_1",
    "mnemonicsRaw": "false",
    "username": "connector",
    "password": "connector-word",
    "action": "Save",
}
HEAD = {
    "DInvoiceType": "Invoice",
    "DInvoiceDate": "2026-01-10",
    "DInvoicePostingDate": "2026-01-10",
    "DInvoiceVoucher": "0",
    "DInvoiceDescription": "Ärger & <Spaß>",
    "DInvoiceDIText": "INV00000001",
    "DInvoiceOriginalDebitTC": "100.00",
    "DInvoiceIsTaxable": "false",
    "tcJournalCode": "ZINV",
    "tcDebtorCode": "C0001",
    "tcCurrencyCode": "USD",
    "CustomShort0": "mlc-1",
}
ROWS = (
    ("tApiDInvoiceDIJE", "1", "", HEAD),
    ("tApiDInvoicePostingDIJE", "2", "1", {}),
    ("tApiPostingDIJE", "3", "2", {"tcJournalCode": "ZINV"}),
    ("tApiPostingLineDIJE", "4", "3", {"tcGLCode": "", "PostingLineDebitTC": "100.00"}),
    ("tApiPostingLineDIJE", "5", "3", {"tcGLCode": "4100", "PostingLineCreditTC": "100.00"}),
)


def message(
    rows=ROWS,
    *,
    api="bdinvoicejournalentry",
    root="BDInvoiceJournalEntry",
    receiver="QADFIN",
    context=CONTEXT,
    action="save",
    detail="false",
    before="",
):
    def elements(fields):
        return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())

    told = "".join(
        f"<qcom:ttContext><qcom:propertyQualifier>QAD</qcom:propertyQualifier><qcom:propertyName>{name}"
        f"</qcom:propertyName><qcom:propertyValue>{text}</qcom:propertyValue></qcom:ttContext>"
        for name, text in context.items()
    )
    dataset = "".join(
        f"<{table}>{elements(fields)}<tc_Rowid>{rowid}</tc_Rowid><tc_ParentRowid>{parent}</tc_ParentRowid></{table}>"
        for table, rowid, parent, fields in rows
    )
    info = {"tcCompanyCode": "10USACO", "tcAction": action, "tcActivityCode": "Create", "tlPartialUpdate": "true"}
    return f"""{before}<soapenv:Envelope xmlns="urn:schemas-qad-com:xml-services"
 xmlns:qcom="urn:schemas-qad-com:xml-services:common" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:wsa="http://www.w3.org/2005/08/addressing"><soapenv:Header><wsa:Action/>
 <wsa:To>urn:services-qad-com:{receiver}</wsa:To><wsa:MessageID>urn:services-qad-com::1</wsa:MessageID>
 <wsa:ReferenceParameters><qcom:suppressResponseDetail>{detail}</qcom:suppressResponseDetail></wsa:ReferenceParameters>
 </soapenv:Header><soapenv:Body><{api}><qcom:dsSessionContext>{told}</qcom:dsSessionContext><{root}><tContextInfo>
 {elements(info)}</tContextInfo>{dataset}</{root}></{api}></soapenv:Body></soapenv:Envelope>""".encode()


class Told:
    """What an answer says."""

    def __init__(self, status, body):
        self.status, self.body = status, body
        root = ET.fromstring(body)
        self.result = root.findtext(f".//{QDOC}result")
        self.numbers = [one.text for one in root.iter(f"{COMMON}tt_msg_nbr")]
        self.fields = [one.text for one in root.iter(f"{COMMON}tt_msg_field")]
        self.fault = (root.findtext(".//faultcode") or "").removeprefix("soapenv:")
        self.text = root.findtext(".//faultstring") or ""
        self.voucher = root.findtext(f".//{QDOC}DInvoiceVoucher")


async def ask(tenant, body):
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ""}
    async with tenant.session.post(tenant.server.qxtend_url, data=body, headers=headers) as answer:
        return Told(answer.status, await answer.read())


def booked(tenant):
    return tenant.control.counts()["10USACO"]["invoice"]


async def test_an_invoice_stands_in_the_books_as_over_rest(tenant, invoice_record):
    told = await ask(tenant, message())
    assert (told.status, told.result, told.voucher, told.numbers) == (200, "success", "1", [])
    assert (await tenant.post("invoice", invoice_record(customShort0="mlc-2"))).success
    by_soap, by_rest = tenant.control.documents("10USACO")
    assert by_soap["content"]["description"] == "Ärger & <Spaß>"
    assert by_soap["content"]["original_amount"] == Decimal("100.00")
    assert len(by_soap["content"]["posting_lines"]) == 1
    assert [line["gl_account_code"] for line in by_soap["entry"]] == ["1200", "4100"]
    assert by_soap["entry"][0]["origin"] == by_rest["entry"][0]["origin"] == "control"
    call = tenant.control.requests()[-2]
    assert (call.kind, call.api, call.user, call.references) == (
        "invoice",
        "bdinvoicejournalentry",
        "connector",
        ("mlc-1",),
    )
    assert tenant.control.audit()["10USACO"] == []


async def test_without_detail_the_answer_names_no_voucher(tenant):
    told = await ask(tenant, message(detail="true"))
    assert (told.result, told.voucher, booked(tenant)) == ("success", None, 1)


@pytest.mark.parametrize(("action", "drafts"), [("validate", 0), ("store", 1)])
async def test_validate_and_store_book_nothing(tenant, action, drafts):
    assert (await ask(tenant, message(action=action))).result == "success"
    assert (booked(tenant), len(tenant.server.installation.drafts)) == (0, drafts)


async def test_validate_says_what_would_be_wrong(tenant):
    wrong = {**HEAD, "tcDebtorCode": "C9999"}
    told = await ask(tenant, message((("tApiDInvoiceDIJE", "1", "", wrong), *ROWS[1:]), action="validate"))
    assert (told.result, told.numbers, told.fields) == ("error", ["CUSTOMER_UNKNOWN"], ["tcDebtorCode"])


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"DInvoiceType": "Nonsense"}, "VALUE_NOT_ALLOWED"),
        ({"DInvoiceType": "Credit Note", "tcJournalCode": "ZCRN"}, "VALUE_NOT_ALLOWED"),
        ({"DInvoiceOriginalDebitTC": "99.00"}, "OUT_OF_BALANCE"),
        ({"DInvoiceDescription": "x" * 41}, "47"),
    ],
)
async def test_what_the_books_refuse_is_an_error_with_its_number(tenant, changes, number):
    told = await ask(tenant, message((("tApiDInvoiceDIJE", "1", "", HEAD | changes), *ROWS[1:])))
    assert (told.status, told.result) == (200, "error")
    assert number in told.numbers
    assert booked(tenant) == 0


async def test_mnemonics_may_be_the_books_own(tenant):
    raw = (("tApiDInvoiceDIJE", "1", "", HEAD | {"DInvoiceType": "INVOICE"}), *ROWS[1:])
    assert (await ask(tenant, message(raw))).result == "error"
    assert (await ask(tenant, message(raw, context=CONTEXT | {"mnemonicsRaw": "true"}))).result == "success"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<a/>",
        message()[:-20],
        message(before='<!DOCTYPE x [<!ENTITY e "1">]>'),
        message(receiver=""),
        message(receiver="OTHER"),
        message(api="bdinvoice"),
        message(root="BDInvoice"),
        message(action="drop"),
        message(context={name: text for name, text in CONTEXT.items() if name != "scopeTransaction"}),
        message(context=CONTEXT | {"version": "ERP1"}),
        message(context=CONTEXT | {"password": "wrong"}),
        message(context=CONTEXT | {"domain": "99XXX"}),
        message(ROWS[1:]),
        message(ROWS + ROWS[:1]),
        message((*ROWS, ("tOther", "9", "", {}))),
        message((*ROWS[:-1], ("tApiPostingLineDIJE", "5", "1", {"tcGLCode": "4100"}))),
        message((("tApiDInvoiceDIJE", "1", "", HEAD | {"DInvoiceDate": "10.01.2026"}), *ROWS[1:])),
        message((("tApiDInvoiceDIJE", "1", "", HEAD | {"DInvoiceOriginalDebitTC": "1e3"}), *ROWS[1:])),
    ],
)
async def test_what_cannot_be_processed_is_a_fault_of_the_client(tenant, body):
    told = await ask(tenant, body)
    assert (told.status, told.fault) == (500, "Client")
    assert told.text
    assert booked(tenant) == 0


@pytest.mark.parametrize("leave_out", ["SOAPAction", "Content-Type"])
async def test_the_headers_of_soap_are_needed(tenant, leave_out):
    headers = {"Content-Type": "text/xml", "SOAPAction": ""}
    del headers[leave_out]
    async with tenant.session.post(tenant.server.qxtend_url, data=message(), headers=headers) as answer:
        assert answer.status == 500
    assert booked(tenant) == 0


async def test_an_element_that_no_table_has_is_noted_or_refused(tenant):
    rows = (("tApiDInvoiceDIJE", "1", "", HEAD | {"DInvoiceDICode": "x"}), *ROWS[1:])
    assert (await ask(tenant, message(rows))).result == "success"
    assert tenant.control.requests()[-1].ignored_fields == ("DInvoiceDICode",)
    tenant.control.change_settings({"calls": {"refuses_unknown_fields": True}})
    assert (await ask(tenant, message(rows))).fault == "Client"


async def test_where_no_agent_is_free_nothing_is_booked(tenant):
    tenant.control.change_settings({"traffic": {"agents_max": 1, "latency_ms": 300}})
    told = await asyncio.gather(ask(tenant, message()), ask(tenant, message()))
    assert sorted(one.fault for one in told) == ["", "Server"]
    assert "agent" in "".join(one.text for one in told)
    assert booked(tenant) == 1


@pytest.mark.parametrize(
    ("name", "code", "fault", "count"),
    [
        ("soap_fault", "Client", "Client", 0),
        ("soap_fault", "ProcessException001", "Server", 0),
        ("commit_then_soap_fault", "ProcessException009", "Server", 1),
    ],
)
async def test_faults_of_its_own(tenant, invoice_record, name, code, fault, count):
    armed = tenant.control.arm(Fault(name=name, count=1, code=code, message="Told so."))
    assert (await tenant.post("invoice", invoice_record(customShort0="mlc-2"))).success
    assert armed.fired == 0
    told = await ask(tenant, message())
    assert (told.fault, armed.fired) == (fault, 1)
    assert told.text.endswith("Told so.")
    assert booked(tenant) == 1 + count


async def test_the_faults_of_rest_fire_here_as_well(tenant):
    for name, count in (("html_login", 0), ("commit_then_500", 1), ("commit_then_502", 2), ("empty_body", 3)):
        tenant.control.arm(Fault(name=name, count=1, kind="invoice"))
        headers = {"Content-Type": "text/xml", "SOAPAction": ""}
        async with tenant.session.post(tenant.server.qxtend_url, data=message(), headers=headers) as answer:
            assert b"success" not in await answer.read()
        assert (booked(tenant), tenant.control.fired(name)) == (count, 1)
