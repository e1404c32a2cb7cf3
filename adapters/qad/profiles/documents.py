"""A tenant's documents: where each kind is posted, what its fields are called, and how it is found again.

Dots in a field's name go one object deeper: `header.refs.machine`.
"""

from typing import Annotated, Literal

import msgspec

from adapters.qad.profiles.entries import Answered, Entries
from adapters.qad.profiles.part import Part, Value

DOCUMENT_KINDS = ("invoice", "credit_note", "receipt", "adjustment")
# A profile may leave these out: what would be one parks.
OPTIONAL_KINDS = ("refund", "refund_reversal", "bounce", "transfer", "journal")
# What may carry rows of the tax report.
TAXED = ("invoice", "credit_note")

# Our word of a line for debit and credit in one amount; what it means is the line's `positive`.
SIGNED = "signed"

Lengths = dict[str, Annotated[int, msgspec.Meta(ge=1)]]


class Lines(Part, frozen=True, kw_only=True):
    """Nested lines: under which key, and what their fields are called.

    Attributes:
        under: Name of the list in the record.
        fields: Field, or fields, of the tenant by our word; `signed` is debit and credit in one amount.
        constants: Further fields with fixed values.
        positive: The side that a `signed` amount above zero means.
        negative: Our words of amounts that the tenant wants with the other sign.
    """

    under: str
    fields: dict[str, str | tuple[str, ...]]
    constants: dict[str, Value] = msgspec.field(default_factory=dict)
    positive: Literal["debit", "credit"] = "debit"
    negative: tuple[str, ...] = ()


class Key(Answered, frozen=True, kw_only=True):
    """Where the answer shows a document's key, by places of its record."""

    year: str
    daybook: str
    voucher: str


class Find(Part, frozen=True, kw_only=True):
    """How a document is found again by its machine reference, with its control columns.

    Attributes:
        browse_id: The browse.
        prefix: Before each column, with a dot; "" where the columns have none.
        reference: Column of the machine reference.
        number: Column of the human number.
        year: Column of the posting year.
        daybook: Column of the daybook.
        voucher: Column of the voucher.
        customer: Column of the customer, "" where the browse has none.
        currency: Column of the currency.
        total: Column of the total.
        posting_date: Column of the posting date.
        allocated: Of receipts: column of the amount that the receipt itself carries to invoices, as it was made; of
            credit notes that are netted (`nets`), of what was. Never one that moves with later adjustments, as what is
            open does. "" where the browse has none.
        tax: Of invoices and credit notes: column of the tax that the tenant reports, "" where the browse has none.
        status: Column of the status, where the kind's `posted_when` says which count.
        negative: Columns of these, by our words, that the tenant shows with the other sign.
    """

    browse_id: str
    prefix: str
    reference: str
    number: str
    year: str
    daybook: str
    voucher: str
    customer: str = ""
    currency: str = ""
    total: str = ""
    posting_date: str = ""
    allocated: str = ""
    tax: str = ""
    status: str = ""
    negative: tuple[Literal["total", "allocated", "tax"], ...] = ()


class Step(Part, frozen=True, kw_only=True):
    """One call of several that a document takes; only the last one commits.

    Attributes:
        does: `read` is a GET; `validate` a POST of the record that changes nothing; `commit` is the call that makes it.
        path: Resource below the base URL; none for the commit.
        view_uri: Its view, "" where it has none.
        params: Further query parameters; `{customer}` is filled in with the document's, and so is any word of its head.
        take: Of a read: field of the record by the place in the answer that it is taken from, as `data.rows.0.terms`.
    """

    does: Literal["read", "validate", "commit"]
    path: str = ""
    view_uri: str = ""
    params: dict[str, str] = msgspec.field(default_factory=dict)
    take: dict[str, str] = msgspec.field(default_factory=dict)


class Document(Entries, frozen=True, kw_only=True):
    """One kind of document.

    Attributes:
        path: Resource below the base URL; not derivable from the other two names.
        view_uri: The view of the call, "" where it has none.
        list: Name of the list in the body.
        fields: Field, or fields, of the tenant by our word.
        constants: Further fields with fixed values.
        negative: Our words of amounts that the tenant wants with the other sign.
        lengths: How long a text may be, by our word, where it is other than for all documents.
        lines: GL lines, or the sides of an adjustment.
        allocations: What a receipt carries; the open item that bank is set against.
        opens: The open item that a transfer makes.
        gl_lines: GL lines beside open items.
        tax_rows: Of an invoice or credit note: rows of the tax report, where the site has tax = "qad_tax_rows".
        key: What the answer shows of the document.
        find: How it is found again; without it its unknowns are for a person.
        steps: Reads and validations before the commit, and the commit; none where there is the commit alone.
        confirmed: The site has confirmed this part.
    """

    path: str
    view_uri: str = ""
    list: str
    fields: dict[str, str | tuple[str, ...]]
    key: Key
    constants: dict[str, Value] = msgspec.field(default_factory=dict)
    negative: tuple[str, ...] = ()
    lengths: Lengths = msgspec.field(default_factory=dict)
    lines: Lines | None = None
    allocations: Lines | None = None
    opens: Lines | None = None
    gl_lines: Lines | None = None
    tax_rows: Lines | None = None
    find: Find | None = None
    steps: tuple[Step, ...] = ()
    confirmed: bool = True

    @property
    def references(self) -> tuple[str, ...]:
        """Where the machine reference goes."""
        names = self.fields.get("reference", ())
        return (names,) if isinstance(names, str) else names

    @property
    def takes_tax_rows(self) -> bool:
        """Whether it has a place for rows of the tax report."""
        return self.tax_rows is not None

    @property
    def parts(self) -> dict[str, Lines]:
        """Its lists of lines, by the name of their table."""
        parts = {
            "lines": self.lines,
            "allocations": self.allocations,
            "opens": self.opens,
            "gl_lines": self.gl_lines,
            "tax_rows": self.tax_rows,
        }
        return {name: part for name, part in parts.items() if part is not None}
