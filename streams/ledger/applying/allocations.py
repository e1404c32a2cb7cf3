"""Application rows as postings that move an amount between two open items: applied, or taken back.

Never decides whether the items are in QAD: an allocation names them, and the sink waits for both.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.ids import PostingId, document_parts, posting_id
from schemas.money import ZERO
from schemas.postings import Act, AllocationContent, Posting
from streams.ledger.applying.applications import Applications, SignedRow, is_since
from streams.ledger.applying.charged import application_of
from streams.ledger.building.postings import AtHand, make_posting, open_item, source_hash_of
from streams.ledger.known.books import Books
from streams.ledger.known.made import Row
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons

# A row of a payment or invoice whose id begins so is of a credit balance, and no application of its own.
ON_ACCOUNT = "on-account:"


class Paying(msgspec.Struct, frozen=True, kw_only=True):
    """The postings of the document at hand from which its rows pay.

    Attributes:
        post: The posting that stands, or will.
        since: When Zuora posted it, where it was posted before; "" where there is no earlier one.
        before: The posting that this decision reverses, or whose money it transfers: earlier rows are still its own.
        account: Where the money is transferred: the account that it goes to; rows of another came before.
        anew: What it was posted as before is gone, and was deleted: all its rows are of the posting that stands now.
    """

    post: PostingId
    since: str = ""
    before: PostingId | None = None
    account: str = ""
    anew: bool = False

    def of(self, row: SignedRow) -> PostingId:
        """Return the posting from which a new row pays."""
        if self.before and self.account:
            return self.before if row.account not in ("", self.account) else self.post
        return self.before if self.before and not is_since(row.created, self.since) else self.post

    def outlived(self, row: SignedRow, known: Row) -> bool:
        """Return whether a row's posting belongs to an earlier posting of the payer than the row does."""
        return known.payer != self.post and (self.anew or is_since(row.created, self.since))


class Allocations(msgspec.Struct, frozen=True, kw_only=True):
    """Postings of application rows, in order; and why rows did not become one."""

    postings: tuple[Posting, ...] = ()
    stops: tuple[CannotGoOn, ...] = ()


def allocate_rows(
    at_hand: AtHand, applications: Applications, *, paying: Paying, state: LedgerState, books: Books
) -> Allocations:
    """Return a posting for each row that has none yet, or for all that stand when the document is decided again.

    Rows dated before the cut-over are in the opening balances. An unapplication takes back what stands; the part of it
    that a reversal has freed already makes nothing.

    Args:
        at_hand: The document that pays.
        applications: All rows of it, oldest first.
        paying: From which of its postings they pay.
        state: What was made before.
        books: What both systems showed.
    """
    walk = _Walk(at_hand, paying=paying, state=state, books=books)
    cut_over = books.cut_over()
    for row in applications.rows:
        if cut_over is None or row.day >= cut_over:
            walk.take(row)
    return Allocations(postings=tuple(walk.postings), stops=(*applications.stops, *walk.stops))


def check_same_rows(at_hand: AtHand, applications: Applications, *, state: LedgerState) -> None:
    """Hold that rows which were posted are among those that Zuora shows now.

    Raises:
        CannotGoOn: None of them is: they were made anew under other ids, and would all be posted again.
    """
    known = {application_of(name) for name in state.of(at_hand.document).rows if not name.startswith(ON_ACCOUNT)}
    shown = {application_of(row.id) for row in applications.rows}
    if known and shown and not known & shown:
        raise CannotGoOn(reasons.applied_otherwise(at_hand.number))


