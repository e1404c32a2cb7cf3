"""Arithmetic of amounts: checks before any sum, and the one way of rounding. Decimal only, commercial rounding."""

from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.qad.books.errors import Code, Findings

ZERO = Decimal(0)

# An amount has at most 16 digits and a rate times its scale at most some 20, so no product is cut before it is rounded.
_PRECISE = Context(prec=60, rounding=ROUND_HALF_UP)

# Amounts are shown with 12 integer digits at most; the highest digit of a larger one stands at 10**12 or above.
_EXPONENT_MAX = 11

_UNITS = {decimals: Decimal(1).scaleb(-decimals) for decimals in range(11)}


def unit(decimals: int) -> Decimal:
    """Return the smallest amount with so many decimals."""
    return _UNITS[decimals]


def converted(amount: Decimal, *, rate: Decimal, decimals: int) -> Decimal:
    """Return amount * rate, rounded half up to so many decimals."""
    return _PRECISE.multiply(amount, rate).quantize(_UNITS[decimals], context=_PRECISE)


def proportion(whole: Decimal, *, part: Decimal, of: Decimal, decimals: int) -> Decimal:
    """Return whole * part / of, rounded half up to so many decimals."""
    return _PRECISE.divide(_PRECISE.multiply(whole, part), of).quantize(_UNITS[decimals], context=_PRECISE)


def check_amount(findings: Findings, field: str, value: Decimal, *, decimals: int) -> bool:
    """Say whether an amount is finite, small enough and has no more decimals than its currency."""
    if not value.is_finite() or value.adjusted() > _EXPONENT_MAX:
        findings.add(Code.AMOUNT_TOO_LARGE, field, value, "The amount has more than 12 integer digits.")
        return False
    if value != value.quantize(_UNITS[decimals], context=_PRECISE):
        findings.add(Code.AMOUNT_DECIMALS, field, value, f"The amount has more than {decimals} decimals.")
        return False
    return True
