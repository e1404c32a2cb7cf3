"""What corrects a document: each act with the memo and the application that Zuora makes of it."""

from decimal import Decimal

from tests.pairs.house import FIRST, House
from tests.pairs.pairs import Pair, Settle


async def _memo_applied(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    memo = await house.credit_memo("40.00")
    await settle()
    part = [{"invoice": invoice["id"], "amount": Decimal("40.00")}]
    await house.act("apply_credit_memo", credit_memo=memo["id"], invoices=part)


async def _memo_unapplied(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    memo = await house.credit_memo("40.00")
    part = [{"invoice": invoice["id"], "amount": Decimal("40.00")}]
    await house.act("apply_credit_memo", credit_memo=memo["id"], invoices=part)
    await settle()
    await house.act("unapply_credit_memo", credit_memo=memo["id"])


async def _reversed(house: House, settle: Settle) -> None:
    invoice = await house.invoice(tax="19.00")
    await settle()
    await house.act("reverse_invoice", invoice=invoice["id"])


async def _written_off(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await house.payment("40.00", {**invoice, "balance": Decimal("40.00")})
    await settle()
    await house.act("write_off_invoice", invoice=invoice["id"])


async def _unposted(house: House, settle: Settle) -> None:
    invoice = await house.invoice()
    await settle()
    await house.act("unpost_invoice", invoice=invoice["id"])


async def _over_nothing(house: House, settle: Settle) -> None:
    lines = [
        {"charge_amount": Decimal(amount), "accounting_code": code}
        for amount, code in (("100.00", "Usage Revenue"), ("-100.00", "Deferred Revenue"))
    ]
    invoice = await house.act("create_invoice", account=FIRST, items=lines)
    await house.act("post_invoice", invoice=invoice["id"])
    await settle()


PAIRS = [
    Pair(
        "invoice over nothing, its lines in a journal",
        _over_nothing,
        {"revenue": "-100", "deferred": "100"},
        {"zero_total": "journal"},
    ),
    Pair("credit memo + application", _memo_applied, {"receivable": "60", "revenue": "-60"}),
    Pair(
        "credit memo + application + unapplication",
        _memo_unapplied,
        {"receivable": "100", "credit_notes": "-40", "revenue": "-60"},
    ),
    Pair("invoice reversed + its memo + application", _reversed),
    Pair("write-off + memo + application", _written_off, {"bank": "40", "revenue": "-40"}),
    Pair("invoice unposted + its inverse", _unposted),
]
