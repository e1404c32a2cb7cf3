"""Speaks HTTP with one QAD: its token, its workspace, no redirects; says plainly whether a byte was sent.

The age of an intent is checked when a connection is there and before the first byte goes out: a raise at that moment
sends nothing. Whoever reads the answers decides what they mean; here only the wire is told apart from the other side.
"""

import asyncio
import time
from collections.abc import Sequence
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp
import msgspec
import structlog
from yarl import URL

from adapters.clock import boot_time_s
from adapters.credentials.secret import Secret
from adapters.qad.answers import read_object
from adapters.qad.profile import Profile
from schemas.errors import NotSent, OutcomeUnknown, Refused, Transient

log = structlog.get_logger(__name__)

# Two renewals never come closer than this: a login that is refused must not become a storm of logins.
_PAUSE_BETWEEN_LOGINS_S = 2.0


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's token is had with."""

    client_id: Secret
    username: Secret | None = None
    password: Secret | None = None
    client_secret: Secret | None = None


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
        self._credentials = credentials
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=limits.timeout_s, connect=min(10.0, limits.timeout_s)),
            # Look-ups and reference reads go beside the posting calls.
            connector=aiohttp.TCPConnector(limit=limits.concurrency * 2 + 4),
            trace_configs=[trace],
        )
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._asked_at = -_PAUSE_BETWEEN_LOGINS_S
        self._refused_in_a_row = 0

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
        headers = await self._headers()
        url = URL(self._base_url + path).with_query(list(params))
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                return await self._reply(answer)
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
        headers = {**await self._headers(), "Content-Type": "application/json"}
        url = URL(self._base_url + path).with_query(list(params))
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=not_after
            ) as answer:
                return await self._reply(answer)
        except _TooOldError:
            raise NotSent("the intent was too old when a connection was there") from None
        except aiohttp.ClientConnectorError as error:
            raise NotSent(f"no connection to QAD: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error

    async def _reply(self, answer: aiohttp.ClientResponse) -> Reply:
        if answer.status == 401:
            await self._not_accepted()
        if 300 <= answer.status < 400:
            raise Refused(f"QAD answered with a redirect (HTTP {answer.status}): is base_url right?")
        retry_after = answer.headers.get("Retry-After", "")
        self._refused_in_a_row = 0
        return Reply(answer.status, await answer.read(), float(retry_after) if retry_after.isdigit() else None)

    async def _not_accepted(self) -> None:
        """A token was refused: the next caller logs in again; refused twice in a row, a person must look."""
        self._renew_at = 0.0
        self._refused_in_a_row += 1
        if self._refused_in_a_row > 1:
            raise Refused("QAD accepts no token of ours (HTTP 401): look at the user's roles and its password")
        raise Transient("the token was not accepted and is renewed")

    async def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {await self._current_token()}",
            "x-qad-workspace-id": self._profile.workspace,
            # Messages are sorted by words where codes do not tell: they must come in one language.
            "Accept-Language": "en-US",
            **self._profile.headers,
        }

    async def _current_token(self) -> str:
        if time.monotonic() >= self._renew_at:
            async with self._lock:
                if time.monotonic() >= self._renew_at:
                    await self._log_in()
        return self._token

    async def _log_in(self) -> None:
        await asyncio.sleep(max(0.0, self._asked_at + _PAUSE_BETWEEN_LOGINS_S - time.monotonic()))
        self._asked_at = time.monotonic()
        auth = self._profile.auth
        try:
            # In the body, never in the query: queries stand in access logs.
            async with self._session.post(
                self._base_url + auth.path, data=self._form(), allow_redirects=False
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"QAD cannot be reached for a token: {type(error).__name__}") from error
        granted = read_object(body) or {}
        if answer.status in (400, 401, 403):
            raise Refused("QAD does not accept the credentials: ml-connector credentials set, then ml-connector ping")
        if answer.status >= 300 or not isinstance(granted.get("access_token"), str):
            raise Transient(f"QAD gave no token (HTTP {answer.status})")
        self._token = granted["access_token"]
        lifetime_s = int(granted.get("expires_in") or auth.lifetime_s)
        self._renew_at = self._asked_at + max(lifetime_s - auth.renew_before_s, lifetime_s // 2)

    def _form(self) -> dict[str, str]:
        held = self._credentials
        form = {"grant_type": self._profile.auth.grant, "client_id": held.client_id.reveal()}
        for name, secret in (
            ("username", held.username),
            ("password", held.password),
            ("client_secret", held.client_secret),
        ):
            if secret is not None:
                form[name] = secret.reveal()
        return form | self._profile.auth.extra


async def _check_age(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    not_after = context.trace_request_ctx
    if not_after is not None and boot_time_s() > not_after:
        raise _TooOldError
