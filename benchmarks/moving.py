"""From a record to its posting on a real broker, by the same decide functions in each way.

Each way is one process that makes `matched` of `zuora.records`, and `postings` of `matched`: the product's two stages
with Faust and their lanes, a bare loop on aiokafka, and quixstreams. All poll up to 500 records, or as their client
does, write idempotently to all replicas, and commit once a second what was acknowledged. Only the product keeps what it
knows over a restart. That the postings are the same to the byte is part of the comparison.
"""

import asyncio
import hashlib
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count as counter
from pathlib import Path

from adapters.kafka.administration import create_topics
from adapters.kafka.assignments import assign
from adapters.kafka.cluster import Cluster, started
from benchmarks.comparing import Comparison, Way
from benchmarks.deciding import documents, known
from benchmarks.profiling import Profile, functions, read_profile, rooms
from sandbox.kafka.broker import Broker, external
from sandbox.process import Child, spawn
from schemas.codec import encode
from schemas.topics import Topic
from tests.unit import builders as zuora

MOVING = "record to posting, on a broker"
STAGES = "Faust, lanes"
LOOP = "bare aiokafka loop"
QUIX = "quixstreams"

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


def quix_python() -> Path | None:
    """Return the interpreter that has quixstreams, which `make bench` makes; None where it could not be had."""
    directory = Path(sys.prefix) / "bench"
    return directory / "bin" / "python" if (directory / ".ready").exists() else None


@contextmanager
def moving(count: int) -> Iterator[Comparison]:
    """Yield the comparison; as long as the block runs, a broker and a process for each way do."""
    modules = {STAGES: "stages", LOOP: "loop"} | ({QUIX: "quix"} if quix_python() else {})
    with _place() as place:
        ways = {name: _way(place.start(name, module), place.runner, count) for name, module in modules.items()}
        yield Comparison(name=MOVING, count=count, ways=ways)


def profile(count: int) -> Profile:
    """Return where the time of the product's process and of the bare loop goes, while each moves so many documents."""
    found = Profile(rooms=[], functions=[])
    with _place() as place:
        for name, module in ((STAGES, "stages"), (LOOP, "loop")):
            path = place.directory / f"{module}.profile"
            running = place.start(name, module, str(path))
            # What it took to start is not asked.
            running.process.send_signal(signal.SIGUSR1)
            place.runner.run(running.pipe.move(documents(count), wanted=count))
            _end(running.process)
            stats = read_profile(path)
            found.rooms.extend(rooms(stats, way=name, count=count))
            if name == STAGES:
                found.functions.extend(functions(stats, way=name, count=count))
    return found


def _way(running: "_Running", runner: asyncio.Runner, count: int) -> Way:
    runs = counter()

    def prepare() -> Callable[[], str]:
        values = documents(count, series=str(next(runs)))
        return lambda: runner.run(running.pipe.move(values, wanted=count))

    return prepare


@dataclass(frozen=True)
class _Place:
    """A broker, and where what runs on it is kept."""

    directory: Path
    bootstrap: str
    runner: asyncio.Runner
    stack: ExitStack

    def start(self, name: str, module: str, *more: str) -> "_Running":
        """Start a way's process on topics of its own, and return when its first posting came.

        Raises:
            TimeoutError: It did not come.
        """
        pipe = _Pipe(Cluster(self.bootstrap, namespace=f"bench{secrets.token_hex(4)}."))
        self.stack.callback(lambda: self.runner.run(pipe.close()))
        self.runner.run(pipe.open())
        configuration = self.directory / f"{pipe.cluster.namespace}toml"
        text = _CONFIGURATION.format(cluster=pipe.cluster, connection=zuora.CONNECTION)
        configuration.write_text(text, encoding="utf-8")
        log = configuration.with_suffix(".log")
        python = (module == "quix" and quix_python()) or sys.executable
        process = spawn([str(python), "-m", f"benchmarks.{module}", str(configuration), *more], log=log)
        self.stack.callback(_end, process)
        try:
            self.runner.run(pipe.move([encode(zuora.account()), *documents(1, series="first")], wanted=1))
        except TimeoutError:
            raise TimeoutError(f"{name} does not begin: {log.read_text()[-2000:]}") from None
        return _Running(pipe, process)


@dataclass(frozen=True)
class _Running:
    """A way's process, and both ends of it."""

    pipe: "_Pipe"
    process: Child


@contextmanager
def _place() -> Iterator[_Place]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-bench-")))
        bootstrap = external() or stack.enter_context(Broker()).bootstrap
        yield _Place(directory, bootstrap, stack.enter_context(asyncio.Runner()), stack)


class _Pipe:
    """Both ends of a process that makes `postings` of `zuora.records`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._clients = AsyncExitStack()

    async def open(self) -> None:
        """Make the topics, write what stages know, and open both ends."""
        await create_topics(self.cluster, partitions=1, replicas=1)
        await assign(self.cluster, [zuora.CONNECTION], partitions=1, by="benchmark")
        self._producer = await self._clients.enter_async_context(started(self.cluster.producer(), self.cluster))
        self._consumer = await self._clients.enter_async_context(started(self.cluster.consumer(), self.cluster))
        self._consumer.assign([self.cluster.partition(Topic.POSTINGS, 0)])
        for topic, event in known():
            await self._send(topic, [encode(event)])

    async def move(self, values: Sequence[bytes], *, wanted: int) -> str:
        """Write records, and return the hash of their postings when so many came.

        Raises:
            TimeoutError: They did not come.
        """
        came: list[bytes] = []
        async with asyncio.timeout(_LIMIT_S):
            await self._send(Topic.RECORDS, values)
            while len(came) < wanted:
                fetched = await self._consumer.getmany(timeout_ms=500)
                came += [record.value for records in fetched.values() for record in records]
        return hashlib.sha256(b"".join(came)).hexdigest()

    async def close(self) -> None:
        """Close both ends and remove the topics."""
        await self._clients.aclose()
        async with self.cluster.admin() as admin:
            await admin.delete_topics([self.cluster.name(topic) for topic in Topic])

    async def _send(self, topic: Topic, values: Sequence[bytes]) -> None:
        name = self.cluster.name(topic)
        await asyncio.gather(*[await self._producer.send(name, value, key=b"bench", partition=0) for value in values])


def _end(process: Child) -> None:
    process.terminate()
    process.wait(_STOP_LIMIT_S)
