"""Checkpoints on a real broker with real lanes: to delete, cut, garble or exchange one changes nothing but time.

Each test shows that what it did to the file, or to the log, was noticed, and that what was not touched is used.
"""

from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.kafka import checkpoint as checkpoints
from adapters.kafka.administration import create_topics
from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.cluster import Cluster
from adapters.kafka.lane import StageLane
from adapters.kafka.reader import read_whole
from schemas.codec import encode
from schemas.topics import Topic
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC
from tests.broker.lanes import OwnedPartition, Runs, read_records
from tests.topics import delete_topic
from tests.unit import builders as zuora
from tests.unit.world import _topic_of

NOT_USED = "the checkpoint is not used: state is read from the log"
INVOICES = 12


class Counting(MatchCore):
    """The core of match, and how much of the log was folded into it."""

    def __init__(self) -> None:
        super().__init__(connection=zuora.CONNECTION, claims=(Claim(connection=zuora.CONNECTION),))
        self.folded = 0

    def fold(self, topic: Topic, value: bytes) -> None:
        self.folded += 1
        super().fold(topic, value)


class Bench:
    """One connection's partition of match: what went in, a lane, and its checkpoint's file."""

    def __init__(self, cluster: Cluster, path: Path, eventually: Callable[..., Any]) -> None:
        self.cluster, self.path, self.eventually = cluster, path, eventually
        self.cores: list[Counting] = []

    def make_core(self) -> Counting:
        self.cores.append(Counting())
        return self.cores[-1]

    async def put(self, events: Iterable[Any]) -> None:
        async with OwnedPartition(self.cluster) as worker:
            for event in events:
                await (await worker.send(_topic_of(event), key=b"k", value=encode(event), stage=""))

    @asynccontextmanager
    async def lane(self):
        """Run a lane that begins with nothing but the file and the log, and hand it all records that there are."""
        async with OwnedPartition(self.cluster) as worker:
            kept = Checkpoint(
                self.path, cluster=self.cluster, stage=SPEC.name, connection=zuora.CONNECTION, partition=0
            )
            lane = StageLane(
                spec=SPEC,
                make_core=self.make_core,
                cluster=self.cluster,
                connection=zuora.CONNECTION,
                partition=0,
                worker=worker,
                checkpoint=kept,
            )
            lane.start()
            try:
                await self.hand_over(lane)
                yield lane
            finally:
                await lane.close()

    async def hand_over(self, lane: StageLane) -> None:
        runs = Runs()
        lane.put(runs.event(*await read_records(self.cluster, Topic.RECORDS)), runs.acknowledge)

        async def acknowledged() -> None:
            assert runs.acknowledged

        await self.eventually(acknowledged, within_s=60)

    async def decide(self) -> None:
        """Let a lane decide what is there, and wait for its checkpoint."""
        async with self.lane():

            async def written() -> None:
                assert self.path.exists()

            await self.eventually(written, within_s=60)

    async def outputs(self) -> dict[Topic, list[bytes]]:
        records = await read_whole(self.cluster, 0, [Topic.MATCHED, Topic.OUTCOMES])
        return {topic: [one.value for one in records if one.topic is topic] for topic in SPEC.writes}

    async def folded(self) -> MatchCore:
        """Return a core that was folded from the log alone."""
        core = Counting()
        for record in await read_whole(self.cluster, 0, [*SPEC.writes, *SPEC.sides]):
            if record.topic in SPEC.writes:
                core.fold(record.topic, record.value)
            else:
                core.learn(record.topic, record.offset, record.value)
        return core

    async def goes_on_as_before(self) -> tuple[Counting, list[str]]:
        """Begin anew, hand all over again and something new; return the core, and why the file was not used."""
        before = await self.outputs()
        with capture_logs() as said:
            async with self.lane() as lane:
                assert await self.outputs() == before, "what came again adds nothing"
                await self.put([zuora.simple_invoice(name="new")])
                await self.hand_over(lane)
                after = await self.outputs()
                assert [len(after[topic]) - len(before[topic]) for topic in SPEC.writes] == [1, 0]
            assert self.cores[-1].kept == (await self.folded()).kept
        return self.cores[-1], [entry["why"] for entry in said if entry["event"] == NOT_USED]


