"""Topics that go away beneath the product."""

from adapters.kafka.administration import partition_counts
from adapters.kafka.cluster import Cluster
from schemas.topics import Topic
from tests.conftest import eventually


async def delete_topic(cluster: Cluster, topic: Topic) -> int:
    """Delete a topic and wait until the broker shows it no more, which is later than its answer.

    Returns:
        How many partitions it had.
    """
    count = (await partition_counts(cluster))[topic]
    async with cluster.admin() as admin:
        await admin.delete_topics([cluster.name(topic)])

    async def gone() -> None:
        assert topic not in await partition_counts(cluster)

    await eventually(gone)
    return count
