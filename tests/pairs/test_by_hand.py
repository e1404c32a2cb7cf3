"""What people key, change, reverse and allocate by hand in QAD, over HTTP: each is named by its document."""

from datetime import date
from decimal import Decimal

from sandbox.qad.books.documents import Adjustment, AdjustmentLine, DocumentKey
from sandbox.qad.books.reversals import Reversal
from tests.adapters.qad_company import ENTITY
from tests.pairs.house import house
from tests.pairs.judges import reconciled

D = Decimal


def named(found):
    return [(one.part, one.number) for one in found.differences]


async def test_an_allocation_by_hand_on_our_items_is_named_by_our_document(tmp_path):
    async with house(tmp_path) as one:
        invoice, payment = await one.invoice(), await one.payment()
        await one.settle()
        assert named(await reconciled(one)) == []
        keys = {document["kind"]: DocumentKey(**document["key"]) for document in one.qad.documents()}
        paid, owed = keys["payment"], keys["invoice"]
        lines = [
            AdjustmentLine(
                customer_code="C0001",
                item_posting_year=key.posting_year,
                item_daybook_code=key.daybook_code,
                item_voucher=key.voucher,
                **{side: D("30.00")},
            )
            for key, side in ((owed, "credit_amount"), (paid, "debit_amount"))
        ]
        by_hand = Adjustment(
            entity_code=ENTITY,
            posting_date=date(2026, 2, 10),
            daybook_code="ZADJ",
            currency_code="USD",
            description="hand",
            lines=tuple(lines),
        )
        one.qad.control.post_by_hand(ENTITY, by_hand, user="eve")
        found = await reconciled(one)
    numbers = {invoice["invoiceNumber"], payment["paymentNumber"]}
    told = [one for one in found.differences if one.rule == "allocated_by_hand"]
    assert {one.number for one in told} == numbers
    assert all("not ours, moved" in one.what and "on 2026-02-10" in one.what for one in told)
    assert {one.number for one in found.differences if one.part == "open_items"} == numbers
    assert "allocations" not in found.checks


async def test_our_own_allocations_are_held_against_their_lines(tmp_path):
    async with house(tmp_path) as one:
        invoice, payment = await one.invoice(), await one.payment()
        await one.settle()
        part = [{"invoice": invoice["id"], "amount": D("40.00")}]
        await one.act("apply_payment", payment=payment["id"], invoices=part)
        await one.settle()
        found = await reconciled(one)
    assert (found.checks["allocations"], found.differences) == (1, ())


async def test_an_invoice_that_somebody_reversed_is_named_with_what_reverses_it(tmp_path):
    async with house(tmp_path) as one:
        invoice = await one.invoice()
        await one.settle()
        key = DocumentKey(**one.qad.documents()[0]["key"])
        one.qad.control.reverse_by_hand(key, Reversal(), user="eve")
        found = await reconciled(one)
    assert ("open_items", invoice["invoiceNumber"]) in named(found)
    [foreign] = [one for one in found.differences if one.part == "foreign"]
    assert f"reverses our {key.posting_year}/{key.daybook_code}/{key.voucher}" in foreign.what
    assert foreign.amount == 100


async def test_a_number_that_somebody_changed_is_named(tmp_path):
    async with house(tmp_path) as one:
        invoice = await one.invoice()
        await one.settle()
        key = DocumentKey(**one.qad.documents()[0]["key"])
        one.qad.control.amend_by_hand(key, {"reference": "OTHER"}, user="eve")
        found = await reconciled(one)
        one.qad.control.amend_by_hand(key, {"custom_short_0": "X"}, user="eve")
        without = await reconciled(one)
    [changed] = found.differences
    assert (changed.part, changed.number) == ("documents", invoice["invoiceNumber"])
    assert "reference OTHER instead of" in changed.what
    assert {part for part, _ in named(without)} >= {"documents", "foreign"}
