"""The trouble that only the European site has: mapping, deferral, decimals, currencies, and money of nobody."""

from datetime import date
from decimal import Decimal

import msgspec

from sandbox.world.cases import Fix
from sandbox.world.chapters.remedies import correct_in_zuora, publish_third_version, release
from sandbox.world.chapters.trouble_days import CHAPTER, DAY, LATER
from sandbox.world.charges import priced, services, subscription
from sandbox.world.chart import SUPPORT, TRAINING
from sandbox.world.scene import Scene
from sandbox.zuora.acts import NewPayment

# In the week whose yen rate was forgotten.
_WITHOUT_RATE = date(2026, 11, 24)


async def trouble_in_europe(scene: Scene) -> None:
    """Make the trouble of the European site."""
    await _inactive_customer(scene)
    await _unmapped(scene)
    await _deferral(scene)
    await _bad_amount(scene)
    await _currencies(scene)
    await _nobodys_money(scene)


async def _inactive_customer(scene: Scene) -> None:
    account = scene.cast["inactive"]
    invoice = await scene.post(account, scene.taxed(account, services(priced(220, account), DAY)), DAY)
    scene.declare(
        CHAPTER,
        "inactive_customer",
        about="An invoice to a customer that somebody deactivated in QAD.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="customer_unfit",
        fix=Fix(
            about=f"Activate customer {account.customer} in QAD again.",
            act="activate_customer",
            arguments={"customer": account.customer},
        ),
    )


async def _unmapped(scene: Scene) -> None:
    account = scene.cast["sister_two"]
    item = msgspec.structs.replace(services(priced(900, account), DAY, name="Schulung"), accounting_code=TRAINING)
    invoice = await scene.post(account, scene.taxed(account, item), DAY)
    payment = await scene.pay_in_full(account, invoice, LATER)
    scene.declare(
        CHAPTER,
        "unmapped_code",
        about="A charge of a new kind: its accounting code has no row in the mapping.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        partners=(payment,),
        fate="parked",
        rule="unmapped_code",
        fix=publish_third_version(scene, "Publish the mapping with a row for training."),
    )
    scene.declare(
        CHAPTER,
        "paid_while_parked",
        about="The payment of a parked invoice: the money is in QAD, its application waits for the invoice.",
        kind="payment",
        documents=(payment,),
        partners=(invoice["invoiceNumber"],),
        fate="waiting",
        rule="waits_for_posting",
        follows="unmapped_code",
    )


async def _deferral(scene: Scene) -> None:
    account, month = scene.cast["reversed"], scene.site.november
    year = subscription(priced(1_200, account), month)
    support = msgspec.structs.replace(
        year,
        charge_name="Support, one year",
        sku="SUPPORT",
        accounting_code=SUPPORT,
        deferred_revenue_accounting_code=None,
        service_end_date=date(2027, 10, 31),
    )
    invoice = await scene.post(account, scene.taxed(account, support), DAY)
    scene.declare(
        CHAPTER,
        "no_deferral_rule",
        about="A year of support, and the mapping does not say when that is revenue.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="no_deferral_rule",
        fix=publish_third_version(scene, "Publish the mapping that says: support is revenue when it is billed."),
    )
    quarter = msgspec.structs.replace(year, charge_amount=priced(300, account), service_end_date=date(2027, 1, 31))
    undeferred = msgspec.structs.replace(quarter, deferred_revenue_accounting_code=None)
    invoice = await scene.post(account, scene.taxed(account, undeferred), DAY)
    scene.declare(
        CHAPTER,
        "no_deferred_code",
        about="A quarter in advance, which the mapping defers, and Zuora gives no code to defer it to.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="no_deferred_code",
        fix=correct_in_zuora(
            invoice, scene.taxed(account, quarter), "Give the charge a deferred revenue code in Zuora."
        ),
    )


async def _bad_amount(scene: Scene) -> None:
    account = scene.cast["neighbour"]
    halves = [
        services(Decimal("10.005"), DAY, name="Half of a cent"),
        services(Decimal("9.995"), DAY, name="The other half"),
    ]
    invoice = await scene.post(account, halves, DAY)
    right = [services(Decimal("10.01"), DAY), services(Decimal("9.99"), DAY)]
    scene.declare(
        CHAPTER,
        "bad_amount",
        about="Lines with more decimals than the currency has; amounts are carried, never rounded.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="bad_amount",
        fix=correct_in_zuora(invoice, right, "Unpost the invoice in Zuora, say whole cents, post it again."),
    )


async def _currencies(scene: Scene) -> None:
    swiss, dinars, yen = (scene.cast[name] for name in ("veteran", "dinars", "reposted"))
    invoice = await scene.post(swiss, [services(Decimal("640.00"), DAY)], DAY, currency="CHF")
    scene.declare(
        CHAPTER,
        "unknown_currency",
        about="An invoice in a currency that QAD does not have: it stays until QAD has it.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="currency_refused",
        fix=Fix(about="Set Swiss francs up in QAD, with a rate.", act="set_up_swiss_francs"),
    )
    invoice = await scene.post(dinars, [services(Decimal("212.345"), DAY)], DAY)
    scene.declare(
        CHAPTER,
        "other_decimals",
        about="An invoice in a currency that has three decimals, and two in this QAD: it stays.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="currency_refused",
    )
    item = services(priced(150, yen), _WITHOUT_RATE)
    invoice = await scene.post(yen, scene.taxed(yen, item), _WITHOUT_RATE)
    scene.declare(
        CHAPTER,
        "rate_missing",
        about="An invoice in yen, dated in the week whose rate nobody has entered in QAD.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="exchange_rate",
        fix=Fix(
            about="Enter the rate in QAD, then release the document.",
            act="enter_yen_rate",
            commands=(release(scene, invoice["invoiceNumber"], "the rate is there now"),),
        ),
    )


async def _nobodys_money(scene: Scene) -> None:
    request = NewPayment(amount=Decimal("333.00"), currency="EUR", effective_date=DAY)
    payment = await scene.zuora.act("create_payment", request)
    owner = scene.cast["reseller"]
    scene.declare(
        CHAPTER,
        "payment_without_account",
        about="Money came in, and nobody knows from whom.",
        kind="payment",
        documents=(payment["paymentNumber"],),
        fate="parked",
        rule="no_account",
        fix=Fix(
            about=f"Assign the payment to {owner.number} in Zuora.",
            act="assign_payment",
            arguments={"payment": payment["paymentNumber"], "account": owner.number},
        ),
    )
