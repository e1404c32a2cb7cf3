"""Payments become receipts, their applications allocations.

A receipt does not wait for invoices: it offers to carry the applications dated as itself, and the sink decides which
it can; every application has a posting of its own either way. Source: ACCOUNTING 1, 2 and 6.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.decisions import MappingPublished
from schemas.errors import CannotGoOn
from schemas.ids import PostingId
from schemas.mapping import Mapping
from schemas.money import ZERO, plain
from schemas.postings import Act, AllocationContent, Offer, Posting, ReceiptContent
from schemas.reasons import Reason
from streams import waits
from streams.ledger.applying.allocations import Allocations, Paying, allocate_rows, check_same_rows, parted
from streams.ledger.applying.applications import Applications
from streams.ledger.applying.charged import is_given_back
from streams.ledger.building.dated import before_cut_over, dates_of
from streams.ledger.building.lines import plain_text
from streams.ledger.building.openings import loaded_by_others, openings_of, own_opening
from streams.ledger.building.postings import (
    DOCUMENT,
    AtHand,
    GivenBack,
    Plan,
    inverse_id,
    make_posting,
    open_item,
    source_hash_of,
)
from streams.ledger.building.rows import bank_of
from streams.ledger.cash.bounces import take_back
from streams.ledger.cash.transfers import move_of, next_transfer, refunds_elsewhere, transfer, unassigned_cash
from streams.ledger.known.books import Books
from streams.ledger.known.made import Made
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons


class PaymentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A payment.

    Attributes:
        posted: It is Processed.
        status: Zuora's word.
        total: Its amount.
        day: Effective date.
        payment_type: Electronic or External.
        gateway: Name of the gateway, or "".
        created: When it was entered.
        changed: Day of its last change: where it is cancelled, when that was.
        refunded: How much of it refunds gave back.
        applications: Its application rows, held against its parts.
        given_back: What refunds gave back of them, that a person books.
    """

    posted: bool
    status: str
    total: Decimal
    day: date
    payment_type: str
    gateway: str
    created: str
    changed: date
    refunded: Decimal
    applications: Applications
    given_back: GivenBack = GivenBack()


def plan_payment(at_hand: AtHand, payment: PaymentDocument, *, state: LedgerState, books: Books) -> Plan:
    """Return what a payment becomes now, and why some of it could not go on.

    Raises:
        CannotGoOn: Nothing of it can be decided, or it is not for QAD.
    """
    number, made = at_hand.number, state.of(at_hand.document)
    if not payment.posted:
        return _plan_undone(at_hand, payment, state=state, books=books)
    version = books.version_for(number, payment.day)
    source_hash = source_hash_of(number=number, currency=at_hand.currency, total=plain(payment.total), day=payment.day)
    _check_carried(number, payment, source_hash, made=made, version=version)
    check_same_rows(at_hand, payment.applications, state=state)
    cut_over = version.mapping.cut_over
    loaded = before_cut_over(number, day=payment.day, entered=payment.created, cut_over=cut_over)
    changed_since = payment.changed >= cut_over
    move = move_of(at_hand, made, loaded=loaded is not None, changed_since=changed_since)
    stops = (CannotGoOn(reasons.same_customer(number)),) if move.whose and not loaded else ()
    paying = _paying(at_hand, transferred=move.transferred, state=state)
    rows = allocate_rows(at_hand, payment.applications, paying=paying, state=state, books=books)
    if rows.postings and not at_hand.customer:
        raise CannotGoOn(reasons.not_supported(number, "it belongs to nobody, and something is applied of it"))
    used_before = _used_before(payment, cut_over=cut_over) if loaded else ZERO
    if move.transferred:
        rows = _given_on(
            at_hand, payment, rows, used_before=used_before, mapping=version.mapping, state=state, books=books
        )
    first: tuple[Posting, ...] = ()
    if loaded is not None:
        unseen = not made.is_placed and changed_since and _is_open(payment)
        first = own_opening(
            at_hand,
            rows.postings,
            state=state,
            transferred=move.transferred and _has(rows, paying.post),
            customer=at_hand.customer if unseen else "",
        )
        first += tuple(one for opening in first for one in refunds_elsewhere(at_hand, opening, state=state))
    elif not made.live or at_hand.again or _goes_elsewhere(at_hand, made, stops=stops, transferred=move.transferred):
        receipt = _received(
            at_hand, payment, rows.postings, source_hash=source_hash, version=version, state=state, books=books
        )
        first = (receipt, *(() if made.live else refunds_elsewhere(at_hand, receipt, state=state)))
    openings = openings_of(at_hand, rows.postings, state=state)
    return Plan(
        postings=(*first, *openings, *rows.postings),
        stops=(*([loaded] if loaded else []), *stops, *rows.stops),
        mapping_version=version.version,
        whose=move.whose,
    )


