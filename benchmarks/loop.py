"""A bare aiokafka loop from a record to its posting: poll, decide by the product's cores, write, commit. No more.

Run by benchmarks/moving.py with a configuration, and where to write a profile, if anywhere. What it knows is gone with
its process, and nothing else may write.
"""

import asyncio
import sys
from pathlib import Path

from adapters.kafka.cluster import Cluster, started
from adapters.kafka.reader import ByOffset, read_whole
from benchmarks.profiling import profiled
from console.config import load_site
from console.running.processes import until_told
from schemas.codec import encode
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from streams.stage import Core, Input, StageSpec
from tests.unit.builders import CONNECTION

# As the stages commit.
COMMIT_EVERY_S = 1.0


async def run(cluster: Cluster) -> None:
    """Run a loop for match and one for the ledger until cancelled."""
    await asyncio.gather(move(cluster, MATCH), move(cluster, LEDGER))


async def move(cluster: Cluster, spec: StageSpec) -> None:
    """Decide what comes, until cancelled: what was polled is committed when all that came of it is acknowledged."""
    core, refers_to, now = await learnt(cluster, spec), spec.refers_to, asyncio.get_running_loop().time
    consumer, producer = cluster.consumer(group_id=cluster.group(spec.name)), cluster.producer()
    async with (
        started(consumer, cluster),
        started(producer, cluster),
        ByOffset(cluster, spec.material or spec.source, 0) as material,
    ):
        consumer.subscribe([cluster.name(spec.source)])
        commit_at = now()
        while True:
            fetched = await consumer.getmany(timeout_ms=500, max_records=spec.run_records)
            sent = []
            for record in (record for records in fetched.values() for record in records):
                key, value, found = record.key or b"", record.value or b"", None
                if refers_to and (offset := refers_to(value)) is not None:
                    found = (await material.get([offset]))[offset].value
                for output in core.decide(Input(record.offset, record.timestamp, key, value, found)):
                    name = cluster.name(output.topic)
                    sent.append(await producer.send(name, encode(output.event), key=output.key, partition=0))
            await asyncio.gather(*sent)
            if sent and now() >= commit_at:
                await consumer.commit()
                commit_at = now() + COMMIT_EVERY_S


async def learnt(cluster: Cluster, spec: StageSpec) -> Core:
    """Return a core that knows what its side topics say now, and no document."""
    core: Core = LedgerCore(connection=CONNECTION)
    if spec is MATCH:
        core = MatchCore(connection=CONNECTION, claims=(Claim(connection=CONNECTION),))
    for record in await read_whole(cluster, 0, spec.sides):
        core.learn(record.topic, record.offset, record.value)
    return core


if __name__ == "__main__":
    with profiled(sys.argv[2:]):
        asyncio.run(until_told(run(load_site(Path(sys.argv[1])).cluster)))
