"""A tenant's documents: where each kind is posted, what its fields are called, and how it is found again."""

import msgspec

from adapters.qad.profiles.part import Part, Value

DOCUMENT_KINDS = ("invoice", "credit_note", "receipt", "adjustment")
# A profile may leave these out: what would be one parks.
OPTIONAL_KINDS = ("refund", "refund_reversal", "bounce", "transfer", "journal")


class Lines(Part, frozen=True, kw_only=True):
    """Nested lines: under which key, and what their fields are called."""

    under: str
    fields: dict[str, str | tuple[str, ...]]
    constants: dict[str, Value] = msgspec.field(default_factory=dict)


class Key(Part, frozen=True, kw_only=True):
    """What the answer calls a document's key."""

    year: str
    daybook: str
    voucher: str


class Find(Part, frozen=True, kw_only=True):
    """How a document is found again by its machine reference, with its control columns.

    Attributes:
        browse_id: The browse.
        prefix: Before each column.
        reference: Column of the machine reference.
        number: Column of the human number.
        year: Column of the posting year.
        daybook: Column of the daybook.
        voucher: Column of the voucher.
        customer: Column of the customer, "" where the browse has none.
        currency: Column of the currency.
        total: Column of the total.
        posting_date: Column of the posting date.
        allocated: Of receipts: column of the amount that the receipt itself carries to invoices, as it was made. Never
            one that moves with later adjustments, as what is open does. "" where the browse has none.
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


class Document(Part, frozen=True, kw_only=True):
    """One kind of document.

    Attributes:
        path: Resource below the base URL; not derivable from the other two names.
        view_uri: `viewUri` of the call.
        list: Name of the list in the body.
        fields: Field, or fields, of the tenant by our word.
        constants: Further fields with fixed values.
        lines: GL lines, or the sides of an adjustment.
        allocations: What a receipt carries; the open item that bank is set against.
        opens: The open item that a transfer makes.
        gl_lines: GL lines beside open items.
        key: What the answer calls the document.
        find: How it is found again; without it its unknowns are for a person.
        confirmed: The site has confirmed this part.
    """

    path: str
    view_uri: str
    list: str
    fields: dict[str, str | tuple[str, ...]]
    key: Key
    constants: dict[str, Value] = msgspec.field(default_factory=dict)
    lines: Lines | None = None
    allocations: Lines | None = None
    opens: Lines | None = None
    gl_lines: Lines | None = None
    find: Find | None = None
    confirmed: bool = True
