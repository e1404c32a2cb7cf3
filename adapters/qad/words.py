"""A command in the words that a profile's fields name: its head, its lines, what it allocates, opens and takes.

Both ports write what stands here, each in its tenant's names; nothing is decided, and no amount is computed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent
from streams.ports import Adjustment, BankMove, Command, ItemLine, Receipt, Transfer

# What a document carries in our words; a profile maps each to one field of the tenant, or to several.
HEAD = (
    "reference",
    "number",
    "customer",
    "currency",
    "total",
    "document_date",
    "posting_date",
    "due_date",
    "terms",
    "daybook",
    "bank_account",
    "description",
    "item_year",
    "item_daybook",
    "item_voucher",
)
LINE = (
    "sequence",
    "account",
    "sub_account",
    "cost_centre",
    "project",
    "text",
    "debit",
    "credit",
    "currency",
    "customer",
    "item_year",
    "item_daybook",
    "item_voucher",
    "amount",
)

Words = Mapping[str, Any]


class InWords(msgspec.Struct, frozen=True, kw_only=True):
    """A command in our words; what it does not carry is left out, or None, or "".

    Attributes:
        head: Of the document.
        lines: GL lines, or the sides of an adjustment.
        allocations: What a receipt carries; the open item that bank is set against.
        opens: The open item that a transfer makes.
        gl_lines: GL lines beside open items.
    """

    head: Words
    lines: Sequence[Words]
    allocations: Sequence[Words]
    opens: Sequence[Words]
    gl_lines: Sequence[Words]


def in_words(command: Command) -> InWords:
    """Return a command in our words."""
    return InWords(
        head={"reference": command.reference, "number": command.number, **_head(command)},
        lines=_lines(command),
        allocations=_allocations(command),
        opens=_opens(command),
        gl_lines=_gl_lines(command),
    )


def kind_of(command: Command) -> str:
    """Return the kind of a command, as profiles name it."""
    return str(command.payload.__struct_config__.tag)


def _head(command: Command) -> dict[str, Any]:
    payload = command.payload
    words = {
        "customer": command.customer,
        "currency": payload.currency,
        "total": payload.total,
        "document_date": payload.document_date,
        "posting_date": payload.posting_date,
        "daybook": payload.daybook,
        "description": payload.description,
    }
    if isinstance(payload, InvoiceContent | CreditNoteContent):
        words |= {"due_date": payload.due_date, "terms": getattr(payload, "terms", "")}
    if isinstance(payload, Receipt | BankMove):
        words |= {"bank_account": payload.bank_account}
    if isinstance(payload, BankMove):
        words |= _item(payload.item)
    return words


def _lines(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    match payload:
        case Adjustment():
            return [_item_line(line) for line in payload.lines]
        case Transfer():
            return [_item_line(payload.item)] if payload.item is not None else []
        case Receipt() | BankMove():
            return []
        case _:
            return [_gl_line(line, sequence, payload.currency) for sequence, line in enumerate(payload.lines, 1)]


def _opens(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    return [{"customer": payload.customer, "credit": payload.total}] if isinstance(payload, Transfer) else []


def _gl_lines(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    line = payload.unassigned if isinstance(payload, Transfer) else None
    return [_gl_line(line, 1, payload.currency)] if line is not None else []


def _item_line(line: ItemLine) -> dict[str, Any]:
    return {**_item(line.document), "customer": line.customer, "debit": line.debit, "credit": line.credit}


def _gl_line(line: GlLine, sequence: int, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "sequence": sequence,
        "account": line.account,
        "sub_account": line.sub_account,
        "cost_centre": line.cost_centre,
        "project": line.project,
        "text": line.text,
        "debit": line.debit,
        "credit": line.credit,
    }


def _allocations(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    if isinstance(payload, BankMove):
        return [{**_item(payload.item), "customer": payload.customer, "amount": payload.total}]
    if not isinstance(payload, Receipt):
        return []
    return [{**_item(document), "amount": allocated} for document, allocated in payload.allocations]


def _item(document: Document) -> dict[str, Any]:
    return {"item_year": document.year, "item_daybook": document.daybook, "item_voucher": document.voucher}
