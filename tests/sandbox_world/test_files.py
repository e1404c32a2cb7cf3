"""What the product is set up with: its own readers take it, and whatever it names is there and alive."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec
import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.lists import BROWSES
from adapters.qad.reading.reference import QadReferences
from adapters.qad.rest.port import RestQad
from adapters.settings import load_settings
from adapters.zuora.receiving.doors import Door, Login
from console.config import load_site
from console.publishing import problems_of
from sandbox.kafka.ports import free_port
from sandbox.process import spawn
from sandbox.qad.books.documents import Invoice, Payment, PostingLine
from sandbox.qad.dialects import DIALECTS
from sandbox.qad.world import load_world
from sandbox.world import SITES, Address, Addresses, ZuoraControl, build_world, write_files
from sandbox.world.control import QadControl
from sandbox.world.zuora_side import callouts_to
from sandbox.zuora import read_world
from schemas.mapping import Mapping
from schemas.records import RecordKind
from streams.read.hints import read_hint
from tests.adapters.receiving import Broker, receiving
from tests.loopback import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
WORLD = build_world(seed=1, size=0.1)
BY_SITE = pytest.mark.parametrize("name", [site.name for site in SITES])
BY_VERSION = pytest.mark.parametrize("version", [1, 2, 3])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(WORLD, tmp_path_factory.mktemp("world"), addresses=Addresses.usual())


def mapping_of(files, name, version):
    return load_settings(files.mappings[name][version - 1], Mapping)


def places(mapping):
    unassigned = [mapping.policy.unassigned_cash] if mapping.policy.unassigned_cash else []
    return [*mapping.lines, *mapping.tax, *mapping.banks, *unassigned]


def test_the_configuration_is_taken(files):
    site = load_site(files.configuration)
    assert list(site.config.tenants) == list(site.config.connections) == ["emea", "amer"]
    for name, tenant in site.config.tenants.items():
        assert tenant.tenant_id == WORLD.sites[name].site.tenant_id
        assert tenant.base_url == Addresses.usual().zuora[name]
        assert tenant.callouts.path == WORLD.sites[name].keys.callout_path
        assert site.path(site.config.connections[name].profile) == files.profiles[name]
    assert site.config.tenants["emea"].callouts.hmac is not None
    assert site.config.tenants["amer"].callouts.hmac is None


@BY_SITE
def test_the_profile_is_taken_whole(files, name):
    profile = load_profile(files.profiles[name])
    assert profile.unconfirmed == []
    site = WORLD.sites[name].site
    assert profile.workspace == DIALECTS[site.dialect].workspace_of(site.domain, site.entity)
    assert not re.search("@[A-Z_]+@", files.profiles[name].read_text(encoding="utf-8"))


@BY_SITE
@BY_VERSION
def test_mappings_are_taken_and_contradict_nothing(files, name, version):
    mapping = mapping_of(files, name, version)
    assert problems_of(mapping) == []
    assert str(mapping.first_document_date) == str(mapping.cut_over) == "2026-10-01"


@BY_SITE
@BY_VERSION
def test_what_a_mapping_names_is_there_and_alive(files, name, version):
    mapping = mapping_of(files, name, version)
    qad = load_world(files.qad_worlds[name])
    shared = qad.shared_sets[0]
    accounts = {one.gl_account_code: one for one in shared.gl_accounts}
    analysis = {
        kind: {one.code for one in getattr(shared, kind) if one.is_active}
        for kind in ("sub_accounts", "cost_centres", "projects")
    }
    codes = {one.name for one in read_world(files.zuora_worlds[name].read_bytes()).accounting_codes}
    for place in places(mapping):
        assert accounts[place.account].is_active
        assert place.sub_account in analysis["sub_accounts"] | {""}
        assert place.cost_centre in analysis["cost_centres"] | {""}
        assert place.project in analysis["projects"] | {""}
    assert {row.code for row in mapping.lines} <= codes
    ours = {one.daybook_code for one in shared.daybooks if one.is_active}
    books = mapping.daybooks
    assert {books.invoice, books.credit_note, books.receipt, books.adjustment, books.journal} <= ours
    assert set(mapping.terms.values()) <= {one.credit_terms_code for one in qad.credit_terms}


@BY_SITE
def test_the_versions_differ_in_what_the_story_needs(files, name):
    first, second, third = (mapping_of(files, name, version) for version in (1, 2, 3))

    def account(mapping, code):
        return next((row.account for row in mapping.lines if row.code == code and row.processing == "Charge"), None)

    assert (account(first, "Subscription Revenue"), account(second, "Subscription Revenue")) == ("4000", "4010")
    assert first.banks == second.banks
    assert account(second, "Schulungserlöse") is None
    assert account(third, "Schulungserlöse") == "4500"
    support = [next(row for row in one.lines if row.code == "Support Revenue").revenue for one in (second, third)]
    assert support == [None, "recognized"]
    assert any(bank.gateway == "Wallet Pay" for bank in third.banks) is (name == "amer")
    assert not any(bank.gateway == "Wallet Pay" for bank in second.banks)


@BY_SITE
async def test_qad_takes_a_line_on_every_account_of_the_first_mapping(files, name, start, session):
    """With the analysis that the mapping gives; banks are tried in test_worlds.py."""
    site, mapping = WORLD.sites[name].site, mapping_of(files, name, 1)
    customer = next(one for one in WORLD.sites[name].population.customers if one.is_active and not one.is_held)
    lines = tuple(
        PostingLine(
            sequence=position,
            gl_account_code=place.account,
            sub_account_code=place.sub_account,
            cost_centre_code=place.cost_centre,
            project_code=place.project,
            credit_amount=Decimal("1.00"),
        )
        for position, place in enumerate([*mapping.lines, *mapping.tax], 1)
    )
    invoice = Invoice(
        invoice_type="INVOICE",
        customer_code=customer.code,
        currency_code=customer.currency,
        invoice_date=site.november.run_date,
        posting_date=site.november.run_date,
        credit_terms_code=mapping.terms["Net 30"],
        daybook_code=mapping.daybooks.invoice,
        description="Every account",
        original_amount=Decimal(len(lines)),
        is_taxable=False,
        posting_lines=lines,
    )
    async with start(WORLD) as stage:
        qad = QadControl(session, stage.controls[name].qad)
        shown = await qad.act("hand/post", entity_code=site.entity, kind="invoice", content=invoice, user="tester")
        item = shown["open_item"]
        payment = Payment(
            customer_code=customer.code,
            currency_code=customer.currency,
            bank_gl_account_code=next(one.account for one in mapping.banks if one.currency == customer.currency),
            payment_date=site.november.run_date,
            posting_date=site.november.run_date,
            daybook_code=mapping.daybooks.receipt,
            amount=item["original_amount"],
            status="Paid",
        )
        await qad.act("hand/post", entity_code=site.entity, kind="payment", content=payment, user="tester")
        assert stage.qad[name].control.audit()[site.entity] == []


def test_no_secret_stands_in_a_file_of_the_product(files):
    texts = [
        path.read_text(encoding="utf-8")
        for path in (
            files.configuration,
            *files.profiles.values(),
            *(one for ones in files.mappings.values() for one in ones),
        )
    ]
    secret = {
        text
        for owner, fields in WORLD.secrets().items()
        for field, text in fields.items()
        # What is the same for every world is a name, no secret.
        if field not in ("callout_user", "username") and (owner, field) != ("qad/emea", "client_id")
    } - {"ml-connector"}
    assert len(secret) == 9
    assert not [one for one in secret for text in texts if one in text]


@BY_SITE
async def test_the_profile_fits_the_stand_in(files, name, start):
    """The product's own client signs in, reads every list and looks for a document of every kind."""
    profile = load_profile(files.profiles[name])
    async with start(WORLD) as stage:
        fields = WORLD.sites[name].secrets()[f"qad/{name}"]
        credentials = Credentials(
            client_id=Secret(fields["client_id"]),
            username=Secret(fields["username"]),
            password=Secret(fields["password"]),
            client_secret=None,
        )
        here = msgspec.structs.replace(profile, base_url=stage.qad[name].url)
        async with QadClient(here, credentials, LOOPBACK) as client:
            references = QadReferences(client, here)
            counts = {one: sum([len(page) async for page in references.read(one)]) for one in BROWSES}
            assert counts["customers"] == len(WORLD.sites[name].population.customers)
            assert min(counts.values()) >= 2
            for kind in here.documents:
                assert await RestQad(client, here).find(kind, "2" * 20) is None


