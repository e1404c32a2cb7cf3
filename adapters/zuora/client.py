"""Asks Zuora: one token, one budget of calls at once, patient with limits, strict with answers. Reads only.

Every answer is checked before anyone sees it. Redirects are refused, and so is a next page of another host. Zuora's own
clock is taken from its answers: no window of a poll is measured by ours.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TypeVar

import aiohttp
import msgspec
import structlog
from yarl import URL

from adapters.credentials.secret import Secret
from adapters.zuora.answers import SignedOut, check_answer
from adapters.zuora.token import Token
from schemas.errors import Misconfigured, Refused, Transient

log = structlog.get_logger(__name__)

Decoded = TypeVar("Decoded")

# Zuora's gateway gives up after 120 s; a little more lets its answer arrive.
_REQUEST_TIMEOUT_S = 125.0
# Zuora's own advice: five tries with full jitter up to a minute.
_TRIES_MAX = 5
_PAUSE_MAX_S = 60.0
# The largest page: 1..99 for Object Query, 40 for the older reads.
PAGE_SIZE_MAX = 99
V1_PAGE_SIZE_MAX = 40


class Answer(msgspec.Struct, frozen=True):
    """A checked answer: its bytes, and Zuora's id of the request."""

    body: bytes
    request_id: str


class Page(msgspec.Struct, frozen=True):
    """One page of a list: the rows verbatim, Zuora's id of the request, and whether nothing follows."""

    rows: list[msgspec.Raw]
    request_id: str
    last: bool


class _ObjectQueryPage(msgspec.Struct, rename="camel"):
    data: list[msgspec.Raw] = msgspec.field(default_factory=list)
    next_page: str | None = None


