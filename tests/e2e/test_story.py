"""The main job, whole: two companies' story through real processes, each killed once; the books agree to the cent."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from adapters.store.readmodel import ReadModel
from console.demo.house import House
from console.demo.play import in_order
from console.demo.product import CommandFailed
from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from console.wiring import STAGES, Wiring
from sandbox.world import CHAPTERS, Case, Story, apply_fix, expected_books, tell_story
from tests.e2e.judging import (
    broken_in_books,
    cash_in_qad,
    documents_of,
    lines_of_journals,
    open_in_qad,
    totals_in_qad,
    turned_in_qad,
    written_to_zuora,
)

# Which process is killed in the middle of which chapter.
KILLS = {
    "october_run": ("read", "poll"),
    "october_payments": ("match",),
    "november_run": ("ledger", "observe"),
    "november_payments": ("sink",),
    "corrections": ("receive",),
    "money_back": ("sink",),
    "second_thoughts": ("ledger", "sink"),
}


class Trial:
    """The story, and the product beside it."""

    def __init__(self, house: House, story: Story, eventually: Callable[..., Awaitable[None]]) -> None:
        self.eventually = eventually
        self.house = house
        self.story = story
        self.wiring = Wiring(house.site())
        self.killed: dict[str, int] = {}

    async def rest(self) -> None:
        """Wait until everything is read and every stage rests."""
        read_to = {name: await scene.zuora.next_second() for name, scene in self.story.scenes.items()}
        await until_quiet(self.wiring, read_to=read_to, screen=Screen())

    async def kill(self, process: str) -> None:
        """Kill a process, and see it come back under another id."""
        before = self.house.product.pid_of(process)
        os.kill(before, signal.SIGKILL)

        async def is_back() -> None:
            assert self.house.product.pid_of(process) != before

        await self.eventually(is_back, within_s=30)
        self.killed[process] = before

    async def publish(self, version: int) -> None:
        """Publish a mapping version at both sites; what QAD allows may just not have been read yet."""
        for site in self.story.scenes:
            file = self.house.files.mappings[site][version - 1].name
            await self.command_when_ready("mapping", "publish", file, "--connection", site, "--why", "agreed", "--yes")

    async def chapter(self, name: str) -> None:
        """Tell a chapter while processes are killed, and wait for rest."""
        told = asyncio.create_task(self.story.tell(name))
        await asyncio.gather(*(self.kill(process) for process in KILLS.get(name, ())))
        await told
        await self.rest()

    async def mend(self) -> None:
        """Mend everything that can be mended."""
        done = set()
        for case in in_order([case for case in self.story.cases if case.fix]):
            await apply_fix(self.story.scenes[case.site], case.fix)
            for words in case.fix.commands:
                if words not in done:
                    done.add(words)
                    await self.command_when_ready(*words)

    async def command_when_ready(self, *words: str) -> None:
        """Run a command that may need what is just being read."""

        async def command() -> None:
            try:
                await self.house.product.command(*words)
            except CommandFailed as failed:
                raise AssertionError(str(failed)) from None

        await self.eventually(command, within_s=60, every_s=0.5)

    def standings(self, case: Case, number: str) -> set[tuple[str, str]]:
        """Return (status, rule) of everything of a document, as `parked show` and the page say it."""
        with ReadModel(self.wiring.data / "readmodel.sqlite") as model:
            found = [key for connection, key in model.find(number) if connection == case.site]
            statuses = ("posted", "parked", "waiting", "ignored", "superseded", "intended", "unknown", "rejected")
            return {
                (standing.row.status, standing.row.rule)
                for key in found
                for standing in model.standings(statuses=statuses, connection=case.site, document=key)
            }

    def wrong_fates(self, *, seen_late: bool = False) -> list[str]:
        """Return every document that stands elsewhere than the story says of who read along, or read it late."""
        wrong = []
        for case in self.story.cases:
            fate, rules = case.fate, {case.rule, case.or_rule} - {""}
            if seen_late and case.fate_seen_late:
                fate, rules = case.fate_seen_late, {case.rule_seen_late}
            if case.kind in ("qad_document", "callout") or fate == "reversed":
                continue
            for number in case.documents:
                standings = self.standings(case, number)
                as_told = (
                    {status for status, _ in standings} == {"posted"}
                    if fate == "posted"
                    else any(status == fate and rule in rules for status, rule in standings)
                )
                if not as_told:
                    wrong.append(f"{case.site} {case.name} {number}: {fate} {rules} expected, {standings}")
        return wrong

    async def hold_against_zuora(self, *, seen_late: bool = False) -> None:
        """Hold QAD's books, and what `reconcile` names, against what was put into Zuora."""
        scenes = self.story.scenes
        expected = {name: await expected_books(scene) for name, scene in scenes.items()}
        for name, scene in scenes.items():
            assert await totals_in_qad(scene) == expected[name].in_qad
            assert await cash_in_qad(scene) == expected[name].cash
            assert await open_in_qad(scene) == expected[name].open
            undone = [case for case in scene.cases if case.fate == "reversed" and not seen_late]
            assert await turned_in_qad(scene) == {(case.kind, number) for case in undone for number in case.documents}
            assert await scene.qad.show("duplicates") == []
            assert (await scene.qad.show("audit"))[scene.site.entity] == []
        for report in await self.house.product.ask("reconcile", codes=(0,)):
            books = expected[report["connection"]]
            after_cut_over = [stays for stays in books.staying if stays.rule != "before_cut_over"]
            stays = (*after_cut_over, *books.foreign, *(() if seen_late else books.passed_over))
            named = {(found["part"], found["number"], found["rule"]) for found in report["differences"]}
            assert named == {(one.fate, one.number, one.rule) for one in stays}

    async def hold_promises(self) -> None:
        """Hold what `verify` promises, and the stand-in's own books against the log."""
        for verdict in await self.house.product.ask("verify", codes=(0,)):
            assert (verdict["broken"], verdict["on_its_way"]) == ({}, [])
        for site, scene in self.story.scenes.items():
            assert await broken_in_books(self.wiring, site, scene) == []


