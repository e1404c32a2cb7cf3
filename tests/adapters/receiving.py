"""The receiver on loopback, its side of the broker, and ways to call it that Zuora would not use."""

import asyncio
import base64
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from adapters.credentials.secret import Secret
from adapters.zuora.receiving.doors import Door, Login
from adapters.zuora.receiving.guard import Limits
from adapters.zuora.receiving.receiver import make_receiver
from schemas.codec import encode
from schemas.events import read_callout

PATH, SIGNED = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d", "/callouts/signed-0xQkz5nR4wY7cJ1d"
USER, WORD, SECRET = "zuora", "canary-callout-word-71", "canary-signing-secret-83"
OBJECT = "8a8082e65ba3d1a4015ba3e27b2c0b1d"
BODY = json.dumps({"eventCategory": "1110", "objectId": OBJECT, "x": "canary-body"}).encode()


class Broker:
    """The receiver's side of the broker: keeps bytes, as the real one does; fails when it is told to."""

    def __init__(self):
        self.kept, self.fails, self.waits, self.came = [], None, None, 0

    async def store(self, callout):
        if self.fails is not None:
            raise self.fails
        value = encode(callout)
        self.came += 1
        if self.waits is not None:
            await self.waits.wait()
        self.kept.append(read_callout(value))


def login(user=USER, word=WORD):
    return Login(user=Secret(user), password=Secret(word))


def door(*logins, **changes):
    known = {"tenant": "acme", "connection": "acme-main", "logins": logins or (login(),)}
    return Door(**{**known, **changes})


@asynccontextmanager
async def receiving(doors, broker, *, limits=None, both_versions=False, **patience):
    """Receive meanwhile; `doors` may be changed while it runs, and one socket may take addresses of either version."""
    server = make_receiver(lambda: doors, broker.store, limits or Limits(), **patience)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    try:
        if both_versions:
            listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
            await web.SockSite(runner, listener).start()
        else:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def basic(user=USER, word=WORD):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()}


async def post(url, path=PATH, *, body=BODY, method="POST", **headers):
    headers = {"Content-Type": "application/json", **headers}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(method, url + path, data=body, headers=headers) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.read()


async def raw(url, *lines, body=b""):
    """Send bytes as they are; return the status and what came with it."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"\r\n".join([*lines, b"Host: x", b"Connection: close", b"", b""]) + body)
        async with asyncio.timeout(5):
            answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), answer
