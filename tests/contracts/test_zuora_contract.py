"""The stand-in for Zuora against the contract: types and names of everything it answers, with any data in it.

The contract is a trimmed copy of the official SDK's API model (zuora-openapi.LICENSE.txt); it allows further fields
everywhere, so names are checked here as well. Envelopes that it does not know are listed below, as the API reference
and public clients show them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from sandbox.zuora import (
    BasicAuthentication,
    CalloutConfiguration,
    CustomField,
    Fault,
    Sandbox,
    Settings,
    Signature,
    World,
    running,
)
from sandbox.zuora.acts import (
    Application,
    NewAccount,
    NewAccountingCode,
    NewAccountingPeriod,
    NewAdjustment,
    NewBillRun,
    NewContact,
    NewCreditMemo,
    NewDebitMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    NewPaymentMethod,
    NewRefund,
    NewTax,
    adjust_invoice,
    apply_credit_memo,
    cancel_refund,
    create_bill_run,
    create_credit_memo,
    create_debit_memo,
    create_debit_memo_from_invoice,
    create_payment,
    fail_payment,
    generate_bill_run,
    post_bill_run,
    post_credit_memo,
    post_debit_memo,
    refund_payment,
    unapply_payment,
    write_off_invoice,
)
from sandbox.zuora.objects import CODE_CATEGORIES
from sandbox.zuora.query.catalog import KINDS
from sandbox.zuora.wire.routes import ROUTES

CONTRACT = json.loads((Path(__file__).parent / "zuora-openapi.json").read_text())
SCHEMAS = CONTRACT["components"]["schemas"]
PREFIX = "#/components/schemas/"


# What the contract says, and whether an answer keeps to it.


@cache
def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"{PREFIX}{name}", "components": CONTRACT["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def schema_name(path: str, method: str, status: int) -> str:
    """Return the schema of an answer by the template of its path."""
    responses = CONTRACT["paths"][path][method]["responses"]
    answer = responses.get(str(status)) or responses[f"{status // 100}XX"]
    return answer["content"]["application/json"]["schema"]["$ref"].removeprefix(PREFIX)


def unknown_names(value: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """Return every key that stands in no properties and is no custom field."""
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].removeprefix(PREFIX)]
    if isinstance(value, list):
        return [
            name
            for place, one in enumerate(value)
            for name in unknown_names(one, schema.get("items", {}), f"{at}[{place}]")
        ]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = []
    for key, one in value.items():
        known = schema["properties"].get(key)
        if known is None and not key.endswith(("__c", "__NS")):
            found.append(f"{at}.{key}")
        found += unknown_names(one, known or {}, f"{at}.{key}")
    return found


def check(value: Any, name: str) -> None:
    """Insist that an answer has the types and the names of its schema."""
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator(name).iter_errors(value)]
    assert not errors, (name, errors[:3])
    assert not unknown_names(value, SCHEMAS[name]), (name, unknown_names(value, SCHEMAS[name]))


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


# A tenant full of any data.

TEXT = st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=("Cs",)), max_size=20)
OPTIONAL = st.none() | TEXT
AMOUNT = st.decimals(Decimal(1), Decimal("99999999.99"), places=2)
DAY = st.dates(date(2020, 1, 1), date(2030, 12, 31))
CUSTOM = st.dictionaries(st.sampled_from(["QADCustomer__c", "Field__NS", "aB__c"]), TEXT, max_size=2)
CODE = st.none() | st.sampled_from(sorted(CODE_CATEGORIES))
TAX = st.builds(
    NewTax,
    tax_amount=AMOUNT,
    name=TEXT,
    tax_code=OPTIONAL,
    tax_code_description=OPTIONAL,
    tax_rate=st.decimals(0, 1, places=4),
    tax_rate_type=st.sampled_from(["Percentage", "FlatFee"]),
    tax_rate_description=OPTIONAL,
    jurisdiction=OPTIONAL,
    location_code=OPTIONAL,
    country_code=OPTIONAL,
    exempt_amount=AMOUNT,
    exempt_certificate=OPTIONAL,
    customer_code=OPTIONAL,
    seller_registration=OPTIONAL,
    accounting_code=CODE,
)
ITEM = st.builds(
    NewItem,
    charge_amount=AMOUNT,
    charge_name=TEXT,
    charge_number=OPTIONAL,
    description=OPTIONAL,
    processing_type=st.sampled_from(["Charge", "Discount", "Prepayment", "Rounding", "Surcharge"]),
    quantity=st.decimals(1, 1000, places=3),
    unit_price=st.none() | AMOUNT,
    unit_of_measure=OPTIONAL,
    sku=OPTIONAL,
    service_start_date=st.none() | DAY,
    service_end_date=st.none() | DAY,
    subscription_id=OPTIONAL,
    subscription_number=OPTIONAL,
    rate_plan_charge_id=OPTIONAL,
    product_rate_plan_charge_id=OPTIONAL,
    purchase_order_number=OPTIONAL,
    booking_reference=OPTIONAL,
    tax_code=OPTIONAL,
    tax_mode=st.sampled_from(["TaxExclusive", "TaxInclusive"]),
    taxes=st.lists(TAX, max_size=12),
    exclude_item_billing_from_revenue_accounting=st.booleans(),
    accounting_code=CODE,
    account_receivable_accounting_code=CODE,
    deferred_revenue_accounting_code=CODE,
    recognized_revenue_accounting_code=CODE,
    unbilled_receivables_accounting_code=CODE,
    contract_asset_accounting_code=CODE,
    contract_liability_accounting_code=CODE,
    contract_recognized_revenue_accounting_code=CODE,
    adjustment_liability_accounting_code=CODE,
    adjustment_revenue_accounting_code=CODE,
    on_account_accounting_code=CODE,
    non_revenue_write_off_accounting_code=CODE,
    revenue_recognition_rule_name=OPTIONAL,
    rev_rec_code=OPTIONAL,
    custom=CUSTOM,
)
CONTACT = st.builds(
    NewContact,
    last_name=TEXT,
    first_name=TEXT,
    country=OPTIONAL,
    state=OPTIONAL,
    postal_code=OPTIONAL,
    work_email=OPTIONAL,
    tax_region=OPTIONAL,
    custom=CUSTOM,
)
ACCOUNT = st.builds(
    NewAccount,
    name=TEXT,
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    payment_term=st.sampled_from(["Net 30", "Due Upon Receipt"]),
    organization_id=OPTIONAL,
    auto_pay=st.booleans(),
    crm_id=OPTIONAL,
    notes=OPTIONAL,
    # The contract limits these two.
    vat_id=st.none() | st.text("DE0123456789", max_size=25),
    tax_company_code=OPTIONAL,
    tax_exempt_status=st.sampled_from(["No", "Yes", "PendingVerification"]),
    purchase_order_number=OPTIONAL,
    communication_profile_id=OPTIONAL,
    sequence_set_id=OPTIONAL,
    invoice_template_id=OPTIONAL,
    payment_gateway=OPTIONAL,
    bill_to=st.none() | CONTACT,
    sold_to=st.none() | CONTACT,
    payment_methods=st.lists(
        st.builds(NewPaymentMethod, type=st.just("BankTransfer"), name=OPTIONAL, iban=OPTIONAL), max_size=2
    ),
    custom=CUSTOM,
)
SETTINGS = st.builds(
    Settings,
    time_zone=st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"]),
    unapply_rows=st.sampled_from(["negative", "positive"]),
    unapplied_part=st.booleans(),
    processing_type=st.sampled_from(["code", "name"]),
    amounts=st.sampled_from(["trimmed", "as_given"]),
    v1_amounts=st.sampled_from(["number", "text"]),
    expires_in=st.just("number"),
    error_codes=st.just("text"),
)


def fill(sandbox: Sandbox, items: list[NewItem], credits_: list[NewItem]) -> None:
    """Do one of everything with this data."""
    tenant, account = sandbox.tenant, "A-00000001"
    run = create_bill_run(
        tenant, request=NewBillRun(name="n", invoices=[NewInvoice(account=account, items=items, comments="c")] * 3)
    )
    generate_bill_run(tenant, bill_run=run.id)
    post_bill_run(tenant, bill_run=run.id)
    half = tenant.invoices.find("INV00000001").balance / 2
    for kind in ("External", "Electronic"):
        part = [Application(invoice="INV00000001", amount=half / 2)]
        request = NewPayment(account=account, amount=half, type=kind, invoices=part, comment="c", reference_id="r")
        create_payment(tenant, request=request)
    unapply_payment(tenant, payment="P-00000001")
    fail_payment(tenant, payment="P-00000002")
    for kind in ("External", "Electronic"):
        refund_payment(tenant, request=NewRefund(source="P-00000001", amount=half / 4, type=kind, comment="c"))
    cancel_refund(tenant, refund="R-00000001")
    create_payment(tenant, request=NewPayment(amount=half, currency="EUR"))
    part = [Application(invoice="INV00000002", amount=half / 2)]
    create_payment(tenant, request=NewPayment(account=account, amount=half, invoices=part))
    memo = create_credit_memo(tenant, request=NewCreditMemo(account=account, items=credits_, comments="c"))
    post_credit_memo(tenant, credit_memo=memo.id)
    most = min(memo.total_amount, tenant.invoices.find("INV00000002").balance)
    apply_credit_memo(tenant, credit_memo=memo.id, invoices=[Application(invoice="INV00000002", amount=most)])
    write_off_invoice(tenant, invoice="INV00000003")
    debits = [line for line in credits_ if line.charge_amount > 0]
    debit = create_debit_memo(tenant, request=NewDebitMemo(account=account, items=debits, comments="d"))
    post_debit_memo(tenant, debit_memo=debit.id)
    paid = [Application(debit_memo=debit.memo_number, amount=debit.total_amount / 2)]
    create_payment(tenant, request=NewPayment(account=account, amount=debit.total_amount, invoices=paid))
    create_debit_memo_from_invoice(tenant, invoice="INV00000003")


class Client:
    """A client that checks all it reads."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self.session, self.headers = url, session, {"Zuora-Version": "2025-08-12"}

    async def sign_in(self, sandbox: Sandbox) -> None:
        client = sandbox.world.clients[0]
        form = {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "grant_type": "client_credentials",
        }
        token = await self.read("/oauth/token", "/oauth/token", method="post", data=form)
        self.headers["Authorization"] = f"Bearer {token['access_token']}"

    async def send(self, path: str, *, method: str = "get", **keywords: Any) -> tuple[int, str, Any]:
        async with self.session.request(method, self.url + path, headers=self.headers, **keywords) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return response.status, response.content_type, json.loads(text, parse_float=Decimal) if is_json else text

    async def read(self, template: str, path: str, *, method: str = "get", **keywords: Any) -> Any:
        """Send a call and check its answer against the contract."""
        status, _, body = await self.send(path, method=method, **keywords)
        assert status == 200, body
        check(body, schema_name(template, method, status))
        return body


