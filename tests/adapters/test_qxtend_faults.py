"""What QXtend refuses, and whatever goes wrong on the way: refused, not yet, stopped, or unknown and never success."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.qad.books.master import PeriodStatus
from schemas.errors import ConnectorError, NotSent, OutcomeUnknown, Overloaded, Refused, Rejected, Transient
from schemas.postings import GlLine
from tests.adapters.qad_company import ENTITY, post
from tests.adapters.strange import Told

HASTY = {"timeout_s": 0.3}


@pytest.fixture
def qad(house):
    """The company whose dialect has QXtend."""
    return house


# -- refused for a business reason -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prepare", "changes", "reason_class"),
    [
        (
            lambda qad: qad.control.set_period(ENTITY, 2026, 1, status=PeriodStatus.LOCKED),
            {},
            "period_closed",
        ),
        (lambda qad: qad.control.set_account("CORP", "4100", is_active=False), {}, "gl_account"),
        (lambda qad: qad.control.set_customer("CORP", "C0001", is_active=False), {}, "customer"),
        (lambda qad: qad.control.set_daybook("CORP", "ZINV", is_active=False), {}, "daybook"),
        (None, {"customer": "C9999"}, "customer"),
        (None, {"currency": "CHF"}, "currency"),
        (None, {"currency": "GBP", "posting_date": date(2026, 1, 12)}, "exchange_rate"),
        (None, {"description": "x" * 41}, "field"),
        (None, {"lines": (GlLine(account="1200", credit=Decimal(119)),)}, "gl_account"),
    ],
)
async def test_a_business_refusal_has_its_class(qad, prepare, changes, reason_class):
    if prepare is not None:
        prepare(qad)
    with pytest.raises(Rejected) as rejected:
        await post(await qad.qxtend(), qad.invoice(**changes))
    assert rejected.value.reason_class == reason_class
    assert rejected.value.messages
    assert rejected.value.fields
    assert '"result":"error"' in rejected.value.answer
    assert qad.documents() == []


async def test_an_open_item_that_does_not_allow_it_has_its_class(qad):
    erp = await qad.qxtend()
    invoice, note = await post(erp, qad.invoice()), await post(erp, qad.credit_note("40.00"))
    for command in (
        qad.adjustment(invoice.document, note.document, "40.01"),
        qad.receipt("200.00", (invoice.document, "119.01")),
    ):
        with pytest.raises(Rejected) as rejected:
            await post(erp, command)
        assert rejected.value.reason_class == "open_item"
    assert len(qad.documents()) == 2


async def test_a_warning_is_a_yes_and_its_words_are_kept(qad):
    armed = qad.arm("warning", count=1, code="W1", message="The rate is old.")
    accepted = await post(await qad.qxtend(), qad.invoice())
    assert armed.fired == 1
    assert accepted.warnings == ("The rate is old.",)
    assert len(qad.documents()) == 1


async def test_a_number_that_nobody_knows_is_unclassified(qad):
    armed = qad.arm("business_error", count=1, code="9999", message="Nobody knows.")
    with pytest.raises(Rejected) as rejected:
        await post(await qad.qxtend(), qad.invoice())
    assert (armed.fired, rejected.value.reason_class) == (1, "unclassified")


# -- sent, and not answered --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "commit_then_reset"},
        {"name": "commit_then_hang"},
        {"name": "commit_then_500"},
        {"name": "commit_then_502"},
        {"name": "commit_then_504"},
        {"name": "empty_body"},
        {"name": "truncated_json"},
        {"name": "commit_then_soap_fault", "code": "ProcessException009", "message": "Timed out."},
        {"name": "commit_then_soap_fault", "code": "TransactionException007", "message": "Partly rolled back."},
        {"name": "commit_then_soap_fault", "code": "Server", "message": "An agent has died."},
    ],
)
@pytest.mark.parametrize("make", ["invoice", "receipt"])
async def test_what_was_committed_and_not_said_is_unknown_and_then_found(qad, fault, make):
    erp = await qad.qxtend(**HASTY)
    command = qad.invoice() if make == "invoice" else qad.receipt("50.00")
    armed = qad.arm(count=1, kind=make if make == "invoice" else "payment", **fault)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert armed.fired == 1
    found = await erp.find(make, command.reference)
    there = qad.document(command)
    assert found is not None
    assert found.document.voucher == there["key"]["voucher"]
    assert len(qad.documents()) == 1


@pytest.mark.parametrize("fault", ["reset_before_commit", "http_500_before_commit", "http_503_before_commit"])
async def test_what_was_not_committed_and_not_said_is_unknown_and_then_absent(qad, fault):
    erp, command = await qad.qxtend(), qad.invoice()
    armed = qad.arm(fault, count=1)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert armed.fired == 1
    assert await erp.find("invoice", command.reference) is None


async def test_what_is_slower_than_the_time_out_is_unknown(qad):
    erp, command = await qad.qxtend(**HASTY), qad.invoice()
    armed = qad.arm("commit_late", count=1, seconds=0.6)
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert armed.fired == 1


async def test_a_login_page_is_no_success(qad):
    armed = qad.arm("html_login", kind="invoice", count=1)
    with pytest.raises(OutcomeUnknown):
        await post(await qad.qxtend(), qad.invoice())
    assert armed.fired == 1


# -- not let in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        ({"name": "too_many_requests", "retry_after_s": 7}, Overloaded),
        ({"name": "soap_fault", "code": "Server", "message": "No licensed agent is available."}, Overloaded),
        ({"name": "unauthorized"}, Refused),
        ({"name": "forbidden"}, Refused),
        ({"name": "soap_fault", "code": "Client", "message": "Receiver X is not known."}, Refused),
        ({"name": "soap_fault", "code": "Client", "message": "Element y is wrong."}, Rejected),
        ({"name": "soap_fault", "code": "TransactionException001", "message": "Rolled back."}, Rejected),
        ({"name": "soap_fault", "code": "ProcessException001", "message": "No session."}, Overloaded),
        # Nothing says before or behind what: it is looked up.
        ({"name": "soap_fault", "code": "Server", "message": "An agent has died."}, OutcomeUnknown),
    ],
)
async def test_what_is_not_let_in_has_its_family(qad, fault, family):
    armed = qad.arm(count=1, kind="invoice", **fault)
    with pytest.raises(ConnectorError) as told:
        await post(await qad.qxtend(), qad.invoice())
    assert type(told.value) is family
    assert armed.fired == 1
    assert qad.documents() == []
    if fault["name"] == "too_many_requests":
        assert told.value.retry_after_s == 7


@pytest.mark.parametrize("changes", [{"password": "wrong-word"}, {"username": "nobody"}, {"receiver": "OTHER"}])
async def test_a_wrong_user_or_receiver_stops_the_connection(qad, changes):
    with pytest.raises(Refused):
        await post(await qad.qxtend(**changes), qad.invoice())
    assert qad.documents() == []


async def test_where_nothing_is_served_the_address_is_named(qad):
    with pytest.raises(Refused, match="qxtend"):
        await post(await qad.qxtend(url=f"{qad.server.origin}/nowhere"), qad.invoice())


async def test_out_of_reach_nothing_is_sent(qad):
    erp = await qad.qxtend()
    await qad.server.refuse_connections()
    with pytest.raises(NotSent):
        await post(erp, qad.invoice())
    await qad.server.listen()
    await post(erp, qad.invoice())
    assert len(qad.documents()) == 1


# -- answers that no stand-in gives ------------------------------------------------------------------------------------


def answer(result, *, said="", rows="", api="bdinvoicejournalentry"):
    return f"""<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns="urn:schemas-qad-com:xml-services" xmlns:c="urn:schemas-qad-com:xml-services:common"><s:Body>
 <{api}Response><result>{result}</result>{rows}<c:dsExceptions>{said}</c:dsExceptions></{api}Response></s:Body>
 </s:Envelope>""".encode()


def complaint(number, text, field=""):
    return (
        f"<c:temp_err_msg><c:tt_msg_nbr>{number}</c:tt_msg_nbr><c:tt_msg_desc>{text}</c:tt_msg_desc>"
        f"<c:tt_msg_field>{field}</c:tt_msg_field></c:temp_err_msg>"
    )


def made(voucher, table="tApiDInvoiceDIJE"):
    return (
        f"<BDInvoiceJournalEntry><{table}><tcJournalCode>ZINV</tcJournalCode><DInvoicePostingYear>2026"
        f"</DInvoicePostingYear><DInvoiceVoucher>{voucher}</DInvoiceVoucher></{table}></BDInvoiceJournalEntry>"
    )


YES = answer("success", rows=made(7))
RESPONSE = b"<bdinvoicejournalentryResponse><result>error</result></bdinvoicejournalentryResponse>"
DEEP = b"<a>" * 100_000
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>' + YES.partition(b"?>")[2]


async def told(qad, strange, body, status=200):
    strange.tell("/qxi", Told(body, status=status, content_type="text/xml"))
    return await post(await qad.qxtend(url=f"{strange.url}/qxi"), qad.invoice())


@pytest.mark.parametrize("result", ["success", "warning", " success\n"])
async def test_a_yes_names_what_was_made(qad, strange, result):
    accepted = await told(qad, strange, answer(result, rows=made(7), said=complaint("W", "Old rate.")))
    assert (accepted.document.year, accepted.document.daybook, accepted.document.voucher) == (2026, "ZINV", 7)
    assert accepted.warnings == ("Old rate.",)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (answer("success"), 200),
        (answer("success", rows=made(0)), 200),
        (answer("success", rows=made("x")), 200),
        (answer("success", rows=made(7, "tOther")), 200),
        (answer("success", rows=made(7), api="bdinvoice"), 200),
        (answer("error", rows=made(7), said=complaint("1", "Costing failed.")), 200),
        (answer("error", said=complaint("ProcessException009", "Timed out.")), 200),
        (answer("error", said=complaint("CUSTOMER_UNKNOWN", "x") + complaint("TransactionException006", "y")), 200),
        (answer("done", rows=made(7)), 200),
        (answer("Success", rows=made(7)), 200),
        (answer("", rows=made(7)), 200),
        (YES, 500),
        (YES, 202 + 98),
        (YES[:-9], 200),
        # Said twice: nobody knows which of both counts.
        (YES.replace(b"<result>", b"<result>error</result><result>"), 200),
        (answer("error", said=complaint("1", "x")).replace(b"<result>", b"<result>success</result><result>"), 200),
        (YES.replace(b"</bdinvoicejournalentryResponse>", b"</bdinvoicejournalentryResponse>" + RESPONSE), 200),
        # Sent on to a page about what was done, or to a login.
        (b"", 302),
        (b"<html></html>", 303),
        (YES, 302),
        (YES.replace(b'xml-services"', b'xml-other"'), 200),
        (YES.replace(b"/soap/envelope/", b"/soap/other/"), 200),
        (BOMB, 200),
        (DEEP, 200),
        (b"", 200),
        (b"\xff\xfe\x00", 200),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', 200),
        (b"<html><body>Sign in</body></html>", 200),
        (b'{"submitResult": {"success": true}}', 200),
        (b"", 503),
        (b"", 408),
    ],
)
async def test_what_is_neither_yes_nor_no_is_unknown(qad, strange, body, status):
    with pytest.raises(OutcomeUnknown):
        await told(qad, strange, body, status)


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ("", Rejected),
        (complaint("RECORD_LOCKED", "x"), Rejected),
        (complaint("9", "No licensed agent is free."), Overloaded),
        (complaint("9", "No licensed agent is free.") + complaint("PERIOD_CLOSED", "y"), Rejected),
        (complaint("TransactionException001", "All rolled back."), Rejected),
    ],
)
async def test_an_error_is_refused_by_the_profiles_classes(qad, strange, said, family):
    with pytest.raises((Rejected, Transient)) as error:
        await told(qad, strange, answer("error", said=said))
    assert type(error.value) is family


@pytest.mark.parametrize("status", [301, 307, 308, 404, 405, 401, 403])
async def test_an_address_or_door_that_is_wrong_stops_the_connection(qad, strange, status):
    with pytest.raises(Refused):
        await told(qad, strange, b"", status)
    assert strange.times("/qxi") == 1


async def test_an_answer_that_repeats_the_message_tells_no_secret_and_no_text(qad, strange, heard, told):
    """A fault may show the envelope that it is about, and in that stand user and password."""
    secret = "a-word-of-nobody-4711"
    text = f"<password>{secret}</password> Personal Name".replace("<", "&lt;")
    body = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
 <faultcode>s:Server</faultcode><faultstring>cannot read {text}</faultstring><detail><x>Personal Name</x></detail>
 </s:Fault></s:Body></s:Envelope>""".encode()
    strange.tell("/qxi", Told(body, status=500))
    erp = await qad.qxtend(url=f"{strange.url}/qxi", password=secret)
    with pytest.raises(OutcomeUnknown) as unknown:
        await post(erp, qad.invoice())
    assert secret in strange.asked[-1].body.decode()
    assert secret not in told(unknown.value) + heard()
    assert "cannot read" in unknown.value.answer
    assert '"x":"(13 characters)"' in unknown.value.answer
