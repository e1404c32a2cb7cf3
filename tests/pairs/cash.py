"""Money received and given back: each act with its document."""

from decimal import Decimal

from schemas.mapping import Analysis
from tests.pairs.house import CHILD, FIRST, SECOND, House
from tests.pairs.pairs import Pair, Settle


async def _applied(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await house.payment("100.00", invoice)


async def _unapplied(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await house.payment("100.00", invoice)
    await settle()
    await house.act("unapply_payment", payment=payment["id"])


async def _overpaid(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await house.payment("150.00", invoice)


async def _of_a_child(house: House, settle: Settle) -> None:
    invoice = await house.invoice(account=CHILD)
    await settle()
    await house.payment("100.00", invoice, account=FIRST)


async def _refund(house: House, settle: Settle) -> None:
    payment = await house.payment()
    await settle()
    await house.act("refund_payment", source=payment["id"], amount=Decimal("40.00"))


async def _refund_and_unapply_row(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await house.payment("100.00", invoice)
    await settle()
    await house.act("refund_payment", source=payment["id"], amount=Decimal("100.00"))


async def _refund_of_a_part_that_was_applied(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await house.payment("100.00", invoice)
    await settle()
    part = [{"invoice": invoice["id"], "amount": Decimal("30.00")}]
    await house.act("refund_payment", source=payment["id"], amount=Decimal("30.00"), invoices=part)


async def _refund_cancelled(house: House, settle: Settle) -> None:
    payment = await house.payment()
    refund = await house.act("refund_payment", source=payment["id"], amount=Decimal("40.00"))
    await settle()
    await house.act("cancel_refund", refund=refund["id"])


async def _refund_failed(house: House, settle: Settle) -> None:
    payment = await house.payment(type="Electronic")
    refund = await house.act("refund_payment", source=payment["id"], amount=Decimal("40.00"), type="Electronic")
    await settle()
    await house.act("fail_refund", refund=refund["id"])


async def _refund_of_a_credit_memo(house: House, settle: Settle) -> None:
    memo = await house.credit_memo()
    await settle()
    await house.act("refund_credit_memo", source=memo["id"], amount=Decimal("60.00"))


async def _refund_of_a_credit_memo_cancelled(house: House, settle: Settle) -> None:
    memo = await house.credit_memo()
    refund = await house.act("refund_credit_memo", source=memo["id"], amount=Decimal("60.00"))
    await settle()
    await house.act("cancel_refund", refund=refund["id"])


async def _chargeback(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await house.payment("100.00", invoice, type="Electronic")
    await settle()
    await house.act(
        "refund_payment",
        source=payment["id"],
        amount=Decimal("100.00"),
        type="Electronic",
        transaction="Chargeback",
    )


async def _cancelled(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await house.payment("100.00", invoice)
    await settle()
    await house.act("unapply_payment", payment=payment["id"])
    await settle()
    await house.act("cancel_payment", payment=payment["id"])


async def _failed_and_its_applications(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    payment = await house.payment("100.00", invoice, type="Electronic")
    await settle()
    await house.act("fail_payment", payment=payment["id"])


async def _transferred(house: House, settle: Settle) -> None:
    payment = await house.payment()
    await settle()
    await house.act("transfer_payment", payment=payment["id"], account=CHILD)


async def _transferred_between_accounts_of_one_customer(house: House, settle: Settle) -> None:
    payment = await house.payment()
    await settle()
    await house.act("transfer_payment", payment=payment["id"], account=SECOND)


async def _unapplied_transferred_and_applied(house: House, settle: Settle) -> None:
    first, second = await house.invoice(), await house.invoice(account=CHILD)
    payment = await house.payment("100.00", first)
    await settle()
    await house.act("unapply_payment", payment=payment["id"])
    await house.act("transfer_payment", payment=payment["id"], account=CHILD)
    part = [{"invoice": second["id"], "amount": Decimal("100.00")}]
    await house.act("apply_payment", payment=payment["id"], invoices=part)


async def _transferred_and_cancelled(house: House, settle: Settle) -> None:
    payment = await house.payment()
    await settle()
    await house.act("transfer_payment", payment=payment["id"], account=CHILD)
    await settle()
    await house.act("cancel_payment", payment=payment["id"])


async def _of_nobody_and_assigned(house: House, settle: Settle) -> None:
    payment = await house.payment(account=None)
    await settle()
    await house.act("transfer_payment", payment=payment["id"], account=FIRST)


async def _of_nobody(house: House, settle: Settle) -> None:
    await house.payment(account=None)
    await settle()


async def _of_nobody_and_cancelled(house: House, settle: Settle) -> None:
    payment = await house.payment(account=None)
    await settle()
    await house.act("cancel_payment", payment=payment["id"])


CASH = {"unassigned_cash": Analysis(account="1900")}

PAIRS = [
    Pair("transfer + part change", _transferred, {"bank": "100", "prepayments": "-100"}),
    Pair(
        "transfer between accounts of one customer",
        _transferred_between_accounts_of_one_customer,
        {"bank": "100", "prepayments": "-100"},
    ),
    Pair(
        "unapplication + transfer + application",
        _unapplied_transferred_and_applied,
        {"bank": "100", "receivable": "100", "revenue": "-200"},
    ),
    Pair("transfer + cancellation", _transferred_and_cancelled),
    Pair("payment without account", _of_nobody, {"bank": "100", "unassigned": "-100"}, CASH),
    Pair(
        "payment without account + its assignment",
        _of_nobody_and_assigned,
        {"bank": "100", "prepayments": "-100"},
        CASH,
    ),
    Pair("payment without account + its cancellation", _of_nobody_and_cancelled, {}, CASH),
    Pair("payment + application", _applied, {"bank": "100", "revenue": "-100"}),
    Pair(
        "payment + application + unapplication",
        _unapplied,
        {"bank": "100", "revenue": "-100", "receivable": "100", "prepayments": "-100"},
    ),
    Pair("overpaid: the rest is a prepayment", _overpaid, {"bank": "150", "revenue": "-100", "prepayments": "-50"}),
    Pair("a parent pays for its child", _of_a_child, {"bank": "100", "revenue": "-100"}),
    Pair("refund of what is unapplied", _refund, {"bank": "60", "prepayments": "-60"}),
    Pair("refund + unapply row", _refund_and_unapply_row, {"receivable": "100", "revenue": "-100"}),
    Pair(
        "refund of a part + unapply row",
        _refund_of_a_part_that_was_applied,
        {"bank": "70", "receivable": "30", "revenue": "-100"},
    ),
    Pair("refund + its cancellation", _refund_cancelled, {"bank": "100", "prepayments": "-100"}),
    Pair("electronic refund + its failure", _refund_failed, {"bank": "100", "prepayments": "-100"}),
    Pair(
        "refund of a credit memo",
        _refund_of_a_credit_memo,
        {"bank": "-60", "credit_notes": "-40", "revenue": "100"},
    ),
    Pair(
        "refund of a credit memo + its cancellation",
        _refund_of_a_credit_memo_cancelled,
        {"credit_notes": "-100", "revenue": "100"},
    ),
    Pair("chargeback + payment", _chargeback, {"receivable": "100", "revenue": "-100"}),
    Pair("cancelled payment + its applications", _cancelled, {"receivable": "100", "revenue": "-100"}),
    Pair("failed payment + its applications", _failed_and_its_applications, {"receivable": "100", "revenue": "-100"}),
]
