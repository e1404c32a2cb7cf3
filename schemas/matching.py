"""Topic `matched`: which QAD customer a Zuora record belongs to, by which rule. It refers to its record by offset."""

from enum import StrEnum

import msgspec

from schemas.codec import Event

# Zuora has no e-invoice status of a document yet, and its account has an e-invoice profile: one may come. Zuora's own
# words begin with a capital letter.
E_INVOICE_AWAITED = "awaited"


class MatchRule(StrEnum):
    """The rules in the order in which they are asked (ACCOUNTING 5)."""

    LINK = "link"
    ACCOUNT_FIELD = "account_field"
    QAD_FIELD = "qad_field"
    EQUAL_CODES = "equal_codes"
    UNASSIGNED = "unassigned"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that was considered and not taken, and why."""

    customer: str
    rule: MatchRule
    why_not: str


class AccountSeen(Event, frozen=True, kw_only=True, tag="account_seen"):
    """What matching needs to know of a billing account. No name, no address: those stay in the record.

    Attributes:
        origin: Offset of its record.
        record_id: Which version of the account.
        stamp: Newest stamp of the record, UTC.
        claimed_by: Connections of the tenant that claim the account; exactly one is right.
        claims: Which claims were asked, as a hash; "" where a connection alone claims every account.
        customer_field: Name of the custom field that was asked for the customer code.
        customer_code: What it says, or "".
        e_invoices: Whether it has an e-invoice profile; said once a mapping of the site asks for e-invoices.
    """

    connection: str
    id: str
    number: str
    origin: int
    input_pass: str = msgspec.field(name="pass", default="live")
    record_id: str
    stamp: str
    currency: str
    payment_term: str = ""
    claimed_by: tuple[str, ...]
    claims: str = ""
    customer_field: str = ""
    customer_code: str = ""
    sides: dict[str, int] = msgspec.field(default_factory=dict)
    e_invoices: bool | msgspec.UnsetType = msgspec.UNSET


class Matched(Event, frozen=True, kw_only=True, tag="matched"):
    """A document with its customer.

    Attributes:
        kind: Kind of the record.
        id: Zuora's id.
        number: Zuora's number.
        origin: Offset of its record in `zuora.records`, same partition.
        input_pass: live, or which release or replay of that input this is.
        record_id: Which version of the document.
        stamp: Newest stamp of the record and its children, UTC.
        customer: QAD customer code.
        rule: How it was found.
        passed_over: Candidates that lost.
        sides: Offsets of the side topics up to which they were known.
        kept: True where it undoes a document and keeps that document's customer, whatever the rules say today.
        e_invoice: Zuora's e-invoice status of an invoice or memo, or E_INVOICE_AWAITED; "" where no e-invoice is to
            come. Said once a mapping of the site asks for it.
    """

    connection: str
    kind: str
    id: str
    number: str
    origin: int
    input_pass: str = msgspec.field(name="pass", default="live")
    record_id: str
    stamp: str
    account_id: str
    account_number: str
    customer: str
    rule: MatchRule
    payment_term: str = ""
    passed_over: tuple[Candidate, ...] = ()
    sides: dict[str, int] = msgspec.field(default_factory=dict)
    kept: bool | msgspec.UnsetType = msgspec.UNSET
    e_invoice: str | msgspec.UnsetType = msgspec.UNSET


MatchedEvent = AccountSeen | Matched
