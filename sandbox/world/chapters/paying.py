"""Two months of payments: most pay what they owe, some a part of it, too much, too early, or somebody else's."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.world.chapters import giving_back, moving, settling
from sandbox.world.charges import priced
from sandbox.world.population import Account
from sandbox.world.scene import Row, Scene, balance_of
from sandbox.world.sites import Month
from sandbox.zuora.money import rounded

OCTOBER, NOVEMBER = "october_payments", "november_payments"

# Of what is open a customer pays this share of the invoices by itself in each month.
_SHARE_OCTOBER, _SHARE_NOVEMBER = 0.64, 0.5
_SHARE_WHOLE = 0.87


async def october_payments(scene: Scene) -> None:
    """Pay for October."""
    month, invoices = scene.site.october, await scene.invoices()
    paid = await _usual(scene, invoices, month, _SHARE_OCTOBER, OCTOBER)
    await _sisters(scene, invoices)
    await _advances(scene, invoices)
    await _instalment(scene, invoices)
    await _opening_items(scene, invoices)
    await _declare_external(scene, paid, OCTOBER)


async def november_payments(scene: Scene) -> None:
    """Pay for November, and for what was left of October."""
    month, invoices = scene.site.november, await scene.invoices()
    paid = await _usual(scene, invoices, month, _SHARE_NOVEMBER, NOVEMBER)
    await _later(scene, invoices)
    await _last_instalment(scene, invoices)
    await _split(scene, invoices)
    await _half_before_write_off(scene, invoices)
    await giving_back.money_comes_in(scene, invoices)
    await moving.money_comes_in(scene, invoices)
    await settling.memos_are_posted(scene)
    await _declare_external(scene, paid, NOVEMBER)


async def _usual(
    scene: Scene, invoices: dict[str, list[Row]], month: Month, share: float, chapter: str
) -> list[tuple[Account, str]]:
    """Let the accounts without a part pay; return who paid by which payment."""
    draw, paid = scene.draw(chapter), []
    for account in scene.world.population.billed:
        for invoice in invoices.get(account.number, []):
            # What was open before the cut-over stays open: others collect it.
            if invoice["balance"] <= 0 or invoice["invoiceDate"] < scene.site.october.first.isoformat():
                continue
            if draw.random() < share:
                number = await _pay_usual(scene, account, invoice, month, draw)
                paid.append((account, number))
    return paid


async def _pay_usual(scene: Scene, account: Account, invoice: Row, month: Month, draw: Random) -> str:
    amount = Decimal(invoice["balance"])
    if draw.random() > _SHARE_WHOLE:
        amount = max(rounded(amount * draw.randint(20, 80) / 100, account.currency), priced("0.05", account))
    day = month.paid_from + timedelta(days=draw.randint(0, (month.paid_to - month.paid_from).days))
    return await scene.pay(account, amount, day, to={invoice["invoiceNumber"]: amount})


async def _sisters(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Let one account pay its own invoice and that of another account of the same QAD customer, in one payment."""
    one, two = (scene.cast[name] for name in ("sister_one", "sister_two"))
    due = {row["invoiceNumber"]: row["balance"] for sister in (one, two) for row in invoices[sister.number]}
    payment = await scene.pay(one, sum(due.values(), Decimal(0)), date(2026, 10, 14), to=due)
    scene.declare(
        OCTOBER,
        "paid_for_a_sister",
        about="One payment over two invoices, one of them of another account of the same customer.",
        kind="payment",
        documents=(payment,),
        partners=tuple(due),
        fate="posted",
    )


