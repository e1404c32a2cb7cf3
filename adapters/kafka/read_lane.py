"""The read stage's lane: each hint is read back from Zuora, whole, and written for every connection of the tenant.

A hint is never believed. Hints of one object that wait together are one read, begun after the last of them came. An
object that cannot be read is tried again by itself and holds no other; what the user may not read is left to the poll.
With Zuora away the lane waits with what it has, holding its own partition back. Nothing is acknowledged before its
records are on the broker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog

from adapters.kafka.crashes import CAUSED_BY_CONTENT, CRASHES_MAX
from adapters.kafka.feed import TenantFeed
from adapters.kafka.owned import Acknowledge, InMemory, Partition
from adapters.pauses import jittered
from adapters.sparing import SparingLog
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.errors import ConnectorError, Misconfigured, NotAllowed, Refused, Transient, Unreadable
from schemas.events import read_callout
from schemas.ids import document_key
from schemas.outcomes import Ignored
from schemas.reasons import Reason
from schemas.records import Found, ZuoraRecord
from schemas.topics import Topic
from streams.outcomes import dead_letter, outcome_key
from streams.ports import Zuora
from streams.read.hints import Hint, read_hint
from streams.read.spec import SPEC, STAGE
from streams.stage import Input

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
# Kind and id.
_Name = tuple[str, str]

_PAUSE_S = 1.0
# Below what the watchdog takes for standing still.
_PAUSE_MAX_S = 30.0
_REST_TOLD_S = 15.0


class _Work(msgspec.Struct, frozen=True):
    """A hint with the callout it comes from."""

    hint: Hint
    callout: Callout
    item: Input


class _Run(msgspec.Struct):
    """A run that is not acknowledged: how many objects are still to be read for it."""

    event: Any
    acknowledge: Acknowledge
    left: int


class _Waiting(msgspec.Struct):
    """What the next read of an object is for: its newest hint, and the runs that hold one."""

    work: _Work
    runs: list[_Run]


class ReadLane:
    """One tenant's hints."""

    def __init__(self, *, connection: str, zuora: Zuora, feed: TenantFeed, worker: Partition) -> None:
        """Build the lane; it begins with `start`.

        Args:
            connection: The tenant's first connection, in whose partition hints stand.
            zuora: The tenant.
            feed: Writes records for all its connections.
            worker: The worker that owns the partition.
        """
        self._connection = connection
        self._zuora = zuora
        self._feed = feed
        self._worker = worker
        self._log = log.bind(stage=STAGE, connection=connection)
        self._said = SparingLog(self._log)
        self._runs: asyncio.Queue[tuple[Any, Acknowledge]] = asyncio.Queue()
        self._in_memory = InMemory(worker)
        # By object: what waits for its next read; those that are being read are in `_reading`.
        self._waiting: dict[_Name, _Waiting] = {}
        self._reading: set[_Name] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the lane has begun and not been closed."""
        return self._task is not None

    def put(self, event: Any, acknowledge: Acknowledge) -> None:
        """Take a run; never waits. Over the high mark this partition is held back."""
        self._in_memory.took(event)
        self._runs.put_nowait((event, acknowledge))

    def start(self) -> None:
        """Begin; what was not acknowledged comes again."""
        self._runs = asyncio.Queue()
        self._in_memory.clear()
        self._waiting, self._reading = {}, set()
        self._task = asyncio.create_task(self._run(), name=STAGE)

    async def close(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_of_rests())
            while True:
                for name in await self._take_up(*await self._runs.get()):
                    self._reading.add(name)
                    tasks.create_task(self._read_object(name))

    async def _take_up(self, event: Any, acknowledge: Acknowledge) -> list[_Name]:
        """Put a run's hints to those that wait; return the objects that nobody reads yet."""
        works = await self._persist(lambda: self._hints(event.value))
        run = _Run(event, acknowledge, len(works))
        for name, work in works.items():
            known = self._waiting.get(name)
            self._waiting[name] = _Waiting(work, [*(known.runs if known else ()), run])
        if not works:
            await self._done(run)
        return [name for name in works if name not in self._reading]

    async def _tell_of_rests(self) -> None:
        """Tell the watchdog of pauses that are made on purpose: Zuora may ask for two minutes."""
        while True:
            await asyncio.sleep(_REST_TOLD_S)
            if self._zuora.rests:
                self._worker.moved()

    async def _done(self, run: _Run) -> None:
        """Acknowledge a run for which nothing is left to be read."""
        await run.acknowledge(run.event)
        self._in_memory.acknowledged(run.event)

    async def _persist(self, act: Callable[[], Awaitable[Result]]) -> Result:
        while True:
            try:
                return await act()
            except Exception:  # noqa: BLE001 - whatever it was, nothing is acknowledged: it is done once more
                self._log.exception("hints could not be taken up; it is done again", pause_s=_PAUSE_S)
                await asyncio.sleep(_PAUSE_S)

    async def _read_object(self, name: _Name) -> None:
        """Read an object until nothing waits for it: a hint that comes while it is read needs another read."""
        while name in self._waiting:
            waiting = self._waiting.pop(name)
            await self._read_for(name, waiting)
            for run in waiting.runs:
                run.left -= 1
                if not run.left:
                    await self._done(run)
        self._reading.discard(name)

    async def _read_for(self, name: _Name, waiting: _Waiting) -> None:
        """Read an object until Zuora and the broker have done their part; hints that come meanwhile join in."""
        tries = crashes = 0
        while True:
            work = waiting.work
            try:
                await self._write(work, await self._answer(work))
            except (Transient, Refused) as error:
                self._log.warning("not read yet; it is tried again", kind=work.hint.kind, reason=str(error))
            except CAUSED_BY_CONTENT:
                crashes += 1
                self._log.exception("a hint has crashed", offset=work.item.offset, crashes=crashes)
                if crashes >= CRASHES_MAX:
                    told = f"{CRASHES_MAX} crashes at this record"
                    await self._persist(partial(self._dead_letter, work.item, told))
                    return
            except Exception:  # noqa: BLE001 - as above
                self._log.exception("a hint could not be followed; it is done again")
            else:
                return
            finally:
                # Many at once may take longer than the watchdog waits.
                self._worker.moved()
            tries += 1
            await asyncio.sleep(jittered(tries, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))
            newer = self._waiting.pop(name, None)
            if newer is not None:
                waiting.work, waiting.runs = newer.work, [*waiting.runs, *newer.runs]

    async def _hints(self, records: Sequence[Any]) -> dict[_Name, _Work]:
        works: dict[_Name, _Work] = {}
        for record in records:
            item = Input(record.offset, record.timestamp, record.key or b"", record.value or b"")
            try:
                callout = read_callout(item.value)
                hint = read_hint(callout)
            except Unreadable as error:
                await self._dead_letter(item, str(error))
                continue
            except CAUSED_BY_CONTENT as error:
                # Nothing but its bytes goes in: another try would end no better.
                self._log.exception("a hint has crashed", offset=item.offset)
                await self._dead_letter(item, f"a crash at this record: {type(error).__name__}")
                continue
            if hint is not None:
                works[hint.kind, hint.id] = _Work(hint, callout, item)
        return works

    async def _answer(self, work: _Work) -> ZuoraRecord | ConnectorError | None:
        """Return what Zuora has, or why no other try will read it."""
        found = Found(by="callout", at=datetime.now(UTC), evidence=work.callout.notification_id)
        try:
            return await self._zuora.read(work.hint.kind, work.hint.id, found)
        except (Misconfigured, Unreadable, NotAllowed) as error:
            return error

    async def _write(self, work: _Work, answer: ZuoraRecord | ConnectorError | None) -> None:
        if isinstance(answer, NotAllowed):
            await self._not_allowed(work, answer)
        elif isinstance(answer, ConnectorError):
            # What it hints at comes with the poll.
            await self._dead_letter(work.item, str(answer))
        elif answer is None:
            # Said, and no more: that something is gone undoes what was posted of it, and one answer may as well mean a
            # view that was lost. The re-read holds it against all else that is gone.
            await self._not_found(work)
        else:
            await self._feed.records([answer])

    async def _not_found(self, work: _Work) -> None:
        told = f"Zuora has no {work.hint.kind} {work.hint.id}: it was deleted since"
        await self._ignore(work, Reason(rule="not_found", message=told))

    async def _not_allowed(self, work: _Work, error: NotAllowed) -> None:
        """Leave it to the poll: its cursor waits for the right, and hints that wait would hold back all others."""
        self._said.warning("callouts tell of what the user may not read", about=work.hint.kind, reason=str(error))
        told = f"the user may not read {work.hint.kind} {work.hint.id}: the poll does once the right is given. {error}"
        await self._ignore(work, Reason(rule="not_allowed", message=told))

    async def _ignore(self, work: _Work, reason: Reason) -> None:
        document = document_key(work.hint.kind, work.hint.id)
        outcome = Ignored(
            connection=self._connection,
            stage=STAGE,
            subject=document,
            document=document,
            origin=work.item.offset,
            reason=reason,
        )
        await self._send(Topic.OUTCOMES, outcome_key(outcome), encode(outcome))

    async def _dead_letter(self, item: Input, reason: str) -> None:
        letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=reason)
        await self._send(Topic.DEAD_LETTERS, item.key, encode(letter))

    async def _send(self, topic: Topic, key: bytes, value: bytes) -> None:
        await (await self._worker.send(topic, key=key, value=value, stage=STAGE))
