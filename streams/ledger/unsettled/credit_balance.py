"""The credit balance of an account: what came down onto invoices is taken from what went up, the oldest first.

What goes up moves nothing in QAD: the negative invoice, or what a payment left over, is open there already, and is the
customer's item on account. What comes down is an allocation from such items. A row that was posted stays what it is,
whatever is read later; one that is cancelled is taken back. Source: ACCOUNTING 1 and 2.
"""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from schemas.errors import CannotGoOn
from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.postings import Posting
from streams.ledger.applying.allocations import ON_ACCOUNT, row_posting, row_posting_id
from streams.ledger.applying.applications import SignedRow
from streams.ledger.applying.charged import INSTEAD, divided, is_off_its_item, is_part
from streams.ledger.building.dated import day_of
from streams.ledger.building.openings import loaded_by_others, openings_of
from streams.ledger.building.postings import AtHand, Plan, open_item
from streams.ledger.known.books import Books
from streams.ledger.known.made import Row
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons
from streams.ledger.unsettled.records import Movement


def plan_credit_balance(at_hand: AtHand, movements: Sequence[Movement], *, state: LedgerState, books: Books) -> Plan:
    """Return what came of a credit balance now, and why some of it could not go on.

    Raises:
        CannotGoOn: There is no mapping yet.
    """
    walk = _Walk(at_hand, movements, state=state, books=books)
    for movement in movements:
        if not movement.up:
            walk.down(movement)
    openings = openings_of(at_hand, walk.postings, state=state)
    version = books.version_for(at_hand.number, max(movement.day for movement in movements)) if movements else None
    return Plan(
        postings=(*openings, *walk.postings),
        stops=tuple(walk.stops),
        mapping_version=version.version if version else 0,
    )


