"""A tenant without Invoice Settlement beside one with it, in real processes: each act once, nothing unexplained."""

from decimal import Decimal

import pytest

from console.demo.house import standing_house
from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from console.output import EXIT_OK
from sandbox.world import tell_story
from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import services
from sandbox.zuora.acts import Application, NewAdjustment, NewInvoice, NewItem, NewPayment
from tests.e2e.at_work import AtWork
from tests.e2e.judging import documents_of

SITE, OTHER = "emea", "amer"


class Business:
    """What happens at the site that has no Invoice Settlement."""

    def __init__(self, work):
        self.work = work
        self.scene = work.scene(SITE)
        self.account = self.scene.cast["reseller"]

    async def act(self, name, request=None, /, **given):
        return await self.scene.zuora.act(name, request, **given)

    async def bill(self, amount):
        items = self.scene.taxed(self.account, services(Decimal(amount), DAY))
        return await self.scene.post(self.account, items, DAY)

    async def bill_below_zero(self, amount):
        item = NewItem(charge_amount=-Decimal(amount), accounting_code="Bad Debt", charge_name="Returned")
        request = NewInvoice(account=self.account.number, items=[item], invoice_date=DAY)
        draft = await self.act("create_invoice", request)
        return await self.act("post_invoice", invoice=draft["id"])

    async def pay(self, amount, *applied):
        invoices = [Application(invoice=invoice["id"], amount=Decimal(part)) for invoice, part in applied]
        request = NewPayment(account=self.account.number, amount=Decimal(amount), invoices=invoices, effective_date=DAY)
        return await self.act("create_applied_payment", request)

    async def adjust(self, invoice, amount, kind="Credit", **fields):
        given = {"accounting_code": "Bad Debt", "adjustment_date": DAY, **fields}
        request = NewAdjustment(invoice=invoice["id"], amount=Decimal(amount), type=kind, **given)
        return await self.act("adjust_invoice_item" if "source" in fields else "adjust_invoice", request)

    async def move(self, kind, amount, invoice):
        given = {"type": kind, "amount": amount, "invoice": invoice["id"], "adjustment_date": DAY}
        return await self.act("adjust_credit_balance", **given)

    async def first_month(self):
        """Do one of everything; return what is cancelled later."""
        paid, corrected, settled = await self.bill(1000), await self.bill(500), await self.bill(300)
        minus = await self.bill_below_zero(200)
        await self.pay("1190", (paid, "1190"))
        await self.scene.zuora.next_second()
        await self.move("Increase", 150, minus)
        await self.adjust(minus, "50", "Charge")
        await self.scene.zuora.next_second()
        await self.pay("400", (corrected, "100"))
        whole = await self.adjust(corrected, "20")
        books = {row["id"]: row for row in await self.scene.zuora.book("invoices")}
        [item] = books[corrected["id"]]["invoiceItems"]
        await self.adjust(corrected, "10", source=item["id"])
        tax = await self.adjust(
            corrected, "1.90", source=item["taxationItems"][0]["id"], accounting_code=None, reason_code="rate"
        )
        await self.adjust(settled, "7", "Charge")
        down = await self.move("Decrease", 250, settled)
        return whole, tax, down

    async def second_month(self, whole, tax, down):
        """Take back what was done last."""
        await self.act("cancel_invoice_adjustment", adjustment=whole["id"])
        await self.act("cancel_invoice_item_adjustment", adjustment=tax["id"])
        await self.act("cancel_credit_balance_adjustment", adjustment=down["id"])


@pytest.mark.timeout(300)
async def test_a_tenant_without_invoice_settlement_leaves_nothing_unexplained(tmp_path, kafka, eventually):
    async with (
        standing_house(tmp_path / "house", seed=7, size=0.1, kafka=kafka) as house,
        tell_story(house.world, house.controls(), receiver=house.receiver) as story,
    ):
        work = AtWork(house, story, eventually)
        await work.scene(SITE).zuora.switch(invoice_settlement=False)
        await house.product.command("topics", "create")
        found = await house.product.ask("ping")
        told = {one["subject"]: one["found"] for one in found if one["what"] == "Invoice Settlement"}
        assert {name: said.partition(":")[0] for name, said in told.items()} == {
            work.wiring.site.config.connections[SITE].tenant: "off",
            work.wiring.site.config.connections[OTHER].tenant: "on",
        }
        house.product.start()
        await work.publish_mappings()

        business = Business(work)
        done = await business.first_month()
        await work.bill(OTHER)
        await rest(work)
        assert await parked(work) == []
        await reconciled(work)

        await business.second_month(*done)
        await rest(work)
        assert await parked(work) == []
        await reconciled(work)
        # Ten documents, and an inverse of two of them; whatever else is there moves between two of these.
        kinds = [one["kind"] for one in await documents_of(business.scene)]
        assert (kinds.count("invoice"), kinds.count("payment")) == (4 + 5 + 2, 2)
        assert await business.scene.qad.show("duplicates") == []


async def rest(work):
    read_to = {name: await scene.zuora.next_second() for name, scene in work.story.scenes.items()}
    await until_quiet(work.wiring, read_to=read_to, screen=Screen())


async def parked(work):
    return (await work.house.product.ask("parked", "list", "--waiting"))["standing_still"]


async def reconciled(work):
    """Hold that both systems agree by the accountant's report, and by the judge."""
    for report in await work.house.product.ask("reconcile", codes=(EXIT_OK,)):
        assert report["differences"] == []
        assert all(Decimal(line["unexplained"]) == 0 for line in report["sums"])
        assert report["checks"]["open items"] > 0
    await work.house.product.command("verify", codes=(EXIT_OK,))
