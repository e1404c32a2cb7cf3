"""I3 of one posting: what its lines come to is its total, exactly; an amount that cannot be carried is none."""

from decimal import Decimal

from console.verification.views import Content
from schemas.money import ZERO, MoneyError, amount_of, total_of

# The side on which QAD itself puts the total: the lines must come to it on the other.
_LINES_CREDIT = {"invoice": 1, "credit_note": -1}


def imbalance(content: Content) -> str:
    """Return what is wrong with the amounts of a posting, "" where nothing is."""
    try:
        if content.kind == "journal":
            return _of_both_sides(content)
        if content.kind in _LINES_CREDIT:
            return _of_lines(content)
        if content.kind != "opening":
            return _above_zero(content, content.total if content.total is not None else content.amount)
    except MoneyError as error:
        return str(error)
    return ""


def _of_lines(content: Content) -> str:
    debit = sum((amount_of(line.debit) for line in content.lines), ZERO)
    credit = sum((amount_of(line.credit) for line in content.lines), ZERO)
    if any(line.debit < 0 or line.credit < 0 or bool(line.debit) == bool(line.credit) for line in content.lines):
        return "a line has not exactly one side above zero"
    tax = sum((amount_of(row.tax) for row in content.tax_rows), ZERO)
    net = (credit - debit) * _LINES_CREDIT[content.kind] + tax
    total = total_of(content.total if content.total is not None else ZERO, content.currency)
    if net != total:
        return f"debit {debit}, credit {credit}, total {total} {content.currency}"
    return _above_zero(content, content.total)


def _of_both_sides(content: Content) -> str:
    debit = sum((amount_of(line.debit) for line in content.lines), ZERO)
    credit = sum((amount_of(line.credit) for line in content.lines), ZERO)
    if not debit == credit == content.total:
        return f"debit {debit}, credit {credit}, total {content.total} {content.currency}"
    return _above_zero(content, content.total)


def _above_zero(content: Content, amount: Decimal | None) -> str:
    if amount is None or total_of(amount, content.currency) <= 0:
        return f"{amount} {content.currency} is not above zero"
    return ""
