"""Books to post to, a running stand-in, and someone signed in to it."""

import asyncio
import datetime as dt
import inspect
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest

from sandbox.qad.books.audit import audit, trial_balance
from sandbox.qad.books.books import Books
from sandbox.qad.books.documents import (
    Adjustment,
    AdjustmentLine,
    Allocation,
    BankingAllocation,
    BankingEntry,
    Content,
    Document,
    DocumentKey,
    Invoice,
    Journal,
    JournalLine,
    Origin,
    Payment,
    PostingLine,
)
from sandbox.qad.books.policy import Policy
from sandbox.qad.dialect import Dialect
from sandbox.qad.sample import sample_world
from sandbox.qad.server import QadServer

US = "10USACO"


class Desk:
    """Posts to the books of the US company and reads what came of it."""

    def __init__(self) -> None:
        self.world = sample_world()
        self.policy = Policy()
        self.books = Books(self.world.master(), self.policy)
        self.ledger = self.books.ledgers[US]
        self.catalogue = self.books.master.catalogues["CORP"]
        self.origin = Origin("connector", dt.datetime(2026, 2, 15, 12, tzinfo=dt.UTC))

    def post(self, content: Content) -> Document:
        booked = self.books.post(US, [content], origin=self.origin)
        assert not booked.refusals, booked.refusals
        return booked.documents[0]

    def refused(self, content: Content) -> dict[str, str]:
        """Post what must be refused without a trace; return field by code."""
        before = self.snapshot()
        booked = self.books.post(US, [content], origin=self.origin)
        assert booked.refusals, "it was booked"
        assert self.snapshot() == before
        return {error.code: error.field for error in booked.refusals[0]}

    def entry(self, document: Document) -> list[tuple[str, str, str, str, str, str]]:
        """Return origin, account, debit, credit, base debit and base credit of each GL line."""
        return [
            (
                line.origin,
                line.gl_account_code,
                f"{line.debit_amount:f}",
                f"{line.credit_amount:f}",
                f"{line.base_debit_amount:f}",
                f"{line.base_credit_amount:f}",
            )
            for line in self.ledger.lines_of(document)
        ]

    def open_amount(self, document: Document) -> Decimal:
        return self.ledger.items[document.key].open_amount

    def check(self) -> None:
        """Check that the books agree with themselves and that the trial balance is zero."""
        assert audit(self.ledger, self.catalogue) == []
        trial = trial_balance(self.ledger)
        assert sum(line.base_amount for line in trial) == 0
        for currency in {line.currency_code for line in trial}:
            assert sum(line.amount for line in trial if line.currency_code == currency) == 0

    def snapshot(self) -> list[Any]:
        """Return everything that the books of the company hold, as values that no later act changes."""
        ledger = self.ledger
        return [
            [(document.key, document.content, document.line_count) for document in ledger.documents.values()],
            {kind: [document.key for document in found] for kind, found in ledger.by_kind.items()},
            [(line.gl_account_code, line.debit_amount, line.base_debit_amount) for line in ledger.lines],
            [(item.key, item.open_amount, item.open_base_amount) for item in ledger.items.values()],
            {code: len(found) for code, found in ledger.items_by_customer.items() if found},
            {key: msgspec.structs.astuple(balance) for key, balance in ledger.balances.items()},
            [ledger.next_voucher(2026, code) for code in ("ZINV", "ZCRN", "ZPAY", "ZBNK", "ZADJ", "ZJRN")],
            *(
                {text: [document.key for document in found] for text, found in index._documents.items()}
                for index in (ledger.by_custom_short_0, ledger.by_reference, ledger.by_daybook)
            ),
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="session")
def desk_class() -> type[Desk]:
    """For tests that make many books of their own."""
    return Desk


