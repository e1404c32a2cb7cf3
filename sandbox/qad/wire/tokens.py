"""Signing in and staying signed in: access tokens that end with the session's length or after standing idle.

Grants are password and refresh_token, and client_credentials where the server allows it. Passwords and tokens are
kept in memory only and never logged.
"""

import secrets
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from msgspec import Struct

from sandbox.qad.clock import Clock
from sandbox.qad.settings import SessionSettings
from sandbox.qad.wire.envelopes import Answer, encode
from sandbox.qad.world import Client, User

# A client that signs in for every call would otherwise fill the memory.
_SESSIONS_SWEPT_AT = 10_000


class Session(Struct, kw_only=True):
    """One signed-in user, by one access token."""

    user: User
    client_id: str
    created_at: datetime
    last_used_at: datetime
    refresh_token: str


class Sessions:
    """Issues tokens and recognises them."""

    def __init__(
        self, *, users: Mapping[str, User], clients: Mapping[str, Client], settings: SessionSettings, clock: Clock
    ) -> None:
        self._users = users
        self._clients = clients
        self._settings = settings
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._refresh_tokens: dict[str, Session] = {}

    def issue(self, form: Mapping[str, str]) -> Answer:
        """Answer a request for a token."""
        client = self._clients.get(form.get("client_id", ""))
        if client is None or not self._knows_secret(client, form.get("client_secret", "")):
            return _denied("invalid_client", "The client is not known.")
        grants = {"password": self._by_password, "refresh_token": self._refresh}
        if self._settings.allows_client_credentials:
            grants["client_credentials"] = self._by_client
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            return Answer(400, encode({"error": "unsupported_grant_type", "error_description": "No such grant."}))
        return grant(form, client)

    def recognise(self, authorization: str) -> User | None:
        """Return the user of a bearer token that is alive, and note its use; or of a password, where that may be."""
        scheme, _, token = authorization.partition(" ")
        if scheme.casefold() == "basic" and self._settings.allows_basic:
            return self._by_basic(token)
        session = self._sessions.get(token) if scheme.casefold() == "bearer" else None
        if session is None:
            return None
        now = self._clock.now()
        if now >= self._ends_at(session):
            del self._sessions[token]
            return None
        session.last_used_at = now
        return session.user

    def end_all(self) -> int:
        """End every session, as a restart of the ERP would; return how many."""
        count = len(self._sessions)
        self._sessions.clear()
        self._refresh_tokens.clear()
        return count

    @property
    def count(self) -> int:
        """How many tokens are kept, alive or not yet met again."""
        return len(self._sessions)

    def _ends_at(self, session: Session) -> datetime:
        return min(
            session.created_at + timedelta(minutes=self._settings.session_length_minutes),
            session.last_used_at + timedelta(minutes=self._settings.idle_minutes),
        )

    def _by_basic(self, token: str) -> User | None:
        try:
            name, _, password = b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return None
        user = self._users.get(name)
        return user if user is not None and _equal(user.password, password) else None

    def _knows_secret(self, client: Client, secret: str) -> bool:
        if not self._settings.requires_client_secret:
            return True
        return bool(client.client_secret) and _equal(client.client_secret, secret)

    def _by_password(self, form: Mapping[str, str], client: Client) -> Answer:
        user = self._users.get(form.get("username", ""))
        if user is None or not _equal(user.password, form.get("password", "")):
            return _denied("invalid_grant", "Wrong user name or password.")
        return self._sign_in(user, client)

    def _by_client(self, form: Mapping[str, str], client: Client) -> Answer:
        knows_secret = bool(client.client_secret) and _equal(client.client_secret, form.get("client_secret", ""))
        if not knows_secret or client.user not in self._users:
            return _denied("invalid_client", "The client cannot sign in by itself.")
        return self._sign_in(self._users[client.user], client)

    def _refresh(self, form: Mapping[str, str], client: Client) -> Answer:
        """Exchange a refresh token, which serves once, for a new session."""
        old = self._refresh_tokens.pop(form.get("refresh_token", ""), None)
        lifetime = timedelta(minutes=self._settings.refresh_minutes)
        if old is None or old.client_id != client.client_id or self._clock.now() >= old.created_at + lifetime:
            return _denied("invalid_grant", "The refresh token is not valid.")
        return self._sign_in(old.user, client)

    def _sign_in(self, user: User, client: Client) -> Answer:
        now = self._clock.now()
        if len(self._sessions) >= _SESSIONS_SWEPT_AT:
            self._sweep(now)
        token, refresh_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        session = Session(
            user=user, client_id=client.client_id, created_at=now, last_used_at=now, refresh_token=refresh_token
        )
        self._sessions[token] = self._refresh_tokens[refresh_token] = session
        body: dict[str, Any] = {"access_token": token, "refresh_token": refresh_token, "token_type": "bearer"}
        if self._settings.answers_expires_in:
            body["expires_in"] = self._settings.session_length_minutes * 60
        return Answer(200, encode(body))

    def _sweep(self, now: datetime) -> None:
        """Forget the tokens that nobody came back with."""
        lifetime = timedelta(minutes=self._settings.refresh_minutes)
        self._sessions = {token: one for token, one in self._sessions.items() if now < self._ends_at(one)}
        self._refresh_tokens = {
            token: one for token, one in self._refresh_tokens.items() if now < one.created_at + lifetime
        }


def _equal(expected: str, given: str) -> bool:
    return compare_digest(expected.encode(), given.encode())


def _denied(error: str, description: str) -> Answer:
    return Answer(401, encode({"error": error, "error_description": description}))