@asynccontextmanager
async def serving(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        client = Client(url, session)
        await client.sign_in(sandbox)
        yield client


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


async def read_object_query(client: Client) -> None:
    for name in LISTS:
        template = f"/object-query/{name}"
        rows = (await client.read(template, f"{template}?{EVERYTHING}"))["data"]
        assert rows or name in OFTEN_EMPTY, name
        if name in EXPANSIONS:
            await client.read(template, f"{template}?{EVERYTHING}&expand[]={EXPANSIONS[name]}")
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


def world_of(accounts: list[NewAccount], switches: Settings) -> World:
    return World(
        settings=switches,
        accounts=accounts,
        accounting_codes=[NewAccountingCode(name=kind, type=kind, gl_account_number="1") for kind in CODE_CATEGORIES],
        accounting_periods=[
            NewAccountingPeriod(name="P", start_date=date(2020, 1, 1), end_date=date(2030, 1, 1), fiscal_year="2026")
        ],
        custom_fields=[
            CustomField(object=name, name="QADCustomer__c") for name in ("Account", "Invoice", "CreditMemo", "Payment")
        ],
        callouts=[CalloutConfiguration(name="n", event="InvoicePosted", url="http://127.0.0.1:1/x")],
    )


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
        for tail, wrong in (("", {"queryString": "select"}), ("More", {"queryLocator": "none"})):
            status, _, refused = await client.send(path + tail, method="post", json=wrong)
            assert status == 400
            check(refused, schema_name(path + tail, "post", status))
            Draft202012Validator(ENVELOPES["fault"]).validate(refused)


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


# Envelopes that the contract does not know, or knows in another form than the wire has.


def exactly(required: str, optional: str = "", **types: Any) -> dict[str, Any]:
    """Return the schema of an object with these keys and no others."""
    names = [*required.split(), *optional.split()]
    properties = {name: types.get(name, {"type": "string", "minLength": 1}) for name in names}
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


CODE_AND_MESSAGE = exactly("code message", code={"type": ["integer", "string"]})
REASONS = {"type": "array", "minItems": 1, "items": CODE_AND_MESSAGE}
FALSE = {"const": False}
ENVELOPES = {
    "v1": exactly("success processId reasons requestId", success=FALSE, reasons=REASONS),
    "object query": exactly("reasons requestId", reasons=REASONS),
    "rate": exactly("reasons", reasons=REASONS),
    "fault": exactly("FaultCode FaultMessage"),
    "message": exactly("message"),
    "code": CODE_AND_MESSAGE,
}
RESULTS = {
    "type": "array",
    "items": {
        "oneOf": [
            exactly("Success Id", Success={"const": True}),
            exactly(
                "Success Errors",
                Success=FALSE,
                Errors={"type": "array", "minItems": 1, "items": exactly("Code Message")},
            ),
        ]
    },
}
TOKEN_FORM = {"client_id": "0" * 36, "client_secret": "x", "grant_type": "client_credentials"}
QUERY, INVOICE, UPDATE = "/object-query/invoices", "/v1/invoices/INV00000001", "/v1/action/update"


@pytest.mark.parametrize(
    ("method", "path", "keywords", "fault", "status", "envelope"),
    [
        ("get", "/v1/invoices/none", {}, None, 200, "v1"),
        ("get", "/v1/nothing", {}, None, 404, "v1"),
        ("delete", INVOICE, {}, None, 405, "v1"),
        ("put", INVOICE, {}, None, 415, "v1"),
        ("put", INVOICE, {"data": b"{"}, None, 400, "v1"),
        ("get", "/v1/accounting-codes?page=2", {}, None, 400, "v1"),
        ("get", INVOICE, {}, "unauthorized", 401, "v1"),
        ("get", INVOICE, {}, "http_500", 500, "v1"),
        ("get", INVOICE, {}, "success_false", 200, "v1"),
        ("get", INVOICE, {}, "too_many_concurrent", 429, "v1"),
        ("get", INVOICE, {}, "too_many_requests", 429, "rate"),
        ("get", f"{QUERY}/none", {}, None, 404, "object query"),
        ("get", "/object-query/nothing", {}, None, 404, "object query"),
        ("get", f"{QUERY}?filter[]=x", {}, None, 400, "object query"),
        ("get", f"{QUERY}?pageSize=100", {}, None, 400, "object query"),
        ("post", QUERY, {}, None, 405, "object query"),
        ("get", QUERY, {}, "unauthorized", 401, "object query"),
        ("get", QUERY, {}, "http_500", 500, "object query"),
        ("get", QUERY, {}, "too_many_concurrent", 429, "object query"),
        ("post", UPDATE, {"json": {"type": "Nothing", "objects": []}}, None, 400, "fault"),
        ("post", UPDATE, {"data": b"{"}, None, 400, "fault"),
        ("post", UPDATE, {}, "unauthorized", 401, "message"),
        ("post", UPDATE, {}, "http_500", 500, "code"),
        ("post", "/oauth/token", {"data": {**TOKEN_FORM, "grant_type": "password"}}, None, 400, "code"),
        ("post", "/oauth/token", {"data": TOKEN_FORM}, None, 401, "message"),
        ("get", "/elsewhere", {}, None, 404, "message"),
    ],
)
async def test_each_refusal_has_the_envelope_of_its_family(*, method, path, keywords, fault, status, envelope):
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    async with serving(sandbox) as client:
        if path == "/oauth/token":
            del client.headers["Authorization"]
        if fault:
            sandbox.faults.arm(Fault(name=fault))
        got, content_type, body = await client.send(path, method=method, **keywords)
    assert (got, content_type) == (status, "application/json")
    Draft202012Validator(ENVELOPES[envelope]).validate(body)


@pytest.mark.parametrize(
    ("method", "path", "template", "keywords", "status", "schema"),
    [
        ("get", f"{QUERY}?filter[]=x", "/object-query/invoices", {}, 400, "CommonOQErrorResponse"),
        ("put", INVOICE, "/v1/invoices/{invoiceKey}", {"data": b"{"}, 400, "CommonResponse"),
        ("post", UPDATE, "/v1/action/update", {"json": {"type": "Nothing"}}, 400, "FaultResponse"),
        ("post", "/oauth/token", "/oauth/token", {"data": TOKEN_FORM}, 401, "ProxyUnauthorizedResponse"),
    ],
)
async def test_refusals_that_the_contract_knows_keep_to_it(*, method, path, template, keywords, status, schema):
    # The contract has codes as strings; the wire has them as numbers too, which is a switch.
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings(error_codes="text")))
    async with serving(sandbox) as client:
        if path == "/oauth/token":
            del client.headers["Authorization"]
        got, _, body = await client.send(path, method=method, **keywords)
    assert got == status
    assert schema_name(template, method, status) == schema
    check(body, schema)


async def test_results_of_an_update_are_a_bare_array():
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    async with serving(sandbox) as client:
        account = sandbox.tenant.accounts.find("A-00000001").id
        objects = [{"Id": account, "Notes": "n"}, {"Id": "none"}, {}]
        status, _, body = await client.send(UPDATE, method="post", json={"type": "Account", "objects": objects})
    assert status == 200
    Draft202012Validator(RESULTS).validate(body)
    assert [result["Success"] for result in body] == [True, False, False]


async def test_html_of_the_gateway_is_no_json():
    sandbox = Sandbox(world=world_of([NewAccount(name="x")], Settings()))
    async with serving(sandbox) as client:
        sandbox.faults.arm(Fault(name="http_503", status=502))
        status, content_type, body = await client.send(QUERY)
    assert (status, content_type) == (502, "text/html")
    assert body.startswith("<html>")


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
