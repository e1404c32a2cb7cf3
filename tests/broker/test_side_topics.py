"""Bytes that nobody can read on a side topic: a stage with its real core goes on with its inputs."""

import pytest

from adapters.kafka.lane import StageLane
from schemas.events import read_dead_letter
from schemas.topics import Topic
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from tests.broker.lanes import OwnedPartition, Runs, read_records

CORES = {
    MATCH.name: (MATCH, lambda: MatchCore(connection="c", claims=(Claim(connection="c"),))),
    LEDGER.name: (LEDGER, lambda: LedgerCore(connection="c")),
}
CASES = [(name, topic) for name, (spec, _) in CORES.items() for topic in spec.sides]


@pytest.mark.parametrize(("stage", "topic"), CASES)
async def test_what_cannot_be_read_beside_it_does_not_stop_a_stage(cluster, eventually, stage, topic):
    spec, make_core = CORES[stage]
    runs = Runs()

    async def is_done() -> None:
        assert len(runs.acknowledged) == 1
        letters = await read_records(cluster, Topic.DEAD_LETTERS)
        assert {(letter.topic, letter.offset) for letter in map(read_dead_letter, (one.value for one in letters))} == {
            (topic.value, 0),
            (spec.source.value, 0),
        }

    async with OwnedPartition(cluster) as worker:
        for place, value in ((topic, b'{"type":"surprise"}'), (spec.source, b"an input that is a dead letter")):
            await (await worker.send(place, key=b"k", value=value, stage=""))
        lane = StageLane(spec=spec, make_core=make_core, cluster=cluster, connection="c", partition=0, worker=worker)
        lane.start()
        try:
            lane.put(runs.event(*await read_records(cluster, spec.source)), runs.acknowledge)
            await eventually(is_done, within_s=4)
        finally:
            await lane.close()
