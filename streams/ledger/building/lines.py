"""Items of a Zuora document become GL lines: which code each credits, which account that is, and that it adds up.

Amounts are Zuora's, carried; a line of zero is dropped and counted. Source: ACCOUNTING 3.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.mapping import PROCESSING_TYPES, Analysis, LineRow, Mapping, TaxRow
from schemas.money import ZERO, MoneyError, sum_of, total_of
from schemas.postings import GlLine, TaxLine
from schemas.zuora import TaxationItem
from streams.ledger.building.rows import line_row, tax_row
from streams.ledger.known.books import Books
from streams.ledger.stopping import lacking, reasons

# Object Query shows the processing type of an invoice item as a number; Zuora documents these four.
_PROCESSING_BY_NUMBER = {"0": "Charge", "1": "Discount", "2": "Prepayment", "3": "Tax"}

# Text of a GL line in QAD (reference: length table).
_TEXT_MAX = 40


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a Zuora document, whatever its kind.

    Attributes:
        id: Zuora's id.
        net: Amount without tax, signed as Zuora signs it.
        tax: What the item itself says its tax is, or None.
        tax_rows: Its tax rows, all of them.
        code: Accounting code of the revenue, by name.
        contract_code: Unbilled or contract code, by name, or "": it wins where Zuora gives one.
        deferred_code: Code of the deferred revenue, by name, or "".
        codes: All of its codes as Zuora names them: what tells whether they were changed.
        processing: Processing type, a name or Zuora's number.
        starts: First day of the service period.
        ends: Last day of it.
        excluded: Zuora excludes it from revenue accounting.
        text: Charge name, for people.
    """

    id: str
    net: Decimal
    tax: Decimal | None
    tax_rows: tuple[TaxationItem, ...]
    code: str
    contract_code: str
    deferred_code: str
    codes: tuple[str, ...]
    processing: str
    product: str
    charge: str
    starts: date | None
    ends: date | None
    excluded: bool
    text: str


class Lines(msgspec.Struct, frozen=True):
    """GL lines of a document, how many lines of zero were dropped, and its rows for QAD's tax report."""

    lines: tuple[GlLine, ...]
    dropped_zero: int
    tax_rows: tuple[TaxLine, ...] = ()


def gl_lines(
    items: Sequence[Item],
    *,
    number: str,
    currency: str,
    total: Decimal,
    credit_sign: int,
    period_ends: date,
    mapping: Mapping,
    books: Books,
) -> Lines:
    """Return the GL lines of a document, and its tax rows where QAD reports the tax.

    Args:
        items: Its lines.
        number: Its number, for reasons.
        currency: Its currency.
        total: What the header says, signed as Zuora signs it.
        credit_sign: 1 where a positive amount credits revenue (invoices), -1 where it debits it (credit memos).
        period_ends: Last day of the period it is posted in.
        mapping: The mapping that counts for it.
        books: What QAD and Zuora showed.

    Raises:
        CannotGoOn: A line has no account, or lines and tax do not come to the total.
    """
    lines: list[GlLine] = []
    tax_rows: list[TaxLine] = []
    # A tax row that raises the total of its document is above zero, whichever of the two that is.
    raises = credit_sign if total * credit_sign > 0 else -credit_sign
    dropped = 0
    sums: list[Decimal] = []
    for item in items:
        net = _amount(number, item.net, currency)
        taxes = [_amount(number, row.tax_amount or ZERO, currency) for row in item.tax_rows]
        _check_tax(number, item, sum(taxes, ZERO), currency)
        sums += [net, *taxes]
        if net:
            place, role = _line_place(item, number=number, currency=currency, period_ends=period_ends, mapping=mapping)
            books.check_account(number, place)
            lines.append(_line(place, net * credit_sign, role=role, source=item.id, text=place.text or item.text))
        else:
            dropped += 1
        for row, tax in zip(item.tax_rows, taxes, strict=True):
            if mapping.policy.tax == "qad_tax_rows" and (tax or net):
                place = _tax_place(row, number=number, mapping=mapping)
                books.check_account(number, place)
                tax_rows.append(_tax_line(place, net * raises, tax * raises, source=row.id, number=number))
            elif tax:
                place = _tax_place(row, number=number, mapping=mapping)
                books.check_account(number, place)
                text = place.text or row.name or row.tax_code or ""
                lines.append(_line(place, tax * credit_sign, role="tax", source=row.id, text=text))
            else:
                dropped += 1
    came_to = _sum(number, sums, currency)
    if came_to != total:
        raise CannotGoOn(reasons.total_mismatch(number, header=str(total), lines=str(came_to), currency=currency))
    return Lines(tuple(lines), dropped, tuple(tax_rows))


def processing_of(processing: str | None) -> str:
    """Return the name of a processing type; an item without one is a charge."""
    if not processing:
        return "Charge"
    return _PROCESSING_BY_NUMBER.get(processing, processing)


