"""The stand-in as a running server: listens, can stop listening and start again on the same port, ends quickly.

async with QadServer() as server:
server.url        # "http://127.0.0.1:port/clouderp"
server.control    # the same acts as under /control
"""

from collections.abc import Callable
from types import TracebackType

from aiohttp import web

from sandbox.qad.clock import Clock
from sandbox.qad.control import Control
from sandbox.qad.control_api import add_control_routes
from sandbox.qad.conversation import Conversation
from sandbox.qad.dialect import Dialect
from sandbox.qad.house import HOUSE
from sandbox.qad.installation import Installation
from sandbox.qad.sample import sample_world
from sandbox.qad.settings import Settings
from sandbox.qad.world import World

# A call brings 50 records at most, and a world of 100,000 customers some 60 MB.
_BODY_MAX = 256 * 1024 * 1024

# How long an idle connection is kept. Callers that must know when a request can no longer arrive go by it.
KEEPALIVE_S = 75.0

# Requests that still hang when the server stops are cut after this.
_SHUTDOWN_S = 0.2


class QadServer:
    """A server of the stand-in, with a second listener for the control where one is asked for."""

    def __init__(
        self,
        *,
        world: World | None = None,
        dialect: Dialect = HOUSE,
        settings: Settings | None = None,
        keepalive_s: float = KEEPALIVE_S,
    ) -> None:
        self.installation = Installation(
            world=world or sample_world(), dialect=dialect, settings=settings or Settings(), clock=Clock()
        )
        self.conversation = Conversation(self.installation)
        self.control = Control(self.installation, self.conversation)
        self._keepalive_s = keepalive_s
        self._host = ""
        self._port = 0
        self._control_port = 0
        self._runner: web.AppRunner | None = None
        self._control_runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """Base URL of the ERP, with the path of its environment."""
        return self.origin + self.installation.dialect.base

    @property
    def qxtend_url(self) -> str:
        """Address of QXtend's inbound service, whole; blank where the dialect has none."""
        qxtend = self.installation.dialect.qxtend
        return self.origin + qxtend.path if qxtend else ""

    @property
    def control_url(self) -> str:
        """Base URL of the control; on a port of its own it also answers while the ERP does not listen."""
        return f"http://{self._host}:{self._control_port or self._port}/control"

    async def start(self, *, host: str = "127.0.0.1", port: int = 0, control_port: int | None = None) -> None:
        """Listen; port 0 takes a free one, and `control_port` opens a second listener for the control."""
        self._host = host
        self._runner = await self._run(self.conversation.add_routes, self._add_control)
        self._port = port
        await self.listen()
        if control_port is not None:
            self._control_runner = await self._run(self._add_control)
            site = web.TCPSite(self._control_runner, host, control_port)
            await site.start()
            self._control_port = _port_of(self._control_runner)

    async def stop(self) -> None:
        """Stop listening, forget late commits and close every connection."""
        await self.conversation.forget_pending()
        for runner in (self._runner, self._control_runner):
            if runner is not None:
                await runner.cleanup()
        self._runner = self._control_runner = self._site = None

    async def listen(self) -> None:
        """Listen (again) on the port of this server."""
        if self._runner is None or self._site is not None:
            return
        self._site = web.TCPSite(self._runner, self._host, self._port)
        await self._site.start()
        self._port = _port_of(self._runner)

    async def refuse_connections(self) -> None:
        """Stop listening and cut what is connected, so that callers are refused."""
        if self._runner is None or self._site is None:
            return
        await self._site.stop()
        self._site = None
        server = self._runner.server
        for connection in list(server.connections) if server is not None else []:
            if connection.transport is not None:
                connection.transport.abort()

    async def __aenter__(self) -> "QadServer":
        if self._runner is None:
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _add_control(self, app: web.Application) -> None:
        add_control_routes(app, self)

    async def _run(self, *add_routes: Callable[[web.Application], None]) -> web.AppRunner:
        app = web.Application(client_max_size=_BODY_MAX)
        for add in add_routes:
            add(app)
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=self._keepalive_s, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        return runner


def _port_of(runner: web.AppRunner) -> int:
    address = runner.addresses[0]
    return int(address[1])
