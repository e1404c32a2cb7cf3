"""What the log holds of a tenant: of each object the newest stamp, the content of its parent in short, and its status.

A file beside the process that polls, folded from `zuora.records` alone: delete it freely, it is read from the log
again. It says what was read, never what is true. What became a dead letter instead of a record is noted beside it, so
that it is said once; without the file it is said once more.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import Transient
from schemas.records import ZuoraRecord
from streams.identity import digest_of_parent, moment_of

# To be raised when what stands in the file changes: a file of another version is made anew.
VERSION = 3
_SCHEMA = """
create table if not exists held (
  kind text, id text, stamp_s integer, digest blob, status text, primary key (kind, id)
) without rowid;
create index if not exists held_by_stamp on held (kind, stamp_s);
create table if not exists gone (kind text, id text, at_s integer, status text, primary key (kind, id)) without rowid;
create table if not exists position (one integer primary key check (one = 1), next_offset integer, mark blob);
"""
_IDS_AT_ONCE = 500
# Of what tells no stamp: it lies in no slice.
_NO_STAMP_S = -1


class Held(msgspec.Struct, frozen=True):
    """What the log holds of an object.

    Attributes:
        stamp_s: Its newest stamp, in seconds of the epoch.
        digest: Content of its parent with that stamp, in short.
        status: Status of its parent.
    """

    stamp_s: int
    digest: bytes
    status: str


class Seen(msgspec.Struct, frozen=True):
    """A record of the log, as it is taken up.

    Attributes:
        offset: Where it stands.
        mark: Its bytes in short: another record there means another log.
        record: What it says; None where it cannot be read.
    """

    offset: int
    mark: bytes
    record: ZuoraRecord | None


class _Parent(msgspec.Struct, rename="camel"):
    status: str | None = None
    updated_date: str | None = None


_parent = msgspec.json.Decoder(_Parent)


class Inventory:
    """One tenant's."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, made anew where it is of another version or no database; in memory without one.

        Raises:
            Transient: It cannot be opened now, or somebody else writes it.
        """
        self._path = path
        try:
            self._database = self._opened()
            self._begin()
        except (OSError, sqlite3.OperationalError) as error:
            raise _unusable(error) from error
        except sqlite3.DatabaseError:
            self._make_anew()

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever else writes it is done in a moment: nobody waits for longer.
        return sqlite3.connect(self._path or ":memory:", isolation_level=None, timeout=0.5)

    def _begin(self) -> None:
        self._database.execute("pragma journal_mode=wal")
        # What a power cut takes, or breaks, is read from the log again.
        self._database.execute("pragma synchronous=off")
        if self._database.execute("pragma user_version").fetchone()[0] not in (0, VERSION):
            self._database.executescript(
                "drop table if exists held; drop table if exists gone; drop table if exists position;"
            )
        self._database.executescript(_SCHEMA)
        self._database.execute(f"pragma user_version={VERSION}")

    def _make_anew(self) -> None:
        try:
            self._database.close()
            if self._path is not None:
                for path in (self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm")):
                    path.unlink(missing_ok=True)
            self._database = self._opened()
            self._begin()
        except (OSError, sqlite3.Error) as error:
            raise _unusable(error) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Say in a sentence that the file cannot be used now; one that is broken is made anew."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _unusable(error) from error
        except sqlite3.DatabaseError as error:
            self._make_anew()
            raise Transient(f"the inventory of what was read was broken ({error}): it is read anew") from error

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._guarded():
            return self._database.execute(query, values).fetchall()

    # -- writing -----------------------------------------------------------------------------------------------------

    @property
    def last(self) -> tuple[int, bytes]:
        """Where the last record that was taken up stands, and its mark; (-1, b"") before the first one."""
        rows = self._rows("select next_offset, mark from position")
        return (rows[0][0] - 1, rows[0][1]) if rows else (-1, b"")

    def take(self, seen: Sequence[Seen]) -> None:
        """Take up records, in the order of the log; what was taken up before is passed over.

        Raises:
            Transient: They cannot be written now; none of them is.
        """
        with self._transaction():
            last, _ = self.last
            for one in seen:
                if one.offset > last and one.record is not None:
                    self._take_one(one.record)
            if seen and seen[-1].offset > last:
                self._database.execute(
                    "insert or replace into position values (1, ?, ?)", (seen[-1].offset + 1, seen[-1].mark)
                )

    def forget(self) -> None:
        """Forget everything: the log is another one."""
        with self._transaction():
            self._database.execute("delete from held")
            self._database.execute("delete from gone")
            self._database.execute("delete from position")

    def _take_one(self, record: ZuoraRecord) -> None:
        if record.deleted:
            self._database.execute(
                "insert or replace into gone select kind, id, ?, status from held where kind=? and id=?",
                (int(record.found.at.timestamp()), record.kind, record.id),
            )
            self._database.execute("delete from held where kind=? and id=?", (record.kind, record.id))
            return
        stamp_s, status = _looked_at(record.parent)
        if stamp_s != _NO_STAMP_S:
            self._hold(record.kind, record.id, stamp_s, record.parent, status)

    def set_aside(self, kind: str, rows: Sequence[tuple[str, msgspec.Raw]]) -> None:
        """Note objects, by id, that became dead letters as they are: held, though the log has no record of them.

        Raises:
            Transient: It cannot be noted now.
        """
        with self._transaction():
            for name, raw in rows:
                stamp_s, status = _looked_at(raw)
                self._hold(kind, name, stamp_s, raw, status)

    def _hold(self, kind: str, name: str, stamp_s: int, parent: msgspec.Raw, status: str) -> None:
        self._database.execute(
            "insert into held values (?,?,?,?,?) on conflict do update set stamp_s=excluded.stamp_s, "
            "digest=excluded.digest, status=excluded.status where excluded.stamp_s >= stamp_s",
            (kind, name, stamp_s, digest_of_parent(parent), status),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._database.execute("begin immediate")
            try:
                yield
                self._database.execute("commit")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("rollback")
                raise

    # -- reading -----------------------------------------------------------------------------------------------------

    def held(self, kind: str, ids: Iterable[str]) -> dict[str, Held]:
        """Return what is held of these objects, by id."""
        found: dict[str, Held] = {}
        names = list(ids)
        for place in range(0, len(names), _IDS_AT_ONCE):
            some = names[place : place + _IDS_AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"select id, stamp_s, digest, status from held where kind=? and id in ({marks})"  # noqa: S608 - marks
            rows = self._rows(query, kind, *some)
            found |= {name: Held(*held) for name, *held in rows}
        return found

    def between(self, kind: str, since_s: int, until_s: int) -> dict[str, Held]:
        """Return what is held with a newest stamp in [since_s, until_s), by id."""
        query = "select id, stamp_s, digest, status from held where kind=? and stamp_s>=? and stamp_s<?"
        rows = self._rows(query, kind, since_s, until_s)
        return {name: Held(*held) for name, *held in rows}

    def beside(self, kind: str, since_s: int, until_s: int, *, statuses: Collection[str], most: int) -> list[str]:
        """Return the ids of the objects of these statuses that are nearest to [since_s, until_s), on either side."""
        marks, query = ",".join("?" * len(statuses)), "select id from held where kind=? and stamp_s"
        before = f"{query}<? and status in ({marks}) order by stamp_s desc limit ?"
        after = f"{query}>=? and status in ({marks}) order by stamp_s limit ?"
        rows = self._rows(before, kind, since_s, *statuses, most) + self._rows(after, kind, until_s, *statuses, most)
        return [name for (name,) in rows]

    def deleted_since(self, moment: datetime, statuses: Collection[str]) -> int:
        """Return how many objects that had one of these statuses were taken for deleted since, of any kind."""
        marks = ",".join("?" * len(statuses))
        query = f"select count(*) from gone where at_s>=? and status in ({marks})"  # noqa: S608 - marks
        return int(self._rows(query, int(moment.timestamp()), *statuses)[0][0])

    def count(self, kind: str, since_s: int, until_s: int) -> int:
        """Return how many objects are held with a newest stamp in [since_s, until_s)."""
        query = "select count(*) from held where kind=? and stamp_s>=? and stamp_s<?"
        return int(self._rows(query, kind, since_s, until_s)[0][0])

    def stamp_at(self, kind: str, since_s: int, until_s: int, place: int) -> int | None:
        """Return the stamp of the object at a place, from 0, of those with a stamp in [since_s, until_s)."""
        query = "select stamp_s from held where kind=? and stamp_s>=? and stamp_s<? order by stamp_s limit 1 offset ?"
        rows = self._rows(query, kind, since_s, until_s, place)
        return int(rows[0][0]) if rows else None


def _looked_at(parent: msgspec.Raw) -> tuple[int, str]:
    """Return the stamp and the status of a parent."""
    try:
        seen = _parent.decode(parent)
    except (msgspec.DecodeError, ValueError):
        return _NO_STAMP_S, ""
    moment = moment_of(seen.updated_date)
    return int(moment.timestamp()) if moment else _NO_STAMP_S, seen.status or ""


def _unusable(error: Exception) -> Transient:
    return Transient(f"the inventory of what was read cannot be used now: {error}")


def mark_of(key: bytes, value: bytes) -> bytes:
    """Return a record's bytes in short."""
    return blake2b(value, key=blake2b(key, digest_size=32).digest(), digest_size=16).digest()
