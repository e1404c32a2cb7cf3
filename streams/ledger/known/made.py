"""What was made of one document: the shapes that the state of the ledger stage is folded into, and kept in.

They know of no other document, and not in which order events come.
"""

from datetime import date
from decimal import Decimal
from hashlib import blake2b

import msgspec

from schemas.ids import PostingId, document_parts
from schemas.mapping import Analysis
from schemas.money import ZERO
from schemas.outcomes import Whose
from schemas.postings import (
    Act,
    AllocationContent,
    JournalContent,
    Offer,
    Posting,
    PostingSet,
    RefundContent,
    TransferContent,
)
from schemas.records import RecordKind

# What takes the journal of a document back that went over the clearing account.
INVERSE_JOURNAL = "inverse:journal"
# What takes the journal of a reclass back is named so, and by its number.
INVERSE_RECLASS = f"{INVERSE_JOURNAL}:"
# Role of the line that a document and its journal have on the clearing account, one on each side.
CLEARING = "clearing"


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


class OverClearing(msgspec.Struct, array_like=True):
    """The journal that moves the lines of a document on from the clearing account.

    Attributes:
        total: What its debits come to.
        clearing: The account that the document went to.
    """

    total: Decimal
    clearing: Analysis


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
        journal: Of post n, where its lines went over the clearing account.
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
    journal: OverClearing | None = None

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
    def reclassed(self) -> list[Posting]:
        """The journals that moved lines of post n to where people decided."""
        found = [one.posting for one in self.anew.values()]
        return [posting for posting in found if posting.act is Act.RECLASS and posting.n == self.n]

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


def over_clearing(content: JournalContent) -> OverClearing:
    """Return what is kept of the journal of a document that went over the clearing account."""
    [line] = (line for line in content.lines if line.role == CLEARING)
    clearing = Analysis(
        account=line.account,
        sub_account=line.sub_account,
        cost_centre=line.cost_centre,
        project=line.project,
        text=line.text,
    )
    return OverClearing(total=content.total, clearing=clearing)


def remember(made: Made, posting: Posting, event: PostingSet) -> None:
    """Keep a posting that only itself can say anew; of reversals, and of what they took back, the newest."""
    content = posting.content
    kept = posting.act in (Act.REVERSE, Act.RECLASS) or isinstance(content, RefundContent | TransferContent)
    if not kept:
        return
    before = made.anew.get(posting.id)
    if before is None and posting.act is Act.REVERSE:
        for name in [name for name, one in made.anew.items() if _went_before(one.posting, posting)]:
            del made.anew[name]
    dated = made.original_date or made.posting_date
    if isinstance(content, RefundContent | JournalContent):
        dated = content.document_date
    made.anew[posting.id] = Anew(
        posting=posting,
        daybook=before.daybook if before else _daybook_of(made, posting),
        day=before.day if before else dated,
        mapping_version=event.mapping_version,
    )


def _went_before(one: Posting, reversal: Posting) -> bool:
    return one.act in (Act.REVERSE, Act.RECLASS) and one.n < reversal.n


def _daybook_of(made: Made, posting: Posting) -> str:
    """Return the name that the daybook of a posting has in the mapping."""
    if isinstance(posting.content, AllocationContent | TransferContent):
        return "adjustment"
    if posting.act is Act.RECLASS or posting.step.startswith(INVERSE_JOURNAL):
        return "journal"
    match document_parts(posting.document)[0]:
        case RecordKind.REFUND:
            return "banking"
        case _ if made.is_journal and not made.customer:
            return "journal"
        case RecordKind.PAYMENT:
            return "bounce"
        case _:
            return "credit_note" if made.is_invoice else "invoice"
