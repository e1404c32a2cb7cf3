"""Money that goes from one connection of a tenant to another, and comes from there (ACCOUNTING 1)."""

import pytest

from streams.match.claims import Claim
from tests.unit import builders as zuora
from tests.unit.transferred import LAST, LATER, LATEST, PAYMENT, moved
from tests.unit.world import World


def shared() -> World:
    """Return a world in which account acc1 is ours, and acc2 another connection's."""
    names = (zuora.CONNECTION, "other")
    claims = tuple(Claim(connection=name, field="Entity__c", values=(name,)) for name in names)
    ours = zuora.account(Entity__c=zuora.CONNECTION)
    return World(claims=claims).put(zuora.published(), ours, zuora.account("acc2", number="A-2", Entity__c="other"))


def test_a_payment_that_goes_to_another_connection_parks_where_its_receipt_is():
    """Ignored, its receipt would stay here while the other connection debits its bank for the same money."""
    found = shared().put(zuora.payment(), moved())
    assert found.standing(PAYMENT, "match") == ("parked", "given_to_other_connection")
    found.put(zuora.payment(updated=LATEST))
    assert (found.standing(PAYMENT, "match"), len(found.postings)) == (("released", ""), 1)


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
def test_a_payment_that_comes_from_another_connection_is_not_received_from_the_bank_again(restarts):
    found = shared().put(moved())
    assert found.standing(PAYMENT, "match") == ("ignored", "other_connection")
    if restarts:
        found.restart()
    found.put(zuora.payment(updated=LATEST))
    assert found.contents("receipt") == []
    assert found.standing(PAYMENT, "match") == ("parked", "taken_from_other_connection")
    found.put(zuora.payment(updated=LAST), zuora.released(PAYMENT))
    found.restart()
    assert (found.standing(PAYMENT, "match"), found.postings) == (("parked", "taken_from_other_connection"), [])


BETWEEN = {
    "of an account that is not read yet": moved(accountId="acc9", updated=LATEST),
    "of nobody": moved(accountId=None, updated=LATEST),
    "of an account that nobody claims": moved(accountId="acc0", updated=LATEST),
    "not readable": moved(updated=LATEST, status="Odd"),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_where_a_payment_comes_from_is_known_whatever_it_stood_still_for_meanwhile(between):
    found = shared().put(zuora.account("acc0", number="A-0"), moved(), between)
    assert found.standing(PAYMENT, "match")[0] in {"waiting", "parked"}
    found.restart()
    found.put(zuora.account("acc9", number="A-9", Entity__c=zuora.CONNECTION), zuora.payment(updated=LAST))
    assert (found.standing(PAYMENT, "match"), found.postings) == (("parked", "taken_from_other_connection"), [])


def test_a_payment_that_comes_from_another_connection_and_goes_back_is_ignored_again():
    found = shared().put(moved(), zuora.payment(updated=LATEST), moved(updated=LAST))
    assert found.standing(PAYMENT, "match") == ("ignored", "other_connection")


@pytest.mark.parametrize("seen", [False, True], ids=["of which nothing was seen before", "that nobody claimed before"])
def test_a_payment_that_no_connection_received_is_received_here(seen):
    """The older version says nothing once the newer one is decided; what nobody claims parks, in one connection."""
    found = shared().put(zuora.account("acc2", number="A-2", updated=LATER, Entity__c="nobody's")) if seen else shared()
    found.put(*([moved(), zuora.payment(updated=LATEST)] if seen else [zuora.payment(updated=LATEST), moved()]))
    found.restart()
    assert [content.customer for content in found.contents("receipt")] == ["C1"]


def test_an_account_that_comes_by_a_change_of_claims_takes_its_payments_along():
    found = shared().put(zuora.linked("C1", "acc2"), moved())
    found.put(zuora.account("acc2", number="A-2", updated=LATEST, Entity__c=zuora.CONNECTION))
    assert [content.customer for content in found.contents("receipt")] == ["C1"]
