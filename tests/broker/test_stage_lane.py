"""A deciding stage's lane on a real broker: nothing is acknowledged before it is written, nothing is decided twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from adapters.kafka.cluster import Cluster
from adapters.kafka.lane import StageLane
from adapters.kafka.owned import DOCUMENTS_HIGH
from adapters.kafka.reader import read_whole
from schemas.codec import Event, encode
from schemas.topics import Topic
from streams.stage import Input, Output, StageSpec
from tests.broker.lanes import OwnedPartition, Runs, read_records

SPEC = StageSpec(
    name="match",
    source=Topic.RECORDS,
    writes=(Topic.MATCHED, Topic.OUTCOMES),
    sides=(Topic.DECISIONS,),
)


class Note(Event, frozen=True, kw_only=True, tag="note"):
    """An output that says which input it comes from, and what side was known."""

    origin: int
    side: str


@dataclass
class Core:
    """Writes one note for each input; waits for a decision where the input says so; crashes where it says so."""

    made: set[int] = field(default_factory=set)
    side: str = ""
    waiting: set[int] = field(default_factory=set)

    def fold(self, topic: Topic, value: bytes) -> None:
        if topic is Topic.MATCHED:
            self.made.add(int(value.decode().split('"origin":')[1].split(",")[0]))

    def learn(self, topic: Topic, offset: int, value: bytes) -> Sequence[str]:
        self.side = value.decode()
        return ("side",)

    def decide(self, item: Input) -> Sequence[Output]:
        if item.offset in self.made:
            return ()
        if item.value == b"crash":
            raise RuntimeError("a bug of ours")
        if item.value == b"wait" and not self.side:
            self.waiting.add(item.offset)
            return ()
        self.made.add(item.offset)
        self.waiting.discard(item.offset)
        return (Output(Topic.MATCHED, b"k", Note(origin=item.offset, side=self.side)),)

    def held_by(self, keys: Sequence[str]) -> Sequence[tuple[int, str]]:
        return [(offset, "release") for offset in sorted(self.waiting)] if "side" in tuple(keys) else []

    def changed(self) -> Sequence[str]:
        return ()

    def unsettled(self) -> Sequence[tuple[int, str]]:
        return [(offset, "release") for offset in sorted(self.waiting)]


@asynccontextmanager
async def running_lane(cluster: Cluster) -> AsyncIterator[tuple[StageLane, OwnedPartition]]:
    async with OwnedPartition(cluster) as worker:
        lane = StageLane(spec=SPEC, make_core=Core, cluster=cluster, connection="c", partition=0, worker=worker)
        lane.start()
        yield lane, worker
        await lane.close()


async def put(cluster: Cluster, topic: Topic, *values: bytes, stage: str = "") -> None:
    async with OwnedPartition(cluster) as worker:
        for value in values:
            await (await worker.send(topic, key=b"k", value=value, stage=stage))


async def origins(cluster: Cluster) -> list[int]:
    return [
        int(record.value.decode().split('"origin":')[1].split(",")[0])
        for record in await read_whole(cluster, 0, [Topic.MATCHED])
    ]


async def test_a_run_is_acknowledged_after_its_outputs_are_written(cluster: Cluster, eventually):
    await put(cluster, Topic.RECORDS, b"1", b"2", b"3")
    runs = Runs()
    async with running_lane(cluster) as (lane, _):
        lane.put(runs.event(*await read_records(cluster, Topic.RECORDS)), runs.acknowledge)

        async def acknowledged() -> None:
            assert len(runs.acknowledged) == 1

        await eventually(acknowledged)
    assert await origins(cluster) == [0, 1, 2]


async def test_what_was_decided_before_a_restart_is_not_decided_again(cluster: Cluster, eventually):
    await put(cluster, Topic.RECORDS, *(b"%d" % number for number in range(50)))
    records = await read_records(cluster, Topic.RECORDS)
    for _ in range(3):  # the same run again, each time by a lane that knows nothing but the log
        runs = Runs()
        async with running_lane(cluster) as (lane, _worker):
            lane.put(runs.event(*records), runs.acknowledge)

            async def acknowledged(runs: Runs = runs) -> None:
                assert runs.acknowledged

            await eventually(acknowledged)
    assert await origins(cluster) == list(range(50))


async def test_a_lane_that_is_closed_in_the_middle_loses_nothing(cluster: Cluster, eventually):
    await put(cluster, Topic.RECORDS, *(b"%d" % number for number in range(200)))
    records = await read_records(cluster, Topic.RECORDS)
    async with OwnedPartition(cluster) as worker:
        lane = StageLane(spec=SPEC, make_core=Core, cluster=cluster, connection="c", partition=0, worker=worker)
        for attempt in range(12):
            runs = Runs()
            lane.start()
            for start in range(0, 200, 20):
                lane.put(runs.event(*records[start : start + 20]), runs.acknowledge)
            # At other moments each time: before it is ready, between two runs, in the middle of a write.
            await asyncio.sleep(0.04 * attempt)
            await lane.close()
        runs = Runs()
        lane.start()
        lane.put(runs.event(*records), runs.acknowledge)

        async def acknowledged() -> None:
            assert runs.acknowledged

        await eventually(acknowledged)
        await lane.close()
    # A write that was cut may stand in the log twice with the same content; the first one counts. None is missing.
    assert sorted(set(await origins(cluster))) == list(range(200))


async def test_a_decision_releases_what_waits_for_it(cluster: Cluster, eventually):
    await put(cluster, Topic.RECORDS, b"1", b"wait", b"2")
    runs = Runs()
    async with running_lane(cluster) as (lane, _):
        lane.put(runs.event(*await read_records(cluster, Topic.RECORDS)), runs.acknowledge)

        async def first_two() -> None:
            assert await origins(cluster) == [0, 2]

        await eventually(first_two)
        assert runs.acknowledged, "what waits does not hold its run"
        await put(cluster, Topic.DECISIONS, b"decided")

        async def released() -> None:
            assert await origins(cluster) == [0, 2, 1]

        await eventually(released)


async def test_an_output_that_another_worker_wrote_makes_the_lane_read_its_state_again(cluster: Cluster, eventually):
    await put(cluster, Topic.RECORDS, b"1", b"2")
    records = await read_records(cluster, Topic.RECORDS)
    runs = Runs()
    async with running_lane(cluster) as (lane, _):
        lane.put(runs.event(records[0]), runs.acknowledge)

        async def first() -> None:
            assert runs.acknowledged

        await eventually(first)
        # A zombie decided the second input: the first output of an input wins.
        await put(cluster, Topic.MATCHED, encode(Note(origin=1, side="zombie")), stage="match")

        async def known() -> None:
            assert 1 in lane._core.made

        await eventually(known)
        lane.put(runs.event(records[1]), runs.acknowledge)

        async def second() -> None:
            assert len(runs.acknowledged) == 2

        await eventually(second)
    assert await origins(cluster) == [0, 1]


async def test_an_input_that_always_crashes_becomes_a_dead_letter_and_the_others_go_on(
    cluster: Cluster, eventually, caplog: pytest.LogCaptureFixture
):
    await put(cluster, Topic.RECORDS, b"1", b"crash", b"2")
    runs = Runs()
    async with running_lane(cluster) as (lane, _):
        lane.put(runs.event(*await read_records(cluster, Topic.RECORDS)), runs.acknowledge)

        async def acknowledged() -> None:
            assert runs.acknowledged

        await eventually(acknowledged, within_s=40)
    assert sorted(set(await origins(cluster))) == [0, 2]
    letters = await read_whole(cluster, 0, [Topic.DEAD_LETTERS])
    assert len(letters) == 1
    assert b"3 crashes at this record" in letters[0].value


async def test_a_lane_that_has_much_holds_its_own_partition_back(cluster: Cluster, eventually):
    await put(cluster, Topic.RECORDS, *(b"%d" % number for number in range(400)))
    records = await read_records(cluster, Topic.RECORDS)
    runs = Runs()
    async with OwnedPartition(cluster) as worker:
        lane = StageLane(spec=SPEC, make_core=Core, cluster=cluster, connection="c", partition=0, worker=worker)
        lane.start()
        lane.put(runs.event(*records), runs.acknowledge)
        assert not worker.held_back
        lane.put(runs.event(*records), runs.acknowledge)
        assert worker.held_back, f"over {DOCUMENTS_HIGH} documents are in memory"

        async def let_go() -> None:
            assert len(runs.acknowledged) == 2
            assert not worker.held_back

        await eventually(let_go)
        await lane.close()
