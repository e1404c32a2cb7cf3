"""Asks Zuora again for documents that wait for their e-invoice: nobody says that a new status moves an update stamp.

Each is asked for by its id in the round that finds it, then after one, two, four rounds, and every twelfth at last. It
is written when its status is another, and where it has none yet: whether one is to come is told by its account. Nothing
is taken for deleted here.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import structlog

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.finding.window import WindowLog
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from schemas.errors import ConnectorError, Unreadable
from schemas.ids import document_parts
from schemas.records import Found, ZuoraRecord
from schemas.zuora import parent_of

log = structlog.get_logger(__name__)

# What the schedule calls it.
E_INVOICES = "e_invoices"
# Between two questions for one document, counted in rounds.
_ROUNDS_MAX = 12
_AT_ONCE = 50


class WhatWaits(Protocol):
    """The documents of a tenant that wait for their e-invoice."""

    async def refresh(self) -> Mapping[str, str]:
        """Return, by `kind:id`, the status with which each waits, "" where it has none yet.

        Raises:
            ConnectorError: The log cannot be read now.
        """
        ...


class _Asked(msgspec.Struct):
    """When a document is asked for again: in so many rounds, and after that in `pause` rounds."""

    due: int = 0
    pause: int = 1


class TenantEInvoices:
    """Asks one tenant."""

    def __init__(
        self,
        client: ZuoraClient,
        tenant: str,
        *,
        write: WindowLog,
        waiting: WhatWaits,
        settlement: Settlement | None = None,
    ) -> None:
        """Build it.

        Args:
            client: The tenant's client.
            tenant: Its name.
            write: Where it writes.
            waiting: What waits.
            settlement: Whether the tenant has Invoice Settlement; without it, it has.
        """
        self._objects = ZuoraObjects(client, tenant, settlement)
        self._write = write
        self._waiting = waiting
        self._log = log.bind(tenant=tenant)
        self._asked: dict[str, _Asked] = {}
        self.failed = False

    async def round(self) -> int:
        """Ask for what is due; return how many records were written."""
        self.failed = False
        try:
            waiting = await self._waiting.refresh()
            due = self._due(waiting)
            written = 0
            for first in range(0, len(due), _AT_ONCE):
                some = due[first : first + _AT_ONCE]
                answers = await asyncio.gather(*(self._read(name) for name in some), return_exceptions=True)
                written += await self._take(dict(zip(some, answers, strict=True)), waiting)
        except ConnectorError as error:
            self.failed = True
            self._log.error("e-invoices are not asked for now; it is tried again", reason=str(error))
            return 0
        return written

    def _due(self, waiting: Mapping[str, str]) -> list[str]:
        """Return what is asked for in this round."""
        self._asked = {name: self._asked.get(name) or _Asked() for name in waiting}
        due = [name for name, asked in self._asked.items() if asked.due == 0]
        for asked in self._asked.values():
            asked.due = max(asked.due - 1, 0)
        return due

    async def _read(self, document: str) -> ZuoraRecord | None:
        kind, zuora_id = document_parts(document)
        return await self._objects.read(kind, zuora_id, Found(by="reread", at=datetime.now(UTC), evidence=E_INVOICES))

    async def _take(self, answers: Mapping[str, ZuoraRecord | BaseException | None], waiting: Mapping[str, str]) -> int:
        """Write what is news; what could not be read is due again in the next round."""
        news = list[ZuoraRecord]()
        for name, answer in answers.items():
            match answer:
                case ZuoraRecord():
                    if _is_news(answer, waiting[name]):
                        news.append(answer)
                case None | Unreadable():
                    # Gone, or not to be read by any try: whoever reads it where it is listed says so.
                    pass
                case ConnectorError():
                    self.failed = True
                    self._log.error("an e-invoice is not asked for now", document=name, reason=str(answer))
                    continue
                case _:
                    raise answer
            asked = self._asked[name]
            asked.due, asked.pause = asked.pause - 1, min(asked.pause * 2, _ROUNDS_MAX)
        await self._write.records(news)
        return len(news)


def _is_news(record: ZuoraRecord, known: str) -> bool:
    """Return whether Zuora shows another status than the one with which a document waits, or none still."""
    try:
        status = parent_of(record).e_invoice_status or ""
    except Unreadable:
        # The log is to have it as it is: there it is said.
        return True
    return not known or status != known
