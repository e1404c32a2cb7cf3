"""Finding documents in QAD again: by reference, and all of them; and never silently nothing."""

from decimal import Decimal

import pytest

from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.rest.port import RestQad
from schemas.errors import Conflict, ConnectorError, Misconfigured, OutcomeUnknown, Refused, Transient
from streams.ports import Command
from tests.adapters.by_hand import by_hand
from tests.adapters.ground import given
from tests.adapters.qad_company import ENTITY, JANUARY, post

ABSENT = "A" * 20


# -- one -------------------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_none(qad):
    erp = await qad.erp()
    for kind in (*DOCUMENT_KINDS, *OPTIONAL_KINDS):
        assert erp.can_find(kind)
        assert await erp.find(kind, ABSENT) is None
    assert not erp.can_find("contract")


async def test_several_documents_with_one_reference_are_a_conflict(qad):
    erp, command = await qad.erp(), qad.invoice()
    for _ in range(3):
        await post(erp, command)
    with pytest.raises(Conflict) as conflict:
        await erp.find("invoice", command.reference)
    assert (conflict.value.expected, conflict.value.actual) == ("1", "3")


async def test_a_conflict_is_seen_over_pages(qad):
    erp, command = await qad.erp(limits={"page_size": 1}), qad.invoice()
    for _ in range(3):
        await post(erp, command)
    with pytest.raises(Conflict, match="3 documents"):
        await erp.find("invoice", command.reference)


async def test_a_look_up_shows_what_qad_has_and_not_what_was_sent(qad):
    """Somebody else's document under our reference has other control columns: who asked must see them."""
    erp, command = await qad.erp(), qad.invoice()
    qad.control.post_by_hand(
        ENTITY,
        by_hand("X", reference=command.reference, amount="70.00", customer="C0002", currency="EUR"),
        user="clerk",
    )
    found = await erp.find("invoice", command.reference)
    assert found is not None
    assert (found.document.customer, found.document.currency) == ("C0002", "EUR")
    assert (found.document.total, found.day) == (Decimal("70.00"), JANUARY)


async def test_a_look_up_is_late_where_the_browse_is(qad, eventually):
    erp, command = await qad.erp(), qad.invoice()
    armed = qad.arm("late_visibility", count=1, seconds=0.4)
    await post(erp, command)
    assert await erp.find("invoice", command.reference) is None
    assert armed.fired == 1

    async def visible():
        assert await erp.find("invoice", command.reference) is not None

    await eventually(visible, within_s=5, every_s=0.05)


@pytest.mark.parametrize("column", ["customShort9", "customshort0", "customerInvoice.customShort0x"])
async def test_a_reference_column_that_qad_does_not_have_is_said_before_absent_is_believed(qad, column):
    erp, command = await qad.erp(qad.changed({"documents.invoice.find.reference": column})), qad.invoice()
    qad.arm("commit_then_reset", count=1)
    try:
        await post(erp, command)
    except OutcomeUnknown:
        given(len(qad.documents()) == 1, "the document is there")
    with pytest.raises(Misconfigured):
        await erp.find("invoice", command.reference)


async def test_a_misspelt_column_is_said_by_whoever_filters_by_it(qad):
    erp = await qad.erp(qad.changed({"open_items.find.number": "referenz", "documents.receipt.find.reference": "x"}))
    await post(erp, qad.receipt("5.00"))
    with pytest.raises(Misconfigured, match="column x"):
        [page async for page in erp.find_all("receipt")]
    with pytest.raises(Misconfigured, match="referenz"):
        await erp.find_opening(number="P-OLD", item_kind="payment", currency="USD")


@pytest.mark.parametrize("word", ["year", "daybook", "voucher", "total", "customer", "currency", "posting_date"])
async def test_any_other_column_that_is_missing_is_said(qad, word):
    erp, command = await qad.erp(qad.changed({f"documents.invoice.find.{word}": "notThere"})), qad.invoice()
    await post(erp, command)
    with pytest.raises(Misconfigured, match="notThere"):
        await erp.find("invoice", command.reference)


async def test_a_receipt_shows_what_it_was_made_with_whatever_was_moved_since(qad):
    erp = await qad.erp()
    invoice, other = await post(erp, qad.invoice()), await post(erp, qad.invoice())
    carrying, alone = qad.receipt("100.00", (invoice.document, "60.00")), qad.receipt("50.00")
    paid = await post(erp, carrying)
    await post(erp, alone)
    await post(erp, qad.adjustment(other.document, paid.document, "25.00"))
    assert [await shown(erp, one) for one in (carrying, alone)] == [Decimal("60.00"), 0]
    await post(erp, qad.adjustment(other.document, paid.document, "25.00", reopens=True))
    found = {one.reference: one.allocated async for page in erp.find_all("receipt") for one in page}
    assert found == {carrying.reference: Decimal("60.00"), alone.reference: 0}


