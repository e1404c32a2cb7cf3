"""Opening items that others loaded into QAD: found by their Zuora number, of their kind and currency, or said."""

from decimal import Decimal

import pytest

from sandbox.qad.books.documents import Payment
from schemas.errors import Conflict, Misconfigured
from schemas.outcomes import Document
from tests.adapters.by_hand import by_hand
from tests.adapters.qad_company import ENTITY, JANUARY


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