class Draft:
    """Contents that are right as they are; a test changes what it is about."""

    @staticmethod
    def line(amount: str | Decimal, account: str = "4100", *, debit: bool = False, **more: str) -> PostingLine:
        value = Decimal(amount)
        if debit:
            return PostingLine(gl_account_code=account, debit_amount=value, **more)
        return PostingLine(gl_account_code=account, credit_amount=value, **more)

    def invoice(self, amount: str = "100.00", **changes: Any) -> Invoice:
        invoice = Invoice(
            invoice_type="INVOICE",
            customer_code="C0001",
            currency_code="USD",
            invoice_date=dt.date(2026, 1, 10),
            posting_date=dt.date(2026, 1, 10),
            due_date=dt.date(2026, 2, 9),
            daybook_code="ZINV",
            description="Subscription",
            reference="INV00000001",
            custom_short_0="mlc-1",
            original_amount=Decimal(amount),
            is_taxable=False,
            posting_lines=(self.line(amount),),
        )
        return msgspec.structs.replace(invoice, **changes)

    def credit_note(self, amount: str = "100.00", **changes: Any) -> Invoice:
        credit_note = self.invoice(
            amount,
            invoice_type="CREDITNOTE",
            daybook_code="ZCRN",
            reference="CM00000001",
            posting_lines=(self.line(amount, debit=True),),
        )
        return msgspec.structs.replace(credit_note, **changes)

    def payment(self, amount: str = "100.00", *paid: tuple[Document, str], **changes: Any) -> Payment:
        payment = Payment(
            customer_code="C0001",
            currency_code="USD",
            bank_gl_account_code="1010",
            payment_date=dt.date(2026, 2, 10),
            posting_date=dt.date(2026, 2, 10),
            daybook_code="ZPAY",
            amount=Decimal(amount),
            payment_reference="P-00000001",
            custom_short_0="mlc-2",
            status="Paid",
            description="Card",
            allocations=tuple(
                Allocation(
                    invoice_posting_year=document.key.posting_year,
                    invoice_daybook_code=document.key.daybook_code,
                    invoice_voucher=document.key.voucher,
                    amount=Decimal(part),
                )
                for document, part in paid
            ),
        )
        return msgspec.structs.replace(payment, **changes)

    @staticmethod
    def banking(amount: str, *moved: tuple[Document, str], **changes: Any) -> BankingEntry:
        banking = BankingEntry(
            customer_code="C0001",
            currency_code="USD",
            bank_gl_account_code="1010",
            direction="OUT",
            value_date=dt.date(2026, 2, 14),
            posting_date=dt.date(2026, 2, 14),
            daybook_code="ZBNK",
            amount=Decimal(amount),
            external_reference="R-00000001",
            custom_short_0="mlc-5",
            description="Refund",
            allocations=tuple(
                BankingAllocation(
                    item_posting_year=document.key.posting_year,
                    item_daybook_code=document.key.daybook_code,
                    item_voucher=document.key.voucher,
                    amount=Decimal(part),
                )
                for document, part in moved
            ),
        )
        return msgspec.structs.replace(banking, **changes)

    @staticmethod
    def movement(
        document: Document | DocumentKey, *, debit: str = "0", credit: str = "0", customer: str = "C0001"
    ) -> AdjustmentLine:
        key = document.key if isinstance(document, Document) else document
        return AdjustmentLine(
            customer_code=customer,
            item_posting_year=key.posting_year,
            item_daybook_code=key.daybook_code,
            item_voucher=key.voucher,
            debit_amount=Decimal(debit),
            credit_amount=Decimal(credit),
        )

    @staticmethod
    def adjustment(*lines: AdjustmentLine, **changes: Any) -> Adjustment:
        adjustment = Adjustment(
            posting_date=dt.date(2026, 2, 12),
            daybook_code="ZADJ",
            description="Application",
            custom_short_0="mlc-3",
            currency_code="USD",
            lines=lines,
        )
        return msgspec.structs.replace(adjustment, **changes)

    @staticmethod
    def journal(*lines: tuple[str, str, str, str], **changes: Any) -> Journal:
        """Lines are account, currency, debit, credit."""
        journal = Journal(
            posting_date=dt.date(2026, 1, 31),
            daybook_code="ZJRN",
            description="Reclass",
            custom_short_0="mlc-4",
            lines=tuple(
                JournalLine(
                    gl_account_code=account,
                    currency_code=currency,
                    debit_amount=Decimal(debit),
                    credit_amount=Decimal(credit),
                )
                for account, currency, debit, credit in lines
            ),
        )
        return msgspec.structs.replace(journal, **changes)


@pytest.fixture
def draft() -> Draft:
    return Draft()


@pytest.fixture(scope="session")
def draft_class() -> type[Draft]:
    """For tests that draw many contents."""
    return Draft


