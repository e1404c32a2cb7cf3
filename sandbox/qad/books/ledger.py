"""The books of one entity: documents, GL lines, open items and period balances, indexed for look-ups.

An entry is committed whole or not at all, and the last one can be taken back, which is how several records of one
call stand or fall together. It checks what must always hold (each entry balances in every currency and in base;
nothing is open beyond its original) and decides nothing else.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.documents import Document, DocumentKey, Invoice, Kind
from sandbox.qad.books.errors import InvariantViolation
from sandbox.qad.books.master import Entity
from sandbox.qad.books.open_items import Movement, OpenItem


class GlLine(Struct, kw_only=True, gc=False):
    """One line of a GL entry, with one side in the currency of the transaction and the same side in base.

    Attributes:
        origin: why the line is there: control, line, tax, bank, gain, loss, rounding.
        item: the open item that it moves, for lines on control accounts.
    """

    document: Document
    sequence: int
    origin: str
    gl_account_code: str
    sub_account_code: str = ""
    cost_centre_code: str = ""
    project_code: str = ""
    text: str = ""
    currency_code: str
    debit_amount: Decimal = ZERO
    credit_amount: Decimal = ZERO
    base_debit_amount: Decimal = ZERO
    base_credit_amount: Decimal = ZERO
    item: OpenItem | None = None


class BalanceKey(Struct, frozen=True, kw_only=True, gc=False):
    """What period balances are kept by."""

    gl_account_code: str
    sub_account_code: str
    currency_code: str
    year: int
    period: int


class Balance(Struct, kw_only=True, gc=False):
    """What one period moved on one account, sub-account and currency."""

    key: BalanceKey
    line_count: int = 0
    debit_amount: Decimal = ZERO
    credit_amount: Decimal = ZERO
    base_debit_amount: Decimal = ZERO
    base_credit_amount: Decimal = ZERO


class Entry(Struct, kw_only=True):
    """All that one document does to the books; `is_new` is false where it was stored before its entry."""

    document: Document
    lines: list[GlLine]
    movements: list[Movement]
    new_item: OpenItem | None = None
    is_new: bool = True


def check_balanced(lines: Iterable[GlLine]) -> None:
    """Refuse, as a fault of ours, an entry that does not balance in each currency and in base."""
    base = ZERO
    by_currency: dict[str, Decimal] = {}
    for line in lines:
        base += line.base_debit_amount - line.base_credit_amount
        by_currency[line.currency_code] = (
            by_currency.get(line.currency_code, ZERO) + line.debit_amount - line.credit_amount
        )
    if base or any(by_currency.values()):
        raise InvariantViolation(f"An entry does not balance: base {base}, {by_currency}.")


def check_within_items(movements: Iterable[Movement]) -> None:
    """Refuse, as a fault of ours, movements that leave less than nothing or more than the original open."""
    open_amounts: dict[DocumentKey, Decimal] = {}
    for movement in movements:
        item = movement.item
        open_amounts[item.key] = open_amounts.get(item.key, item.open_amount) + movement.change
        if not ZERO <= open_amounts[item.key] <= item.original_amount:
            raise InvariantViolation(f"Open item {item.key} would have {open_amounts[item.key]} open.")


class Index:
    """Documents by a text, in the order of their commits. Case does not count, as in the ERP's own database."""

    def __init__(self) -> None:
        self._documents: dict[tuple[Kind, str], list[Document]] = {}

    def add(self, text: str, document: Document) -> None:
        """Add a document under a text; a blank one is not indexed."""
        if text:
            self._documents.setdefault((document.kind, text.casefold()), []).append(document)

    def remove(self, text: str, document: Document) -> None:
        """Remove a document that was added under this text."""
        if text:
            found = self._documents[document.kind, text.casefold()]
            # What is taken back was added last.
            position = next(at for at in range(len(found) - 1, -1, -1) if found[at] is document)
            del found[position]
            if not found:
                del self._documents[document.kind, text.casefold()]

    def find(self, kind: Kind, text: str) -> list[Document]:
        """Return the documents of a kind under a text."""
        return self._documents.get((kind, text.casefold()), [])

    def repeated(self) -> list[tuple[Kind, list[Document]]]:
        """Return what stands under one text more than once."""
        return [(kind, found) for (kind, _), found in self._documents.items() if len(found) > 1]


