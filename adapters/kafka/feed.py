"""What the pollers write: records to every connection of a tenant, changed references, cursors after the records."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
import structlog
from aiokafka.errors import KafkaError

from adapters.crashpoints import crashpoint
from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import LogRecord, read_whole
from schemas.codec import encode
from schemas.cursors import Backfill, Cursor, Position, Reread
from schemas.deadletters import DeadLetter
from schemas.errors import Transient, Unreadable
from schemas.events import read_cursor, read_qad_reference, read_zuora_reference
from schemas.records import ZuoraRecord
from schemas.references import QadReference, ZuoraReference, reference_code, reference_kind
from schemas.topics import RECORD_BYTES_MAX, Topic, key

log = structlog.get_logger(__name__)

# References that are written together: 100,000 at once would not all be taken before a publisher gives up.
_WRITTEN_AT_ONCE = 1_000
# A letter writes bytes as base64, a third longer, beside its other words.
_ROW_BYTES_MAX = RECORD_BYTES_MAX // 2


@contextmanager
def passing_over(record: LogRecord) -> Iterator[None]:
    """Go on without a record that nobody can read: what it said is read from the other side again, and written anew."""
    try:
        yield
    except Unreadable as error:
        log.error("passed over", topic=record.topic, offset=record.offset, reason=str(error))


class TenantFeed:
    """One tenant's poller writes here; cursors and references stand in the partition of its first connection."""

    def __init__(self, cluster: Cluster, publisher: Publisher, partitions: dict[str, int]) -> None:
        """Name where it writes.

        Args:
            cluster: The cluster.
            publisher: The producer.
            partitions: Partition of each connection of the tenant, the first one first.
        """
        self._cluster = cluster
        self._publisher = publisher
        self._partitions = partitions
        self._first = next(iter(partitions))
        self._cursors: dict[str, Cursor] = {}
        self._backfills: dict[str, Backfill] = {}
        self._rereads: dict[str, Reread] = {}
        # By connection: each has a partition of its own, and one may have come later than another.
        self._known: dict[tuple[str, str, str], ZuoraReference] = {}

    async def load(self) -> None:
        """Read the cursors and references that were written before."""
        for record in await read_whole(self._cluster, self._partitions[self._first], [Topic.CURSORS]):
            with passing_over(record):
                position = read_cursor(record.value)
                match position:
                    case Cursor():
                        self._cursors[position.kind] = position
                    case Backfill():
                        self._backfills[position.kind] = position
                    case Reread():
                        self._rereads[position.kind] = position
        for connection, partition in self._partitions.items():
            for record in await read_whole(self._cluster, partition, [Topic.ZUORA_REFERENCE]):
                with passing_over(record):
                    reference = read_zuora_reference(record.value)
                    self._known[_known_as(connection, reference)] = reference

    async def records(self, records: Sequence[ZuoraRecord]) -> Sequence[ZuoraRecord]:
        """Write records to every connection of the tenant; return those too large for a topic: they are dead letters.

        The first one, whose log says what was read, has a record only when all others have it.
        """
        first = [self._publication(record, self._first) for record in records]
        others = [
            self._publication(record, connection)
            for record in records
            for connection in self._partitions
            if connection != self._first
        ]
        for publications in (others, first):
            if publications:
                await self._publisher.publish(publications)
        return [record for record, one in zip(records, first, strict=True) if one.topic == Topic.DEAD_LETTERS]

    def _publication(self, record: ZuoraRecord, connection: str) -> Publication:
        return _record(msgspec.structs.replace(record, connection=connection), self._partitions[connection])

    async def unreadable(self, kind: str, row: bytes, reason: str) -> None:
        """Write a row that no record can be made of to the dead letters of the tenant's first connection."""
        letter = _letter(
            self._first,
            at=datetime.now(UTC),
            name=key(self._first, kind, hashlib.blake2b(row, digest_size=16).hexdigest()),
            reason=reason,
            next_step="Compare it with Zuora's documentation and report it; it is read again when it changes in Zuora.",
            value=row if len(row) <= _ROW_BYTES_MAX else b"",
        )
        await self._publisher.publish([_dead(letter, self._partitions[self._first])])

    async def references(self, references: Sequence[ZuoraReference]) -> None:
        """Write to each connection those references that differ from what was last written there."""
        changed = {
            name: (partition, reference)
            for reference in references
            for connection, partition in self._partitions.items()
            if self._known.get(name := _known_as(connection, reference)) != reference
        }
        await self._publisher.publish(
            [
                _reference(Topic.ZUORA_REFERENCE, name[0], partition, reference)
                for name, (partition, reference) in changed.items()
            ]
        )
        self._known |= {name: reference for name, (_, reference) in changed.items()}

    async def read_to(self, kind: str) -> datetime | None:
        """Return the cursor of a kind."""
        cursor = self._cursors.get(kind)
        return cursor.read_to if cursor else None

    def quiet_since(self, kind: str) -> datetime | None:
        """Return since when no row of a kind was listed, up to its cursor."""
        cursor = self._cursors.get(kind)
        return (cursor.quiet_since or None) if cursor else None

    async def moved_to(self, kind: str, moment: datetime, *, quiet_since: datetime | None = None) -> None:
        """Write the cursor of a kind, and since when no row was listed up to it."""
        cursor = Cursor(connection=self._first, kind=kind, read_to=moment, quiet_since=quiet_since or msgspec.UNSET)
        if self._cursors.get(kind) == cursor:
            return
        crashpoint("poll.before_cursor")
        await self._position(cursor)
        self._cursors[kind] = cursor

    def backfill_of(self, kind: str) -> Backfill | None:
        """Return how far the last backfill of a kind has come."""
        return self._backfills.get(kind)

    async def backfilled(self, position: Backfill) -> None:
        """Write how far a backfill has come."""
        position = msgspec.structs.replace(position, connection=self._first)
        await self._position(position, "backfill")
        self._backfills[position.kind] = position

    def reread_of(self, kind: str) -> Reread | None:
        """Return what the re-read of a kind last said."""
        return self._rereads.get(kind)

    async def reread(self, standing: Reread) -> None:
        """Write what the re-read of a kind has proved and found."""
        standing = msgspec.structs.replace(standing, connection=self._first)
        await self._position(standing, "reread")
        self._rereads[standing.kind] = standing

    async def _position(self, event: Position, *way: str) -> None:
        name = key(self._first, event.kind, *way)
        publication = Publication(topic=Topic.CURSORS, partition=self._partitions[self._first], key=name, event=event)
        await self._publisher.publish([publication])


