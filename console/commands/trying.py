"""Commands of the sandbox: a real broker, stand-ins for both systems, and the demo."""

import sys
from pathlib import Path

import click

from sandbox.kafka.foreground import serve as serve_kafka


@click.group()
def sandbox() -> None:
    """Try it out: a local Kafka, a stand-in Zuora and QAD, and the demo."""


@sandbox.command()
@click.option("--port", type=int, default=None, help="Port to listen on; without it, a free one.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), default=None, help="Where data stands.")
def kafka(port: int | None, directory: Path | None) -> None:
    """Run a real Apache Kafka, one node, on loopback, until interrupted."""
    sys.exit(serve_kafka(port=port, directory=directory))
