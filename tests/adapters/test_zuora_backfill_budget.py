"""A backfill within a tenant's limits: no answer of 429, all of it read, live reads go between, memory stays flat."""

import asyncio
import tracemalloc
from datetime import date

from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.commons import Commons
from adapters.zuora.asking.pacing import Priority
from adapters.zuora.finding.backfill import BackfillRun
from benchmarks.backfill import Kept, backfill, tenant
from sandbox.zuora.settings import Limits
from schemas.records import RecordKind
from tests.adapters.zuora_tenant import MemoryLog, budget

KINDS = [RecordKind.ACCOUNT, RecordKind.INVOICE]
# What a thousand invoices more may leave behind: some tables of the interpreter, no rows.
FLAT_BYTES = 1_000_000


async def test_a_backfill_beside_live_reads_is_never_refused_and_reads_all(zuora):
    invoices = zuora.every_second(120)
    zuora.later(hours=1)
    zuora.use(limits=Limits(calls_per_minute=60, window_s=1.0))
    shared = {"commons": Commons(), "budget": budget(concurrency=4)}
    backfilling, live = await zuora.client(**shared, priority=Priority.BACKFILL), await zuora.client(**shared)
    log, over = MemoryLog(), asyncio.Event()
    run = BackfillRun(backfilling, "acme", first_day=date(2026, 3, 1), kinds=KINDS, write=log, progress=lambda _: None)

    async def look() -> int:
        looks = 0
        while not over.is_set():
            await live.get(f"/v1/invoices/{invoices[0].id}")
            looks += 1
            await asyncio.sleep(0.02)
        return looks

    looking = asyncio.create_task(look())
    assert (await run.run()).finished
    over.set()
    assert await looking > 3
    assert {entry.status for entry in zuora.requests()} == {200}
    assert set(log.ids(RecordKind.INVOICE)) == {invoice.id for invoice in invoices}
    assert shared["budget"].usage().refused == 0
    assert zuora.token_calls == 1


class Watching(Kept):
    """Looks at the memory after so many invoices; begins once what is made at first is there."""

    def __init__(self, *, begin: int, every: int) -> None:
        super().__init__()
        self.bytes: list[int] = []
        self._next, self._every = begin, every

    async def records(self, records):
        await super().records(records)
        if self.invoices >= self._next:
            self._next += self._every
            if not tracemalloc.is_tracing():
                tracemalloc.start()
            self.bytes.append(tracemalloc.get_traced_memory()[0])


async def test_a_long_backfill_takes_no_more_memory_than_a_short_one():
    kept = Watching(begin=200, every=200)
    try:
        with tenant(1_400, 10_000_000) as where:
            lines = await backfill(where, kept, Budget(Allowance()))
    finally:
        tracemalloc.stop()
    assert lines == 1_400 * 3
    # The first look finds nothing traced yet; the second, what is always there.
    assert len(kept.bytes) >= 6
    assert max(kept.bytes[2:]) - kept.bytes[1] < FLAT_BYTES
