"""The gate that every API call passes: request id, faults, token, limits, idempotency, and the bytes that go back.

Handlers never see any of this. The order is the gateway's: what it refuses (a token, a rate) is not stored under an
idempotency key; what Zuora itself answers, failures too, is.
"""

import gzip
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from aiohttp import web

from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.wire import damage
from sandbox.zuora.wire.answers import Answer, Family
from sandbox.zuora.wire.call import Call, Handler
from sandbox.zuora.wire.idempotency import check_method
from sandbox.zuora.wire.limits import concurrency_exceeded, count_call, count_token_call

_COMPRESSED_FROM_BYTES = 1000
_NO_LINGER = struct.pack("ii", 1, 0)


class Gate:
    """The way into one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def route(self, family: Family, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the aiohttp handler that lets calls of a family through to a handler."""

        async def handle(request: web.Request) -> web.StreamResponse:
            started_s, call = time.perf_counter(), await self._read(request)
            try:
                answer = await self._answer(call, family, handler, request)
            except damage.ConnectionCut as cut:
                self._log(call, status=0, started_s=started_s)
                return await _cut(request, cut.answer)
            self._log(call, status=answer.status, started_s=started_s)
            return self._response(call, answer)

        return handle

    async def _read(self, request: web.Request) -> Call:
        query = request.rel_url.query
        return Call(
            sandbox=self._sandbox,
            request_id=str(uuid4()),
            method=request.method,
            path=request.path,
            url=urlsplit(str(request.url)),
            names=dict(request.match_info),
            parameters={name: query.getall(name) for name in query},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read() if request.body_exists else b"",
            remote=request.remote or "",
        )

    async def _answer(self, call: Call, family: Family, handler: Handler, request: web.Request) -> Answer:
        try:
            answer = await damage.at_the_gateway(call, family, request)
            if answer is None:
                through = self._token_call if family is Family.OAUTH else self._api_call
                answer = await through(call, family, handler)
        except Refused as refused:
            answer = call.refusal(family, refused)
        return await damage.on_the_way_back(call, answer, request)

    async def _token_call(self, call: Call, family: Family, handler: Handler) -> Answer:
        headers, too_many = count_token_call(self._sandbox.meter, self._sandbox.tenant.settings.limits, call.remote)
        if too_many is not None:
            return _with_headers(too_many, headers)
        await damage.delay(call)
        return _with_headers(self._handled(call, family, handler), headers)

    async def _api_call(self, call: Call, family: Family, handler: Handler) -> Answer:
        limits = self._sandbox.tenant.settings.limits
        self._sandbox.tokens.check(call.headers.get("authorization", ""))
        headers, too_many = count_call(self._sandbox.meter, limits)
        if too_many is not None:
            return _with_headers(too_many, headers)
        with self._sandbox.concurrency.slot(family, limits) as slot_headers:
            if slot_headers is None:
                settings = self._sandbox.tenant.settings
                too_many = concurrency_exceeded(family, settings=settings, request_id=call.request_id)
                return _with_headers(too_many, headers)
            try:
                answer = await self._once(call, family, handler)
            except Refused as refused:
                answer = call.refusal(family, refused)
        return _with_headers(answer, headers | slot_headers)

    async def _once(self, call: Call, family: Family, handler: Handler) -> Answer:
        """Answer a call, or give again what was answered under its idempotency key."""
        key = check_method(call)
        if key is None:
            await damage.delay(call)
            return self._handled(call, family, handler)
        kept = self._sandbox.idempotency.begin(key, call)
        if kept is not None:
            return kept
        try:
            await damage.delay(call)
            answer = self._handled(call, family, handler)
        except BaseException:
            self._sandbox.idempotency.drop(key)
            raise
        self._sandbox.idempotency.keep(key, answer)
        return answer

    def _handled(self, call: Call, family: Family, handler: Handler) -> Answer:
        instead = damage.in_the_application(call, family)
        if instead is not None:
            return instead
        self._sandbox.tenant.reveal()
        try:
            return handler(call)
        except Refused as refused:
            return call.refusal(family, refused)
        except msgspec.DecodeError as malformed:
            return call.refusal(family, Refused(Category.MALFORMED, str(malformed)))

    def _log(self, call: Call, *, status: int, started_s: float) -> None:
        took_s = time.perf_counter() - started_s
        self._sandbox.journal.note(call, status=status, at_s=time.time(), took_s=took_s)

    def _response(self, call: Call, answer: Answer) -> web.Response:
        headers = {**answer.headers, "Zuora-Request-Id": call.request_id, "Content-Type": answer.content_type}
        track_id = call.headers.get("zuora-track-id")
        if track_id is not None:
            headers["Zuora-Track-Id"] = track_id
        body = answer.body
        accepts = "gzip" in call.headers.get("accept-encoding", "")
        packed = "Content-Encoding" in headers
        if accepts and not packed and len(body) > _COMPRESSED_FROM_BYTES and self._sandbox.tenant.settings.gzip:
            # The fastest level: the stand-in must not be the bottleneck of those who test against it.
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, status=answer.status, headers=headers)


def _with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    return Answer(answer.body, answer.status, headers | answer.headers, answer.content_type)


async def _cut(request: web.Request, answer: Answer | None) -> web.StreamResponse:
    """Cut the connection, after half of an answer if there is one."""
    response = web.StreamResponse(status=answer.status if answer else 200)
    if answer is not None:
        response.content_type, response.content_length = answer.content_type, len(answer.body)
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None and answer is None:
        # Closing without lingering makes the kernel send a reset.
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        request.transport.abort()
    elif request.transport is not None:
        request.transport.close()
    return response
