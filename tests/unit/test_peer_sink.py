"""The benchmark's sink is as safe as the product's: killed, and with replies lost, it brings each document once."""

import asyncio
import json
import secrets
import sys
from collections import Counter
from contextlib import contextmanager

import pytest
from aiohttp import web
from aiokafka.admin import NewTopic

from adapters.kafka.cluster import Cluster, started
from benchmarks.peer_target import PATH, Target, options_of
from sandbox.process import spawn

ACCOUNTS, EACH, PARTITIONS = 8, 15, 2


@pytest.fixture
async def documents(kafka):
    """A topic as the kit makes it: an account has one partition, and its documents stand there in their order."""
    cluster, topic = Cluster(kafka), f"documents-{secrets.token_hex(4)}"
    async with cluster.admin() as admin:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        async with started(cluster.producer(), cluster) as producer:
            for seq in range(1, EACH + 1):
                for account in range(ACCOUNTS):
                    document = {"id": f"D{account}{seq:06d}", "account": f"A{account}", "seq": seq, "text": "x"}
                    value = json.dumps(document).encode()
                    await producer.send_and_wait(topic, value, partition=account % PARTITIONS)
        yield topic
        await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(topic)])


@contextmanager
def sink(kafka, topic, url, directory):
    given = {"bootstrap": kafka, "topic": topic, "group": topic, "url": url, "directory": directory / "sink"}
    words = [str(word) for name, value in given.items() for word in (f"--{name}", value)]
    process = spawn([sys.executable, "-m", "benchmarks.peer_sink", *words], log=directory / "sink.log")
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


@pytest.fixture
async def target(tmp_path):
    """The target, with one reply in ten lost: its address and its log."""
    log = tmp_path / "accepted.log"
    options = options_of(["--port", "0", "--log", str(log), "--drop-share", "0.1"])
    runner = web.AppRunner(Target(options).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}", log
    await runner.cleanup()


async def test_killed_midway_and_with_replies_lost_each_document_is_there_once_and_in_order(
    kafka, documents, target, tmp_path, eventually
):
    url, log = target

    async def accepted(least):
        assert len(log.read_text().splitlines()) >= least

    with sink(kafka, documents, url, tmp_path):
        await eventually(lambda: accepted(ACCOUNTS * EACH // 2), within_s=40, every_s=0.02)
    assert len(log.read_text().splitlines()) < ACCOUNTS * EACH, "the sink had done all before it was killed"
    with sink(kafka, documents, url, tmp_path) as process:
        await eventually(lambda: accepted(ACCOUNTS * EACH), within_s=40)
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
    rows = [line.split() for line in log.read_text().splitlines()]
    assert Counter(Counter(row[1] for row in rows).values()) == {1: ACCOUNTS * EACH}
    for account in range(ACCOUNTS):
        assert [int(row[3]) for row in rows if row[2] == f"A{account}"] == list(range(1, EACH + 1))
