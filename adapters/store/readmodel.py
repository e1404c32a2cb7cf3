"""The read model's file: written by `observe` alone, read by commands and the page; it says how old it is."""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from types import TracebackType

import msgspec

from adapters.kafka.reader import LogRecord
from adapters.store.projection import StandingRow, project
from adapters.store.rows import write_rows
from schemas.cursors import Reread
from schemas.decisions import MappingPublished
from schemas.errors import Misconfigured, Transient
from schemas.events import read_cursor, read_decision, read_qad_reference
from schemas.references import QadReference
from schemas.topics import Topic

_SCHEMA = files("adapters.store").joinpath("schema.sql").read_text(encoding="utf-8")
# Raised when the tables change: a file of another version is made anew from the log.
VERSION = 8


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the log, as the read model knows it."""

    topic: Topic
    partition: int
    offset: int
    at_ms: int
    type: str
    connection: str
    document: str
    number: str
    subject: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document or posting stands for a stage, and since when."""

    row: StandingRow
    since_ms: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a stage could not read."""

    connection: str
    topic: str
    offset: int
    stage: str
    reason: str
    next_step: str
    at_ms: int


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents, and the amounts of their postings by currency."""

    documents: int
    value: dict[str, Decimal]


class ReadModel:
    """The file."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        """Open it; `write` makes it, and makes it anew where it is of another version.

        Raises:
            Misconfigured: It is not there, is no read model, or of another version, and only reading was asked for.
            Transient: It cannot be written now.
        """
        self._path = path
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._discard_other_version()
        elif not path.exists():
            raise Misconfigured(
                f"no read model at {path}: start ml-connector observe (or run), it is built from the log"
            )
        elif _version_of(path) != VERSION:
            raise Misconfigured(
                f"the read model at {path} is of another version, or none: start ml-connector observe, it is made anew"
            )
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode=wal")
        # The log is the truth: what a power cut takes from this file is read again.
        self._database.execute("pragma synchronous=normal")
        if write:
            with self._writing():
                self._database.executescript(_SCHEMA)
                self._database.execute(f"pragma user_version={VERSION}")

    def __enter__(self) -> "ReadModel":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    # -- writing -----------------------------------------------------------------------------------------------------

    def positions(self) -> dict[tuple[str, int], int]:
        """Return the next offset to read, by topic and partition."""
        rows = self._database.execute("select topic, partition, next_offset from positions")
        return {(topic, partition): offset for topic, partition, offset in rows}

    def take(self, records: Sequence[tuple[int, LogRecord]]) -> None:
        """Take up records (partition, record) with the offsets after them, in one transaction.

        Raises:
            Transient: They cannot be written now; none of them is.
        """
        with self._writing(), self._transaction():
            for partition, record in records:
                write_rows(self._database, partition, record, project(record.topic, record.value))

    def looked(self) -> None:
        """Take up that everything up to now has been read."""
        with self._writing():
            self._database.execute("insert or replace into looked values (1, ?)", (int(time.time() * 1000),))

    # -- reading -----------------------------------------------------------------------------------------------------

    def age_s(self) -> float:
        """Return how long ago `observe` last looked, in seconds."""
        row = self._database.execute("select at_ms from looked").fetchone()
        return max(0.0, time.time() - row[0] / 1000) if row else float("inf")

    def events_of(self, connection: str, document: str) -> list[Event]:
        """Return every event about a document, oldest first."""
        rows = self._database.execute(
            "select topic, partition, offset, at_ms, type, connection, document, number, subject from events "
            "where connection=? and document=? order by at_ms, topic, offset",
            (connection, document),
        )
        return [_event(row) for row in rows]

    def find(self, name: str) -> list[tuple[str, str]]:
        """Return (connection, document) of what has this number, or this `kind:id` or id, exactly as it is written."""
        rows = self._database.execute(
            "select distinct connection, document from events where document<>'' and :name<>'' and (number=:name "
            "or document=:name or substr(document, instr(document, ':') + 1)=:name) order by connection, document",
            {"name": name},
        )
        return [(connection, document) for connection, document in rows]

    def documents_read(self, connection: str) -> set[str]:
        """Return every document that was read from Zuora, whatever became of it."""
        rows = self._database.execute("select document from documents where connection=?", (connection,))
        return {document for (document,) in rows}

    def standings(self, *, statuses: Sequence[str], connection: str = "", document: str = "") -> list[Standing]:
        """Return what stands so, oldest first; of one connection or document where that is named."""
        rows = self._database.execute(
            "select connection, stage, subject, document, number, status, origin, rule, message, next_step, "
            "blocked_by, account, currency, value, said, since_ms from standings "
            "where status in (select value from json_each(?)) and (?='' or connection=?) and (?='' or document=?) "
            "order by since_ms, number",
            (msgspec.json.encode(list(statuses)).decode(), connection, connection, document, document),
        )
        return [_standing(row) for row in rows]

    def dead_letters(self, connection: str = "") -> list[DeadLetter]:
        """Return the dead letters that nobody has put back, oldest first."""
        rows = self._database.execute(
            "select connection, topic, offset, stage, reason, next_step, at_ms from dead_letters "
            "where (?='' or connection=?) and (connection, topic, offset) not in put_back order by at_ms",
            (connection, connection),
        )
        return [
            DeadLetter(
                connection=row[0],
                topic=row[1],
                offset=row[2],
                stage=row[3],
                reason=row[4],
                next_step=row[5],
                at_ms=row[6],
            )
            for row in rows
        ]

    def rereads(self) -> list[Reread]:
        """Return what the rolling re-read of each kind has proved and found."""
        rows = self._database.execute("select event from rereads order by connection, kind")
        return [told for (event,) in rows if isinstance(told := read_cursor(event), Reread)]

    def behind(self, topic: Topic, partition: int, offset: int) -> tuple[int | None, dict[str, Decimal]]:
        """Return the time of the first record from an offset on, and the value by currency of what is behind it."""
        first = self._database.execute(
            "select at_ms from events where topic=? and partition=? and offset>=? order by offset limit 1",
            (topic.value, partition, offset),
        ).fetchone()
        rows = self._database.execute(
            "select distinct documents.document, documents.currency, documents.value from events join documents "
            "on documents.connection=events.connection and documents.document=events.document "
            "where topic=? and partition=? and offset>=?",
            (topic.value, partition, offset),
        )
        worth: dict[str, Decimal] = {}
        for _, currency, value in rows:
            worth[currency] = worth.get(currency, Decimal(0)) + abs(Decimal(value))
        return (first[0] if first else None), worth

    def shown(self, partition: int) -> list[QadReference]:
        """Return QAD's reference data of a connection as last shown, also what is gone; of customers no name."""
        rows = self._database.execute("select event from shown where partition=? order by kind, code", (partition,))
        return [read_qad_reference(event) for (event,) in rows]

    def published(self, connection: str) -> MappingPublished | None:
        """Return the newest mapping of a connection."""
        row = self._database.execute("select event from published where connection=?", (connection,)).fetchone()
        event = read_decision(row[0]) if row else None
        return event if isinstance(event, MappingPublished) else None

    def newest_day(self, connection: str) -> date | None:
        """Return the newest posting date of a connection."""
        row = self._database.execute("select max(day) from postings where connection=?", (connection,)).fetchone()
        return date.fromisoformat(row[0]) if row and row[0] else None

    def hits(
        self, connection: str, *, use: str = "", pending: bool, first: date = date.min, last: date = date.max
    ) -> Hits:
        """Return the documents, and their worth, whose postings use a reference (`kind:code`) or any.

        Args:
            connection: The connection.
            use: The reference, "" for any.
            pending: Only what is still to be posted.
            first: Least posting date.
            last: Greatest posting date.
        """
        rows = self._database.execute(
            "select document, currency, total from postings where connection=:connection and day between :first "
            "and :last and (pending or not :pending) and (:use='' or posting in "
            "(select posting from uses where connection=:connection and use=:use))",
            {"connection": connection, "use": use, "pending": pending, "first": str(first), "last": str(last)},
        )
        documents: set[str] = set()
        value: defaultdict[str, Decimal] = defaultdict(Decimal)
        for document, currency, total in rows:
            documents.add(document)
            value[currency] += Decimal(total)
        return Hits(documents=len(documents), value=dict(value))

    # -- the file ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say in a sentence what the file system refuses."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Transient(
                f"the read model {self._path} cannot be written ({error}): is its volume full? Nothing is lost: it "
                "goes on from where it stands when observe starts again"
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("begin")
        try:
            yield
        except BaseException:
            # SQLite has undone it already where the volume is full.
            if self._database.in_transaction:
                self._database.execute("rollback")
            raise
        self._database.execute("commit")

    def _discard_other_version(self) -> None:
        if self._path.exists() and _version_of(self._path) != VERSION:
            for path in (self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm")):
                path.unlink(missing_ok=True)


def _version_of(path: Path) -> int:
    """Return the version of a file, -1 where it is no database.

    Raises:
        Misconfigured: It cannot be opened: what it is remains open, and nobody may discard it for that.
    """
    try:
        with closing(sqlite3.connect(path)) as database:
            return int(database.execute("pragma user_version").fetchone()[0])
    except sqlite3.OperationalError as error:
        raise Misconfigured(f"the read model at {path} cannot be opened: {error}") from None
    except sqlite3.DatabaseError:
        return -1


def _event(row: tuple[object, ...]) -> Event:
    topic, *others = row
    return msgspec.convert(
        dict(zip(Event.__struct_fields__, (Topic(str(topic)), *others), strict=True)), Event, strict=False
    )


def _standing(row: tuple[object, ...]) -> Standing:
    connection, stage, subject, document, number, status, origin, *told, value, said, since_ms = row
    rule, message, next_step, blocked_by, account, currency = told
    return Standing(
        row=StandingRow(
            connection=str(connection),
            stage=str(stage),
            subject=str(subject),
            document=str(document),
            number=str(number),
            status=str(status),
            origin=int(str(origin)),
            rule=str(rule),
            message=str(message),
            next_step=str(next_step),
            blocked_by=str(blocked_by),
            account=str(account),
            currency=str(currency),
            value=Decimal(str(value)) if value else None,
            said=msgspec.json.decode(str(said), type=tuple[str, ...]),
        ),
        since_ms=int(str(since_ms)),
    )
