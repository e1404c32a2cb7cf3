"""What takes a payment back that was Processed: what stands applied of it is freed, then the inverse receipt.

Zuora takes a payment back in two ways that must not both count: its status, and refunds (a chargeback is one). Where
refunds have given all of it back, they alone are the effect. Source: ACCOUNTING 1 and 4.
"""

from collections.abc import Sequence
from datetime import date

from schemas.ids import PostingId
from schemas.mapping import Mapping
from schemas.postings import Posting
from streams.ledger.applying.freeing import free
from streams.ledger.building.lines import plain_text
from streams.ledger.building.postings import AtHand, document_posting, inverse_of, inverse_posting
from streams.ledger.known.books import Books
from streams.ledger.known.made import Made
from streams.ledger.known.state import LedgerState, is_refund


def take_back(
    at_hand: AtHand,
    *,
    status: str,
    changed: date,
    holder: PostingId,
    unapplied: Sequence[Posting],
    mapping: Mapping,
    state: LedgerState,
    books: Books,
) -> list[Posting]:
    """Return what undoes the receipt that stands of a payment.

    Args:
        at_hand: The payment, whose receipt stands.
        status: What became of it, for people.
        changed: When that was.
        holder: The posting that holds its money: one that stands, or a transfer that this decision makes before.
        unapplied: Postings of its rows that this decision makes before.
        mapping: For the daybooks and the policy on closed periods.
        state: What was made before.
        books: What both systems showed.

    Raises:
        CannotGoOn: No daybook or open period for it.
    """
    made, number = state.of(at_hand.document), at_hand.number
    receipt = document_posting(at_hand.connection, at_hand.document, n=made.n)
    dates = books.posting_date(number, max(changed, made.posting_date), mapping, kind="payment")
    # Of nobody to the end: its journal is turned.
    turned = made.is_journal and holder == receipt
    daybook = books.named_daybook(number, mapping, "journal" if turned else "bounce")
    books.check_daybook(number, mapping.daybooks.adjustment)
    freed = free(at_hand, of=holder, unapplied=unapplied, dates=dates, daybook=mapping.daybooks.adjustment, state=state)
    inverse = inverse_posting(
        at_hand,
        made,
        of=receipt,
        item=None if holder == receipt else holder,
        dates=dates,
        daybook=daybook,
        description=plain_text(f"Zuora {number} {status.lower()}"),
        after=[*(posting.id for posting in (*unapplied, *freed)), *_given_back(at_hand, made, state=state)],
    )
    return [*freed, inverse]


def _given_back(at_hand: AtHand, made: Made, *, state: LedgerState) -> list[PostingId]:
    """Return what took its refunds back: until then it holds less than is taken back of it."""
    refunds = ((name, state.of(name)) for name in sorted(made.payers) if is_refund(name))
    return [
        inverse_of(at_hand.connection, name, n=refund.n) for name, refund in refunds if refund.n and not refund.live
    ]
