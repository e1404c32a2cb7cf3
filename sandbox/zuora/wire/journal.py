"""What arrived at the API, for a judge: every request, also those whose reply was lost, and counts of all."""

from collections import Counter, deque

import msgspec

from sandbox.zuora.wire.request import Request


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request.

    Attributes:
        status: HTTP status of the answer; 0 when the connection was cut.
    """

    sequence: int
    at_s: float
    method: str
    path: str
    query: str
    status: int
    milliseconds: float
    request_id: str
    track_id: str | None
    idempotency_key: str | None
    remote: str


class Journal:
    """The newest requests, and counts over all."""

    def __init__(self, rows: int) -> None:
        self.entries: deque[Entry] = deque(maxlen=rows)
        self.counts: Counter[str] = Counter()
        self._sequence = 0

    def note(self, request: Request, *, status: int, at_s: float, took_s: float) -> None:
        """Keep a request that was answered, or cut."""
        self._sequence += 1
        entry = Entry(
            sequence=self._sequence,
            at_s=at_s,
            method=request.method,
            path=request.path,
            query=request.url.query,
            status=status,
            milliseconds=round(took_s * 1000, 3),
            request_id=request.request_id,
            track_id=request.headers.get("zuora-track-id"),
            idempotency_key=request.headers.get("idempotency-key"),
            remote=request.remote,
        )
        self.entries.append(entry)
        first, second = (*request.path.split("/"), "", "")[1:3]
        self.counts[f"{request.method} /{first}/{second} {status}"] += 1

    def after(self, sequence: int, limit: int) -> list[Entry]:
        """Return the entries that follow one, oldest first."""
        return [entry for entry in self.entries if entry.sequence > sequence][:limit]
