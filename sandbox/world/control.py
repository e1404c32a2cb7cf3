"""The control APIs of both stand-ins over HTTP, so that the same story runs against tasks, processes and machines.

It acts and reads, and decides nothing. A refusal is raised with what the other side said; nothing is tried twice.
"""

import asyncio
import io
from datetime import datetime
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

# Rows per page of a book or of the chronicle: an invoice of 400 lines with its taxes is some 0.5 MB.
_PAGE_ROWS = 100
# A stamp has whole seconds, so the next one comes within one; a clock that stands still never moves.
_TICK_S_MAX = 3.0
_LOOK_S = 0.05

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class ControlRefused(Exception):
    """A stand-in would not do what the story asks: the story, or the world it runs in, is wrong."""


class _Control:
    """A control API."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")

    async def _call(self, method: str, path: str, *, body: Any = None, params: dict[str, str] | None = None) -> Any:
        # A bill run is a megabyte, which aiohttp sends piece by piece only from a file.
        data = None if body is None else io.BytesIO(_encode(body))
        url = f"{self._base_url}/{path}"
        async with self._session.request(method, url, data=data, params=params) as answer:
            text = await answer.read()
        if answer.status != 200:
            raise ControlRefused(f"{method} {path}: {answer.status} {text[:500].decode(errors='replace')}")
        return _decode(text)


class ZuoraControl(_Control):
    """The control API of a Zuora stand-in.

    Objects come back as Object Query writes them, amounts as Decimal or whole numbers.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Act through this session on the stand-in at this base URL."""
        super().__init__(session, f"{url.rstrip('/')}/control")

    async def act(self, name: str, request: msgspec.Struct | None = None, /, **keywords: Any) -> dict[str, Any]:
        """Do an act and return the object that came of it."""
        result: dict[str, Any] = await self._call("POST", f"acts/{name}", body=keywords if request is None else request)
        return result

    async def switch(self, **settings: Any) -> None:
        """Throw switches in which tenants differ."""
        await self._call("PATCH", "settings", body=settings)

    async def book(self, kind: str) -> list[dict[str, Any]]:
        """Return all posted documents of a kind with their children: invoices, credit-memos, payments and so on."""
        return await self._rows(f"books/{kind}")

    async def chronicle(self) -> list[dict[str, Any]]:
        """Return every deed in order: posted, unposted, applied, reversed ..."""
        return await self._rows("chronicle")

    async def requests(self) -> list[dict[str, Any]]:
        """Return the newest requests that came to the API, oldest first."""
        return await self._rows("requests")

    async def _rows(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self._call("GET", path, params={"after": str(after), "limit": str(_PAGE_ROWS)})
            rows += page["rows"]
            after = page["next"]
        return rows

    async def now(self) -> datetime:
        """Return the stand-in's time."""
        return datetime.fromisoformat((await self._call("GET", "clock"))["at"])

    async def set_clock(self, at: datetime | None) -> None:
        """Set the stand-in's clock to a moment from which it runs on, or let it follow the machine's again."""
        await self._call("PUT", "clock", body={} if at is None else {"at": at.isoformat()})

    async def next_second(self) -> datetime:
        """Come back when the stand-in's stamps are others than before: what follows is later, and can be told so.

        Raises:
            ControlRefused: The clock stands still.
        """
        before, waited_s = await self.now(), 0.0
        while (now := await self.now()) == before:
            if waited_s > _TICK_S_MAX:
                raise ControlRefused("the clock of the Zuora stand-in stands still: let it run")
            waited_s += _LOOK_S
            await asyncio.sleep(_LOOK_S)
        return now

    async def set_callouts(self, callouts: list[Any]) -> None:
        """Configure these callouts and no others."""
        await self._call("PUT", "callouts", body=callouts)


class QadControl(_Control):
    """The control API of a QAD stand-in; its base URL ends in /control."""

    async def show(self, path: str, **params: str) -> Any:
        """Return what a path shows, e.g. `show("items", entity_code="20DEUCO")`."""
        return await self._call("GET", path, params=params)

    async def act(self, path: str, **body: Any) -> Any:
        """Do an act, e.g. `act("periods", entity_code="20DEUCO", year=2026, period=12, status="OPEN")`."""
        return await self._call("POST", path, body=body)
