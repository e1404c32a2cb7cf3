"""Asks a Kafka broker whether it answers, in Kafka's own protocol.

An open port says little: a starting broker holds its port seconds before it handles requests.
"""

import socket
import struct

from sandbox.kafka.ports import HOST

_API_VERSIONS = 18  # The one request that every broker answers, at every version and before any login.
_CORRELATION_ID = 7
_NO_CLIENT_ID = -1
_REQUEST = struct.pack(">hhih", _API_VERSIONS, 0, _CORRELATION_ID, _NO_CLIENT_ID)
_PATIENCE_S = 1.0


def answers(port: int) -> bool:
    """Say whether a broker on this loopback port answers within a second."""
    try:
        with socket.create_connection((HOST, port), timeout=_PATIENCE_S) as connection:
            connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
            with connection.makefile("rb") as answer:
                return _is_good(answer.read(10))
    except OSError:
        return False


def _is_good(start: bytes) -> bool:
    """Check the start of an answer: its length, the request's own id, and no error."""
    return len(start) == 10 and struct.unpack(">ih", start[4:]) == (_CORRELATION_ID, 0)
