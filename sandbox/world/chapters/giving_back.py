"""Money that goes back: refunds of payments and credit memos, a chargeback, a direct debit that bounced.

What is given or taken back was received before, and what is cancelled was given back before, so that each was in QAD:
three chapters tell it, each its part.
"""

from datetime import date
from decimal import Decimal

from sandbox.world.charges import priced, services
from sandbox.world.scene import Row, Scene, balance_of
from sandbox.zuora.money import rounded

_PAID, _REFUNDED = date(2026, 11, 9), date(2026, 11, 18)


async def money_comes_in(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Take in what will go back, by card and by transfer, one time too much; and give a credit."""
    returned, refunded = scene.cast["returned"], scene.cast["refunded"]
    for account, run, by, over, name in (
        (returned, "october_run returned", "cards", 0, "bounced"),
        (returned, "november_run returned", "cards", 0, "charged back"),
        (refunded, "october_run refunded", "wire", 80, "paid too much"),
        (refunded, "november_run refunded", "cards", 0, "refunded in part"),
    ):
        number = scene.remembered[run]
        owed = balance_of(invoices, account, number)
        amount = owed + priced(over, account)
        scene.remembered[name] = await scene.pay(account, amount, _PAID, to={number: owed}, by=by)
    scene.remembered["never came"] = await scene.pay(returned, priced(25, returned), _PAID, by="wire")
    item = services(priced(90, refunded), _PAID, name="Goodwill")
    memo = await scene.credit(refunded, [item], _PAID, reason="Customer goodwill")
    scene.remembered["paid out"] = str(memo["memoNumber"])


async def money_goes_back(scene: Scene, chapter: str) -> None:
    """Give money back, and let banks take it back."""
    await _taken_back(scene, chapter)
    account, invoice = scene.cast["refunded"], scene.remembered["november_run refunded"]
    rest, applied, memo = (scene.remembered[name] for name in ("paid too much", "refunded in part", "paid out"))
    third = rounded(await _amount_of(scene, applied) / 3, account.currency)
    for name, source, amount, of, about in (
        ("rest_refunded", rest, priced(50, account), None, "A part of what was paid too much is given back."),
        ("part_refunded", applied, third, {invoice: third}, "A third of a card payment is unapplied and given back."),
        ("memo_refunded", memo, priced(60, account), None, "A part of a credit memo is paid out."),
    ):
        by = "cards" if of else "wire"
        refund = await scene.refund(source, amount, _REFUNDED, by=by, of=of)
        scene.declare(chapter, name, about=about, kind="refund", documents=(refund,), partners=(source,), fate="posted")
    scene.remembered |= {
        "refund to cancel": await scene.refund(rest, priced(20, account), _REFUNDED),
        "refund to fail": await scene.refund(applied, third, _REFUNDED, by="cards", of={invoice: third}),
        "memo refund to cancel": await scene.refund(memo, priced(15, account), _REFUNDED),
    }


async def refunds_are_undone(scene: Scene, chapter: str) -> None:
    """Let refunds be cancelled, or fail at the gateway."""
    for name, act, remembered, source, about in (
        ("refund_cancelled", "cancel_refund", "refund to cancel", "paid too much", "A refund is cancelled."),
        (
            "refund_failed",
            "fail_refund",
            "refund to fail",
            "refunded in part",
            "A refund fails after it was processed.",
        ),
        (
            "memo_refund_cancelled",
            "cancel_refund",
            "memo refund to cancel",
            "paid out",
            "A refund of a memo is cancelled.",
        ),
    ):
        refund = await scene.zuora.act(act, refund=scene.remembered[remembered])
        scene.declare_undone(
            chapter,
            name,
            refund,
            kind="refund",
            number=refund["refundNumber"],
            about=about,
            partners=(scene.remembered[source],),
        )


async def _taken_back(scene: Scene, chapter: str) -> None:
    for name, act, payment, about in (
        ("bounced", "fail_payment", scene.remembered["bounced"], "A payment by card fails after it was processed."),
        ("cancelled", "cancel_payment", scene.remembered["never came"], "A transfer that never came is cancelled."),
    ):
        gone = await scene.zuora.act(act, payment=payment)
        scene.declare_undone(chapter, name, gone, kind="payment", number=payment, about=about)
    payment = scene.remembered["charged back"]
    whole = await _amount_of(scene, payment)
    refund = await scene.refund(payment, whole, _REFUNDED, by="cards", transaction="Chargeback")
    scene.declare(
        chapter,
        "charged_back",
        about="The bank takes a card payment back: the refund is the whole effect, the payment stays what it was.",
        kind="refund",
        documents=(refund,),
        partners=(payment,),
        fate="posted",
    )


async def _amount_of(scene: Scene, payment: str) -> Decimal:
    return next(Decimal(row["amount"]) for row in await scene.zuora.book("payments") if row["paymentNumber"] == payment)
