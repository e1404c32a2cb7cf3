"""A log in memory, and the clients of it that adapters/kafka uses: what they promise of order, commits and fencing.

One partition. Records of an open transaction hide what stands behind them from those who read committed; an aborted one
leaves its records and its marker in the log. A client belongs to a process: when that is stopped or dead, it is silent.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from adapters.kafka.cluster import Cluster

Headers = Sequence[tuple[str, bytes]]


class Host(Protocol):
    """The process that a client runs in."""

    async def passing(self, point: str) -> None:
        """Go on, or never."""
        ...

    def broker_fails(self, point: str) -> bool:
        """Return whether the broker answers with an error here."""
        ...

    def committed(self) -> int:
        """Return the offset that its group has committed."""
        ...


@dataclass(slots=True)
class Transaction:
    """What was sent between a begin and its end, with the topic of each."""

    state: str = "open"
    entries: "list[tuple[str, Entry]]" = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """One record; a marker is one that nobody sees."""

    key: bytes
    value: bytes
    headers: Headers = ()
    transaction: Transaction | None = None
    is_marker: bool = False
    timestamp: int = 0
    offset: int = 0


@dataclass(slots=True)
class Acknowledged:
    """What a producer is told of a record."""

    offset: int


@dataclass(slots=True)
class Log:
    """All topics, by name."""

    topics: defaultdict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    owners: dict[str, "Producer"] = field(default_factory=dict)
    committed: Callable[[str, Entry], None] = lambda topic, entry: None
    written: int = 0
    # Seconds: a record is stamped as the broker stamps it.
    now: Callable[[], float] = lambda: 0.0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def append(self, topic: str, entry: Entry) -> int:
        """Put a record at the end; return its offset."""
        self.written += 1
        entry.offset, entry.timestamp = len(self.topics[topic]), round(self.now() * 1000)
        self.topics[topic].append(entry)
        if entry.transaction is None and not entry.is_marker:
            self.committed(topic, entry)
        self._tell()
        return entry.offset

    def end(self, transaction: Transaction, state: str) -> None:
        """Commit or abort; a marker follows in each topic."""
        transaction.state = state
        for topic, entry in transaction.entries:
            if state == "committed":
                self.committed(topic, entry)
        for topic in dict.fromkeys(topic for topic, _ in transaction.entries):
            self.append(topic, Entry(b"", b"", is_marker=True))

    def visible(self, topic: str, start: int, *, committed: bool = True) -> tuple[list[Entry], int]:
        """Return the records from an offset on, and the offset up to which that is all."""
        entries, found = self.topics[topic], []
        for offset in range(start, len(entries)):
            entry = entries[offset]
            state = entry.transaction.state if entry.transaction else "committed"
            if committed and state == "open":
                return found, offset
            if not entry.is_marker and (state == "committed" or not committed):
                found.append(entry)
        return found, len(entries)

    def cut(self, topic: str, records: int) -> int:
        """Lose the end of a topic, as a broker that lost its disk cache; return how many records that people saw."""
        entries = self.topics[topic]
        lost = entries[max(0, len(entries) - records) :]
        del entries[max(0, len(entries) - records) :]
        return sum(not entry.is_marker for entry in lost)

    async def grown(self) -> None:
        """Come back when something was written."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


@dataclass(frozen=True)
class MemoryCluster(Cluster):
    """The cluster as one process sees it."""

    log: Log = field(default_factory=Log)
    host: Host = None  # type: ignore[assignment]

    def consumer(self, **settings: Any) -> Any:
        """Return a consumer."""
        return Consumer(self.log, self.host, committed=settings.get("isolation_level") != "read_uncommitted")

    def producer(self, **settings: Any) -> Any:
        """Return a producer."""
        return Producer(self.log, self.host, settings["transactional_id"])


class Consumer:
    """Reads from where it is told, without a group."""

    def __init__(self, log: Log, host: Host, *, committed: bool) -> None:
        self._log, self._host, self._only_committed = log, host, committed
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        await self._host.passing("consumer.start")

    async def stop(self) -> None:
        pass

    def assign(self, parts: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(parts, 0)

    def seek(self, part: TopicPartition, offset: int) -> None:
        self._positions[part] = offset

    async def committed(self, part: TopicPartition) -> int:
        await self._host.passing("consumer.committed")
        return self._host.committed()

    async def position(self, part: TopicPartition) -> int:
        return self._positions[part]

    async def end_offsets(self, parts: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._host.passing("consumer.end_offsets")
        if self._only_committed:
            return {part: self._log.visible(part.topic, 0)[1] for part in parts}
        return {part: len(self._log.topics[part.topic]) for part in parts}

    async def getmany(self, *parts: TopicPartition, timeout_ms: int = 0) -> dict[TopicPartition, list[Entry]]:
        """Return what is there. Without anything, wait for as long as it takes: an empty answer changes nothing."""
        while True:
            await self._host.passing("consumer.getmany")
            found = dict(self._fetch(parts or tuple(self._positions)))
            if found:
                return found
            if parts:
                await asyncio.sleep(timeout_ms / 1000)
                return dict(self._fetch(parts))
            await self._log.grown()

    def _fetch(self, parts: Iterable[TopicPartition]) -> Iterator[tuple[TopicPartition, list[Entry]]]:
        """Yield what is new; a position also moves over what nobody sees."""
        for part in parts:
            before = self._positions[part]
            entries, self._positions[part] = self._log.visible(part.topic, before, committed=self._only_committed)
            if self._positions[part] < before:
                raise KafkaError(f"{part} is out of range at {before}")
            if entries or self._positions[part] > before:
                yield part, entries


class Producer:
    """A transactional producer; starting it shuts out the one before with the same id."""

    def __init__(self, log: Log, host: Host, name: str) -> None:
        self._log, self._host, self._name = log, host, name
        self._transaction: Transaction | None = None

    async def start(self) -> None:
        await self._host.passing("producer.start")
        before = self._log.owners.get(self._name)
        self._log.owners[self._name] = self
        if before is not None:
            before.abort()

    async def stop(self) -> None:
        pass

    def abort(self) -> None:
        """End what is open: the broker does so when somebody else takes over."""
        if self._transaction is not None:
            self._log.end(self._transaction, "aborted")
            self._transaction = None

    async def begin_transaction(self) -> None:
        self._transaction = Transaction()

    async def send(
        self, topic: str, value: bytes, key: bytes, partition: int, headers: Headers = ()
    ) -> asyncio.Future[Acknowledged]:
        await self._host.passing("producer.send")
        self._hold_ownership()
        assert self._transaction is not None
        entry = Entry(key, value, tuple(headers), self._transaction)
        self._transaction.entries.append((topic, entry))
        done = asyncio.get_running_loop().create_future()
        done.set_result(Acknowledged(self._log.append(topic, entry)))
        return done

    async def commit_transaction(self) -> None:
        await self._host.passing("producer.before_commit")
        self._hold_ownership()
        if self._host.broker_fails("commit is not made"):
            raise KafkaError("the coordinator does not answer")
        assert self._transaction is not None
        transaction, self._transaction = self._transaction, None
        self._log.end(transaction, "committed")
        if self._host.broker_fails("commit is made and not answered"):
            raise KafkaError("the coordinator did not answer")
        await self._host.passing("producer.after_commit")

    def _hold_ownership(self) -> None:
        if self._log.owners.get(self._name) is not self:
            raise ProducerFenced
