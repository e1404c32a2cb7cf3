"""Receives callouts: verified, stored on the broker, and only then answered with 200.

A callout is a hint; nothing in it is looked at here but who sent it. On a configured path it answers 200, 401, 413,
415 or 503; Zuora calls again only after 503, so whatever fails on our side is a 503. Nothing of a body reaches a log.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec
import structlog
from aiohttp import web

from adapters.crashpoints import crashpoint
from adapters.credentials.secret import Secret
from adapters.zuora.headers import text_of
from schemas.callouts import Callout
from schemas.errors import ConnectorError

log = structlog.get_logger(__name__)

# A callout is an id and some words.
BODY_BYTES_MAX = 64 * 1024
_KEPT_HEADERS = ("Zuora-Notification-Id", "Zuora-Request-Id", "Content-Type", "User-Agent")


class HmacRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the tenant signs its callouts; all of it is set in its callout templates.

    Attributes:
        header: Name of the header that carries the signature.
        algorithm: Hash.
        output: How the signature is written.
    """

    header: str = "X-ML-Signature"
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    output: Literal["hex", "base64"] = "hex"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's way in.

    Attributes:
        tenant: Its name.
        connection: Its first connection, in whose partition hints stand.
        user: Name for Basic authentication.
        password: Its password.
        hmac_rule: How bodies are signed, if they are.
        hmac_secret: The secret they are signed with; a rule without one lets nobody in.
    """

    tenant: str
    connection: str
    user: Secret
    password: Secret
    hmac_rule: HmacRule | None = None
    hmac_secret: Secret | None = None


Store = Callable[[Callout], Awaitable[None]]


def make_receiver(doors: dict[str, Door], store: Store) -> web.Application:
    """Return the receiver.

    Args:
        doors: By path, which is as secret as a password.
        store: Comes back when the broker has the hint; raises when it has not.
    """

    async def receive(request: web.Request) -> web.Response:
        door = doors[request.path]
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return web.Response(status=415)
        if not _knows_password(request.headers.get("Authorization", ""), door):
            # Zuora asks first without credentials and repeats with them after this.
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="ml-connector"'})
        body = await request.read()
        if not _signed(request.headers, body, door):
            log.warning("callout with a wrong signature", tenant=door.tenant)
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="ml-connector"'})
        try:
            await store(_callout(request, body, door))
        except Exception as error:  # noqa: BLE001 - whatever it was, the hint is not stored: Zuora has to call again
            reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
            log.error("callout not stored; Zuora calls again", tenant=door.tenant, reason=reason)
            return web.Response(status=503, headers={"Retry-After": "60"})
        crashpoint("receive.before_answer")
        return web.Response(status=200)

    # Bodies are never unpacked, not even on the way to a 415.
    application = web.Application(client_max_size=BODY_BYTES_MAX, handler_args={"auto_decompress": False})
    for path in doors:
        application.router.add_post(path, receive)
    return application


def _callout(request: web.Request, body: bytes, door: Door) -> Callout:
    return Callout(
        connection=door.connection,
        tenant=door.tenant,
        received_at=datetime.now(UTC),
        notification_id=text_of(request.headers.get("Zuora-Notification-Id")),
        headers={name: text_of(request.headers[name]) for name in _KEPT_HEADERS if name in request.headers},
        content_type=text_of(request.content_type),
        body=body,
    )


def _knows_password(authorization: str, door: Door) -> bool:
    """Compare digests, both always: neither the time nor a strange character tells anything."""
    scheme, _, coded = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(coded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        user, password = b"", b""
    same_user = hmac.compare_digest(_digest(user), _digest(door.user.reveal().encode()))
    same_password = hmac.compare_digest(_digest(password), _digest(door.password.reveal().encode()))
    return scheme.lower() == "basic" and same_user and same_password


def _signed(headers: Mapping[str, str], body: bytes, door: Door) -> bool:
    """Return whether the body is signed as the tenant was told to; over the raw bytes, before anything is parsed."""
    rule, secret = door.hmac_rule, door.hmac_secret
    if rule is None:
        return True
    if secret is None:
        return False
    digest = hmac.new(secret.reveal().encode(), body, rule.algorithm).digest()
    given = headers.get(rule.header, "").encode(errors="surrogateescape")
    # Hexadecimal digits are the same in either case, and Zuora does not call again after a 401.
    hexadecimal = rule.output == "hex"
    expected = digest.hex().encode() if hexadecimal else base64.b64encode(digest)
    return hmac.compare_digest(_digest(given.lower() if hexadecimal else given), _digest(expected))


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
