"""Log lines that a stranger may cause: one a minute of each kind, with how many were left out."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

EVERY_S = 60.0


class SparingLog:
    """Says each thing once a minute at most; what it says, and about whom, comes from a fixed set: both are kept."""

    def __init__(self, log: "structlog.stdlib.BoundLogger", *, now: Callable[[], float] = time.monotonic) -> None:
        """Write to this log."""
        self._log = log
        self._now = now
        self._said_at: dict[tuple[str, str], float] = {}
        self._left_out: Counter[tuple[str, str]] = Counter()

    def warning(self, event: str, *, about: str = "", **fields: Any) -> None:
        """Say something of somebody, or count it as left out."""
        self._say(self._log.warning, event, about, fields)

    def error(self, event: str, *, about: str = "", **fields: Any) -> None:
        """Say what somebody has to see to, or count it as left out."""
        self._say(self._log.error, event, about, fields)

    def _say(self, say: Callable[..., Any], event: str, about: str, fields: dict[str, Any]) -> None:
        what, now = (event, about), self._now()
        if now - self._said_at.get(what, now - EVERY_S) < EVERY_S:
            self._left_out[what] += 1
            return
        self._said_at[what] = now
        say(event, about=about, left_out=self._left_out.pop(what, 0), **fields)
