"""How one posting is made: intended, called, answered, and looked up wherever nobody knows.

One posting is one call that commits. The order of writes and calls in `_attempt` is the guarantee; each step says
what a crash right after it leaves behind. Whether a posting is due, and what is sent, is decided in streams/sink/.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import structlog

from adapters.clock import boot_time_s
from adapters.crashpoints import crashpoint
from adapters.kafka.sink_gate import Gate
from adapters.kafka.sink_holdings import Holdings
from adapters.kafka.sink_wire import Wire
from adapters.pauses import jittered
from schemas.errors import Conflict, InvariantViolation, OutcomeUnknown, Rejected, Transient
from schemas.outcomes import Intended, Parked, Waiting
from schemas.postings import Content, OpeningContent
from streams.ports import Accepted, Adjustment, Erp, FoundInQad
from streams.sink import answers, saying
from streams.sink.finding import say_shown, shown_by
from streams.sink.freezing import Frozen, freeze, intended, kind_of
from streams.sink.meanings import UNCLASSIFIED, tries_of
from streams.sink.saying import Job
from streams.sink.state import SinkState, Standing

log = structlog.get_logger(__name__)

# Between two look-ups of what may still come. 32 that were asked for every other second kept a slow QAD so busy that no
# answer came in time, its own included: for a minute nothing was posted.
_LOOK_UP_PAUSE_S = 0.2
_LOOK_UP_PAUSE_MAX_S = 10.0

Say = Callable[..., Awaitable[None]]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How this connection's QAD is called.

    Attributes:
        concurrency: Calls at once.
        intended_ahead: Postings intended or in doubt at once: bounds the look-ups after a crash.
        age_s: How old an intent may be when its first byte is sent.
        settle_s: From when on "absent" is believed, counted from the fencing or the end of the call. Above request
            time-out + age; above QAD's idle-connection time-out, which closes the last window.
        look_again_s: How soon what QAD has without its GL entry is looked up again, never before `settle_s`; then with
            growing pauses.
    """

    concurrency: int = 4
    intended_ahead: int = 32
    age_s: float = 2.0
    settle_s: float = 45.0
    look_again_s: float = 30.0


