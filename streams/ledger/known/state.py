"""What the ledger stage has made of each document: folded from `postings` and its own outcomes by one rule.

It does not know what became of the postings in QAD: that is the sink's. What it folds is the same whichever of its two
topics is read first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from schemas.ids import PostingId, document_key, document_parts
from schemas.money import ZERO
from schemas.outcomes import AnyOutcome, Ignored, Standstill, Whose
from schemas.postings import (
    Act,
    AllocationContent,
    CreditNoteContent,
    InverseContent,
    InvoiceContent,
    JournalContent,
    OpeningContent,
    Posting,
    PostingSet,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from schemas.records import RecordKind
from streams import waits
from streams.ledger.known.made import Made, fingerprint, over_clearing, remember, row_of
from streams.shelf import Shelf, Snapshot, packed, shape_of
from streams.standings import Entry, Standing, Standings, pass_number

_ADJUSTMENTS = frozenset({RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT})


@dataclass
class LedgerState:
    """All documents of one partition; and what refers to another, by the wait key of that."""

    shape = shape_of(Entry, Made)

    made: Shelf[Made] = field(default_factory=lambda: Shelf(Made, ended=lambda made: made.incomplete < 0))
    standings: Standings = field(default_factory=Standings)
    referring: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def makes_no_posting(self, document: str) -> bool:
        """Return whether it is decided that a document makes no posting: nothing that refers to it waits for it."""
        return isinstance(self.standing_of(document), Ignored) and not self.of(document).live

    def is_taken_back(self, document: str) -> bool:
        """Return whether what was posted of a document is undone, and nothing took its place."""
        made = self.of(document)
        return bool(made.n) and not made.live

    def was_taken_back(self, document: str) -> bool:
        """Return whether a posting of a document was undone, whatever took its place."""
        return self.is_taken_back(document) or self.of(document).n > 1

    def of(self, document: str) -> Made:
        """Return what was made of a document, to be read; an empty one where nothing was."""
        return self.made.get(document) or Made()

    def refunds_of(self, document: str) -> list[Made]:
        """Return the refunds that stand of a payment or credit memo."""
        found = (self.of(name) for name in sorted(self.of(document).payers) if is_refund(name))
        return [made for made in found if made.live]

    def standing_of(self, document: str) -> Standing | None:
        """Return how a document stands still, or None."""
        entry = self.standings.entries.get(document)
        return entry.standing if entry else None

    def take(self, event: PostingSet) -> None:
        """Take up one event of `postings`."""
        document = document_key(event.kind, event.id)
        decisions = event.sides.get("decisions", -1)
        self.standings.settle(
            document, origin=event.origin, input_pass=event.input_pass, stamp=event.stamp, decisions=decisions
        )
        with self._changing() as of:
            made = of(document)
            made.newest, made.more = (event.origin, pass_number(event.input_pass)), event.more
            for posting in event.postings:
                self._take_posting(of, posting, event)
            for row, amount in (event.given_back or {}).items():
                made.rows[row].given_back = amount

    def complete(self, outcome: AnyOutcome) -> None:
        """Take up an outcome of this stage: the one that an input's postings announced, or any other."""
        with self._changing() as of:
            made, at = of(outcome.subject), (outcome.origin, pass_number(outcome.input_pass))
            made.answered = max(made.answered, at)
            if isinstance(outcome, Standstill) and outcome.whose:
                made.place(outcome.whose, at, unmoved=True)

    def parts(self) -> Sequence[Snapshot]:
        """Return the state as it is now."""
        return (packed(self.referring), *self.standings.parts(), *self.made.parts())

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up what `parts` gave."""
        self.referring.update(msgspec.msgpack.decode(next(parts), type=dict[str, set[str]]))
        self.standings.restore(parts)
        self.made.restore(parts)

    @contextmanager
    def _changing(self) -> Iterator[Callable[[str], Made]]:
        """Yield what gives a document to be changed: the same one each time, kept when the block ends."""
        changed: dict[str, Made] = {}

        def of(document: str) -> Made:
            if document not in changed:
                changed[document] = self.of(document)
            return changed[document]

        yield of
        for document, made in changed.items():
            self.made.put(document, made)

    def _take_posting(self, of: Callable[[str], Made], posting: Posting, event: PostingSet) -> None:
        made = of(posting.document)
        made.hashes[posting.id] = fingerprint(posting)
        remember(made, posting, event)
        match posting.content:
            case RefundContent() as content if posting.document != document_key(event.kind, event.id):
                # Its payment said where the money is now; what it is itself has not changed.
                made.closes = content.closes
            case JournalContent() if posting.act is Act.RECLASS:
                # It moves lines of what stands, which stands as before.
                pass
            case JournalContent(of=str()) as content:
                made.journal = over_clearing(content)
            case (
                InvoiceContent()
                | CreditNoteContent()
                | ReceiptContent()
                | RefundContent()
                | JournalContent() as content
            ):
                self._take_document(of, posting, content, event)
            case TransferContent() as content if posting.n > made.transfers:
                made.transfers, made.holds = posting.n, posting.id
                _place(made, event, customer=content.customer)
            case OpeningContent() as content:
                made.opening, made.n, made.live, made.number = True, posting.n, True, content.number
            case InverseContent() as content if posting.n == made.n:
                made.live, made.holds, made.gone = False, None, bool(event.deleted)
                for name in {content.of, content.item or content.of}:
                    _detach(of, made, name)
            case AllocationContent() as content if content.row and posting.act is not Act.REVERSE:
                self._take_row(of, posting, content, event)
            case _:
                # What a reversal frees and settles ends with its inverse.
                pass

    def _take_row(
        self, of: Callable[[str], Made], posting: Posting, content: AllocationContent, event: PostingSet
    ) -> None:
        rows, row = of(content.payer_document).rows, row_of(posting, content)
        known = rows.get(content.row)
        row.given_back = known.given_back if known else ZERO
        row.divides = bool(event.divides) or (known is not None and known.divides)
        rows[content.row] = row
        of(content.item_document).payers.add(content.payer_document)
        owner = document_key(event.kind, event.id)
        on_charge = document_parts(content.item_document)[0] in _ADJUSTMENTS
        if content.item_document != owner and (on_charge or event.divides):
            # Where a charge is taken back, what lay on it goes to what is left of its invoice; where the invoice is
            # posted anew over less, to its charges.
            self.referring[waits.taken_back(content.item_document)].add(owner)
        if event.kind == RecordKind.CREDIT_BALANCE:
            # Where what paid is taken back, the rest of the balance stands in for it.
            self.referring[waits.taken_back(content.payer_document)].add(owner)

    def _take_document(
        self,
        of: Callable[[str], Made],
        posting: Posting,
        content: InvoiceContent | CreditNoteContent | ReceiptContent | RefundContent | JournalContent,
        event: PostingSet,
    ) -> None:
        made = of(posting.document)
        if posting.n != made.n:
            made.journal = None
        made.n, made.live, made.gone = posting.n, True, False
        made.posted_stamp, made.source_hash = event.posted_stamp, posting.source_hash
        made.posting_date, made.original_date = content.posting_date, content.original_date
        made.mapping_version = event.mapping_version
        made.number = posting.number
        if made.holds is None:
            _place(made, event, customer=getattr(content, "customer", ""))
        made.received_for = getattr(content, "customer", "")
        made.currency, made.total = content.currency, content.total
        made.is_invoice = isinstance(content, InvoiceContent)
        made.is_journal = isinstance(content, JournalContent)
        if isinstance(content, ReceiptContent):
            made.offers = content.offers
        if isinstance(content, RefundContent):
            made.closes = content.closes
            of(content.closes_document).payers.add(posting.document)
            self.referring[waits.document(content.closes_document)].add(posting.document)
        if isinstance(content, InvoiceContent) and content.charges:
            of(content.charges).charges.add(posting.document)
        if isinstance(content, CreditNoteContent) and content.refers_to:
            self.referring[waits.document(content.refers_to)].add(posting.document)


def is_refund(document: str) -> bool:
    """Return whether a document (`kind:id`) is a refund."""
    return document_parts(document)[0] == RecordKind.REFUND


def _place(made: Made, event: PostingSet, *, customer: str) -> None:
    at = (event.origin, pass_number(event.input_pass))
    made.place(Whose(account=event.account, customer=customer), at, unmoved=False)


def _detach(of: Callable[[str], Made], made: Made, reversed_posting: PostingId) -> None:
    rows = list(made.rows.values())
    for payer in made.payers:
        rows.extend(of(payer).rows.values())
    for row in rows:
        if reversed_posting in (row.payer, row.item):
            row.detached = True
            row.behind = row.behind or reversed_posting == row.item
