"""Receives callouts: verified, stored on the broker, and only then answered with 200.

A callout is a hint; nothing in it is looked at here but who sent it. Each is answered within ten seconds. Zuora calls
again after 408, 429 and 503, and after nothing else that is answered here: so whatever fails on our side, or on the
way, is one of these. Nothing of a body or of a header's secrets reaches a log.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from aiohttp import web

from adapters.crashpoints import crashpoint
from adapters.sparing import SparingLog
from adapters.zuora.asking.headers import text_of
from adapters.zuora.receiving.doors import Door, door_at, login_slot, signature_slot
from adapters.zuora.receiving.guard import GuardedServer, Limits, answers_unread, peer_of
from adapters.zuora.receiving.guesses import Guesses
from adapters.zuora.receiving.repeats import Repeats, Store
from schemas.callouts import Callout
from schemas.errors import ConnectorError

log = structlog.get_logger(__name__)

# A callout is an id and some words.
BODY_BYTES_MAX = 64 * 1024
DEPTH_MAX = 16
# Zuora waits 15 s for an answer. A body comes with its head, or something is wrong.
ANSWER_S = 10.0
BODY_S = 5.0
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_KEPT_HEADERS = ("Zuora-Notification-Id", "Zuora-Request-Id", "Content-Type", "User-Agent")
_RETRY_AFTER = {"Retry-After": "60"}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="ml-connector"'}
# Strings, so that no bracket in them counts, and brackets. A string that does not end goes on to the end.
_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)

Doors = Callable[[], Mapping[str, Door]]


def make_receiver(
    doors: Doors, store: Store, limits: Limits, *, answer_s: float = ANSWER_S, body_s: float = BODY_S
) -> GuardedServer:
    """Return the receiver.

    Args:
        doors: The doors as they are now, by path.
        store: Comes back when the broker has the hint; raises when it has not.
        limits: How much it takes at once.
        answer_s: Within which time each request is answered.
        body_s: Within which time a body has to come.
    """
    receiver = _Receiver(doors, Repeats(store), limits, answer_s=answer_s, body_s=body_s)
    receiver.server = GuardedServer(receiver.answer, limits)
    return receiver.server


class _No(Exception):
    """A callout is not taken; this is answered instead."""

    def __init__(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.response = web.Response(status=status, headers=headers)


class _Receiver:
    server: GuardedServer

    def __init__(self, doors: Doors, repeats: Repeats, limits: Limits, *, answer_s: float, body_s: float) -> None:
        self._doors = doors
        self._repeats = repeats
        self._limits = limits
        self._answer_s, self._body_s = answer_s, body_s
        self._said = SparingLog(log)
        self._guesses = Guesses()
        self._slots_seen: set[tuple[str, str, str]] = set()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if answers_unread(request.transport):
            return _ended(request)
        door = door_at(self._doors(), request.path)
        if door is None:
            return web.Response(status=404)
        try:
            async with asyncio.timeout(self._answer_s):
                await self._take(request, door)
        except _No as no:
            return no.response
        except ConnectionError:
            # Who called is gone; nobody reads an answer.
            return _ended(request)
        except Exception as error:  # noqa: BLE001 - whatever it was, the hint is not stored: Zuora has to call again
            return self._not_stored(door, str(error) if isinstance(error, ConnectorError) else type(error).__name__)
        return web.Response(status=200)

    async def _take(self, request: web.BaseRequest, door: Door) -> None:
        """Come back when the broker has the callout.

        Raises:
            _No: It is none that is taken.
        """
        if request.method != "POST":
            raise _No(405, {"Allow": "POST"})
        caller = self._limits.caller_of(peer_of(request.transport), request.headers.getall("X-Forwarded-For", []))
        with self.server.room(caller) as has_room:
            if not has_room:
                self._said.warning("too many requests at once: Zuora calls again", about=door.tenant, address=caller)
                raise _No(503, _RETRY_AFTER)
            if self._guesses.too_many(caller):
                self._said.warning("too many wrong secrets from one caller: it has to wait", about=door.tenant)
                raise _No(429, _RETRY_AFTER)
            login = self._login(request, door, caller)
            body = await self._body(request)
            signature = self._signature(request, body, door, caller)
            if request.content_type == _JSON and _is_deep(body):
                self._said.warning("callout that is nested deeper than any was refused", about=door.tenant)
                raise _No(400)
            self._see(door.tenant, "login", login)
            self._see(door.tenant, "signature", signature)
            await self._repeats.take(_callout(request, body, door, login=login, signature=signature))
            crashpoint("receive.before_answer")

    def _login(self, request: web.BaseRequest, door: Door, caller: str) -> str:
        """Return the login's slot, once the head says that the body may be read."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _No(415)
        login = login_slot(request.headers.get("Authorization", ""), door)
        if not login:
            # Zuora asks first without credentials and repeats with them after this.
            if "Authorization" in request.headers:
                self._guesses.note(caller)
                self._said.warning("callout with a wrong password", about=door.tenant, address=caller)
            raise _No(401, _CHALLENGE)
        if request.content_type not in (_JSON, _FORM):
            self._said.warning("callout that is neither JSON nor a form was refused", about=door.tenant)
            raise _No(415)
        return login

    async def _body(self, request: web.BaseRequest) -> bytes:
        if (request.content_length or 0) > BODY_BYTES_MAX:
            raise _No(413)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_s):
                await _invite(request)
                async for part in request.content.iter_any():
                    body += part
                    if len(body) > BODY_BYTES_MAX:
                        raise _No(413)
        except TimeoutError:
            raise _No(408, {"Connection": "close"}) from None
        except web.RequestPayloadError:
            raise _No(400) from None
        return bytes(body)

    def _signature(self, request: web.BaseRequest, body: bytes, door: Door, caller: str) -> str:
        signature = signature_slot(request.headers, body, door)
        if signature is None:
            self._guesses.note(caller)
            self._said.warning("callout with a wrong signature", about=door.tenant, address=caller)
            raise _No(401, _CHALLENGE)
        return signature

    def _not_stored(self, door: Door, reason: str) -> web.Response:
        self._said.error("callout not stored; Zuora calls again", about=door.tenant, reason=reason)
        return web.Response(status=503, headers=_RETRY_AFTER)

    def _see(self, tenant: str, what: str, slot: str) -> None:
        """Say once of each slot that it is used: once the next one is, it can be set as the current one too."""
        if slot and (tenant, what, slot) not in self._slots_seen:
            self._slots_seen.add((tenant, what, slot))
            log.info("callouts come with a secret of this slot", tenant=tenant, what=what, slot=slot)


def _callout(request: web.BaseRequest, body: bytes, door: Door, *, login: str, signature: str) -> Callout:
    return Callout(
        connection=door.connection,
        tenant=door.tenant,
        received_at=datetime.now(UTC),
        notification_id=text_of(request.headers.get("Zuora-Notification-Id")),
        headers={name: text_of(request.headers[name]) for name in _KEPT_HEADERS if name in request.headers},
        content_type=text_of(request.content_type),
        body=body,
        login=login,
        signature=signature,
    )


async def _invite(request: web.BaseRequest) -> None:
    """Tell who asks before he sends a body that he may."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # It is no part of the answer: else nothing may be answered any more.
        request.writer.output_size = 0


def _ended(request: web.BaseRequest) -> web.Response:
    """End the connection: nobody reads what is answered."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _is_deep(body: bytes) -> bool:
    depth = 0
    for found in _NESTING.finditer(body):
        if found[1]:
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif not found[0].startswith(b'"'):
            depth -= 1
    return False
