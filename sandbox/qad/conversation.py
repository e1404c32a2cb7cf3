"""Leads each request from its arrival to its reply, and lets faults act where they belong.

    arrival -> form of the request -> before the commit -> commit -> reply

Nothing is awaited between the first and the last change of the books, so a commit is whole whatever happens to the
connection. Every request is in the log from its first moment on.
"""

import asyncio
import gzip
import logging
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from sandbox.qad.books.errors import InvariantViolation
from sandbox.qad.calls import Call
from sandbox.qad.canned import Gateway, canned_answer
from sandbox.qad.faults import Stage
from sandbox.qad.installation import Installation
from sandbox.qad.qxtend.messages import WebServer, fault
from sandbox.qad.qxtend.service import QdocService
from sandbox.qad.traffic import TooMany, Traffic
from sandbox.qad.wire.browses import BrowseEndpoint
from sandbox.qad.wire.envelopes import Answer, Envelopes
from sandbox.qad.wire.platform import PlatformEndpoint
from sandbox.qad.wire.resources import Operation, Request, ResourceEndpoint

_log = logging.getLogger(__name__)

_ANSWERED_AT_ARRIVAL = ("token_5xx", "too_many_requests", "html_login", "unauthorized", "forbidden")
_AFTER_COMMIT = (
    "commit_then_reset",
    "commit_then_500",
    "commit_then_502",
    "commit_then_504",
    "commit_then_hang",
    "commit_then_soap_fault",
    "commit_then_login_page",
    "commit_then_no_content",
    "commit_then_other_shape",
    "commit_then_no_key",
    "commit_then_gzip_cut",
    "commit_then_chunks_cut",
)
_SPOILS_BODY = ("empty_body", "truncated_json")

# How often a request that is never answered looks whether its caller has left.
_HANG_LOOK_S = 0.02

_WEB_SERVER = WebServer()

# Closing with this lingering of zero sends a reset in the place of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Serve: TypeAlias = Callable[[Call, web.Request], Awaitable[Answer]]


class Cut(Exception):
    """The connection is to be cut without an answer."""


