"""Customers that people approved, made in a real QAD off a real broker: once, in order, whatever is lost on the way."""

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest

from adapters.kafka.cluster import started
from adapters.kafka.customer_lane import CustomerLane
from adapters.kafka.log_worker import LogWorker
from adapters.kafka.publishing import Publisher
from adapters.kafka.reader import read_whole
from adapters.qad.rest.customers import RestCustomers
from schemas.codec import encode
from schemas.decisions import CustomerApproved
from schemas.events import read_outcome
from schemas.mapping import CustomerRules
from schemas.outcomes import Parked, Written
from schemas.parties import party_of
from schemas.topics import Topic
from streams.customers.creating import codes_of, values_of
from streams.customers.spec import SPEC, STAGE
from streams.customers.wanted import Rules, wanted_of
from tests.adapters.qad_company import DIALECTS, QadCompany, qad_company
from tests.unit import builders

NAME = 'Müller, Söhne & "Partner" GmbH'
CONTACT = {"id": "c1", "address1": "Domkloster 4", "city": "Köln", "postalCode": "50667", "country": "Germany"}
NUMBER = "A-777"
AT = datetime(2026, 3, 10, tzinfo=UTC)


@dataclass
class Making:
    """One connection, its QAD, and the log between the people and the lane."""

    cluster: object
    qad: QadCompany
    publisher: Publisher
    books: RestCustomers

    async def write(self, topic: Topic, event) -> int:
        async with started(self.cluster.producer(), self.cluster) as producer:
            told = await producer.send_and_wait(self.cluster.name(topic), encode(event), key=b"k", partition=0)
        return told.offset

    async def approve(self, customer: str = "C0777", relation: str = "BR777", **more) -> None:
        """Approve a customer as the command does."""
        record = builders.account("acc7", number=NUMBER, name_=NAME, billTo=CONTACT, vATId="DE777", currency="EUR")
        parent = bytes(record.parent).replace(b'"name_"', b'"name"')
        record = msgspec.structs.replace(record, parent=msgspec.Raw(parent))
        origin = await self.write(Topic.RECORDS, record)
        masters = self.qad.profile().customers
        rules = Rules(terms={"Net 30": "NET30"}, countries=masters.countries, lengths=masters.lengths)
        values = values_of(wanted_of(party_of(record), rules), relation)
        decision = CustomerApproved(
            connection=builders.CONNECTION,
            by="ada",
            at=AT,
            account_id="acc7",
            account_number=NUMBER,
            customer=customer,
            relation=relation,
            origin=origin,
            approved_by="grace",
            **{"content_hash": masters.content_hash(codes_of(customer, relation), values), **more},
        )
        await self.write(Topic.DECISIONS, decision)

    async def said(self):
        records = await read_whole(self.cluster, 0, [Topic.OUTCOMES])
        return [one for one in (read_outcome(record.value) for record in records) if one.stage == STAGE]

    async def has_said(self, count: int) -> None:
        assert len(await self.said()) >= count

    @property
    def catalogue(self):
        return self.qad.server.installation.books.master.catalogues["CORP"]

    @property
    def relations(self):
        return self.qad.server.installation.books.master.business_relations

    @asynccontextmanager
    async def running(self):
        masters = self.qad.profile().customers

        def make_lane(partition: int) -> CustomerLane | None:
            if partition:
                return None
            return CustomerLane(
                cluster=self.cluster,
                connection=builders.CONNECTION,
                partition=0,
                books=self.books,
                countries=masters.countries,
                lengths=masters.lengths,
                publisher=self.publisher,
            )

        task = asyncio.create_task(LogWorker(self.cluster, SPEC, slot="0", make_lane=make_lane).run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def speaks():
    return "house"


@pytest.fixture
async def making(cluster, tmp_path, monkeypatch, speaks):
    monkeypatch.setattr("adapters.kafka.customer_lane._PAUSE_MAX_S", 0.05)
    async with qad_company(tmp_path, speaks) as qad, Publisher(cluster) as publisher:
        profile = qad.profile()
        made = Making(cluster, qad, publisher, RestCustomers(await qad.client(profile), profile))
        await made.write(Topic.DECISIONS, builders.published(customers=CustomerRules(no_match="create")))
        yield made


@pytest.mark.parametrize("speaks", DIALECTS)
async def test_an_approved_customer_is_made_record_by_record(making, eventually):
    before = len(making.catalogue.customers)
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(3))
    said = await making.said()
    assert [(one.part, one.code, one.how) for one in said] == [
        ("relation", "BR777", "made"),
        ("customer", "C0777", "made"),
        ("operations", "C0777", "changed"),
    ]
    relation, customer = making.relations["BR777"], making.catalogue.customers["C0777"]
    assert (relation.business_relation_name, relation.search_name) == (NAME, NAME[:28].strip())
    assert (relation.street, relation.city, relation.postal_code) == ("Domkloster 4", "Köln", "50667")
    assert (relation.country_code, relation.tax_id) == ("DE", "DE777")
    assert (customer.custom_short_0, customer.currency_code, customer.credit_terms_code) == (NUMBER, "EUR", "NET30")
    assert (customer.business_relation_code, customer.is_active, customer.tax_zone) == ("BR777", True, "NONE")
    assert customer.operations["10USA"].site_code == customer.operations["10USA"].daybook_set_code == "ZUORA"
    assert len(making.catalogue.customers) == before + 1
    # The next reading of the reference data finds it by QAD's field.
    references = await making.qad.references()
    shown = {one.code: one async for page in references.read("customers") for one in page}
    assert shown["C0777"].zuora_account == NUMBER


