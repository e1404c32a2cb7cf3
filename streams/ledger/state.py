"""What the ledger stage has made of each document: folded from `postings` and its own outcomes by one rule.

It does not know what became of the postings in QAD: that is the sink's. What it folds is the same whichever of its two
topics is read first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b

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
    Offer,
    OpeningContent,
    Posting,
    PostingSet,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from schemas.records import RecordKind
from streams import waits
from streams.shelf import Shelf, Snapshot, packed, shape_of
from streams.standings import Entry, Standing, Standings, pass_number

_ADJUSTMENTS = frozenset({RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT})


class Row(msgspec.Struct, array_like=True):
    """One application row that has its posting, seen from the document that pays.

    Attributes:
        item_document: What is owed.
        amount: As posted: above zero applied, below zero unapplied.
        day: Its effective date.
        created: When Zuora made the row.
        payer: The posting that pays.
        item: The posting that is owed.
        posting_date: Where its posting stands in time.
        original_date: `day`, where the posting date is another.
        times: How often it was posted: once, and once more for each posting of either document that it outlived.
        detached: One of the two postings was reversed: it moves nothing any more.
        given_back: How much of it refunds gave back that a person books: so much can be applied to the item anew.
        divides: What pays divides it over an invoice and its charges, and moves on what of it an item takes no more.
        behind: The posting that is owed was reversed: another of its document may have taken its place.
    """

    item_document: str
    amount: Decimal
    day: date
    created: str
    payer: PostingId
    item: PostingId
    posting_date: date
    original_date: date | None
    times: int
    detached: bool = False
    given_back: Decimal = ZERO
    divides: bool = False
    behind: bool = False


class Anew(msgspec.Struct, array_like=True):
    """A posting that no record of Zuora says again: it is built anew from itself, by a newer mapping or elsewhere.

    Attributes:
        posting: As it was made last.
        daybook: Whose name in the mapping its daybook has.
        day: The document date that chose its mapping.
        mapping_version: The mapping that built it.
    """

    posting: Posting
    daybook: str
    day: date
    mapping_version: int


class Made(msgspec.Struct, array_like=True):
    """What was made of one document.

    Attributes:
        n: How many times it was posted from here.
        live: Post n stands; a reversal ends that.
        posted_stamp: Zuora's posted date of post n.
        source_hash: Zuora's financial content of post n.
        posting_date: Where post n stands in time.
        original_date: The date that it had in Zuora, where the posting date is another.
        mapping_version: The mapping that built post n.
        is_invoice: Post n is an invoice, else a credit note.
        is_journal: Post n is a journal alone.
        opening: It is an item from before the cut-over.
        number: Zuora's number.
        account: Billing account of post n; of a payment, the one that its money stands under.
        customer: QAD customer of post n; of a payment, the one that its money stands under.
        currency: Its currency.
        total: Total of post n, above zero.
        hashes: Fingerprint of each posting that was written.
        rows: Its application rows, where it pays.
        offers: What its receipt offered to carry.
        payers: Documents whose rows were applied to it; refunds that close it.
        charges: Documents that charge it more.
        newest: Origin and pass of the newest input that made postings.
        more: An outcome of that input was to follow.
        answered: Origin and pass of the newest outcome.
        closes: The posting whose open item its refund closes.
        transfers: How often its prepayment was given to another customer.
        holds: The posting whose open item stands for it, where that is not post n.
        received_for: QAD customer of its receipt, "" where that went to unassigned cash.
        anew: By its name, each posting of the newest reversal, each transfer, and the refund that it is.
        gone: Post n was reversed because Zuora had the document no more.
        placed: Origin and pass of the input that last said under whom its money stands.
        unmoved: It said so without a posting: others loaded it there, or it went there within one customer.
    """

    n: int = 0
    live: bool = False
    posted_stamp: str = ""
    source_hash: str = ""
    posting_date: date = date.min
    original_date: date | None = None
    mapping_version: int = 0
    is_invoice: bool = True
    opening: bool = False
    number: str = ""
    account: str = ""
    customer: str = ""
    currency: str = ""
    total: Decimal = ZERO
    hashes: dict[PostingId, bytes] = msgspec.field(default_factory=dict)
    rows: dict[str, Row] = msgspec.field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    payers: set[str] = msgspec.field(default_factory=set)
    newest: tuple[int, int] = (-1, 0)
    more: bool = False
    answered: tuple[int, int] = (-1, 0)
    closes: PostingId | None = None
    charges: set[str] = msgspec.field(default_factory=set)
    transfers: int = 0
    holds: PostingId | None = None
    received_for: str = ""
    is_journal: bool = False
    anew: dict[PostingId, Anew] = msgspec.field(default_factory=dict)
    gone: bool = False

    placed: tuple[int, int] = (-1, 0)
    unmoved: bool = False

    @property
    def is_placed(self) -> bool:
        """Whether it is known under whom its money stands."""
        return self.placed >= (0, 0)

    def place(self, whose: Whose, at: tuple[int, int], *, unmoved: bool) -> None:
        """Take up under whom its money stands: the newest input counts, and of one input what it says last."""
        if (at, unmoved) >= (self.placed, self.unmoved):
            self.account, self.customer, self.placed, self.unmoved = whose.account, whose.customer, at, unmoved

    @property
    def refund(self) -> Posting | None:
        """The refund that it is, or was last; None where it is none."""
        found = [one.posting for one in self.anew.values() if isinstance(one.posting.content, RefundContent)]
        return max(found, key=lambda posting: posting.n, default=None)

    @property
    def incomplete(self) -> int:
        """Origin of an input whose outcome is still missing, or -1."""
        return self.newest[0] if self.more and self.answered < self.newest else -1


def fingerprint(posting: Posting) -> bytes:
    """Return what a posting must differ in to be written again: its content, or what it comes after."""
    return blake2b("|".join((posting.content_hash, *posting.after)).encode(), digest_size=16).digest()


def row_of(posting: Posting, content: AllocationContent) -> Row:
    """Return the application row that a posting carries."""
    return Row(
        item_document=content.item_document,
        amount=-content.amount if content.reopens else content.amount,
        day=content.document_date,
        created=content.row_created,
        payer=content.payer,
        item=content.item,
        posting_date=content.posting_date,
        original_date=content.original_date,
        times=posting.n,
    )


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
        _remember(made, posting, event)
        match posting.content:
            case RefundContent() as content if posting.document != document_key(event.kind, event.id):
                # Its payment said where the money is now; what it is itself has not changed.
                made.closes = content.closes
            case (
                InvoiceContent()
                | CreditNoteContent()
                | ReceiptContent()
                | RefundContent()
                | JournalContent() as content
            ):
                self._take_document(made, posting, content, event)
                if isinstance(content, RefundContent):
                    of(content.closes_document).payers.add(posting.document)
                if isinstance(content, InvoiceContent) and content.charges:
                    of(content.charges).charges.add(posting.document)
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
        made: Made,
        posting: Posting,
        content: InvoiceContent | CreditNoteContent | ReceiptContent | RefundContent | JournalContent,
        event: PostingSet,
    ) -> None:
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
            self.referring[waits.document(content.closes_document)].add(posting.document)
        if isinstance(content, CreditNoteContent) and content.refers_to:
            self.referring[waits.document(content.refers_to)].add(posting.document)


def is_refund(document: str) -> bool:
    """Return whether a document (`kind:id`) is a refund."""
    return document_parts(document)[0] == RecordKind.REFUND


def _remember(made: Made, posting: Posting, event: PostingSet) -> None:
    """Keep a posting that only itself can say anew; of reversals the newest."""
    content = posting.content
    if posting.act is not Act.REVERSE and not isinstance(content, RefundContent | TransferContent):
        return
    before = made.anew.get(posting.id)
    if before is None and posting.act is Act.REVERSE:
        for name in [name for name, one in made.anew.items() if _is_older_reversal(one.posting, posting)]:
            del made.anew[name]
    dated = content.document_date if isinstance(content, RefundContent) else made.original_date or made.posting_date
    made.anew[posting.id] = Anew(
        posting=posting,
        daybook=before.daybook if before else _daybook_of(made, posting),
        day=before.day if before else dated,
        mapping_version=event.mapping_version,
    )


def _is_older_reversal(one: Posting, of: Posting) -> bool:
    return one.act is Act.REVERSE and one.n < of.n


def _daybook_of(made: Made, posting: Posting) -> str:
    """Return the name that the daybook of a posting has in the mapping."""
    if isinstance(posting.content, AllocationContent | TransferContent):
        return "adjustment"
    match document_parts(posting.document)[0]:
        case RecordKind.REFUND:
            return "banking"
        case _ if made.is_journal and not made.customer:
            return "journal"
        case RecordKind.PAYMENT:
            return "bounce"
        case _:
            return "credit_note" if made.is_invoice else "invoice"


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
