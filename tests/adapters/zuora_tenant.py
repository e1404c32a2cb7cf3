"""A tenant of Zuora for tests: the stand-in on loopback, its clock on every answer, and clients of the product."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from random import Random
from typing import Any

import msgspec
from aiohttp import web

from adapters.credentials.secret import Secret
from adapters.store.inventory import Inventory, Seen
from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.commons import Commons
from adapters.zuora.finding.poller import DOCUMENT_KINDS, TenantPoller
from adapters.zuora.finding.reread import TenantReread
from adapters.zuora.finding.schedule import PollSettings
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from sandbox.zuora import Fault, Sandbox, Settings, World, create_app
from sandbox.zuora.acts import (
    Application,
    NewAccount,
    NewAccountingCode,
    NewBillRun,
    NewCreditMemo,
    NewDebitMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    NewTax,
    apply_credit_memo,
    create_account,
    create_bill_run,
    create_credit_memo,
    create_debit_memo,
    create_invoice,
    create_payment,
    generate_bill_run,
    post_credit_memo,
    post_debit_memo,
    post_invoice,
)
from sandbox.zuora.objects import Account, CreditMemo, DebitMemo, Invoice, Payment
from sandbox.zuora.wire.journal import Entry
from schemas.codec import encode
from schemas.cursors import Backfill, Reread
from schemas.records import Found, ZuoraRecord
from schemas.references import ZuoraReference
from schemas.topics import RECORD_BYTES_MAX
from tests.adapters.strange import StrangeServer, Told
from tests.loopback import LOOPBACK

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
BY_HAND = Found(by="reread", at=NOON)

_CODES = {
    "Accounts Receivable": "AccountsReceivable",
    "Subscription Revenue": "SalesRevenue",
    "Deferred Revenue": "DeferredRevenue",
    "VAT": "SalesTaxPayable",
    "Bank": "Cash",
    "Unapplied Payments": "CustomerCashOnAccount",
    "On Account": "OnAccountReceivable",
}


def small_world() -> World:
    """One account and the codes that documents need; the tenant's zone is Zuora's own, Pacific."""
    codes = [NewAccountingCode(name=name, type=kind) for name, kind in _CODES.items()]
    return World(accounting_codes=codes, accounts=[NewAccount(name="Müller & Söhne", currency="EUR")])


class ZuoraTenant:
    """The stand-in, what can be done to it, and clients that read it."""

    def __init__(self, sandbox: Sandbox, stack: AsyncExitStack) -> None:
        self.sandbox = sandbox
        self.tenant = sandbox.tenant
        self.url = ""
        self._stack = stack
        self._deeds: list[tuple[str, Callable[[], Any]]] = []

    # -- reading -----------------------------------------------------------------------------------------------------

    async def client(self, *, client_secret: str = "", concurrency: int = 8, **settings: Any) -> ZuoraClient:
        """Return a client of this tenant, closed with the test; it shares nothing unless it is told to."""
        known = self.sandbox.world.clients[0]
        client = ZuoraClient(
            **{
                "base_url": self.url,
                "client_id": Secret(known.client_id),
                "client_secret": Secret(client_secret or known.client_secret),
                "version": "2025-08-12",
                "commons": Commons(),
                "reach": LOOPBACK,
                "budget": budget(concurrency=concurrency),
                **settings,
            }
        )
        return await self._stack.enter_async_context(client)

    async def objects(self) -> ZuoraObjects:
        """Return a reader of objects."""
        return ZuoraObjects(await self.client(), "acme")

    async def read(self, kind: str, key: str) -> ZuoraRecord:
        """Return one object with all its children; it must be there."""
        record = await (await self.objects()).read(kind, key, BY_HAND)
        assert record is not None
        return record

    # -- what is done to it ------------------------------------------------------------------------------------------

    def arm(self, name: str, path: str = "", **more: Any) -> Any:
        """Arm a fault; its `fired` must be looked at."""
        return self.sandbox.faults.arm(Fault(name=name, path=path, **more))

    def use(self, **settings: Any) -> None:
        """Throw switches of the tenant."""
        self.sandbox.use(msgspec.structs.replace(self.tenant.settings, **settings))

    def after_answer(self, path: str, deed: Callable[[], Any]) -> None:
        """Do something once, between the next answer under a path and whatever is asked after it."""
        self._deeds.append((path, deed))

    def account(self, **fields: Any) -> Account:
        """Create an account."""
        return create_account(self.tenant, request=NewAccount(**{"name": "Branch", "currency": "EUR", **fields}))

    def invoice(self, *, items: int = 1, taxes: int = 0, post: bool = True, **fields: Any) -> Invoice:
        """Draft an invoice of so many lines of 10 EUR, each with so many taxes of 0.01, and post it."""
        lines = [
            NewItem(
                charge_amount=Decimal(10),
                charge_name=f"Charge {number}",
                accounting_code="Subscription Revenue",
                taxes=[NewTax(tax_amount=Decimal("0.01"), tax_code=f"T{tax}") for tax in range(taxes)],
            )
            for number in range(items)
        ]
        request = {"account": "A-00000001", "items": lines, "invoice_date": date(2026, 3, 10), **fields}
        draft = create_invoice(self.tenant, request=NewInvoice(**request))
        return post_invoice(self.tenant, invoice=draft.id) if post else draft

    def bill_run(self, invoices: int, *, auto_post: bool = True) -> Any:
        """Run a bill run: all its invoices get one and the same second."""
        line = NewItem(charge_amount=Decimal(10), accounting_code="Subscription Revenue")
        planned = [NewInvoice(account="A-00000001", items=[line]) for _ in range(invoices)]
        run = create_bill_run(self.tenant, request=NewBillRun(invoices=planned, auto_post=auto_post))
        return generate_bill_run(self.tenant, bill_run=run.id)

    def payment(self, *invoices: Invoice, amount: str = "10") -> Payment:
        """Take a payment that pays so much on each of these invoices."""
        parts = [Application(invoice=invoice.id, amount=Decimal(amount)) for invoice in invoices]
        total = Decimal(amount) * max(len(parts), 1)
        request = NewPayment(account="A-00000001", amount=total, invoices=parts, effective_date=date(2026, 3, 12))
        return create_payment(self.tenant, request=request)

    def credit_memo(self, *invoices: Invoice, items: int = 1) -> CreditMemo:
        """Post a memo and apply 1 EUR of it to each of these invoices."""
        share = Decimal(max(len(invoices), 1)) / items
        lines = [NewItem(charge_amount=share, accounting_code="Subscription Revenue") for _ in range(items)]
        request = NewCreditMemo(account="A-00000001", items=lines, memo_date=date(2026, 3, 11))
        memo = post_credit_memo(self.tenant, credit_memo=create_credit_memo(self.tenant, request=request).id)
        if invoices:
            parts = [Application(invoice=invoice.id, amount=Decimal(1)) for invoice in invoices]
            apply_credit_memo(self.tenant, credit_memo=memo.id, invoices=parts, effective_date=date(2026, 3, 12))
        return memo

    def debit_memo(self, *, items: int = 1, taxes: int = 0) -> DebitMemo:
        """Post a debit memo of so many lines of 10 EUR, each with so many taxes of 0.01."""
        taxed = [NewTax(tax_amount=Decimal("0.01"), tax_code=f"T{tax}") for tax in range(taxes)]
        line = NewItem(charge_amount=Decimal(10), accounting_code="Subscription Revenue", taxes=taxed)
        request = NewDebitMemo(account="A-00000001", items=[line] * items, memo_date=date(2026, 3, 11))
        return post_debit_memo(self.tenant, debit_memo=create_debit_memo(self.tenant, request=request).id)

    def every_second(self, count: int) -> list[Invoice]:
        """Post so many invoices, each in a second of its own."""
        made = []
        for _ in range(count):
            self.sandbox.clock.advance(1)
            made.append(self.invoice())
        return made

    def later(self, **by: float) -> None:
        """Let time pass, as timedelta counts it."""
        self.sandbox.clock.advance(timedelta(**by).total_seconds())

    async def callouts_are_through(self) -> None:
        """Wait until every callout was delivered or given up."""
        while True:
            traffic = self.sandbox.callouts.traffic
            if not (traffic.queued or traffic.in_flight or traffic.waiting):
                return
            await asyncio.sleep(0.01)

    def touch(self, row: Any) -> None:
        """Change a row, as business does that moves no amount: its stamp is now."""
        with self.tenant.act("touch"):
            self.tenant.change(row)

    # -- what arrived ------------------------------------------------------------------------------------------------

    def requests(self, path: str = "") -> list[Entry]:
        """Return the requests whose path matches, oldest first."""
        return [entry for entry in self.sandbox.journal.entries if re.search(path, entry.path)]

    @property
    def token_calls(self) -> int:
        """How often a token was asked for."""
        return len(self.requests("^/oauth/token$"))

    # -- the server --------------------------------------------------------------------------------------------------

    async def _tell_time(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self.sandbox.clock.stamp().utc(), usegmt=True)
        for place, (path, deed) in enumerate(self._deeds):
            if re.search(path, request.path):
                del self._deeds[place]
                deed()
                return

    def application(self) -> web.Application:
        """Return the stand-in, with its own clock on every answer."""
        application = create_app(self.sandbox)
        application.on_response_prepare.append(self._tell_time)
        return application


@asynccontextmanager
async def zuora_tenant(settings: Settings | None = None) -> AsyncIterator[ZuoraTenant]:
    """Serve a tenant at noon of a day in March, its clock standing still."""
    sandbox = Sandbox(seed=7, world=small_world(), settings=settings)
    sandbox.clock.set(NOON, running=False)
    async with AsyncExitStack() as stack:
        tenant = ZuoraTenant(sandbox, stack)
        runner = web.AppRunner(tenant.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        tenant.url = f"http://{host}:{port}"
        yield tenant


TOKEN = Told(b'{"access_token": "t", "expires_in": 3598}')


def budget(*, concurrency: int = 8, per_minute: int | None = None) -> Budget:
    """Return a budget of its own, of so many calls at once of each kind."""
    return Budget(Allowance(per_minute=per_minute, concurrency=concurrency, object_query=concurrency))


def client_of(
    url: str, *, client_id: str = "i", client_secret: str = "s", commons: Commons | None = None
) -> ZuoraClient:
    """Return a client of whatever answers there."""
    return ZuoraClient(
        url,
        client_id=Secret(client_id),
        client_secret=Secret(client_secret),
        version="2025-08-12",
        commons=commons or Commons(),
        reach=LOOPBACK,
        budget=budget(concurrency=4),
    )


@asynccontextmanager
async def speaking_to(strange: StrangeServer) -> AsyncIterator[ZuoraClient]:
    """Yield a client of a strange server, which grants it a token."""
    strange.tell("/oauth/token", TOKEN)
    async with client_of(strange.url) as client:
        yield client


async def rows_of(
    client: ZuoraClient, objects: str, *params: tuple[str, str], page_size: int = PAGE_SIZE_MAX
) -> list[bytes]:
    """Return all rows of a list."""
    return [bytes(row) async for page in client.object_query_pages(objects, params, page_size) for row in page.rows]


class MemoryLog:
    """The poller's side of the broker: keeps what was acknowledged, in order, and fails when it is told to."""

    def __init__(self) -> None:
        self.kept: list[ZuoraRecord] = []
        self.references_kept: list[ZuoraReference] = []
        self.dead: list[tuple[str, bytes, str]] = []
        self.cursors: dict[str, datetime] = {}
        self.quiet: dict[str, datetime | None] = {}
        self.deeds: list[tuple[str, str]] = []
        self.moves: list[tuple[str, datetime]] = []
        self.backfills: dict[str, Backfill] = {}
        self.rereads: dict[str, Reread] = {}
        self.bytes_max = RECORD_BYTES_MAX
        self.fails: Callable[[Sequence[ZuoraRecord]], BaseException | None] = lambda _records: None

    async def records(self, records: Sequence[ZuoraRecord]) -> Sequence[ZuoraRecord]:
        error = self.fails(records)
        if error is not None:
            raise error
        # An acknowledgement takes its time: whoever does not wait for it is seen.
        await asyncio.sleep(0)
        too_large = [record for record in records if len(encode(record)) > self.bytes_max]
        self.dead += [(record.kind, bytes(record.parent), "too large") for record in too_large]
        taken = [record for record in records if record not in too_large]
        self.kept.extend(taken)
        self.deeds += [(record.kind, record.id) for record in taken]
        return too_large

    async def unreadable(self, kind: str, row: bytes, reason: str) -> None:
        self.dead.append((kind, row, reason))

    async def references(self, references: Sequence[ZuoraReference]) -> None:
        self.references_kept.extend(references)

    async def read_to(self, kind: str) -> datetime | None:
        return self.cursors.get(kind)

    def quiet_since(self, kind: str) -> datetime | None:
        return self.quiet.get(kind)

    async def moved_to(self, kind: str, moment: datetime, *, quiet_since: datetime | None = None) -> None:
        self.cursors[kind], self.quiet[kind] = moment, quiet_since
        self.moves.append((kind, moment))
        self.deeds.append((kind, "moved"))

    def backfill_of(self, kind: str) -> Backfill | None:
        return self.backfills.get(kind)

    async def backfilled(self, position: Backfill) -> None:
        self.backfills[position.kind] = position

    def reread_of(self, kind: str) -> Reread | None:
        return self.rereads.get(kind)

    async def reread(self, standing: Reread) -> None:
        self.rereads[standing.kind] = standing

    def ids(self, kind: str) -> list[str]:
        """Return the ids of a kind in the order in which they were kept."""
        return [record.id for record in self.kept if record.kind == kind]

    def newest(self, kind: str, zuora_id: str) -> dict[str, Any]:
        """Return the last version that was kept of an object."""
        found = [record for record in self.kept if (record.kind, record.id) == (kind, zuora_id)]
        return msgspec.json.decode(found[-1].parent)


