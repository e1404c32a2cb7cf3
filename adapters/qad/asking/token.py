"""One token of one tenant for all callers: one log-in at a time, and what came of it counts for all who waited for it.

A log-in that is refused never becomes a storm of them: sites lock a user out after a few.
"""

import asyncio
import re
import time
from typing import Any

import aiohttp
import msgspec

from adapters.credentials.secret import Secret
from adapters.qad.asking.answers import read_object
from adapters.qad.profiles.profile import Profile
from adapters.qad.values import whole
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient

# Two log-ins never come closer than this.
_PAUSE_BETWEEN_LOGINS_S = 2.0
# What may stand in a header.
_TOKEN = re.compile(r"[\x21-\x7e]+")
_RETRY_AFTER_MAX_S = 3600.0


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's token is had with."""

    client_id: Secret
    username: Secret | None = None
    password: Secret | None = None
    client_secret: Secret | None = None


class QadToken:
    """The token of one tenant."""

    def __init__(self, session: aiohttp.ClientSession, profile: Profile, credentials: Credentials) -> None:
        """Fetch it over this session."""
        self._session = session
        self._auth = profile.auth
        self._url = profile.base_url.rstrip("/") + profile.auth.path
        self._credentials = credentials
        self._lock = asyncio.Lock()
        self._text = ""
        self._renew_at = 0.0
        self._asked_at = -_PAUSE_BETWEEN_LOGINS_S
        # Log-ins that ended, and the error of the last one.
        self._ended = 0
        self._failure: ConnectorError | None = None
        self._refused_in_a_row = 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent and must not be told."""
        held = self._credentials
        given = (held.username, held.password, held.client_secret)
        return (self._text, *(secret.reveal() for secret in given if secret is not None))

    async def get(self) -> str:
        """Return a token that still lives, after a log-in where there is none.

        Raises:
            Refused: QAD does not accept the credentials, or has no token at the profile's path.
            Transient: It cannot be had now.
        """
        if time.monotonic() < self._renew_at:
            return self._text
        ended = self._ended
        async with self._lock:
            if time.monotonic() >= self._renew_at:
                if self._failure is not None and self._ended > ended:
                    # The log-in that this caller waited for has failed: repeating it for each of them is a storm.
                    raise self._failure
                await self._renew()
            return self._text

    def refused(self, text: str) -> ConnectorError:
        """Take up that QAD did not accept a token, and return what that means to the caller.

        The next caller logs in, once for all. Two tokens in a row that were never accepted: a person must look. A late
        answer to a token that was replaced meanwhile says nothing of the new one.
        """
        if text == self._text:
            if self._renew_at:
                self._renew_at = 0.0
                self._refused_in_a_row += 1
            if self._refused_in_a_row > 1:
                return Refused("QAD accepts no token of ours (HTTP 401): look at the user's roles and its password")
        return Transient("the token was not accepted and is renewed")

    def accepted(self) -> None:
        """Take up that QAD let a call in."""
        self._refused_in_a_row = 0

    async def _renew(self) -> None:
        self._failure = None
        try:
            await self._log_in()
        except ConnectorError as error:
            self._failure = error
            raise
        finally:
            self._ended += 1

    async def _log_in(self) -> None:
        await asyncio.sleep(max(0.0, self._asked_at + _PAUSE_BETWEEN_LOGINS_S - time.monotonic()))
        self._asked_at = time.monotonic()
        try:
            # In the body, never in the query: queries stand in access logs. And never on to where a redirect leads.
            async with self._session.post(self._url, data=self._form(), allow_redirects=False) as answer:
                granted = _granted(answer, await answer.read(), self._auth.path)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"QAD cannot be reached at {self._url} (base_url): {type(error).__name__}") from error
        lifetime_s = _lifetime_s(granted.get("expires_in")) or self._auth.lifetime_s
        self._text = granted["access_token"]
        self._renew_at = self._asked_at + max(lifetime_s - self._auth.renew_before_s, lifetime_s // 2)

    def _form(self) -> dict[str, str]:
        held = self._credentials
        form = {"grant_type": self._auth.grant, "client_id": held.client_id.reveal()}
        for name, secret in (
            ("username", held.username),
            ("password", held.password),
            ("client_secret", held.client_secret),
        ):
            if secret is not None:
                form[name] = secret.reveal()
        return form | self._auth.extra


def retry_after_s(answer: aiohttp.ClientResponse) -> float | None:
    """Return how many seconds QAD asks to wait; None where it does not say, or says it as a date."""
    told = answer.headers.get("Retry-After", "")
    return min(float(told), _RETRY_AFTER_MAX_S) if told.isdecimal() else None


def _granted(answer: aiohttp.ClientResponse, body: bytes, path: str) -> dict[str, Any]:
    status, granted = answer.status, read_object(body) or {}
    if status in (400, 401, 403):
        raise Refused("QAD does not accept the credentials: ml-connector credentials set, then ml-connector ping")
    if status in (404, 405) or 300 <= status < 400:
        raise Refused(f"QAD gives no token at {path} (HTTP {status}): look at base_url and [auth] path of the profile")
    token = granted.get("access_token")
    if status >= 300 or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Transient(f"QAD gave no token (HTTP {status})", retry_after_s=retry_after_s(answer))
    return granted


def _lifetime_s(told: Any) -> int:
    """Return how long a token lives as QAD says, 0 where it does not."""
    try:
        return whole(told, what="expires_in") if told is not None else 0
    except Misconfigured:
        raise Transient("QAD gave a token, and nobody can read for how long") from None
