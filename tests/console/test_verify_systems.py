"""What the judge reads of both systems, from the stand-ins on loopback by the adapters' read calls."""

from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from console.verification.systems import read_qad
from console.verification.views import QadKey
from console.zuora_side import read_zuora
from sandbox.qad.books.documents import Invoice, PostingLine
from schemas.errors import Misconfigured
from schemas.ids import document_key
from tests.adapters.qad_company import ENTITY, JANUARY, QadCompany, post, qad_company
from tests.adapters.zuora_tenant import ZuoraTenant, zuora_tenant


@pytest.fixture
async def qad(tmp_path) -> AsyncIterator[QadCompany]:
    async with qad_company(tmp_path) as company:
        yield company


@pytest.fixture
async def zuora() -> AsyncIterator[ZuoraTenant]:
    async with zuora_tenant() as tenant:
        yield tenant


async def shown(qad, **changes):
    profile = qad.profile(**changes)
    told = []
    found = await read_qad(await qad.client(profile), profile, progress=told.append)
    assert told
    return found


def key_of(accepted):
    return QadKey(accepted.document.year, accepted.document.daybook, accepted.document.voucher)


async def test_documents_of_every_kind_by_their_reference_with_what_is_open(qad):
    erp = await qad.erp()
    commands = {"invoice": qad.invoice("119.00"), "credit_note": qad.credit_note("40.00")}
    keys = {kind: key_of(await post(erp, command)) for kind, command in commands.items()}
    item = (await erp.find("invoice", commands["invoice"].reference)).document
    commands["receipt"] = qad.receipt("80.00", (item, "30.00"))
    keys["receipt"] = key_of(await post(erp, commands["receipt"]))
    payer = (await erp.find("credit_note", commands["credit_note"].reference)).document
    commands["adjustment"] = qad.adjustment(item, payer, "15.00")
    keys["adjustment"] = key_of(await post(erp, commands["adjustment"]))

    found = await shown(qad, limits={"page_size": 2})
    assert {kind: found.documents[command.reference].key for kind, command in commands.items()} == keys
    assert len(found.documents) == 4
    assert found.others == []
    totals = {kind: found.documents[command.reference].total for kind, command in commands.items()}
    assert totals == dict(zip(commands, map(Decimal, ("119.00", "40.00", "80.00", "15.00")), strict=True))
    invoice = found.documents[commands["invoice"].reference]
    assert (invoice.customer, invoice.currency, invoice.day) == ("C0001", "USD", "2026-01-12")
    # 119 less 30 by the receipt and 15 by the adjustment; 40 less 15; 80 less 30.
    opens = {kind: found.open[keys[kind]] for kind in ("invoice", "credit_note", "receipt")}
    assert opens == {"invoice": Decimal("74.00"), "credit_note": Decimal("25.00"), "receipt": Decimal("50.00")}
    assert set(found.balances.values()) == {Decimal(0)}
    assert "USD" in found.balances


async def test_a_reference_on_two_documents_is_two(qad):
    erp, command = await qad.erp(), qad.invoice()
    first = key_of(await post(erp, command))
    line = PostingLine(gl_account_code="4100", credit_amount=Decimal(70))
    second = Invoice(
        invoice_type="INVOICE",
        customer_code="C0001",
        currency_code="USD",
        invoice_date=JANUARY,
        posting_date=JANUARY,
        due_date=JANUARY,
        daybook_code="HINV",
        description="By hand",
        custom_short_0=command.reference,
        original_amount=Decimal(70),
        is_taxable=False,
        posting_lines=(line,),
    )
    qad.control.post_by_hand(ENTITY, second, user="eve")
    found = await shown(qad)
    assert found.documents[command.reference].key == first
    assert [other.key.daybook for other in found.others] == ["HINV"]


async def test_a_kind_without_a_look_up_is_left_out_and_said(qad):
    profile = qad.profile()
    adjustment = msgspec.structs.replace(profile.documents["adjustment"], find=None)
    found = await shown(qad, documents={**profile.documents, "adjustment": adjustment})
    assert found.kinds == {*profile.documents} - {"adjustment"}


async def test_without_open_items_nothing_is_said_to_be_open(qad):
    found = await shown(qad, open_items=None, balances=None)
    assert (found.open, found.balances) == (None, {})


async def test_a_column_that_qad_does_not_show_is_said(qad):
    await post(await qad.erp(), qad.invoice())
    profile = qad.profile()
    misspelt = msgspec.structs.replace(profile.open_items, open_amount="openAmuont")
    with pytest.raises(Misconfigured, match="openAmuont"):
        await shown(qad, open_items=misspelt)


async def test_every_document_of_zuora_with_those_that_do_not_count(zuora):
    paid, draft = zuora.invoice(), zuora.invoice(post=False)
    payment, memo, debit = zuora.payment(paid, amount="4"), zuora.credit_memo(paid), zuora.debit_memo(items=2)
    zuora.every_second(3)
    found = await read_zuora(await zuora.client(), "acme", progress=lambda _what: None)
    assert len(found) == 8
    told = {
        name: (found[name].total, found[name].open, found[name].counts)
        for name in (
            document_key("invoice", paid.id),
            document_key("invoice", draft.id),
            document_key("payment", payment.id),
            document_key("credit_memo", memo.id),
            document_key("debit_memo", debit.id),
        )
    }
    ten = Decimal(10)
    assert list(told.values()) == [
        (ten, Decimal(5), True),
        (ten, ten, False),
        (Decimal(4), Decimal(0), True),
        (Decimal(1), Decimal(0), True),
        (Decimal(20), Decimal(20), True),
    ]
    invoice = found[document_key("invoice", paid.id)]
    assert (invoice.kind, invoice.number, invoice.currency) == ("invoice", paid.invoice_number, "EUR")
    assert (invoice.day, invoice.stamp[:10]) == ("2026-03-10", "2026-03-15")