class CursorLog:
    """The cursors of one tenant as the log has them at that moment, for those who write none."""

    def __init__(self, cluster: Cluster, partition: Callable[[], Awaitable[int]]) -> None:
        """Name where it reads.

        Args:
            cluster: The cluster.
            partition: Returns the partition of the tenant's first connection.
        """
        self._cluster = cluster
        self._partition = partition

    async def read_to(self, kind: str) -> datetime | None:
        """Return the cursor of a kind.

        Raises:
            Transient: The log cannot be read now.
        """
        found = None
        try:
            records = await read_whole(self._cluster, await self._partition(), [Topic.CURSORS])
        except KafkaError as error:
            raise Transient(f"what was read before cannot be told: {type(error).__name__}") from error
        for record in records:
            with passing_over(record):
                position = read_cursor(record.value)
                if isinstance(position, Cursor) and position.kind == kind:
                    found = position.read_to
        return found


class ReferenceFeed:
    """What QAD shows of one connection: only what differs is written, and what is no longer listed."""

    def __init__(self, cluster: Cluster, publisher: Publisher, connection: str, partition: int) -> None:
        """Name where it writes."""
        self._cluster = cluster
        self._publisher = publisher
        self._connection = connection
        self._partition = partition
        self._known: dict[str, dict[str, QadReference]] = {}

    async def load(self) -> None:
        """Read what was written before."""
        for record in await read_whole(self._cluster, self._partition, [Topic.QAD_REFERENCE]):
            with passing_over(record):
                reference = read_qad_reference(record.value)
                known = self._known.setdefault(reference_kind(reference), {})
                if reference.gone:
                    known.pop(reference_code(reference), None)
                else:
                    known[reference_code(reference)] = reference

    async def write_list(self, kind: str, shown: Iterable[QadReference]) -> int:
        """Write what differs in a whole list, and what is gone from it; return how many that was.

        Raises:
            Transient: The broker does not have all of it; what it has is not written again.
        """
        now = {reference_code(reference): reference for reference in shown}
        known = self._known.setdefault(kind, {})
        changed = [reference for code, reference in now.items() if known.get(code) != reference]
        left = [known[code] for code in known.keys() - now.keys() if not known[code].gone]
        gone = [msgspec.structs.replace(reference, gone=True) for reference in left]
        differs = [*changed, *gone]
        for start in range(0, len(differs), _WRITTEN_AT_ONCE):
            some = differs[start : start + _WRITTEN_AT_ONCE]
            await self._publisher.publish(
                [_reference(Topic.QAD_REFERENCE, self._connection, self._partition, reference) for reference in some]
            )
            known.update({reference_code(reference): reference for reference in some})
        self._known[kind] = now
        return len(changed) + len(gone)


def _known_as(connection: str, reference: ZuoraReference) -> tuple[str, str, str]:
    return connection, reference_kind(reference), reference_code(reference)


def _record(record: ZuoraRecord, partition: int) -> Publication:
    name = key(record.connection, record.kind, record.id)
    size = len(encode(record))
    if size <= RECORD_BYTES_MAX:
        return Publication(topic=Topic.RECORDS, partition=partition, key=name, event=record)
    letter = _letter(
        record.connection,
        at=record.found.at,
        name=name,
        reason=f"{record.kind} {record.id} has {size} bytes, above the {RECORD_BYTES_MAX} that topics take",
        next_step="Split the document in Zuora, or book it by hand; report its size.",
    )
    return _dead(letter, partition)


def _letter(
    connection: str, *, at: datetime, name: bytes, reason: str, next_step: str, value: bytes = b""
) -> DeadLetter:
    """Return the dead letter of something that never became a record: it has no offset."""
    return DeadLetter(
        connection=connection,
        topic=Topic.RECORDS.value,
        offset=-1,
        at_ms=int(at.timestamp() * 1000),
        stage="poll",
        reason=reason,
        next_step=next_step,
        key=name,
        value=value,
    )


def _dead(letter: DeadLetter, partition: int) -> Publication:
    return Publication(topic=Topic.DEAD_LETTERS, partition=partition, key=letter.key, event=letter)


def _reference(topic: Topic, connection: str, partition: int, reference: ZuoraReference | QadReference) -> Publication:
    return Publication(
        topic=topic,
        partition=partition,
        key=key(connection, reference_kind(reference), reference_code(reference)),
        event=reference,
    )
