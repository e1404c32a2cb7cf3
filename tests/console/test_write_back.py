"""What `ping` tries where something is written back: the fields, in any spelling, and the right; it changes nothing."""

import pytest

from adapters.zuora.asking import posts
from console.pinging.write_back import try_write_back
from streams.mark.marks import WriteBack
from tests.adapters.strange import Told, strange_server
from tests.adapters.zuora_tenant import speaking_to, zuora_tenant

ALL = WriteBack(customer_code="QADCode__c", transferred=True, document_number="QADDocument__c")


@pytest.fixture
async def zuora():
    async with zuora_tenant() as tenant:
        tenant.payment(tenant.invoice())
        yield tenant


async def found(zuora, settings):
    return {trial.what: trial async for trial in try_write_back(await zuora.client(), settings)}


async def test_where_none_is_on_nothing_is_tried(zuora):
    assert await found(zuora, WriteBack()) == {}
    assert zuora.requests("object-query|action") == []


async def test_fields_and_right_are_there_and_nothing_is_changed(zuora):
    for name in ("Account", "Invoice", "Payment"):
        for field in ("QADCode__c", "QADDocument__c"):
            zuora.tenant.define_custom_field(name, field)
    rows = {kind: dict(table.latest) for kind, table in zuora.tenant.tables.items()}
    told = await found(zuora, ALL)
    assert {what: (one.ok, one.found) for what, one in told.items()} == {
        "QADCode__c of accounts": (True, "there"),
        "QADDocument__c of invoices": (True, "there"),
        "QADDocument__c of payments": (True, "there"),
        "right to write back": (True, "given"),
    }
    assert {kind: dict(table.latest) for kind, table in zuora.tenant.tables.items()} == rows
    keys = [one.idempotency_key for one in zuora.requests(posts.UPDATE)]
    await found(zuora, ALL)
    assert len(keys) == 1
    assert keys != [one.idempotency_key for one in zuora.requests(posts.UPDATE)][1:], "each ping asks anew"


async def test_a_field_that_is_not_there_is_said_with_what_to_do(zuora):
    told = await found(zuora, ALL)
    assert not told["QADCode__c of accounts"].ok
    assert "QADCode__c" in told["QADCode__c of accounts"].next_step
    assert not told["QADDocument__c of invoices"].ok


async def test_with_the_mark_alone_only_the_right_is_tried(zuora):
    assert set(await found(zuora, WriteBack(transferred=True))) == {"right to write back"}


async def test_a_right_that_is_missing_is_said():
    async with strange_server() as strange, speaking_to(strange) as client:
        no = b'{"FaultCode": "PERMISSION", "FaultMessage": "no platform write permission"}'
        strange.tell(posts.UPDATE, Told(no, status=403))
        (told,) = [one async for one in try_write_back(client, WriteBack(transferred=True))]
    assert not told.ok
    assert "no platform write permission" in told.next_step