@pytest.mark.timeout(720)
async def test_two_companies_in_two_months_each_document_once_and_to_the_cent(house, eventually):
    async with tell_story(house.world, house.controls(), receiver=house.receiver) as story:
        trial = Trial(house, story, eventually)
        await story.tell("opening")
        await house.product.command("topics", "create")
        house.product.start()
        await trial.publish(1)
        await trial.chapter("october_run")
        await trial.publish(2)
        for name in tuple(CHAPTERS)[2:]:
            await trial.chapter(name)
        assert sorted(trial.killed) == sorted(["receive", "poll", "observe", *STAGES])
        assert trial.wrong_fates() == []

        await trial.mend()
        await trial.rest()
        await trial.hold_against_zuora()
        await _booked_over_nothing(story)

        await _replayed(trial)
        await trial.hold_promises()
        for scene in story.scenes.values():
            assert await written_to_zuora(scene) == [], "nothing is written back unless it is switched on"


@pytest.mark.timeout(480)
async def test_who_was_away_for_two_months_ends_with_the_same_books(house, eventually):
    """What was undone before it was read never goes to QAD; all else ends as where it was read step by step."""
    async with tell_story(house.world, house.controls()) as story:
        trial = Trial(house, story, eventually)
        await story.tell("opening")
        await house.product.command("topics", "create")
        house.product.start()
        await trial.publish(2)
        await house.product.stop()
        await story.tell()
        house.product.start()
        await trial.rest()
        assert trial.wrong_fates(seen_late=True) == []

        await trial.mend()
        await trial.rest()
        await trial.hold_against_zuora(seen_late=True)
        await trial.hold_promises()


async def _booked_over_nothing(story: Story) -> None:
    """Hold that the journal of an invoice over nothing moves what Zuora's lines say, and is turned when that goes."""
    scene = story.scenes["amer"]
    stands, withdrawn = (story.case("amer", name).documents[0] for name in ("courtesy", "courtesy_withdrawn"))
    [row] = [one for one in await scene.zuora.book("invoices") if one["invoiceNumber"] == stands]
    charged = sorted(-Decimal(item["chargeAmount"]) for item in row["invoiceItems"])
    assert await lines_of_journals(scene, stands) == charged
    assert await lines_of_journals(scene, withdrawn) == sorted([*charged, *charged])


async def _replayed(trial: Trial) -> None:
    """Have the sink and the ledger decide everything again: nothing new may come into QAD."""
    product, story = trial.house.product, trial.story
    before = {name: len(await documents_of(scene)) for name, scene in story.scenes.items()}
    words = ("--from", "0", "--why", "a test", "--yes")
    for site in story.scenes:
        with pytest.raises(CommandFailed, match="stage is running"):
            await product.command("replay", "--stage", "ledger", "--connection", site, *words)
    await product.stop()
    for site in story.scenes:
        for stage in ("match", "ledger", "sink"):
            await trial.command_when_ready("replay", "--stage", stage, "--connection", site, *words)
    product.start()
    await trial.rest()
    assert {name: len(await documents_of(scene)) for name, scene in story.scenes.items()} == before
