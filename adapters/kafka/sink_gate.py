"""Whether QAD lets this connection in, with how many calls at once, and how long one waits before it is tried again.

Wrong credentials, a missing permission or a wrong profile concern every document of a connection: it stops, says so in
one sentence, and one call at a time tries again until one gets through. It never decides what a failed call means.
"""

import asyncio
from types import TracebackType
from typing import Any

import structlog

from adapters.kafka.sink_pressure import Pressure
from adapters.pauses import jittered
from schemas.errors import Misconfigured, Refused, Transient

log = structlog.get_logger(__name__)

# Between tries: what the first pause begins with, and the cap.
_PAUSE_S = 0.2
_PAUSE_MAX_S = 30.0


class Gate:
    """The door to one connection's QAD."""

    def __init__(self, concurrency: int = 1, *, told: Any = log) -> None:
        """Open it for so many calls at once, each in a slot; `told` is the log that hears when it closes and opens."""
        self.slots = asyncio.Semaphore(concurrency)
        self.pressure = Pressure()
        self._log = told
        self._open = asyncio.Event()
        self._open.set()
        self._probing = asyncio.Lock()

    def turn(self) -> "Turn":
        """Return one call's way through, with as many tries as it takes."""
        return Turn(self)

    async def enter(self, *, probes: bool) -> bool:
        """Wait until a call may be made; True where it is the one that finds out whether QAD lets us in again."""
        if not probes:
            await self._open.wait()
        if self._open.is_set():
            return False
        await self._probing.acquire()
        if self._open.is_set():
            self._probing.release()
            return False
        return True

    def leave(self, error: BaseException | None, *, probed: bool) -> None:
        """Learn from a call how it stands."""
        if probed:
            self._probing.release()
        if isinstance(error, Refused | Misconfigured):
            if self._open.is_set():
                self._log.error("this connection stops, and is tried again by itself", what=str(error))
            self._open.clear()
        elif probed and not isinstance(error, Transient) and not isinstance(error, asyncio.CancelledError):
            self._log.info("this connection goes on: QAD lets it in again")
            self._open.set()


class Turn:
    """One call's way through the gate: `while True: async with turn: return await call()`.

    What certainly did not happen is swallowed, and the next entry waits as long as it should: what QAD asks for where
    it says so, else with growing jitter. Anything else that the call raises is the caller's.
    """

    def __init__(self, gate: Gate) -> None:
        """Begin with no try."""
        self._gate = gate
        self._tries = 0
        self._pause_s = 0.0
        self._refused = False
        self._probes = False

    async def __aenter__(self) -> None:
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
        self._probes = await self._gate.enter(probes=self._refused)
        try:
            await self._gate.pressure.enter()
        except BaseException as error:
            self._gate.leave(error, probed=self._probes)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._gate.pressure.leave(error)
        self._gate.leave(error, probed=self._probes)
        if not isinstance(error, Transient | Refused | Misconfigured):
            return False
        self._tries += 1
        # Who was refused finds out when that ends; so does who was to find out and got no answer.
        self._refused = self._probes or not isinstance(error, Transient)
        asked = (error.retry_after_s or 0.0) if isinstance(error, Transient) else 0.0
        self._pause_s = max(min(asked, _PAUSE_MAX_S), jittered(self._tries, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))
        return True