def _check_carried(
    number: str, payment: PaymentDocument, source_hash: str, *, made: Made, version: MappingPublished
) -> None:
    """Hold that a payment that is Processed is for QAD, and the one that it was.

    Raises:
        CannotGoOn: It is not.
    """
    if made.n and not made.live and not made.gone:
        raise CannotGoOn(reasons.not_supported(number, "it is Processed again after it was taken back"))
    if payment.payment_type == "External" and version.mapping.policy.external_payments == "already_in_erp":
        raise CannotGoOn(reasons.already_in_erp(number))
    if payment.total <= 0:
        raise CannotGoOn(
            reasons.bad_amount(number, "it is a payment below zero") if payment.total else reasons.zero(number)
        )
    if made.live and not made.opening and source_hash != made.source_hash:
        raise CannotGoOn(reasons.conflict(number))


def _used_before(payment: PaymentDocument, *, cut_over: date) -> Decimal:
    """Return how much of a payment stood applied at the cut-over."""
    return sum((row.amount for row in payment.applications.rows if row.day < cut_over), ZERO)


def _is_open(payment: PaymentDocument) -> bool:
    """Return whether something is open of a payment: it stands under the customer that it may have come to."""
    return sum((row.amount for row in payment.applications.rows), payment.refunded) < payment.total


def _paying(at_hand: AtHand, *, transferred: bool, state: LedgerState) -> Paying:
    """Return from which posting a payment's rows pay: the one that holds its money; transferred, the new one."""
    made = state.of(at_hand.document)
    holder = open_item(at_hand.connection, at_hand.document, state)
    if transferred:
        moved = next_transfer(at_hand.connection, at_hand.document, state)
        return Paying(post=moved, before=holder, account=at_hand.account)
    return Paying(post=holder, account=at_hand.account if made.holds else "", anew=bool(made.n) and not made.live)


def _given_on(
    at_hand: AtHand,
    payment: PaymentDocument,
    rows: Allocations,
    *,
    used_before: Decimal,
    mapping: Mapping,
    state: LedgerState,
    books: Books,
) -> Allocations:
    """Return the rows of a payment that was transferred with its transfer among them, and why some could not go on.

    A transfer that cannot go holds what comes after it, and nothing before it.
    """
    moved = next_transfer(at_hand.connection, at_hand.document, state)
    earlier, later = parted(rows.postings, by=moved)
    try:
        transferred = transfer(
            at_hand,
            holder=open_item(at_hand.connection, at_hand.document, state),
            total=payment.total,
            changed=payment.changed,
            used_before=used_before,
            refunded=payment.refunded,
            unapplied=earlier,
            mapping=mapping,
            state=state,
            books=books,
        )
    except CannotGoOn as stop:
        # Where a row from before has to wait, a part of it is applied until then, and for no other reason.
        stops = rows.stops if reasons.holds(rows.stops) else (stop, *rows.stops)
        return Allocations(postings=tuple(earlier), stops=stops)
    return Allocations(postings=(*earlier, *transferred, *later), stops=rows.stops)


def _has(rows: Allocations, name: PostingId) -> bool:
    return any(posting.id == name for posting in rows.postings)


def _goes_elsewhere(at_hand: AtHand, made: Made, *, stops: Sequence[CannotGoOn], transferred: bool) -> bool:
    """Return whether the receipt itself goes to another customer: the link of its account was changed."""
    return at_hand.customer != made.customer and not (stops or transferred or made.holds)


def _plan_undone(at_hand: AtHand, payment: PaymentDocument, *, state: LedgerState, books: Books) -> Plan:
    """Take back what stands; what was taken back before, or never posted, makes nothing."""
    number, made = at_hand.number, state.of(at_hand.document)
    loaded = loaded_by_others(at_hand.document, state) or _loaded_unseen(number, payment, made=made, books=books)
    # The refunds that stand count too: Zuora's word may be older than they are.
    refunded = max(payment.refunded, sum((refund.total for refund in state.refunds_of(at_hand.document)), ZERO))
    if loaded and refunded < payment.total:
        raise CannotGoOn(reasons.opening_undone(number, payment.status))
    if not made.n and not loaded:
        raise CannotGoOn(_never_posted(at_hand, payment, state=state))
    if not made.live and not loaded:
        return Plan()
    version = books.version_for(number, payment.day)
    # Taken from its account before, it is taken back from where it stands.
    cut_over = version.mapping.cut_over
    move = move_of(at_hand, made, loaded=loaded, changed_since=payment.changed >= cut_over)
    transferred = bool(at_hand.customer) and move.transferred
    paying = _paying(at_hand, transferred=transferred, state=state)
    rows = allocate_rows(at_hand, payment.applications, paying=paying, state=state, books=books)
    if transferred:
        used_before = _used_before(payment, cut_over=cut_over) if loaded else ZERO
        rows = _given_on(
            at_hand, payment, rows, used_before=used_before, mapping=version.mapping, state=state, books=books
        )
    gone_on = transferred and _has(rows, paying.post)
    first = own_opening(at_hand, rows.postings, state=state, transferred=gone_on) if loaded else ()
    openings = openings_of(at_hand, rows.postings, state=state)
    plan = Plan(postings=(*first, *openings, *rows.postings), stops=rows.stops, mapping_version=version.version)
    if transferred and not gone_on:
        return plan
    if refunded:
        # What refunds gave back is not taken back as well: a chargeback comes from its refund row alone.
        standing = reasons.before_cut_over(number, payment.day, cut_over)
        why = standing if loaded else _refunded(at_hand, payment, refunded)
        return msgspec.structs.replace(plan, stops=(CannotGoOn(why), *rows.stops))
    undone = take_back(
        at_hand,
        status=payment.status,
        changed=payment.changed,
        holder=paying.post,
        unapplied=rows.postings,
        mapping=version.mapping,
        state=state,
        books=books,
    )
    return msgspec.structs.replace(plan, postings=(*plan.postings, *undone))


