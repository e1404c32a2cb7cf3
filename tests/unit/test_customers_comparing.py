"""A comparison of three: what Zuora says, what QAD says, and what both said before. What QAD owns is never written."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.parties import Contact, Party
from streams.customers.comparing import FIELDS, Base, Said, State, compare, fingerprint, joined, unchanged
from streams.customers.saying import stated
from streams.customers.wanted import Rules

C = "C0001"
ADDRESS = {"street": "Kai 1", "city": "Kiel", "postal_code": "24103"}
RULES = Rules(terms={"Net 30": "NET30"}, countries={"Germany": "DE"}, lengths={"name": 36, "street": 10})


def base_of(values, **meant):
    alike = {word: fingerprint(C, word, value) for word, value in values.items()}
    return Base(alike=alike, meant={word: frozenset({fingerprint(C, word, value)}) for word, value in meant.items()})


def line_of(field, zuora, qad, base):
    return compare(C, field, Said(values=zuora), qad, base)


def test_a_value_that_changed_in_zuora_alone_is_written():
    line = line_of("name", {"name": "New"}, {"name": "Old"}, base_of({"name": "Old"}))
    assert (line.state, line.writes) == (State.WRITE, {"name": "New"})


@pytest.mark.parametrize(
    ("zuora", "qad", "base", "state"),
    [
        ("A", "A", {}, State.IN_LINE),
        ("A", "A  ", {"name": "Z"}, State.IN_LINE),
        ("A", "B", {}, State.NEVER_IN_LINE),
        ("A", "B", {"name": "A"}, State.OWNED),
        ("A", "B", {"name": "C"}, State.DIFFERS),
    ],
)
def test_everything_else_is_left(zuora, qad, base, state):
    line = line_of("name", {"name": zuora}, {"name": qad}, base_of(base))
    assert (line.state, line.writes) == (state, {})
    assert line.was_in_line == (bool(base) and state is not State.IN_LINE)


def test_what_we_meant_is_ours_also_when_zuora_says_something_newer():
    line = line_of("name", {"name": "Third"}, {"name": "Second"}, base_of({"name": "First"}, name="Second"))
    assert (line.state, line.writes) == (State.WRITE, {"name": "Third"})


def test_an_address_is_written_whole_or_not_at_all():
    base, moved = base_of(ADDRESS), {**ADDRESS, "street": "Deich 2", "city": "Husum"}
    assert line_of("address", moved, ADDRESS, base).writes == {"street": "Deich 2", "city": "Husum"}
    touched = {**ADDRESS, "postal_code": "24100"}
    line = line_of("address", moved, touched, base)
    assert (line.state, line.writes) == (State.DIFFERS, {})
    # Who has written a part of it in QAD already has written nothing else.
    assert line_of("address", moved, {**ADDRESS, "street": "Deich 2"}, base).writes == {"city": "Husum"}


def test_a_word_that_zuora_empties_is_emptied_and_one_the_profile_does_not_map_is_not_written():
    base = base_of(ADDRESS)
    assert line_of("address", {**ADDRESS, "street": "", "state": "SH"}, ADDRESS, base).writes == {"street": ""}
    assert line_of("terms", {"terms": "NET30"}, {"active": True}, Base()).state is State.NOT_MAPPED


@pytest.mark.parametrize("state", [State.NOT_SAID, State.DISAGREE, State.NOT_HELD])
def test_where_zuora_has_no_value_to_go_by_nothing_is_written(state):
    line = compare(C, "name", Said(state=state), {"name": "Old"}, base_of({"name": "Old"}))
    assert (line.state, line.writes, line.was_in_line) == (state, {}, True)


TEXTS = st.sampled_from(["", "a", "b", "c"])
SOME = st.fixed_dictionaries(dict.fromkeys(FIELDS["address"][1], TEXTS))


@given(zuora=SOME, qad=SOME, alike=st.dictionaries(st.sampled_from(FIELDS["address"][1]), TEXTS), meant=SOME)
def test_a_value_that_qad_owns_is_never_written(zuora, qad, alike, meant):
    """Whatever the three say: written is only what both once had alike, where QAD has that still or what we meant."""
    line = line_of("address", zuora, qad, base_of(alike, **meant))
    ours = {word for word in qad if word in alike and qad[word] in (alike[word], meant[word])}
    assert set(line.writes) <= ours
    assert all(line.writes[word] == zuora[word] != qad[word] for word in line.writes)
    # Written is all of it, so that no address is of two places.
    if line.writes:
        assert {**qad, **line.writes} == zuora
    if line.state is State.IN_LINE:
        assert zuora == qad


@given(steps=st.lists(st.tuples(st.sampled_from(["zuora", "qad", "look"]), TEXTS), max_size=30))
def test_over_a_history_only_what_both_once_said_is_written_over(steps):
    """People write in both systems, and we look now and then."""
    zuora, qad, both, base = "a", "a", None, Base()
    for who, text in steps:
        if who == "zuora":
            zuora = text
        elif who == "qad":
            qad = text
        else:
            line = line_of("name", {"name": zuora}, {"name": qad}, base)
            if line.writes:
                assert qad == both
                qad = str(line.writes["name"])
            if qad == zuora:
                both, base = qad, base_of({"name": qad})


# -- what accounts say -------------------------------------------------------------------------------------------------


def party(**more):
    fields = {"id": "a", "account_number": "A-1", "name": "Birke", "currency": "EUR", "payment_term": "Net 30"}
    contact = Contact(address1="Kai 1", city="Kiel", country="Germany")
    return Party(**{**fields, "status": "Active", "bill_to": contact, **more})


def test_an_account_says_its_fields_in_the_words_of_qad():
    said = stated(party(), RULES)
    assert said["address"].values == {
        "street": "Kai 1", "street2": "", "city": "Kiel", "state": "", "postal_code": "", "country": "DE",
    }  # fmt: skip
    assert [said[field].values for field in ("name", "terms", "status")] == [
        {"name": "Birke"},
        {"terms": "NET30"},
        {"active": True},
    ]


@pytest.mark.parametrize("contact", [None, Contact(id="c")])
def test_a_contact_that_is_not_there_or_empty_says_nothing_of_an_address(contact):
    assert stated(party(bill_to=contact), RULES)["address"].state is State.NOT_SAID


def test_a_record_that_cannot_be_read_says_nothing():
    assert {one.state for one in stated(None, RULES).values()} == {State.NOT_SAID}


def test_what_qad_cannot_hold_is_said_without_the_value():
    said = stated(party(payment_term="Due", name="N" * 37, bill_to=Contact(address1="S" * 11, city="K")), RULES)
    assert [said[field].state for field in ("name", "terms", "address")] == [State.NOT_HELD] * 3
    assert "NNN" not in said["name"].why
    assert said["search_name"].values == {"search_name": "N" * 28}


@pytest.mark.parametrize(
    ("statuses", "active"),
    [
        (["Active", "Canceled"], True),
        (["Canceled", "Canceled"], False),
        (["Canceled", "Draft"], None),
        (["Draft"], None),
        (["Draft", "Active"], True),
    ],
)
def test_a_customer_is_active_as_long_as_one_of_its_accounts_is(statuses, active):
    said = joined("status", [stated(party(status=status), RULES)["status"] for status in statuses])
    assert said.values.get("active") is active
    assert (said.state is State.NOT_SAID) == (active is None)


def test_accounts_that_say_different_things_say_nothing_together():
    one, other = (stated(party(name=name), RULES)["name"] for name in ("Birke", "Ahorn"))
    assert joined("name", [one, one]) == one
    assert joined("name", [one, other]).state is State.DISAGREE
    assert joined("name", [one, Said(state=State.NOT_SAID)]).state is State.DISAGREE
    assert joined("name", []).state is State.NOT_SAID


def test_qad_is_not_asked_where_zuora_says_what_both_said():
    base = base_of({"name": "Birke", **ADDRESS})
    said = {"name": Said(values={"name": "Birke"}), "address": Said(values={**ADDRESS, "state": "SH"})}
    assert unchanged(C, said, base), "state is not mapped: it never was in QAD"
    assert not unchanged(C, said, msgspec.structs.replace(base, meant={"name": frozenset({"x"})}))
    assert not unchanged(C, {**said, "name": Said(values={"name": "Ahorn"})}, base)
    assert not unchanged(C, {**said, "terms": Said(values={"terms": "NET30"})}, base)


def test_no_value_is_shown():
    said = Said(values={"name": "Birke"})
    line = line_of("name", {"name": "Birke"}, {"name": "Old"}, base_of({"name": "Old"}))
    assert "Birke" not in repr(said) + repr(line) + repr(line.base)
    assert fingerprint("C1", "name", "x") != fingerprint("C2", "name", "x")
