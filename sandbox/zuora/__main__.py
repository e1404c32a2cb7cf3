"""Run the stand-in: python -m sandbox.zuora --port N [--host H] [--seed S] [--world FILE].

Prints one line of JSON with the base URL and the credentials of its first client, then serves until it is
interrupted.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.server import running
from sandbox.zuora.world import read_world


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox.zuora", description="A stand-in for Zuora Billing.")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (the control API has no password)")
    parser.add_argument("--seed", type=int, default=1, help="decides all ids")
    parser.add_argument("--world", type=Path, help="JSON file with master data")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace, sandbox: Sandbox) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(sandbox, host=arguments.host, port=arguments.port) as url:
        client = sandbox.world.clients[0]
        line = {
            "url": url,
            "tenant_id": sandbox.world.tenant_id,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serve until interrupted."""
    arguments = _arguments()
    world = read_world(arguments.world.read_bytes()) if arguments.world else None
    sandbox = Sandbox(seed=arguments.seed, world=world)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments, sandbox))


if __name__ == "__main__":
    main()
