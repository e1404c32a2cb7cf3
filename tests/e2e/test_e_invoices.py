"""A site that posts what is cleared: an invoice waits for its e-invoice and its payment behind it, all of it once."""

from decimal import Decimal

import pytest

from console.demo.house import House
from sandbox.world.chapters.trouble_days import DAY
from sandbox.zuora.acts import Application, NewPayment
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import broken_in_books

SITE, PART = "emea", "neighbour"


def ask_for_e_invoices(house: House) -> None:
    """Have the site's mappings post what is cleared."""
    for mapping in house.files.mappings[SITE]:
        text = mapping.read_text(encoding="utf-8")
        assert text.count("[policy]\n") == 1
        mapping.write_text(text.replace("[policy]\n", '[policy]\npost_when = "e_invoice_cleared"\n'), encoding="utf-8")


async def stands(work: AtWork, number: str, status: str, rule: str) -> str:
    """Wait until a document stands so; return what is said of it."""
    found: list[str] = []

    async def is_so() -> None:
        standings = [one.row for one in work.standings(SITE, number)]
        found[:] = [row.message for row in standings if (row.status, row.rule) == (status, rule)]
        assert found, [(row.status, row.rule, row.message) for row in standings]

    await work.eventually(is_so, within_s=60, every_s=0.3)
    return found[0]


async def stays_out(work: AtWork, number: str, other: str) -> None:
    """Hold that an invoice is not in QAD, while another that came after it is."""
    await work.comes_into_qad(SITE, other)
    assert await work.in_qad(SITE, number) is None


async def differences(work: AtWork, number: str) -> set[tuple[str, str]]:
    """Return where `reconcile` says that an invoice is, and by which rule; nothing of all is unexplained."""
    reports = await work.house.product.ask("reconcile")
    found = [one for report in reports for one in report["differences"]]
    assert not [one for one in found if one["part"] == "documents"], found
    return {(one["part"], one["rule"]) for one in found if one["number"] == number}


@pytest.mark.timeout(480)
async def test_an_invoice_comes_into_qad_when_its_e_invoice_is_cleared(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually, before=ask_for_e_invoices) as work:
        scene = work.scene(SITE)
        act, account = scene.zuora.act, scene.cast[PART]
        # Nothing but its own question can see a status that moves no stamp.
        await scene.zuora.set_callouts([])
        await act("update_account", account=account.number, e_invoice_profile_id="p1")

        number = await work.bill(SITE, amount=500)
        told = await stands(work, number, "waiting", "e_invoice_not_cleared")
        assert told == f"the e-invoice of {number} is not cleared in Zuora: it has no status yet"
        [row] = [one for one in await scene.zuora.book("invoices") if one["invoiceNumber"] == number]
        total = Decimal(str(row["amount"]))
        paid = NewPayment(
            account=account.number,
            amount=total,
            invoices=[Application(invoice=row["id"], amount=total)],
            effective_date=DAY,
        )
        await act("create_payment", paid)

        await act("set_e_invoice", document=number, status="Processing")

        async def says_processing() -> None:
            told = await stands(work, number, "waiting", "e_invoice_not_cleared")
            assert told == f"the e-invoice of {number} is not cleared in Zuora: status Processing"

        await eventually(says_processing, within_s=60, every_s=0.3)
        assert ("in_flight", "e_invoice_not_cleared") in await differences(work, number)
        await act("set_e_invoice", document=number, status="Failed")
        told = await stands(work, number, "parked", "e_invoice_failed")
        assert told == f"the e-invoice of {number} is not cleared in Zuora, and will not be by itself: status Failed"
        assert ("parked", "e_invoice_failed") in await differences(work, number)

        await stays_out(work, number, await work.bill(SITE, part="reseller", amount=70))
        await act("set_e_invoice", document=number, status="Success")
        await work.comes_into_qad(SITE, number, within_s=60)
        assert await work.in_qad(SITE, number) == total

        async def is_right() -> None:
            assert await broken_in_books(work.wiring, SITE, scene) == []
            for report in await work.house.product.ask("reconcile", codes=(0,)):
                assert report["differences"] == []
            for verdict in await work.house.product.ask("verify", codes=(0,)):
                assert (verdict["broken"], verdict["on_its_way"]) == ({}, [])

        await eventually(is_right, within_s=90, every_s=1)
