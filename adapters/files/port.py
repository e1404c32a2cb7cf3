"""The sink's port over files: a command becomes one file, a reference is looked up by the names of files.

A voucher is allotted here, once per year and daybook; one reference stands in the directory once, whoever asks. What
the site does with a file afterwards, taking or refusing it, is seen where the file lies then.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from adapters.clock import boot_time_s
from adapters.files.directory import Directory, Standing, reason_of, said
from adapters.files.document import KINDS, book_of, name_of, read, write
from adapters.files.lists import SiteLists
from adapters.files.profile import LOCK_S, FileProfile
from schemas.errors import Conflict, Misconfigured, NotSent, Rejected, Transient
from schemas.outcomes import Document
from streams.ports import Accepted, Command, FoundInQad
from streams.sink.state import DUPLICATE

# Files that are read at once while all are listed, and how often one that moves meanwhile is looked for.
_PAGE = 500
_TRIES = 3


class FileErp:
    """One connection's directory."""

    def __init__(self, directory: Path, profile: FileProfile) -> None:
        """Write into this directory."""
        self._directory = Directory(directory)
        self._layout = profile.layout
        self._lists = SiteLists(directory, profile)

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; see streams/ports.py for what it raises."""
        return await asyncio.to_thread(self._post, command, not_after)

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a machine reference.

        Raises:
            Conflict: The site has refused it, or it is not as we wrote it.
        """
        return await asyncio.to_thread(self._find, kind, reference)

    async def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        """Yield all documents of a kind, page by page; what the site has refused is none."""
        standing = [one for one in await asyncio.to_thread(self._documents) if one.named.kind == kind]
        taken = [one for one in standing if not one.refused]
        for first in range(0, len(taken), _PAGE):
            yield await asyncio.to_thread(self._read_all, taken[first : first + _PAGE])

    async def find_opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        """Return the opening item that others loaded under a Zuora number."""
        return await asyncio.to_thread(
            lambda: self._lists.opening(number=number, item_kind=item_kind, currency=currency)
        )

    def can_find(self, kind: str) -> bool:
        """Return whether a kind is looked up: all are."""
        return kind in KINDS

    def nets(self, kind: str) -> bool:
        """Return whether a site applies documents by a link: none is written."""
        return False

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        """Return these kinds: each is a list of its own."""
        return tuple(filter(self.can_find, kinds))

    def _post(self, command: Command, not_after: float) -> Accepted:
        if boot_time_s() > not_after:
            raise NotSent("the intent was too old before its file was begun")
        book = book_of(command.payload)
        with self._directory.held(until=not_after, alone=True):
            if self._directory.documents(command.reference):
                raise Rejected(DUPLICATE, (f"a file with the reference {command.reference} is there already",))
            own = Document(
                year=command.payload.posting_date.year,
                daybook=command.payload.daybook,
                voucher=self._directory.next_voucher(book),
            )
            name, content = name_of(command, own.voucher, self._layout), write(command, own, self._layout)
            self._directory.put(name, content, not_after=not_after)
        return Accepted(document=own)

    def _find(self, kind: str, reference: str) -> FoundInQad | None:
        found = [one for one in self._documents(reference) if one.named[:2] == (kind, reference)]
        if len(found) > 1:
            raise Conflict(f"{len(found)} files carry the reference {reference}", expected="1", actual=str(len(found)))
        return self._read(found[0]) if found else None

    def _documents(self, containing: str = "") -> list[Standing]:
        with self._directory.held(until=boot_time_s() + LOCK_S, alone=False):
            return list(self._directory.documents(containing).values())

    def _read_all(self, page: Sequence[Standing]) -> list[FoundInQad]:
        try:
            return [self._read(one) for one in page]
        except Conflict as error:
            # Left out, it would look as if it had never been sent.
            raise Misconfigured(f"{error}: put it right, or take it out of the directory") from None

    def _read(self, standing: Standing) -> FoundInQad:
        for _ in range(_TRIES):
            if standing.refused:
                why = f"refused by the site's import: {reason_of(standing.path)}"
                raise Conflict(f"{standing.path.name}: {why}", expected="taken", actual=why)
            try:
                with said(standing.path.parent):
                    return read(standing.path.read_bytes(), name=standing.path.name)
            except Misconfigured:
                # The site has moved it since.
                standing = self._directory.documents(standing.path.name).get(standing.path.name, standing)
        raise Transient(f"{standing.path.name} moves about: it is looked for again")
