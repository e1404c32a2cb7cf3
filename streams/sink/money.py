"""Money in the ERP's words: refunds, receipts and refunds taken back, transfers, journals.

Each goes to the customer that holds the open item by then, whatever the links say today; what is taken back goes the
exact way back. Never decides whether it may be sent.
"""

import msgspec

from schemas.errors import InvariantViolation
from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.outcomes import Document
from schemas.postings import (
    Content,
    GlLine,
    InverseContent,
    JournalContent,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from streams.ports import Bounce, ItemLine, Payload, Refund, RefundReversal, Transfer
from streams.sink.state import SinkState


def of_money(
    content: RefundContent | JournalContent | TransferContent, source: Content | None, state: SinkState
) -> Refund | JournalContent | Transfer:
    """Return what is sent.

    Args:
        content: What was decided.
        source: Of a transfer: the content of what holds the money.
        state: Where all postings stand.

    Raises:
        InvariantViolation: What it refers to is not in QAD, or not what it says.
    """
    match content:
        case RefundContent():
            return _refund(content, state)
        case JournalContent():
            return content
        case TransferContent():
            return _transfer(content, source, state)


def taken_back(
    content: InverseContent, inverted: Content, state: SinkState
) -> RefundReversal | Bounce | JournalContent | None:
    """Return what takes money its way back, or None where `inverted` is none that does.

    Raises:
        InvariantViolation: The item that it moves is not in QAD.
    """
    match inverted:
        case RefundContent() if content.item == inverted.closes:
            return _bank_back(content, RefundReversal, bank_account=inverted.bank_account, state=state)
        case ReceiptContent():
            return _bank_back(content, Bounce, bank_account=inverted.bank_account, state=state)
        case JournalContent() if content.item is None:
            return _turned(content, inverted)
        case JournalContent():
            bank = _line_of(inverted, role="bank").account
            return _bank_back(content, Bounce, bank_account=bank, state=state)
        case _:
            return None


def customer_of(payload: Payload) -> str:
    """Return the customer of a document, "" where it has none."""
    return str(getattr(payload, "customer", ""))


def item_of(name: PostingId, state: SinkState) -> tuple[Document, str]:
    """Return the key of a posting's open item in QAD, and the customer that holds it.

    Raises:
        InvariantViolation: It is not there.
    """
    standing = state.postings.get(name)
    if standing is None or standing.qad is None:
        raise InvariantViolation(f"posting {name} is referred to and is not in QAD")
    return standing.qad, standing.customer


def _refund(content: RefundContent, state: SinkState) -> Refund:
    item, customer = item_of(content.closes, state)
    return Refund(
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


def _bank_back(
    content: InverseContent, turned: type[RefundReversal] | type[Bounce], *, bank_account: str, state: SinkState
) -> RefundReversal | Bounce:
    """Return bank against the open item that the money stands on now."""
    item, customer = item_of(content.item or content.of, state)
    return turned(
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


def _turned(content: InverseContent, inverted: JournalContent) -> JournalContent:
    return msgspec.structs.replace(
        inverted,
        document_date=content.posting_date,
        posting_date=content.posting_date,
        daybook=content.daybook,
        description=content.description,
        lines=tuple(line.inverse() for line in inverted.lines),
        original_date=None,
        of=None,
    )


def _transfer(content: TransferContent, source: Content | None, state: SinkState) -> Transfer:
    item, unassigned = None, None
    if isinstance(source, JournalContent):
        unassigned = _line_of(source, role="unassigned").inverse()
    else:
        key, holder = item_of(content.of, state)
        item = ItemLine(document=key, customer=holder, debit=content.total, credit=ZERO)
    return Transfer(
        customer=content.customer,
        currency=content.currency,
        total=content.total,
        document_date=content.document_date,
        posting_date=content.posting_date,
        daybook=content.daybook,
        description=content.description,
        item=item,
        unassigned=unassigned,
    )


def _line_of(journal: JournalContent, *, role: str) -> GlLine:
    found = [line for line in journal.lines if line.role == role]
    if len(found) != 1:
        raise InvariantViolation(f"a journal of unassigned cash has {len(found)} lines that are its {role}")
    return found[0]
