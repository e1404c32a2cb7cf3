"""A stage's process: one Faust app, its rebalances, and a lane for each partition it owns.

The rebalance hooks only close and start lanes: what takes long (fencing, reading state) is the lane's own, so that
heartbeats go on. The agent hands runs to lanes and never waits. A worker that must not go on ends with a reason and
exit code 1: whoever started it starts it again.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Protocol

import faust
import structlog
from faust.types import TP

from adapters.kafka.administration import end_offsets, group_state
from adapters.kafka.cluster import Cluster
from adapters.kafka.lane import STAGE_HEADER
from adapters.kafka.membership import HEARTBEAT_INTERVAL_S, SESSION_TIMEOUT_S, SLOT_TAKEN, Membership
from adapters.kafka.owned import Acknowledge, Partition
from adapters.kafka.transport import SCHEME, RunSchema, client_of, run_scheduler
from adapters.kafka.watchdog import STILL_S, Watchdog, end_process
from schemas.topics import LETTER_MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX, Topic
from streams.stage import StageSpec

log = structlog.get_logger(__name__)

# A worker whose partitions are all held back does not poll. No outage may end its membership.
POLL_INTERVAL_MAX_S = 30 * 86_400
# Runs in Faust's own buffer, beside what the lanes hold.
BUFFER_RUNS = 16

HostAgent = Callable[[faust.App, Any, Callable[[Any, Acknowledge], None]], None]


class Lane(Protocol):
    """What runs one partition: the deciding stages' lane, or the sink's."""

    @property
    def running(self) -> bool:
        """Whether it has begun and not been closed."""
        ...

    def put(self, event: Any, acknowledge: Acknowledge) -> None:
        """Take a run; never waits."""
        ...

    def start(self) -> None:
        """Begin, or begin again after a rebalance."""
        ...

    async def close(self) -> None:
        """End, within less than a session."""
        ...


MakeLane = Callable[[int, Partition, Callable[[str], None]], Lane | None]


class StageWorker:
    """One process of one stage."""

    def __init__(
        self,
        *,
        spec: StageSpec,
        cluster: Cluster,
        slot: str,
        directory: Path,
        host_agent: HostAgent,
        make_lane: MakeLane,
        still_s: float = STILL_S,
    ) -> None:
        """Build the worker; call inside the running loop.

        Args:
            spec: The stage.
            cluster: The cluster.
            slot: A name that is this worker's own and stable over restarts: a restarted worker takes its partitions
                up at once.
            directory: Where Faust may write; nothing of value stands there.
            host_agent: Puts the stage's agent on the app.
            make_lane: Makes the lane of a partition, or None where no connection has it.
            still_s: After so long without any movement, and with lag, the worker ends itself.
        """
        self._spec = spec
        self._cluster = cluster
        self._name = f"{spec.name}.{slot}"
        self._make_lane = make_lane
        self._lanes: dict[int, Lane] = {}
        self._early: list[tuple[Any, Acknowledge]] = []
        self._nobodys: set[int] = set()
        self._left_alone: set[int] = set()
        self._failed = ""
        self._stop = asyncio.Event()
        self._membership = Membership()
        self._watchdog = Watchdog(self._name, is_behind=self._is_behind, is_stopping=self._is_stopping, still_s=still_s)
        self._app = _faust_app(spec, cluster, slot=slot, directory=directory)
        revoked: Any = self._revoked
        assigned: Any = self._assigned
        self._app.on_partitions_revoked.connect(revoked)
        self._app.on_partitions_assigned.connect(assigned)
        source = self._app.topic(cluster.name(spec.source), schema=RunSchema())
        host_agent(self._app, source, self._take)

    async def run(self) -> int:
        """Run until a signal, a crash or a lane that must end the process; return the exit code."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        self._watchdog.start()
        await self._app.start()
        ended: asyncio.Task[Any] = asyncio.create_task(self._app.wait_until_stopped())
        asked = asyncio.create_task(self._stop.wait())
        await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        # Faust does not call the revocation hook when it is told to stop.
        await _close(self._lanes.values())
        await self._app.stop()
        ended.cancel()
        if self._failed or self._app.crashed:
            log.error("worker ends", stage=self._spec.name, reason=self._failed or repr(self._app.crash_reason))
            return 1
        return 0

    def end(self, reason: str) -> None:
        """End this process: a lane found that it must not go on."""
        self._failed = reason
        self._stop.set()

    def moved(self) -> None:
        """Take note that something was done."""
        self._watchdog.moved()

    def _is_stopping(self) -> bool:
        return self._stop.is_set() or bool(self._app.should_stop)

    async def _is_behind(self) -> bool:
        """Ask Kafka whether there is anything to do in the partitions that are ours; any event loop will do."""
        owned = list(self._lanes)
        if not owned:
            return False
        ends = await end_offsets(self._cluster, [self._spec.source], owned)
        committed = (await group_state(self._cluster, self._spec.name)).committed
        return any(end > committed.get(partition, 0) for (_, partition), end in ends.items())

    def _take(self, event: Any, acknowledge: Acknowledge) -> None:
        lane = self._lanes.get(event.message.partition)
        if lane is not None and lane.running:
            lane.put(event, acknowledge)
        elif event.message.partition in self._nobodys:
            self._leave_alone(event.message.partition)
        else:
            # Faust lets records flow before it tells us that their partition is ours. They would not come again.
            self._early.append((event, acknowledge))

    def _leave_alone(self, partition: int) -> None:
        """Take nothing of a partition that no connection has here, and say so once: its records stay where they are."""
        _OwnedPartition(self, partition).hold_back()
        if partition not in self._left_alone:
            self._left_alone.add(partition)
            log.error("records of a partition that no connection of this configuration has", partition=partition)

    async def _revoked(self, sender: Any, *args: Any, signal: Any, **kwargs: Any) -> None:
        taken_over = self._membership.taken_over(client_of(self._app))
        await _close(self._lanes.values())
        self._early.clear()
        if taken_over:
            # At once: after this hook we would join again, and drive the other one out.
            end_process(self._name, SLOT_TAKEN)

    async def _assigned(self, sender: Any, *args: Any, signal: Any, **kwargs: Any) -> None:
        self._membership.joined()
        assigned: Iterable[TP] = args[0]
        owned = {tp.partition for tp in assigned if tp.topic == self._cluster.name(self._spec.source)}
        for partition in set(self._lanes) - owned:
            del self._lanes[partition]
        for partition in sorted(owned):
            if partition not in self._lanes:
                lane = self._make_lane(partition, _OwnedPartition(self, partition), self.end)
                if lane is None:
                    self._nobodys.add(partition)
                    continue
                self._lanes[partition] = lane
            if not self._lanes[partition].running:
                self._lanes[partition].start()
        early, self._early = self._early, []
        for event, acknowledge in early:
            if event.message.partition in self._lanes:
                self._lanes[event.message.partition].put(event, acknowledge)
        log.info("partitions assigned", stage=self._spec.name, lanes=sorted(self._lanes))

    @property
    def app(self) -> faust.App:
        """The Faust app."""
        return self._app

    @property
    def spec(self) -> StageSpec:
        """The stage."""
        return self._spec

    @property
    def cluster(self) -> Cluster:
        """The cluster."""
        return self._cluster


