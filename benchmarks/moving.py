"""What the match stage costs on a real broker: records in, its outputs read back, beside a loop that only copies.

Both are processes of their own, with one connection each, and acknowledge alike: an idempotent producer that all
replicas answer, and an offset committed when what became of its record is in; the copy commits after each fetch, the
stage once a second. The copy decides nothing and keeps no state.
"""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from itertools import count as counter
from pathlib import Path

from adapters.kafka.administration import create_topics
from adapters.kafka.assignments import assign
from adapters.kafka.cluster import Cluster, started
from benchmarks.comparing import Comparison, Way
from benchmarks.deciding import documents, known
from console.config import load_site
from sandbox.kafka.broker import Broker, external
from sandbox.process import Child, spawn
from schemas.codec import encode
from schemas.topics import Topic
from streams.match.spec import SPEC as MATCH
from tests.unit import builders as zuora

# A run takes a second or two, a process five to start; who needs longer than this stands still.
_LIMIT_S = 60.0
_STOP_LIMIT_S = 30.0

_CONFIGURATION = """
[kafka]
bootstrap = "{cluster.bootstrap}"
namespace = "{cluster.namespace}"
partitions = 1
replicas = 1

[tenants.bench]
base_url = "https://zuora.invalid"
poll = {{ interval_s = 300, start = 2026-01-01T00:00:00Z }}

[connections.{connection}]
tenant = "bench"
profile = "none.toml"
"""


@contextmanager
def moving(count: int) -> Iterator[Comparison]:
    """Yield the comparison; as long as the block runs, a broker and both processes do."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-bench-")))
        bootstrap = external() or stack.enter_context(Broker()).bootstrap
        runner = stack.enter_context(asyncio.Runner())

        def way(name: str, command: Callable[[Path], list[str]]) -> Way:
            pipe = _Pipe(Cluster(bootstrap, namespace=f"bench{secrets.token_hex(4)}."))
            stack.callback(lambda: runner.run(pipe.close()))
            runner.run(pipe.open())
            configuration = directory / f"{name}.toml"
            text = _CONFIGURATION.format(cluster=pipe.cluster, connection=zuora.CONNECTION)
            configuration.write_text(text, encoding="utf-8")
            log = directory / f"{name}.log"
            stack.callback(_end, spawn([sys.executable, "-m", *command(configuration)], log=log))
            try:
                runner.run(pipe.move([encode(zuora.account())]))
            except TimeoutError:
                raise TimeoutError(f"{name} does not begin: {log.read_text()[-2000:]}") from None
            runs = counter()

            def prepare() -> Callable[[], int]:
                values = documents(count, series=str(next(runs)))
                return lambda: runner.run(pipe.move(values))

            return prepare

        ways = {"match stage": way("match", _match), "copy loop": way("copy", _copy)}
        yield Comparison(name="broker to broker", count=count, ways=ways)


class _Pipe:
    """Both ends of a process that makes one record of `matched` from each of `zuora.records`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._clients = AsyncExitStack()

    async def open(self) -> None:
        """Make the topics, write what stages know, and open both ends."""
        await create_topics(self.cluster, partitions=1, replicas=1)
        await assign(self.cluster, [zuora.CONNECTION], partitions=1, by="benchmark")
        self._producer = await self._clients.enter_async_context(started(self.cluster.producer(), self.cluster))
        self._consumer = await self._clients.enter_async_context(started(self.cluster.consumer(), self.cluster))
        self._consumer.assign([self.cluster.partition(Topic.MATCHED, 0)])
        for topic, event in known():
            await self._send(topic, [encode(event)])

    async def move(self, values: Sequence[bytes]) -> int:
        """Write records and return how many outputs came, when there are as many.

        Raises:
            TimeoutError: They did not come.
        """
        came = 0
        async with asyncio.timeout(_LIMIT_S):
            await self._send(Topic.RECORDS, values)
            while came < len(values):
                fetched = await self._consumer.getmany(timeout_ms=500)
                came += sum(map(len, fetched.values()))
        return came

    async def close(self) -> None:
        """Close both ends and remove the topics."""
        await self._clients.aclose()
        async with self.cluster.admin() as admin:
            await admin.delete_topics([self.cluster.name(topic) for topic in Topic])

    async def _send(self, topic: Topic, values: Sequence[bytes]) -> None:
        name = self.cluster.name(topic)
        await asyncio.gather(*[await self._producer.send(name, value, key=b"bench", partition=0) for value in values])


def _match(configuration: Path) -> list[str]:
    return ["console", "--config", str(configuration), "work", MATCH.name, "--log-level", "error"]


def _copy(configuration: Path) -> list[str]:
    return [__name__, str(configuration)]


async def copy(cluster: Cluster) -> None:
    """Copy `zuora.records` to `matched` until ended: what was fetched is committed when all of its copies are in."""
    consumer, producer = cluster.consumer(group_id=cluster.group("copy")), cluster.producer()
    async with started(consumer, cluster), started(producer, cluster):
        consumer.subscribe([cluster.name(Topic.RECORDS)])
        while True:
            fetched = await consumer.getmany(timeout_ms=500, max_records=MATCH.run_records)
            sent = [
                await producer.send(cluster.name(Topic.MATCHED), record.value, key=record.key, partition=part.partition)
                for part, records in fetched.items()
                for record in records
            ]
            await asyncio.gather(*sent)
            if sent:
                await consumer.commit()


def _end(process: Child) -> None:
    process.terminate()
    process.wait(_STOP_LIMIT_S)


if __name__ == "__main__":
    asyncio.run(copy(load_site(Path(sys.argv[1])).cluster))
