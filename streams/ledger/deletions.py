"""Documents that Zuora has no more: what stands of them is undone from what was made of them, no record being left.

Zuora lets only drafts and what was cancelled be deleted; the status between was never seen. What moved on the document
goes with it: a row of another document that takes it back, and is read later, finds it taken back.
"""

from schemas.errors import CannotGoOn
from schemas.records import RecordKind
from streams.documents import Facts
from streams.ledger import reasons
from streams.ledger.books import Books
from streams.ledger.building import AtHand, Plan
from streams.ledger.openings import loaded_by_others
from streams.ledger.reversals import reverse
from streams.ledger.state import LedgerState, Made

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
    if at_hand.kind == RecordKind.PAYMENT:
        raise CannotGoOn(reasons.not_supported(at_hand.number, "it was deleted after it was Processed"))
    version = books.version_for(at_hand.number, made.original_date or made.posting_date)
    undone = reverse(at_hand, unapplied=(), mapping=version.mapping, state=state, books=books)
    return Plan(postings=tuple(undone), posted_stamp=made.posted_stamp, mapping_version=version.version)
