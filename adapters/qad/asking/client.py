"""Speaks HTTP with one QAD: its workspace, no redirects; says plainly whether a byte was sent.

Whoever reads the answers decides what they mean; here only the wire is told apart from the other side.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp
import msgspec
from yarl import URL

from adapters.qad.asking.sending import DONE_AND_SENT_ON, sending, session_that_checks_age, whole_body
from adapters.qad.asking.token import Credentials, QadToken, retry_after_s
from adapters.qad.profiles.profile import Profile
from adapters.reach import PUBLIC, Reach, why_not
from schemas.errors import InvariantViolation, OutcomeUnknown, Refused, Transient

__all__ = ["Credentials", "QadClient", "Reply"]


class Reply(msgspec.Struct, frozen=True):
    """An answer as it came."""

    status: int
    body: bytes
    retry_after_s: float | None


class QadClient:
    """One tenant of QAD, for one process and connection."""

    def __init__(self, profile: Profile, credentials: Credentials, reach: Reach = PUBLIC) -> None:
        """Set up; call inside the running loop, use as an async context manager.

        Raises:
            Misconfigured: The host may not be connected to.
        """
        limits = profile.limits
        self._profile = profile
        self._base_url = profile.base_url.rstrip("/")
        # How lists are asked for.
        self.browsing = profile.browsing
        # Look-ups and reference reads go beside the posting calls.
        self._session = session_that_checks_age(
            self._base_url, reach, timeout_s=limits.timeout_s, connections=limits.concurrency * 2 + 4
        )
        self.token = QadToken(self._session, profile, credentials)
        # How far QAD's clock is ahead of ours, in seconds, by its last answer; None where it does not say.
        self.clock_ahead_s: float | None = None

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
        url = URL(self._base_url + path).with_query(list(params))

        async def ask(token: str) -> Reply:
            try:
                async with self._session.get(url, headers=self._headers(token), allow_redirects=False) as answer:
                    return await self._reply(answer)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Transient(f"QAD cannot be reached: {why_not(error)}") from error

        return await self._let_in(ask)

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
        url = URL(self._base_url + path).with_query(list(params))

        async def send(token: str) -> Reply:
            headers = {**self._headers(token), "Content-Type": "application/json"}
            async with sending(self._session, url, body, headers, not_after=not_after) as answer:
                return await self._reply(answer)

        return await self._let_in(send)

    async def _let_in(self, call: Callable[[str], Awaitable[Reply]]) -> Reply:
        """Return the answer to a call; where its token is not accepted, nothing was done, and it goes once more."""
        for is_last in (False, True):
            token = await self.token.get()
            reply = await call(token)
            if reply.status != 401:
                self.token.accepted()
                return reply
            error = self.token.refused(token)
            if is_last or isinstance(error, Refused):
                raise error
        raise InvariantViolation("a call ends with its last try")

    async def _reply(self, answer: aiohttp.ClientResponse) -> Reply:
        if answer.method == "POST" and answer.status in DONE_AND_SENT_ON:
            raise OutcomeUnknown(f"QAD answered with a redirect (HTTP {answer.status}): is base_url right?")
        if 300 <= answer.status < 400:
            raise Refused(
                f"QAD answered with a redirect (HTTP {answer.status}), as to a log-in or another address: base_url "
                "must be the API's own address, with its path"
            )
        self.clock_ahead_s = _ahead_s(answer.headers.get("Date", ""))
        return Reply(answer.status, await whole_body(answer), retry_after_s(answer))

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"{self.token.scheme} {token}",
            **({self._profile.workspace_header: self._profile.workspace} if self._profile.workspace_header else {}),
            # Messages are sorted by words where codes do not tell: they must come in one language.
            "Accept-Language": "en-US",
            **self._profile.headers,
        }


def _ahead_s(told: str) -> float | None:
    try:
        return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
