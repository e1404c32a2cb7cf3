"""What is applied to an invoice that was charged more later: first its own item, then its charges, the oldest first.

Zuora raises the invoice; in QAD each charge is a debit note of its own, and no item takes more than it holds. A row
whose posting stands is divided as it was; one that comes before its invoice waits; what takes one back takes the newest
charge first. What lay on a charge that is taken back goes to what is left of its invoice; what lay on an invoice that
was posted anew over less, to that and its charges. Of an invoice that others loaded QAD alone knows what is open: its
charges come first, and the rest is its own. Source: ACCOUNTING 1, 2 and 6.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import msgspec

from schemas.errors import CannotGoOn
from schemas.ids import document_parts
from schemas.money import ZERO
from schemas.outcomes import Ignored
from schemas.records import RecordKind
from streams import waits
from streams.ledger.applying.applications import Applications, SignedRow, is_since
from streams.ledger.building.openings import BEFORE_CUT_OVER, loaded_by_others
from streams.ledger.known.made import Row
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons

_CHARGE = ":charge:"
INSTEAD = ":instead-of:"


def spread(
    number: str,
    payer: str,
    applications: Applications,
    *,
    cut_over: date | None,
    state: LedgerState,
    settled: bool = False,
    given_back: Mapping[str, Decimal] = MappingProxyType({}),
) -> Applications:
    """Return applications with each row divided over the items of its invoice.

    Args:
        number: Number of the document that pays, for reasons.
        payer: `kind:id` of it.
        applications: Its rows; those from before the cut-over are in the opening balances, and stay as they are.
        cut_over: That day.
        state: What was made before.
        settled: The tenant has Invoice Settlement: only what was charged before that was switched on is divided over.
        given_back: How much of each row refunds gave back, that a person books.
    """
    rows: list[SignedRow] = []
    made: list[SignedRow] = []
    stops: list[CannotGoOn] = []
    held: set[str] = set()
    for row in applications.rows:
        invoice = row.item_document
        if (cut_over is not None and row.day < cut_over) or (settled and not state.of(invoice).charges):
            rows.append(row)
        elif invoice not in held:
            try:
                back = given_back.get(row.id, ZERO)
                parts = divided(number, payer, row, also=made, state=state, given_back=back)
                if not settled:
                    parts = _moved_on(number, payer, row, parts, also=made, state=state, given_back=back)
            except CannotGoOn as stop:
                # What takes it back comes after it.
                held.add(invoice)
                stops.append(stop)
            else:
                rows += parts
                made += parts
    return Applications(rows=tuple(rows), stops=(*applications.stops, *stops))


def divided(
    number: str,
    payer: str,
    row: SignedRow,
    *,
    also: Sequence[SignedRow],
    state: LedgerState,
    given_back: Decimal = ZERO,
) -> list[SignedRow]:
    """Return the rows that one application becomes: one, or one for each item that it reaches.

    Args:
        number: Number of the document that pays, for reasons.
        payer: `kind:id` of it.
        row: The application.
        also: Rows of the same decision that come before, divided; some of them stand nowhere yet.
        state: What was made before.
        given_back: How much of it refunds gave back: so much needs no room, for what pays anew may come first.

    Raises:
        CannotGoOn: The invoice has not been decided yet; or it is more than all items hold: a charge has not been seen.
    """
    known = state.of(payer).rows
    parts = _parts(row, state=state)
    standing = [msgspec.structs.replace(part, amount=known[part.id].amount) for part in parts if part.id in known]
    if standing:
        return standing
    if row.amount < 0:
        return _taken_back(row, parts, also=also)
    invoice = row.item_document
    loaded = loaded_by_others(invoice, state)
    if not (loaded or state.of(invoice).live or state.makes_no_posting(invoice)):
        raise CannotGoOn(reasons.invoice_not_decided(number, invoice))
    rest, taken = row.amount, dict.fromkeys((part.item_document for part in parts), ZERO)
    totals = {item: _total(item, loaded=loaded and item == invoice, state=state) for item in taken}
    for item in [*list(taken)[1:], invoice] if loaded else taken:
        pending = (one.amount for one in also if one.id not in known and one.item_document == item)
        left = totals[item] - applied_to(item, state) - sum(pending, ZERO)
        taken[item] = min(max(left, ZERO), rest)
        rest -= taken[item]
    for item, total in totals.items():
        more = max(min(given_back, total - taken[item], rest), ZERO)
        taken[item] += more
        rest -= more
        given_back -= min(given_back, taken[item])
    if rest:
        charges = [part.item_document for part in parts[1:]]
        raise CannotGoOn(reasons.more_than_charged(number, invoice, rest, charges=charges))
    return [
        msgspec.structs.replace(part, amount=taken[part.item_document]) for part in parts if taken[part.item_document]
    ]


def _taken_back(row: SignedRow, parts: Sequence[SignedRow], *, also: Sequence[SignedRow]) -> list[SignedRow]:
    """Return the rows that take an application back: what was applied last comes off first."""
    rest, found = -row.amount, list[SignedRow]()
    for part in reversed(parts):
        stands = sum((one.amount for one in also if one.item_document == part.item_document), ZERO)
        # What nothing is known to stand of is said of the invoice itself: why that cannot be is said there.
        taken = rest if part is parts[0] else min(max(stands, ZERO), rest)
        if taken:
            found.append(msgspec.structs.replace(part, amount=-taken))
            rest -= taken
    return _in_order(found, parts)


def _moved_on(
    number: str,
    payer: str,
    row: SignedRow,
    parts: Sequence[SignedRow],
    *,
    also: Sequence[SignedRow],
    state: LedgerState,
    given_back: Decimal,
) -> list[SignedRow]:
    """Return the rows of an application with what an item holds no more on what is left of its invoice and charges.

    That is what lay on a charge that is taken back, or on an invoice that was posted anew and did not take it along.
    Zuora knows the application of the invoice alone: it stands as it was.

    Raises:
        CannotGoOn: There is no room for it yet.
    """
    known = state.of(payer).rows
    rows: list[SignedRow] = []
    for part in parts:
        if not (part.id in known and is_off_its_item(part.id, row.item_document, payer=payer, state=state)):
            rows.append(part)
            continue
        instead = msgspec.structs.replace(row, id=f"{row.id}{INSTEAD}{part.item_document}", amount=part.amount)
        back = max(given_back - sum((one.amount for one in rows), ZERO), ZERO)
        seen = [*also, *rows]
        anew = divided(number, payer, instead, also=seen, state=state, given_back=back)
        rows += _moved_on(number, payer, instead, anew, also=seen, state=state, given_back=back)
    return rows


def is_off_its_item(name: str, invoice: str, *, payer: str, state: LedgerState) -> bool:
    """Return whether a row was freed for good, while what pays stands: what it moved goes where there is room.

    Args:
        name: Its id; it stood once.
        invoice: `kind:id` of what Zuora applied it to.
        payer: `kind:id` of what pays.
        state: What was made before.
    """
    rows = state.of(payer).rows
    row, item = rows[name], rows[name].item_document
    if not (row.detached and state.of(payer).live):
        return False
    if item != invoice:
        return state.is_taken_back(item)
    owed = state.of(invoice)
    return (row.behind and owed.live and is_since(row.created, owed.posted_stamp)) or has_moved_on(name, invoice, rows)


def has_moved_on(name: str, invoice: str, rows: Mapping[str, Row]) -> bool:
    """Return whether what pays took a row from an earlier posting of an invoice to where there was room.

    Args:
        name: Id of the row.
        invoice: `kind:id` of what it is of.
        rows: All rows of what pays.
    """
    return any(one.startswith(f"{name}{INSTEAD}{invoice}") for one in rows)


def _in_order(found: Sequence[SignedRow], parts: Sequence[SignedRow]) -> list[SignedRow]:
    """Return rows in one order, whichever took first: decided again, they come after the same postings."""
    return [row for part in parts for row in found if row.id == part.id]


def is_given_back(item: str, state: LedgerState) -> bool:
    """Return whether refunds gave something back that was applied to an item: it has room once a person books that."""
    return any(row.given_back for row in _rows_on(item, state))


def is_part(name: str, row_id: str) -> bool:
    """Return whether a row is an application, or what a charge took of it, or what came instead."""
    return name == row_id or name.startswith((f"{row_id}{_CHARGE}", f"{row_id}{INSTEAD}"))


def application_of(name: str) -> str:
    """Return the application that a row is, or is a part of, or came instead of."""
    return name.partition(_CHARGE)[0].partition(INSTEAD)[0]


def _parts(row: SignedRow, *, state: LedgerState) -> list[SignedRow]:
    """Return a row for the invoice, and one for each of its charges, the oldest first."""
    charges = sorted(state.of(row.item_document).charges, key=lambda charge: (state.of(charge).posted_stamp, charge))
    return [
        row,
        *(msgspec.structs.replace(row, id=f"{row.id}{_CHARGE}{charge}", item_document=charge) for charge in charges),
    ]


def _total(document: str, *, loaded: bool, state: LedgerState) -> Decimal:
    """Return what an item holds; of an invoice that others loaded at most, with what it had been charged by then."""
    if loaded:
        standing = state.standing_of(document)
        total = standing.value if standing is not None and standing.value is not None else ZERO
        return total + sum(_charged_before(document, state), ZERO)
    made = state.of(document)
    return made.total if made.live and not made.is_journal else ZERO


def _charged_before(invoice: str, state: LedgerState) -> list[Decimal]:
    """Return the charges from before the cut-over: whoever loaded the invoice loaded it with them."""
    entries = state.standings.waiting_for(waits.room(invoice))
    found = (entry.standing for entry in entries)
    return [
        one.value
        for one in found
        if isinstance(one, Ignored)
        and one.value is not None
        and one.reason.rule == BEFORE_CUT_OVER
        and document_parts(one.subject)[0] in (RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT)
    ]


def applied_to(document: str, state: LedgerState) -> Decimal:
    """Return what stands applied to a document's item, less what refunds gave back of it."""
    return sum((row.amount - row.given_back for row in _rows_on(document, state)), ZERO)


def _rows_on(document: str, state: LedgerState) -> list[Row]:
    """Return the rows that move something on an item."""
    rows = (row for payer in state.of(document).payers for row in state.of(payer).rows.values())
    return [row for row in rows if row.item_document == document and not row.detached]
