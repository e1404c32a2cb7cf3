"""What the log says of customers is folded: which base counts, whose accounts share one, what is said anew."""

from datetime import UTC, datetime

import pytest

from schemas.codec import encode
from schemas.decisions import CustomerApproved
from schemas.mapping import CustomerRules
from schemas.matching import AccountSeen
from schemas.outcomes import Aligned, Aligning, Parked, Written
from schemas.topics import Topic
from streams.customers.aligning import Refusal, Shared
from streams.customers.asked import asked_by
from streams.customers.bases import Bases
from streams.customers.comparing import Line, Said, State, compare, fingerprint
from streams.customers.known import Known
from tests.unit import builders

AT = datetime(2026, 3, 10, tzinfo=UTC)
HEAD = {"connection": builders.CONNECTION, "subject": "account:a1", "document": "account:a1", "number": "A-1"}


def seen(name="a1", **more):
    fields = {"connection": builders.CONNECTION, "id": name, "number": f"A-{name}", "origin": 7, "record_id": "r"}
    return AccountSeen(**{**fields, "stamp": "", "currency": "EUR", "claimed_by": (builders.CONNECTION,), **more})


def approved(**more):
    fields = {"connection": builders.CONNECTION, "by": "ada", "at": AT, "account_id": "a1", "account_number": "A-1"}
    fields |= {"customer": "C1", "relation": "BR1", "origin": 3, "content_hash": "h", "approved_by": "grace"}
    return CustomerApproved(**{**fields, **more})


def written(part, code, how="made", **values):
    return Written(**HEAD, stage="customers", origin=1, part=part, code=code, how=how, values=values)


def aligned(customer="C1", base=None, left=None, document="account:a1", **more):
    head = {**HEAD, "subject": document, "document": document}
    return Aligned(**head, stage="align", origin=7, customer=customer, base=base or {}, left=left or {}, **more)


def alike(bases, customer="C1", documents=("account:a1",)):
    return dict(bases.of(customer, documents).alike)


def test_what_a_customer_was_made_with_is_a_base():
    bases = Bases()
    bases.approved(approved())
    bases.take(written("relation", "BR1", name="Birke", search_name="Birke", city="Kiel", tax_id="DE1"))
    bases.take(written("customer", "C1", terms="NET30", active=True, relation="BR1"))
    assert alike(bases) == {
        word: fingerprint("C1", word, value)
        for word, value in {
            **dict.fromkeys(("street", "street2", "state", "postal_code", "country"), ""),
            "name": "Birke",
            "search_name": "Birke",
            "city": "Kiel",
            "terms": "NET30",
            "active": True,
        }.items()
    }


@pytest.mark.parametrize("chosen", [{"name": "BIRKE"}, {"search_name": "BIRKE"}])
def test_a_name_that_a_person_chose_is_no_base(chosen):
    bases = Bases()
    bases.approved(approved(**chosen))
    bases.take(written("relation", "BR1", name="BIRKE", search_name="BIRKE", city="Kiel"))
    assert "name" not in alike(bases)
    assert "city" in alike(bases)


@pytest.mark.parametrize(
    "outcome",
    [
        written("relation", "BR1", how="found", name="Birke"),
        written("relation", "BR-OF-ANOTHER", name="Birke"),
        written("customer", "C9", terms="NET30"),
    ],
)
def test_what_was_found_or_made_for_another_approval_is_no_base(outcome):
    bases = Bases()
    bases.approved(approved())
    bases.take(outcome)
    assert alike(bases) == {}


def test_a_base_is_of_an_account_and_its_customer_and_shared_only_where_all_have_it():
    bases = Bases()
    bases.take(aligned(base={"name": "x", "terms": "t"}))
    assert alike(bases) == {"name": "x", "terms": "t"}
    assert alike(bases, documents=("account:a1", "account:a2")) == {}
    bases.take(aligned(base={"name": "x", "terms": "u"}, document="account:a2"))
    assert alike(bases, documents=("account:a1", "account:a2")) == {"name": "x"}
    # What was alike stays the base while it is not; another customer begins anew.
    bases.take(aligned(base={"terms": "v"}, left={"name": "differs"}))
    assert alike(bases) == {"name": "x", "terms": "v"}
    bases.take(aligned(customer="C2", base={"terms": "v"}))
    assert (alike(bases), alike(bases, customer="C2")) == ({}, {"terms": "v"})


