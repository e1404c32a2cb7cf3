"""Addresses, all the way: read with their accounts, kept without names, changed, and neither posted for nor shown."""

import msgspec
import pytest

from adapters.kafka.reader import read_whole
from adapters.zuora.reading.contacts import FIELDS
from schemas.events import read_record
from schemas.parties import party_of
from schemas.records import RecordKind
from schemas.topics import Topic
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import documents_of

SITE = "emea"


async def accounts_of(work: AtWork, number: str):
    """Return what was read of a billing account, oldest first."""
    partition = (await work.wiring.partitions())[SITE]
    values = await read_whole(work.wiring.site.cluster, partition, [Topic.RECORDS])
    records = [read_record(one.value) for one in values]
    accounts = [record for record in records if record.kind == RecordKind.ACCOUNT]
    assert not [record for record in accounts if b"lastName" in bytes(record.parent)]
    return [record for record in accounts if party_of(record).account_number == number]


@pytest.mark.timeout(480)
async def test_a_customer_moves_house(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually) as work:
        account = work.scene(SITE).cast["neighbour"]
        number = await work.bill(SITE)
        await work.comes_into_qad(SITE, number)
        record = (await accounts_of(work, account.number))[-1]
        contact = msgspec.json.decode(record.parent)["billTo"]
        assert set(contact) <= set(FIELDS)
        assert (contact["city"], contact["postalCode"]) == (account.place.city, account.place.postal_code)

        documents = len(await documents_of(work.scene(SITE)))
        await work.scene(SITE).zuora.act("update_contact", contact=contact["id"], city="Umzugsstadt")

        async def has_moved() -> None:
            [*_, newest] = await accounts_of(work, account.number)
            assert party_of(newest).bill_to.city == "Umzugsstadt"

        await work.eventually(has_moved, within_s=90, every_s=0.5)

        # Nothing is posted for it, and what comes next goes as before.
        after = await work.bill(SITE)
        await work.comes_into_qad(SITE, after)
        assert len(await documents_of(work.scene(SITE))) == documents + 1
        traced = await work.house.product.ask("trace", f"account:{record.id}", "-c", SITE)
        shown = repr(traced) + await work.house.product.command("trace", f"account:{record.id}", "-c", SITE) + work.log
        assert "personal data, not shown" in shown
        for personal in ("Umzugsstadt", contact["workEmail"], account.place.postal_code):
            assert personal not in shown
