"""The marking of one connection: what the log says is in QAD, or matched, is written on its object in Zuora.

A batch of the log is done when each of its marks stands in Zuora, or is said to be parked or left out; only then is it
acknowledged. Each object is read before it is written: what stands there is not written again, however often the batch
comes, and however long ago the call was whose answer was lost. With Zuora away, or the user without the right, the lane
stands still with one sentence and goes on by itself; nothing else waits for it.

It must never write what is not decided in streams/mark, nor hold up anything but itself.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog

from adapters.kafka.cluster import Cluster
from adapters.kafka.crashes import CAUSED_BY_CONTENT
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import ByOffset, LogRecord, Reader
from adapters.kafka.standstill import Standstill
from adapters.pauses import jittered
from schemas.codec import Event
from schemas.decisions import DocumentReleased, MappingPublished
from schemas.errors import ConnectorError, Misconfigured, Unreadable
from schemas.events import read_decision, read_matched, read_outcome, read_postings
from schemas.ids import document_parts
from schemas.matching import Matched, MatchedEvent
from schemas.outcomes import AnyOutcome, Ignored, Parked, Posted
from schemas.postings import PostingSet
from schemas.records import RecordKind
from schemas.topics import Topic
from streams.mark import calls
from streams.mark.calls import TRIES_MAX, Change
from streams.mark.marks import ACCOUNT, Mark, WriteBack, may_mark, newest, of_match, of_posted, released
from streams.mark.spec import SPEC, STAGE
from streams.outcomes import dead_letter, outcome_key
from streams.ports import Marks, Stands
from streams.stage import Input

log = structlog.get_logger(__name__)

_PAUSE_S = 1.0
_PAUSE_MAX_S = 30.0


class MarkLane:
    """One connection's marks."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        connection: str,
        partition: int,
        settings: WriteBack,
        marks: Marks,
        publisher: Publisher,
    ) -> None:
        """Build the lane.

        Args:
            cluster: The cluster.
            connection: Whose marks they are.
            partition: Its partition.
            settings: What its tenant is to get.
            marks: Its tenant.
            publisher: Writes outcomes and dead letters.
        """
        self._cluster = cluster
        self._connection = connection
        self._partition = partition
        self._settings = settings
        self._marks = marks
        self._publisher = publisher
        self._log = log.bind(stage=STAGE, connection=connection)
        # What is known to stand on accounts: each document of one says its customer again.
        self._codes: dict[str, str] = {}
        self._asked_field = ""
        self._begun = False
        self._standstill = Standstill(
            self._log,
            stands_still="marking stands still; it is tried again by itself",
            goes_on="marking goes on",
        )

    async def _begin(self) -> None:
        """Learn what was decided before: which field of an account the mapping asks for its customer."""
        if self._begun:
            return
        async with Reader(self._cluster, self._partition, {Topic.DECISIONS: 0}) as reader:
            async for records in reader.until_end():
                for record in records:
                    self._decided(record)
        self._begun = True

    async def batch(self, records: Sequence[LogRecord]) -> None:
        """Do what a batch of the log asks for; back when all of it is done or said."""
        tries = 0
        while True:
            try:
                await self._begin()
                marks = await self._marks_of(records)
                for kind in dict.fromkeys(mark.type_name for mark in marks):
                    await self._settle(kind, [mark for mark in marks if mark.type_name == kind])
            except Exception:  # noqa: BLE001 - whatever it was, nothing is acknowledged: the batch is done once more
                self._log.exception("marking failed; it is done again")
                tries += 1
                await _pause(tries)
            else:
                return

    # -- what is to stand there ----------------------------------------------------------------------------------------

    async def _marks_of(self, records: Sequence[LogRecord]) -> list[Mark]:
        """Return what these records ask for, the newest of each object."""
        events: list[tuple[LogRecord, MatchedEvent | AnyOutcome | None]] = []
        documents: set[str] = set()
        for record in records:
            if record.topic is Topic.DECISIONS:
                documents |= self._decided(record)
            else:
                events.append((record, await self._read(record)))
        sets = await self._postings(event for _, event in events if isinstance(event, Posted))
        marks = await self._released(documents)
        for record, event in events:
            try:
                mark = self._mark_of(event, record.offset, sets)
            except CAUSED_BY_CONTENT as error:
                await self._set_aside(record, repr(error))
                continue
            if mark is not None:
                marks.append(mark)
        # The newest first: an older one that differs from what stands is not wanted any more.
        return [mark for mark in newest(marks) if self._is_new(mark)]

    def _mark_of(
        self, event: MatchedEvent | AnyOutcome | None, offset: int, sets: Mapping[int, PostingSet]
    ) -> Mark | None:
        if isinstance(event, Matched):
            return of_match(event, offset, self._settings)
        if isinstance(event, Posted) and may_mark(event, self._settings):
            return of_posted(event, sets[event.origin].postings[event.index], offset, self._settings)
        return None

    async def _read(self, record: LogRecord) -> MatchedEvent | AnyOutcome | None:
        """Return the event of a record; one that nobody can read holds up no other."""
        try:
            return read_matched(record.value) if record.topic is Topic.MATCHED else read_outcome(record.value)
        except (Unreadable, *CAUSED_BY_CONTENT) as error:
            await self._set_aside(record, str(error))
            return None

    async def _set_aside(self, record: LogRecord, reason: str) -> None:
        self._log.error("a record cannot be read and is passed over", topic=record.topic, offset=record.offset)
        item = Input(record.offset, record.timestamp_ms, record.key, record.value)
        letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=reason, side=record.topic)
        await self._publisher.publish([self._to(Topic.DEAD_LETTERS, record.key, letter)])

    async def _postings(self, posted: Iterable[Posted]) -> dict[int, PostingSet]:
        """Return, by offset, the postings of outcomes that may mark their document: what they are stands there."""
        wanted = {outcome.origin for outcome in posted if may_mark(outcome, self._settings)}
        if not wanted:
            return {}
        async with ByOffset(self._cluster, Topic.POSTINGS, self._partition) as postings:
            return {offset: read_postings(record.value) for offset, record in (await postings.get(wanted)).items()}

    def _decided(self, record: LogRecord) -> set[str]:
        """Take up a decision; return the document that it releases."""
        try:
            decision = read_decision(record.value)
        except Unreadable:
            return set()  # Each stage that acts on decisions says so already.
        if isinstance(decision, MappingPublished):
            self._asked_field = decision.mapping.customers.account_field.casefold()
            if self._asked_field and self._asked_field == self._settings.customer_code.casefold():
                self._log.error(
                    "no customer code is written: the mapping asks the very field for the customer, and what we write "
                    "is no evidence. Name another in [tenants.*.write_back] customer_code",
                    field=self._settings.customer_code,
                )
        return {decision.document} if isinstance(decision, DocumentReleased) else set()

    async def _released(self, documents: set[str]) -> list[Mark]:
        """Return the marks of these documents that are parked or left out here: the log is asked for them."""
        if not documents:
            return []
        held: dict[str, AnyOutcome] = {}
        async with Reader(self._cluster, self._partition, {Topic.OUTCOMES: 0}) as reader:
            async for records in reader.until_end():
                for record in records:
                    event = await self._read(record)
                    if (
                        not isinstance(event, MatchedEvent | None)
                        and event.stage == STAGE
                        and event.subject in documents
                    ):
                        held[event.subject] = event
        marks: list[Mark] = []
        for document, outcome in held.items():
            if isinstance(outcome, Parked | Ignored):
                self._codes.pop(document_parts(document)[1], None)
                source = Topic.MATCHED if document_parts(document)[0] == RecordKind.ACCOUNT else Topic.OUTCOMES
                async with ByOffset(self._cluster, source, self._partition) as log:
                    origin = await log.get([outcome.origin])
                marks += [released(mark, outcome.input_pass) for mark in await self._marks_of(list(origin.values()))]
        return marks

    def _is_new(self, mark: Mark) -> bool:
        """Return whether a mark is to be looked at: not the code of an account that is known to stand there."""
        if mark.type_name != ACCOUNT:
            return True
        field = self._settings.customer_code
        return self._asked_field != field.casefold() and self._codes.get(mark.id) != mark.fields[field]

    # -- that it stands there ------------------------------------------------------------------------------------------

    async def _settle(self, kind: str, marks: Sequence[Mark]) -> None:
        """See to it that these marks of one type stand in Zuora, or that it is said why not."""
        left, tries, stops = list(marks), 0, 0
        while left:
            again: list[Mark] = []
            for group in list(calls.groups_of(left, tries)):
                while True:
                    try:
                        again += await self._group(kind, group, last=tries + 1 >= TRIES_MAX)
                    except ConnectorError as error:
                        stops += 1
                        self._standstill.begins(error)
                        await _pause(stops)
                    else:
                        stops = 0
                        self._standstill.ends()
                        break
            left = again
            if left:
                tries += 1
                await _pause(tries)

    async def _group(self, kind: str, group: Sequence[Mark], *, last: bool) -> list[Mark]:
        """Read objects, set what differs, and say what came of it; return those that are to be tried again."""
        fields = tuple(dict.fromkeys(name for mark in group for name in mark.fields))
        stands = await self._marks.read(kind, [mark.id for mark in group], fields)
        said, changes = _sorted(group, stands)
        again: list[Mark] = []
        if changes:
            written, again = await self._write(kind, changes, last=last)
            said += written
        await self._say(said)
        settled = {outcome.subject for outcome in said}
        if kind == ACCOUNT:
            field = self._settings.customer_code
            self._codes |= {mark.id: mark.fields[field] for mark in group if mark.document in settled}
        return again

    async def _write(self, kind: str, changes: Sequence[Change], *, last: bool) -> tuple[list[AnyOutcome], list[Mark]]:
        name = calls.name_of(self._connection, kind, changes)
        try:
            answers = await self._marks.write(kind, [change.object for change in changes], name)
        except Misconfigured as error:
            self._log.error("Zuora takes no such mark: it is left out", type=kind, reason=str(error))
            return [change.mark.still(Ignored, calls.not_taken(change.mark, str(error))) for change in changes], []
        said: list[AnyOutcome] = []
        again: list[Mark] = []
        for change, answer in zip(changes, answers, strict=True):
            mark = change.mark
            if answer.ok:
                said.append(mark.marked("answer"))
            elif answer.may_pass and not last:
                again.append(mark)
            else:
                why = calls.failed if answer.may_pass else calls.refused
                said.append(mark.still(Parked, why(mark, answer.said)))
        return said, again

    async def _say(self, outcomes: Sequence[AnyOutcome]) -> None:
        await self._publisher.publish([self._to(Topic.OUTCOMES, outcome_key(one), one) for one in outcomes])

    def _to(self, topic: Topic, key: bytes, event: Event) -> Publication:
        return Publication(topic=topic, partition=self._partition, key=key, event=event, stage=STAGE)


def _sorted(group: Sequence[Mark], stands: Mapping[str, Stands]) -> tuple[list[AnyOutcome], list[Change]]:
    """Sort marks into what can be said at once and what is to be written."""
    said: list[AnyOutcome] = []
    changes: list[Change] = []
    for mark in group:
        there = stands.get(mark.id)
        if there is None:
            said.append(mark.still(Ignored, calls.not_found(mark)))
            continue
        change = calls.change_of(mark, there)
        if change.fields:
            changes.append(change)
        else:
            said.append(mark.marked("found"))
    return said, changes


async def _pause(tries: int) -> None:
    await asyncio.sleep(jittered(tries, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))
