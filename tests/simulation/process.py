"""One worker process of one stage: the real lane, with what the broker and Faust do for it in small.

Every call that leaves the process passes a gate. There it can be stopped, or killed at the n-th passing: then it is
silent for ever, a part of what it meant to do is done, and nobody tells it. What it had acknowledged a moment ago may
not be committed.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from adapters.kafka.lane import STAGE_HEADER
from schemas.topics import Topic
from streams.stage import StageSpec
from tests.simulation.counting import Tally
from tests.simulation.kafka import Acknowledged, Entry, Log

# Where a process can be killed: before and after all that others will see.
_STAGE_POINTS = ("consumer.start", "consumer.getmany", "stage.send", "acknowledge", "commit", "checkpoint")
_WRITER_POINTS = ("producer.start", "producer.send", "producer.before_commit", "producer.after_commit")
_CALL_POINTS = ("the call", "the first byte", "the answer", "the question")
# The two writes of the bookmark around a group: each is a point before it is made.
_DISK_POINTS = ("bookmark.begins", "bookmark.committed", "checkpoint")
_SINK_POINTS = ("consumer.getmany", "acknowledge", "commit", *_WRITER_POINTS, *_CALL_POINTS, *_DISK_POINTS)
POINTS = (
    *((stage, point) for stage in ("match", "ledger") for point in _STAGE_POINTS),
    *(("sink", point) for point in _SINK_POINTS),
)
COMMIT_ERRORS = ("commit is not made", "commit is made and not answered")
ERRORS = (*COMMIT_ERRORS, "send is not made", "send is made and not answered")
# As the worker's settings say it.
_COMMIT_INTERVAL_S = 1.0
_COMMITS_AT_ONCE = 0.5


class Lane(Protocol):
    """What the process runs."""

    def put(self, event: Any, acknowledge: Any) -> None: ...

    def start(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Group:
    """A consumer group: what is committed, and who may commit."""

    committed: int = 0
    owner: "Process | None" = None


@dataclass(eq=False)
class Run:
    """Records that are delivered and acknowledged together."""

    value: Sequence[Entry]


@dataclass
class Broker:
    """What all processes share."""

    log: Log
    tally: Tally
    random: Random
    groups: dict[str, Group] = field(default_factory=dict)
    # Which process is to be killed where, and how often it passes there before: whichever process of the stage comes.
    fuses: dict[tuple[str, str], int] = field(default_factory=dict)
    # Errors that the broker will answer with next, by point.
    errors: list[str] = field(default_factory=list)
    # Records per run at most: small, so that a run is cut anywhere.
    run_records: int = 4
    # How often the processes of a stage came to each point.
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def kills(self, stage: str, point: str) -> bool:
        """Return whether a process ends at this point, and count that it passed."""
        place = (stage, point)
        self.passed[place] += 1
        if place not in self.fuses:
            return False
        self.fuses[place] -= 1
        if self.fuses[place] >= 0:
            return False
        del self.fuses[place]
        return True


class Process:
    """A process; dead ones are never started again, another takes their place."""

    def __init__(self, spec: StageSpec, broker: Broker, *, died: "Callable[[Process], None]") -> None:
        self.spec = spec
        self.lane: Lane
        self.dead = False
        self._broker = broker
        self._died = died
        self._stopped: asyncio.Event | None = None
        self._next = 0
        self._open: list[Run] = []
        self._feed: asyncio.Task[None] | None = None
        self._rebalancing: asyncio.Task[None] | None = None

    def start(self, make_lane: "Callable[[Process], Lane]") -> None:
        """Begin as the owner of the group, from what is committed."""
        self._group.owner = self
        self.lane = make_lane(self)
        self._assigned()

    def rebalance(self) -> None:
        """Close the lane and begin again with what it knows; what is not committed is delivered again."""
        # One ends before the next begins, as in a consumer group.
        if self._rebalancing is None or self._rebalancing.done():
            self._rebalancing = asyncio.create_task(self._rebalance())

    def die(self) -> None:
        """End here and now."""
        if not self.dead:
            self.dead = True
            self.go_on()
            if self._feed is not None:
                self._feed.cancel()
            self._ending = asyncio.create_task(self.lane.close())
            self._died(self)

    def stop(self) -> None:
        """Stop it, as SIGSTOP does."""
        self._stopped = asyncio.Event()

    def go_on(self) -> None:
        """Let it go on, as SIGCONT does."""
        if self._stopped is not None:
            self._stopped.set()
            self._stopped = None

    @property
    def stopped(self) -> bool:
        return self._stopped is not None

    async def passing(self, point: str) -> None:
        """Go on, or wait while stopped, or end here."""
        while self._stopped is not None and not self.dead:
            await self._stopped.wait()
        if self.ends_at(point):
            await asyncio.get_running_loop().create_future()

    def ends_at(self, point: str) -> bool:
        """End here if it is to be killed here; return whether it is dead, for what is done at once."""
        if not self.dead and self._broker.kills(self.spec.name, point):
            self._broker.tally.fired(f"killed: {self.spec.name} at {point}")
            self.die()
        return self.dead

    def broker_fails(self, point: str) -> bool:
        """Return whether the broker answers with an error here."""
        if point not in self._broker.errors:
            return False
        self._broker.errors.remove(point)
        self._broker.tally.fired(f"broker: {point}")
        return True

    def committed(self) -> int:
        """Return the offset that its group has committed."""
        return self._group.committed

    # What a lane needs of its worker.

    async def send(self, topic: Topic, *, key: bytes, value: bytes, stage: str) -> Awaitable[Acknowledged]:
        """Hand a record to the idempotent producer."""
        await self.passing("stage.send")
        done: asyncio.Future[Acknowledged] = asyncio.get_running_loop().create_future()
        if self.broker_fails("send is not made"):
            return _failed(done)
        offset = self._broker.log.append(topic.value, Entry(key, value, ((STAGE_HEADER, stage.encode()),)))
        if self.broker_fails("send is made and not answered"):
            return _failed(done)
        done.set_result(Acknowledged(offset))
        return done

    def hold_back(self) -> None:
        """Never so many documents here."""

    def let_go(self) -> None:
        """Never so many documents here."""

    def moved(self) -> None:
        """Nobody watches."""

    # What Faust does.

    @property
    def _group(self) -> Group:
        return self._broker.groups.setdefault(self.spec.name, Group())

    async def _rebalance(self) -> None:
        if self._feed is not None:
            self._feed.cancel()
        await self.lane.close()
        self._open.clear()
        if not self.dead:
            self._assigned()

    def _assigned(self) -> None:
        self._next = self._group.committed
        self.lane.start()
        self._feed = asyncio.create_task(self._deliver())

    async def _deliver(self) -> None:
        source = self._broker.log.topics[self.spec.source.value]
        while True:
            await self.passing("consumer.getmany")
            while self._next < len(source):
                run = Run(source[self._next : self._next + self._broker.random.randint(1, self._broker.run_records)])
                self._open.append(run)
                self._next += len(run.value)
                self.lane.put(run, self._acknowledge)
            await self._broker.log.grown()

    async def _acknowledge(self, run: Run) -> None:
        await self.passing("acknowledge")
        if run in self._open:
            self._open.remove(run)
            # The worker commits by a clock of its own: at this moment, or up to an interval later.
            if self._broker.random.random() < _COMMITS_AT_ONCE:
                self._commit()
            else:
                asyncio.get_running_loop().call_later(_COMMIT_INTERVAL_S, self._commit)

    def _commit(self) -> None:
        """Commit below the lowest run still open, if the group is still ours."""
        if self._group.owner is self and not self.ends_at("commit"):
            self._group.committed = min((run.value[0].offset for run in self._open), default=self._next)


def _failed(done: "asyncio.Future[Acknowledged]") -> "asyncio.Future[Acknowledged]":
    """Return it failed; that nobody may wait for it, since another failed before, is no surprise."""
    done.set_exception(KafkaError("the broker does not answer"))
    done.exception()
    return done
