"""Ends a worker that does nothing although there is work, and one that hangs while it stops; both with a reason.

It watches from a thread of its own, so that a blocked event loop cannot keep it from looking. Nothing is lost by an
end: what was not acknowledged comes again. It must never end a worker that has nothing to do, nor one whose Kafka is
away: to start again would help neither.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog
from aiokafka.errors import KafkaError

from schemas.errors import ConnectorError

log = structlog.get_logger(__name__)

# How long a worker may stand still with lag. Longer than any pause that lanes make between two tries (30 s).
STILL_S = 60.0
# Looks while it stands still. Time is counted in looks: a process that was stopped for an hour has not stood still.
_LOOKS = 6
# More than the longest stop seen (5.2 s, during a rebalance), and the sink's grace for calls on the wire.
_STOP_S = 15.0
_TICK_S = 0.5
# A broker that does not say how far we are within this time is away.
_ANSWER_S = 10.0
# A line that cannot be written, because nobody reads our log any more, must not keep us.
_LAST_WORDS_S = 1.0


class Watchdog:
    """The watch over one worker."""

    def __init__(
        self,
        worker: str,
        *,
        is_behind: Callable[[], Awaitable[bool]],
        is_stopping: Callable[[], bool],
        still_s: float = STILL_S,
    ) -> None:
        """Build it; it begins with `start`.

        Args:
            worker: The worker's name.
            is_behind: Asks Kafka whether there is anything to do; runs in an event loop of the watchdog's own.
            is_stopping: Whether the worker has been told to end, or ends.
            still_s: How long the worker may stand still with lag.
        """
        self._worker = worker
        self._is_behind = is_behind
        self._is_stopping = is_stopping
        self._still_s = still_s
        self._moves = 0

    def start(self) -> None:
        """Watch until this process ends."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def moved(self) -> None:
        """Take note that a run was acknowledged, a lane moved, or the other side was asked."""
        self._moves += 1

    def _watch(self) -> None:
        still, moves = 0, self._moves
        while not self._stops_within(self._still_s / _LOOKS):
            if self._moves != moves or not asyncio.run(self._asked()):
                still, moves = 0, self._moves
            else:
                still += 1
            if still >= _LOOKS:
                end_process(
                    self._worker, f"it is behind, and for {self._still_s:g} s nothing was acknowledged, moved or asked"
                )
        time.sleep(_STOP_S)
        end_process(self._worker, f"it hung while it stopped, for {_STOP_S:g} s")

    def _stops_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self._is_stopping():
            left_s = until - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(left_s, _TICK_S))
        return True

    async def _asked(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._is_behind()
        except (ConnectorError, KafkaError, OSError):  # a time-out is an OSError
            return False


def end_process(worker: str, reason: str) -> NoReturn:
    """End this process at once, with exit code 1; say why first."""
    words = {"worker": worker, "reason": reason}
    saying = threading.Thread(target=log.error, args=("worker ends itself",), kwargs=words, daemon=True)
    saying.start()
    saying.join(_LAST_WORDS_S)
    os._exit(1)
