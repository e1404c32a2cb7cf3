"""Money that changes hands without leaving the bank: of nobody known yet, and given to another customer.

A payment without an account goes to unassigned cash, and becomes a prepayment once, when it is assigned. A payment that
is transferred was wholly unapplied: its prepayment becomes that of another customer, and pays from there; so does one
that others loaded. Between accounts of one customer nothing moves, and a later link of one of them moves nothing.
Source: ACCOUNTING 1.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.decisions import MappingPublished
from schemas.errors import CannotGoOn
from schemas.ids import PostingId, document_parts, posting_id
from schemas.mapping import Analysis, BankRow, Mapping
from schemas.money import ZERO
from schemas.outcomes import Whose
from schemas.postings import Act, AllocationContent, GlLine, JournalContent, OpeningContent, Posting, TransferContent
from streams import waits
from streams.ledger.applying.allocations import row_posting_id
from streams.ledger.applying.freeing import what_is_left
from streams.ledger.building.dated import dates_of
from streams.ledger.building.lines import plain_text
from streams.ledger.building.postings import DOCUMENT, AtHand, inverse_id, make_posting, open_item, source_hash_of
from streams.ledger.building.rebuilding import closing
from streams.ledger.known.books import Books
from streams.ledger.known.made import Made, row_of
from streams.ledger.known.state import LedgerState, is_refund
from streams.ledger.stopping import reasons

TRANSFER = "transfer"


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a payment changed hands.

    Attributes:
        transferred: It belongs to another customer now, by another account: its money moves.
        whose: Under whom its money stands, where nothing moves it and no posting says so.
    """

    transferred: bool
    whose: Whose | None


def move_of(at_hand: AtHand, made: Made, *, loaded: bool, changed_since: bool) -> Move:
    """Return whether a payment changed hands since its money was last known to stand under somebody.

    Args:
        at_hand: The payment.
        made: What was made of it.
        loaded: Others loaded it at the cut-over, under whom it belonged to then.
        changed_since: It was changed since the cut-over.
    """
    known = made.is_placed and changed_since if loaded else made.live
    if not known:
        whose = Whose(account=at_hand.account, customer=at_hand.customer)
        return Move(transferred=False, whose=whose if loaded else None)
    if at_hand.account == made.account:
        whose = Whose(account=made.account, customer=made.customer)
        return Move(transferred=False, whose=whose if made.unmoved else None)
    if at_hand.customer != made.customer:
        return Move(transferred=True, whose=None)
    return Move(transferred=False, whose=Whose(account=at_hand.account, customer=made.customer))


def next_transfer(connection: str, document: str, state: LedgerState, *, after: int = 0) -> PostingId:
    """Return the name of the transfer of a payment that comes next, or `after` so many more."""
    kind, zuora_id = document_parts(document)
    n = state.of(document).transfers + after + 1
    return posting_id(connection, kind=kind, zuora_id=zuora_id, act=Act.TRANSFER, n=n, step=TRANSFER)


def holder_of(at_hand: AtHand, document: str, state: LedgerState) -> PostingId:
    """Return the posting that holds what the refund at hand gives back, by the time it can.

    Zuora gives a refund the account of its payment: where that is one of another customer, the transfer to it has not
    been read yet.
    """
    made = state.of(document)
    # Without a posting it has its place where others loaded it.
    stands = made.is_placed and (made.live or not made.n)
    if stands and at_hand.account != made.account and at_hand.customer != made.customer:
        return next_transfer(at_hand.connection, document, state)
    return open_item(at_hand.connection, document, state)


def refunds_elsewhere(at_hand: AtHand, holder: Posting, *, state: LedgerState) -> list[Posting]:
    """Return the refunds that were read before what holds their payment now, and give it back from where it goes next.

    They are written with that receipt, opening or transfer: else they would be sent against it as soon as it is in QAD.
    """
    is_opening = isinstance(holder.content, OpeningContent)
    customer = at_hand.customer if is_opening else getattr(holder.content, "customer", "")
    item = next_transfer(at_hand.connection, at_hand.document, state, after=holder.act is Act.TRANSFER)
    refunds = (state.of(name) for name in sorted(state.of(at_hand.document).payers) if is_refund(name))
    return [
        posting
        for made in refunds
        if made.account != at_hand.account and made.customer != customer
        for posting in closing(made, item, instead_of=holder.id)
    ]


