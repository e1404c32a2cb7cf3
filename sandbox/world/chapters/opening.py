"""Before the cut-over: what Zuora billed until September, and what others loaded of it into QAD.

It must come before the product reads anything: Zuora's clock stands in September meanwhile, where it is later already,
because what was posted after the cut-over would count as nobody's. Then it shows the machine's time again, but never a
later one than November's: what is taken back is dated by the day on which it is, and QAD must have that day open.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

from sandbox.world import hand
from sandbox.world.charges import drawn_price, priced, services
from sandbox.world.chart import HAND_INVOICES, HAND_PAYMENTS, banks_of
from sandbox.world.population import Account
from sandbox.world.scene import Row, Scene
from sandbox.world.sites import CUT_OVER, OPENING_DAY
from sandbox.world.zuora_side import accounting_period_name

CHAPTER = "opening"

_BEFORE = datetime(2026, 9, 28, 9, tzinfo=UTC)
# In November by the calendars of both companies.
_IN_NOVEMBER = datetime(2026, 11, 26, 12, tzinfo=UTC)
_AUGUST, _EARLY, _LATE = date(2026, 8, 3), date(2026, 9, 1), date(2026, 9, 21)
# Accounts of no special part that have something open as well.
_OTHERS_MAX = 6


async def opening(scene: Scene) -> None:
    """Bill and collect in September, load what is open into QAD, close September in both."""
    # Applications that a receipt carried can be taken back by an adjustment: the profile counts on it.
    await scene.qad.act("settings", books={"prepayment_holds_whole_payment": True})
    if await scene.zuora.now() >= datetime.combine(CUT_OVER, datetime.min.time(), UTC):
        await scene.zuora.set_clock(_BEFORE)
    await _september(scene)
    for day in (date(2026, 7, 1), _AUGUST, _EARLY):
        await scene.zuora.act("close_accounting_period", period=accounting_period_name(day))
    await scene.zuora.set_clock(None)
    if await scene.zuora.now() > _IN_NOVEMBER:
        await scene.zuora.set_clock(_IN_NOVEMBER)
    await _spare_parts(scene)
    closed = scene.site.fiscal_period_of(OPENING_DAY)
    await scene.qad.act(
        "periods", entity_code=scene.site.entity, year=closed.year, period=closed.period, is_open_for_sales=False
    )


async def _september(scene: Scene) -> None:
    """Leave every kind of trace: paid, half paid, open, paid ahead, and one that nobody loads."""
    veteran, forgotten = scene.cast["veteran"], scene.cast["forgotten"]
    paid = await scene.post(veteran, scene.taxed(veteran, services(priced(300, veteran), _AUGUST)), _AUGUST)
    halves = await scene.post(veteran, scene.taxed(veteran, services(priced(420, veteran), _EARLY)), _EARLY)
    unpaid = await scene.post(veteran, scene.taxed(veteran, services(priced(250, veteran), _LATE)), _LATE)
    payments = [
        await _pay(scene, veteran, paid, paid["balance"], date(2026, 9, 10)),
        await _pay(scene, veteran, halves, priced(200, veteran), date(2026, 9, 15)),
    ]
    ahead = priced(180, veteran)
    early = await scene.pay(veteran, ahead, date(2026, 9, 25))
    await hand.load_opening_payment(
        scene,
        number=early,
        customer=veteran.customer,
        currency=veteran.currency,
        amount=ahead,
        posting_date=OPENING_DAY,
    )
    open_invoices = [(veteran, halves, halves["amount"] - priced(200, veteran)), (veteran, unpaid, unpaid["amount"])]
    draw = scene.draw(CHAPTER)
    for account in scene.world.population.billed[:_OTHERS_MAX]:
        item = services(drawn_price(draw, account, least=50, most=900), _LATE)
        invoice = await scene.post(account, scene.taxed(account, item), _LATE)
        open_invoices.append((account, invoice, invoice["amount"]))
    for account, invoice, amount in open_invoices:
        await _load(scene, account, invoice, amount)
    missed = await scene.post(forgotten, scene.taxed(forgotten, services(priced(640, forgotten), _LATE)), _LATE)
    scene.remembered |= {
        "opening invoice": unpaid["invoiceNumber"],
        "opening prepayment": early,
        "unloaded invoice": missed["invoiceNumber"],
    }
    scene.declare(
        CHAPTER,
        "loaded_before",
        about="Invoices from before the cut-over: what was open of them was loaded into QAD by hand.",
        kind="invoice",
        documents=(paid["invoiceNumber"], *(invoice["invoiceNumber"] for _, invoice, _ in open_invoices)),
        fate="ignored",
        rule="before_cut_over",
    )
    scene.declare(
        CHAPTER,
        "paid_before",
        about="Payments from before the cut-over, one of them not applied to anything yet.",
        kind="payment",
        documents=(*payments, early),
        fate="ignored",
        rule="before_cut_over",
    )


async def _pay(scene: Scene, account: Account, invoice: Row, amount: Decimal, day: date) -> str:
    return await scene.pay(account, amount, day, to={invoice["invoiceNumber"]: amount})


async def _load(scene: Scene, account: Account, invoice: Row, amount: Decimal) -> None:
    await hand.load_opening_invoice(
        scene,
        number=invoice["invoiceNumber"],
        customer=account.customer,
        currency=account.currency,
        amount=amount,
        invoice_date=date.fromisoformat(invoice["invoiceDate"]),
        posting_date=OPENING_DAY,
    )


async def _spare_parts(scene: Scene) -> None:
    """Let people go about their own business in their own daybooks."""
    draw, site = scene.draw("spare parts"), scene.site
    bank = next(one.account for one in banks_of(site) if one.currency == site.base_currency)
    for customer in scene.world.population.customers[-3:]:
        amount = Decimal(draw.randint(5_000, 90_000)) / 100
        day = date(2026, 10, draw.randint(6, 20))
        invoice = await hand.sell_spare_parts(
            scene, customer=customer.code, amount=amount, day=day, daybook=HAND_INVOICES
        )
        if draw.random() < 0.5:
            await hand.take_payment(scene, invoice, bank=bank, day=day.replace(day=day.day + 9), daybook=HAND_PAYMENTS)
