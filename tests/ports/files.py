"""A directory as a driver: what stands in its files is read here as a site's import would, and settled by hand."""

import csv
import errno
import itertools
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.dom import minidom

from adapters.files.document import HEADER
from adapters.files.port import FileErp
from adapters.files.profile import FileProfile, load_file_profile
from streams.ports import Command, Erp
from tests.adapters.commands import Commands
from tests.adapters.qad_company import post
from tests.ports.books import Booked, Key, Line

PROFILE = 'surface = "file"\ndirectory = "site"\n\n[open_items]\n'
# A list counts once nothing was written to it for a moment.
_QUIET_S = 60
_OPEN_ITEMS = ("number", "type", "year", "daybook", "voucher", "customer", "currency", "total")


class Site:
    """A directory, and the import that reads it."""

    takes_tax_rows = False

    def __init__(self, directory: Path, layout: str = "csv") -> None:
        self.path = directory / "site"
        for part in ("done", "refused", "lists"):
            (self.path / part).mkdir(parents=True)
        self._profile = directory / "profile.toml"
        self._profile.write_text(f'layout = "{layout}"\n{PROFILE}', encoding="utf-8")
        self._away = directory / "away"
        self.commands = Commands()
        self._openings: list[tuple[Key, str]] = []
        self.write_list("open_items", _OPEN_ITEMS)

    @property
    def profile(self) -> FileProfile:
        return load_file_profile(self._profile)

    def write_list(self, name: str, *rows: Sequence[object], age_s: float = _QUIET_S) -> Path:
        """Write a list as a site exports it."""
        path = self.path / "lists" / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        return self.age(path, age_s)

    def age(self, path: Path, age_s: float = _QUIET_S) -> Path:
        """Let a list have been written so long ago."""
        os.utime(path, (time.time() - age_s,) * 2)
        return path

    def files(self) -> list[Path]:
        """Return the documents, as they were written last."""
        found = [*self.path.glob("*"), *(self.path / "done").rglob("*")]
        found = [path for path in found if path.suffix in (".csv", ".xml") and not path.name.startswith(".")]
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    # -- the driver ----------------------------------------------------------------------------------------------------

    async def port(self) -> Erp:
        return FileErp(self.path, self.profile)

    def booked(self) -> Sequence[Booked]:
        return [booked_of(rows_of(path)) for path in self.files()]

    def open_amounts(self) -> dict[Key, Decimal]:
        found = {key: Decimal(-70 if kind in ("credit_memo", "payment") else 70) for key, kind in self._openings}
        for rows in map(rows_of, self.files()):
            for key, amount in moved_by(rows):
                found[key] = found.get(key, Decimal(0)) + amount
        return {key: amount for key, amount in found.items() if amount}

    def contradictions(self) -> Sequence[str]:
        keys = [booked.key for booked in self.booked()]
        return [f"{key} stands there twice" for key in set(keys) if keys.count(key) > 1]

    def load_opening(self, number: str, *, kind: str, currency: str = "USD") -> Key:
        key = Key(2026, "HINV", len(self._openings) + 1)
        self._openings.append((key, kind))
        path = self.path / "lists" / "open_items.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        self.write_list("open_items", *rows, (number, kind, *key, "C0001", currency, "70.00"))
        return key

    def lose_answer(self) -> Callable[[], bool]:
        """Let the disk fail once when a name that was given is to be kept."""
        real, fired = os.fsync, itertools.count()

        def failing(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                next(fired)
                os.fsync = real
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            real(descriptor)

        os.fsync = failing
        return lambda: os.fsync is real and next(fired) == 1

    async def refused(self, erp: Erp) -> tuple[Command, str, tuple[str, ...]]:
        command = self.commands.invoice()
        await post(erp, command)
        return command, "duplicate", ()

    async def leave(self) -> None:
        self.path.rename(self._away)

    async def come_back(self) -> None:
        self._away.rename(self.path)


@asynccontextmanager
async def site(directory: Path, layout: str = "csv") -> AsyncIterator[Site]:
    """Keep a directory while the body runs."""
    real = os.fsync
    try:
        yield Site(directory, layout)
    finally:
        os.fsync = real


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file."""
    if path.suffix == ".xml":
        document = minidom.parse(str(path)).documentElement
        return [_fields(row) for row in document.childNodes if row.nodeType == row.ELEMENT_NODE]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def _fields(row: Any) -> dict[str, str]:
    found = {one.tagName: "".join(text.data for text in one.childNodes) for one in row.childNodes}
    return dict.fromkeys(HEADER, "") | found | {"row": row.tagName}


def booked_of(rows: Sequence[dict[str, str]]) -> Booked:
    """Return what a head and its moves say."""
    head, *moves = rows
    return Booked(
        kind=head["kind"],
        reference=head["reference"],
        number=head["number"],
        customer=head["customer"],
        currency=head["currency"],
        total=Decimal(head["total"]),
        day=date.fromisoformat(head["posting_date"]),
        key=_key(head),
        description=head["description"],
        lines=tuple(_line(row) for row in moves if row["row"] == "gl"),
        off=sum(map(_amount, moves), Decimal(0)),
    )


def moved_by(rows: Sequence[dict[str, str]]) -> list[tuple[Key, Decimal]]:
    """Return which open items a document moves, and by how much."""
    head, *moves = rows
    return [
        (_key(head) if row["row"] == "opens" else _key(row, "item_"), _amount(row))
        for row in moves
        if row["row"] in ("opens", "item")
    ]


def _key(row: dict[str, Any], prefix: str = "") -> Key:
    return Key(int(row[f"{prefix}year"]), row[f"{prefix}daybook"], int(row[f"{prefix}voucher"]))


def _amount(row: dict[str, str]) -> Decimal:
    return Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)


def _line(row: dict[str, str]) -> Line:
    return Line(
        account=row["account"],
        sub_account=row["sub_account"],
        cost_centre=row["cost_centre"],
        project=row["project"],
        text=row["text"],
        debit=Decimal(row["debit"] or 0),
        credit=Decimal(row["credit"] or 0),
    )
