"""Keeps the receiver's connections few and short: no client takes what another needs, however slow or many it is.

A connection without a whole request's head for some seconds ends, so does one whose answers are not read. There are
only so many of them, and so many requests at once, for each caller: an address, or a network of version 6 that one
caller has whole. Behind a proxy the address is what the proxy says it is, and only a listed proxy is believed.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import structlog
from aiohttp import web

from adapters.sparing import SparingLog

log = structlog.get_logger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Until a request's head is whole: of the first one, and of each that follows on the same connection.
HEAD_S = 10.0
# What is left of a request that was answered already is read for so long, so that the answer arrives.
_REST_S = 5.0
# Below the 1,024 files that a process may usually open.
CONNECTIONS_MAX = 800
CONNECTIONS_PER_CALLER_MAX = 200
REQUESTS_PER_CALLER_MAX = 100
# An answer has some 200 bytes: who leaves so many unread reads none.
_UNREAD_BYTES_MAX = 16 * 1024

# Who has one address of version 6 has all that begin with the same 64 bits.
_CALLER_BITS = 64
# Addresses of version 4 on their way through a network of version 6 (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")
# How a proxy may write a hop with its port: 192.0.2.1:443, [2001:db8::1]:443; or in brackets alone.
_HOP = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([^:]*):[0-9]{1,5}")


class Limits:
    """How many connections and requests there may be.

    Attributes:
        proxies: Whose word is taken for whom they speak for.
        connections: In total.
        connections_per_caller: Of one caller that is no listed proxy.
        requests_per_caller: At once, of one caller.
        head_s: How long a request's head may take.
    """

    def __init__(
        self,
        *,
        proxies: Sequence[Network] = (),
        connections: int = CONNECTIONS_MAX,
        connections_per_caller: int = CONNECTIONS_PER_CALLER_MAX,
        requests_per_caller: int = REQUESTS_PER_CALLER_MAX,
        head_s: float = HEAD_S,
    ) -> None:
        self.proxies = tuple(proxies)
        self.connections = connections
        self.connections_per_caller = connections_per_caller
        self.requests_per_caller = requests_per_caller
        self.head_s = head_s

    def is_proxy(self, address: str) -> bool:
        """Return whether an address is a listed proxy's."""
        return self._is_listed(_address(address))

    def caller_of(self, peer: str, forwarded: Sequence[str] = ()) -> str:
        """Return who asks: the last hop that is no listed proxy, for what stands before it anybody may have written.

        Args:
            peer: Who is connected.
            forwarded: Every X-Forwarded-For, in order.
        """
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        first = last = _address(peer)
        while self._is_listed(last) and hops:
            # An empty one is none, as in every list of a header.
            if hop := hops.pop():
                last = _hop(hop)
        # Nobody can say whom a proxy means by what is no address.
        address = last or first
        return peer if address is None else self._counted(address)

    def _is_listed(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.proxies)

    def _counted(self, address: Address) -> str:
        """Return what an address counts as: a proxy that is listed as itself, whatever else is in its network."""
        if isinstance(address, IPv6Address) and not self._is_listed(address):
            return str(IPv6Network((int(address), _CALLER_BITS), strict=False))
        return str(address)


class GuardedServer(web.Server):
    """An HTTP server that has only so many connections."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], limits: Limits) -> None:
        """Answer by this handler, which never raises."""
        said = SparingLog(log)
        super().__init__(
            handler,
            access_log=None,
            # Bodies are never unpacked, not even on the way to a refusal.
            auto_decompress=False,
            keepalive_timeout=limits.head_s,
            lingering_time=_REST_S,
            logger=_quiet_logger(said),
        )
        self._limits = limits
        self._said = said
        self._callers: dict[web.RequestHandler, str] = {}
        self._open: Counter[str] = Counter()
        self._asking: Counter[str] = Counter()

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Take a connection, or end it at once; Zuora calls again later where nobody answers."""
        super().connection_made(handler, transport)
        peer = peer_of(transport)
        caller = self._callers[handler] = self._limits.caller_of(peer)
        self._open[caller] += 1
        of_one = 0 if self._limits.is_proxy(peer) else self._open[caller]
        if len(self._callers) > self._limits.connections or of_one > self._limits.connections_per_caller:
            self._said.warning("too many connections: this one is ended", address=caller)
            # Not before the handler has begun to wait, or it trips over its own end.
            asyncio.get_running_loop().call_soon(transport.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Count a connection out."""
        _count_out(self._open, self._callers.pop(handler))
        super().connection_lost(handler, exc)

    @contextmanager
    def room(self, caller: str) -> Iterator[bool]:
        """Give a request its place meanwhile; False where its caller has too many already."""
        self._asking[caller] += 1
        try:
            yield self._asking[caller] <= self._limits.requests_per_caller
        finally:
            _count_out(self._asking, caller)


def peer_of(transport: asyncio.BaseTransport | None) -> str:
    """Return the address at the other end, "" where there is none any more."""
    name = transport.get_extra_info("peername") if transport is not None else None
    return str(name[0]) if name else ""


def answers_unread(transport: asyncio.Transport | None) -> bool:
    """Return whether a client has stopped to read what it is answered."""
    return transport is not None and transport.get_write_buffer_size() > _UNREAD_BYTES_MAX


def _count_out(counts: Counter[str], caller: str) -> None:
    counts[caller] -= 1
    if not counts[caller]:
        del counts[caller]


def _hop(text: str) -> Address | None:
    """Return the address of a hop, with its port or without."""
    with_port = _HOP.fullmatch(text)
    return _address((with_port[1] or with_port[2] or "") if with_port else text)


def _address(text: str) -> Address | None:
    """Return an address, None where a text is none; one of version 4 also where it is written as one of 6."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if not isinstance(found, IPv6Address):
        return found
    return found.ipv4_mapped or (IPv4Address(found.packed[-4:]) if found in _TRANSLATED else found)


def _quiet_logger(said: SparingLog) -> logging.Logger:
    """Return what the server logs to: that something came which is no HTTP, and nothing of what it was."""

    def instead(record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        said.warning("a request that is no HTTP was refused", kind=kind.__name__ if kind else "")
        return False

    logger = logging.Logger(f"{__name__}.http")  # noqa: LOG001 - its own: whatever others set on theirs does not reach it
    logger.addFilter(instead)
    return logger
