"""Keeps an inventory up with `zuora.records`: from where it ended, to the end of the log as it is now."""

import asyncio
from pathlib import Path

import structlog

from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import LogRecord, LogShorterError, Reader
from adapters.store.inventory import Inventory, Seen, mark_of
from schemas.errors import Unreadable
from schemas.events import read_record
from schemas.topics import Topic

log = structlog.get_logger(__name__)

# So many records are taken up before others get their turn.
_AT_ONCE = 200


class InventoryLog:
    """The inventory of one tenant, and the partition that it is folded from."""

    def __init__(self, cluster: Cluster, partition: int, path: Path) -> None:
        """Name what is followed; the file is opened when it is first used."""
        self._path = path
        self._opened: Inventory | None = None
        self._cluster = cluster
        self._partition = partition

    @property
    def inventory(self) -> Inventory:
        """The inventory.

        Raises:
            Transient: Its file cannot be opened now.
        """
        if self._opened is None:
            self._opened = Inventory(self._path)
        return self._opened

    async def refresh(self) -> None:
        """Take up what the log holds by now; of a log that is another one, everything.

        Raises:
            ConnectorError: The log cannot be read now, or the file cannot be written.
        """
        try:
            if await self._follow():
                return
        except LogShorterError:
            pass
        log.warning("the inventory is of another log: it is made anew", partition=self._partition)
        self.inventory.forget()
        await self._follow()

    async def _follow(self) -> bool:
        """Take up what is new; return whether the log is the one that was followed before."""
        last, mark = self.inventory.last
        async with Reader(self._cluster, self._partition, {Topic.RECORDS: max(last, 0)}) as reader:
            async for records in reader.until_end():
                if mark and records[0].offset == last:
                    if mark_of(records[0].key, records[0].value) != mark:
                        return False
                    mark = b""
                for first in range(0, len(records), _AT_ONCE):
                    self.inventory.take([_seen(record) for record in records[first : first + _AT_ONCE]])
                    await asyncio.sleep(0)
        # The last record that was taken up must be met first: an end before it was seen as such.
        return not mark


def _seen(record: LogRecord) -> Seen:
    mark = mark_of(record.key, record.value)
    try:
        return Seen(record.offset, mark, read_record(record.value))
    except Unreadable:
        return Seen(record.offset, mark, None)
