"""Who may call: OAuth tokens for clients of the tenant, and the check of the bearer.

A token lives for an hour by the stand-in's clock and can be revoked. There is no refresh token: a client asks again.
"""

import hmac
from urllib.parse import parse_qs
from uuid import uuid4

from sandbox.zuora.clock import Clock
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.wire.answers import Answer, Call, plain_json

# What the stand-in's user may do, as in the scope that Zuora's own example shows.
_RIGHTS = (
    "platform.write service.genesis.read service.genesis.write service.usage.delete service.usage.update "
    "service.usage.write"
)


class Tokens:
    """The tokens that are valid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_s: dict[str, float] = {}

    def issue(self, life_s: float) -> str:
        """Return a new token."""
        now_s = self._clock.now_s()
        self._ends_s = {token: end_s for token, end_s in self._ends_s.items() if end_s > now_s}
        token = uuid4().hex
        self._ends_s[token] = now_s + life_s
        return token

    def revoke(self) -> int:
        """End all tokens at once and return how many there were."""
        count = len(self._ends_s)
        self._ends_s.clear()
        return count

    def check(self, authorization: str) -> None:
        """Refuse a request whose bearer token is missing, unknown or expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or self._ends_s.get(token, 0.0) <= self._clock.now_s():
            raise unauthorized()


def unauthorized() -> Refused:
    """Return the refusal of a token."""
    return Refused(Category.AUTHENTICATION, "this resource is protected, please sign in first", code=90_000_011)


def create_token(call: Call) -> Answer:
    """Answer POST /oauth/token."""
    sandbox = call.sandbox
    if "authorization" in call.headers:
        raise Refused(Category.INVALID_VALUE, "Do not set an Authorization header on this call")
    if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refused(Category.INVALID_VALUE, "The body must be application/x-www-form-urlencoded", status=400)
    form = {name: values[0] for name, values in parse_qs(call.body.decode(errors="replace")).items()}
    for name in ("client_id", "client_secret", "grant_type"):
        if name not in form:
            raise Refused(Category.MISSING_FIELD, f"{name} is required")
    if form["grant_type"] != "client_credentials":
        raise Refused(Category.INVALID_VALUE, "grant_type must be client_credentials")
    known = {client.client_id: client.client_secret for client in sandbox.world.clients}
    expected = known.get(form["client_id"], "")
    if not expected or not hmac.compare_digest(expected.encode(), form["client_secret"].encode()):
        raise Refused(Category.AUTHENTICATION, "Invalid client id or secret")
    settings, life_s = sandbox.tenant.settings, sandbox.tenant.settings.token_life_s
    scope = f"entity.{sandbox.world.entity_id} {_RIGHTS} tenant.{sandbox.world.tenant_id} user.{sandbox.tenant.user_id}"
    body = {
        "access_token": sandbox.tokens.issue(life_s),
        "token_type": "bearer",
        "expires_in": str(life_s) if settings.expires_in == "text" else life_s,
        "scope": scope,
        "jti": uuid4().hex,
    }
    return plain_json(body)
