"""The order of the demo: set up, two months of business with a stage killed in the middle, mending, reconciliation."""

import asyncio
import os
import signal
import sys
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from console.demo.house import House, standing_house
from console.demo.product import CommandFailed, Product
from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from console.output import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK
from console.reports import FAULTS, last_reports
from console.wiring import Wiring
from sandbox.kafka.broker import BrokerError, external
from sandbox.world import Case, Story, apply_fix, tell_story
from schemas.errors import ConnectorError
from schemas.money import shown

# QAD's reference data must have been read before a mapping can be held against it.
_PUBLISH_LIMIT_S = 60.0
_LOOK_S = 0.5
_STAGE_TO_KILL = "sink"
_KILL_LIMIT_S = 60.0
# Parts of a reconciliation that are listed at the end.
_STAYS = ("parked", "ignored", "timing", "in_flight", "foreign")


async def play(directory: Path, *, keep: bool, seed: int, size: float) -> int:
    """Play the demo and return the exit code.

    Args:
        directory: Where everything is written.
        keep: Stay up at the end until interrupted.
        seed: Seed of all data.
        size: Size of the world; 1.0 is a full trial.
    """
    told_to_stop = _listen_for_signals()
    playing = asyncio.create_task(_play(directory, keep=keep, seed=seed, size=size))
    waiting = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait((playing, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not playing.done():
        # Kept up, or interrupted: either way the house is put away first.
        click.echo("stopping all that was started ...")
        playing.cancel()
        await asyncio.wait([playing])
        click.echo(f"all of it is stopped; what was written is in {directory}")
        return EXIT_OK if keep else EXIT_FAILED
    return playing.result()


def _listen_for_signals() -> asyncio.Event:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def _play(directory: Path, *, keep: bool, seed: int, size: float) -> int:
    screen = Screen()
    screen.title("A broker, two Zuora tenants and two QAD entities")
    try:
        async with standing_house(directory, seed=seed, size=size, kafka=external()) as house:
            code = await _Demo(house, screen).play()
            if keep:
                screen.title("Everything stays up until Ctrl-C")
                screen.show(f"The page: {house.page}\n{_commands_to_try(house)}")
                await asyncio.Event().wait()
    except BrokerError as error:
        raise ConnectorError(str(error)) from None
    screen.say(f"all that was started is stopped; what was written is in {directory}")
    return code


def _commands_to_try(house: House) -> str:
    """Return commands that can be pasted: this environment's own, with the demo's configuration."""
    product = f"{Path(sys.executable).with_name('ml-connector')} --config {house.files.configuration}"
    words = ("lag", "parked list --waiting", "match list -c emea", "trace INV00000199 -c emea", "reconcile", "verify")
    return "\n".join(["Commands to try:", *(f"  {product} {word}" for word in words)])


class _Demo:
    """One demo, in a house that stands."""

    def __init__(self, house: House, screen: Screen) -> None:
        self._house = house
        self._product: Product = house.product
        self._screen = screen
        self._wiring = Wiring(house.site())

    async def play(self) -> int:
        self._screen.say(f"Kafka answers on {self._house.addresses.kafka}")
        for name, (url, _) in self._house.stand_ins().items():
            self._screen.say(f"{name} answers on {url}")
        async with tell_story(self._house.world, self._house.controls(), receiver=self._house.receiver) as story:
            await self._set_up(story)
            await self._two_months(story)
            await self._mend(story)
        return await self._reconcile()

    async def _set_up(self, story: Story) -> None:
        self._screen.title("Setting up")
        await self._type("topics", "create")
        pinged = await self._product.ask("ping")
        for finding in pinged:
            if not finding["ok"]:
                self._screen.say(f"{finding['subject']}, {finding['what']}: {finding['found']}")
        self._screen.say(f"ml-connector ping: {sum(found['ok'] for found in pinged)} of {len(pinged)} ok")
        await story.tell("opening")
        self._screen.say("September is billed in Zuora; what is open of it was loaded into QAD by others")
        self._product.start()
        self._screen.say(f"ml-connector run; page {self._house.page}")
        for site in story.scenes:
            await self._publish(site, 1, "the first one")

    async def _two_months(self, story: Story) -> None:
        self._screen.title("October and November")
        await story.tell("october_run")
        await self._rest(story, "October is billed")
        for site in story.scenes:
            await self._publish(site, 2, "subscriptions have an account of their own now")
        await story.tell("october_payments")
        await self._rest(story, "October is paid, the mapping has changed in between")
        told = asyncio.create_task(story.tell("november_run"))
        await self._kill_a_stage(story)
        await told
        await story.tell("november_payments")
        await self._rest(story, "November is billed and paid")
        await story.tell("corrections")
        await story.tell("money_back")
        await self._rest(story, "reversed, written off, posted again, credited; refunded, bounced, transferred")
        await story.tell("second_thoughts")
        await story.tell("trouble")
        await self._rest(story, "refunds cancelled, payments withdrawn; and all kinds of trouble")

    async def _mend(self, story: Story) -> None:
        self._screen.title("What stands still, and why")
        await self._show_standing_still()
        self._screen.title("Mending it")
        published: set[tuple[str, ...]] = set()
        for case in in_order([case for case in story.cases if case.fix]):
            assert case.fix is not None
            await apply_fix(story.scenes[case.site], case.fix)
            self._screen.say(f"{case.site}, {case.rule}: {case.fix.about}")
            for words in case.fix.commands:
                if words not in published:
                    published.add(words)
                    await self._retry(*words)
        await self._rest(story, "mended")

    async def _reconcile(self) -> int:
        self._screen.title("Reconciliation")
        self._screen.show(await self._product.command("reconcile", codes=(EXIT_OK, EXIT_FINDINGS)))
        reports = last_reports(self._wiring.data)
        self._screen.title("What is not in QAD, and what is not ours there, by reason and value")
        stays: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
        parts: Counter[str] = Counter()
        for found in (found for report in reports for found in report.differences):
            parts[found.part] += 1
            if found.part in _STAYS:
                stays[found.part, found.rule or "-", found.currency].append(found.amount)
        for (part, rule, currency), amounts in sorted(stays.items()):
            total = shown(sum(amounts, Decimal(0)), currency)
            self._screen.show(f"{part:<9} {rule:<20} {len(amounts):>4} {total:>16} {currency}")
        unexplained = [
            f"{shown(line.unexplained, line.currency)} {line.currency} ({report.connection}, {line.kind})"
            for report in reports
            for line in report.sums
            if line.unexplained
        ]
        faults = sum(parts[part] for part in FAULTS)
        self._screen.show(
            f"\nunexplained {', '.join(unexplained) or '0 in every currency'}, differences {faults}, "
            f"duplicates {parts['duplicate']}, lost {parts['lost']}; {self._screen.elapsed_s:.0f} s"
        )
        return EXIT_OK if all(report.clean for report in reports) else EXIT_FINDINGS

    async def _rest(self, story: Story, what: str) -> None:
        """Wait until everything up to now is read and every stage rests."""
        read_to: dict[str, datetime] = {name: await scene.zuora.next_second() for name, scene in story.scenes.items()}
        said = await until_quiet(self._wiring, read_to=read_to, screen=self._screen)
        self._screen.say(f"{what}: {said}")

    async def _kill_a_stage(self, story: Story) -> None:
        """Kill the sink with postings in its hands, as soon as the first is in QAD, and see it come back."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _KILL_LIMIT_S
        before, booked = self._product.pid_of(_STAGE_TO_KILL), await _gl_lines(story)
        while await _gl_lines(story) == booked:
            if loop.time() > until:
                raise CommandFailed(f"nothing of November came into QAD: see {self._product.log}")
            await asyncio.sleep(0.02)
        os.kill(before, signal.SIGKILL)
        self._screen.say(f"kill -9 {before}: the {_STAGE_TO_KILL} stage is gone, in the middle of its work")
        while (after := self._product.pid_of(_STAGE_TO_KILL)) == before:
            if loop.time() > until:
                raise CommandFailed(f"the {_STAGE_TO_KILL} stage was not started again: see {self._product.log}")
            await asyncio.sleep(0.05)
        self._screen.say(f"the supervisor started it again as process {after}")

    async def _publish(self, site: str, version: int, why: str) -> None:
        file = self._house.files.mappings[site][version - 1]
        await self._retry("mapping", "publish", file.name, "--connection", site, "--why", why, "--yes")

    async def _retry(self, *words: str) -> None:
        """Type a command until it is carried out: what it needs may just not have been read yet."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _PUBLISH_LIMIT_S
        while True:
            try:
                return await self._type(*words)
            except CommandFailed:
                if loop.time() > until:
                    raise
                await asyncio.sleep(_LOOK_S)

    async def _type(self, *words: str) -> None:
        """Type a command and show its first line."""
        lines = (await self._product.command(*words)).strip().splitlines()
        self._screen.say(f"ml-connector {' '.join(words[:2])}: {lines[0] if lines else ''}")

    async def _show_standing_still(self) -> None:
        """Show how much each rule holds back, and one of its reasons."""
        shown = await self._product.ask("parked", "list", "--waiting")
        by_rule: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for standing in shown["standing_still"]:
            by_rule[standing["row"]["status"], standing["row"]["rule"]].append(standing["row"])
        for (status, rule), rows in sorted(by_rule.items()):
            self._screen.show(f"{len(rows):>3} {status:<8} {rule:<20} {rows[0]['message']}")
        for letter in shown["dead_letters"]:
            self._screen.show(f"  1 dead letter from {letter['topic']}: {letter['reason']}")


async def _gl_lines(story: Story) -> int:
    """Return how many lines there are in the general ledgers of all sites, by QAD's own count."""
    counted = [await scene.qad.show("counts") for scene in story.scenes.values()]
    return sum(entity["gl_lines"] for entities in counted for entity in entities.values())


def in_order(cases: list[Case]) -> list[Case]:
    """Put each case after those that must be mended before it."""
    ordered: list[Case] = []
    left = list(cases)
    while left:
        done = {(case.site, case.name) for case in ordered}
        ready = [case for case in left if case.fix and all((case.site, name) in done for name in case.fix.after)]
        if not ready:
            raise ValueError(f"cases wait for one another: {[case.name for case in left]}")
        ordered += ready
        left = [case for case in left if case not in ready]
    return ordered
