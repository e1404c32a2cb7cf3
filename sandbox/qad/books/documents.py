"""The documents of the sub-ledger and the general ledger, as asked for and as stored.

A content is what a caller asks to book; a document is a content with everything resolved, its key and its origin.
The kinds share nothing but the key: entity, posting year, daybook and voucher. Nothing is decided here.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.master import DaybookType


class Kind(StrEnum):
    """The kinds of documents."""

    INVOICE = "invoice"
    PAYMENT = "payment"
    ADJUSTMENT = "adjustment"
    BANKING = "banking"
    JOURNAL = "journal"


class DocumentKey(NamedTuple):
    """What makes a document unique in the ERP, and nothing else does."""

    entity_code: str
    posting_year: int
    daybook_code: str
    voucher: int

    def __str__(self) -> str:
        return f"{self.entity_code}.{self.posting_year}.{self.daybook_code}.{self.voucher}"


class InvoiceRule(NamedTuple):
    """What a type of customer invoice means.

    Attributes:
        daybook_type: the daybook it goes to.
        uses_credit_note_control: which of the customer's control accounts it moves.
        raises_debt: the customer owes more by it; else less.
        is_correction: it stands with negative amounts on the side of what it corrects.
        reversed_by: the type that takes it back.
    """

    daybook_type: DaybookType
    uses_credit_note_control: bool
    raises_debt: bool
    is_correction: bool
    reversed_by: str


INVOICE_RULES = {
    "INVOICE": InvoiceRule(DaybookType.CUSTOMER_INVOICE, False, True, False, "INVOICECORRECTION"),
    "CREDITNOTE": InvoiceRule(DaybookType.CUSTOMER_CREDIT_NOTE, True, False, False, "CREDITNOTECORRECTION"),
    "INVOICECORRECTION": InvoiceRule(DaybookType.CUSTOMER_INVOICE, False, False, True, ""),
    "CREDITNOTECORRECTION": InvoiceRule(DaybookType.CUSTOMER_CREDIT_NOTE, True, True, True, ""),
}
PREPAYMENT = "PREPAYMENT"


class Part(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A content or a line of one; immutable, so that many documents may share it."""


class PostingLine(Part, frozen=True, kw_only=True, gc=False):
    """One GL line of an invoice or an adjustment: an account, its analysis, and one side."""

    sequence: int = 0
    gl_account_code: str = ""
    sub_account_code: str = ""
    cost_centre_code: str = ""
    project_code: str = ""
    text: str = ""
    debit_amount: Decimal = ZERO
    credit_amount: Decimal = ZERO


class JournalLine(PostingLine, frozen=True, kw_only=True, gc=False):
    """One line of a journal entry, in a currency of its own."""

    currency_code: str = ""


class TaxLine(Part, frozen=True, kw_only=True, gc=False):
    """One tax of a taxable invoice: what it was reckoned on, what it came to, where it goes."""

    sequence: int = 0
    tax_code: str = ""
    tax_type: str = ""
    tax_class: str = ""
    tax_usage: str = ""
    tax_environment: str = ""
    gl_account_code: str = ""
    sub_account_code: str = ""
    base_amount: Decimal = ZERO
    tax_amount: Decimal = ZERO


