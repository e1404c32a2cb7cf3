"""Invoices and credit memos: posted, unposted, posted again with other amounts.

One effect, one source: what Zuora expresses by a memo and its application is posted from these alone, so `reversed`
or written-off states make nothing here. Source: ACCOUNTING 1 and 2.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial

import msgspec

from schemas.decisions import MappingPublished
from schemas.errors import CannotGoOn
from schemas.ids import document_parts
from schemas.money import ZERO, MoneyError, plain
from schemas.postings import Act, Content, CreditNoteContent, GlLine, InvoiceContent, Posting
from streams.ledger.applying.allocations import Paying, allocate_rows, parted
from streams.ledger.applying.applications import NO_APPLICATIONS, Applications
from streams.ledger.billing.clearance import check_cleared
from streams.ledger.billing.clearing import clearing_of, journal_content, through_clearing
from streams.ledger.billing.reversals import last_of_reversal, renew_rows, reverse
from streams.ledger.building.dated import before_cut_over, dates_of
from streams.ledger.building.lines import Item, gl_lines, plain_text
from streams.ledger.building.openings import loaded_by_others, openings_of, own_opening
from streams.ledger.building.postings import (
    DOCUMENT,
    JOURNAL,
    AtHand,
    Plan,
    document_posting,
    make_posting,
    newest_posting,
    open_item,
    source_hash_of,
    terms_of,
)
from streams.ledger.known.books import Books
from streams.ledger.known.made import Made
from streams.ledger.known.state import LedgerState
from streams.ledger.stopping import reasons


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
        charges: `kind:id` of the invoice that it charges more, or "".
        applications: What a memo pays.
        unknown: Why it cannot be understood, or None.
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
    charges: str = ""
    applications: Applications = NO_APPLICATIONS
    unknown: CannotGoOn | None = None


def plan_billing(at_hand: AtHand, document: BillingDocument, *, state: LedgerState, books: Books) -> Plan:
    """Return what a billing document becomes now.

    Args:
        at_hand: The matched document.
        document: As the ledger reads it.
        state: What was made before.
        books: What both systems showed.

    Raises:
        CannotGoOn: It cannot be decided, or is not for QAD; the reason says which.
    """
    if not document.posted:
        return _plan_unposted(at_hand, document, state=state, books=books)
    made = state.of(at_hand.document)
    version = _version(at_hand, document, made, books)
    loaded = before_cut_over(
        at_hand.number, day=document.day, entered=document.posted_stamp, cut_over=version.mapping.cut_over
    )
    if loaded is not None:
        return _plan_loaded(at_hand, document, loaded, version=version, state=state, books=books)
    source_hash = _source_hash(at_hand, document)
    corrected = _corrected_on(at_hand, document, made, books)
    undo = made.live and (source_hash != made.source_hash or corrected is not None)
    if undo and corrected is None and (made.opening or document.posted_stamp == made.posted_stamp):
        raise CannotGoOn(reasons.conflict(at_hand.number))
    if undo and state.refunds_of(at_hand.document):
        # What the refund closed may be in QAD: without it, what is reversed is no longer whole, and would stand half.
        raise CannotGoOn(reasons.reposted_refunded(at_hand.number, at_hand.document))
    n = made.n if made.live and not undo else made.n + 1
    post = document_posting(at_hand.connection, at_hand.document, n=n)
    rows = allocate_rows(
        at_hand,
        document.applications,
        paying=Paying(
            post=post,
            since=document.posted_stamp if n > 1 else "",
            before=open_item(at_hand.connection, at_hand.document, state) if undo else None,
        ),
        state=state,
        books=books,
    )
    earlier, later = parted(rows.postings, by=post)
    plan = Plan(stops=rows.stops, posted_stamp=document.posted_stamp, mapping_version=version.version)
    if undo:
        earlier += reverse(at_hand, unapplied=earlier, mapping=version.mapping, state=state, books=books, on=corrected)
    elif made.live and not at_hand.again and at_hand.customer == made.customer:
        return _with(plan, later, at_hand=at_hand, state=state)
    try:
        posted, dropped = _post(
            at_hand,
            document,
            n=n,
            source_hash=source_hash,
            version=version,
            state=state,
            books=books,
            on=corrected,
        )
        renewed = renew_rows(at_hand, renewed=posted[0], posted_stamp=document.posted_stamp, state=state, books=books)
    except CannotGoOn as stop:
        if not undo or corrected is not None:
            raise
        # What stands is not what Zuora shows any more: it goes, whatever becomes of what takes its place.
        return _with(msgspec.structs.replace(plan, stops=(stop, *rows.stops)), earlier, at_hand=at_hand, state=state)
    plan = msgspec.structs.replace(plan, dropped_zero=dropped)
    return _with(plan, [*earlier, *posted, *(renewed if n > 1 else ()), *later], at_hand=at_hand, state=state)


def _plan_unposted(at_hand: AtHand, document: BillingDocument, *, state: LedgerState, books: Books) -> Plan:
    """Undo what stands; what was undone before, or never posted, makes nothing."""
    made = state.of(at_hand.document)
    if loaded_by_others(at_hand.document, state):
        raise CannotGoOn(reasons.opening_undone(at_hand.number, document.status))
    if not made.n:
        raise CannotGoOn(reasons.not_posted(at_hand.number, document.status))
    if not made.live:
        return Plan()
    if state.refunds_of(at_hand.document):
        # Zuora unposts nothing that is refunded: the refund is cancelled by now, or is of what was posted since.
        raise CannotGoOn(reasons.refunds_stand(at_hand.number, document.status, at_hand.document))
    version = books.version_for(at_hand.number, document.day)
    paying = Paying(post=open_item(at_hand.connection, at_hand.document, state))
    rows = allocate_rows(at_hand, document.applications, paying=paying, state=state, books=books)
    undone = reverse(at_hand, unapplied=rows.postings, mapping=version.mapping, state=state, books=books)
    plan = Plan(stops=rows.stops, posted_stamp=made.posted_stamp, mapping_version=version.version)
    return _with(plan, [*rows.postings, *undone], at_hand=at_hand, state=state)


def _plan_loaded(
    at_hand: AtHand,
    document: BillingDocument,
    loaded: CannotGoOn,
    *,
    version: MappingPublished,
    state: LedgerState,
    books: Books,
) -> Plan:
    """Leave an item from before the cut-over to who loaded it; what is applied to or from it later goes from here."""
    paying = Paying(post=document_posting(at_hand.connection, at_hand.document, n=1))
    rows = allocate_rows(at_hand, document.applications, paying=paying, state=state, books=books)
    plan = Plan(stops=(loaded, *rows.stops), mapping_version=version.version)
    own = own_opening(at_hand, rows.postings, state=state)
    return _with(plan, [*own, *rows.postings], at_hand=at_hand, state=state)


def _with(plan: Plan, postings: Sequence[Posting], *, at_hand: AtHand, state: LedgerState) -> Plan:
    """Return the plan with these postings, and before them the openings that they move."""
    return msgspec.structs.replace(plan, postings=(*openings_of(at_hand, postings, state=state), *postings))


def _post(
    at_hand: AtHand,
    document: BillingDocument,
    *,
    n: int,
    source_hash: str,
    version: MappingPublished,
    state: LedgerState,
    books: Books,
    on: date | None,
) -> tuple[list[Posting], int]:
    """Return what the document is posted as, itself first, and how many lines of zero were dropped."""
    number, mapping = at_hand.number, version.mapping
    if document.unknown is not None:
        raise document.unknown
    books.check_currency(number, at_hand.currency)
    if not document.total and (_all_zero(document.items) or mapping.policy.zero_total == "park"):
        raise CannotGoOn(reasons.zero(number) if _all_zero(document.items) else reasons.zero_total(number))
    made = state.of(at_hand.document)
    if on is None and not (made.live and made.n == n):
        check_cleared(number, at_hand.e_invoice, mapping=mapping)
    posting_date, original_date = _dates(at_hand, document, made, n=n, version=version, books=books, on=on)
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
    content: Content
    before = [last_of_reversal(at_hand, made, n - 1)] if n > 1 else []
    journaled = partial(
        journal_content,
        currency=at_hand.currency,
        document_date=document.day,
        dates=(posting_date, original_date),
        description=plain_text(f"Zuora {number}"),
    )
    if not owed:
        if lines.tax_rows:
            raise CannotGoOn(reasons.not_supported(number, "it comes to nothing, and its tax rows go in no journal"))
        content = journaled(lines.lines, daybook=books.named_daybook(number, mapping, "journal"))
        posting = make_posting(
            at_hand, act=Act.POST, n=n, step=DOCUMENT, content=content, source_hash=source_hash, after=before
        )
        return [posting], lines.dropped_zero
    clearing = clearing_of(made, n=n, mapping=mapping)
    carried: tuple[GlLine, ...] = lines.lines
    moved: tuple[GlLine, ...] = ()
    if clearing is not None:
        books.check_account(number, clearing)
        carried, moved = through_clearing(lines.lines, clearing, number=number, currency=at_hand.currency, owed=owed)
    daybook = mapping.daybooks.invoice if owed > 0 else mapping.daybooks.credit_note
    books.check_daybook(number, daybook)
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
            lines=carried,
            terms=terms_of(mapping, at_hand.payment_term),
            original_date=original_date,
            charges=document.charges,
            tax_rows=lines.tax_rows,
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
            lines=carried,
            refers_to=document.refers_to,
            original_date=original_date,
            tax_rows=lines.tax_rows,
        )
    if document.refers_to and not state.makes_no_posting(document.refers_to):
        # Nothing is credited before what it refers to is posted.
        before.append(newest_posting(at_hand.connection, document.refers_to, state))
    posting = make_posting(
        at_hand, act=Act.POST, n=n, step=DOCUMENT, content=content, source_hash=source_hash, after=before
    )
    if not moved:
        return [posting], lines.dropped_zero
    journal = make_posting(
        at_hand,
        act=Act.POST,
        n=n,
        step=JOURNAL,
        content=journaled(moved, daybook=books.named_daybook(number, mapping, "journal"), of=posting.id),
        source_hash=source_hash,
        after=(posting.id,),
    )
    return [posting, journal], lines.dropped_zero


def _dates(
    at_hand: AtHand,
    document: BillingDocument,
    made: Made,
    *,
    n: int,
    version: MappingPublished,
    books: Books,
    on: date | None,
) -> tuple[date, date | None]:
    """Return the posting date of post n, and its document date where that is another."""
    if made.live and made.n == n and books.corrections.day(at_hand.document, n - 1) is not None:
        # It took the place of what people corrected: the day is theirs.
        return made.posting_date, made.original_date
    day = on or document.day
    posting_date, moved = dates_of(
        made,
        number=at_hand.number,
        day=day,
        n=n,
        version=version,
        books=books,
        kind=document_parts(at_hand.document)[0],
    )
    return posting_date, (document.day if on is not None and posting_date != document.day else moved)


def _corrected_on(at_hand: AtHand, document: BillingDocument, made: Made, books: Books) -> date | None:
    """Return the day on which people decided to correct the posting that stands, None where they did not.

    Raises:
        CannotGoOn: It pays others: what is applied from it goes with its record alone.
    """
    day = books.corrections.day(at_hand.document, made.n) if made.live and not made.opening else None
    if day is not None and document.applications.rows:
        raise CannotGoOn(reasons.corrected_and_applied(at_hand.number))
    return day


def _version(at_hand: AtHand, document: BillingDocument, made: Made, books: Books) -> MappingPublished:
    """Return the mapping that counts: the newest one for what people correct, or corrected before."""
    corrections = books.corrections
    corrected = any(corrections.day(at_hand.document, n) is not None for n in range(1, made.n + 1))
    found = books.version_for(at_hand.number, document.day)
    return books.versions[-1] if corrected and not made.opening else found


def _source_hash(at_hand: AtHand, document: BillingDocument) -> str:
    try:
        lines = sorted(
            (
                item.id,
                plain(item.net),
                item.codes,
                str(item.starts or ""),
                str(item.ends or ""),
                sorted((row.id, plain(row.tax_amount or ZERO), row.tax_code or "") for row in item.tax_rows),
            )
            for item in document.items
        )
    except MoneyError as error:
        raise CannotGoOn(reasons.bad_amount(at_hand.number, str(error))) from None
    return source_hash_of(
        number=at_hand.number,
        account=at_hand.account,
        currency=at_hand.currency,
        total=plain(document.total),
        day=document.day,
        lines=lines,
    )


def _all_zero(items: Sequence[Item]) -> bool:
    return not any(item.net or any(row.tax_amount for row in item.tax_rows) for item in items)
