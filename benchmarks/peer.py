"""`python -m benchmarks.peer`: the sink beside the peer kit's Kafka Connect, on the same broker, documents and target.

The kit (its README says what it measures) is named by an option and used as it stands, but for its target, which has
no look-up: both sinks are measured on benchmarks/peer_target.py, and on a broker of the sandbox. They take turns, so
that a machine that slows down slows both.
"""

import asyncio
import importlib.util
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks.comparing import machine
from benchmarks.peer_page import SCENARIOS, page
from sandbox.kafka.broker import Broker
from sandbox.kafka.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "benchmarks" / "peer_target.py"
# What the kit calls its own.
TARGET_NAME = "target.py"
OURS, PEER = "ml-connector", "connect"
NAMES = {OURS: "our sink", PEER: "Kafka Connect"}

_OUR_COMMAND = (
    "-m benchmarks.peer_sink --bootstrap {bootstrap} --topic {topic} --group {group} --url {url} "
    "--directory {home}/sink"
)


@click.command()
@click.option(
    "--kit",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=ROOT.parent / "shared" / "peers" / "kafka-connect-http",
    show_default="../shared/peers/kafka-connect-http",
    help="The peer kit.",
)
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), required=True, help="Takes what the kit makes."
)
@click.option(
    "--connector",
    type=click.Path(path_type=Path, exists=True),
    help="The HTTP sink connector: a checkout, a git directory or a folder of jars. Not needed again in the same WORK.",
)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each scenario.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page: docs/peer.md.")
def main(*, kit: Path, work: Path, connector: Path | None, runs: int, write: Path | None) -> None:
    """Do the same work by our sink and by Kafka Connect, undisturbed, with a SIGKILL, and with lost replies."""
    kit, work = kit.resolve(), work.resolve()
    if connector is not None:
        subprocess.run([str(kit / "prepare.sh"), str(work), str(connector)], check=True)  # noqa: S603
    names = NAMES
    if not any(work.glob("plugins/*/*.jar")):
        click.echo(f"{work} has no connector: only our sink is measured; --connector says where one is", err=True)
        names = {OURS: NAMES[OURS]}
    where = machine()
    with with_our_target(kit) as bench, Broker() as broker:
        found = asyncio.run(measure(bench, labels=list(names), runs=runs, work=work, bootstrap=broker.bootstrap))
    text = page(found, machine=where, runs=runs, names=names)
    click.echo(text)
    if write:
        write.write_text(text, encoding="utf-8")


@contextmanager
def with_our_target(kit: Path) -> Iterator[Any]:
    """Yield the kit's own bench as a module that finds our target in the place of the kit's.

    Raises:
        click.BadParameter: The folder is no peer kit.
    """
    with tempfile.TemporaryDirectory(prefix="ml-connector-peer-") as directory:
        linked = Path(directory)
        for file in kit.iterdir():
            if file.is_file() and file.name != TARGET_NAME:
                (linked / file.name).symlink_to(file)
        (linked / TARGET_NAME).symlink_to(TARGET)
        # Loaded by its link, so that Python writes nothing beside the original.
        spec = importlib.util.spec_from_file_location("peer_kit_bench", linked / "bench.py")
        if spec is None or spec.loader is None or not (linked / "bench.py").exists():
            raise click.BadParameter(f"{kit} is no peer kit: it has no bench.py")
        bench: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bench)
        bench.KIT = linked
        yield bench


async def measure(
    bench: Any, *, labels: Sequence[str], runs: int, work: Path, bootstrap: str
) -> list[Mapping[str, Any]]:
    """Return what the kit's judge says of each run, in turns."""
    found = []
    for number in range(1, runs + 1):
        for scenario in SCENARIOS:
            for label in labels:
                given = ["--work", str(work), "--label", label, "--bootstrap", bootstrap]
                given += ["--target-port", str(free_port()), "--rest-port", str(free_port())]
                if label == OURS:
                    given += ["--sink-command", f"{shlex.quote(sys.executable)} {_OUR_COMMAND}"]
                found.append(await bench.run(bench.parser.parse_args(given), scenario, number))
                click.echo(json.dumps(found[-1]))
    return found


if __name__ == "__main__":
    main()
