"""Finding documents in QAD again: by reference, all of them, opening items; and never silently nothing."""

import asyncio
from decimal import Decimal

import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import browse
from adapters.qad.rest.port import RestQad
from sandbox.qad.books.documents import Invoice, Payment, PostingLine
from schemas.errors import Conflict, ConnectorError, Misconfigured, OutcomeUnknown, Refused, Transient
from schemas.outcomes import Document
from streams.ports import Command
from tests.adapters.ground import given
from tests.adapters.qad_company import ENTITY, JANUARY, post
from tests.adapters.strange import Told
from tests.loopback import LOOPBACK

BROWSES = "/api/qracore/browses"
ABSENT = "A" * 20
PAGES_BEFORE_NOTICED = 20
# The one row of a look-up: its reference and its voucher.
ROW = (
    b'{"data": [{"customerInvoice.customShort0": "%s", "customerInvoice.postingYear": 2026, '
    b'"customerInvoice.daybookCode": "Z", "customerInvoice.voucher": %s, "customerInvoice.customerCode": "C", '
    b'"customerInvoice.currencyCode": "USD", "customerInvoice.originalAmount": 1, "customerInvoice.taxAmount": 0, '
    b'"customerInvoice.postingDate": "2026-01-01"}]}'
)


def by_hand(number, *, reference="", amount="70.00", currency="USD", customer="C0001", kind="INVOICE", daybook="HINV"):
    debit = kind == "CREDITNOTE"
    line = PostingLine(gl_account_code="4100", **{("debit_amount" if debit else "credit_amount"): Decimal(amount)})
    return Invoice(
        invoice_type=kind,
        customer_code=customer,
        currency_code=currency,
        invoice_date=JANUARY,
        posting_date=JANUARY,
        due_date=JANUARY,
        daybook_code=daybook,
        description="Opening",
        reference=number,
        custom_short_0=reference,
        original_amount=Decimal(amount),
        is_taxable=False,
        posting_lines=(line,),
    )


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


# -- opening items ---------------------------------------------------------------------------------------------------


async def test_an_opening_item_is_found_by_its_number(qad):
    erp = await qad.erp()
    qad.control.post_by_hand(ENTITY, by_hand("INV-OLD-1"), user="clerk")
    found = await erp.find_opening(number="INV-OLD-1", item_kind="invoice", currency="USD")
    assert found is not None
    assert found.document == Document(
        year=2026, daybook="HINV", voucher=1, customer="C0001", currency="USD", total=Decimal("70.00")
    )
    assert await erp.find_opening(number="INV-OLD-2", item_kind="invoice", currency="USD") is None


@pytest.mark.parametrize("number", ["INV,1", "INV,literal", "A,eq,B,literal", "INV 1", "ÄÖ-1", "INV&x=1", "INV#1", "%"])
async def test_a_number_may_hold_what_filters_are_made_of(qad, number):
    qad.control.post_by_hand(ENTITY, by_hand(number), user="clerk")
    qad.control.post_by_hand(ENTITY, by_hand("INV-OTHER"), user="clerk")
    found = await (await qad.erp()).find_opening(number=number, item_kind="invoice", currency="USD")
    assert found is not None
    assert found.document.voucher == 1


async def test_an_opening_item_is_of_its_kind_and_currency(qad):
    erp = await qad.erp()
    qad.control.post_by_hand(ENTITY, by_hand("N-1", currency="EUR", customer="C0002"), user="clerk")
    qad.control.post_by_hand(ENTITY, by_hand("N-1", kind="CREDITNOTE", daybook="ZCRN"), user="clerk")
    note = await erp.find_opening(number="N-1", item_kind="credit_memo", currency="USD")
    assert note is not None
    assert note.document.daybook == "ZCRN"
    invoice = await erp.find_opening(number="N-1", item_kind="invoice", currency="EUR")
    assert invoice is not None
    assert invoice.document.daybook == "HINV"
    assert await erp.find_opening(number="N-1", item_kind="invoice", currency="USD") is None
    assert await erp.find_opening(number="N-1", item_kind="payment", currency="USD") is None


@pytest.mark.parametrize("named", [True, False])
async def test_an_opening_debit_memo_is_found_as_an_invoice_is_unless_the_profile_says_otherwise(qad, named):
    erp = await qad.erp(qad.profile() if named else qad.changed({"open_items.types.debit_memo": None}))
    qad.control.post_by_hand(ENTITY, by_hand("DM-OLD-1"), user="clerk")
    found = await erp.find_opening(number="DM-OLD-1", item_kind="debit_memo", currency="USD")
    assert found is not None
    assert found.document.daybook == "HINV"


async def test_a_kind_of_opening_item_that_the_profile_does_not_name_is_said(qad):
    erp = await qad.erp(qad.changed({"open_items.types.credit_memo": None}))
    with pytest.raises(Misconfigured, match="what QAD calls a credit_memo"):
        await erp.find_opening(number="CM-OLD-1", item_kind="credit_memo", currency="USD")


async def test_an_opening_prepayment_is_found(qad):
    payment = Payment(
        customer_code="C0001",
        currency_code="USD",
        bank_gl_account_code="1010",
        payment_date=JANUARY,
        posting_date=JANUARY,
        daybook_code="ZPAY",
        amount=Decimal(25),
        payment_reference="P-OLD-1",
        status="Paid",
    )
    qad.control.post_by_hand(ENTITY, payment, user="clerk")
    found = await (await qad.erp()).find_opening(number="P-OLD-1", item_kind="payment", currency="USD")
    assert found is not None
    assert (found.document.daybook, found.document.total) == ("ZPAY", Decimal(25))


