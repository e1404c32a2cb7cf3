"""A command as rows that balance, and read again: what they say is docs/files.md's. Nothing here touches a disk.

The first row is the head; each other row moves one amount, in debit or credit, on a GL account (`gl`), on an open item
(`item`), or on the open item that this document makes (`opens`), whose account the customer's profile gives.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.files.layouts import Layout, read_rows, write_rows
from adapters.qad.words import kind_of
from schemas.errors import Conflict, Rejected
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent, JournalContent
from streams.ports import (
    Adjustment,
    BankMove,
    Bounce,
    Command,
    FoundInQad,
    ItemLine,
    Payload,
    Receipt,
    Refund,
    Transfer,
)
from streams.sink.meanings import FIELD

HEADER = (
    "row",
    "kind",
    "reference",
    "number",
    "customer",
    "currency",
    "total",
    "document_date",
    "posting_date",
    "due_date",
    "terms",
    "year",
    "daybook",
    "voucher",
    "description",
    "account",
    "sub_account",
    "cost_centre",
    "project",
    "text",
    "debit",
    "credit",
    "item_year",
    "item_daybook",
    "item_voucher",
)
KINDS = (
    "invoice",
    "credit_note",
    "receipt",
    "adjustment",
    "refund",
    "refund_reversal",
    "bounce",
    "transfer",
    "journal",
)
# A number may have any letters: what may stand in no file name becomes "_", and so many are kept.
_NUMBER_MAX = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_NAME = re.compile(
    r"(?P<kind>[a-z_]+)\.[A-Za-z0-9_-]*\.(?P<reference>[A-Z2-7]{20})\."
    r"(?P<book>\d{4}-[A-Za-z0-9_-]+)-(?P<voucher>\d{9,})\.(?P<layout>csv|xml)",
    re.ASCII,
)
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_Row = dict[str, Any]


class Named(NamedTuple):
    """What a file's name says: kind, machine reference, and the voucher within year and daybook."""

    kind: str
    reference: str
    book: str
    voucher: int


def book_of(payload: Payload) -> str:
    """Return within what vouchers are counted: year of the posting date and daybook, as file names have them."""
    return f"{payload.posting_date.year:04d}-{_UNSAFE.sub('_', payload.daybook)}"


def name_of(command: Command, voucher: int, layout: Layout) -> str:
    """Return the name of a command's file."""
    number = _UNSAFE.sub("_", command.number)[:_NUMBER_MAX]
    kind, book = kind_of(command), book_of(command.payload)
    return f"{kind}.{number}.{command.reference}.{book}-{voucher:09d}.{layout}"


def read_name(name: str) -> Named | None:
    """Return what the name of a file says, or None where it is no document of ours."""
    found = _NAME.fullmatch(name)
    return Named(found["kind"], found["reference"], found["book"], int(found["voucher"])) if found else None


def write(command: Command, own: Document, layout: Layout) -> bytes:
    """Return a command as a file, under its own key."""
    head = _written({"row": "head", **_head(command, own)})
    return write_rows([head, *moves_of(command.payload, own)], columns=HEADER, layout=layout)


def moves_of(payload: Payload, own: Document) -> Iterator[dict[str, str]]:
    """Yield what a document moves, as texts by the words of HEADER: debits and credits come to the same."""
    return map(_written, _moves(payload, own))


def read(content: bytes, *, name: str) -> FoundInQad:
    """Return the control columns of a file.

    Raises:
        Conflict: It is not as we wrote it: somebody has changed it.
    """
    try:
        rows = read_rows(content, columns=HEADER, layout="xml" if name.endswith(".xml") else "csv")
        head = rows[0]
        own = Document(
            year=int(head["year"]),
            daybook=head["daybook"],
            voucher=int(head["voucher"]),
            customer=head["customer"],
            currency=head["currency"],
            total=Decimal(head["total"]),
        )
        return FoundInQad(
            reference=head["reference"],
            document=own,
            day=date.fromisoformat(head["posting_date"]),
            allocated=_allocated(rows, own) if head["kind"] == "receipt" else None,
        )
    except (ValueError, ArithmeticError, LookupError, TypeError):
        raise Conflict(f"{name} is not as it was written", expected="a document", actual="something else") from None


