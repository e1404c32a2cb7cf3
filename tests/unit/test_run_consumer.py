"""The transport and the worker without a broker: what Faust calls, in the order of a rebalance."""

import asyncio
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from adapters.kafka.cluster import Cluster
from adapters.kafka.worker import StageWorker
from streams.match.agent import host
from streams.match.spec import SPEC

PART = TP(SPEC.source.value, 0)


def worker(tmp_path) -> StageWorker:
    """Return a worker that is not started, none of whose partitions has a connection."""
    cluster = Cluster("127.0.0.1:1")
    return StageWorker(
        spec=SPEC, cluster=cluster, slot="0", directory=tmp_path, host_agent=host, make_lane=lambda *_: None
    )


async def nothing(*_: Any) -> None:
    """Take part in a rebalance without a word."""


async def test_a_first_commit_that_fails_over_a_rebalance_does_not_pass_for_one_that_was_made(tmp_path, monkeypatch):
    consumer: Any = worker(tmp_path).app.consumer
    rebalanced, sought = asyncio.Event(), {}

    async def fails_over_a_rebalance(offsets: dict[TP, int]) -> bool:
        """Answer as Faust's thread does to a commit of a generation that is over."""
        await rebalanced.wait()
        return False

    async def never_committed() -> dict[TP, int | None]:
        return {PART: None}

    async def earliest(*parts: TP) -> dict[TP, int]:
        return dict.fromkeys(parts, 0)

    async def seek(offsets: dict[TP, int]) -> None:
        sought.update(offsets)

    monkeypatch.setattr(consumer, "assignment", lambda: {PART})
    monkeypatch.setattr(consumer, "seek_to_committed", never_committed)
    monkeypatch.setattr(consumer, "earliest_offsets", earliest)
    monkeypatch.setattr(consumer, "seek_wait", seek)
    monkeypatch.setattr(consumer, "_commit", fails_over_a_rebalance)
    monkeypatch.setattr(consumer, "_on_partitions_revoked", nothing)
    monkeypatch.setattr(consumer.app.producer, "flush", nothing)
    consumer._acked[PART].append(19)

    committing = asyncio.create_task(consumer.commit())
    await asyncio.sleep(0.01)
    await consumer.on_partitions_revoked({PART})
    rebalanced.set()
    await committing
    # As Faust does before it lets records flow again.
    await consumer.perform_seek()
    assert sought == {PART: 0}


async def test_runs_of_a_partition_without_a_connection_are_not_collected(tmp_path):
    found = worker(tmp_path)
    await found._assigned(None, {PART}, signal=None)
    for offset in range(100):
        event = SimpleNamespace(message=SimpleNamespace(partition=0, offset=offset), value=[])
        found._take(event, nothing)
    assert len(found._early) == 0
