"""One token of one tenant for all callers: one log-in at a time, and what came of it counts for all who waited for it.

A log-in that is refused never becomes a storm of them: sites lock a user out after a few. While it is refused in a row
it is tried ever more rarely, and who asks meanwhile is told what the last one was told.
"""

import asyncio
import math
import time

import aiohttp

from adapters.qad.asking.grants import (
    Credentials,
    Granted,
    SessionLimits,
    basic,
    granted,
    log_in_form,
    refresh_form,
    retry_after_s,
    session_limits,
)
from adapters.qad.asking.sending import whole_body
from adapters.qad.profiles.profile import Profile
from adapters.reach import why_not
from schemas.errors import ConnectorError, Refused, Transient

__all__ = ["Credentials", "QadToken", "retry_after_s"]

# Two log-ins never come closer than this; doubled so often while they are refused in a row.
_PAUSE_BETWEEN_LOGINS_S = 2.0
_DOUBLINGS_MAX = 8


class QadToken:
    """The token of one tenant."""

    def __init__(self, session: aiohttp.ClientSession, profile: Profile, credentials: Credentials) -> None:
        """Fetch it over this session."""
        self._session = session
        self._auth = profile.auth
        base_url = profile.base_url.rstrip("/")
        self._url = base_url + profile.auth.path
        self._limits_url = base_url + profile.auth.limits_path if profile.auth.limits_path else ""
        self._credentials = credentials
        self._lock = asyncio.Lock()
        self._text = ""
        self._refresh_token = ""
        self._began_at = self._used_at = 0.0
        self._renew_at = 0.0
        self._asked_at = -_PAUSE_BETWEEN_LOGINS_S
        # Log-ins that ended, and the error of the last one.
        self._ended = 0
        self._failure: ConnectorError | None = None
        self._refused_logins = 0
        self._refused_in_a_row = 0
        # What QAD says of its sessions; None until it was asked.
        self.limits: SessionLimits | None = None

    @property
    def scheme(self) -> str:
        """What stands before it in the header."""
        return "Basic" if self._auth.grant == "basic" else "Bearer"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent and must not be told."""
        return (self._text, self._refresh_token, *self._credentials.secrets)

    async def get(self) -> str:
        """Return a token that still lives, after a log-in where there is none.

        Raises:
            Refused: QAD does not accept the credentials, or has no token at the profile's path.
            Transient: It cannot be had now.
        """
        if self._lives():
            return self._text
        ended = self._ended
        async with self._lock:
            if not self._lives():
                if self._failure is not None and (self._ended > ended or self._rests()):
                    # The log-in that this caller waited for, or that was tried just now, has failed: repeating it for
                    # each of them is a storm.
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
                # QAD has ended the session: what it gave with it is no better.
                self._refresh_token = ""
                self._refused_in_a_row += 1
            if self._refused_in_a_row > 1 or self._auth.grant == "basic":
                error = Refused("QAD accepts no token of ours (HTTP 401): look at the user's roles and its password")
                self._refused_logins += 1
                self._asked_at, self._failure = time.monotonic(), error
                return error
        return Transient("the token was not accepted and is renewed")

    def accepted(self) -> None:
        """Take up that QAD let a call in."""
        self._refused_in_a_row = self._refused_logins = 0
        self._used_at = time.monotonic()

    def _lives(self) -> bool:
        now = time.monotonic()
        if now >= self._renew_at:
            return False
        idle_s = self.limits.idle_s if self.limits is not None else 0
        return not idle_s or now < max(self._began_at, self._used_at) + self._shortened(idle_s)

    def _rests(self) -> bool:
        """Return whether it is too early for another log-in after one that was refused."""
        doublings = min(self._refused_logins, _DOUBLINGS_MAX)
        pause_s = _PAUSE_BETWEEN_LOGINS_S * 2.0**doublings if doublings else 0.0
        return time.monotonic() < self._asked_at + pause_s

    async def _renew(self) -> None:
        self._failure = None
        try:
            if self._auth.grant == "basic":
                self._began_at, self._renew_at = time.monotonic(), math.inf
                self._text = basic(self._credentials)
                return
            given = await self._signed_in()
            await self._hear_limits(given.token)
            self._text, self._refresh_token = given.token, given.refresh_token
            length_s = self.limits.length_s if self.limits is not None else 0
            told = [lifetime_s for lifetime_s in (given.lifetime_s, length_s) if lifetime_s]
            self._renew_at = self._began_at + self._shortened(min(told, default=self._auth.lifetime_s))
        except ConnectorError as error:
            self._failure = error
            self._refused_logins += isinstance(error, Refused)
            raise
        finally:
            self._ended += 1

    async def _signed_in(self) -> Granted:
        """Return a token by the refresh token, where there is one that is good; else by a log-in."""
        if self._refresh_token:
            form = refresh_form(self._credentials, self._refresh_token)
            # It serves once.
            self._refresh_token = ""
            try:
                return await self._ask(form)
            except Refused:
                pass
        await asyncio.sleep(max(0.0, self._asked_at + _PAUSE_BETWEEN_LOGINS_S - time.monotonic()))
        self._asked_at = time.monotonic()
        return await self._ask(log_in_form(self._auth, self._credentials))

    async def _ask(self, form: dict[str, str]) -> Granted:
        self._began_at = time.monotonic()
        try:
            # In the body, never in the query: queries stand in access logs. And never on to where a redirect leads.
            async with self._session.post(self._url, data=form, allow_redirects=False) as answer:
                return granted(answer, await whole_body(answer), self._auth.path)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"QAD cannot be reached at {self._url} (base_url): {why_not(error)}") from error

    def _shortened(self, lifetime_s: int) -> float:
        """Return after how long it is renewed that lives so long: before, but not in its first half."""
        return max(lifetime_s - self._auth.renew_before_s, lifetime_s / 2)

    async def _hear_limits(self, token: str) -> None:
        """Ask once how long sessions live; where QAD does not say, the profile does, and a 401 tells the rest."""
        if self.limits is not None or not self._limits_url:
            return
        headers = {"Authorization": f"{self.scheme} {token}", "Accept-Language": "en-US"}
        try:
            async with self._session.get(self._limits_url, headers=headers, allow_redirects=False) as answer:
                body = await whole_body(answer) if answer.status == 200 else b""
        except (aiohttp.ClientError, TimeoutError):
            return
        self.limits = session_limits(body, self._credentials.client_id)
