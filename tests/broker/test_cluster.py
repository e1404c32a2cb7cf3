"""A client that is cancelled while it starts or stops leaves nothing open; without a broker it says where it looked."""

import asyncio
import contextlib
import gc
import socket
from contextlib import AbstractAsyncContextManager

import psutil
import pytest

from adapters.kafka.cluster import Cluster, started
from adapters.kafka.reader import Reader
from schemas.errors import Transient
from schemas.topics import Topic


def open_connections() -> int:
    """Return how many connections to brokers this process holds; what nobody owns any more is closed before."""
    gc.collect()
    return sum(found.status == psutil.CONN_ESTABLISHED for found in psutil.Process().net_connections("tcp"))


async def test_a_start_that_is_cancelled_at_any_moment_leaves_no_connection_open(cluster: Cluster):
    async def hold() -> None:
        async with started(cluster.producer(transactional_id=f"{cluster.namespace}cut"), cluster):
            began.set()
            await asyncio.sleep(60)

    before = open_connections()
    began, cut_before, cut_after = asyncio.Event(), 0, 0
    turns = 0  # of the loop, not milliseconds: a fast machine starts a client in three of them
    while cut_after < 3:
        began.clear()
        task = asyncio.create_task(hold())
        for _ in range(turns):
            await asyncio.sleep(0)
        if began.is_set():
            cut_after += 1
        else:
            cut_before += 1
        turns += 5
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert cut_before > 5
    assert open_connections() == before


@pytest.mark.parametrize("kind", ["consumer", "consumer of a group", "producer", "admin", "reader"])
async def test_a_stop_that_is_cancelled_at_any_moment_ends_and_the_cancellation_counts(cluster: Cluster, kind: str):
    """aiokafka takes a cancellation that comes while it stops for that of its own tasks: who closes waits for ever."""

    def client() -> AbstractAsyncContextManager[object]:
        if kind == "admin":
            return cluster.admin()
        if kind == "reader":
            return Reader(cluster, 0, {Topic.OUTCOMES: 0})
        if kind == "producer":
            return started(cluster.producer(transactional_id=f"{cluster.namespace}cut"), cluster)
        return started(cluster.consumer(group_id=cluster.group("cut") if "group" in kind else None), cluster)

    async def hold() -> None:
        async with client() as found:
            if kind.startswith("consumer"):
                part = cluster.partition(Topic.OUTCOMES, 0)
                found.assign([part])
                await found.position(part)
            ends.set()
        # Nothing may be done here once it was cancelled.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    before = open_connections()
    ends, turns, ended = asyncio.Event(), 0, False
    while not ended:
        ends.clear()
        task = asyncio.create_task(hold())
        await ends.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        turns, ended = turns + 1, task.done()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() is not ended, f"the cancellation after {turns - 1} turns was lost"
        assert open_connections() == before
    assert turns > 3


async def test_a_broker_that_is_not_there_is_said_with_its_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
        cluster = Cluster(nobody)
        with pytest.raises(Transient, match=f"no Kafka answers at {nobody}"):
            async with started(cluster.consumer(), cluster):
                pass
