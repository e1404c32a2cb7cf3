"""A connection into files beside one into QAD, on real processes: what a site does from day to day, and both judges."""

import asyncio
from datetime import date
from decimal import Decimal

import aiohttp
import pytest

from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import priced, services
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.into_files import go_into_files

SITE = "emea"
EARLY = date(2026, 9, 15)
# A list counts once nothing was written to it for a moment.
QUIET_S = 2.5


async def rest(work: AtWork) -> None:
    """Wait until everything is read and every stage rests."""
    read_to = {name: await scene.zuora.next_second() for name, scene in work.story.scenes.items()}
    await until_quiet(work.wiring, read_to=read_to, screen=Screen())


async def judged(work: AtWork, *, codes=(0,)):
    """Return what both judges say of the site, without a word about the other."""
    [verdict] = await work.house.product.ask("verify", "-c", SITE, codes=codes)
    [report] = await work.house.product.ask("reconcile", "-c", SITE, codes=codes)
    return verdict, report


async def got(url: str) -> str:
    """Return what an address answers."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


@pytest.mark.timeout(400)
async def test_a_site_takes_refuses_and_lists_and_the_judges_say_what_its_books_hold(kafka, tmp_path, eventually):
    sites = []

    async def into_files(house):
        sites.append(await go_into_files(house, SITE))

    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually, before=into_files) as work:
        [site], scene = sites, work.scene(SITE)
        account = scene.cast["neighbour"]
        numbers = [await work.bill(SITE, amount=amount) for amount in (100, 70, 40)]
        memo = await scene.credit(
            account, scene.taxed(account, services(priced(30, account), DAY)), DAY, reason="Other"
        )
        await rest(work)
        await scene.apply_memo(str(memo["memoNumber"]), {numbers[0]: Decimal(10)}, DAY)
        await scene.pay(account, Decimal(80), DAY, to={numbers[1]: Decimal(70)})
        await rest(work)
        kinds = sorted(path.name.partition(".")[0] for path in site.waiting())
        assert kinds == sorted(["invoice"] * 3 + ["credit_note", "adjustment", "receipt"])

        # Nothing is taken, and no list shows any books: that is said, and what is known is compared.
        [verdict] = await work.house.product.ask("verify", "-c", SITE)
        assert (verdict["broken"], verdict["on_its_way"]) == ({}, [])
        assert (verdict["read"]["files"], verdict["read"]["files that are not taken yet"]) == (6, 6)
        [report] = await work.house.product.ask("reconcile", "-c", SITE, codes=(3,))
        assert report["differences"] == []
        needed = {one["list"] for one in report["not_compared"] if one["needed"]}
        assert needed == {"lists/documents.csv", "lists/open_items.csv"}

        # One is refused: both judges name it, with its reason.
        [refused] = site.take(refuse=f".{numbers[2]}.", why="the period is closed")
        site.export_books()
        await asyncio.sleep(QUIET_S)
        verdict, report = await judged(work, codes=(3,))
        assert [one["number"] for one in verdict["violations"] if one["invariant"] == "I1"] == [numbers[2]]
        assert "the period is closed" in verdict["violations"][0]["what"]
        named = {(one["part"], one["number"]): one["what"] for one in report["differences"]}
        assert {part for part, number in named if number == numbers[2]} == {"lost", "parked"}
        assert {number for _, number in named} == {numbers[2]}, report["differences"]
        assert "the period is closed" in named["lost", numbers[2]]
        [handed] = (await work.house.product.ask("lag"))["files"]
        assert (handed["connection"], handed["waiting"]) == (SITE, [])
        assert [(one["name"], one["reason"]) for one in handed["refused"]] == [(refused.name, "the period is closed")]

        async def shown() -> None:
            page, metrics = [await got(f"{work.house.page}{path}") for path in ("", "metrics")]
            assert refused.name in page
            assert f'ml_connector_files{{connection="{SITE}",standing="refused"}} 1.0' in metrics

        await eventually(shown, within_s=30, every_s=0.5)

        # It is moved back and taken: everything holds, to the cent.
        refused.with_name(f"{refused.name}.reason.txt").unlink()
        refused.rename(site.path / refused.name)
        site.take()
        site.export_books()
        await asyncio.sleep(QUIET_S)
        verdict, report = await judged(work)
        assert (verdict["broken"], report["differences"]) == ({}, [])
        assert not any(one["needed"] for one in report["not_compared"])
        assert report["checks"]["open items"] == 5
        assert report["checks"]["GL entries"] == 6

        # One from before the cut-over is missing in the list of open items, until others have loaded it.
        early = await scene.post(account, scene.taxed(account, services(priced(55, account), EARLY)), EARLY)
        await rest(work)
        check = ("cutover", "check", "-c", SITE)
        found = await work.house.product.ask(*check, codes=(3,))
        assert [(one["part"], one["number"]) for one in found["untied"]] == [("missing", early["invoiceNumber"])]
        [line] = found["balances"]
        site.open_by_hand(str(early["invoiceNumber"]), line["customer"], line["currency"], line["zuora"])
        await asyncio.sleep(QUIET_S)
        found = await work.house.product.ask(*check, codes=(0,))
        assert [(one["zuora"], one["qad"]) for one in found["balances"]] == [(line["zuora"], line["zuora"])]
        assert "Traceback" not in work.log
