"""Each fix mends what it says, in the system it names; its commands are ones that the product takes."""

from datetime import date
from decimal import Decimal

import click
import pytest

from console.cli import main
from sandbox.world import apply_fix, expected_books, tell_story
from sandbox.world.fixes import _ACTS


@pytest.fixture
async def story(small):
    async with tell_story(small.world, small.controls) as told:
        await told.tell()
        yield told


def catalogue_of(small, name):
    server = small.qad[name]
    return server.installation.books.master.catalogues[small.world.sites[name].site.shared_set]


async def fix(story, site, name):
    case = story.case(site, name)
    await apply_fix(story.scenes[site], case.fix)
    return case


async def invoice(story, site, number):
    return next(row for row in await story.scenes[site].zuora.book("invoices") if row["invoiceNumber"] == number)


async def test_master_data_is_mended(small, story):
    emea, amer = catalogue_of(small, "emea").customers, catalogue_of(small, "amer").customers
    case = await fix(story, "emea", "inactive_customer")
    assert emea[case.fix.arguments["customer"]].is_active
    case = await fix(story, "amer", "customer_on_hold")
    assert not amer[case.fix.arguments["customer"]].is_locked_credit_limit
    for name in ("no_customer", "wrong_customer_field"):
        case = await fix(story, "amer", name)
        account = small.zuora["amer"].tenant.accounts.find(case.fix.arguments["account"])
        assert account.custom["qadCUSTOMER__c"] == case.fix.arguments["customer"]
        assert catalogue_of(small, "amer").customers[case.fix.arguments["customer"]].currency_code == account.currency
    case = await fix(story, "amer", "inactive_gl_account")
    assert catalogue_of(small, "amer").gl_accounts[case.fix.arguments["account"]].is_active
    for site, name in (("amer", "closed_period"), ("amer", "next_month"), ("emea", "next_month")):
        case = await fix(story, site, name)
        entity = small.qad[site].installation.books.ledgers[story.scenes[site].site.entity].entity
        period = next(one for one in entity.periods if one.period == case.fix.arguments["period"])
        assert (period.status, period.is_open_for_sales) == ("OPEN", True)


async def test_invoices_are_corrected_and_posted_in_a_later_second(story):
    for site, name in (
        ("emea", "no_accounting_code"),
        ("amer", "no_accounting_code"),
        ("emea", "no_deferred_code"),
        ("emea", "bad_amount"),
    ):
        number = story.case(site, name).documents[0]
        before = await invoice(story, site, number)
        await fix(story, site, name)
        after = await invoice(story, site, number)
        assert after["status"] == "Posted"
        assert after["postedDate"] > before["postedDate"]
        assert after["amount"] == before["amount"], "what must be in QAD is the same"
        items = after["invoiceItems"]
        assert all(item["accountingCode"] for item in items)
        assert all(Decimal(item["chargeAmount"]) % Decimal("0.01") == 0 for item in items)
        if name == "no_deferred_code":
            assert items[0]["deferredRevenueAccountingCodeId"]


async def test_a_courtesy_that_nobody_agreed_to_comes_off_the_invoice(story):
    case = await fix(story, "emea", "zero_total")
    after = await invoice(story, "emea", case.documents[0])
    assert after["status"] == "Posted"
    assert after["amount"] == case.amount > 0
    assert len(after["invoiceItems"]) == 1


async def test_what_was_missing_is_entered(small, story):
    case = await fix(story, "emea", "payment_without_account")
    tenant = small.zuora["emea"].tenant
    payment = tenant.payments.find(case.documents[0])
    assert payment.account_id == tenant.accounts.find(case.fix.arguments["account"]).id
    case = story.case("emea", "rate_missing")
    dated = (await invoice(story, "emea", case.documents[0]))["invoiceDate"]
    before = catalogue_of(small, "emea").rate("JPY", "EUR", date.fromisoformat(dated))
    await fix(story, "emea", "rate_missing")
    assert before is None
    assert catalogue_of(small, "emea").rate("JPY", "EUR", date.fromisoformat(dated)) > 0
    case = story.case("emea", "unknown_currency")
    franc = await invoice(story, "emea", case.documents[0])
    master = small.qad["emea"].installation.books.master
    assert franc["currency"] not in master.currencies
    await fix(story, "emea", "unknown_currency")
    assert master.currencies[franc["currency"]].decimals == 2
    assert catalogue_of(small, "emea").rate(franc["currency"], "EUR", date.fromisoformat(franc["invoiceDate"])) > 0
    for site, scene in story.scenes.items():
        case = await fix(story, site, "opening_not_loaded")
        items = await scene.qad.show("documents", entity_code=scene.site.entity, kind="invoice", limit="1000")
        [loaded] = [one for one in items if one["content"]["reference"] == case.documents[0]]
        assert loaded["open_item"]["open_amount"] == (await invoice(story, site, case.documents[0]))["amount"]
        assert loaded["key"]["daybook_code"] == "OPEN"


async def test_all_fixes_can_be_done_and_what_is_expected_stays_the_same(small, story):
    """What was expected before the fixes is what must be there after them."""
    before = {name: await expected_books(scene) for name, scene in story.scenes.items()}
    done = set()
    for case in story.cases:
        if case.fix is not None:
            await apply_fix(story.scenes[case.site], case.fix)
            done.add(case.fix.act)
    assert done - {""} == set(_ACTS), "no act without a case"
    for name, scene in story.scenes.items():
        after = await expected_books(scene)
        assert after.in_qad == before[name].in_qad
        assert sorted(one.number for one in after.staying) == sorted(one.number for one in before[name].staying)
        assert small.qad[name].control.audit()[scene.site.entity] == []
    # Each command is parsed by the command line itself; nothing is run.
    commands = [command for case in story.cases if case.fix for command in case.fix.commands]
    assert {command[:2] for command in commands} == {("match", "link"), ("mapping", "publish"), ("parked", "release")}
    for words in commands:
        group = main.commands[words[0]]
        command = group.commands[words[1]]
        with command.make_context(words[1], list(words[2:]), parent=click.Context(group)) as parsed:
            assert parsed.params["connection"] in story.scenes
            assert parsed.params["yes"]
            assert parsed.params["why"]
