"""The forms of single values on the wire: numbers, texts, dates, and where they stand in nested objects."""

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sandbox.qad.dialect import Dialect

# No amount of any currency comes near; what lies beyond would only cost time in arithmetic.
_EXPONENT_MAX = 40


class Malformed(Exception):
    """A value has not the form that its field needs; the request never reaches the books."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"Cannot read field {field}.")
        self.field = field
        self.value = value


def read_amount(value: Any) -> Decimal:
    """Return a number of JSON as an amount; texts and booleans are none.

    Raises:
        TypeError: where it is no number.
        ValueError: where it is one beyond any amount.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(value)
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount.adjusted()) > _EXPONENT_MAX:
        raise ValueError(value)
    return amount


def read_text(value: Any) -> str:
    """Return a text.

    Raises:
        TypeError: where it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def read_code(value: Any) -> str:
    """Return a code, as the one object that stands for it: the same few codes come in every record.

    Raises:
        TypeError: where it is something else than a text.
    """
    return sys.intern(read_text(value))


def read_integer(value: Any) -> int:
    """Return a whole number.

    Raises:
        TypeError: where it is something else.
    """
    if type(value) is not int:
        raise TypeError(value)
    return value


def read_flag(value: Any) -> bool:
    """Return true or false.

    Raises:
        TypeError: where it is something else.
    """
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a value in nested objects, making them on the way."""
    if len(path) > 1:
        for step in path[:-1]:
            record = record.setdefault(step, {})
    record[path[-1]] = value


def pick(record: Any, path: tuple[str, ...]) -> Any:
    """Return a value from nested objects; None where it is not there."""
    for step in path:
        if not isinstance(record, dict):
            return None
        record = record.get(step)
    return record


def path_of(name: str) -> tuple[str, ...]:
    """Split a wire name; a blank one has no steps."""
    return tuple(name.split(".")) if name else ()


class Formats:
    """Reads and writes dates and moments as a dialect does; the few that are in use are kept."""

    def __init__(self, dialect: Dialect) -> None:
        formats, written, moment_format = dialect.date_formats_read, dialect.date_format, dialect.moment_format

        @cache
        def read_date(text: str) -> date:
            for one in formats:
                try:
                    return datetime.strptime(text, one).replace(tzinfo=UTC).date()
                except ValueError:
                    continue
            raise ValueError(text)

        @cache
        def write_date(day: date) -> str:
            return day.strftime(written)

        self._read_date = read_date
        self._write_date = write_date
        self._moment_format = moment_format

    def read_date(self, value: Any) -> date:
        """Read a date.

        Raises:
            TypeError: where it is no text.
        ValueError: where it is no date, or carries a time of day.
        """
        return self._read_date(read_text(value))

    def write(self, value: Any) -> Any:
        """Turn a value of the books into what JSON has for it."""
        if isinstance(value, datetime):
            return value.strftime(self._moment_format)
        if isinstance(value, date):
            return self._write_date(value)
        return value
