"""A profile is checked, asked column by column and rehearsed against a QAD that answers; each fault is named."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.profiles.lists import BROWSES
from console.demo.house import House, standing_house
from console.demo.product import CommandFailed, Product
from sandbox.world import tell_story
from tests.e2e.through_qxtend import speak_qxtend

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = "emea"
# A day of a period that is open in the stand-in from the beginning.
DAY = "2026-10-15"
ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(kafka, tmp_path_factory):
    async with standing_house(tmp_path_factory.mktemp("live") / "house", seed=7, size=0.1, kafka=kafka) as found:
        await found.product.command("topics", "create")
        await reopens(found, whole=True)
        yield found


async def reopens(house: House, *, whole: bool) -> None:
    """Say whether QAD can take back what a receipt carries."""
    async with tell_story(house.world, house.controls(), receiver=house.receiver) as story:
        await story.scenes[SITE].qad.act("settings", books={"prepayment_holds_whole_payment": whole})


class Tenant:
    """A copy of the installation's files, whose profile a test may break."""

    def __init__(self, house: House, directory: Path) -> None:
        for path in house.directory.iterdir():
            if path.is_file():
                shutil.copy(path, directory)
        self.house, self.directory = house, directory
        self.product = Product(directory / "ml-connector.toml", log=directory / "run.log")
        self.mapping = str(directory / house.files.mappings[SITE][0].name)

    def edit(self, pattern: str, replacement: str, *, count: int = 1) -> None:
        path = self.directory / f"profile-{SITE}.toml"
        text, found = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert found == count, f"{pattern} is there {found} times"
        path.write_text(text, encoding="utf-8")

    def publish_as_prepayments(self) -> None:
        path = Path(self.mapping)
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("[policy]", '[policy]\nreceipts = "prepayment"'), encoding="utf-8")

    async def ask(self, *words: str) -> Any:
        return await self.product.ask("qad", "profile", *words, "-c", SITE)

    async def rehearse(self, *more: str, entity: str = "") -> Any:
        site = self.house.world.sites[SITE]
        fit = [one for one in site.population.customers if one.is_active and not one.is_held]
        mine, other = [one.code for one in fit if one.currency == "EUR"][:2]
        return await self.ask(
            *("rehearse", "--mapping", self.mapping, "--customer", mine, "--other-customer", other),
            *("--day", DAY, "--entity", entity or site.site.entity, "--yes", *more),
        )


@pytest.fixture
def tenant(house, tmp_path):
    return Tenant(house, tmp_path)


def failures(found: Any) -> list[tuple[str, list[str]]]:
    return [(one["step"], one["differences"]) for one in found["steps"] if not one["ok"]]


