"""Each notification is stored once: Zuora says which are the same, and repeats what it thinks was not taken.

A repeat is one only once the broker has the first; while that is on its way, both wait for the same. What is known is
bounded and dies with the process: a hint that is stored twice is read twice, and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable

from adapters.zuora.receiving.doors import digest
from schemas.callouts import Callout

Store = Callable[[Callout], Awaitable[None]]

# Some MB; at 200 a second the last five minutes, at a usual pace some days.
KNOWN_MAX = 65_536


class Repeats:
    """Stores callouts, each notification of a tenant once."""

    def __init__(self, store: Store, *, known_max: int = KNOWN_MAX) -> None:
        """Store by this, which comes back when the broker has the hint and raises when it has not."""
        self._store = store
        self._known_max = known_max
        self._known: dict[object, None] = {}
        self._under_way: dict[object, asyncio.Task[None]] = {}

    async def take(self, callout: Callout) -> bool:
        """Come back when the broker has a callout; return whether it is a repeat.

        Whoever is cancelled here leaves it on its way: it may be stored all the same.

        Raises:
            Exception: Whatever kept it from being stored.
        """
        # Without an id none is a repeat of another.
        mark = _mark(callout) if callout.notification_id else object()
        if mark in self._known:
            return True
        task = self._under_way.get(mark)
        is_repeat = task is not None
        if task is None:
            task = self._under_way[mark] = asyncio.create_task(self._keep(mark, callout))
            task.add_done_callback(_heard)
        await asyncio.shield(task)
        return is_repeat

    async def _keep(self, mark: object, callout: Callout) -> None:
        try:
            await self._store(callout)
        finally:
            del self._under_way[mark]
        if callout.notification_id:
            self._known[mark] = None
            if len(self._known) > self._known_max:
                del self._known[next(iter(self._known))]


def _mark(callout: Callout) -> bytes:
    """Return what two callouts share only when one may stand for the other: all that is read of them.

    So nobody can keep a hint out by sending another one under its id before it comes.
    """
    parts = (callout.tenant.encode(), callout.notification_id.encode(), callout.content_type.encode(), callout.body)
    return digest(b"".join(digest(part) for part in parts))


def _heard(task: asyncio.Task[None]) -> None:
    """Take note of an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
