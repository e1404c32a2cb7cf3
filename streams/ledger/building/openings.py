"""Items from before the cut-over: others loaded them into QAD, and the sink finds them there by their number.

An opening is planned only when something moves on it, or may have been transferred unseen; it is never posted.
"""

from collections.abc import Sequence

from schemas.ids import document_parts
from schemas.postings import Act, AllocationContent, OpeningContent, Posting, RefundContent
from streams.ledger.building.postings import DOCUMENT, AtHand, make_posting, source_hash_of
from streams.ledger.known.state import LedgerState

BEFORE_CUT_OVER = "before_cut_over"
OPENING_UNDONE = "opening_undone"
# By either of these a document was loaded into QAD by others.
_LOADED = frozenset({BEFORE_CUT_OVER, OPENING_UNDONE})


def loaded_by_others(document: str, state: LedgerState) -> bool:
    """Return whether a document was found to be from before the cut-over."""
    made, standing = state.of(document), state.standing_of(document)
    rule = standing.reason.rule if standing else ""
    # Without a posting it has its place where others loaded it, whatever it waits for since.
    return made.opening or rule in _LOADED or (made.is_placed and not made.n)


def openings_of(at_hand: AtHand, rows: Sequence[Posting], *, state: LedgerState) -> tuple[Posting, ...]:
    """Return an opening for each document that these rows move and that others loaded, where it has none yet."""
    documents = dict.fromkeys(document for posting in rows for document in _moved(posting))
    openings = []
    for document in documents:
        standing = state.standing_of(document)
        if document == at_hand.document or standing is None or state.of(document).opening:
            continue
        if standing.reason.rule in _LOADED:
            openings.append(_opening(at_hand, document, standing.number))
    return tuple(openings)


def own_opening(
    at_hand: AtHand, rows: Sequence[Posting], *, state: LedgerState, transferred: bool = False, customer: str = ""
) -> tuple[Posting, ...]:
    """Return the opening of the document at hand, which others loaded, where something moves on it.

    Args:
        at_hand: The document.
        rows: What this decision makes of its application rows.
        state: What was made before.
        transferred: Its money is given to another customer.
        customer: Under whom it must be found, also where nothing moves on it; "" where that is not asked.
    """
    made = state.of(at_hand.document)
    moved = rows or made.payers or transferred or customer
    if made.opening or not moved:
        return ()
    return (_opening(at_hand, at_hand.document, at_hand.number, customer=customer),)


def _moved(posting: Posting) -> tuple[str, ...]:
    """Return the documents whose open items a posting moves."""
    match posting.content:
        case AllocationContent() as content:
            return content.payer_document, content.item_document
        case RefundContent() as content:
            return (content.closes_document,)
        case _:
            return ()


def _opening(at_hand: AtHand, document: str, number: str, *, customer: str = "") -> Posting:
    kind, _ = document_parts(document)
    content = OpeningContent(number=number, currency=at_hand.currency, item_kind=kind, customer=customer)
    return make_posting(
        at_hand,
        document=document,
        number=number,
        act=Act.POST,
        n=1,
        step=DOCUMENT,
        content=content,
        source_hash=source_hash_of(opening=number),
    )
