"""How a posting is put together: its ids, hashes, and what must be in QAD before it."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from schemas.codec import canonical
from schemas.errors import CannotGoOn
from schemas.ids import PostingId, document_key, document_parts, hash_of, machine_reference, posting_id
from schemas.mapping import Mapping as SiteMapping
from schemas.outcomes import Whose
from schemas.postings import Act, Content, InverseContent, Posting, content_hash
from streams.ledger.known.made import Made
from streams.ledger.known.state import LedgerState

# Names of the steps that are one document in QAD.
DOCUMENT = "document"
INVERSE = "inverse"
# The journal beside a document that goes to the clearing account.
JOURNAL = "journal"


class AtHand(msgspec.Struct, frozen=True, kw_only=True):
    """The matched document that is being decided.

    Attributes:
        connection: Its connection.
        kind: Kind of the Zuora document.
        id: Zuora's id.
        number: Zuora's number.
        account: Its billing account.
        currency: Its currency.
        customer: The QAD customer that was matched.
        payment_term: Zuora's payment term of the account.
        again: Why a known version is decided again, or "".
        e_invoice: Its e-invoice status in Zuora, or E_INVOICE_AWAITED; "" where none is to come.
    """

    connection: str
    kind: str
    id: str
    number: str
    account: str
    currency: str
    customer: str
    payment_term: str
    again: str
    e_invoice: str = ""

    @property
    def document(self) -> str:
        """`kind:id`."""
        return document_key(self.kind, self.id)


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What refunds gave back of what a payment was applied to.

    Attributes:
        rows: How much of each application row.
        items: `kind:id` of the invoices and charges to which they were applied.
    """

    rows: Mapping[str, Decimal] = {}
    items: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a document became: postings in the order in which they must happen, and why some of it could not go on.

    Attributes:
        stops: Why some of it, or all, did not become a posting.
        posted_stamp: Zuora's posted date.
        mapping_version: The version used.
        dropped_zero: Lines of zero that were dropped.
        given_back: What refunds gave back of it, that a person books.
        whose: Under whom the money of a payment stands, where no posting says so; there are stops as well then.
        divides: Its application rows are divided over an invoice and its charges.
    """

    postings: tuple[Posting, ...] = ()
    stops: tuple[CannotGoOn, ...] = ()
    posted_stamp: str = ""
    mapping_version: int = 0
    dropped_zero: int = 0
    given_back: GivenBack = GivenBack()
    whose: Whose | None = None
    divides: bool = False


def make_posting(
    at_hand: AtHand,
    *,
    act: Act,
    n: int,
    step: str,
    content: Content,
    source_hash: str,
    after: Iterable[PostingId] = (),
    document: str = "",
    number: str = "",
) -> Posting:
    """Return a posting of the document at hand, or of another that `document` names.

    Args:
        at_hand: The document that is being decided.
        act: What it does.
        n: Which posting of the object.
        step: Which step of the act.
        content: What it carries.
        source_hash: Zuora's financial content.
        after: Postings that must be in QAD first.
        document: `kind:id` of the object, when it is not the one at hand.
        number: Its number, likewise.
    """
    owner = document or at_hand.document
    kind, zuora_id = document_parts(owner)
    name = posting_id(at_hand.connection, kind=kind, zuora_id=zuora_id, act=act, n=n, step=step)
    return Posting(
        id=name,
        reference=machine_reference(name),
        number=number or at_hand.number,
        document=owner,
        act=act,
        n=n,
        step=step,
        content=content,
        source_hash=source_hash,
        content_hash=content_hash(content),
        after=tuple(dict.fromkeys(after)),
    )


def inverse_posting(
    at_hand: AtHand,
    made: Made,
    *,
    of: PostingId,
    dates: tuple[date, date | None],
    daybook: str,
    description: str,
    item: PostingId | None = None,
    after: Iterable[PostingId] = (),
) -> Posting:
    """Return the exact inverse of the posting that stands of the document at hand.

    Args:
        at_hand: The document.
        made: What was made of it.
        of: The posting that stands.
        dates: Posting date of the inverse, and the day it is of where that is another.
        daybook: Where it goes.
        description: For people.
        item: The posting whose open item it moves, where that is not `of`.
        after: What must be in QAD before it, besides those two.
    """
    day, original_day = dates
    content = InverseContent(
        of=of,
        item=item,
        currency=made.currency,
        total=made.total,
        posting_date=day,
        daybook=daybook,
        description=description,
        original_date=original_day,
    )
    before = (of, *after) if item is None else (of, item, *after)
    return make_posting(
        at_hand, act=Act.REVERSE, n=made.n, step=INVERSE, content=content, source_hash=made.source_hash, after=before
    )


def inverse_id(at_hand: AtHand, n: int) -> PostingId:
    """Return the name of what took post n of the document at hand back."""
    return inverse_of(at_hand.connection, at_hand.document, n=n)


def inverse_of(connection: str, document: str, *, n: int) -> PostingId:
    """Return the name of what took the n-th posting of a document back."""
    kind, zuora_id = document_parts(document)
    return posting_id(connection, kind=kind, zuora_id=zuora_id, act=Act.REVERSE, n=n, step=INVERSE)


def open_item(connection: str, document: str, state: LedgerState) -> PostingId:
    """Return the posting whose open item stands for a document: the one that stands, else the next."""
    made = state.of(document)
    if made.live and made.holds is not None:
        return made.holds
    return document_posting(connection, document, n=made.n if made.live else made.n + 1)


def newest_posting(connection: str, document: str, state: LedgerState) -> PostingId:
    """Return the newest posting of a document, whether it still stands or not; the first where none is known."""
    return document_posting(connection, document, n=max(state.of(document).n, 1))


def document_posting(connection: str, document: str, *, n: int) -> PostingId:
    """Return the name of the n-th posting of a document."""
    kind, zuora_id = document_parts(document)
    return posting_id(connection, kind=kind, zuora_id=zuora_id, act=Act.POST, n=n, step=DOCUMENT)


def journal_posting_id(connection: str, document: str, *, n: int) -> PostingId:
    """Return the name of the journal that moves the lines of the n-th posting of a document on from clearing."""
    kind, zuora_id = document_parts(document)
    return posting_id(connection, kind=kind, zuora_id=zuora_id, act=Act.POST, n=n, step=JOURNAL)


def source_hash_of(**facts: object) -> str:
    """Hash the financial content of a Zuora document: the same facts give the same hash."""
    return hash_of(canonical(facts))


def terms_of(mapping: SiteMapping, payment_term: str) -> str:
    """Return QAD's credit terms code, "" to let the customer's default stand; the due date is always sent."""
    return mapping.terms.get(payment_term, "")
