"""The stand-in for Zuora against the contract: types and names of everything it answers, with any data in it."""

import asyncio
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.zuora.reading.contacts import FIELDS
from sandbox.zuora import BasicAuthentication, CalloutConfiguration, Sandbox, Settings, Signature
from sandbox.zuora.acts import (
    NewAccount,
    NewAdjustment,
    NewBillRun,
    NewInvoice,
    NewItem,
    NewTax,
    adjust_invoice,
    create_bill_run,
    generate_bill_run,
)
from sandbox.zuora.query.catalog import KINDS
from sandbox.zuora.wire.routes import ROUTES
from schemas.parties import Party
from tests.contracts.contract import CONTRACT, SCHEMAS, check, schema_name, unknown_names
from tests.contracts.full_tenant import ACCOUNT, ITEM, SETTINGS, Client, fill, serving, world_of


def test_the_check_sees_wrong_types_and_wrong_names():
    good = {
        "data": [{"id": "8a", "amount": Decimal(1), "invoiceDate": "2026-01-31", "x__c": "1", "account": {"name": "n"}}]
    }
    check(good, "QueryInvoicesResponse")
    wrong = [
        {"data": [{"id": 8}]},
        {"data": [{"amount": "1.00"}]},
        {"data": [{"invoiceDate": "31.01.2026"}]},
        {"data": [{"InvoiceNumber": "INV1"}]},
        {"data": [{"account": {"Name": "n"}}]},
        {"data": {}},
    ]
    for value in wrong:
        with pytest.raises(AssertionError):
            check(value, "QueryInvoicesResponse")


EXPANSIONS = {
    "accounts": "billto,soldto,shipto,defaultpaymentmethod,invoices,payments,creditmemos,debitmemos,refunds,"
    "paymentmethods",
    "invoices": "account.billto,billtocontact,invoiceitems,paymentapplications.payment,paymentparts.payment,"
    "creditmemoapplications.creditmemo,creditmemoparts.creditmemo",
    "invoice-items": "invoice,subscriptionowner,taxationitems",
    "payments": "account.soldto,paymentmethod,paymentapplications",
    "payment-methods": "account",
    "payment-applications": "payment",
    "payment-parts": "payment",
    "credit-memos": "account,billtocontact,creditmemoitems,creditmemoapplications",
    "credit-memo-items": "subscriptionowner,credittaxationitems",
    "credit-memo-applications": "creditmemo",
    "credit-memo-parts": "creditmemo",
    "debit-memos": "account,debitmemoitems",
    "refunds": "account,paymentmethod,refundapplications",
    "refund-applications": "payment",
}
LISTS = sorted(
    path.removeprefix("/object-query/") for path in CONTRACT["paths"] if re.fullmatch(r"/object-query/[\w-]+", path)
)
EVERYTHING = "filter[]=updateddate.GE:2000-01-01T00:00:00Z&pageSize=99"
OFTEN_EMPTY = {"contacts", "payment-methods", "taxation-items"}


def test_what_is_read_of_a_contact_has_the_contracts_names():
    properties = CONTRACT["components"]["schemas"]["ExpandedContact"]["properties"]
    assert all(properties[name] == {"type": "string"} for name in FIELDS)
    account = CONTRACT["components"]["schemas"]["ExpandedAccount"]["properties"]
    assert account["billTo"] == {"$ref": "#/components/schemas/ExpandedContact"}
    assert {field.encode_name for field in msgspec.structs.fields(Party)} <= set(account)


async def read_object_query(client: Client) -> None:
    for name in LISTS:
        template = f"/object-query/{name}"
        rows = (await client.read(template, f"{template}?{EVERYTHING}"))["data"]
        assert rows or name in OFTEN_EMPTY, name
        if name in EXPANSIONS:
            await client.read(template, f"{template}?{EVERYTHING}&expand[]={EXPANSIONS[name]}")
        if name == "accounts":
            await client.read(template, f"{template}?{EVERYTHING}&expand[]=billto&billto.fields[]={','.join(FIELDS)}")
        if rows:
            assert await client.read(template + "/{key}", f"{template}/{rows[-1]['id']}") == rows[-1]


