"""What is to stand in QAD of an account, and what is done with a record that is there: lengths, names, nothing over."""

import pytest

from schemas.parties import Contact, Party
from streams.customers.settling import filled, made
from streams.customers.wanted import CUSTOMER, RELATION, Rules, wanted_of

RULES = Rules(terms={"Net 30": "NET30"}, countries={"Germany": "DE"}, lengths={"name": 36})


def party(name="Birke GmbH", **more) -> Party:
    fields = {"id": "a", "account_number": "A-1", "name": name, "currency": "EUR", "payment_term": "Net 30"}
    return Party(**{**fields, **more})


@pytest.mark.parametrize(
    "name", ['"Quoted" & Sons, Ltd.', "Müller, Söhne und Töchter", "O'Brien", "日本計器株式会社", "Ünïcødé ß"]
)
def test_a_name_goes_over_as_it_is(name):
    wanted = wanted_of(party(name), RULES)
    assert (wanted.values[RELATION]["name"], wanted.problems) == (name, {})


def test_a_search_name_is_the_name_cut_to_28_and_no_blank_at_its_end():
    name = "Vereinigte Maschinenwerke A G Stuttgart"[:36]
    search = wanted_of(party(name), RULES).values[RELATION]["search_name"]
    assert search == "Vereinigte Maschinenwerke A"
    assert len(search) <= 28


def test_what_says_who_it_is_is_never_cut():
    wanted = wanted_of(party("x" * 37, account_number="A-" + "1" * 19), RULES)
    assert wanted.problems == {
        "name": "name has 37 characters, QAD holds 36",
        "zuora_account": "zuora_account has 21 characters, QAD holds 20",
    }
    assert wanted_of(party("x" * 37), RULES, name="short").problems == {}
    assert "search_name" in wanted_of(party(), RULES, search_name="y" * 29).problems


def test_terms_that_the_mapping_does_not_know_are_a_problem_and_no_terms_are_none():
    assert "Net 90" in wanted_of(party(payment_term="Net 90"), RULES).problems["terms"]
    wanted = wanted_of(party(payment_term=None), RULES)
    assert (wanted.problems, "terms" in wanted.values[CUSTOMER]) == ({}, False)


def test_an_account_without_a_name_makes_no_customer():
    assert "name" in wanted_of(party("  "), RULES).problems


def test_an_address_goes_over_line_by_line_and_what_is_blank_is_not_said():
    contact = Contact(address1="Domkloster 4\n2. OG", city="Köln", country="Germany", postal_code="50667")
    relation = wanted_of(party(bill_to=contact), RULES).values[RELATION]
    assert relation["street"] == "Domkloster 4 2. OG"
    assert (relation["country"], "state" in relation, "tax_id" in relation) == ("DE", False, False)
    assert wanted_of(party(bill_to=Contact(country="Atlantis")), RULES).values[RELATION]["country"] == "Atlantis"


def test_its_values_are_not_shown():
    assert "Birke" not in repr(wanted_of(party(), RULES))


def test_a_record_that_is_there_is_the_one_that_was_meant_or_somebody_elses():
    wanted = {"name": "Birke", "city": "Köln"}
    assert (made(RELATION, None, wanted).how, made(RELATION, None, wanted).values) == ("make", wanted)
    assert made(RELATION, {"name": "Birke  ", "city": "Bonn"}, wanted).how == "found"
    assert made(RELATION, {"name": "Buche", "city": "Köln"}, wanted).how == "conflict"
    assert made(CUSTOMER, {"zuora_account": ""}, {"zuora_account": "A-1"}).how == "conflict"


def test_only_what_is_blank_is_filled():
    step = filled({"siteCode": "", "daybookSetCode": "OURS"}, {"siteCode": "Z", "daybookSetCode": "Z"})
    assert (step.how, step.values, step.left) == ("change", {"siteCode": "Z"}, ("daybookSetCode",))
    assert filled({"siteCode": "Z"}, {"siteCode": "Z"}).how == "found"
