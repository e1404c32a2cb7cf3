"""Topics and consumer groups: made, checked, looked at, and reset only while nobody reads."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.structs import OffsetAndMetadata

from adapters.kafka.cluster import Cluster, started
from schemas.errors import Misconfigured, Transient
from schemas.topics import SPEC, TOPICS, Topic

# A fresh cluster makes its offsets topic at the first look-up of a group; until then no coordinator is there.
_COORDINATOR_TRIES = 40
_COORDINATOR_PAUSE_S = 0.5
_NOT_ALLOWED = (TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno)


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A stage's consumer group.

    Attributes:
        state: Kafka's word: Stable, Empty, Dead ...
        members: How many workers.
        committed: Next offset to read, by partition; a partition without a commit is absent.
    """

    state: str
    members: int
    committed: Mapping[int, int]


async def create_topics(cluster: Cluster, *, partitions: int, replicas: int) -> list[Topic]:
    """Create the topics that are missing and return them; those that are there are checked.

    Raises:
        Misconfigured: A topic stands there with another partition count, or other settings.
    """
    present = await partition_counts(cluster)
    missing = [spec for spec in TOPICS if spec.topic not in present]
    async with cluster.admin() as admin:
        answer = await admin.create_topics(
            [
                NewTopic(cluster.name(spec.topic), partitions, replicas, topic_configs=spec.settings())
                for spec in missing
            ]
        )
    _check_created(answer.topic_errors, replicas=replicas)
    await _await_topics(cluster)
    await check_topics(cluster, partitions=partitions)
    return [spec.topic for spec in missing]


async def check_topics(cluster: Cluster, *, partitions: int) -> None:
    """Hold that every topic is there, with the partition count and the settings that the connections rely on.

    Raises:
        Misconfigured: A topic is missing, has another count, or would lose or refuse records; the message says what to
            do.
    """
    present = await partition_counts(cluster)
    missing = [spec.topic.value for spec in TOPICS if spec.topic not in present]
    if missing:
        raise Misconfigured(f"topics are missing ({', '.join(missing)}): run ml-connector topics create")
    for topic, count in present.items():
        if count != partitions:
            raise Misconfigured(
                f"topic {cluster.name(topic)} has {count} partitions, the configuration says {partitions}: a "
                "connection's partition would move. Set [kafka] partitions to what is there (runbook: growing)."
            )
    for topic, settings in (await topic_settings(cluster)).items():
        to_mend = SPEC[topic].to_mend(settings)
        if to_mend:
            stands = ", ".join(f"{name}={settings.get(name)}" for name in to_mend)
            needed = ",".join(f"{name}={value}" for name, value in to_mend.items())
            raise Misconfigured(
                f"topic {cluster.name(topic)} would lose or refuse records: {stands}. Set it: kafka-configs.sh --alter "
                f"--entity-type topics --entity-name {cluster.name(topic)} --add-config {needed}"
            )


async def partition_counts(cluster: Cluster) -> dict[Topic, int]:
    """Return the partition count of each of our topics that is there."""
    async with cluster.admin() as admin:
        names = await _names(admin)
        wanted = {cluster.name(topic): topic for topic in SPEC if cluster.name(topic) in names}
        described = await admin.describe_topics(list(wanted)) if wanted else []
    return {wanted[row["topic"]]: len(row["partitions"]) for row in described}


async def topic_settings(cluster: Cluster) -> dict[Topic, dict[str, str]]:
    """Return the broker's settings of our topics as they stand.

    Raises:
        Misconfigured: Kafka does not let us see them.
        Transient: It cannot show them now.
    """
    ours = {cluster.name(spec.topic): spec.topic for spec in TOPICS}
    async with cluster.admin() as admin:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in ours])
    found = {}
    for code, message, _, name, rows in (told for answer in answers for told in answer.resources):
        if code in _NOT_ALLOWED:
            raise Misconfigured(
                f"Kafka does not show the settings of topic {name}: its user needs DescribeConfigs there"
            )
        if code:
            raise Transient(f"Kafka cannot show the settings of topic {name} now: {message or for_code(code).__name__}")
        found[ours[name]] = {row[0]: row[1] for row in rows}
    return found


