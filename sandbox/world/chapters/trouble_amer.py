"""The trouble that only the American site has: customers, a dead account, a new gateway, a closed period, a callout."""

import base64
from datetime import date
from decimal import Decimal

import msgspec

from sandbox.world.cases import Fix
from sandbox.world.chapters.remedies import fill_customer_field, open_period, publish_third_version
from sandbox.world.chapters.trouble_days import CHAPTER, DAY, LATER
from sandbox.world.charges import priced, services
from sandbox.world.chart import HARDWARE, HARDWARE_ACCOUNT, WALLET
from sandbox.world.scene import Scene

# After the cut-over, and still in the American company's fiscal September.
_IN_CLOSED_PERIOD = date(2026, 10, 2)


async def trouble_in_america(scene: Scene) -> None:
    """Make the trouble of the American site."""
    await _unfit_customers(scene)
    await _inactive_account(scene)
    await _unmapped_gateway(scene)
    await _closed_period(scene)
    await _bad_callout(scene)


async def _unfit_customers(scene: Scene) -> None:
    held, mislabelled = scene.cast["on_hold"], scene.cast["mislabelled"]
    invoice = await scene.post(held, scene.taxed(held, services(priced(560, held), DAY)), DAY)
    scene.declare(
        CHAPTER,
        "customer_on_hold",
        about="An invoice to a customer on credit hold.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="customer_unfit",
        fix=Fix(
            about=f"Lift the credit hold of customer {held.customer} in QAD.",
            act="lift_credit_hold",
            arguments={"customer": held.customer},
        ),
    )
    invoice = await scene.post(mislabelled, scene.taxed(mislabelled, services(priced(410, mislabelled), DAY)), DAY)
    scene.declare(
        CHAPTER,
        "wrong_customer_field",
        about="The account names a customer that takes another currency.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="customer_unfit",
        fix=fill_customer_field(mislabelled),
    )


async def _inactive_account(scene: Scene) -> None:
    account = scene.cast["reversed"]
    item = msgspec.structs.replace(services(priced(1_150, account), DAY, name="Gateway box"), accounting_code=HARDWARE)
    invoice = await scene.post(account, scene.taxed(account, item), DAY)
    scene.declare(
        CHAPTER,
        "inactive_gl_account",
        about=f"Revenue for GL account {HARDWARE_ACCOUNT}, which somebody deactivated in QAD in November.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="parked",
        rule="gl_account_unfit",
        or_rule="gl_account",
        fix=Fix(
            about=f"Activate GL account {HARDWARE_ACCOUNT} in QAD again.",
            act="activate_account",
            arguments={"account": HARDWARE_ACCOUNT},
        ),
    )


async def _unmapped_gateway(scene: Scene) -> None:
    account, invoices = scene.cast["withdrawn"], await scene.invoices()
    row = next(one for one in invoices[account.number] if one["balance"] > 0)
    owed = Decimal(row["balance"])
    payment = await scene.pay(account, owed, LATER, to={row["invoiceNumber"]: owed}, by="cards", gateway=WALLET)
    scene.declare(
        CHAPTER,
        "unmapped_gateway",
        about="A payment through a gateway that the mapping has no bank for.",
        kind="payment",
        documents=(payment,),
        partners=(row["invoiceNumber"],),
        fate="parked",
        rule="unmapped_code",
        fix=publish_third_version(
            scene, "Publish the mapping with a bank for that gateway.", after=("inactive_gl_account",)
        ),
    )


async def _closed_period(scene: Scene) -> None:
    account = scene.cast["neighbour"]
    item = services(priced(205, account), _IN_CLOSED_PERIOD)
    invoice = await scene.post(account, scene.taxed(account, item), _IN_CLOSED_PERIOD)
    scene.declare(
        CHAPTER,
        "closed_period",
        about="An invoice dated in a fiscal period that QAD has closed.",
        kind="invoice",
        documents=(invoice["invoiceNumber"],),
        fate="waiting",
        rule="period_closed",
        fix=open_period(scene, _IN_CLOSED_PERIOD, "Open fiscal September for sales once more."),
    )


async def _bad_callout(scene: Scene) -> None:
    """Send the product's receiver, with the right password, what is no JSON."""
    if scene.receiver is None:
        return
    door = scene.world.callout_door(scene.receiver.url)
    credentials = base64.b64encode(f"{door.user}:{door.password}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
    async with scene.session.post(door.url, data=b'{"object": "Invoice", "id": ', headers=headers) as answer:
        answer.raise_for_status()
    scene.declare(
        CHAPTER,
        "bad_callout",
        about="A callout whose body is not JSON: it is stored, answered, and put aside.",
        kind="callout",
        documents=(),
        fate="dead_letter",
    )
