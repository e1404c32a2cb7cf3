"""Which mapping row counts: of the rows whose keys all fit, the one with the most keys; of equals, the first.

Equals are refused by `mapping check`, so "the first" never decides in practice.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from schemas.errors import CannotGoOn
from schemas.mapping import BankRow, LineRow, Mapping, TaxRow
from streams.ledger.stopping import lacking
from streams.ledger.stopping.words import check_payment_type

Row = TypeVar("Row", LineRow, TaxRow, BankRow)


def line_row(
    mapping: Mapping, *, code: str, processing: str, product: str, charge: str, currency: str, excluded: bool
) -> LineRow | None:
    """Return the row for an item line, or None."""
    fitting = (
        row
        for row in mapping.lines
        if row.code == code
        and row.processing == processing
        and row.excluded == excluded
        and row.product in ("", product)
        and row.charge in ("", charge)
        and row.currency in ("", currency)
    )
    return _narrowest(fitting, ("product", "charge", "currency"))


def tax_row(mapping: Mapping, *, code: str, jurisdiction: str, rate_type: str) -> TaxRow | None:
    """Return the row for a tax line, or None."""
    fitting = (
        row
        for row in mapping.tax
        if row.code in ("", code) and row.jurisdiction in ("", jurisdiction) and row.rate_type in ("", rate_type)
    )
    return _narrowest(fitting, ("code", "jurisdiction", "rate_type"))


def bank_row(mapping: Mapping, *, payment_type: str, gateway: str, currency: str) -> BankRow | None:
    """Return the row for a receipt, or None."""
    fitting = (
        row
        for row in mapping.banks
        if row.currency == currency and row.payment_type in ("", payment_type) and row.gateway in ("", gateway)
    )
    return _narrowest(fitting, ("payment_type", "gateway"))


def bank_of(mapping: Mapping, *, number: str, payment_type: str, gateway: str, currency: str) -> BankRow:
    """Return the row for money of a document.

    Raises:
        CannotGoOn: There is none; or whether it came from outside cannot be told.
    """
    check_payment_type(number, payment_type)
    bank = bank_row(mapping, payment_type=payment_type, gateway=gateway, currency=currency)
    if bank is None:
        what = f"{payment_type or 'the'} payment in {currency} by gateway {gateway!r}"
        row = f'a [[banks]] row currency = "{currency}"'
        raise CannotGoOn(lacking.unmapped(number, what=what, value=gateway, row=row))
    return bank


def _narrowest(rows: Iterable[Row], keys: Sequence[str]) -> Row | None:
    # `max` returns the first of equals.
    return max(rows, key=lambda row: sum(bool(getattr(row, key)) for key in keys), default=None)
