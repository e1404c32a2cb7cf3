"""Run the stand-in in the foreground: python -m sandbox.qad [--port N] [--world FILE].

Prints one line with its URL and that of its control, then serves until it is interrupted.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from sandbox.qad.dialect import read_dialect
from sandbox.qad.dialects import DIALECTS
from sandbox.qad.server import KEEPALIVE_S, QadServer
from sandbox.qad.world import WorldError, load_world

T = TypeVar("T")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.qad",
        description="Runs a stand-in for QAD Adaptive ERP until it is interrupted. It prints one line: its URL and "
        "that of its control. GET /control lists what can be seen and done there.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the control has no password")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; a free one unless given")
    parser.add_argument("--control-port", type=int, help="port of its own for the control; else they share one")
    parser.add_argument("--world", type=Path, help="JSON file with master data; else a small company")
    parser.add_argument("--speaks", choices=DIALECTS, default="house", help="one of the dialects that are here")
    parser.add_argument("--dialect", type=Path, help="JSON file with another dialect to speak")
    parser.add_argument("--keepalive-s", type=float, default=KEEPALIVE_S, help="how long idle connections are kept")
    return parser.parse_args()


def _read(reader: Callable[[Path], T], path: Path) -> T:
    """Return what a file holds; what is wrong with it is told with its name."""
    try:
        return reader(path)
    except (msgspec.DecodeError, WorldError) as wrong:
        raise WorldError(f"{path}: {wrong}") from wrong


async def _run(arguments: argparse.Namespace) -> None:
    server = QadServer(
        world=_read(load_world, arguments.world) if arguments.world else None,
        dialect=_read(read_dialect, arguments.dialect) if arguments.dialect else DIALECTS[arguments.speaks],
        keepalive_s=arguments.keepalive_s,
    )
    await server.start(host=arguments.host, port=arguments.port, control_port=arguments.control_port)
    sys.stdout.write(f"QAD stand-in at {server.url}, control at {server.control_url}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stopped.set)
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(_arguments()))
    except (OSError, OverflowError, WorldError) as error:
        sys.exit(f"The QAD stand-in cannot start: {error}")
