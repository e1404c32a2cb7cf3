"""What undoes the posting of an invoice or memo: what stands on it is freed, the exact inverse, and the two settled.

And what a document that is posted again takes over: application rows that Zuora made since then. Source: ACCOUNTING 1,
2 and 4.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from schemas.ids import PostingId, document_parts, posting_id
from schemas.mapping import Mapping
from schemas.money import ZERO
from schemas.postings import Act, AllocationContent, InverseContent, InvoiceContent, Posting
from streams.ledger.applying.allocations import row_posting
from streams.ledger.applying.applications import SignedRow, is_since
from streams.ledger.applying.charged import applied_to, has_moved_on
from streams.ledger.applying.freeing import free, in_order
from streams.ledger.billing.reclassing import reclasses_back
from streams.ledger.building.lines import plain_text
from streams.ledger.building.postings import (
    INVERSE,
    AtHand,
    inverse_id,
    inverse_posting,
    journal_posting_id,
    make_posting,
    open_item,
)
from streams.ledger.known.books import Books
from streams.ledger.known.made import INVERSE_JOURNAL, Made, Row
from streams.ledger.known.state import LedgerState

SETTLE = "settle"


def reverse(
    at_hand: AtHand,
    *,
    unapplied: Sequence[Posting],
    mapping: Mapping,
    state: LedgerState,
    books: Books,
    on: date | None = None,
) -> list[Posting]:
    """Return what undoes the posting that stands: deallocations, the inverse, what people moved, both settled.

    Args:
        at_hand: The document, which stands.
        unapplied: Postings of its own rows that this decision makes before the reversal.
        mapping: For the daybooks and the policy on closed periods.
        state: What was made before.
        books: What both systems showed.
        on: Its posting date, where people decided one; else that of what it undoes.

    Raises:
        CannotGoOn: No daybook or open period for it.
    """
    made = state.of(at_hand.document)
    original = open_item(at_hand.connection, at_hand.document, state)
    day, original_day = books.posting_date(
        at_hand.number, on or made.posting_date, mapping, kind=document_parts(at_hand.document)[0]
    )
    moved_back = reclasses_back(at_hand, made, mapping=mapping, books=books, on=on)
    if made.is_journal:
        # It has no open item: nothing stands on it, and nothing is settled.
        return [
            inverse_posting(
                at_hand,
                made,
                of=original,
                dates=(day, original_day),
                daybook=books.named_daybook(at_hand.number, mapping, "journal"),
                description=plain_text(f"Zuora {at_hand.number} unposted"),
            ),
            *moved_back,
        ]
    daybook = mapping.daybooks.credit_note if made.is_invoice else mapping.daybooks.invoice
    books.check_daybook(at_hand.number, daybook)
    books.check_daybook(at_hand.number, mapping.daybooks.adjustment)
    dates = (day, original_day)
    freed = free(
        at_hand, of=original, unapplied=unapplied, dates=dates, daybook=mapping.daybooks.adjustment, state=state
    )
    inverse = make_posting(
        at_hand,
        act=Act.REVERSE,
        n=made.n,
        step=INVERSE,
        content=InverseContent(
            of=original,
            currency=made.currency,
            total=made.total,
            posting_date=day,
            daybook=daybook,
            description=plain_text(f"Zuora {at_hand.number} unposted"),
            original_date=original_day,
        ),
        source_hash=made.source_hash,
        after=(original, *(posting.id for posting in (*unapplied, *freed))),
    )
    taken_back = [inverse, *_journal_back(at_hand, made, dates=dates, mapping=mapping, books=books), *moved_back]
    payer, item = (inverse.id, original) if made.is_invoice else (original, inverse.id)
    settlement = make_posting(
        at_hand,
        act=Act.REVERSE,
        n=made.n,
        step=SETTLE,
        content=AllocationContent(
            payer=payer,
            item=item,
            payer_document=at_hand.document,
            item_document=at_hand.document,
            amount=made.total,
            currency=made.currency,
            document_date=day,
            posting_date=day,
            daybook=mapping.daybooks.adjustment,
            description=f"{at_hand.number} unposted",
            original_date=original_day,
        ),
        source_hash=made.source_hash,
        after=(original, inverse.id),
    )
    return [*freed, *taken_back, settlement]


def _journal_back(
    at_hand: AtHand, made: Made, *, dates: tuple[date, date | None], mapping: Mapping, books: Books
) -> list[Posting]:
    """Return the inverse of the journal of a document whose lines went over the clearing account."""
    if made.journal is None:
        return []
    of = journal_posting_id(at_hand.connection, at_hand.document, n=made.n)
    content = InverseContent(
        of=of,
        currency=made.currency,
        total=made.journal.total,
        posting_date=dates[0],
        daybook=books.named_daybook(at_hand.number, mapping, "journal"),
        description=plain_text(f"Zuora {at_hand.number} unposted"),
        original_date=dates[1],
    )
    return [
        make_posting(
            at_hand,
            act=Act.REVERSE,
            n=made.n,
            step=INVERSE_JOURNAL,
            content=content,
            source_hash=made.source_hash,
            after=(of,),
        )
    ]


def last_of_reversal(at_hand: AtHand, made: Made, n: int) -> PostingId:
    """Return the name of the last posting of the reversal of post n: what is posted again comes after it."""
    settled = posting_id(at_hand.connection, kind=at_hand.kind, zuora_id=at_hand.id, act=Act.REVERSE, n=n, step=SETTLE)
    turned = inverse_id(at_hand, n)
    # A journal has nothing to settle. What this very decision reverses is not among what was written.
    only_turned = turned in made.hashes or made.is_journal
    return turned if only_turned and settled not in made.hashes else settled


def renew_rows(
    at_hand: AtHand, *, renewed: Posting, posted_stamp: str, state: LedgerState, books: Books
) -> list[Posting]:
    """Return the rows of others that Zuora made since the document was posted again, moved to its new posting.

    What divides its rows over an invoice and its charges, and is more than this takes, does that when it is read next.

    Args:
        at_hand: The document.
        renewed: Its new posting.
        posted_stamp: When Zuora posted it.
        state: What was made before.
        books: What both systems showed.

    Raises:
        CannotGoOn: No mapping, daybook or open period for the date of a row.
    """
    postings: list[Posting] = []
    room = _room(at_hand, renewed, state=state)
    for payer in sorted(state.of(at_hand.document).payers):
        made = state.of(payer)
        rows = [
            (row_id, row)
            for row_id, row in in_order(made.rows)
            if row.item_document == at_hand.document
            and row.item != renewed.id
            and is_since(row.created, posted_stamp)
            and not has_moved_on(row_id, at_hand.document, made.rows)
        ]
        amount = sum((row.amount for _, row in rows), ZERO)
        if made.live and amount and (amount <= room or not any(row.divides for _, row in rows)):
            postings.extend(_renewed(at_hand, payer, rows, renewed=renewed.id, state=state, books=books))
            room -= amount
    return postings


def _room(at_hand: AtHand, posting: Posting, *, state: LedgerState) -> Decimal:
    """Return what the newest posting of the document at hand can still take."""
    if not isinstance(posting.content, InvoiceContent):
        return ZERO
    # What lies on a posting that this decision reverses is freed.
    known = open_item(at_hand.connection, at_hand.document, state) == posting.id
    return posting.content.total - (applied_to(at_hand.document, state) if known else ZERO)


def _renewed(
    at_hand: AtHand,
    payer: str,
    rows: Sequence[tuple[str, Row]],
    *,
    renewed: PostingId,
    state: LedgerState,
    books: Books,
) -> list[Posting]:
    postings: list[Posting] = []
    for index, (row_id, row) in enumerate(rows):
        # Within one pair, what is taken back comes after what was applied, and what is applied after that.
        before = [postings[place].id for place in range(index) if rows[place][1].amount * row.amount < 0]
        postings.append(
            row_posting(
                at_hand,
                SignedRow(
                    id=row_id,
                    item_document=row.item_document,
                    amount=row.amount,
                    day=row.day,
                    created=row.created,
                ),
                amount=row.amount,
                times=row.times + 1,
                payer=open_item(at_hand.connection, payer, state),
                item=renewed,
                before=before,
                books=books,
                payer_document=payer,
                payer_number=state.of(payer).number,
            )
        )
    return postings