async def group_state(cluster: Cluster, stage: str, topic: Topic | None = None) -> GroupState:
    """Return a stage's group as it stands; of a group with several topics, how far it is in one of them."""
    group = cluster.group(stage)
    async with cluster.admin() as admin:
        await _await_coordinator(admin, group)
        described = (await admin.describe_consumer_groups([group]))[0].groups[0]
        offsets = await admin.list_consumer_group_offsets(group)
    return GroupState(
        state=described[2],
        members=len(described[5]),
        committed={
            part.partition: told.offset
            for part, told in offsets.items()
            if told.offset >= 0 and (topic is None or part.topic == cluster.name(topic))
        },
    )


async def reset_offset(cluster: Cluster, stage: str, part: TopicPartition, offset: int) -> None:
    """Move one partition of a stage's group; the others stay.

    Raises:
        Transient: The group is not empty: somebody reads.
    """
    state = await group_state(cluster, stage)
    if state.state not in ("Empty", "Dead"):
        raise Transient(
            f"the {stage} stage is running ({state.state}, {state.members} members): stop it on all machines, wait for "
            "one session time-out (10 s), and ask again"
        )
    consumer = cluster.consumer(group_id=cluster.group(stage))
    async with started(consumer, cluster):
        consumer.assign([part])
        await consumer.commit({part: OffsetAndMetadata(offset, "replay")})


async def end_offsets(
    cluster: Cluster, topics: Sequence[Topic], partitions: Sequence[int]
) -> dict[tuple[Topic, int], int]:
    """Return where each partition of the topics ends: the high watermark."""
    consumer = cluster.consumer(isolation_level="read_uncommitted")
    wanted = {cluster.partition(topic, number): (topic, number) for topic in topics for number in partitions}
    async with started(consumer, cluster):
        ends = await consumer.end_offsets(list(wanted))
    return {wanted[part]: end for part, end in ends.items()}


async def offset_at(cluster: Cluster, part: TopicPartition, moment_ms: int) -> int | None:
    """Return the offset of the first record not older than a moment, or None where there is none."""
    consumer = cluster.consumer()
    async with started(consumer, cluster):
        found = (await consumer.offsets_for_times({part: moment_ms}))[part]
    return None if found is None else int(found.offset)


def _check_created(told: Sequence[Any], *, replicas: int) -> None:
    """Hold that Kafka made what was asked for: it answers topic by topic, (name, code, message).

    Raises:
        Misconfigured: It refused one; the message says why in Kafka's words.
    """
    for name, code, *message in told:
        # Somebody else is setting up at the same moment: what stands there is checked afterwards.
        if code not in (0, TopicAlreadyExistsError.errno):
            why = (message[0] if message else None) or for_code(code).__name__
            raise Misconfigured(
                f"Kafka refuses topic {name}: {why}. [kafka] replicas is {replicas}: a cluster of one node takes 1, "
                "and the user needs the right to create topics"
            )


async def _names(admin: Any) -> set[str]:
    """Return the names of all topics; a broker that has just come up, or come back, names no node for a moment."""
    for _ in range(_COORDINATOR_TRIES):
        try:
            return set(await admin.list_topics())
        except NodeNotReadyError:
            await asyncio.sleep(_COORDINATOR_PAUSE_S)
    raise Transient("Kafka answers, but names no node that is ready: look at the broker's log")


async def _await_topics(cluster: Cluster) -> None:
    """Wait until the broker shows what it has just made."""
    for _ in range(_COORDINATOR_TRIES):
        if len(await partition_counts(cluster)) == len(TOPICS):
            return
        await asyncio.sleep(_COORDINATOR_PAUSE_S)


async def _await_coordinator(admin: Any, group: str) -> None:
    for _ in range(_COORDINATOR_TRIES):
        try:
            await admin.find_coordinator(group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(_COORDINATOR_PAUSE_S)
        else:
            return
    raise Transient("Kafka names no coordinator for our groups: look at the broker's log")
