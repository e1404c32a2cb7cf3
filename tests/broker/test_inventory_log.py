"""The inventory follows `zuora.records` of a real broker, and notices when that is another log."""

from datetime import UTC, datetime

import msgspec

from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import started
from adapters.kafka.publishing import Publication, Publisher
from adapters.store.inventory_log import InventoryLog
from schemas.records import Found, ZuoraRecord
from schemas.topics import Topic, key
from tests.conftest import PARTITIONS
from tests.topics import delete_topic

AT = datetime(2026, 3, 15, tzinfo=UTC)


def record(name):
    parent = msgspec.json.encode({"id": name, "updatedDate": "2026-03-15T12:00:00Z"})
    found = Found(by="poll", at=AT)
    return ZuoraRecord(connection="c", tenant="t", kind="invoice", id=name, found=found, parent=msgspec.Raw(parent))


async def write(cluster, *names):
    async with Publisher(cluster) as publisher:
        await publisher.publish(
            [
                Publication(topic=Topic.RECORDS, partition=0, key=key("c", "invoice", name), event=record(name))
                for name in names
            ]
        )


def held(following):
    return set(following.inventory.held("invoice", ["a", "b", "c", "d"]))


async def test_it_takes_up_what_is_new_and_goes_on_after_a_restart(cluster, tmp_path):
    following = InventoryLog(cluster, 0, tmp_path / "t.sqlite")
    await following.refresh()
    assert held(following) == set()
    await write(cluster, "a", "b")
    await following.refresh()
    assert held(following) == {"a", "b"}
    producer = cluster.producer()
    async with started(producer, cluster):
        await producer.send_and_wait(cluster.name(Topic.RECORDS), b"garbled", partition=0)
    await write(cluster, "c")
    again = InventoryLog(cluster, 0, tmp_path / "t.sqlite")
    await again.refresh()
    await again.refresh()
    assert held(again) == {"a", "b", "c"}


async def test_a_log_that_was_made_anew_is_read_from_its_beginning(cluster, tmp_path):
    following = InventoryLog(cluster, 0, tmp_path / "t.sqlite")
    for first, after in ((("a", "b"), ("c",)), (("a",), ("c", "d")), (("a",), ("b",))):
        await write(cluster, *first)
        await following.refresh()
        assert held(following) >= set(first)
        await delete_topic(cluster, Topic.RECORDS)
        await create_topics(cluster, partitions=PARTITIONS, replicas=1)
        await write(cluster, *after)
        await following.refresh()
        assert held(following) == set(after)
