"""`python -m benchmarks.peer_sink`: the sink of the product, on the peer kit's topic and target.

The stage is the product's own: Faust, the lane with its fencing writer, the log of outcomes, its bookmark and
checkpoint; only the ERP is another. Before it, in the same process, a feed makes a posting of each of the kit's
documents: it reads their topic under the kit's group, and commits what the broker has as postings. A document that is
fed twice is the same posting.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import click

from adapters.kafka.administration import create_topics
from adapters.kafka.bookmark import Bookmark
from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.owned import Partition
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.sink_lane import SinkLane
from adapters.kafka.worker import StageWorker
from benchmarks.peer_documents import CONNECTION, posting_set_of
from benchmarks.peer_erp import LIMITS, KitErp
from console.logs import set_up_logs
from schemas.postings import PostingSet
from schemas.topics import Topic, key
from streams.ports import Erp
from streams.sink.agent import host
from streams.sink.spec import SPEC

SLOT = "peer"
# One target is one connection, and a connection is one partition.
PARTITION = 0
# Documents that become postings before anything else has its turn: 5 ms of work.
_FEED_RECORDS = 50


@click.command()
@click.option("--bootstrap", required=True, help="host:port of the broker.")
@click.option("--topic", required=True, help="The kit's documents.")
@click.option("--group", required=True, help="Consumer group of the feed, and namespace of our topics.")
@click.option("--url", required=True, help="Where documents are posted.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="Outlives a kill.")
def main(*, bootstrap: str, topic: str, group: str, url: str, directory: Path) -> None:
    """Bring the documents of a topic to the target until ended."""
    set_up_logs("info")
    directory.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(bootstrap, namespace=f"{group}.")
    sys.exit(asyncio.run(run(cluster, topic=topic, group=group, url=url, directory=directory)))


async def run(cluster: Cluster, *, topic: str, group: str, url: str, directory: Path) -> int:
    """Run the feed and the stage; return the stage's exit code."""
    await create_topics(cluster, partitions=1, replicas=1)
    async with KitErp(url) as erp:
        worker = _worker(cluster, erp, directory)
        feeding = asyncio.create_task(feed(cluster, topic=topic, group=group))
        feeding.add_done_callback(lambda ended: worker.end(f"the feed ended: {ended}"))
        code = await worker.run()
        feeding.cancel()
        await asyncio.wait([feeding])
    return code


async def feed(cluster: Cluster, *, topic: str, group: str) -> None:
    """Make a posting of each document, in the order of its partition, at least once."""
    consumer = cluster.consumer(group_id=group, group_instance_id=f"{group}.{SLOT}", max_poll_records=_FEED_RECORDS)
    async with started(consumer, cluster), Publisher(cluster) as publisher:
        consumer.subscribe([topic])
        while True:
            fetched = await consumer.getmany(timeout_ms=500)
            made = [
                _publication(posting_set_of(record.value or b"", offset=record.offset))
                for records in fetched.values()
                for record in records
            ]
            if made:
                await publisher.publish(made)
                await consumer.commit()


def _publication(event: PostingSet) -> Publication:
    where = key(event.connection, event.kind, event.id)
    return Publication(topic=Topic.POSTINGS, partition=PARTITION, key=where, event=event)


def _worker(cluster: Cluster, erp: Erp, directory: Path) -> StageWorker:
    def make_lane(partition: int, owned: Partition, end: Callable[[str], None]) -> SinkLane:
        return SinkLane(
            cluster=cluster,
            connection=CONNECTION,
            partition=partition,
            limits=LIMITS,
            erp=erp,
            worker=owned,
            end_process=end,
            checkpoint=Checkpoint(
                directory / "sink", cluster=cluster, stage=SPEC.name, connection=CONNECTION, partition=partition
            ),
            bookmark=Bookmark(directory / "sink.mark"),
        )

    return StageWorker(spec=SPEC, cluster=cluster, slot=SLOT, directory=directory, host_agent=host, make_lane=make_lane)


if __name__ == "__main__":
    main()
