"""Zuora's bearer token: one per process and credential, shared by all callers, renewed shortly before its hour ends.

The token call is limited to 100 a minute and address: a 401 storm must never become a token storm, so callers that
come together share one call, and what it was told; a credential that is refused in a row asks ever more rarely, and all
tokens of an address keep to one pace: what one tenant wants in vain another may need.
"""

import asyncio
import math
import re
import time

import aiohttp
import msgspec

from adapters.credentials.secret import Secret
from adapters.reach import Reach, connector, why_not
from adapters.zuora.asking.answers import NotFound, SignedOut, read_answer
from adapters.zuora.asking.clock import ZuoraClock
from adapters.zuora.asking.headers import whole_of
from adapters.zuora.asking.pacing import TokenPace
from adapters.zuora.asking.regions import elsewhere
from schemas.errors import ConnectorError, Misconfigured, NotAllowed, Refused, Transient

# Zuora advises to renew five minutes before the end.
_RENEW_BEFORE_S = 300.0
# Between two calls for the same token at least; doubled so often while it is refused in a row.
_PAUSE_BETWEEN_S = 3.0
_DOUBLINGS_MAX = 3
# As for any other call: Zuora's gateway gives up after 120 s.
_REQUEST_TIMEOUT_S = 125.0
# What may stand in a header.
_TOKEN = re.compile(r"[\x21-\x7e]+")


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int | float | str = 3600
    scope: str = ""


_decode = msgspec.json.Decoder(_Granted).decode


class Token:
    """The token of one tenant's credentials."""

    def __init__(
        self, base_url: str, *, client_id: Secret, client_secret: Secret, pace: TokenPace, reach: Reach
    ) -> None:
        """Hold the credentials; nothing is fetched before the first use.

        Args:
            base_url: The data centre's address.
            client_id: OAuth client.
            client_secret: Its secret.
            pace: Of all tokens of this address.
            reach: What may be connected to.
        """
        self._url = f"{base_url}/oauth/token"
        self._reach = reach
        self._client_id = client_id
        self._client_secret = client_secret
        self._pace = pace
        # What Zuora's answers tell of the time, those of the API as well.
        self.clock = ZuoraClock()
        self._lock = asyncio.Lock()
        self._text = ""
        self._renew_at = 0.0
        self._asked_at = -_PAUSE_BETWEEN_S
        self._failure: ConnectorError | None = None
        # How often in a row Zuora said no: to the credentials, or to the token that they were good for.
        self._refusals = 0
        self.scope = ""
        self.fetched = 0
        # Whether a token call waits for its turn.
        self.rests = False

    @property
    def tenant_id(self) -> str:
        """Zuora's number of the tenant that the token belongs to, "" where it does not tell."""
        return next((part.removeprefix("tenant.") for part in self.scope.split() if part.startswith("tenant.")), "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent and must not be told."""
        return self._client_id.reveal(), self._client_secret.reveal(), self._text

    async def get(self) -> str:
        """Return a token that is good for some minutes; callers that come together wait for one call.

        Raises:
            Refused: The credentials are wrong, or belong to another data centre.
            Transient: Zuora cannot answer now.
            Misconfigured: Somebody else answers.
        """
        fetched = self.fetched
        if time.monotonic() < self._renew_at:
            return self._text
        async with self._lock:
            if time.monotonic() < self._renew_at:
                return self._text
            if self._failure is not None and self.fetched > fetched:
                # The call that we waited for was refused: asking once more for each who waited would be the storm.
                raise self._failure
            await self._renew()
            return self._text

    async def refused(self, text: str) -> None:
        """Take up that Zuora did not accept a token: the next caller fetches another, once for all of them."""
        async with self._lock:
            if text == self._text and self._renew_at:
                self._renew_at = 0.0
                self._refusals += 1

    def accepted(self) -> None:
        """Take up that Zuora answered to a token: it is good."""
        self._refusals = 0

    async def _renew(self) -> None:
        self._failure = None
        now_s = time.monotonic()
        while (wait_s := self._wait_s(now_s)) > 0:
            self.rests = True
            try:
                await asyncio.sleep(wait_s)
            finally:
                self.rests = False
            now_s = time.monotonic()
        self._asked_at = now_s
        self._pace.sent(now_s)
        try:
            granted, lifetime_s = _granted(await self._fetch())
        except ConnectorError as error:
            self._failure = error
            self._refusals += isinstance(error, Refused)
            raise
        finally:
            # Whoever came before this moment is told what this call was told.
            self.fetched += 1
        self._text, self.scope = granted.access_token, granted.scope
        self._renew_at = self._asked_at + max(lifetime_s - _RENEW_BEFORE_S, lifetime_s / 2)

    def _wait_s(self, now_s: float) -> float:
        # The first refusal is no sign of another: a token may be revoked.
        doublings = min(max(self._refusals - 1, 0), _DOUBLINGS_MAX)
        return max(self._asked_at + _PAUSE_BETWEEN_S * 2.0**doublings - now_s, self._pace.wait_s(now_s))

    async def _fetch(self) -> bytes:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id.reveal(),
            "client_secret": self._client_secret.reveal(),
        }
        try:
            # Never follow a redirect here: the secret would go with it.
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S, connect=10),
                    connector=connector(self._url, self._reach, limit=1),
                ) as session,
                session.post(self._url, data=form, allow_redirects=False) as answer,
            ):
                self._pace.hear(whole_of(answer.headers.get("X-RateLimit-Remaining-minute")), time.monotonic())
                body = await read_answer(answer, what="POST /oauth/token", secrets=self.secrets)
                self.clock.hear(answer.headers.get("Date"))
                return body
        except SignedOut:
            centres = elsewhere(self._url)
            raise Refused(
                "Zuora does not accept the client id and secret: they are wrong, "
                "or belong to another data centre than the base URL" + (f": {centres}" if centres else "")
            ) from None
        except NotAllowed as error:
            # Without a token no call goes, whatever it is.
            refused = Refused(str(error))
            refused.codes = error.codes
            raise refused from None
        except NotFound as error:
            # No object was asked for: nothing is gone but the way to it.
            raise Misconfigured(f"{error}: is base_url right? It was asked at {self._url}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient(f"Zuora cannot be reached at {self._url} (base_url): {why_not(error)}") from error


def _granted(body: bytes) -> tuple[_Granted, float]:
    """Return what was granted, and for how many seconds."""
    try:
        granted = _decode(body)
        lifetime_s = float(granted.expires_in)  # seconds, no money
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        raise Transient("Zuora's answer to POST /oauth/token holds no token") from None
    if not _TOKEN.fullmatch(granted.access_token) or not 0 < lifetime_s < math.inf:
        raise Transient("Zuora's answer to POST /oauth/token holds a token that cannot be used")
    return granted, lifetime_s
