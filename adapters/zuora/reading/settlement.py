"""Whether a tenant has Invoice Settlement: that decides which of its objects exist, and what says what was paid.

Credit memos exist only with it, invoice payments only without it. "Off" is believed only where Zuora refuses the one
and answers for the other: a missing permission looks like the first half of that. A tenant whose credit memos were
read before has it, whatever Zuora refuses now: it is never switched off again.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec
import structlog

from adapters.zuora.asking.answers import category_of
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.kinds import ENDED
from adapters.zuora.reading.zoql import INVOICE_PAYMENTS, rows_of
from schemas.errors import ConnectorError, Transient
from schemas.records import RecordKind

log = structlog.get_logger(__name__)

Said = Literal["probe", "on", "off"]

# Categories of a refusal that mean that there is no such object: permission, not found, no such query.
_NO_SUCH_OBJECT = frozenset({10, 27, 40})
# So long "off" is believed: a tenant can switch it on, never off again.
_BELIEVED_S = 300.0

_NOBODYS_ID = "0"


class Found(msgspec.Struct, frozen=True):
    """What Zuora shows: whether it is on, None where that cannot be told, and why.

    Attributes:
        lost: It is on, since credit memos were read before, and Zuora refuses them now.
    """

    on: bool | None
    why: str = ""
    lost: bool = False


class Before(Protocol):
    """What was read of a tenant before, by whichever process."""

    async def read_to(self, kind: str) -> datetime | None:
        """Return the cursor of a kind.

        Raises:
            Transient: It cannot be told now.
        """
        ...


class Settlement:
    """One tenant's Invoice Settlement."""

    def __init__(self, client: ZuoraClient, tenant: str, said: Said = "probe") -> None:
        """Ask through this client.

        Args:
            client: The tenant's client.
            tenant: Its name.
            said: What the configuration says; "probe" believes what Zuora shows.
        """
        self._client = client
        self._said = said
        self._tenant = tenant
        self._log = log.bind(tenant=tenant)
        self._asking = asyncio.Lock()
        self._known: bool | None = None
        self._asked_at_s = float("-inf")
        self._before: Before | None = None

    def remember(self, before: Before) -> None:
        """Hold what Zuora shows against what was read before."""
        self._before = before

    async def ended(self) -> Mapping[str, datetime]:
        """Return up to when what a tenant has without it was read, where it was switched on since."""
        before = self._before
        if before is None:
            return {}
        found = {kind: await before.read_to(kind) for kind in ENDED}
        return {kind: read_to for kind, read_to in found.items() if read_to is not None}

    async def is_on(self) -> bool:
        """Return whether it is on; what the configuration says counts, and that it is wrong is said once.

        Raises:
            Transient: It cannot be told now.
        """
        async with self._asking:
            now_s = asyncio.get_running_loop().time()
            if self._known is None or (not self._known and now_s - self._asked_at_s > _BELIEVED_S):
                self._take(await self.look())
                self._asked_at_s = now_s
            return bool(self._known)

    def _take(self, found: Found) -> None:
        if self._said != "probe":
            if self._known is None and found.on is not None and found.on != (self._said == "on"):
                self._log.error("invoice_settlement is wrong in the configuration", said=self._said, zuora=found.why)
            self._known = self._said == "on"
        elif found.on is not None:
            if found.on and self._known is False:
                self._log.warning("Invoice Settlement was switched on: memos and applications are read from now on")
            if found.lost:
                self._log.error("Invoice Settlement is never switched off, and taken for on", reason=found.why)
            self._known = found.on
        elif self._known is None:
            raise Transient(
                f"whether Invoice Settlement is on cannot be told ({found.why}); "
                f'say invoice_settlement = "on" or "off" in [tenants.{self._tenant}]'
            )

    async def look(self) -> Found:
        """Return what Zuora shows now, whatever the configuration says."""
        try:
            await self._client.get("/object-query/credit-memos", [("pageSize", "1")])
        except ConnectorError as error:
            categories = {category_of(code) for code in error.codes}
            if not categories or not categories <= _NO_SUCH_OBJECT:
                return Found(None, str(error))
            return await self._without(str(error))
        return Found(True, "credit memos can be read")

    async def _without(self, refused: str) -> Found:
        try:
            await rows_of(self._client, INVOICE_PAYMENTS, "Id", _NOBODYS_ID)
        except ConnectorError as error:
            return Found(None, f"neither credit memos nor invoice payments can be read: {refused}; {error}")
        if self._before is not None and await self._before.read_to(RecordKind.CREDIT_MEMO) is not None:
            why = "credit memos were read before, and are refused now: give the user back the right to read them"
            return Found(True, f"{why} ({refused})", lost=True)
        return Found(False, "credit memos cannot be read, invoice payments can")
