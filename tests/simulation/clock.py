"""An event loop on a clock of its own: nothing sleeps, time jumps to what comes next, and a run can be had again.

It ends by itself when nothing more can happen: no task is ready and no timer runs.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import adapters.clock


class _Numbered:
    """Hashed by when it was made, not by where it lies in memory: sets of tasks have one order in every run."""

    _made = count()

    def __init__(self, *args: Any, **options: Any) -> None:
        self._number = next(_Numbered._made)
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self._number


class _Task(_Numbered, asyncio.Task[Any]):
    pass


class _Future(_Numbered, asyncio.Future[Any]):
    pass


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks and timers; has no files and no sockets."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._clock_resolution = 1e-6
        self._selector = self
        self._until = math.inf
        _Numbered._made = count()

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> _Task:
        """Return a task that is the same in every run."""
        return _Task(coro, loop=self, name=name, context=context)

    def create_future(self) -> _Future:
        """Return a future that is the same in every run."""
        return _Future(loop=self)

    def time(self) -> float:
        """Return the seconds since the loop was made."""
        return self._now

    def select(self, timeout: float | None) -> tuple[()]:
        """Let the time pass until the next timer; without one, all is quiet."""
        if timeout is None:
            self.stop()
        elif self._now + timeout > self._until:
            self._now = self._until
            self.stop()
        else:
            self._now += timeout
        return ()

    def run_for(self, seconds: float) -> bool:
        """Run until so much time has passed, or all is quiet; return whether it is."""
        self._until = self._now + seconds
        self.run_forever()
        return not any(not timer.cancelled() for timer in self._scheduled)

    def _process_events(self, event_list: object) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


@contextmanager
def virtual_time(loop: VirtualLoop) -> Iterator[None]:
    """Let the clock by which intents age be the loop's."""
    real = adapters.clock.time
    adapters.clock.time = SimpleNamespace(clock_gettime=lambda _: loop.time())  # type: ignore[assignment]
    try:
        yield
    finally:
        adapters.clock.time = real
