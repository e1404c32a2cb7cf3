"""Topic `postings`: what one input became. A posting is one step of one business act and makes one QAD call.

A posting cannot be built unbalanced: its content checks itself whenever it is made, also when it is read from the
topic; an amount that cannot be carried is refused before anything is computed with it. The control side of a document
(receivable, credit-note or prepayment account) is QAD's to fill from the customer's profile.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from schemas.codec import Event, canonical
from schemas.errors import InvariantViolation
from schemas.ids import PostingId, hash_of, machine_reference
from schemas.money import ZERO, amount_of, sum_of, total_of


class Unbalanced(InvariantViolation, ValueError):
    """Content whose amounts do not agree; a ValueError too, so that such bytes count as unreadable."""


class Act(StrEnum):
    """What a posting does to its object."""

    POST = "post"
    REVERSE = "reverse"
    ALLOCATE = "allocate"
    DEALLOCATE = "deallocate"
    TRANSFER = "transfer"
    RECLASS = "reclass"


class _Content(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Base of what a posting carries into the ERP."""


class GlLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the general ledger: exactly one side, never negative.

    Attributes:
        role: What the line is: revenue, deferred, tax, discount, suspense ...
        source: Zuora id of the item or tax row that it carries.
    """

    account: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    sub_account: str = ""
    cost_centre: str = ""
    project: str = ""
    text: str = ""
    role: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        debit, credit = amount_of(self.debit), amount_of(self.credit)
        if debit < 0 or credit < 0 or bool(debit) == bool(credit):
            raise Unbalanced(f"a GL line has one side that is above zero: account {self.account}")

    def inverse(self) -> "GlLine":
        """Return the same line on the other side."""
        return msgspec.structs.replace(self, debit=self.credit, credit=self.debit)


class TaxLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of QAD's tax report, with the amount that it adds to its document; also where that is 0.

    Attributes:
        code: QAD's tax code.
        base: What the tax was reckoned on; above zero where it raises the total of its document, as is `tax`.
        tax_type: QAD's further words for the tax, "" where the site needs none; so the three after it.
        source: Zuora id of the tax row.
    """

    account: str
    code: str
    base: Decimal
    tax: Decimal
    sub_account: str = ""
    tax_type: str = ""
    tax_class: str = ""
    tax_usage: str = ""
    tax_environment: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        amount_of(self.base)
        amount_of(self.tax)


def _tax_of(rows: tuple[TaxLine, ...], currency: str) -> Decimal:
    return sum_of((row.tax for row in rows), currency)


def _net_credit(lines: tuple[GlLine, ...], currency: str) -> Decimal:
    return sum_of((line.credit - line.debit for line in lines), currency)


class InvoiceContent(_Content, frozen=True, kw_only=True, tag="invoice", omit_defaults=True):
    """A customer invoice or debit note: QAD debits the receivable with `total`, lines and tax rows credit it net.

    Attributes:
        tax_rows: Tax that QAD is to report; none where tax is among the lines.
        charges: `kind:id` of the invoice that this one charges more, where what is applied to that goes here as well.
    """

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    due_date: date
    daybook: str
    description: str
    lines: tuple[GlLine, ...]
    terms: str = ""
    original_date: date | None = None
    charges: str = ""
    tax_rows: tuple[TaxLine, ...] = ()

    def __post_init__(self) -> None:
        total = total_of(self.total, self.currency)
        if total <= 0 or total != _net_credit(self.lines, self.currency) + self.tax:
            raise Unbalanced(f"invoice total {total} {self.currency} is not what its lines come to")

    @property
    def tax(self) -> Decimal:
        """What its tax rows come to."""
        return _tax_of(self.tax_rows, self.currency)


