"""What is applied to an invoice that was charged more later: first its own item, then its charges, the oldest first.

Zuora raises the invoice; in QAD each charge is a debit note of its own, and no item takes more than it holds. A row
whose posting stands is divided as it was; a row that nothing is charged for stays one. Source: ACCOUNTING 1, 2.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.money import ZERO
from streams.ledger import reasons
from streams.ledger.applications import Applications, SignedRow
from streams.ledger.openings import loaded_by_others
from streams.ledger.state import LedgerState

_CHARGE = ":charge:"


def spread(number: str, payer: str, applications: Applications, *, state: LedgerState) -> Applications:
    """Return applications with each row divided over the items of its invoice.

    Args:
        number: Number of the document that pays, for reasons.
        payer: `kind:id` of it.
        applications: Its rows.
        state: What was made before.
    """
    rows: list[SignedRow] = []
    stops: list[CannotGoOn] = []
    for row in applications.rows:
        try:
            rows += divided(number, payer, row, also=rows, state=state)
        except CannotGoOn as stop:
            stops.append(stop)
    return Applications(rows=tuple(rows), stops=(*applications.stops, *stops))


def divided(
    number: str, payer: str, row: SignedRow, *, also: Sequence[SignedRow], state: LedgerState
) -> list[SignedRow]:
    """Return the rows that one application becomes: one, or one for each item that it reaches.

    Args:
        number: Number of the document that pays, for reasons.
        payer: `kind:id` of it.
        row: The application.
        also: Rows that the same decision makes, and that stand nowhere yet.
        state: What was made before.

    Raises:
        CannotGoOn: It is more than all items hold: a charge has not been seen yet.
    """
    known = state.of(payer).rows
    standing = [part for part in _parts(row, state=state) if part.id in known]
    if standing:
        return [msgspec.structs.replace(part, amount=known[part.id].amount) for part in standing]
    owed = state.of(row.item_document)
    if owed.opening or not (owed.live or _is_nothing(row.item_document, state)):
        return [row]
    rest, found = row.amount, list[SignedRow]()
    for part in _parts(row, state=state):
        pending = (one for one in also if one.id not in known and one.item_document == part.item_document)
        left = _left(part.item_document, state) - sum((one.amount for one in pending), ZERO)
        taken = min(max(left, ZERO), rest)
        if taken:
            found.append(msgspec.structs.replace(part, amount=taken))
            rest -= taken
    if rest:
        raise CannotGoOn(reasons.more_than_charged(number, row.item_document, rest))
    return found


def _parts(row: SignedRow, *, state: LedgerState) -> list[SignedRow]:
    """Return a row for the invoice, and one for each of its charges, the oldest first."""
    charges = sorted(state.of(row.item_document).charges, key=lambda charge: (state.of(charge).posted_stamp, charge))
    return [
        row,
        *(msgspec.structs.replace(row, id=f"{row.id}{_CHARGE}{charge}", item_document=charge) for charge in charges),
    ]


def _is_nothing(document: str, state: LedgerState) -> bool:
    """Return whether an invoice has no item of its own, here or loaded by others: its charges are all that is owed."""
    return state.makes_no_posting(document) and not loaded_by_others(document, state)


def _left(document: str, state: LedgerState) -> Decimal:
    """Return what is open of an item by all that was made to be applied to it."""
    made = state.of(document)
    if not made.live or made.is_journal:
        return ZERO
    rows = (row for payer in made.payers for row in state.of(payer).rows.values())
    return made.total - sum((row.amount for row in rows if row.item_document == document and not row.detached), ZERO)
