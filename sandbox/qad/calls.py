"""The log of requests: what arrived, from whom, what it did to the books and whether an answer went out.

It is the witness for every POST, also for those whose answer was dropped. It holds references and codes, never
bodies, tokens or passwords.
"""

from collections import deque
from datetime import datetime

from msgspec import Struct


class Call(Struct, kw_only=True, gc=False):
    """One request, while it is served and afterwards.

    Attributes:
        number: counts all requests of a server from 1.
        at: when it arrived, by the server's clock.
        kind: resource kind; read, validate, browse, platform, token or unknown for what is no writing of a resource.
        api: API of QXtend that it called; blank for REST, and as long as it is not known.
        references: machine references of the records that it brought.
        committed: keys of the documents, or codes of the master records, that it left in the books.
        errors: codes of the business errors that were answered.
        faults: names of the faults that fired on it.
        ignored_fields: names of fields that the resource does not have.
        status: HTTP status of the answer; 0 as long as there is none.
        outcome: answered, dropped (the connection was cut) or hung (nothing came until the caller left).
        committed_late_at: when a late commit took effect.
    """

    number: int
    at: datetime
    method: str
    path: str
    kind: str
    is_write: bool = False
    user: str = ""
    workspace: str = ""
    api: str = ""
    references: tuple[str, ...] = ()
    committed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    ignored_fields: tuple[str, ...] = ()
    status: int = 0
    outcome: str = "open"
    duration_ms: float = 0.0
    committed_late_at: datetime | None = None


class CallLog:
    """The latest calls, oldest first; older ones fall out and are counted."""

    def __init__(self, kept: int) -> None:
        self._calls: deque[Call] = deque(maxlen=kept)
        self._count = 0

    @property
    def count(self) -> int:
        """How many requests have arrived since the last reset."""
        return self._count

    def begin(self, *, at: datetime, method: str, path: str, kind: str, is_write: bool) -> Call:
        """Note the arrival of a request."""
        self._count += 1
        call = Call(number=self._count, at=at, method=method, path=path, kind=kind, is_write=is_write)
        self._calls.append(call)
        return call

    def resize(self, kept: int) -> None:
        """Keep another number of calls from now on."""
        if kept != self._calls.maxlen:
            self._calls = deque(self._calls, maxlen=kept)

    def after(self, number: int, *, limit: int) -> list[Call]:
        """Return calls with a higher number, oldest first, at most `limit`."""
        first_kept = self._count - len(self._calls) + 1
        start = max(0, number + 1 - first_kept)
        return [self._calls[position] for position in range(start, min(start + limit, len(self._calls)))]
