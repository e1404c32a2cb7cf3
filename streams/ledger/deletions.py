"""Documents that Zuora has no more: what stands of them is undone from what was made of them, no record being left.

Zuora lets only drafts and what was cancelled be deleted; the status between was never seen. What moved on the document
goes with it: a row of another document that takes it back, and is read later, finds it taken back.
"""

from schemas.errors import CannotGoOn
from schemas.mapping import Mapping
from schemas.postings import Posting
from schemas.records import RecordKind
from streams.documents import Facts
from streams.ledger.billing.reversals import reverse
from streams.ledger.building.openings import loaded_by_others
from streams.ledger.building.postings import AtHand, Plan, open_item
from streams.ledger.cash.bounces import take_back
from streams.ledger.cash.refunds import take_refund_back
from streams.ledger.known.books import Books
from streams.ledger.known.made import Made
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons

DELETED = "Deleted"


def facts_of_deleted(made: Made, *, number: str) -> Facts:
    """Return what is known of a document that Zuora has no more."""
    return Facts(
        number=number,
        account_id=made.account,
        currency=made.currency,
        value=made.total,
        status=DELETED,
        posted=False,
        parent=None,
    )


def plan_deleted(at_hand: AtHand, *, state: LedgerState, books: Books) -> Plan:
    """Return what undoes a document that was deleted.

    Raises:
        CannotGoOn: Nothing of it is in QAD from here, or it cannot be undone.
    """
    made = state.of(at_hand.document)
    if loaded_by_others(at_hand.document, state):
        raise CannotGoOn(reasons.opening_undone(at_hand.number, DELETED))
    if not made.n:
        raise CannotGoOn(reasons.deleted(at_hand.number))
    if not made.live:
        return Plan()
    if state.refunds_of(at_hand.document):
        # Zuora deletes nothing that is refunded: until the refund is gone too, the answer may have come too early.
        raise CannotGoOn(reasons.refunds_stand(at_hand.number, DELETED, at_hand.document))
    version = books.version_for(at_hand.number, made.original_date or made.posting_date)
    undone = _undone(at_hand, made, mapping=version.mapping, state=state, books=books)
    return Plan(postings=tuple(undone), posted_stamp=made.posted_stamp, mapping_version=version.version)


def _undone(at_hand: AtHand, made: Made, *, mapping: Mapping, state: LedgerState, books: Books) -> list[Posting]:
    # When it was deleted Zuora does not say: it takes the date of what it undoes.
    changed = made.posting_date
    match at_hand.kind:
        case RecordKind.PAYMENT:
            return take_back(
                at_hand,
                status=DELETED,
                changed=changed,
                holder=open_item(at_hand.connection, at_hand.document, state),
                unapplied=(),
                mapping=mapping,
                state=state,
                books=books,
            )
        case RecordKind.REFUND:
            return [
                take_refund_back(at_hand, status=DELETED, changed=changed, mapping=mapping, state=state, books=books)
            ]
        case _:
            return reverse(at_hand, unapplied=(), mapping=mapping, state=state, books=books)
