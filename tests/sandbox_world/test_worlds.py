"""What both sites hold before anything happens: enough, the same from the same seed, and right for both systems."""

import unicodedata
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from sandbox.qad.books.documents import Invoice, Payment, PostingLine
from sandbox.qad.books.master import AccountType
from sandbox.qad.world import load_world
from sandbox.world import SITES, Sizes, build_world
from sandbox.world.building import world_json
from sandbox.world.chart import banks_of
from sandbox.world.control import ControlRefused, QadControl
from sandbox.zuora import read_world

WORLD = build_world(seed=1, size=1.0)
BY_SITE = pytest.mark.parametrize("name", [site.name for site in SITES])


def of_zuora(name, world=WORLD):
    return read_world(world_json(world.sites[name].zuora()))


def of_qad(name, world=WORLD):
    return load_world(world_json(world.sites[name].qad()))


@BY_SITE
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name):
    site, again = WORLD.sites[name], build_world(seed=1, size=1.0).sites[name]
    assert world_json(site.zuora()) == world_json(again.zuora())
    assert world_json(site.qad()) == world_json(again.qad())
    other = build_world(seed=2, size=1.0).sites[name]
    assert world_json(site.zuora()) != world_json(other.zuora())
    assert site.secrets() != other.secrets()


def test_the_size_is_a_number_of_accounts():
    def accounts(size):
        return sum(len(site.population.accounts) for site in build_world(seed=1, size=size).sites.values())

    assert accounts(1.0) == 400
    # The cast, whom the story tells of, is there at every size.
    assert 40 <= accounts(0.1) <= 60
    assert accounts(2.0) == 800


def test_counts_can_be_said_one_by_one():
    sizes = msgspec.structs.replace(Sizes.of(0.1), branches=2, lines_max=120)
    world = build_world(seed=1, sizes=sizes)
    assert world.sizes.branches == 2
    assert len(world.sites["emea"].population.billed) == Sizes.of(0.1).emea.billed


@BY_SITE
def test_both_stand_ins_take_their_worlds(name):
    assert len(of_zuora(name).accounts) == len(WORLD.sites[name].population.accounts)
    assert len(of_qad(name).shared_sets[0].customers) == len(WORLD.sites[name].population.customers)


@BY_SITE
def test_customers_have_codes_and_names_that_fit_their_fields(name):
    world = of_qad(name)
    relations = {one.business_relation_code: one for one in world.business_relations}
    for customer in world.shared_sets[0].customers:
        relation = relations[customer.business_relation_code]
        assert len(customer.customer_code) <= 8
        assert 1 <= len(relation.business_relation_name) <= 36
        assert 1 <= len(relation.search_name) <= 28
        assert relation.business_relation_name.isprintable()
        assert len(customer.custom_short_0) <= 20


@BY_SITE
def test_accounts_find_their_customers_in_every_way(name):
    """By their own field, misspelt or not; by QAD's; by neither; and two by one."""
    site = WORLD.sites[name]
    field = site.site.customer_field
    codes = {customer.code for customer in site.population.customers}
    by_account = {one.zuora_account: one.code for one in site.population.customers if one.zuora_account}
    ways = Counter()
    for new in of_zuora(name).accounts:
        text = new.custom.get(field, "")
        held = new.account_number in by_account
        if text.strip() in codes:
            ways["field" if text == text.strip() else "field with blanks"] += 1
        elif text:
            ways["misspelt field"] += 1
            assert held, "who is misspelt is found by QAD's field"
        else:
            ways["qad's field" if held else "neither"] += 1
    assert set(ways) == {"field", "field with blanks", "misspelt field", "qad's field", "neither"}
    assert ways["neither"] < ways.total() / 5
    shared = Counter(account.customer for account in site.population.accounts if account.customer)
    assert [count for count in shared.values() if count > 1] == [2]
    assert not set(by_account) - {account.number for account in site.population.accounts}


def test_names_are_in_the_scripts_of_their_countries():
    scripts = Counter()
    for site in WORLD.sites.values():
        for account in site.population.accounts:
            scripts.update({unicodedata.name(letter).split()[0] for letter in account.name if letter.isalpha()})
    assert {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "CJK", "HANGUL"} <= set(scripts)
    assert set("üßéñłã") <= {
        letter for site in WORLD.sites.values() for one in site.population.accounts for letter in one.name
    }


