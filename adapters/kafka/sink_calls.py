"""How one posting is made: intended, called, answered, and looked up wherever nobody knows.

One posting is one call that commits. The order of writes and calls in `_attempt` is the guarantee; each step says
what a crash right after it leaves behind. Whether a posting is due, and what is sent, is decided in streams/sink/.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog

from adapters.clock import boot_time_s
from adapters.crashpoints import crashpoint
from schemas.errors import Conflict, InvariantViolation, Misconfigured, OutcomeUnknown, Refused, Rejected, Transient
from schemas.outcomes import Intended, Parked
from schemas.postings import Content, OpeningContent
from streams.ports import Adjustment, Erp
from streams.sink import answers, saying
from streams.sink.finding import check_control
from streams.sink.freezing import Frozen, freeze, intended
from streams.sink.saying import Job
from streams.sink.state import SinkState

log = structlog.get_logger(__name__)

# Full jitter between tries: never in step with others, never longer than the cap.
_PAUSE_S = 0.2
_PAUSE_MAX_S = 30.0
# While a document's fate is open it keeps a slot, so it is asked for more often.
_LOOK_UP_PAUSE_MAX_S = 2.0

KINDS = ("invoice", "credit_note", "receipt", "adjustment")

Say = Callable[..., Awaitable[None]]
Answer = TypeVar("Answer")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How this connection's QAD is called.

    Attributes:
        concurrency: Calls at once.
        intended_ahead: Postings intended or in doubt at once: bounds the look-ups after a crash.
        age_s: How old an intent may be when its first byte is sent.
        settle_s: From when on "absent" is believed, counted from the fencing or the end of the call. Above request
            time-out + age; above QAD's idle-connection time-out, which closes the last window.
    """

    concurrency: int = 4
    intended_ahead: int = 32
    age_s: float = 2.0
    settle_s: float = 45.0


