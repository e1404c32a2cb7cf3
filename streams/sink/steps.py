"""What happens next to a posting: it goes, it waits for another, or it will never be needed.

Order follows dependency (ACCOUNTING 6): nothing is allocated, credited or reversed before what it refers to. What
undoes a posting that is certainly not in QAD undoes it here, and neither is sent. An unapplication and the allocations
of its pair cancel out as far as they go, and only the rest of either is sent: else an allocation that QAD has no room
for, and the unapplication that makes room and comes after it, would wait for each other.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from schemas.ids import PostingId
from schemas.money import ZERO, plain
from schemas.outcomes import Document
from schemas.postings import (
    Act,
    AllocationContent,
    Content,
    InverseContent,
    JournalContent,
    Offer,
    OpeningContent,
    Posting,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from schemas.reasons import Reason
from streams import waits
from streams.sink.state import CARRIED_OR_NOT, SinkState, Standing, Status


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
    """It undoes what is certainly not in QAD.

    Attributes:
        undone: Postings of which nothing is left to be sent.
        cancels: Of an unapplication: how much of which allocations it takes back.
        goes_on: A part of it is left, which undoes what is in QAD.
    """

    undone: tuple[PostingId, ...]
    reason: Reason
    cancels: dict[PostingId, Decimal] = msgspec.field(default_factory=dict)
    goes_on: bool = False


class CannotTell(msgspec.Struct, frozen=True):
    """The receipt may have carried it or not: a person looks."""

    reason: Reason


class Drop(msgspec.Struct, frozen=True):
    """What it refers to will never be in QAD."""

    reason: Reason


NOTHING: Mapping[PostingId, Decimal] = MappingProxyType({})

Step = Ready | FindOpening | CarriedBy | CannotTell | WaitFor | Annul | Drop


def next_step(posting: Posting, state: SinkState, held: Mapping[PostingId, Decimal] = NOTHING) -> Step:
    """Return what happens next to a posting of which nothing says that it is in QAD.

    Args:
        posting: The posting.
        state: Where all stand, by the log.
        held: What QAD was seen to hold, and how much, of postings that stand still by the log: it lost its end once.
    """
    content = posting.content
    if isinstance(content, OpeningContent):
        return FindOpening(content)
    standing = state.postings.get(posting.id)
    if standing is not None and standing.may_be_there:
        # It is looked up, whatever has become of what it refers to.
        return Ready()
    # Where it stands in QAD itself, all that it undoes did so too.
    annul = None if posting.id in held else _annul(posting, state, held)
    if annul is not None:
        return annul
    # What QAD holds untraced comes first, then what it undoes: as long as that may still be annulled, it does not
    # matter what else is missing.
    undone, needed, let_go = _undone(posting), _needed(posting, state), _paid_no_more(posting, state)
    for name in sorted(posting.after, key=lambda name: (name not in held, name not in undone)):
        if name in let_go:
            continue
        stop = _stop(posting, name, state.postings.get(name), needed, held)
        if stop is not None:
            return stop
    return (_by_receipt(posting, content, state) if isinstance(content, AllocationContent) else None) or Ready()


def moved_by(posting: Posting) -> tuple[PostingId, ...]:
    """Return the postings on whose open items a posting moves an amount."""
    match posting.content:
        case AllocationContent() as content:
            return (content.payer, content.item)
        case ReceiptContent() as content:
            return tuple(offer.item for offer in content.offers)
        case RefundContent() as content:
            return (content.closes,)
        case TransferContent() as content:
            return (content.of,)
        case InverseContent() as content:
            return (content.item or content.of,)
        case _:
            return ()


def _stop(
    posting: Posting,
    name: PostingId,
    standing: Standing | None,
    needed: frozenset[PostingId],
    held: Mapping[PostingId, Decimal],
) -> Step | None:
    """Return what another posting that comes first makes of this one, or None where it is out of the way."""
    if standing is None:
        return WaitFor(name, _not_come(posting, name))
    if standing.status is Status.POSTED:
        return None
    if standing.status is Status.SUPERSEDED:
        return Drop(_undone_before(posting, standing)) if name in needed else None
    return WaitFor(name, (_untraced if name in held else _not_in_qad)(posting, name, standing))


def _by_receipt(posting: Posting, content: AllocationContent, state: SinkState) -> Step | None:
    """Return what a receipt that is in QAD makes of an application, or None where it certainly does not carry it."""
    standing, payer = state.postings.get(posting.id), state.postings[content.payer]
    if posting.id in payer.carried and payer.qad is not None:
        return CarriedBy(payer.qad, payer.customer)
    if posting.id in payer.untold and not (standing is not None and standing.went_alone):
        return CannotTell(_carried_or_not(posting, content, payer, state.undone(posting.id)))
    return None


def _annul(posting: Posting, state: SinkState, held: Mapping[PostingId, Decimal]) -> Annul | None:
    """Return what of this posting undoes what is certainly not in QAD, or None where nothing does."""
    content, undone = posting.content, _undone(posting)
    if not isinstance(content, AllocationContent):
        absent = tuple(name for name in undone if name not in held and _is_absent(name, content, state, held))
        return Annul(absent, _undone_before(posting, state.postings[absent[0]])) if absent else None
    if any(name not in state.postings for name in undone):
        # The newest of its pair has not come: an older one that it took instead would be gone for the unapplication
        # between the two, which then found nothing to take back.
        return None
    left = content.amount - state.undone(posting.id)
    cancels: dict[PostingId, Decimal] = {}
    # What stands between two items is one sum: any allocation of the pair will do, and the newest comes first.
    for name in reversed(undone):
        amount = ZERO
        if _is_absent(name, content, state, held):
            # What QAD holds of it went without a trace; the rest had cancelled out before that.
            amount = min(left, (state.postings[name].value or ZERO) - held.get(name, ZERO))
        if amount > 0:
            cancels[name] = amount
            left -= amount
    if not cancels:
        return None
    whole = tuple(name for name, amount in cancels.items() if amount == state.postings[name].value)
    newest = state.postings[next(iter(cancels))]
    return Annul(whole, _undone_before(posting, newest), cancels, goes_on=left > 0)


def _is_absent(name: PostingId, content: Content, state: SinkState, held: Mapping[PostingId, Decimal]) -> bool:
    """Return whether a posting is not in QAD by the log: neither by itself, nor carried by a receipt."""
    standing = state.postings.get(name)
    if standing is None or not standing.stands_still:
        return False
    if standing.went_alone or not isinstance(content, AllocationContent):
        return True
    payer = state.postings.get(content.payer)
    return content.payer not in held and (payer is None or not payer.may_carry(name))


def _needed(posting: Posting, state: SinkState) -> frozenset[PostingId]:
    """Return the postings without which this one has no meaning; others are only waited for."""
    match posting.content:
        case AllocationContent() as content:
            undone = _undone(posting)
            # A reversal names one allocation of its pair; that may have cancelled out while another is in QAD.
            gone = posting.act is not Act.REVERSE and all(state.status(name) is Status.SUPERSEDED for name in undone)
            return frozenset({content.payer, content.item, *(undone if gone else ())})
        case InverseContent() as content:
            return frozenset({content.of, content.item or content.of})
        case RefundContent() as content:
            return frozenset({content.closes})
        case TransferContent() as content:
            return frozenset({content.of})
        case JournalContent(of=str() as document):
            return frozenset({document})
        case _:
            return frozenset()


def _paid_no_more(posting: Posting, state: SinkState) -> frozenset[PostingId]:
    """Return the items that a receipt does not wait for: what it paid of them was taken back before it was sent.

    Such an item may never come to QAD, and the money is there.
    """
    offers = _offers(posting)
    paid = {offer.item for offer in offers if state.status(offer.allocation) is not Status.SUPERSEDED}
    return frozenset(offer.item for offer in offers) - paid


def _offers(posting: Posting) -> tuple[Offer, ...]:
    return posting.content.offers if isinstance(posting.content, ReceiptContent) else ()


def _undone(posting: Posting) -> tuple[PostingId, ...]:
    """Return the postings that this one undoes, or a part of them, oldest first."""
    content = posting.content
    if isinstance(content, InverseContent):
        return (content.of,)
    if isinstance(content, AllocationContent) and content.reopens:
        others = tuple(name for name in posting.after if name not in (content.payer, content.item))
        # What a reversal names after its allocation are unapplications: it undoes what they left of it.
        return others[:1] if posting.act is Act.REVERSE else others
    return ()


def _not_come(posting: Posting, name: PostingId) -> Reason:
    what = _refers_to(posting, name)
    return Reason(
        rule="waits_for_posting",
        message=f"{posting.number}: {what} has not come yet",
        next_step="It goes on by itself. If it stays, look where that document stands: ml-connector trace.",
        waits_for=_changed_by(posting, name),
        blocked_by=what,
    )


def _changed_by(posting: Posting, name: PostingId) -> tuple[str, ...]:
    """Return what ends a wait for another posting: that posting, and of a receipt the end of what it pays of it."""
    applied = (offer.allocation for offer in _offers(posting) if offer.item == name)
    return tuple(map(waits.posting, (name, *applied)))


def _not_in_qad(posting: Posting, name: PostingId, standing: Standing) -> Reason:
    return Reason(
        rule="waits_for_posting",
        message=f"{posting.number}: {standing.number} must be in QAD first and is {standing.status.value}",
        next_step=f"It goes on by itself when {standing.number} is in QAD.",
        waits_for=_changed_by(posting, name),
        blocked_by=standing.number,
    )


def _untraced(posting: Posting, name: PostingId, standing: Standing) -> Reason:
    return Reason(
        rule="waits_for_posting",
        message=f"{posting.number}: {standing.number} stands in QAD although the log of outcomes has lost it",
        next_step=f"It goes on by itself when {standing.number} is taken up again: look what that waits for. If you "
        "take it out of QAD, release the document.",
        waits_for=(waits.posting(name),),
        blocked_by=standing.number,
    )


def _undone_before(posting: Posting, standing: Standing) -> Reason:
    return Reason(
        rule="undone_before_posted",
        message=f"{posting.number}: {standing.number} was undone in Zuora before it came to QAD",
        blocked_by=standing.number,
    )


def _carried_or_not(posting: Posting, content: AllocationContent, payer: Standing, undone: Decimal) -> Reason:
    amount = plain(content.amount - undone)
    what = f"application of {amount} {content.currency} to {content.item_document}"
    word = "receipt" if content.payer_document.startswith("payment:") else "credit note"
    key = f"{payer.qad.daybook} {payer.qad.voucher} of {payer.qad.year}" if payer.qad is not None else payer.number
    return Reason(
        rule=CARRIED_OR_NOT,
        message=f"{posting.number}: whether {word} {key} carries the {what} cannot be told",
        next_step=f"Look at {word} {key} in QAD. Where it does not show this application, release the document "
        "and it is sent. Where it does, take it back there first, then release the document.",
        value=amount,
    )


def _refers_to(posting: Posting, name: PostingId) -> str:
    content = posting.content
    if isinstance(content, AllocationContent):
        return content.item_document if name == content.item else content.payer_document
    if isinstance(content, RefundContent) and name == content.closes:
        return content.closes_document
    return posting.document
