"""Write a world: `python -m sandbox.world --directory D [--seed S] [--size X] [addresses]`.

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

_SMALLEST = 0.1
# What `ml-connector sandbox demo` does by itself.
_BY_HAND = """\
To try it by hand, each of the first three in a terminal of its own:

  ml-connector sandbox kafka --port 9092
  ml-connector sandbox zuora --port 8081 --world D/zuora-emea.json    (amer: 8082)
  ml-connector sandbox qad --port 8091 --world D/qad-emea.json        (amer: 8092, --speaks elsewhere)

  ml-connector init KEY && cp KEY/credentials.key D   for a key; D is the --directory
  cd D                                                its ml-connector.toml is found there
  ml-connector credentials set zuora/emea client_id   and so on, each of the secrets that were printed
  ml-connector topics create && ml-connector ping
"""


def _size(text: str) -> float:
    size = float(text)
    if not size >= _SMALLEST:
        raise argparse.ArgumentTypeError(f"{text} is less than {_SMALLEST}")
    return size


def _arguments() -> argparse.Namespace:
    usual = Addresses.usual()
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.world",
        description="Writes two companies with data a controller would believe: a world for each stand-in, and the "
        "configuration, profiles and mappings that join them.\nPrints one JSON document: the files, and the secrets "
        "for the credential store.",
        epilog=_BY_HAND,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--directory", type=Path, required=True, help="where the files go; it is made if need be")
    parser.add_argument("--seed", type=int, default=1, help="decides names, amounts and keys")
    parser.add_argument("--size", type=_size, default=1.0, help="1.0 is a full trial, 0.1 a small one")
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
    try:
        files = write_files(world, arguments.directory, addresses=addresses, pace=pace)
    except OSError as error:
        sys.exit(f"The world cannot be written: {error}")
    told = {"files": msgspec.to_builtins(files, enc_hook=str), "secrets": world.secrets()}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(told)).decode() + "\n")


if __name__ == "__main__":
    main()