def _allocated(rows: Sequence[_Row], own: Document) -> Decimal:
    """Return what a receipt carries: what it credits to items of others, never to its own."""
    mine = (str(own.year), own.daybook, str(own.voucher))
    items = [row for row in rows if row["row"] == "item"]
    others = [row for row in items if (row["item_year"], row["item_daybook"], row["item_voucher"]) != mine]
    return sum((Decimal(row["credit"]) for row in others if row["credit"]), Decimal(0))


def _written(row: _Row) -> dict[str, str]:
    """Return a row as texts: amounts with all their digits, dates as ISO 8601 has them, no text that is a formula."""
    return {name: _text(name, value) for name, value in row.items() if value not in (None, "")}


def _text(name: str, value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if name in ("number", "description", "text") and text.startswith(_FORMULA) else text


def _head(command: Command, own: Document) -> _Row:
    payload = command.payload
    return {
        "kind": kind_of(command),
        "reference": command.reference,
        "number": command.number,
        "customer": command.customer,
        "currency": payload.currency,
        "total": payload.total,
        "document_date": payload.document_date,
        "posting_date": payload.posting_date,
        "due_date": getattr(payload, "due_date", None),
        "terms": getattr(payload, "terms", None),
        "year": own.year,
        "daybook": own.daybook,
        "voucher": own.voucher,
        "description": payload.description,
    }


def _moves(payload: Payload, own: Document) -> Iterator[_Row]:
    """Yield what moves: debits and credits come to the same."""
    if getattr(payload, "tax_rows", ()):
        raise Rejected(FIELD, ('files have no tax rows: publish a mapping with [policy] tax = "liability_line"',))
    match payload:
        case InvoiceContent():
            yield {"row": "opens", "customer": payload.customer, "debit": payload.total}
            yield from map(_gl, payload.lines)
        case CreditNoteContent():
            yield {"row": "opens", "customer": payload.customer, "credit": payload.total}
            yield from map(_gl, payload.lines)
        case Receipt():
            yield {"row": "gl", "account": payload.bank_account, "debit": payload.total}
            # The whole payment opens, and what it carries uses it up: so a part can be re-opened by an adjustment.
            yield {"row": "opens", "customer": payload.customer, "credit": payload.total}
            for item, amount in payload.allocations:
                yield {**_item(item), "customer": payload.customer, "credit": amount}
                yield {**_item(own), "customer": payload.customer, "debit": amount}
        case Adjustment():
            yield from map(_item_line, payload.lines)
        case Transfer():
            yield from map(_item_line, [payload.item] if payload.item is not None else [])
            yield from map(_gl, [payload.unassigned] if payload.unassigned is not None else [])
            yield {"row": "opens", "customer": payload.customer, "credit": payload.total}
        case JournalContent():
            yield from map(_gl, payload.lines)
        case BankMove():
            bank, other = ("credit", "debit") if isinstance(payload, Refund | Bounce) else ("debit", "credit")
            yield {"row": "gl", "account": payload.bank_account, bank: payload.total}
            yield {**_item(payload.item), "customer": payload.customer, other: payload.total}


def _gl(line: GlLine) -> _Row:
    return {
        "row": "gl",
        "account": line.account,
        "sub_account": line.sub_account,
        "cost_centre": line.cost_centre,
        "project": line.project,
        "text": line.text,
        **_side(line.debit, line.credit),
    }


def _item_line(line: ItemLine) -> _Row:
    return {**_item(line.document), "customer": line.customer, **_side(line.debit, line.credit)}


def _item(document: Document) -> _Row:
    return {
        "row": "item",
        "item_year": document.year,
        "item_daybook": document.daybook,
        "item_voucher": document.voucher,
    }


def _side(debit: Decimal, credit: Decimal) -> _Row:
    return {"debit": debit} if debit else {"credit": credit}