class ZuoraClient:
    """One tenant of Zuora, for one process."""

    def __init__(
        self,
        base_url: str,
        *,
        client_id: Secret,
        client_secret: Secret,
        version: str,
        concurrency: int,
        entity_id: str = "",
    ) -> None:
        """Set up; call inside the running loop, use as an async context manager.

        Args:
            base_url: The data centre's address, whole.
            client_id: OAuth client.
            client_secret: Its secret.
            version: `Zuora-Version` to ask for: it changes field names, so it is always said.
            concurrency: Calls at once; the tenant's limit is shared with everything else that asks.
            entity_id: For tenants with several entities.
        """
        self._base_url = base_url.rstrip("/")
        self._origin = URL(self._base_url).origin()
        self._headers = {"Zuora-Version": version, "Accept-Encoding": "gzip"}
        if entity_id:
            self._headers["Zuora-Entity-Ids"] = entity_id
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S, connect=10),
            connector=aiohttp.TCPConnector(limit=concurrency),
        )
        self.token = Token(self._session, self._base_url, client_id=client_id, client_secret=client_secret)
        self._slots = asyncio.Semaphore(concurrency)
        self._clock_ahead_s = 0.0

    async def __aenter__(self) -> "ZuoraClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def now(self) -> datetime:
        """Return Zuora's time, as its last answer told it."""
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self._clock_ahead_s, UTC)

    @property
    def clock_ahead_s(self) -> float:
        """How far Zuora's clock is ahead of ours, in seconds."""
        return self._clock_ahead_s

    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return the answer to a GET; limits and passing faults are waited out.

        Args:
            path: Path below the base URL; ids in it are quoted already.
            params: Query parameters, repeated where they repeat.

        Raises:
            NotFound: There is no such object.
            Refused: The user may not, or a feature is off.
            Transient: It did not answer well in five tries.
            Misconfigured: We asked wrongly, or somebody else answers.
        """
        url = (
            URL(self._base_url + path, encoded=True).with_query(list(params))
            if params
            else URL(self._base_url + path, encoded=True)
        )
        return await self._ask(url, f"GET {path}")

    async def object_query_pages(
        self, objects: str, params: Sequence[tuple[str, str]], page_size: int = PAGE_SIZE_MAX
    ) -> AsyncIterator[Page]:
        """Yield the pages of an Object Query, each row verbatim.

        Args:
            objects: Name of the list, e.g. `invoices`.
            params: filter[], sort[], expand[] and the like.
            page_size: Rows per page.
        """
        cursor = ""
        while True:
            asked = [*params, ("pageSize", str(page_size))]
            if cursor:
                asked.append(("cursor", cursor))
            answer = await self.get(f"/object-query/{objects}", asked)
            page = _decoded(answer.body, _page, f"/object-query/{objects}")
            last = not page.next_page or page.next_page == cursor
            yield Page(page.data, answer.request_id, last)
            if last:
                return
            cursor = page.next_page or ""

    async def v1_rows(self, path: str, key: str) -> list[msgspec.Raw]:
        """Return all rows of an older list, following its pages.

        Args:
            path: Path below the base URL.
            key: Name of the list in the answer.

        Raises:
            Misconfigured: The next page is on another host.
        """
        rows: list[msgspec.Raw] = []
        url = URL(self._base_url + path, encoded=True).with_query(pageSize=V1_PAGE_SIZE_MAX)
        while True:
            answer = await self._ask(url, f"GET {path}")
            fields = _decoded(answer.body, _fields, path)
            if key in fields:
                found: list[msgspec.Raw] = _decoded(fields[key], _rows, path)
                rows += found
            following = _decoded(fields["nextPage"], _text, path) if "nextPage" in fields else None
            if not following:
                return rows
            url = self._same_origin(following, path)

    def _same_origin(self, following: str, path: str) -> URL:
        url = URL(following)
        if not url.is_absolute():
            return self._origin.join(url)
        # A gateway may say http where we came by https; only the host decides whether it is still Zuora.
        if url.host != self._origin.host:
            raise Misconfigured(f"Zuora's next page of {path} is on another host: refused")
        return self._origin.join(url.relative())

    async def _ask(self, url: URL, what: str) -> Answer:
        tries, signed_out = 0, False
        while True:
            token = await self.token.get()
            try:
                return await self._once(url, what, token)
            except SignedOut:
                if signed_out:
                    raise Refused(f"Zuora does not accept a new token either ({what})") from None
                signed_out = True
                await self.token.refused(token)
            except Transient as error:
                tries += 1
                if tries >= _TRIES_MAX:
                    raise
                await asyncio.sleep(_pause_s(tries, error.retry_after_s))

    async def _once(self, url: URL, what: str, token: str) -> Answer:
        headers = {**self._headers, "Authorization": f"Bearer {token}"}
        try:
            async with self._slots, self._session.get(url, headers=headers, allow_redirects=False) as answer:
                self._take_clock(answer.headers.get("Date"))
                body = await answer.read()
                retry_after_s = _seconds(answer.headers.get("Retry-After"))
                check_answer(answer.status, answer.content_type, body, what=what, retry_after_s=retry_after_s)
                return Answer(body, answer.headers.get("Zuora-Request-Id", ""))
        except (aiohttp.ClientError, TimeoutError) as error:
            # The error of the library may hold the whole URL; its kind is enough.
            raise Transient(f"Zuora cannot be reached ({what}): {type(error).__name__}") from error

    def _take_clock(self, date: str | None) -> None:
        if date:
            try:
                told = parsedate_to_datetime(date)
            except ValueError:
                return
            self._clock_ahead_s = (told - datetime.now(UTC)).total_seconds()


_page = msgspec.json.Decoder(_ObjectQueryPage)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str | None)


def _decoded(body: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[Decoded]", what: str) -> "Decoded":
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Transient(f"Zuora's answer to {what} is cut or is not what it documents") from None


def _pause_s(tries: int, asked_s: float | None) -> float:
    jittered = random.uniform(0, min(_PAUSE_MAX_S, 2.0**tries))  # noqa: S311 - jitter is no secret
    # Asking for hours must not hang a task: the caller comes again.
    return max(min(asked_s or 0.0, 2 * _PAUSE_MAX_S), jittered)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None  # seconds, no money
