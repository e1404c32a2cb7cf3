"""Runs the stand-in in the foreground: `python -m sandbox.qad --port 8090 [--world FILE]`."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from sandbox.qad.dialect import read_dialect
from sandbox.qad.house import HOUSE
from sandbox.qad.server import KEEPALIVE_S, QadServer
from sandbox.qad.world import WorldError, load_world


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.qad", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port of the ERP; 0 takes a free one")
    parser.add_argument("--control-port", type=int, help="a port of its own for the control")
    parser.add_argument("--world", type=Path, help="world to load, as JSON; else a small one")
    parser.add_argument("--dialect", type=Path, help="dialect to speak, as JSON; else the house's own")
    parser.add_argument("--keepalive-s", type=float, default=KEEPALIVE_S, help="how long idle connections are kept")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    server = QadServer(
        world=load_world(arguments.world) if arguments.world else None,
        dialect=read_dialect(arguments.dialect) if arguments.dialect else HOUSE,
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
    except (OSError, WorldError) as error:
        sys.exit(f"The QAD stand-in cannot start: {error}")
