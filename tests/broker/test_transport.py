"""The transport alone, in a worker of this process whose lane acknowledges nothing: where it goes back to."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from faust.types import TP

from adapters.kafka.cluster import Cluster, started
from adapters.kafka.worker import StageWorker
from streams.match.agent import host
from streams.match.spec import SPEC

RECORDS = 300
# How long Faust's consumer sleeps while it has no partition to fetch.
FAUSTS_PAUSE_S = 1


class Holding:
    """A lane that takes runs and holds them all."""

    def __init__(self) -> None:
        self.running = False
        self.events: list[Any] = []
        self.acknowledge: Any = None

    def put(self, event: Any, acknowledge: Any) -> None:
        self.events.append(event)
        self.acknowledge = acknowledge

    def start(self) -> None:
        self.running = True

    async def close(self) -> None:
        self.running = False

    def offsets(self) -> Iterator[int]:
        return (record.offset for event in self.events for record in event.value)


@pytest.fixture
async def holding(cluster: Cluster, tmp_path, eventually):
    """A worker that has fetched all records of one partition, and committed nothing."""
    async with started(cluster.producer(), cluster) as producer:
        for number in range(RECORDS):
            await producer.send(cluster.name(SPEC.source), b"%d" % number, partition=0)
        await producer.flush()
    lanes = {number: Holding() for number in range(3)}
    worker = StageWorker(
        spec=SPEC,
        cluster=cluster,
        slot="0",
        directory=tmp_path,
        host_agent=host,
        make_lane=lambda partition, *_: lanes[partition],
    )
    # Not `run`: its watchdog ends the process of who goes on after it.
    await worker.app.start()

    async def all_came() -> None:
        assert set(lanes[0].offsets()) == set(range(RECORDS))

    await eventually(all_came)
    yield worker, lanes[0]
    await worker.app.stop()


async def test_what_was_never_committed_comes_again_from_the_start(holding, eventually):
    """aiokafka goes back to no commit, or to one of 0, by staying where it is: a rebalance would lose what it drops."""
    worker, lane = holding
    consumer = worker.app.consumer
    assert not any(consumer._committed_offset.values())
    lane.events.clear()
    await consumer.perform_seek()

    async def came_again() -> None:
        assert sorted(lane.offsets()) == list(range(RECORDS))

    await eventually(came_again)


async def test_what_was_committed_does_not_come_again(holding, eventually):
    worker, lane = holding
    first = lane.events[0]
    await lane.acknowledge(first)
    committed = first.value[-1].offset + 1

    lane.events.clear()
    await worker.app.consumer.commit()
    await worker.app.consumer.perform_seek()

    async def came_again() -> None:
        assert sorted(lane.offsets()) == list(range(committed, RECORDS))

    await eventually(came_again)


async def test_an_acknowledgement_from_before_the_seek_counts_for_nothing(holding):
    worker, lane = holding
    stale = lane.events[0]
    lane.events.clear()
    await worker.app.consumer.perform_seek()
    await lane.acknowledge(stale)
    await worker.app.consumer.commit()
    assert not any(worker.app.consumer._committed_offset.values())


async def test_a_partition_that_is_let_go_is_fetched_without_a_sleep(
    holding, cluster: Cluster, eventually, monkeypatch
):
    worker, lane = holding
    consumer, parts = worker.app.consumer, [TP(cluster.name(SPEC.source), number) for number in range(3)]
    slept = []

    async def sleep(seconds: float) -> None:
        if seconds == FAUSTS_PAUSE_S:
            slept.append(seconds)
        await asyncio.sleep(seconds)

    monkeypatch.setattr(consumer, "sleep", sleep)
    for _ in range(5):
        before = len(list(lane.offsets()))
        for part in parts:
            consumer.on_buffer_full(part)
        async with started(cluster.producer(), cluster) as producer:
            await producer.send_and_wait(cluster.name(SPEC.source), b"more", partition=0)
        consumer.on_buffer_drop(parts[0])

        async def came(before: int = before) -> None:
            assert len(list(lane.offsets())) > before

        await eventually(came)
        for part in parts:
            consumer.on_buffer_drop(part)
    assert slept == []
