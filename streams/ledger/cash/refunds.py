"""Refunds: each closes the payment or credit memo that it gives back, against bank; cancelled, that is open again.

What an applied payment is unapplied by for its refund is a row of the payment, and an allocation of its own. A
chargeback is a refund and nothing else: the payment is not reversed as well. Source: ACCOUNTING 1.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.decisions import MappingPublished
from schemas.errors import CannotGoOn
from schemas.ids import PostingId, document_key, document_parts
from schemas.mapping import Mapping
from schemas.money import ZERO, MoneyError, plain, total_of
from schemas.outcomes import Parked
from schemas.postings import Act, Posting, RefundContent
from schemas.records import RecordKind
from schemas.zuora import RefundApplication, RefundPart
from streams.ledger.applying.allocations import row_posting_id
from streams.ledger.building.dated import before_cut_over, dates_of
from streams.ledger.building.lines import plain_text
from streams.ledger.building.openings import openings_of
from streams.ledger.building.postings import (
    DOCUMENT,
    AtHand,
    Plan,
    document_posting,
    inverse_id,
    inverse_posting,
    make_posting,
    source_hash_of,
)
from streams.ledger.building.rows import bank_of
from streams.ledger.cash.transfers import holder_of
from streams.ledger.known.books import Books
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons


class RefundDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A refund.

    Attributes:
        posted: It is Processed.
        status: Zuora's word.
        total: Its amount.
        day: Refund date.
        refund_type: Electronic or External.
        gateway: Name of the gateway, or "".
        created: When it was entered.
        changed: Day of its last change: where it is cancelled, when that was.
        applications: What it closes.
        parts: The same, as v1 has it.
    """

    posted: bool
    status: str
    total: Decimal
    day: date
    refund_type: str
    gateway: str
    created: str
    changed: date
    applications: Sequence[RefundApplication]
    parts: Sequence[RefundPart]


def plan_refund(at_hand: AtHand, refund: RefundDocument, *, state: LedgerState, books: Books) -> Plan:
    """Return what a refund becomes now.

    Raises:
        CannotGoOn: It cannot be decided, or is not for QAD; the reason says which.
    """
    made, number = state.of(at_hand.document), at_hand.number
    if not refund.posted:
        return _plan_undone(at_hand, refund, state=state, books=books)
    if not made.live and isinstance(state.standing_of(document_key(RecordKind.APPLIED_REFUND, at_hand.id)), Parked):
        raise CannotGoOn(reasons.refund_known_otherwise(number, "a person was asked to book it"))
    closes = _closes(at_hand, refund)
    source_hash = source_hash_of(
        number=number, currency=at_hand.currency, total=plain(refund.total), day=refund.day, closes=closes
    )
    if made.live and source_hash != made.source_hash:
        raise CannotGoOn(reasons.conflict(number))
    if made.live and not at_hand.again:
        return Plan()
    version = books.version_for(number, refund.day)
    loaded = before_cut_over(number, day=refund.day, entered=refund.created, cut_over=version.mapping.cut_over)
    if loaded is not None:
        raise loaded
    try:
        _check_ours(at_hand, closes, state=state)
    except CannotGoOn as stop:
        if not made.live:
            raise
        # It was decided before what it closes was: it waits for that, and goes with its inverse.
        inverse = take_refund_back(
            at_hand, status="not ours", changed=refund.changed, mapping=version.mapping, state=state, books=books
        )
        return Plan(postings=(inverse,), stops=(stop,), mapping_version=version.version)
    n = made.n if made.live else made.n + 1
    posting = _post(at_hand, refund, closes, n=n, source_hash=source_hash, version=version, state=state, books=books)
    postings = (*openings_of(at_hand, [posting], state=state), posting)
    return Plan(postings=postings, mapping_version=version.version)


def _plan_undone(at_hand: AtHand, refund: RefundDocument, *, state: LedgerState, books: Books) -> Plan:
    """Take back what stands; what was taken back before, or never posted, makes nothing."""
    made, number = state.of(at_hand.document), at_hand.number
    if not made.n:
        raise CannotGoOn(reasons.not_posted(number, refund.status))
    if not made.live:
        return Plan()
    version = books.version_for(number, refund.day)
    inverse = take_refund_back(
        at_hand, status=refund.status, changed=refund.changed, mapping=version.mapping, state=state, books=books
    )
    return Plan(postings=(inverse,), mapping_version=version.version)


def take_refund_back(
    at_hand: AtHand, *, status: str, changed: date, mapping: Mapping, state: LedgerState, books: Books
) -> Posting:
    """Return what undoes a refund that stands: what it closed is open again.

    Raises:
        CannotGoOn: No daybook or open period for it.
    """
    made, number = state.of(at_hand.document), at_hand.number
    return inverse_posting(
        at_hand,
        made,
        of=document_posting(at_hand.connection, at_hand.document, n=made.n),
        item=made.closes,
        dates=books.posting_date(
            number, max(changed, made.posting_date), mapping, kind=document_parts(at_hand.document)[0]
        ),
        daybook=books.named_daybook(number, mapping, "banking"),
        description=plain_text(f"Zuora {number} {status.lower()}"),
    )


