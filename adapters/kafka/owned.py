"""What a lane has of the worker that owns its partition, and how much of it the lane holds in memory.

A lane takes what comes and never waits with it; where it has too much, its own partition is held back, and no other.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from schemas.topics import Topic

# Documents that have not ended: over the first the partition is held back, under the second it comes again. A run is up
# to 500.
DOCUMENTS_HIGH = 600
DOCUMENTS_LOW = 300
# Documents of runs that are not acknowledged, ended or not. One that hangs keeps its run open, and is not to keep back
# what comes after it; this is room for twenty of them.
DOCUMENTS_MAX = 10_000

Acknowledge = Callable[[Any], Awaitable[Any]]


class Partition(Protocol):
    """What a lane needs of the worker that owns its partition."""

    async def send(self, topic: Topic, *, key: bytes, value: bytes, stage: str) -> Awaitable[Any]:
        """Hand a record to the idempotent producer; the awaitable ends when the broker has it, with its offset."""
        ...

    def hold_back(self) -> None:
        """Stop fetching this partition; the others go on."""
        ...

    def let_go(self) -> None:
        """Fetch this partition again."""
        ...

    def moved(self) -> None:
        """Say that something was done: the watchdog listens."""
        ...


class InMemory:
    """The documents of the runs that a lane was handed and that are not acknowledged."""

    def __init__(self, worker: Partition) -> None:
        """Begin with none of this worker's."""
        self._worker = worker
        self._documents = 0
        self._ended = 0

    def clear(self) -> None:
        """Forget them: what was not acknowledged comes again."""
        self._documents = self._ended = 0

    def begun_again(self) -> None:
        """Take all of them for not ended: their lane has opened again."""
        self._ended = 0

    def took(self, event: Any) -> None:
        """Count a run in; where that is too much its partition is held back."""
        self._documents += len(event.value)
        if self._documents - self._ended > DOCUMENTS_HIGH or self._documents > DOCUMENTS_MAX:
            self._worker.hold_back()

    def ended(self) -> None:
        """Count one document as ended whose run is open; a lane that takes runs one after the other says nothing."""
        self._ended += 1
        self._let_go()

    def acknowledged(self, event: Any) -> None:
        """Count a run out, with what has ended of it."""
        self._documents -= len(event.value)
        self._ended = max(self._ended - len(event.value), 0)
        self._let_go()
        self._worker.moved()

    def _let_go(self) -> None:
        if self._documents - self._ended < DOCUMENTS_LOW and self._documents <= DOCUMENTS_MAX:
            self._worker.let_go()
