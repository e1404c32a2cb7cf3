"""A log of outcomes that loses its end under a lane that goes on writing: the broker takes what it writes."""

from adapters.kafka.cluster import Cluster
from schemas.topics import Topic
from tests.broker.erps import invoice, posting_set, running_qad
from tests.broker.lanes import read_records
from tests.broker.sinks import commit, cut_outcomes, kinds, outcomes, running_sink

FIRST, SECOND, LAST = (invoice(f"INV{number}") for number in range(3))


async def test_a_log_that_loses_its_end_under_a_running_lane_doubles_nothing(cluster: Cluster, tmp_path, eventually):
    async with running_qad(tmp_path) as qad:
        async with running_sink(cluster, qad) as sink:
            await sink.give(posting_set(FIRST))
            await eventually(sink.acknowledged)
        await commit(cluster, 1)
        async with running_sink(cluster, qad) as sink:
            await sink.give(posting_set(SECOND))
            await eventually(sink.acknowledged)
            await cut_outcomes(cluster, keep=0)
            await sink.give(posting_set(LAST))

            async def is_posted() -> None:
                assert "Posted" in kinds(await outcomes(cluster, LAST))

            await eventually(is_posted)
        async with running_sink(cluster, qad) as sink:
            # What was not committed comes again.
            sink.take((await read_records(cluster, Topic.POSTINGS))[1:])
            await eventually(sink.acknowledged)
        assert qad.documents() == 3
