"""Worker processes of a test: started, killed, looked at; and what they were given and made."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from adapters.crashpoints import LOG_VARIABLE, VARIABLE
from adapters.kafka.administration import create_topics, end_offsets, group_state
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.reader import read_whole
from sandbox.process import Child, spawn
from schemas.topics import Topic
from tests.broker.worker_process import SPEC, Fired, Settings

ROOT = Path(__file__).resolve().parents[2]
Eventually = Callable[..., Awaitable[None]]


@dataclass
class Worker:
    """One process."""

    process: Child
    log: Path

    def said(self, words: str) -> int:
        """Return how many lines of its log hold these words."""
        return sum(words in line for line in self.log.read_text(errors="replace").splitlines())

    def lanes(self) -> list[list[int]]:
        """Return the partitions that it had, after each rebalance."""
        lines = (
            msgspec.json.decode(line) for line in self.log.read_bytes().splitlines() if b"partitions assigned" in line
        )
        return [line["lanes"] for line in lines]

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    async def ended(self, *, within_s: float = 30) -> int:
        """Return its exit code."""
        try:
            return await asyncio.to_thread(self.process.wait, within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {within_s} s: {self.log.read_text()[-2000:]}") from None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


@dataclass
class Fleet:
    """The workers of one namespace. A context manager: what still runs at its end is killed."""

    cluster: Cluster
    directory: Path
    eventually: Eventually
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.fired = Fired(str(self.directory / "fired"))
        self.gate = self.directory / "gate"

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *exc_info: object) -> None:
        for worker in self.workers:
            if worker.alive:
                worker.kill(signal.SIGCONT)
                worker.kill()
                worker.process.wait()

    def start(self, slot: str = "0", *, crashpoint: str = "", **settings: Any) -> Worker:
        """Start a worker; a second one of a slot works in the same directory."""
        directory = self.directory / f"slot-{slot}"
        directory.mkdir(exist_ok=True)
        log = self.directory / f"{slot}-{secrets.token_hex(3)}.log"
        asked = Settings(
            bootstrap=self.cluster.bootstrap,
            namespace=self.cluster.namespace,
            slot=slot,
            directory=str(directory),
            fired=str(self.directory / "fired"),
            gate=str(self.gate),
            **settings,
        )
        environment = {**os.environ, VARIABLE: crashpoint, LOG_VARIABLE: str(self.directory / "fired")}
        command = [sys.executable, "-m", "tests.broker.worker_process", msgspec.json.encode(asked).decode()]
        worker = Worker(spawn(command, log=log, env=environment, cwd=ROOT), log)
        self.workers.append(worker)
        return worker

    async def feed(self, values: Mapping[int, Sequence[bytes]]) -> None:
        """Write inputs, by partition; back when the broker has them."""
        async with started(self.cluster.producer(), self.cluster) as producer:
            sends = [
                await producer.send(self.cluster.name(SPEC.source), value, key=b"%d" % number, partition=partition)
                for partition, some in values.items()
                for number, value in enumerate(some)
            ]
            await asyncio.gather(*sends)

    async def copied(self) -> dict[int, list[int]]:
        """Return the origins of all copies in the order of the log, by partition."""
        partitions = len(await self._ends())
        return {
            partition: [
                msgspec.json.decode(record.value)["origin"]
                for record in await read_whole(self.cluster, partition, [Topic.MATCHED])
            ]
            for partition in range(partitions)
        }

    async def until_copied(self, *, within_s: float = 40, but: int = 0) -> int:
        """Wait until every input but so many has its copy and all is committed; return how many copies came twice."""

        async def all_is_done() -> None:
            ends = await self._ends()
            copied = await self.copied()
            missing = {partition: sorted(set(range(end)) - set(copied[partition])) for partition, end in ends.items()}
            assert sum(map(len, missing.values())) == but, missing
            committed = (await group_state(self.cluster, SPEC.name)).committed
            assert {partition: committed.get(partition, 0) for partition in ends} == ends

        await self.eventually(all_is_done, within_s=within_s, every_s=0.5)
        copied = await self.copied()
        for origins in copied.values():
            first = list(dict.fromkeys(origins))
            assert first == sorted(first), "first copies are in the order of their inputs"
        return sum(len(origins) - len(set(origins)) for origins in copied.values())

    async def until_some_copied(self, number: int, *, within_s: float = 30) -> None:
        """Wait until so many inputs have a copy: the work is in full swing."""

        async def some() -> None:
            assert sum(map(len, (await self.copied()).values())) >= number

        await self.eventually(some, within_s=within_s)

    async def committed(self) -> Mapping[int, int]:
        return (await group_state(self.cluster, SPEC.name)).committed

    async def _ends(self) -> dict[int, int]:
        partitions = range(await partitions_of(self.cluster))
        return {
            number: end for (_, number), end in (await end_offsets(self.cluster, [SPEC.source], partitions)).items()
        }


async def partitions_of(cluster: Cluster) -> int:
    """Return how many partitions the topics of a namespace have."""
    async with cluster.admin() as admin:
        described = await admin.describe_topics([cluster.name(SPEC.source)])
    return len(described[0]["partitions"])


async def with_topics(bootstrap: str, *, partitions: int) -> Cluster:
    """Return a namespace of its own on a broker, with all topics."""
    cluster = Cluster(bootstrap, namespace=f"t{secrets.token_hex(4)}.")
    await create_topics(cluster, partitions=partitions, replicas=1)
    return cluster


def numbers(count: int, *, start: int = 0) -> list[bytes]:
    """Return so many inputs that nothing is wrong with."""
    return [b"%d" % number for number in range(start, start + count)]
