"""Each kind of document, posted through the template profile, lands in QAD's books as it was meant."""

import time
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.words import kind_of
from schemas.errors import Refused, Rejected
from schemas.outcomes import Document
from schemas.postings import GlLine
from streams.ports import Bounce, Refund, RefundReversal
from streams.sink.meanings import NO_SUCH_KIND
from tests.adapters.qad_company import ENTITY, FEBRUARY, JANUARY, post


def entry(document):
    """Return account, debit and credit of each GL line, the control side included."""
    return [
        (line["gl_account_code"], line["sub_account_code"], str(line["debit_amount"]), str(line["credit_amount"]))
        for line in document["entry"]
    ]


async def test_an_invoice(qad):
    erp, command = await qad.erp(), qad.invoice("119.00")
    accepted = await post(erp, command)
    assert accepted.document == Document(year=2026, daybook="ZINV", voucher=1)
    assert accepted.warnings == ()
    found = qad.document(command)
    content = found["content"]
    assert content["invoice_type"] == "INVOICE"
    assert (content["customer_code"], content["currency_code"]) == ("C0001", "USD")
    assert content["original_amount"] == Decimal("119.00")
    assert (content["invoice_date"], content["posting_date"]) == (JANUARY, date(2026, 1, 12))
    assert (content["due_date"], content["tax_point_date"]) == (date(2026, 2, 9), JANUARY)
    assert (content["reference"], content["custom_short_0"]) == ("INV00000001", command.reference)
    assert (content["credit_terms_code"], content["description"]) == ("NET30", "Subscription")
    assert content["is_taxable"] is False
    assert [line.text for line in content["posting_lines"]] == ["Plan", "less", ""]
    assert [line.sequence for line in content["posting_lines"]] == [1, 2, 3]
    assert sorted(entry(found)) == [
        ("1200", "", "119.00", "0"),
        ("2300", "", "0", "19.00"),
        ("4000", "SAAS", "0", "110.00"),
        ("4100", "", "10", "0"),
    ]
    assert found["open_item"]["open_amount"] == Decimal("119.00")
    assert found["created_by"] == "connector"


async def test_a_credit_note(qad):
    erp, command = await qad.erp(), qad.credit_note("40.00")
    accepted = await post(erp, command)
    assert accepted.document == Document(year=2026, daybook="ZCRN", voucher=1)
    found = qad.document(command)
    assert found["content"]["invoice_type"] == "CREDITNOTE"
    assert (found["content"]["reference"], found["content"]["original_amount"]) == ("CM-00000001", Decimal("40.00"))
    assert sorted(entry(found)) == [("1210", "", "0", "40.00"), ("4100", "", "40.00", "0")]
    assert (found["open_item"]["open_amount"], found["open_item"]["is_debit"]) == (Decimal("40.00"), False)


async def test_a_receipt_that_pays_one_invoice_and_leaves_a_prepayment(qad):
    erp = await qad.erp()
    invoice = await post(erp, qad.invoice("119.00"))
    command = qad.receipt("150.00", (invoice.document, "119.00"))
    accepted = await post(erp, command)
    assert accepted.document == Document(year=2026, daybook="ZPAY", voucher=1)
    found = qad.document(command)
    content = found["content"]
    assert (content["payment_reference"], content["status"]) == ("P-00000001", "Paid")
    assert (content["payment_date"], content["posting_date"]) == (FEBRUARY, FEBRUARY)
    assert (content["bank_gl_account_code"], content["amount"]) == ("1010", Decimal("150.00"))
    assert sorted(entry(found)) == [
        ("1010", "", "150.00", "0"),
        ("1200", "", "0", "119.00"),
        ("2400", "", "0", "31.00"),
    ]
    open_amounts = {item["key"]["daybook_code"]: item["open_amount"] for item in qad.control.items(ENTITY)}
    assert open_amounts == {"ZINV": 0, "ZPAY": Decimal("31.00")}


async def test_a_receipt_without_allocations_is_a_prepayment(qad):
    command = qad.receipt("80.00")
    await post(await qad.erp(), command)
    assert sorted(entry(qad.document(command))) == [("1010", "", "80.00", "0"), ("2400", "", "0", "80.00")]


async def test_an_adjustment_applies_a_credit_note_and_takes_it_back(qad):
    erp = await qad.erp()
    invoice, note = await post(erp, qad.invoice("119.00")), await post(erp, qad.credit_note("40.00"))
    command = qad.adjustment(invoice.document, note.document, "30.00")
    accepted = await post(erp, command)
    assert accepted.document == Document(year=2026, daybook="ZADJ", voucher=1)
    found = qad.document(command)
    assert (found["content"]["posting_date"], found["content"]["currency_code"]) == (FEBRUARY, "USD")
    assert found["content"]["description"] == "CM-00000001 to INV00000001"
    assert sorted(entry(found)) == [("1200", "", "0", "30.00"), ("1210", "", "30.00", "0")]
    assert opened(qad) == {"ZINV": Decimal("89.00"), "ZCRN": Decimal("10.00")}
    await post(erp, qad.adjustment(invoice.document, note.document, "30.00", reopens=True))
    assert opened(qad) == {"ZINV": Decimal("119.00"), "ZCRN": Decimal("40.00")}


