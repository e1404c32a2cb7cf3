"""One session of the sink's lane: the postings on their way, each a task, in the order of what they refer to.

It wakes what waits, and holds that no two tasks act on one posting: what undoes an allocation never meets it half sent.
It never decides what a posting becomes (streams/sink/steps.py), never makes a call (sink_calls.py), never asks QAD
(sink_holdings.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

import msgspec
import structlog

from adapters.kafka.crashes import CAUSED_BY_CONTENT, CRASHES_MAX
from adapters.kafka.reader import LogRecord, LogShorterError, Reader
from adapters.kafka.sink_calls import Say
from adapters.kafka.sink_sides import Known, changed_by
from adapters.kafka.sink_wire import Wire
from schemas.events import read_postings
from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.outcomes import Parked, Superseded, Waiting
from schemas.postings import (
    AllocationContent,
    Content,
    InverseContent,
    OpeningContent,
    ReceiptContent,
    TransferContent,
)
from streams import waits
from streams.sink import answers, saying
from streams.sink.saying import Job
from streams.sink.state import SinkState, Status
from streams.sink.steps import (
    Annul,
    CannotTell,
    CarriedBy,
    Drop,
    FindOpening,
    Ready,
    Step,
    WaitFor,
    moved_by,
    next_step,
)

log = structlog.get_logger(__name__)

# How long a receipt waits for an invoice that is on its way at this moment, so as to carry its application.
_CARRY_PATIENCE_S = 10.0
# How often QAD is asked whether it still refuses what it refused: the poller shows only what differs from before, and
# never a period that was closed and opened between two readings.
_TRY_AGAIN_S = 3600.0
# Postings that are taken up again together: as many as a lane holds in memory otherwise.
_TAKEN_UP_AT_ONCE = 300


class Making(Protocol):
    """What makes a posting whose turn it is (sink_calls.py)."""

    async def make(self, job: Job, inverted: Content | None, is_newest: Callable[[], bool]) -> None:
        """Bring one posting into QAD, or say why it is not there; intend nothing once its content is not the newest."""
        ...

    async def find_opening(self, job: Job, content: OpeningContent) -> None:
        """Find an item that others loaded before the cut-over."""
        ...


class Holding(Protocol):
    """What QAD holds (sink_holdings.py)."""

    async def looked(self) -> None:
        """Return once what QAD holds has been read, where the log cannot say it."""
        ...

    def may_be_held(self, name: PostingId) -> bool:
        """Return whether QAD may hold a posting that by the log is not there."""
        ...

    async def held(self, job: Job) -> Decimal | None:
        """Return how much QAD holds of such a posting, or None."""
        ...


class Inputs(Protocol):
    """The topic `postings`, read by offset."""

    async def get(self, offsets: Iterable[int]) -> Mapping[int, LogRecord]:
        """Return the records at these offsets."""
        ...


class Session:
    """The postings of one session: each a task, in the order of what they refer to."""

    def __init__(
        self,
        state: SinkState,
        calls: Making,
        holdings: Holding,
        tasks: asyncio.TaskGroup,
        *,
        inputs: Inputs,
        say: Say,
        known: Known,
        wire: Wire,
        crashes: Counter[PostingId],
    ) -> None:
        self._state = state
        self._calls = calls
        self._holdings = holdings
        self._tasks = tasks
        self._inputs = inputs
        self._reading = asyncio.Lock()
        self._say = say
        self._known = known
        self._wire = wire
        self._crashes = crashes
        self._live: dict[PostingId, asyncio.Task[None]] = {}
        self._acting: dict[PostingId, asyncio.Task[None]] = {}
        self._newer: dict[PostingId, Job] = {}
        # What QAD held, when it was asked last, of what a posting undoes.
        self._held: dict[PostingId, dict[PostingId, Decimal]] = {}
        self._asking = asyncio.Lock()
        self._moment = 0
        self._changed_at: dict[str, int] = {}

    async def settle(self) -> None:
        """Look up what is in doubt, and begin again what waits for another posting; and what was refused, at times."""
        await self._begin_again(self._state.to_settle())
        self._tasks.create_task(self._try_again())

    async def _try_again(self) -> None:
        """Send one of what was refused alike, now and then, and the others once QAD takes it."""
        while True:
            await asyncio.sleep(_TRY_AGAIN_S)
            for first, *others in self._state.refused_alike():
                if self._is_waiting(first):
                    await asyncio.gather(*await self._begin_again([first]))
                if self._state.status(first) is Status.POSTED:
                    await self._begin_again(filter(self._is_waiting, others))

    def _is_waiting(self, name: PostingId) -> bool:
        return self._state.status(name) is Status.WAITING

    async def take_up(self, places: Sequence[tuple[int, int]]) -> None:
        """Bring postings as far as they can go now that have no outcome although their input is behind the commit.

        Args:
            places: Input and place there, of each.
        """
        for start in range(0, len(places), _TAKEN_UP_AT_ONCE):
            wanted = set(places[start : start + _TAKEN_UP_AT_ONCE])
            async with self._reading:
                found = await self._inputs.get({origin for origin, _ in wanted})
            jobs = [
                job
                for origin, record in found.items()
                for job in saying.jobs_of(read_postings(record.value), origin)
                if (origin, job.index) in wanted
            ]
            await asyncio.gather(*self.begin_new(jobs))

    async def follow(self, sides: Reader) -> None:
        """Begin again what a decision or a change in QAD releases."""
        while True:
            for record in await sides.step():
                keys = changed_by(record)
                self._known.learn(record)
                self._changed(keys)
                await self._begin_again(self._state.held_by(keys, topic=record.topic.value, offset=record.offset))

    def _changed(self, keys: Sequence[str]) -> None:
        """Remember for postings whose turn it is that these keys changed."""
        self._moment += 1
        self._changed_at.update(dict.fromkeys(keys, self._moment))

    def begin_new(self, jobs: Sequence[Job]) -> list[asyncio.Task[None]]:
        """Begin the postings of an input that are not known to have ended; return their tasks.

        One that is on its way already is among them: until it ends, nobody but this session knows of newer content.
        """
        for job in jobs:
            if job.name in self._live:
                # What is on its way may be refused, or not be intended yet: then the newest is what counts.
                self._newer[job.name] = max(job, self._newer.get(job.name, job), key=lambda one: one.place)
        return [self._task(job) for job in jobs if job.name in self._live or self._is_new(job)]

    def _is_new(self, job: Job) -> bool:
        """Return whether an input says something new of a posting; content is frozen once a call may have been made."""
        standing = self._state.postings.get(job.name)
        if standing is None:
            return True
        if standing.status is Status.POSTED and standing.source_hash != job.posting.source_hash:
            log.error("other content for a posting that is in QAD", number=job.posting.number, posting=job.name)
        takes_newer = standing.stands_still or standing.disputed
        return takes_newer and job.place > standing.place

    async def _begin_again(self, names: Iterable[PostingId]) -> list[asyncio.Task[None]]:
        """Begin postings with the content that counts for them, unless something else is said of them by then."""
        said = {name: self._state.postings[name].reason for name in names}
        begun = []
        for name, before in said.items():
            job = await self._read_again(name)
            # What was given to a person meanwhile must not be taken for released.
            if self._state.postings[name].reason is before:
                begun.append(self._task(job))
        return begun

    def _task(self, job: Job) -> asyncio.Task[None]:
        if job.name not in self._live:
            self._live[job.name] = self._tasks.create_task(self._bring(job), name=job.posting.reference)
        return self._live[job.name]

    async def _bring(self, job: Job) -> None:
        """Bring one posting as far as it can go now, then what waited for it."""
        try:
            again: Job | None = job
            while again is not None:
                job, began = again, self._moment
                self._known.begin(job.name)
                await self._try(job)
                again = self._again(job, began)
        finally:
            del self._live[job.name]
            self._held.pop(job.name, None)
            self._known.end(job.name)
        await self._wake(job.name, *map(waits.item, moved_by(job.posting)))

    async def _try(self, job: Job) -> None:
        """Do what comes next to a posting; one that has crashed this lane too often is given to a person instead."""
        if self._crashes[job.name] >= CRASHES_MAX:
            await self._give_up(job)
            return
        try:
            await self._step(job)
        except LogShorterError:
            raise
        except CAUSED_BY_CONTENT:
            self._crashes[job.name] += 1
            # The lane opens again, for the log says where all stands. Calls for others come to their end first.
            await self._wire.close()
            raise
        self._crashes.pop(job.name, None)

    async def _give_up(self, job: Job) -> None:
        """Give a posting to a person, unless whoever acts on it now ends it; a release tries it anew."""
        while job.name in self._acting:
            await asyncio.wait([self._acting[job.name]])
        self._crashes.pop(job.name)
        if self._state.settled(job.name):
            return
        log.error("a posting is given up", number=job.posting.number, posting=job.name, crashes=CRASHES_MAX)
        left = msgspec.structs.replace(job, undone=self._state.undone(job.name))
        with self._acting_on(job.name):
            await self._say(saying.say_still(left, Parked, answers.crashed(job.posting.number, CRASHES_MAX)))

    def _again(self, job: Job, moment: int) -> Job | None:
        """Return what to try again at once: newer content that came meanwhile, or what was released meanwhile."""
        newer = self._newer_than(job)
        self._newer.pop(job.name, None)
        if newer is not None:
            return newer
        return job if self._released_since(job, moment) else None

    def _newer_than(self, job: Job) -> Job | None:
        """Return newer content of a posting that came meanwhile and may be sent, or None."""
        newer = self._newer.get(job.name)
        return newer if newer is not None and newer.place > job.place and self._is_new(newer) else None

    def _released_since(self, job: Job, moment: int) -> bool:
        """Return whether what a posting waits for came while that was being written: nobody else would wake it."""
        standing = self._state.postings.get(job.name)
        if standing is None or standing.reason is None or self._state.settled(job.name):
            return False
        keys = standing.reason.reason.waits_for
        if any(self._changed_at.get(key, 0) > moment for key in (*keys, waits.release(standing.document))):
            return True
        if not any(waits.posting(name) in keys for name in job.posting.after):
            return False
        step = next_step(job.posting, self._state, self._held.get(job.name, {}))
        return not isinstance(step, WaitFor) or step.reason != standing.reason.reason

    async def _step(self, job: Job) -> None:
        """Do what comes next to a posting, once nothing else acts on what that touches."""
        step = await self._turn(job)
        if isinstance(step, Ready) and not self._may_be_there(job.name):
            await self._carry(job)
            step = await self._turn(job)
        if step is None:
            return
        with self._acting_on(job.name, *(_undone_by(step) if isinstance(step, Annul) else ())):
            await self._act(msgspec.structs.replace(job, undone=self._state.undone(job.name)), step)
        if isinstance(step, Annul) and step.goes_on:
            await self._step(job)

    async def _turn(self, job: Job) -> Step | None:
        """Return what happens next to a posting when that can happen now, or None if it has ended meanwhile."""
        while not self._state.settled(job.name):
            step = await self._next(job)
            under_way = self._under_way(job, step)
            if under_way:
                await asyncio.wait(under_way)
            elif not self._state.settled(job.name):
                return step
        return None

    async def _next(self, job: Job) -> Step:
        """Return what happens next, once QAD was asked what it holds of that which would be annulled."""
        asked: set[PostingId] = set()
        held = self._held[job.name] = {}
        while True:
            step = next_step(job.posting, self._state, held)
            names = _annulled_by(step, job)
            if asked.issuperset(names):
                return step
            # One after the other, so that what undoes first also acts first.
            async with self._asking:
                await self._holdings.looked()
                for name in filter(self._holdings.may_be_held, names):
                    amount = await self._held_of(name, job)
                    if amount is not None:
                        held[name] = amount
            asked.update(names)

    async def _held_of(self, name: PostingId, job: Job) -> Decimal | None:
        """Return how much QAD holds of a posting that by the log is not there, or None."""
        if name != job.name and self._state.postings.get(name) is None:
            return ZERO
        other = job if name == job.name else await self._read_again(name)
        content = job.posting.content
        is_payer = isinstance(content, AllocationContent) and name == content.payer
        # Only a receipt carries something.
        if is_payer and not isinstance(other.posting.content, ReceiptContent):
            return None
        return await self._holdings.held(other)

    def _under_way(self, job: Job, step: Step) -> list[asyncio.Task[None]]:
        """Return the tasks that must end first: the posting that it waits for, or whoever acts on what it touches."""
        if isinstance(step, WaitFor):
            return [self._live[step.posting]] if step.posting in self._live else []
        content = job.posting.content
        touched = [job.name]
        if isinstance(step, Annul):
            touched.extend(_undone_by(step))
            # The receipt that is being sent may carry what is undone.
            touched.extend([content.payer] if isinstance(content, AllocationContent) else [])
        elif isinstance(content, ReceiptContent):
            touched.extend(offer.allocation for offer in content.offers)
        return [self._acting[name] for name in touched if name in self._acting]

    @contextmanager
    def _acting_on(self, *names: PostingId) -> Iterator[None]:
        """Mark that the current task writes or sends what becomes of these postings: it waits for no other task."""
        task = self._live[names[0]]
        self._acting.update(dict.fromkeys(names, task))
        try:
            yield
        finally:
            for name in names:
                del self._acting[name]

    def _may_be_there(self, name: PostingId) -> bool:
        standing = self._state.postings.get(name)
        return standing is not None and standing.may_be_there

    async def _act(self, job: Job, step: Step) -> None:
        match step:
            case Ready():
                inverted = await self._inverted(job)
                await self._calls.make(job, inverted, lambda: self._newer_than(job) is None)
            case FindOpening(content):
                await self._calls.find_opening(job, content)
            case CarriedBy(qad, customer):
                await self._say(saying.say_there(job, qad, customer=customer, how="carried"))
            case Annul():
                await self._say(*saying.say_annulled(job, step, self._state))
                for name in step.undone:
                    await self._wake(name)
            case CannotTell(reason):
                await self._say(saying.say_still(job, Parked, reason))
            case Drop(reason):
                await self._say(saying.say_still(job, Superseded, reason))
            case WaitFor(_, reason):
                standing = self._state.postings.get(job.name)
                known = standing.reason if standing is not None else None
                # Said again of newer content as well: a start reads the one that was named last.
                if known is None or (known.reason, known.origin, known.index) != (reason, *job.place):
                    await self._say(saying.say_still(job, Waiting, reason))

    async def _wake(self, name: PostingId, *moved: str) -> None:
        """Begin what waits for a posting that is in QAD now, or never will be, and for the open items that it moved.

        What undoes one that QAD has refused may cancel out with it, so that is begun as well.
        """
        standing = self._state.postings.get(name)
        if self._state.settled(name):
            self._changed(moved)
        elif standing is not None and standing.stands_still and standing.intent is not None:
            moved = ()
        else:
            return
        await self._begin_again(self._state.held_by((waits.posting(name), *moved)))

    async def _carry(self, job: Job) -> None:
        """Let invoices that are on their way at this moment come in first, so that the receipt can carry them."""
        content = job.posting.content
        if isinstance(content, ReceiptContent):
            coming = [self._live[offer.item] for offer in content.offers if offer.item in self._live]
            if coming:
                await asyncio.wait(coming, timeout=_CARRY_PATIENCE_S)

    async def _inverted(self, job: Job) -> Content | None:
        content = job.posting.content
        if not isinstance(content, InverseContent | TransferContent):
            return None
        return (await self._read_again(content.of)).posting.content

    async def _read_again(self, name: PostingId) -> Job:
        """Return a posting with the content that counts for it."""
        origin, index = self._state.postings[name].place
        async with self._reading:
            found = await self._inputs.get([origin])
        return saying.jobs_of(read_postings(found[origin].value), origin)[index]


def _undone_by(annul: Annul) -> tuple[PostingId, ...]:
    """Return the postings of which something is undone."""
    return tuple(annul.cancels) or annul.undone


def _annulled_by(step: Step, job: Job) -> tuple[PostingId, ...]:
    """Return of which postings nothing may be in QAD for this step: itself, what it undoes, and what may carry that."""
    content = job.posting.content
    if not isinstance(step, Annul):
        return ()
    return (job.name, *_undone_by(step), *((content.payer,) if isinstance(content, AllocationContent) else ()))
