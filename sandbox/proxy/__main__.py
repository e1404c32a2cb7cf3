"""Runs a proxy: python -m sandbox.proxy --to 127.0.0.1:9092 [--port P] [--control-port P] [--seed N]."""

import argparse
import asyncio
import contextlib
import json
import sys

from sandbox.proxy.control import serve_control
from sandbox.proxy.proxy import FaultProxy


async def run(arguments: argparse.Namespace) -> None:
    """Serve until cancelled; the first line on standard output says where."""
    host, port = arguments.to
    async with FaultProxy(host, port, listen_port=arguments.port, seed=arguments.seed) as proxy:
        control = await serve_control(proxy, port=arguments.control_port)
        async with control:
            where = {"port": proxy.port, "control_port": control.sockets[0].getsockname()[1]}
            sys.stdout.write(json.dumps(where) + "\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port, such as 127.0.0.1:9092")
    return host, int(port)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.proxy", description="Runs a proxy that makes faults.")
    parser.add_argument("--to", type=_address, required=True, metavar="HOST:PORT", help="the server behind it")
    parser.add_argument("--port", type=int, default=0, help="port for clients; a free one unless given")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control; likewise")
    parser.add_argument("--seed", type=int, default=0, help="decides what is left to chance")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run(parser.parse_args()))
    except (OSError, OverflowError) as error:
        sys.exit(f"The proxy cannot start: {error}")


main()
