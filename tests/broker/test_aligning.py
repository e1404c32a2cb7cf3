"""What changes of an account flows to its customer in a real QAD off a real broker: where it may, and nothing over."""

import asyncio
import signal
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from adapters.qad.rest.customers import RestCustomers
from console.customers.aligning import look_dry
from schemas.decisions import CustomerApproved
from schemas.outcomes import Aligned, Aligning, Parked, Written
from schemas.topics import Topic
from tests.adapters.qad_company import DIALECTS, qad_company
from tests.broker.aligning import CODE, EVERYTHING, NAME, RELATION, World
from tests.unit import builders

NEW = "Nordlicht Energie SE"
AT = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def speaks():
    return "house"


@pytest.fixture
async def world(cluster, tmp_path, monkeypatch, speaks):
    monkeypatch.setattr("adapters.kafka.align_lane._PAUSE_MAX_S", 0.05)
    async with qad_company(tmp_path, speaks) as qad:
        profile = qad.profile()
        made = World(cluster, qad, RestCustomers(await qad.client(profile), profile))
        await made.publish(*EVERYTHING)
        await made.make()
        await made.account()
        yield made


async def seen_in_line(world, eventually):
    """Have the two seen alike, as they are at first."""
    async with world.running():
        await eventually(world.all_is_done)


@pytest.mark.parametrize("speaks", DIALECTS)
async def test_what_changes_in_zuora_flows_and_everything_else_stays(world, eventually):
    world.relation.email = "office@nordlicht.example"
    async with world.running():
        await eventually(world.all_is_done)
        assert [(type(one), one.written, one.left) for one in await world.said()] == [(Aligned, (), {})]
        await world.account(called=NEW, contact={"address1": "Deich 2", "city": "Husum"}, paymentTerm="Due")
        await world.publish(*EVERYTHING, version=2)
        await eventually(world.all_is_done)
    relation = world.relation
    assert (relation.business_relation_name, relation.search_name) == (NEW, NEW)
    assert (relation.street, relation.city, relation.postal_code) == ("Deich 2", "Husum", "24103")
    assert relation.email == "office@nordlicht.example"
    [_, intent, aligned, *_] = await world.said()
    assert (type(intent), intent.part, sorted(intent.words)) == (
        Aligning,
        "relation",
        ["city", "name", "search_name", "street"],
    )
    assert sorted(aligned.written) == ["city", "name", "search_name", "street"]
    # No value of a person stands in what is said.
    raw = repr(await world.said())
    assert not [value for value in (NAME, NEW, "Husum", "Deich") if value in raw]
    # Terms that the mapping does not know are not guessed: what was alike and cannot flow calls a person.
    parked = (await world.said())[-1]
    assert (type(parked), parked.reason.rule, "'Due'" in parked.reason.message) == (Parked, "customer_not_held", True)
    assert world.customer.credit_terms_code == "NET30"


async def test_nothing_new_asks_qad_nothing(world, eventually):
    await seen_in_line(world, eventually)
    reads = len(world.qad.requests("read")) + len(world.qad.requests())
    await world.account(currency="EUR")
    await world.shown(held=True)
    async with world.running():
        await eventually(world.all_is_done)
    assert len(world.qad.requests("read")) + len(world.qad.requests()) == reads
    assert len(await world.said()) == 1


async def test_what_qad_owns_is_never_written(world, eventually):
    await seen_in_line(world, eventually)
    world.relation.city = "Flensburg"
    await world.account(called=NEW, contact={"city": "Husum"})
    async with world.running():
        await eventually(world.all_is_done)
        # The name flows; of the address nothing does, not even what QAD left as it was.
        assert (world.relation.business_relation_name, world.relation.city) == (NEW, "Flensburg")
        assert [type(one) for one in await world.said()] == [Aligned, Aligning, Aligned, Parked]
        parked = (await world.said())[-1]
        assert (parked.reason.rule, "match align A-a1" in parked.reason.next_step) == ("customer_differs", True)
        # A person makes both say the same; QAD's reference data show it, and it goes on.
        world.relation.city = "Husum"
        await world.shown(city="Husum")
        await eventually(world.all_is_done)
        last = (await world.said())[-1]
        assert (type(last), last.left) == (Aligned, {})
        await world.account(called=NEW, contact={"city": "Tönning"})
        await eventually(world.all_is_done)
    assert world.relation.city == "Tönning"


