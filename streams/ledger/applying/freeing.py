"""What still stands applied from or to a posting, and what takes that back when the posting is reversed.

It never decides that one is reversed. Source: ACCOUNTING 1 and 4.
"""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from schemas.ids import PostingId
from schemas.postings import Act, AllocationContent, Posting
from streams.ledger.applying.allocations import row_posting_id
from streams.ledger.applying.applications import age_of
from streams.ledger.building.postings import AtHand, make_posting
from streams.ledger.known.made import Made, Row, row_of
from streams.ledger.known.state import LedgerState


@dataclass(slots=True)
class Left:
    """What is left of one allocation: later unapplications of its pair have taken the rest back, newest first."""

    row_id: str
    row: Row
    amount: Decimal
    after: list[PostingId] = field(default_factory=list)


def free(
    at_hand: AtHand,
    *,
    of: PostingId,
    unapplied: Sequence[Posting],
    dates: tuple[date, date | None],
    daybook: str,
    state: LedgerState,
) -> list[Posting]:
    """Return what takes back all that stands applied from or to a posting of the document at hand.

    Args:
        at_hand: The document.
        of: Its posting.
        unapplied: Postings of its own rows that this decision makes before.
        dates: Posting date, and the day it is of where that is another.
        daybook: Of adjustments.
        state: What was made before.
    """
    made = state.of(at_hand.document)
    own = made.rows | {
        posting.content.row: row_of(posting, posting.content)
        for posting in unapplied
        if isinstance(posting.content, AllocationContent)
    }
    payers = [(payer, state.of(payer).rows) for payer in sorted(made.payers)]
    return [
        _deallocation(
            at_hand,
            left,
            original=of,
            payer_document=payer,
            day=dates[0],
            original_day=dates[1],
            made=made,
            daybook=daybook,
        )
        for payer, rows in ((at_hand.document, own), *payers)
        for left in what_is_left(at_hand.connection, payer, rows, of=of)
    ]


def what_is_left(connection: str, payer: str, rows: Table[str, Row], *, of: PostingId) -> list[Left]:
    """Return what stands applied from or to a posting, allocation by allocation.

    Args:
        connection: Its connection.
        payer: `kind:id` of the document whose rows these are.
        rows: All rows of that document.
        of: The posting that pays, or that is owed.
    """
    found: list[Left] = []
    for row_id, row in in_order(rows):
        if row.detached or of not in (row.payer, row.item):
            continue
        if row.amount > 0:
            found.append(Left(row_id, row, row.amount))
            continue
        name = row_posting_id(connection, payer, row=row_id, amount=row.amount, times=row.times)
        back = -row.amount
        for left in reversed(found):
            if (left.row.payer, left.row.item) == (row.payer, row.item) and back and left.amount:
                taken = min(back, left.amount)
                left.amount -= taken
                left.after.append(name)
                back -= taken
    return [left for left in found if left.amount]


def _deallocation(
    at_hand: AtHand,
    left: Left,
    *,
    original: PostingId,
    payer_document: str,
    day: date,
    original_day: date | None,
    made: Made,
    daybook: str,
) -> Posting:
    row = left.row
    allocation = row_posting_id(at_hand.connection, payer_document, row=left.row_id, amount=row.amount, times=row.times)
    other = row.payer if row.item == original else row.item
    return make_posting(
        at_hand,
        act=Act.REVERSE,
        n=made.n,
        step=f"deallocate:{left.row_id}",
        content=AllocationContent(
            payer=row.payer,
            item=row.item,
            payer_document=payer_document,
            item_document=row.item_document,
            amount=left.amount,
            currency=made.currency,
            document_date=day,
            posting_date=day,
            daybook=daybook,
            description=f"{at_hand.number} reversed",
            reopens=True,
            row=left.row_id,
            row_created=row.created,
            original_date=original_day,
        ),
        source_hash=made.source_hash,
        after=(original, other, allocation, *left.after),
    )


def in_order(rows: Table[str, Row]) -> list[tuple[str, Row]]:
    """Return rows with their ids as Zuora made them, the oldest first."""
    return sorted(rows.items(), key=lambda one: age_of(one[1].created, one[1].amount, one[0]))
