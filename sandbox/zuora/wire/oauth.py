"""POST /oauth/token: a client of the tenant shows its secret and gets a token."""

import hmac
from urllib.parse import parse_qs
from uuid import uuid4

from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.wire.answers import Answer, plain_json
from sandbox.zuora.wire.call import Call

# What the stand-in's user may do, as in the scope that Zuora's own example shows.
_RIGHTS = (
    "platform.write service.genesis.read service.genesis.write service.usage.delete service.usage.update "
    "service.usage.write"
)


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
