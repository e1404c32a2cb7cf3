"""Zuora's time: told by its answers, carried on between them by a clock that nobody sets.

No window of a poll is measured by the clock of this machine: rows that Zuora stamps later would be passed over.
"""

import time
from datetime import UTC, datetime, timedelta

from adapters.zuora.asking.headers import moment_of_date


class ZuoraClock:
    """The clock of one tenant."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._told: datetime | None = None
        self._told_at_s = 0.0

    @property
    def told(self) -> bool:
        """Whether an answer has told the time."""
        return self._told is not None

    def hear(self, date: str | None) -> None:
        """Take the Date of an answer; one that is none changes nothing."""
        moment = moment_of_date(date)
        if moment is not None:
            self._told, self._told_at_s = moment, time.monotonic()

    def now(self) -> datetime:
        """Return Zuora's time; as long as no answer has told it, this machine's."""
        if self._told is None:
            return datetime.now(UTC)
        return self._told + timedelta(seconds=time.monotonic() - self._told_at_s)