def test_an_intent_is_known_until_what_became_of_it_is_said():
    bases = Bases()
    intent = Aligning(**HEAD, stage="align", origin=7, customer="C1", part="relation", code="BR1", words={"name": "y"})
    bases.take(aligned(base={"name": "x"}))
    bases.take(intent)
    bases.take(intent)
    assert bases.of("C1", ["account:a1"]).knows("name", "y")
    bases.take(aligned(base={"name": "y"}))
    assert bases.of("C1", ["account:a1"]).meant == {}


def test_an_intent_of_an_account_that_has_gone_is_no_base_of_the_one_that_came():
    """Killed before its end was said, unlinked meanwhile: what QAD shows is not the next account's to write over."""
    bases = Bases()
    bases.take(aligned(base={"name": fingerprint("C1", "name", "Birke")}))
    meant = {"name": fingerprint("C1", "name", "Birke SE")}
    bases.take(Aligning(**HEAD, stage="align", origin=7, customer="C1", part="relation", code="BR1", words=meant))
    said, held = Said(values={"name": "Somebody else AG"}), {"name": "Birke SE"}
    assert compare("C1", "name", said, held, bases.of("C1", ["account:a1"])).state is State.WRITE
    for documents in (["account:a9"], ["account:a1", "account:a9"]):
        assert compare("C1", "name", said, held, bases.of("C1", documents)).state is State.NEVER_IN_LINE


# -- whose customer it is ----------------------------------------------------------------------------------------------


def known_of(*events, **rules):
    known = Known(builders.CONNECTION)
    rules = CustomerRules(**{"account_field": "QADCustomer__c", **rules})
    known.take(Topic.DECISIONS, encode(builders.published(customers=rules)))
    for topic, event in events:
        known.take(topic, encode(event))
    return known


def customers(*codes):
    return [(Topic.QAD_REFERENCE, builders.customer(code, zuora_account=account)) for code, account in codes]


def test_accounts_that_share_a_customer_are_found_by_the_rules_and_links():
    known = known_of(
        *customers(("C1", "A-a1"), ("C2", "")),
        (Topic.MATCHED, seen("a1")),
        (Topic.MATCHED, seen("a2")),
        (Topic.MATCHED, seen("a3")),
        (Topic.DECISIONS, builders.linked("C1", "a2")),
    )
    assert {code: [one.id for one in found] for code, found in known.sharing().items()} == {"C1": ["a1", "a2"]}
    known.take(Topic.DECISIONS, encode(builders.unlinked("C1", "a2")))
    assert [one.id for one in known.sharing()["C1"]] == ["a1"]


def test_rules_that_name_two_customers_name_none_and_a_customer_that_qad_does_not_show_is_none():
    known = known_of(
        *customers(("C1", "A-a1"), ("C2", "")),
        (Topic.MATCHED, seen("a1", customer_code="C2")),
        (Topic.MATCHED, seen("a2", customer_code="GONE")),
    )
    assert known.sharing() == {}


def test_an_account_that_two_connections_claim_shares_and_one_of_another_does_not():
    known = known_of(
        *customers(("C1", "A-a1")),
        (Topic.MATCHED, seen("a1")),
        (Topic.MATCHED, seen("a2", customer_code="C1", claimed_by=(builders.CONNECTION, "other"))),
        (Topic.MATCHED, seen("a3", customer_code="C1", claimed_by=("other",))),
    )
    assert [one.id for one in known.sharing()["C1"]] == ["a1", "a2"]


