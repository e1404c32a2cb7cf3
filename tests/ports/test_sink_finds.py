"""Finding documents again: what is there with its control columns, what is absent as absent, nothing of others."""

from decimal import Decimal

import pytest

from schemas.errors import Conflict
from tests.adapters.commands import FEBRUARY
from tests.adapters.qad_company import post
from tests.ports.kinds import KINDS, MAKERS, Ground, key_of, kind_of

ABSENT = "A" * 20


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_there_is_none(sink, erp, kind):
    assert erp.can_find(kind)
    assert await erp.find(kind, ABSENT) is None
    await post(erp, sink.commands.invoice())
    assert await erp.find(kind, ABSENT) is None


@pytest.mark.parametrize("name", MAKERS)
async def test_a_document_is_found_with_its_control_columns(sink, erp, name):
    command = await MAKERS[name](Ground(sink, erp))
    accepted = await post(erp, command)
    found = await erp.find(kind_of(command), command.reference)
    assert found is not None
    assert (found.reference, key_of(found.document)) == (command.reference, key_of(accepted.document))
    payload = command.payload
    assert (found.document.currency, found.document.total, found.day) == (
        payload.currency,
        payload.total,
        payload.posting_date,
    )
    assert found.document.customer in ("", command.customer)


async def test_a_port_that_was_opened_later_finds_what_an_earlier_one_made(sink, erp):
    command = sink.commands.invoice()
    accepted = await post(erp, command)
    found = await (await sink.port()).find("invoice", command.reference)
    assert found is not None
    assert key_of(found.document) == key_of(accepted.document)


async def test_a_receipt_tells_what_it_was_made_with_or_nothing(sink, erp):
    ground = Ground(sink, erp)
    invoice, other = await ground.invoice(), await ground.invoice()
    carrying, alone = sink.commands.receipt("100.00", (invoice, "60.00")), sink.commands.receipt("50.00")
    paid = await post(erp, carrying)
    await post(erp, alone)
    await post(erp, sink.commands.adjustment(other, paid.document, "25.00"))
    for command, amount in ((carrying, "60.00"), (alone, "0")):
        found = await erp.find("receipt", command.reference)
        assert found is not None
        assert found.allocated in (None, Decimal(amount))


async def test_all_of_ours_are_shown_once_and_none_of_others(sink, erp):
    ground = Ground(sink, erp)
    sink.load_opening("INV-OLD-1", kind="invoice")
    for make in MAKERS.values():
        await post(erp, await make(ground))
    sink.load_opening("P-OLD-1", kind="payment")
    pages = [page for kind in erp.lists_of(KINDS) for page in [page async for page in erp.find_all(kind)]]
    shown = [one.reference for page in pages for one in page]
    assert sorted(shown) == sorted(booked.reference for booked in sink.booked() if booked.reference)
    assert len(set(shown)) == len(shown) >= len(MAKERS)


async def test_what_a_list_shows_is_what_a_look_up_shows(sink, erp):
    command = sink.commands.invoice("12.34")
    await post(erp, command)
    [shown] = [one async for page in erp.find_all("invoice") for one in page]
    assert shown == await erp.find("invoice", command.reference)


async def test_nothing_at_all_is_no_documents(erp):
    assert [one for kind in KINDS async for page in erp.find_all(kind) for one in page] == []


async def test_lists_are_named_by_kinds_that_were_asked_for(erp):
    assert set(erp.lists_of(KINDS)) <= set(KINDS)
    assert list(erp.lists_of(["receipt"])) == ["receipt"]
    assert list(erp.lists_of([])) == []
    assert list(erp.lists_of(["contract", "receipt"])) == ["receipt"]
    assert not erp.can_find("contract")


@pytest.mark.parametrize("kind", ["invoice", "debit_memo", "credit_memo", "payment"])
async def test_an_opening_item_is_found_by_its_number_and_kind(sink, erp, kind):
    key = sink.load_opening("OLD-1", kind=kind)
    sink.load_opening("OLD-10", kind=kind)
    found = await erp.find_opening(number="OLD-1", item_kind=kind, currency="USD")
    assert found is not None
    assert key_of(found.document) == key
    document = found.document
    assert (document.customer, document.currency, document.total) == ("C0001", "USD", Decimal(70))
    other = "credit_memo" if kind != "credit_memo" else "payment"
    assert await erp.find_opening(number="OLD-1", item_kind=other, currency="USD") is None
    assert await erp.find_opening(number="OLD-1", item_kind=kind, currency="EUR") is None
    assert await erp.find_opening(number="OLD-2", item_kind=kind, currency="USD") is None


async def test_two_opening_items_of_one_number_are_for_a_person(sink, erp):
    for _ in range(2):
        sink.load_opening("OLD-1", kind="invoice")
    with pytest.raises(Conflict):
        await erp.find_opening(number="OLD-1", item_kind="invoice", currency="USD")


async def test_an_opening_item_takes_what_is_applied_to_it(sink, erp):
    key = sink.load_opening("OLD-1", kind="invoice")
    found = await erp.find_opening(number="OLD-1", item_kind="invoice", currency="USD")
    assert found is not None
    paid = await post(erp, sink.commands.receipt("70.00", (found.document, "30.00"), posting_date=FEBRUARY))
    assert sink.open_amounts() == {key: Decimal(40), key_of(paid.document): Decimal(-40)}
