"""What the product's own stages decide of the whole story: they hold what was declared, by that rule, and nothing else.

Records and references are read over HTTP by the product's clients; matching and ledger are the pure cores, without a
broker. What only QAD can refuse is for the end-to-end tests.
"""

from datetime import UTC, datetime

import msgspec
import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.reading.reference import QadReferences
from adapters.settings import load_settings
from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.commons import Commons
from adapters.zuora.finding.poller import DOCUMENT_KINDS
from adapters.zuora.reading.kinds import KINDS
from adapters.zuora.reading.objects import ZuoraObjects
from sandbox.world import Addresses, build_world, tell_story, write_files
from schemas.codec import encode
from schemas.decisions import MappingPublished
from schemas.mapping import Mapping
from schemas.matching import Matched
from schemas.outcomes import Ignored, Parked, Waiting
from schemas.references import AccountingCode
from schemas.topics import Topic
from streams.ledger.decide import LedgerCore
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.stage import Input
from tests.loopback import LOOPBACK

SEEDS = (1, 2, 3)
# What only the sink can find out, because it takes QAD's answer or what stands in QAD.
OF_THE_SINK = {"waits_for_posting", "opening_not_found", "exchange_rate"}
FATES = {Parked: "parked", Waiting: "waiting", Ignored: "ignored"}


async def read_zuora(stage, name):
    """Return every record of a tenant, accounts first, and its accounting codes."""
    fields = stage.world.sites[name].secrets()[f"zuora/{name}"]
    client = ZuoraClient(
        stage.controls[name].zuora,
        client_id=Secret(fields["client_id"]),
        client_secret=Secret(fields["client_secret"]),
        version="2025-08-12",
        commons=Commons(),
        reach=LOOPBACK,
        budget=Budget(Allowance()),
    )
    async with client:
        objects, records = ZuoraObjects(client, name), []
        for kind in (kind for kind in DOCUMENT_KINDS if kind in KINDS):
            pages = objects.changed(
                kind, since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC)
            )
            async for headers in pages:
                for header in headers:
                    record = await objects.complete(kind, header, by="poll", evidence="all")
                    records.append(msgspec.structs.replace(record, connection=name))
        codes = [
            AccountingCode(id=code["id"], name=code["name"])
            for code in map(msgspec.json.decode, await client.v1_rows("/v1/accounting-codes", "accountingCodes"))
        ]
    return records, codes


async def read_qad(stage, name, profile):
    fields = stage.world.sites[name].secrets()[f"qad/{name}"]
    credentials = Credentials(
        client_id=Secret(fields["client_id"]),
        username=Secret(fields["username"]),
        password=Secret(fields["password"]),
        client_secret=None,
    )
    async with QadClient(profile, credentials, LOOPBACK) as client:
        lists = QadReferences(client, profile)
        return [one for kind in profile.browses async for page in lists.read(kind) for one in page]


def decide(name, mapping, *, records, qad, zuora):
    """Run both cores over everything; return the last standing of each document by number."""
    published = encode(
        MappingPublished(
            connection=name, by="test", at=datetime(2026, 10, 1, tzinfo=UTC), why="", version=1, content_hash="",
            mapping=mapping,
        )
    )  # fmt: skip
    match, ledger = MatchCore(connection=name, claims=(Claim(connection=name),)), LedgerCore(connection=name)
    for core in (match, ledger):
        core.learn(Topic.DECISIONS, 0, published)
        for offset, reference in enumerate(qad):
            core.learn(Topic.QAD_REFERENCE, offset, encode(reference))
    for offset, reference in enumerate(zuora):
        ledger.learn(Topic.ZUORA_REFERENCE, offset, encode(reference))
    standings, matched = {}, []

    def keep(outputs):
        for output in outputs:
            if isinstance(output.event, Matched):
                matched.append(output.event)
            if type(output.event) in FATES:
                standings[output.event.number] = (FATES[type(output.event)], output.event.reason.rule)

    values = [encode(record) for record in records]
    for offset, value in enumerate(values):
        keep(match.decide(Input(offset, 0, b"", value)))
    for offset, event in enumerate(matched):
        keep(ledger.decide(Input(offset, 0, b"", encode(event), values[event.origin])))
    return standings, len(matched)


@pytest.fixture(scope="module")
def decided(tmp_path_factory, start, apart):
    """Return, for a seed, what is decided of each site and what was declared."""
    known = {}

    async def tell(seed):
        world = build_world(seed=seed, size=0.1 if seed > 1 else 1.0)
        files = write_files(world, tmp_path_factory.mktemp(f"seed{seed}"), addresses=Addresses.usual())
        found = {}
        async with start(world) as stage, tell_story(world, stage.controls) as story:
            await story.tell()
            for name, scene in story.scenes.items():
                profile = msgspec.structs.replace(load_profile(files.profiles[name]), base_url=stage.qad[name].url)
                records, codes = await read_zuora(stage, name)
                standings, matched = decide(
                    name,
                    load_settings(files.mappings[name][1], Mapping),
                    records=records,
                    qad=await read_qad(stage, name, profile),
                    zuora=codes,
                )
                found[name] = (scene.cases, standings, matched)
        return found

    def of(seed):
        if seed not in known:
            known[seed] = apart(tell(seed))
        return known[seed]

    return of


def declared(cases):
    """Return fate and rule by document, of what stands still or is ignored before the sink."""
    found = {}
    for case in cases:
        fate, rule = case.fate_seen_late or case.fate, case.rule_seen_late or case.rule
        if fate in ("parked", "waiting", "ignored") and rule not in OF_THE_SINK:
            found |= dict.fromkeys(case.documents, (fate, rule))
    return found


def before_cut_over(cases):
    """Return the documents from before the cut-over, also the one that nobody loaded."""
    names = ("loaded_before", "paid_before", "opening_not_loaded")
    return {number for case in cases if case.name in names for number in case.documents}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_declared_is_held_by_its_rule_and_all_else_goes(decided, seed):
    for cases, standings, matched in decided(seed).values():
        wanted, opening = declared(cases), before_cut_over(cases)
        held = {number: how for number, how in standings.items() if number not in opening}
        assert held == {number: how for number, how in wanted.items() if number not in opening}
        assert matched > len(standings)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_from_before_the_cut_over_is_ignored(decided, seed):
    for cases, standings, _ in decided(seed).values():
        found = {number: standings.get(number) for number in before_cut_over(cases)}
        assert found == dict.fromkeys(found, ("ignored", "before_cut_over"))
