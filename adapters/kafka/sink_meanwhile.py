"""What came while a posting was on its way: newer content of it, and changes of what it waits for.

Nobody else would take it up: what is on its way is not woken, and newer content of it is no posting of its own. It
never decides when: the session asks each time that a posting has come as far as it can.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import structlog

from schemas.ids import PostingId
from streams import waits
from streams.sink.saying import Job
from streams.sink.state import SinkState, Status
from streams.sink.steps import WaitFor, next_step

log = structlog.get_logger(__name__)


class Meanwhile:
    """What came meanwhile, for one session."""

    def __init__(self, state: SinkState) -> None:
        """Begin with nothing."""
        self._state = state
        self._newer: dict[PostingId, Job] = {}
        self._changed_at: dict[str, int] = {}
        # Counts the changes: what changed after a moment was not seen by whoever began at it.
        self.moment = 0

    def heard(self, job: Job) -> None:
        """Remember content of a posting that is on its way: it may be refused, or not be intended yet."""
        self._newer[job.name] = max(job, self._newer.get(job.name, job), key=lambda one: one.place)

    def changed(self, keys: Iterable[str]) -> None:
        """Remember for postings whose turn it is that these keys changed."""
        self.moment += 1
        self._changed_at.update(dict.fromkeys(keys, self.moment))

    def again(self, job: Job, since: int, held: Mapping[PostingId, Decimal]) -> Job | None:
        """Return what to try again at once: newer content that came meanwhile, or what was released meanwhile.

        Args:
            job: What has come as far as it can.
            since: The moment at which it began.
            held: What QAD held, when it was asked last, of what it undoes.
        """
        newer = self.newer_than(job)
        self._newer.pop(job.name, None)
        if newer is not None:
            return newer
        return job if self._released(job, since, held) else None

    def newer_than(self, job: Job) -> Job | None:
        """Return newer content of a posting that came meanwhile and may be sent, or None."""
        newer = self._newer.get(job.name)
        return newer if newer is not None and newer.place > job.place and self.is_new(newer) else None

    def is_new(self, job: Job) -> bool:
        """Return whether an input says something new of a posting; content is frozen once a call may have been made."""
        standing = self._state.postings.get(job.name)
        if standing is None:
            return True
        if standing.status is Status.POSTED and standing.source_hash != job.posting.source_hash:
            log.error("other content for a posting that is in QAD", number=job.posting.number, posting=job.name)
        takes_newer = standing.stands_still or standing.disputed
        return takes_newer and job.place > standing.place

    def _released(self, job: Job, since: int, held: Mapping[PostingId, Decimal]) -> bool:
        """Return whether what a posting waits for came while that was being written: nobody else would wake it."""
        standing = self._state.postings.get(job.name)
        if standing is None or standing.reason is None or self._state.settled(job.name):
            return False
        keys = standing.reason.reason.waits_for
        if any(self._changed_at.get(key, 0) > since for key in (*keys, waits.release(standing.document))):
            return True
        if not any(waits.posting(name) in keys for name in job.posting.after):
            return False
        step = next_step(job.posting, self._state, held)
        return not isinstance(step, WaitFor) or step.reason != standing.reason.reason