async def test_a_profile_may_name_no_column_for_what_a_receipt_carries_but_none_that_is_not_there(qad):
    place = "documents.receipt.find.allocated"
    command = qad.receipt("50.00")
    await post(await qad.erp(), command)
    assert await shown(await qad.erp(qad.changed({place: None})), command) is None
    with pytest.raises(Misconfigured, match="allocatedAmmount"):
        await shown(await qad.erp(qad.changed({place: "allocatedAmmount"})), command)


async def shown(erp: RestQad, receipt: Command) -> Decimal | None:
    found = await erp.find("receipt", receipt.reference)
    assert found is not None
    return found.allocated


async def test_a_browse_that_is_not_there_is_said(qad):
    profile = qad.changed({"documents.invoice.find.browse_id": "urn:browse:customerInvoicez"})
    with pytest.raises(Misconfigured, match="customerInvoicez"):
        await (await qad.erp(profile)).find("invoice", ABSENT)


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        ("too_many_requests", Transient),
        ("forbidden", Refused),
        ("html_login", Transient),
        ("empty_body", Transient),
        ("truncated_json", Transient),
        ("down", Transient),
        ("unauthorized", Refused),
    ],
)
async def test_a_look_up_that_was_not_answered_is_never_absent(qad, fault, family):
    erp = await qad.erp()
    armed = qad.arm(fault, kind="browse", count=1)
    # A cut connection is asked again once by the client library, a session that ended by us: a look-up does no harm.
    armed = armed if fault not in ("down", "unauthorized") else qad.arm(fault, kind="browse", count=2)
    with pytest.raises(ConnectorError) as raised:
        await erp.find("invoice", ABSENT)
    assert type(raised.value) is family
    assert armed.fired >= 1


# -- all -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 3, 500])
async def test_all_documents_with_a_reference_are_found_page_by_page(qad, page_size):
    erp = await qad.erp(limits={"page_size": page_size})
    commands = [qad.invoice() for _ in range(7)]
    for command in commands:
        await post(erp, command)
        qad.control.post_by_hand(ENTITY, by_hand("HAND"), user="clerk")
    pages = [page async for page in erp.find_all("invoice")]
    found = [one.reference for page in pages for one in page]
    assert found == [command.reference for command in commands]
    assert len(pages) == -(-7 // page_size)
    assert all(len(page) <= page_size for page in pages)


async def test_all_of_one_kind_are_of_that_kind(qad):
    erp = await qad.erp()
    invoice, note = await post(erp, qad.invoice()), await post(erp, qad.credit_note())
    receipt = qad.receipt("5.00")
    await post(erp, receipt)
    adjustment = qad.adjustment(invoice.document, note.document, "1.00")
    await post(erp, adjustment)
    assert [one.reference async for page in erp.find_all("receipt") for one in page] == [receipt.reference]
    assert [one.reference async for page in erp.find_all("adjustment") for one in page] == [adjustment.reference]


async def test_kinds_that_share_a_browse_are_read_once(qad):
    erp = await qad.erp()
    kinds = (*DOCUMENT_KINDS, *OPTIONAL_KINDS)
    commands = [qad.invoice(), qad.credit_note(), qad.receipt("5.00"), qad.invoice()]
    for command in commands:
        await post(erp, command)
    before = len(qad.requests("browse"))
    lists = erp.lists_of(kinds)
    found = [one.reference for kind in lists for page in [page async for page in erp.find_all(kind)] for one in page]
    assert sorted(found) == sorted(command.reference for command in commands)
    finds = {kind: document.find.browse_id for kind, document in qad.profile().documents.items()}
    browses = set(finds.values())
    # Each is asked for a page without a condition as well: what that shows must come.
    assert (len(lists), len(qad.requests("browse")) - before) == (len(browses), 2 * len(browses))
    assert len(lists) < len(kinds)


async def test_kinds_whose_references_stand_in_two_columns_of_a_browse_are_two_lists(qad):
    kinds = ["bounce", "receipt", "invoice"]
    erp = await qad.erp(qad.changed({"documents.bounce.find.reference": "another"}))
    assert tuple(erp.lists_of(kinds)) == ("bounce", "receipt", "invoice")
    assert tuple((await qad.erp()).lists_of(kinds)) == ("bounce", "invoice")


async def test_nothing_at_all_is_no_pages_of_documents(qad):
    assert [one async for page in (await qad.erp()).find_all("invoice") for one in page] == []


async def test_pages_that_grow_while_they_are_read_show_everything_that_was_there(qad):
    erp = await qad.erp(limits={"page_size": 2})
    commands = [qad.invoice() for _ in range(6)]
    for command in commands:
        await post(erp, command)
    found = []
    async for page in erp.find_all("invoice"):
        found += [one.reference for one in page]
        if len(found) < 20:
            await post(erp, qad.invoice())
    assert {command.reference for command in commands} <= set(found)
