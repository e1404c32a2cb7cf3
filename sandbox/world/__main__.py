"""Writes a world: `python -m sandbox.world --directory D [--seed S] [--size X] [addresses]`.

Prints one JSON document: where each file stands, and the secrets for the credential store by owner and field. They
are in no file of the product's; pipe them into `ml-connector credentials set OWNER FIELD`.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from sandbox.world.building import build_world
from sandbox.world.configuration import Address, Addresses, Pace
from sandbox.world.files import write_files
from sandbox.world.sites import SITES


def _arguments() -> argparse.Namespace:
    usual = Addresses.usual()
    parser = argparse.ArgumentParser(
        prog="sandbox.world", description="Two sites with data a controller would believe."
    )
    parser.add_argument("--directory", type=Path, required=True, help="where the files go; it is made if need be")
    parser.add_argument("--seed", type=int, default=1, help="decides names, amounts and keys")
    parser.add_argument("--size", type=float, default=1.0, help="1.0 is a full trial, 0.1 a small one")
    parser.add_argument("--kafka", default=usual.kafka, help="host:port of the broker")
    for site in SITES:
        name = site.name
        parser.add_argument(f"--zuora-{name}", default=usual.zuora[name], help=f"base URL of {name}'s Zuora")
        parser.add_argument(f"--qad-{name}", default=usual.qad[name], help=f"base URL of {name}'s QAD")
    parser.add_argument("--receiver-port", type=int, default=usual.receiver.port, help="port of the callout receiver")
    parser.add_argument("--observe-port", type=int, default=usual.observe.port, help="port of metrics and the page")
    pace = Pace()
    parser.add_argument("--poll-interval-s", type=int, default=pace.poll_interval_s, help="pause between two polls")
    parser.add_argument(
        "--reference-interval-s", type=int, default=pace.reference_interval_s, help="pause between readings of QAD"
    )
    parser.add_argument("--partitions", type=int, default=pace.partitions, help="partitions of every topic")
    return parser.parse_args()


def main() -> None:
    """Write the world and say where."""
    arguments = _arguments()
    world = build_world(seed=arguments.seed, size=arguments.size)
    addresses = Addresses(
        kafka=arguments.kafka,
        zuora={site.name: getattr(arguments, f"zuora_{site.name}") for site in SITES},
        qad={site.name: getattr(arguments, f"qad_{site.name}") for site in SITES},
        receiver=Address(port=arguments.receiver_port),
        observe=Address(port=arguments.observe_port),
    )
    pace = Pace(
        poll_interval_s=arguments.poll_interval_s,
        reference_interval_s=arguments.reference_interval_s,
        partitions=arguments.partitions,
    )
    files = write_files(world, arguments.directory, addresses=addresses, pace=pace)
    told = {"files": msgspec.to_builtins(files, enc_hook=str), "secrets": world.secrets()}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(told)).decode() + "\n")


if __name__ == "__main__":
    main()
