"""Correcting a posting: what stands, who proposed it, and the decision; one person proposes, another approves.

Nothing is taken back here: the ledger stage does that, once two people have decided it. Source: ACCOUNTING 1 and 9.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from decimal import Decimal

import msgspec

from adapters.kafka.reader import read_whole
from console.decisions import as_the_ledger_says, decide, decided, now, proposer, read_books
from console.wiring import Wiring
from schemas.decisions import AnyDecision, DocumentCorrected
from schemas.errors import Misconfigured, Unreadable
from schemas.events import read_postings
from schemas.ids import document_parts
from schemas.postings import Act, CreditNoteContent, InvoiceContent, JournalContent, PostingSet
from schemas.records import BILLED
from schemas.topics import Topic
from streams.ledger.known.books import Books


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What a correction would do.

    Attributes:
        document: `kind:id`.
        n: Which posting of it stands, and is taken back.
        built_by: The mapping version that built that.
        newest: The version that builds what takes its place.
        day: Posting date of both.
        proposed_by: Who proposed it, "" where nobody has.
        approves: Deciding it now approves it, and it is done.
    """

    connection: str
    document: str
    number: str
    n: int
    currency: str
    total: Decimal
    built_by: int
    newest: int
    day: date
    proposed_by: str
    approves: bool


async def plan_correction(wiring: Wiring, *, connection: str, document: str, person: str, day: date) -> Correction:
    """Return what a person's decision would do now; nothing is changed.

    Raises:
        Misconfigured: Nothing stands that could be corrected; or this person proposed it.
    """
    partitions = await wiring.partitions()
    sets = []
    for record in await read_whole(wiring.site.cluster, partitions[connection], [Topic.POSTINGS]):
        with suppress(Unreadable):
            sets.append(read_postings(record.value))
    decisions = await decided(wiring, connection)
    books = await read_books(wiring, connection, decisions)
    return correction_of(sets, decisions, books, connection=connection, document=document, person=person, day=day)


def correction_of(
    sets: Iterable[PostingSet],
    decisions: Iterable[AnyDecision],
    books: Books,
    *,
    connection: str,
    document: str,
    person: str,
    day: date,
) -> Correction:
    """Return what a person's decision would do, by the log.

    Args:
        sets: The ledger's postings, oldest first.
        decisions: All decisions, likewise.
        books: What QAD showed, and what was published.
        connection: Whose they are.
        document: `kind:id`.
        person: Who decides.
        day: Posting date of what comes of it.

    Raises:
        Misconfigured: Nothing stands that could be corrected; or it is decided already, or proposed by this person; or
            that day is not open.
    """
    number, n, currency, total, built_by = _standing(sets, document)
    people = [
        one.by for one in decisions if isinstance(one, DocumentCorrected) and (one.document, one.n) == (document, n)
    ]
    proposed_by = proposer(people, person)
    newest = books.versions[-1]
    with as_the_ledger_says():
        posting_date, _ = books.posting_date(number, day, newest.mapping, kind=document_parts(document)[0])
    return Correction(
        connection=connection,
        document=document,
        number=number,
        n=n,
        currency=currency,
        total=total,
        built_by=built_by,
        newest=newest.version,
        day=posting_date,
        proposed_by=proposed_by,
        approves=bool(proposed_by),
    )


async def decide_correction(wiring: Wiring, plan: Correction, *, by: str, why: str) -> None:
    """Write a person's decision."""
    decision = DocumentCorrected(
        connection=plan.connection,
        by=by,
        at=now(),
        why=why,
        document=plan.document,
        number=plan.number,
        n=plan.n,
        day=plan.day,
    )
    await decide(wiring, decision)


# What an invoice or memo is posted as.
_LINED = (InvoiceContent, CreditNoteContent, JournalContent)


def _standing(sets: Iterable[PostingSet], document: str) -> tuple[str, int, str, Decimal, int]:
    """Return number, n, currency, total and mapping version of the posting that stands."""
    found: tuple[str, int, str, Decimal, int] | None = None
    for one in sets:
        for posting in one.postings:
            if posting.document != document:
                continue
            content = posting.content
            if posting.step == "inverse" and found is not None and posting.n == found[1]:
                found = None
            elif posting.act is Act.POST and posting.step == "document":
                if document_parts(document)[0] not in BILLED or not isinstance(content, _LINED):
                    raise Misconfigured(f"{posting.number} is no invoice or memo: correct it in Zuora")
                found = (posting.number, posting.n, content.currency, content.total, one.mapping_version)
    if found is None:
        raise Misconfigured(f"nothing of {document} stands that was posted from here")
    return found