async def _advances(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Let money come before anybody knows what for, and let somebody pay too much."""
    prepayer, overpayer, wavering = (scene.cast[name] for name in ("prepayer", "overpayer", "wavering"))
    owed = balance_of(invoices, prepayer, scene.remembered["october_run prepayer"])
    scene.remembered["advance"] = await scene.pay(prepayer, owed, date(2026, 10, 20))
    number = scene.remembered["october_run overpayer"]
    owed = balance_of(invoices, overpayer, number)
    over = await scene.pay(overpayer, owed + priced(50, overpayer), date(2026, 10, 16), to={number: owed}, by="wire")
    scene.declare(
        OCTOBER,
        "overpaid",
        about="A customer pays more than it owes; the rest stays unapplied.",
        kind="payment",
        documents=(over,),
        partners=(number,),
        fate="posted",
    )
    number = scene.remembered["october_run wavering"]
    owed = balance_of(invoices, wavering, number)
    scene.remembered["wavering payment"] = await scene.pay(
        wavering, owed, date(2026, 10, 15), to={number: owed}, by="cards"
    )


async def _instalment(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    account, number = scene.cast["instalments"], scene.remembered["october_run instalments"]
    part = rounded(balance_of(invoices, account, number) * 2 / 5, account.currency)
    scene.remembered["first instalment"] = await scene.pay(account, part, date(2026, 10, 19), to={number: part})


async def _opening_items(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Let invoices from before the cut-over be paid: one that others loaded, one that everybody forgot."""
    veteran, forgotten = scene.cast["veteran"], scene.cast["forgotten"]
    loaded, missed = scene.remembered["opening invoice"], scene.remembered["unloaded invoice"]
    owed = balance_of(invoices, veteran, loaded)
    payment = await scene.pay(veteran, owed, date(2026, 10, 12), to={loaded: owed})
    scene.declare(
        OCTOBER,
        "opening_item_paid",
        about="An invoice from before the cut-over that others loaded into QAD is paid after it.",
        kind="payment",
        documents=(payment,),
        partners=(loaded,),
        fate="posted",
    )
    owed = balance_of(invoices, forgotten, missed)
    payment = await scene.pay(forgotten, owed, date(2026, 10, 13), to={missed: owed})
    scene.remembered["payment of the unloaded"] = payment


async def _later(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Apply in November what came before: October's advance, and the prepayment from before the cut-over."""
    prepayer, veteran = scene.cast["prepayer"], scene.cast["veteran"]
    advance, number = scene.remembered["advance"], scene.remembered["october_run prepayer"]
    await scene.apply_payment(advance, {number: balance_of(invoices, prepayer, number)}, date(2026, 11, 9))
    scene.declare(
        NOVEMBER,
        "applied_next_month",
        about="A payment of October is applied in November.",
        kind="payment",
        documents=(advance,),
        partners=(number,),
        fate="posted",
    )
    early, number = scene.remembered["opening prepayment"], scene.remembered["october_run veteran"]
    owed = min(balance_of(invoices, veteran, number), priced(180, veteran))
    await scene.apply_payment(early, {number: owed}, date(2026, 11, 10))
    scene.declare(
        NOVEMBER,
        "opening_prepayment_applied",
        about="A prepayment from before the cut-over, which others loaded into QAD, is applied after it.",
        kind="invoice",
        documents=(number,),
        partners=(early,),
        fate="posted",
    )


async def _last_instalment(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    account, number = scene.cast["instalments"], scene.remembered["october_run instalments"]
    rest = balance_of(invoices, account, number)
    last = await scene.pay(account, rest, date(2026, 11, 13), to={number: rest}, by="wire")
    scene.declare(
        NOVEMBER,
        "paid_in_instalments",
        about="An invoice paid in two parts, a month apart; in dinars the second part is worth less than the first.",
        kind="payment",
        documents=(scene.remembered["first instalment"], last),
        partners=(number,),
        fate="posted",
    )
    scene.declare(
        NOVEMBER,
        "mapping_changed_between",
        about="The mapping changed between the invoice and its payments: the invoice stays as it was posted.",
        kind="invoice",
        documents=(number,),
        partners=(scene.remembered["first instalment"], last),
        fate="posted",
    )


async def _split(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Pay two months at once; pay a neighbour's invoice; pay dollars of October at November's rate."""
    splitter, payer, neighbour = (scene.cast[name] for name in ("splitter", "sister_one", "neighbour"))
    due = {row["invoiceNumber"]: row["balance"] for row in invoices[splitter.number]}
    payment = await scene.pay(splitter, sum(due.values(), Decimal(0)), date(2026, 11, 12), to=due)
    scene.declare(
        NOVEMBER,
        "split_payment",
        about="One payment over the invoices of two months.",
        kind="payment",
        documents=(payment,),
        partners=tuple(due),
        fate="posted",
    )
    own, other = scene.remembered["november_run sister_one"], scene.remembered["november_run neighbour"]
    due = {
        own: balance_of(invoices, payer, own),
        other: rounded(balance_of(invoices, neighbour, other) / 2, payer.currency),
    }
    payment = await scene.pay(payer, sum(due.values(), Decimal(0)), date(2026, 11, 16), to=due)
    scene.declare(
        NOVEMBER,
        "paid_for_another_customer",
        about="One payment over its own invoice and half of an invoice of another QAD customer.",
        kind="payment",
        documents=(payment,),
        partners=tuple(due),
        fate="posted",
    )
    goodwill, number = scene.cast["goodwill"], scene.remembered["october_run goodwill"]
    owed = balance_of(invoices, goodwill, number)
    payment = await scene.pay(goodwill, owed, date(2026, 11, 17), to={number: owed}, by="wire")
    if goodwill.currency != scene.site.base_currency:
        scene.declare(
            NOVEMBER,
            "paid_at_another_rate",
            about="Dollars of October are paid in November, when they are worth less.",
            kind="payment",
            documents=(payment,),
            partners=(number,),
            fate="posted",
        )


async def _half_before_write_off(scene: Scene, invoices: dict[str, list[Row]]) -> None:
    """Let a customer pay a part of what will have to be written off."""
    if scene.site.name == "emea":
        account, number = scene.cast["written_off"], scene.remembered["october_run written_off"]
        part = rounded(balance_of(invoices, account, number) / 3, account.currency)
        await scene.pay(account, part, date(2026, 11, 11), to={number: part})


async def _declare_external(scene: Scene, paid: list[tuple[Account, str]], chapter: str) -> None:
    external = tuple(number for account, number in paid if account.pays == "wire")
    if external:
        scene.declare(
            chapter,
            f"external_{chapter}",
            about="Transfers that somebody keyed into Zuora: no gateway, so no callout tells of them.",
            kind="payment",
            documents=external,
            fate="posted",
        )
