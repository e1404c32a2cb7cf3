"""What is sent to be signed in, and what was granted for it: forms, answers, and how long a session lives.

Nothing is asked here. Source: reference/qad.md 1.2; OAuth 2.0 (RFC 6749), 5.2 for the names of errors.
"""

import re
from base64 import b64encode
from typing import Any

import aiohttp
import msgspec

from adapters.credentials.secret import Secret
from adapters.qad.asking.answers import read_object
from adapters.qad.profiles.auth import Auth
from adapters.qad.values import whole
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient

# What may stand in a header.
_TOKEN = re.compile(r"[\x21-\x7e]+")
_RETRY_AFTER_MAX_S = 3600.0
_SEAL = "ml-connector credentials set qad/CONNECTION"
_ERRORS = {
    "invalid_client": f"it does not know the client: {_SEAL} client_id (client_secret, where there is one)",
    "unauthorized_client": "this client may not sign in so: look at [auth] grant, and at the client in QAD",
    "unsupported_grant_type": "it has no such grant: look at [auth] grant of the profile",
    "invalid_grant": f"user name or password is wrong, or the user is locked: {_SEAL} username, then password",
}


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's token is had with; which of them a grant needs is checked when it is used."""

    client_id: Secret | None = None
    username: Secret | None = None
    password: Secret | None = None
    client_secret: Secret | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent and must not be told."""
        given = (self.username, self.password, self.client_secret)
        return tuple(secret.reveal() for secret in given if secret is not None)


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What a token call gave.

    Attributes:
        token: The access token.
        refresh_token: What another is had with, "" where it gave none.
        lifetime_s: How long it lives, 0 where QAD does not say.
    """

    token: str
    refresh_token: str = ""
    lifetime_s: int = 0


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a session lives, in seconds; 0 where QAD does not say.

    Attributes:
        length_s: After it began.
        idle_s: After its last use.
    """

    length_s: int = 0
    idle_s: int = 0


def log_in_form(auth: Auth, held: Credentials) -> dict[str, str]:
    """Return the form of a log-in: a body, never a query, since queries stand in access logs."""
    form: dict[str, str] = {"grant_type": auth.grant}
    names = ("client_id", "client_secret", *(("username", "password") if auth.grant == "password" else ()))
    for name in names:
        secret: Secret | None = getattr(held, name)
        if secret is not None:
            form[name] = secret.reveal()
    return form | auth.extra


def refresh_form(held: Credentials, refresh_token: str) -> dict[str, str]:
    """Return the form that exchanges a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    for name, secret in (("client_id", held.client_id), ("client_secret", held.client_secret)):
        if secret is not None:
            form[name] = secret.reveal()
    return form


def basic(held: Credentials) -> str:
    """Return what stands behind `Basic` in the header.

    Raises:
        Refused: User or password is not sealed.
    """
    if held.username is None or held.password is None:
        raise Refused(f"[auth] grant is basic, and user or password is not sealed: {_SEAL} username, then password")
    return b64encode(f"{held.username.reveal()}:{held.password.reveal()}".encode()).decode()


def granted(answer: aiohttp.ClientResponse, body: bytes, path: str) -> Granted:
    """Return what a token call gave.

    Raises:
        Refused: QAD does not accept the credentials, or has no token at the profile's path.
        Transient: It cannot be had now.
    """
    status, told = answer.status, read_object(body) or {}
    if status in (400, 401, 403):
        raise Refused(f"QAD does not accept the credentials (HTTP {status}): {_why(told)}; then ml-connector ping")
    if status in (404, 405) or 300 <= status < 400:
        raise Refused(f"QAD gives no token at {path} (HTTP {status}): look at base_url and [auth] path of the profile")
    token, again = told.get("access_token"), told.get("refresh_token")
    if status >= 300 or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        page = ", a page instead: is base_url the API's, with its path?" if status < 300 and not told else ""
        raise Transient(f"QAD gave no token (HTTP {status}){page}", retry_after_s=retry_after_s(answer))
    return Granted(
        token=token,
        refresh_token=again if isinstance(again, str) else "",
        lifetime_s=_lifetime_s(told.get("expires_in")),
    )


def session_limits(body: bytes, client_id: Secret | None) -> SessionLimits:
    """Return what `securityControl` says of our client, or of the first where it names no client of ours."""
    data = (read_object(body) or {}).get("data")
    listed = data.get("securityControls") if isinstance(data, dict) else None
    controls = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    own = client_id.reveal() if client_id is not None else None
    control = next((one for one in controls if one.get("clientId") == own), controls[0] if controls else {})
    return SessionLimits(
        length_s=_minutes_s(control.get("sessionLength")), idle_s=_minutes_s(control.get("timeoutMinutes"))
    )


def retry_after_s(answer: aiohttp.ClientResponse) -> float | None:
    """Return how many seconds QAD asks to wait; None where it does not say, or says it as a date."""
    told = answer.headers.get("Retry-After", "")
    return min(float(told), _RETRY_AFTER_MAX_S) if told.isdecimal() else None


def _why(told: dict[str, Any]) -> str:
    return _ERRORS.get(str(told.get("error", "")), f"{_SEAL} client_id, username, password as they are needed")


def _lifetime_s(told: Any) -> int:
    try:
        return whole(told, what="expires_in") if told is not None else 0
    except Misconfigured:
        raise Transient("QAD gave a token, and nobody can read for how long") from None


def _minutes_s(told: Any) -> int:
    try:
        return max(0, whole(told, what="minutes")) * 60
    except ConnectorError:
        return 0
