"""Speaks HTTP with one QAD: its workspace, no redirects; says plainly whether a byte was sent.

The age of an intent is checked when a connection is there and before the first byte goes out: a raise at that moment
sends nothing. Whoever reads the answers decides what they mean; here only the wire is told apart from the other side.
"""

from collections.abc import Sequence
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from adapters.clock import boot_time_s
from adapters.qad.asking.token import Credentials, QadToken, retry_after_s
from adapters.qad.profiles.profile import Profile
from schemas.errors import NotSent, OutcomeUnknown, Refused, Transient

__all__ = ["Credentials", "QadClient", "Reply"]


class Reply(msgspec.Struct, frozen=True):
    """An answer as it came."""

    status: int
    body: bytes
    retry_after_s: float | None


class _TooOldError(Exception):
    """The intent was too old when the connection was there: nothing was sent."""


class QadClient:
    """One tenant of QAD, for one process and connection."""

    def __init__(self, profile: Profile, credentials: Credentials) -> None:
        """Set up; call inside the running loop, use as an async context manager."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(_check_age)
        trace.on_connection_create_end.append(_check_age)
        limits = profile.limits
        self._profile = profile
        self._base_url = profile.base_url.rstrip("/")
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=limits.timeout_s, connect=min(10.0, limits.timeout_s)),
            # Look-ups and reference reads go beside the posting calls.
            connector=aiohttp.TCPConnector(limit=limits.concurrency * 2 + 4),
            trace_configs=[trace],
        )
        self.token = QadToken(self._session, profile, credentials)

    async def __aenter__(self) -> "QadClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Reply:
        """Ask for something; asking changes nothing.

        Raises:
            Transient: It cannot be reached now, or the token has just been renewed.
            Refused: Credentials or permission.
        """
        token = await self.token.get()
        url = URL(self._base_url + path).with_query(list(params))
        try:
            async with self._session.get(url, headers=self._headers(token), allow_redirects=False) as answer:
                return await self._reply(answer, token)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"QAD cannot be reached: {type(error).__name__}") from error

    async def post(self, path: str, params: Sequence[tuple[str, str]], body: bytes, *, not_after: float) -> Reply:
        """Send something that commits.

        Args:
            path: Below the base URL.
            params: Query.
            body: JSON.
            not_after: Boot-time clock after which no byte may be sent.

        Raises:
            NotSent: No byte was sent.
            Transient: QAD did not let it in: certainly nothing was changed.
            Refused: Credentials.
            OutcomeUnknown: It was sent and no answer came.
        """
        token = await self.token.get()
        headers = {**self._headers(token), "Content-Type": "application/json"}
        url = URL(self._base_url + path).with_query(list(params))
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=not_after
            ) as answer:
                return await self._reply(answer, token)
        except _TooOldError:
            raise NotSent("the intent was too old when a connection was there") from None
        except aiohttp.ClientConnectorError as error:
            raise NotSent(f"no connection to QAD: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error

    async def _reply(self, answer: aiohttp.ClientResponse, token: str) -> Reply:
        if answer.status == 401:
            raise self.token.refused(token)
        if 300 <= answer.status < 400:
            raise Refused(f"QAD answered with a redirect (HTTP {answer.status}): is base_url right?")
        self.token.accepted()
        return Reply(answer.status, await answer.read(), retry_after_s(answer))

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "x-qad-workspace-id": self._profile.workspace,
            # Messages are sorted by words where codes do not tell: they must come in one language.
            "Accept-Language": "en-US",
            **self._profile.headers,
        }


async def _check_age(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    not_after = context.trace_request_ctx
    if not_after is not None and boot_time_s() > not_after:
        raise _TooOldError
