"""What goes out over QXtend: the message, and that each kind stands in the books as REST would have made it."""

import asyncio
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from adapters.clock import boot_time_s
from schemas.errors import NotSent, Refused, Rejected
from schemas.postings import GlLine
from tests.adapters.qad_company import WORD, post, qad_company, qxtend_template
from tests.adapters.strange import Told
from tests.ports.kinds import MAKERS, Ground

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSA = "{http://www.w3.org/2005/08/addressing}"
QDOC = "{urn:schemas-qad-com:xml-services}"
COMMON = "{urn:schemas-qad-com:xml-services:common}"


@pytest.fixture
def qad(house):
    """The company whose dialect has QXtend."""
    return house


class Sink:
    """What `Ground` wants of one."""

    def __init__(self, qad: Any) -> None:
        self.commands = qad


async def books_after(directory, speak, name):
    """Return all that stands in new books after one command of a kind, and what it refers to, came in one way."""
    directory.mkdir()
    async with qad_company(directory) as qad:
        qad.control.change_settings({"books": {"prepayment_holds_whole_payment": True}})
        erp = await speak(qad)
        await post(erp, await MAKERS[name](Ground(Sink(qad), erp)))
        assert {call.ignored_fields for call in qad.requests()} == {()}
        assert qad.control.duplicates() == []
        return [
            {field: value for field, value in document.items() if field not in ("created_at", "modified_at")}
            for document in qad.documents()
        ], {item["key"]["daybook_code"]: item["open_amount"] for item in qad.control.items("10USACO")}


@pytest.mark.parametrize("name", MAKERS)
async def test_each_kind_stands_in_the_books_as_over_rest(tmp_path, name):
    by_rest = await books_after(tmp_path / "rest", lambda qad: qad.erp(), name)
    by_soap = await books_after(tmp_path / "soap", lambda qad: qad.qxtend(), name)
    assert by_soap == by_rest
    assert by_soap[0]


async def test_both_surfaces_are_one_company(qad):
    over_rest, over_soap = await qad.erp(), await qad.qxtend()
    invoice = await post(over_rest, qad.invoice("119.00"))
    await post(over_soap, qad.receipt("119.00", (invoice.document, "119.00")))
    note = await post(over_soap, qad.credit_note())
    paid = [item for item in qad.control.items("10USACO") if item["key"]["daybook_code"] == "ZINV"]
    assert [item["open_amount"] for item in paid] == [0]
    found = await over_rest.find("credit_note", qad.documents()[-1]["content"]["custom_short_0"])
    assert found is not None
    assert found.document.voucher == note.document.voucher


async def message_of(qad, strange, command, **changes):
    """Return the message that a command makes, as it arrived."""
    strange.tell("/qxi", Told(b""))
    erp = await qad.qxtend(url=f"{strange.url}/qxi", **changes)
    with pytest.raises(Exception, match="no answer that says"):
        await post(erp, command)
    return strange.asked[-1], ET.fromstring(strange.asked[-1].body)


async def test_the_message_is_as_qxtend_wants_it(qad, strange):
    command = qad.invoice("119.00")
    asked, envelope = await message_of(qad, strange, command)
    assert asked.headers["SOAPAction"] == '""'
    assert asked.headers["Content-Type"].startswith("text/xml")
    assert "Authorization" not in asked.headers
    header = envelope.find(f"{SOAP}Header")
    assert header.findtext(f"{WSA}Action") == ""
    assert header.findtext(f"{WSA}To") == "urn:services-qad-com:QADFIN"
    assert command.reference in header.findtext(f"{WSA}MessageID")
    assert header.findtext(f"{WSA}ReferenceParameters/{COMMON}suppressResponseDetail") == "false"
    [call] = envelope.find(f"{SOAP}Body")
    assert call.tag == f"{QDOC}bdinvoicejournalentry"
    told = {
        row.findtext(f"{COMMON}propertyName"): row.findtext(f"{COMMON}propertyValue")
        for row in call.iter(f"{COMMON}ttContext")
    }
    assert told == {
        "domain": "10USA",
        "entity": "10USACO",
        "version": "ERP3_1",
        "scopeTransaction": "true",
        "mnemonicsRaw": "false",
        "decimalSeparator": ".",
        "timeoutLimit": "3",
        "action": "Save",
        "username": "connector",
        "password": WORD,
    }
    info = {child.tag.removeprefix(QDOC): child.text for child in call.find(f"{QDOC}BDInvoiceJournalEntry/")}
    assert info["tcAction"] == "save"
    assert info["tlPartialUpdate"] == "true"
    rows = [row for row in call.find(f"{QDOC}BDInvoiceJournalEntry") if row.find(f"{QDOC}tc_Rowid") is not None]
    links = [(row.findtext(f"{QDOC}tc_Rowid"), row.findtext(f"{QDOC}tc_ParentRowid")) for row in rows]
    assert links == [("1", ""), ("2", "1"), ("3", "2"), ("4", "3"), ("5", "3"), ("6", "3"), ("7", "3")]
    control = rows[3]
    assert (control.findtext(f"{QDOC}tcGLCode"), control.findtext(f"{QDOC}PostingLineDebitTC")) == ("", "119.00")
    assert rows[0].findtext(f"{QDOC}DInvoiceVoucher") == "0"


