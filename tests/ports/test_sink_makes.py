"""What a sink makes of a command: one document, to the last digit and letter."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from schemas.errors import Rejected
from schemas.mapping import Analysis
from schemas.outcomes import Document
from schemas.postings import GlLine, TaxLine
from streams.ledger.billing.reclassing import moved
from tests.adapters.qad_company import post
from tests.ports.books import Line, Tax
from tests.ports.kinds import MAKERS, MOVES, Ground, key_of, kind_of, ours


@pytest.fixture
def ground(sink, erp):
    return Ground(sink, erp)


@pytest.mark.parametrize("name", MAKERS)
async def test_a_command_makes_one_document_as_it_was_meant(sink, erp, ground, name):
    command = await MAKERS[name](ground)
    before = {booked.key for booked in sink.booked()}
    accepted = await post(erp, command)
    [booked] = [one for one in sink.booked() if one.key not in before]
    payload = command.payload
    assert (booked.kind, booked.reference, booked.key) == (
        kind_of(command),
        command.reference,
        key_of(accepted.document),
    )
    assert (booked.currency, str(booked.total), booked.day) == (
        payload.currency,
        str(payload.total),
        payload.posting_date,
    )
    assert (booked.key.daybook, booked.key.year) == (payload.daybook, payload.posting_date.year)
    assert booked.key.voucher > 0
    assert (booked.off, booked.description) == (0, payload.description)
    assert sink.contradictions() == []


@pytest.mark.parametrize("name", MAKERS)
async def test_people_find_it_by_its_number_and_its_customer(sink, erp, ground, name):
    command = await MAKERS[name](ground)
    await post(erp, command)
    [booked] = ours(sink, command)
    named_by_nothing = {"adjustment", "transfer", "journal"}
    if booked.kind not in named_by_nothing:
        assert (booked.number, booked.customer) == (command.number, command.customer)
    assert booked.number in ("", None, command.number)
    assert booked.customer in ("", command.customer)


@pytest.mark.parametrize("name", MAKERS)
async def test_it_moves_the_open_items_by_what_was_meant(sink, erp, ground, name):
    command = await MAKERS[name](ground)
    before = sum(sink.open_amounts().values())
    await post(erp, command)
    assert sum(sink.open_amounts().values()) - before == MOVES[name]


async def test_each_item_is_moved_by_its_own_amount(sink, erp, ground):
    invoice, note, money = await ground.invoice(), await ground.credit_note(), await ground.money()
    await post(erp, sink.commands.adjustment(invoice, note, "30.00"))
    await post(erp, sink.commands.adjustment(invoice, money, "50.00"))
    paid = await post(erp, sink.commands.receipt("20.00", (invoice, "9.00")))
    open_ = {invoice: "30.00", note: "-10.00", money: "-40.00", paid.document: "-11.00"}
    assert sink.open_amounts() == {key_of(document): Decimal(amount) for document, amount in open_.items()}
    await post(erp, sink.commands.adjustment(invoice, note, "30.00", reopens=True))
    assert sink.open_amounts()[key_of(invoice)] == Decimal("60.00")
    assert sink.open_amounts()[key_of(note)] == Decimal("-40.00")
    moved = await post(erp, sink.commands.transfer("40.00", item=money))
    assert key_of(money) not in sink.open_amounts()
    assert sink.open_amounts()[key_of(moved.document)] == Decimal("-40.00")


async def test_lines_arrive_with_their_analysis_and_their_side(sink, erp):
    lines = (
        GlLine(account="6200", cost_centre="CC10", project="PRJ1", debit=Decimal("5.00"), text="Project"),
        GlLine(account="4000", sub_account="SAAS", credit=Decimal("105.01"), text="Plan"),
        GlLine(account="2300", credit=Decimal("18.99")),
    )
    command = sink.commands.invoice("119.00", lines=lines)
    await post(erp, command)
    [booked] = ours(sink, command)
    assert booked.lines == tuple(
        Line(one.account, one.sub_account, one.cost_centre, one.project, one.text, one.debit, one.credit)
        for one in lines
    )
    assert booked.off == 0


async def test_a_line_that_people_moved_leaves_and_arrives_with_its_analysis(sink, erp):
    """A reclass is a journal: the account posted on one side, the account decided on the other."""
    stands = GlLine(account="4000", sub_account="SAAS", credit=Decimal("105.01"), text="Plan", role="charge")
    decided = Analysis(account="6200", cost_centre="CC10", project="PRJ1")
    lines = (stands.inverse(), moved(stands, decided))
    command = sink.commands.journal("105.01", *lines)
    await post(erp, command)
    [booked] = ours(sink, command)
    assert booked.kind == "journal"
    assert booked.lines == tuple(
        Line(one.account, one.sub_account, one.cost_centre, one.project, one.text, one.debit, one.credit)
        for one in lines
    )
    assert (booked.off, sink.open_amounts()) == (0, {})


TAX_ROWS = (
    TaxLine(account="2310", code="V19", base=Decimal("100.00"), tax=Decimal("19.00"), tax_type="VAT", tax_class="STD"),
    TaxLine(account="2310", code="V19", base=Decimal("-10.00"), tax=Decimal("-1.90"), tax_type="VAT", tax_class="STD"),
    TaxLine(account="2310", code="V00", base=Decimal("40.00"), tax=Decimal("0.00"), tax_usage="EX"),
)


def _taxed(sink, kind):
    """Return a document over 130 net with a taxed line, a discount of it and an exempt one."""
    side = {"invoice": "credit", "credit_note": "debit"}[kind]
    lines = (GlLine(account="4100", **{side: Decimal("130.00")}),)
    return getattr(sink.commands, kind)("147.10", lines=lines, tax_rows=TAX_ROWS, posting_date=date(2026, 1, 12))


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
async def test_tax_rows_arrive_and_are_read_back_or_nothing_is_made(sink, erp, kind):
    command = _taxed(sink, kind)
    if not sink.takes_tax_rows:
        with pytest.raises(Rejected, match="tax rows"):
            await post(erp, command)
        assert sink.booked() == []
        return
    await post(erp, command)
    [booked] = ours(sink, command)
    assert booked.taxes == tuple(Tax(one.code, one.account, one.base, one.tax) for one in TAX_ROWS)
    assert (booked.kind, str(booked.total), booked.off, sink.contradictions()) == (kind, "147.10", 0, [])
    found = await erp.find(kind, command.reference)
    assert (found.tax, found.document.total) == (Decimal("17.10"), Decimal("147.10"))


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
async def test_a_document_without_tax_rows_has_none_beside_those_that_have(sink, erp, kind):
    command = getattr(sink.commands, kind)()
    await post(erp, command)
    [booked] = ours(sink, command)
    assert booked.taxes == ()
    found = await erp.find(kind, command.reference)
    assert found.tax in (None, Decimal(0))


@pytest.mark.parametrize(
    ("currency", "total"),
    [
        ("USD", "0.01"),
        ("USD", "999999999.99"),
        ("JPY", "1"),
        ("JPY", "123456789"),
        ("KWD", "1234.567"),
        ("CLF", "1234.5678"),
        ("CLF", "0.0001"),
    ],
)
async def test_amounts_are_carried_to_the_last_digit(sink, erp, currency, total):
    lines = (GlLine(account="4100", credit=Decimal(total)),)
    command = sink.commands.invoice(total, currency=currency, lines=lines)
    accepted = await post(erp, command)
    [booked] = ours(sink, command)
    assert (booked.currency, str(booked.total), str(booked.lines[0].credit)) == (currency, total, total)
    assert (str(sink.open_amounts()[key_of(accepted.document)]), booked.off) == (total, 0)
    found = await erp.find("invoice", command.reference)
    assert found is not None
    assert (found.document.currency, found.document.total) == (currency, Decimal(total))


async def test_a_hundred_cents_are_a_hundred_cents(sink, erp):
    """What binary fractions cannot hold."""
    lines = tuple(GlLine(account="4100", credit=Decimal("0.01")) for _ in range(110))
    command = sink.commands.invoice("1.10", lines=lines)
    await post(erp, command)
    [booked] = ours(sink, command)
    assert ({str(line.credit) for line in booked.lines}, len(booked.lines), booked.off) == ({"0.01"}, 110, 0)


@pytest.mark.parametrize(
    "text",
    [
        'Müller & Söhne, "Die Drei"; 漢字',
        "a\nb\r\nc\td",
        "<b>&amp;</b>",
        "O'Hara \\ back",
        "Ω" * 40,
        "1,5; 2.5",
        ",",
    ],
)
async def test_texts_arrive_as_they_are(sink, erp, text):
    lines = (GlLine(account="4100", credit=Decimal("5.00"), text=text),)
    command = sink.commands.invoice("5.00", description=text, lines=lines)
    await post(erp, command)
    [booked] = ours(sink, command)
    assert (booked.description, booked.lines[0].text) == (text, text)


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 12, 31), date(2027, 2, 28)])
async def test_a_day_is_a_day(sink, erp, day):
    command = sink.commands.invoice(document_date=day, posting_date=day, due_date=day)
    accepted = await post(erp, command)
    [booked] = ours(sink, command)
    assert (booked.day, accepted.document.year) == (day, day.year)


async def test_documents_side_by_side_have_keys_of_their_own(sink, erp):
    commands = [sink.commands.invoice() for _ in range(12)]
    documents: list[Document] = [one.document for one in await asyncio.gather(*(post(erp, each) for each in commands))]
    assert len({key_of(document) for document in documents}) == len(commands)
    assert [len(ours(sink, command)) for command in commands] == [1] * len(commands)
    assert sink.contradictions() == []
