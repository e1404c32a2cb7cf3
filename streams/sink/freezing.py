"""What exactly is sent: content is frozen when it is intended, here and nowhere else.

Allocations and reversals take the customer that holds the open item, whatever the links say today; a receipt says
which applications it carries.
Source: ACCOUNTING 2.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import UNSET

from schemas.codec import canonical
from schemas.errors import InvariantViolation
from schemas.ids import PostingId, hash_of
from schemas.money import ZERO
from schemas.outcomes import Document, Intended
from schemas.postings import (
    AllocationContent,
    Content,
    CreditNoteContent,
    InverseContent,
    InvoiceContent,
    JournalContent,
    Offer,
    Posting,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from streams.ports import Adjustment, Command, ItemLine, Payload, Receipt
from streams.sink.money import customer_of, item_of, of_money, taken_back
from streams.sink.spec import STAGE
from streams.sink.state import SinkState, Status


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A posting as it is sent.

    Attributes:
        command: The call.
        kind: The payload's: invoice, credit_note, receipt, adjustment, refund ...
        carried: Allocations that a receipt carries.
        total: Control column.
        currency: Control column.
        day: Control column: the posting date.
    """

    command: Command
    kind: str
    carried: tuple[PostingId, ...]
    total: Decimal
    currency: str
    day: date

    @property
    def content_hash(self) -> str:
        """Hash of what is sent."""
        return hash_of(canonical(self.command))


def freeze(
    posting: Posting,
    *,
    state: SinkState,
    inverted: Content | None = None,
    intent: Intended | None = None,
    netted: Sequence[Offer] = (),
) -> Frozen:
    """Return what is sent for a posting whose dependencies are all in QAD.

    Args:
        posting: The posting.
        state: Where all others stand.
        inverted: For an inverse or a transfer: the content that was sent for what it is of.
        intent: What was intended before and may have been sent: it is sent again as it was, or not at all.
        netted: Of a credit note, where QAD nets by its link: the applications that make it.

    Raises:
        InvariantViolation: It was not ready.
    """
    posting.check()
    match posting.content:
        case CreditNoteContent() as content:
            return _credit_note(posting, content, state, intent, netted)
        case InvoiceContent() as content:
            return _frozen(posting, content, customer=content.customer)
        case ReceiptContent() as content:
            return _receipt(posting, content, state, intent)
        case AllocationContent() as content:
            return _adjustment(posting, content, state)
        case InverseContent() as content:
            return _inverse(posting, content, inverted, state)
        case RefundContent() | JournalContent() | TransferContent() as content:
            payload = of_money(content, inverted, state)
            return _frozen(posting, payload, customer=customer_of(payload))
        case _:
            raise InvariantViolation(f"posting {posting.id} of {posting.number} is not one that is sent")


def kind_of(content: Content) -> str:
    """Return the kind of document that a posting is in QAD, of one that another can undo."""
    return str((Adjustment if isinstance(content, AllocationContent) else content).__struct_config__.tag)


def intended(
    posting: Posting, frozen: Frozen, *, connection: str, origin: int, index: int, attempt: int, mapping_version: int
) -> Intended:
    """Return the outcome that is written before the call."""
    return Intended(
        connection=connection,
        stage=STAGE,
        subject=posting.id,
        document=posting.document,
        number=posting.number,
        origin=origin,
        index=index,
        reference=posting.reference,
        attempt=attempt,
        customer=frozen.command.customer,
        mapping_version=mapping_version,
        source_hash=posting.source_hash,
        content_hash=frozen.content_hash,
        currency=frozen.currency,
        total=frozen.total,
        day=frozen.day,
        carried=frozen.carried,
        tax=getattr(frozen.command.payload, "tax", ZERO) or UNSET,
    )


def _frozen(
    posting: Posting,
    payload: Payload,
    *,
    customer: str,
    carried: tuple[PostingId, ...] = (),
    linked: Document | None = None,
) -> Frozen:
    return Frozen(
        command=Command(
            reference=posting.reference, number=posting.number, customer=customer, payload=payload, linked=linked
        ),
        kind=str(payload.__struct_config__.tag),
        carried=carried,
        total=payload.total,
        currency=payload.currency,
        day=payload.posting_date,
    )


