"""The match stage: each record gets its customer or a reason, is decided anew when that can change, and never twice."""

import msgspec
import pytest

from schemas.codec import encode
from schemas.events import read_matched
from schemas.matching import AccountSeen, MatchRule
from schemas.topics import Topic
from streams.match.claims import Claim
from tests.unit import builders as zuora
from tests.unit.world import Crash, World, world

INVOICE = "invoice:inv1"
LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"


def standing(found: World, document: str = INVOICE) -> tuple[str, str]:
    return found.standing(document, "match")


def bare() -> World:
    """Return a world that knows QAD and the mapping, and no account yet."""
    return World(bare=True).put(*zuora.references(), zuora.published())


def test_a_document_gets_its_customer_and_says_by_which_rule_and_what_was_known():
    found = world().put(zuora.simple_invoice())
    (event,) = found.matched
    assert (event.customer, event.rule, event.account_number) == ("C1", MatchRule.QAD_FIELD, "A-1")
    assert (event.number, event.stamp, event.input_pass) == ("INV1", zuora.STAMP, "live")
    assert event.payment_term == "Net 30"
    assert event.origin == len(found.log[Topic.RECORDS]) - 1
    assert event.sides == {topic: len(found.log[topic]) - 1 for topic in ("decisions", "qad.reference")}
    assert standing(found) == ("", "")


def test_the_same_record_again_adds_nothing():
    found = world().put(zuora.simple_invoice())
    size = len(found.log[Topic.MATCHED]), len(found.log[Topic.OUTCOMES])
    found.put(zuora.simple_invoice(), zuora.simple_invoice(updated=LATER, balance=0), zuora.account())
    assert (len(found.log[Topic.MATCHED]), len(found.log[Topic.OUTCOMES])) == size


@pytest.mark.parametrize("change", [{"held": True}, {"active": False}, {"currency": "USD"}])
def test_the_same_record_again_asks_nothing_of_a_customer_that_changed_since(change):
    found = world().put(zuora.simple_invoice(), zuora.customer(**change))
    found.put(zuora.simple_invoice(updated=LATER, balance=0))
    assert standing(found) == ("", "")


def test_a_parked_document_that_comes_again_says_nothing_again():
    found = world().put(zuora.customer(gone=True), zuora.simple_invoice(), zuora.simple_invoice())
    found.put(zuora.simple_invoice(updated=LATER, balance=0))
    found.restart()
    found.put(zuora.simple_invoice(updated=LAST, balance=1))
    assert len([one for one in found.outcomes if one.subject == INVOICE]) == 1


def test_a_parked_document_that_comes_in_another_version_says_so():
    found = world().put(zuora.customer(gone=True), zuora.simple_invoice(), zuora.simple_invoice("120.00"))
    parked = [one for one in found.outcomes if one.subject == INVOICE]
    assert [(one.value, one.origin) for one in parked] == [(100, 1), (120, 2)]


def test_a_document_that_comes_back_to_the_version_that_was_matched_stands_still_no_more():
    """Its second version has no customer; the third is the first again, which the ledger knows."""
    found = world().put(zuora.simple_invoice(), zuora.customer(held=True))
    found.put(zuora.simple_invoice("120.00", updated=LATER))
    assert standing(found) == ("parked", "customer_unfit")
    found.put(zuora.simple_invoice(updated=LAST))
    assert (len(found.matched), standing(found)) == (1, ("released", ""))


def test_a_replayed_document_whose_customer_is_unfit_stays_parked_when_it_is_read_again():
    found = world().put(zuora.simple_invoice(), zuora.customer(active=False), zuora.replayed(INVOICE))
    found.put(zuora.simple_invoice(updated=LATER, balance=0))
    assert standing(found) == ("parked", "customer_unfit")
    assert standing(found.put(zuora.customer())) == ("released", "")


def test_an_older_version_emits_nothing():
    found = world().put(zuora.simple_invoice("120.00", updated=LATER), zuora.simple_invoice("100.00"))
    assert [event.stamp for event in found.matched] == [LATER]


