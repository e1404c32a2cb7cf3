"""What exactly is sent: content is frozen when it is intended, here and nowhere else.

Allocations and reversals take the customer that holds the open item, whatever the links say today; a receipt says
which applications it carries.
Source: ACCOUNTING 2.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

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
    Offer,
    Posting,
    ReceiptContent,
    RefundContent,
)
from streams.ports import Adjustment, Bounce, Command, ItemLine, Payload, Receipt, Refund, RefundReversal
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
    posting: Posting, *, state: SinkState, inverted: Content | None = None, intent: Intended | None = None
) -> Frozen:
    """Return what is sent for a posting whose dependencies are all in QAD.

    Args:
        posting: The posting.
        state: Where all others stand.
        inverted: For an inverse: the content that was sent for what it undoes.
        intent: What was intended before and may have been sent: it is sent again as it was, or not at all.

    Raises:
        InvariantViolation: It was not ready.
    """
    posting.check()
    match posting.content:
        case InvoiceContent() | CreditNoteContent() as content:
            return _frozen(posting, content, customer=content.customer)
        case ReceiptContent() as content:
            return _receipt(posting, content, state, intent)
        case AllocationContent() as content:
            return _adjustment(posting, content, state)
        case InverseContent() as content:
            return _inverse(posting, content, inverted, state)
        case RefundContent() as content:
            return _refund(posting, content, state)
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
    )


def _frozen(posting: Posting, payload: Payload, *, customer: str, carried: tuple[PostingId, ...] = ()) -> Frozen:
    return Frozen(
        command=Command(reference=posting.reference, number=posting.number, customer=customer, payload=payload),
        kind=str(payload.__struct_config__.tag),
        carried=carried,
        total=payload.total,
        currency=payload.currency,
        day=payload.posting_date,
    )


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
    return tuple((_key(offer.item, state)[0], offer.amount - state.undone(offer.allocation)) for offer in offers)


def _adjustment(posting: Posting, content: AllocationContent, state: SinkState) -> Frozen:
    payer, payer_customer = _key(content.payer, state)
    item, item_customer = _key(content.item, state)
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


def _refund(posting: Posting, content: RefundContent, state: SinkState) -> Frozen:
    item, customer = _key(content.closes, state)
    payload = Refund(
        customer=customer,
        currency=content.currency,
        total=content.total,
        document_date=content.document_date,
        posting_date=content.posting_date,
        daybook=content.daybook,
        bank_account=content.bank_account,
        description=content.description,
        item=item,
    )
    return _frozen(posting, payload, customer=customer)


def _inverse(posting: Posting, content: InverseContent, inverted: Content | None, state: SinkState) -> Frozen:
    match inverted:
        case InvoiceContent() | CreditNoteContent() if inverted.total == content.total:
            return _turned(posting, content, inverted, customer=state.postings[content.of].customer)
        case RefundContent() if inverted.total == content.total and content.item == inverted.closes:
            return _bank_back(posting, content, RefundReversal, bank_account=inverted.bank_account, state=state)
        case ReceiptContent() if inverted.total == content.total:
            return _bank_back(posting, content, Bounce, bank_account=inverted.bank_account, state=state)
        case _:
            raise InvariantViolation(f"posting {posting.id} of {posting.number} undoes something else than it says")


def _bank_back(
    posting: Posting,
    content: InverseContent,
    turned: type[RefundReversal] | type[Bounce],
    *,
    bank_account: str,
    state: SinkState,
) -> Frozen:
    """Return what takes money its way back: bank against the open item that it stands on now."""
    item, customer = _key(content.item or content.of, state)
    payload = turned(
        customer=customer,
        currency=content.currency,
        total=content.total,
        document_date=content.posting_date,
        posting_date=content.posting_date,
        daybook=content.daybook,
        bank_account=bank_account,
        description=content.description,
        item=item,
    )
    return _frozen(posting, payload, customer=customer)


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
    )
    return _frozen(posting, payload, customer=customer)


def _key(name: PostingId, state: SinkState) -> tuple[Document, str]:
    standing = state.postings.get(name)
    if standing is None or standing.qad is None:
        raise InvariantViolation(f"posting {name} is referred to and is not in QAD")
    return standing.qad, standing.customer
