"""Finding documents again in QAD's browses, by their machine reference; whichever way they are posted.

Absent is said only where it was proved that QAD heeds what was asked.
"""

from collections.abc import AsyncIterator, Iterable, Sequence

from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.lists import OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import column
from adapters.qad.reading.filtered import Filtered
from adapters.qad.reading.found import found_in, item_in
from schemas.errors import Conflict, Misconfigured
from streams.ports import FoundInQad

# No posting has this reference: a look-up of it must answer, and find nothing.
_NOBODYS_REFERENCE = "2" * 20


class LookUps:
    """What one connection's QAD shows of documents; the half of the sink's port that changes nothing."""

    def __init__(self, client: QadClient, profile: Profile) -> None:
        """Read through this client, in this tenant's words."""
        self._client = client
        self._profile = profile
        self._filtered = Filtered(client, profile)

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a machine reference."""
        find = self._find(kind)
        pages, made = (
            self._filtered.equal(find, find.reference, reference, known=find.daybook),
            self._profile.posted[kind],
        )
        found = [found_in(row, find, self._profile, made) async for page in pages for row in page]
        return _only(found, f"documents in QAD carry the reference {reference}")

    async def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        """Yield all documents of a kind that carry a machine reference, page by page."""
        find = self._find(kind)
        async for page in self._filtered.with_reference(find):
            yield [found_in(row, find, self._profile, self._profile.posted[kind]) for row in page]

    async def try_look_ups(self, kind: str) -> None:
        """Hold that look-ups and lists of a kind answer, before there is need of them.

        Raises:
            Misconfigured: The profile is wrong; the sentence says where.
            Transient, Refused: As `find` does.
        """
        await self.find(kind, _NOBODYS_REFERENCE)
        await self._filtered.prove_list(self._find(kind))

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
            async for page in self._filtered.equal(find, find.number, number, known=find.daybook)
            for row in page
            if column(row, items.type_column, browse_id=find.browse_id) == wanted
        ]
        same = [one for one in found if one.document.currency in ("", currency)]
        return _only(same, f"open items in QAD have the number {number}")

    def can_find(self, kind: str) -> bool:
        """Return whether a look-up is configured for a kind."""
        return self._profile.finds.get(kind) is not None

    def nets(self, kind: str) -> bool:
        """Return whether the tenant applies a document of this kind at once to the one that its link names."""
        made = self._profile.posted.get(kind)
        return made is not None and made.nets

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        """Return of these kinds the first of each browse, where a look-up is configured."""
        first: dict[tuple[str, str, str], str] = {}
        for kind in filter(self.can_find, kinds):
            find = self._find(kind)
            # The same rows: whatever else is read of them, no other document comes.
            first.setdefault((find.browse_id, find.prefix, find.reference), kind)
        return tuple(first.values())

    def _took(self, kind: str, reference: str) -> None:
        """Take up that QAD said yes to a document of this kind: from now on a look-up must show it."""
        find = self._profile.finds.get(kind)
        if find is not None:
            self._filtered.took(find, reference)

    def _find(self, kind: str) -> Find:
        find = self._profile.finds.get(kind)
        if find is None:
            raise Misconfigured(f"[{self._profile.table}.{kind}] has no [find]: a look-up is not configured")
        return find


def _only(found: Sequence[FoundInQad], what: str) -> FoundInQad | None:
    if len(found) > 1:
        raise Conflict(f"{len(found)} {what}", expected="1", actual=str(len(found)))
    return found[0] if found else None


def _item_type(items: OpenItems, kind: str) -> str:
    name = items.type_of(kind)
    if name is None:
        raise Misconfigured(f"[open_items] types of the profile does not say what QAD calls a {kind}")
    return name
