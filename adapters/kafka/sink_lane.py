"""The sink's lane: one connection's postings into QAD, each once, whatever is killed or cut.

Intended is acknowledged before the call; what is intended or unknown is looked up before anything else; a new owner
fences the old one and then reads where all stands. Never a blind retry, never a call for a posting whose content is not
frozen in the log. What happens next to a posting, what is sent and what an answer means is decided in streams/sink/.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import structlog
from aiokafka.errors import KafkaError

from adapters.clock import boot_time_s
from adapters.crashpoints import crashpoint
from adapters.kafka.bookmark import Bookmark, Mark, Witness
from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.cluster import Cluster
from adapters.kafka.lane import STAGE_HEADER
from adapters.kafka.owned import Acknowledge, InMemory, Partition
from adapters.kafka.reader import ByOffset, LogRecord, LogShorterError, Reader, ends_of
from adapters.kafka.sink_audit import Audit
from adapters.kafka.sink_calls import Calls, Limits, Say
from adapters.kafka.sink_gate import Gate
from adapters.kafka.sink_holdings import Holdings
from adapters.kafka.sink_session import Session
from adapters.kafka.sink_sides import Known
from adapters.kafka.sink_wire import Wire
from adapters.kafka.writer import Fenced, FencingWriter, Write
from schemas.codec import encode
from schemas.errors import Unreadable
from schemas.events import read_outcome, read_postings
from schemas.ids import PostingId
from schemas.outcomes import AnyOutcome
from schemas.topics import Topic
from streams.outcomes import dead_letter, outcome_key
from streams.ports import Erp
from streams.sink import saying
from streams.sink.spec import SPEC, STAGE
from streams.sink.state import SinkState
from streams.stage import Input

log = structlog.get_logger(__name__)

# Pause before a lane opens again after an error.
_PAUSE_S = 1.0
# How often what is behind the commit is held against the outcomes: it is read once, and nothing waits for it.
_AUDIT_EVERY_S = 30.0


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
        checkpoint: Checkpoint | None = None,
        bookmark: Bookmark | None = None,
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
            checkpoint: Where the state is written down at times; without it, every start reads the whole log.
            bookmark: What the log ended with; without it, no new lane can be shown that the log is whole.
        """
        self._cluster = cluster
        self._connection = connection
        self._partition = partition
        self._limits = limits
        self._erp = erp
        self._worker = worker
        self._end_process = end_process
        self._log = log.bind(stage=STAGE, connection=connection, partition=partition)
        self._checkpoint = checkpoint
        self._bookmark = bookmark or Bookmark(None)
        self._state = SinkState()
        # Over sessions: each crash ends one.
        self._crashes: Counter[PostingId] = Counter()
        self._position = 0
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._runs: list[tuple[Any, Acknowledge]] = []
        self._inbox: asyncio.Queue[tuple[Any, Acknowledge]] = asyncio.Queue()
        self._in_memory = InMemory(worker)
        self._wire = Wire()

    @property
    def running(self) -> bool:
        """Whether the lane has begun and not been closed."""
        return self._task is not None

    def put(self, event: Any, acknowledge: Acknowledge) -> None:
        """Take a run; never waits. Over the high mark this partition is held back."""
        self._in_memory.took(event)
        self._inbox.put_nowait((event, acknowledge))

    def start(self) -> None:
        """Begin, or begin again after a rebalance with what is known."""
        self._runs, self._inbox = [], asyncio.Queue()
        self._in_memory.clear()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name=f"{STAGE}.{self._partition}")

    async def close(self) -> None:
        """Intend nothing more, let what is on the wire end, then leave the rest: it is in the log."""
        task, self._task = self._task, None
        if task is not None:
            await self._wire.close()
            # A group of tasks that ends by an error of its own at this moment swallows the cancellation (Python 3.11).
            self._closing = True
            task.cancel()
            await asyncio.wait([task])
            self._bookmark.close()

    async def _run(self) -> None:
        fenced = False
        while not fenced and not self._closing:
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
        self._wire = Wire()
        async with AsyncExitStack() as stack:
            writer = FencingWriter(self._cluster, self._partition, name, self._written, begins=self._begins)
            stack.push_async_callback(writer.stop)
            await writer.start()
            fenced_at = boot_time_s()
            audit = await stack.enter_async_context(Audit(self._cluster, self._partition))
            writer.count = await self._catch_up(audit)
            positions = await self._side_positions()
            sides = await stack.enter_async_context(Reader(self._cluster, self._partition, positions))
            known = Known(positions)
            say = writer_says(writer, known)
            inputs = await stack.enter_async_context(ByOffset(self._cluster, SPEC.source, self._partition))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(writer.run())
                gate = Gate(self._limits.concurrency, told=self._log)
                holdings = Holdings(self._erp, self._state, gate=gate, moved=self._worker.moved)
                calls = Calls(
                    self._erp,
                    self._state,
                    say,
                    limits=self._limits,
                    gate=gate,
                    holdings=holdings,
                    fenced_at=fenced_at,
                    wire=self._wire,
                    moved=self._worker.moved,
                )
                looking = _Looking(holdings, tasks, sure_from=fenced_at + self._limits.settle_s)
                mark = self._bookmark.known
                if mark.look_below and not mark.first_start:
                    holdings.look_for(self._state.standing_still(), below=mark.look_below)
                if mark.must_look:
                    looking.begin(mark)
                session = Session(
                    self._state,
                    calls,
                    holdings,
                    tasks,
                    inputs=inputs,
                    say=say,
                    known=known,
                    wire=self._wire,
                    crashes=self._crashes,
                    # Browses may be late: earlier, what was just made would be taken for gone.
                    look_again_s=max(self._limits.look_again_s, self._limits.settle_s),
                )
                self._log.info("lane ready", postings=len(self._state.postings))
                await session.settle()
                tasks.create_task(session.follow(sides))
                tasks.create_task(self._account(audit, session, looking))
                self._in_memory.begun_again()
                for event, acknowledge in list(self._runs):
                    tasks.create_task(self._take(session, looking, event, acknowledge))
                while True:
                    event, acknowledge = await self._inbox.get()
                    self._runs.append((event, acknowledge))
                    tasks.create_task(self._take(session, looking, event, acknowledge))

    async def _catch_up(self, audit: Audit) -> int:
        """Read our outcomes on to the high watermark: the one before is shut out, so nothing of it comes after.

        Returns the number that the last one carries, or 0 to count anew: who reads a gap before that knows that it was
        seen.

        The last one that is known must stand where it stood. Else the log has lost its end, or was made anew.
        """
        cut = False
        if self._checkpoint is not None and not self._position:
            positions = await self._checkpoint.restore(self._state)
            self._position, cut = positions.get(Topic.OUTCOMES, 0), self._checkpoint.log_is_cut
        known, held = self._bookmark.read(), self._position > 0
        start = self._position if known is None or known.offset < 0 else min(self._position, known.offset)
        witness = Witness(known, from_start=not start)
        try:
            await self._read_on(start, witness)
            kept = known is None or witness.met
        except LogShorterError:
            kept = False
        if held and not kept:
            self._state, self._position = SinkState(), 0
            await self._read_on(0, witness := Witness(None))
        if known is not None and witness.whole and not cut and not self._bookmark.may_have_gone_back(known):
            last, count = witness.last, witness.count
            self._bookmark.set(msgspec.structs.replace(known, offset=last.offset, digest=last.digest, pending=""))
        else:
            count = 0
            await self._distrust(audit, witness.last, known=known)
        self._keep()
        return count

    async def _read_on(self, start: int, witness: Witness) -> None:
        async with Reader(self._cluster, self._partition, {Topic.OUTCOMES: start}) as reader:
            async for records in reader.until_end():
                for record in records:
                    if _is_ours(record):
                        witness.see(record)
                    if record.offset >= self._position:
                        self._take_up(record)
                self._worker.moved()

    def _take_up(self, record: LogRecord) -> None:
        try:
            self._fold(record.value)
        except Unreadable:
            # One of our own may be a document in QAD: without it nothing may be sent.
            if _is_ours(record):
                raise
            self._log.error("an outcome of nobody is passed over", offset=record.offset)
        self._position = record.offset + 1

    async def _distrust(self, audit: Audit, last: Mark, *, known: Mark | None) -> None:
        """Note that postings which are there now may have been sent without a trace in the log."""
        end = (await ends_of(self._cluster, self._partition, [SPEC.source]))[SPEC.source]
        # The bookmark may name an outcome that the log lost before the group committed anything.
        owned_before = known is not None and (known.offset >= 0 or bool(known.pending))
        first_start = not owned_before and not len(self._state.postings) and not await audit.committed()
        self._bookmark.set(msgspec.structs.replace(last, look_below=max(end, 1), first_start=first_start))
        if not first_start:
            self._log.warning("the outcomes cannot be shown whole: QAD is asked before anything is sent", below=end)

    async def _account(self, audit: Audit, session: Session, looking: "_Looking") -> None:
        """Take up, now and then, what was lost behind the commit."""
        while True:
            try:
                end = await audit.committed()
                lost = await audit.lost(self._bookmark.known.accounted, end, self._has_outcome)
            except KafkaError as error:
                self._log.warning("what is behind the commit cannot be read now", what=type(error).__name__)
            else:
                if lost:
                    self._log.error("postings behind the commit have no outcome: taken up again", count=len(lost))
                    looking.begin(self._bookmark.known)
                    await session.take_up(lost)
                # Who comes after this owner looks as well, unless this one has done so.
                await looking.ended()
                self._bookmark.account(end)
            await asyncio.sleep(_AUDIT_EVERY_S)

    def _has_outcome(self, name: PostingId) -> bool:
        return self._state.status(name) is not None

    def _keep(self) -> None:
        """Write a checkpoint when one is due: the state is what the log says up to the position, at any moment."""
        positions = {Topic.OUTCOMES: self._position}
        if self._checkpoint is not None and self._checkpoint.is_due(positions):
            self._checkpoint.keep(self._state, positions)

    async def _side_positions(self) -> dict[Topic, int]:
        """Return where to follow the side topics from: what stands still knew them up to there, or all of them."""
        ends = await ends_of(self._cluster, self._partition, SPEC.sides)
        known = self._state.known_sides()
        return {topic: min(end, known.get(topic.value, end)) for topic, end in ends.items()}

    def _begins(self, records: Sequence[Write]) -> None:
        self._bookmark.begins([record.value for record in records])

    def _written(self, records: Sequence[Write], last_offset: int) -> None:
        self._bookmark.committed([record.value for record in records], last_offset)
        for record in records:
            self._fold(record.value)
        self._position = last_offset + 1
        self._keep()
        self._worker.moved()

    def _fold(self, value: bytes) -> None:
        outcome = read_outcome(value)
        if outcome.stage == STAGE:
            self._state.take(outcome)

    async def _take(self, session: Session, looking: "_Looking", event: Any, acknowledge: Acknowledge) -> None:
        """Acknowledge a run when each of its postings has ended, or stands in the log with its origin."""
        under_way: list[asyncio.Task[None]] = []
        for record in event.value:
            try:
                postings = read_postings(record.value)
            except Unreadable as error:
                await self._dead_letter(record, str(error))
                self._in_memory.ended()
                continue
            jobs = saying.jobs_of(postings, record.offset)
            accounted = record.offset < self._bookmark.known.accounted
            if accounted and not all(self._has_outcome(job.name) for job in jobs):
                # It comes again, and what became of it is gone: the log is not what it was.
                looking.begin(self._bookmark.known)
            begun = session.begin_new(jobs)
            when_all_ended(begun, self._in_memory.ended)
            under_way.extend(begun)
        # gather, not wait: a cancelled document must not acknowledge its run.
        await asyncio.gather(*under_way)
        crashpoint("sink.before_acknowledged")
        await acknowledge(event)
        self._runs.remove((event, acknowledge))
        self._in_memory.acknowledged(event)

    async def _dead_letter(self, record: Any, reason: str) -> None:
        item = Input(record.offset, record.timestamp, record.key or b"", record.value or b"")
        letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=reason)
        await (await self._worker.send(Topic.DEAD_LETTERS, key=item.key, value=encode(letter), stage=STAGE))


