"""Debit memos, memos that correct memos, and what was deleted."""

from decimal import Decimal
from typing import Any

from tests.pairs.house import FIRST, House
from tests.pairs.pairs import Pair, Settle


async def _debit_memo(house: House, amount: str = "100.00") -> Any:
    """Post a debit memo of its own over one line."""
    item = {"charge_amount": Decimal(amount), "accounting_code": "Usage Revenue"}
    made = await house.act("create_debit_memo", account=FIRST, items=[item])
    return await house.act("post_debit_memo", debit_memo=made["id"])


async def _paid(house: House, settle: Settle) -> None:
    debit = await _debit_memo(house)
    await settle()
    paid = [{"debit_memo": debit["id"], "amount": Decimal("70.00")}]
    await house.act("create_payment", account=FIRST, amount=Decimal("70.00"), invoices=paid)
    await settle()
    memo = await house.credit_memo("40.00")
    rest = [{"debit_memo": debit["id"], "amount": Decimal("30.00")}]
    await house.act("apply_credit_memo", credit_memo=memo["id"], invoices=rest)


async def _unapplied(house: House, settle: Settle) -> None:
    debit = await _debit_memo(house)
    paid = [{"debit_memo": debit["id"], "amount": Decimal("70.00")}]
    payment = await house.act("create_payment", account=FIRST, amount=Decimal("70.00"), invoices=paid)
    await settle()
    await house.act("unapply_payment", payment=payment["id"])
    await house.act("unpost_debit_memo", debit_memo=debit["id"])


async def _credit_reversed(house: House, settle: Settle) -> None:
    memo = await house.credit_memo("40.00")
    await settle()
    await house.act("reverse_credit_memo", credit_memo=memo["id"])


async def _credit_written_off(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    memo = await house.credit_memo("40.00")
    part = [{"invoice": invoice["id"], "amount": Decimal("15.00")}]
    await house.act("apply_credit_memo", credit_memo=memo["id"], invoices=part)
    await settle()
    await house.act("write_off_credit_memo", credit_memo=memo["id"])


async def _debit_written_off(house: House, settle: Settle) -> None:
    debit = await _debit_memo(house)
    await settle()
    await house.act("write_off_debit_memo", debit_memo=debit["id"])


async def _invoice_deleted(house: House, settle: Settle) -> None:
    invoice = await house.invoice(tax="19.00")
    await settle()
    await house.act("unpost_invoice", invoice=invoice["id"])
    await house.act("delete_invoice", invoice=invoice["id"])


async def _memo_deleted(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    memo = await house.credit_memo("40.00")
    part = [{"invoice": invoice["id"], "amount": Decimal("40.00")}]
    await house.act("apply_credit_memo", credit_memo=memo["id"], invoices=part)
    await settle()
    await house.act("unapply_credit_memo", credit_memo=memo["id"])
    await house.act("unpost_credit_memo", credit_memo=memo["id"])
    await house.act("delete_credit_memo", credit_memo=memo["id"])


PAIRS = [
    Pair("debit memo + payment + credit memo", _paid, {"bank": "70", "credit_notes": "-10", "revenue": "-60"}),
    Pair("debit memo unposted + unapplication + its inverse", _unapplied, {"bank": "70", "prepayments": "-70"}),
    Pair("credit memo reversed + its debit memo + application", _credit_reversed),
    Pair("credit memo written off + its debit memo", _credit_written_off, {"receivable": "85", "revenue": "-85"}),
    Pair("debit memo written off + its credit memo", _debit_written_off),
    Pair("invoice deleted + its inverse", _invoice_deleted),
    Pair("credit memo deleted + unapplication + its inverse", _memo_deleted, {"receivable": "100", "revenue": "-100"}),
]
