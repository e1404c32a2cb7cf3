"""Takes a document back by a new one with the inverse entry, dated as asked; the original stays as it is.

Only what nothing else has touched can be reversed: an invoice as long as it is unpaid, a payment as long as its
prepayment is untouched. Open items move at the value that they have now; the rest of the entry is the exact inverse
of the original.
"""

from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct, structs

from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.banking import IN, OUT
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import (
    INVOICE_RULES,
    Adjustment,
    AdjustmentLine,
    BankingEntry,
    Content,
    Document,
    DocumentKey,
    Invoice,
    JournalLine,
    Kind,
    Origin,
    Payment,
    PostingLine,
)
from sandbox.qad.books.entries import EntryBuilder, begin
from sandbox.qad.books.errors import Code, refuse, settled
from sandbox.qad.books.ledger import Entry, GlLine
from sandbox.qad.books.payments import BOUNCED


class Reversal(Struct, frozen=True, kw_only=True):
    """What a reversal may say of its own; a blank date is the date of the original."""

    posting_date: date | None = None
    custom_short_0: str = ""
    description: str = ""


def prepare_reversal(inspection: Inspection, original: Document, asked: Reversal, origin: Origin) -> Entry:
    """Build the document that takes another one back.

    Raises:
        Refused: where it is reversed already, never made an entry, or its open items have moved since.
    """
    is_final = isinstance(original.content, Invoice) and not INVOICE_RULES[original.content.invoice_type].reversed_by
    if original.reversed_by or original.reversal_of or is_final or not original.is_posted:
        message = f"Document {original.key} is not posted, is itself a reversal, or is reversed already."
        raise refuse(Code.NOT_REVERSIBLE, "voucher", original.key.voucher, message)
    content = structs.replace(
        original.content,
        posting_date=asked.posting_date or original.content.posting_date,
        posting_year=0,
        voucher=0,
        custom_short_0=asked.custom_short_0,
        description=asked.description or original.content.description,
    )
    content = _inverse(content, original)
    inspection.check_header(content, original.kind)
    daybook = inspection.catalogue.daybooks[original.key.daybook_code]
    period = inspection.period(settled(content.posting_date), 0, for_sales=original.kind != Kind.JOURNAL)
    key = inspection.key(content, daybook, period)
    lines = inspection.ledger.lines_of(original)
    _check_items(inspection, original, lines)
    builder = begin(inspection, content, key=key, period=period, origin=origin)
    stands_negative = isinstance(content, Invoice)
    for line in lines:
        _add_inverse(builder, line, stands_negative=stands_negative)
    entry = builder.finish()
    entry.document.reversal_of = original.key
    return entry


def _inverse(content: Content, original: Document) -> Content:
    """Turn what a document says into what its reversal says."""
    if isinstance(content, Invoice):
        return structs.replace(
            content,
            invoice_type=INVOICE_RULES[content.invoice_type].reversed_by,
            posting_lines=tuple(_negative(line) for line in content.posting_lines),
            linked_posting_year=original.key.posting_year,
            linked_daybook_code=original.key.daybook_code,
            linked_voucher=original.key.voucher,
        )
    if isinstance(content, Payment):
        return structs.replace(content, amount=-content.amount, status=BOUNCED, allocations=())
    if isinstance(content, BankingEntry):
        return structs.replace(
            content,
            direction=IN if content.direction == OUT else OUT,
            gl_lines=tuple(_swapped(line) for line in content.gl_lines),
        )
    if isinstance(content, Adjustment):
        return structs.replace(
            content,
            lines=tuple(_swapped(line) for line in content.lines),
            gl_lines=tuple(_swapped(line) for line in content.gl_lines),
        )
    return structs.replace(content, lines=tuple(_swapped(line) for line in content.lines))


_Line = TypeVar("_Line", PostingLine, JournalLine, AdjustmentLine)


def _swapped(line: _Line) -> _Line:
    return structs.replace(line, debit_amount=line.credit_amount, credit_amount=line.debit_amount)


def _negative(line: PostingLine) -> PostingLine:
    return structs.replace(line, debit_amount=-line.debit_amount + ZERO, credit_amount=-line.credit_amount + ZERO)


def _check_items(inspection: Inspection, original: Document, lines: list[GlLine]) -> None:
    """Check that the open items still stand so that the entry can be taken back."""
    open_amounts: dict[DocumentKey, Decimal] = {}
    for line in lines:
        item = line.item
        if item is None:
            continue
        signed = line.credit_amount - line.debit_amount
        change = signed if item.is_debit else -signed
        after = open_amounts[item.key] = open_amounts.get(item.key, item.open_amount) + change
        is_touched = item.document is original and item.open_amount != abs(signed)
        if is_touched or not ZERO <= after <= item.original_amount:
            message = f"Open item {item.key} has {item.open_amount} open; document {original.key} cannot be reversed."
            inspection.findings.add(Code.NOT_REVERSIBLE, "voucher", original.key.voucher, message)


def _add_inverse(builder: EntryBuilder, line: GlLine, *, stands_negative: bool) -> None:
    if stands_negative:
        debit, credit = -line.debit_amount + ZERO, -line.credit_amount + ZERO
    else:
        debit, credit = line.credit_amount, line.debit_amount
    if line.item is not None:
        builder.settle(line.item, debit=debit, credit=credit)
        return
    builder.add(
        line.origin,
        (line.gl_account_code, line.sub_account_code),
        currency_code=line.currency_code,
        debit=debit,
        credit=credit,
        base=line.base_credit_amount - line.base_debit_amount,
        cost_centre_code=line.cost_centre_code,
        project_code=line.project_code,
        text=line.text,
    )
