"""The making of customers of one connection: what people approved is made in QAD, record by record.

A batch of decisions is done when each customer in it stands in QAD, or it is said why not; then it is acknowledged.
A record is read before it is made, and made under a code that the approval names, so that whatever ends this in the
middle, or swallows an answer, what is made already is found. With QAD away, or the user without the right, the lane
stands still with one sentence and goes on by itself.

It must never write what was not approved, nor over what is there; nor hold up anything but itself.
"""

import asyncio
from collections.abc import Sequence

import structlog

from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import ByOffset, LogRecord, Reader
from adapters.kafka.standstill import Standstill
from adapters.pauses import jittered
from schemas.decisions import AnyDecision, CustomerApproved, DocumentReleased, MappingPublished
from schemas.errors import ConnectorError, OutcomeUnknown, Rejected, Unreadable
from schemas.events import read_decision, read_record
from schemas.ids import document_key
from schemas.mapping import Mapping
from schemas.outcomes import Parked, Written
from schemas.parties import party_of
from schemas.records import RecordKind
from schemas.topics import Topic
from schemas.zuora import field_of
from streams.customers.creating import Creation, values_of
from streams.customers.settling import Step, filled, made
from streams.customers.spec import STAGE
from streams.customers.wanted import CUSTOMER, OPERATIONS, PARTS, RELATION, Rules, Value, wanted_of
from streams.outcomes import outcome_key
from streams.ports import CustomerBooks, HeldRecord
from streams.stage import LIVE

log = structlog.get_logger(__name__)

_PAUSE_S = 1.0
_PAUSE_MAX_S = 30.0
# Somebody who changes a record at the very moment is given way so often.
_STALE_MAX = 3
_STALE = ("changed_meanwhile", "locked")

_AGAIN = "Then approve it anew: ml-connector match create."


