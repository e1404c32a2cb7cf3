"""What was wrong and is put right: reversed, written off, posted again, withdrawn, credited, taken back.

Rows of Zuora carry whole seconds, and so do people: what undoes something is done in a later second.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.world.charges import drawn_price, priced, services
from sandbox.world.population import Account
from sandbox.world.scene import Row, Scene
from sandbox.zuora.acts import ItemCredit
from sandbox.zuora.money import rounded

CHAPTER = "corrections"

_DAY = date(2026, 11, 12)
_UNAPPLIED, _APPLIED_AGAIN = date(2026, 11, 17), date(2026, 11, 18)


async def corrections(scene: Scene) -> None:
    """Correct what can be corrected."""
    invoices = await scene.invoices()
    await scene.zuora.next_second()
    await _reverse(scene)
    await _write_off(scene)
    withdrawn = await _withdraw(scene)
    bonus = await _bonus(scene, invoices)
    credited = await _credit_goodwill(scene, invoices)
    await _credit_items(scene, invoices)
    await _debit(scene)
    await _take_back(scene, bonus, credited)
    await scene.zuora.next_second()
    await _post_again(scene, invoices, withdrawn)
    await _apply_again(scene, invoices, bonus)


async def _reverse(scene: Scene) -> None:
    number = scene.remembered["november_run reversed"]
    result = await scene.zuora.act("reverse_invoice", invoice=number, memo_date=_DAY, apply_effective_date=_DAY)
    memo = result["credit_memo"]["memoNumber"]
    _declare_pair(
        scene,
        "reversed",
        invoice=number,
        memo=memo,
        about="An invoice is reversed: the memo that Zuora makes and its application are the whole effect.",
    )


async def _write_off(scene: Scene) -> None:
    number = scene.remembered["october_run written_off"]
    impacts = "Yes" if scene.site.name == "emea" else "No"
    result = await scene.zuora.act("write_off_invoice", invoice=number, memo_date=_DAY, revenue_impacting=impacts)
    memo = result["credit_memo"]["memoNumber"]
    _declare_pair(
        scene,
        "written_off",
        invoice=number,
        memo=memo,
        about="What is left of an invoice is written off"
        + (" against the revenue it was." if impacts == "Yes" else " against bad debt."),
    )


def _declare_pair(scene: Scene, name: str, *, invoice: str, memo: str, about: str) -> None:
    """Declare an invoice and the memo that corrects it: both are in QAD."""
    told: dict[str, Any] = {"about": about, "fate": "posted"}
    scene.declare(CHAPTER, name, kind="invoice", documents=(invoice,), partners=(memo,), **told)
    scene.declare(CHAPTER, f"{name}_memo", kind="credit_memo", documents=(memo,), partners=(invoice,), **told)


async def _withdraw(scene: Scene) -> str:
    """Unpost two invoices; one stays a Draft, the number of the other is returned."""
    number = scene.remembered["november_run withdrawn"]
    draft = await scene.zuora.act("unpost_invoice", invoice=number)
    scene.declare(
        CHAPTER,
        "withdrawn",
        about="An invoice is unposted and left in Draft.",
        kind="invoice",
        documents=(number,),
        fate="reversed",
        fate_seen_late="ignored",
        rule_seen_late="not_posted",
        currency=draft["currency"],
        amount=Decimal(draft["amount"]),
    )
    again = scene.remembered["october_run reposted"]
    await scene.zuora.act("unpost_invoice", invoice=again)
    return again


async def _post_again(scene: Scene, invoices: dict[str, list[Row]], number: str) -> None:
    """Post the other with another amount."""
    account = scene.cast["reposted"]
    before = next(row for row in invoices[account.number] if row["invoiceNumber"] == number)
    items = scene.taxed(
        account,
        services(priced(515, account), scene.site.october.first, name="Consulting, as agreed"),
        services(priced(85, account), scene.site.october.first, name="Travel"),
    )
    await scene.zuora.act("edit_invoice", invoice=number, items=items)
    posted = await scene.zuora.act("post_invoice", invoice=number)
    scene.declare(
        CHAPTER,
        "reposted",
        about=f"An invoice over {before['amount']} is unposted and posted again over {posted['amount']}.",
        kind="invoice",
        documents=(number,),
        fate="posted",
        currency=posted["currency"],
        amount=Decimal(posted["amount"]),
    )


async def _bonus(scene: Scene, invoices: dict[str, list[Row]]) -> tuple[str, dict[str, Decimal]]:
    """Give the reseller a bonus and apply it to all of its branches; return the memo, and how much goes where."""
    if "reseller" not in scene.cast:
        return "", {}
    reseller = scene.cast["reseller"]
    parts = {
        row["invoiceNumber"]: rounded(Decimal(row["amount"]) / 10, reseller.currency)
        for row in invoices[reseller.number]
        if row["invoiceDate"] == scene.site.october.run_date.isoformat()
    }
    total = sum(parts.values(), Decimal(0))
    memo = await scene.credit(reseller, [services(total, _DAY, name="Volume bonus")], _DAY, reason="Volume bonus")
    number = str(memo["memoNumber"])
    await scene.apply_memo(number, parts, _DAY)
    scene.declare(
        CHAPTER,
        "bonus",
        about="A memo is applied to an invoice of each branch, taken back from all, and applied again.",
        kind="credit_memo",
        documents=(number,),
        partners=tuple(parts),
        fate="posted",
    )
    return number, parts


async def _credit_goodwill(scene: Scene, invoices: dict[str, list[Row]]) -> str:
    """Give credits for no invoice: one applied in part, one applied and to be taken back, the others left alone.

    Returns the number of the one to be taken back.
    """
    draw, account = scene.draw("goodwill"), scene.cast["goodwill"]
    number = scene.remembered["november_run goodwill"]
    owed = next(Decimal(row["balance"]) for row in invoices[account.number] if row["invoiceNumber"] == number)
    half = rounded(owed / 4, account.currency)
    partly = await _goodwill(scene, account, half * 2)
    await scene.apply_memo(partly, {number: half}, _DAY)
    back = await _goodwill(scene, account, half)
    await scene.apply_memo(back, {number: half}, _DAY)
    left = [
        await _goodwill(scene, other, drawn_price(draw, other, least=15, most=120))
        for other in scene.world.population.billed[-scene.world.sizes.goodwill_memos :]
    ]
    told: dict[str, Any] = {"kind": "credit_memo", "fate": "posted"}
    scene.declare(
        CHAPTER, "memo_applied_in_part", about="A credit memo is applied in part.", documents=(partly,), **told
    )
    scene.declare(
        CHAPTER,
        "memo_taken_back",
        about="A credit memo is applied, and taken back five days later.",
        documents=(back,),
        partners=(number,),
        **told,
    )
    scene.declare(
        CHAPTER,
        "memos_left_alone",
        about="Goodwill that nobody has applied to anything yet.",
        documents=tuple(left),
        **told,
    )
    return back


async def _goodwill(scene: Scene, account: Account, total: Decimal) -> str:
    """Credit a total, whatever tax that holds."""
    memo = await scene.credit(account, [services(total, _DAY, name="Goodwill")], _DAY, reason="Customer goodwill")
    return str(memo["memoNumber"])


async def _credit_items(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Credit a part of one line of invoices, and apply that to the invoice as far as it is still open."""
    accounts = [scene.cast["credited"], *reversed(scene.world.population.billed)]
    memos = []
    for account in accounts[: scene.world.sizes.item_memos]:
        row = next(one for one in reversed(invoices[account.number]) if one["amount"] > 0)
        item = next(one for one in row["invoiceItems"] if one["chargeAmount"] > 0)
        credit = ItemCredit(
            invoice_item=item["id"], amount=rounded(Decimal(item["chargeAmount"]) / 3, account.currency)
        )
        draft = await scene.zuora.act(
            "create_credit_memo_from_invoice", invoice=row["invoiceNumber"], items=[credit], memo_date=_DAY
        )
        memo = await scene.zuora.act("post_credit_memo", credit_memo=draft["memoNumber"])
        part = min(Decimal(memo["totalAmount"]), Decimal(row["balance"]))
        if part:
            await scene.apply_memo(memo["memoNumber"], {row["invoiceNumber"]: part}, date(2026, 11, 13))
        memos.append(str(memo["memoNumber"]))
    scene.declare(
        CHAPTER,
        "items_credited",
        about="A third of a line of an invoice is credited, and applied to what is open of that invoice.",
        kind="credit_memo",
        documents=tuple(memos),
        fate="posted",
    )


