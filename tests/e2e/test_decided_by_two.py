"""What two people decide of a posted document, on a product that runs: corrected, moved, and voided after that.

The books are those of the stand-in; both judges of the product agree with them. What each decision becomes is told by
tests/unit/test_ledger_corrections.py and test_ledger_reclasses.py.
"""

from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio

from console.demo.product import CommandFailed
from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import priced, services
from sandbox.world.chart import HARDWARE, HARDWARE_ACCOUNT
from tests.conftest import eventually
from tests.e2e.at_work import AtWork, at_work
from tests.e2e.judging import booked_on, broken_in_books, documents_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE, OTHER = "emea", "amer"
ADA, BOB = "ada", "bob"
SERVICE, SET_UP, SUPPORT, SPARE_PARTS = "4200", "4210", "4300", "4800"
TO_SET_UP = ("--to", SET_UP, "--cost-centre", "CC10", "--project", "SETUP")


# What stands on a day that is not its own: the report names it as long as it stands.
corrected: list[str] = []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def work(kafka, tmp_path_factory):
    directory = tmp_path_factory.mktemp("decided") / "house"
    async with at_work(directory, kafka=kafka, eventually=eventually) as found:
        yield found
        assert "Traceback" not in found.log


class Decided:
    """What people decide of one document, by commands, and what QAD's books hold of it."""

    def __init__(self, work: AtWork, site: str, number: str) -> None:
        self.work, self.site, self.number = work, site, number

    async def say(self, person: str, *words: str) -> str:
        """Let a person decide; return what they are told."""
        return await self.work.house.product.command(*self._words(*words), "--yes", person=person)

    async def plan(self, person: str, *words: str) -> dict:
        return await self.work.house.product.ask(*self._words(*words), "--plan", person=person)

    async def is_refused(self, person: str, *words: str, because: str) -> None:
        with pytest.raises(CommandFailed, match=because) as failed:
            await self.say(person, *words)
        assert "Traceback" not in str(failed.value)

    async def traced(self) -> list[str]:
        """Return what its trace names: decisions by their kind, postings by their act and step."""
        [events] = (await self.work.house.product.ask("trace", self.number, "-c", self.site)).values()
        contents = [event["content"] for event in events]
        decisions = [one["type"] for one in contents if one["type"].startswith("document_")]
        made = [f"{step['act']} {step['step']}" for one in contents for step in one.get("postings", ())]
        return [*decisions, *made]

    def _words(self, command: str, *words: str) -> tuple[str, ...]:
        return (command, self.number, "-c", self.site, "--why", "a wrong account", *words)

    async def booked(self) -> dict[str, Decimal]:
        return await booked_on(self.work.scene(self.site), self.number)

    async def comes_to(self, wanted: dict[str, Decimal]) -> None:
        """Wait until QAD's books hold this of the document, and nothing else."""

        async def is_so() -> None:
            standings = [str(one.row) for one in self.work.standings(self.site, self.number)]
            assert await self.booked() == wanted, standings

        await self.work.eventually(is_so, within_s=60, every_s=0.5)

    async def documents(self) -> list[str]:
        """Return what QAD has of it from us, in order."""
        contents = [(one["kind"], one["content"]) for one in await documents_of(self.work.scene(self.site))]
        return [
            str(content.get("invoice_type", kind)).lower()
            for kind, content in contents
            if self.number in (content.get("reference"), *(content.get("description") or "").split())
        ]


async def agree(work: AtWork, site: str, *shifted: str) -> None:
    """Hold that both judges of the product, and the books themselves, find nothing but documents with a new date."""
    await work.rest()
    for report in await work.house.product.ask("reconcile", "-c", site, codes=(0,)):
        found = report["differences"]
        assert [(one["number"], one["rule"]) for one in found] == [(number, "shifted") for number in shifted], found
    for verdict in await work.house.product.ask("verify", "-c", site, codes=(0,)):
        assert (verdict["broken"], verdict["on_its_way"]) == ({}, [])
    assert await broken_in_books(work.wiring, site, work.scene(site)) == []


