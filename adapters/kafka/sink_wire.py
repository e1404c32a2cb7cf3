"""Which calls to QAD are under way: a lane that closes lets them end, and begins none."""

import asyncio

# How long calls on the wire may end when the lane closes: below the session time-out, above most answers.
_CLOSE_GRACE_S = 3.5


class Wire:
    """Calls that are under way, so that a closing lane lets them end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def enter(self) -> None:
        """Count the current task as on the wire; while the lane closes, wait to be cancelled instead."""
        if self._closing:
            await asyncio.Event().wait()
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)

    def leave(self) -> None:
        """Count the current task no more."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.discard(task)

    async def close(self) -> None:
        """Begin no call any more, and wait for those under way, for a moment."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_CLOSE_GRACE_S)
