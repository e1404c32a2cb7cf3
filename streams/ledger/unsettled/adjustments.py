"""Adjustments of invoices: a credit note that pays its invoice, or a debit note, which uses up a negative invoice.

A credit on an invoice is applied to it as a memo is; a charge on an invoice above zero is owed beside it; one on an
invoice below zero takes from the credit that this is. Source: ACCOUNTING 1.
"""

import msgspec

from schemas.errors import CannotGoOn
from streams import waits
from streams.ledger.applying.allocations import row_posting
from streams.ledger.applying.applications import NO_APPLICATIONS
from streams.ledger.applying.charged import spread
from streams.ledger.billing.documents import plan_billing
from streams.ledger.building.openings import BEFORE_CUT_OVER, openings_of
from streams.ledger.building.postings import AtHand, Plan, document_posting, open_item
from streams.ledger.known.books import Books
from streams.ledger.known.state import LedgerState
from streams.ledger.unsettled.records import AdjustmentDocument


def plan_adjustment(at_hand: AtHand, adjustment: AdjustmentDocument, *, state: LedgerState, books: Books) -> Plan:
    """Return what an adjustment becomes now.

    Raises:
        CannotGoOn: It cannot be decided, or is not for QAD; the reason says which.
    """
    billing, rows = adjustment.billing, NO_APPLICATIONS
    if billing.posted:
        # One that is cancelled applies nothing more: its reversal frees what stands.
        rows = spread(at_hand.number, at_hand.document, billing.applications, cut_over=books.cut_over(), state=state)
    billing = msgspec.structs.replace(billing, applications=rows)
    plan = plan_billing(at_hand, billing, state=state, books=books)
    if billing.charges:
        plan = msgspec.structs.replace(plan, stops=tuple(_charging(stop, billing.charges) for stop in plan.stops))
    if not adjustment.uses_up or not adjustment.billing.posted:
        return plan
    made = state.of(at_hand.document)
    note = document_posting(at_hand.connection, at_hand.document, n=made.n if made.live else made.n + 1)
    if not made.live and note not in {posting.id for posting in plan.postings}:
        return plan
    known = state.of(adjustment.uses_up).rows.get(adjustment.row.id)
    if known is not None and (known.detached or not at_hand.again):
        return plan
    used = row_posting(
        at_hand,
        adjustment.row,
        amount=adjustment.row.amount,
        times=known.times if known else 1,
        payer=known.payer if known else open_item(at_hand.connection, adjustment.uses_up, state),
        item=note,
        before=(),
        books=books,
        dates=(known.posting_date, known.original_date) if known else None,
        payer_document=adjustment.uses_up,
        payer_number=adjustment.uses_up_number,
    )
    return msgspec.structs.replace(plan, postings=(*openings_of(at_hand, [used], state=state), *plan.postings, used))


def _charging(stop: CannotGoOn, invoice: str) -> CannotGoOn:
    """Return why a charge does not go from here; where others loaded it, with the invoice that took it up by that."""
    reason = stop.reason
    if reason.rule != BEFORE_CUT_OVER:
        return stop
    return CannotGoOn(msgspec.structs.replace(reason, waits_for=(waits.room(invoice),)))
