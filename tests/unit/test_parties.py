"""Who is billed, as proposals and a new customer need it: what is read, what may be lacking, what is never shown."""

import msgspec
import pytest

from schemas.errors import Unreadable
from schemas.parties import Contact, Party, party_of
from schemas.records import record_of_deletion
from schemas.zuora import field_of
from tests.unit import builders as zuora

CONTACT = {
    "id": "c1",
    "address1": "Domkloster 4",
    "address2": "2. Stock",
    "city": "Köln",
    "county": "NRW",
    "state": "Nordrhein-Westfalen",
    "postalCode": "50667",
    "country": "Germany",
    "taxRegion": "EU",
    "workEmail": "ada.lovelace@Acme.EXAMPLE ",
}


def test_an_account_is_read_as_a_customer_with_its_address():
    record = zuora.account(name="a1", number="A-7", billTo=CONTACT, vATId="DE123")
    record = msgspec.structs.replace(record, parent=msgspec.Raw(bytes(record.parent)[:-1] + b',"name":"Acme"}'))
    party = party_of(record)
    assert (party.id, party.account_number, party.name, party.vat_id) == ("a1", "A-7", "Acme", "DE123")
    assert (party.currency, party.status, party.payment_term) == ("EUR", "Active", "Net 30")
    assert party.bill_to is not None
    assert msgspec.to_builtins(party.bill_to) == CONTACT
    assert party.bill_to.email_domain == "acme.example"


@pytest.mark.parametrize("email", ["", "nobody", "   "])
def test_an_e_mail_without_a_domain_has_none(email):
    assert Contact(work_email=email).email_domain == ""


def test_records_of_earlier_versions_have_no_contact():
    party = party_of(zuora.account())
    assert party.bill_to is None
    assert (party.name, party.vat_id) == ("", None)


def test_a_contact_may_be_bare():
    party = party_of(zuora.account(billTo={"id": "c1"}))
    assert party.bill_to == Contact(id="c1")


@pytest.mark.parametrize("name", ["VATNumber__c", "vATNumber__c"])
def test_a_tax_id_in_a_custom_field_is_found_beside_a_contact(name):
    assert field_of(zuora.account(billTo=CONTACT, **{name: "DE123"}).parent, "VATNumber__c") == "DE123"


@pytest.mark.parametrize("shown", [repr, str, "{}".format, lambda held: repr([held]), lambda held: repr(held.bill_to)])
def test_what_is_personal_is_not_shown(shown):
    party = party_of(zuora.account(billTo=CONTACT, vATId="DE123"))
    for secret in (*list(CONTACT.values())[1:], "DE123"):
        assert secret not in shown(party)
    assert dict(party.bill_to.__rich_repr__()) == {"id": "c1"}


def test_what_is_no_account_is_no_party():
    account = zuora.account()
    gone = record_of_deletion("acme", "account", account.id, account.found)
    for record in (zuora.simple_invoice(), gone):
        with pytest.raises(Unreadable, match="is no billing account"):
            party_of(record)


def test_a_field_of_the_wrong_type_is_named_without_its_value():
    with pytest.raises(Unreadable, match=r"account .*billTo\.workEmail") as caught:
        party_of(zuora.account(billTo={"workEmail": ["ada@acme.example"]}))
    assert "ada" not in str(caught.value)


def test_a_party_holds_no_persons_name_or_phone():
    fields = {field.encode_name for field in msgspec.structs.fields(Contact)}
    assert fields == set(CONTACT)
    assert not {"notes", "additionalEmailAddresses"} & {field.encode_name for field in msgspec.structs.fields(Party)}