class CutMidway(Exception):
    """The connection is to be cut when half of the answer has gone."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("cut midway")
        self.answer = answer


class Hang(Exception):
    """The caller is to wait for an answer that never comes."""


class Conversation:
    """Serves the ERP's side of the wire."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._envelopes = Envelopes(installation.dialect, installation.settings.calls)
        self._browses = BrowseEndpoint(installation.dialect, self._envelopes)
        self._platform = PlatformEndpoint(installation, self._envelopes)
        spelling = installation.dialect.qxtend
        self._qdocs = QdocService(installation, spelling) if spelling else None
        self._agents_taken = 0
        self.traffic = Traffic(installation.settings)
        self.is_down = False
        self._late: set[asyncio.Task[None]] = set()

    def add_routes(self, app: web.Application) -> None:
        """Add every route of the dialect."""
        dialect = self._installation.dialect
        router, base = app.router, dialect.base
        router.add_post(base + dialect.token_path, self._handler("token", self._token))
        for kind, path, work in (
            ("browse", dialect.browse_path, self._browse),
            ("platform", dialect.security_path, self._security),
            ("platform", dialect.permission_path, self._permission),
        ):
            router.add_get(base + path, self._handler(kind, self._signed_in(work)))
        for resource in dialect.resources:
            endpoint = ResourceEndpoint(self._installation, self._envelopes, resource)
            path = base + resource.path
            router.add_get(path, self._handler("read", self._signed_in(_reading(endpoint))))
            for suffix, write in (("", endpoint.write), (dialect.reverse_suffix, endpoint.reverse)):
                handler = self._handler(resource.kind, self._signed_in(write), is_write=True)
                router.add_post(path + suffix, handler)
            if dialect.validate_suffix:
                judging = self._handler("validate", self._signed_in(endpoint.validate))
                router.add_post(path + dialect.validate_suffix, judging)
        if self._qdocs is not None:
            router.add_post(
                self._qdocs.spelling.path, self._handler(self._qdocs, self._qdoc(self._qdocs), is_write=True)
            )
        router.add_route("*", base + "/{rest:.*}", self._handler("unknown", self._not_found))

    def pending_commits(self) -> int:
        """Return how many late commits are still to come."""
        return len(self._late)

    async def forget_pending(self) -> None:
        """Drop the late commits that are still to come."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    def _handler(
        self, kind: str | QdocService, serve: Serve, *, is_write: bool = False
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return a handler that logs its request, lets faults act at its arrival, and sends the answer."""
        gateway: Gateway = self._envelopes if isinstance(kind, str) else _WEB_SERVER

        async def handle(request: web.Request) -> web.StreamResponse:
            installation, started = self._installation, time.perf_counter()
            call = installation.log.begin(
                at=installation.clock.now(),
                method=request.method,
                path=sys.intern(request.path),
                # QXtend has one address for all: the message says what it is about.
                kind=kind if isinstance(kind, str) else kind.kind_of(await request.read()),
                is_write=is_write,
            )
            try:
                answer = await self._at_arrival(call, gateway) or await serve(call, request)
            except web.HTTPException as error:
                call.status, call.outcome = error.status, "answered"
                raise
            except Cut:
                call.outcome = "dropped"
                cut(request)
                return web.Response()
            except CutMidway as half:
                call.outcome = "dropped"
                return await _half(request, half.answer)
            except Hang:
                call.outcome = "hung"
                await self._hang(request)
                return web.Response()
            finally:
                call.duration_ms = (time.perf_counter() - started) * 1000
            call.status, call.outcome = answer.status, "answered"
            return web.Response(
                status=answer.status, body=answer.body, content_type=answer.content_type, headers=answer.headers
            )

        return handle

    async def _at_arrival(self, call: Call, gateway: Gateway) -> Answer | None:
        """Let faults act before anything is known of the request but its path."""
        faults = self._installation.faults
        if self.is_down or faults.draw(Stage.ARRIVAL, call, ("down",)):
            raise Cut
        if slow := faults.draw(Stage.ARRIVAL, call, ("slow",)):
            await asyncio.sleep(slow.ms / 1000)
        arrived = faults.draw(Stage.ARRIVAL, call, _ANSWERED_AT_ARRIVAL)
        return canned_answer(arrived, gateway) if arrived else None

    async def _not_found(self, _call: Call, _request: web.Request) -> Answer:
        return self._envelopes.gateway(404, "The path does not exist.")

    async def _token(self, _call: Call, request: web.Request) -> Answer:
        form = {**request.query, **await request.post()}
        return self._installation.sessions.issue({name: str(value) for name, value in form.items()})

    def _signed_in(self, work: Callable[[Request], Operation | Answer]) -> Serve:
        """Serve only users who are signed in, in a workspace that is theirs, as long as there is a place."""

        async def serve(call: Call, http: web.Request) -> Answer:
            body = await http.read()
            try:
                async with self.traffic.admitted():
                    request = self._admit(call, http, body)
                    operation = request if isinstance(request, Answer) else work(request)
                    return (
                        operation if isinstance(operation, Answer) else self._commit(call, operation, self._envelopes)
                    )
            except TooMany:
                return self._envelopes.gateway(503, "All sessions are in use.")

        return serve

    def _qdoc(self, service: QdocService) -> Serve:
        """Serve whoever names user and password in the message, as long as there is a place and a licensed agent."""

        async def serve(call: Call, http: web.Request) -> Answer:
            body, limits = await http.read(), self._installation.settings.traffic
            if http.content_type != "text/xml" or "SOAPAction" not in http.headers:
                return fault("Client", "The message has no SOAPAction, or is not text/xml.")
            if limits.agents_max and self._agents_taken >= limits.agents_max:
                return fault("Server", service.spelling.no_agent)
            self._agents_taken += 1
            try:
                async with self.traffic.admitted():
                    operation = service.take(call, body)
                    return operation if isinstance(operation, Answer) else self._commit(call, operation, _WEB_SERVER)
            except TooMany:
                return _WEB_SERVER.gateway(503, "All sessions are in use.")
            finally:
                self._agents_taken -= 1

        return serve

    def _admit(self, call: Call, http: web.Request, body: bytes) -> Request | Answer:
        """Recognise the user and the workspace."""
        installation = self._installation
        user = installation.sessions.recognise(http.headers.get("Authorization", ""))
        if user is None:
            return self._envelopes.gateway(401, "No session, or it has ended.")
        named = http.headers.get(installation.dialect.workspace_header)
        workspace = installation.workspaces.get(named, "") if named else installation.default_workspace(user)
        call.user, call.workspace = user.name, workspace
        if not installation.may_enter(user, workspace):
            return self._envelopes.gateway(403, "Access is denied")
        query = http.query
        filters = query.getall(installation.dialect.browse_parameters.filter, [])
        view = installation.views[workspace]
        return Request(call=call, user=user, view=view, query=query, filters=filters, body=body)

    def _commit(self, call: Call, operation: Operation, gateway: Gateway) -> Answer:
        """Let the operation act, with the faults around it."""
        faults = self._installation.faults
        if before := faults.draw(Stage.BEFORE_COMMIT, call):
            if before.name == "reset_before_commit":
                raise Cut
            return canned_answer(before, gateway)
        if late := faults.draw(Stage.COMMIT, call, ("commit_late",)):
            self._commit_later(call, operation, seconds=late.seconds)
            raise Hang
        answer = self._operate(operation)
        after = faults.draw(Stage.REPLY, call, _AFTER_COMMIT) if call.committed else None
        if after is None:
            after = faults.draw(Stage.REPLY, call, _SPOILS_BODY)
        return answer if after is None else _spoilt(after.name, answer) or canned_answer(after, gateway)

    def _operate(self, operation: Operation) -> Answer:
        try:
            return operation()
        except InvariantViolation as violation:
            _log.exception("The books would contradict themselves.")
            self._installation.violations.append(str(violation))
            return self._envelopes.gateway(500, "An internal error occurred.")

    def _commit_later(self, call: Call, operation: Operation, *, seconds: float) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            self._operate(operation)
            if call.committed:
                call.committed_late_at = self._installation.clock.now()

        task = asyncio.get_running_loop().create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _hang(self, request: web.Request) -> None:
        """Stay silent until the caller has left, or cut the connection when that takes too long."""
        deadline = time.monotonic() + self._installation.settings.traffic.hang_s_max
        while time.monotonic() < deadline:
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(_HANG_LOOK_S)
        cut(request)

    def _browse(self, request: Request) -> Operation:
        visibility, faults = self._installation.visibility, self._installation.faults

        def is_shifted() -> bool:
            return faults.draw(Stage.PAGE, request.call) is not None

        return lambda: self._browses.answer(
            request.view, request.query, request.filters, visibility, is_shifted=is_shifted
        )

    def _security(self, _request: Request) -> Operation:
        return self._platform.security

    def _permission(self, request: Request) -> Operation:
        return lambda: self._platform.permission(request.user, request.query)


def _reading(endpoint: ResourceEndpoint) -> Callable[[Request], Operation]:
    return lambda request: lambda: endpoint.read(request.view, request.query)


def _spoilt(fault: str, answer: Answer) -> Answer | None:
    """Return what a fault makes of an answer; None for one that another takes the place of.

    Raises:
        Cut: nothing of it is sent.
        CutMidway: half of it is.
        Hang: it never comes.
    """
    match fault:
        case "commit_then_reset":
            raise Cut
        case "commit_then_hang":
            raise Hang
        case "commit_then_chunks_cut":
            raise CutMidway(answer)
        case "commit_then_gzip_cut":
            packed = gzip.compress(answer.body)
            headers = {**answer.headers, "Content-Encoding": "gzip"}
            return answer._replace(body=packed[: len(packed) // 2], headers=headers)
        case "empty_body":
            return answer._replace(body=b"")
        case "truncated_json":
            return answer._replace(body=answer.body[: len(answer.body) // 2])
        case _:
            return None


async def _half(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send the first half of an answer, in chunks of which the last never comes, and cut the connection."""
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def cut(request: web.Request) -> None:
    """Cut the connection of a request with a reset."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
