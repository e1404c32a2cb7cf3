"""The front of the ERP: books documents for a user, all of one call or record by record, and changes them by hand.

Each act is synchronous and whole: it either stands in the books or leaves no trace. Time and user come from the
caller.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct, structs

from sandbox.qad.books.adjustments import prepare_adjustment
from sandbox.qad.books.banking import prepare_banking_entry
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import (
    Adjustment,
    BankingEntry,
    Content,
    Document,
    DocumentKey,
    Invoice,
    Journal,
    Origin,
    Payment,
)
from sandbox.qad.books.errors import BusinessError, Code, InvariantViolation, Refused, refuse
from sandbox.qad.books.invoices import prepare_invoice
from sandbox.qad.books.journals import prepare_journal
from sandbox.qad.books.ledger import Entry, Ledger
from sandbox.qad.books.master import Master
from sandbox.qad.books.payments import BOUNCED, CANCELLED, INITIAL, PAID, prepare_paid, prepare_payment
from sandbox.qad.books.policy import Policy
from sandbox.qad.books.reversals import Reversal, prepare_reversal


class Booked(Struct, kw_only=True):
    """What became of the records of one call.

    Attributes:
        documents: what was booked, in the order of the records.
        refusals: what is wrong with the others, by position of the record.
    """

    documents: list[Document]
    refusals: dict[int, tuple[BusinessError, ...]]


class Books:
    """The books of all entities of a server."""

    def __init__(self, master: Master, policy: Policy) -> None:
        self.master = master
        self.policy = policy
        self.ledgers = {code: Ledger(entity) for code, entity in master.entities.items()}

    def post(
        self, entity_code: str, contents: Sequence[Content], *, origin: Origin, each_by_itself: bool = False
    ) -> Booked:
        """Book contents in order; each may build on the ones before it.

        Args:
            entity_code: the entity whose books take them.
            contents: what to book.
            origin: who books it and when.
            each_by_itself: book what is right and refuse the rest; else one refusal takes all of them back.
        """
        ledger = self.ledgers[entity_code]
        entries: list[Entry] = []
        refusals: dict[int, tuple[BusinessError, ...]] = {}
        for position, content in enumerate(contents):
            try:
                entry = self._prepare(ledger, content, origin)
                ledger.commit(entry)
                entries.append(entry)
            except Refused as refused:
                refusals[position] = refused.errors
            except InvariantViolation:
                _take_back(ledger, entries)
                raise
        if refusals and not each_by_itself:
            _take_back(ledger, entries)
        return Booked(documents=[entry.document for entry in entries], refusals=refusals)

    def judge(self, entity_code: str, content: Content, *, origin: Origin) -> tuple[BusinessError, ...]:
        """Return what would be wrong with a content; nothing is booked."""
        try:
            self._prepare(self.ledgers[entity_code], content, origin)
        except Refused as refused:
            return refused.errors
        return ()

    def reverse(self, key: DocumentKey, asked: Reversal, *, origin: Origin) -> Document:
        """Take a document back by a new one.

        Raises:
            Refused: where it cannot be reversed.
        """
        ledger = self._ledger_of(key)
        original = self.find(key)
        entry = prepare_reversal(self._inspection(ledger), original, asked, origin)
        ledger.commit(entry)
        original.reversed_by = entry.document.key
        if isinstance(original.content, Payment):
            original.content = structs.replace(original.content, status=BOUNCED)
        return entry.document

    def pay(self, key: DocumentKey, *, origin: Origin) -> Document:
        """Set a payment that was stored as Initial to Paid, which makes its entry.

        Raises:
            Refused: where it is not such a payment, or its entry can no longer be made.
        """
        ledger, document = self._ledger_of(key), self.find(key)
        content = _initial(document)
        ledger.commit(prepare_paid(self._inspection(ledger), document, content))
        return _in_status(document, content, PAID, origin)

    def cancel(self, key: DocumentKey, *, origin: Origin) -> Document:
        """Set a payment that was stored as Initial to Cancelled: it never makes its entry.

        Raises:
            Refused: where it is not such a payment.
        """
        document = self.find(key)
        return _in_status(document, _initial(document), CANCELLED, origin)

    def amend(self, key: DocumentKey, changes: dict[str, str | date], *, origin: Origin) -> Document:
        """Change texts, due date or terms of a stored document, never what stands in the ledger.

        Raises:
            Refused: where the document does not exist, or a change does not fit its field.
        """
        ledger = self._ledger_of(key)
        document = self.find(key)
        unknown = set(changes) - set(document.content.__struct_fields__)
        if unknown:
            raise refuse(Code.NOT_MODIFIABLE, min(unknown), "", f"Document {key} has no {sorted(unknown)}.")
        said: dict[str, Any] = dict(changes)
        content = structs.replace(document.content, **said)
        inspection = self._inspection(ledger)
        if isinstance(content, Invoice):
            inspection.credit_terms(content.credit_terms_code)
        inspection.check_lengths(content)
        inspection.findings.raise_if_any()
        ledger.unindex(document)
        document.content = content
        ledger.index(document)
        document.modified_by, document.modified_at = origin.user, origin.at
        item = ledger.items.get(key)
        if item is not None and isinstance(content, Invoice) and content.due_date:
            item.due_date = content.due_date
        return document

    def find(self, key: DocumentKey) -> Document:
        """Return a document by its key.

        Raises:
            Refused: where there is none.
        """
        document = self._ledger_of(key).documents.get(key)
        if document is None:
            raise refuse(Code.NOT_FOUND, "voucher", key.voucher, f"Document {key} does not exist.")
        return document

    def _ledger_of(self, key: DocumentKey) -> Ledger:
        ledger = self.ledgers.get(key.entity_code)
        if ledger is None:
            raise refuse(Code.NOT_FOUND, "entity_code", key.entity_code, f"Entity {key.entity_code} does not exist.")
        return ledger

    def _inspection(self, ledger: Ledger) -> Inspection:
        return Inspection(master=self.master, ledger=ledger, policy=self.policy)

    def _prepare(self, ledger: Ledger, content: Content, origin: Origin) -> Entry:
        inspection = self._inspection(ledger)
        match content:
            case Invoice():
                return prepare_invoice(inspection, content, origin)
            case Payment():
                return prepare_payment(inspection, content, origin)
            case Adjustment():
                return prepare_adjustment(inspection, content, origin)
            case BankingEntry():
                return prepare_banking_entry(inspection, content, origin)
            case Journal():
                return prepare_journal(inspection, content, origin)


def _initial(document: Document) -> Payment:
    content = document.content
    if not isinstance(content, Payment) or content.status != INITIAL:
        message = f"Document {document.key} is no payment in status {INITIAL}."
        raise refuse(Code.NOT_MODIFIABLE, "status", document.key, message)
    return content


def _in_status(document: Document, content: Payment, status: str, origin: Origin) -> Document:
    document.content = structs.replace(content, status=status)
    document.modified_by, document.modified_at = origin.user, origin.at
    return document


def _take_back(ledger: Ledger, entries: list[Entry]) -> None:
    """Take back all entries of a call, the last one first."""
    while entries:
        ledger.take_back(entries.pop())
