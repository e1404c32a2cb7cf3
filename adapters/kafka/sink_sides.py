"""What the sink knows of the topics beside its own: decisions, and what QAD shows.

How far they were known is said of each posting that stands still: what came behind that may release it.
"""

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from adapters.kafka.reader import LogRecord
from schemas.errors import Unreadable
from schemas.events import read_decision, read_qad_reference
from schemas.ids import PostingId
from schemas.outcomes import AnyOutcome, Parked, Waiting
from schemas.topics import Topic
from streams import waits

log = structlog.get_logger(__name__)


class Known:
    """How far the side topics are known: now, and when each posting's turn began."""

    def __init__(self, positions: Mapping[Topic, int]) -> None:
        self._now = {topic.value: position - 1 for topic, position in positions.items()}
        self._when_begun: dict[str, dict[str, int]] = {}

    def learn(self, record: LogRecord) -> None:
        """Take note that a record of a side topic is known."""
        self._now[record.topic.value] = record.offset

    def begin(self, name: PostingId) -> None:
        """Remember what is known as a posting's turn begins: only what comes after releases it."""
        self._when_begun[name] = dict(self._now)

    def end(self, name: PostingId) -> None:
        """Forget a posting's turn."""
        self._when_begun.pop(name, None)

    def for_outcome(self, outcome: AnyOutcome) -> AnyOutcome:
        """Return an outcome with what was known, where it says that a posting stands still."""
        if not isinstance(outcome, Waiting | Parked):
            return outcome
        return msgspec.structs.replace(outcome, sides=self._when_begun.get(outcome.subject, dict(self._now)))


def changed_by(record: LogRecord) -> Sequence[str]:
    """Return the keys that a side record changes; none where nobody can read it: the ledger makes the dead letter."""
    try:
        if record.topic is Topic.DECISIONS:
            return waits.changed_by_decision(read_decision(record.value))
        return waits.changed_by_qad(read_qad_reference(record.value))
    except Unreadable:
        log.error("a record beside cannot be read and is passed over", topic=record.topic, offset=record.offset)
        return ()
