"""The stand-in's own clock: real time, real time moved by some span, or stopped at a moment. Always UTC."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time that sessions, stamps and default dates go by."""

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._stopped_at: datetime | None = None

    def now(self) -> datetime:
        """Return the present moment."""
        return self._stopped_at or datetime.now(UTC) + self._offset

    def stop_at(self, moment: datetime) -> None:
        """Stand still at a moment; one without zone is taken as UTC."""
        self._stopped_at = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    def advance(self, span: timedelta) -> None:
        """Move on by a span."""
        if self._stopped_at is not None:
            self._stopped_at += span
        else:
            self._offset += span

    def follow_real_time(self) -> None:
        """Tell real time again."""
        self._stopped_at, self._offset = None, timedelta(0)
