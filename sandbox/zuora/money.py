"""Amounts: how many decimals a currency has, how Zuora writes a number, and how a total is split without losing a cent.

Everything is Decimal; nothing here or anywhere in the stand-in passes an amount through a float.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

ZERO = Decimal("0.0")
_TENTH = Decimal("0.1")

# ISO 4217 exponents other than 2, for the currencies that the demo and the tests bill in.
_DECIMALS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency, for example 0.01."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))


def trimmed(amount: Decimal) -> Decimal:
    """Return the amount with the digits that Zuora shows: no trailing zeros, but always one decimal (2170.0, 99.95)."""
    if not amount:
        return ZERO
    shortest = amount.normalize()
    exponent = shortest.as_tuple().exponent
    return shortest if isinstance(exponent, int) and exponent < 0 else shortest.quantize(_TENTH)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return the amount in whole minor units, halves away from zero."""
    return amount.quantize(minor_unit(currency), ROUND_HALF_UP)


def spread(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split a total in proportion to the weights, in whole minor units that add up to it exactly.

    The units left over after rounding down go to the largest remainders, the first one winning a tie.
    """
    unit, whole = minor_unit(currency), sum(weights, Decimal(0))
    exact = [total * weight / whole for weight in weights]
    shares = [share.quantize(unit, ROUND_FLOOR) for share in exact]
    left_over = int((total - sum(shares, Decimal(0))) / unit)
    by_remainder = sorted(range(len(exact)), key=lambda place: shares[place] - exact[place])
    for place in by_remainder[:left_over]:
        shares[place] += unit
    return shares