def plain_text(text: str, length_max: int = _TEXT_MAX) -> str:
    """Return text as QAD takes it: one line, no control characters, cut to the field's length."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:length_max].rstrip()


def _amount(number: str, value: Decimal, currency: str) -> Decimal:
    try:
        return total_of(value, currency)
    except MoneyError as error:
        raise CannotGoOn(reasons.bad_amount(number, str(error))) from None


def _sum(number: str, values: Sequence[Decimal], currency: str) -> Decimal:
    try:
        return sum_of(values, currency)
    except MoneyError as error:
        raise CannotGoOn(reasons.bad_amount(number, str(error))) from None


def _check_tax(number: str, item: Item, rows: Decimal, currency: str) -> None:
    said = _amount(number, item.tax or ZERO, currency)
    if item.tax is not None and said != rows:
        raise CannotGoOn(reasons.tax_mismatch(number, line=item.text or item.id, item=str(said), rows=str(rows)))


def _line_place(item: Item, *, number: str, currency: str, period_ends: date, mapping: Mapping) -> tuple[Analysis, str]:
    """Return where a line goes, and what it is there."""
    processing = processing_of(item.processing)
    if processing not in PROCESSING_TYPES:
        raise CannotGoOn(reasons.unknown_value(number, field="processingType", value=processing))
    code, role = _code(
        item, number=number, currency=currency, processing=processing, period_ends=period_ends, mapping=mapping
    )
    row = _row(item, code, currency=currency, processing=processing, mapping=mapping)
    if row is not None:
        return row, role
    if mapping.policy.suspense is not None:
        return mapping.policy.suspense, "suspense"
    what = f"accounting code {code!r} as {processing}" + (" excluded from revenue accounting" if item.excluded else "")
    raise CannotGoOn(lacking.unmapped(number, what=what, value=code, row=f'a [[lines]] row code = "{code}"'))


def _code(
    item: Item, *, number: str, currency: str, processing: str, period_ends: date, mapping: Mapping
) -> tuple[str, str]:
    """Return the accounting code that a line credits, and what the line is there.

    Contract and unbilled codes win where Zuora gives them, then the deferred one (ACCOUNTING 3).
    """
    if item.contract_code:
        return item.contract_code, "contract"
    if not item.code and not item.deferred_code:
        raise CannotGoOn(reasons.no_accounting_code(number, item.text or item.id))
    row = _row(item, item.code, currency=currency, processing=processing, mapping=mapping)
    rule = row.revenue if row is not None else None
    past_period = item.ends is not None and item.ends > period_ends
    if rule is None:
        if item.deferred_code:
            return item.deferred_code, "deferred"
        if row is not None and past_period and item.ends is not None:
            raise CannotGoOn(
                lacking.no_deferral_rule(number, line=item.text or item.id, code=item.code, ends=item.ends)
            )
        return item.code, processing.lower()
    if rule == "recognized" or (rule == "by_service_period" and not past_period):
        return item.code, processing.lower()
    if not item.deferred_code:
        raise CannotGoOn(lacking.no_deferred_code(number, line=item.text or item.id, code=item.code))
    return item.deferred_code, "deferred"


def _row(item: Item, code: str, *, currency: str, processing: str, mapping: Mapping) -> LineRow | None:
    return line_row(
        mapping,
        code=code,
        processing=processing,
        product=item.product,
        charge=item.charge,
        currency=currency,
        excluded=item.excluded,
    )


def _tax_line(place: TaxRow, base: Decimal, tax: Decimal, *, source: str, number: str) -> TaxLine:
    if not place.qad_code:
        raise CannotGoOn(lacking.no_qad_tax_code(number, place.code))
    return TaxLine(
        account=place.account,
        sub_account=place.sub_account,
        code=place.qad_code,
        tax_type=place.tax_type,
        tax_class=place.tax_class,
        tax_usage=place.tax_usage,
        tax_environment=place.tax_environment,
        base=base,
        tax=tax,
        source=source,
    )


def _tax_place(row: TaxationItem, *, number: str, mapping: Mapping) -> TaxRow:
    code, jurisdiction, rate_type = row.tax_code or "", row.jurisdiction or "", row.tax_rate_type or ""
    found = tax_row(mapping, code=code, jurisdiction=jurisdiction, rate_type=rate_type)
    if found is None:
        raise CannotGoOn(
            lacking.unmapped(
                number, what=f"tax code {code!r} of {jurisdiction!r}", value=code, row=f'a [[tax]] row code = "{code}"'
            )
        )
    return found


def _line(place: Analysis, credit: Decimal, *, role: str, source: str, text: str) -> GlLine:
    return GlLine(
        account=place.account,
        sub_account=place.sub_account,
        cost_centre=place.cost_centre,
        project=place.project,
        credit=max(credit, ZERO),
        debit=max(-credit, ZERO),
        text=plain_text(text),
        role=role,
        source=source,
    )
