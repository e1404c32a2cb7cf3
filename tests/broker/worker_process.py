"""A stage worker as a process of its own, for tests: the real worker, transport and lane, and a core that copies.

Settings come as JSON in the first argument (`Settings`). An input may ask for a fault by its first word; each fault
writes a line to the file of fired faults before it happens, so that a test can prove that it did.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
import msgspec

from adapters.kafka.cluster import Cluster
from adapters.kafka.crashes import Crashes
from adapters.kafka.lane import StageLane
from adapters.kafka.transport import client_of
from adapters.kafka.worker import StageWorker
from console.logs import set_up_logs
from schemas.codec import Event
from schemas.topics import Topic
from streams.match import agent
from streams.stage import Input, Output, StageSpec

SPEC = StageSpec(
    name="match",
    source=Topic.RECORDS,
    writes=(Topic.MATCHED, Topic.OUTCOMES),
    sides=(Topic.DECISIONS,),
    run_records=20,
)


class Settings(msgspec.Struct, kw_only=True):
    """What a test asks of a worker.

    Attributes:
        fired: File of fired faults.
        gate: While this file is missing, nothing is written for the gated partitions.
        gated: Partitions that the gate holds.
        raises_at: The agent raises at this run of the process; 0 for never.
        hangs: What never ends when the worker stops: "lane", "faust", or "".
        client_stumbles: The Kafka client raises when it is closed.
        still_s: The watchdog's patience.
        assignment_takes_s: How long the rebalance hook takes.
    """

    bootstrap: str
    namespace: str
    slot: str
    directory: str
    fired: str
    gate: str = ""
    gated: tuple[int, ...] = ()
    raises_at: int = 0
    hangs: str = ""
    client_stumbles: bool = False
    still_s: float = 60.0
    assignment_takes_s: float = 0.0


class Copy(Event, frozen=True, kw_only=True, tag="copy"):
    """An output that says which input it comes from."""

    origin: int


class Fired:
    """The file of fired faults."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def times(self, fault: str) -> int:
        return self._path.read_text().splitlines().count(fault) if self._path.exists() else 0

    def fire(self, fault: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{fault}\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass
class Copier:
    """Copies each input once; `raise-once 7`, `die 7` and the like do so before."""

    fired: Fired
    made: set[int] = field(default_factory=set)

    def fold(self, topic: Topic, value: bytes) -> None:
        if topic is Topic.MATCHED:
            self.made.add(msgspec.json.decode(value)["origin"])

    def learn(self, topic: Topic, offset: int, value: bytes) -> Sequence[str]:
        return ()

    def decide(self, item: Input) -> Sequence[Output]:
        if item.offset in self.made:
            return ()
        words = item.value.decode().split()
        fault = " ".join(words[:2])
        if len(words) > 1 and not (words[0].endswith("-once") and self.fired.times(fault)):
            self.fired.fire(fault)
            self._suffer(words[0].removesuffix("-once"))
        self.made.add(item.offset)
        return (Output(Topic.MATCHED, item.key, Copy(origin=item.offset)),)

    def _suffer(self, fault: str) -> None:
        match fault:
            case "raise":
                raise RuntimeError("a bug of ours")
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "block":
                time.sleep(3600)

    def held_by(self, keys: Iterable[str]) -> Sequence[tuple[int, str]]:
        return ()

    def changed(self) -> Sequence[str]:
        return ()

    def unsettled(self) -> Sequence[tuple[int, str]]:
        return ()


class Gated:
    """What a worker gives its lane, with a gate before every write."""

    def __init__(self, owned: Any, gate: Path, fired: Fired) -> None:
        self._owned = owned
        self._gate = gate
        self._fired = fired

    async def send(self, topic: Topic, *, key: bytes, value: bytes, stage: str) -> Awaitable[Any]:
        if not self._gate.exists():
            self._fired.fire("gate")
        while not self._gate.exists():  # noqa: ASYNC110 - another process opens it
            await asyncio.sleep(0.05)
        return await self._owned.send(topic, key=key, value=value, stage=stage)

    def hold_back(self) -> None:
        self._fired.fire("held back")
        self._owned.hold_back()

    def let_go(self) -> None:
        self._owned.let_go()

    def moved(self) -> None:
        self._owned.moved()


class HangingLane(StageLane):
    """A lane that never ends."""

    fired: Fired

    async def close(self) -> None:
        self.fired.fire("lane hangs")
        await asyncio.Event().wait()


def make_worker(settings: Settings) -> StageWorker:
    fired = Fired(settings.fired)
    cluster = Cluster(settings.bootstrap, namespace=settings.namespace)

    def make_lane(partition: int, owned: Any, end: Any) -> StageLane:
        gated = Gated(owned, Path(settings.gate), fired) if partition in settings.gated else owned
        lane = (HangingLane if settings.hangs == "lane" else StageLane)(
            spec=SPEC,
            make_core=lambda: Copier(fired),
            cluster=cluster,
            connection=f"c{partition}",
            partition=partition,
            worker=gated,
            crashes=Crashes(Path(settings.directory, f"lane-{partition}")),
        )
        lane.fired = fired  # type: ignore[attr-defined]  # only the hanging one has it
        return lane

    def host(app: faust.App, source: Any, take: Any) -> None:
        runs = 0

        def take_or_raise(event: Any, acknowledge: Any) -> None:
            nonlocal runs
            runs += 1
            if runs == settings.raises_at:
                fired.fire("agent raises")
                raise RuntimeError("a bug in the agent")
            take(event, acknowledge)

        agent.host(app, source, take_or_raise)

        if settings.hangs == "faust":

            @app.service
            class Hangs(faust.Service):
                async def on_stop(self) -> None:
                    fired.fire("faust hangs")
                    await asyncio.Event().wait()

    worker = StageWorker(
        spec=SPEC,
        cluster=cluster,
        slot=settings.slot,
        directory=Path(settings.directory),
        host_agent=host,
        make_lane=make_lane,
        still_s=settings.still_s,
    )

    async def linger(sender: Any, *args: Any, signal: Any, **kwargs: Any) -> None:
        # Meanwhile Faust lets records flow, before the worker may know that their partition is its own.
        await asyncio.sleep(settings.assignment_takes_s)
        if settings.client_stumbles:
            client_of(worker.app).stop = stumble

    async def stumble() -> None:
        fired.fire("client stumbles")
        raise AttributeError("a connection that was given up")

    worker.app.on_partitions_assigned.connect(linger)
    return worker


async def main() -> int:
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    set_up_logs("info", process=SPEC.name, slot=settings.slot)
    return await make_worker(settings).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