async def test_no_two_messages_have_one_id(qad, strange):
    command = qad.invoice()
    ids = {(await message_of(qad, strange, command))[1].findtext(f"{SOAP}Header/{WSA}MessageID") for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("word", ["scopeTransaction", "action", "password", "domain"])
async def test_what_is_ours_cannot_stand_in_the_context(qad, word):
    with pytest.raises(Exception, match=f"context: {word} is said by the connector alone"):
        qad.profile(qxtend_template().replace("mnemonicsRaw =", f'{word} = "x", mnemonicsRaw ='))


@pytest.mark.parametrize("part", ["qxtend", "qxtend.documents.adjustment", "browses.customers"])
async def test_nothing_is_posted_while_a_part_is_not_confirmed(qad, part):
    erp = await qad.qxtend(qxtend_template().replace(f"[{part}]\n", f"[{part}]\nconfirmed = false\n"))
    before = len(qad.requests())
    with pytest.raises(Refused, match=part):
        await post(erp, qad.invoice())
    assert len(qad.requests()) == before


async def test_a_kind_that_the_profile_leaves_out_is_said_and_not_sent(qad):
    documents = qad.profile(qxtend_template()).qxtend.documents
    erp = await qad.qxtend(documents={kind: one for kind, one in documents.items() if kind != "journal"})
    before = len(qad.requests())
    with pytest.raises(Rejected, match=r"\[qxtend.documents.journal\]") as rejected:
        await post(erp, qad.journal("5.00"))
    assert rejected.value.reason_class == "no_such_kind"
    assert not erp.can_find("journal")
    assert len(qad.requests()) == before


async def test_without_a_look_up_nobody_can_look(qad):
    documents = qad.profile(qxtend_template()).qxtend.documents
    erp = await qad.qxtend(documents=documents | {"invoice": msgspec.structs.replace(documents["invoice"], find=None)})
    assert not erp.can_find("invoice")
    assert erp.can_find("credit_note")
    await post(erp, qad.invoice())
    assert len(qad.documents()) == 1


@pytest.mark.parametrize("text", ["a\x0bb", "\x00", "\ufffe", "x" * 41])
async def test_a_text_that_cannot_be_carried_is_refused_before_anything_is_sent(qad, text):
    lengths = "[limits]\n", "[lengths]\ndescription = 40\n\n[limits]\n"
    erp = await qad.qxtend(qxtend_template().replace(*lengths))
    before = len(qad.requests())
    with pytest.raises(Rejected) as rejected:
        await post(erp, qad.invoice(description=text))
    assert rejected.value.reason_class == "field"
    assert rejected.value.fields == ("DInvoiceDescription",)
    assert len(qad.requests()) == before


@pytest.mark.parametrize(
    ("decimals", "total", "written"),
    [(2, "119", "119.00"), (2, "119.5", "119.50"), (2, "119.000", "119.00"), (0, "119.00", "119")],
)
async def test_an_amount_has_the_decimals_that_the_profile_says(qad, strange, decimals, total, written):
    numbers = "[limits]\n", f"[numbers]\ndecimals = {decimals}\n\n[limits]\n"
    _, sent = await message_of(qad, strange, qad.invoice(total), template=qxtend_template().replace(*numbers))
    assert [one.text for one in sent.iter() if one.tag.endswith("}DInvoiceOriginalDebitTC")] == [written]


async def test_an_amount_with_more_decimals_is_refused_before_anything_is_sent(qad):
    erp = await qad.qxtend(qxtend_template().replace("[limits]\n", "[numbers]\ndecimals = 1\n\n[limits]\n"))
    with pytest.raises(Rejected, match="more than the 1 decimals") as rejected:
        await post(erp, qad.invoice("119.25"))
    assert rejected.value.reason_class == "field"
    assert "DInvoiceOriginalDebitTC" in rejected.value.fields
    assert qad.documents() == []


async def test_an_old_intent_is_not_sent(qad):
    erp = await qad.qxtend()
    await post(erp, qad.invoice())
    before = len(qad.requests())
    for not_after in (boot_time_s() - 0.01, 0.0):
        with pytest.raises(NotSent):
            await erp.post(qad.invoice(), not_after=not_after)
    assert (len(qad.documents()), len(qad.requests())) == (1, before)


async def test_a_look_makes_nothing_and_says_what_would_be_refused(qad):
    erp = await qad.qxtend()
    assert await erp.validate(qad.invoice()) == ()
    wrong = (GlLine(account="9999", credit=Decimal(119)),)
    with pytest.raises(Rejected) as rejected:
        await erp.validate(qad.invoice(customer="C9999", lines=wrong))
    assert set(rejected.value.fields) == {"tcDebtorCode", "tcGLCode"}
    assert qad.documents() == []
    assert [call.committed for call in qad.requests("invoice")] == [(), ()]


async def test_a_look_is_not_told_as_a_save_anywhere(qad, strange):
    strange.tell("/qxi", Told(b""))
    erp = await qad.qxtend(url=f"{strange.url}/qxi")
    with pytest.raises(Exception, match="no answer that says"):
        await erp.validate(qad.invoice())
    body = strange.asked[-1].body.lower()
    assert b"save" not in body
    assert body.count(b">validate<") == 2


async def test_no_more_calls_at_once_than_there_are_agents(qad):
    qad.control.change_settings({"traffic": {"agents_max": 2, "latency_ms": 50}})
    erp = await qad.qxtend(concurrency=2)
    await asyncio.gather(*(post(erp, qad.invoice(), age_s=30) for _ in range(8)))
    assert len(qad.documents()) == 8
    assert not [call for call in qad.requests("invoice") if not call.committed]
