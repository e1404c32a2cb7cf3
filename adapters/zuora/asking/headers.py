"""What headers of Zuora say, as values that can be used: none of them ends a call or keeps a hint from being stored."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def text_of(value: str | None) -> str:
    """Return a header as text that can be written; bytes that are no UTF-8 are shown as `?`."""
    return (value or "").encode(errors="replace").decode()


def whole_of(value: str | None) -> int | None:
    """Return a number without sign or fraction, of at most 18 digits, or None where there is none."""
    return int(value) if value and len(value) <= 18 and value.isascii() and value.isdecimal() else None


def seconds_of(value: str | None) -> float | None:
    """Return the seconds that a Retry-After asks for, or None where it names none."""
    return float(value) if value and value.isascii() and value.isdecimal() else None  # seconds, no money


def moment_of_date(value: str | None) -> datetime | None:
    """Return the moment that a Date tells, in UTC, or None where it is none or has no zone."""
    try:
        moment = parsedate_to_datetime(value or "")
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
