"""Payments become receipts, their applications allocations.

A receipt does not wait for invoices: it offers to carry the applications dated as itself, and the sink decides which
it can; every application has a posting of its own either way. Source: ACCOUNTING 1, 2 and 6.
"""

from collections import Counter
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.mapping import BankRow, Mapping
from schemas.money import plain
from schemas.postings import Act, AllocationContent, Offer, Posting, ReceiptContent
from streams.ledger import reasons
from streams.ledger.allocations import allocate_rows
from streams.ledger.applications import Applications
from streams.ledger.books import Books
from streams.ledger.building import DOCUMENT, AtHand, Plan, make_posting, source_hash_of
from streams.ledger.dated import check_cut_over
from streams.ledger.lines import plain_text
from streams.ledger.rows import bank_row
from streams.ledger.state import LedgerState


class PaymentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A payment.

    Attributes:
        posted: It is Processed.
        status: Zuora's word.
        total: Its amount.
        day: Effective date.
        payment_type: Electronic or External.
        gateway: Name of the gateway, or "".
        applications: Its application rows, held against its parts.
    """

    posted: bool
    status: str
    total: Decimal
    day: date
    payment_type: str
    gateway: str
    applications: Applications


def plan_payment(
    at_hand: AtHand, payment: PaymentDocument, *, state: LedgerState, books: Books
) -> tuple[Plan, CannotGoOn | None]:
    """Return what a payment becomes now, and why some of it could not go on.

    Raises:
        CannotGoOn: Nothing of it can be decided, or it is not for QAD.
    """
    number = at_hand.number
    made = state.of(at_hand.document)
    if not payment.posted:
        if made.live:
            raise CannotGoOn(reasons.not_supported(number, f"it is {payment.status} after it was Processed"))
        raise CannotGoOn(reasons.not_posted(number, payment.status))
    version = books.version_for(number, payment.day)
    mapping = version.mapping
    if payment.payment_type == "External" and mapping.policy.external_payments == "already_in_erp":
        raise CannotGoOn(reasons.already_in_erp(number))
    source_hash = source_hash_of(number=number, currency=at_hand.currency, total=plain(payment.total), day=payment.day)
    if made.live and source_hash != made.source_hash:
        raise CannotGoOn(reasons.conflict(number))
    stop = _cut_over_stop(number, payment.day, mapping)
    rows = payment.applications.rows
    allocations = allocate_rows(at_hand, rows, cut_over=mapping.cut_over, state=state, books=books)
    receipts = []
    if stop is None and (not made.live or at_hand.again):
        receipts.append(
            _receipt(
                at_hand,
                payment,
                allocations.postings,
                source_hash=source_hash,
                mapping=mapping,
                state=state,
                books=books,
            )
        )
    plan = Plan(
        postings=(*receipts, *allocations.postings),
        source_hash=source_hash,
        mapping_version=version.version,
    )
    return plan, stop or payment.applications.stop or allocations.stop


def _cut_over_stop(number: str, day: date, mapping: Mapping) -> CannotGoOn | None:
    """Return why the receipt itself does not go from here: what is applied later still does."""
    try:
        check_cut_over(number, day=day, posted_stamp="", cut_over=mapping.cut_over)
    except CannotGoOn as stop:
        return stop
    return None


def _receipt(
    at_hand: AtHand,
    payment: PaymentDocument,
    allocations: tuple[Posting, ...],
    *,
    source_hash: str,
    mapping: Mapping,
    state: LedgerState,
    books: Books,
) -> Posting:
    number = at_hand.number
    books.check_currency(number, at_hand.currency)
    bank = _bank(at_hand, payment, mapping=mapping)
    books.check_account(number, bank)
    posting_date, original_date = books.posting_date(number, payment.day, mapping)
    books.check_daybook(number, mapping.daybooks.receipt)
    offers = _offers(payment, allocations, policy=mapping.policy.receipts)
    made = state.of(at_hand.document)
    if made.live:
        # What a receipt carries is said once, when it is first built.
        offers = tuple(offer for offer in offers if offer.allocation in made.offered)
    content = ReceiptContent(
        customer=at_hand.customer,
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
    return make_posting(
        at_hand,
        act=Act.POST,
        n=1,
        step=DOCUMENT,
        content=content,
        source_hash=source_hash,
        after=[offer.item for offer in offers] if mapping.policy.cash_waits else (),
    )


def _bank(at_hand: AtHand, payment: PaymentDocument, *, mapping: Mapping) -> BankRow:
    bank = bank_row(mapping, payment_type=payment.payment_type, gateway=payment.gateway, currency=at_hand.currency)
    if bank is None:
        what = f"{payment.payment_type or 'the'} payment in {at_hand.currency} by gateway {payment.gateway!r}"
        row = f'a [[banks]] row currency = "{at_hand.currency}"'
        raise CannotGoOn(reasons.unmapped(at_hand.number, what=what, value=payment.gateway, row=row))
    return bank


def _offers(payment: PaymentDocument, allocations: tuple[Posting, ...], *, policy: str) -> tuple[Offer, ...]:
    """Return the applications that the receipt may carry: dated as itself, one to an item, none of them undone."""
    if policy != "allocated":
        return ()
    contents = [(posting, posting.content) for posting in allocations if isinstance(posting.content, AllocationContent)]
    undone = {content.item_document for _, content in contents if content.reopens}
    per_item = Counter(content.item_document for _, content in contents)
    return tuple(
        Offer(allocation=posting.id, item=content.item, amount=content.amount)
        for posting, content in contents
        if content.document_date == payment.day
        and content.posting_date == content.document_date
        and content.item_document not in undone
        and per_item[content.item_document] == 1
    )