def wrong(found: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return what is wrong of what was probed, by table and our word."""
    return {(one["part"], one["word"]): one["next_step"] for one in found if not one["ok"]}


async def test_every_kind_is_posted_read_back_and_undone(tenant):
    found = await tenant.rehearse()
    assert failures(found) == []
    kinds = {one["kind"] for one in found["steps"]}
    assert kinds == {*DOCUMENT_KINDS, *OPTIONAL_KINDS}
    assert found["left_open"] == {}
    again = await tenant.rehearse()
    assert failures(again) == []
    assert not {one["document"] for one in found["steps"]} & {one["document"] for one in again["steps"]}


async def test_a_profile_is_rehearsed_before_it_is_confirmed(tenant):
    """As `qad profile init` writes one: no part of it is confirmed."""
    kinds = [
        *(f"documents.{kind}" for kind in (*DOCUMENT_KINDS, *OPTIONAL_KINDS)),
        *(f"browses.{one}" for one in BROWSES),
    ]
    parts = [*kinds, "open_items", "balances", "gl_transactions"]
    for part in parts:
        tenant.edit(rf"^\[{part}\]$", r"\g<0>\nconfirmed = false")
    found = await tenant.rehearse()
    assert failures(found) == []
    checked = await tenant.ask("check")
    assert sorted(checked["unconfirmed"]) == sorted(parts)


async def test_qad_that_cannot_take_back_what_a_receipt_carries_is_found_out(tenant):
    await reopens(tenant.house, whole=False)
    try:
        found = await tenant.rehearse()
    finally:
        await reopens(tenant.house, whole=True)
    failed = {step: told[0] for step, told in failures(found)}
    assert failed["deallocation"].startswith("open_item: ")
    assert failed["bounce"] == "not tried: deallocation was not made"
    assert found["left_open"] == {}
    tenant.publish_as_prepayments()
    assert failures(await tenant.rehearse()) == []


async def test_qad_that_calculates_tax_of_its_own_is_seen(tenant):
    tenant.edit(r'\ntaxable = "isTaxable"', "", count=2)
    tenant.edit(r'(invoiceType = "\w+", voucher = 0)', r"\1, isTaxable = true", count=2)
    found = await tenant.rehearse()
    assert "invoice" in dict(failures(found))


async def test_a_column_that_does_not_show_what_was_sent_is_named(tenant):
    shown = r'(?<=^total = "originalAmount"\n)posting_date = "postingDate"\n'
    tenant.edit(shown, 'posting_date = "dueDate"\n', count=3)
    found = await tenant.rehearse()
    assert any("posting date" in told for _, [told] in failures(found))


async def test_a_rehearsal_posts_only_to_the_entity_that_was_typed(tenant):
    with pytest.raises(CommandFailed, match="name the one that is posted to"):
        await tenant.rehearse(entity="LIVE")


async def test_all_that_a_profile_names_is_shown(tenant):
    found = await tenant.ask("probe")
    assert {key: step for key, step in wrong(found).items() if not step.startswith("Make one")} == {}
    assert {one["part"] for one in found} >= {f"browses.{name}" for name in BROWSES}


async def test_what_a_browse_does_not_show_is_named_and_no_row_of_it(tenant):
    tenant.edit(r'(?<=terms = )"creditTermsCode"(?=, zuora_account = "customShort0", relation)', '"termsCode"')
    tenant.edit(r'(?<=first_day = )"firstDay"', '"entityCode"')
    found = await tenant.ask("probe")
    steps = wrong(found)
    assert "shows no such column" in steps["browses.customers", "terms"]
    assert "does not read as a date" in steps["browses.periods", "first_day"]
    names = {one.code for one in tenant.house.world.sites[SITE].population.customers}
    assert not [name for name in names if name in str(found)]


async def test_the_go_live_list_is_walked(tenant):
    found = await tenant.ask("check")
    states = {item["title"]: item["state"] for item in found["items"]}
    assert states["How customers are found"] == "open", "no mapping is published"
    assert states["Paths, names and steps of each document"] == "set"
    text = (ROOT / "docs" / "go-live.md").read_text(encoding="utf-8")
    assert [f"{item['number']}. {item['title']}" for item in found["items"]] == re.findall(r"^## (.*)$", text, re.M)


async def test_a_profile_is_written_and_says_what_to_fill_in(tenant):
    file = tenant.directory / "new.toml"
    words = ("qad", "profile", "init", str(file), "--base-url", "https://qad.example/clouderp", "--entity", "10US")
    await tenant.product.command(*words)
    text = file.read_text(encoding="utf-8")
    assert 'base_url = "https://qad.example/clouderp"' in text
    assert "<DOMAIN>" in text
    assert "<ENTITY>" not in text
    with pytest.raises(CommandFailed, match="is there already"):
        await tenant.product.command(*words)


async def test_every_kind_is_rehearsed_through_qxtend(tenant):
    speak_qxtend(tenant.product, tenant.house, SITE)
    found = await tenant.rehearse()
    assert failures(found) == []
    assert {one["kind"] for one in found["steps"]} == {*DOCUMENT_KINDS, *OPTIONAL_KINDS}
    assert found["left_open"] == {}
    checked = await tenant.ask("check")
    titles = {item["title"]: item["found"] for item in checked["items"]}
    assert "the machine reference goes to CustomShort0" in titles.values()
    assert "qxtend.documents.invoice.find" in {one["part"] for one in await tenant.ask("probe")}
    async with tell_story(tenant.house.world, tenant.house.controls(), receiver=tenant.house.receiver) as story:
        calls = await story.scenes[SITE].qad.show("requests", limit="100000")
    assert {"bbankentry", "bjournalentry"} <= {call["api"] for call in calls}


async def test_a_call_that_qxtend_does_not_take_is_said_for_each_kind_and_nothing_is_posted(tenant):
    speak_qxtend(tenant.product, tenant.house, SITE)
    tenant.edit(r'^receiver = "QADFIN"$', 'receiver = "OTHER"')
    found = await tenant.rehearse()
    told = dict(failures(found))
    assert len(told) == len(found["steps"])
    assert "Receiver OTHER is not known" in told["invoice"][0]
    assert {one["document"] for one in found["steps"]} == {""}


async def test_secrets_of_qxtend_that_are_not_sealed_are_missed(tenant):
    speak_qxtend(tenant.product, tenant.house, SITE, seal=False)
    told = await tenant.product.ask("credentials", "check")
    assert [problem.partition(" is ")[0] for problem in told["problems"]] == [
        f"qad/{SITE} qxtend_username",
        f"qad/{SITE} qxtend_password",
    ]
    with pytest.raises(CommandFailed, match="qxtend_username"):
        await tenant.rehearse()
