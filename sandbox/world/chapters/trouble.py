"""Everything that must stop a document for a good reason, each with what mends it, or with nothing.

What stops is said by the product's rules; what mends it is an act in Zuora or QAD (`fixes.py`), a command of the
product, or both. Here is what happens at both sites; what only one has stands in a module of its own.
"""

from datetime import date
from decimal import Decimal

import msgspec

from sandbox.world import hand
from sandbox.world.cases import Fix
from sandbox.world.chapters.remedies import correct_in_zuora, fill_customer_field, link_account, open_period, release
from sandbox.world.chapters.trouble_amer import trouble_in_america
from sandbox.world.chapters.trouble_days import CHAPTER, DAY, LATER
from sandbox.world.chapters.trouble_emea import trouble_in_europe
from sandbox.world.charges import priced, services, total_of
from sandbox.world.scene import Scene


async def trouble(scene: Scene) -> None:
    """Make all the trouble of this site."""
    await _customers(scene)
    await _codes(scene)
    await _amounts(scene)
    await _periods(scene)
    await (trouble_in_europe if scene.site.name == "emea" else trouble_in_america)(scene)
    await _opening(scene)
    await _foreign(scene)


async def _customers(scene: Scene) -> None:
    unlinked = scene.cast["unlinked"]
    invoice = await scene.post(unlinked, scene.taxed(unlinked, services(priced(480, unlinked), DAY)), DAY)
    payment = await scene.pay_in_full(unlinked, invoice, LATER)
    fix = link_account(scene, unlinked) if scene.site.name == "emea" else fill_customer_field(unlinked)
    scene.declare(
        CHAPTER,
        "no_customer",
        about="A billing account that nothing joins to a QAD customer.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        partners=(payment,),
        fate="parked",
        rule="no_customer",
        fix=fix,
    )
    scene.declare(
        CHAPTER,
        "no_customer_payment",
        about="A payment of that account.",
        kind="payment",
        documents=(payment,),
        partners=(invoice["invoiceNumber"],),
        fate="parked",
        rule="no_customer",
        follows="no_customer",
    )


async def _codes(scene: Scene) -> None:
    account = scene.cast["credited"]
    uncoded = msgspec.structs.replace(services(priced(130, account), DAY, name="On-site visit"), accounting_code=None)
    invoice = await scene.post(account, scene.taxed(account, uncoded), DAY)
    right = scene.taxed(account, services(priced(130, account), DAY, name="On-site visit"))
    scene.declare(
        CHAPTER,
        "no_accounting_code",
        about="A charge to which nobody gave an accounting code.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="no_accounting_code",
        fix=correct_in_zuora(invoice, right, "Unpost the invoice in Zuora, give the charge its code, post it again."),
    )


async def _amounts(scene: Scene) -> None:
    account = scene.cast["splitter"]
    nothing = [services(Decimal(0), DAY, name="Courtesy visit"), services(Decimal(0), DAY, name="Travel, waived")]
    zero = await scene.post(account, nothing, DAY)
    scene.declare(
        CHAPTER,
        "all_zero",
        about="An invoice on which every line is zero.",
        kind="invoice",
        documents=(zero["invoiceNumber"],),
        fate="ignored",
        rule="zero",
    )
    if scene.site.books_nothing_by_journal:
        return
    both_ways = [
        services(priced(75, account), DAY, name="Consulting"),
        services(-priced(75, account), DAY, name="Consulting, as a courtesy"),
    ]
    even = await scene.post(account, both_ways, DAY)
    charged = scene.taxed(account, both_ways[0])
    fix = correct_in_zuora(even, charged, "Nobody agreed to the courtesy: take it off the invoice, and post it again.")
    scene.declare(
        CHAPTER,
        "zero_total",
        about="An invoice whose lines come to nothing.",
        kind="invoice",
        documents=(even["invoiceNumber"],),
        fate="parked",
        rule="zero_total",
        fix=fix,
        amount=total_of(charged),
    )


async def _periods(scene: Scene) -> None:
    account, day = scene.cast["splitter"], scene.site.next_month_day
    invoice = await scene.post(account, scene.taxed(account, services(priced(310, account), day)), day)
    scene.declare(
        CHAPTER,
        "next_month",
        about="An invoice dated next month, whose period QAD has not opened yet.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="waiting",
        rule="period_closed",
        fix=open_period(scene, day, "When the month has come, open its period in QAD."),
    )


async def _opening(scene: Scene) -> None:
    """Declare what became of the invoice that nobody loaded: its payment looks for an opening item in vain."""
    account, number = scene.cast["forgotten"], scene.remembered["unloaded invoice"]
    invoice = next(row for row in (await scene.invoices())[account.number] if row["invoiceNumber"] == number)
    payment = scene.remembered["payment of the unloaded"]
    scene.declare(
        CHAPTER,
        "opening_not_loaded",
        about="An invoice from before the cut-over was paid after it, and nobody had loaded it into QAD.",
        kind="invoice",
        documents=(number,),
        partners=(payment,),
        fate="parked",
        rule="opening_not_found",
        fix=Fix(
            about="Load the opening item into QAD with its Zuora number, then release the document.",
            act="load_opening_item",
            arguments={
                "number": number,
                "customer": account.customer,
                "currency": account.currency,
                "amount": Decimal(invoice["amount"]),
                "invoice_date": date.fromisoformat(invoice["invoiceDate"]),
            },
            commands=(release(scene, number, "the opening item is loaded now"),),
        ),
    )
    scene.declare(
        CHAPTER,
        "payment_of_the_unloaded",
        about="Its payment: the money is in QAD, the application waits for the opening item.",
        kind="payment",
        documents=(payment,),
        partners=(number,),
        fate="waiting",
        rule="waits_for_posting",
        follows="opening_not_loaded",
    )


async def _foreign(scene: Scene) -> None:
    customer, amount = scene.cast["credited"].customer, Decimal("88.00")
    shown = await hand.key_credit_note_into_ours(scene, customer=customer, amount=amount, day=LATER)
    key = shown["key"]
    scene.declare(
        CHAPTER,
        "foreign_credit_note",
        about="Somebody keyed a credit note into our daybook by hand.",
        kind="qad_document",
        documents=(f"{key['posting_year']}/{key['daybook_code']}/{key['voucher']}",),
        fate="foreign",
        currency=scene.site.base_currency,
        amount=amount,
    )
