"""What the ledger stage has made of each document: folded from `postings` and its own outcomes by one rule.

It does not know what became of the postings in QAD: that is the sink's.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from schemas.ids import PostingId, document_key
from schemas.money import ZERO
from schemas.outcomes import Ignored
from schemas.postings import (
    Act,
    AllocationContent,
    CreditNoteContent,
    InvoiceContent,
    OpeningContent,
    Posting,
    PostingSet,
    ReceiptContent,
)
from streams import waits
from streams.standings import Standings


@dataclass(slots=True)
class Row:
    """One application row that has its posting, seen from the document that pays.

    Attributes:
        item_document: What is owed.
        amount: Above zero applied, below zero unapplied.
        created: When Zuora made the row.
        times: How often it was allocated: once, and once more for each posting of the item that it outlived.
        detached: A reversal of the item has deallocated it.
    """

    item_document: str
    amount: Decimal
    created: str
    times: int = 1
    detached: bool = False


@dataclass(slots=True)
class Made:
    """What was made of one document.

    Attributes:
        n: How many times it was posted from here.
        live: Post n stands; a reversal ends that.
        posted_stamp: Zuora's posted date of post n.
        source_hash: Zuora's financial content of post n.
        posting_date: Where post n stands in time.
        is_invoice: Post n is an invoice, else a credit note.
        opening: It is an item from before the cut-over.
        number: Zuora's number.
        currency: Its currency.
        total: Total of post n, above zero.
        hashes: Fingerprint of each posting that was written.
        rows: Its application rows, where it pays.
        offered: Allocations that its receipt offered to carry.
        applied: Rows of others that are applied to it, with the document that pays.
        detached: Rows of others that a reversal of it has deallocated, with the document that pays.
        incomplete: Origin of an input whose outcome is still missing, or -1.
    """

    n: int = 0
    live: bool = False
    posted_stamp: str = ""
    source_hash: str = ""
    posting_date: date = date.min
    is_invoice: bool = True
    opening: bool = False
    number: str = ""
    currency: str = ""
    total: Decimal = ZERO
    hashes: dict[PostingId, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    offered: set[PostingId] = field(default_factory=set)
    applied: dict[str, str] = field(default_factory=dict)
    detached: dict[str, str] = field(default_factory=dict)
    incomplete: int = -1


def fingerprint(posting: Posting) -> tuple[str, ...]:
    """Return what a posting must differ in to be written again: its content, or what it comes after."""
    return (posting.content_hash, *posting.after)


@dataclass(slots=True)
class LedgerState:
    """All documents of one partition; and credit memos, by the wait key of the document that they refer to."""

    made: dict[str, Made] = field(default_factory=dict)
    standings: Standings = field(default_factory=Standings)
    referring: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def makes_no_posting(self, document: str) -> bool:
        """Return whether it is decided that a document makes no posting: nothing that refers to it waits for it."""
        entry = self.standings.entries.get(document)
        return isinstance(entry.standing if entry else None, Ignored) and not self.of(document).live

    def of(self, document: str) -> Made:
        """Return what was made of a document; an empty one where nothing was."""
        return self.made.get(document) or Made()

    def take(self, event: PostingSet) -> None:
        """Take up one event of `postings`."""
        document = document_key(event.kind, event.id)
        entry = self.standings.settle(document, origin=event.origin, input_pass=event.input_pass, stamp=event.stamp)
        entry.decisions = event.sides.get("decisions", -1)
        made = self.made.setdefault(document, Made())
        made.incomplete = event.origin if event.more else -1
        for posting in event.postings:
            self._take_posting(self.made.setdefault(posting.document, Made()), posting, event)

    def complete(self, document: str) -> None:
        """Take up that the outcome of the document's newest input is there."""
        if document in self.made:
            self.made[document].incomplete = -1

    def _take_posting(self, made: Made, posting: Posting, event: PostingSet) -> None:
        made.hashes[posting.id] = fingerprint(posting)
        content = posting.content
        if isinstance(content, CreditNoteContent) and content.refers_to:
            self.referring[waits.document(content.refers_to)].add(posting.document)
        match content:
            case InvoiceContent() | CreditNoteContent() | ReceiptContent():
                made.n, made.live = posting.n, True
                made.posted_stamp, made.source_hash = event.posted_stamp, posting.source_hash
                made.posting_date, made.total = content.posting_date, content.total
                made.number, made.currency = posting.number, content.currency
                made.is_invoice = isinstance(content, InvoiceContent)
                if isinstance(content, ReceiptContent):
                    made.offered = {offer.allocation for offer in content.offers}
            case OpeningContent():
                made.opening, made.n, made.live, made.number = True, posting.n, True, content.number
            case AllocationContent() if content.row:
                self._take_row(posting, content)
            case AllocationContent():
                pass
            case _:
                made.live = False

    def _take_row(self, posting: Posting, content: AllocationContent) -> None:
        payer = self.made.setdefault(content.payer_document, Made())
        item = self.made.setdefault(content.item_document, Made())
        if posting.act is Act.REVERSE:
            payer.rows[content.row].detached = True
            item.applied.pop(content.row, None)
            item.detached[content.row] = content.payer_document
            return
        amount = -content.amount if content.reopens else content.amount
        row = payer.rows.setdefault(content.row, Row(content.item_document, amount, content.row_created))
        row.detached = False
        row.times = posting.n
        item.detached.pop(content.row, None)
        if not content.reopens:
            item.applied[content.row] = content.payer_document