async def test_what_never_was_in_line_is_qads_and_calls_nobody(world, eventually):
    world.relation.business_relation_name = "NORDLICHT (NEW)"
    world.customer.credit_terms_code = "NET0"
    await seen_in_line(world, eventually)
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done)
    said = await world.said()
    assert said[0].left == {"name": "never_in_line", "terms": "never_in_line"}
    # What was in line flows all the same.
    assert (world.relation.business_relation_name, world.relation.search_name) == ("NORDLICHT (NEW)", NEW)
    assert not [one for one in said if isinstance(one, Parked)]


async def test_what_qad_alone_changed_stays_and_calls_nobody(world, eventually):
    await seen_in_line(world, eventually)
    world.customer.credit_terms_code = "NET0"
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done)
    assert (world.customer.credit_terms_code, (await world.said())[-1].left) == ("NET0", {"terms": "owned_by_qad"})


async def test_a_closed_account_closes_a_customer_of_its_own_and_none_that_others_use(world, eventually):
    await world.write(Topic.DECISIONS, builders.linked(CODE, "a2"))
    await world.account("a2")
    await seen_in_line(world, eventually)
    async with world.running():
        await world.account(status="Canceled")
        await eventually(world.all_is_done)
        assert world.customer.is_active
        await world.account("a2", status="Canceled")
        await eventually(world.all_is_done)
        assert not world.customer.is_active
        await world.account("a2", status="Active")
        await eventually(world.all_is_done)
    assert world.customer.is_active


async def test_accounts_that_share_a_customer_and_differ_change_nothing(world, eventually):
    await world.write(Topic.DECISIONS, builders.linked(CODE, "a2"))
    await world.account("a2")
    await seen_in_line(world, eventually)
    async with world.running():
        await world.account(called=NEW)
        await eventually(world.all_is_done)
        assert (world.writes()[2:], world.relation.business_relation_name) == ([], NAME)
        assert {one.left.get("name") for one in (await world.aligned())[-2:]} == {"accounts_disagree"}
        # As soon as both say it, it flows, and both say so.
        await world.account("a2", called=NEW)
        await eventually(world.all_is_done)
    assert world.relation.business_relation_name == NEW
    assert {one.subject for one in (await world.aligned())[-2:]} == {"account:a1", "account:a2"}


async def test_what_an_account_stopped_flows_when_it_has_gone(world, eventually):
    await world.write(Topic.DECISIONS, builders.linked(CODE, "a2"))
    await world.account("a2")
    await seen_in_line(world, eventually)
    async with world.running():
        await world.account(called=NEW)
        await eventually(world.all_is_done)
        assert world.relation.business_relation_name == NAME
        await world.write(Topic.DECISIONS, builders.linked("C0001", "a2"))
        await eventually(world.all_is_done)
    assert world.relation.business_relation_name == NEW


async def test_a_link_to_a_customer_that_is_there_writes_nothing_over(world, eventually):
    await seen_in_line(world, eventually)
    await world.account("a9", called="Somebody else AG")
    await world.shown(account="nobody")
    await world.write(Topic.DECISIONS, builders.linked(CODE, "a9"))
    async with world.running():
        await eventually(world.all_is_done)
    assert world.relation.business_relation_name == NAME
    assert (await world.aligned())[-1].left["name"] == "never_in_line"


async def test_a_relation_that_other_customers_share_is_not_written(world, eventually):
    await seen_in_line(world, eventually)
    await world.make("COTHER", RELATION, account="other")
    await world.account(called=NEW, contact={"city": "Husum"})
    async with world.running():
        await eventually(world.all_is_done)
    assert (world.relation.business_relation_name, world.relation.city) == (NAME, "Kiel")
    assert (await world.aligned())[-1].left["name"] == "relation_shared"


async def test_only_what_the_mapping_names_flows(world, eventually):
    await world.publish("address", version=2)
    await seen_in_line(world, eventually)
    await world.account(called=NEW, contact={"city": "Husum"})
    async with world.running():
        await eventually(world.all_is_done)
    assert (world.relation.business_relation_name, world.relation.city) == (NAME, "Husum")


async def test_of_many_versions_the_newest_counts(world, eventually):
    await seen_in_line(world, eventually)
    before = len(world.writes())
    for number in range(5):
        await world.account(called=f"Nordlicht {number} SE")
    async with world.running():
        await eventually(world.all_is_done)
    assert (world.relation.business_relation_name, len(world.writes()) - before) == ("Nordlicht 4 SE", 1)


