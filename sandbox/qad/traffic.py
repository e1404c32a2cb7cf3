"""How many calls the ERP serves at once, and how long each takes before anything happens."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sandbox.qad.settings import Settings


class TooMany(Exception):
    """More calls at once than the ERP serves, and it lets none wait."""


class Traffic:
    """Lets calls in. Limits are read anew for each call, so they can change while the server runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.serving = 0
        self.serving_max = 0

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Hold a place while a call is served.

        Raises:
            TooMany: where all places are taken and none may wait.
        """
        limits = self._settings.traffic
        if limits.concurrency_max and self.serving >= limits.concurrency_max:
            if limits.beyond == "refuse":
                raise TooMany
            await self._wait()
        else:
            self.serving += 1
        self.serving_max = max(self.serving_max, self.serving)
        try:
            if limits.latency_ms:
                await asyncio.sleep(limits.latency_ms / 1000)
            yield
        finally:
            self._leave()

    async def _wait(self) -> None:
        """Wait until a call that leaves hands over its place."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.serving -= 1
