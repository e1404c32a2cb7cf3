"""A connection of the trial's whose documents go into files, and the site behind it: its import and its exports."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from adapters.qad.profiles.lists import BROWSES
from console.demo.house import House
from console.wiring import Wiring
from schemas.references import Customer, GlAccount, Period
from tests.ports.files import booked_of, moved_by, rows_of

PROFILE = """surface = "file"
directory = "{directory}"

[open_items]
types = {{ invoice = "invoice", credit_memo = "credit_note", payment = "receipt" }}
"""
# Of all customers, here.
CONTROL = "1200"
_KEY = ("year", "daybook", "voucher")
_DOCUMENT = (*_KEY, "customer", "currency", "total", "posting_date", "reference", "number", "kind")
_ITEM = ("number", "type", *_KEY, "customer", "currency", "total", "open")
_GL = (*_KEY, "posting_date", "account", "currency", "debit", "credit")


class SiteOfFiles:
    """Whoever stands on the other side of a directory: everything is read and written by hand."""

    def __init__(self, directory: Path) -> None:
        self.path = directory
        self._openings: list[Sequence[Any]] = []
        for part in ("done", "refused", "lists"):
            (directory / part).mkdir(parents=True)

    def waiting(self) -> list[Path]:
        """Return what stands to be taken."""
        return sorted(self.path.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)

    def take(self, *, refuse: str = "", why: str = "") -> list[Path]:
        """Take what stands there, but refuse what has a text in its name; return that."""
        refused = []
        for path in self.waiting():
            if refuse and refuse in path.name:
                refused.append(path.rename(self.path / "refused" / path.name))
                refused[-1].with_name(f"{path.name}.reason.txt").write_text(why, encoding="utf-8")
            else:
                path.rename(self.path / "done" / path.name)
        return refused

    def write(self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Export a list, at once and whole."""
        half = self.path / "lists" / f"{name}.part"
        with half.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        half.rename(self.path / "lists" / f"{name}.csv")

    def export_books(self) -> None:
        """Export what the import has made of what was taken."""
        taken = [rows_of(path) for path in sorted((self.path / "done").rglob("*.csv"))]
        documents, lines = [], []
        items, moved = dict[Any, Any](), defaultdict[Any, Decimal](Decimal)
        for rows in taken:
            booked = booked_of(rows)
            told = (booked.customer, booked.currency, booked.total)
            documents.append((*booked.key, *told, booked.day, booked.reference, booked.number, booked.kind))
            lines += [
                (*booked.key, booked.day, one.account, booked.currency, one.debit, one.credit) for one in booked.lines
            ]
            if any(row["row"] == "opens" for row in rows):
                items[booked.key] = (booked.number, booked.kind, *booked.key, *told)
            for key, amount in moved_by(rows):
                moved[key] += amount
                sides = (max(amount, 0), max(-amount, 0))
                lines.append((*booked.key, booked.day, CONTROL, booked.currency, *sides))
        opened = [
            (*item, moved[key] * (1 if item[1] == "invoice" else -1)) for key, item in items.items() if moved[key]
        ]
        self.write("documents", _DOCUMENT, documents)
        self.write("open_items", _ITEM, [*opened, *self._openings])
        self.write("gl_transactions", _GL, lines)

    def open_by_hand(self, number: str, customer: str, currency: str, amount: str) -> None:
        """Load an item from before the cut-over, and export the books."""
        key = (2026, "HINV", len(self._openings) + 1)
        self._openings.append((number, "invoice", *key, customer, currency, amount, amount))
        self.export_books()


async def go_into_files(house: House, site: str) -> SiteOfFiles:
    """Put a directory in the place of a connection's QAD, with the lists that it showed."""
    wiring = Wiring(house.site())
    found = SiteOfFiles(house.directory / f"files-{site}")
    async with wiring.references(site) as shown:
        for name in BROWSES:
            rows = [_row(one) async for page in shown.read(name) for one in page]
            found.write(name, list(rows[0]), [list(row.values()) for row in rows])
    path = house.site().path(house.site().config.connections[site].profile)
    path.write_text(PROFILE.format(directory=found.path.name), encoding="utf-8")
    return found


def _row(one: Any) -> dict[str, Any]:
    """Return a reference as a site lists it, by our words."""
    match one:
        case Period():
            names, status = ("year", "period", "first_day", "last_day"), "open" if one.open else "closed"
            return {**{name: getattr(one, name) for name in names}, "status": status}
        case Customer():
            names = ("code", "active", "held", "currency", "terms", "zuora_account", "name", "search_name")
        case GlAccount():
            names = ("code", "active", "sub_account_required", "cost_centre_required", "project_required")
        case _:
            names = ("code", "decimals") if hasattr(one, "decimals") else ("code", "active")
    return {name: "" if getattr(one, name) is msgspec.UNSET else getattr(one, name) for name in names}