async def test_a_profile_without_open_items_finds_none(qad):
    erp = await qad.erp(open_items=None)
    assert await erp.find_opening(number="INV-OLD-1", item_kind="invoice", currency="USD") is None


async def test_two_opening_items_under_one_number_are_a_conflict(qad):
    for _ in range(2):
        qad.control.post_by_hand(ENTITY, by_hand("INV-OLD-1"), user="clerk")
    with pytest.raises(Conflict):
        await (await qad.erp()).find_opening(number="INV-OLD-1", item_kind="invoice", currency="USD")


async def test_a_kind_that_the_profile_does_not_name_is_not_any_kind(qad):
    qad.control.post_by_hand(ENTITY, by_hand("DM-1"), user="clerk")
    erp = await qad.erp(qad.changed({"open_items.types.payment": None}))
    try:
        found = await erp.find_opening(number="DM-1", item_kind="payment", currency="USD")
    except Misconfigured:
        found = None
    assert found is None


# -- browses that are not as documented ------------------------------------------------------------------------------


@pytest.fixture
async def speaker(strange):
    strange.tell("/oauth/token", Told(b'{"access_token": "t", "expires_in": 3600}'))
    profile = Profile(base_url=strange.url, workspace="D_E", entity="E", documents={}, browses={})
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        yield client


async def rows(client):
    pages = browse(client, browse_id="urn:b", prefix="p", filters=["a,eq,1,literal"], page_size=2)
    return [row async for page in pages for row in page]


async def test_a_browse_is_asked_for_as_documented(speaker, strange):
    strange.tell(
        BROWSES,
        Told(b'{"data": [{"p.a": 1, "q.b": 2, "c": 3}], "auxillaryData": {"HasMoreParams": "true"}}'),
        Told(b'{"data": [{"p.a": 4}], "auxillaryData": {"HasMoreParams": "false"}}'),
    )
    assert await rows(speaker) == [{"a": 1, "q.b": 2, "c": 3}, {"a": 4}]
    first, second = (asked.query for asked in strange.asked if asked.path == BROWSES)
    assert (first["page"], first["pageAction"]) == (["1"], ["first"])
    assert (second["page"], second["pageAction"]) == (["2"], ["next"])
    assert first["callId"] == second["callId"]
    assert first["filter"] == ["a,eq,1,literal"]


@pytest.mark.parametrize("more", [b'"false"', b"false", b'""', b"null"])
async def test_no_more_is_said_in_several_ways(speaker, strange, more):
    strange.tell(BROWSES, Told(b'{"data": [{"p.a": 1}], "auxillaryData": {"HasMoreParams": %s}}' % more))
    assert len(await rows(speaker)) == 1


async def test_no_word_about_more_is_no_more(speaker, strange):
    strange.tell(BROWSES, Told(b'{"data": []}'))
    assert await rows(speaker) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"data": null}',
        b'{"data": [null]}',
        b'{"data": ["x"]}',
        b'{"data": {}}',
        b"<html></html>",
        b'{"data": [{"p.a": 1}',
    ],
    ids=str,
)
async def test_what_is_no_page_is_never_an_empty_one(speaker, strange, body):
    strange.tell(BROWSES, Told(body))
    with pytest.raises(Transient):
        await rows(speaker)


async def test_a_browse_that_always_shows_its_first_page_comes_to_an_end(speaker, strange):
    strange.tell(BROWSES, Told(b'{"data": [{"p.a": 1}], "auxillaryData": {"HasMoreParams": "true"}}'))
    reading = asyncio.create_task(rows(speaker))
    try:
        async with asyncio.timeout(10):
            while not reading.done() and strange.times(BROWSES) <= PAGES_BEFORE_NOTICED:
                await asyncio.wait([reading], timeout=0.01)
        assert strange.times(BROWSES) <= PAGES_BEFORE_NOTICED
        with pytest.raises(ConnectorError):
            await reading
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def test_a_browse_that_shows_its_pages_in_a_circle_comes_to_an_end(speaker, strange):
    page = b'{"data": [{"p.a": %d}], "auxillaryData": {"HasMoreParams": "true"}}'
    strange.tell(BROWSES, *(Told(page % number) for number in (1, 2, 1, 2)))
    with pytest.raises(Misconfigured, match="does not page"):
        await rows(speaker)
    assert strange.times(BROWSES) == 3


async def test_a_word_about_more_that_is_none_is_no_more(speaker, strange):
    strange.tell(BROWSES, Told(b'{"data": [{"p.a": 1}], "auxillaryData": ["true"]}'))
    assert len(await rows(speaker)) == 1


async def test_a_browse_that_does_not_heed_its_filter_finds_nobodys_document(house, strange):
    """Another document of the same customer, day and amount would pass for ours."""
    strange.tell("/oauth/token", Told(b'{"access_token": "t", "expires_in": 3600}'))
    strange.tell(BROWSES, Told(ROW % (b"OTHER", b"7")), Told(ROW % (b"a  ", b"7")))
    profile = house.profile(base_url=strange.url)
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        erp = RestQad(client, profile)
        with pytest.raises(Misconfigured, match="does not filter"):
            await erp.find("invoice", "A")
        found = await erp.find("invoice", "A")
    assert found is not None
    assert found.document.voucher == 7


@pytest.mark.parametrize("voucher", [b"null", b'"x"', b"{}", b"true", b"1.5", b"-1", b"1e999999999"])
async def test_a_row_without_a_key_is_said(house, strange, voucher):
    strange.tell("/oauth/token", Told(b'{"access_token": "t", "expires_in": 3600}'))
    strange.tell(BROWSES, Told(ROW % (b"A", voucher)))
    profile = house.profile(base_url=strange.url)
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        with pytest.raises(ConnectorError):
            await RestQad(client, profile).find("invoice", "A")