class _Walk:
    """The movements of one account, with what is left of each item on account at that moment."""

    def __init__(self, at_hand: AtHand, movements: Sequence[Movement], *, state: LedgerState, books: Books) -> None:
        self._at_hand, self._state, self._books = at_hand, state, books
        self._cut_over = books.cut_over()
        self._numbers: dict[str, str] = {}
        # What is left by document, the one that went up first standing first; "" for what went up by hand.
        self._left: dict[str, Decimal] = {}
        self._rows: list[SignedRow] = []
        self.postings: list[Posting] = []
        self.stops: list[CannotGoOn] = []
        for movement in movements:
            if movement.up:
                self._numbers[movement.document] = movement.document_number
                amount = movement.amount if movement.live and not state.is_taken_back(movement.document) else ZERO
                self._left[movement.document] = self._left.get(movement.document, ZERO) + amount
                if movement.live and not movement.document:
                    self.stops.append(CannotGoOn(reasons.raised_by_hand(at_hand.number, movement.number)))
        for movement in movements:
            if not movement.up and movement.live:
                for document, name, row in self._rows_of(movement):
                    free = self._is_lost(row) or self._is_off_its_item(movement, document, name, row)
                    self._left[document] -= ZERO if free else row.amount

    def _rows_of(self, movement: Movement) -> Iterator[tuple[str, str, Row]]:
        """Yield what was posted of a movement down: the document that paid, and the row with its id."""
        for document in self._numbers:
            for name, row in self._state.of(document).rows.items():
                if row.amount > 0 and (name + ":").startswith(f"{ON_ACCOUNT}{movement.id}:"):
                    yield document, name, row

    def down(self, movement: Movement) -> None:
        """Take the next movement down: it stands already, is posted, taken back, or stops."""
        known = list(self._rows_of(movement))
        try:
            if not movement.live:
                self.postings += [posting for standing in known for posting in self._back(movement, *standing)]
            elif known:
                if self._at_hand.again:
                    # What a reversal freed moves nothing any more: posted again, it would count as standing.
                    still = [standing for standing in known if not standing[2].detached]
                    self.postings += [self._again(movement, *standing) for standing in still]
                off = [one for one in known if self._is_off_its_item(movement, *one)]
                stands = [one for one in known if one not in off and not self._is_lost(one[2])]
                lost = movement.amount - sum((row.amount for *_, row in stands), ZERO)
                for document, moved, row in off:
                    instead = _instead_of(movement, moved, row)
                    if not any(payer == document and is_part(name, instead) for payer, name, _ in known):
                        lost -= row.amount
                        self._onto_what_is_left(movement, document, row, instead=instead)
                if lost > 0:
                    # What paid it is gone, what was owed is not: the rest of the balance stands in for it.
                    self._new(movement, lost, used={document for document, *_ in known})
            else:
                self._new(movement, movement.amount)
        except CannotGoOn as stop:
            self.stops.append(stop)

    def _is_lost(self, row: Row) -> bool:
        """Return whether a row was freed because what paid is gone, while what was owed still stands."""
        owed = row.item_document
        stands = self._state.of(owed).live and row.item == open_item(self._at_hand.connection, owed, self._state)
        return row.detached and stands

    def _is_off_its_item(self, movement: Movement, document: str, name: str, _: Row) -> bool:
        """Return whether a row lay on what takes it no more, while what paid it stands."""
        return is_off_its_item(name, movement.document, payer=document, state=self._state)

    def _onto_what_is_left(self, movement: Movement, document: str, row: Row, *, instead: str) -> None:
        """Take what an item holds no more to what is left of its invoice, which is all Zuora knows, and its charges."""
        if self._left[document] < row.amount:
            short = row.amount - self._left[document]
            raise CannotGoOn(reasons.credit_balance_short(self._at_hand.number, movement.number, short))
        signed = SignedRow(
            id=instead,
            item_document=movement.document,
            amount=row.amount,
            day=movement.day,
            created=movement.created,
        )
        parts = divided(self._at_hand.number, document, signed, also=self._rows, state=self._state)
        self._left[document] -= row.amount
        self._rows += parts
        self.postings += [self._posting(document, part) for part in parts]

    def _new(self, movement: Movement, wanted: Decimal, *, used: Collection[str] = ()) -> None:
        number = self._at_hand.number
        taken = self._taken(movement, wanted)
        if self._cut_over is not None and movement.day < self._cut_over:
            return
        if movement.source == "Refund":
            raise CannotGoOn(reasons.not_supported(number, f"{movement.number} was refunded to the customer"))
        if not movement.document:
            raise CannotGoOn(reasons.not_supported(number, f"{movement.number} was lowered by hand"))
        if movement.source != "Invoice":
            raise CannotGoOn(reasons.not_supported(number, f"{movement.number} came down onto no invoice"))
        if "" in taken:
            raise CannotGoOn(
                reasons.not_supported(number, f"{movement.number} takes what was raised by hand, {taken['']} of it")
            )
        for document in taken:
            if document in used:
                what = f"{movement.number} takes again of {self._numbers[document]}, which was taken back between"
                raise CannotGoOn(reasons.not_supported(number, what))
            if self._state.makes_no_posting(document) and not loaded_by_others(document, self._state):
                what = f"{movement.number} takes what went up by {self._numbers[document]}, of which nothing is in QAD"
                raise CannotGoOn(reasons.not_supported(number, what))
        made = list[tuple[str, SignedRow]]()
        for document, amount in taken.items():
            row = SignedRow(
                id=ON_ACCOUNT + movement.id,
                item_document=movement.document,
                amount=amount,
                day=movement.day,
                created=movement.created,
            )
            also = [*self._rows, *(one for _, one in made)]
            made += [(document, part) for part in divided(number, document, row, also=also, state=self._state)]
        self._rows += [row for _, row in made]
        self.postings += [self._posting(document, row) for document, row in made]

    def _taken(self, movement: Movement, amount: Decimal) -> dict[str, Decimal]:
        """Return what a movement takes of each item, the oldest first, to come to an amount.

        Raises:
            CannotGoOn: There is less.
        """
        taken, rest = dict[str, Decimal](), amount
        for document, left in self._left.items():
            part = min(left, rest)
            if part > 0:
                taken[document] = part
                rest -= part
        if rest:
            raise CannotGoOn(reasons.credit_balance_short(self._at_hand.number, movement.number, rest))
        for document, part in taken.items():
            self._left[document] -= part
        return taken

    def _back(self, movement: Movement, document: str, name: str, row: Row) -> Iterator[Posting]:
        """Yield what takes back what a cancelled movement took; what a reversal freed is free already."""
        connection, back_name = self._at_hand.connection, f"{name}:cancelled"
        done = self._state.of(document).rows.get(back_name)
        if row.detached or (done is not None and not self._at_hand.again):
            return
        back = SignedRow(
            id=back_name,
            item_document=row.item_document,
            amount=-row.amount,
            day=done.day if done else max(day_of(movement.ended, row.day), row.day),
            created=movement.ended,
        )
        taken = row_posting_id(connection, document, row=name, amount=row.amount, times=row.times)
        yield self._posting(document, back, known=done or row, before=[taken], dated=done)

    def _again(self, movement: Movement, document: str, name: str, row: Row) -> Posting:
        signed = SignedRow(
            id=name, item_document=row.item_document, amount=row.amount, day=row.day, created=movement.created
        )
        return self._posting(document, signed, known=row, dated=row)

    def _posting(
        self,
        document: str,
        row: SignedRow,
        *,
        known: Row | None = None,
        dated: Row | None = None,
        before: Sequence[PostingId] = (),
    ) -> Posting:
        connection, state = self._at_hand.connection, self._state
        return row_posting(
            self._at_hand,
            row,
            amount=row.amount,
            times=known.times if known else 1,
            payer=known.payer if known else open_item(connection, document, state),
            item=known.item if known else open_item(connection, row.item_document, state),
            before=before,
            books=self._books,
            dates=(dated.posting_date, dated.original_date) if dated else None,
            payer_document=document,
            payer_number=self._numbers[document],
        )


def _instead_of(movement: Movement, name: str, row: Row) -> str:
    """Return the id of what comes instead of a row; each posting of the invoice that it outlived is named."""
    before, outlived, _ = name.rpartition(f"{INSTEAD}{movement.document}")
    begins = f"{before}{outlived}" if outlived else f"{ON_ACCOUNT}{movement.id}"
    return f"{begins}{INSTEAD}{row.item_document}"
