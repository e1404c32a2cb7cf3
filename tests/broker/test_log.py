"""Reading and writing the log: to the end behind an open transaction, again by offset, fencing, groups."""

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import ByOffset, LogShorterError, Reader, ends_of, read_whole
from adapters.kafka.writer import Fenced, FencingWriter, Write
from schemas.cursors import Cursor
from schemas.errors import Transient
from schemas.topics import LETTER_MESSAGE_BYTES_MAX, OVERHEAD_BYTES, RECORD_BYTES_MAX, Topic


async def put(cluster: Cluster, topic: Topic, *values: bytes, partition: int = 0) -> None:
    producer = cluster.producer()
    await producer.start()
    for value in values:
        await producer.send_and_wait(cluster.name(topic), value, partition=partition)
    await producer.stop()


async def test_the_end_is_the_high_watermark_also_behind_a_strangers_open_transaction(cluster: Cluster):
    """A read-committed consumer's own end would be the last stable offset: our committed records hide behind it."""
    stranger = cluster.producer(transactional_id=f"{cluster.namespace}stranger", transaction_timeout_ms=60_000)
    await stranger.start()
    await stranger.begin_transaction()
    await stranger.send_and_wait(cluster.name(Topic.OUTCOMES), b"open", partition=0)
    writer = FencingWriter(cluster, 0, f"{cluster.namespace}ours", lambda records, last: None)
    await writer.start()
    running = asyncio.create_task(writer.run())
    await writer.write(Write(Topic.OUTCOMES, b"k", b"ours"))
    async with Reader(cluster, 0, {Topic.OUTCOMES: 0}) as reader:
        reading = asyncio.create_task(reader.to_end())
        # It waits for the stranger, instead of believing that there is nothing.
        done, _ = await asyncio.wait([reading], timeout=2)
        assert not done
        await stranger.abort_transaction()
        records = await asyncio.wait_for(reading, 20)
    assert [record.value for record in records] == [b"ours"]
    running.cancel()
    await writer.stop()
    await stranger.stop()


async def test_a_log_that_is_shorter_than_what_was_read_of_it_is_noticed(cluster: Cluster):
    await put(cluster, Topic.MATCHED, b"1", b"2")
    async with Reader(cluster, 0, {Topic.MATCHED: 7}) as reader:
        with pytest.raises(LogShorterError, match="matched ends at 2, before 7"):
            await reader.to_end()


async def test_records_are_read_again_by_offset_in_any_order(cluster: Cluster):
    await put(cluster, Topic.RECORDS, *(b"%d" % number for number in range(20)))
    async with ByOffset(cluster, Topic.RECORDS, 0) as records:
        found = await records.get([17, 3, 3, 4])
        assert {offset: record.value for offset, record in found.items()} == {3: b"3", 4: b"4", 17: b"17"}
        assert (await records.get([0]))[0].value == b"0"
        with pytest.raises(LogShorterError, match="no record at offset 20"):
            await records.get([20])


async def test_where_a_marker_stands_is_no_record_and_nobody_waits_for_one(cluster: Cluster):
    writer = FencingWriter(cluster, 0, f"{cluster.namespace}w", lambda records, last: None)
    await writer.start()
    running = asyncio.create_task(writer.run())
    async with ByOffset(cluster, Topic.OUTCOMES, 0) as records:
        for value in (b"first", b"second"):
            await writer.write(Write(Topic.OUTCOMES, b"k", value))
            # Its marker stands at the end of the log, then between two records.
            with pytest.raises(LogShorterError, match="no record at offset 1"):
                await asyncio.wait_for(records.get([1]), 15)
        assert (await records.get([2]))[2].value == b"second"
    running.cancel()
    await writer.stop()


async def test_everything_is_read_topic_by_topic(cluster: Cluster):
    await put(cluster, Topic.MATCHED, b"m1", b"m2")
    await put(cluster, Topic.DECISIONS, b"d1")
    found = await read_whole(cluster, 0, [Topic.DECISIONS, Topic.MATCHED])
    assert [record.value for record in found] == [b"d1", b"m1", b"m2"]
    assert await ends_of(cluster, 0, [Topic.MATCHED, Topic.RECORDS]) == {Topic.MATCHED: 2, Topic.RECORDS: 0}


async def test_records_larger_than_what_is_fetched_ahead_come_whole(cluster: Cluster):
    sizes = [10, 5 * 1024 * 1024, RECORD_BYTES_MAX, 10]
    await put(cluster, Topic.RECORDS, *(bytes(size) for size in sizes))
    found = await read_whole(cluster, 0, [Topic.RECORDS])
    assert [len(record.value) for record in found] == sizes


async def test_the_largest_dead_letter_is_written_and_comes_whole(cluster: Cluster):
    sizes = [10, LETTER_MESSAGE_BYTES_MAX - OVERHEAD_BYTES, 10]
    await put(cluster, Topic.DEAD_LETTERS, *(bytes(size) for size in sizes))
    found = await read_whole(cluster, 0, [Topic.DEAD_LETTERS])
    assert [len(record.value) for record in found] == sizes


async def test_a_new_owner_shuts_the_old_one_out(cluster: Cluster):
    name, taken = f"{cluster.namespace}sink.c", []
    old = FencingWriter(cluster, 0, name, lambda records, last: taken.extend(record.value for record in records))
    await old.start()
    old_running = asyncio.create_task(old.run())
    await old.write(Write(Topic.OUTCOMES, b"k", b"by the old"))
    new = FencingWriter(cluster, 0, name, lambda records, last: None)
    await new.start()
    with pytest.raises(asyncio.CancelledError):
        await old.write(Write(Topic.OUTCOMES, b"k", b"by a zombie"))
    with pytest.raises(Fenced):
        await old_running
    new_running = asyncio.create_task(new.run())
    await new.write(Write(Topic.OUTCOMES, b"k", b"by the new"))
    found = await read_whole(cluster, 0, [Topic.OUTCOMES])
    assert [record.value for record in found] == [b"by the old", b"by the new"]
    assert taken == [b"by the old"]
    new_running.cancel()
    await asyncio.gather(old.stop(), new.stop())


async def test_what_waits_together_goes_out_together_and_in_order(cluster: Cluster):
    groups: list[int] = []
    writer = FencingWriter(cluster, 0, f"{cluster.namespace}w", lambda records, last: groups.append(len(records)))
    await writer.start()
    running = asyncio.create_task(writer.run())
    await asyncio.gather(*(writer.write(Write(Topic.OUTCOMES, b"k", b"%d" % number)) for number in range(40)))
    found = await read_whole(cluster, 0, [Topic.OUTCOMES])
    assert [record.value for record in found] == [b"%d" % number for number in range(40)]
    assert sum(groups) == 40
    assert len(groups) < 40
    running.cancel()
    await writer.stop()


async def test_a_publisher_says_when_the_broker_did_not_take_it():
    nowhere = Cluster("127.0.0.1:1")
    publication = Publication(
        topic=Topic.CURSORS,
        partition=0,
        key=b"k",
        event=Cursor(connection="c", kind="invoice", read_to=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    async with Publisher(nowhere) as publisher:
        with pytest.raises(Transient, match=r"no Kafka answers at 127\.0\.0\.1:1"):
            await publisher.publish([publication])
