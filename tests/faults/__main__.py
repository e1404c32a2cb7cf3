"""Runs faults on real processes: python -m tests.faults [--quick | --soak MINUTES] [--only WORD ...] [--seed N]."""

import argparse
import asyncio
import faulthandler
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.erp import SCENARIOS as ERP
from tests.faults.installation import standing_installation
from tests.faults.killing import SCENARIOS as KILLING
from tests.faults.places import KEEPALIVE_S
from tests.faults.scenario import Campaign, Result, Scenario

SCENARIOS = (*KILLING, *ERP)


async def run(arguments: argparse.Namespace) -> list[Result]:
    """Play the chosen scenarios on one installation."""
    chosen = [one for one in SCENARIOS if _is_chosen(one, arguments)]
    results = []
    directory = Path(arguments.directory or tempfile.mkdtemp(prefix="ml-connector-faults-"))
    say(f"seed {arguments.seed}, {len(chosen)} scenarios, logs in {directory / 'logs'}")
    async with standing_installation(directory, seed=arguments.seed, keepalive_s=KEEPALIVE_S) as installation:
        campaign = Campaign(installation, seed=arguments.seed)
        began = time.monotonic()
        came = await campaign.warm_up(24)
        say(f"warm-up {'came through' if came else 'DID NOT COME THROUGH'} in {time.monotonic() - began:.1f} s")
        for scenario in chosen:
            result = await campaign.play(scenario, rounds=1 if arguments.quick else scenario.rounds)
            results.append(result)
            say_result(result)
    return results


def _is_chosen(scenario: Scenario, arguments: argparse.Namespace) -> bool:
    if arguments.only:
        return any(word in scenario.name or word in scenario.faults for word in arguments.only)
    return scenario.quick or not arguments.quick


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_result(result: Result) -> None:
    """Write what came of a scenario."""
    fired = ", ".join(f"{name} {count}" for name, count in result.fired.items())
    say(
        f"{'passed' if result.passed else 'FAILED'}  {' '.join(result.scenario.faults)}  {result.scenario.name}: "
        f"{result.documents} documents, {result.seconds:.0f} s, drained in {result.drained_s:.1f} s, "
        f"{result.kills} kills; fired: {fired}"
    )
    for name, found in result.findings.items():
        for one in found[:10]:
            say(f"    {name}: {one}")
        if len(found) > 10:
            say(f"    {name}: and {len(found) - 10} more")


def main() -> int:
    """Read the command line and run; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", default="")
    faulthandler.register(signal.SIGUSR1)
    results = asyncio.run(run(parser.parse_args()))
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