class _Looking:
    """The look at what QAD holds, once a session, before anything is sent that is not in doubt."""

    def __init__(self, holdings: Holdings, tasks: asyncio.TaskGroup, *, sure_from: float) -> None:
        self._holdings = holdings
        self._tasks = tasks
        self._sure_from = sure_from
        self._begun = False

    def begin(self, mark: Mark) -> None:
        """Begin it; where no owner was there before, nothing of one can be on the wire."""
        if not self._begun:
            self._begun = True
            self._holdings.distrust(0 if mark.first_start else max(mark.look_below, mark.accounted))
            sure_from = 0.0 if mark.first_start else self._sure_from
            self._tasks.create_task(self._holdings.read(sure_from=sure_from))

    async def ended(self) -> None:
        """Return when it has ended, if it was begun."""
        await self._holdings.looked()


def when_all_ended(tasks: Sequence[asyncio.Task[None]], call: Callable[[], None]) -> None:
    """Call once all tasks have ended, however; at once where there are none."""
    left = len(tasks)

    def one_ended(_task: asyncio.Task[None]) -> None:
        nonlocal left
        left -= 1
        if not left:
            call()

    for task in tasks:
        task.add_done_callback(one_ended)
    if not tasks:
        call()


def _is_ours(record: LogRecord) -> bool:
    return (STAGE_HEADER, STAGE.encode()) in record.headers


def writer_says(writer: FencingWriter, known: Known) -> Say:
    """Return what writes outcomes in one transaction."""

    async def say(*outcomes: AnyOutcome) -> None:
        said = map(known.for_outcome, outcomes)
        await writer.write(*(Write(Topic.OUTCOMES, outcome_key(outcome), encode(outcome)) for outcome in said))

    return say
