"""What QAD says, and the log; what Zuora says stands in zuora_side.py."""

from datetime import date
from decimal import Decimal

import msgspec

from schemas.ids import PostingId
from schemas.outcomes import Document
from schemas.postings import Posting
from schemas.reasons import Reason
from schemas.references import Period


class QadDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document in one of our daybooks, whoever made it.

    Attributes:
        no_entry: In which status it has made no GL entry, by what the profile says of its kind; None where it has.
    """

    key: Document
    kind: str
    reference: str
    number: str
    day: date | None
    no_entry: str | None = None


class QadOpenItem(msgspec.Struct, frozen=True, kw_only=True):
    """An open item, whatever its daybook.

    Attributes:
        owed: 1 where a positive amount is owed by the customer (invoices), -1 where it is owed to them.
    """

    key: Document
    number: str
    open: Decimal
    owed: int
    account: str


class QadGlLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of QAD's general ledger in one of our daybooks.

    Attributes:
        key: Its document.
        amount: Debit less credit.
        base: The same in base currency; None where the browse does not show it.
    """

    key: Document
    account: str
    day: date | None
    amount: Decimal
    base: Decimal | None = None


class QadItemLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an open item adjustment, in whatever daybook.

    Attributes:
        key: Its document.
        item: Year, daybook and voucher of the open item that it moves.
        amount: Debit less credit.
    """

    key: Document
    item: tuple[int, str, int]
    day: date | None
    amount: Decimal


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a posting or document stands in our log.

    Attributes:
        status: posted, intended, unknown, waiting, parked, ignored, superseded ...
        reason: Why it stands still.
        qad: Its document in QAD, once posted.
        customer: Where it went.
        how: How it came there.
        currency: What was sent, or is to be.
        total: Likewise.
        day: Likewise, the posting date.
    """

    status: str
    reason: Reason | None = None
    qad: Document | None = None
    customer: str = ""
    how: str = ""
    currency: str = ""
    total: Decimal | None = None
    day: date | None = None


class LogSide(msgspec.Struct, kw_only=True):
    """What the log says of one connection.

    Attributes:
        postings: Newest content of every posting; of what is in QAD, the content that was sent.
        contents: Of a posting that was built anew: each content by the offset at which it stands, the first under -1.
        standings: Of every posting, by the sink.
        documents: Of every document that match or ledger hold or ignore.
        read: Documents that were read from Zuora.
        matched: Documents that have a customer.
        read_to: How far each kind has been polled.
        cut_over: The agreed date.
        late: Postings that came into QAD while both systems were read: what was read of them may be either.
        closed_in_zuora: Zuora's period of a posting that it had closed when the posting was decided.
        daybooks: Daybooks that published mappings name, by kind of QAD document.
    """

    postings: dict[PostingId, Posting] = msgspec.field(default_factory=dict)
    contents: dict[PostingId, dict[int, Posting]] = msgspec.field(default_factory=dict)
    standings: dict[PostingId, Standing] = msgspec.field(default_factory=dict)
    documents: dict[str, Standing] = msgspec.field(default_factory=dict)
    read: set[str] = msgspec.field(default_factory=set)
    matched: set[str] = msgspec.field(default_factory=set)
    read_to: dict[str, str] = msgspec.field(default_factory=dict)
    cut_over: date | None = None
    late: set[PostingId] = msgspec.field(default_factory=set)
    closed_in_zuora: dict[PostingId, str] = msgspec.field(default_factory=dict)
    daybooks: dict[str, set[str]] = msgspec.field(default_factory=dict)


class QadSide(msgspec.Struct, kw_only=True):
    """What QAD shows.

    Attributes:
        documents: In our daybooks.
        open_items: Whatever their daybook; None where they are not shown.
        balances: Debit less credit, by GL account and currency.
        gl_lines: Of our daybooks; None where the profile names no browse for them.
        item_lines: Of open item adjustments; None where the profile names no browse for them.
        periods: Its own, in which posting dates are told.
        refused: What was handed over and refused afterwards, by its reference, and why.
        not_yet: What was handed over and need not be shown yet, likewise.
    """

    documents: list[QadDocument] = msgspec.field(default_factory=list)
    open_items: list[QadOpenItem] | None = msgspec.field(default_factory=list)
    balances: dict[tuple[str, str], Decimal] = msgspec.field(default_factory=dict)
    gl_lines: list[QadGlLine] | None = None
    item_lines: list[QadItemLine] | None = None
    periods: list[Period] = msgspec.field(default_factory=list)
    refused: dict[str, str] = msgspec.field(default_factory=dict)
    not_yet: dict[str, str] = msgspec.field(default_factory=dict)