async def test_a_customer_that_we_made_follows_from_what_it_was_made_with(world, eventually):
    """Zuora changes before anybody has compared the two: what QAD has is what we wrote."""
    head = {"connection": builders.CONNECTION, "account_id": "a1", "account_number": "A-a1"}
    decision = CustomerApproved(
        **head, by="ada", at=AT, customer=CODE, relation=RELATION, origin=0, content_hash="h", approved_by="grace"
    )
    await world.write(Topic.DECISIONS, decision)
    made = {"relation": (RELATION, {"name": NAME, "search_name": NAME, "street": "Kai 1", "city": "Kiel"})}
    made["customer"] = CODE, {"terms": "NET30", "active": True, "zuora_account": "A-a1"}
    for part, (code, values) in made.items():
        await world.write(
            Topic.OUTCOMES,
            Written(
                connection=builders.CONNECTION,
                stage="customers",
                subject="account:a1",
                document="account:a1",
                origin=0,
                part=part,
                code=code,
                how="made",
                values=values,
            ),
        )
    await world.account(called=NEW, contact={"state": "SH"}, status="Canceled")
    async with world.running():
        await eventually(world.all_is_done)
    assert (world.relation.business_relation_name, world.customer.is_active) == (NEW, False)
    # What was made without a state has none: that it is blank was ours as well.
    assert (world.relation.state_code, (await world.aligned())[-1].left) == ("SH", {})


# -- what fails on the way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["commit_then_reset", "reset_before_commit", "commit_then_other_shape"])
async def test_an_answer_that_is_lost_is_read_and_our_own_is_known_again(world, eventually, fault):
    await seen_in_line(world, eventually)
    armed = world.qad.arm(fault, kind="business_relation", count=1)
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done)
    assert (armed.fired, world.relation.business_relation_name) == (1, NEW)
    said = (await world.said())[-1]
    assert (type(said), sorted(said.written), said.left) == (Aligned, ["name", "search_name"], {})


async def test_killed_after_qad_did_it_our_own_is_known_and_what_came_since_flows(world, eventually, tmp_path):
    await seen_in_line(world, eventually)
    armed = world.qad.arm("commit_then_hang", kind="business_relation", count=1)
    await world.account(called=NEW)
    with world.process(tmp_path / "first.log") as process:

        async def done():
            assert world.relation.business_relation_name == NEW, (tmp_path / "first.log").read_text()[-2000:]

        await eventually(done, within_s=60)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
    assert (armed.fired, [type(one) for one in await world.said()]) == (1, [Aligned, Aligning])
    # Zuora says something else by now: what stands in QAD is ours, and no person's.
    await world.account(called="Nordlicht Dritte SE")
    async with world.running():
        await eventually(world.all_is_done, within_s=60)
    assert world.relation.business_relation_name == "Nordlicht Dritte SE"
    assert not [one for one in await world.said() if isinstance(one, Parked)]


async def test_killed_while_the_call_is_under_way_a_late_commit_is_found(world, eventually, tmp_path):
    await seen_in_line(world, eventually)
    armed = world.qad.arm("commit_late", kind="business_relation", count=1, seconds=3)
    await world.account(called=NEW)
    with world.process(tmp_path / "first.log") as process:

        async def under_way():
            assert armed.fired == 1, (tmp_path / "first.log").read_text()[-2000:]

        await eventually(under_way, within_s=60)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
    assert [type(one) for one in await world.said()] == [Aligned, Aligning]
    async with world.running():
        await eventually(world.all_is_done, within_s=60)
    assert world.relation.business_relation_name == NEW
    said = (await world.said())[-1]
    assert (type(said), sorted(said.written)) == (Aligned, ["name", "search_name"])


async def test_what_qad_refuses_parks_and_goes_on_when_it_is_released(world, eventually):
    await seen_in_line(world, eventually)
    armed = world.qad.arm("business_error", kind="business_relation", count=1, code="X", field="name", message="no")
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done)
        parked = (await world.said())[-1]
        assert (armed.fired, parked.reason.rule, parked.said != ()) == (1, "customer_not_changed", True)
        await world.write(Topic.DECISIONS, builders.released("account:a1"))
        await eventually(world.all_is_done)
    said = (await world.said())[-1]
    assert (type(said), said.input_pass, world.relation.business_relation_name) == (Aligned, "release:1", NEW)


