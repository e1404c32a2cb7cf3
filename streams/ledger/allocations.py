"""Postings that move amounts between open items: an application, an unapplication, and what a reversal takes along.

Never decides whether the items are in QAD: an allocation names them, and the sink waits for both.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from schemas.errors import CannotGoOn
from schemas.ids import PostingId, document_parts, posting_id
from schemas.mapping import Mapping
from schemas.money import ZERO
from schemas.postings import Act, AllocationContent, OpeningContent, Posting
from streams.identity import moment_of
from streams.ledger import reasons
from streams.ledger.applications import SignedRow
from streams.ledger.books import Books
from streams.ledger.building import DOCUMENT, AtHand, make_posting, open_item, source_hash_of
from streams.ledger.state import LedgerState, Made, Row


class Allocations(msgspec.Struct, frozen=True, kw_only=True):
    """Postings of application rows, in order; and why a row could not become one."""

    postings: tuple[Posting, ...] = ()
    stop: CannotGoOn | None = None


def allocate_rows(
    at_hand: AtHand, rows: Sequence[SignedRow], *, cut_over: date, state: LedgerState, books: Books
) -> Allocations:
    """Return a posting for each row that has none yet, or for all of them when the document is decided again.

    Rows dated before the cut-over are in the opening balances; an unapplication that a reversal has done already
    makes nothing.
    """
    made = state.of(at_hand.document)
    net = _net_by_item(made)
    postings: list[Posting] = []
    stop: CannotGoOn | None = None
    for row in rows:
        known = made.rows.get(row.id)
        if row.day < cut_over or (known is not None and (not at_hand.again or known.detached)):
            continue
        try:
            if known is None and not _goes(at_hand, row, net=net, made=made):
                continue
            before = _rows_before(at_hand, row, postings, state=state)
            postings.append(_row_posting(at_hand, row, known=known, before=before, state=state, books=books))
        except CannotGoOn as cannot:
            stop = cannot
            continue
        if known is None:
            net[row.item_document] = net.get(row.item_document, ZERO) + row.amount
    return Allocations(postings=(*_openings(at_hand, postings, state=state), *postings), stop=stop)


def opening(at_hand: AtHand, document: str, number: str) -> Posting:
    """Return the posting that stands for an item from before the cut-over: the sink finds it in QAD by its number."""
    kind, _ = document_parts(document)
    content = OpeningContent(number=number, currency=at_hand.currency, item_kind=kind)
    return make_posting(
        at_hand,
        document=document,
        number=number,
        act=Act.POST,
        n=1,
        step=DOCUMENT,
        content=content,
        source_hash=source_hash_of(opening=number),
    )


def deallocate_for_reversal(
    at_hand: AtHand, *, original: PostingId, day: date, original_day: date | None, mapping: Mapping, state: LedgerState
) -> list[Posting]:
    """Return a deallocation for each row that is still applied to the document whose posting is reversed."""
    made = state.of(at_hand.document)
    postings = []
    for row_id, payer_document in made.applied.items():
        row = state.of(payer_document).rows[row_id]
        payer = open_item(at_hand.connection, payer_document, state)
        content = AllocationContent(
            payer=payer,
            item=original,
            payer_document=payer_document,
            item_document=at_hand.document,
            amount=abs(row.amount),
            currency=made.currency,
            document_date=day,
            posting_date=day,
            daybook=mapping.daybooks.adjustment,
            description=f"{at_hand.number} reversed",
            reopens=True,
            row=row_id,
            row_created=row.created,
            original_date=original_day,
        )
        allocation = _row_id(at_hand.connection, payer_document, row_id, Act.ALLOCATE, row.times)
        postings.append(
            make_posting(
                at_hand,
                act=Act.REVERSE,
                n=made.n,
                step=f"deallocate:{row_id}",
                content=content,
                source_hash=made.source_hash,
                after=(original, payer, allocation),
            )
        )
    return postings


def allocate_again(
    at_hand: AtHand, *, renewed: PostingId, posted_stamp: str, day: date, mapping: Mapping, state: LedgerState
) -> list[Posting]:
    """Return allocations to the renewed posting of rows that Zuora made after it was posted again."""
    made = state.of(at_hand.document)
    posted = moment_of(posted_stamp)
    candidates = {**made.detached, **made.applied}
    postings = []
    for row_id, payer_document in candidates.items():
        row = state.of(payer_document).rows[row_id]
        created = moment_of(row.created)
        if row.amount < 0 or posted is None or created is None or created < posted:
            continue
        payer = open_item(at_hand.connection, payer_document, state)
        content = AllocationContent(
            payer=payer,
            item=renewed,
            payer_document=payer_document,
            item_document=at_hand.document,
            amount=row.amount,
            currency=at_hand.currency,
            document_date=day,
            posting_date=day,
            daybook=mapping.daybooks.adjustment,
            description=f"to {at_hand.number} posted again",
            row=row_id,
            row_created=row.created,
        )
        postings.append(
            make_posting(
                at_hand,
                document=payer_document,
                number=state.of(payer_document).number,
                act=Act.ALLOCATE,
                n=row.times + 1,
                step=f"allocate:{row_id}",
                content=content,
                source_hash=source_hash_of(row=row_id, amount=row.amount, item=at_hand.document),
                after=(payer, renewed),
            )
        )
    return postings


def _row_posting(
    at_hand: AtHand, row: SignedRow, *, known: Row | None, before: list[PostingId], state: LedgerState, books: Books
) -> Posting:
    mapping = books.version_for(at_hand.number, row.day).mapping
    day, original_day = books.posting_date(at_hand.number, row.day, mapping)
    books.check_daybook(at_hand.number, mapping.daybooks.adjustment)
    payer = open_item(at_hand.connection, at_hand.document, state)
    item = open_item(at_hand.connection, row.item_document, state)
    reopens = row.amount < 0
    content = AllocationContent(
        payer=payer,
        item=item,
        payer_document=at_hand.document,
        item_document=row.item_document,
        amount=abs(row.amount),
        currency=at_hand.currency,
        document_date=row.day,
        posting_date=day,
        daybook=mapping.daybooks.adjustment,
        description=f"{at_hand.number} {'unapplied' if reopens else 'applied'}",
        reopens=reopens,
        row=row.id,
        row_created=row.created,
        original_date=original_day,
    )
    act = Act.DEALLOCATE if reopens else Act.ALLOCATE
    return make_posting(
        at_hand,
        act=act,
        n=known.times if known else 1,
        step=_step(act, row.id),
        content=content,
        source_hash=source_hash_of(row=row.id, amount=row.amount, item=row.item_document, day=row.day),
        after=(payer, item, *before),
    )


def _goes(at_hand: AtHand, row: SignedRow, *, net: dict[str, Decimal], made: Made) -> bool:
    """Return whether a new row has an effect; raise where it undoes more than stands."""
    if row.amount > 0 or net.get(row.item_document, ZERO) + row.amount >= 0:
        return True
    if any(known.detached and known.item_document == row.item_document for known in made.rows.values()):
        return False
    raise CannotGoOn(reasons.not_supported(at_hand.number, "it unapplies what was applied before the cut-over"))


def _net_by_item(made: Made) -> dict[str, Decimal]:
    net: dict[str, Decimal] = {}
    for row in made.rows.values():
        if not row.detached:
            net[row.item_document] = net.get(row.item_document, ZERO) + row.amount
    return net


def _rows_before(at_hand: AtHand, row: SignedRow, planned: Sequence[Posting], *, state: LedgerState) -> list[PostingId]:
    """Return the postings of rows that a row comes after.

    An unapplication comes after the allocations of its pair: what is undone must have been done. An application comes
    after all that was unapplied of its payer before: until then the payer may have nothing left to give.
    """
    made = state.of(at_hand.document)
    if row.amount > 0:
        standing = [
            _row_id(at_hand.connection, at_hand.document, row_id, Act.DEALLOCATE, known.times)
            for row_id, known in made.rows.items()
            if known.amount < 0 and (known.created, row_id) < (row.created, row.id)
        ]
        return standing + [posting.id for posting in planned if posting.act is Act.DEALLOCATE]
    standing = [
        _row_id(at_hand.connection, at_hand.document, row_id, Act.ALLOCATE, known.times)
        for row_id, known in made.rows.items()
        if known.item_document == row.item_document and known.amount > 0 and not known.detached
    ]
    return standing + [
        posting.id
        for posting in planned
        if isinstance(posting.content, AllocationContent)
        and posting.content.item_document == row.item_document
        and not posting.content.reopens
    ]


def _openings(at_hand: AtHand, postings: Sequence[Posting], *, state: LedgerState) -> list[Posting]:
    """Return an opening for each document of these allocations that is from before the cut-over and has none yet."""
    documents = dict.fromkeys(
        document
        for posting in postings
        if isinstance(posting.content, AllocationContent)
        for document in (posting.content.payer_document, posting.content.item_document)
    )
    openings = []
    for document in documents:
        entry = state.standings.entries.get(document)
        standing = entry.standing if entry else None
        if standing is not None and standing.reason.rule == "before_cut_over" and not state.of(document).opening:
            openings.append(opening(at_hand, document, standing.number))
    return openings


def _row_id(connection: str, payer_document: str, row_id: str, act: Act, times: int) -> PostingId:
    kind, zuora_id = document_parts(payer_document)
    return posting_id(connection, kind=kind, zuora_id=zuora_id, act=act, n=times, step=_step(act, row_id))


def _step(act: Act, row_id: str) -> str:
    return f"{'deallocate' if act is Act.DEALLOCATE else 'allocate'}:{row_id}"
