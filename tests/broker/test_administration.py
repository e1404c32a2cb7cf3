"""Topics, partitions and groups on a real broker."""

import asyncio
import secrets
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from adapters.kafka.administration import (
    check_topics,
    create_topics,
    end_offsets,
    group_state,
    partition_counts,
    reset_offset,
    topic_settings,
)
from adapters.kafka.assignments import assign, read_assignments, require_assignments
from adapters.kafka.cluster import Cluster
from schemas.errors import Misconfigured, Transient
from schemas.topics import SPEC, Topic

PARTITIONS = 3


async def test_topics_are_made_once_with_the_settings_of_the_table(cluster: Cluster):
    assert await create_topics(cluster, partitions=PARTITIONS, replicas=1) == []
    assert await partition_counts(cluster) == dict.fromkeys(SPEC, PARTITIONS)
    for topic, settings in (await topic_settings(cluster)).items():
        assert settings["cleanup.policy"] == ("compact" if SPEC[topic].compacted else "delete")
        assert settings["retention.ms"] == "-1"
        assert settings["max.message.bytes"] == str(SPEC[topic].message_bytes_max)


async def test_another_partition_count_is_refused(cluster: Cluster):
    with pytest.raises(Misconfigured, match="has 3 partitions, the configuration says 5"):
        await check_topics(cluster, partitions=5)


@pytest.mark.parametrize(
    ("topic", "settings", "said"),
    [
        (Topic.RECORDS, {"retention.ms": "604800000"}, "retention.ms=604800000"),
        (Topic.OUTCOMES, {"cleanup.policy": "compact"}, "cleanup.policy=compact"),
        (Topic.DEAD_LETTERS, {"max.message.bytes": "16842752"}, "max.message.bytes=16842752"),
    ],
)
async def test_a_topic_that_would_lose_or_refuse_records_is_refused(
    cluster: Cluster, eventually, topic, settings, said
):
    async def alter(**configs: str) -> None:
        async with cluster.admin() as admin:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, cluster.name(topic), configs)])

        async def shown() -> None:
            assert configs.items() <= (await topic_settings(cluster))[topic].items()

        await eventually(shown)

    await alter(**SPEC[topic].settings() | settings)
    with pytest.raises(Misconfigured, match=f"{topic.value} would lose or refuse records: {said}") as told:
        await check_topics(cluster, partitions=PARTITIONS)
    command, _, needed = str(told.value).partition(" --add-config ")
    assert f"--alter --entity-type topics --entity-name {cluster.name(topic)}" in command
    await alter(**SPEC[topic].settings() | settings | dict(one.split("=") for one in needed.split(",")))
    await check_topics(cluster, partitions=PARTITIONS)


@pytest.mark.parametrize(
    ("topic", "settings"),
    [
        (Topic.RECORDS, {"max.message.bytes": str(64 * 1024 * 1024)}),
        (Topic.RECORDS, {"message.timestamp.type": "LogAppendTime"}),
        (Topic.CURSORS, {"retention.ms": "604800000"}),
    ],
)
def test_settings_by_which_nothing_is_lost_or_refused_are_the_site_s(topic, settings):
    assert SPEC[topic].to_mend(SPEC[topic].settings() | settings) == {}


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [(29, Misconfigured, "DescribeConfigs"), (5, Transient, "LeaderNotAvailable"), (41, Transient, "NotController")],
)
async def test_settings_that_kafka_does_not_show(cluster: Cluster, monkeypatch, code, error, said):
    async def refuse(admin, resources):
        return [SimpleNamespace(resources=[(code, "", 2, resources[0].name, [])])]

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_configs", refuse)
    with pytest.raises(error, match=said):
        await check_topics(cluster, partitions=PARTITIONS)


async def test_missing_topics_are_named(kafka: str):
    nowhere = Cluster(kafka, namespace=f"none{secrets.token_hex(4)}.")
    with pytest.raises(Misconfigured, match="run ml-connector topics create"):
        await check_topics(nowhere, partitions=PARTITIONS)


async def test_a_broker_that_is_not_there_is_named():
    with pytest.raises(Transient, match=r"no Kafka answers at 127\.0\.0\.1:1"):
        await check_topics(Cluster("127.0.0.1:1"), partitions=PARTITIONS)


async def test_connections_take_the_first_free_partition_and_keep_it(cluster: Cluster):
    assert await assign(cluster, ["a", "b"], partitions=PARTITIONS, by="test") == {"a": 0, "b": 1}
    assert await assign(cluster, ["c", "b"], partitions=PARTITIONS, by="test") == {"c": 2, "b": 1}
    assert await read_assignments(cluster, partitions=PARTITIONS) == {"a": 0, "b": 1, "c": 2}


async def test_a_connection_too_many_is_refused(cluster: Cluster):
    await assign(cluster, ["a", "b", "c"], partitions=PARTITIONS, by="test")
    with pytest.raises(Misconfigured, match="connection d finds no free partition"):
        await assign(cluster, ["d"], partitions=PARTITIONS, by="test")


async def test_two_that_claim_at_the_same_moment_get_different_partitions(cluster: Cluster):
    await asyncio.gather(*(assign(cluster, [name], partitions=PARTITIONS, by="test") for name in ("a", "b", "c")))
    owners = await read_assignments(cluster, partitions=PARTITIONS)
    assert sorted(owners) == ["a", "b", "c"]
    assert sorted(owners.values()) == [0, 1, 2]


async def test_a_connection_without_a_partition_is_named(cluster: Cluster):
    with pytest.raises(Misconfigured, match="no partition yet for x: run ml-connector topics create"):
        await require_assignments(cluster, ["x"], partitions=PARTITIONS)


async def test_offsets_move_only_while_nobody_reads(cluster: Cluster):
    part = cluster.partition(Topic.POSTINGS, 0)
    producer = cluster.producer()
    await producer.start()
    for number in range(5):
        await producer.send_and_wait(part.topic, b"%d" % number, partition=0)
    await producer.stop()
    reading: AIOKafkaConsumer = cluster.consumer(group_id=cluster.group("sink"))
    await reading.start()
    reading.subscribe([part.topic])
    while not reading.assignment():
        await reading.getmany(timeout_ms=100)
    await reading.commit({part: 5})
    with pytest.raises(Transient, match="the sink stage is running"):
        await reset_offset(cluster, "sink", part, 2)
    await reading.stop()
    await reset_offset(cluster, "sink", part, 2)
    state = await group_state(cluster, "sink")
    assert (state.state, state.members, state.committed) == ("Empty", 0, {0: 2})
    assert await end_offsets(cluster, [Topic.POSTINGS], [0, 1]) == {(Topic.POSTINGS, 0): 5, (Topic.POSTINGS, 1): 0}


async def test_what_kafka_refuses_is_said_in_its_words(kafka: str):
    """A cluster of one node cannot keep three copies: nobody is told to run what has just been refused."""
    cluster = Cluster(kafka, namespace=f"t{secrets.token_hex(4)}.")
    with pytest.raises(Misconfigured, match="replicas is 3") as refused:
        await create_topics(cluster, partitions=1, replicas=3)
    assert "topics create" not in str(refused.value)
