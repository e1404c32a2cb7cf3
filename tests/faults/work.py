"""The workload: seeded business in every company, and which documents must come of it.

Invoices come by bill run, payments and memos by themselves. Each later act undoes or applies an earlier one, so that
order matters: what is allocated must be there before. What is undone is an earlier payment's or memo's application, or
an invoice, which is posted again: so each document that was made has to be in QAD in the end.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.world.charges import drawn_price, services
from sandbox.world.population import Account
from sandbox.world.scene import Row
from sandbox.zuora.acts import NewInvoice
from sandbox.zuora.money import rounded
from tests.faults.companies import Company

DAY = date(2026, 11, 10)
# Of a batch so many are invoices; of the rest three in four are payments.
_INVOICES = 0.6
_PAYMENTS = 0.75
# Beside each document, so often: an application is taken back; an invoice is unposted and posted again.
_UNAPPLIED = 0.05
_CORRECTED = 0.05


@dataclass
class Made:
    """What was made in one company.

    Attributes:
        numbers: Numbers of all documents.
        open_invoices: Invoices that can still be paid, with what is open.
        advances: Payments with something unapplied, by account.
        applied: Payments and memos that are applied, each to one invoice.
        undone: How often each kind of undoing was done.
    """

    numbers: list[str] = field(default_factory=list)
    open_invoices: list[tuple[Account, Row, Decimal]] = field(default_factory=list)
    advances: list[tuple[Account, str, Decimal]] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    undone: Counter[str] = field(default_factory=Counter)


class Work:
    """Makes business."""

    def __init__(self, places: Sequence[Company], *, seed: int) -> None:
        self.places = places
        self.made = {place.name: Made() for place in places}
        self._turns = {place.name: asyncio.Lock() for place in places}
        self._draws = {place.name: Random(f"{seed}:{place.name}") for place in places}

    @property
    def documents(self) -> int:
        """How many documents were made so far."""
        return sum(len(made.numbers) for made in self.made.values())

    async def make(self, documents: int, *, over_s: float = 0.0, bursts: int = 1, undoes: bool = False) -> None:
        """Make so many documents, spread over all companies and, in bursts, over a time.

        Args:
            documents: How many.
            over_s: The time.
            bursts: How many times something is made in it.
            undoes: Undo some of what was made before; whoever counts calls to QAD has no use for that.
        """
        batches = bursts * len(self.places)
        for burst in range(bursts):
            first = burst * len(self.places)
            counts = [(documents + first + number) // batches for number in range(len(self.places))]
            await asyncio.gather(
                *(self._batch(*one, undoes=undoes) for one in zip(self.places, counts, strict=True) if one[1])
            )
            if over_s and burst < bursts - 1:
                await asyncio.sleep(over_s / bursts)

    async def bill_at_once(self, place: Company, invoices: int) -> None:
        """Make so many invoices of one company in one bill run, all of which bear the same stamp."""
        clock = place.zuora.clock
        async with self._turns[place.name]:
            stamp, began = clock.stamp().utc(), time.monotonic()
            clock.set(stamp, running=False)
            try:
                await self._bill(place, invoices, self._draws[place.name], self.made[place.name])
            finally:
                clock.set(stamp + timedelta(seconds=time.monotonic() - began), running=True)

    async def _batch(self, place: Company, count: int, *, undoes: bool) -> None:
        # A script makes work beside the scenario's own: two must not spend the same invoice.
        async with self._turns[place.name]:
            if undoes:
                await self._undo_some(place, count)
            await self._make_some(place, count)

    async def _undo_some(self, place: Company, count: int) -> None:
        """Undo some of what earlier batches made: in QAD or on its way there."""
        draw, made = self._draws[place.name], self.made[place.name]
        for _ in range(count):
            if made.applied and draw.random() < _UNAPPLIED:
                await self._unapply(place, draw, made)
            if made.open_invoices and draw.random() < _CORRECTED:
                await self._correct(place, draw, made)

    async def _make_some(self, place: Company, count: int) -> None:
        draw, made = self._draws[place.name], self.made[place.name]
        invoices = max(1, round(count * _INVOICES))
        await self._bill(place, invoices, draw, made)
        for _ in range(count - invoices):
            if draw.random() < _PAYMENTS:
                await self._pay(place, draw, made)
            else:
                await self._credit(place, draw, made)

    async def _bill(self, place: Company, count: int, draw: Random, made: Made) -> None:
        scene = place.scene
        by_number = {account.number: account for account in place.accounts}
        asked = []
        for _ in range(count):
            account = draw.choice(place.accounts)
            amount = drawn_price(draw, account, least=50, most=5000)
            asked.append(NewInvoice(account=account.number, items=scene.taxed(account, services(amount, DAY))))
        before = len(place.zuora.tenant.invoices.latest)
        await scene.bill(f"run {len(made.numbers)}", DAY, asked)
        ids = {account.id: account.account_number for account in place.zuora.tenant.accounts.latest.values()}
        for row in list(place.zuora.tenant.invoices.latest.values())[before:]:
            shown = {"invoiceNumber": row.invoice_number, "amount": row.amount, "balance": row.balance}
            made.numbers.append(row.invoice_number)
            made.open_invoices.append((by_number[ids[row.account_id]], shown, row.balance))

    async def _pay(self, place: Company, draw: Random, made: Made) -> None:
        """Pay an invoice in whole, in part, or too much; or apply what was paid too much."""
        scene = place.scene
        if not made.open_invoices:
            await self._bill(place, 1, draw, made)
        at = draw.randrange(len(made.open_invoices))
        account, invoice, owed = made.open_invoices.pop(at)
        kind = draw.choice(("whole", "whole", "part", "later"))
        amount = owed if kind != "part" else max(rounded(owed / 3, account.currency), min(owed, Decimal(1)))
        to = {} if kind == "later" else {invoice["invoiceNumber"]: amount}
        number = await scene.pay(account, amount, DAY, to=to, by="cards")
        made.numbers.append(number)
        if kind == "later":
            await scene.apply_payment(number, {invoice["invoiceNumber"]: amount}, DAY)
        made.applied.append(number)

    async def _credit(self, place: Company, draw: Random, made: Made) -> None:
        """Give a credit memo and apply it to an invoice of that account, if one is open."""
        scene = place.scene
        account = draw.choice(place.accounts)
        mine = [one for one in made.open_invoices if one[0] == account]
        amount = drawn_price(draw, account, least=5, most=40)
        items = scene.taxed(account, services(amount, DAY, name="Goodwill"))
        memo = await scene.credit(account, items, DAY, reason="Goodwill")
        made.numbers.append(str(memo["memoNumber"]))
        total = Decimal(memo["totalAmount"])
        if mine and mine[0][2] >= total and draw.random() < 0.7:
            made.open_invoices.remove(mine[0])
            await scene.apply_memo(str(memo["memoNumber"]), {mine[0][1]["invoiceNumber"]: total}, DAY)
            made.applied.append(str(memo["memoNumber"]))

    async def _unapply(self, place: Company, draw: Random, made: Made) -> None:
        """Take a payment or memo back from its invoice. Nobody else pays that: QAD may get both in either order."""
        number = made.applied.pop(draw.randrange(len(made.applied)))
        is_memo = any(row.memo_number == number for row in place.zuora.tenant.credit_memos.latest.values())
        await (place.scene.unapply_memo if is_memo else place.scene.unapply_payment)(number, DAY)
        made.undone["memo unapplied" if is_memo else "payment unapplied"] += 1

    async def _correct(self, place: Company, draw: Random, made: Made) -> None:
        """Unpost an invoice to which nothing is applied, and post it again in a later second; nobody pays it then."""
        _, invoice, _ = made.open_invoices.pop(draw.randrange(len(made.open_invoices)))
        number = invoice["invoiceNumber"]
        await place.scene.zuora.act("unpost_invoice", invoice=number)
        await place.scene.zuora.next_second()
        await place.scene.zuora.act("post_invoice", invoice=number)
        made.undone["invoice unposted"] += 1
