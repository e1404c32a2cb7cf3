"""What no poll can see is done in QAD all the same: a document that was deleted between two polls is undone there."""

import pytest

from adapters.kafka.reader import read_whole
from schemas.events import read_record
from schemas.topics import Topic
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import totals_in_qad

SITE = "emea"


@pytest.fixture
async def work(kafka, tmp_path, eventually):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually) as found:
        # Whoever has callouts hears of it anyway.
        await found.scene(SITE).zuora.set_callouts([])
        yield found


async def ways(work: AtWork, number: str) -> set[str]:
    """Return how the records of a document were found."""
    partition = (await work.wiring.partitions())[SITE]
    log = await read_whole(work.wiring.site.cluster, partition, [Topic.RECORDS])
    records = [read_record(one.value) for one in log]
    ids = {record.id for record in records if f'"invoiceNumber":"{number}"'.encode() in bytes(record.parent)}
    return {f"{record.found.by}{' deleted' if record.deleted else ''}" for record in records if record.id in ids}


@pytest.mark.timeout(300)
async def test_a_document_deleted_between_two_polls_is_undone_in_qad(work, eventually):
    scene = work.scene(SITE)
    await work.comes_into_qad(SITE, await work.bill(SITE))
    before = await totals_in_qad(scene)

    gone = await work.bill(SITE, amount=333)
    await work.comes_into_qad(SITE, gone)
    assert await totals_in_qad(scene) != before
    await scene.zuora.act("unpost_invoice", invoice=gone)
    await scene.zuora.act("delete_invoice", invoice=gone)

    async def is_undone():
        assert await totals_in_qad(scene) == before

    await eventually(is_undone, within_s=90, every_s=0.5)
    assert await ways(work, gone) == {"poll", "reread deleted"}
