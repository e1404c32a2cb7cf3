"""Accounts as the stand-in shows them: claimed by any field, in any spelling of its first letter, by one connection.

`ping` holds every account of a tenant against the claims of its connections; it names numbers, never customers.
"""

import msgspec
import pytest

from console.pinging.site import _claims
from schemas.records import RecordKind
from schemas.zuora import field_of
from streams.match.claims import Claim, claimed_by
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import speaking_to
from tests.unit import builders
from tests.unit.world import world

HERE, ASIA = (
    Claim(connection="here", field="Entity__c", values=("EU",)),
    Claim(connection="asia", field="organizationId", values=("o-asia",)),
)


async def test_accounts_that_none_or_two_claim_are_counted_and_named_by_number(zuora):
    for number in range(6):
        zuora.account(account_number=f"A-NONE-{number}", custom={"Entity__c": "US"})
    zuora.account(account_number="A-HERE", custom={"Entity__c": "EU"})
    zuora.account(account_number="A-ASIA", organization_id="o-asia")
    zuora.account(account_number="A-BOTH", organization_id="o-asia", custom={"Entity__c": "EU"})
    found = await _claims(await zuora.client(), "acme", (HERE, ASIA))
    assert not found.ok
    # The account that every tenant has is claimed by none as well.
    assert found.found.startswith("10 accounts; 7 by none (A-00000001, A-NONE-0, ")
    assert found.found.endswith("; 1 by two or more (A-BOTH)")
    assert found.found.count("A-NONE") == 4
    assert "Branch" not in found.found


async def test_all_accounts_are_looked_at_whatever_number_of_pages_that_takes(zuora):
    for _ in range(120):
        zuora.account(custom={"Entity__c": "EU"})
    zuora.account(account_number="A-LAST", custom={"Entity__c": "US"})
    found = await _claims(await zuora.client(), "acme", (HERE,))
    assert found.found == "122 accounts; 2 by none (A-00000001, A-LAST)"


async def test_every_account_belongs_to_a_connection_that_claims_all(zuora):
    zuora.account()
    found = await _claims(await zuora.client(), "acme", (Claim(connection="here"),))
    assert (found.ok, found.found) == (True, "2 accounts")


async def test_only_the_accounts_of_the_entity_are_looked_at(zuora):
    zuora.account(account_number="A-ASIA", entity="22e6")
    found = await _claims(await zuora.client(entity_id="22e6"), "acme", (Claim(connection="here"),))
    assert found.found == "1 accounts"


async def test_an_account_that_is_not_as_documented_is_named_by_its_id(strange):
    strange.tell("/object-query/accounts", Told(b'{"data": [{"id": "a1", "accountNumber": 5}, {"id": "a2"}]}'))
    async with speaking_to(strange) as client:
        found = await _claims(client, "acme", (HERE,))
    assert found.found == "2 accounts; 2 by none (a1, a2)"


SPELLINGS = ["QADCustomer__c", "qADCustomer__c", "qadcustomer__c"]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_custom_field_is_found_in_any_spelling(zuora, spelling):
    """Object Query writes the first letter small, whatever the tenant wrote; the older reads keep it."""
    account = zuora.account(custom={"QADCustomer__c": "C0001"}, vat_id="DE1")
    record = await zuora.read(RecordKind.ACCOUNT, account.id)
    assert b'"qADCustomer__c"' in bytes(record.parent)
    assert field_of(record.parent, spelling) == "C0001"
    assert field_of(record.parent, "VATId") == "DE1"


@pytest.mark.parametrize("spelling", ["Entity__c", "entity__c", "organizationId", "OrganizationId", "SequenceSetId"])
async def test_a_claim_names_any_field_of_the_account(zuora, spelling):
    ours = {"custom": {"Entity__c": "EU"}, "organization_id": "EU", "sequence_set_id": "EU"}
    account, other = zuora.account(**ours), zuora.account()
    claims = (Claim(connection="here", field=spelling, values=("US", "EU")),)
    assert claimed_by(await zuora.read(RecordKind.ACCOUNT, account.id), claims) == ("here",)
    assert claimed_by(await zuora.read(RecordKind.ACCOUNT, other.id), claims) == ()


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_the_customer_of_an_account_is_found_by_its_custom_field_in_any_spelling(zuora, spelling):
    account = zuora.account(custom={"QADCustomer__c": "C1"})
    invoice = zuora.invoice(account=account.id)
    rules = msgspec.structs.replace(builders.mapping().customers, account_field=spelling)
    found = world(customers=rules).put(*builders.codes())
    for kind, name in ((RecordKind.ACCOUNT, account.id), (RecordKind.INVOICE, invoice.id)):
        record = await zuora.read(kind, name)
        found.put(msgspec.structs.replace(record, connection=builders.CONNECTION))
    [matched] = found.matched
    assert (matched.customer, matched.rule) == ("C1", "account_field")


async def test_a_client_of_an_entity_reads_that_entity_alone(zuora):
    asia = zuora.account(account_number="A-ASIA", entity="22e6", organization_id="o-asia")
    here, there = zuora.invoice(), zuora.invoice(account=asia.id)

    async def invoices(**settings):
        client = await zuora.client(**settings)
        return [row async for page in client.object_query_pages("invoices", []) for row in map(_id, page.rows)]

    assert await invoices() == [here.id]
    assert await invoices(entity_id="22e6") == [there.id]
    assert await invoices(entity_id="22e6", org_ids=("o-asia",)) == [there.id]
    assert await invoices(org_ids=("o-asia",)) == []


def _id(raw):
    return msgspec.json.decode(raw)["id"]
