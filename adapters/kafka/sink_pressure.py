"""How many calls a QAD bears at once: half as many when it says that it has no room, one more when all goes well.

Its licences, agents and sessions are shared with people who work there. Whoever has no room waits here, in order; what
a call means is not decided here, and a slot is not given up: it is the posting's.
"""

import asyncio
from collections import deque

import structlog

from schemas.errors import Overloaded

log = structlog.get_logger(__name__)

# So many times as many calls as there are at once must go well before there is one more.
_ROUNDS = 5


class Pressure:
    """Lets as many calls through at once as QAD was seen to bear; any number until it says otherwise."""

    def __init__(self) -> None:
        """Begin with no bound."""
        self._calls = 0
        # The most that were under way at once: more than that need never be allowed.
        self._most_ever = 0
        self._most: int | None = None
        self._well = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Wait until one more call may be made."""
        if self._waiting or not self._may_enter():
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                await waiting
            except asyncio.CancelledError:
                if waiting.done() and not waiting.cancelled():
                    self._end()
                raise
        else:
            self._begin()

    def leave(self, error: BaseException | None) -> None:
        """Learn from a call that ended."""
        if isinstance(error, Overloaded):
            if self._most is None:
                log.warning("QAD has no room for so many calls; fewer are made at once", calls=self._calls)
            self._most, self._well = max(1, min(self._calls, self._most or self._calls) // 2), 0
        elif self._most is not None and error is None and self._calls >= self._most:
            # Only where all that may be are under way does it show that QAD bears them.
            self._well += 1
            if self._well >= _ROUNDS * self._most:
                self._most, self._well = self._most + 1, 0
            if self._most > self._most_ever:
                log.info("QAD bears as many calls at once as before")
                self._most = None
        self._end()

    def _may_enter(self) -> bool:
        return self._most is None or self._calls < self._most

    def _begin(self) -> None:
        self._calls += 1
        self._most_ever = max(self._most_ever, self._calls)

    def _end(self) -> None:
        self._calls -= 1
        while self._waiting and self._may_enter():
            waiting = self._waiting.popleft()
            if not waiting.done():
                self._begin()
                waiting.set_result(None)
