"""One payment with all that moves its money, read in any order: the books end as Zuora's do, and nothing waits.

A small Zuora makes what it allows: applied and unapplied, assigned and transferred, refunded, refunds cancelled,
charged back, failed, cancelled, deleted. Of each document the versions come in their order, some of them never, older
ones again and deletions that are none among them; of several documents in any order. The sink goes on, the ledger is
killed while it writes, and both stages are started again, at any moment between.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decisions import MappingPublished
from schemas.events import read_decision
from schemas.records import ZuoraRecord
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.transferred import CASH
from tests.unit.transferred import world as two_customers
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, Crash, World

TOTAL = Decimal(100)
# Of which account, over how much.
INVOICES = {"inv1": ("acc1", Decimal(100)), "inv2": ("acc2", Decimal(60))}
CUSTOMERS = {"acc1": "C1", "acc2": "C2"}
OLD = {"effectiveDate": "2025-12-10", "createdDate": "2025-12-10T10:00:00Z"}
STARTS = (AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST)


@dataclass
class Refund:
    """A refund as it stands in Zuora."""

    amount: Decimal
    account: str
    status: str = "Processed"


@dataclass
class Tenant:
    """Zuora as far as one payment goes; `shown` is each version of each document that it ever showed, in order."""

    account: str | None = "acc1"
    loaded: bool = False
    status: str = "Processed"
    rows: list[dict[str, Any]] = field(default_factory=list)
    applied: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(INVOICES, Decimal(0)))
    refunds: dict[str, Refund] = field(default_factory=dict)
    shown: dict[str, list[ZuoraRecord]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    ticks: int = 0

    @property
    def refunded(self) -> Decimal:
        return sum((one.amount for one in self.refunds.values() if one.status == "Processed"), Decimal(0))

    @property
    def left(self) -> Decimal:
        return TOTAL - self.refunded - sum(self.applied.values())

    def stamp(self) -> str:
        self.ticks += 1
        return f"2026-03-11T{self.ticks // 60:02}:{self.ticks % 60:02}:00Z"

    def show(self, refund: str = "", *, refunded: Decimal | None = None) -> None:
        """Show the payment, and a refund, as they stand."""
        amount = self.refunded if refunded is None else refunded
        # What is not applied is a part without a document.
        rest = TOTAL - sum(self.applied.values()) - amount if self.status == "Processed" else Decimal(0)
        version = zuora.payment(
            str(TOTAL),
            *self.rows,
            accountId=self.account,
            status=self.status,
            refundAmount=amount or None,
            parts=[*zuora.parts_of(self.rows), *([{"id": "rest", "amount": rest}] if rest else [])],
            updated=self.stamp() if self.shown or not self.loaded else OLD["createdDate"],
            **(OLD if self.loaded else {}),
        )
        self.shown.setdefault("payment:pay1", []).append(version)
        if refund:
            one = self.refunds[refund]
            version = zuora.refund(
                str(one.amount), name=refund, accountId=one.account, status=one.status, updated=self.stamp()
            )
            self.shown.setdefault(f"refund:{refund}", []).append(version)

    def move(self, invoice: str, amount: Decimal) -> None:
        self.applied[invoice] += amount
        name = f"r{len(self.rows)}"
        self.rows.append(zuora.row(str(amount), name, to=invoice, created=self.stamp(), accountId=self.account))

    def unapply_all(self) -> None:
        for invoice, amount in self.applied.items():
            if amount:
                self.move(invoice, -amount)

    def acts(self) -> list[Callable[[], None]]:
        """Return what Zuora allows now."""
        if "payment:pay1" in self.gone:
            return []
        if self.status == "Canceled":
            return [partial(self.delete, "payment:pay1")]
        if self.status == "Error":
            whole = [name for name, one in self.refunds.items() if one.status == "Processed" and one.amount == TOTAL]
            return [partial(self.cancel_refund, name) for name in whole if not self.loaded]
        others = [name for name in CUSTOMERS if name != self.account] if self.left == TOTAL else []
        found: list[Callable[[], None]] = [partial(self.transfer, other) for other in others]
        found += [*self.moves(), *self.acts_on_refunds()]
        if not self.refunded and not self.loaded:
            # What others loaded is not undone from here.
            found.append(self.fail)
            if not any(self.applied.values()):
                found.append(self.cancel)
        return found

    def moves(self) -> Iterator[Callable[[], None]]:
        """Yield what moves money of a payment that has an account; what it pays is of that account."""
        for invoice, (account, total) in INVOICES.items():
            if self.applied[invoice]:
                yield partial(self.apply, invoice, -self.applied[invoice])
            most = min(self.left, total - self.applied[invoice], Decimal(40))
            if most and account == self.account:
                yield partial(self.apply, invoice, most)
        if self.account and self.left:
            yield partial(self.refund, min(self.left, Decimal(30)))
            yield partial(self.refund, self.left)
        if self.account and self.refunded < TOTAL:
            yield partial(self.charge_back, late=True)
            yield partial(self.charge_back, late=False)

    def acts_on_refunds(self) -> Iterator[Callable[[], None]]:
        for name, one in self.refunds.items():
            if one.status == "Processed":
                yield partial(self.cancel_refund, name)
            elif f"refund:{name}" not in self.gone:
                yield partial(self.delete, f"refund:{name}")

    def apply(self, invoice: str, amount: Decimal) -> None:
        self.move(invoice, amount)
        self.show()

    def transfer(self, account: str) -> None:
        self.account = account
        self.show()

    def refund(self, amount: Decimal) -> None:
        assert self.account is not None
        name = f"ref{len(self.refunds)}"
        self.refunds[name] = Refund(amount, self.account)
        self.show(name)

    def cancel_refund(self, name: str) -> None:
        self.refunds[name].status = "Canceled"
        self.show(name)

    def charge_back(self, *, late: bool) -> None:
        """Give back all that is left; `late` shows the status before it shows the refund."""
        before = self.refunded
        self.unapply_all()
        self.status = "Error"
        if late:
            self.show(refunded=before)
        self.refund(self.left)

    def fail(self) -> None:
        self.unapply_all()
        self.status = "Error"
        self.show()

    def cancel(self) -> None:
        self.status = "Canceled"
        self.show()

    def delete(self, document: str) -> None:
        self.gone.add(document)
        self.shown[document].append(zuora.deleted(*document.split(":")))


def history(choices: list[int], *, whose: str) -> Tenant:
    """Return what Zuora shows after so many acts."""
    tenant = Tenant(account=None if whose == "nobody's" else "acc1", loaded=whose == "loaded")
    tenant.show()
    for choice in choices:
        acts = tenant.acts()
        if acts:
            acts[choice % len(acts)]()
    return tenant


def read(tenant: Tenant, moments: Random, *, receipts: str) -> tuple[World, Sink]:
    """Read all documents in some order, and run both stages and the sink at some moments."""
    found = two_customers(**CASH, receipts=receipts)
    sink = Sink(found)
    if tenant.loaded:
        sink.books.opening("PAY1", str(TOTAL), owed=False)
    coming = {
        f"invoice:{name}": [zuora.simple_invoice(str(total), name, accountId=account)]
        for name, (account, total) in INVOICES.items()
    }
    coming |= {document: list(versions) for document, versions in tenant.shown.items()}
    read_before: list[ZuoraRecord] = []
    while any(coming.values()):
        document = moments.choice(sorted(name for name, versions in coming.items() if versions))
        version = coming[document].pop(0)
        # Under whom others loaded it only a version from then tells.
        needed = tenant.loaded and version is tenant.shown["payment:pay1"][0]
        if coming[document] and not coming[document][0].deleted and not needed and moments.random() < 0.3:
            continue
        put(found, version, moments)
        if moments.random() < 0.1 and not version.deleted:
            # Zuora said too early that it has none.
            put(found, zuora.deleted(version.kind, version.id), moments)
            go_on(sink, moments)
            put(found, version, moments)
        if not version.deleted:
            read_before.append(version)
        if read_before and moments.random() < 0.2:
            older = moments.choice(read_before)
            newest = [one for one in read_before if (one.kind, one.id) == (older.kind, older.id)][-1]
            if older is not newest:
                put(found, older, moments)
        meanwhile(found, moments, receipts=receipts)
        go_on(sink, moments)
    found.put(zuora.period(3))
    return found, sink.run(order=moments)


def meanwhile(found: World, moments: Random, *, receipts: str) -> None:
    """Start both stages again, close or open the period, publish another mapping and decide again; or nothing."""
    match moments.randrange(10):
        case 0 | 1:
            found.restart(moments.choice(STARTS))
        case 2:
            found.put(zuora.period(3, is_open=moments.random() < 0.6))
        case 3:
            version = 2 + sum(
                isinstance(one, MappingPublished) for one in map(read_decision, found.log[Topic.DECISIONS])
            )
            books = msgspec.structs.replace(zuora.ALL_DAYBOOKS, bounce=moments.choice(["", "ZBNK"]))
            found.put(zuora.published(version, daybooks=books, policy={**CASH, "receipts": receipts}))
            documents = {posting.document for posting in found.postings}
            found.put(*(zuora.replayed(name) for name in sorted(documents) if moments.random() < 0.5))
        case _:
            pass


def put(found: World, version: ZuoraRecord, moments: Random) -> None:
    """Let a version be read; now and then the ledger is killed while it writes what that made."""
    found.ledger.write_at_most = moments.randrange(4) if moments.random() < 0.2 else None
    try:
        found.put(version)
    except Crash:
        found.restart(moments.choice(STARTS))
    found.ledger.write_at_most = None


def go_on(sink: Sink, moments: Random) -> None:
    """Bring the sink on: not at all, by some postings, or as far as it goes."""
    how = moments.random()
    if how < 0.3:
        return
    sink.take_up()
    if how < 0.6:
        jobs = list(sink.jobs.values())
        for job in moments.choices(jobs, k=min(len(jobs), 3)):
            sink._step(job)
    else:
        sink.run(order=moments)


def held(sink: Sink) -> dict[str, Decimal]:
    """Return what is open by customer: owed above zero."""
    open_now: dict[str, Decimal] = {}
    for item in sink.books.items.values():
        open_now[item.customer] = open_now.get(item.customer, Decimal(0)) + (item.open if item.owed else -item.open)
    return {customer: amount for customer, amount in open_now.items() if amount}


def should_hold(tenant: Tenant) -> dict[str, Decimal]:
    """Return what Zuora says is open, likewise."""
    should = dict.fromkeys(CUSTOMERS.values(), Decimal(0))
    for invoice, (account, total) in INVOICES.items():
        should[CUSTOMERS[account]] += total - tenant.applied[invoice]
    if tenant.status == "Processed" and tenant.account is not None:
        should[CUSTOMERS[tenant.account]] -= tenant.left
    return {customer: amount for customer, amount in should.items() if amount}


@given(
    st.lists(st.integers(0, 1000), max_size=7),
    st.sampled_from(["ours", "nobody's", "loaded"]),
    st.booleans(),
    st.integers(0, 10**6),
)
@settings(max_examples=200, deadline=None)
def test_the_books_end_as_zuoras_whatever_is_read_first(choices, whose, prepaid, seed):
    tenant = history(choices, whose=whose)
    found, sink = read(tenant, Random(seed), receipts="prepayment" if prepaid else "allocated")
    check(tenant, found, sink)
    found.restart()
    written = len(found.postings)
    check(tenant, found, sink.run())
    found.restart()
    assert len(found.postings) == written


def check(tenant: Tenant, found: World, sink: Sink) -> None:
    """Hold the books against Zuora; nothing waits, and nothing is for a person."""
    stands = tenant.status == "Processed"
    bank = TOTAL - tenant.refunded if stands else Decimal(0)
    bank = -tenant.refunded if tenant.loaded else bank
    unassigned = -TOTAL if stands and tenant.account is None else Decimal(0)
    assert sink.stuck == []
    assert (sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "1999"]) == (bank, unassigned)
    assert held(sink) == should_hold(tenant)
    for document in tenant.shown:
        assert found.standing(document)[0] not in {"parked", "waiting"}, found.standing(document)
