"""The aligning of one connection: what changed of a billing account in Zuora flows to its customer, where it may.

A batch of the log names accounts; each customer of theirs is looked at once, in its newest state, and QAD is asked only
where Zuora says something new. What is to be written stands in the log before the call and is read back after, so that
our own is known again whatever ends this in the middle. With QAD away, or the user without the right, the lane stands
still with one sentence and goes on by itself.

It must never write what streams/customers/comparing.py does not say, nor hold up anything but itself.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from adapters.kafka.align_log import AlignLog
from adapters.kafka.align_look import Look, look_at
from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import LogRecord
from adapters.kafka.standstill import Standstill
from adapters.pauses import jittered
from schemas.errors import ConnectorError, OutcomeUnknown, Rejected
from schemas.mapping import AlignField, Mapping
from schemas.matching import AccountSeen
from schemas.outcomes import Aligned, Aligning, Parked
from schemas.topics import Topic
from streams.customers.aligning import Refusal, Shared
from streams.customers.asked import Asked, asked_by
from streams.customers.comparing import Said, joined, unchanged
from streams.customers.known import document_of
from streams.customers.saying import stated
from streams.customers.spec import ALIGN
from streams.customers.wanted import CUSTOMER, RELATION, Rules
from streams.outcomes import outcome_key
from streams.ports import CustomerBooks

log = structlog.get_logger(__name__)

_PAUSE_S = 1.0
_PAUSE_MAX_S = 30.0
# Somebody who changes a record at the very moment is given way so often.
_STALE_MAX = 3
_STALE = ("changed_meanwhile", "locked")
# A change whose answer says nothing is sent so often, for some minutes: then it parks, and the next customer goes on.
_UNKNOWN_MAX = 12
# Customers whose accounts are in memory at once.
_AT_ONCE = 200


class AlignLane:
    """One connection's customers that are there."""

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
        self._connection = connection
        self._partition = partition
        self._books = books
        self._countries = countries
        self._lengths = lengths
        self._publisher = publisher
        self._from = AlignLog(cluster, connection, partition)
        self._log = log.bind(stage=ALIGN, connection=connection)
        self._standstill = Standstill(
            self._log,
            stands_still="aligning customers stands still; it is tried again by itself",
            goes_on="aligning customers goes on",
        )
        # By which mapping every customer was looked at; one that is published and says the same of it changes nothing.
        self._looked_by: Mapping | None = None

    async def batch(self, records: Sequence[LogRecord]) -> None:
        """Do what a batch of the log asks for; back when all of it is done or said."""
        asked = asked_by((record.topic, record.value) for record in records)
        tries = 0
        while asked:
            try:
                await self._align(asked)
            except ConnectorError as error:
                self._standstill.begins(error)
            except Exception:  # noqa: BLE001 - whatever it was, nothing is acknowledged: it is done once more
                self._log.exception("aligning a customer failed; it is done again")
            else:
                self._standstill.ends()
                return
            tries += 1
            await _pause(tries)

    async def _align(self, asked: Asked) -> None:
        await self._from.catch_up()
        known = self._from.known
        fields = known.mapping.customers.align if known.mapping else ()
        sharing = known.sharing() if fields else {}
        await self._say(list(known.ended(sharing)))
        if known.mapping is None or not fields:
            return
        if asked.everything and _says_the_same(known.mapping, self._looked_by):
            asked = msgspec.structs.replace(asked, everything=False)
        asked = msgspec.structs.replace(asked, customers=asked.customers | known.left_by(asked.accounts))
        found = [
            (customer, accounts)
            for customer, accounts in sharing.items()
            if asked.concerns(customer, accounts, known.bases)
        ]
        rules = Rules(terms=known.mapping.terms, countries=self._countries, lengths=self._lengths)
        for begin in range(0, len(found), _AT_ONCE):
            some = found[begin : begin + _AT_ONCE]
            parties = await self._from.parties(account for _, accounts in some for account in accounts)
            for customer, accounts in some:
                each = [stated(parties[account.id], rules) for account in accounts]
                said = {field: joined(field, [one[field] for one in each]) for field in fields}
                shared, bases = self._shared(customer, accounts, asked), known.bases
                quiet = unchanged(customer, said, bases.of(customer, shared.documents))
                if not quiet or asked.looks_all_the_same(shared, bases):
                    await self._customer(shared, said)
        if asked.everything:
            self._looked_by = known.mapping

    def _shared(self, customer: str, accounts: Sequence[AccountSeen], asked: Asked) -> Shared:
        released = self._from.known.released
        passes = {
            account.id: f"release:{released[document_of(account)]}"
            for account in accounts
            if document_of(account) in asked.released
        }
        return Shared(connection=self._connection, customer=customer, accounts=accounts, passes=passes)

    async def _customer(self, shared: Shared, said: dict[AlignField, Said]) -> None:
        """See to it that what may flow to a customer stands there, or that it is said why not.

        Raises:
            ConnectorError: Nobody can say now; it is tried again from the beginning.
        """
        bases = self._from.known.bases
        sent: dict[str, str] = {}
        refused: dict[str, Refusal] = {}
        tries = unknown = 0
        while True:
            look = await look_at(self._books, shared.customer, said, bases.of(shared.customer, shared.documents))
            if look is None:
                return  # The next reading of QAD's reference data says what became of it.
            part = next((one for one in (RELATION, CUSTOMER) if one not in refused and look.writes(one)), "")
            if not part:
                break
            writes = look.writes(part)
            intent = shared.intent(part, look.codes[part], writes)
            if intent.words.items() <= sent.items():
                refused[part] = Refusal(words=tuple(writes), kept=True)
                continue
            try:
                await self._write(look, intent)
            except Rejected as error:
                if error.reason_class in _STALE and tries < _STALE_MAX:
                    tries += 1
                    await _pause(tries)
                    continue
                refused[part] = Refusal(words=tuple(writes), said=error.messages)
            except OutcomeUnknown as error:
                self._log.info("no answer says what became of a change: it is read", part=part, why=str(error))
                unknown += 1
                if unknown == _UNKNOWN_MAX:
                    refused[part] = Refusal(words=tuple(writes), unanswered=True, said=(str(error),))
                    unknown = 0
                await _pause(unknown)
            else:
                sent |= intent.words
        # What was read after the last call may show that it was done all the same.
        refusal = next((one for part, one in refused.items() if look.writes(part)), None)
        await self._say(list(shared.outcomes(look.lines, refusal, bases)))

    async def _write(self, look: Look, intent: Aligning) -> None:
        """Change a record, the intent before it; one that the log has and whose end nobody saw is not said again."""
        meant = self._from.known.bases.of(intent.customer, ()).meant
        if not all(found in meant.get(word, ()) for word, found in intent.words.items()):
            await self._say([intent])
        await self._books.change(intent.part, intent.code, look.records[intent.part], look.writes(intent.part))

    async def _say(self, outcomes: Sequence[Aligning | Aligned | Parked]) -> None:
        """Write outcomes, and take them up when the broker has them."""
        if not outcomes:
            return
        await self._publisher.publish(
            [
                Publication(
                    topic=Topic.OUTCOMES, partition=self._partition, key=outcome_key(one), event=one, stage=ALIGN
                )
                for one in outcomes
            ]
        )
        for one in outcomes:
            self._from.known.bases.take(one)


def _says_the_same(mapping: Mapping, other: Mapping | None) -> bool:
    return other is not None and (mapping.customers, mapping.terms) == (other.customers, other.terms)


async def _pause(tries: int) -> None:
    await asyncio.sleep(jittered(tries, base_s=_PAUSE_S, max_s=_PAUSE_MAX_S))
