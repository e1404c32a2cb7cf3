"""Run histories from the command line: `python -m tests.simulation --seed 7 --histories 500`."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict

import click

from tests.simulation.faults import never_fired
from tests.simulation.running import HISTORIES, SEEDS, simulate


def main() -> int:
    """Run, say what came of it, and return 0 only where nothing is wrong and it took no longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEEDS[0], help=f"of all histories; the tests run {SEEDS}")
    parser.add_argument("--histories", type=int, default=HISTORIES)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    report = simulate(asked.seed, asked.histories)
    if asked.json:
        click.echo(json.dumps(asdict(report)))
        return 1 if report.failure else 0
    for fault, times in report.tally.items():
        click.echo(f"{times:>8}  {fault}")
    for fault in never_fired(Counter(report.tally)):
        click.echo(f"       -  {fault}")
    spent = f"{report.seconds:.0f} s of processor time, of {report.budget_s:.0f} that they may take"
    click.echo(f"{report.histories} histories of seed {report.seed} in {spent}")
    if report.failure:
        click.echo(report.failure, err=True)
    return 1 if report.failure or report.seconds > report.budget_s else 0


if __name__ == "__main__":
    sys.exit(main())
