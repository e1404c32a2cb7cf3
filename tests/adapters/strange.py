"""A real server on loopback that answers exactly what a test tells it: what no well-behaved stand-in would say."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

JSON = "application/json"


@dataclass(frozen=True)
class Told:
    """One answer; `never` leaves the caller waiting."""

    body: bytes = b"{}"
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    never: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


class StrangeServer:
    """Answers by path; the last answer that was told for a path repeats, an untold path is 404 without JSON."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._told: dict[str, list[Told]] = {}

    def tell(self, path: str, *answers: Told) -> None:
        """Say what is answered under a path, in this order."""
        self._told[path] = list(answers)

    def times(self, path: str) -> int:
        """Return how often a path was asked for."""
        return sum(one.path == path for one in self.asked)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        query = request.rel_url.query
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                query={name: query.getall(name) for name in query},
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        told = self._told.get(request.path)
        if not told:
            return web.Response(status=404, text="nobody told me")
        answer = told.pop(0) if len(told) > 1 else told[0]
        if answer.never:
            await asyncio.Event().wait()
        headers = {"Content-Type": answer.content_type, **answer.headers}
        return web.Response(status=answer.status, body=answer.body, headers=headers)


@asynccontextmanager
async def strange_server() -> AsyncIterator[StrangeServer]:
    """Serve a strange server while the body runs."""
    server = StrangeServer()
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", server.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()
