"""The books of a site without an API, as its lists show them; what no list shows is said, with the list that would.

A list is as old as its export: what was written, or taken by the import, after the oldest list may be in it or not, and
differs for that reason alone. Without the list of documents our own files stand for it, which shows what the import was
given and not what it made of it. Source: ACCOUNTING 8.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

from adapters.files.directory import Directory, reason_of, said
from adapters.files.document import KINDS
from adapters.files.lists import OPEN_ITEMS, Row, SiteLists
from adapters.files.port import FileErp
from adapters.files.profile import LIST_WORDS, OPEN_ITEM_WORDS, FileProfile, OpenItemsList
from adapters.qad.values import amount, day, whole
from console.reconciliation.facts import LogSide, QadDocument, QadOpenItem, QadSide
from console.reconciliation.ground import Key, key_of
from console.reconciliation.reading import gl_line, item_line
from console.reports import NotCompared
from schemas.errors import Misconfigured, Transient
from schemas.outcomes import Document
from schemas.references import Period

_Read = TypeVar("_Read")


class _Shows(NamedTuple):
    """What a list is read for.

    Attributes:
        what: What is not compared without it.
        needed: Without it nobody knows whether the books are right.
    """

    what: str
    needed: bool = False


SHOWS: Mapping[str, _Shows] = {
    "documents": _Shows(
        "what the import has booked (our files are held against Zuora instead, taken or not), and what people keyed",
        needed=True,
    ),
    OPEN_ITEMS: _Shows(
        "what is open of each document, balances of customers, their roll-forward, and control accounts", needed=True
    ),
    "balances": _Shows("open items with the control accounts"),
    "gl_transactions": _Shows("movement of GL accounts (what was sent is told alone)"),
    "adjustment_lines": _Shows("allocations one by one, and what people allocated by hand"),
    "periods": _Shows("by periods of the books (days are told alone)"),
}


class SiteBooks:
    """Reads one connection's lists.

    Attributes:
        not_compared: What could not be read, and what for; known once `read` was called.
    """

    def __init__(self, directory: Path, profile: FileProfile) -> None:
        """Read below this directory."""
        self._directory = Directory(directory)
        self._lists = SiteLists(directory, profile)
        self._erp = FileErp(directory, profile)
        self._profile = profile
        self._left_out: dict[str, NotCompared] = {}
        self._oldest: float | None = None

    @property
    def not_compared(self) -> tuple[NotCompared, ...]:
        """What could not be read."""
        return tuple(self._left_out.values())

    async def periods(self) -> list[Period]:
        """Return the site's periods; none where it shows none."""
        try:
            return [one async for page in self._lists.read("periods") for one in page if isinstance(one, Period)]
        except (Misconfigured, Transient) as error:
            self._leave_out("periods", error)
            return []

    async def open_items(self) -> list[QadOpenItem]:
        """Return what is open.

        Raises:
            Misconfigured: The list is missing, old, or not what it should be.
            Transient: It is being written.
        """
        return await asyncio.to_thread(lambda: [self._open_item(row) for row in self._lists.shown(OPEN_ITEMS)])

    async def read(self, log: LogSide) -> QadSide:
        """Return what the lists show."""
        side = QadSide(periods=await self.periods())
        documents = await asyncio.to_thread(lambda: self._listed("documents", lambda rows: self._documents(rows, log)))
        side.documents = await self._of_files() if documents is None else documents
        await asyncio.to_thread(self._read_others, side, log)
        # Last: what the site moves meanwhile is seen here.
        await asyncio.to_thread(self._look_at_files, side)
        return side

    def _listed(self, name: str, read: Callable[[list[Row]], _Read]) -> _Read | None:
        """Return what a list says, None where it does not: that is left out, and said."""
        try:
            written_at = self._lists.written_at(name)
            found = read(self._lists.shown(name))
        except (Misconfigured, Transient) as error:
            self._leave_out(name, error)
            return None
        self._oldest = written_at if self._oldest is None else min(self._oldest, written_at)
        return found

    def _leave_out(self, name: str, error: Exception) -> None:
        shows = SHOWS[name]
        columns = (*OPEN_ITEM_WORDS, "open") if name == OPEN_ITEMS else tuple(sorted(LIST_WORDS[name][0]))
        what = f"{shows.what}: {error}; its columns are {', '.join(columns)}"
        self._left_out[name] = NotCompared(what=what, list=f"lists/{name}.csv", columns=columns, needed=shows.needed)

    async def _of_files(self) -> list[QadDocument]:
        return [
            QadDocument(key=found.document, kind=kind, reference=found.reference, number="", day=found.day)
            for kind in KINDS
            async for page in self._erp.find_all(kind)
            for found in page
        ]

    def _documents(self, rows: list[Row], log: LogSide) -> list[QadDocument]:
        ours = set[str]().union(*log.daybooks.values())
        known = dict(_references(log))
        found = []
        for row in rows:
            if row["daybook"] not in ours:
                continue
            key = _document(row)
            # Books that keep no machine reference keep the key that the file gave.
            reference = row["reference"] if "reference" in row else known.get(key_of(key))
            found.append(
                QadDocument(
                    key=key,
                    kind=row.get("kind") or "document",
                    reference=reference or "",
                    number=row.get("number") or "",
                    day=day(row["posting_date"], self._profile.date_format),
                )
            )
        return found

    def _read_others(self, side: QadSide, log: LogSide) -> None:
        side.open_items = self._listed(OPEN_ITEMS, lambda rows: [self._open_item(row) for row in rows])
        if side.open_items is not None:
            side.balances = self._listed("balances", _balances) or {}
        if side.open_items and not side.balances and "balances" not in self._left_out:
            self._leave_out("balances", Misconfigured("it shows no account"))
        if side.open_items and side.balances and not any(item.account for item in side.open_items):
            what = f"{SHOWS['balances'].what}: lists/{OPEN_ITEMS}.csv has no column for account"
            left_out = NotCompared(what=what, list=f"lists/{OPEN_ITEMS}.csv", columns=("account",), needed=False)
            self._left_out["balances"] = left_out
        days, books = self._profile.date_format, set[str]().union(*log.daybooks.values())
        side.gl_lines = self._listed(
            "gl_transactions", lambda rows: [gl_line(row, days) for row in rows if row["daybook"] in books]
        )
        lines = self._listed("adjustment_lines", lambda rows: [item_line(row, days) for row in rows])
        side.item_lines = None if lines is None else [line for line in lines if line.item[2]]

    def _look_at_files(self, side: QadSide) -> None:
        with said(self._directory.path):
            self._directory.check()
        for name, standing in self._directory.documents().items():
            reference = standing.named.reference
            if standing.refused:
                side.refused[reference] = f"the site's import refused {name} ({reason_of(standing.path)})"
            elif self._oldest is None:
                continue
            elif standing.path.parent == self._directory.path:
                side.not_yet[reference] = "was not taken by the site's import yet"
            elif _moved_at(standing.path) >= self._oldest:
                side.not_yet[reference] = "was taken by the site's import after a list was exported"

    def _open_item(self, row: Row) -> QadOpenItem:
        items = self._profile.open_items or OpenItemsList()
        owed_types = {items.type_of("invoice"), items.type_of("debit_memo")}
        return QadOpenItem(
            key=_document(row),
            number=row["number"] or "",
            open=amount(row["open"]) * items.sign_of(row["type"]),
            owed=1 if row["type"] in owed_types else -1,
            account=row.get("account") or "",
        )


def _document(row: Row) -> Document:
    return Document(
        year=whole(row["year"], what="year"),
        daybook=row["daybook"] or "",
        voucher=whole(row["voucher"], what="voucher"),
        customer=row["customer"] or "",
        currency=row["currency"] or "",
        total=amount(row["total"]),
    )


def _balances(rows: list[Row]) -> dict[tuple[str, str], Decimal]:
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[row["account"] or "", row["currency"] or ""] += amount(row["debit"]) - amount(row["credit"])
    return dict(totals)


def _references(log: LogSide) -> Iterator[tuple[Key, str]]:
    for posting in log.postings.values():
        standing = log.standings.get(posting.id)
        if standing is not None and standing.qad is not None:
            yield key_of(standing.qad), posting.reference


def _moved_at(path: Path) -> float:
    """Return when a file came to where it is; now, where it is somewhere else by now."""
    try:
        return path.stat().st_ctime
    except FileNotFoundError:
        return float("inf")
