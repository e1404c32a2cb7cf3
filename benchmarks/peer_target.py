"""The REST API that both sinks write to: the peer kit's, with a look-up by reference beside it.

POST /documents answers as the kit's own target does: the same line in the log at the moment of the commit, the same
delay, the same limit on requests at once, the same share of replies that are dropped after the commit. GET /documents
takes the same time and the same places, and shows no more than was committed when it answers. It imports nothing of
ours: the kit starts it as the script that it knows.
"""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

PATH = "/documents"
# Documents on a page of all that carry a reference.
PAGE = 500


class Target:
    """What was committed, and how much is under way."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Begin with nothing committed; the options are those of the kit's target."""
        self._delay_s = options.delay_ms / 1000
        self._limit = options.limit
        self._refuses = options.over == "refuse"
        self._drop_share = options.drop_share
        self._lots = random.Random(options.seed)  # noqa: S311 - the same replies are lost in each run
        # A line is in the file before the reply is sent: the log is what the sinks are judged by.
        self._log = Path(options.log).open("a", buffering=1, encoding="ascii")  # noqa: SIM115 - open as long as it runs
        self._places = asyncio.Semaphore(options.limit)
        self._inside = 0
        self._by_reference: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._with_reference: list[dict[str, Any]] = []
        self._counts = dict.fromkeys(("accepted", "refused", "dropped", "bad", "looked_up", "most_inside"), 0)

    def app(self) -> web.Application:
        """Return the server's routes."""
        app = web.Application()
        app.router.add_post(PATH, self.post)
        app.router.add_get(PATH, self.find)
        app.router.add_get("/stats", self.stats)
        app.on_cleanup.append(self._close)
        return app

    async def post(self, request: web.Request) -> web.Response:
        """Commit one document, however often it comes: nothing here is unique."""
        try:
            document = await request.json()
            line = f"{document['id']} {document['account']} {document['seq']}"
        except (ValueError, KeyError, TypeError):
            self._counts["bad"] += 1
            return web.json_response({"error": "no document with id, account and seq"}, status=400)
        await self._work()
        dropped = self._lots.random() < self._drop_share
        self._log.write(f"{time.monotonic():.4f} {line} {int(not dropped)}\n")
        self._counts["accepted"] += 1
        if reference := document.get("reference"):
            shown = {name: document[name] for name in ("reference", "id", "account", "seq")}
            self._by_reference[reference].append(shown)
            self._with_reference.append(shown)
        if dropped:
            self._counts["dropped"] += 1
            if request.transport is not None:
                request.transport.abort()
        return web.json_response({"id": document["id"]}, status=201)

    async def find(self, request: web.Request) -> web.Response:
        """Show what carries a reference; without one, a page of all that carry any, from there on."""
        await self._work()
        self._counts["looked_up"] += 1
        if "reference" in request.query:
            return web.json_response({"documents": self._by_reference.get(request.query["reference"], [])})
        start = int(request.query.get("from", 0))
        return web.json_response({"documents": self._with_reference[start : start + PAGE]})

    async def stats(self, request: web.Request) -> web.Response:
        """Show what was counted."""
        return web.json_response(self._counts)

    async def _work(self) -> None:
        """Take one of the places for as long as a request takes.

        Raises:
            web.HTTPServiceUnavailable: All are taken.
        """
        if self._refuses and self._inside >= self._limit:
            self._counts["refused"] += 1
            raise web.HTTPServiceUnavailable(text="too many requests at once")
        async with self._places:
            self._inside += 1
            self._counts["most_inside"] = max(self._counts["most_inside"], self._inside)
            try:
                await asyncio.sleep(self._delay_s)
            finally:
                self._inside -= 1

    async def _close(self, app: web.Application) -> None:
        self._log.close()


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    runner = web.AppRunner(Target(options).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await runner.cleanup()


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options that the kit gives its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True, help="takes a line for each commit")
    parser.add_argument("--delay-ms", type=float, default=40, help="how long a request takes")
    parser.add_argument("--limit", type=int, default=8, help="requests at once")
    parser.add_argument("--over", choices=("refuse", "queue"), default="refuse", help="what happens beyond the limit")
    parser.add_argument("--drop-share", type=float, default=0, help="POSTs that are committed and not answered")
    parser.add_argument("--seed", type=int, default=1, help="says which those are")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(serve(options_of(sys.argv[1:])))
