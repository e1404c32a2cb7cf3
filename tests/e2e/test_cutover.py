"""`cutover check` against both stand-ins, after somebody has loaded opening items and forgotten one."""

from decimal import Decimal

import pytest

from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from tests.conftest import eventually
from tests.e2e.at_work import at_work

SITE = "emea"


@pytest.mark.timeout(300)
async def test_the_one_document_that_nobody_loaded_is_named(kafka, tmp_path):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually) as work:
        await work.story.tell("opening")
        read_to = {name: await scene.zuora.next_second() for name, scene in work.story.scenes.items()}
        await until_quiet(work.wiring, read_to=read_to, screen=Screen())
        found = await work.house.product.ask("cutover", "check", "-c", SITE)
    remembered = work.scene(SITE).remembered
    assert [(one["part"], one["number"]) for one in found["untied"] if one["part"] != "surplus"] == [
        ("missing", remembered["unloaded invoice"])
    ]
    tied = [one for one in found["balances"] if Decimal(one["zuora"]) == Decimal(one["qad"])]
    assert len(tied) == len(found["balances"]) - 1
    assert all(one["customer"] for one in tied)
    assert sum(one["documents"] for one in tied) > 3
