"""A sink's lane as tests run it: its worker's side, what is handed to it, and what it wrote."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from adapters.kafka.administration import create_topics
from adapters.kafka.bookmark import Bookmark
from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import read_whole
from adapters.kafka.sink_calls import Limits
from adapters.kafka.sink_lane import SinkLane
from schemas.codec import Event, encode
from schemas.events import read_outcome
from schemas.outcomes import AnyOutcome
from schemas.postings import Posting, PostingSet
from schemas.topics import Topic, key
from streams.sink.spec import STAGE
from tests.broker.erps import CONNECTION, Qad
from tests.broker.lanes import OwnedPartition, Runs, read_records
from tests.topics import delete_topic

# Settling is quick here: the calls time out after one second.
LIMITS = Limits(concurrency=4, age_s=0.3, settle_s=1.8)


class Sink:
    """A lane, and what is handed to it."""

    def __init__(self, cluster: Cluster, qad: Qad, worker: OwnedPartition, **more: Any) -> None:
        self._cluster = cluster
        self.worker = worker
        self.ended: list[str] = []
        self.runs = Runs()
        self.lane = SinkLane(
            cluster=cluster,
            end_process=self.ended.append,
            **{
                "connection": CONNECTION,
                "partition": 0,
                "worker": worker,
                "limits": LIMITS,
                "erp": qad.erp,
                "bookmark": Bookmark(qad.bookmark),
                **more,
            },
        )

    async def give(self, *sets: PostingSet) -> None:
        """Write inputs to the topic and hand all of them over as one run."""
        before = len(await read_records(self._cluster, Topic.POSTINGS))
        await put(self._cluster, Topic.POSTINGS, *sets)
        self.take((await read_records(self._cluster, Topic.POSTINGS))[before:])

    def take(self, records: Sequence[object]) -> None:
        self.lane.put(self.runs.event(*records), self.runs.acknowledge)

    async def acknowledged(self, count: int = 1) -> None:
        assert len(self.runs.acknowledged) >= count


@asynccontextmanager
async def running_sink(cluster: Cluster, qad: Qad, **more: Any) -> AsyncIterator[Sink]:
    async with OwnedPartition(cluster) as worker:
        sink = Sink(cluster, qad, worker, **more)
        sink.lane.start()
        yield sink
        await sink.lane.close()


async def put(cluster: Cluster, topic: Topic, *events: Event) -> None:
    async with OwnedPartition(cluster) as worker:
        for event in events:
            await (await worker.send(topic, key=key(CONNECTION), value=encode(event), stage="test"))


async def outcomes(cluster: Cluster, *postings: Posting) -> list[AnyOutcome]:
    names = {posting.id for posting in postings}
    found = [read_outcome(record.value) for record in await read_whole(cluster, 0, [Topic.OUTCOMES])]
    return [outcome for outcome in found if not names or outcome.subject in names]


def kinds(found: Sequence[AnyOutcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in found]


async def commit(cluster: Cluster, offset: int) -> None:
    """Move the sink's group to an offset, as its worker does when runs are acknowledged."""
    part = cluster.partition(Topic.POSTINGS, 0)
    consumer = cluster.consumer(group_id=cluster.group(STAGE))
    await consumer.start()
    consumer.assign([part])
    await consumer.commit({part: offset})
    await consumer.stop()


async def cut_outcomes(cluster: Cluster, *, keep: int, then: Sequence[Event] = ()) -> int:
    """Cut the end off the log of outcomes; others may write to it again meanwhile. Return how many records went."""
    records = await read_whole(cluster, 0, [Topic.OUTCOMES])
    count = await delete_topic(cluster, Topic.OUTCOMES)
    assert await create_topics(cluster, partitions=count, replicas=1) == [Topic.OUTCOMES]
    async with OwnedPartition(cluster) as worker:
        for record in records[:keep]:
            await (await worker.send(Topic.OUTCOMES, key=record.key, value=record.value, stage=STAGE))
        for event in then:
            await (await worker.send(Topic.OUTCOMES, key=b"k", value=encode(event), stage="match"))
    return len(records) - keep
