"""Money is Decimal, carried and never re-rounded.

Every amount that enters passes `amount_of` or `total_of` before any arithmetic: a decoded Decimal may be NaN,
infinite, or have an exponent that would take minutes to add. The scale of a currency is ISO 4217's, from a
maintained package; a total with more digits than its currency has is an error, never rounded.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache

from iso4217 import Currency

ZERO = Decimal(0)

# QAD shows 12 integer digits; 15 leave room for any currency and keep every sum far inside Decimal's 28 digits.
INTEGER_DIGITS_MAX = 15
# Unit prices may carry more digits than a currency has; 8 is what Zuora documents at most.
FRACTION_DIGITS_MAX = 8


class MoneyError(ValueError):
    """An amount that cannot be carried: the message says which rule it breaks."""


@cache
def scale_of(currency: str) -> int:
    """Return the number of decimals of an ISO 4217 currency, e.g. 2 for EUR, 0 for JPY.

    Raises:
        MoneyError: The code is not in ISO 4217, or names something without a minor unit (gold, test codes).
    """
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        raise MoneyError(f"currency {currency[:8]!r} is not in ISO 4217") from None
    if exponent is None:
        raise MoneyError(f"currency {currency!r} has no minor unit in ISO 4217")
    return int(exponent)


def amount_of(value: Decimal) -> Decimal:
    """Return the amount if it can be carried: finite, at most 15 integer and 8 fraction digits, no negative zero.

    Raises:
        MoneyError: It cannot; nothing was computed with it.
    """
    if not value.is_finite():
        raise MoneyError("amount is not a finite number")
    exponent = value.as_tuple().exponent
    # Both reads are constant time, also for 0e1000000000; arithmetic on such a value is not.
    if value.adjusted() >= INTEGER_DIGITS_MAX or not isinstance(exponent, int) or exponent < -30:
        raise MoneyError("amount is out of range")
    if not value:
        return ZERO
    if exponent < -FRACTION_DIGITS_MAX and value != value.quantize(Decimal(1).scaleb(-FRACTION_DIGITS_MAX)):
        raise MoneyError(f"amount has more than {FRACTION_DIGITS_MAX} decimals")
    return value


def plain(value: Decimal) -> str:
    """Write an amount so that 10, 10.0 and 10.00 are one.

    Raises:
        MoneyError: The amount cannot be carried.
    """
    return f"{amount_of(value).normalize():f}"


def total_of(value: Decimal, currency: str) -> Decimal:
    """Return the amount with exactly the decimals of its currency.

    Raises:
        MoneyError: The amount cannot be carried, or has more decimals than the currency: it is never rounded.
    """
    scale = scale_of(currency)
    amount = amount_of(value)
    fixed = amount.quantize(Decimal(1).scaleb(-scale))
    if fixed != amount:
        raise MoneyError(f"amount has more decimals than {currency} has ({scale})")
    return fixed


def shown(value: Decimal, currency: str) -> str:
    """Write an amount for people: with the decimals of its currency, or with all it has where those are more."""
    try:
        return f"{total_of(value, currency):f}"
    except MoneyError:
        return f"{value:f}"


def sum_of(amounts: Iterable[Decimal], currency: str) -> Decimal:
    """Return the exact sum, with the decimals of the currency.

    Raises:
        MoneyError: An amount cannot be carried, or the sum has more decimals than the currency.
    """
    return total_of(sum(map(amount_of, amounts), ZERO), currency)


def split(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split a total by weights so that the parts sum to it exactly: largest remainder, ties to the earlier part.

    Raises:
        MoneyError: There is no positive weight to split by, a weight is negative, or the total has more decimals than
            the currency.
    """
    # Fractions: a product of two long amounts does not fit Decimal's 28 digits.
    exact = [Fraction(amount_of(weight)) for weight in weights]
    whole = sum(exact)
    if any(weight < 0 for weight in exact) or whole <= 0:
        raise MoneyError("a split needs weights that are not negative and not all zero")
    fixed = total_of(total, currency)
    unit = Decimal(1).scaleb(-scale_of(currency))
    sign = -1 if fixed < 0 else 1
    units = int(abs(fixed) / unit)
    shares = [weight * units / whole for weight in exact]
    parts = [int(share) for share in shares]
    by_remainder = sorted(range(len(exact)), key=lambda index: (parts[index] - shares[index], index))
    for index in by_remainder[: units - sum(parts)]:
        parts[index] += 1
    return [sign * part * unit for part in parts]
