"""The tables of documents and of what they made: open items, GL lines, balances.

Names are the books' own; a dialect picks and renames them. Rows come in the order in which the books got them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.documents import (
    Adjustment,
    AdjustmentLine,
    BankingEntry,
    Document,
    Invoice,
    Journal,
    Kind,
    Part,
    Payment,
)
from sandbox.qad.books.ledger import Balance, GlLine, Index, Ledger
from sandbox.qad.books.open_items import OpenItem
from sandbox.qad.wire.columns import Column, Table, Type, View, column, entity_column, fields_of


class AdjustmentRow(NamedTuple):
    """One line of an adjustment, as a row of its own."""

    document: Document
    sequence: int
    line: AdjustmentLine


def _key_text(attribute: str) -> Column:
    read = attrgetter(attribute)
    return Column(Type.TEXT, lambda _view, row: str(read(row) or ""))


_STORED = {
    "posting_period": column(Type.NUMBER, "posting_period"),
    "is_posted": column(Type.FLAG, "is_posted"),
    "created_by": column(Type.TEXT, "created_by"),
    "created_at": column(Type.MOMENT, "created_at"),
    "modified_by": column(Type.TEXT, "modified_by"),
    "modified_at": column(Type.MOMENT, "modified_at"),
    "reversal_of": _key_text("reversal_of"),
    "reversed_by": _key_text("reversed_by"),
}


def _open_amount(view: View, document: Document) -> Decimal:
    item = view.ledger.items.get(document.key)
    return item.open_amount if item else ZERO


def _content(document: Document) -> Any:
    """Return the content of a document whose kind the table settles."""
    return document.content


def _tax_amount(_view: View, document: Document) -> Decimal:
    return sum((line.tax_amount for line in _content(document).tax_lines), ZERO)


def _allocated_amount(_view: View, document: Document) -> Decimal:
    return sum((one.amount for one in _content(document).allocations), ZERO)


def _total_debit(_view: View, document: Document) -> Decimal:
    content = _content(document)
    lines: list[Any] = [*content.lines, *getattr(content, "gl_lines", ())]
    return sum((line.debit_amount for line in lines), ZERO)


def _journal_currency(_view: View, document: Document) -> str:
    currencies = {line.currency_code for line in _content(document).lines}
    return currencies.pop() if len(currencies) == 1 else ""


def _documents(kind: Kind, content: type[Part], **more: Column) -> Table:
    def find(index: str) -> Callable[[View, str], Sequence[Document]]:
        read: Callable[[Ledger], Index] = attrgetter(index)
        return lambda view, text: read(view.ledger).find(kind, text)

    columns = fields_of(content, "content.") | _STORED | more
    lookups = {"custom_short_0": find("by_custom_short_0"), "daybook_code": find("by_daybook")}
    for reference in {"reference", "payment_reference", "external_reference"} & set(columns):
        lookups[reference] = find("by_reference")
    return Table(
        columns=columns,
        rows=lambda view: view.ledger.by_kind[kind],
        lookups=lookups,
        document=lambda document: document,
    )


def _each(index: str) -> Callable[[View, str], Iterator[Document]]:
    """Find documents of every kind under a text."""
    read: Callable[[Ledger], Index] = attrgetter(index)
    return lambda view, text: chain.from_iterable(read(view.ledger).find(kind, text) for kind in Kind)


def _items_of(index: str) -> Callable[[View, str], Iterable[OpenItem]]:
    find = _each(index)
    return lambda view, text: (view.ledger.items[one.key] for one in find(view, text) if one.key in view.ledger.items)


def _lines_of(index: str) -> Callable[[View, str], Iterable[GlLine]]:
    find = _each(index)

    def lines(view: View, text: str) -> Iterator[GlLine]:
        all_lines = view.ledger.lines
        return chain.from_iterable(
            all_lines[one.first_line : one.first_line + one.line_count] for one in find(view, text)
        )

    return lines


def _adjustment_rows(documents: Iterable[Document]) -> list[AdjustmentRow]:
    return [
        AdjustmentRow(document, sequence, line)
        for document in documents
        for sequence, line in enumerate(_content(document).lines, start=1)
    ]


def _adjustment_rows_of(index: str) -> Callable[[View, str], Sequence[AdjustmentRow]]:
    read: Callable[[Ledger], Index] = attrgetter(index)
    return lambda view, text: _adjustment_rows(read(view.ledger).find(Kind.ADJUSTMENT, text))


def _customer_of(_view: View, line: GlLine) -> str:
    if line.item is not None:
        return line.item.customer_code
    return getattr(line.document.content, "customer_code", "")


_KEY_COLUMNS = {
    "entity_code": column(Type.TEXT, "key.entity_code"),
    "posting_year": column(Type.NUMBER, "key.posting_year"),
    "daybook_code": column(Type.TEXT, "key.daybook_code"),
    "voucher": column(Type.NUMBER, "key.voucher"),
}
_OF_DOCUMENT = {
    **{name: column(known.type, f"document.key.{name}") for name, known in _KEY_COLUMNS.items()},
    "kind": column(Type.TEXT, "document.kind"),
    "custom_short_0": column(Type.TEXT, "document.content.custom_short_0"),
    "reference": column(Type.TEXT, "document.content.reference"),
    "posting_date": column(Type.DATE, "document.content.posting_date"),
    "posting_period": column(Type.NUMBER, "document.posting_period"),
    "created_by": column(Type.TEXT, "document.created_by"),
    "created_at": column(Type.MOMENT, "document.created_at"),
}
_DOCUMENT_OF_ROW: Callable[[Any], Document] = attrgetter("document")


DOCUMENT_TABLES: dict[str, Table] = {
    "customer_invoices": _documents(
        Kind.INVOICE,
        Invoice,
        open_amount=Column(Type.NUMBER, _open_amount),
        tax_amount=Column(Type.NUMBER, _tax_amount),
        netted_amount=column(Type.NUMBER, "netted_amount"),
    ),
    "customer_payments": _documents(
        Kind.PAYMENT,
        Payment,
        open_amount=Column(Type.NUMBER, _open_amount),
        allocated_amount=Column(Type.NUMBER, _allocated_amount),
    ),
    "open_item_adjustments": _documents(Kind.ADJUSTMENT, Adjustment, total_amount=Column(Type.NUMBER, _total_debit)),
    "banking_entries": _documents(Kind.BANKING, BankingEntry),
    "journal_entries": _documents(
        Kind.JOURNAL,
        Journal,
        total_amount=Column(Type.NUMBER, _total_debit),
        currency_code=Column(Type.TEXT, _journal_currency),
    ),
    "open_item_adjustment_lines": Table(
        columns={
            **_OF_DOCUMENT,
            **fields_of(AdjustmentLine, "line."),
            "sequence": column(Type.NUMBER, "sequence"),
            "currency_code": column(Type.TEXT, "document.content.currency_code"),
        },
        rows=lambda view: _adjustment_rows(view.ledger.by_kind[Kind.ADJUSTMENT]),
        lookups={
            "custom_short_0": _adjustment_rows_of("by_custom_short_0"),
            "daybook_code": _adjustment_rows_of("by_daybook"),
        },
        document=_DOCUMENT_OF_ROW,
    ),
    "open_items": Table(
        columns={**_OF_DOCUMENT, **fields_of(OpenItem, without=("base_decimals",))},
        rows=lambda view: list(view.ledger.items.values()),
        lookups={
            "customer_code": lambda view, text: view.ledger.items_by_customer.get(text.casefold(), []),
            "custom_short_0": _items_of("by_custom_short_0"),
            "reference": _items_of("by_reference"),
            "daybook_code": _items_of("by_daybook"),
        },
        document=_DOCUMENT_OF_ROW,
    ),
    "gl_transactions": Table(
        columns={
            **_OF_DOCUMENT,
            **fields_of(GlLine),
            "amount": Column(Type.NUMBER, lambda _view, line: line.debit_amount - line.credit_amount),
            "base_amount": Column(Type.NUMBER, lambda _view, line: line.base_debit_amount - line.base_credit_amount),
            "customer_code": Column(Type.TEXT, _customer_of),
        },
        rows=lambda view: view.ledger.lines,
        lookups={
            "custom_short_0": _lines_of("by_custom_short_0"),
            "reference": _lines_of("by_reference"),
            "daybook_code": _lines_of("by_daybook"),
        },
        document=_DOCUMENT_OF_ROW,
    ),
    "gl_balances": Table(
        columns={
            "entity_code": entity_column(),
            "gl_account_code": column(Type.TEXT, "key.gl_account_code"),
            "sub_account_code": column(Type.TEXT, "key.sub_account_code"),
            "currency_code": column(Type.TEXT, "key.currency_code"),
            "year": column(Type.NUMBER, "key.year"),
            "period": column(Type.NUMBER, "key.period"),
            **fields_of(Balance),
        },
        rows=lambda view: list(view.ledger.balances.values()),
    ),
}
