"""A connection through QXtend beside one over REST, on real processes: each document once, whatever is lost."""

import os
import signal
from decimal import Decimal

import pytest

from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import priced, services
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import broken_in_books, documents_of
from tests.e2e.through_qxtend import speak_qxtend

SITE, OTHER = "emea", "amer"


async def rest(work: AtWork) -> None:
    """Wait until everything is read and every stage rests."""
    read_to = {name: await scene.zuora.next_second() for name, scene in work.story.scenes.items()}
    await until_quiet(work.wiring, read_to=read_to, screen=Screen())


@pytest.mark.timeout(400)
async def test_documents_go_through_qxtend_once_and_the_judges_agree(kafka, tmp_path, eventually):
    def through_qxtend(house):
        speak_qxtend(house.product, house, SITE)

    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually, before=through_qxtend) as work:
        scene, product = work.scene(SITE), work.house.product
        account = scene.cast["neighbour"]
        lost = [
            {"name": "commit_then_soap_fault", "count": 2, "code": "ProcessException009", "message": "Timed out."},
            {"name": "commit_then_reset", "count": 1, "after": 2},
            {"name": "soap_fault", "count": 2, "code": "Server", "message": "No licensed agent is available."},
        ]
        for fault in lost:
            await scene.qad.act("faults", **fault)
        numbers = [await work.bill(SITE, amount=amount) for amount in (100, 70, 40, 25)]
        before = product.pid_of("sink")
        os.kill(before, signal.SIGKILL)
        elsewhere = await work.bill(OTHER)
        memo = await scene.credit(
            account, scene.taxed(account, services(priced(30, account), DAY)), DAY, reason="Other"
        )
        for number in numbers:
            await work.comes_into_qad(SITE, number, within_s=90)
        await work.comes_into_qad(OTHER, elsewhere, within_s=90)
        await scene.apply_memo(str(memo["memoNumber"]), {numbers[0]: Decimal(10)}, DAY)
        await scene.pay(account, Decimal(80), DAY, to={numbers[1]: Decimal(70)})
        await rest(work)

        armed = {one["fault"]["name"]: one["fired"] for one in await scene.qad.show("faults")}
        assert armed == {fault["name"]: fault["count"] for fault in lost}
        assert product.pid_of("sink") != before
        calls = [call for call in await scene.qad.show("requests", limit="100000") if call["is_write"]]
        assert {call["api"] for call in calls} == {"bdinvoicejournalentry", "bddocument", "bopenitemadjustment"}
        others = await work.scene(OTHER).qad.show("requests", limit="100000")
        assert {call["api"] for call in others if call["is_write"]} == {""}
        assert await scene.qad.show("duplicates") == []
        kinds = [str(document["kind"]) for document in await documents_of(scene)]
        assert sorted(kinds) == sorted(["invoice"] * 5 + ["payment", "adjustment"])

        for report in await product.ask("reconcile", codes=(0,)):
            assert report["differences"] == []
        for verdict in await product.ask("verify", codes=(0,)):
            assert (verdict["broken"], verdict["on_its_way"]) == ({}, [])
        assert await broken_in_books(work.wiring, SITE, scene) == []
        assert work.house.world.secrets()[f"qad/{SITE}"]["password"] not in work.log
        assert "Traceback" not in work.log