class Invoice(Part, frozen=True, kw_only=True, gc=False):
    """A customer invoice, credit note or correction of one; its total is positive whatever its type."""

    entity_code: str = ""
    invoice_type: str = ""
    customer_code: str = ""
    currency_code: str = ""
    invoice_date: date | None = None
    posting_date: date | None = None
    due_date: date | None = None
    tax_point_date: date | None = None
    credit_terms_code: str = ""
    daybook_code: str = ""
    voucher: int = 0
    posting_year: int = 0
    description: str = ""
    reference: str = ""
    custom_short_0: str = ""
    original_amount: Decimal = ZERO
    is_taxable: bool | None = None
    linked_posting_year: int = 0
    linked_daybook_code: str = ""
    linked_voucher: int = 0
    posting_lines: tuple[PostingLine, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()


class Allocation(Part, frozen=True, kw_only=True, gc=False):
    """The part of a payment that pays one invoice."""

    invoice_posting_year: int = 0
    invoice_daybook_code: str = ""
    invoice_voucher: int = 0
    amount: Decimal = ZERO


class Payment(Part, frozen=True, kw_only=True, gc=False):
    """A customer payment; only in status Paid, or Bounced, does it touch the general ledger and open items.

    Bounced, it takes back what is left of the prepayment that it is linked to.
    """

    entity_code: str = ""
    customer_code: str = ""
    currency_code: str = ""
    bank_gl_account_code: str = ""
    payment_date: date | None = None
    posting_date: date | None = None
    daybook_code: str = ""
    voucher: int = 0
    posting_year: int = 0
    amount: Decimal = ZERO
    payment_reference: str = ""
    custom_short_0: str = ""
    status: str = "Initial"
    description: str = ""
    linked_posting_year: int = 0
    linked_daybook_code: str = ""
    linked_voucher: int = 0
    allocations: tuple[Allocation, ...] = ()

    @property
    def reference(self) -> str:
        """What people know the payment by."""
        return self.payment_reference


class BankingAllocation(Part, frozen=True, kw_only=True, gc=False):
    """The part of a banking entry that moves one open item."""

    item_posting_year: int = 0
    item_daybook_code: str = ""
    item_voucher: int = 0
    amount: Decimal = ZERO


class BankingEntry(Part, frozen=True, kw_only=True, gc=False):
    """One line of a bank statement: money in or out, allocated to open items of a customer and to GL accounts."""

    entity_code: str = ""
    customer_code: str = ""
    currency_code: str = ""
    bank_gl_account_code: str = ""
    direction: str = ""
    value_date: date | None = None
    posting_date: date | None = None
    daybook_code: str = ""
    voucher: int = 0
    posting_year: int = 0
    amount: Decimal = ZERO
    external_reference: str = ""
    custom_short_0: str = ""
    description: str = ""
    allocations: tuple[BankingAllocation, ...] = ()
    gl_lines: tuple[PostingLine, ...] = ()

    @property
    def reference(self) -> str:
        """What people know the entry by."""
        return self.external_reference


class AdjustmentLine(Part, frozen=True, kw_only=True, gc=False):
    """One movement of an open item; with `new_item_type` instead of a key it makes a new one for the customer."""

    customer_code: str = ""
    item_posting_year: int = 0
    item_daybook_code: str = ""
    item_voucher: int = 0
    new_item_type: str = ""
    debit_amount: Decimal = ZERO
    credit_amount: Decimal = ZERO


class Adjustment(Part, frozen=True, kw_only=True, gc=False):
    """An open item adjustment: open items against one another or against GL accounts, in one currency."""

    entity_code: str = ""
    posting_date: date | None = None
    daybook_code: str = ""
    voucher: int = 0
    posting_year: int = 0
    description: str = ""
    custom_short_0: str = ""
    currency_code: str = ""
    lines: tuple[AdjustmentLine, ...] = ()
    gl_lines: tuple[PostingLine, ...] = ()

    @property
    def reference(self) -> str:
        """It has none."""
        return ""


class Journal(Part, frozen=True, kw_only=True, gc=False):
    """A journal entry; it balances in each currency and never touches a control account."""

    entity_code: str = ""
    posting_date: date | None = None
    daybook_code: str = ""
    voucher: int = 0
    posting_year: int = 0
    description: str = ""
    custom_short_0: str = ""
    lines: tuple[JournalLine, ...] = ()

    @property
    def reference(self) -> str:
        """It has none."""
        return ""


Content: TypeAlias = Invoice | Payment | Adjustment | BankingEntry | Journal

KIND_OF: dict[type[Part], Kind] = {
    Invoice: Kind.INVOICE,
    Payment: Kind.PAYMENT,
    Adjustment: Kind.ADJUSTMENT,
    BankingEntry: Kind.BANKING,
    Journal: Kind.JOURNAL,
}
CONTENT_OF: dict[Kind, type[Content]] = {
    Kind.INVOICE: Invoice,
    Kind.PAYMENT: Payment,
    Kind.ADJUSTMENT: Adjustment,
    Kind.BANKING: BankingEntry,
    Kind.JOURNAL: Journal,
}


class Origin(NamedTuple):
    """Who enters a document, and when."""

    user: str
    at: datetime


class Document(Struct, kw_only=True, gc=False):
    """A stored document.

    Attributes:
        kind: which content it holds.
        key: its unique key.
        content: what was asked for, with every default resolved.
        posting_period: the period of the posting date.
        first_line: where its GL lines begin in the ledger; they stand together.
        line_count: how many GL lines it has; none as long as it is not posted.
        created_by: the user who entered it.
        reversal_of: the document that it takes back.
        reversed_by: the document that took it back.
        netted_amount: of a credit note: what was applied to the invoice that it is linked to when it was made.
    """

    kind: Kind
    key: DocumentKey
    content: Content
    posting_period: int
    created_by: str
    created_at: datetime
    modified_by: str = ""
    modified_at: datetime | None = None
    first_line: int = 0
    line_count: int = 0
    reversal_of: DocumentKey | None = None
    reversed_by: DocumentKey | None = None
    netted_amount: Decimal = ZERO

    @property
    def is_posted(self) -> bool:
        """Whether it made its GL entry."""
        return self.line_count > 0
