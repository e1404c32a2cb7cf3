"""The window between the last check of an intent's age and the first byte: timed, and a process stopped inside it.

The product has no crash point there: nothing of ours runs in between. Put in by `sitecustomize` where the environment
asks for it.
"""

import itertools
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from aiohttp import client_reqrep, http_writer

from adapters.crashpoints import LOG_VARIABLE
from adapters.qad.asking import sending

# File for how long the window was open, in seconds, a line a call; and at which call the process is stopped in it.
TIMES = "ML_CONNECTOR_TEST_WINDOW_TIMES"
STOP_AT = "ML_CONNECTOR_TEST_WINDOW_STOP_AT"
POINT = "window.before_first_byte"

_opened: ContextVar[list[int] | None] = ContextVar("opened", default=None)
_calls = itertools.count(1)


def install() -> None:
    """Put a look behind the check, before the sending, and at the first byte."""
    sending._check_age = _after(sending._check_age)
    client_reqrep.ClientRequest.send = _before_sending(client_reqrep.ClientRequest.send)
    for name in ("_write", "_writelines"):
        setattr(http_writer.StreamWriter, name, _at_bytes(getattr(http_writer.StreamWriter, name)))


def _after(check: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def checked(session: Any, context: Any, params: Any) -> None:
        await check(session, context, params)
        # Only what commits has an age.
        _opened.set([time.perf_counter_ns()] if context.trace_request_ctx is not None else None)

    return checked


def _before_sending(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def stopped_and_sent(request: Any, connection: Any) -> Any:
        if _opened.get() and next(_calls) == int(os.environ.get(STOP_AT, "0")):
            _stop()
        return await send(request, connection)

    return stopped_and_sent


def _stop() -> None:
    with Path(os.environ[LOG_VARIABLE]).open("a", encoding="utf-8") as log:
        log.write(f"crashpoint {POINT}\n")
    os.kill(os.getpid(), signal.SIGSTOP)


def _at_bytes(write: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def timed(writer: Any, content: Any) -> None:
        opened = _opened.get()
        if opened:
            with Path(os.environ[TIMES]).open("a", encoding="utf-8") as log:
                log.write(f"{(time.perf_counter_ns() - opened.pop()) / 1e9:.9f}\n")
        write(writer, content)

    return timed
