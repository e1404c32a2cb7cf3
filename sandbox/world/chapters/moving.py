"""Money that changes hands after it came in: given to another account, or of nobody known until somebody asks for it.

One company takes money of nobody onto an account for that (`mapping.py`); with the other it parks, in `trouble`.
"""

from datetime import date
from decimal import Decimal

from sandbox.world.charges import priced
from sandbox.world.scene import Row, Scene, balance_of
from sandbox.zuora.acts import NewPayment

_PAID, _UNAPPLIED, _APPLIED = date(2026, 11, 10), date(2026, 11, 17), date(2026, 11, 18)


async def money_comes_in(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Take in what was paid for the wrong invoice or by the wrong account, and what nobody can place."""
    mistaken, rightful, sister = (scene.cast[name] for name in ("mistaken", "rightful", "sister_one"))
    number = scene.remembered["october_run mistaken"]
    owed = balance_of(invoices, mistaken, number)
    due = balance_of(invoices, rightful, scene.remembered["october_run rightful"])
    scene.remembered |= {
        "wrong invoice": await scene.pay(mistaken, max(owed, due), _PAID, to={number: owed}, by="wire"),
        "wrong account": await scene.pay(mistaken, priced(45, mistaken), _PAID, by="wire"),
        "wrong account, refunded": await scene.pay(mistaken, priced(40, mistaken), _PAID, by="wire"),
        "wrong sister": await scene.pay(sister, priced(30, sister), _PAID, by="wire"),
    }
    if scene.site.takes_cash_of_nobody:
        due = balance_of(invoices, rightful, scene.remembered["november_run rightful"])
        for name, amount in (("claimed", due), ("sent back", Decimal(70)), ("unclaimed", Decimal("12.50"))):
            scene.remembered[name] = await _of_nobody(scene, amount)


async def _of_nobody(scene: Scene, amount: Decimal) -> str:
    request = NewPayment(amount=amount, currency=scene.site.base_currency, effective_date=_PAID)
    return str((await scene.zuora.act("create_payment", request))["paymentNumber"])


async def money_moves(scene: Scene, chapter: str) -> None:
    """Give payments to whom they belong, who pays with them."""
    rightful, invoices = scene.cast["rightful"], await scene.invoices()
    payment, number = scene.remembered["wrong invoice"], scene.remembered["october_run rightful"]
    await scene.unapply_payment(payment, _UNAPPLIED)
    await scene.zuora.next_second()
    await scene.transfer_payment(payment, rightful)
    await scene.apply_payment(payment, {number: balance_of(invoices, rightful, number)}, _APPLIED)
    scene.declare(
        chapter,
        "transferred",
        about="A payment for the wrong invoice is unapplied, given to another account, and pays there.",
        kind="payment",
        documents=(payment,),
        partners=(number,),
        fate="posted",
    )
    await scene.transfer_payment(scene.remembered["wrong account"], rightful)
    payment = scene.remembered["wrong account, refunded"]
    await scene.transfer_payment(payment, rightful)
    refund = await scene.refund(payment, priced(15, rightful), _APPLIED)
    scene.declare(
        chapter,
        "transferred_and_refunded",
        about="A payment is given to another account, and a part of it is given back from there.",
        kind="refund",
        documents=(refund,),
        partners=(payment,),
        fate="posted",
    )
    payment = scene.remembered["wrong sister"]
    await scene.transfer_payment(payment, scene.cast["sister_two"])
    scene.declare(
        chapter,
        "moved_to_a_sister",
        about="A payment is given to another account of the same QAD customer: nothing moves there.",
        kind="payment",
        documents=(payment,),
        fate="ignored",
        rule="same_customer",
        fate_seen_late="posted",
    )
    if scene.site.takes_cash_of_nobody:
        await _claimed(scene, chapter, invoices)


async def _claimed(scene: Scene, chapter: str, invoices: dict[str, list[Row]]) -> None:
    rightful, payment = scene.cast["rightful"], scene.remembered["claimed"]
    number = scene.remembered["november_run rightful"]
    await scene.transfer_payment(payment, rightful)
    await scene.apply_payment(payment, {number: balance_of(invoices, rightful, number)}, _APPLIED)
    scene.declare(
        chapter,
        "claimed",
        about="Money of nobody known, which waited on an account for that, is claimed, and pays an invoice.",
        kind="payment",
        documents=(payment,),
        partners=(number,),
        fate="posted",
    )
    scene.declare(
        chapter,
        "unclaimed",
        about="Money of nobody known that nobody claims: it stays on the account for that.",
        kind="payment",
        documents=(scene.remembered["unclaimed"],),
        fate="posted",
    )


async def moved_money_is_withdrawn(scene: Scene, chapter: str) -> None:
    """Cancel what was given to another account, and what nobody claimed."""
    told = {"transferred_and_cancelled": ("wrong account", "A payment is given to another account and cancelled.")}
    if scene.site.takes_cash_of_nobody:
        told["of_nobody_cancelled"] = ("sent back", "Money of nobody known is sent back: its payment is cancelled.")
    for name, (remembered, about) in told.items():
        number = scene.remembered[remembered]
        gone = await scene.zuora.act("cancel_payment", payment=number)
        scene.declare_undone(chapter, name, gone, kind="payment", number=number, about=about)