def transfer(
    at_hand: AtHand,
    *,
    holder: PostingId,
    total: Decimal,
    changed: date,
    used_before: Decimal,
    refunded: Decimal,
    unapplied: Sequence[Posting],
    mapping: Mapping,
    state: LedgerState,
    books: Books,
) -> list[Posting]:
    """Return what gives a payment to the customer that it belongs to now; refunds from where it goes next point there.

    Args:
        at_hand: The payment, which stands.
        holder: The posting that holds its money.
        total: Its amount.
        changed: When it was transferred.
        used_before: How much of it stood applied at the cut-over, where others loaded it.
        refunded: How much of it refunds gave back, by Zuora's word.
        unapplied: Postings of its rows from before that, which this decision makes.
        mapping: For the daybook and the policy on closed periods.
        state: What was made before.
        books: What both systems showed.

    Raises:
        CannotGoOn: It was given to nobody, or a part of it is applied or refunded; no daybook or open period.
    """
    made, number = state.of(at_hand.document), at_hand.number
    if not at_hand.customer:
        raise CannotGoOn(reasons.not_supported(number, "it was taken from its account, and belongs to nobody now"))
    new = {
        posting.content.row: row_of(posting, posting.content)
        for posting in unapplied
        if isinstance(posting.content, AllocationContent)
    }
    rows, item = made.rows | new, next_transfer(at_hand.connection, at_hand.document, state)
    refunds = state.refunds_of(at_hand.document)
    after = sum((refund.total for refund in refunds if refund.closes == item), ZERO)
    before = [refund for refund in refunds if refund.closes == holder]
    # Zuora transfers what is wholly there: what was refunded is refunded from its new account.
    if used_before or before or refunded > after or what_is_left(at_hand.connection, at_hand.document, rows, of=holder):
        what = "it was transferred while a part of it is applied or refunded"
        raise CannotGoOn(reasons.not_supported(number, what, waits_for=(waits.document(at_hand.document),)))
    day, original_day = books.posting_date(number, max(changed, made.posting_date), mapping, kind="payment")
    books.check_daybook(number, mapping.daybooks.adjustment)
    content = TransferContent(
        of=holder,
        customer=at_hand.customer,
        currency=at_hand.currency,
        total=total,
        document_date=day if original_day is None else original_day,
        posting_date=day,
        daybook=mapping.daybooks.adjustment,
        description=plain_text(f"Zuora {number} transferred"),
        original_date=original_day,
    )
    freed = [
        row_posting_id(at_hand.connection, at_hand.document, row=name, amount=row.amount, times=row.times)
        for name, row in rows.items()
        if row.payer == holder and row.amount < 0 and not row.detached
    ]
    moved = make_posting(
        at_hand,
        act=Act.TRANSFER,
        n=made.transfers + 1,
        step=TRANSFER,
        content=content,
        source_hash=source_hash_of(number=number, total=total, account=at_hand.account),
        after=(holder, *freed),
    )
    return [moved, *refunds_elsewhere(at_hand, moved, state=state)]


def unassigned_cash(
    at_hand: AtHand,
    *,
    total: Decimal,
    day: date,
    bank: BankRow,
    source_hash: str,
    version: MappingPublished,
    state: LedgerState,
    books: Books,
    n: int,
) -> Posting:
    """Return the journal of a payment of nobody known yet: bank against unassigned cash.

    Raises:
        CannotGoOn: The mapping names no account or daybook for it, or no period is open.
    """
    number, mapping = at_hand.number, version.mapping
    place = mapping.policy.unassigned_cash
    if place is None:
        raise CannotGoOn(reasons.no_account(number))
    books.check_account(number, place)
    daybook = books.named_daybook(number, mapping, "journal")
    posting_date, original_date = dates_of(
        state.of(at_hand.document), number=number, day=day, n=n, version=version, books=books, kind="payment"
    )
    content = JournalContent(
        currency=at_hand.currency,
        total=total,
        document_date=day,
        posting_date=posting_date,
        daybook=daybook,
        description=plain_text(f"Zuora {number}"),
        lines=(_line(bank, "bank", debit=total), _line(place, "unassigned", credit=total)),
        original_date=original_date,
    )
    before = [inverse_id(at_hand, n - 1)] if n > 1 else []
    return make_posting(
        at_hand, act=Act.POST, n=n, step=DOCUMENT, content=content, source_hash=source_hash, after=before
    )


def _line(place: Analysis, role: str, *, debit: Decimal = Decimal(0), credit: Decimal = Decimal(0)) -> GlLine:
    return GlLine(
        account=place.account,
        sub_account=place.sub_account,
        cost_centre=place.cost_centre,
        project=place.project,
        debit=debit,
        credit=credit,
        text=plain_text(place.text),
        role=role,
    )
