"""Which customer an account goes to: the rules in their order, and whose account it is."""

import pytest

from schemas.errors import CannotGoOn
from schemas.mapping import CustomerRules
from schemas.matching import AccountSeen, MatchRule
from streams import waits
from streams.match.claims import Claim, claimed_by
from streams.match.rules import Customers, find_customer
from tests.unit import builders as zuora
from tests.unit.defects import defect

ALL = CustomerRules(account_field="QADCustomer__c", qad_field=True, equal_codes=True)


def seen(**changes) -> AccountSeen:
    fields = {"connection": "c", "id": "acc1", "number": "A-1", "origin": 0, "record_id": "r", "stamp": ""}
    return AccountSeen(**{**fields, "currency": "EUR", "claimed_by": ("c",), "customer_code": "FIELD", **changes})


def customers(*shown) -> Customers:
    known = Customers()
    for one in shown:
        known.take(one)
    return known


def everybody(**changes) -> Customers:
    """Return a customer for each rule: LINK, FIELD, HOLDER (by QAD's field) and A-1 (by its code)."""
    codes = {"LINK": "", "FIELD": "", "HOLDER": "A-1", "A-1": ""}
    return customers(
        *(zuora.customer(code, zuora_account=held, **changes.get(code, {})) for code, held in codes.items())
    )


def find(account=None, *, links=None, rules=ALL, known=None, currency="EUR", owed=True):
    return find_customer(
        account or seen(),
        number="INV1",
        currency=currency,
        owed=owed,
        links={"acc1": "LINK"} if links is None else links,
        rules=rules,
        customers=known or everybody(),
    )


def test_the_rules_come_in_their_order():
    assert (find().customer, find().rule) == ("LINK", MatchRule.LINK)
    assert find(links={}).customer == "FIELD"
    assert find(seen(customer_code=""), links={}).customer == "HOLDER"
    no_holder = customers(zuora.customer("A-1", zuora_account=""))
    assert find(seen(customer_code=""), links={}, known=no_holder).rule is MatchRule.EQUAL_CODES
    assert find().passed_over == ()


def test_a_rule_that_is_off_is_not_asked():
    off = CustomerRules(account_field="", qad_field=False, equal_codes=False)
    with pytest.raises(CannotGoOn) as stop:
        find(links={}, rules=off)
    assert stop.value.reason.rule == "no_customer"
    assert find(rules=off).customer == "LINK"


def test_equal_codes_are_off_unless_a_site_switches_them_on():
    assert CustomerRules().equal_codes is False
    with pytest.raises(CannotGoOn):
        find(
            seen(customer_code=""),
            links={},
            rules=CustomerRules(),
            known=customers(zuora.customer("A-1", zuora_account="")),
        )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"active": False}, "is not active in QAD"),
        ({"held": True}, "is on credit hold in QAD"),
        ({"currency": "USD"}, "takes USD, the document is in EUR"),
        ({"gone": True}, "does not exist in QAD"),
    ],
)
def test_a_candidate_that_does_not_fit_is_passed_over_and_named(change, why):
    match = find(links={}, known=everybody(FIELD=change))
    assert (match.customer, match.rule) == ("HOLDER", MatchRule.QAD_FIELD)
    assert [(one.customer, one.why_not) for one in match.passed_over] == [("FIELD", why)]


def test_what_a_person_decided_is_never_passed_over_for_a_guess():
    with pytest.raises(CannotGoOn) as stop:
        find(known=everybody(LINK={"active": False}))
    reason = stop.value.reason
    assert (reason.rule, reason.value) == ("customer_unfit", "LINK")
    assert set(reason.waits_for) >= {waits.link("acc1"), waits.qad_reference("customer", "LINK")}


def test_money_and_credit_come_in_for_a_customer_on_hold():
    assert find(links={}, known=everybody(FIELD={"held": True}), owed=False).customer == "FIELD"


def test_another_currency_than_the_customers_is_for_the_site_to_allow():
    allowed = CustomerRules(account_field="QADCustomer__c", other_currency=True)
    assert find(links={}, rules=allowed, known=everybody(FIELD={"currency": "USD"})).customer == "FIELD"
    assert find(links={}, currency="USD", known=everybody(FIELD={"currency": "USD"})).customer == "FIELD"


def test_two_customers_that_hold_one_account_number_decide_nothing():
    two = customers(zuora.customer("X"), zuora.customer("Y"))
    with pytest.raises(CannotGoOn):
        find(seen(customer_code=""), links={}, known=two)
    two.take(zuora.customer("Y", zuora_account="A-2"))
    assert find(seen(customer_code=""), links={}, known=two).customer == "X"
    two.take(zuora.customer("X", gone=True))
    with pytest.raises(CannotGoOn):
        find(seen(customer_code=""), links={}, known=two)


def test_a_customer_that_comes_back_is_known_again():
    known = customers(zuora.customer("X"), zuora.customer("X", gone=True), zuora.customer("X"))
    assert find(seen(customer_code=""), links={}, known=known).customer == "X"


def test_no_customer_at_all_waits_for_every_way_to_get_one():
    with pytest.raises(CannotGoOn) as stop:
        find(seen(customer_code=""), links={}, known=Customers())
    reason = stop.value.reason
    assert reason.rule == "no_customer"
    assert "match link A-1" in reason.next_step
    keys = {waits.account("acc1"), waits.link("acc1"), waits.MAPPING, waits.qad_reference("customer")}
    assert set(reason.waits_for) == keys


@defect("match/rules._no_customer waits for the customers that lost only: one that a later rule finds releases nothing")
def test_an_unfit_customer_waits_for_a_customer_that_another_rule_would_find():
    with pytest.raises(CannotGoOn) as stop:
        find(links={}, known=customers(zuora.customer("FIELD", zuora_account="", active=False)))
    assert set(waits.changed_by_qad(zuora.customer("HOLDER"))) & set(stop.value.reason.waits_for)


CLAIMS = (
    Claim(connection="de", field="Entity__c", values=("DE", "AT")),
    Claim(connection="us", field="Entity__c", values=("US",)),
    Claim(connection="eu", field="Region__c", values=("EU",)),
)


@pytest.mark.parametrize(
    ("fields", "owners"),
    [
        ({"Entity__c": "DE"}, ("de",)),
        ({"entity__c": " AT "}, ("de",)),
        ({"Entity__c": "US", "Region__c": "EU"}, ("us", "eu")),
        ({"Entity__c": "JP"}, ()),
        ({}, ()),
    ],
)
def test_a_claim_is_by_a_field_of_the_account(fields, owners):
    assert claimed_by(zuora.account(**fields), CLAIMS) == owners


def test_a_connection_alone_on_its_tenant_claims_every_account():
    assert claimed_by(zuora.account(), (Claim(connection="de"),)) == ("de",)