@pytest.mark.parametrize("part", ["business_relation", "customer", "operations"])
async def test_an_answer_that_is_lost_makes_nothing_twice(making, eventually, part):
    before = len(making.catalogue.customers), len(making.relations)
    armed = making.qad.arm("commit_then_reset", kind=part, count=1)
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(3))
    assert armed.fired == 1
    assert (len(making.catalogue.customers), len(making.relations)) == (before[0] + 1, before[1] + 1)
    assert [type(one) for one in await making.said()] == [Written] * 3
    assert making.catalogue.customers["C0777"].operations["10USA"].site_code == "ZUORA"


async def test_what_comes_again_is_found_and_nothing_of_it_is_written_over(making, eventually):
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(3))
        making.catalogue.customers["C0777"].operations["10USA"].site_code = "BY-HAND"
        making.catalogue.customers["C0777"].credit_terms_code = "NET0"
        await making.write(Topic.DECISIONS, builders.released("account:acc7"))
        await eventually(lambda: making.has_said(6))
    again = (await making.said())[3:]
    assert [(one.how, one.values, one.left) for one in again] == [
        ("found", {}, ()),
        ("found", {}, ()),
        ("found", {}, ("siteCode",)),
    ]
    assert {one.input_pass for one in again} == {"release:1"}
    assert making.catalogue.customers["C0777"].credit_terms_code == "NET0"


async def test_a_customer_that_got_another_name_since_is_still_the_one_that_was_made(making, eventually):
    """As one that follows its account does, whose account is released."""
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(3))
        making.relations["BR777"].business_relation_name = "Umbenannt GmbH"
        await making.write(Topic.DECISIONS, builders.released("account:acc7"))
        await eventually(lambda: making.has_said(4))
        await eventually(lambda: making.has_said(6))
    assert [(type(one), one.how) for one in (await making.said())[3:]] == [(Written, "found")] * 3
    assert making.relations["BR777"].business_relation_name == "Umbenannt GmbH"


async def test_a_customer_that_holds_the_account_already_is_not_made_again(making, eventually):
    making.qad.control.set_customer("CORP", "C0002", custom_short_0=NUMBER)
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(1))
    [parked] = await making.said()
    assert (parked.reason.rule, "C0002" in parked.reason.message) == ("customer_held", True)
    # Nor is a relation made that no customer has.
    assert ("C0777" in making.catalogue.customers, "BR777" in making.relations) == (False, False)


async def test_a_code_of_somebody_else_is_not_written_over(making, eventually):
    await making.approve(customer="C0001")
    async with making.running():
        await eventually(lambda: making.has_said(1))
    assert [one.reason.rule for one in await making.said()] == ["customer_code_taken"]
    assert making.catalogue.customers["C0001"].custom_short_0 == "A-00000001"
    assert "BR777" not in making.relations


async def test_a_code_that_somebody_takes_between_two_records_is_not_written_over(making, eventually):
    keyed = asyncio.create_task(_key_when_related(making))
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(2))
    await keyed
    assert [type(one) for one in await making.said()] == [Written, Parked]
    assert (await making.said())[-1].reason.rule == "customer_code_taken"
    assert making.catalogue.customers["C0777"].custom_short_0 == "ELSE"


async def _key_when_related(making) -> None:
    """Key a customer under the code as soon as the relation stands there."""
    making.qad.control.change_settings({"traffic": {"latency_ms": 150}})
    while "BR777" not in making.relations:  # noqa: ASYNC110 - the stand-in sets no event
        await asyncio.sleep(0.005)
    like = making.catalogue.customers["C0001"]
    making.catalogue.customers["C0777"] = msgspec.structs.replace(like, customer_code="C0777", custom_short_0="ELSE")


async def test_nothing_else_is_written_than_what_was_approved(making, eventually):
    await making.approve(content_hash="of something else")
    async with making.running():
        await eventually(lambda: making.has_said(1))
    [parked] = await making.said()
    assert (type(parked), parked.reason.rule) == (Parked, "customer_changed_since")
    assert not [call for call in making.qad.requests() if call.is_write and call.kind != "token"]


async def test_a_site_that_does_not_allow_it_makes_none(making, eventually):
    await making.write(Topic.DECISIONS, builders.published(2))
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(1))
    assert [one.reason.rule for one in await making.said()] == ["customer_not_allowed"]


async def test_what_qad_refuses_parks_and_goes_on_when_it_is_released(making, eventually):
    profiles = making.catalogue.control_profiles
    held = profiles.pop("CUSTPRE")
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(2))
        parked = (await making.said())[-1]
        assert (parked.reason.rule, bool(parked.said)) == ("customer_refused", True)
        profiles["CUSTPRE"] = held
        await making.write(Topic.DECISIONS, builders.released("account:acc7"))
        await eventually(lambda: making.has_said(5))
    assert [(type(one), getattr(one, "how", "")) for one in (await making.said())[2:]] == [
        (Written, "found"),
        (Written, "made"),
        (Written, "changed"),
    ]


async def test_with_qad_away_it_stands_still_and_goes_on_by_itself(making, eventually):
    armed = making.qad.arm("down", count=5)
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(3), within_s=30)
    assert armed.fired == 5
    assert "C0777" in making.catalogue.customers


async def test_a_record_that_somebody_changes_meanwhile_is_read_again(making, eventually):
    armed = making.qad.arm("business_error", kind="operations", count=2, code="OPTIMISTIC_LOCK", field="", message="x")
    await making.approve()
    async with making.running():
        await eventually(lambda: making.has_said(3))
    assert armed.fired == 2
    assert making.catalogue.customers["C0777"].operations["10USA"].site_code == "ZUORA"
