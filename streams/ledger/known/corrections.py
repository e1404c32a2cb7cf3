"""What two people decided of a posting: to correct it, or to move lines of it; and on which day.

The first who says it proposes, the first by another name who says the same approves. Nothing here says whether that
posting stands. Source: ACCOUNTING 1 and 9.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date

from schemas.decisions import DocumentCorrected, DocumentReclassified


@dataclass(slots=True)
class _TwoPeople:
    """Who said what first; folded in the order of the log."""

    _proposed: dict[Hashable, str] = field(default_factory=dict)

    def approves(self, what: Hashable, person: str) -> bool:
        """Take up what a person says; return whether another said it before."""
        name = person.casefold()
        return self._proposed.setdefault(what, name) != name


@dataclass(slots=True)
class Corrections:
    """Decisions of one connection to correct postings."""

    _people: _TwoPeople = field(default_factory=_TwoPeople)
    _approved: dict[tuple[str, int], date] = field(default_factory=dict)

    def take(self, decision: DocumentCorrected) -> bool:
        """Take up a decision; return whether it approves what another person proposed."""
        name = (decision.document, decision.n)
        if name in self._approved or not self._people.approves(name, decision.by):
            return False
        self._approved[name] = decision.day
        return True

    def day(self, document: str, n: int) -> date | None:
        """Return the day on which a posting is corrected, None where nobody decided that, or one person alone."""
        return self._approved.get((document, n))


@dataclass(slots=True)
class Reclasses:
    """Decisions of one connection to move lines of postings to other GL accounts."""

    _people: _TwoPeople = field(default_factory=_TwoPeople)
    _approved: dict[tuple[str, int], dict[int, DocumentReclassified]] = field(default_factory=dict)

    def take(self, decision: DocumentReclassified) -> bool:
        """Take up a decision; return whether it approves what another person proposed, word by word."""
        approved = self._approved.get((decision.document, decision.n), {})
        what = (decision.document, decision.n, decision.m, decision.lines, decision.to)
        if decision.m in approved or not self._people.approves(what, decision.by):
            return False
        self._approved[decision.document, decision.n] = approved | {decision.m: decision}
        return True

    def of(self, document: str, n: int) -> list[DocumentReclassified]:
        """Return what was approved of a posting, in the order of its numbers."""
        return [decision for _, decision in sorted(self._approved.get((document, n), {}).items())]