class _OwnedPartition:
    """What a lane may ask of its worker."""

    def __init__(self, worker: StageWorker, partition: int) -> None:
        self._worker = worker
        # Faust's own type: handing aiokafka's to these calls crashes its fetcher.
        self._tp = TP(worker.cluster.name(worker.spec.source), partition)

    async def send(self, topic: Topic, *, key: bytes, value: bytes, stage: str) -> Awaitable[Any]:
        """Hand a record to the idempotent producer."""
        name = self._worker.cluster.name(topic)
        headers = [(STAGE_HEADER, stage.encode())]
        sent: Awaitable[Any] = await self._worker.app.producer.send(name, key, value, self._tp.partition, None, headers)
        return sent

    def hold_back(self) -> None:
        """Stop fetching this partition. Never by `pause_partitions`: what was fetched would be committed over."""
        self._worker.app.consumer.on_buffer_full(self._tp)

    def let_go(self) -> None:
        """Fetch this partition again."""
        self._worker.app.consumer.on_buffer_drop(self._tp)

    def moved(self) -> None:
        """Say that something was done: the watchdog listens."""
        self._worker.moved()


async def _close(lanes: Iterable[Lane]) -> None:
    running: list[Coroutine[Any, Any, None]] = [lane.close() for lane in lanes if lane.running]
    await asyncio.gather(*running)


def _faust_app(spec: StageSpec, cluster: Cluster, *, slot: str, directory: Path) -> faust.App:
    """Return a Faust app in which nothing happens unasked: no tables, no pages, no topics made."""
    return faust.App(
        cluster.group(spec.name),
        broker=";".join(f"{SCHEME}://{server.strip()}" for server in cluster.bootstrap.split(",")),
        datadir=str(directory),
        key_serializer="raw",
        value_serializer="raw",
        ConsumerScheduler=run_scheduler(spec.run_records),
        stream_buffer_maxsize=BUFFER_RUNS,
        stream_wait_empty=False,
        agent_supervisor="mode.supervisors:CrashingSupervisor",
        consumer_group_instance_id=f"{cluster.namespace}{spec.name}.{slot}",
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MESSAGE_BYTES_MAX,
        broker_max_poll_records=max(500, spec.run_records * 4) if spec.run_records > 1 else 500,
        broker_commit_interval=1.0,
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=HEARTBEAT_INTERVAL_S,
        broker_rebalance_timeout=SESSION_TIMEOUT_S,
        broker_request_timeout=30,
        broker_max_poll_interval=POLL_INTERVAL_MAX_S,
        producer_linger=0,
        producer_max_batch_size=131_072,
        producer_max_request_size=LETTER_MESSAGE_BYTES_MAX,
        producer_request_timeout=60,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
