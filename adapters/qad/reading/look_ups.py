"""Finding documents again in QAD's browses, by their machine reference; whichever way they are posted.

Absent is said only where the column that was asked for is one that QAD shows.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal

from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.lists import OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import Row, browse, column, first_row
from adapters.qad.reading.found import found_in, item_in
from schemas.errors import Conflict, Misconfigured
from streams.ports import FoundInQad

# Machine references are written in A-Z and 2-7: everything from "2" on is one, and nothing that is empty.
_FIRST_REFERENCE = "2"


class LookUps:
    """What one connection's QAD shows of documents; the half of the sink's port that changes nothing."""

    def __init__(self, client: QadClient, profile: Profile) -> None:
        """Read through this client, in this tenant's words."""
        self._client = client
        self._profile = profile
        # Columns, by browse, that were seen in a row: a filter by them says what is there.
        self._seen: set[tuple[str, str]] = set()

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a machine reference."""
        find = self._find(kind)
        found = [found_in(row, find, self._profile) for row in await self._equal(find, find.reference, reference)]
        return _only(found, f"documents in QAD carry the reference {reference}")

    async def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        """Yield all documents of a kind that carry a machine reference, page by page."""
        find = self._find(kind)
        async for page in self._where(find, find.reference, "ge", _FIRST_REFERENCE):
            yield [found_in(row, find, self._profile) for row in page]

    async def find_opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        """Return the opening item that others loaded under a Zuora number.

        Raises:
            Conflict: There are several: nobody but a person can say which is meant.
            Misconfigured: The profile does not say what QAD calls this kind.
        """
        items = self._profile.open_items
        if items is None:
            return None
        find, wanted = items.find, _item_type(items, item_kind)
        found = [
            item_in(row, items, self._profile)
            for row in await self._equal(find, find.number, number)
            if column(row, items.type_column, browse_id=find.browse_id) == wanted
        ]
        same = [one for one in found if one.document.currency in ("", currency)]
        return _only(same, f"open items in QAD have the number {number}")

    def can_find(self, kind: str) -> bool:
        """Return whether a look-up is configured for a kind."""
        return self._profile.finds.get(kind) is not None

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        """Return of these kinds the first of each browse, where a look-up is configured."""
        first: dict[tuple[str, str, str], str] = {}
        for kind in filter(self.can_find, kinds):
            find = self._find(kind)
            # The same rows: whatever else is read of them, no other document comes.
            first.setdefault((find.browse_id, find.prefix, find.reference), kind)
        return tuple(first.values())

    def _find(self, kind: str) -> Find:
        find = self._profile.finds.get(kind)
        if find is None:
            raise Misconfigured(f"[{self._profile.table}.{kind}] has no [find]: a look-up is not configured")
        return find

    async def _equal(self, find: Find, name: str, value: str) -> list[Row]:
        """Return the rows whose column is this value; a browse that shows others too does not filter by it."""
        rows = [row async for page in self._where(find, name, "eq", value) for row in page]
        for row in rows:
            shown = str(column(row, name, browse_id=find.browse_id))
            # QAD compares texts without case and without blanks behind them.
            if shown.rstrip().casefold() != value.rstrip().casefold():
                raise Misconfigured(f"the browse {find.browse_id} does not filter by {name}: look at the profile")
        return rows

    async def _where(
        self, find: Find, name: str, operator: Literal["eq", "ge"], value: str
    ) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows whose column is this value, or at or above it.

        QAD answers a condition on a column that it does not have with no rows and no error (reference 1.4). So
        nothing is believed to be absent before the column was seen: a misspelt one would send every document twice.
        """
        spec, found = {"browse_id": find.browse_id, "prefix": find.prefix}, False
        condition = self._profile.browsing.where(name, operator, value)
        async for page in browse(self._client, **spec, filters=[condition], page_size=self._profile.limits.page_size):
            found = found or bool(page)
            yield page
        if not found and (find.browse_id, name) not in self._seen:
            row = await first_row(self._client, **spec)
            if row is not None:
                column(row, name, browse_id=find.browse_id)
                self._seen.add((find.browse_id, name))


def _only(found: Sequence[FoundInQad], what: str) -> FoundInQad | None:
    if len(found) > 1:
        raise Conflict(f"{len(found)} {what}", expected="1", actual=str(len(found)))
    return found[0] if found else None


def _item_type(items: OpenItems, kind: str) -> str:
    name = items.type_of(kind)
    if name is None:
        raise Misconfigured(f"[open_items] types of the profile does not say what QAD calls a {kind}")
    return name