async def test_an_adjustment_applies_a_prepayment(qad):
    erp = await qad.erp()
    invoice, receipt = await post(erp, qad.invoice("119.00")), await post(erp, qad.receipt("100.00"))
    await post(erp, qad.adjustment(invoice.document, receipt.document, "100.00"))
    assert opened(qad) == {"ZINV": Decimal("19.00"), "ZPAY": 0}


def opened(qad):
    return {item["key"]["daybook_code"]: item["open_amount"] for item in qad.control.items(ENTITY)}


@pytest.mark.parametrize(
    ("currency", "customer", "total"),
    [("JPY", "C0004", "1234567"), ("KWD", "C0005", "1234.567"), ("USD", "C0001", "999999999999.99")],
)
async def test_amounts_are_carried_to_the_last_digit(qad, currency, customer, total):
    line = (GlLine(account="4100", credit=Decimal(total)),)
    command = qad.invoice(total, customer=customer, currency=currency, lines=line)
    await post(await qad.erp(), command)
    found = qad.document(command)
    assert str(found["content"]["original_amount"]) == total
    assert str(found["open_item"]["open_amount"]) == total


async def test_a_hundred_cents_are_a_hundred_cents(qad):
    """What binary fractions cannot hold."""
    lines = tuple(GlLine(account="4100", credit=Decimal("0.01")) for _ in range(110))
    command = qad.invoice("1.10", lines=lines)
    await post(await qad.erp(), command)
    assert {str(line.credit_amount) for line in qad.document(command)["content"]["posting_lines"]} == {"0.01"}


@pytest.mark.parametrize("text", ['ü漢字 "quoted" \\ back', "a\nb\tc", "<b>&amp;</b>", "x" * 40, "Ω" * 40])
async def test_texts_arrive_as_they_are(qad, text):
    command = qad.invoice(description=text)
    await post(await qad.erp(), command)
    assert qad.document(command)["content"]["description"] == text


async def test_cost_centre_and_project_arrive(qad):
    line = GlLine(account="6200", cost_centre="CC10", project="PRJ1", debit=Decimal(5))
    more = GlLine(account="4100", credit=Decimal(124))
    command = qad.invoice("119.00", lines=(line, more))
    await post(await qad.erp(), command)
    posted = qad.document(command)["content"]["posting_lines"][0]
    assert (posted.cost_centre_code, posted.project_code) == ("CC10", "PRJ1")


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 12, 31), date(2027, 2, 28)])
async def test_a_day_is_a_day_whatever_the_zone(qad, day, far_east):
    command = qad.invoice(document_date=day, posting_date=day, due_date=day)
    accepted = await post(await qad.erp(), command)
    content = qad.document(command)["content"]
    assert {content["invoice_date"], content["posting_date"], content["due_date"]} == {day}
    assert accepted.document.year == day.year


