"""Lines of a posted invoice or memo that two people moved to another GL account: a journal beside it each time.

The amounts are those that were posted: a line leaves the account on which it stands and goes to the one decided, on the
same side. Nothing is moved of a posting that this decision takes back, and no journal touches a control account.
Source: ACCOUNTING 1, 9.
"""

from datetime import date

import msgspec

from schemas.decisions import DocumentReclassified
from schemas.errors import CannotGoOn
from schemas.ids import document_parts, posting_id
from schemas.mapping import Analysis, Mapping
from schemas.postings import Act, GlLine, InverseContent, JournalContent, Posting
from schemas.records import BILLED
from streams.ledger.billing.clearing import journal_content
from streams.ledger.building.lines import plain_text
from streams.ledger.building.postings import (
    INVERSE,
    JOURNAL,
    AtHand,
    Plan,
    document_posting,
    journal_posting_id,
    make_posting,
)
from streams.ledger.known.books import Books
from streams.ledger.known.made import INVERSE_RECLASS, Made
from streams.ledger.known.state import LedgerState

# A journal of a reclass is named so, and by its number.
_STEP = f"{JOURNAL}:"


def with_reclassed(plan: Plan, at_hand: AtHand, *, state: LedgerState, books: Books) -> Plan:
    """Return a plan, and behind it the journals that people decided and that are not made yet."""
    made = state.of(at_hand.document)
    if at_hand.kind not in BILLED or not made.live or made.opening or _takes_back(plan, at_hand, made):
        return plan
    postings, stops, versions = list(plan.postings), list(plan.stops), {plan.mapping_version}
    for decision in books.reclasses.of(at_hand.document, made.n):
        if _name(at_hand, decision) in made.hashes:
            continue
        try:
            version = books.version_for(at_hand.number, decision.day)
            postings.append(_journal(at_hand, made, decision, mapping=version.mapping, books=books))
        except CannotGoOn as stop:
            stops.append(stop)
        else:
            versions.add(version.version)
    return msgspec.structs.replace(plan, postings=tuple(postings), stops=tuple(stops), mapping_version=max(versions))


def number_of(posting: Posting) -> int:
    """Return which reclass of its posting a journal is."""
    return int(posting.step.removeprefix(_STEP))


def place_of(line: GlLine) -> Analysis:
    """Return where a line stands."""
    return Analysis(
        account=line.account, sub_account=line.sub_account, cost_centre=line.cost_centre, project=line.project
    )


def moved(line: GlLine, to: Analysis) -> GlLine:
    """Return a line where people want it, on the side on which it stands."""
    return msgspec.structs.replace(
        line, account=to.account, sub_account=to.sub_account, cost_centre=to.cost_centre, project=to.project
    )


def reclasses_back(at_hand: AtHand, made: Made, *, mapping: Mapping, books: Books, on: date | None) -> list[Posting]:
    """Return the inverse of each journal that moved lines of the posting that is taken back.

    Without it the accounts that people decided would keep what the document no longer has. It is dated as what it takes
    back, so that no period holds the one without the other.

    Args:
        at_hand: The document, which stands.
        made: What was made of it.
        mapping: For the daybook and the policy on closed periods.
        books: What both systems showed.
        on: The posting date that people decided for what takes the document back, where they did.

    Raises:
        CannotGoOn: No daybook or open period for it.
    """
    return [_inverse(at_hand, made, posting, mapping=mapping, books=books, on=on) for posting in made.reclassed]


def _inverse(
    at_hand: AtHand, made: Made, posting: Posting, *, mapping: Mapping, books: Books, on: date | None
) -> Posting:
    moving: JournalContent = posting.content  # type: ignore[assignment]  # What is reclassed is a journal.
    day, original_day = books.posting_date(
        at_hand.number, on or moving.posting_date, mapping, kind=document_parts(at_hand.document)[0]
    )
    content = InverseContent(
        of=posting.id,
        currency=moving.currency,
        total=moving.total,
        posting_date=day,
        daybook=books.named_daybook(at_hand.number, mapping, "journal"),
        description=plain_text(f"Zuora {at_hand.number} unposted"),
        original_date=original_day,
    )
    return make_posting(
        at_hand,
        act=Act.REVERSE,
        n=made.n,
        step=f"{INVERSE_RECLASS}{number_of(posting)}",
        content=content,
        source_hash=made.source_hash,
        after=(posting.id,),
    )


def _takes_back(plan: Plan, at_hand: AtHand, made: Made) -> bool:
    return any(
        (posting.act, posting.document, posting.n, posting.step) == (Act.REVERSE, at_hand.document, made.n, INVERSE)
        for posting in plan.postings
    )


def _name(at_hand: AtHand, decision: DocumentReclassified) -> str:
    return posting_id(
        at_hand.connection,
        kind=at_hand.kind,
        zuora_id=at_hand.id,
        act=Act.RECLASS,
        n=decision.n,
        step=f"{_STEP}{decision.m}",
    )


def _journal(at_hand: AtHand, made: Made, decision: DocumentReclassified, *, mapping: Mapping, books: Books) -> Posting:
    number = at_hand.number
    dates = books.posting_date(number, decision.day, mapping, kind=document_parts(at_hand.document)[0])
    lines = tuple(one for line in decision.lines for one in (line.inverse(), moved(line, decision.to)))
    for line in lines:
        books.check_journal_account(number, place_of(line))
    document = document_posting(at_hand.connection, at_hand.document, n=made.n)
    beside = [journal_posting_id(at_hand.connection, at_hand.document, n=made.n)] if made.journal is not None else []
    content = journal_content(
        lines,
        currency=made.currency,
        document_date=decision.day,
        dates=dates,
        daybook=books.named_daybook(number, mapping, "journal"),
        description=plain_text(f"Zuora {number} moved"),
        of=document,
    )
    return make_posting(
        at_hand,
        act=Act.RECLASS,
        n=made.n,
        step=f"{_STEP}{decision.m}",
        content=content,
        source_hash=made.source_hash,
        after=(document, *beside),
    )