class MemoryHeld:
    """What the log in memory holds, as the product's own inventory keeps it."""

    def __init__(self, log: MemoryLog) -> None:
        self.inventory = Inventory()
        self._log = log

    async def refresh(self) -> None:
        newer = range(self.inventory.last[0] + 1, len(self._log.kept))
        self.inventory.take([Seen(offset, b"", self._log.kept[offset]) for offset in newer])


def rereading(client: ZuoraClient, log: MemoryLog, *, seed: int = 7, **settings: Any) -> TenantReread:
    """Return a re-read of what a poller with the same settings has read."""
    return TenantReread(
        client,
        "acme",
        kinds=DOCUMENT_KINDS,
        settings=PollSettings(**{"start": START, "interval_s": 300, **settings}),
        write=log,
        held=MemoryHeld(log),
        moved=lambda: None,
        random=Random(seed),
    )


def poller(
    client: ZuoraClient,
    log: MemoryLog,
    *,
    moved: Callable[[], None] = lambda: None,
    settlement: Settlement | None = None,
    **settings: Any,
) -> TenantPoller:
    """Return a poller that starts at the beginning of the year, with the product's overlap and lag."""
    chosen = PollSettings(**{"start": START, "interval_s": 300, **settings})
    return TenantPoller(client, "acme", settings=chosen, write=log, moved=moved, settlement=settlement)
