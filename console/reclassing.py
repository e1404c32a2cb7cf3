"""Moving lines of a document to another GL account: where they stand in QAD, who proposed it, and the decision.

Only what is in QAD is moved, and from where it stands there: what was sent counts, not what the newest mapping says.
Nothing is booked here: the ledger stage does that, once two people have decided it. Source: ACCOUNTING 1, 2 and 9.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from console.decisions import as_the_ledger_says, decide, decided, now, proposer, read_books
from console.reconciliation.facts import LogSide
from console.reconciliation.reading import read_log
from console.wiring import Wiring
from schemas.decisions import AnyDecision, DocumentReclassified
from schemas.errors import Misconfigured
from schemas.ids import document_parts
from schemas.mapping import Analysis
from schemas.money import ZERO
from schemas.postings import (
    Act,
    CreditNoteContent,
    GlLine,
    InverseContent,
    InvoiceContent,
    JournalContent,
    Posting,
)
from schemas.records import BILLED
from streams.ledger.billing.reclassing import moved, number_of, place_of
from streams.ledger.building.postings import DOCUMENT, JOURNAL
from streams.ledger.known.books import Books
from streams.ledger.known.made import CLEARING


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for.

    Attributes:
        document: `kind:id`.
        account: The GL account on which the lines stand now.
        to: Where they are to go.
        only: Zuora ids of the items or tax rows whose lines are meant; none for all on that account.
        day: Posting date of the journal.
    """

    document: str
    account: str
    to: Analysis
    only: tuple[str, ...] = ()
    day: date


class Reclass(msgspec.Struct, frozen=True, kw_only=True):
    """What a reclass would do.

    Attributes:
        document: `kind:id`.
        n: The posting of it that stands.
        m: Which reclass of that posting it is.
        lines: What moves, as it stands in QAD.
        to: Where it goes.
        total: What the journal comes to.
        day: Its posting date.
        daybook: Its daybook.
        proposed_by: Who proposed it, "" where nobody has.
        approves: Deciding it now approves it, and it is done.
    """

    connection: str
    document: str
    number: str
    n: int
    m: int
    currency: str
    lines: tuple[GlLine, ...]
    to: Analysis
    total: Decimal
    day: date
    daybook: str
    proposed_by: str
    approves: bool


async def plan_reclass(wiring: Wiring, wanted: Wanted, *, connection: str, person: str) -> Reclass:
    """Return what a person's decision would do now; nothing is changed.

    Raises:
        Misconfigured: Nothing that could be moved is in QAD, it may not go there; or this person proposed it.
    """
    decisions = await decided(wiring, connection)
    books = await read_books(wiring, connection, decisions)
    log = await read_log(wiring, connection)
    return reclass_of(log, decisions, books, wanted, connection=connection, person=person)


def reclass_of(
    log: LogSide, decisions: Iterable[AnyDecision], books: Books, wanted: Wanted, *, connection: str, person: str
) -> Reclass:
    """Return what a person's decision would do, by the log.

    Args:
        log: Postings as they were sent, and where they stand.
        decisions: All decisions, oldest first.
        books: What QAD showed, and what was approved.
        wanted: What is asked for.
        connection: Whose document it is.
        person: Who decides.

    Raises:
        Misconfigured: Nothing that could be moved is in QAD, it may not go there; or it is decided already, or
            proposed by this person.
    """
    standing = _standing(log, books, wanted.document)
    lines = _chosen(_as_they_stand(standing), standing, wanted)
    document, to = standing.document, wanted.to
    with as_the_ledger_says():
        mapping = books.version_for(document.number, wanted.day).mapping
        for place in dict.fromkeys((*map(place_of, lines), to)):
            books.check_journal_account(document.number, place)
        daybook = books.named_daybook(document.number, mapping, "journal")
        day, _ = books.posting_date(document.number, wanted.day, mapping, kind=document_parts(wanted.document)[0])
    m = len(standing.reclasses) + 1
    people = [
        one.by
        for one in decisions
        if isinstance(one, DocumentReclassified)
        and (one.document, one.n, one.m, one.lines, one.to) == (wanted.document, document.n, m, lines, to)
    ]
    proposed_by = proposer(people, person)
    return Reclass(
        connection=connection,
        document=wanted.document,
        number=document.number,
        n=document.n,
        m=m,
        currency=document.content.currency,
        lines=lines,
        to=to,
        total=sum((line.debit + line.credit for line in lines), ZERO),
        day=day,
        daybook=daybook,
        proposed_by=proposed_by,
        approves=bool(proposed_by),
    )


