"""The proxy: listens on loopback, connects on, and lets through what the weather lets through; it counts each fault.

    async with FaultProxy("127.0.0.1", 9092, seed=7) as proxy:
        proxy.weather = Weather(latency_ms=500, slice_bytes=1024)
        proxy.lose_replies(LostReply(nth=3, begins="POST "))
        proxy.reset()

It understands no protocol: a reply is what comes back after something was sent. It must never listen beyond loopback.
"""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from types import TracebackType

from sandbox.proxy.weather import Draw, LostReply, Weather

HOST = "127.0.0.1"
_READ_BYTES = 64 * 1024
# Pieces on their way in one direction: beyond, whoever sends has to wait.
_PIECES_MAX = 64
_REQUEST_BYTES = 256
# A limited second is let through in so many portions.
_PORTIONS_S = 20
# Linger for no time: closing sends RST instead of FIN.
_RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Link:
    """One connection through the proxy: both its ends, and the exchange that is under way."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    pumps: list[asyncio.Task[None]] = field(default_factory=list)
    request: bytes = b""
    is_silent: bool = False

    def close(self, *, reset: bool) -> None:
        for writer in (self.near, self.far):
            if reset:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            else:
                writer.close()


class FaultProxy:
    """A proxy in front of one server.

    Attributes:
        weather: What all connections suffer; put another one there at any time.
        counts: How often each fault fired: delayed, sliced, throttled, held, refused, cut, reset, reply_lost; and
            connections, with what could not be connected on as unreachable.
    """

    def __init__(self, host: str, port: int, *, listen_port: int = 0, seed: int = 0) -> None:
        """Name the server behind it and the port in front; 0 takes a free one."""
        self._far = (host, port)
        self._port = listen_port
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - it must repeat, and protects nothing
        self._weather = Weather()
        self._clear = asyncio.Event()
        self._clear.set()
        self._draw = Draw(LostReply(), seed)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self.counts: Counter[str] = Counter()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def open_connections(self) -> int:
        """How many connections go through it now."""
        return len(self._links)

    @property
    def weather(self) -> Weather:
        """What all connections suffer."""
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self._weather = weather
        if weather.black_hole:
            self._clear.clear()
        else:
            self._clear.set()

    def lose_replies(self, lost: LostReply) -> None:
        """Lose these replies from now on, and no others; the draw begins anew."""
        self._draw = Draw(lost, self._seed)

    def cut(self) -> int:
        """Close all connections as if either side had; return how many."""
        return self._end_all("cut", reset=False)

    def reset(self) -> int:
        """Reset all connections; return how many."""
        return self._end_all("reset", reset=True)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accepted, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is None:
            return
        self._server.close()
        pumps = [pump for link in self._links for pump in link.pumps]
        self._end_all("", reset=True)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        self._server = None

    async def __aenter__(self) -> "FaultProxy":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _end_all(self, what: str, *, reset: bool) -> int:
        links = list(self._links)
        for link in links:
            self._end(link, what, reset=reset)
        return len(links)

    def _end(self, link: _Link, what: str, *, reset: bool) -> None:
        self._links.discard(link)
        if what:
            self.counts[what] += 1
        link.close(reset=reset)
        for pump in link.pumps:
            if pump is not asyncio.current_task():
                pump.cancel()

    async def _accepted(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        if self._weather.refuse:
            self.counts["refused"] += 1
            _Link(near, near).close(reset=True)
            return
        try:
            far_reader, far = await asyncio.open_connection(*self._far)
        except OSError:
            self.counts["unreachable"] += 1
            _Link(near, near).close(reset=True)
            return
        link = _Link(near, far)
        self._links.add(link)
        link.pumps = [
            asyncio.create_task(self._pump(link, reader, far, outward=True)),
            asyncio.create_task(self._pump(link, far_reader, near, outward=False)),
        ]
        await asyncio.wait(link.pumps)
        self._links.discard(link)
        link.close(reset=False)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, outward: bool
    ) -> None:
        """Carry one direction to its end: read on while what was read before is still late."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES_MAX)
        carrying = asyncio.create_task(self._carry(link, pieces, writer, outward=outward))
        loop = asyncio.get_running_loop()
        due = 0.0
        try:
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(_READ_BYTES):
                    due = max(due, loop.time() + self._late_s())
                    await pieces.put((due, piece))
            await pieces.put((due, b""))
            await carrying
        finally:
            carrying.cancel()

    def _late_s(self) -> float:
        weather = self._weather
        if not (weather.latency_ms or weather.jitter_ms):
            return 0.0
        self.counts["delayed"] += 1
        return (weather.latency_ms + self._random.uniform(0, weather.jitter_ms)) / 1000

    async def _carry(
        self,
        link: _Link,
        pieces: "asyncio.Queue[tuple[float, bytes]]",
        writer: asyncio.StreamWriter,
        *,
        outward: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        while link in self._links:
            due, piece = await pieces.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            if not self._clear.is_set():
                self.counts["held"] += 1
                await self._clear.wait()
            if not piece:
                # Where the other side is gone already there is nobody left to tell.
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            if outward:
                link.request = link.request or piece[:_REQUEST_BYTES]
            elif self._is_lost(link):
                continue
            try:
                await self._write(piece, writer)
            except ConnectionError:
                self._end(link, "", reset=True)

    def _is_lost(self, link: _Link) -> bool:
        """Return whether a piece that comes back is not to arrive; the first one after a request begins the reply."""
        request, link.request = link.request, b""
        if request and self._draw.loses(request):
            self.counts["reply_lost"] += 1
            if self._draw.lost.how == "silence":
                link.is_silent = True
            else:
                self._end(link, "", reset=self._draw.lost.how == "reset")
                return True
        return link.is_silent

    async def _write(self, piece: bytes, writer: asyncio.StreamWriter) -> None:
        weather = self._weather
        speed = weather.bandwidth_bytes_s
        size = min(weather.slice_bytes or len(piece), speed // _PORTIONS_S + 1 if speed else len(piece))
        if weather.slice_bytes and size < len(piece):
            self.counts["sliced"] += 1
        for start in range(0, len(piece), size):
            part = piece[start : start + size]
            if speed:
                self.counts["throttled"] += 1
            # A slice goes out alone before the next is written.
            await asyncio.sleep(len(part) / speed if speed else 0)
            writer.write(part)
            await writer.drain()