@pytest.mark.timeout(300)
async def test_what_two_correct_is_taken_back_and_posted_anew_by_the_newest_mapping(work):
    scene = work.scene(SITE)
    account = scene.cast["neighbour"]
    item = msgspec.structs.replace(services(priced(80, account), DAY, name="Spare part"), accounting_code=HARDWARE)
    invoice = await scene.post(account, scene.taxed(account, item), DAY)
    one = Decided(work, SITE, str(invoice["invoiceNumber"]))
    await work.comes_into_qad(SITE, one.number)
    before = await one.booked()
    assert before.pop(HARDWARE_ACCOUNT) == -80

    mapping = work.house.files.mappings[SITE][-1]
    text = mapping.read_text(encoding="utf-8")
    assert f'account = "{HARDWARE_ACCOUNT}"' in text
    mended = mapping.with_name("mapping-mended.toml")
    mended.write_text(text.replace(f'"{HARDWARE_ACCOUNT}"', f'"{SPARE_PARTS}"'), encoding="utf-8")
    await work.house.product.command(
        *("mapping", "publish", mended.name, "--connection", SITE, "--why", "spare parts", "--yes")
    )
    await one.is_refused(ADA, "correct", "--on", "2026-01-15", because="is not open|has no period")
    assert (await one.plan(ADA, "correct"))["approves"] is False
    assert "proposed" in await one.say(ADA, "correct")
    await one.is_refused(ADA, "correct", because="ada proposed it: another person must approve")
    assert await one.documents() == ["invoice"]
    assert "approved" in await one.say(BOB, "correct")
    await one.comes_to({**before, SPARE_PARTS: Decimal(-80)})
    assert [kind for kind in await one.documents() if kind != "adjustment"] == ["invoice", "creditnote", "invoice"]
    assert (await one.traced()).count("document_corrected") == 2
    corrected.append(one.number)
    await agree(work, SITE, *corrected)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("site", [SITE, OTHER])
async def test_what_two_move_is_moved_by_a_journal_and_goes_back_with_its_document(work, site):
    scene = work.scene(site)
    one = Decided(work, site, await work.bill(site, amount=90))
    await work.comes_into_qad(site, one.number)
    before = await one.booked()
    net = before.pop(SERVICE)
    assert net < 0
    moves = ("reclass", "--from", SERVICE)

    await one.is_refused(ADA, *moves, "--to", "4010", because="4010 asks for a sub-account")
    await one.is_refused(ADA, *moves, "--to", "1200", because="1200 is a control account")
    await one.is_refused(ADA, *moves, *TO_SET_UP, "--on", "2026-01-15", because="is not open|has no period")
    plan = await one.plan(ADA, *moves, *TO_SET_UP)
    [line] = plan["lines"]
    assert (line["account"], line["cost_centre"], Decimal(str(line["credit"])), plan["m"]) == (SERVICE, "CC10", -net, 1)
    assert "proposed" in await one.say(ADA, *moves, *TO_SET_UP)
    await one.is_refused(ADA, *moves, *TO_SET_UP, because="ada proposed it: another person must approve")
    assert await one.documents() == ["invoice"]
    assert "you approve" in await one.say(BOB, *moves, *TO_SET_UP)
    await one.comes_to({**before, SET_UP: net})
    assert await one.documents() == ["invoice", "journal"]

    await one.is_refused(ADA, *moves, "--to", SUPPORT, because=f"no line of {one.number} stands on {SERVICE}")
    for person in (ADA, BOB):
        await one.say(person, "reclass", "--from", SET_UP, "--to", SUPPORT)
    await one.comes_to({**before, SUPPORT: net})
    traced = await one.traced()
    assert traced[:4] == ["document_reclassified"] * 4
    assert traced[4:] == ["post document", "reclass journal:1", "reclass journal:2"]
    await agree(work, site, *(corrected if site == SITE else ()))

    await scene.zuora.act("unpost_invoice", invoice=one.number)
    await one.comes_to({})
    assert (await one.documents()).count("journal") == 4
    await one.is_refused(ADA, *moves, *TO_SET_UP, because=f"{one.number} is taken back")
    await agree(work, site, *(corrected if site == SITE else ()))


@pytest.mark.timeout(300)
async def test_of_what_was_never_posted_nothing_is_decided(work):
    scene = work.scene(SITE)
    account = scene.cast["inactive"]
    invoice = await scene.post(account, scene.taxed(account, services(priced(30, account), DAY)), DAY)
    one = Decided(work, SITE, str(invoice["invoiceNumber"]))
    await work.comes_to_stand(SITE, one.number, rule="customer_unfit")
    await one.is_refused(ADA, "correct", because="nothing of invoice:.* stands that was posted from here")
    await one.is_refused(ADA, "reclass", "--from", SERVICE, *TO_SET_UP, because="nothing of invoice:.* was posted")
    await scene.zuora.act("unpost_invoice", invoice=one.number)
    await scene.zuora.act("delete_invoice", invoice=one.number)
    await work.rest()
