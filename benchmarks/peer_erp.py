"""The sink's port over the peer kit's target: one POST makes one document, a reference finds it again.

It sends a document as the kit's topic has it, with our reference beside it. Says plainly whether a byte was sent: the
age of an intent is checked when a connection is there.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp
import msgspec

from adapters.clock import boot_time_s
from adapters.kafka.sink_calls import Limits
from benchmarks.peer_documents import CURRENCY, DAYBOOK, document_of
from schemas.errors import Conflict, InvariantViolation, NotSent, OutcomeUnknown, Rejected, Transient
from schemas.outcomes import Document
from schemas.postings import InvoiceContent
from streams.ports import Accepted, Command, FoundInQad

# The target takes eight requests at once and refuses the ninth: so many connections are made, whatever goes over them.
CONNECTIONS = 8
# It commits 40 ms after it has begun a request, and begins each at once: what takes 25 times as long has no answer.
TIMEOUT_S = 1.0
# Some 30 postings are intended ahead, and the target takes 200 a second.
_AGE_S = 1.0

LIMITS = Limits(
    # A slot is kept until its answer is in the log: while half of them wait for that, the others have the connections.
    concurrency=CONNECTIONS * 2,
    age_s=_AGE_S,
    # Whoever was before has sent its last byte by time-out and age, and half a second after that it is committed.
    settle_s=TIMEOUT_S + _AGE_S + 0.5,
)


class _TooOldError(Exception):
    """The intent was too old when the connection was there: nothing was sent."""


class _Shown(msgspec.Struct, frozen=True):
    reference: str
    id: str
    account: str
    seq: int


class _Page(msgspec.Struct, frozen=True):
    documents: tuple[_Shown, ...]


class KitErp:
    """The kit's target as streams/ports.py wants an ERP: it has documents of one kind, and no opening items."""

    def __init__(self, url: str) -> None:
        """Speak to this address; call inside the running loop, use as an async context manager."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(_check_age)
        trace.on_connection_create_end.append(_check_age)
        self._url = url
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            trace_configs=[trace],
        )

    async def __aenter__(self) -> "KitErp":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; see streams/ports.py for what it raises."""
        if not isinstance(command.payload, InvoiceContent):
            raise InvariantViolation(f"{command.number} is none of the kit's documents")
        document = document_of(command.number, command.payload)
        body = {**msgspec.structs.asdict(document), "reference": command.reference}
        try:
            async with self._session.post(
                self._url, data=_encode(body), headers=_JSON, trace_request_ctx=not_after
            ) as answer:
                return _judge(answer.status, await answer.text(), command)
        except _TooOldError:
            raise NotSent("the intent was too old when a connection was there") from None
        except aiohttp.ClientConnectorError as error:
            raise NotSent(f"no connection: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a reference; see streams/ports.py for what it raises."""
        found = await self._get({"reference": reference})
        if len(found) > 1:
            raise Conflict(f"{len(found)} documents carry {reference}", expected="1", actual=str(len(found)))
        return found[0] if found else None

    async def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        """Yield all documents that carry a reference, page by page."""
        start = 0
        while page := await self._get({"from": str(start)}):
            yield page
            start += len(page)

    async def find_opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        """Return None: nobody loads opening items here."""
        return None

    def can_find(self, kind: str) -> bool:
        """Return whether it has documents of this kind."""
        return kind == "invoice"

    def nets(self, kind: str) -> bool:
        """Return False: nothing is linked here."""
        return False

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        """Return the one kind that it has."""
        return tuple(filter(self.can_find, kinds))

    async def _get(self, query: dict[str, str]) -> Sequence[FoundInQad]:
        try:
            async with self._session.get(self._url, params=query) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"cannot be reached: {type(error).__name__}") from error
        if answer.status != 200:
            raise Transient(f"not ready (HTTP {answer.status})")
        return [_found(shown) for shown in _decode(body).documents]


def _judge(status: int, body: str, command: Command) -> Accepted:
    """Return what was made; a refusal for want of a place, and of what is no document, come before anything is done."""
    if status == 201:
        return Accepted(document=_key(command.number))
    if status == 503:
        raise Transient("too many requests at once")
    if status == 400:
        raise Rejected("field", (body,))
    raise OutcomeUnknown(f"HTTP {status}")


def _found(shown: _Shown) -> FoundInQad:
    document = msgspec.structs.replace(
        _key(shown.id), customer=shown.account, currency=CURRENCY, total=Decimal(shown.seq)
    )
    return FoundInQad(reference=shown.reference, document=document)


def _key(number: str) -> Document:
    """Return a document's name as a key: the target has no years and no daybooks."""
    return Document(year=0, daybook=DAYBOOK, voucher=int(number.removeprefix("D")))


async def _check_age(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    not_after = context.trace_request_ctx
    if not_after is not None and boot_time_s() > not_after:
        raise _TooOldError


_JSON = {"Content-Type": "application/json"}
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(_Page).decode