def test_an_older_version_emits_nothing_although_the_newer_one_brought_nothing_new():
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice(updated=LAST))
    found.put(zuora.simple_invoice("120.00", updated=LATER))
    assert len(found.matched) == 1
    # Asked for by a person, it is the version that was matched.
    found.put(zuora.customer("C2", zuora_account=""), zuora.linked("C2"), zuora.replayed(INVOICE))
    assert [(event.customer, event.stamp) for event in found.matched[1:]] == [("C2", zuora.STAMP)]
    found.put(zuora.simple_invoice("130.00", updated="2026-03-13T10:00:00Z"))
    assert len(found.matched) == 3


def test_of_two_versions_in_one_second_the_later_read_is_the_newer():
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice("120.00"))
    assert len(found.matched) == 2


def test_a_document_waits_for_its_account_and_goes_when_that_comes():
    found = bare().put(zuora.simple_invoice())
    assert standing(found) == ("waiting", "account_not_read")
    found.put(zuora.account())
    assert (standing(found), found.matched[0].input_pass) == (("released", ""), "release:1")


def test_a_document_waits_for_the_first_mapping():
    found = World().put(zuora.simple_invoice())
    assert standing(found) == ("waiting", "no_mapping")
    assert found.put(zuora.published()).matched[0].customer == "C1"


def test_without_a_customer_it_parks_and_a_link_releases_it():
    found = world().put(zuora.customer("C1", zuora_account=""), zuora.simple_invoice())
    assert standing(found) == ("parked", "no_customer")
    found.put(zuora.linked("C1"))
    assert (found.matched[0].rule, standing(found)) == (MatchRule.LINK, ("released", ""))


@pytest.mark.parametrize(
    ("unfit", "mended"),
    [({"active": False}, {}), ({"held": True}, {}), ({"currency": "USD"}, {"currency": "EUR"}), ({"gone": True}, {})],
)
def test_a_customer_that_is_mended_releases_what_waits_for_it(unfit, mended):
    found = world(customers=zuora.CustomerRules(account_field="", qad_field=True))
    found.put(zuora.customer(**unfit), zuora.simple_invoice())
    assert standing(found)[0] == "parked"
    found.put(zuora.customer(**mended))
    assert found.matched[0].customer == "C1"


def test_a_customer_that_holds_the_account_number_no_more_leaves_it_to_the_other():
    found = world().put(zuora.customer("C7"), zuora.simple_invoice())
    assert standing(found) == ("parked", "no_customer")
    found.put(zuora.customer("C7", zuora_account="A-7"))
    assert [event.customer for event in found.matched] == ["C1"]


def test_a_mapping_that_asks_another_field_asks_every_account_again():
    found = World().put(zuora.account(Code__c="C9"), zuora.customer("C9", zuora_account=""), zuora.published())
    found.put(zuora.customer(gone=True), zuora.simple_invoice())
    assert standing(found) == ("parked", "no_customer")
    found.put(zuora.published(2, customers=zuora.CustomerRules(account_field="code__c")))
    assert (found.matched[0].customer, found.matched[0].rule) == ("C9", MatchRule.ACCOUNT_FIELD)


def test_a_contact_that_comes_or_changes_moves_no_document():
    found = world().put(zuora.simple_invoice(), zuora.payment("10.00"))
    before = [encode(event) for event in found.matched], [encode(one) for one in found.sets]
    assert len(before[0]) == 2
    for city in ("Bonn", "Köln"):
        found.put(zuora.account(billTo={"id": "c1", "city": city}))
        found.put(zuora.simple_invoice(), zuora.simple_invoice(updated=LATER, balance=0))
        found.restart()
    assert ([encode(event) for event in found.matched], [encode(one) for one in found.sets]) == before
    # Whoever keeps customers in line hears of each version of the account.
    seen = [read_matched(value) for value in found.log[Topic.MATCHED]]
    assert len({event.record_id for event in seen if isinstance(event, AccountSeen)}) == 3
    assert b"Bonn" not in b"".join(found.log[Topic.MATCHED])


def test_an_account_that_changes_its_customer_field_releases_what_waits():
    found = world().put(zuora.customer(gone=True), zuora.customer("C9", zuora_account=""), zuora.simple_invoice())
    found.put(zuora.account(QADCustomer__c="C9", updated=LATER))
    assert found.matched[0].customer == "C9"


