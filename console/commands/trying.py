"""Commands of the sandbox: a real broker, stand-ins for both systems and a world for them, and the demo."""

import os
import sys
from pathlib import Path

import click

from console.context import Context

# These have a command line of their own, which is handed on.
_HANDED_ON = {"ignore_unknown_options": True}


@click.group()
def sandbox() -> None:
    """Try it out: a local Kafka, a stand-in Zuora and QAD, and the demo."""


@sandbox.command(short_help="Play two months of two companies on this machine.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=".demo",
    show_default=True,
    help="Where all of it stands.",
)
@click.option("--keep", is_flag=True, help="Stay up at the end, for looking around.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides all data.")
@click.option("--size", type=click.FloatRange(min=0.1), default=1.0, show_default=True, help="1.0 is a full trial.")
@click.pass_obj
def demo(context: Context, directory: Path, keep: bool, seed: int, size: float) -> None:
    """Move two companies' billing runs from Zuora into QAD, with trouble on the way, and reconcile."""
    # Imported when asked for: no other process of the product is to load the stand-ins.
    from console.demo.play import play  # noqa: PLC0415

    sys.exit(context.run(play(directory.resolve(), keep=keep, seed=seed, size=size)))


@sandbox.command(short_help="Run a real Apache Kafka, one node.")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="Port to listen on; without it, a free one.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where data stands, and stays; without it, a place that is removed at the end.",
)
def kafka(port: int | None, directory: Path | None) -> None:
    """Run a real Apache Kafka, one node, on loopback, until interrupted."""
    from sandbox.kafka.foreground import serve  # noqa: PLC0415 - as above

    sys.exit(serve(port=port, directory=directory))


@sandbox.command(context_settings=_HANDED_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def zuora(arguments: tuple[str, ...]) -> None:
    """Run a stand-in for Zuora Billing until interrupted."""
    _become("sandbox.zuora", arguments)


@sandbox.command(context_settings=_HANDED_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def qad(arguments: tuple[str, ...]) -> None:
    """Run a stand-in for QAD Adaptive ERP until interrupted."""
    _become("sandbox.qad", arguments)


@sandbox.command(
    short_help="Write two companies for the stand-ins.", context_settings=_HANDED_ON, add_help_option=False
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def world(arguments: tuple[str, ...]) -> None:
    """Write two companies for the stand-ins, and the configuration that joins them."""
    _become("sandbox.world", arguments)


def _become(module: str, arguments: tuple[str, ...]) -> None:
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606  Our own module, no shell.
