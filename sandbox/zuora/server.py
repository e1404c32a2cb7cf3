"""The stand-in as an aiohttp application, and as a server for tests and the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web

from sandbox.zuora.control.routes import Control
from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.wire.gate import Gate
from sandbox.zuora.wire.routes import add_routes

# A request body that the API takes; Zuora's own limit is lower for most calls.
_MOST_BODY_BYTES = 16 * 1024 * 1024
# What a stop waits for calls that hang on purpose.
_SHUTDOWN_S = 0.5


def create_app(sandbox: Sandbox) -> web.Application:
    """Return the application: the Zuora API, and the control API beside it."""
    app = web.Application(client_max_size=_MOST_BODY_BYTES)
    Control(sandbox).add_routes(app)
    add_routes(app, Gate(sandbox))

    async def deliver(_app: web.Application) -> AsyncIterator[None]:
        sandbox.start()
        yield
        await sandbox.stop()

    async def tell_time(_request: web.Request, answer: web.StreamResponse) -> None:
        # Callers measure their windows by it: it must be the clock that rows are stamped with.
        answer.headers["Date"] = format_datetime(datetime.fromtimestamp(sandbox.clock.now_s(), UTC), usegmt=True)

    app.cleanup_ctx.append(deliver)
    app.on_response_prepare.append(tell_time)
    return app


@asynccontextmanager
async def running(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve a sandbox while the body runs and yield its base URL; port 0 takes a free one."""
    runner = web.AppRunner(create_app(sandbox), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()