class Calls:
    """Makes the postings of one session of a lane."""

    def __init__(
        self,
        erp: Erp,
        state: SinkState,
        say: Say,
        *,
        limits: Limits,
        gate: Gate,
        holdings: Holdings,
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
            gate: The connection's door.
            holdings: What QAD holds.
            fenced_at: When this owner shut the one before out, by the boot-time clock.
            wire: The lane's calls under way.
            moved: Called whenever QAD is called: the watchdog listens.
        """
        self._erp = erp
        self._state = state
        self._say = say
        self._limits = limits
        self._fenced_at = fenced_at
        self._wire = wire
        self._moved = moved
        self._gate = gate
        self._holdings = holdings
        self._room = asyncio.Semaphore(limits.intended_ahead)

    async def find_opening(self, job: Job, content: OpeningContent) -> None:
        """Find an item that others loaded before the cut-over."""
        try:
            async with self._gate.slots:
                found = await self._holdings.find_opening(content)
        except Conflict as error:
            await self._say(saying.say_still(job, Parked, answers.conflict(error, number=content.number)))
            return
        document = found.document if found is not None else None
        stop = answers.opening_stop(content, document)
        if stop is not None:
            await self._say(saying.say_still(job, Parked, stop))
        elif document is not None:
            await self._say(saying.say_there(job, document, customer=document.customer, how="opening"))

    async def make(self, job: Job, inverted: Content | None, is_newest: Callable[[], bool]) -> None:
        """Bring one posting into QAD, or say why it is not there. All that it refers to is in QAD.

        Args:
            job: The posting.
            inverted: For an inverse: the content that was sent for what it undoes.
            is_newest: Whether no newer content of it has come that may be sent; where one has, nothing is intended.
        """
        standing = self._state.postings.get(job.name)
        if standing is not None and await self._is_left_parked(job, standing):
            return
        if standing is None or not standing.doubted or self._holdings.tells_by_all(job, standing):
            await self._holdings.looked()
        sent = standing.intent if standing is not None and standing.may_be_there else None
        try:
            netted = job.offers if self._erp.nets(kind_of(job.posting.content)) else ()
            frozen = freeze(job.posting, state=self._state, inverted=inverted, intent=sent, netted=netted)
        except InvariantViolation as error:
            log.exception("posting cannot be sent", number=job.posting.number)
            await self._say(saying.say_still(job, Parked, answers.not_sendable(job.posting.number, str(error))))
            return
        if standing is None or (standing.intent is None and not standing.disputed):
            attempt, settled = 1, await self._first_attempt_settled(job, frozen)
        else:
            was_there = standing.lacks_entry
            attempt, settled = standing.attempt + 1, await self._second_attempt_settled(job, frozen, standing)
            if was_there and not settled:
                await self._say(saying.say_still(job, Parked, answers.gone(job.posting.number)))
                return
        if settled:
            return
        while not await self._attempt(job, frozen, attempt, is_newest):
            attempt += 1

    async def _is_left_parked(self, job: Job, standing: Standing) -> bool:
        """Take note of newer content of what a person decides about: it is no release, and counts once that comes."""
        if not standing.disputed or standing.reason is None or job.place == standing.place:
            return False
        how = Waiting if isinstance(standing.reason, Waiting) else Parked
        await self._say(saying.say_still(job, how, standing.reason.reason))
        return True

    async def _first_attempt_settled(self, job: Job, frozen: Frozen) -> bool:
        """Look for what the log may have lost; True when nothing more is to be done."""
        standing = self._state.postings.get(job.name)
        first = job.origin if standing is None else min(job.origin, standing.first)
        if not self._erp.can_find(frozen.kind):
            may_have_been_sent = self._holdings.may_have_been_sent(job.name, first)
            if may_have_been_sent:
                await self._say(saying.say_still(job, Parked, answers.log_not_whole(job.posting.number)))
            return may_have_been_sent
        if not self._holdings.must_be_found(job.name, first):
            return False
        # What is held against QAD's document, since the log has lost the intent.
        intent = self._intent(job, frozen, attempt=1)
        there = self._holdings.when_read(job.name, frozen.kind)
        if there is not None and there.no_entry is None and not self._erp.nets(frozen.kind):
            return await self._is_there(job, intent, there)
        async with self._gate.slots:
            return await self._looked_up(job, frozen, intent)

    async def _second_attempt_settled(self, job: Job, frozen: Frozen, standing: Standing) -> bool:
        """Look up what an earlier attempt may have made; True when nothing more is to be done."""
        doubted, disputed = standing.doubted, standing.disputed
        intent = standing.intent or self._intent(job, frozen, attempt=1)
        if not self._erp.can_find(frozen.kind):
            # A later attempt than the one that was refused may be lost.
            lost = not doubted and not disputed and self._holdings.may_be_lost(standing.first)
            if doubted or lost:
                why = answers.no_look_up if doubted else answers.log_not_whole
                await self._say(saying.say_still(job, Parked, why(job.posting.number)))
            # A person has released what nobody can look up: it is not there.
            return doubted or lost
        async with self._room:
            async with self._gate.slots:
                asked_at = boot_time_s()
                if await self._looked_up(job, frozen, intent):
                    return True
            # Until then a call may be on the wire: the former owner's, or ours from before a person released it.
            sure_from = (self._fenced_at if doubted else asked_at) + self._limits.settle_s
            in_doubt = doubted or disputed
            return in_doubt and await self._settled(job, frozen, intent, asked_at=asked_at, sure_from=sure_from)

    async def _attempt(self, job: Job, frozen: Frozen, attempt: int, is_newest: Callable[[], bool]) -> bool:
        """Return True when this content has ended; False when it certainly is not in QAD and will not come to be."""
        async with self._room:
            if not is_newest():
                return True
            # Step 1: the intent is in the log, on all replicas. A crash from here on is looked up.
            intent, not_after = await self._intend(job, frozen, attempt)
            async with self._gate.slots:
                intent, answer = await self._called(job, frozen, intent, not_after)
                ended = boot_time_s()
                is_told = isinstance(answer, Accepted) and not answer.read_back
                if not isinstance(answer, Accepted):
                    await self._write(job, frozen, intent, answer)
                elif answer.read_back:
                    # Whatever ends this from here on: it is looked up, and found.
                    self._wire.leave()
                if not is_told and not isinstance(answer, Rejected):
                    # Step 4: nobody knows. The slot is kept until a look-up is answered, the room until it is settled.
                    if not self._erp.can_find(frozen.kind):
                        await self._say(saying.say_still(job, Parked, answers.no_look_up(job.posting.number)))
                        return True
                    asked_at = boot_time_s()
                    if await self._looked_up(job, frozen, intent):
                        return True
            if is_told:
                # QAD takes the next call while this is written.
                await self._write(job, frozen, intent, answer)
            if is_told or isinstance(answer, Rejected):
                return True
            sure_from = ended + self._limits.settle_s
            came = await self._settled(job, frozen, intent, asked_at=asked_at, sure_from=sure_from)
            if isinstance(answer, Accepted) and not came:
                # QAD has named it and does not show it: its yes counts, and it is not sent a second time.
                await self._is_there(job, intent, shown_by(answer, intent), answered=answer)
            return came or isinstance(answer, Accepted)

    async def _called(
        self, job: Job, frozen: Frozen, intent: Intended, not_after: float
    ) -> tuple[Intended, Accepted | Rejected | OutcomeUnknown]:
        """Call until QAD has answered, or may have done it; return the intent that counts, and what came.

        What certainly did not happen keeps its slot and is tried again: with QAD down, this is the circuit. So is what
        QAD refused in words that pass, as of a record that is open elsewhere, a few times. The task is on the wire
        afterwards, until its answer is written.
        """
        turn, refused = self._gate.turn(), 0
        while True:
            async with turn:
                if boot_time_s() > not_after:
                    # Slot or gate were long in coming: intended again, keeping the slot, or a slow QAD would starve it.
                    intent, not_after = await self._intend(job, frozen, intent.attempt)
                await self._wire.enter()
                try:
                    self._moved()
                    crashpoint("sink.before_call")
                    # Step 2: the call. Its first byte is not sent once the intent is too old.
                    return intent, await self._erp.post(frozen.command, not_after=not_after)
                except Rejected as error:
                    refused += 1
                    if refused >= tries_of(error.reason_class):
                        return intent, error
                    self._wire.leave()
                    raise Transient("QAD may take it in a moment: " + "; ".join(error.messages)) from error
                except OutcomeUnknown as error:
                    return intent, error
                except BaseException:
                    self._wire.leave()
                    raise

    async def _write(
        self, job: Job, frozen: Frozen, intent: Intended, answer: Accepted | Rejected | OutcomeUnknown
    ) -> None:
        """Step 3: the answer is in the log. A crash before this is looked up, and found."""
        try:
            match answer:
                case Accepted():
                    crashpoint("sink.after_call")
                    await self._accepted(job, intent, answer)
                    crashpoint("sink.after_posted")
                case Rejected():
                    await self._rejected(job, frozen, intent, answer)
                case OutcomeUnknown():
                    await self._say(saying.say_unknown(job, intent, answer))
        finally:
            self._wire.leave()

    async def _accepted(self, job: Job, intent: Intended, answer: Accepted) -> None:
        """Write what QAD's yes says: that it is there, and whether it is as it was sent and has made its GL entry."""
        said = say_shown(job, intent, shown_by(answer, intent), how="answer", warnings=answer.warnings)
        if isinstance(said, Parked):
            log.error("QAD has made a document otherwise than it was sent", number=intent.number, why=said.reason.rule)
        await self._say(said)

    async def _rejected(self, job: Job, frozen: Frozen, intent: Intended, error: Rejected) -> None:
        may_be_there = error.reason_class == "duplicate" and self._erp.can_find(frozen.kind)
        if may_be_there and await self._looked_up(job, frozen, intent):
            return
        several = isinstance(frozen.command.payload, Adjustment)
        customer = "" if several else frozen.command.customer
        how, reason = answers.refusal(error, job.posting, customer=customer)
        if reason.rule == UNCLASSIFIED:
            log.error("QAD refused for a reason that the profile does not know", number=job.posting.number)
        await self._say(
            saying.say_rejected(job, intent, error),
            saying.say_still(job, how, reason, said=error.messages),
        )

    async def _settled(self, job: Job, frozen: Frozen, intent: Intended, *, asked_at: float, sure_from: float) -> bool:
        """Look for what was absent when asked at `asked_at` until that is certain; True when it came, and is written.

        Only a look-up that began after `sure_from` makes it certain. Between two no slot is kept, and each takes one:
        what is in doubt and what is posted share the calls that QAD takes at once.
        """
        tries = 0
        while asked_at < sure_from:
            tries += 1
            pause_s = jittered(tries, base_s=_LOOK_UP_PAUSE_S, max_s=_LOOK_UP_PAUSE_MAX_S)
            await asyncio.sleep(min(pause_s, max(sure_from - boot_time_s(), 0.05)))
            async with self._gate.slots:
                asked_at = boot_time_s()
                if await self._looked_up(job, frozen, intent):
                    return True
        return False

    async def _looked_up(self, job: Job, frozen: Frozen, intent: Intended) -> bool:
        """Look once; True when it was found, and that is written."""
        try:
            found = await self._holdings.find(frozen.kind, intent.reference)
        except Conflict as error:
            await self._say(saying.say_still(job, Parked, answers.conflict(error, number=job.posting.number)))
            return True
        return found is not None and await self._is_there(job, intent, found)

    async def _is_there(
        self, job: Job, intent: Intended, found: FoundInQad, *, answered: Accepted | None = None
    ) -> bool:
        """Write that it was found, or answered and not found: as what was meant, or as something else; True."""
        known = self._holdings.carrying(job, intent, found)
        meant = msgspec.structs.replace(intent, carried=known.carried)
        how: Literal["answer", "look_up"] = "look_up" if answered is None else "answer"
        warnings = answered.warnings if answered is not None else ()
        shown = say_shown(job, meant, found, how=how, untold=known.untold, warnings=warnings)
        standing = self._state.postings.get(job.name)
        before = standing.reason if standing is not None and standing.lacks_entry else None
        if not isinstance(shown, Waiting) or before is None or shown.reason != before.reason:
            await self._say(shown)
        return True

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