async def _debit(scene: Scene) -> None:
    """Charge what was forgotten by a debit memo; a payment and a credit memo pay it."""
    account = scene.cast["credited"]
    memo = await scene.debit(account, scene.taxed(account, services(priced(90, account), _DAY, name="Call-out")), _DAY)
    number, total = str(memo["memoNumber"]), Decimal(memo["totalAmount"])
    third = rounded(total / 3, account.currency)
    payment = await scene.pay(account, total - third, _DAY, to={number: total - third})
    goodwill = await _goodwill(scene, account, third)
    await scene.apply_memo(goodwill, {number: third}, _DAY)
    scene.declare(
        CHAPTER,
        "debited",
        about="What was forgotten is charged by a debit memo; a payment and a credit memo pay it.",
        kind="debit_memo",
        documents=(number,),
        partners=(payment, goodwill),
        fate="posted",
    )


async def _take_back(scene: Scene, bonus: tuple[str, dict[str, Decimal]], credited: str) -> None:
    """Unapply, in a later second than what was applied in this chapter."""
    await scene.zuora.next_second()
    await scene.unapply_payment(scene.remembered["wavering payment"], _UNAPPLIED)
    await scene.unapply_payment(scene.remembered["advance"], _UNAPPLIED)
    await scene.unapply_memo(credited, _UNAPPLIED)
    memo, parts = bonus
    if parts:
        await scene.unapply_memo(memo, _UNAPPLIED)


async def _apply_again(scene: Scene, invoices: dict[str, list[Row]], bonus: tuple[str, dict[str, Decimal]]) -> None:
    """Apply again what was taken back: what a receipt had carried, and what it had not."""
    payment, number = scene.remembered["wavering payment"], scene.remembered["october_run wavering"]
    paid = next(
        Decimal(row["amount"]) for row in invoices[scene.cast["wavering"].number] if row["invoiceNumber"] == number
    )
    await scene.apply_payment(payment, {number: paid}, _APPLIED_AGAIN)
    advance, other = scene.remembered["advance"], scene.remembered["october_run prepayer"]
    owed = next(
        Decimal(row["amount"]) for row in invoices[scene.cast["prepayer"].number] if row["invoiceNumber"] == other
    )
    await scene.apply_payment(advance, {other: owed}, _APPLIED_AGAIN)
    memo, parts = bonus
    if parts:
        await scene.apply_memo(memo, parts, _APPLIED_AGAIN)
    told: dict[str, Any] = {"kind": "payment", "fate": "posted"}
    scene.declare(
        CHAPTER,
        "carried_and_taken_back",
        about="A payment is taken back from the invoice that its receipt carried, and applied to it again.",
        documents=(payment,),
        partners=(number,),
        **told,
    )
    scene.declare(
        CHAPTER,
        "applied_and_taken_back",
        about="A payment is taken back from an invoice it was applied to later, and applied to it again.",
        documents=(advance,),
        partners=(other,),
        **told,
    )