class Reply:
    """What came back."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    @property
    def json(self) -> Any:
        return msgspec.json.Decoder(float_hook=Decimal).decode(self.body)

    @property
    def success(self) -> bool | None:
        return self.json.get("submitResult", {}).get("success")

    @property
    def errors(self) -> list[dict[str, Any]]:
        return list(self.json["submitResult"]["errors"])

    @property
    def codes(self) -> set[str]:
        return {error["code"] for error in self.errors}


class Tenant:
    """Someone signed in to a running stand-in."""

    def __init__(self, server: QadServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.control = server.control
        self.session = session
        self.token = ""
        self.workspace: str | None = "10USA_10USACO"
        self.dialect: Dialect = server.installation.dialect

    async def grant(self, **form: str) -> Reply:
        form = {"client_id": "ml-connector", **form}
        async with self.session.post(self.server.url + self.dialect.token_path, data=form) as answer:
            return Reply(answer.status, await answer.read(), dict(answer.headers))

    async def sign_in(self, username: str = "connector", password: str = "connector-word") -> Reply:
        reply = await self.grant(grant_type="password", username=username, password=password)
        assert reply.status == 200, reply.body
        self.token = reply.json["access_token"]
        return reply

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en-US"}
        if self.workspace:
            headers[self.dialect.workspace_header] = self.workspace
        return headers

    async def send(self, method: str, path: str, *, timeout_s: float = 10, **more: Any) -> Reply:
        limit = aiohttp.ClientTimeout(total=timeout_s)
        async with self.session.request(
            method, self.server.url + path, headers=self.headers, timeout=limit, **more
        ) as answer:
            return Reply(answer.status, await answer.read(), dict(answer.headers))

    async def post(self, kind: str, *records: dict[str, Any], timeout_s: float = 10, **query: Any) -> Reply:
        resource = self.dialect.resource_of(kind)
        body = msgspec.json.Encoder(decimal_format="number").encode(
            {"supplementaryMessages": [], resource.list_name: list(records)}
        )
        params = {"viewUri": resource.view_uri, **query}
        return await self.send("POST", resource.path, params=params, data=body, timeout_s=timeout_s)

    async def read(self, kind: str, **key: Any) -> Reply:
        resource = self.dialect.resource_of(kind)
        return await self.send("GET", resource.path, params={"viewUri": resource.view_uri, **key})

    async def browse(
        self, table: str, *filters: str, page: int = 1, size: int = 100, action: str | None = None
    ) -> list[dict[str, Any]]:
        reply = await self.browse_reply(table, *filters, page=page, size=size, action=action)
        assert reply.status == 200, reply.body
        prefix = self.dialect.browse_of(table).prefix + "."
        return [{name.removeprefix(prefix): value for name, value in row.items()} for row in reply.json["data"]]

    async def browse_reply(
        self, table: str, *filters: str, page: int = 1, size: int = 100, action: str | None = None
    ) -> Reply:
        params = [
            ("browseId", self.dialect.browse_of(table).browse_id),
            ("page", str(page)),
            ("pageSize", str(size)),
            ("pageAction", action or ("first" if page == 1 else "next")),
            ("callId", "5a1f3c9e-0000-4000-8000-000000000000"),
            *(("filter", one) for one in filters),
        ]
        return await self.send("GET", self.dialect.browse_path, params=params)

    async def act(self, path: str, body: Any = None) -> Reply:
        """Use the control over HTTP: GET without a body, else POST."""
        url = f"{self.server.control_url}/{path}"
        data = None if body is None else msgspec.json.Encoder(decimal_format="number").encode(body)
        async with self.session.request("GET" if body is None else "POST", url, data=data) as answer:
            return Reply(answer.status, await answer.read(), dict(answer.headers))


@pytest.fixture
async def server() -> AsyncIterator[QadServer]:
    async with QadServer() as running:
        running.control.set_clock(now=dt.datetime(2026, 2, 15, 12, tzinfo=dt.UTC))
        yield running


@pytest.fixture
async def enter() -> AsyncIterator[Callable[[QadServer], Any]]:
    """Let someone sign in to a server of the test's own making."""
    sessions: list[aiohttp.ClientSession] = []

    async def sign_in(server: QadServer) -> Tenant:
        session = aiohttp.ClientSession()
        sessions.append(session)
        tenant = Tenant(server, session)
        await tenant.sign_in()
        return tenant

    yield sign_in
    for session in sessions:
        await session.close()


@pytest.fixture
async def tenant(server: QadServer, enter: Callable[[QadServer], Any]) -> Tenant:
    entered: Tenant = await enter(server)
    return entered


@pytest.fixture
def invoice_record() -> Callable[..., dict[str, Any]]:
    """Return records of invoices as a caller writes them."""

    def record(machine_reference: str = "mlc-1", *, amount: str = "110.10", **changes: Any) -> dict[str, Any]:
        total = Decimal(amount)
        return {
            "entityCode": US,
            "invoiceType": "INVOICE",
            "customerCode": "C0001",
            "currencyCode": "USD",
            "invoiceDate": "2026-01-10T00:00:00.000Z",
            "postingDate": "2026-01-10",
            "dueDate": "2026-02-09T00:00:00.000Z",
            "creditTermsCode": "NET30",
            "daybookCode": "ZINV",
            "voucher": 0,
            "description": "Subscription",
            "reference": "INV00000001",
            "customShort0": machine_reference,
            "originalAmount": total,
            "isTaxable": False,
            "postingLines": [
                {"sequence": 1, "glAccountCode": "4000", "subAccountCode": "SAAS", "creditAmount": total - 10},
                {"sequence": 2, "glAccountCode": "2300", "creditAmount": 10, "text": "Sales tax"},
            ],
            **changes,
        }

    return record


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until a check holds: the only way of waiting in these tests."""

    async def wait(check: Callable[[], Any], *, within_s: float = 5.0) -> None:
        deadline = time.monotonic() + within_s
        while True:
            try:
                found = check()
                if inspect.isawaitable(found):
                    await found
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.01)
            else:
                return

    return wait
