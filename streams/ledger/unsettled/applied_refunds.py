"""Refunds of tenants without Invoice Settlement: none is carried into QAD; each that counts parks by name.

Zuora opens the invoice again that the payment was applied to, and says so by rows of its own; a person books that.
"""

from schemas.errors import CannotGoOn, Unreadable
from schemas.ids import document_key
from schemas.records import RecordKind
from schemas.unsettled import AppliedRefund
from streams.documents import Facts
from streams.ledger.building.dated import before_cut_over
from streams.ledger.building.postings import AtHand, Plan
from streams.ledger.known.books import Books
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons


def plan_applied_refund(at_hand: AtHand, facts: Facts, *, state: LedgerState, books: Books) -> Plan:
    """Say why a refund does not go on.

    Raises:
        CannotGoOn: Always.
        Unreadable: Its date is none.
    """
    refund: AppliedRefund = facts.parent
    if not facts.posted:
        raise CannotGoOn(reasons.not_posted(at_hand.number, facts.status))
    try:
        day = refund.day
    except ValueError:
        raise Unreadable(f"{refund.refund_date[:20]!r} is no date") from None
    cut_over = books.version_for(at_hand.number, day).mapping.cut_over
    loaded = before_cut_over(at_hand.number, day=day, entered=refund.created_date, cut_over=cut_over)
    if loaded is not None:
        raise loaded
    if state.of(document_key(RecordKind.REFUND, at_hand.id)).live:
        raise CannotGoOn(reasons.refund_known_otherwise(at_hand.number, "it is booked from there"))
    source = "a credit balance" if refund.source_type == "CreditBalance" else "a payment that is applied"
    raise CannotGoOn(reasons.not_supported(at_hand.number, f"it gives {source} back, without Invoice Settlement"))