def test_a_person_releases_one_document_and_no_other():
    found = world().put(zuora.customer(gone=True), zuora.simple_invoice(), zuora.simple_invoice(name="inv2"))
    size = len(found.log[Topic.OUTCOMES])
    found.put(zuora.released(INVOICE))
    assert len(found.log[Topic.OUTCOMES]) == size  # decided again, and it stands as it stood
    assert standing(found) == ("parked", "no_customer")


def test_without_its_link_an_account_goes_by_the_other_rules_and_what_went_stays():
    found = world().put(zuora.customer("C2", zuora_account=""), zuora.linked("C2"), zuora.simple_invoice())
    found.put(zuora.unlinked("C2"), zuora.simple_invoice(name="inv2"))
    assert [(event.customer, event.rule) for event in found.matched] == [
        ("C2", MatchRule.LINK),
        ("C1", MatchRule.QAD_FIELD),
    ]


def test_a_link_that_is_taken_back_releases_what_its_customer_did_not_take():
    found = world().put(zuora.customer("C2", zuora_account="", active=False), zuora.linked("C2"))
    found.put(zuora.simple_invoice())
    assert standing(found) == ("parked", "customer_unfit")
    found.put(zuora.unlinked("C2"))
    assert [event.customer for event in found.matched] == ["C1"]


def test_a_link_of_another_account_releases_nothing():
    found = world().put(zuora.customer(gone=True), zuora.customer("C9", zuora_account=""), zuora.simple_invoice())
    assert found.put(zuora.linked("C9", "acc7")).matched == []


def test_a_document_of_an_account_moved_since_stays_until_it_is_replayed():
    found = world().put(zuora.simple_invoice(), zuora.customer("C2", zuora_account=""), zuora.linked("C2"))
    assert [event.customer for event in found.matched] == ["C1"]
    found.put(zuora.replayed(INVOICE))
    assert [(event.customer, event.input_pass) for event in found.matched] == [("C1", "live"), ("C2", "replay:1")]
    found.put(zuora.replayed(INVOICE))
    assert len(found.matched) == 2


def test_a_replay_of_the_stage_decides_its_range_again_and_emits_only_what_differs():
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice(name="inv2"))
    found.put(zuora.customer("C2", zuora_account=""), zuora.linked("C2"))
    found.put(zuora.stage_replayed("match", len(found.log[Topic.RECORDS])))
    for _ in range(2):
        found.match.taken = 0
        found.settle()
    assert [event.input_pass for event in found.matched] == ["live", "live", "replay:1", "replay:1"]


def test_what_was_never_posted_is_ignored_by_name_and_comes_in_when_posted():
    found = world().put(zuora.simple_invoice(status="Draft"))
    assert standing(found) == ("ignored", "not_posted")
    found.put(zuora.simple_invoice(updated=LATER))
    assert (len(found.matched), standing(found)) == (1, ("released", ""))


def test_what_was_posted_and_is_not_any_more_goes_on_to_the_ledger():
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=LATER))
    assert [event.customer for event in found.matched] == ["C1", "C1"]


@pytest.mark.parametrize("change", [{"active": False}, {"gone": True}, {"held": True}])
def test_what_undoes_a_document_goes_where_it_went_whatever_became_of_the_customer(change):
    found = world().put(zuora.simple_invoice(), zuora.customer(**change), zuora.draft(updated=LATER))
    assert [event.customer for event in found.matched] == ["C1", "C1"]


def test_a_document_without_an_account_parks_until_zuora_shows_one():
    found = world().put(zuora.payment("5.00", accountId=None))
    assert standing(found, "payment:pay1") == ("parked", "no_account")
    assert len(found.put(zuora.payment("5.00", updated=LATER)).matched) == 1


@pytest.mark.parametrize(
    "record",
    [
        zuora.simple_invoice(status="Cancelled"),
        zuora.simple_invoice("1.005"),
        zuora.simple_invoice(invoiceDate="10.03.2026"),
        msgspec.structs.replace(zuora.simple_invoice(), kind="debit_memo"),
    ],
)
def test_a_record_that_is_not_as_documented_parks_by_name(record):
    found = world().put(record, zuora.simple_invoice(name="inv2"))
    assert standing(found, f"{record.kind}:inv1") == ("parked", "unreadable_record")
    assert [event.id for event in found.matched] == ["inv2"]


