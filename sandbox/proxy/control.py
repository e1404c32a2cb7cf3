"""The control of a proxy over HTTP, for people and for other processes: JSON in, JSON out, on loopback.

    GET  /         what there is: port, weather, counts
    PUT  /weather  {"latency_ms": 500, ...}; what is not named is off
    PUT  /replies  {"nth": 3, "begins": "POST ", ...}: replies to lose
    POST /cut, POST /reset

400: the body does not fit. It has no password.
"""

import asyncio
import json
from dataclasses import asdict
from typing import Any

from sandbox.proxy.proxy import HOST, FaultProxy
from sandbox.proxy.weather import LostReply, Weather

_HEAD_BYTES_MAX = 16 * 1024


async def serve_control(proxy: FaultProxy, *, port: int = 0) -> asyncio.Server:
    """Serve the control of a proxy; close the server to end it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, path, body = await _request(reader)
            status, said = _act(proxy, method, path, body)
        except (ValueError, TypeError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            status, said = "400 Bad Request", {"error": str(error)}
        content = json.dumps(said).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + content)
        writer.close()

    return await asyncio.start_server(answer, HOST, port, limit=_HEAD_BYTES_MAX)


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
    if not isinstance(body, dict):
        raise TypeError("the body is no JSON object")
    return method, path, body


def _act(proxy: FaultProxy, method: str, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match method, path:
        case "GET", "/":
            pass
        case "PUT", "/weather":
            proxy.weather = Weather(**body)
        case "PUT", "/replies":
            proxy.lose_replies(LostReply(**body))
        case "POST", "/cut":
            return "200 OK", {"ended": proxy.cut()}
        case "POST", "/reset":
            return "200 OK", {"ended": proxy.reset()}
        case _:
            return "404 Not Found", {"error": f"there is no {method} {path}"}
    return "200 OK", {"port": proxy.port, "weather": asdict(proxy.weather), "counts": dict(proxy.counts)}