def _loaded_unseen(number: str, payment: PaymentDocument, *, made: Made, books: Books) -> bool:
    """Return whether others loaded a payment that refunds gave back before it was first read."""
    if made.n or not payment.refunded:
        return False
    cut_over = books.version_for(number, payment.day).mapping.cut_over
    try:
        return before_cut_over(number, day=payment.day, entered=payment.created, cut_over=cut_over) is not None
    except CannotGoOn:
        # Nobody did: it was entered after the cut-over.
        return False


def _never_posted(at_hand: AtHand, payment: PaymentDocument, *, state: LedgerState) -> Reason:
    """Return why nothing is taken back: it never came. What a part of it gave back is not nothing."""
    standing = state.standing_of(at_hand.document)
    elsewhere = standing is not None and standing.reason.rule == "already_in_erp"
    if ZERO < payment.refunded < payment.total and not elsewhere:
        return _refunded(at_hand, payment, payment.refunded)
    return reasons.not_posted(at_hand.number, payment.status)


def _refunded(at_hand: AtHand, payment: PaymentDocument, refunded: Decimal) -> Reason:
    if refunded >= payment.total:
        return reasons.refunded_whole(at_hand.number, payment.status, at_hand.document)
    what = f"it is {payment.status} after a part of it was refunded"
    return reasons.not_supported(at_hand.number, what, waits_for=(waits.document(at_hand.document),))


def _received(
    at_hand: AtHand,
    payment: PaymentDocument,
    allocations: Sequence[Posting],
    *,
    source_hash: str,
    version: MappingPublished,
    state: LedgerState,
    books: Books,
) -> Posting:
    number, mapping, made = at_hand.number, version.mapping, state.of(at_hand.document)
    books.check_currency(number, at_hand.currency)
    bank = bank_of(
        mapping, number=number, payment_type=payment.payment_type, gateway=payment.gateway, currency=at_hand.currency
    )
    books.check_account(number, bank)
    moved = made.live and (at_hand.account != made.account or made.holds is not None)
    customer = made.received_for if moved else at_hand.customer
    n = made.n if made.live else made.n + 1
    if not customer:
        return unassigned_cash(
            at_hand,
            total=payment.total,
            day=payment.day,
            bank=bank,
            source_hash=source_hash,
            version=version,
            state=state,
            books=books,
            n=n,
        )
    posting_date, original_date = dates_of(
        made, number=number, day=payment.day, n=n, version=version, books=books, kind="payment"
    )
    books.check_daybook(number, mapping.daybooks.receipt)
    # What a receipt carries is said once, when it is first built.
    offers = made.offers if made.live else _offers(payment, allocations, policy=mapping.policy.receipts, state=state)
    content = ReceiptContent(
        customer=customer,
        currency=at_hand.currency,
        total=payment.total,
        document_date=payment.day,
        posting_date=posting_date,
        daybook=mapping.daybooks.receipt,
        bank_account=bank.account,
        description=plain_text(f"Zuora {number}"),
        offers=offers,
        original_date=original_date,
    )
    before = [inverse_id(at_hand, n - 1)] if n > 1 else []
    return make_posting(
        at_hand,
        act=Act.POST,
        n=n,
        step=DOCUMENT,
        content=content,
        source_hash=source_hash,
        after=(*before, *(offer.item for offer in offers if mapping.policy.cash_waits)),
    )


def _offers(
    payment: PaymentDocument, allocations: Sequence[Posting], *, policy: str, state: LedgerState
) -> tuple[Offer, ...]:
    """Return the applications that the receipt may carry: dated as itself, the only row to their item.

    Not those to an item of which a refund gave something back: a receipt must not wait for who books that.
    """
    if policy != "allocated":
        return ()
    per_item = Counter(row.item_document for row in payment.applications.rows)
    contents = [(posting, posting.content) for posting in allocations if isinstance(posting.content, AllocationContent)]
    offers = tuple(
        Offer(allocation=posting.id, item=content.item, amount=content.amount)
        for posting, content in contents
        if content.document_date == payment.day
        and content.posting_date == content.document_date
        and per_item[content.item_document] == 1
        and not content.reopens
        and not (payment.given_back.rows.get(content.row) or is_given_back(content.item_document, state))
    )
    # More than it holds can only be a fault of what was read: each allocation then speaks for itself.
    return offers if sum((offer.amount for offer in offers), ZERO) <= payment.total else ()
