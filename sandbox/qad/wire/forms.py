"""The forms of single values on the wire: numbers, texts, dates, and where they stand in nested objects."""

import re
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sandbox.qad.dialect import Dialect

# No amount of any currency comes near; what lies beyond would only cost time in arithmetic.
_EXPONENT_MAX = 40
# An amount in a text: plain, with a point.
_PLAIN = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)


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
    """Reads and writes values as a dialect does; the few dates that are in use are kept."""

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
        self._texts = (dialect.amounts == "text", dialect.whole == "text")
        self._flags = (dialect.no, dialect.yes)
        self.read_amount = _amount_of_text if dialect.amounts == "text" else read_amount
        self.read_integer = _integer_of_text if dialect.whole == "text" else read_integer

    @property
    def writes_numbers(self) -> bool:
        """Whether numbers are written otherwise than JSON has them."""
        return any(self._texts)

    @property
    def writes_flags(self) -> bool:
        """Whether true and false are written otherwise than JSON has them."""
        return self._flags != (False, True)

    def read_date(self, value: Any) -> date:
        """Read a date.

        Raises:
            TypeError: where it is no text.
            ValueError: where it is no date, or carries a time of day.
        """
        return self._read_date(read_text(value))

    def read_flag(self, value: Any) -> bool:
        """Read true or false.

        Raises:
            TypeError: where it is something else.
        """
        for meant, written in zip((False, True), self._flags, strict=True):
            if type(value) is type(written) and value == written:
                return meant
        raise TypeError(value)

    def flag_in_filter(self, text: str) -> bool:
        """Read true or false as a filter has them.

        Raises:
            ValueError: where it is something else.
        """
        no, yes = (str(written).casefold() for written in self._flags)
        if text.casefold() not in (no, yes):
            raise ValueError(text)
        return text.casefold() == yes

    def write(self, value: Any) -> Any:
        """Turn a value of the books into what JSON has for it."""
        match value:
            case bool():
                return self._flags[value]
            case datetime():
                return value.strftime(self._moment_format)
            case date():
                return self._write_date(value)
            case Decimal() if self._texts[0]:
                return f"{value:f}"
            case int() if self._texts[1]:
                return str(value)
            case _:
                return value


def _amount_of_text(value: Any) -> Decimal:
    if not _PLAIN.fullmatch(read_text(value)):
        raise ValueError(value)
    return read_amount(Decimal(value))


def _integer_of_text(value: Any) -> int:
    if not read_text(value).isdecimal():
        raise ValueError(value)
    return int(value)