async def read_v1(client: Client, sandbox: Sandbox) -> None:
    tenant = sandbox.tenant
    for invoice in ("INV00000001", "INV00000002"):
        await client.read("/v1/invoices/{invoiceKey}", f"/v1/invoices/{invoice}")
        items = await client.read("/v1/invoices/{invoiceKey}/items", f"/v1/invoices/{invoice}/items?pageSize=1")
        await client.read("/v1/invoices/{invoiceKey}/application-parts", f"/v1/invoices/{invoice}/application-parts")
        item = items["invoiceItems"][0]["id"]
        template = "/v1/invoices/{invoiceKey}/items/{itemId}/taxation-items"
        await client.read(template, f"/v1/invoices/{invoice}/items/{item}/taxation-items?pageSize=5")
    for payment in tenant.payments.latest:
        await client.read("/v1/payments/{paymentKey}", f"/v1/payments/{payment}")
        await client.read("/v1/payments/{paymentKey}/parts", f"/v1/payments/{payment}/parts")
        await client.read("/v1/refunds/{refundKey}/parts", "/v1/refunds/R-00000002/parts")
    for memo in tenant.credit_memos.latest:
        for tail in ("", "/items", "/parts"):
            await client.read("/v1/credit-memos/{creditMemoKey}" + tail, f"/v1/credit-memos/{memo}{tail}")
    for memo in tenant.debit_memos.latest:
        for tail in ("", "/items"):
            await client.read("/v1/debit-memos/{debitMemoKey}" + tail, f"/v1/debit-memos/{memo}{tail}")
        for item in tenant.debit_memo_items.children("debit_memo_id", memo):
            template = "/v1/debit-memos/{debitMemoKey}/items/{debitMemoItemId}/taxation-items"
            await client.read(template, f"/v1/debit-memos/{memo}/items/{item.id}/taxation-items?pageSize=5")
    await client.read("/v1/accounts/{account-key}", "/v1/accounts/A-00000001")
    await client.read("/v1/accounting-codes", "/v1/accounting-codes?pageSize=3")
    await client.read("/v1/accounting-periods", "/v1/accounting-periods")
    for run in tenant.billing_runs.latest:
        await client.read("/v1/bill-runs/{billRunId}", f"/v1/bill-runs/{run}")
    path = "/v1/notification-history/callout"
    await client.read(path, f"{path}?failedOnly=false&includeResponseContent=true")


async def write_v1(client: Client) -> None:
    mark = {"transferredToAccounting": "Yes", "QADCustomer__c": "x"}
    bodies = {
        ("/v1/invoices/{invoiceKey}", "/v1/invoices/INV00000001"): mark,
        ("/v1/credit-memos/{creditMemoKey}", "/v1/credit-memos/CM-00000001"): mark,
        ("/v1/payments/{paymentKey}", "/v1/payments/P-00000001"): {"financeInformation": mark},
        ("/v1/accounts/{account-key}", "/v1/accounts/A-00000001"): {"QADCustomer__c": "x"},
    }
    for (template, path), body in bodies.items():
        answer = await client.read(template, path, method="put", json=body)
        assert answer["success"] is True


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    accounts=st.lists(ACCOUNT, min_size=1, max_size=2),
    items=st.lists(ITEM, min_size=1, max_size=3),
    credits_=st.lists(ITEM, min_size=1, max_size=2),
    switches=SETTINGS,
    seed=st.integers(0, 2**16),
)
def test_whatever_the_data_is_answers_keep_to_the_contract(accounts, items, credits_, switches, seed):
    async def read_all() -> None:
        sandbox = Sandbox(seed=seed, world=world_of(accounts, switches))
        sandbox.clock.set(datetime(2026, 3, 15, 12, tzinfo=UTC), running=False)
        async with serving(sandbox) as client:
            fill(sandbox, items, credits_)
            await read_object_query(client)
            await read_v1(client, sandbox)
            await write_v1(client)

    asyncio.run(read_all())


