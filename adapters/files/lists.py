"""The lists that the site exports as CSV: reference data, open items, its books; read whole, or not at all.

A list that is missing, old, cut off or being written is said with what to do, never taken for one in which objects
are gone. Which words a list has is adapters/qad/profiles/checks.py's.
"""

import asyncio
import csv
import io
import os
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from adapters.files.directory import LISTS, said
from adapters.files.profile import BALANCE_WORDS, LIST_WORDS, OPEN_ITEM_WORDS, FileProfile, OpenItemsList, SiteList
from adapters.qad.profiles.lists import BROWSES, Browse
from adapters.qad.reading.reference import reference_of
from adapters.qad.values import amount, whole
from schemas.errors import Conflict, Misconfigured, Transient
from schemas.outcomes import Document
from schemas.references import QadReference
from streams.ports import FoundInQad

OPEN_ITEMS = "open_items"
# Who writes a list has come to its end when nothing was written for so long.
_QUIET_S = 2.0
_PAGE = 500

Row = Mapping[str, str | None]


class SiteLists:
    """The lists of one connection's directory."""

    def __init__(self, directory: Path, profile: FileProfile) -> None:
        """Read below this directory, in this site's words."""
        self._directory = directory / LISTS
        self._profile = profile

    async def read(self, name: str) -> AsyncIterator[Sequence[QadReference]]:
        """Yield the pages of one list: customers, gl_accounts, daybooks, periods or currencies.

        Raises:
            Misconfigured: It is missing, old, or not what it should be; the message says what to do.
            Transient: It is being written.
        """
        found = await asyncio.to_thread(self._references, name)
        for first in range(0, len(found), _PAGE):
            yield found[first : first + _PAGE]

    def opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        """Return the opening item under a Zuora number, None where the list has none, or there is to be no list.

        Raises:
            Conflict: There are several.
            Misconfigured: The list is missing, or not what it should be; or the profile has no type for that kind.
            Transient: It is being written.
        """
        items = self._profile.open_items
        if items is None:
            return None
        wanted = items.type_of(item_kind)
        if wanted is None:
            raise Misconfigured(f"[open_items] types of the profile does not say what the site calls a {item_kind}")
        found = [
            one
            for one in self._openings(items, number=number, wanted=wanted)
            if one.document.currency in ("", currency)
        ]
        if len(found) > 1:
            raise Conflict(f"{len(found)} open items have the number {number}", expected="1", actual=str(len(found)))
        return found[0] if found else None

    def is_there(self, name: str) -> bool:
        """Return whether the site exports a list at all."""
        return self._path(name).exists()

    def check(self, name: str) -> int:
        """Return how many rows a list has; raises as `read` does."""
        if name in BROWSES:
            return len(self._references(name))
        if name != OPEN_ITEMS:
            return len(self.shown(name))
        items = self._profile.open_items or OpenItemsList()
        return len(self._rows(name, items, needed=OPEN_ITEM_WORDS)[1])

    def shown(self, name: str) -> list[Row]:
        """Return a list of the site's books row by row, by our words: documents, open_items, balances ...

        A word that the list has no column for is left out; an empty field is None. Raises as `read` does.
        """
        if name == OPEN_ITEMS:
            items = self._profile.open_items or OpenItemsList()
            columns, rows = self._rows(name, items, needed=(*OPEN_ITEM_WORDS, "open"), others=BALANCE_WORDS)
        else:
            columns, rows = self._listed(name)
        return [{word: row[column] for word, column in columns.items()} for row in rows]

    def written_at(self, name: str) -> float:
        """Return when a list was written, in seconds since the epoch by the directory's clock."""
        return _state_of(self._path(name)).st_mtime

    def _listed(self, name: str) -> tuple[dict[str, str], list[Row]]:
        needed, others = LIST_WORDS[name]
        site_list = self._profile.lists.get(name, SiteList())
        return self._rows(name, site_list, needed=sorted(needed), others=others)

    def _references(self, name: str) -> list[QadReference]:
        columns, rows = self._listed(name)
        if not rows:
            raise Misconfigured(f"{self._path(name)} has no rows: let the site export it again, whole")
        spec = Browse(browse_id=name, prefix="", columns=columns, true_values=self._profile.true_values)
        try:
            return [reference_of(name, row, spec, self._profile.date_format) for row in rows]
        except Misconfigured as error:
            raise Misconfigured(f"{self._path(name)}: {error}") from None

    def _openings(self, items: OpenItemsList, *, number: str, wanted: str) -> Iterator[FoundInQad]:
        # An item from before the cut-over does not go from one export to the next: an old list tells of it as well.
        columns, rows = self._rows(OPEN_ITEMS, items, needed=OPEN_ITEM_WORDS, also_old=True)
        for row in rows:
            if (row[columns["number"]], row[columns["type"]]) != (number, wanted):
                continue
            try:
                document = Document(
                    year=whole(row[columns["year"]], what="year"),
                    daybook=row[columns["daybook"]] or "",
                    voucher=whole(row[columns["voucher"]], what="voucher"),
                    customer=row[columns["customer"]] or "",
                    currency=row[columns["currency"]] or "",
                    total=amount(row[columns["total"]]) * items.sign_of(wanted),
                )
            except Misconfigured as error:
                raise Misconfigured(f"{self._path(OPEN_ITEMS)}: {error}") from None
            yield FoundInQad(reference="", document=document)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.csv"

    def _rows(
        self,
        name: str,
        site_list: SiteList,
        *,
        needed: Sequence[str],
        others: Collection[str] = (),
        also_old: bool = False,
    ) -> tuple[dict[str, str], list[Row]]:
        """Return the column of each word that the list shows, and its rows; an empty field is None."""
        path = self._path(name)
        text = self._text(path, also_old=also_old)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._profile.delimiter, strict=True)
        try:
            header, *rows = [row for row in reader if row] or [[]]
        except csv.Error as error:
            raise Misconfigured(f"{path}, line {reader.line_num}: {error}; let the site export it again") from None
        named = {word: site_list.columns.get(word, word) for word in (*needed, *others)}
        for word, column in named.items():
            if column not in header and (word in needed or word in site_list.columns):
                raise Misconfigured(
                    f"{path} has no column {column!r} for {word}: export one, or name it in the profile, columns of "
                    f"[{name if name == OPEN_ITEMS else f'lists.{name}'}]"
                )
        for number, row in enumerate(rows, 2):
            if len(row) != len(header):
                raise Misconfigured(
                    f"{path}, row {number}: {len(row)} columns where the header has {len(header)}; let the site "
                    "export it again, and look at the delimiter of the profile"
                )
        columns = {word: column for word, column in named.items() if column in header}
        return columns, [dict(zip(header, (value.strip() or None for value in row), strict=True)) for row in rows]

    def _text(self, path: Path, *, also_old: bool) -> str:
        before = _state_of(path)
        with said(path):
            content = path.read_bytes()
            after = path.stat()
        age_s = time.time() - after.st_mtime
        if _state(before) != _state(after) or age_s < _QUIET_S:
            raise Transient(f"{path} is being written: it is read when that has ended")
        if not also_old and age_s > self._profile.list_max_age_h * 3600:
            raise Misconfigured(
                f"{path} is {age_s / 3600:.0f} hours old: let the site export it again (list_max_age_h says how old "
                "it may be)"
            )
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Misconfigured(f"{path} is not written in UTF-8: let the site export it so") from None


def _state_of(path: Path) -> os.stat_result:
    with said(path):
        try:
            return path.stat()
        except FileNotFoundError:
            raise Misconfigured(f"{path} is not there: let the site export it to that place") from None


def _state(of: os.stat_result) -> tuple[int, int, int]:
    return of.st_ino, of.st_size, of.st_mtime_ns
