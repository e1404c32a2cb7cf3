"""Written back by the whole product, at one of two companies: marked and said, once, and nothing comes of it.

What each failure does to a mark is shown in tests/broker/test_marking.py.
"""

import json
import os
import signal

import pytest

from adapters.kafka.reader import read_whole
from console.demo.house import House
from sandbox.world.zuora_side import CODE_FIELD, NUMBER_FIELD
from schemas.events import read_matched, read_record
from schemas.matching import Matched
from schemas.topics import Topic
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import written_to_zuora

SITE, OTHER = "emea", "amer"
SWITCHED_ON = f"""
[tenants.{SITE}.write_back]
customer_code = "{CODE_FIELD}"
transferred = true
document_number = "{NUMBER_FIELD}"
"""


def switch_on(house: House) -> None:
    file = house.files.configuration
    file.write_text(file.read_text(encoding="utf-8") + SWITCHED_ON, encoding="utf-8")


async def row_of(work: AtWork, site: str, number: str) -> dict:
    [row] = [one for one in await work.scene(site).zuora.book("invoices") if one["invoiceNumber"] == number]
    return row


async def is_marked(work: AtWork, number: str) -> dict:
    row = await row_of(work, SITE, number)
    assert row.get("transferredToAccounting") == "Yes", row
    assert row[spelt(NUMBER_FIELD)].startswith("2026/"), row
    return row


def spelt(field: str) -> str:
    """Return a name as Object Query spells it."""
    return field[0].lower() + field[1:]


@pytest.mark.timeout(480)
async def test_what_is_in_qad_is_marked_where_that_is_on_and_nothing_comes_of_it(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually, before=switch_on) as work:
        product = work.house.product
        found = {(one["subject"], one["what"]): one["ok"] for one in await product.ask("ping")}
        assert found[SITE, "right to write back"]
        assert found[SITE, f"{CODE_FIELD} of accounts"]
        assert (OTHER, "right to write back") not in found

        number, other = await work.bill(SITE), await work.bill(OTHER)
        await work.comes_into_qad(SITE, number)
        await work.comes_into_qad(OTHER, other)
        await eventually(lambda: is_marked(work, number), within_s=60, every_s=0.5)
        row = await is_marked(work, number)
        accounts = {one["id"]: one for one in await work.scene(SITE).zuora.book("accounts")}
        code = accounts[row["accountId"]][spelt(CODE_FIELD)]
        assert code == await customer_of(work, row["id"])

        # Our own write is read again by a poll; nothing comes of it.
        async def read_again() -> None:
            assert (await versions(work, row["id"]))[-1].get("transferredToAccounting") == "Yes"

        await eventually(read_again, within_s=60, every_s=0.5)
        assert len(await matches(work, row["id"])) == 1

        # Killed, it goes on where it was.
        os.kill(product.pid_of("mark"), signal.SIGKILL)
        second = await work.bill(SITE)
        await eventually(lambda: is_marked(work, second), within_s=90, every_s=0.5)
        assert await is_marked(work, number) == await row_of(work, SITE, number)

        async def all_is_acknowledged() -> None:
            lags = {(one["connection"], one["stage"]): one["records"] for one in (await product.ask("lag"))["stages"]}
            assert lags[SITE, "mark"] == 0
            assert (OTHER, "mark") not in lags

        await eventually(all_is_acknowledged, within_s=60, every_s=1.0)
        said = await product.command("trace", number, "-c", SITE)
        assert f"{NUMBER_FIELD} = 2026/" in said
        assert "mark marked" in said
        assert "standing still: 0" in await product.command("parked", "list", "-c", SITE)

        updates = await written_to_zuora(work.scene(SITE))
        assert set(updates) == {"POST /v1/action/update"}
        assert await written_to_zuora(work.scene(OTHER)) == []
        for verdict in await product.ask("verify", "--connection", SITE, codes=(0,)):
            assert verdict["broken"] == {}


async def records(work: AtWork, topic: Topic) -> list[bytes]:
    partition = (await work.wiring.partitions())[SITE]
    return [record.value for record in await read_whole(work.wiring.site.cluster, partition, [topic])]


async def versions(work: AtWork, zuora_id: str) -> list[dict]:
    """Return how a document read, each time that it was."""
    read = [read_record(value) for value in await records(work, Topic.RECORDS)]
    return [json.loads(bytes(one.parent)) for one in read if one.id == zuora_id]


async def matches(work: AtWork, zuora_id: str) -> list[Matched]:
    events = [read_matched(value) for value in await records(work, Topic.MATCHED)]
    return [event for event in events if isinstance(event, Matched) and event.id == zuora_id]


async def customer_of(work: AtWork, zuora_id: str) -> str:
    return (await matches(work, zuora_id))[-1].customer
