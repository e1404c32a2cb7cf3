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
from adapters.qad.qxtend.client import QxtendClient
from adapters.qad.qxtend.messages import Login
from adapters.qad.qxtend.port import QxtendQad
from adapters.qad.rest.port import RestQad
from adapters.reach import Reach
from benchmarks.erp import Pace
from benchmarks.profiling import profiled
from console.logs import set_up_logs
from streams.ports import Erp
from streams.sink.agent import host
from streams.sink.spec import SPEC
from tests.broker.erps import CONNECTION, profile_for

_CREDENTIALS = Credentials(
    client_id=Secret("ml-connector"), username=Secret("connector"), password=Secret("connector-word")
)
_REACH = Reach(private_hosts=("127.0.0.1",))
_LOGIN = Login(username=Secret("connector"), password=Secret("connector-word"))


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Where the stage works.

    Attributes:
        bootstrap: The broker's.
        namespace: Of its topics and its group.
        url: The ERP's.
        directory: Where it may write.
        connections: How many, one a partition.
        pace: How the ERP is spoken to, and how much at once.
    """

    bootstrap: str
    namespace: str
    url: str
    directory: str
    connections: int
    pace: Pace = Pace()

    @property
    def cluster(self) -> Cluster:
        """The broker, and the share of it that is the job's."""
        return Cluster(self.bootstrap, namespace=self.namespace)


@asynccontextmanager
async def erps_of(job: Job) -> AsyncIterator[list[Erp]]:
    """Yield the ERP of each connection, each with a client of its own."""
    server = SimpleNamespace(url=job.url, qxtend_url=f"{job.url}/qxi")
    over_qxtend = job.pace.over == "QXtend"
    profile = profile_for(server, Path(job.directory), over_qxtend=over_qxtend)  # type: ignore[arg-type]  # its urls are all
    limits = msgspec.structs.replace(profile.limits, concurrency=job.pace.at_once)
    profile = msgspec.structs.replace(profile, limits=limits)
    async with AsyncExitStack() as clients:

        async def erp() -> Erp:
            client = await clients.enter_async_context(QadClient(profile, _CREDENTIALS, _REACH))
            if profile.qxtend is None:
                return RestQad(client, profile)
            qxtend = msgspec.structs.replace(profile.qxtend, concurrency=job.pace.at_once)
            calls = await clients.enter_async_context(QxtendClient(profile, qxtend, _LOGIN, _REACH))
            return QxtendQad(calls, client, profile, qxtend)

        yield [await erp() for _ in range(job.connections)]


async def run(job: Job) -> int:
    """Run the stage until a signal; return the exit code."""
    async with erps_of(job) as erps:

        def make_lane(partition: int, owned: Partition, end: Callable[[str], None]) -> SinkLane:
            return SinkLane(
                cluster=job.cluster,
                connection=f"{CONNECTION}-{partition}",
                partition=partition,
                limits=Limits(concurrency=job.pace.at_once),
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
