"""A tenant of Zuora and a company of QAD, both over HTTP, and the product's real decisions and calls between them.

Acts are done by the Zuora stand-in's control API. Everything is read by the product's own reader, decided by the real
match and ledger cores on a log in memory, frozen by the real sink rules, and posted by the QAD adapter. What the books
hold in the end is the QAD stand-in's own word.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from adapters.clock import boot_time_s
from adapters.credentials.secret import Secret
from adapters.qad.rest.port import RestQad
from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.commons import Commons
from adapters.zuora.reading.kinds import BILL_RUN
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from sandbox.zuora import CustomField, Sandbox, Settings, running
from sandbox.zuora import World as Master
from sandbox.zuora.acts import NewAccount, NewAccountingCode
from sandbox.zuora.clock import Clock
from schemas.errors import Rejected
from schemas.mapping import BankRow, CustomerRules, LineRow, TaxRow
from schemas.outcomes import Parked
from schemas.records import Found, record_of_deletion
from schemas.references import AccountingCode
from streams.sink import answers, saying
from streams.sink.freezing import freeze, intended
from streams.sink.saying import Job
from streams.sink.steps import Ready, next_step
from tests.adapters.qad_company import ENTITY, QadCompany, qad_company
from tests.loopback import LOOPBACK
from tests.unit import builders
from tests.unit.erp import Sink
from tests.unit.world import World

NOON = datetime(2026, 2, 10, 20, tzinfo=UTC)
# What the accounts of the company are called here.
ACCOUNTS = {
    "bank": "1010",
    "receivable": "1200",
    "credit_notes": "1210",
    "clearing": "1990",
    "unassigned": "1900",
    "tax": "2300",
    "prepayments": "2400",
    "deferred": "2500",
    "revenue": "4100",
}
# Billing accounts: two of one customer, one of another, which is the first one's child.
FIRST, CHILD, SECOND = "A-00000001", "A-00000002", "A-00000003"
CUSTOMERS = {FIRST: "C0001", CHILD: "C0003", SECOND: "C0001"}
_CODES = {
    "Accounts Receivable": "AccountsReceivable",
    "Usage Revenue": "SalesRevenue",
    "Deferred Revenue": "DeferredRevenue",
    "VAT": "SalesTaxPayable",
    "Bank": "Cash",
    "Unapplied Payments": "CustomerCashOnAccount",
    "On Account": "OnAccountReceivable",
    "Bad Debt": "BadDebt",
}
_ASKED = Found(by="reread", at=datetime(2026, 3, 15, tzinfo=UTC))
_DIGITS = Decimal("0.01")


class House:
    """Both systems and what stands between them."""

    client: ZuoraClient
    settlement: Settlement

    def __init__(self, sandbox: Sandbox, url: str, session: aiohttp.ClientSession, qad: QadCompany) -> None:
        self.zuora, self.qad = sandbox, qad
        self._url, self._session = url, session
        self.world = World(bare=True)
        self.sink = _HttpSink(self.world)

    async def begin(self, objects: ZuoraObjects, erp: RestQad, **policy: Any) -> None:
        """Publish the mapping and take up what QAD shows."""
        self._objects, self.sink.erp = objects, erp
        references = await self.qad.references()
        for name in self.qad.profile().browses:
            async for page in references.read(name):
                for one in page:
                    self.world.append(one)
        for name, code in self.zuora.tenant.accounting_codes.latest.items():
            self.world.append(AccountingCode(id=name, name=code.name))
        self.world.put(_mapping(**policy))

    # -- Zuora -------------------------------------------------------------------------------------------------------

    async def act(self, name: str, **said: Any) -> Any:
        """Do an act in Zuora, a minute after the one before, and return what came of it as Object Query writes it."""
        self.zuora.clock.advance(60)
        body = msgspec.json.Encoder(decimal_format="number").encode(said)
        async with self._session.post(f"{self._url}/control/acts/{name}", data=body) as answer:
            text = await answer.read()
            assert answer.status == 200, (name, text)
            return msgspec.json.Decoder(float_hook=Decimal).decode(text)

    async def invoice(self, amount: str = "100.00", *, account: str = FIRST, tax: str = "0", **more: Any) -> Any:
        """Post an invoice over one line."""
        taxes = [{"tax_amount": Decimal(tax), "tax_code": "VAT"}] if Decimal(tax) else []
        item = {"charge_amount": Decimal(amount), "accounting_code": "Usage Revenue", "taxes": taxes}
        made = await self.act("create_invoice", account=account, items=[item], **more)
        return await self.act("post_invoice", invoice=made["id"])

    async def credit_memo(self, amount: str = "100.00", *, account: str = FIRST, **more: Any) -> Any:
        """Post a credit memo of its own over one line."""
        item = {"charge_amount": Decimal(amount), "accounting_code": "Usage Revenue"}
        made = await self.act("create_credit_memo", account=account, items=[item], **more)
        return await self.act("post_credit_memo", credit_memo=made["id"])

    async def payment(self, amount: str = "100.00", *invoices: Any, account: str | None = FIRST, **more: Any) -> Any:
        """Make a payment, applied whole to each of these invoices as far as their balance goes."""
        applied = [{"invoice": one["id"], "amount": one["balance"]} for one in invoices]
        named = {"account": account} if account else {"currency": "USD"}
        return await self.act("create_payment", amount=Decimal(amount), invoices=applied, **named, **more)

    # -- the product -------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        """Read all that Zuora has, and ask for what it has no more, as a rolling re-read does; decide it."""
        gone = {(matched.kind, matched.id) for matched in self.world.matched}
        for kind in await self._objects.kinds():
            if kind == BILL_RUN:
                continue
            pages = self._objects.changed(
                kind, since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC)
            )
            async for headers in pages:
                for header in headers:
                    record = await self._objects.complete(kind, header, by="poll", evidence="all")
                    self.world.append(msgspec.structs.replace(record, connection=builders.CONNECTION))
                    gone.discard((record.kind, record.id))
        for kind, name in sorted(gone):
            if await self._objects.read(kind, name, _ASKED) is None:
                deletion = record_of_deletion("acme", kind, name, _ASKED)
                self.world.append(msgspec.structs.replace(deletion, connection=builders.CONNECTION))
        self.world.settle()

    async def settle(self) -> None:
        """Read, decide, and bring all into QAD as far as it goes."""
        await self.read()
        await self.sink.run_all()

    # -- QAD ---------------------------------------------------------------------------------------------------------

    def books(self) -> dict[str, Decimal]:
        """Return what each account holds, debit above zero, by its name here; what holds nothing is left out."""
        names = {code: name for name, code in ACCOUNTS.items()}
        held = {
            names.get(line.gl_account_code, line.gl_account_code): line.amount
            for line in self.qad.control.trial_balance(ENTITY)
        }
        return {name: amount for name, amount in held.items() if amount}

    def owed(self) -> dict[str, Decimal]:
        """Return what each customer owes by QAD's open items; nothing is left out."""
        owed: dict[str, Decimal] = {}
        for item in self.qad.control.items(ENTITY):
            sign = 1 if item["is_debit"] else -1
            owed[item["customer_code"]] = owed.get(item["customer_code"], Decimal(0)) + sign * item["open_amount"]
        return {customer: amount for customer, amount in owed.items() if amount}

    def owed_by_zuora(self) -> dict[str, Decimal]:
        """Return what each customer owes by the balances of its billing accounts."""
        owed: dict[str, Decimal] = {}
        for account in self.zuora.tenant.accounts.latest.values():
            customer = CUSTOMERS[account.account_number]
            owed[customer] = owed.get(customer, Decimal(0)) + account.balance
        return {customer: amount for customer, amount in owed.items() if amount}

    def standing(self) -> list[str]:
        """Return what does not stand in QAD as it should: parked or waiting, wherever."""
        stuck = [f"sink: {step}" for step in self.sink.stuck]
        for stage in ("match", "ledger"):
            for outcome in {one.subject: one for one in self.world.outcomes if one.stage == stage}.values():
                tag = str(outcome.__struct_config__.tag)
                if tag in ("parked", "waiting"):
                    stuck.append(f"{stage}: {outcome.number} {outcome.reason.rule}: {outcome.reason.message}")
        return stuck


