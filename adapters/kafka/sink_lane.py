"""The sink's lane: one connection's postings into QAD, each once, whatever is killed or cut.

Intended is acknowledged before the call; what is intended or unknown is looked up before anything else; a new owner
fences the old one and then reads where all stands. Never a blind retry, never a call for a posting whose content is not
frozen in the log. What happens next to a posting, what is sent and what an answer means is decided in streams/sink/.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import structlog

from adapters.clock import boot_time_s
from adapters.kafka.cluster import Cluster
from adapters.kafka.lane import DOCUMENTS_HIGH, DOCUMENTS_LOW, Acknowledge, Partition
from adapters.kafka.reader import ByOffset, LogRecord, Reader, ends_of
from adapters.kafka.sink_calls import Calls, Limits, Say, Wire
from adapters.kafka.writer import Fenced, FencingWriter, Write
from schemas.codec import Decoder, encode
from schemas.decisions import AnyDecision
from schemas.errors import Unreadable
from schemas.ids import PostingId
from schemas.outcomes import AnyOutcome, Parked, Superseded, Waiting
from schemas.postings import Content, InverseContent, PostingSet, ReceiptContent
from schemas.references import QadReference
from schemas.topics import Topic
from streams import waits
from streams.outcomes import dead_letter, decode_outcome, outcome_key
from streams.ports import Erp
from streams.sink import saying
from streams.sink.saying import Job
from streams.sink.spec import SPEC, STAGE
from streams.sink.state import SinkState, Standing, Status
from streams.sink.steps import Annul, CarriedBy, Drop, FindOpening, Ready, Step, WaitFor, moved_by, next_step
from streams.stage import Input

log = structlog.get_logger(__name__)

# Pause before a lane opens again after an error.
_PAUSE_S = 1.0
# How long calls on the wire may end when the lane closes: below the session time-out, above most answers.
_CLOSE_GRACE_S = 3.5
# How long a receipt waits for an invoice that is on its way at this moment, so as to carry its application.
_CARRY_PATIENCE_S = 10.0

_postings: Decoder[PostingSet] = Decoder(PostingSet)
_decisions: Decoder[AnyDecision] = Decoder(AnyDecision)
_references: Decoder[QadReference] = Decoder(QadReference)


class SinkLane:
    """One connection's way into QAD."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        connection: str,
        partition: int,
        limits: Limits,
        erp: Erp,
        worker: Partition,
        end_process: Callable[[str], None],
    ) -> None:
        """Build the lane; it begins with `start`.

        Args:
            cluster: The cluster.
            connection: Whose lane it is.
            partition: Its partition.
            limits: How many calls at once, and how old an intent may be.
            erp: This connection's QAD.
            worker: The worker that owns the partition.
            end_process: Called with a reason when another worker owns the connection.
        """
        self._cluster = cluster
        self._connection = connection
        self._partition = partition
        self._limits = limits
        self._erp = erp
        self._worker = worker
        self._end_process = end_process
        self._log = log.bind(stage=STAGE, connection=connection, partition=partition)
        self._state = SinkState()
        self._position = 0
        self._task: asyncio.Task[None] | None = None
        self._runs: list[tuple[Any, Acknowledge]] = []
        self._inbox: asyncio.Queue[tuple[Any, Acknowledge]] = asyncio.Queue()
        self._held_documents = 0
        self._wire = Wire()

    @property
    def running(self) -> bool:
        """Whether the lane has begun and not been closed."""
        return self._task is not None

    def put(self, event: Any, acknowledge: Acknowledge) -> None:
        """Take a run; never waits. Over the high mark this partition is held back."""
        self._held_documents += len(event.value)
        if self._held_documents > DOCUMENTS_HIGH:
            self._worker.hold_back()
        self._inbox.put_nowait((event, acknowledge))

    def start(self) -> None:
        """Begin, or begin again after a rebalance with what is known."""
        self._runs, self._inbox, self._held_documents, self._wire = [], asyncio.Queue(), 0, Wire()
        self._task = asyncio.create_task(self._run(), name=f"{STAGE}.{self._partition}")

    async def close(self) -> None:
        """Intend nothing more, let what is on the wire end, then leave the rest: it is in the log."""
        task, self._task = self._task, None
        if task is not None:
            await self._wire.close(_CLOSE_GRACE_S)
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        fenced = False
        while not fenced:
            try:
                await self._session()
            except* Fenced:
                fenced = True
                self._end_process(f"another worker owns connection {self._connection}")
            except* Exception:  # noqa: BLE001 - whatever it was, the log says where all stands: begin from there
                self._log.exception("lane opens again", pause_s=_PAUSE_S)
            await asyncio.sleep(_PAUSE_S)

    async def _session(self) -> None:
        """Fence, read where all stands, settle what is in doubt, then take what comes."""
        name = f"{self._cluster.group(STAGE)}.{self._connection}"
        async with AsyncExitStack() as stack:
            writer = FencingWriter(self._cluster, self._partition, name, self._written)
            stack.push_async_callback(writer.stop)
            await writer.start()
            fenced_at = boot_time_s()
            await self._catch_up()
            positions = await self._side_positions()
            sides = await stack.enter_async_context(Reader(self._cluster, self._partition, positions))
            known = _Known(positions)
            say = writer_says(writer, known)
            inputs = await stack.enter_async_context(ByOffset(self._cluster, SPEC.source, self._partition))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(writer.run())
                calls = Calls(
                    self._erp,
                    self._state,
                    say,
                    limits=self._limits,
                    fenced_at=fenced_at,
                    wire=self._wire,
                    moved=self._worker.moved,
                )
                if not self._state.postings:
                    await calls.look_before_first()
                session = _Session(self._state, calls, tasks, inputs=inputs, say=say, known=known)
                self._log.info("lane ready", postings=len(self._state.postings))
                await session.settle()
                tasks.create_task(session.follow(sides))
                for event, acknowledge in list(self._runs):
                    tasks.create_task(self._take(session, event, acknowledge))
                while True:
                    event, acknowledge = await self._inbox.get()
                    self._runs.append((event, acknowledge))
                    tasks.create_task(self._take(session, event, acknowledge))

    async def _catch_up(self) -> None:
        """Read our outcomes on to the high watermark: the one before is shut out, so nothing of it comes after."""
        async with Reader(self._cluster, self._partition, {Topic.OUTCOMES: self._position}) as reader:
            for record in await reader.to_end():
                self._fold(record.value)
                self._position = record.offset + 1

    async def _side_positions(self) -> dict[Topic, int]:
        """Return where to follow the side topics from: what stands still knew them up to there, or all of them."""
        ends = await ends_of(self._cluster, self._partition, SPEC.sides)
        known = self._state.known_sides()
        return {topic: min(end, known.get(topic.value, end)) for topic, end in ends.items()}

    def _written(self, records: Sequence[Write], last_offset: int) -> None:
        for record in records:
            self._fold(record.value)
        self._position = last_offset + 1
        self._worker.moved()

    def _fold(self, value: bytes) -> None:
        outcome = decode_outcome(value)
        if outcome.stage == STAGE:
            self._state.take(outcome)

    async def _take(self, session: "_Session", event: Any, acknowledge: Acknowledge) -> None:
        """Acknowledge a run when each of its postings has ended, or stands in the log with its origin."""
        under_way: list[asyncio.Task[None]] = []
        for record in event.value:
            try:
                postings = _postings(record.value)
            except Unreadable as error:
                await self._dead_letter(record, str(error))
                continue
            under_way.extend(session.begin_new(saying.jobs_of(postings, record.offset)))
        # gather, not wait: a cancelled document must not acknowledge its run.
        await asyncio.gather(*under_way)
        await acknowledge(event)
        self._runs.remove((event, acknowledge))
        self._held_documents -= len(event.value)
        if self._held_documents < DOCUMENTS_LOW:
            self._worker.let_go()
        self._worker.moved()

    async def _dead_letter(self, record: Any, reason: str) -> None:
        item = Input(record.offset, record.timestamp, record.key or b"", record.value or b"")
        letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=reason)
        await (await self._worker.send(Topic.DEAD_LETTERS, key=item.key, value=encode(letter), stage=STAGE))


