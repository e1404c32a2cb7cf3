"""What happens next to a posting: it goes, it waits for another, or it will never be needed.

Order follows dependency (ACCOUNTING 6): nothing is allocated, credited or reversed before what it refers to. A
reversal of what is certainly not in QAD undoes it here, and neither is sent.
"""

import msgspec

from schemas.ids import PostingId
from schemas.outcomes import Document
from schemas.postings import AllocationContent, InverseContent, OpeningContent, Posting, ReceiptContent
from schemas.reasons import Reason
from streams import waits
from streams.sink.state import SinkState, Standing, Status


class Ready(msgspec.Struct, frozen=True):
    """All that it refers to is in QAD."""


class FindOpening(msgspec.Struct, frozen=True):
    """It stands for an item from before the cut-over: it is looked up, never posted."""

    content: OpeningContent


class CarriedBy(msgspec.Struct, frozen=True):
    """The receipt has carried it: its document there, and the customer it went to."""

    qad: Document
    customer: str


class WaitFor(msgspec.Struct, frozen=True):
    """It refers to a posting that is not in QAD yet."""

    posting: PostingId
    reason: Reason


class Annul(msgspec.Struct, frozen=True):
    """It undoes a posting that is certainly not in QAD: neither is needed."""

    undone: PostingId
    reason: Reason


class Drop(msgspec.Struct, frozen=True):
    """What it refers to will never be in QAD."""

    reason: Reason


Step = Ready | FindOpening | CarriedBy | WaitFor | Annul | Drop


def next_step(posting: Posting, state: SinkState) -> Step:
    """Return what happens next to a posting that is not in QAD."""
    content = posting.content
    if isinstance(content, OpeningContent):
        return FindOpening(content)
    for name in posting.after:
        stop = _stop(posting, name, state.postings.get(name))
        if stop is not None:
            return stop
    if isinstance(content, AllocationContent):
        payer = state.postings[content.payer]
        if posting.id in payer.carried and payer.qad is not None:
            return CarriedBy(payer.qad, payer.customer)
    return Ready()


def moved_by(posting: Posting) -> tuple[PostingId, ...]:
    """Return the postings on whose open items a posting moves an amount."""
    match posting.content:
        case AllocationContent() as content:
            return (content.payer, content.item)
        case ReceiptContent() as content:
            return tuple(offer.item for offer in content.offers)
        case _:
            return ()


def _stop(posting: Posting, name: PostingId, standing: Standing | None) -> Step | None:
    """Return what another posting that comes first makes of this one, or None where it is out of the way."""
    if standing is None:
        return WaitFor(name, _not_come(posting, name))
    if standing.status is Status.POSTED:
        return None
    if standing.status is Status.SUPERSEDED:
        return Drop(_undone_before(posting, standing)) if name in _needed(posting) else None
    if name in _undone(posting) and standing.stands_still:
        return Annul(name, _undone_before(posting, standing))
    return WaitFor(name, _not_in_qad(posting, name, standing))


def _needed(posting: Posting) -> frozenset[PostingId]:
    """Return the postings without which this one has no meaning; others are only waited for."""
    match posting.content:
        case AllocationContent() as content:
            return frozenset({content.payer, content.item}) | _undone(posting)
        case InverseContent() as content:
            return frozenset({content.of})
        case _:
            return frozenset()


def _undone(posting: Posting) -> frozenset[PostingId]:
    """Return the one posting that this one undoes; none where it undoes a part of several."""
    content = posting.content
    if isinstance(content, InverseContent):
        return frozenset({content.of})
    if isinstance(content, AllocationContent) and content.reopens:
        allocations = frozenset(posting.after) - {content.payer, content.item}
        return allocations if len(allocations) == 1 else frozenset()
    return frozenset()


def _not_come(posting: Posting, name: PostingId) -> Reason:
    what = _refers_to(posting, name)
    return Reason(
        rule="waits_for_posting",
        message=f"{posting.number}: {what} has not come yet",
        next_step="It goes on by itself. If it stays, look where that document stands: ml-connector trace.",
        waits_for=(waits.posting(name),),
        blocked_by=what,
    )


def _not_in_qad(posting: Posting, name: PostingId, standing: Standing) -> Reason:
    return Reason(
        rule="waits_for_posting",
        message=f"{posting.number}: {standing.number} must be in QAD first and is {standing.status.value}",
        next_step=f"It goes on by itself when {standing.number} is in QAD.",
        waits_for=(waits.posting(name),),
        blocked_by=standing.number,
    )


def _undone_before(posting: Posting, standing: Standing) -> Reason:
    return Reason(
        rule="undone_before_posted",
        message=f"{posting.number}: {standing.number} was undone in Zuora before it came to QAD",
        blocked_by=standing.number,
    )


def _refers_to(posting: Posting, name: PostingId) -> str:
    content = posting.content
    if isinstance(content, AllocationContent):
        return content.item_document if name == content.item else content.payer_document
    return posting.document