class _HttpSink(Sink):
    """The sink of one connection, in any order of dependency, with a QAD behind HTTP."""

    erp: RestQad

    async def run_all(self) -> None:
        """Take what the ledger wrote and bring all as far as it goes."""
        self.take_up()
        moved = True
        while moved:
            moved = False
            for job in self._pending(None):
                if self.state.settled(job.name) or job.name in self._held:
                    continue
                if isinstance(next_step(job.posting, self.state), Ready):
                    await self._post(msgspec.structs.replace(job, undone=self.state.undone(job.name)))
                    moved = True
                else:
                    moved |= self._step(job)

    async def _post(self, job: Job) -> None:
        frozen = freeze(job.posting, state=self.state, inverted=self.inverted(job))
        intent = intended(
            job.posting,
            frozen,
            connection=job.connection,
            origin=job.origin,
            index=job.index,
            attempt=1,
            mapping_version=job.mapping_version,
        )
        self._say(intent)
        try:
            accepted = await self.erp.post(frozen.command, not_after=boot_time_s() + 5)
        except Rejected as error:
            how, reason = answers.refusal(error, job.posting)
            self._say(saying.say_rejected(job, intent, error))
            self._say(saying.say_still(job, how, reason, said=error.messages))
            self._held.add(job.name)
            return
        self.sent.append(frozen.command)
        self._say(saying.say_posted(job, intent, accepted.document, how="answer"))

    @property
    def refused(self) -> list[tuple[str, tuple[str, ...]]]:
        """What QAD refused, once or more, in its own words."""
        return [(one.number, one.said) for one in self.outcomes if isinstance(one, Parked)]