def _closes(at_hand: AtHand, refund: RefundDocument) -> str:
    """Return `kind:id` of what a refund closes, whole.

    Raises:
        CannotGoOn: Zuora's rows name nothing, or several, or do not come to its amount.
    """
    number = at_hand.number
    try:
        total = total_of(refund.total, at_hand.currency)
        rows = _sums((_name(row), total_of(row.apply_amount, at_hand.currency)) for row in refund.applications)
        parts = _sums((_name(part), total_of(part.amount, at_hand.currency)) for part in refund.parts)
    except MoneyError as error:
        raise CannotGoOn(reasons.bad_amount(number, str(error))) from None
    if total <= 0:
        raise CannotGoOn(reasons.bad_amount(number, "it is a refund that is not above zero"))
    if len(rows) != 1 or "" in rows:
        raise CannotGoOn(reasons.refund_closes(number, sorted(rows)))
    [closes] = rows
    if rows[closes] != total or rows != parts:
        part = str(parts.get(closes, ZERO))
        raise CannotGoOn(reasons.applications_mismatch(number, item=closes, rows=str(rows[closes]), part=part))
    return closes


def _name(row: RefundApplication | RefundPart) -> str:
    if row.payment_id:
        return document_key(RecordKind.PAYMENT, row.payment_id)
    return document_key(RecordKind.CREDIT_MEMO, row.credit_memo_id) if row.credit_memo_id else ""


def _sums(rows: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for name, amount in rows:
        sums[name] += amount
    return dict(sums)


def _check_ours(at_hand: AtHand, closes: str, *, state: LedgerState) -> None:
    """Hold that what a refund closes is, or will be, in QAD from here.

    Raises:
        CannotGoOn: It reaches QAD another way, or not at all.
    """
    made, standing = state.of(closes), state.standing_of(closes)
    if made.n and not made.live and document_parts(closes)[0] == RecordKind.PAYMENT:
        raise CannotGoOn(reasons.payment_taken_back(at_hand.number, made.number, closes))
    if made.live or standing is None:
        return
    match standing.reason.rule:
        case "already_in_erp":
            raise CannotGoOn(reasons.already_in_erp(at_hand.number))
        case "not_posted" | "deleted" if document_parts(closes)[0] == RecordKind.PAYMENT:
            # It parked, or was not for QAD, until Zuora took it back: it never comes, and what gives it back counts as
            # little.
            raise CannotGoOn(reasons.payment_taken_back(at_hand.number, standing.number, closes))
        case "zero":
            raise CannotGoOn(reasons.refund_closes(at_hand.number, [closes]))


def _post(
    at_hand: AtHand,
    refund: RefundDocument,
    closes: str,
    *,
    n: int,
    source_hash: str,
    version: MappingPublished,
    state: LedgerState,
    books: Books,
) -> Posting:
    number, mapping = at_hand.number, version.mapping
    books.check_currency(number, at_hand.currency)
    bank = bank_of(
        mapping, number=number, payment_type=refund.refund_type, gateway=refund.gateway, currency=at_hand.currency
    )
    books.check_account(number, bank)
    daybook = books.named_daybook(number, mapping, "banking")
    posting_date, original_date = dates_of(
        state.of(at_hand.document),
        number=number,
        day=refund.day,
        n=n,
        version=version,
        books=books,
        kind=document_parts(at_hand.document)[0],
    )
    known = state.of(at_hand.document)
    item = (known.closes if known.live else None) or holder_of(at_hand, closes, state)
    content = RefundContent(
        customer=at_hand.customer,
        currency=at_hand.currency,
        total=refund.total,
        document_date=refund.day,
        posting_date=posting_date,
        daybook=daybook,
        bank_account=bank.account,
        description=plain_text(f"Zuora {number}"),
        closes=item,
        closes_document=closes,
        original_date=original_date,
    )
    before = [inverse_id(at_hand, n - 1)] if n > 1 else []
    first = (item, *before, *_unapplied(at_hand, closes, item, state=state))
    return make_posting(
        at_hand,
        act=Act.POST,
        n=n,
        step=DOCUMENT,
        content=content,
        source_hash=source_hash,
        # What it comes after is said once, as what it closes is: what is unapplied later makes room by itself.
        after=known.refund.after if known.live and known.refund is not None else first,
    )


def _unapplied(at_hand: AtHand, closes: str, item: PostingId, *, state: LedgerState) -> list[PostingId]:
    """Return what was unapplied of it so far: until then it may have nothing left to give back."""
    return [
        row_posting_id(at_hand.connection, closes, row=row_id, amount=row.amount, times=row.times)
        for row_id, row in state.of(closes).rows.items()
        if row.amount < 0 and not row.detached and row.payer == item
    ]