class CreditNoteContent(_Content, frozen=True, kw_only=True, tag="credit_note", omit_defaults=True):
    """A customer credit note: QAD credits the credit-note control account with `total`, lines and tax rows debit it.

    Attributes:
        tax_rows: Tax that QAD is to report; none where tax is among the lines.
        refers_to: `kind:id` of the invoice it refers to, for information; it nets nothing, but where the sink links it.
    """

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    due_date: date
    daybook: str
    description: str
    lines: tuple[GlLine, ...]
    refers_to: str = ""
    original_date: date | None = None
    tax_rows: tuple[TaxLine, ...] = ()

    def __post_init__(self) -> None:
        total = total_of(self.total, self.currency)
        if total <= 0 or total != self.tax - _net_credit(self.lines, self.currency):
            raise Unbalanced(f"credit note total {total} {self.currency} is not what its lines come to")

    @property
    def tax(self) -> Decimal:
        """What its tax rows come to."""
        return _tax_of(self.tax_rows, self.currency)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An application that a receipt may carry itself, if its item is in QAD by then; else its own allocation does it.

    Attributes:
        allocation: The posting of that application.
        item: The posting whose open item it closes.
    """

    allocation: PostingId
    item: PostingId
    amount: Decimal


class ReceiptContent(_Content, frozen=True, kw_only=True, tag="receipt", omit_defaults=True):
    """A customer payment: QAD debits the bank account; what is not allocated is a prepayment."""

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    bank_account: str
    description: str
    offers: tuple[Offer, ...] = ()
    original_date: date | None = None

    def __post_init__(self) -> None:
        total = total_of(self.total, self.currency)
        offered = [total_of(offer.amount, self.currency) for offer in self.offers]
        if total <= 0 or any(amount <= 0 for amount in offered):
            raise Unbalanced(f"receipt of {total} {self.currency}: amounts must be above zero")
        if total < sum_of(offered, self.currency):
            raise Unbalanced(f"receipt of {total} {self.currency} offers more than it holds")


class AllocationContent(_Content, frozen=True, kw_only=True, tag="allocation", omit_defaults=True):
    """Moves an amount between two open items: from what pays (receipt, credit note) to what is owed; or back again.

    Attributes:
        payer: The posting whose open item pays.
        item: The posting whose open item is owed.
        payer_document: `kind:id` of what pays.
        item_document: `kind:id` of what is owed.
        reopens: True for a deallocation: both items are open again by that amount.
        row: Zuora id of the application row.
        row_created: When Zuora made that row; tells to which posting of a document it belongs.
    """

    payer: PostingId
    item: PostingId
    payer_document: str
    item_document: str
    amount: Decimal
    currency: str
    document_date: date
    posting_date: date
    daybook: str
    description: str
    reopens: bool = False
    row: str = ""
    row_created: str = ""
    original_date: date | None = None

    def __post_init__(self) -> None:
        if total_of(self.amount, self.currency) <= 0:
            raise Unbalanced(f"allocation of {self.amount} {self.currency}: the amount must be above zero")


class InverseContent(_Content, frozen=True, kw_only=True, tag="inverse", omit_defaults=True):
    """The exact inverse of another posting; the sink takes lines, customer and total from what was intended there.

    Attributes:
        of: What it undoes.
        item: The posting whose open item it moves, where that is neither its own nor that of `of`.
    """

    of: PostingId
    currency: str
    total: Decimal
    posting_date: date
    daybook: str
    description: str
    item: PostingId | None = None
    original_date: date | None = None

    def __post_init__(self) -> None:
        if total_of(self.total, self.currency) <= 0:
            raise Unbalanced(f"inverse of {self.total} {self.currency}: the total must be above zero")


class RefundContent(_Content, frozen=True, kw_only=True, tag="refund", omit_defaults=True):
    """Money given back: bank against the open item of what was paid or credited, which it closes by that amount.

    Attributes:
        closes: The posting whose open item it closes.
        closes_document: `kind:id` of that payment or credit memo.
    """

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    bank_account: str
    description: str
    closes: PostingId
    closes_document: str
    original_date: date | None = None

    def __post_init__(self) -> None:
        if total_of(self.total, self.currency) <= 0:
            raise Unbalanced(f"refund of {self.total} {self.currency}: the amount must be above zero")


class JournalContent(_Content, frozen=True, kw_only=True, tag="journal", omit_defaults=True):
    """Lines of the general ledger alone: no customer, no open item; what its debits come to is its total.

    Attributes:
        of: The document whose lines it moves on, from the clearing account or to where people decided: without that in
            QAD it moves nothing.
    """

    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    description: str
    lines: tuple[GlLine, ...]
    original_date: date | None = None
    of: PostingId | None = None

    def __post_init__(self) -> None:
        total = total_of(self.total, self.currency)
        debit = sum_of((line.debit for line in self.lines), self.currency)
        if total <= 0 or total != debit or _net_credit(self.lines, self.currency):
            raise Unbalanced(f"journal of {total} {self.currency} is not what both its sides come to")


class TransferContent(_Content, frozen=True, kw_only=True, tag="transfer", omit_defaults=True):
    """Money of a payment becomes the prepayment of a customer: another's until then, or nobody's.

    Attributes:
        of: The posting that holds it: its open item is used up; or the journal that put it to unassigned cash, whose
            line is turned.
    """

    of: PostingId
    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    description: str
    original_date: date | None = None

    def __post_init__(self) -> None:
        if total_of(self.total, self.currency) <= 0:
            raise Unbalanced(f"transfer of {self.total} {self.currency}: the total must be above zero")


class OpeningContent(_Content, frozen=True, kw_only=True, tag="opening", omit_defaults=True):
    """An item from before the cut-over, loaded into QAD by others: found there by its Zuora number, never posted.

    Attributes:
        customer: Under whom it must be found, where nobody here saw whose it was at the cut-over; "" under anybody.
    """

    number: str
    currency: str
    item_kind: str
    customer: str = ""


Content = (
    InvoiceContent
    | CreditNoteContent
    | ReceiptContent
    | AllocationContent
    | InverseContent
    | RefundContent
    | JournalContent
    | TransferContent
    | OpeningContent
)


class Posting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of one business act.

    Attributes:
        id: Hash of what it is (schemas/ids.py).
        reference: The 20 characters that QAD carries for machines.
        number: Zuora's number, which QAD carries for people.
        document: `kind:id` of the Zuora object it belongs to.
        n: Which posting of that object, from 1.
        step: document, journal, inverse, inverse:journal, transfer, allocate:<row>, deallocate:<row>, opening; of the
            m-th reclass journal:<m> and inverse:journal:<m>.
        source_hash: Over Zuora's financial content.
        content_hash: Over `content`.
        after: Postings that must be in QAD first.
    """

    id: PostingId
    reference: str
    number: str
    document: str
    act: Act
    n: int
    step: str
    content: Content
    source_hash: str
    content_hash: str
    after: tuple[PostingId, ...] = ()

    def check(self) -> None:
        """Hold that name, reference and content agree.

        Raises:
            InvariantViolation: They do not: somebody changed a posting after it was built.
        """
        if self.reference != machine_reference(self.id) or self.content_hash != content_hash(self.content):
            raise InvariantViolation(f"posting {self.id} of {self.number} is not what it was built as")


