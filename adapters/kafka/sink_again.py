"""When what QAD has without its GL entry is looked up again: one after the other, each with growing pauses.

It asks nobody and decides nothing else: the session begins what is due, and a look-up says where it stands.
"""

from collections.abc import Callable, Iterable

from adapters.clock import boot_time_s
from schemas.ids import PostingId

# Somebody processes receipts in QAD now and then, a day's at once.
_PAUSE_MAX_S = 3600.0


class Again:
    """The pauses of one session's postings."""

    def __init__(self, first_s: float, *, now: Callable[[], float] = boot_time_s) -> None:
        """Begin with none.

        Args:
            first_s: Pause before the first look-up; each further one is twice as long, up to an hour.
            now: The clock.
        """
        self.first_s = first_s
        self._now = now
        # When each is due, and how long the pause before that was.
        self._due: dict[PostingId, tuple[float, float]] = {}

    def due(self, names: Iterable[PostingId]) -> list[PostingId]:
        """Return which of all that lack their entry are to be looked up now; any that is not named is forgotten."""
        now, found = self._now(), []
        before, self._due = self._due, {}
        for name in names:
            due, pause_s = before.get(name, (now + self.first_s, self.first_s))
            if due <= now:
                found.append(name)
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)
                due = now + pause_s
            self._due[name] = due, pause_s
        return found
