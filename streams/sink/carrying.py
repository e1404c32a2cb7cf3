"""What a document may carry of its applications, and what one carries that is found in QAD.

A receipt carries what it names. A credit note carries what QAD nets by its link, and is linked only where that is what
Zuora did: its own input applies the whole of it, on its own day, to the invoice that it refers to.

Pure, from what QAD shows the document to have been made with. Two amounts can be told apart with certainty: nothing,
and all that it may have been sent with, since of each application it carried the whole or less. What lies between is
not guessed at: two applications of one amount look alike, and so does a part of one that was undone before it was sent.
Source: ACCOUNTING 2 (a receipt carries what is known when it is built), docs/decisions/0016, 0042.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.postings import AllocationContent, CreditNoteContent, Offer, Posting, ReceiptContent
from streams.sink.state import SinkState, Status


class Carrying(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a receipt's applications; what is in neither goes on as a posting of its own.

    Attributes:
        carried: It carries these.
        untold: Nobody can tell whether it carries these.
    """

    carried: tuple[PostingId, ...] = ()
    untold: tuple[PostingId, ...] = ()


def offers_of(posting: Posting, beside: Sequence[Posting]) -> tuple[Offer, ...]:
    """Return the applications that a document may carry.

    Args:
        posting: The document.
        beside: What its input made.
    """
    content = posting.content
    if isinstance(content, ReceiptContent):
        return content.offers
    if not isinstance(content, CreditNoteContent) or not content.refers_to:
        return ()
    rows = [(one.id, one.content) for one in beside if isinstance(one.content, AllocationContent)]
    own = [(name, row) for name, row in rows if row.payer == posting.id]
    as_linked = all(
        not row.reopens
        and (row.item_document, row.posting_date, row.currency)
        == (content.refers_to, content.posting_date, content.currency)
        for _, row in own
    )
    is_one = len({row.item for _, row in own}) == 1
    if not as_linked or not is_one or sum((row.amount for _, row in own), ZERO) != content.total:
        return ()
    return tuple(Offer(allocation=name, item=row.item, amount=row.amount) for name, row in own)


def in_question(
    offers: Sequence[Offer], state: SinkState, *, customer: str, by_itself: Callable[[PostingId], bool]
) -> dict[PostingId, Decimal]:
    """Return the applications that a document may carry, by amount: of those that it offered, all but what went alone.

    Args:
        offers: What it offered.
        state: Where all others stand, as far as the log knows.
        customer: The customer that QAD shows it under, "" where it shows none: it carries no other customer's items.
        by_itself: Whether QAD holds an application as a document of its own.
    """
    return {
        offer.allocation: offer.amount - state.undone(offer.allocation)
        for offer in offers
        if not (
            by_itself(offer.allocation)
            or _went_elsewhere(offer.allocation, state)
            or _is_another_s(offer.item, customer, state)
        )
    }


def carrying(question: Mapping[PostingId, Decimal], allocated: Decimal | None, *, others_known: bool) -> Carrying:
    """Return what a receipt carries.

    Args:
        question: The applications that it may carry, by amount.
        allocated: What QAD shows it to have been made with, None where it does not.
        others_known: What QAD holds under our references has been read: an application that is sent is looked for
            there first. Without that, one that the receipt does not carry may stand there all the same.
    """
    names = tuple(question)
    if allocated is not None and allocated == sum(question.values(), ZERO):
        return Carrying(carried=names)
    if allocated == ZERO and others_known:
        return Carrying()
    return Carrying(untold=names)


def _went_elsewhere(name: PostingId, state: SinkState) -> bool:
    """Return whether an application was undone before it was sent, or went as a call of its own."""
    standing = state.postings.get(name)
    return standing is not None and (standing.status is Status.SUPERSEDED or standing.went_alone)


def _is_another_s(item: PostingId, customer: str, state: SinkState) -> bool:
    """Return whether an open item certainly stands under another customer."""
    standing = state.postings.get(item)
    if standing is None or standing.status is not Status.POSTED:
        return False
    return bool(customer) and standing.customer not in ("", customer)