@pytest.mark.parametrize("size", [0.1, 1.0])
def test_names_that_break_things_are_billed(size):
    world = build_world(seed=1, size=size)
    billed = [
        account.name
        for site in world.sites.values()
        for account in (*site.population.cast.values(), *site.population.billed)
    ]
    assert max(map(len, billed)) == 300
    for what in (
        '"',
        "'",
        ",",
        ";",
        "\n",
        "\r\n",
        "\t",
        "<script>",
        "\\",
        "   Leading",
        "\u200f",
        "\u200b",
        "=HYPER",
        "%s",
    ):
        assert any(what in name for name in billed), repr(what)
    assert any(unicodedata.normalize("NFC", name) != name for name in billed)
    assert any(ord(letter) > 0xFFFF for name in billed for letter in name)


def test_each_site_bills_its_currencies():
    def currencies(name):
        population = WORLD.sites[name].population
        return {account.currency for account in (*population.cast.values(), *population.billed)}

    assert {"EUR", "GBP", "JPY", "KWD", "USD"} <= currencies("emea")
    assert currencies("amer") == {"USD", "EUR"}


@BY_SITE
def test_rates_change_in_the_story(name):
    shared = of_qad(name).shared_sets[0]
    base = of_qad(name).entities[0].base_currency_code
    for currency in {one.currency_code for one in of_qad(name).currencies} - {base}:
        rates = [one for one in shared.exchange_rates if one.from_currency_code == currency]
        assert len(rates) == 2
        assert rates[0].rate != rates[1].rate
        assert rates[1].valid_from == WORLD.sites[name].site.november.first


@BY_SITE
async def test_qad_takes_an_invoice_for_every_customer_that_is_fit(name, start, session):
    """And refuses it for the one that is not; what a mapping names is tried in test_files.py."""
    site = WORLD.sites[name].site
    async with start(WORLD) as stage:
        qad = QadControl(session, stage.controls[name].qad)
        refused = []
        for customer in WORLD.sites[name].population.customers:
            try:
                await qad.act(
                    "hand/post",
                    entity_code=site.entity,
                    kind="invoice",
                    content=Invoice(
                        invoice_type="INVOICE",
                        customer_code=customer.code,
                        currency_code=customer.currency,
                        invoice_date=site.october.run_date,
                        posting_date=site.october.run_date,
                        daybook_code="SINV",
                        description="Trial",
                        original_amount=Decimal(100),
                        is_taxable=False,
                        posting_lines=(PostingLine(gl_account_code="4800", credit_amount=Decimal(100)),),
                    ),
                    user="tester",
                )
            except ControlRefused as refusal:
                refused.append((customer.is_active, customer.is_held, str(refusal)))
        why = "CUSTOMER_INACTIVE" if name == "emea" else "CUSTOMER_ON_HOLD"
        assert [(active, held, why in text) for active, held, text in refused] == [
            (name != "emea", name == "amer", True)
        ]
        assert stage.qad[name].control.audit()[site.entity] == []


@BY_SITE
async def test_every_bank_takes_a_payment_of_its_currency_alone(name, start, session):
    site = WORLD.sites[name].site
    payer = next(one for one in WORLD.sites[name].population.customers if one.is_active)
    async with start(WORLD) as stage:
        qad = QadControl(session, stage.controls[name].qad)
        for bank in banks_of(site):
            payment = Payment(
                customer_code=payer.code,
                currency_code=bank.currency,
                bank_gl_account_code=bank.account,
                payment_date=site.october.run_date,
                posting_date=site.october.run_date,
                daybook_code="ZPAY",
                amount=Decimal(10),
                status="Paid",
            )
            await qad.act("hand/post", entity_code=site.entity, kind="payment", content=payment, user="tester")
            other = msgspec.structs.replace(payment, currency_code="EUR" if bank.currency == "USD" else "USD")
            with pytest.raises(ControlRefused, match="ACCOUNT_CURRENCY"):
                await qad.act("hand/post", entity_code=site.entity, kind="payment", content=other, user="tester")


def test_banks_are_of_the_type_that_takes_receipts():
    for site in SITES:
        accounts = {one.gl_account_code: one for one in of_qad(site.name).shared_sets[0].gl_accounts}
        assert {accounts[bank.account].account_type for bank in banks_of(site)} == {AccountType.BANK}


def test_a_fiscal_year_of_weeks_has_no_gap():
    for site in SITES:
        periods = site.fiscal_periods
        assert len(periods) == 12
        for before, after in pairwise(periods):
            assert (after.first_day - before.last_day).days == 1
    amer = next(site for site in SITES if site.name == "amer")
    assert str(amer.fiscal_periods[8].last_day) == "2026-10-03"
    assert str(amer.fiscal_periods[11].last_day) == "2027-01-02"
