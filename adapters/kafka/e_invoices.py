"""Which documents of a tenant wait for their e-invoice, as the log says: followed from the outcomes of the ledger.

Where no mapping of a connection asks for e-invoices, its outcomes are not read.
"""

from collections.abc import Iterable, Mapping

from aiokafka.errors import KafkaError

from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import LogRecord, LogShorterError, Reader
from schemas.decisions import MappingPublished
from schemas.errors import Transient, Unreadable
from schemas.events import read_decision, read_outcome
from schemas.outcomes import Parked, Waiting
from schemas.topics import Topic
from streams import waits
from streams.ledger.spec import STAGE


class EInvoiceLog:
    """What waits in one tenant."""

    def __init__(self, cluster: Cluster, partitions: Iterable[int]) -> None:
        """Name what is followed.

        Args:
            cluster: The cluster.
            partitions: Those of the tenant's connections.
        """
        self._parts = [_Partition(cluster, partition) for partition in partitions]

    async def refresh(self) -> Mapping[str, str]:
        """Return, by `kind:id`, the status with which each waits, "" where it has none yet.

        Raises:
            Transient: The log cannot be read now.
        """
        found: dict[str, str] = {}
        try:
            for part in self._parts:
                found |= await part.refresh()
        except (KafkaError, TimeoutError) as error:
            raise Transient(f"what waits for e-invoices cannot be told: {type(error).__name__}") from error
        return found


class _Partition:
    """One connection."""

    def __init__(self, cluster: Cluster, partition: int) -> None:
        self._cluster = cluster
        self._partition = partition
        self._begin()

    def _begin(self) -> None:
        self._next = {Topic.DECISIONS: 0}
        self._waiting: dict[str, str] = {}

    async def refresh(self) -> Mapping[str, str]:
        try:
            await self._follow()
        except LogShorterError:
            # It is another log.
            self._begin()
            await self._follow()
        return self._waiting

    async def _follow(self) -> None:
        asks = Topic.OUTCOMES in self._next
        async with Reader(self._cluster, self._partition, self._next) as reader:
            async for records in reader.until_end():
                for record in records:
                    self._take(record)
                    if record.topic in self._next:
                        self._next[record.topic] = record.offset + 1
        if Topic.OUTCOMES in self._next and not asks:
            await self._follow()

    def _take(self, record: LogRecord) -> None:
        try:
            if record.topic is Topic.DECISIONS:
                decision = read_decision(record.value)
                if isinstance(decision, MappingPublished) and decision.mapping.policy.post_when != "posted":
                    self._next.setdefault(Topic.OUTCOMES, 0)
                return
            outcome = read_outcome(record.value)
        except Unreadable:
            return  # Each stage that acts on it says so already.
        if outcome.stage != STAGE:
            return
        keys = outcome.reason.waits_for if isinstance(outcome, Waiting | Parked) else ()
        status = waits.e_invoice_waited_for(keys)
        if status is None:
            self._waiting.pop(outcome.subject, None)
        else:
            self._waiting[outcome.subject] = status