def test_bytes_that_are_no_record_become_a_dead_letter_and_stop_nothing():
    found = world()
    found.log.write(Topic.RECORDS, b"\xff not json")
    found.put(zuora.simple_invoice())
    assert (len(found.log[Topic.DEAD_LETTERS]), len(found.matched)) == (1, 1)


TWO = (
    Claim(connection=zuora.CONNECTION, field="Entity__c", values=("DE",)),
    Claim(connection="acme-us", field="Entity__c", values=("US",)),
)


def claimed(entity: str | None, claims: tuple[Claim, ...] = TWO) -> World:
    found = World(claims=claims, bare=True).put(*zuora.references(), zuora.published())
    return found.put(zuora.account(Entity__c=entity), zuora.simple_invoice())


def test_an_account_of_another_connection_is_ignored_by_name():
    assert standing(claimed("US")) == ("ignored", "other_connection")
    assert len(claimed("DE").matched) == 1


def test_an_account_that_none_claims_parks_in_the_first_connection_and_is_ignored_in_others():
    assert standing(claimed("JP")) == ("parked", "account_claims")
    assert standing(claimed(None)) == ("parked", "account_claims")
    assert standing(claimed("JP", TWO[::-1])) == ("ignored", "other_connection")


def test_an_account_that_two_claim_parks_in_the_first_connection_and_is_ignored_in_others():
    greedy = (TWO[0], Claim(connection="acme-us"))
    assert standing(claimed("DE", greedy)) == ("parked", "account_claims")
    assert standing(claimed("DE", greedy[::-1])) == ("ignored", "other_connection")


def test_an_account_that_moves_to_this_connection_brings_its_documents():
    found = claimed("US").put(zuora.account(Entity__c="DE", updated=LATER))
    assert [event.id for event in found.matched] == ["inv1"]


def test_claims_that_are_put_right_in_the_configuration_count_from_the_next_start():
    found = claimed("JP")
    found.claims = (Claim(connection=zuora.CONNECTION, field="Entity__c", values=("DE", "JP")), TWO[1])
    found.restart()
    assert [event.id for event in found.matched] == ["inv1"]


def test_claims_that_are_as_they_were_ask_no_account_again():
    found = claimed("JP")
    before = {topic: list(values) for topic, values in found.log.items()}
    for claims in (TWO, tuple(Claim(connection=one.connection, field=one.field, values=one.values) for one in TWO)):
        found.claims = claims
        found.restart()
    assert before == found.log
    core = found.match.make_core()
    for topic, offset in found.match._own("as written"):
        core.fold(topic, found.log[topic][offset])
    core.learn(Topic.DECISIONS, 0, found.log[Topic.DECISIONS][0])
    assert core.unsettled() == [(1, "release")]  # the parked invoice, and not its account


@pytest.mark.parametrize(("before", "after", "expected"), [("US", "DE", ""), ("US", "JP", "account_claims")])
def test_an_account_that_moves_tells_its_documents_even_if_the_stage_is_killed_in_between(before, after, expected):
    found = claimed(before)
    assert standing(found) == ("ignored", "other_connection")
    found.match.write_at_most = 1
    found.append(zuora.account(Entity__c=after, updated=LATER))
    with pytest.raises(Crash):
        found.settle()
    found.restart()
    assert standing(found)[1] == expected
    assert len(found.matched) == (not expected)


def test_a_negative_invoice_is_a_credit_and_comes_in_for_a_customer_on_hold():
    found = world().put(zuora.customer(held=True), zuora.simple_invoice("-50.00"))
    assert len(found.matched) == 1


def test_a_release_decides_the_newest_version():
    found = world().put(zuora.customer(gone=True), zuora.payment("100.00"))
    found.put(zuora.payment("100.00", zuora.row("60.00"), updated=LATER), zuora.customer())
    assert [event.stamp for event in found.matched] == [LATER]