class _Known:
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


class _Session:
    """The postings of one session: each a task, in the order of what they refer to."""

    def __init__(
        self,
        state: SinkState,
        calls: Calls,
        tasks: asyncio.TaskGroup,
        *,
        inputs: ByOffset,
        say: Say,
        known: _Known,
    ) -> None:
        self._state = state
        self._calls = calls
        self._tasks = tasks
        self._inputs = inputs
        self._reading = asyncio.Lock()
        self._say = say
        self._known = known
        self._live: dict[PostingId, asyncio.Task[None]] = {}
        self._newer: dict[PostingId, Job] = {}
        self._moment = 0
        self._changed_at: dict[str, int] = {}

    async def settle(self) -> None:
        """Look up what is in doubt, and begin again what waits for another posting."""
        for name in self._state.to_settle():
            self._begin(await self._read_again(name))

    async def follow(self, sides: Reader) -> None:
        """Begin again what a decision or a change in QAD releases."""
        while True:
            for record in await sides.step():
                keys = _changed_by(record)
                self._known.learn(record)
                self._changed(keys)
                for name in self._state.held_by(keys, topic=record.topic.value, offset=record.offset):
                    self._begin(await self._read_again(name))

    def _changed(self, keys: Sequence[str]) -> None:
        """Remember for postings whose turn it is that these keys changed."""
        self._moment += 1
        self._changed_at.update(dict.fromkeys(keys, self._moment))

    def begin_new(self, jobs: Sequence[Job]) -> list[asyncio.Task[None]]:
        """Begin the postings of an input that are not known to have ended; return their tasks."""
        for job in jobs:
            if job.name in self._live:
                # Its content may have been refused by the time it ends: then this is what counts.
                self._newer[job.name] = job
        return [self._task(job) for job in jobs if self._is_new(job)]

    def _is_new(self, job: Job) -> bool:
        """Return whether an input says something new of a posting; content is frozen once a call may have been made."""
        standing = self._state.postings.get(job.name)
        if standing is None:
            return True
        if standing.status is Status.POSTED and standing.source_hash != job.posting.source_hash:
            log.error("other content for a posting that is in QAD", number=job.posting.number, posting=job.name)
        return standing.stands_still and (job.origin, job.index) > (standing.origin, standing.index)

    def _begin(self, job: Job) -> None:
        self._live[job.name] = self._task(job)

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
                await self._step(job)
                again = self._again(job, began)
        finally:
            del self._live[job.name]
            self._known.end(job.name)
        await self._wake(job.name, *map(waits.item, moved_by(job.posting)))

    def _again(self, job: Job, moment: int) -> Job | None:
        """Return what to try again at once: newer content that came meanwhile, or what was released meanwhile."""
        newer = self._newer.pop(job.name, None)
        if newer is not None and self._is_new(newer):
            return newer
        return job if self._released_since(job, moment) else None

    def _released_since(self, job: Job, moment: int) -> bool:
        """Return whether what a posting waits for came while that was being written: nobody else would wake it."""
        standing = self._state.postings.get(job.name)
        if standing is None or standing.reason is None or self._state.settled(job.name):
            return False
        keys = standing.reason.reason.waits_for
        if any(self._changed_at.get(key, 0) > moment for key in (*keys, waits.release(standing.document))):
            return True
        return any(waits.posting(name) in keys and self._state.settled(name) for name in job.posting.after)

    async def _step(self, job: Job) -> None:
        standing = self._state.postings.get(job.name)
        if standing is not None and standing.doubted:
            await self._calls.make(job, await self._inverted(job))
            return
        step = next_step(job.posting, self._state)
        while isinstance(step, WaitFor) and step.posting in self._live:
            await asyncio.wait([self._live[step.posting]])
            step = next_step(job.posting, self._state)
        if isinstance(step, Ready):
            await self._carry(job)
            await self._calls.make(job, await self._inverted(job))
        elif isinstance(step, FindOpening):
            await self._calls.find_opening(job, step.content)
        else:
            await self._no_call(job, step, standing)

    async def _no_call(self, job: Job, step: Step, standing: Standing | None) -> None:
        """Write what becomes of a posting without a call."""
        match step:
            case CarriedBy(qad, customer):
                await self._say(saying.say_there(job, qad, customer=customer, how="carried"))
            case Annul(undone, reason):
                other = saying.say_superseded(job.connection, undone, self._state.postings[undone], reason)
                await self._say(other, saying.say_still(job, Superseded, reason))
                await self._wake(undone)
            case Drop(reason):
                await self._say(saying.say_still(job, Superseded, reason))
            case WaitFor(_, reason):
                known = standing.reason if standing is not None else None
                if known is None or known.reason != reason:
                    await self._say(saying.say_still(job, Waiting, reason))

    async def _wake(self, name: PostingId, *moved: str) -> None:
        """Begin what waits for a posting that is in QAD now, or never will be, and for the open items that it moved."""
        if self._state.settled(name):
            self._changed(moved)
            for waiting in self._state.held_by((waits.posting(name), *moved)):
                self._begin(await self._read_again(waiting))

    async def _carry(self, job: Job) -> None:
        """Let invoices that are on their way at this moment come in first, so that the receipt can carry them."""
        content = job.posting.content
        if isinstance(content, ReceiptContent):
            coming = [self._live[offer.item] for offer in content.offers if offer.item in self._live]
            if coming:
                await asyncio.wait(coming, timeout=_CARRY_PATIENCE_S)

    async def _inverted(self, job: Job) -> Content | None:
        content = job.posting.content
        if not isinstance(content, InverseContent):
            return None
        return (await self._read_again(content.of)).posting.content

    async def _read_again(self, name: PostingId) -> Job:
        """Return a posting with the content that counts for it."""
        standing = self._state.postings[name]
        async with self._reading:
            found = await self._inputs.get([standing.origin])
        return saying.jobs_of(_postings(found[standing.origin].value), standing.origin)[standing.index]


def writer_says(writer: FencingWriter, known: _Known) -> Say:
    """Return what writes outcomes in one transaction."""

    async def say(*outcomes: AnyOutcome) -> None:
        said = map(known.for_outcome, outcomes)
        await writer.write(*(Write(Topic.OUTCOMES, outcome_key(outcome), encode(outcome)) for outcome in said))

    return say


def _changed_by(record: LogRecord) -> Sequence[str]:
    if record.topic is Topic.DECISIONS:
        return waits.changed_by_decision(_decisions(record.value))
    return waits.changed_by_qad(_references(record.value))
