"""A real stand-in on loopback for every test, with a small world, a client that speaks to it, and one way to wait."""

import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from sandbox.zuora import CustomField, Sandbox, World, running
from sandbox.zuora.acts import (
    NewAccount,
    NewAccountingCode,
    NewAccountingPeriod,
    NewContact,
    NewInvoice,
    NewItem,
    NewPaymentMethod,
    NewTax,
    create_invoice,
    post_invoice,
)
from sandbox.zuora.objects import Account, Invoice

CODES = {
    "Accounts Receivable": "AccountsReceivable",
    "Subscription Revenue": "SalesRevenue",
    "Discounts": "SalesDiscounts",
    "Deferred Revenue": "DeferredRevenue",
    "VAT": "SalesTaxPayable",
    "Bank": "Cash",
    "Unapplied Payments": "CustomerCashOnAccount",
    "On Account": "OnAccountReceivable",
    "Bad Debt": "BadDebt",
}


def small_world() -> World:
    """Two accounts, the codes that documents need, four quarters, and fields to mark."""
    return World(
        accounting_codes=[
            NewAccountingCode(name=name, type=kind, gl_account_name=name, gl_account_number=str(4000 + place))
            for place, (name, kind) in enumerate(CODES.items())
        ],
        accounting_periods=[
            NewAccountingPeriod(
                name=f"2026-Q{quarter}",
                start_date=date(2026, 3 * quarter - 2, 1),
                end_date=date(2026, 3 * quarter, 30),
                fiscal_year="2026",
                fiscal_quarter=quarter,
            )
            for quarter in (1, 2, 3, 4)
        ],
        custom_fields=[
            CustomField(object="Invoice", name="QADInvoice__c"),
            CustomField(object="Invoice", name="Plain__c", indexed=False),
            CustomField(object="CreditMemo", name="QADMemo__c"),
            CustomField(object="Payment", name="QADPayment__c"),
        ],
        accounts=[
            NewAccount(
                name="Müller & Söhne",
                currency="EUR",
                vat_id="DE123456789",
                bill_to=NewContact(last_name="Müller", first_name="Eva", country="Germany", postal_code="80331"),
                payment_methods=[NewPaymentMethod(type="BankTransfer", iban="DE00", mandate_id="M-1")],
                custom={"QADCustomer__c": "C0001"},
            ),
            NewAccount(name="Branch", currency="EUR", parent="A-00000001", payment_term="Due Upon Receipt"),
        ],
    )


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)


class Zuora:
    """A stand-in and a client of it."""

    def __init__(self, sandbox: Sandbox, url: str, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.url, self.session = sandbox, url, session
        self.tenant = sandbox.tenant
        self._token: str | None = None

    async def call(self, method: str, path: str, **keywords: Any) -> Reply:
        """Send a request without a token."""
        async with self.session.request(method, self.url + path, **keywords) as response:
            return Reply(response.status, response.headers, await response.text())

    async def token(self) -> str:
        """Return a token, asked for once."""
        if self._token is None:
            reply = await self.ask_token()
            self._token = reply.json["access_token"]
        return self._token

    async def ask_token(self, **changes: str) -> Reply:
        """Ask for a new token."""
        client = self.sandbox.world.clients[0]
        form = {
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "grant_type": "client_credentials",
            **changes,
        }
        return await self.call("POST", "/oauth/token", data=form)

    async def api(self, method: str, path: str, headers: dict[str, str] | None = None, **keywords: Any) -> Reply:
        """Send a request with a token."""
        bearer = {"Authorization": f"Bearer {await self.token()}", **(headers or {})}
        return await self.call(method, path, headers=bearer, **keywords)

    async def get(self, path: str, *query: tuple[str, Any], headers: dict[str, str] | None = None) -> Reply:
        """GET with a query string of pairs."""
        pairs = [(name, str(value)) for name, value in query]
        return await self.api("GET", path, params=pairs or None, headers=headers)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API and insist on success."""
        reply = await self.call(method, f"/control{path}", json=body)
        assert reply.status == 200, reply.text
        return reply.json

    async def settings(self, **changes: Any) -> None:
        """Throw switches."""
        await self.control("PATCH", "/settings", changes)

    async def walk(self, path: str, *query: tuple[str, Any]) -> list[dict[str, Any]]:
        """Read a list to its end by its cursors."""
        rows: list[dict[str, Any]] = []
        cursor: list[tuple[str, str]] = []
        while True:
            reply = await self.get(path, *query, *cursor)
            assert reply.status == 200, reply.text
            rows += reply.json["data"]
            if "nextPage" not in reply.json:
                return rows
            cursor = [("cursor", reply.json["nextPage"])]

    # Documents, as most tests need them.

    def account(self, number: str = "A-00000001") -> Account:
        """Return the newest version of an account."""
        return self.tenant.get(Account, number)

    def draft(self, net: str = "100", tax: str = "19", **fields: Any) -> Invoice:
        """Draft an invoice over one line."""
        item = NewItem(
            charge_amount=Decimal(net),
            accounting_code="Subscription Revenue",
            deferred_revenue_accounting_code="Deferred Revenue",
            recognized_revenue_accounting_code="Subscription Revenue",
            sku="SKU-1",
            unit_of_measure="Each",
            service_start_date=date(2026, 1, 1),
            service_end_date=date(2026, 12, 31),
            taxes=[NewTax(tax_amount=Decimal(tax), tax_code="VAT19", jurisdiction="DE", tax_rate=Decimal("0.19"))],
        )
        request = {"account": "A-00000001", "items": [item], "invoice_date": date(2026, 3, 10), **fields}
        return create_invoice(self.tenant, request=NewInvoice(**request))

    def posted(self, net: str = "100", tax: str = "19", **fields: Any) -> Invoice:
        """Draft and post an invoice."""
        return post_invoice(self.tenant, invoice=self.draft(net, tax, **fields).id)

    def invoice(self, key: str) -> Invoice:
        """Return the newest version of an invoice."""
        return self.tenant.get(Invoice, key)


@pytest.fixture
async def zuora() -> AsyncIterator[Zuora]:
    sandbox = Sandbox(seed=7, world=small_world())
    sandbox.clock.set(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), running=False)
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        yield Zuora(sandbox, url, session)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Wait until something is so, at most ten seconds; the question may be a coroutine."""

    async def wait(is_so: Callable[[], Any]) -> None:
        end_s = time.monotonic() + 10
        while True:
            answer = is_so()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            assert time.monotonic() < end_s, "it never came to be so"
            await asyncio.sleep(0.005)

    return wait
