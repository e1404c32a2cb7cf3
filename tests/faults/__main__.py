"""Runs faults on real processes: python -m tests.faults [--quick | --soak MINUTES | --window] [--only WORD ...]."""

import argparse
import asyncio
import faulthandler
import logging
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.faults.answers import SCENARIOS as ANSWERS
from tests.faults.callouts import SCENARIOS as CALLOUTS
from tests.faults.clocks import SCENARIOS as CLOCKS
from tests.faults.erp import SCENARIOS as ERP
from tests.faults.files import SCENARIOS as FILES
from tests.faults.filing import SCENARIOS as FILING
from tests.faults.host import SCENARIOS as HOST
from tests.faults.installation import Installation, standing_installation
from tests.faults.killing import SCENARIOS as KILLING
from tests.faults.log import SCENARIOS as LOG
from tests.faults.newcomers import SCENARIOS as NEWCOMERS
from tests.faults.people import SCENARIOS as PEOPLE
from tests.faults.places import KEEPALIVE_S
from tests.faults.poison import SCENARIOS as POISON
from tests.faults.rebalancing import SCENARIOS as REBALANCING
from tests.faults.refusals import SCENARIOS as REFUSALS
from tests.faults.report import missed, write
from tests.faults.scenario import Campaign, Result, Scenario
from tests.faults.soak import soak
from tests.faults.strangers import SCENARIOS as STRANGERS
from tests.faults.window import CLOSED, OPEN, OPEN_KEEPALIVE_S
from tests.faults.zombies import SCENARIOS as ZOMBIES
from tests.faults.zuora import SCENARIOS as ZUORA
from tests.simulation.house import running_house
from tests.simulation.outage import hour_away

# So often, five seconds apart, may something still be on its way at the end.
_LOOKS_AT_REST = 6
# What poison breaks stays broken: it comes last.
SCENARIOS = (
    *KILLING,
    *ZOMBIES,
    CLOSED,
    *REBALANCING,
    *ERP,
    *ANSWERS,
    *FILING,
    *REFUSALS,
    *ZUORA,
    *CALLOUTS,
    *STRANGERS,
    *LOG,
    *NEWCOMERS,
    *PEOPLE,
    *HOST,
    *CLOCKS,
    *FILES,
    *POISON,
)


async def run(arguments: argparse.Namespace) -> tuple[list[Result], dict[str, str]]:
    """Play the chosen scenarios on one installation; return what came of each, and figures of the whole."""
    chosen = [OPEN] if arguments.window else [one for one in SCENARIOS if _is_chosen(one, arguments)]
    keepalive_s = OPEN_KEEPALIVE_S if arguments.window else KEEPALIVE_S
    directory = Path(arguments.directory or tempfile.mkdtemp(prefix="ml-connector-faults-"))
    say(f"seed {arguments.seed}, {len(chosen)} scenarios, logs in {directory / 'logs'}")
    async with standing_installation(directory, seed=arguments.seed, keepalive_s=keepalive_s) as installation:
        campaign = Campaign(installation, seed=arguments.seed)
        began = time.monotonic()
        came = await campaign.warm_up(24)
        say(f"warm-up {'came through' if came else 'DID NOT COME THROUGH'} in {time.monotonic() - began:.1f} s")
        if arguments.soak:
            results, figures = await soak(campaign, chosen, minutes=arguments.soak, told=say_result)
            return results, figures | await _verified(installation, results)
        results, figures = list[Result](), dict[str, str]()
        for scenario in chosen:
            if results and not figures and "F4" in scenario.faults:
                # From then on nothing says of what it cuts off that it was intended.
                figures |= await _verified(installation, results, when="before outcomes are cut off")
            result = await campaign.play(scenario, rounds=1 if arguments.quick else scenario.rounds)
            results.append(result)
            say_result(result)
        return results, figures if arguments.window else figures | await _verified(installation, results)


async def _verified(installation: Installation, results: list[Result], *, when: str = "at the end") -> dict[str, str]:
    """Let the product's own judge look at all that has happened; what it finds counts against the last scenario."""
    restored = any("F4" in result.scenario.faults for result in results)
    verdicts: list[dict[str, Any]] = []
    for _ in range(_LOOKS_AT_REST):
        verdicts = await installation.product.ask("verify", *(["--outcomes-restored"] if restored else []))
        if not any(one["on_its_way"] for one in verdicts):
            break
        await asyncio.sleep(5)
    broken = [
        f"verify: {one['connection']}: still on its way: {one['on_its_way'][:3]}"
        for one in verdicts
        if one["on_its_way"]
    ]
    broken += [
        f"verify: {one['connection']}: {one['broken']} {one['violations'][:3]}"
        for one in verdicts
        if any(one["broken"].values())
    ]
    if results:
        results[-1].findings["unexpected"].extend(broken)
    for one in broken:
        say(f"    {one[:1000]}")
    return {
        f"ml-connector verify {when}": "promises broken"
        if broken
        else f"all promises hold, {len(verdicts)} connections"
    }


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
    for name, times in result.samples.items():
        say(f"    recovery, {name}: {', '.join(f'{time_s:.1f}' for time_s in sorted(times))} s")
    for name, found in result.findings.items():
        for one in found[:10]:
            say(f"    {name}: {one}")
        if len(found) > 10:
            say(f"    {name}: and {len(found) - 10} more")


def main() -> int:
    """Read the command line and run; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each fault at least once")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="all faults mixed at random")
    parser.add_argument("--window", action="store_true", help="what a QAD doubles that keeps idle connections for long")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="by number or by words of the name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", default="", help="keeps all logs; must not be there yet")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    arguments = parser.parse_args()
    # The stand-ins live in this process: that their callers are cut is what is wanted.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # A run that seems to hang says where it stands.
    faulthandler.register(signal.SIGUSR1)
    began = time.monotonic()
    results, figures = asyncio.run(run(arguments))
    minutes = (time.monotonic() - began) / 60
    if arguments.write:
        tier, command = _tier(arguments)
        figures |= {} if arguments.window else _hour_away()
        write(tier, results, command=command, seed=arguments.seed, minutes=minutes, figures=figures)
    failed = sum(not result.passed for result in results)
    say(f"{len(results)} scenarios in {minutes:.0f} minutes, {failed} failed")
    short = missed(results) if _is_full(arguments) else []
    for one in short:
        say(f"less than promised: {one}")
    return 1 if failed or short else 0


def _hour_away() -> dict[str, str]:
    """Return what comes of an hour without QAD on the simulation's clock: the real one would take too long."""
    with running_house() as house:
        outage = hour_away(house)
    return {
        "QAD away for an hour of the simulation's clock": f"{outage.left_behind} postings left behind; "
        f"2 minutes later: wrong {len(outage.wrong)}, parked {len(outage.parked)}, "
        f"processes started again: {'some' if outage.restarted else 'none'}"
    }


def _is_full(arguments: argparse.Namespace) -> bool:
    return not (arguments.quick or arguments.soak or arguments.window or arguments.only)


def _tier(arguments: argparse.Namespace) -> tuple[str, str]:
    if arguments.soak:
        return "Soak", f"make soak MINUTES={arguments.soak:.0f}"
    if arguments.window:
        return "The window that remains", "make faults WINDOW=1"
    return ("Quick", "make faults QUICK=1") if arguments.quick else ("Full", "make faults")


if __name__ == "__main__":
    sys.exit(main())
