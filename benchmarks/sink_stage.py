"""The whole sink stage in a process of its own: Faust, a lane for each connection, and the adapter that calls QAD.

Run by benchmarks/sink_world.py, which says where the broker and the ERP are, and where to write a profile, if anywhere.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec

from adapters.credentials.secret import Secret
from adapters.kafka.bookmark import Bookmark
from adapters.kafka.cluster import Cluster
from adapters.kafka.owned import Partition
from adapters.kafka.sink_calls import Limits
from adapters.kafka.sink_lane import SinkLane
from adapters.kafka.worker import StageWorker
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.rest.port import RestQad
from adapters.reach import Reach
from benchmarks.profiling import profiled
from console.logs import set_up_logs
from streams.sink.agent import host
from streams.sink.spec import SPEC
from tests.broker.erps import CONNECTION, profile_for

# Calls of one connection that may be under way.
AT_ONCE = 8

_CREDENTIALS = Credentials(
    client_id=Secret("ml-connector"), username=Secret("connector"), password=Secret("connector-word")
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Where the stage works.

    Attributes:
        bootstrap: The broker's.
        namespace: Of its topics and its group.
        url: The ERP's.
        directory: Where it may write.
        connections: How many, one a partition.
    """

    bootstrap: str
    namespace: str
    url: str
    directory: str
    connections: int

    @property
    def cluster(self) -> Cluster:
        """The broker, and the share of it that is the job's."""
        return Cluster(self.bootstrap, namespace=self.namespace)


@asynccontextmanager
async def erps_of(job: Job) -> AsyncIterator[list[RestQad]]:
    """Yield the ERP of each connection, each with a client of its own."""
    profile = profile_for(SimpleNamespace(url=job.url), Path(job.directory))  # type: ignore[arg-type]  # its url is all
    profile = msgspec.structs.replace(profile, limits=msgspec.structs.replace(profile.limits, concurrency=AT_ONCE))
    async with AsyncExitStack() as clients:
        yield [
            RestQad(
                await clients.enter_async_context(
                    QadClient(profile, _CREDENTIALS, Reach(private_hosts=("127.0.0.1",)))
                ),
                profile,
            )
            for _ in range(job.connections)
        ]


async def run(job: Job) -> int:
    """Run the stage until a signal; return the exit code."""
    async with erps_of(job) as erps:

        def make_lane(partition: int, owned: Partition, end: Callable[[str], None]) -> SinkLane:
            return SinkLane(
                cluster=job.cluster,
                connection=f"{CONNECTION}-{partition}",
                partition=partition,
                limits=Limits(concurrency=AT_ONCE),
                erp=erps[partition],
                worker=owned,
                end_process=end,
                bookmark=Bookmark(Path(job.directory) / f"{partition}.mark"),
            )

        return await StageWorker(
            spec=SPEC,
            cluster=job.cluster,
            slot="bench",
            directory=Path(job.directory),
            host_agent=host,
            make_lane=make_lane,
        ).run()


if __name__ == "__main__":
    set_up_logs("error", process="benchmark")
    with profiled(sys.argv[2:]):
        code = asyncio.run(run(msgspec.json.decode(sys.argv[1], type=Job)))
    sys.exit(code)