@BY_SITE
async def test_callouts_are_let_in_by_the_product_and_hint_at_what_was_posted(files, name, start, session, eventually):
    """Password and signature are what the configuration says; an account that somebody edits is told of as well."""
    site, broker = WORLD.sites[name], Broker()
    config = load_site(files.configuration).config.tenants[name]
    secrets = site.secrets()[f"zuora/{name}"]
    door = Door(
        tenant=name,
        connection=name,
        logins=(Login(user=Secret(secrets["callout_user"]), password=Secret(secrets["callout_password"])),),
        hmac_rule=config.callouts.hmac,
        hmac_secrets=(Secret(secrets["hmac_secret"]),) if config.callouts.hmac else (),
    )
    async with receiving({site.keys.callout_path: door}, broker) as address, start(WORLD) as stage:
        zuora = ZuoraControl(session, stage.controls[name].zuora)
        await zuora.set_callouts(callouts_to(site.callout_door(address)))
        account = site.population.billed[0]
        draft = await zuora.act("create_invoice", account=account.number, items=[{"charge_amount": 100}])
        posted = await zuora.act("post_invoice", invoice=draft["invoiceNumber"])
        memo = await zuora.act("create_credit_memo", account=account.number, items=[{"charge_amount": 10}])
        await zuora.act("post_credit_memo", credit_memo=memo["memoNumber"])
        cards = await zuora.act("create_payment", account=account.number, amount=60, type="Electronic")
        await zuora.act("create_payment", account=account.number, amount=50, type="External")
        edited = await zuora.act("update_account", account=account.number, notes="called")
        wanted = {
            (RecordKind.INVOICE, posted["id"]),
            (RecordKind.CREDIT_MEMO, memo["id"]),
            (RecordKind.PAYMENT, cards["id"]),
            (RecordKind.ACCOUNT, edited["id"]),
        }

        def arrived():
            hints = [read_hint(callout) for callout in broker.kept]
            assert {(hint.kind, hint.id) for hint in hints} == wanted

        await eventually(arrived)
        assert len(broker.kept) == len(wanted), "a transfer fires none"


