"""A tenant's QAD, as configuration: where it is, how it is asked, what its fields are called, what its refusals mean.

Most of what a financial document is called over REST is not public, so nothing of it stands in the code. A part that a
site must still confirm says `confirmed = false`, and posting is refused while any remains.
"""

import hashlib
from typing import Annotated, Literal

import msgspec

from schemas.codec import canonical

TRANSIENT = "transient"

DOCUMENT_KINDS = ("invoice", "credit_note", "receipt", "adjustment")
# A profile may leave these out: what would be one parks.
OPTIONAL_KINDS = ("refund", "refund_reversal", "bounce", "transfer", "journal")
BROWSES = ("customers", "gl_accounts", "daybooks", "periods", "currencies")


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what stands in the file."""


Value = str | int | bool

# A day at most: what is longer is a slip of the pen.
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
# Where a gateway, not QAD, has answered: the request itself was refused, or (503) had nobody to go to. Behind any other
# failure there may be a document.
_Definite = Annotated[int, msgspec.Meta(ge=400, le=503)]


class Auth(_Strict, frozen=True, kw_only=True):
    """How a token is had.

    Attributes:
        path: Below the base URL.
        grant: OAuth grant.
        extra: Further form fields.
        renew_before_s: How long before its end a token is renewed.
        lifetime_s: How long a token lives when the answer does not say.
    """

    path: str = "/oauth/token"
    grant: Literal["password", "client_credentials"] = "password"
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    renew_before_s: Annotated[int, msgspec.Meta(ge=0)] = 60
    lifetime_s: Annotated[int, msgspec.Meta(ge=1)] = 1800


class CallLimits(_Strict, frozen=True, kw_only=True):
    """What the tenant bears.

    Attributes:
        concurrency: Posting calls at once.
        timeout_s: How long one call may take.
        page_size: Rows per browse page.
        age_s: How old an intent may be when its first byte is sent.
        settle_s: From when on "absent" is believed: above time-out + age, and above the idle-connection time-out of
            QAD and whatever stands before it.
    """

    concurrency: _Count = 4
    timeout_s: _Seconds = 30.0
    page_size: _Count = 500
    age_s: _Seconds = 2.0
    settle_s: _Seconds = 45.0


class Lines(_Strict, frozen=True, kw_only=True):
    """Nested lines: under which key, and what their fields are called."""

    under: str
    fields: dict[str, str | tuple[str, ...]]
    constants: dict[str, Value] = msgspec.field(default_factory=dict)


class Key(_Strict, frozen=True, kw_only=True):
    """What the answer calls a document's key."""

    year: str
    daybook: str
    voucher: str


class Find(_Strict, frozen=True, kw_only=True):
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


class Document(_Strict, frozen=True, kw_only=True):
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


class OpenItems(_Strict, frozen=True, kw_only=True):
    """Where QAD shows its open items: opening items are found there by their Zuora number, balances compared.

    Attributes:
        find: The browse and its columns.
        open_amount: Column of what is open.
        account: Column of the control account.
        type_column: Column that tells invoice, credit note and prepayment apart.
        types: Value of that column by Zuora's kind; a debit memo is called as an invoice is unless it is named.
        confirmed: The site has confirmed this part.
    """

    find: Find
    open_amount: str
    account: str
    type_column: str
    types: dict[str, str]
    confirmed: bool = True

    def type_of(self, kind: str) -> str | None:
        """Return what QAD calls an open item of a kind, or None where the profile does not say."""
        return self.types.get(kind) or (self.types.get("invoice") if kind == "debit_memo" else None)


class Browse(_Strict, frozen=True, kw_only=True):
    """A list that QAD shows.

    Attributes:
        browse_id: The browse.
        prefix: Before each column.
        columns: Column by our word.
        true_values: Values of a yes-or-no column that mean yes.
        filter: Fixed filter, e.g. `entityCode,eq,10US,literal`.
        confirmed: The site has confirmed this part.
    """

    browse_id: str
    prefix: str
    columns: dict[str, str]
    true_values: tuple[Value, ...] = (True, "true", "yes")
    filter: tuple[str, ...] = ()
    confirmed: bool = True


class ErrorClass(_Strict, frozen=True, kw_only=True):
    """Which refusals belong to a class: by code, else by field, else by words in the message.

    Attributes:
        means: Class of streams/sink/answers.py, or `transient` where nothing was changed and another try may succeed.
        codes: Codes of the tenant.
        fields: Fields, in any case.
        words: Words of the message, in any case.
    """

    means: str
    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Profile(_Strict, frozen=True, kw_only=True):
    """One tenant's QAD.

    Attributes:
        base_url: Its address, whole, with the environment's path.
        workspace: Value of the workspace header.
        entity: Entity code.
        domain: Domain code.
        headers: Further headers.
        date_format: How a date is written, in strftime's words.
        documents: By kind.
        browses: By name.
        errors: Classes of refusals, first that fits.
        open_items: Where open items are shown.
        balances: Where balances of GL accounts are shown, by period.
        definite: HTTP statuses after which certainly nothing was changed; any other failure is looked up.
    """

    base_url: str
    workspace: str
    entity: str
    domain: str = ""
    auth: Auth = Auth()
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    limits: CallLimits = CallLimits()
    date_format: str = "%Y-%m-%dT00:00:00.000Z"
    definite: tuple[_Definite, ...] = (429,)
    documents: dict[str, Document]
    browses: dict[str, Browse]
    errors: tuple[ErrorClass, ...] = ()
    open_items: OpenItems | None = None
    balances: Browse | None = None

    @property
    def unconfirmed(self) -> list[str]:
        """The parts that the site has not confirmed."""
        parts: dict[str, Document | Browse | OpenItems | None] = {
            **{f"documents.{kind}": document for kind, document in self.documents.items()},
            **{f"browses.{name}": browse for name, browse in self.browses.items()},
            "open_items": self.open_items,
            "balances": self.balances,
        }
        return [name for name, part in parts.items() if part is not None and not part.confirmed]

    @property
    def content_hash(self) -> str:
        """Hash of the whole profile: outputs name it."""
        return hashlib.sha256(canonical(self)).hexdigest()[:16]
