"""Where a site's story takes place: its facts, both control APIs, and what the chapters remember for one another.

The words here are the ones the chapters are written in: bill, post, pay, credit. Each is one or two acts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, Literal

import aiohttp

from sandbox.world.building import SiteWorld
from sandbox.world.cases import Case
from sandbox.world.chance import lots
from sandbox.world.charges import rates_for, taxed
from sandbox.world.chart import CARDS, DEBIT
from sandbox.world.control import QadControl, ZuoraControl
from sandbox.world.population import Account
from sandbox.world.sites import Fact, Site
from sandbox.zuora.acts import (
    Application,
    NewBillRun,
    NewCreditMemo,
    NewDebitMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    NewRefund,
)

# An object as Object Query writes it.
Row = dict[str, Any]


class Receiver(Fact, frozen=True, kw_only=True):
    """The product's receiver: `http://host:port`."""

    url: str


@dataclass(kw_only=True)
class Scene:
    """One site's part of the story.

    Attributes:
        world: The site's world.
        zuora: Control of its Zuora stand-in.
        qad: Control of its QAD stand-in.
        session: For calls to the receiver.
        receiver: The product's receiver, if there is one.
        cases: What was declared so far.
        remembered: Numbers of documents by what the chapters call them.
    """

    world: SiteWorld
    zuora: ZuoraControl
    qad: QadControl
    session: aiohttp.ClientSession
    receiver: Receiver | None = None
    cases: list[Case] = field(default_factory=list)
    remembered: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """The facts."""
        return self.world.site

    @property
    def cast(self) -> dict[str, Account]:
        """Accounts with a part."""
        return self.world.population.cast

    def draw(self, topic: str) -> Random:
        """Return the lots of a topic."""
        return lots(self.world.seed, self.site.name, topic)

    def declare(self, chapter: str, name: str, **told: Any) -> None:
        """Declare a case."""
        self.cases.append(Case(name=name, site=self.site.name, chapter=chapter, **told))

    def declare_undone(self, chapter: str, name: str, row: Row, *, kind: str, number: str, **told: Any) -> None:
        """Declare what was in QAD and is undone; who reads it only now finds nothing to post."""
        self.declare(
            chapter,
            name,
            kind=kind,
            documents=(number,),
            fate="reversed",
            fate_seen_late="ignored",
            rule_seen_late="not_posted",
            currency=row["currency"],
            amount=Decimal(row["totalAmount" if "totalAmount" in row else "amount"]),
            **told,
        )

    def taxed(self, account: Account, *items: NewItem) -> list[NewItem]:
        """Return items with the taxes that the site charges this account."""
        return taxed(items, rates_for(self.site, account), account)

    # What happens in Zuora.

    async def bill(self, name: str, day: date, invoices: list[NewInvoice], *, by_hand: bool = False) -> None:
        """Run a bill run and post it, by itself or by hand."""
        request = NewBillRun(invoices=invoices, invoice_date=day, name=name, auto_post=not by_hand)
        run = await self.zuora.act("create_bill_run", request)
        number = run["billingRunNumber"]
        await self.zuora.act("generate_bill_run", bill_run=number)
        if by_hand:
            await self.zuora.act("post_bill_run", bill_run=number)

    async def post(self, account: Account, items: Sequence[NewItem], day: date, *, currency: str | None = None) -> Row:
        """Post an invoice by the API; return it."""
        request = NewInvoice(account=account.number, items=list(items), invoice_date=day, currency=currency)
        draft = await self.zuora.act("create_invoice", request)
        return await self.zuora.act("post_invoice", invoice=draft["invoiceNumber"])

    async def credit(self, account: Account, items: Sequence[NewItem], day: date, *, reason: str) -> Row:
        """Post a standalone credit memo; return it."""
        request = NewCreditMemo(account=account.number, items=list(items), memo_date=day, reason_code=reason)
        draft = await self.zuora.act("create_credit_memo", request)
        return await self.zuora.act("post_credit_memo", credit_memo=draft["memoNumber"])

    async def debit(self, account: Account, items: Sequence[NewItem], day: date) -> Row:
        """Post a standalone debit memo; return it."""
        request = NewDebitMemo(account=account.number, items=list(items), memo_date=day)
        draft = await self.zuora.act("create_debit_memo", request)
        return await self.zuora.act("post_debit_memo", debit_memo=draft["memoNumber"])

    async def pay(
        self,
        account: Account,
        amount: Decimal,
        day: date,
        *,
        to: Mapping[str, Decimal] | None = None,
        by: str = "",
        gateway: str = "",
    ) -> str:
        """Let an account pay, and apply that to invoices on the same day; return the payment's number.

        Args:
            account: Who pays.
            amount: How much.
            day: When.
            to: How much of it goes to which invoice or debit memo.
            by: cards, debit or wire; the account's own way unless given.
            gateway: Gateway, when it is another than that way's.
        """
        way = by or account.pays
        request = NewPayment(
            account=account.number,
            amount=amount,
            effective_date=day,
            type="External" if way == "wire" else "Electronic",
            gateway=gateway or self._gateway(way),
            invoices=_applications(to or {}),
        )
        payment = await self.zuora.act("create_payment", request)
        return str(payment["paymentNumber"])

    async def pay_in_full(self, account: Account, invoice: Row, day: date) -> str:
        """Let an account pay all that an invoice is over; return the payment's number."""
        amount = Decimal(invoice["balance"])
        return await self.pay(account, amount, day, to={invoice["invoiceNumber"]: amount})

    async def apply_payment(self, payment: str, to: Mapping[str, Decimal], day: date) -> None:
        """Apply what is unapplied of a payment."""
        await self.zuora.act("apply_payment", payment=payment, invoices=_applications(to), effective_date=day)

    async def unapply_payment(self, payment: str, day: date, *, of: Mapping[str, Decimal] | None = None) -> None:
        """Take a payment back from these invoices, by so much of each, or from everything it is applied to."""
        invoices = _applications(of) if of else None
        await self.zuora.act("unapply_payment", payment=payment, invoices=invoices, effective_date=day)

    async def transfer_payment(self, payment: str, account: Account) -> None:
        """Give a payment of which nothing is applied to another account."""
        await self.zuora.act("transfer_payment", payment=payment, account=account.number)

    async def refund(
        self,
        source: str,
        amount: Decimal,
        day: date,
        *,
        by: str = "wire",
        of: Mapping[str, Decimal] | None = None,
        transaction: Literal["Chargeback"] | None = None,
    ) -> str:
        """Give a part of a payment or credit memo back; return the refund's number.

        Args:
            source: The payment or memo.
            amount: How much.
            day: When.
            by: cards or wire.
            of: What of it is unapplied from which invoice first.
            transaction: What the bank calls it, where it was the bank's.
        """
        request = NewRefund(
            source=source,
            amount=amount,
            refund_date=day,
            type="External" if by == "wire" else "Electronic",
            gateway=self._gateway(by),
            method_type="WireTransfer",
            invoices=_applications(of) if of else None,
            transaction=transaction,
        )
        act = "refund_credit_memo" if source.startswith("CM") else "refund_payment"
        return str((await self.zuora.act(act, request))["refundNumber"])

    def _gateway(self, way: str) -> str | None:
        """Return the gateway of a way to pay, None where money is wired."""
        return {"cards": CARDS[self.site.name], "debit": DEBIT[self.site.name]}.get(way)

    async def apply_memo(self, memo: str, to: Mapping[str, Decimal], day: date) -> None:
        """Apply what is left of a credit memo."""
        await self.zuora.act("apply_credit_memo", credit_memo=memo, invoices=_applications(to), effective_date=day)

    async def unapply_memo(self, memo: str, day: date) -> None:
        """Take a credit memo back from everything it is applied to."""
        await self.zuora.act("unapply_credit_memo", credit_memo=memo, effective_date=day)

    # What can be seen there.

    async def invoices(self) -> dict[str, list[Row]]:
        """Return the posted invoices by account number, oldest first; each row as it is now."""
        numbers = {row["id"]: row["accountNumber"] for row in await self.zuora.book("accounts")}
        by_account: defaultdict[str, list[Row]] = defaultdict(list)
        for row in await self.zuora.book("invoices"):
            by_account[numbers[row["accountId"]]].append(row)
        return by_account


def balance_of(invoices: Mapping[str, Sequence[Row]], account: Account, number: str) -> Decimal:
    """Return what is open of an invoice of an account, by the invoices as they were seen."""
    return Decimal(next(row["balance"] for row in invoices[account.number] if row["invoiceNumber"] == number))


def _applications(to: Mapping[str, Decimal]) -> list[Application]:
    return [_application(number, Decimal(amount)) for number, amount in to.items()]


def _application(number: str, amount: Decimal) -> Application:
    if number.startswith("DM-"):
        return Application(debit_memo=number, amount=amount)
    return Application(invoice=number, amount=amount)
