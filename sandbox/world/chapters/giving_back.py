"""Money that goes back: refunds of payments and credit memos, a chargeback, a card payment that fails after all.

What is given or taken back was received before, and what is cancelled was given back before, so that each was in QAD:
three chapters tell it, each its part.
"""

from datetime import date
from decimal import Decimal

from sandbox.world.charges import priced, services
from sandbox.world.population import Account
from sandbox.world.scene import Row, Scene, balance_of
from sandbox.zuora.money import rounded

_CREDITED_EARLY = date(2026, 10, 20)
_PAID, _UNAPPLIED, _REFUNDED = date(2026, 11, 9), date(2026, 11, 17), date(2026, 11, 18)


async def money_comes_in(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Take in what will go back, by card and by transfer, one time too much; and give credits."""
    returned, refunded, mistaken = (scene.cast[name] for name in ("returned", "refunded", "mistaken"))
    for account, runs, by, over, name in (
        (returned, ("october_run", "november_run"), "cards", 0, "bounced"),
        (refunded, ("october_run",), "wire", 80, "paid too much"),
        (refunded, ("november_run",), "cards", 0, "refunded in part"),
    ):
        due = {number: balance_of(invoices, account, number) for number in _invoices_of(scene, account, runs)}
        amount = sum(due.values(), priced(over, account))
        scene.remembered[name] = await scene.pay(account, amount, _PAID, to=due, by=by)
    [number] = _invoices_of(scene, mistaken, ("november_run",))
    third = rounded(balance_of(invoices, mistaken, number) / 3, mistaken.currency)
    scene.remembered |= {
        "charged back": await scene.pay(mistaken, third, _PAID, to={number: third}, by="cards"),
        "never came": await scene.pay(returned, priced(25, returned), _PAID, by="wire"),
        "paid out": await _credit(scene, refunded, 90, _PAID),
        "paid out later": await _credit(scene, scene.cast["instalments"], 30, _CREDITED_EARLY),
    }


def _invoices_of(scene: Scene, account: Account, runs: tuple[str, ...]) -> list[str]:
    part = next(name for name, one in scene.cast.items() if one == account)
    return [scene.remembered[f"{run} {part}"] for run in runs]


async def _credit(scene: Scene, account: Account, amount: int, day: date) -> str:
    item = services(priced(amount, account), day, name="Goodwill")
    return str((await scene.credit(account, [item], day, reason="Customer goodwill"))["memoNumber"])


async def money_goes_back(scene: Scene, chapter: str) -> None:
    """Give money back, and let banks take it back."""
    await _taken_back(scene, chapter)
    account, early = scene.cast["refunded"], scene.cast["instalments"]
    [invoice] = _invoices_of(scene, account, ("november_run",))
    rest, applied, memo = (scene.remembered[name] for name in ("paid too much", "refunded in part", "paid out"))
    third = rounded(await _amount_of(scene, applied) / 3, account.currency)
    overpaid = next(case.documents[0] for case in scene.cases if case.name == "overpaid")
    late = priced(20, scene.cast["overpayer"])
    for name, source, amount, of, about in (
        ("rest_refunded", rest, priced(50, account), None, "A part of what was paid too much is given back."),
        ("part_refunded", applied, third, {invoice: third}, "A third of a card payment is unapplied and given back."),
        ("memo_refunded", memo, priced(60, account), None, "A part of a credit memo is paid out."),
        ("refunded_next_month", overpaid, late, None, "What was paid too much in October is given back in November."),
        (
            "memo_refunded_next_month",
            scene.remembered["paid out later"],
            priced(12, early),
            None,
            "A part of October's credit memo is paid out in November.",
        ),
    ):
        refund = await scene.refund(source, amount, _REFUNDED, by="cards" if of else "wire", of=of)
        scene.declare(chapter, name, about=about, kind="refund", documents=(refund,), partners=(source,), fate="posted")
    scene.remembered |= {
        "refund to cancel": await scene.refund(rest, priced(20, account), _REFUNDED),
        "refund to fail": await scene.refund(applied, third, _REFUNDED, by="cards", of={invoice: third}),
        "memo refund to cancel": await scene.refund(memo, priced(15, account), _REFUNDED),
    }


async def _taken_back(scene: Scene, chapter: str) -> None:
    """Unapply a part of what will fail; let a transfer be cancelled, and a bank charge a payment back."""
    account = scene.cast["returned"]
    [number] = _invoices_of(scene, account, ("november_run",))
    part = {number: priced("1.25", account)}
    await scene.unapply_payment(scene.remembered["bounced"], _UNAPPLIED, of=part)
    payment = scene.remembered["never came"]
    gone = await scene.zuora.act("cancel_payment", payment=payment)
    about = "A transfer that never came is cancelled."
    scene.declare_undone(chapter, "cancelled", gone, kind="payment", number=payment, about=about)
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


async def money_is_taken_back(scene: Scene, chapter: str) -> None:
    """Let a payment fail after all; let refunds be cancelled, or fail at the gateway."""
    payment = scene.remembered["bounced"]
    gone = await scene.zuora.act("fail_payment", payment=payment)
    about = "A card payment of two invoices, a part of it unapplied since, fails after it was processed."
    scene.declare_undone(chapter, "bounced", gone, kind="payment", number=payment, about=about)
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
            "A memo's refund is cancelled.",
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


async def _amount_of(scene: Scene, payment: str) -> Decimal:
    return next(Decimal(row["amount"]) for row in await scene.zuora.book("payments") if row["paymentNumber"] == payment)