async def decide_reclass(wiring: Wiring, plan: Reclass, *, by: str, why: str) -> None:
    """Write a person's decision."""
    decision = DocumentReclassified(
        connection=plan.connection,
        by=by,
        at=now(),
        why=why,
        document=plan.document,
        number=plan.number,
        n=plan.n,
        m=plan.m,
        lines=plan.lines,
        to=plan.to,
        day=plan.day,
    )
    await decide(wiring, decision)


class _Standing(NamedTuple):
    """A posting that stands in QAD, the journal beside it where it went over clearing, and what was moved of it."""

    document: Posting
    journal: Posting | None
    reclasses: Sequence[Posting]


def _standing(log: LogSide, books: Books, name: str) -> _Standing:
    own = [posting for posting in log.postings.values() if posting.document == name]
    posts = [posting for posting in own if posting.act is Act.POST and posting.step == DOCUMENT]
    if not posts:
        raise Misconfigured(f"nothing of {name} was posted from here: there is nothing to move")
    document = max(posts, key=lambda posting: posting.n)
    if document_parts(name)[0] not in BILLED:
        raise Misconfigured(f"{document.number} is no invoice or memo: only their lines are moved to other accounts")
    beside = [posting for posting in own if posting.n == document.n and posting is not document]
    if books.corrections.day(name, document.n) or any(isinstance(one.content, InverseContent) for one in beside):
        raise Misconfigured(
            f"{document.number} is taken back, or about to be: when it is posted anew, move what stands then"
        )
    journal = next((one for one in beside if one.act is Act.POST and one.step == JOURNAL), None)
    reclasses = sorted((one for one in beside if one.act is Act.RECLASS), key=number_of)
    if len(reclasses) < len(books.reclasses.of(name, document.n)):
        raise Misconfigured(f"two people have moved {document.number} already, and it is not booked yet: wait for that")
    for posting in (document, *([journal] if journal is not None else []), *reclasses):
        standing = log.standings.get(posting.id)
        if standing is None or standing.status != "posted":
            status = standing.status if standing is not None else "not begun"
            raise Misconfigured(
                f"{document.number} is not in QAD as it should be: its {posting.step} is {status}; mend that first"
            )
    return _Standing(document, journal, reclasses)


def _as_they_stand(standing: _Standing) -> list[GlLine]:
    """Return the lines of a document where they stand in QAD now, but those on its clearing account."""
    carried = [one for one in (standing.document, standing.journal) if one is not None]
    lines = [line for posting in carried for line in _lines_of(posting) if line.role != CLEARING]
    for posting in standing.reclasses:
        pairs = iter(_lines_of(posting))
        for left, stands in zip(pairs, pairs, strict=True):
            lines[lines.index(left.inverse())] = stands
    return lines


def _chosen(lines: Sequence[GlLine], standing: _Standing, wanted: Wanted) -> tuple[GlLine, ...]:
    number, to = standing.document.number, wanted.to
    if to.account in {line.account for line in _lines_of(standing.document) if line.role == CLEARING}:
        raise Misconfigured(f"{to.account} is the clearing account of {number}: nothing else is booked there")
    here = [line for line in lines if line.account == wanted.account]
    if not here:
        accounts = ", ".join(sorted({line.account for line in lines})) or "no account"
        raise Misconfigured(f"no line of {number} stands on {wanted.account}: they stand on {accounts}")
    missing = set(wanted.only) - {line.source for line in here}
    if missing:
        known = ", ".join(line.source for line in here)
        raise Misconfigured(
            f"{', '.join(sorted(missing))} is no line of {number} on {wanted.account}: there are {known}"
        )
    chosen = tuple(line for line in here if line.source in wanted.only or not wanted.only)
    if any(moved(line, to) == line for line in chosen):
        raise Misconfigured(f"a line of {number} stands there already: name what moves by --line")
    return chosen


def _lines_of(posting: Posting) -> tuple[GlLine, ...]:
    content = posting.content
    return content.lines if isinstance(content, InvoiceContent | CreditNoteContent | JournalContent) else ()