async def test_queries_without_invoice_settlement_keep_to_the_contract():
    switches = Settings(invoice_settlement=False, zoql_batch_max=1)
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], switches))
    item = NewItem(charge_amount=Decimal(10), taxes=[NewTax(tax_amount=Decimal(1))])
    run = NewBillRun(auto_post=True, invoices=[NewInvoice(account="A-00000001", items=[item])])
    async with serving(sandbox) as client:
        run = create_bill_run(sandbox.tenant, request=run)
        generate_bill_run(sandbox.tenant, bill_run=run.id)
        for _ in range(2):
            request = NewAdjustment(invoice="INV00000001", amount=Decimal(1), type="Credit")
            adjust_invoice(sandbox.tenant, request=request)
        path = "/v1/action/query"
        body = {"queryString": "select Id, Amount, AdjustmentDate, UpdatedDate from InvoiceAdjustment"}
        first = await client.read(path, path, method="post", json=body)
        more = {"queryLocator": first["queryLocator"]}
        last = await client.read(path + "More", path + "More", method="post", json=more)
        assert (len(first["records"]), len(last["records"]), last["done"]) == (1, 1, True)


async def test_notifications_keep_to_the_contract():
    callouts = [
        CalloutConfiguration(
            name=event,
            event=event,
            url="https://callouts.example/x",
            body='{"id": "{{DataSource.Invoice.Id}}"}',
            headers={"X-Anything": "1"},
            basic=BasicAuthentication(username="u", password="secret-word"),
            signature=Signature(header="X-S", secret="secret-sign"),
            communication_profile_id="8a",
        )
        for event in ("InvoicePosted", "PaymentApplied")
    ]
    sandbox = Sandbox(world=msgspec.structs.replace(world_of([NewAccount(name="x")], Settings()), callouts=callouts))
    async with serving(sandbox) as client:
        triggers = await client.read("/events/event-triggers", "/events/event-triggers?limit=2")
        assert (len(triggers["data"]), triggers["next"]) == (2, "/events/event-triggers?start=2&limit=2")
        path = "/notifications/notification-definitions"
        [definition] = (await client.read(path, path))["data"]
        assert definition["eventTypeName"] == "PaymentApplied"
        _, _, templates = await client.send("/notifications/callout-templates")
        for row in templates["data"]:
            check(row, "CalloutTemplate")
        assert [row.get("eventCategory") for row in templates["data"]] == [1110, None]
        assert "secret" not in json.dumps([definition, templates])


async def test_nulls_keep_the_names_of_the_contract():
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    item = NewItem(charge_amount=Decimal(10), taxes=[NewTax(tax_amount=Decimal(1))])
    async with serving(sandbox) as client:
        fill(sandbox, [item], [item])
        for name in LISTS:
            schema = SCHEMAS[schema_name(f"/object-query/{name}", "get", 200)]
            _, _, body = await client.send(f"/object-query/{name}?{EVERYTHING}&includeNullFields=true")
            assert body["data"] or name in OFTEN_EMPTY
            assert not unknown_names(body, schema), name


def test_what_is_served_and_what_is_in_the_contract_is_the_same():
    def anonymous(path: str) -> str:
        return re.sub(r"\{\w+(-\w+)*\}", "{}", path)

    promised = {(method, anonymous(path)) for path, methods in CONTRACT["paths"].items() for method in methods}
    served = {(method.lower(), anonymous(path)) for method, path, _, _ in ROUTES}
    for name in KINDS:
        served |= {("get", f"/object-query/{name}"), ("get", f"/object-query/{name}/{{}}")}
    # The two routes of Object Query stand for all its objects.
    assert served - {("get", "/object-query/{}"), ("get", "/object-query/{}/{}")} == promised