class Ledger:
    """The books of one entity."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.documents: dict[DocumentKey, Document] = {}
        self.by_kind: dict[Kind, list[Document]] = {kind: [] for kind in Kind}
        self.by_custom_short_0 = Index()
        self.by_reference = Index()
        self.by_daybook = Index()
        self.lines: list[GlLine] = []
        self.items: dict[DocumentKey, OpenItem] = {}
        self.items_by_customer: dict[str, list[OpenItem]] = {}
        self.balances: dict[BalanceKey, Balance] = {}
        self._vouchers: dict[tuple[int, str], int] = {}

    def next_voucher(self, year: int, daybook_code: str) -> int:
        """Return the number that the next document of a daybook and year gets."""
        voucher = self._vouchers.get((year, daybook_code), 0) + 1
        while DocumentKey(self.entity.entity_code, year, daybook_code, voucher) in self.documents:
            voucher += 1
        return voucher

    def lines_of(self, document: Document) -> list[GlLine]:
        """Return the GL entry of a document."""
        return self.lines[document.first_line : document.first_line + document.line_count]

    def commit(self, entry: Entry) -> None:
        """Book an entry: all of it, or nothing where it would contradict the books."""
        check_balanced(entry.lines)
        check_within_items(entry.movements)
        document = entry.document
        if entry.is_new and document.key in self.documents:
            raise InvariantViolation(f"Document {document.key} is there already.")
        self._move(entry.movements)
        if entry.is_new:
            self._store(document)
        if entry.lines:
            document.first_line, document.line_count = len(self.lines), len(entry.lines)
            self.lines.extend(entry.lines)
            self._balance(entry.lines, sign=1)
        if entry.new_item is not None:
            self.items[document.key] = entry.new_item
            self.items_by_customer.setdefault(entry.new_item.customer_code.casefold(), []).append(entry.new_item)

    def take_back(self, entry: Entry) -> None:
        """Undo the entry that was committed last, as if it had never been."""
        document = entry.document
        if entry.new_item is not None:
            del self.items[document.key]
            self.items_by_customer[entry.new_item.customer_code.casefold()].pop()
        if entry.lines:
            self._balance(entry.lines, sign=-1)
            del self.lines[document.first_line :]
            document.line_count = 0
        if entry.is_new:
            self._forget(document)
        self._move(
            [Movement(item=one.item, change=-one.change, base_change=-one.base_change) for one in entry.movements]
        )

    def index(self, document: Document) -> None:
        """Make a document findable by its texts."""
        self.by_custom_short_0.add(document.content.custom_short_0, document)
        self.by_reference.add(document.content.reference, document)

    def unindex(self, document: Document) -> None:
        """Take a document out of the indexes of its texts, before they change."""
        self.by_custom_short_0.remove(document.content.custom_short_0, document)
        self.by_reference.remove(document.content.reference, document)

    def _store(self, document: Document) -> None:
        # A number that a caller chose ahead of the counter leaves the counter where it is; the counter steps over it.
        if document.key.voucher == self.next_voucher(document.key.posting_year, document.key.daybook_code):
            self._vouchers[document.key.posting_year, document.key.daybook_code] = document.key.voucher
        self.documents[document.key] = document
        self.by_kind[document.kind].append(document)
        self.by_daybook.add(document.key.daybook_code, document)
        self.index(document)

    def _forget(self, document: Document) -> None:
        del self.documents[document.key]
        series = (document.key.posting_year, document.key.daybook_code)
        if self._vouchers.get(series) == document.key.voucher:
            self._vouchers[series] -= 1
        self.by_kind[document.kind].pop()
        self.by_daybook.remove(document.key.daybook_code, document)
        self.unindex(document)

    def _move(self, movements: Iterable[Movement]) -> None:
        for movement in movements:
            movement.item.open_amount += movement.change
            movement.item.open_base_amount += movement.base_change

    def _balance(self, lines: Iterable[GlLine], *, sign: int) -> None:
        for line in lines:
            key = BalanceKey(
                gl_account_code=line.gl_account_code,
                sub_account_code=line.sub_account_code,
                currency_code=line.currency_code,
                year=line.document.key.posting_year,
                period=line.document.posting_period,
            )
            balance = self.balances.get(key)
            if balance is None:
                balance = self.balances[key] = Balance(key=key)
            balance.line_count += sign
            balance.debit_amount += sign * line.debit_amount
            balance.credit_amount += sign * line.credit_amount
            balance.base_debit_amount += sign * line.base_debit_amount
            balance.base_credit_amount += sign * line.base_credit_amount
            if not balance.line_count:
                del self.balances[key]


def total_tax(document: Document) -> Decimal:
    """Return the tax of an invoice; other kinds carry none."""
    content = document.content
    return sum((line.tax_amount for line in content.tax_lines), ZERO) if isinstance(content, Invoice) else ZERO