class Wire:
    """Calls that are under way, so that a closing lane lets them end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def enter(self) -> None:
        """Count the current task as on the wire; while the lane closes, wait to be cancelled instead."""
        if self._closing:
            await asyncio.Event().wait()
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)

    def leave(self) -> None:
        """Count the current task no more."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.discard(task)

    async def close(self, grace_s: float) -> None:
        """Begin no call any more, and wait for those under way."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)


class Calls:
    """Makes the postings of one session of a lane."""

    def __init__(
        self,
        erp: Erp,
        state: SinkState,
        say: Say,
        *,
        limits: Limits,
        fenced_at: float,
        wire: Wire,
        moved: Callable[[], None],
    ) -> None:
        """Build it.

        Args:
            erp: QAD.
            state: Where all postings stand; the lane keeps it.
            say: Writes outcomes in one transaction; back when they are committed.
            limits: The connection's limits.
            fenced_at: When this owner shut the one before out, by the boot-time clock.
            wire: The lane's calls under way.
            moved: Called whenever QAD was asked: the watchdog listens.
        """
        self._erp = erp
        self._state = state
        self._say = say
        self._limits = limits
        self._fenced_at = fenced_at
        self._wire = wire
        self._moved = moved
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._room = asyncio.Semaphore(limits.intended_ahead)
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._already: set[str] = set()

    async def look_before_first(self) -> None:
        """Read, page by page, what QAD holds under our references: the outcomes log cannot say that it is nothing."""
        for kind in KINDS:
            if self._erp.can_find(kind):
                found = await self._answered(lambda kind=kind: self._all_of(kind))  # type: ignore[misc]
                self._already |= found

    async def find_opening(self, job: Job, content: OpeningContent) -> None:
        """Find an item that others loaded before the cut-over."""
        try:
            async with self._slots:
                found = await self._answered(
                    lambda: self._erp.find_opening(
                        number=content.number, item_kind=content.item_kind, currency=content.currency
                    )
                )
        except Conflict as error:
            await self._say(saying.say_still(job, Parked, answers.conflict(error, number=content.number)))
            return
        if found is None:
            await self._say(saying.say_still(job, Parked, answers.opening_not_found(content.number)))
        else:
            customer = found.document.customer
            await self._say(saying.say_there(job, found.document, customer=customer, how="opening"))

    async def make(self, job: Job, inverted: Content | None) -> None:
        """Bring one posting into QAD, or say why it is not there. All that it refers to is in QAD."""
        standing = self._state.postings.get(job.name)
        intent = standing.intent if standing else None
        doubted = standing is not None and standing.doubted
        try:
            frozen = freeze(job.posting, state=self._state, inverted=inverted, intent=intent if doubted else None)
        except InvariantViolation as error:
            log.exception("posting cannot be sent", number=job.posting.number)
            await self._say(saying.say_still(job, Parked, answers.not_sendable(job.posting.number, str(error))))
            return
        attempt = 1
        if intent is not None:
            attempt = intent.attempt + 1
            if await self._second_attempt_settled(job, frozen, intent, doubted=doubted):
                return
        # Found before a first attempt: it is taken for ours by its control columns, as after any attempt.
        elif job.posting.reference in self._already and await self._looked_up(
            job, frozen, self._intent(job, frozen, attempt), sure_from=0.0
        ):
            return
        while not await self._attempt(job, frozen, attempt):
            attempt += 1

    async def _second_attempt_settled(self, job: Job, frozen: Frozen, intent: Intended, *, doubted: bool) -> bool:
        """Look up what an earlier attempt may have made; True when nothing more is to be done."""
        if not self._erp.can_find(frozen.kind):
            if doubted:
                await self._say(saying.say_still(job, Parked, answers.no_look_up(job.posting.number)))
            return doubted
        async with self._room:
            async with self._slots:
                if await self._looked_up(job, frozen, intent, sure_from=0.0):
                    return True
            # Whoever owned this connection before may have a call on the wire until then.
            sure_from = self._fenced_at + self._limits.settle_s
            return doubted and await self._looked_up(job, frozen, intent, sure_from=sure_from)

    async def _attempt(self, job: Job, frozen: Frozen, attempt: int) -> bool:
        """Return True when the posting has ended; False when it certainly is not in QAD and will not come to be."""
        async with self._room:
            # Step 1: the intent is in the log, on all replicas. A crash from here on is looked up.
            intent, not_after = await self._intend(job, frozen, attempt)
            async with self._slots:
                tries = 0
                while True:
                    if boot_time_s() > not_after:
                        # The slot was long in coming: intended again, keeping the slot, or a slow QAD would starve it.
                        intent, not_after = await self._intend(job, frozen, attempt)
                    try:
                        # Step 2: the call. Its first byte is not sent once the intent is too old.
                        unknown = await self._call(job, frozen, intent, not_after)
                        break
                    except (Transient, Refused) as error:
                        # It certainly did not happen. The slot is kept: with QAD down, this is the circuit.
                        tries += 1
                        await self._pause(tries, error)
                        intent, not_after = await self._intend(job, frozen, attempt)
                if unknown is None:
                    return True
                # Step 4: nobody knows. The slot is kept until a look-up is answered, the room until it is settled.
                ended = boot_time_s()
                await self._say(saying.say_unknown(job, intent, unknown))
                if not self._erp.can_find(frozen.kind):
                    await self._say(saying.say_still(job, Parked, answers.no_look_up(job.posting.number)))
                    return True
                if await self._looked_up(job, frozen, intent, sure_from=0.0):
                    return True
            return await self._looked_up(job, frozen, intent, sure_from=ended + self._limits.settle_s)

    async def _call(self, job: Job, frozen: Frozen, intent: Intended, not_after: float) -> str | None:
        """Make the call and write what came of it; return a sentence where nobody knows.

        Raises:
            Transient: It certainly did not happen.
            Refused: Credentials or permission.
        """
        await self._allowed.wait()
        await self._wire.enter()
        try:
            self._moved()
            crashpoint("sink.before_call")
            accepted = await self._erp.post(frozen.command, not_after=not_after)
            crashpoint("sink.after_call")
            # Step 3: the answer is in the log. A crash before this is looked up, and found.
            await self._say(saying.say_posted(job, intent, accepted.document, how="answer", warnings=accepted.warnings))
            crashpoint("sink.after_posted")
        except Rejected as error:
            await self._rejected(job, frozen, intent, error)
        except OutcomeUnknown as error:
            return str(error)
        finally:
            self._wire.leave()
        self._allowed.set()
        return None

    async def _rejected(self, job: Job, frozen: Frozen, intent: Intended, error: Rejected) -> None:
        may_be_there = error.reason_class == "duplicate" and self._erp.can_find(frozen.kind)
        if may_be_there and await self._looked_up(job, frozen, intent, sure_from=0.0):
            return
        several = isinstance(frozen.command.payload, Adjustment)
        customer = "" if several else frozen.command.customer
        how, reason = answers.refusal(error, job.posting, customer=customer)
        if reason.rule == answers.UNCLASSIFIED:
            log.error("QAD refused for a reason that the profile does not know", number=job.posting.number)
        await self._say(
            saying.say_rejected(job, intent, error.reason_class, error.messages),
            saying.say_still(job, how, reason, said=error.messages),
        )

    async def _looked_up(self, job: Job, frozen: Frozen, intent: Intended, *, sure_from: float) -> bool:
        """Return True when it was found and that is written; False when one begun after `sure_from` found nothing."""
        tries = 0
        while True:
            begun = boot_time_s()
            try:
                found = await self._answered(lambda: self._erp.find(frozen.kind, intent.reference))
                if found is not None:
                    check_control(found, intent)
                    await self._say(saying.say_posted(job, intent, found.document, how="look_up"))
                    return True
            except Conflict as error:
                await self._say(saying.say_still(job, Parked, answers.conflict(error, number=job.posting.number)))
                return True
            if begun >= sure_from:
                return False
            tries += 1
            await asyncio.sleep(min(_jittered(tries, _LOOK_UP_PAUSE_MAX_S), max(sure_from - boot_time_s(), 0.05)))

    async def _answered(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask QAD until it answers: asking changes nothing, so it is repeated without limit, with growing pauses."""
        tries = 0
        while True:
            try:
                self._moved()
                return await ask()
            except (Transient, Refused, Misconfigured) as error:
                tries += 1
                await self._pause(tries, error)

    async def _all_of(self, kind: str) -> set[str]:
        return {found.reference async for page in self._erp.find_all(kind) for found in page}

    async def _intend(self, job: Job, frozen: Frozen, attempt: int) -> tuple[Intended, float]:
        not_after = boot_time_s() + self._limits.age_s
        intent = self._intent(job, frozen, attempt)
        crashpoint("sink.before_intended")
        await self._say(intent)
        crashpoint("sink.after_intended")
        return intent, not_after

    def _intent(self, job: Job, frozen: Frozen, attempt: int) -> Intended:
        return intended(
            job.posting,
            frozen,
            connection=job.connection,
            origin=job.origin,
            index=job.index,
            attempt=attempt,
            mapping_version=job.mapping_version,
        )

    async def _pause(self, tries: int, error: Transient | Refused | Misconfigured) -> None:
        """Wait before another try; what a person must set right stops the whole connection meanwhile."""
        if isinstance(error, Refused | Misconfigured):
            if self._allowed.is_set():
                log.error("QAD cannot be used by this connection; it is tried again by itself", what=str(error))
            self._allowed.clear()
            await asyncio.sleep(_jittered(tries, _PAUSE_MAX_S))
            self._allowed.set()
            return
        asked = error.retry_after_s or 0.0
        await asyncio.sleep(max(min(asked, _PAUSE_MAX_S), _jittered(tries, _PAUSE_MAX_S)))


def _jittered(tries: int, pause_max_s: float) -> float:
    # The exponent is capped: 2 to the power of a week's tries is no number for a float.
    return random.uniform(0, min(pause_max_s, _PAUSE_S * 2 ** min(tries, 16)))  # noqa: S311 - jitter is no secret