def _credit_note(
    posting: Posting, content: CreditNoteContent, state: SinkState, intent: Intended | None, netted: Sequence[Offer]
) -> Frozen:
    """Return a credit note, linked where all that makes it up can be netted by that: else it stands open."""
    carried = tuple(offer.allocation for offer in netted)
    if intent is not None:
        links = bool(carried) and intent.carried == carried
    else:
        links = bool(carried) and all(_can_carry(offer, state) and not _went(offer, state) for offer in netted)
    key, holder = item_of(netted[0].item, state) if links else (None, "")
    if key is None or holder != content.customer:
        return _frozen(posting, content, customer=content.customer)
    return _frozen(posting, content, customer=content.customer, carried=carried, linked=key)


def _went(offer: Offer, state: SinkState) -> bool:
    """Return whether an application went as a call of its own, or a part of it was undone before."""
    standing = state.postings.get(offer.allocation)
    return standing is not None and (standing.went_alone or bool(standing.undone))


def _receipt(posting: Posting, content: ReceiptContent, state: SinkState, intent: Intended | None) -> Frozen:
    offers = [offer for offer in content.offers if _can_carry(offer, state)]
    if intent is not None:
        customer = intent.customer
        carried = [offer for offer in offers if offer.allocation in intent.carried]
    else:
        holders = {state.postings[offer.item].customer for offer in offers}
        # A payment goes to the customer that holds the open items; where several do, to the one that is matched.
        customer = holders.pop() if len(holders) == 1 else content.customer
        carried = [offer for offer in offers if state.postings[offer.item].customer == customer]
    payload = Receipt(
        customer=customer,
        currency=content.currency,
        total=content.total,
        document_date=content.document_date,
        posting_date=content.posting_date,
        daybook=content.daybook,
        bank_account=content.bank_account,
        description=content.description,
        allocations=_allocations(carried, state),
    )
    return _frozen(posting, payload, customer=customer, carried=tuple(offer.allocation for offer in carried))


def _can_carry(offer: Offer, state: SinkState) -> bool:
    """Return whether a receipt can carry an application: its item is in QAD, and it was not undone before it came."""
    undone = state.status(offer.allocation) is Status.SUPERSEDED
    return not undone and state.status(offer.item) is Status.POSTED


def _allocations(offers: Sequence[Offer], state: SinkState) -> tuple[tuple[Document, Decimal], ...]:
    return tuple((item_of(offer.item, state)[0], offer.amount - state.undone(offer.allocation)) for offer in offers)


def _adjustment(posting: Posting, content: AllocationContent, state: SinkState) -> Frozen:
    payer, payer_customer = item_of(content.payer, state)
    item, item_customer = item_of(content.item, state)
    # What cancelled out with what undoes it is not sent.
    amount = content.amount - state.undone(posting.id)
    lowered, raised = (ZERO, amount) if content.reopens else (amount, ZERO)
    payload = Adjustment(
        currency=content.currency,
        total=amount,
        document_date=content.document_date,
        posting_date=content.posting_date,
        daybook=content.daybook,
        description=content.description,
        lines=(
            ItemLine(document=item, customer=item_customer, debit=raised, credit=lowered),
            ItemLine(document=payer, customer=payer_customer, debit=lowered, credit=raised),
        ),
    )
    return _frozen(posting, payload, customer=item_customer)


def _turned(
    posting: Posting, content: InverseContent, inverted: InvoiceContent | CreditNoteContent, *, customer: str
) -> Frozen:
    turned = CreditNoteContent if isinstance(inverted, InvoiceContent) else InvoiceContent
    payload = turned(
        customer=customer,
        currency=inverted.currency,
        total=inverted.total,
        document_date=content.posting_date,
        posting_date=content.posting_date,
        due_date=content.posting_date,
        daybook=content.daybook,
        description=content.description,
        lines=tuple(line.inverse() for line in inverted.lines),
        tax_rows=inverted.tax_rows,
    )
    return _frozen(posting, payload, customer=customer)


def _inverse(posting: Posting, content: InverseContent, inverted: Content | None, state: SinkState) -> Frozen:
    if inverted is None or getattr(inverted, "total", None) != content.total:
        raise InvariantViolation(f"posting {posting.id} of {posting.number} undoes something else than it says")
    if isinstance(inverted, InvoiceContent | CreditNoteContent):
        return _turned(posting, content, inverted, customer=state.postings[content.of].customer)
    payload = taken_back(content, inverted, state)
    if payload is None:
        raise InvariantViolation(f"posting {posting.id} of {posting.number} undoes something else than it says")
    return _frozen(posting, payload, customer=customer_of(payload))
