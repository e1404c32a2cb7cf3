"""Zuora's bearer token: one per process and credential, shared by all callers, renewed shortly before its hour ends.

The token call is limited to 100 a minute and address: a 401 storm must never become a token storm.
"""

import asyncio
import time

import aiohttp
import msgspec

from adapters.credentials.secret import Secret
from adapters.zuora.answers import SignedOut, check_answer
from schemas.errors import Refused, Transient

# Zuora advises to renew five minutes before the end.
_RENEW_BEFORE_S = 300.0
# Between two token calls at least: 20 a minute at the very worst.
_PAUSE_BETWEEN_S = 3.0


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int | float | str = 3600
    scope: str = ""


_decode = msgspec.json.Decoder(_Granted).decode


class Token:
    """The token of one tenant's credentials."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, *, client_id: Secret, client_secret: Secret
    ) -> None:
        """Hold the credentials; nothing is fetched before the first use."""
        self._session = session
        self._url = f"{base_url}/oauth/token"
        self._client_id = client_id
        self._client_secret = client_secret
        self._lock = asyncio.Lock()
        self._text = ""
        self._renew_at = 0.0
        self._asked_at = -_PAUSE_BETWEEN_S
        self.scope = ""
        self.fetched = 0

    async def get(self) -> str:
        """Return a token that is good for some minutes; callers that come together wait for one call.

        Raises:
            Refused: The credentials are wrong, or belong to another data centre.
            Transient: Zuora cannot answer now.
        """
        if time.monotonic() < self._renew_at:
            return self._text
        async with self._lock:
            if time.monotonic() >= self._renew_at:
                await self._fetch()
            return self._text

    async def refused(self, text: str) -> None:
        """Take up that Zuora did not accept a token: the next caller fetches another, once for all of them."""
        async with self._lock:
            if text == self._text:
                self._renew_at = 0.0

    async def _fetch(self) -> None:
        await asyncio.sleep(max(0.0, self._asked_at + _PAUSE_BETWEEN_S - time.monotonic()))
        self._asked_at = time.monotonic()
        self.fetched += 1
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id.reveal(),
            "client_secret": self._client_secret.reveal(),
        }
        try:
            # Never follow a redirect here: the secret would go with it.
            async with self._session.post(self._url, data=form, allow_redirects=False) as answer:
                body = await answer.read()
                check_answer(answer.status, answer.content_type, body, what="POST /oauth/token")
        except SignedOut:
            raise Refused(
                "Zuora does not accept the client id and secret: they are wrong, "
                "or belong to another data centre than the base URL"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"Zuora cannot be reached for a token: {type(error).__name__}") from error
        granted = _decode(body)
        self._text = granted.access_token
        self.scope = granted.scope
        lifetime_s = float(granted.expires_in)  # seconds, no money
        self._renew_at = self._asked_at + max(lifetime_s - _RENEW_BEFORE_S, lifetime_s / 2)