async def test_the_command_writes_what_servers_start_with(tmp_path, eventually, session):
    """`python -m sandbox.world`, then both stand-ins as processes with `--world`."""
    zuora, qad = free_port(), free_port()
    command = [
        sys.executable, "-m", "sandbox.world", "--directory", str(tmp_path), "--size", "0.1", "--seed", "4",
        "--zuora-emea", f"http://127.0.0.1:{zuora}", "--qad-emea", f"http://127.0.0.1:{qad}/clouderp",
        "--kafka", "127.0.0.1:1", "--receiver-port", "2", "--poll-interval-s", "7",
    ]  # fmt: skip
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, cwd=ROOT, check=True)
    told = json.loads(done.stdout)
    assert told["secrets"] == build_world(seed=4, size=0.1).secrets()
    site = load_site(Path(told["files"]["configuration"]))
    assert site.config.kafka.bootstrap == "127.0.0.1:1"
    assert site.config.receiver.port == 2
    assert site.config.tenants["amer"].poll.interval_s == 7
    with contextlib.ExitStack() as stack:
        for system, port in (("zuora", zuora), ("qad", qad)):
            world = told["files"][f"{system}_worlds"]["emea"]
            start = [sys.executable, "-m", f"sandbox.{system}", "--port", str(port), "--world", world]
            child = spawn(start, log=tmp_path / f"{system}.log")
            stack.callback(child.wait)
            stack.callback(child.terminate)

        async def answers():
            try:
                await ZuoraControl(session, f"http://127.0.0.1:{zuora}").now()
                await QadControl(session, f"http://127.0.0.1:{qad}/control").show("state")
            except aiohttp.ClientConnectionError:
                raise AssertionError("not yet") from None

        await eventually(answers, within_s=20.0)


def test_files_are_written_over_and_addresses_stand_where_they_belong(tmp_path):
    for port in (1111, 2222):
        addresses = Addresses(
            kafka="k:1",
            zuora={"emea": "http://127.0.0.1:3", "amer": "http://127.0.0.1:4"},
            qad={"emea": "http://127.0.0.1:5/clouderp", "amer": "http://127.0.0.1:6/clouderp"},
            receiver=Address(port=port),
            observe=Address(port=9),
        )
        files = write_files(WORLD, tmp_path, addresses=addresses)
    world = read_world(files.zuora_worlds["amer"].read_bytes())
    assert {callout.url for callout in world.callouts} == {
        f"http://127.0.0.1:2222{WORLD.sites['amer'].keys.callout_path}"
    }
    assert load_profile(files.profiles["amer"]).base_url == "http://127.0.0.1:6/clouderp"
