"""Which documents browses do not show yet although they are in the books; real time, for callers really wait."""

import time

from sandbox.qad.books.documents import Document, DocumentKey


class Visibility:
    """Hides documents from browses for a while."""

    def __init__(self) -> None:
        self._hidden_until: dict[DocumentKey, float] = {}

    def hide(self, key: DocumentKey, *, seconds: float) -> None:
        """Hide a document for so long from now on."""
        self._hidden_until[key] = time.monotonic() + seconds

    def has_hidden(self) -> bool:
        """Say whether anything is hidden now, and forget what is not any more."""
        if self._hidden_until:
            now = time.monotonic()
            self._hidden_until = {key: until for key, until in self._hidden_until.items() if until > now}
        return bool(self._hidden_until)

    def is_hidden(self, document: Document) -> bool:
        """Say whether a document is hidden; `has_hidden` was asked before."""
        return document.key in self._hidden_until
