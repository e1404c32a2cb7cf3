"""Debit memos that are withdrawn or written off, credit memos that debit memos undo, and invoices over nothing.

One company books an invoice over nothing by a journal (`mapping.py`); with the other it parks, in `trouble`.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.world.charges import priced, services
from sandbox.world.scene import Scene
from sandbox.zuora.acts import NewItem
from sandbox.zuora.money import rounded

_DAY, _LATER, _LAST = date(2026, 11, 11), date(2026, 11, 17), date(2026, 11, 18)


async def memos_are_posted(scene: Scene) -> None:
    """Charge and credit what will not stay so; bill nothing."""
    account = scene.cast["mistaken"]
    call_out = scene.taxed(account, services(priced(60, account), _DAY, name="Call-out"))
    disputed = await scene.debit(account, call_out, _DAY)
    number, total = str(disputed["memoNumber"]), Decimal(disputed["totalAmount"])
    half = rounded(total / 2, account.currency)
    scene.remembered |= {
        "disputed": number,
        "payment of the disputed": await scene.pay(account, half, _DAY, to={number: half}, by="wire"),
        "uncollectable": str((await scene.debit(account, call_out, _DAY))["memoNumber"]),
        "credited in error": await _credit(scene, 35),
        "forfeited": await _credit(scene, 50),
    }
    invoice = scene.remembered["november_run mistaken"]
    await scene.apply_memo(scene.remembered["forfeited"], {invoice: priced(5, account)}, _DAY)
    if scene.site.books_nothing_by_journal:
        for name in ("courtesy", "courtesy withdrawn"):
            posted = await scene.post(account, _over_nothing(scene), _DAY)
            scene.remembered[name] = str(posted["invoiceNumber"])


def _over_nothing(scene: Scene) -> list[NewItem]:
    account = scene.cast["mistaken"]
    return [
        services(priced(75, account), _DAY, name="Consulting"),
        services(-priced(75, account), _DAY, name="Consulting, as a courtesy"),
    ]


async def _credit(scene: Scene, amount: int) -> str:
    account = scene.cast["mistaken"]
    item = services(priced(amount, account), _DAY, name="Goodwill")
    return str((await scene.credit(account, [item], _DAY, reason="Customer goodwill"))["memoNumber"])


async def memos_are_settled(scene: Scene, chapter: str) -> None:
    """Reverse and write off memos; take back what paid the disputed one, so that it can be withdrawn."""
    await scene.unapply_payment(scene.remembered["payment of the disputed"], _LATER)
    credited, forfeited = scene.remembered["credited in error"], scene.remembered["forfeited"]
    uncollectable = scene.remembered["uncollectable"]
    corrections: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
        ("memo_reversed", "reverse_credit_memo", {"credit_memo": credited}, "debit_memo", "A credit memo is reversed."),
        (
            "memo_written_off",
            "write_off_credit_memo",
            {"credit_memo": forfeited},
            "debit_memo",
            "What a customer never used of a credit memo is written off.",
        ),
        (
            "debit_written_off",
            "write_off_debit_memo",
            {"debit_memo": uncollectable},
            "credit_memo",
            "A debit memo is written off.",
        ),
    )
    for name, act, which, other, about in corrections:
        [(kind, number)] = which.items()
        result = await scene.zuora.act(act, **which, memo_date=_LAST)
        partner = str(result[other]["memoNumber"])
        scene.declare(chapter, name, about=about, kind=kind, documents=(number,), partners=(partner,), fate="posted")
        scene.declare(
            chapter,
            f"{name}_by",
            about=f"The memo that Zuora makes for it. {about}",
            kind=other,
            documents=(partner,),
            partners=(number,),
            fate="posted",
        )
    if scene.site.books_nothing_by_journal:
        scene.declare(
            chapter,
            "courtesy",
            about="An invoice whose lines come to nothing: a journal moves what they move.",
            kind="invoice",
            documents=(scene.remembered["courtesy"],),
            fate="posted",
        )


async def documents_are_withdrawn(scene: Scene, chapter: str) -> None:
    """Unpost a debit memo, and an invoice over nothing."""
    told = [("debit_withdrawn", "debit_memo", "disputed", "A debit memo that was paid in part is unposted.")]
    if scene.site.books_nothing_by_journal:
        told.append(("courtesy_withdrawn", "invoice", "courtesy withdrawn", "An invoice over nothing is unposted."))
    for name, kind, remembered, about in told:
        number = scene.remembered[remembered]
        draft = await scene.zuora.act(f"unpost_{kind}", **{kind: number})
        scene.declare_undone(chapter, name, draft, kind=kind, number=number, about=about)