async def test_somebody_who_changes_the_record_at_that_moment_is_given_way(world, eventually):
    await seen_in_line(world, eventually)
    locked = world.qad.arm(
        "business_error", kind="business_relation", count=2, code="OPTIMISTIC_LOCK", field="", message="x"
    )
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done)
    assert (locked.fired, world.relation.business_relation_name) == (2, NEW)


class Deaf(RestCustomers):
    """A QAD that says yes and keeps what it has."""

    async def change(self, part, code, held, changes):
        await self._client.get(self._masters.of(part).path, self._keys(self._masters.of(part), code))


async def test_what_qad_says_yes_to_and_does_not_keep_parks(world, eventually):
    await seen_in_line(world, eventually)
    profile = world.qad.profile()
    world.books = Deaf(await world.qad.client(profile), profile)
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done)
    parked = (await world.said())[-1]
    assert (parked.reason.rule, "kept what it had" in parked.reason.message) == ("customer_not_changed", True)
    assert [type(one) for one in await world.said()] == [Aligned, Aligning, Aligned, Parked]


async def test_a_change_that_qad_never_answers_parks_and_holds_no_other_up(world, eventually):
    await world.make("COTHER", "BROTHER", account="a2")
    await world.account("a2")
    await seen_in_line(world, eventually)
    armed = world.qad.arm("http_500_before_commit", kind="business_relation")
    await world.account(called=NEW)
    await world.account("a2", status="Canceled")
    async with world.running():
        await eventually(world.all_is_done, within_s=30)
        others = world.qad.server.installation.books.master.catalogues["CORP"].customers["COTHER"]
        assert (armed.fired > 1, others.is_active, world.relation.business_relation_name) == (True, False, NAME)
        [parked] = [one for one in await world.said() if isinstance(one, Parked)]
        assert (parked.subject, parked.reason.rule) == ("account:a1", "customer_not_changed")
        assert ("never says" in parked.reason.message, "HTTP 500" in parked.said[0]) == (True, True)
        world.qad.control.disarm(id=armed.id)
        await world.write(Topic.DECISIONS, builders.released("account:a1"))
        await eventually(world.all_is_done)
    assert world.relation.business_relation_name == NEW


async def test_a_mapping_that_says_the_same_of_customers_asks_for_nothing(world, eventually):
    async with world.running():
        await world.publish(*EVERYTHING, version=2)
        await eventually(world.all_is_done)
        asked = len(world.qad.requests())
        world.relation.city = "Flensburg"
        await world.account(contact={"city": "Husum"})
        await eventually(world.all_is_done)
        assert len(world.qad.requests()) > asked
        asked = len(world.qad.requests())
        await world.publish(*EVERYTHING, version=3)
        await eventually(world.all_is_done)
        assert len(world.qad.requests()) == asked
        await world.publish("name", version=4)
        await eventually(world.all_is_done)
        assert len(world.qad.requests()) > asked
    assert (await world.said())[-1].left == {}


async def test_with_qad_away_it_stands_still_and_goes_on_by_itself(world, eventually):
    await seen_in_line(world, eventually)
    armed = world.qad.arm("down", count=5)
    await world.account(called=NEW)
    async with world.running():
        await eventually(world.all_is_done, within_s=30)
    assert (armed.fired, world.relation.business_relation_name) == (5, NEW)


async def test_what_was_not_looked_at_since_the_limit_was_reached_is_counted(world):
    await world.make("COTHER", "BROTHER", account="a2")
    await world.account("a2")
    world.customer.credit_terms_code = "NET0"

    async def partitions():
        return {builders.CONNECTION: 0}

    @asynccontextmanager
    async def qad(_name, profile):
        yield await world.qad.client(profile)

    connections = {builders.CONNECTION: SimpleNamespace(align_customers=True)}
    site = SimpleNamespace(cluster=world.cluster, config=SimpleNamespace(connections=connections))
    wiring = SimpleNamespace(profile=lambda _name: world.qad.profile(), partitions=partitions, qad=qad, site=site)
    found = await look_dry(wiring, builders.CONNECTION, limit=1)
    assert ([row.customer for row in found.customers], found.looked_at, found.in_all) == ([CODE], 1, 2)
    found = await look_dry(wiring, builders.CONNECTION, limit=9)
    assert (found.looked_at, found.in_all, found.stops) == (2, 2, ())
