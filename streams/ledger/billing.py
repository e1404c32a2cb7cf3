"""Invoices and credit memos: posted, unposted, posted again with other amounts.

One effect, one source: what Zuora expresses by a memo and its application is posted from these alone, so `reversed`
or written-off states make nothing here. Source: ACCOUNTING 1 and 2.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.ids import PostingId, posting_id
from schemas.mapping import Mapping
from schemas.money import ZERO, MoneyError, plain
from schemas.postings import (
    Act,
    AllocationContent,
    CreditNoteContent,
    InverseContent,
    InvoiceContent,
    Posting,
)
from streams.ledger import reasons
from streams.ledger.allocations import allocate_again, deallocate_for_reversal
from streams.ledger.books import Books
from streams.ledger.building import (
    DOCUMENT,
    INVERSE,
    AtHand,
    Plan,
    make_posting,
    open_item,
    source_hash_of,
    terms_of,
)
from streams.ledger.dated import check_cut_over
from streams.ledger.lines import Item, gl_lines, plain_text
from streams.ledger.state import LedgerState, Made

SETTLE = "settle"


class BillingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or credit memo, whichever it is.

    Attributes:
        posted: Zuora counts it in the ledger.
        status: Zuora's word.
        total: With tax, signed as Zuora signs it.
        owed_sign: 1 where a positive total is owed by the customer (invoices), -1 where it is owed to them (memos).
        day: Document date.
        due: Due date.
        posted_stamp: When Zuora posted it.
        items: Its lines.
        refers_to: `kind:id` of the invoice it refers to, or "".
    """

    posted: bool
    status: str
    total: Decimal
    owed_sign: int
    day: date
    due: date
    posted_stamp: str
    items: tuple[Item, ...]
    refers_to: str = ""


def plan_billing(
    at_hand: AtHand, document: BillingDocument, *, unapplied: Sequence[Posting], state: LedgerState, books: Books
) -> Plan:
    """Return what a billing document becomes now.

    Args:
        at_hand: The matched document.
        document: As the ledger reads it.
        unapplied: Postings of its own application rows: a memo is reversed after its unapplications.
        state: What was made before.
        books: What both systems showed.

    Raises:
        CannotGoOn: It cannot be decided, or is not for QAD; the reason says which.
    """
    made = state.of(at_hand.document)
    if not document.posted:
        if not made.live or made.opening:
            raise CannotGoOn(reasons.not_posted(at_hand.number, document.status))
        mapping = books.version_for(at_hand.number, document.day)
        return Plan(
            postings=tuple(_reversal(at_hand, unapplied=unapplied, mapping=mapping.mapping, state=state, books=books)),
            source_hash=made.source_hash,
            posted_stamp=made.posted_stamp,
            mapping_version=mapping.version,
        )
    version = books.version_for(at_hand.number, document.day)
    check_cut_over(
        at_hand.number, day=document.day, posted_stamp=document.posted_stamp, cut_over=version.mapping.cut_over
    )
    source_hash = _source_hash(at_hand, document)
    n, undo = made.n + 1, False
    if made.live:
        n = made.n
        if source_hash == made.source_hash:
            if not at_hand.again:
                return Plan(source_hash=source_hash, posted_stamp=made.posted_stamp, mapping_version=version.version)
        elif document.posted_stamp == made.posted_stamp:
            raise CannotGoOn(reasons.conflict(at_hand.number))
        else:
            n, undo = made.n + 1, True
    posting, dropped = _post(
        at_hand, document, n=n, source_hash=source_hash, mapping=version.mapping, state=state, books=books
    )
    before = _reversal(at_hand, unapplied=unapplied, mapping=version.mapping, state=state, books=books) if undo else []
    after = _renewed(at_hand, document, posting, made=made, mapping=version.mapping, state=state) if n > 1 else []
    return Plan(
        postings=(*before, posting, *after),
        source_hash=source_hash,
        posted_stamp=document.posted_stamp,
        mapping_version=version.version,
        dropped_zero=dropped,
    )


