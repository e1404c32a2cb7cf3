"""What two people decide of a posted invoice: to correct it, or to move its revenue; and what stands moved in the end.

A line is moved from where it was sent to; nothing is moved of what is not in QAD, or is taken back. What is decided of
an invoice that goes on meanwhile comes to nothing.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from schemas.decisions import Decision, DocumentCorrected, DocumentReclassified
from schemas.events import read_decision
from schemas.mapping import Analysis
from schemas.outcomes import Posted
from schemas.postings import Act, GlLine, Posting
from schemas.topics import Topic
from streams.ledger.known.corrections import Reclasses
from tests.simulation.cash import MOVED, REVENUE
from tests.simulation.judge import Judge
from tests.simulation.kafka import Log
from tests.unit import builders as zuora

CORRECTED, RECLASSIFIED = "an invoice is corrected", "revenue of an invoice is moved"
DECIDED = (CORRECTED, RECLASSIFIED)
ZERO = Decimal(0)
_DAY = date(2026, 5, 4)


def correct(name: str, judge: Judge) -> list[Decision]:
    """Return what two people say to correct an invoice; nothing where none of it stands."""
    standing = _standing(f"invoice:{name}", judge)
    return _both(DocumentCorrected, standing) if standing is not None else []


def move(name: str, judge: Judge) -> list[Decision]:
    """Return what two people say to move the revenue of an invoice that is in QAD; nothing where there is none."""
    standing = _standing(f"invoice:{name}", judge)
    lines = _revenue_of(standing, judge) if standing is not None else ()
    if standing is None or not lines:
        return []
    return _both(DocumentReclassified, standing, m=1, lines=lines, to=Analysis(account=MOVED[0]))


def moved(judge: Judge, log: Log) -> Decimal:
    """Return what stands moved at rest, debit above zero: by the first that was approved of what stands."""
    approved, sums = Reclasses(), ZERO
    for entry in log.topics[Topic.DECISIONS.value]:
        decision = read_decision(entry.value)
        if isinstance(decision, DocumentReclassified) and approved.take(decision):
            standing = _standing(decision.document, judge)
            if standing is not None and standing.n == decision.n:
                sums += sum((line.debit - line.credit for line in decision.lines), ZERO)
    return sums


def _both(kind: type[Decision], standing: Posting, **said: Any) -> list[Decision]:
    made = zuora.replayed(standing.document)
    fields = {"connection": made.connection, "at": made.at, "why": "wrong", "number": standing.number}
    about = {"document": standing.document, "n": standing.n, "day": _DAY}
    return [kind(by=person, **fields, **about, **said) for person in ("ada", "bob")]


def _standing(document: str, judge: Judge) -> Posting | None:
    """Return the posting of a document that the ledger has not taken back."""
    own = [posting for posting in judge.postings.values() if posting.document == document]
    posts = [posting for posting in own if posting.act is Act.POST and posting.step == "document"]
    newest = max(posts, key=lambda posting: posting.n, default=None)
    taken_back = {posting.n for posting in own if posting.step == "inverse"}
    return newest if newest is not None and newest.n not in taken_back else None


def _revenue_of(standing: Posting, judge: Judge) -> tuple[GlLine, ...]:
    """Return the lines of a posting as they were sent; none where it is not in QAD."""
    said = judge.outcomes.get(standing.id)
    if not isinstance(said, Posted):
        return ()
    sent = judge.sets[said.origin].postings[said.index].content
    lines: tuple[GlLine, ...] = getattr(sent, "lines", ())
    return tuple(line for line in lines if line.account in REVENUE)
