"""The two bill runs: most accounts by what they have subscribed to, some with invoices that are hard on a connector."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import msgspec

from sandbox.world.cast import parts_of
from sandbox.world.charges import (
    annual_plan,
    discount,
    drawn_price,
    passed_on,
    priced,
    product_for,
    services,
    set_up_fee,
    subscription,
    trial,
    usage,
)
from sandbox.world.chart import HARDWARE_ACCOUNT
from sandbox.world.mapping import DATA_INTERFACE_SKU
from sandbox.world.population import Account
from sandbox.world.scene import Scene
from sandbox.world.sites import Month
from sandbox.zuora.acts import NewInvoice, NewItem, NewTax

OCTOBER, NOVEMBER = "october_run", "november_run"


async def october_run(scene: Scene) -> None:
    """Bill October: the longest invoice, one invoice per branch of the reseller, and what is owed to customers."""
    month, draw = scene.site.october, scene.draw(OCTOBER)
    invoices = [*_usual(scene, month, draw), *_negative(scene, month, draw)]
    metered = scene.cast["metered"]
    invoices.append(NewInvoice(account=metered.number, items=scene.taxed(metered, *_long(scene, metered, month, draw))))
    if "reseller" in scene.cast:
        invoices += _branches(scene, month, draw)
    await scene.bill(month.name, month.run_date, invoices, by_hand=scene.site.name == "amer")
    await _declare_hard_ones(scene, OCTOBER, month)


async def november_run(scene: Scene) -> None:
    """Bill November: one line carries more tax rows than a page of Zuora's shows.

    In QAD somebody deactivates the hardware account meanwhile; nothing was ever posted to it.
    """
    month, draw = scene.site.november, scene.draw(NOVEMBER)
    if scene.site.name == "amer":
        await scene.qad.act(
            "accounts",
            shared_set_code=scene.site.shared_set,
            gl_account_code=HARDWARE_ACCOUNT,
            is_active=False,
        )
    metered = scene.cast["metered"]
    invoices = [*_usual(scene, month, draw), *_negative(scene, month, draw)]
    invoices.append(NewInvoice(account=metered.number, items=[_much_taxed(scene, metered, month)]))
    await scene.bill(month.name, month.run_date, invoices, by_hand=scene.site.name == "amer")
    await _declare_hard_ones(scene, NOVEMBER, month)


def _usual(scene: Scene, month: Month, draw: Random) -> Iterator[NewInvoice]:
    """Yield the invoices of everyone who is billed by subscription."""
    cast = [scene.cast[part.name] for part in parts_of(scene.site) if part.billed]
    special = {scene.cast[name].number for name in ("reseller", "metered") if name in scene.cast}
    for account in (*cast, *scene.world.population.billed):
        if account.number not in special:
            items = list(_PLANS[account.plan](account, month, draw))
            yield NewInvoice(account=account.number, items=scene.taxed(account, *items))


def _monthly(account: Account, month: Month, draw: Random) -> Iterator[NewItem]:
    items = [
        subscription(drawn_price(draw, account, least=40, most=700), month, product=product_for(draw))
        for _ in range(draw.randint(1, 3))
    ]
    yield from items
    if draw.random() < 0.35:
        yield discount(items, 0, draw.choice((5, 10, 15)), account.currency)
    if draw.random() < 0.2:
        yield trial(month)


def _usage(account: Account, month: Month, draw: Random) -> Iterator[NewItem]:
    yield subscription(drawn_price(draw, account, least=30, most=200), month)
    for _ in range(draw.randint(1, 11)):
        units = Decimal(draw.randint(1, 90_000)) / 1000
        yield usage(drawn_price(draw, account, least=1, most=90), month, units=units)
    calls = Decimal(draw.randint(1_000, 2_000_000))
    yield usage(drawn_price(draw, account, least=5, most=250), month, units=calls, sku=DATA_INTERFACE_SKU)


def _quarterly(account: Account, month: Month, draw: Random) -> Iterator[NewItem]:
    """Yield three months at once: what reaches beyond the period is for the mapping to defer."""
    if account.renews != month.first.month:
        yield _extra_seats(account, month, draw)
        return
    item = subscription(drawn_price(draw, account, least=150, most=1_500), month, product=product_for(draw))
    ends = date(month.first.year + (month.first.month + 3) // 13, (month.first.month + 2) % 12 + 1, 1)
    yield msgspec.structs.replace(item, charge_name="Platform, quarterly", service_end_date=ends - timedelta(days=1))


def _annual(account: Account, month: Month, draw: Random) -> Iterator[NewItem]:
    if account.renews != month.first.month:
        yield _extra_seats(account, month, draw)
        return
    plan = annual_plan(drawn_price(draw, account, least=900, most=7_000), month, product=product_for(draw))
    yield plan
    if draw.random() < 0.5:
        yield discount([plan], 0, 10, account.currency)


def _extra_seats(account: Account, month: Month, draw: Random) -> NewItem:
    """Return what is billed in months in which the plan itself is not."""
    return subscription(drawn_price(draw, account, least=10, most=80), month, product="Extra Seats")


def _services(account: Account, month: Month, draw: Random) -> Iterator[NewItem]:
    yield subscription(drawn_price(draw, account, least=60, most=400), month, product=product_for(draw))
    for _ in range(draw.randint(1, 4)):
        yield services(drawn_price(draw, account, least=600, most=1_400), month.first)
    if draw.random() < 0.4:
        yield set_up_fee(drawn_price(draw, account, least=100, most=500), month.first)
    if draw.random() < 0.3:
        yield passed_on(drawn_price(draw, account, least=5, most=60), month.first)


_PLANS = {"monthly": _monthly, "usage": _usage, "quarterly": _quarterly, "annual": _annual, "services": _services}


def _negative(scene: Scene, month: Month, draw: Random) -> Iterator[NewInvoice]:
    """Yield negative totals, which Zuora turns into credit memos: last month's usage was metered wrongly."""
    for account in scene.world.population.billed[: scene.world.sizes.run_memos]:
        amount = drawn_price(draw, account, least=20, most=200)
        back = usage(-amount, month, units=Decimal(-draw.randint(10, 400)))
        yield NewInvoice(account=account.number, items=scene.taxed(account, back))


