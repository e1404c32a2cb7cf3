"""Proposals: who resembles an account, in which order, and in which words; names as people write them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.parties import Contact, Party
from schemas.references import Customer
from streams.match.proposals import SCORE_MIN, Proposer


def customer(code: str, name: str = "", **more) -> Customer:
    return Customer(**{"code": code, "active": True, "currency": "EUR", "name": name, **more})


def party(name: str, *, tax_id: str = "", **address) -> Party:
    bill_to = Contact(**address) if address else None
    return Party(id="a1", account_number="A-1", name=name, currency="EUR", vat_id=tax_id or None, bill_to=bill_to)


BIRKE = customer("C2", "Birke Maschinenbau GmbH", postal_code="70173", tax_id="DE 123", email_domain="birke.example")
OTHERS = (
    customer("C1", "Alder Analytics Inc.", postal_code="02110", email_domain="alder.example"),
    customer("C3", "Birkenhof Molkerei AG", postal_code="70173"),
    customer("C4", "Maschinenbau Buche KG", postal_code="80331"),
)


def best(asked: Party, *customers: Customer):
    return Proposer(customers or (BIRKE, *OTHERS)).proposals(asked)


@pytest.mark.parametrize(
    "name",
    [
        "Birke Maschinenbau GmbH",
        "BIRKE MASCHINENBAU",
        "Maschinenbau Birke, GmbH",
        '"Birke" Maschinenbau G.m.b.H.',
        "Birke Maschinenbu GmbH",
        "Pirke Maschinenbau GmbH",
    ],
)
def test_a_name_is_found_however_it_is_written(name):
    first = best(party(name))[0]
    assert (first.customer, first.name) == ("C2", "Birke Maschinenbau GmbH")
    assert first.score >= 70


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Müller & Söhne GmbH", "Mueller und Soehne GmbH"),
        ("Société Générale d'Électricité, S.A.", "Societe Generale d Electricite SA"),
        ('O\'Brien, Smith "and" Partners Ltd.', "OBrien Smith and Partners Limited"),
        ("Łódź Handel sp.", "Lodz Handel"),
    ],
)
def test_umlauts_accents_quotes_and_commas_part_nobody(ours, theirs):
    [first] = best(party(ours), customer("C9", theirs))
    assert first.customer == "C9"


def test_more_that_agrees_ranks_higher_and_says_so():
    alone, *_ = best(party("Birke Maschinenbau"))
    placed, *_ = best(party("Birke Maschinenbau", postal_code="70 173"))
    sure, *_ = best(party("Birke Maschinenbau", postal_code="70173", tax_id="de123", work_email="ap@Birke.example"))
    assert alone.score < placed.score < sure.score == 100
    assert sure.reasons == ("same tax id", "name 100 % alike", "same postal code", "same e-mail domain")
    other, *_ = best(party("Birke Maschinenbau", postal_code="99999"))
    assert other.score < alone.score
    assert "another postal code" in other.reasons


def test_a_tax_id_finds_who_is_called_otherwise():
    first, *_ = best(party("BMB Holding", tax_id="DE123"))
    assert first.customer == "C2"
    assert first.reasons[0] == "same tax id"


def test_the_tax_id_may_stand_in_a_field_of_the_site():
    [first] = Proposer([BIRKE]).proposals(party("BMB Holding"), tax_id="DE123")
    assert "same tax id" in first.reasons


def test_a_search_name_that_is_cut_is_the_name():
    long = "Vereinigte Maschinenfabriken Sankt Augustin und Umgebung"
    [first] = best(party(long), customer("C9", search_name=long[:28]))
    assert first.reasons == ("name 100 % alike",)


def test_what_a_person_must_know_is_said():
    held = customer("C2", "Birke", active=False, held=True, currency="USD", zuora_account="A-2")
    [first] = best(party("Birke"), held)
    assert first.reasons[1:] == (
        "QAD holds it for account A-2",
        "is not active in QAD",
        "is on credit hold in QAD",
        "takes USD, the account is in EUR",
    )


def test_who_resembles_nobody_gets_no_proposal():
    assert best(party("Zzyzx Quarry")) == []
    assert best(party("")) == []
    assert best(party("Birke"), msgspec.structs.replace(BIRKE, gone=True)) == []


def test_a_domain_of_everybody_says_nothing():
    crowd = [customer(f"M{number}", f"Firm {number}", email_domain="mail.example") for number in range(60)]
    found = best(party("Birke Maschinenbau", work_email="birke@mail.example"), BIRKE, *crowd)
    assert [one.customer for one in found] == ["C2"]
    assert not [reason for reason in found[0].reasons if "domain" in reason and "another" not in reason]


def test_neither_a_tax_id_nor_an_address_is_shown():
    found = best(party("Birke", tax_id="DE123", postal_code="70173", work_email="ada@birke.example"))
    told = msgspec.json.encode(found).decode()
    assert not [secret for secret in ("DE123", "de123", "70173", "ada@", "birke.example") if secret in told]


@given(some.lists(some.text(max_size=30), max_size=8), some.text(max_size=60))
def test_any_names_are_ranked_and_none_fails(names, name):
    found = best(party(name), *(customer(f"C{number}", one) for number, one in enumerate(names)), BIRKE)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(SCORE_MIN <= one.score <= 100 for one in found)


def test_the_same_comes_out_in_whatever_order_customers_are_shown():
    asked = party("Birke", postal_code="70173")
    assert best(asked, BIRKE, *OTHERS) == best(asked, *reversed(OTHERS), BIRKE)
