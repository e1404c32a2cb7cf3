"""A tenant full of any data, one of everything, and a client that checks all it reads of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import aiohttp
from hypothesis import strategies as st

from sandbox.zuora import CalloutConfiguration, CustomField, Sandbox, Settings, World, running
from sandbox.zuora.acts import (
    Application,
    NewAccount,
    NewAccountingCode,
    NewAccountingPeriod,
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
from tests.contracts.contract import check, schema_name

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
