"""Customers over REST in each dialect of the stand-in: made, read, changed, who stands where, without other code."""

import msgspec
import pytest

from adapters.kafka.align_look import look_at
from adapters.qad.profiles.checks import load_profile
from adapters.qad.rest.customers import RestCustomers
from schemas.errors import Misconfigured, Refused, Rejected
from streams.customers.comparing import Base, Said, State, fingerprint
from streams.customers.wanted import CUSTOMER, OPERATIONS, RELATION
from tests.adapters.qad_company import DIALECTS, profile_text, qad_company, qxtend_template

RECORDS = {"name": "Nordlicht GmbH", "search_name": "Nordlicht", "street": "Kai 1", "city": "Kiel", "country": "DE"}


@pytest.fixture(params=DIALECTS)
async def qad(request, tmp_path):
    async with qad_company(tmp_path, request.param) as company:
        yield company


async def books_of(qad, profile=None):
    profile = profile or qad.profile()
    return RestCustomers(await qad.client(profile), profile)


async def make(books):
    await books.make(RELATION, "BRNEW", RECORDS)
    values = {"relation": "BRNEW", "currency": "EUR", "terms": "NET30", "zuora_account": "A-9", "active": True}
    await books.make(CUSTOMER, "CNEW", values)
    return values


def relation_of(qad, code="BRNEW"):
    return qad.server.installation.books.master.business_relations[code]


def customer_of(qad, code="CNEW"):
    return qad.server.installation.books.master.catalogues["CORP"].customers[code]


async def test_what_is_made_reads_as_it_was_said(qad):
    books = await books_of(qad)
    values = await make(books)
    relation, customer = await books.read(RELATION, "BRNEW"), await books.read(CUSTOMER, "CNEW")
    assert {word: relation.values[word] for word in RECORDS} == RECORDS
    assert customer.values == values
    assert customer_of(qad).is_taxable is False
    assert await books.read(CUSTOMER, "NOBODY") is None
    assert (await books.holders("A-9"), await books.under("BRNEW"), await books.under("BRNONE")) == (
        ["CNEW"],
        ["CNEW"],
        [],
    )


async def test_a_change_touches_what_it_names_and_nothing_else(qad):
    books = await books_of(qad)
    await make(books)
    held = await books.read(RELATION, "BRNEW")
    await books.change(RELATION, "BRNEW", held, {"city": "Lübeck", "street": ""})
    customer = await books.read(CUSTOMER, "CNEW")
    await books.change(CUSTOMER, "CNEW", customer, {"active": False})
    relation = relation_of(qad)
    assert (relation.city, relation.street, relation.business_relation_name) == ("Lübeck", "", "Nordlicht GmbH")
    assert (customer_of(qad).is_active, customer_of(qad).credit_terms_code) == (False, "NET30")
    assert (await books.read(CUSTOMER, "CNEW")).values["active"] is False
    # What was read is not touched by what was sent.
    assert held.values["city"] == "Kiel"


async def test_what_somebody_changed_since_it_was_read_is_not_written_over(qad):
    books = await books_of(qad)
    await make(books)
    held = await books.read(RELATION, "BRNEW")
    relation_of(qad).city = "Flensburg"
    with pytest.raises(Rejected) as refused:
        await books.change(RELATION, "BRNEW", held, {"city": "Lübeck"})
    assert refused.value.reason_class == "changed_meanwhile"
    assert relation_of(qad).city == "Flensburg"


async def test_the_domain_record_is_read_and_filled(qad):
    books = await books_of(qad)
    await make(books)
    held = await books.read(OPERATIONS, "CNEW")
    assert set(held.fixed.values()) == {""}
    await books.change(OPERATIONS, "CNEW", held, books.template(OPERATIONS))
    assert customer_of(qad).operations["10USA"].site_code == "ZUORA"


async def test_what_is_not_confirmed_reads_and_writes_nothing(qad):
    profile = qad.profile(qad.profile_text().replace("[customers]\n", "[customers]\nconfirmed = false\n"))
    books = await books_of(qad, profile)
    held = await books.read(CUSTOMER, "C0001")
    with pytest.raises(Refused, match="not confirmed"):
        await books.change(CUSTOMER, "C0001", held, {"active": False})
    assert customer_of(qad, "C0001").is_active


async def test_without_a_column_of_relations_nobody_can_say_who_shares_one(qad):
    profile = qad.profile()
    columns = {word: name for word, name in profile.browses["customers"].columns.items() if word != "relation"}
    browse = msgspec.structs.replace(profile.browses["customers"], columns=columns)
    books = await books_of(qad, msgspec.structs.replace(profile, browses={**profile.browses, "customers": browse}))
    assert await books.under("BR0001") is None


async def test_where_documents_go_through_qxtend_customers_go_over_rest(tmp_path):
    async with qad_company(tmp_path) as qad:
        books = await books_of(qad, qad.profile(qxtend_template()))
        await make(books)
        assert customer_of(qad).business_relation_code == "BRNEW"


def test_a_yes_that_is_a_no_is_refused_with_its_line(tmp_path):
    path = tmp_path / "profile.toml"
    text = profile_text("http://127.0.0.1:1").replace("[customers]\n", "[customers]\nyes = false\n")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"\[customers\] yes and no say the same"):
        load_profile(path)


async def test_a_record_without_a_version_is_not_changed(qad):
    """Nobody could tell then that somebody else has changed it meanwhile."""
    profile = qad.profile()
    masters = msgspec.structs.replace(profile.customers, concurrency="nothing")
    books = await books_of(qad, msgspec.structs.replace(profile, customers=masters))
    values = await make(books)
    base = Base(alike={"terms": fingerprint("CNEW", "terms", values["terms"])})
    with pytest.raises(Misconfigured, match=r"\[customers\] concurrency"):
        await look_at(books, "CNEW", {"terms": Said(values={"terms": "NET0"})}, base)
    look = await look_at(books, "CNEW", {"terms": Said(values={"terms": "NET30"})}, base)
    assert [line.state for line in look.lines] == [State.IN_LINE]
