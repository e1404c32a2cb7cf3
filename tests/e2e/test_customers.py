"""Customers brought in line on a product that runs: reviewed, linked, unlinked with what that affects, and approved."""

import pytest

from adapters.kafka.reader import read_whole
from adapters.store.readmodel import ReadModel
from console.demo.house import House
from console.demo.product import CommandFailed
from schemas.events import read_decision
from schemas.topics import Topic
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import documents_of

SITE = "emea"


@pytest.mark.timeout(480)
async def test_an_account_is_reviewed_linked_and_unlinked(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually) as work:
        product, account = work.house.product, work.scene(SITE).cast["unlinked"]
        number = await work.bill(SITE, part="unlinked")
        await work.comes_to_stand(SITE, number, rule="no_customer")

        # Reviewed: what waits, and who resembles it, the right one first.
        reviewed = await product.ask("match", "review", account.number, "-c", SITE)
        [row] = reviewed["accounts"]
        assert (row["account"], row["name"], row["documents"]) == (account.number, account.name, 1)
        [(currency, value)] = row["value"].items()
        assert (currency, float(value) > 0) == (account.currency, True)
        assert row["proposals"][0]["customer"] == account.customer
        assert row["proposals"][0]["reasons"][0].startswith("name ")
        scores = [one["score"] for one in row["proposals"]]
        assert scores == sorted(scores, reverse=True)
        said = await product.command("match", "review", "-c", SITE)
        assert "1 documents wait (" in said
        assert account.customer in said

        # Linked: a first link affects nothing that is posted, and asks nobody else.
        words = ("-c", SITE, "--why", "as agreed with sales", "--yes")
        linked = await product.ask("match", "link", account.number, account.customer, *words)
        assert (linked["affected"]["documents"], linked["affected"]["waiting"]) == (0, 1)
        await work.comes_into_qad(SITE, number)

        # Taken back: the invoice is open, so a second person approves; and it stays where it is.
        back = ("match", "unlink", account.number, *words)
        with pytest.raises(CommandFailed, match="1 items are open in QAD: a second person must approve"):
            await product.command(*back)
        unlinked = await product.ask(*back, "--approved-by", "grace")
        affected = unlinked["affected"]
        assert (unlinked["customer"], unlinked["then"]) == (account.customer, "")
        assert (affected["documents"], affected["posted"], affected["open_items"]) == (1, 1, 1)
        assert affected["customers"] == [account.customer]
        assert affected["open_value"] == {account.currency: str(await open_of(work, number))}
        second = await work.bill(SITE, part="unlinked")
        await work.comes_to_stand(SITE, second, rule="no_customer")
        assert await customer_in_qad(work, number) == account.customer
        with pytest.raises(CommandFailed, match="is not linked by a person"):
            await product.command(*back)

        # Linked elsewhere: the old invoice settles where it is, the new one goes to the other.
        other = work.scene(SITE).cast["neighbour"].customer
        there = ("match", "link", account.number, other, *words)
        with pytest.raises(CommandFailed, match="a second person must approve"):
            await product.command(*there)
        await product.command(*there, "--approved-by", "grace")
        await work.comes_into_qad(SITE, second)
        assert await customer_in_qad(work, second) == other
        assert await customer_in_qad(work, number) == account.customer
        assert await decided(work) == [
            ("customer_linked", account.customer, None),
            ("customer_unlinked", account.customer, "grace"),
            ("customer_linked", other, "grace"),
        ]


def allow_creation(house: House) -> None:
    """Switch the making of customers on, and have the mappings allow it."""
    file = house.files.configuration
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f"[connections.{SITE}]\n", f"[connections.{SITE}]\nmake_customers = true\n"))
    for mapping in house.files.mappings[SITE]:
        text = mapping.read_text(encoding="utf-8")
        assert text.count("[customers]\n") == 1
        mapping.write_text(text.replace("[customers]\n", '[customers]\nno_match = "create"\n'), encoding="utf-8")


@pytest.mark.timeout(480)
async def test_a_customer_is_approved_made_and_matched(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually, before=allow_creation) as work:
        product, account = work.house.product, work.scene(SITE).cast["unlinked"]
        number = await work.bill(SITE, part="unlinked")
        standing = await work.comes_to_stand(SITE, number, rule="no_customer")
        assert f"ml-connector match create {account.number}" in standing.row.next_step
        words = ("match", "create", account.number, "-c", SITE, "--why", "new customer", "--yes")
        with pytest.raises(CommandFailed, match="does not fit QAD's customer code: say one with --code"):
            await product.command(*words, "--approved-by", "grace")
        await product.command(*words, "--approved-by", "grace", "--code", "ZNEW0001")
        # Made, shown by the next reading of QAD's reference data, matched by QAD's field, and posted.
        await work.comes_into_qad(SITE, number, within_s=60)
        assert await customer_in_qad(work, number) == "ZNEW0001"
        traced = await product.ask("trace", f"account:{account_id(work, account.number)}", "-c", SITE)
        [events] = traced.values()
        said = [event["content"] for event in events if event["content"]["type"] == "written"]
        assert [(one["part"], one["how"]) for one in said] == [
            ("relation", "made"),
            ("customer", "made"),
            ("operations", "changed"),
        ]
        with pytest.raises(CommandFailed, match="there is none to make"):
            await product.command(*words, "--approved-by", "grace", "--code", "ZNEW0002")


def account_id(work: AtWork, number: str) -> str:
    with ReadModel(work.wiring.data / "readmodel.sqlite") as model:
        [found] = [
            document for site, document in model.find(number) if site == SITE and document.startswith("account:")
        ]
    return found.removeprefix("account:")


async def customer_in_qad(work: AtWork, number: str) -> str:
    [found] = [one for one in await documents_of(work.scene(SITE)) if one["content"].get("reference") == number]
    return str(found["content"]["customer_code"])


async def open_of(work: AtWork, number: str) -> str:
    [found] = [one for one in await documents_of(work.scene(SITE)) if one["content"].get("reference") == number]
    return str(found["content"]["original_amount"])


async def decided(work: AtWork) -> list[tuple[str, str, str | None]]:
    partition = (await work.wiring.partitions())[SITE]
    records = await read_whole(work.wiring.site.cluster, partition, [Topic.DECISIONS])
    links = [one for one in (read_decision(record.value) for record in records) if "customer_" in tag_of(one)]
    assert all(one.why == "as agreed with sales" and one.by for one in links)
    return [(tag_of(one), one.customer, one.approved_by or None) for one in links]


def tag_of(event) -> str:
    return str(event.__struct_config__.tag)