@pytest.fixture
async def bench(cluster: Cluster, tmp_path: Path, eventually, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A partition of which everything is decided, with a checkpoint that knows a part of it."""
    monkeypatch.setattr(checkpoints, "RECORDS_NEWER", 5)
    found = Bench(cluster, tmp_path / "checkpoints" / "match.0", eventually)
    await found.put((*zuora.references(), *zuora.codes(), zuora.published(), zuora.account()))
    await found.put([zuora.simple_invoice(name=f"inv{number}") for number in range(INVOICES)])
    await found.put([zuora.simple_invoice(name="stranger", accountId="unknown")])
    await found.decide()
    return found


async def test_a_checkpoint_saves_reading_what_it_holds(bench: Bench):
    whole = await bench.folded()
    core, why = await bench.goes_on_as_before()
    assert why == []
    assert core.folded < whole.folded == INVOICES + 2
    assert core.unsettled() == (await bench.folded()).unsettled() != []


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a file says about itself; its checksum is right."""
    head, *parts = msgspec.msgpack.decode(path.read_bytes()[32:])
    about = msgspec.msgpack.decode(head)
    change(about)
    sealed(path, b"\xdd%b" % (1 + len(parts)).to_bytes(4, "big"), msgspec.msgpack.encode(about), *parts)


def sealed(path: Path, head: bytes, *parts: bytes) -> None:
    body = head + b"".join(b"\xc6" + len(part).to_bytes(4, "big") + part for part in parts)
    path.write_bytes(sha256(body).digest() + body)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def of_nothing(path: Path) -> None:
    sealed(path, bytes(5))


def of_more_than_there_is(path: Path) -> None:
    sealed(path, b"\xdd\xff\xff\xff\xff", b"only one")


def of(**other: Any) -> Callable[[Path], None]:
    return lambda path: rewritten(path, lambda about: about.update(other))


def ahead(path: Path) -> None:
    rewritten(path, lambda about: about["positions"].update(matched=1000))


def of_another_log(path: Path) -> None:
    rewritten(path, lambda about: about["marks"].update(matched=bytes(16)))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(cut, "cut off or garbled", id="cut"),
        pytest.param(emptied, "cut off or garbled", id="emptied"),
        pytest.param(garbled, "cut off or garbled", id="garbled"),
        pytest.param(of_nothing, "of another version", id="no parts"),
        pytest.param(of_more_than_there_is, "cut off or garbled", id="more parts than there are"),
        pytest.param(of(partition=1), "partition 1, here it is 0", id="partition"),
        pytest.param(of(stage="ledger"), "stage ledger, here it is match", id="stage"),
        pytest.param(of(group="x.ml-connector.match"), "group x.ml-connector.match, here", id="group"),
        pytest.param(of(connection="other"), "connection other, here", id="connection"),
        pytest.param(of(version=0), "version 0, here it is 1", id="version"),
        pytest.param(of(shape="old"), "shape old, here", id="shape"),
        pytest.param(of(marks="x"), "of another version", id="fields"),
        pytest.param(ahead, "matched ends at 13, before 1000", id="ahead"),
        pytest.param(of_another_log, "matched has another record at", id="another log"),
    ],
)
async def test_a_file_that_is_not_what_it_should_be_is_said_once_and_the_log_is_read(bench: Bench, spoil, why):
    whole = await bench.folded()
    spoil(bench.path)
    core, said = await bench.goes_on_as_before()
    assert len(said) == 1
    assert why in said[0]
    assert core.folded >= whole.folded


async def test_without_a_file_the_log_is_read(bench: Bench):
    whole = await bench.folded()
    bench.path.unlink()
    core, said = await bench.goes_on_as_before()
    assert said == []
    assert core.folded >= whole.folded


async def test_a_file_that_cannot_be_read_stops_nobody(bench: Bench):
    bench.path.unlink()
    bench.path.mkdir()
    _, [why] = await bench.goes_on_as_before()
    assert "directory" in why


async def test_where_no_file_can_be_written_the_lane_goes_on_and_says_so(cluster, tmp_path, eventually, monkeypatch):
    monkeypatch.setattr(checkpoints, "RECORDS_NEWER", 1)
    (tmp_path / "a-file").write_text("where a directory should be")
    bench = Bench(cluster, tmp_path / "a-file" / "match.0", eventually)
    await bench.put((*zuora.references(), zuora.published(), zuora.account(), zuora.simple_invoice()))
    with capture_logs() as said:
        async with bench.lane():

            async def warned() -> None:
                assert any("no checkpoint is written" in entry["event"] for entry in said)

            await bench.eventually(warned)
    assert len((await bench.outputs())[Topic.MATCHED]) == 2


async def remade(bench: Bench, topic: Topic, *values: bytes) -> None:
    """Delete a topic and make it anew, with these records of match in it."""
    count = await delete_topic(bench.cluster, topic)
    assert await create_topics(bench.cluster, partitions=count, replicas=1) == [topic]
    async with OwnedPartition(bench.cluster) as worker:
        for value in values:
            await (await worker.send(topic, key=b"k", value=value, stage=SPEC.name))


@pytest.mark.parametrize("left", ["nothing", "the beginning", "as many others"])
async def test_a_log_that_lost_what_the_checkpoint_knew_is_read_and_its_inputs_decided_anew(bench: Bench, left: str):
    before = (await bench.outputs())[Topic.MATCHED]
    values = {"nothing": [], "the beginning": before[:4], "as many others": [before[0], *reversed(before[1:])]}[left]
    await remade(bench, Topic.MATCHED, *values)
    with capture_logs() as said:
        async with bench.lane():
            after = (await bench.outputs())[Topic.MATCHED]
    whys = [entry["why"] for entry in said if entry["event"] == NOT_USED]
    assert len(whys) == 1
    assert whys[0].startswith("matched has another record" if left == "as many others" else "matched ends at")
    assert sorted(set(after)) == sorted(before), "each input has its output again"
    assert len(after) == len(before)
    assert bench.cores[-1].kept == (await bench.folded()).kept