def _mapping(**policy: Any) -> Any:
    return builders.published(
        policy=policy,
        daybooks=builders.ALL_DAYBOOKS,
        lines=(
            LineRow(code="Usage Revenue", account="4100", revenue="recognized"),
            LineRow(code="Usage Revenue", processing="Discount", account="4100", revenue="recognized"),
            LineRow(code="Bad Debt", account="4100", revenue="recognized"),
            LineRow(code="Deferred Revenue", account="2500"),
        ),
        banks=(BankRow(currency="USD", account="1010"),),
        tax=(TaxRow(account="2300"),),
        customers=CustomerRules(account_field="QADCustomer__c", qad_field=False),
    )


def _tenant(**settings: Any) -> Sandbox:
    codes = [NewAccountingCode(name=name, type=kind) for name, kind in _CODES.items()]
    accounts = [
        NewAccount(name="Alder", currency="USD", custom={"QADCustomer__c": CUSTOMERS[FIRST]}),
        NewAccount(name="Cedar", currency="USD", parent=FIRST, custom={"QADCustomer__c": CUSTOMERS[CHILD]}),
        NewAccount(name="Alder East", currency="USD", custom={"QADCustomer__c": CUSTOMERS[SECOND]}),
    ]
    fields = [CustomField(object="Account", name="QADCustomer__c")]
    world = Master(accounting_codes=codes, accounts=accounts, custom_fields=fields)
    clock = Clock()
    clock.set(NOON, running=False)
    return Sandbox(seed=1, world=world, settings=Settings(**settings), clock=clock)


@asynccontextmanager
async def house(directory: Path, *, policy: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[House]:
    """Serve both systems while the body runs; a QAD whose prepayments can be opened again, as the product needs it."""
    sandbox = _tenant(**settings)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(sandbox))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        qad = await stack.enter_async_context(qad_company(directory))
        qad.control.change_settings({"books": {"prepayment_holds_whole_payment": True}})
        known = sandbox.world.clients[0]
        client = ZuoraClient(
            url,
            client_id=Secret(known.client_id),
            client_secret=Secret(known.client_secret),
            version="2025-08-12",
            commons=Commons(),
            reach=LOOPBACK,
            budget=Budget(Allowance()),
        )
        await stack.enter_async_context(client)
        built = House(sandbox, url, session, qad)
        built.client, built.settlement = client, Settlement(client, "acme")
        await built.begin(ZuoraObjects(client, "acme", built.settlement), await qad.erp(), **(policy or {}))
        yield built


def money(**amounts: str) -> dict[str, Decimal]:
    """Return what accounts should hold."""
    return {name: Decimal(amount).quantize(_DIGITS) for name, amount in amounts.items()}
