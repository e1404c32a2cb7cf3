"""A command in the words that a profile's fields name: its head, its lines, what it allocates, opens and takes.

Both ports write what stands here, each in its tenant's names; nothing is decided, and no amount is computed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.errors import Rejected
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent
from streams.ports import Accepted, Adjustment, BankMove, Command, ItemLine, Receipt, Transfer
from streams.sink.meanings import FIELD

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
    "taxable",
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
    "tax_code",
    "tax_type",
    "tax_class",
    "tax_usage",
    "tax_environment",
    "base",
    "tax",
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
        tax_rows: Of an invoice or credit note: rows of QAD's tax report.
    """

    head: Words
    lines: Sequence[Words]
    allocations: Sequence[Words]
    opens: Sequence[Words]
    gl_lines: Sequence[Words]
    tax_rows: Sequence[Words]


def in_words(command: Command) -> InWords:
    """Return a command in our words."""
    return InWords(
        head={"reference": command.reference, "number": command.number, **_head(command)},
        lines=_lines(command),
        allocations=_allocations(command),
        opens=_opens(command),
        gl_lines=_gl_lines(command),
        tax_rows=_tax_rows(command),
    )


def kind_of(command: Command) -> str:
    """Return the kind of a command, as profiles name it."""
    return str(command.payload.__struct_config__.tag)


def read_back(made: Accepted, command: Command) -> Accepted:
    """Return what a yes says of a command: what is netted by its link is read back, since QAD says how much."""
    return msgspec.structs.replace(made, read_back=True) if command.linked is not None else made


def no_tax_rows(number: str) -> Rejected:
    """Return the refusal of a document whose tax rows have no place: without them its total would be another."""
    return Rejected(FIELD, (f"{number} has tax rows, and the profile has no place for them: it was not sent",))


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
        words |= {"taxable": bool(payload.tax_rows)}
    if command.linked is not None:
        words |= _item(command.linked)
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


def _tax_rows(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    if not isinstance(payload, InvoiceContent | CreditNoteContent):
        return []
    rows = enumerate(payload.tax_rows, 1)
    return [
        {
            "currency": payload.currency,
            "sequence": sequence,
            "account": row.account,
            "sub_account": row.sub_account,
            "tax_code": row.code,
            "tax_type": row.tax_type,
            "tax_class": row.tax_class,
            "tax_usage": row.tax_usage,
            "tax_environment": row.tax_environment,
            "base": row.base,
            "tax": row.tax,
        }
        for sequence, row in rows
    ]


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
