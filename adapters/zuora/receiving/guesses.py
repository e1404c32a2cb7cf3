"""Who hands in too many wrong secrets has to wait: by caller and rate, not by account, so that nobody is locked out.

What is refused for it is answered 429, after which Zuora calls again. What is kept is bounded and a minute old at most.
"""

import time
from collections import Counter
from collections.abc import Callable

GUESSES_MAX = 100
WINDOW_S = 60.0
_CALLERS_MAX = 10_000


class Guesses:
    """The wrong secrets of the last minute, by caller (guard.py)."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody."""
        self._now = now
        self._since = now()
        self._wrong: Counter[str] = Counter()

    def note(self, caller: str) -> None:
        """Take note of a wrong secret."""
        self._forget()
        self._wrong[caller] += 1

    def too_many(self, caller: str) -> bool:
        """Return whether a caller has to wait."""
        self._forget()
        return self._wrong.get(caller, 0) >= GUESSES_MAX

    def _forget(self) -> None:
        if self._now() - self._since >= WINDOW_S or len(self._wrong) > _CALLERS_MAX:
            self._wrong.clear()
            self._since = self._now()
