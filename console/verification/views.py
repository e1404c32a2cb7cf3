"""The judge's own reading of the topics: only what it asks of an event, as it stands, unchecked.

It decodes for itself, so that a fault in what the product says of its events cannot hide a fault in the events; and
leniently, so that what the product would refuse to read (a posting that does not balance) can be named.
"""

from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from schemas.ids import document_key
from schemas.money import ZERO

View = TypeVar("View")


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of the general ledger. Nothing vouches for its amounts: they are computed with once they are checked."""

    account: str = ""
    debit: Decimal = ZERO
    credit: Decimal = ZERO


class TaxLine(msgspec.Struct, frozen=True, gc=False):
    """One row of QAD's tax report."""

    tax: Decimal = ZERO


class Offer(msgspec.Struct, frozen=True, gc=False):
    """An application that a receipt may carry."""

    allocation: str
    item: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a posting carries, whatever its kind."""

    kind: str
    currency: str = ""
    total: Decimal | None = None
    amount: Decimal | None = None
    posting_date: str = ""
    lines: tuple[Line, ...] = ()
    tax_rows: tuple[TaxLine, ...] = ()
    offers: tuple[Offer, ...] = ()
    payer: str = ""
    item: str = ""
    of: str = ""
    closes: str = ""
    closes_document: str = ""
    payer_document: str = ""
    item_document: str = ""
    reopens: bool = False
    row: str = ""


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One posting."""

    id: str
    reference: str
    number: str
    document: str
    act: str
    n: int
    step: str
    content: Content
    after: tuple[str, ...] = ()


class Postings(msgspec.Struct, frozen=True, kw_only=True):
    """What one input of the ledger became."""

    kind: str
    id: str
    origin: int
    record: int
    postings: tuple[Posting, ...]


class Parent(msgspec.Struct, frozen=True):
    """What the judge asks of a document of Zuora: the stamp of this version, as Object Query names it or as ZOQL does.

    An adjustment names its invoice.
    """

    updated: str | None = msgspec.field(name="updatedDate", default=None)
    updated_by_zoql: str | None = msgspec.field(name="UpdatedDate", default=None)
    invoice_id: str | None = msgspec.field(name="InvoiceId", default=None)


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """One application: the document that it moves is one of these."""

    invoice_id: str | None = None
    debit_memo_id: str | None = None
    payment_id: str | None = None
    credit_memo_id: str | None = None


class ZoqlRow(msgspec.Struct, frozen=True, rename="pascal"):
    """What was applied or moved on account, where there is no Invoice Settlement: the document it moves."""

    invoice_id: str | None = None
    source_transaction_id: str | None = None
    source_transaction_type: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What Zuora said."""

    kind: str
    id: str
    parent: msgspec.Raw
    children: dict[str, list[msgspec.Raw]] = msgspec.field(default_factory=dict)

    @property
    def stamp(self) -> str:
        """Zuora's stamp of this version, "" where it has none that can be read."""
        parent = _read_parent(self.parent) or Parent()
        return parent.updated or parent.updated_by_zoql or ""

    @property
    def pays(self) -> set[str]:
        """The documents (`kind:id`) that it is applied to, or was; of a refund, what it closes."""
        rows = [_read_row(raw) or Row() for raw in self.children.get("applications", ())]
        if self.kind == "refund":
            payments = {document_key("payment", row.payment_id) for row in rows if row.payment_id}
            return payments | {document_key("credit_memo", row.credit_memo_id) for row in rows if row.credit_memo_id}
        owed = [("invoice", row.invoice_id) for row in rows] + [("debit_memo", row.debit_memo_id) for row in rows]
        return {document_key(kind, name) for kind, name in (*owed, *self._moved_unsettled()) if name}

    def _moved_unsettled(self) -> list[tuple[str, str | None]]:
        """Return what is moved by what a tenant without Invoice Settlement has."""
        rows = [
            _read_zoql(raw) or ZoqlRow()
            for name in ("invoice_payments", "adjustments")
            for raw in self.children.get(name, ())
        ]
        moved = [((row.source_transaction_type or "").casefold(), row.source_transaction_id) for row in rows]
        parent = _read_parent(self.parent) or Parent()
        return [("invoice", parent.invoice_id), *(("invoice", row.invoice_id) for row in rows), *moved]


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its customer, or an account."""

    type: str
    id: str
    origin: int
    kind: str = "account"


class Reason(msgspec.Struct, frozen=True):
    """Why something stands still."""

    rule: str = ""
    message: str = ""
    next_step: str = ""
    waits_for: tuple[str, ...] = ()


class QadKey(msgspec.Struct, frozen=True, gc=False):
    """What QAD calls a document."""

    year: int
    daybook: str
    voucher: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document or posting stands, whoever says it."""

    type: str
    stage: str
    subject: str
    document: str
    origin: int
    number: str = ""
    index: int = 0
    reason: Reason | None = None
    reference: str = ""
    attempt: int = 0
    customer: str = ""
    currency: str = ""
    total: Decimal | None = None
    day: str = ""
    carried: tuple[str, ...] = ()
    cancels: dict[str, Decimal] = msgspec.field(default_factory=dict)
    qad: QadKey | None = None
    how: str = ""
    reason_class: str = ""


class Daybooks(msgspec.Struct, frozen=True):
    """The daybooks of a mapping."""

    invoice: str = ""
    credit_note: str = ""
    receipt: str = ""
    adjustment: str = ""
    banking: str = ""
    bounce: str = ""
    journal: str = ""


class Mapping(msgspec.Struct, frozen=True):
    """What the judge asks of a mapping."""

    cut_over: str = ""
    daybooks: Daybooks = Daybooks()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody decided."""

    type: str
    by: str = ""
    at: str = ""
    mapping: Mapping | None = None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that were given up."""

    topic: str
    offset: int
    stage: str = ""
    reason: str = ""
    next_step: str = ""
    key: bytes = b""
    value: bytes = b""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a kind was polled, or read for a cut-over; a re-read says what it proved instead."""

    type: str
    kind: str
    read_to: str = ""


class Reading(Generic[View]):
    """Reads the events of one topic; None where the bytes are no such event."""

    def __init__(self, kind: Any) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def __call__(self, value: bytes | msgspec.Raw) -> View | None:
        """Return the event, None where these bytes are none."""
        try:
            event: View = self._decoder.decode(value)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        return event


_read_parent: Reading[Parent] = Reading(Parent)
_read_row: Reading[Row] = Reading(Row)
_read_zoql: Reading[ZoqlRow] = Reading(ZoqlRow)
read_record: Reading[Record] = Reading(Record)
read_matched: Reading[Matched] = Reading(Matched)
read_postings: Reading[Postings] = Reading(Postings)
read_outcome: Reading[Outcome] = Reading(Outcome)
read_decision: Reading[Decision] = Reading(Decision)
read_dead_letter: Reading[DeadLetter] = Reading(DeadLetter)
read_cursor: Reading[Cursor] = Reading(Cursor)
