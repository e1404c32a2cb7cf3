"""What changes of an account in Zuora stands at its customer in QAD, all the way; what QAD has changed stays there.

At the company whose QAD speaks the other dialect, so that no name of the house is in the way.
"""

import pytest

from adapters.kafka.reader import read_whole
from adapters.qad.rest.customers import RestCustomers
from adapters.store.readmodel import ReadModel
from console.demo.house import House
from schemas.events import read_qad_reference
from schemas.references import Customer
from schemas.topics import Topic
from tests.e2e.at_work import AtWork, at_work

SITE = "amer"


def let_flow(house: House) -> None:
    """Have names and status flow at one of the companies."""
    file = house.files.configuration
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f"[connections.{SITE}]\n", f"[connections.{SITE}]\nalign_customers = true\n"))
    for mapping in house.files.mappings[SITE]:
        text = mapping.read_text(encoding="utf-8")
        assert text.count("[customers]\n") == 1
        mapping.write_text(text.replace("[customers]\n", '[customers]\nalign = ["name", "status"]\n'), encoding="utf-8")


async def shown_as(work: AtWork, code: str) -> str:
    """Return the name that QAD's list shows of a customer now."""
    partition = (await work.wiring.partitions())[SITE]
    records = await read_whole(work.wiring.site.cluster, partition, [Topic.QAD_REFERENCE])
    shown = [one for one in (read_qad_reference(record.value) for record in records) if isinstance(one, Customer)]
    return str([one for one in shown if one.code == code][-1].name)


async def states(work: AtWork, number: str) -> dict[str, str]:
    """Return how each field of an account stands, as the command shows it."""
    found = await work.house.product.ask("match", "align", number, "-c", SITE)
    [row] = found["customers"]
    assert number in row["accounts"]
    return {one["field"]: one["state"] for one in row["fields"]}


@pytest.mark.timeout(480)
async def test_a_customer_gets_a_new_name_and_one_that_qad_changed_keeps_it(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually, before=let_flow) as work:
        product, scene = work.house.product, work.scene(SITE)
        account = scene.cast["neighbour"]
        document = await first_seen(work, account.number)
        assert await states(work, account.number) == {"name": "in_line", "status": "in_line"}

        await scene.zuora.act("update_account", account=document.removeprefix("account:"), name="Renamed Works Inc.")

        async def is_renamed() -> None:
            assert await shown_as(work, account.customer) == "Renamed Works Inc."

        await work.eventually(is_renamed, within_s=90, every_s=0.5)
        [events] = (await product.ask("trace", document, "-c", SITE)).values()
        said = [event["content"] for event in events if event["content"]["type"] in ("aligning", "aligned")]
        assert [one["type"] for one in said] == ["aligned", "aligning", "aligned"]
        assert said[-1]["written"] == ["name"]
        assert "Renamed" not in repr(said)

        # Somebody gives it another name in QAD, and Zuora changes again: QAD's stays, and a person is called.
        profile = work.wiring.profile(SITE)
        async with work.wiring.qad(SITE, profile) as client:
            books = RestCustomers(client, profile)
            relation = str((await books.read("customer", account.customer)).values["relation"])
            await books.change("relation", relation, await books.read("relation", relation), {"name": "By Hand Inc."})
            await scene.zuora.act("update_account", account=document.removeprefix("account:"), name="Third Works Inc.")

            async def is_parked() -> None:
                with ReadModel(work.wiring.data / "readmodel.sqlite") as model:
                    rows = [one.row for one in model.standings(statuses=("parked",), connection=SITE)]
                assert [one.rule for one in rows if one.document == document] == ["customer_differs"]

            await work.eventually(is_parked, within_s=90, every_s=0.5)
            assert (await books.read("relation", relation)).values["name"] == "By Hand Inc."
        assert await states(work, account.number) == {"name": "differs", "status": "in_line"}
        assert "was changed in both" in await product.command("match", "align", account.number, "-c", SITE)
        # That moves no money, and no judge has anything to say of it.
        await product.command("verify", "-c", SITE)
        assert not [name for name in ("Renamed Works", "By Hand", "Third Works") if name in work.log]


async def first_seen(work: AtWork, number: str) -> str:
    """Return the account as the log names it, once it was compared with its customer."""
    found: list[str] = []

    async def is_compared() -> None:
        with ReadModel(work.wiring.data / "readmodel.sqlite") as model:
            rows = [one.row for one in model.standings(statuses=("aligned",), connection=SITE)]
        found[:] = [one.document for one in rows if one.number == number]
        assert found

    await work.eventually(is_compared, within_s=90, every_s=0.5)
    return found[0]
