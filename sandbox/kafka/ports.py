"""Chooses loopback ports that stay free while a broker is down, so that it can come back on the same one.

It only looks and proposes: another process may still be quicker, which the broker's own start then reports.
"""

import secrets
import socket

HOST = "127.0.0.1"
# Below every system's range for outgoing connections (Linux from 32768, others from 49152). Inside it, a client that
# keeps on calling a broker that is down can be given the broker's own port, reach itself, and hold the port for good.
_PORTS = range(20_000, 32_768)
_ATTEMPTS = 100


def free_port() -> int:
    """Give a loopback port that nothing listens on.

    Raises:
        OSError: A hundred random ports were all taken.
    """
    for _ in range(_ATTEMPTS):
        port = secrets.choice(_PORTS)
        if is_free(port):
            return port
    raise OSError(f"No free port on {HOST} between {_PORTS.start} and {_PORTS.stop - 1}")


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Java's servers do: connections of an earlier owner that linger in TIME_WAIT are no obstacle, a listener is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
