"""The read stage's lane: each hint is read back from Zuora, whole, and written for every connection of the tenant.

A hint is never believed. With Zuora away the lane waits with what it has, holding its own partition back; nothing is
acknowledged before its records are on the broker. Hints of one object that wait together are one read.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from adapters.kafka.crashes import CAUSED_BY_CONTENT, CRASHES_MAX
from adapters.kafka.feed import TenantFeed
from adapters.kafka.lane import DOCUMENTS_HIGH, DOCUMENTS_LOW, Acknowledge, Partition
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.errors import Misconfigured, Refused, Transient, Unreadable
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

_PAUSE_S = 1.0
# Below what the watchdog takes for standing still.
_PAUSE_MAX_S = 30.0
_REST_TOLD_S = 15.0


class _Work(msgspec.Struct, frozen=True):
    """A hint with the callout it comes from."""

    hint: Hint
    callout: Callout
    item: Input


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
        self._runs: asyncio.Queue[tuple[Any, Acknowledge]] = asyncio.Queue()
        self._held = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the lane has begun and not been closed."""
        return self._task is not None

    def put(self, event: Any, acknowledge: Acknowledge) -> None:
        """Take a run; never waits. Over the high mark this partition is held back."""
        self._held += len(event.value)
        if self._held > DOCUMENTS_HIGH:
            self._worker.hold_back()
        self._runs.put_nowait((event, acknowledge))

    def start(self) -> None:
        """Begin; what was not acknowledged comes again."""
        self._runs, self._held = asyncio.Queue(), 0
        self._task = asyncio.create_task(self._run(), name=STAGE)

    async def close(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            runs = [await self._runs.get()]
            # All that waits is read together: of one object once, after the last hint of it came.
            while not self._runs.empty():
                runs.append(self._runs.get_nowait())
            await self._persist([record for event, _ in runs for record in event.value])
            for event, acknowledge in runs:
                await acknowledge(event)
                self._held -= len(event.value)
            if self._held < DOCUMENTS_LOW:
                self._worker.let_go()
            self._worker.moved()

    async def _persist(self, records: Sequence[Any]) -> None:
        while True:
            try:
                await self._one_run(records)
            except Exception:  # noqa: BLE001 - whatever it was, nothing is acknowledged: the run is done once more
                self._log.exception("run failed; it is done again", pause_s=_PAUSE_S)
                await asyncio.sleep(_PAUSE_S)
            else:
                return

    async def _one_run(self, records: Sequence[Any]) -> None:
        """Read what records hint at, each object once, until Zuora and the broker have done their part."""
        works = await self._hints(records)
        tries, crashes = 0, Counter[tuple[str, str]]()
        while works:
            self._worker.moved()
            async with self._rests_told():
                answers = await asyncio.gather(*(self._read(work) for work in works.values()), return_exceptions=True)
            left: dict[tuple[str, str], _Work] = {}
            for (name, work), answer in zip(works.items(), answers, strict=True):
                try:
                    await self._write(work, answer)
                except (Transient, Refused) as error:
                    left[name] = work
                    self._log.warning("not read yet; it is tried again", kind=work.hint.kind, reason=str(error))
                except CAUSED_BY_CONTENT:
                    crashes[name] += 1
                    self._log.exception("a hint has crashed", offset=work.item.offset, crashes=crashes[name])
                    if crashes[name] < CRASHES_MAX:
                        left[name] = work
                    else:
                        await self._dead_letter(work.item, f"{CRASHES_MAX} crashes at this record")
            works = left
            if works:
                tries += 1
                pause_s = random.uniform(0, min(_PAUSE_MAX_S, 2.0 ** min(tries, 16)))  # noqa: S311 - jitter is no secret
                await asyncio.sleep(pause_s)

    async def _hints(self, records: Sequence[Any]) -> dict[tuple[str, str], _Work]:
        works: dict[tuple[str, str], _Work] = {}
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

    @asynccontextmanager
    async def _rests_told(self) -> AsyncIterator[None]:
        """Tell the watchdog meanwhile of pauses that are made on purpose: Zuora may ask for two minutes."""

        async def tell() -> None:
            while True:
                await asyncio.sleep(_REST_TOLD_S)
                if self._zuora.rests:
                    self._worker.moved()

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()

    async def _read(self, work: _Work) -> ZuoraRecord | None:
        found = Found(by="callout", at=datetime.now(UTC), evidence=work.callout.notification_id)
        try:
            return await self._zuora.read(work.hint.kind, work.hint.id, found)
        finally:
            # Many at once may take longer than the watchdog waits.
            self._worker.moved()

    async def _write(self, work: _Work, answer: ZuoraRecord | BaseException | None) -> None:
        if isinstance(answer, Misconfigured | Unreadable):
            # No other try will read it, and the hints behind it must not wait: what it hints at comes with the poll.
            await self._dead_letter(work.item, str(answer))
        elif isinstance(answer, BaseException):
            raise answer
        elif answer is None:
            # Said, and no more: that something is gone undoes what was posted of it, and one answer may as well mean a
            # view that was lost. The re-read holds it against all else that is gone.
            await self._not_found(work)
        else:
            await self._feed.records([answer])

    async def _not_found(self, work: _Work) -> None:
        document = document_key(work.hint.kind, work.hint.id)
        outcome = Ignored(
            connection=self._connection,
            stage=STAGE,
            subject=document,
            document=document,
            origin=work.item.offset,
            reason=Reason(
                rule="not_found", message=f"Zuora has no {work.hint.kind} {work.hint.id}: it was deleted since"
            ),
        )
        await self._send(Topic.OUTCOMES, outcome_key(outcome), encode(outcome))

    async def _dead_letter(self, item: Input, reason: str) -> None:
        letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=reason)
        await self._send(Topic.DEAD_LETTERS, item.key, encode(letter))

    async def _send(self, topic: Topic, key: bytes, value: bytes) -> None:
        await (await self._worker.send(topic, key=key, value=value, stage=STAGE))
