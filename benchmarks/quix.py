"""From a record to its posting on quixstreams, deciding by the product's cores; needs the `bench` group.

Run by benchmarks/moving.py with a configuration. What it knows is gone with its process, and nothing else may write.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from quixstreams import Application, message_context
from quixstreams.models import SerializationContext, Serializer

from adapters.kafka.cluster import Cluster
from benchmarks.loop import COMMIT_EVERY_S, learnt
from console.config import load_site
from schemas.codec import encode
from schemas.topics import Topic
from streams.ledger.spec import SPEC as LEDGER
from streams.match.spec import SPEC as MATCH
from streams.stage import Input, Output, StageSpec

_COMMITTED = {"isolation.level": "read_committed"}


def application(cluster: Cluster) -> Application:
    """Return the application that is both stages."""
    app = Application(
        cluster.bootstrap,
        consumer_group=cluster.group("quix"),
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_interval=COMMIT_EVERY_S,
        consumer_extra_config=_COMMITTED,
        producer_extra_config={"acks": "all", "enable.idempotence": True},
        loglevel="ERROR",
    )
    topics = {
        topic: app.topic(cluster.name(topic), value_deserializer="bytes", value_serializer=_Event())
        for topic in {MATCH.source, *MATCH.writes, *LEDGER.writes}
    }
    for spec in (MATCH, LEDGER):
        outputs = app.dataframe(topics[spec.source]).apply(_decide(cluster, spec), expand=True, metadata=True)
        outputs.to_topic(lambda output, *_: topics[output.topic], key=lambda output: output.key)
    return app


class _Event(Serializer):  # type: ignore[misc]  # quixstreams is not there where types are checked
    """Writes an output's event."""

    def __call__(self, value: Output, ctx: SerializationContext) -> bytes:
        return encode(value.event)


def _decide(cluster: Cluster, spec: StageSpec) -> Callable[..., list[Output]]:
    """Return what decides one record, with the one that it refers to."""
    core, refers_to = asyncio.run(learnt(cluster, spec)), spec.refers_to
    material = _Ahead(cluster, spec.material) if spec.material else None

    def decide(value: bytes, key: bytes, timestamp_ms: int, _headers: Any) -> list[Output]:
        found = None
        if refers_to and material and (offset := refers_to(value)) is not None:
            found = material.at(offset)
        return list(core.decide(Input(message_context().offset, timestamp_ms, key, value, found)))

    return decide


class _Ahead:
    """Reads a topic's records once, in order; each can be had once."""

    def __init__(self, cluster: Cluster, topic: Topic) -> None:
        self._read: dict[int, bytes] = {}
        self._consumer = Consumer(
            {"bootstrap.servers": cluster.bootstrap, "group.id": "unused", "enable.auto.commit": False, **_COMMITTED}
        )
        self._consumer.assign([TopicPartition(cluster.name(topic), 0, 0)])

    def at(self, offset: int) -> bytes:
        """Return the record at an offset, waiting for it."""
        while offset not in self._read:
            message = self._consumer.poll(1.0)
            if message is not None:
                self._read[message.offset()] = message.value()
        return self._read.pop(offset)


if __name__ == "__main__":
    application(load_site(Path(sys.argv[1])).cluster).run()
