"""Which customer an account goes to: the rules in their order, and whose account it is."""

from decimal import Decimal

import pytest

from schemas.errors import CannotGoOn
from schemas.mapping import CustomerRules
from schemas.matching import AccountSeen, MatchRule
from streams import waits
from streams.match.claims import Claim, claimed_by
from streams.match.fitness import Purpose, Wanted, purpose_of
from streams.match.rules import Customers, find_customer
from tests.unit import builders as zuora

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


def find(account=None, *, links=None, rules=ALL, known=None, currency="EUR", purpose=Purpose.INVOICE, term=""):
    return find_customer(
        account or seen(),
        Wanted(number="INV1", currency=currency, purpose=purpose, payment_term=term),
        links={"acc1": "LINK"} if links is None else links,
        mapping=zuora.mapping(customers=rules),
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


def why_not(match) -> list[str]:
    return [one.why_not for one in match.passed_over]


@pytest.mark.parametrize("purpose", [Purpose.CREDIT_NOTE, Purpose.RECEIPT])
def test_money_and_credit_come_in_for_a_customer_on_hold_and_without_terms(purpose):
    known = everybody(FIELD={"held": True, "terms": ""})
    assert find(links={}, known=known, purpose=purpose, term="Net 90").customer == "FIELD"


def test_an_invoice_needs_terms_by_the_mapping_or_of_the_customer():
    """Zuora's due date is always sent: a term that the mapping does not know leaves the customer's own."""
    assert find(links={}, term="Net 30").customer == "FIELD"
    assert find(links={}, term="").customer == "FIELD"
    assert find(links={}, term="Net 90", known=everybody(FIELD={"terms": "NET30"})).customer == "FIELD"
    match = find(links={}, term="Net 90", known=everybody(HOLDER={"terms": "NET30"}))
    assert match.customer == "HOLDER"
    assert why_not(match) == ["has no credit terms in QAD, and the mapping has none for 'Net 90'"]
    with pytest.raises(CannotGoOn) as stop:
        find(links={}, term="Net 90", known=everybody(LINK={"terms": "NET30"}))
    assert waits.MAPPING in stop.value.reason.waits_for


def test_where_qad_shows_no_terms_of_any_customer_none_is_missed():
    assert find(links={}, term="Net 90").customer == "FIELD"


CONTROLS = ("invoice_control", "credit_note_control", "prepayment_control")


@pytest.mark.parametrize(("purpose", "control"), list(zip(Purpose, CONTROLS, strict=True)))
def test_a_customer_needs_the_control_account_of_the_document_where_qad_shows_it(purpose, control):
    shown = dict.fromkeys(CONTROLS, "X")
    assert find(links={}, purpose=purpose, known=everybody(FIELD=shown)).customer == "FIELD"
    match = find(links={}, purpose=purpose, known=everybody(FIELD=shown | {control: ""}))
    assert match.customer == "HOLDER"  # of which QAD shows no control accounts: nothing is known against it
    assert why_not(match) == [f"has no {control.removesuffix('_control').replace('_', ' ')} control account in QAD"]
    others = dict.fromkeys(set(CONTROLS) - {control}, "")
    assert find(links={}, purpose=purpose, known=everybody(FIELD=others)).customer == "FIELD"


@pytest.mark.parametrize(
    ("kind", "value", "purpose"),
    [
        ("invoice", "0.01", Purpose.INVOICE),
        ("invoice", "0.00", Purpose.CREDIT_NOTE),
        ("invoice", "-0.01", Purpose.CREDIT_NOTE),
        ("credit_memo", "5.00", Purpose.CREDIT_NOTE),
        ("payment", "5.00", Purpose.RECEIPT),
    ],
)
def test_what_a_document_becomes_in_the_customers_books(kind, value, purpose):
    assert purpose_of(kind, Decimal(value)) is purpose


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
    assert set(reason.waits_for) >= {waits.account("acc1"), waits.link("acc1"), waits.MAPPING}
    assert released_by(reason, zuora.customer("HOLDER"))
    assert released_by(reason, zuora.customer("A-1", zuora_account=""))


def released_by(reason, customer) -> bool:
    return bool(set(waits.changed_by_qad(customer)) & set(reason.waits_for))


@pytest.mark.parametrize("known", [Customers(), customers(zuora.customer("FIELD", zuora_account="", active=False))])
def test_what_waits_for_a_customer_is_not_asked_again_for_every_other(known):
    with pytest.raises(CannotGoOn) as stop:
        find(links={}, known=known)
    assert not released_by(stop.value.reason, zuora.customer("OTHER", zuora_account="A-2"))
    assert released_by(stop.value.reason, zuora.customer("FIELD", zuora_account=""))


def test_an_unfit_customer_waits_for_a_customer_that_another_rule_would_find():
    with pytest.raises(CannotGoOn) as stop:
        find(links={}, known=customers(zuora.customer("FIELD", zuora_account="", active=False)))
    assert released_by(stop.value.reason, zuora.customer("HOLDER"))


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
