"""The log of one connection as aligning reads it: followed to its end when somebody asks, and accounts by offset."""

from collections.abc import Iterable

from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import ByOffset, Reader
from schemas.errors import Unreadable
from schemas.events import read_record
from schemas.matching import AccountSeen
from schemas.parties import Party, party_of
from schemas.topics import Topic
from streams.customers.known import TOPICS, Known, wants


class AlignLog:
    """One connection's."""

    def __init__(self, cluster: Cluster, connection: str, partition: int) -> None:
        """Name it; nothing is read yet."""
        self._cluster = cluster
        self._partition = partition
        self._positions = dict.fromkeys(TOPICS, 0)
        self.known = Known(connection)

    async def catch_up(self) -> None:
        """Take up what is new, topic by topic in one order."""
        positions = dict(self._positions)
        kept: dict[Topic, list[bytes]] = {topic: [] for topic in TOPICS}
        async with Reader(self._cluster, self._partition, positions) as reader:
            async for records in reader.until_end():
                for record in records:
                    positions[record.topic] = record.offset + 1
                    if wants(record.topic, record.value):
                        kept[record.topic].append(record.value)
        for topic, values in kept.items():
            for value in values:
                self.known.take(topic, value)
        self._positions = positions

    async def parties(self, accounts: Iterable[AccountSeen]) -> dict[str, Party | None]:
        """Return what Zuora said of accounts, by id; None where that cannot be read."""
        wanted = {account.origin: account.id for account in accounts}
        found: dict[str, Party | None] = {}
        async with ByOffset(self._cluster, Topic.RECORDS, self._partition) as log:
            for offset, record in (await log.get(wanted)).items():
                try:
                    found[wanted[offset]] = party_of(read_record(record.value))
                except Unreadable:
                    found[wanted[offset]] = None
        return found
