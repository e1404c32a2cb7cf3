"""One session of the sink's lane: the postings on their way, each a task, in the order of what they refer to.

It begins what is new, what is in doubt and what was lost, wakes what waits, and says what needs no call. It never
decides what a posting becomes (streams/sink/steps.py) nor whose turn it is (sink_turns.py), and never makes a call
(sink_calls.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from adapters.kafka.crashes import CAUSED_BY_CONTENT, CRASHES_MAX
from adapters.kafka.reader import LogShorterError, Reader
from adapters.kafka.sink_again import Again
from adapters.kafka.sink_calls import Say
from adapters.kafka.sink_contents import Contents, Inputs
from adapters.kafka.sink_meanwhile import Meanwhile
from adapters.kafka.sink_sides import Known, changed_by
from adapters.kafka.sink_turns import Holding, Turns
from adapters.kafka.sink_wire import Wire
from schemas.ids import PostingId
from schemas.outcomes import Parked, Superseded, Waiting
from schemas.postings import Content, OpeningContent
from streams import waits
from streams.sink import answers, saying
from streams.sink.saying import Job
from streams.sink.state import SinkState, Status
from streams.sink.steps import Annul, CannotTell, CarriedBy, Drop, FindOpening, Ready, Step, WaitFor, moved_by

log = structlog.get_logger(__name__)

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
        look_again_s: float = 30.0,
    ) -> None:
        self._state = state
        self._calls = calls
        self._tasks = tasks
        self._say = say
        self._known = known
        self._wire = wire
        self._crashes = crashes
        self._live: dict[PostingId, asyncio.Task[None]] = {}
        self._contents = Contents(state, inputs)
        self._turns = Turns(state, holdings, self._contents, self._live)
        self._meanwhile = Meanwhile(state)
        self._again = Again(look_again_s)

    async def settle(self) -> None:
        """Look up what is in doubt, and begin again what waits for another posting; and what was refused, at times."""
        await self._begin_again(self._state.to_settle())
        self._tasks.create_task(self._try_again())
        self._tasks.create_task(self._look_again())

    async def _try_again(self) -> None:
        """Send one of what was refused alike, now and then, and the others once QAD takes it."""
        while True:
            await asyncio.sleep(_TRY_AGAIN_S)
            for first, *others in self._state.refused_alike():
                if self._is_waiting(first):
                    await asyncio.gather(*await self._begin_again([first]))
                if self._state.status(first) is Status.POSTED:
                    await self._begin_again(filter(self._is_waiting, others))

    async def _look_again(self) -> None:
        """Look up, one at a time, what QAD has and has made no GL entry of yet."""
        while True:
            await asyncio.sleep(self._again.first_s)
            for name in self._again.due(self._state.lacking_entry()):
                if self._is_waiting(name):
                    await asyncio.gather(*await self._begin_again([name]))

    def _is_waiting(self, name: PostingId) -> bool:
        return self._state.status(name) is Status.WAITING

    async def take_up(self, places: Sequence[tuple[int, int]]) -> None:
        """Bring postings as far as they can go now that have no outcome although their input is behind the commit.

        Args:
            places: Input and place there, of each.
        """
        for start in range(0, len(places), _TAKEN_UP_AT_ONCE):
            jobs = await self._contents.at(places[start : start + _TAKEN_UP_AT_ONCE])
            await asyncio.gather(*self.begin_new(jobs))

    async def follow(self, sides: Reader) -> None:
        """Begin again what a decision or a change in QAD releases."""
        while True:
            for record in await sides.step():
                keys = changed_by(record)
                self._known.learn(record)
                self._meanwhile.changed(keys)
                await self._begin_again(self._state.held_by(keys, topic=record.topic.value, offset=record.offset))

    def begin_new(self, jobs: Sequence[Job]) -> list[asyncio.Task[None]]:
        """Begin the postings of an input that are not known to have ended; return their tasks.

        One that is on its way already is among them: until it ends, nobody but this session knows of newer content.
        """
        for job in jobs:
            if job.name in self._live:
                self._meanwhile.heard(job)
        return [self._task(job) for job in jobs if job.name in self._live or self._meanwhile.is_new(job)]

    async def _begin_again(self, names: Iterable[PostingId]) -> list[asyncio.Task[None]]:
        """Begin postings with the content that counts for them, unless something else is said of them by then."""
        said = {name: self._state.postings[name].reason for name in names}
        begun = []
        for name, before in said.items():
            job = await self._contents.of(name)
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
                job, began = again, self._meanwhile.moment
                self._known.begin(job.name)
                await self._try(job)
                again = self._meanwhile.again(job, began, self._turns.held(job.name))
        finally:
            del self._live[job.name]
            self._turns.over(job.name)
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
        await self._turns.nobody_acts_on(job.name)
        self._crashes.pop(job.name)
        if self._state.settled(job.name):
            return
        log.error("a posting is given up", number=job.posting.number, posting=job.name, crashes=CRASHES_MAX)
        left = msgspec.structs.replace(job, undone=self._state.undone(job.name))
        with self._turns.acting_on(job.name):
            await self._say(saying.say_still(left, Parked, answers.crashed(job.posting.number, CRASHES_MAX)))

    async def _step(self, job: Job) -> None:
        """Do what comes next to a posting, once nothing else acts on what that touches."""
        step = await self._turns.next(job)
        if step is None:
            return
        with self._turns.acting_on(job.name, step):
            await self._act(msgspec.structs.replace(job, undone=self._state.undone(job.name)), step)
        if isinstance(step, Annul) and step.goes_on:
            await self._step(job)

    async def _act(self, job: Job, step: Step) -> None:
        match step:
            case Ready():
                inverted = await self._contents.inverted(job)
                await self._calls.make(job, inverted, lambda: self._meanwhile.newer_than(job) is None)
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
            self._meanwhile.changed(moved)
        elif standing is not None and standing.stands_still and standing.intent is not None:
            moved = ()
        else:
            return
        await self._begin_again(self._state.held_by((waits.posting(name), *moved)))