class _Walk:
    """The rows of one payer in Zuora's order, with what stands of each pair at that moment."""

    def __init__(self, at_hand: AtHand, *, paying: Paying, state: LedgerState, books: Books) -> None:
        self._at_hand, self._paying, self._state, self._books = at_hand, paying, state, books
        self._known = state.of(at_hand.document).rows
        # By the document that is owed: what stands applied, and what reversals freed that Zuora has yet to unapply.
        self._standing: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        self._freed: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        self._blocked: set[str] = set()
        self._earlier: list[tuple[SignedRow, PostingId]] = []
        # By the document that is owed: which posting paid it last.
        self._payers: dict[str, PostingId] = {}
        self.postings: list[Posting] = []
        self.stops: list[CannotGoOn] = []

    def take(self, row: SignedRow) -> None:
        """Take the next row: it becomes a posting, stands as one already, or stops."""
        known = self._known.get(row.id)
        if known is not None and not self._paying.outlived(row, known):
            self._take_known(row, known)
        elif row.item_document not in self._blocked:
            try:
                self._take_new(row, times=known.times + 1 if known else 1)
            except CannotGoOn as stop:
                # What comes after it between the same two documents would move what is not there.
                self._blocked.add(row.item_document)
                self.stops.append(stop)

    def _take_known(self, row: SignedRow, known: Row) -> None:
        item = row.item_document
        if row.amount < 0:
            self._freed[item] -= known.amount - row.amount
        (self._freed if known.detached else self._standing)[item] += known.amount
        if known.amount > 0 and not known.detached:
            self._payers[item] = known.payer
        if self._at_hand.again and not known.detached:
            self.postings.append(
                row_posting(
                    self._at_hand,
                    row,
                    amount=known.amount,
                    times=known.times,
                    payer=known.payer,
                    item=known.item,
                    before=self._before(row),
                    dates=(known.posting_date, known.original_date),
                    books=self._books,
                )
            )
        if not known.detached or known.amount < 0:
            name = row_posting_id(
                self._at_hand.connection,
                self._at_hand.document,
                row=row.id,
                amount=known.amount,
                times=known.times,
            )
            self._earlier.append((row, name))

    def _take_new(self, row: SignedRow, *, times: int) -> None:
        item, amount = row.item_document, row.amount
        if amount < 0:
            taken = min(self._freed[item], -amount)
            self._freed[item] -= taken
            amount += taken
            if not amount:
                self.stops.append(CannotGoOn(reasons.already_deallocated(self._at_hand.number, row.id, item=item)))
                return
            if self._standing[item] + amount < 0:
                raise CannotGoOn(
                    reasons.not_supported(self._at_hand.number, "it unapplies what was applied before the cut-over")
                )
        payer = self._paying.of(row)
        if self._paying.account and amount < 0:
            # Whatever the row says: what it takes back stands on the posting that paid.
            payer = self._payers.get(item, payer)
        posting = row_posting(
            self._at_hand,
            row,
            amount=amount,
            times=times,
            payer=payer,
            item=open_item(self._at_hand.connection, item, self._state),
            before=self._before(row),
            books=self._books,
        )
        self._standing[item] += amount
        if amount > 0:
            self._payers[item] = payer
        self.postings.append(posting)
        self._earlier.append((row, posting.id))

    def _before(self, row: SignedRow) -> list[PostingId]:
        """Return the postings of earlier rows that a row comes after.

        An unapplication comes after the allocations of its pair: what is undone must have been done. An application
        comes after all that was unapplied of its payer: until then the payer may have nothing left to give.
        """
        return [
            name
            for earlier, name in self._earlier
            if (earlier.amount < 0 < row.amount)
            or (row.amount < 0 < earlier.amount and earlier.item_document == row.item_document)
        ]


def parted(rows: Sequence[Posting], *, by: PostingId) -> tuple[list[Posting], list[Posting]]:
    """Return the rows that pay from an earlier posting of the document, and those that pay from this one."""
    parts: tuple[list[Posting], list[Posting]] = ([], [])
    for posting in rows:
        parts[isinstance(posting.content, AllocationContent) and posting.content.payer == by].append(posting)
    return parts


def row_posting(
    at_hand: AtHand,
    row: SignedRow,
    *,
    amount: Decimal,
    times: int,
    payer: PostingId,
    item: PostingId,
    before: Sequence[PostingId],
    books: Books,
    dates: tuple[date, date | None] | None = None,
    payer_document: str = "",
    payer_number: str = "",
) -> Posting:
    """Return the posting of one application row.

    Args:
        at_hand: The document that is being decided.
        row: As Zuora shows it.
        amount: What of it is to be moved, signed as the row.
        times: How often it was posted, with this time.
        payer: The posting that pays.
        item: The posting that is owed.
        before: Postings of earlier rows that come first.
        books: What both systems showed.
        dates: Posting date, and the row's own where that is another, if the row is posted already.
        payer_document: `kind:id` of what pays, where it is not the document at hand.
        payer_number: Its number, likewise.

    Raises:
        CannotGoOn: No mapping, daybook or open period for its date.
    """
    number = payer_number or at_hand.number
    mapping = books.version_for(number, row.day).mapping
    day, original_day = dates or books.posting_date(number, row.day, mapping, kind="application")
    books.check_daybook(number, mapping.daybooks.adjustment)
    reopens = amount < 0
    content = AllocationContent(
        payer=payer,
        item=item,
        payer_document=payer_document or at_hand.document,
        item_document=row.item_document,
        amount=abs(amount),
        currency=at_hand.currency,
        document_date=row.day,
        posting_date=day,
        daybook=mapping.daybooks.adjustment,
        description=f"{number} {'unapplied' if reopens else 'applied'}",
        reopens=reopens,
        row=row.id,
        row_created=row.created,
        original_date=original_day,
    )
    return make_posting(
        at_hand,
        document=payer_document,
        number=payer_number,
        act=_act(amount),
        n=times,
        step=_step(row.id, amount),
        content=content,
        source_hash=source_hash_of(row=row.id, amount=row.amount, item=row.item_document, day=row.day),
        after=(payer, item, *before),
    )


def row_posting_id(connection: str, payer_document: str, *, row: str, amount: Decimal, times: int) -> PostingId:
    """Return the name of a row's posting."""
    kind, zuora_id = document_parts(payer_document)
    return posting_id(connection, kind=kind, zuora_id=zuora_id, act=_act(amount), n=times, step=_step(row, amount))


def _act(amount: Decimal) -> Act:
    return Act.DEALLOCATE if amount < 0 else Act.ALLOCATE


def _step(row: str, amount: Decimal) -> str:
    return f"{'deallocate' if amount < 0 else 'allocate'}:{row}"
