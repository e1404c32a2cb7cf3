"""Application rows become allocations: what pays, what is owed, how much, and which way round.

A row belongs to one posting for ever. The rows of a pair (what pays, what is owed) must come to Zuora's part, else
they park; rows whose sign cannot be told are settled by that difference. Source: ACCOUNTING 2.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate, product

import msgspec

from schemas.errors import CannotGoOn
from schemas.ids import document_key
from schemas.money import ZERO, MoneyError, total_of
from schemas.records import RecordKind
from schemas.zuora import Application, Part
from streams.identity import moment_of
from streams.ledger.stopping import reasons

_NO_MOMENT = datetime.min.replace(tzinfo=UTC)

# Beyond this many rows of one pair the signs are not searched for: 2^12 ways are a moment's work, and nobody applies
# more often.
_ROWS_SEARCHED_MAX = 12


class SignedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One application row with its sign: above zero applied, below zero unapplied.

    Attributes:
        account: Billing account of what paid at that moment, "" where Zuora does not say.
    """

    id: str
    item_document: str
    amount: Decimal
    day: date
    created: str
    account: str = ""


class Applications(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that hold, oldest first; and why others do not."""

    rows: tuple[SignedRow, ...] = ()
    stops: tuple[CannotGoOn, ...] = ()


NO_APPLICATIONS = Applications()


def read_applications(
    rows: Sequence[Application], parts: Sequence[Part], *, number: str, currency: str, payer_total: Decimal
) -> Applications:
    """Return the rows with their signs, pair by pair held against Zuora's parts.

    Args:
        rows: The history of the document that pays.
        parts: What stands applied today.
        number: Its number, for reasons.
        currency: Its currency.
        payer_total: What it can pay at most: no moment of a pair can exceed it.
    """
    try:
        standing = _parts(parts, number=number, currency=currency)
        pairs = _pairs(rows, number=number, currency=currency)
    except CannotGoOn as stop:
        return Applications(stops=(stop,))
    held: list[SignedRow] = []
    stops: list[CannotGoOn] = []
    for item in sorted({*pairs, *standing}):
        part = standing.get(item, ZERO)
        settled = settle_signs(pairs.get(item, ()), part=part, payer_total=payer_total)
        if settled is None:
            came_to = sum((row.amount for row in pairs.get(item, ())), ZERO)
            mismatch = reasons.applications_mismatch(number, item=item, rows=str(came_to), part=str(part))
            stops.append(CannotGoOn(mismatch))
        else:
            held.extend(settled)
    return Applications(rows=tuple(sorted(held, key=_age)), stops=tuple(stops))


def age_of(created: str, amount: Decimal, row_id: str) -> tuple[datetime, str, bool, str]:
    """Return what rows are ordered by: as Zuora made them, and of one second, what is applied before what is undone."""
    moment = moment_of(created)
    return moment or _NO_MOMENT, "" if moment else created, amount < 0, row_id


def is_since(created: str, posted: str) -> bool:
    """Return whether a row was made when a posting stood in Zuora, or later; never where that was not posted before.

    Stamps without a zone, and dates, are compared by their day.
    """
    row, stood = moment_of(created), moment_of(posted)
    if row is not None and stood is not None:
        return row >= stood
    return bool(posted) and created[:10] >= posted[:10]


def settle_signs(rows: Sequence[SignedRow], *, part: Decimal, payer_total: Decimal) -> Sequence[SignedRow] | None:
    """Return the rows of one pair so that they come to its part, or None where they cannot, or in more than one way."""
    if sum((row.amount for row in rows), ZERO) == part:
        return rows
    if not rows or len(rows) > _ROWS_SEARCHED_MAX or any(row.amount < 0 for row in rows):
        return None
    ways = [
        signs
        for signs in product((1, -1), repeat=len(rows))
        if _possible((sign * row.amount for sign, row in zip(signs, rows, strict=True)), part, payer_total)
    ]
    if len(ways) != 1:
        return None
    return [msgspec.structs.replace(row, amount=sign * row.amount) for sign, row in zip(ways[0], rows, strict=True)]


def _age(row: SignedRow) -> tuple[datetime, str, bool, str]:
    return age_of(row.created, row.amount, row.id)


def _possible(amounts: Iterable[Decimal], part: Decimal, payer_total: Decimal) -> bool:
    moments = list(accumulate(amounts))
    return moments[-1] == part and all(ZERO <= moment <= payer_total for moment in moments)


def _pairs(rows: Sequence[Application], *, number: str, currency: str) -> dict[str, list[SignedRow]]:
    pairs: defaultdict[str, list[SignedRow]] = defaultdict(list)
    found = (_signed(row, number=number, currency=currency) for row in rows)
    for signed in sorted((row for row in found if row is not None), key=_age):
        pairs[signed.item_document].append(signed)
    return dict(pairs)


def _signed(row: Application, *, number: str, currency: str) -> SignedRow | None:
    amount = _amount(row.apply_amount if row.apply_amount is not None else row.amount, number=number, currency=currency)
    if not amount:
        return None
    return SignedRow(
        id=row.id,
        item_document=_item(row.invoice_id, row.debit_memo_id, number=number),
        amount=amount,
        day=row.effective_date,
        created=row.created_date,
        account=row.account_id or "",
    )


def _parts(parts: Sequence[Part], *, number: str, currency: str) -> dict[str, Decimal]:
    standing: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for part in parts:
        # Zuora lists the unapplied rest as a part without a document.
        if not part.invoice_id and not part.debit_memo_id:
            continue
        item = _item(part.invoice_id, part.debit_memo_id, number=number)
        standing[item] += _amount(part.amount, number=number, currency=currency)
    return dict(standing)


def _amount(value: Decimal | None, *, number: str, currency: str) -> Decimal:
    try:
        return total_of(value or ZERO, currency)
    except MoneyError as error:
        raise CannotGoOn(reasons.bad_amount(number, str(error))) from None


def _item(invoice_id: str | None, debit_memo_id: str | None, *, number: str) -> str:
    if invoice_id:
        return document_key(RecordKind.INVOICE, invoice_id)
    if debit_memo_id:
        return document_key(RecordKind.DEBIT_MEMO, debit_memo_id)
    raise CannotGoOn(reasons.not_supported(number, "an application to nothing that Zuora names"))
