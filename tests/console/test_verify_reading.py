"""The judge reads a real broker by itself: all committed records to the high watermark, and nothing else."""

import pytest

from adapters.kafka.cluster import started
from console.verification.facts import Log
from console.verification.judging import read_log
from console.verification.reading import reading
from console.verification.report import Findings
from schemas.topics import Topic
from tests.console.court import CONNECTION, in_order

PARTITION = 1


async def write(cluster, topic, values, *, partition=PARTITION):
    async with started(cluster.producer(), cluster) as producer:
        return [
            (await producer.send_and_wait(cluster.name(topic), value, key=key, partition=partition)).offset
            for key, value in values
        ]


async def transaction(cluster, values, *, commit):
    async with started(cluster.producer(transactional_id=f"{cluster.namespace}judged"), cluster) as producer:
        await producer.begin_transaction()
        sent = [
            await producer.send_and_wait(cluster.name(Topic.OUTCOMES), value, key=key, partition=PARTITION)
            for key, value in values
        ]
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    return [record.offset for record in sent]


async def read(cluster, topic):
    async with reading(cluster, PARTITION) as reader:
        return [entry async for page in reader.pages(topic) for entry in page]


async def test_committed_records_to_the_end_and_nothing_of_what_was_taken_back(cluster):
    kept = await transaction(cluster, [(b"a", b"1"), (b"b", b"2")], commit=True)
    await transaction(cluster, [(b"c", b"3")], commit=False)
    kept += await write(cluster, Topic.OUTCOMES, [(b"d", b"4")])
    await write(cluster, Topic.OUTCOMES, [(b"e", b"5")], partition=0)
    kept += await transaction(cluster, [(b"f", b"6")], commit=True)
    found = await read(cluster, Topic.OUTCOMES)
    assert [(entry.key, entry.value) for entry in found] == [(b"a", b"1"), (b"b", b"2"), (b"d", b"4"), (b"f", b"6")]
    # Between them stand the marks of the transactions, put there when the coordinator comes to it: offsets are
    # what the broker acknowledged, and not counted up.
    assert [entry.offset for entry in found] == kept
    assert kept != list(range(4))


async def test_an_empty_topic_ends_at_once(cluster):
    assert await read(cluster, Topic.MATCHED) == []


async def test_a_page_that_is_full_is_not_the_end(cluster):
    values = [(b"k", str(number).encode()) for number in range(12_000)]
    async with started(cluster.producer(), cluster) as producer:
        sent = [
            await producer.send(cluster.name(Topic.RECORDS), value, key=key, partition=PARTITION)
            for key, value in values
        ]
        for one in sent:
            await one
    found = await read(cluster, Topic.RECORDS)
    assert [entry.value for entry in found] == [value for _, value in values]


@pytest.mark.parametrize("broken", [False, True])
async def test_a_log_that_is_read_is_judged_as_it_was_written(cluster, broken):
    court = in_order()
    if broken:
        court.topics[Topic.OUTCOMES] = court.topics[Topic.OUTCOMES][1:]
    for topic, values in court.topics.items():
        await write(cluster, topic, values)
    log, findings = Log(CONNECTION, PARTITION), Findings(CONNECTION)
    await read_log(cluster, log, findings, polled_in=PARTITION)
    assert log.read[Topic.OUTCOMES] == len(court.topics[Topic.OUTCOMES])
    assert len(log.postings) == len(court.made)
    assert set(log.read_to) == {"invoice", "credit_memo", "payment"}
    assert [one.invariant for one in findings.violations] == (["I6"] if broken else [])