@pytest.fixture
def far_east(monkeypatch):
    """Let this machine be fourteen hours ahead."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def test_no_field_is_sent_that_qad_does_not_have(qad):
    qad.control.change_settings({"calls": {"refuses_unknown_fields": True}})
    erp = await qad.erp()
    invoice, note = await post(erp, qad.invoice()), await post(erp, qad.credit_note())
    receipt = await post(erp, qad.receipt("10.00"))
    await post(erp, qad.adjustment(invoice.document, note.document, "1.00"))
    await post(erp, qad.adjustment(invoice.document, receipt.document, "1.00"))
    assert {call.ignored_fields for call in qad.requests()} == {()}


async def test_the_books_agree_with_themselves_and_no_reference_is_there_twice(qad):
    erp = await qad.erp()
    for _ in range(5):
        invoice = await post(erp, qad.invoice())
        note = await post(erp, qad.credit_note())
        await post(erp, qad.receipt("50.00", (invoice.document, "20.00")))
        await post(erp, qad.adjustment(invoice.document, note.document, "40.00"))
    assert qad.control.audit() == {ENTITY: [], "20DEUCO": []}
    assert qad.control.duplicates() == []


async def test_qads_words_beside_a_yes_are_kept(qad):
    armed = qad.arm("warning", count=1, code="PriceConf", message="The price list is old.")
    accepted = await post(await qad.erp(), qad.invoice())
    assert armed.fired == 1
    assert accepted.warnings == ("The price list is old.",)


@pytest.mark.parametrize("part", ["documents.adjustment", "browses.customers"])
async def test_nothing_is_posted_while_a_part_is_not_confirmed(qad, part):
    table, name = part.split(".")
    text = qad.profile_text().replace(f"[{part}]\n", f"[{part}]\nconfirmed = false\n")
    erp = await qad.erp(qad.profile(text))
    before = len(qad.requests())
    with pytest.raises(Refused, match=f"{table}.{name}"):
        await post(erp, qad.invoice())
    assert len(qad.requests()) == before


def test_every_kind_of_the_profile_has_a_command_and_the_other_way_round(qad_commands):
    assert {kind_of(command) for command in qad_commands} == {*DOCUMENT_KINDS, *OPTIONAL_KINDS}


def open_of(qad, accepted):
    key = accepted.document
    [item] = [
        one
        for one in qad.control.items(ENTITY)
        if (one["key"]["posting_year"], one["key"]["daybook_code"], one["key"]["voucher"])
        == (key.year, key.daybook, key.voucher)
    ]
    return item["open_amount"]


async def test_a_refund_uses_up_a_prepayment_and_taken_back_it_is_open_again(qad):
    erp = await qad.erp()
    receipt = await post(erp, qad.receipt("50.00"))
    refund = qad.bank_move(Refund, receipt.document, "30.00")
    await post(erp, refund)
    assert open_of(qad, receipt) == Decimal("20.00")
    found = await erp.find("refund", refund.reference)
    assert (found.document.total, found.document.customer, found.day) == (Decimal("30.00"), "C0001", FEBRUARY)
    back = qad.bank_move(RefundReversal, receipt.document, "30.00")
    await post(erp, back)
    assert open_of(qad, receipt) == Decimal("50.00")
    assert (await erp.find("refund_reversal", back.reference)).document.total == Decimal("30.00")
    assert qad.control.audit() == {ENTITY: [], "20DEUCO": []}


async def test_a_receipt_that_bounces_leaves_bank_and_prepayment_as_they_were(qad):
    erp = await qad.erp()
    receipt = await post(erp, qad.receipt("50.00"))
    bounce = qad.bank_move(Bounce, receipt.document, "50.00")
    await post(erp, bounce)
    assert open_of(qad, receipt) == 0
    assert (await erp.find("bounce", bounce.reference)).document.total == Decimal("50.00")
    assert qad.control.audit() == {ENTITY: [], "20DEUCO": []}
    moved = {line.gl_account_code: line.amount for line in qad.control.trial_balance(ENTITY)}
    assert not any(moved.values())


def held(qad):
    """Return what each account holds, debit above zero."""
    return {line.gl_account_code: line.amount for line in qad.control.trial_balance(ENTITY) if line.amount}


async def test_a_transfer_uses_one_prepayment_up_and_makes_another_that_pays(qad):
    erp = await qad.erp()
    receipt = await post(erp, qad.receipt("50.00"))
    command = qad.transfer("50.00", item=receipt.document)
    moved = await post(erp, command)
    assert (open_of(qad, receipt), open_of(qad, moved)) == (0, Decimal("50.00"))
    assert (await erp.find("transfer", command.reference)).document.total == Decimal("50.00")
    refund = qad.bank_move(Refund, moved.document, "50.00", customer="C0003")
    await post(erp, refund)
    assert (held(qad), qad.control.audit()[ENTITY]) == ({}, [])


async def test_cash_of_nobody_becomes_a_prepayment_when_it_is_assigned(qad):
    erp = await qad.erp()
    journal = qad.journal("50.00")
    await post(erp, journal)
    assert held(qad) == {"1010": Decimal("50.00"), "1900": Decimal("-50.00")}
    found = await erp.find("journal", journal.reference)
    assert (found.document.total, found.document.currency, found.day) == (Decimal("50.00"), "USD", FEBRUARY)
    assigned = await post(erp, qad.transfer("50.00", customer="C0001"))
    assert held(qad) == {"1010": Decimal("50.00"), "2400": Decimal("-50.00")}
    assert (open_of(qad, assigned), qad.control.audit()[ENTITY]) == (Decimal("50.00"), [])


async def test_more_than_is_open_is_no_refund(qad):
    erp = await qad.erp()
    receipt = await post(erp, qad.receipt("50.00"))
    with pytest.raises(Rejected) as refused:
        await post(erp, qad.bank_move(Refund, receipt.document, "50.01"))
    assert refused.value.reason_class == "open_item"


async def test_a_kind_that_the_profile_leaves_out_is_refused_before_any_call(qad):
    profile = qad.profile()
    left = {kind: part for kind, part in profile.documents.items() if kind not in OPTIONAL_KINDS}
    erp = await qad.erp(msgspec.structs.replace(profile, documents=left))
    before = len(qad.requests())
    with pytest.raises(Rejected, match=r"\[documents.refund\]") as refused:
        await post(erp, qad.bank_move(Refund, Document(year=2026, daybook="ZPAY", voucher=1), "1.00"))
    assert refused.value.reason_class == NO_SUCH_KIND
    assert (len(qad.requests()), erp.can_find("refund")) == (before, False)


@pytest.fixture
async def qad_commands(qad):
    document = Document(year=2026, daybook="ZINV", voucher=1)
    return [
        qad.invoice(),
        qad.credit_note(),
        qad.receipt("1.00"),
        qad.adjustment(document, document, "1.00"),
        *(qad.bank_move(kind, document, "1.00") for kind in (Refund, RefundReversal, Bounce)),
        qad.transfer("1.00"),
        qad.journal("1.00"),
    ]
