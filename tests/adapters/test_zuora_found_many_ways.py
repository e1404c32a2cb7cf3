"""One record, found every way there is: each way finds all of it over HTTP, and together they make one posting of each.

Match and ledger are the product's cores; what each posting does in QAD once is shown where a sink is (tests/e2e).
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from adapters.zuora.finding.backfill import BackfillRun
from adapters.zuora.finding.callout_history import CalloutHistory
from adapters.zuora.finding.poller import DOCUMENT_KINDS
from sandbox.zuora import CalloutConfiguration
from sandbox.zuora.acts import Application, apply_credit_memo, apply_payment
from sandbox.zuora.settings import CalloutPolicy
from schemas.records import Found, RecordKind, ZuoraRecord
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import START, MemoryLog, ZuoraTenant, poller, rereading
from tests.unit import builders
from tests.unit.world import world

ACCOUNT = "A-00000001"
WAYS = {"callout", "poll", "bill_run", "backfill", "reread", "callout_history"}
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9/callouts"


@dataclass
class Findings:
    """What each way found of one tenant."""

    zuora: ZuoraTenant
    by: dict[str, list[ZuoraRecord]] = field(default_factory=dict)
    codes: list = field(default_factory=list)

    async def poll(self) -> None:
        log = MemoryLog()
        # As long as no bill run is known: the poll of before it.
        polling = poller(await self.zuora.client(), log)
        polling._finalized = set(self.zuora.tenant.billing_runs.latest)
        await polling.round()
        self.by["poll"], self.codes = log.kept, log.references_kept

    async def bill_run(self) -> None:
        log = MemoryLog()
        await poller(await self.zuora.client(), log).round(())
        self.by["bill_run"] = log.kept

    async def backfill(self) -> None:
        log = MemoryLog()
        run = BackfillRun(
            await self.zuora.client(),
            "acme",
            first_day=START.date(),
            kinds=DOCUMENT_KINDS,
            write=log,
            progress=lambda _: None,
        )
        await run.run()
        self.by["backfill"] = log.kept

    async def reread(self) -> None:
        """Find it as what was committed behind the cursor: the log knows nothing of it."""
        log = MemoryLog()
        log.cursors = dict.fromkeys(DOCUMENT_KINDS, self.zuora.sandbox.clock.stamp().utc())
        again = rereading(await self.zuora.client(), log)
        for _ in range(5):
            await again.round()
        self.by["reread"] = log.kept

    async def callout(self) -> None:
        objects, at = await self.zuora.objects(), datetime(2026, 3, 15, tzinfo=UTC)
        found = [
            await objects.read(record.kind, record.id, Found(by="callout", at=at, evidence="n"))
            for record in self.by["poll"]
        ]
        self.by["callout"] = [record for record in found if record is not None]

    async def history(self) -> None:
        await self.zuora.callouts_are_through()
        given(self.zuora.sandbox.callouts.history, "callouts went nowhere")
        log = MemoryLog()
        await CalloutHistory(await self.zuora.client(), "acme", write=log).round()
        self.by["callout_history"] = log.kept


@pytest.fixture
async def findings(zuora):
    zuora.use(callouts=CalloutPolicy(attempts=1), payment_processed_for_external=True)
    zuora.sandbox.callouts.configurations = [
        CalloutConfiguration(name=event, event=event, url=NOWHERE)
        for event in ("InvoicePosted", "CreditMemoPosted", "PaymentProcessed")
    ]
    zuora.bill_run(3)
    first, second, _third = zuora.tenant.invoices.latest.values()
    zuora.later(minutes=1)
    payment, memo = zuora.payment(amount="8"), zuora.credit_memo()
    zuora.later(minutes=1)
    part = Application(invoice=first.id, amount=Decimal(5))
    apply_payment(zuora.tenant, payment=payment.id, invoices=[part])
    zuora.later(minutes=1)
    part = Application(invoice=second.id, amount=memo.total_amount)
    apply_credit_memo(zuora.tenant, credit_memo=memo.id, invoices=[part])
    zuora.later(hours=1)
    found = Findings(zuora)
    for way in (found.poll, found.bill_run, found.backfill, found.reread, found.callout, found.history):
        await way()
    return found


def names(records) -> set[tuple[str, str]]:
    return {(record.kind, record.id) for record in records}


def decided(findings: Findings, records) -> dict[str, list[str]]:
    """Return what match and ledger make of records in this order, by document."""
    ours = world().put(builders.customer(zuora_account=ACCOUNT), *builders.codes(), *findings.codes)
    for record in records:
        ours.put(msgspec.structs.replace(record, connection=builders.CONNECTION))
    made: dict[str, list[str]] = {}
    for posting in ours.postings:
        made.setdefault(posting.document, []).append(f"{posting.act}#{posting.n} {posting.step} {posting.id}")
    return {document: sorted(steps) for document, steps in made.items()}


async def test_every_way_finds_it_and_says_so(findings):
    assert set(findings.by) == WAYS
    everything = names(findings.by["poll"])
    assert Counter(kind for kind, _ in everything) == {"account": 1, "invoice": 3, "credit_memo": 1, "payment": 1}
    made_by_run = {one for one in everything if one[0] != RecordKind.PAYMENT}
    told_of = {one for one in everything if one[0] != RecordKind.ACCOUNT}
    assert names(findings.by["bill_run"]) == made_by_run
    assert names(findings.by["callout_history"]) == told_of
    for way in ("backfill", "reread", "callout"):
        assert names(findings.by[way]) == everything
    for way, records in findings.by.items():
        assert {record.found.by for record in records} == {way}


@pytest.mark.parametrize("seed", range(12))
async def test_found_every_way_in_any_order_makes_one_posting_of_each(findings, seed):
    draw = random.Random(seed)
    once = decided(findings, findings.by["poll"])
    assert sum(map(len, once.values())) >= 7
    every = [record for records in findings.by.values() for record in records]
    every += draw.sample(every, len(every) // 2)
    draw.shuffle(every)
    assert decided(findings, every) == once


async def test_found_every_way_as_it_came_to_be_makes_one_posting_of_each(zuora):
    """Each way reads another state: the invoice before it was paid, after, and after more was paid."""
    versions, objects = [], await zuora.objects()
    invoice, payment = zuora.invoice(), zuora.payment(amount="9")

    async def read(way: str) -> None:
        zuora.later(minutes=5)
        for kind, row in (("account", "A-00000001"), ("invoice", invoice.id), ("payment", payment.id)):
            record = await objects.read(kind, row, Found(by=way, at=datetime(2026, 3, 15, tzinfo=UTC)))
            assert record is not None
            versions.append(record)

    for way in ("callout", "poll", "backfill", "reread"):
        await read(way)
        part = Application(invoice=invoice.id, amount=Decimal(2))
        apply_payment(zuora.tenant, payment=payment.id, invoices=[part])
        zuora.later(seconds=1)
    await read("callout_history")
    log = MemoryLog()
    zuora.later(minutes=10)
    await poller(await zuora.client(), log).round()
    found = Findings(zuora, codes=log.references_kept)
    documents = {f"invoice:{invoice.id}": 1, f"payment:{payment.id}": 5}
    for seed in range(8):
        order = [*versions, *versions]
        random.Random(seed).shuffle(order)
        made = decided(found, order)
        ends = {document.split("|")[-1]: steps for document, steps in made.items()}
        assert len(ends[f"invoice:{invoice.id}"]) == documents[f"invoice:{invoice.id}"]
        assert sum("document" in step for step in ends[f"payment:{payment.id}"]) == 1
        assert len(set(ends[f"payment:{payment.id}"])) == len(ends[f"payment:{payment.id}"])


async def test_a_lost_cursor_and_a_lost_log_of_cursors_make_nothing_twice(zuora):
    log, first = MemoryLog(), []
    zuora.payment(zuora.invoice())
    zuora.later(minutes=10)
    await poller(await zuora.client(), log).round()
    first, log.cursors = list(log.kept), {}
    zuora.later(minutes=10)
    await poller(await zuora.client(), log).round()
    assert len(log.kept) == 2 * len(first)
    found = Findings(zuora, codes=log.references_kept)
    assert decided(found, log.kept) == decided(found, first)


@pytest.mark.parametrize("minutes", [7, -7, 60, -43_200])
async def test_zuoras_clock_is_the_only_one(zuora, minutes):
    """Ours is wrong by as much, either way: every window goes by Zuora's."""
    log = MemoryLog()
    zuora.sandbox.clock.set(datetime.now(UTC) + timedelta(minutes=minutes), running=False)
    polling = poller(await zuora.client(), log, start=datetime.now(UTC) - timedelta(days=60))
    made = []
    for _ in range(4):
        made.append(zuora.invoice(invoice_date=zuora.sandbox.clock.stamp().utc().date()).id)
        zuora.later(minutes=5)
        await polling.round()
    # The client carries Zuora's time on by itself between two answers: the clock of the test jumps.
    await polling.round()
    assert Counter(log.ids(RecordKind.INVOICE)) == dict.fromkeys(made, 1)
    assert all(moment <= zuora.sandbox.clock.stamp().utc() for _, moment in log.moves)