def content_hash(content: Content) -> str:
    """Hash the mapped content of a posting."""
    return hash_of(canonical(content))


class PostingSet(Event, frozen=True, kw_only=True, tag="postings"):
    """What one input of the ledger stage became.

    Attributes:
        kind: Kind of the Zuora document.
        origin: Offset of the input in `matched`.
        input_pass: live, or which release, replay or reclass of that input this is.
        record: Offset of its record in `zuora.records`.
        stamp: Newest stamp of that version, UTC.
        account: Billing account of the document.
        posted_stamp: Zuora's posted date: tells one posting of a document from the next.
        mapping_version: The version that built the postings; frozen at Intended.
        currency: Currency of the document.
        value: Its total, signed as Zuora signs it.
        dropped_zero_lines: Lines of zero that are not in the GL.
        sides: Offsets of the side topics up to which they were known.
        postings: New or changed postings, in the order in which they must happen.
        more: An outcome of the same input follows and completes it.
        closed_in_zuora: By posting, Zuora's accounting period of its posting date, where Zuora had closed it and QAD
            has not: it posts, and is named.
        deleted: Zuora has the document no more; what stood of it is undone.
        given_back: By application row, how much of it refunds gave back that a person books; nothing is posted of it.
        divides: Its application rows are divided over an invoice and its charges: without Invoice Settlement.
    """

    connection: str
    kind: str
    id: str
    number: str
    origin: int
    input_pass: str = msgspec.field(name="pass", default="live")
    record: int
    record_id: str
    stamp: str
    account: str = ""
    customer: str
    posted_stamp: str = ""
    mapping_version: int
    currency: str
    value: Decimal
    dropped_zero_lines: int = 0
    sides: dict[str, int] = msgspec.field(default_factory=dict)
    postings: tuple[Posting, ...]
    more: bool = False
    closed_in_zuora: dict[PostingId, str] | msgspec.UnsetType = msgspec.UNSET
    deleted: bool | msgspec.UnsetType = msgspec.UNSET
    given_back: dict[str, Decimal] | msgspec.UnsetType = msgspec.UNSET
    divides: bool | msgspec.UnsetType = msgspec.UNSET
