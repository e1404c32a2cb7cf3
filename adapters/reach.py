"""What may be connected to: the one way to a session with another system.

TLS is always verified, by the system's authorities and one that the site names. An address of this machine or of a
private network is connected to only where the site lists the host: else a name that somebody points elsewhere would
send our secrets, and answers would come from there. What is looked at is what is connected to, so that a name cannot
answer one thing to us and another to the connection. Source: reference/reliability.md 3.5.
"""

import ipaddress
import socket
import ssl
from pathlib import Path

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from schemas.errors import Misconfigured

# Addresses of IPv6 that lead to one of IPv4 through a gateway (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How far a connection to another system may go.

    Attributes:
        private_hosts: Hosts, as the base URL has them, that may be at an address of this machine or a private network.
        ca_file: Certificates of further authorities (PEM) that the other side's may be signed by, None for no more.
    """

    private_hosts: tuple[str, ...] = ()
    ca_file: Path | None = None


# As far as nobody has said otherwise.
PUBLIC = Reach()


def connector(base_url: str, reach: Reach, *, limit: int) -> aiohttp.TCPConnector:
    """Return what connects to the host of an address, and to no other kind of address than it may.

    Args:
        base_url: The address; a session with this is used for its host alone.
        reach: How far it may go.
        limit: Connections at once, 0 for any number.

    Raises:
        Misconfigured: The host is itself an address that is not listed, or the file holds no certificates.
    """
    host = URL(base_url).host or ""
    if is_listed(host, reach.private_hosts):
        return aiohttp.TCPConnector(limit=limit, ssl=_verified(reach.ca_file))
    _refuse_private(host, host)
    return aiohttp.TCPConnector(limit=limit, ssl=_verified(reach.ca_file), resolver=_PublicResolver())


def is_listed(host: str, private_hosts: tuple[str, ...]) -> bool:
    """Return whether a host is among those that may be at a private address."""
    return host.casefold().rstrip(".") in {listed.casefold().rstrip(".") for listed in private_hosts}


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet, and so is every other that it stands for."""
    found = ipaddress.ip_address(address)
    if not found.is_global or found.is_multicast:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return True
    translated = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF) if found in _TRANSLATED else None
    teredo = found.teredo[1] if found.teredo is not None else None
    inner = (found.ipv4_mapped, found.sixtofour, teredo, translated)
    return all(one.is_global and not one.is_multicast for one in inner if one is not None)


def why_not(error: aiohttp.ClientError | TimeoutError) -> str:
    """Return why another system is not reached, in words for whoever sets it up; without what was sent."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "there is no such host, or this machine's name service does not know it"
        case aiohttp.ClientConnectorCertificateError():
            return (
                f"its certificate is not believed ({getattr(error.certificate_error, 'verify_message', '')}): if it is "
                "of your own authority, name that as ca_file in [connections.*]; else have it mended there"
            )
        case aiohttp.ClientConnectorSSLError():
            return "no TLS is spoken there: is it https, and the right port?"
        case aiohttp.ClientConnectorError():
            return f"nobody takes the call there ({error.strerror or 'no connection'}): are port and firewall right?"
        case TimeoutError():
            return "no answer in time: it is busy or away, or a firewall drops the call"
        case _:
            return f"the connection was cut ({type(error).__name__})"


class _PublicResolver(AbstractResolver):
    """Resolves a name, and refuses it where any of its addresses is private: those it returns are connected to."""

    def __init__(self) -> None:
        self._system = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        for one in found:
            _refuse_private(host, one["host"])
        return found

    async def close(self) -> None:
        await self._system.close()


def _refuse_private(host: str, address: str) -> None:
    try:
        public = is_public(address)
    except ValueError:
        # A name: its addresses are looked at when they are there.
        return
    if not public:
        at = "" if address == host else f" is at {address}, which"
        raise Misconfigured(
            f"{host}{at} is an address of this machine or of a private network, and is not connected to: where that is "
            f'right, add private_hosts = ["{host}"] to the [connections.*] or [tenants.*] that it is of'
        )


def _verified(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return what verifies certificates: always."""
    if ca_file is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"ca_file {ca_file} cannot be read as certificates (PEM): {error}") from None
    return context