def test_a_batch_asks_for_accounts_customers_and_everything_and_nothing_else():
    asked = asked_by(
        (topic, encode(event))
        for topic, event in [
            (Topic.MATCHED, seen("a1")),
            (Topic.DECISIONS, builders.linked("C1", "a2")),
            (Topic.DECISIONS, builders.released("account:a3")),
            *customers(("C1", "")),
        ]
    )
    assert (asked.accounts, asked.released, asked.customers, asked.everything) == (
        {"a1", "a2"},
        {"account:a3"},
        {"C1"},
        False,
    )
    assert not asked_by([(Topic.MATCHED, b"no json"), (Topic.DECISIONS, b"{")])
    assert asked_by([(Topic.DECISIONS, encode(builders.published()))]).everything


# -- what is said ------------------------------------------------------------------------------------------------------

SHARED = Shared(connection=builders.CONNECTION, customer="C1", accounts=[seen("a1"), seen("a2")])


def line(state, *, was_in_line=False, base=None, why=""):
    return Line(field="name", part="relation", state=state, was_in_line=was_in_line, base=base or {}, why=why)


def told(bases, *lines, refusal=None, shared=SHARED):
    outcomes = list(shared.outcomes(list(lines), refusal, bases))
    for one in outcomes:
        bases.take(one)
    return [(type(one), one.subject, getattr(one, "reason", None) and one.reason.rule) for one in outcomes]


def test_the_same_is_said_once_of_each_account():
    bases = Bases()
    in_line = line(State.IN_LINE, base={"name": "x"})
    assert told(bases, in_line) == [(Aligned, "account:a1", None), (Aligned, "account:a2", None)]
    assert told(bases, in_line) == []
    left = line(State.OWNED, was_in_line=True)
    assert len(told(bases, left)) == 2
    assert told(bases, left) == []


@pytest.mark.parametrize(
    ("one", "refusal", "rule"),
    [
        (line(State.DIFFERS, was_in_line=True), None, "customer_differs"),
        (line(State.NOT_HELD, was_in_line=True, why="too long"), None, "customer_not_held"),
        (line(State.WRITE, was_in_line=True), Refusal(words=("name",), said=("no",)), "customer_not_changed"),
        (line(State.WRITE, was_in_line=True), Refusal(words=("name",), kept=True), "customer_not_changed"),
    ],
)
def test_what_was_alike_and_cannot_flow_calls_a_person_until_it_is(one, refusal, rule):
    bases = Bases()
    first = told(bases, one, refusal=refusal)
    assert first[:2] == [(Aligned, "account:a1", None), (Parked, "account:a1", rule)]
    assert told(bases, one, refusal=refusal) == []
    asked = Shared(
        **{**{name: getattr(SHARED, name) for name in SHARED.__struct_fields__}, "passes": {"a1": "release:1"}}
    )
    assert told(bases, one, refusal=refusal, shared=asked) == first[:2]
    assert told(bases, line(State.IN_LINE, base={"name": "x"})) == [
        (Aligned, "account:a1", None),
        (Aligned, "account:a2", None),
    ]


@pytest.mark.parametrize("state", [State.NEVER_IN_LINE, State.OWNED, State.DISAGREE, State.SHARED, State.NOT_TOLD])
def test_what_is_qads_calls_nobody(state):
    assert {kind for kind, *_ in told(Bases(), line(state, was_in_line=state is not State.NEVER_IN_LINE))} == {Aligned}


def test_an_account_that_goes_nowhere_now_is_parked_no_more():
    known = known_of(*customers(("C1", "A-a1")), (Topic.MATCHED, seen("a1")))
    told(
        known.bases,
        line(State.DIFFERS, was_in_line=True),
        shared=Shared(connection=builders.CONNECTION, customer="C1", accounts=[known.accounts["a1"]]),
    )
    assert list(known.ended(known.sharing())) == []
    [ended] = known.ended({})
    assert (type(ended), ended.subject, ended.customer) == (Aligned, "account:a1", "")
    known.bases.take(ended)
    assert list(known.ended({})) == []
