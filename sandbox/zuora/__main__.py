"""Run the stand-in: python -m sandbox.zuora [--port N] [--host H] [--seed S] [--world FILE].

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

import msgspec

from sandbox.zuora.refusal import Refused
from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.server import running
from sandbox.zuora.world import World, read_world


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.zuora",
        description="Runs a stand-in for Zuora Billing until it is interrupted. It prints one line of JSON: its URL "
        "and the credentials of its client. GET /control under that URL lists what can be done to it.",
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; a free one unless given")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the control API has no password")
    parser.add_argument("--seed", type=int, default=1, help="decides all ids")
    parser.add_argument("--world", type=Path, help="JSON file with settings and master data; else an empty tenant")
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


class _WrongWorld(Exception):
    """A file holds no world."""


def _world(path: Path) -> World:
    try:
        return read_world(path.read_bytes())
    except msgspec.DecodeError as wrong:
        raise _WrongWorld(f"{path} holds no world: {wrong}") from wrong


def main() -> None:
    """Serve until interrupted."""
    arguments = _arguments()
    try:
        sandbox = Sandbox(seed=arguments.seed, world=_world(arguments.world) if arguments.world else None)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(arguments, sandbox))
    except (OSError, OverflowError, _WrongWorld) as error:
        sys.exit(f"The Zuora stand-in cannot start: {error}")
    except Refused as refused:
        sys.exit(f"The Zuora stand-in cannot start: Zuora would refuse {arguments.world}: {refused.message}")


if __name__ == "__main__":
    main()
