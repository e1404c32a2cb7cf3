"""What two people decided to correct: which posting of a document, and on which day.

Nothing here says whether that posting stands. Source: ACCOUNTING 1 and 9.
"""

from dataclasses import dataclass, field
from datetime import date

from schemas.decisions import DocumentCorrected


@dataclass(slots=True)
class Corrections:
    """Decisions of one connection, in the order of the log."""

    _proposed: dict[tuple[str, int], str] = field(default_factory=dict)
    _approved: dict[tuple[str, int], date] = field(default_factory=dict)

    def take(self, decision: DocumentCorrected) -> bool:
        """Take up a decision; return whether it approves what another person proposed."""
        name, person = (decision.document, decision.n), decision.by.casefold()
        if name in self._approved or self._proposed.setdefault(name, person) == person:
            return False
        self._approved[name] = decision.day
        return True

    def day(self, document: str, n: int) -> date | None:
        """Return the day on which a posting is corrected, None where nobody decided that, or one person alone."""
        return self._approved.get((document, n))
