"""A tenant without Invoice Settlement: each act with the row by which Zuora says it."""

from decimal import Decimal
from typing import Any

from tests.pairs.house import FIRST, House
from tests.pairs.pairs import Pair, Settle

OFF: dict[str, object] = {"invoice_settlement": False}


async def _pay(house: House, amount: str, *applied: tuple[Any, str]) -> Any:
    invoices = [{"invoice": invoice["id"], "amount": Decimal(part)} for invoice, part in applied]
    return await house.act("create_applied_payment", account=FIRST, amount=Decimal(amount), invoices=invoices)


async def _adjust(house: House, invoice: Any, amount: str, kind: str) -> Any:
    given = {"invoice": invoice["id"], "amount": Decimal(amount), "accounting_code": "Bad Debt"}
    return await house.act("adjust_invoice", type=kind, **given)


async def _move(house: House, kind: str, amount: str, invoice: Any) -> Any:
    return await house.act("adjust_credit_balance", type=kind, amount=Decimal(amount), invoice=invoice["id"])


async def _payment(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await _pay(house, "100.00", (invoice, "100.00"))


async def _overpaid(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await _pay(house, "150.00", (invoice, "100.00"))


async def _voided(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await _pay(house, "150.00", (invoice, "100.00"))
    await settle()
    await house.act("cancel_applied_payment", payment=payment["id"])


async def _credit(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await _adjust(house, invoice, "30.00", "Credit")


async def _credit_cancelled(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    row = await _adjust(house, invoice, "30.00", "Credit")
    await settle()
    await house.act("cancel_invoice_adjustment", adjustment=row["id"])


async def _tax_adjusted(house: House, settle: Settle) -> None:
    invoice = await house.invoice(tax="19.00")
    await settle()
    [item] = house.zuora.tenant.invoice_items.children("invoice_id", invoice["id"])
    [tax] = house.zuora.tenant.taxation_items.children("invoice_item_id", item.id)
    given = {"invoice": invoice["id"], "amount": Decimal("9.00"), "type": "Credit", "source": tax.id}
    await house.act("adjust_invoice_item", **given)


async def _charge_paid(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await _adjust(house, invoice, "20.00", "Charge")
    await settle()
    await _pay(house, "120.00", (invoice, "120.00"))


async def _charge_on_a_negative_invoice(house: House, settle: Settle) -> None:
    minus = await house.invoice("-50.00")
    await settle()
    await _adjust(house, minus, "20.00", "Charge")


async def _credit_balance(house: House, settle: Settle) -> None:
    minus, plus = await house.invoice("-50.00"), await house.invoice()
    await settle()
    await _move(house, "Increase", "50.00", minus)
    await settle()
    await _move(house, "Decrease", "30.00", plus)


async def _credit_balance_cancelled(house: House, settle: Settle) -> None:
    minus, plus = await house.invoice("-50.00"), await house.invoice()
    await _move(house, "Increase", "50.00", minus)
    down = await _move(house, "Decrease", "30.00", plus)
    await settle()
    await house.act("cancel_credit_balance_adjustment", adjustment=down["id"])


async def _credit_balance_of_a_payment(house: House, settle: Settle) -> None:
    first, second = await house.invoice(), await house.invoice()
    await settle()
    await _pay(house, "150.00", (first, "100.00"))
    await settle()
    await _move(house, "Decrease", "50.00", second)


async def _cancelled_before_what_came_after(house: House, settle: Settle) -> None:
    """What is freed is the invoice, while its charge stays paid: by Zuora's balance that cannot be told."""
    minus, plus = await house.invoice("-50.00"), await house.invoice()
    await _adjust(house, plus, "20.00", "Charge")
    await _move(house, "Increase", "50.00", minus)
    await settle()
    down = await _move(house, "Decrease", "50.00", plus)
    await settle()
    await _pay(house, "70.00", (plus, "70.00"))
    await settle()
    await house.act("cancel_credit_balance_adjustment", adjustment=down["id"])


async def _taken_again_elsewhere(house: House, settle: Settle) -> None:
    """After a cancellation the oldest item is free again, and a younger one is used."""
    old, young = await house.invoice("-50.00"), await house.invoice("-50.00")
    first, second = await house.invoice(), await house.invoice()
    await _move(house, "Increase", "50.00", old)
    await _move(house, "Increase", "50.00", young)
    await settle()
    down = await _move(house, "Decrease", "50.00", first)
    await settle()
    await _move(house, "Decrease", "40.00", second)
    await settle()
    await house.act("cancel_credit_balance_adjustment", adjustment=down["id"])


PAIRS = [
    Pair("payment + invoice payment", _payment, {"bank": "100", "revenue": "-100"}, tenant=OFF),
    Pair(
        "overpaid + credit balance up",
        _overpaid,
        {"bank": "150", "revenue": "-100", "prepayments": "-50"},
        tenant=OFF,
    ),
    Pair(
        "voided payment + its invoice payments + credit balance",
        _voided,
        {"receivable": "100", "revenue": "-100"},
        tenant=OFF,
    ),
    Pair("invoice adjustment", _credit, {"receivable": "70", "revenue": "-70"}, tenant=OFF),
    Pair(
        "invoice adjustment + its cancellation",
        _credit_cancelled,
        {"receivable": "100", "revenue": "-100"},
        tenant=OFF,
    ),
    Pair(
        "charge, credit balance down, payment, and the first cancelled",
        _cancelled_before_what_came_after,
        {"bank": "70", "receivable": "50", "credit_notes": "-50", "revenue": "-70"},
        tenant=OFF,
    ),
    Pair(
        "two items on account, the first taken and freed",
        _taken_again_elsewhere,
        {"receivable": "160", "credit_notes": "-60", "revenue": "-100"},
        tenant=OFF,
    ),
    Pair("tax adjustment", _tax_adjusted, {"receivable": "110", "revenue": "-100", "tax": "-10"}, tenant=OFF),
    Pair("charge + payment of all", _charge_paid, {"bank": "120", "revenue": "-120"}, tenant=OFF),
    Pair(
        "charge on a negative invoice",
        _charge_on_a_negative_invoice,
        {"credit_notes": "-30", "revenue": "30"},
        tenant=OFF,
    ),
    Pair(
        "negative invoice + credit balance up + down",
        _credit_balance,
        {"receivable": "70", "credit_notes": "-20", "revenue": "-50"},
        tenant=OFF,
    ),
    Pair(
        "credit balance down + its cancellation",
        _credit_balance_cancelled,
        {"receivable": "100", "credit_notes": "-50", "revenue": "-50"},
        tenant=OFF,
    ),
    Pair(
        "credit balance of a payment, down",
        _credit_balance_of_a_payment,
        {"bank": "150", "receivable": "50", "revenue": "-200"},
        tenant=OFF,
    ),
]
