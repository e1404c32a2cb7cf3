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
    host, _, port = arguments.to.rpartition(":")
    async with FaultProxy(host, int(port), listen_port=arguments.port, seed=arguments.seed) as proxy:
        control = await serve_control(proxy, port=arguments.control_port)
        async with control:
            where = {"port": proxy.port, "control_port": control.sockets[0].getsockname()[1]}
            sys.stdout.write(json.dumps(where) + "\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.proxy", description=__doc__)
    parser.add_argument("--to", required=True, help="host:port of the server behind it")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(parser.parse_args()))


main()