def _post(
    at_hand: AtHand,
    document: BillingDocument,
    *,
    n: int,
    source_hash: str,
    mapping: Mapping,
    state: LedgerState,
    books: Books,
) -> tuple[Posting, int]:
    number = at_hand.number
    books.check_currency(number, at_hand.currency)
    if not document.total:
        raise CannotGoOn(reasons.zero(number) if _all_zero(document.items) else reasons.zero_total(number))
    posting_date, original_date = books.posting_date(number, document.day, mapping)
    lines = gl_lines(
        document.items,
        number=number,
        currency=at_hand.currency,
        total=document.total,
        credit_sign=document.owed_sign,
        period_ends=books.period_of(number, posting_date).last_day,
        mapping=mapping,
        books=books,
    )
    owed = document.total * document.owed_sign
    daybook = mapping.daybooks.invoice if owed > 0 else mapping.daybooks.credit_note
    books.check_daybook(number, daybook)
    content: InvoiceContent | CreditNoteContent
    if owed > 0:
        content = InvoiceContent(
            customer=at_hand.customer,
            currency=at_hand.currency,
            total=owed,
            document_date=document.day,
            posting_date=posting_date,
            due_date=document.due,
            daybook=daybook,
            description=plain_text(f"Zuora {number}"),
            lines=lines.lines,
            terms=terms_of(mapping, at_hand.payment_term),
            original_date=original_date,
        )
    else:
        content = CreditNoteContent(
            customer=at_hand.customer,
            currency=at_hand.currency,
            total=-owed,
            document_date=document.day,
            posting_date=posting_date,
            due_date=document.due,
            daybook=daybook,
            description=plain_text(f"Zuora {number}"),
            lines=lines.lines,
            refers_to=document.refers_to,
            original_date=original_date,
        )
    before = [_settlement_id(at_hand, n - 1)] if n > 1 else []
    if document.refers_to and not state.makes_no_posting(document.refers_to):
        # Nothing is credited before what it refers to is posted.
        before.append(open_item(at_hand.connection, document.refers_to, state))
    posting = make_posting(
        at_hand, act=Act.POST, n=n, step=DOCUMENT, content=content, source_hash=source_hash, after=before
    )
    return posting, lines.dropped_zero


def _reversal(
    at_hand: AtHand, *, unapplied: Sequence[Posting], mapping: Mapping, state: LedgerState, books: Books
) -> list[Posting]:
    """Return what undoes the posting that stands: deallocations, the inverse, the inverse allocated to it."""
    made = state.of(at_hand.document)
    original = open_item(at_hand.connection, at_hand.document, state)
    day, original_day = books.posting_date(at_hand.number, made.posting_date, mapping)
    daybook = mapping.daybooks.credit_note if made.is_invoice else mapping.daybooks.invoice
    books.check_daybook(at_hand.number, daybook)
    books.check_daybook(at_hand.number, mapping.daybooks.adjustment)
    freed = deallocate_for_reversal(
        at_hand, original=original, day=day, original_day=original_day, mapping=mapping, state=state
    )
    inverse = make_posting(
        at_hand,
        act=Act.REVERSE,
        n=made.n,
        step=INVERSE,
        content=InverseContent(
            of=original,
            currency=made.currency,
            total=made.total,
            posting_date=day,
            daybook=daybook,
            description=plain_text(f"Zuora {at_hand.number} unposted"),
            original_date=original_day,
        ),
        source_hash=made.source_hash,
        after=(original, *(posting.id for posting in (*unapplied, *freed))),
    )
    payer, item = (inverse.id, original) if made.is_invoice else (original, inverse.id)
    settlement = make_posting(
        at_hand,
        act=Act.REVERSE,
        n=made.n,
        step=SETTLE,
        content=AllocationContent(
            payer=payer,
            item=item,
            payer_document=at_hand.document,
            item_document=at_hand.document,
            amount=made.total,
            currency=made.currency,
            document_date=day,
            posting_date=day,
            daybook=mapping.daybooks.adjustment,
            description=f"{at_hand.number} unposted",
            original_date=original_day,
        ),
        source_hash=made.source_hash,
        after=(original, inverse.id),
    )
    return [*freed, inverse, settlement]


def _renewed(
    at_hand: AtHand,
    document: BillingDocument,
    posting: Posting,
    *,
    made: Made,
    mapping: Mapping,
    state: LedgerState,
) -> list[Posting]:
    if made.live and posting.n == made.n:
        return []
    content = posting.content
    day = content.posting_date if isinstance(content, InvoiceContent | CreditNoteContent) else document.day
    return allocate_again(
        at_hand, renewed=posting.id, posted_stamp=document.posted_stamp, day=day, mapping=mapping, state=state
    )


def _settlement_id(at_hand: AtHand, n: int) -> PostingId:
    return posting_id(at_hand.connection, kind=at_hand.kind, zuora_id=at_hand.id, act=Act.REVERSE, n=n, step=SETTLE)


def _source_hash(at_hand: AtHand, document: BillingDocument) -> str:
    try:
        lines = sorted(
            (
                item.id,
                plain(item.net),
                item.code,
                item.deferred_code,
                str(item.ends or ""),
                sorted((row.id, plain(row.tax_amount or ZERO), row.tax_code or "") for row in item.tax_rows),
            )
            for item in document.items
        )
    except MoneyError as error:
        raise CannotGoOn(reasons.bad_amount(at_hand.number, str(error))) from None
    return source_hash_of(
        number=at_hand.number, currency=at_hand.currency, total=plain(document.total), day=document.day, lines=lines
    )


def _all_zero(items: Sequence[Item]) -> bool:
    return not any(item.net or any(row.tax_amount for row in item.tax_rows) for item in items)