def _long(scene: Scene, account: Account, month: Month, draw: Random) -> Iterator[NewItem]:
    """Yield one usage line per meter."""
    yield subscription(priced(199, account), month, product="Energy Desk")
    for _ in range(scene.world.sizes.lines_max - 1):
        units = Decimal(draw.randint(100, 90_000)) / 1000
        yield usage(drawn_price(draw, account, least=1, most=40), month, units=units)


def _branches(scene: Scene, month: Month, draw: Random) -> Iterator[NewInvoice]:
    reseller = scene.cast["reseller"]
    for branch in range(1, scene.world.sizes.branches + 1):
        item = subscription(drawn_price(draw, reseller, least=30, most=90), month, product="Field Service")
        yield NewInvoice(account=reseller.number, items=scene.taxed(reseller, item), comments=f"Branch {branch:03}")


def _much_taxed(scene: Scene, account: Account, month: Month) -> NewItem:
    """Return a line on which every municipality along a power line levies a fee of its own."""
    flat = scene.site.name == "amer"
    taxes = [
        NewTax(
            tax_amount=Decimal(50 + place) / 100,
            name=f"Levy of municipality {place}",
            tax_code="ECOFEE" if flat else "METERFEE",
            tax_rate_type="FlatFee" if flat else "Percentage",
            jurisdiction=f"MUNICIPALITY {place}",
        )
        for place in range(1, scene.world.sizes.tax_rows + 1)
    ]
    line = usage(priced(2_400, account), month, units=Decimal(1200))
    return NewItem(
        charge_amount=line.charge_amount,
        charge_name="Transmission",
        sku="GRID",
        accounting_code=line.accounting_code,
        service_start_date=line.service_start_date,
        service_end_date=line.service_end_date,
        quantity=line.quantity,
        unit_price=line.unit_price,
        unit_of_measure=line.unit_of_measure,
        taxes=taxes,
    )


async def _declare_hard_ones(scene: Scene, chapter: str, month: Month) -> None:
    """Declare what of a run is out of the ordinary, and remember the invoices of the cast."""
    by_account = await scene.invoices()
    for part in parts_of(scene.site):
        rows = by_account.get(scene.cast[part.name].number, [])
        newest = [row for row in rows if row["invoiceDate"] == month.run_date.isoformat()]
        if part.billed and newest:
            scene.remembered[f"{chapter} {part.name}"] = newest[-1]["invoiceNumber"]
    hard = scene.remembered[f"{chapter} metered"]
    scene.declare(
        chapter,
        "long_invoice" if chapter == OCTOBER else "many_tax_rows",
        about="An invoice of hundreds of lines." if chapter == OCTOBER else "A line with more tax rows than a page.",
        kind="invoice",
        documents=(hard,),
        fate="posted",
    )
    memos = [row for row in await scene.zuora.book("credit-memos") if row["memoDate"] == month.run_date.isoformat()]
    scene.declare(
        chapter,
        f"memos_of_the_{chapter}",
        about="Negative totals of a bill run, which became credit memos.",
        kind="credit_memo",
        documents=tuple(row["memoNumber"] for row in memos),
        fate="posted",
    )
