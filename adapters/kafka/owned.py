"""What a lane has of the worker that owns its partition, and how much of it the lane holds in memory.

A lane takes what comes and never waits with it; where it has too much, its own partition is held back, and no other.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from schemas.topics import Topic

# Documents in memory: over the first the partition is held back, under the second it comes again. A run is up to 500.
DOCUMENTS_HIGH = 600
DOCUMENTS_LOW = 300

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

    def clear(self) -> None:
        """Forget them: what was not acknowledged comes again."""
        self._documents = 0

    def took(self, event: Any) -> None:
        """Count a run in; over the high mark its partition is held back."""
        self._documents += len(event.value)
        if self._documents > DOCUMENTS_HIGH:
            self._worker.hold_back()

    def acknowledged(self, event: Any) -> None:
        """Count a run out; under the low mark its partition comes again."""
        self._documents -= len(event.value)
        if self._documents < DOCUMENTS_LOW:
            self._worker.let_go()
        self._worker.moved()
