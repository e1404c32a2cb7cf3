"""The example of docs/adding-a-sink.md as it stands there, and its driver: its tables are read here as they are."""

import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from types import ModuleType

from streams.ports import Command, Erp
from tests.adapters.commands import JANUARY, Commands
from tests.adapters.qad_company import post
from tests.ports.books import Booked, Key
from tests.ports.files import booked_of, moved_by

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "adding-a-sink.md"


def blocks() -> list[str]:
    """Return the document's Python."""
    return re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def shown(number: int) -> ModuleType:
    """Return one of its blocks, executed."""
    module = ModuleType(f"adding_a_sink_{number}")
    exec(compile(blocks()[number], str(DOCUMENT), "exec"), vars(module))
    return module


class Tables:
    """A database, and who reads it."""

    takes_tax_rows = False

    def __init__(self, directory: Path) -> None:
        self.commands = Commands()
        self._path = directory / "documents.sqlite"
        self._away = directory / "away.sqlite"
        self._example = shown(0)
        with closing(sqlite3.connect(self._path)) as tables:
            tables.executescript(self._example.TABLES)

    async def port(self) -> Erp:
        return self._example.TableErp(self._path)

    def booked(self) -> Sequence[Booked]:
        return [
            booked_of([{**head, "posting_date": head["day"]}, *self._moves(head)]) for head in self._rows("documents")
        ]

    def open_amounts(self) -> dict[Key, Decimal]:
        found: dict[Key, Decimal] = {}
        for row in self._rows("openings"):
            sign = -1 if row["kind"] in ("credit_memo", "payment") else 1
            found[_key(row)] = sign * Decimal(row["total"])
        for head in self._rows("documents"):
            for key, amount in moved_by([head, *self._moves(head)]):
                found[key] = found.get(key, Decimal(0)) + amount
        return {key: amount for key, amount in found.items() if amount}

    def contradictions(self) -> Sequence[str]:
        known = {head["reference"] for head in self._rows("documents")}
        return [row["reference"] for row in self._rows("moves") if row["reference"] not in known]

    def load_opening(self, number: str, *, kind: str, currency: str = "USD") -> Key:
        key = Key(2026, "HINV", len(self._rows("openings")) + 1)
        with closing(sqlite3.connect(self._path)) as tables:
            row = (number, kind, *key, "C0001", currency, "70.00", str(JANUARY))
            tables.execute("INSERT INTO openings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            tables.commit()
        return key

    def lose_answer(self) -> Callable[[], bool]:
        """Let the disk fail once when a commit was done."""
        real, fired = sqlite3.connect, []

        class Failing(sqlite3.Connection):
            def execute(self, statement, *values):
                found = super().execute(statement, *values)
                if statement == "COMMIT":
                    sqlite3.connect = real
                    fired.append(statement)
                    raise sqlite3.OperationalError("disk I/O error")
                return found

        sqlite3.connect = lambda *args, **more: real(*args, factory=Failing, **more)
        return lambda: fired == ["COMMIT"]

    async def refused(self, erp: Erp) -> tuple[Command, str, tuple[str, ...]]:
        command = self.commands.invoice()
        await post(erp, command)
        return command, "duplicate", ()

    async def leave(self) -> None:
        self._path.rename(self._away)

    async def come_back(self) -> None:
        self._away.rename(self._path)

    def _rows(self, table: str) -> list[dict[str, str]]:
        with closing(sqlite3.connect(self._path)) as tables:
            tables.row_factory = sqlite3.Row
            found = tables.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
        return [{name: "" if row[name] is None else row[name] for name in row.keys()} for row in found]  # noqa: SIM118

    def _moves(self, head: dict[str, str]) -> list[dict[str, str]]:
        return [row for row in self._rows("moves") if row["reference"] == head["reference"]]


@asynccontextmanager
async def tables(directory: Path) -> AsyncIterator[Tables]:
    """Keep a database while the body runs."""
    real = sqlite3.connect
    try:
        yield Tables(directory)
    finally:
        sqlite3.connect = real


def _key(row: dict[str, str]) -> Key:
    return Key(int(row["year"]), row["daybook"], int(row["voucher"]))
