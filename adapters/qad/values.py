"""Values as QAD writes them: whole numbers, amounts, dates. What is none is said by name, never guessed.

A date is read as the profile writes it; what stands behind it, a time of day, is not looked at: QAD's dates are dates.
"""

import re
import time
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.errors import Misconfigured

# Vouchers have nine digits, years four (reference 2.11): what is longer is something else.
_WHOLE_DIGITS = 9
_WHOLE = re.compile(rf"\d{{1,{_WHOLE_DIGITS}}}(\.0*)?", re.ASCII)
# QAD shows twelve digits before the point (reference 2.10).
_AMOUNT_DIGITS = 15
# The format up to its last directive; Python writes each of them but names of months in one width.
_DIRECTIVES = re.compile(r".*%[A-Za-z]", re.DOTALL)


def whole(value: Any, *, what: str) -> int:
    """Return a whole number that is not negative.

    Raises:
        Misconfigured: It is none: the profile names another column.
    """
    if isinstance(value, bool) or not _WHOLE.fullmatch(str(value)):
        raise _other(value, f"as {what}, where a whole number is expected")
    return int(str(value).partition(".")[0])


def amount(value: Any) -> Decimal:
    """Return an amount; numbers were decoded as Decimal or whole numbers.

    Raises:
        Misconfigured: It is none.
    """
    try:
        found = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        found = Decimal("NaN")
    # Asked in this order: NaN and infinity have no digits.
    if isinstance(value, bool) or not found.is_finite() or found.adjusted() >= _AMOUNT_DIGITS:
        raise _other(value, "where an amount is expected")
    return found


def padded(value: Decimal, decimals: int) -> Decimal | None:
    """Return an amount with so many decimals, None where it has others that are not zero."""
    written = Decimal(f"{value:.{decimals}f}")
    return written if written == value else None


def day(value: Any, date_format: str) -> date | None:
    """Return a date that is written so, None where there is none.

    Raises:
        Misconfigured: It is not written so.
    """
    if not value:
        return None
    try:
        return _read_day(str(value), date_format)
    except ValueError:
        raise _other(value, f"where a date as {date_format} is expected") from None


def can_write_days(date_format: str) -> bool:
    """Return whether dates written so can all be read again."""
    sample = (date(2026, 1, 2), date(2026, 9, 30), date(2031, 12, 31))
    try:
        return all(_read_day(one.strftime(date_format), date_format) == one for one in sample)
    except ValueError:
        return False


def _read_day(text: str, date_format: str) -> date:
    directives = _DIRECTIVES.match(date_format)
    if directives is None:
        raise ValueError(date_format)
    width = len(date(2026, 1, 2).strftime(directives[0]))
    if text[width : width + 1].isdigit():
        # A year of four digits where the profile says two is no year of two.
        raise ValueError(text)
    return date(*time.strptime(text[:width], directives[0])[:3])


def _other(value: Any, where: str) -> Misconfigured:
    return Misconfigured(f"QAD shows {str(value)[:30]!r} {where}: look at the profile")