class CustomerLane:
    """One connection's customers."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        connection: str,
        partition: int,
        books: CustomerBooks,
        countries: dict[str, str],
        lengths: dict[str, int],
        publisher: Publisher,
    ) -> None:
        """Build the lane.

        Args:
            cluster: The cluster.
            connection: Whose customers they are.
            partition: Its partition.
            books: Its QAD.
            countries: QAD's code by Zuora's country.
            lengths: What its QAD holds of our words.
            publisher: Writes outcomes.
        """
        self._cluster = cluster
        self._connection = connection
        self._partition = partition
        self._books = books
        self._countries = countries
        self._lengths = lengths
        self._publisher = publisher
        self._log = log.bind(stage=STAGE, connection=connection)
        self._standstill = Standstill(
            self._log,
            stands_still="making customers stands still; it is tried again by itself",
            goes_on="making customers goes on",
        )

    async def batch(self, records: Sequence[LogRecord]) -> None:
        """Do what a batch of decisions asks for; back when all of it is done or said."""
        for record in records:
            tries = 0
            while True:
                try:
                    await self._one(record)
                except ConnectorError as error:
                    self._standstill.begins(error)
                except Exception:  # noqa: BLE001 - whatever it was, nothing is acknowledged: it is done once more
                    self._log.exception("making a customer failed; it is done again")
                else:
                    self._standstill.ends()
                    break
                tries += 1
                await asyncio.sleep(jittered(tries, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))

    async def _one(self, record: LogRecord) -> None:
        decision = _read(record)
        if isinstance(decision, CustomerApproved):
            known = await self._decided(before=record.offset)
            await self._create(Creation(decision=decision, origin=record.offset, input_pass=LIVE), known)
        elif isinstance(decision, DocumentReleased) and decision.document.startswith(f"{RecordKind.ACCOUNT}:"):
            known = await self._decided(before=record.offset)
            found = known.approved.get(decision.document)
            if found is not None:
                offset, approval = found
                count = 1 + known.released.get(decision.document, 0)
                await self._create(Creation(decision=approval, origin=offset, input_pass=f"release:{count}"), known)

    async def _decided(self, *, before: int) -> "_Decided":
        """Return what was decided up to an offset: there are few approvals, and each is a call of seconds."""
        known = _Decided()
        async with Reader(self._cluster, self._partition, {Topic.DECISIONS: 0}) as reader:
            async for records in reader.until_end():
                for record in records:
                    if record.offset < before:
                        known.take(record.offset, _read(record))
        return known

    async def _create(self, creation: Creation, known: "_Decided") -> None:
        """Make the records of a customer that are not there yet, in their order; say of each what came of it."""
        values = await self._approved(creation, known)
        if isinstance(values, Parked):
            await self._say(values)
            return
        # Before anything is written: a relation without its customer would stand there for nobody.
        held = await self._books.read(CUSTOMER, creation.codes[CUSTOMER])
        another = await self._another(creation, held, values[CUSTOMER])
        if another is not None:
            await self._say(another)
            return
        for part in PARTS:
            outcome = await self._part(creation, part, values.get(part, {}))
            await self._say(outcome)
            if isinstance(outcome, Parked):
                return

    async def _approved(self, creation: Creation, known: "_Decided") -> dict[str, dict[str, Value]] | Parked:
        """Return what is to be written, if it is what was shown to those who approved it."""
        decision, mapping = creation.decision, known.mapping
        if mapping is None or mapping.customers.no_match != "create":
            return creation.parked(
                "customer_not_allowed",
                "[customers] no_match of the newest mapping is not create",
                "Publish a mapping that allows it, then release it.",
            )
        async with ByOffset(self._cluster, Topic.RECORDS, self._partition) as records:
            value = (await records.get([decision.origin]))[decision.origin].value
        try:
            found = read_record(value)
            party = party_of(found)
        except Unreadable:
            return creation.parked("customer_changed_since", "the record that was shown cannot be read", _AGAIN)
        field = mapping.customers.tax_id_field
        wanted = wanted_of(
            party,
            Rules(terms=mapping.terms, countries=self._countries, lengths=self._lengths),
            tax_id=field_of(found.parent, field) if field else "",
            name=decision.name,
            search_name=decision.search_name,
        )
        values = values_of(wanted, decision.relation)
        if wanted.problems or self._books.content_hash(creation.codes, values) != decision.content_hash:
            return creation.parked(
                "customer_changed_since",
                "the profile or the mapping would write something else than what was approved",
                f"Look at [customers] of the profile and at [terms] of the mapping. {_AGAIN}",
            )
        return {part: dict(words) for part, words in values.items()}

    async def _part(self, creation: Creation, part: str, wanted: dict[str, Value]) -> Written | Parked:
        """See to it that one record stands in QAD, whatever became of a call before.

        Raises:
            ConnectorError: Nobody can say now; it is tried again from the beginning.
        """
        code, stale = creation.codes[part], 0
        while True:
            held = await self._books.read(part, code)
            if part == OPERATIONS and held is None:
                return creation.parked(
                    "customer_incomplete",
                    "QAD made no domain record for it",
                    "Look at the customer in QAD; then release it.",
                )
            if part == CUSTOMER:
                # Somebody may have made one since.
                another = await self._another(creation, held, wanted)
                if another is not None:
                    return another
            step = await self._step(creation, part, held, wanted)
            if step.how == "conflict":
                return _taken(creation, part, step)
            try:
                await self._write(part, code, step, held)
            except Rejected as error:
                if error.reason_class in _STALE and stale < _STALE_MAX:
                    stale += 1
                    await asyncio.sleep(jittered(stale, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))
                    continue
                return creation.parked(
                    "customer_refused",
                    f"QAD does not take its {part}",
                    f"Mend it in QAD, or in [customers] of the profile, and release it; or: {_AGAIN}",
                    said=error.messages,
                )
            except OutcomeUnknown as error:
                # The next reading tells: under this code there can be only one.
                self._log.info("no answer says what became of a record: it is read", part=part, why=str(error))
                await asyncio.sleep(jittered(1, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))
                continue
            return creation.written(part, step)

    async def _another(self, creation: Creation, held: HeldRecord | None, wanted: dict[str, Value]) -> Parked | None:
        """Return why no customer is made: under its code is another's, or another customer is this account's."""
        if held is not None:
            step = made(CUSTOMER, held.values, wanted)
            return _taken(creation, CUSTOMER, step) if step.how == "conflict" else None
        holders = await self._books.holders(creation.decision.account_number)
        if not holders:
            return None
        return creation.parked(
            "customer_held",
            f"QAD holds customer {', '.join(holders)} for this account already",
            "Nothing is to be made where it is the right one; else clear its field in QAD, then release.",
        )

    async def _step(self, creation: Creation, part: str, held: HeldRecord | None, wanted: dict[str, Value]) -> Step:
        """Return what is done with a record as it stands."""
        if part == OPERATIONS and held is not None:
            return filled(held.fixed, self._books.template(part))
        step = made(part, held.values if held else None, wanted)
        if step.how == "conflict" and part == RELATION and await self._is_its_own(creation):
            return Step(how="found")
        return step

    async def _is_its_own(self, creation: Creation) -> bool:
        """Return whether the customer that holds this account stands under the relation: it has another name by now."""
        held = await self._books.read(CUSTOMER, creation.codes[CUSTOMER])
        ours = {"zuora_account": creation.decision.account_number, "relation": creation.codes[RELATION]}
        return held is not None and all(str(held.values.get(word, "")).rstrip() == ours[word] for word in ours)

    async def _write(self, part: str, code: str, step: Step, held: HeldRecord | None) -> None:
        if step.how == "make":
            await self._books.make(part, code, step.values)
        elif step.how == "change" and held is not None:
            await self._books.change(part, code, held, step.values)

    async def _say(self, outcome: Written | Parked) -> None:
        publication = Publication(
            topic=Topic.OUTCOMES, partition=self._partition, key=outcome_key(outcome), event=outcome, stage=STAGE
        )
        await self._publisher.publish([publication])


class _Decided:
    """What was decided before: the newest mapping, the newest approval of each account, and its releases."""

    def __init__(self) -> None:
        self.mapping: Mapping | None = None
        self.approved: dict[str, tuple[int, CustomerApproved]] = {}
        self.released: dict[str, int] = {}

    def take(self, offset: int, decision: AnyDecision | None) -> None:
        match decision:
            case MappingPublished():
                self.mapping = decision.mapping
            case CustomerApproved():
                account = document_key(RecordKind.ACCOUNT, decision.account_id)
                self.approved[account] = offset, decision
                self.released[account] = 0
            case DocumentReleased() if decision.document in self.approved:
                self.released[decision.document] += 1
            case _:
                pass


def _taken(creation: Creation, part: str, step: Step) -> Parked:
    return creation.parked(
        "customer_code_taken",
        f"{part} {creation.codes[part]}: {step.why}",
        f"Choose another code, or link the account to what is there. {_AGAIN}",
    )


def _read(record: LogRecord) -> AnyDecision | None:
    try:
        return read_decision(record.value)
    except Unreadable:
        return None  # Each stage that acts on decisions says so already.
