"""`python -m benchmarks.backfill`: a backfill of invoices with their items, within a budget and without one.

The tenant is the sandbox's stand-in, a process of its own. Within a budget it is held against the budget, and the
tenant's own limit is the same: what was too much would have been answered 429. Without one it is held against a bare
asyncio loop that pages the same server with as many calls at once, and keeps nothing.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec
import psutil

from adapters.credentials.secret import Secret
from adapters.reach import Reach
from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.commons import Commons
from adapters.zuora.asking.pacing import Priority
from adapters.zuora.finding.backfill import BackfillRun
from benchmarks.comparing import Comparison, machine, measure
from benchmarks.page import table
from console.logs import set_up_logs
from sandbox.process import spawn
from schemas.cursors import Backfill
from schemas.records import RecordKind, ZuoraRecord

AT_ONCE = 8
PER_SECOND = 50
# Far above what can be asked for: no limit.
_NO_LIMIT = 10_000_000
_FIRST_DAY = date(2026, 1, 1)
_LINES = "invoice-items"
_GOAL = 0.95


class Tenant(msgspec.Struct, frozen=True):
    """Where the stand-in answers."""

    url: str
    client_id: str
    client_secret: str

    def client(self, budget: Budget) -> ZuoraClient:
        """Return a client that backfills."""
        return ZuoraClient(
            self.url,
            client_id=Secret(self.client_id),
            client_secret=Secret(self.client_secret),
            version="2025-08-12",
            commons=Commons(),
            reach=Reach(private_hosts=("127.0.0.1",)),
            budget=budget,
            priority=Priority.BACKFILL,
        )


class Kept:
    """The broker's side of a backfill: counts, and keeps nothing."""

    def __init__(self) -> None:
        self.invoices = self.lines = 0
        self.grown_mb: list[float] = []
        self._positions: dict[str, Backfill] = {}

    async def records(self, records: Sequence[ZuoraRecord]) -> Sequence[ZuoraRecord]:
        """Count them; none is too large."""
        before = self.invoices // 1000
        self.invoices += sum(record.kind == RecordKind.INVOICE for record in records)
        self.lines += sum(len(record.children.get("items", ())) for record in records)
        if self.invoices // 1000 > before:
            self.grown_mb.append(psutil.Process().memory_info().rss / 1_000_000)
        return ()

    async def unreadable(self, kind: str, row: bytes, reason: str) -> None:
        """End the run: the tenant has none."""
        raise AssertionError(reason)

    def backfill_of(self, kind: str) -> Backfill | None:
        """Return how far this run has come."""
        return self._positions.get(kind)

    async def backfilled(self, position: Backfill) -> None:
        """Take up how far it has come."""
        self._positions[position.kind] = position


class Paced(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill within a budget.

    Attributes:
        invoices: How many it read.
        calls: How many calls the tenant counted, answered or not.
        refused: How many of these were answered 429.
        seconds: How long it took.
        share: Part of the budget that it used.
        grown_mb: What the process grew by between the first thousand invoices and the last.
    """

    invoices: int
    calls: int
    refused: int
    seconds: float
    share: float
    grown_mb: float


@contextmanager
def tenant(count: int, per_minute: int) -> Iterator[Tenant]:
    """Run the stand-in with so many invoices meanwhile."""
    command = [sys.executable, "-m", "benchmarks.backfill_tenant", str(count), str(per_minute)]
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as directory:
        told = Path(directory) / "told"
        child = spawn(command, log=told)
        try:
            while not told.exists() or not told.read_bytes().endswith(b"\n"):
                if child.poll() is not None:
                    raise RuntimeError(f"the tenant ended: {told.read_text()[-2000:]}")
                time.sleep(0.1)
            yield msgspec.json.decode(told.read_bytes(), type=Tenant)
        finally:
            child.kill()
            child.wait()


async def backfill(where: Tenant, kept: Kept, budget: Budget) -> int:
    """Read everything by the product's backfill; return how many lines that was."""
    async with where.client(budget) as client:
        run = BackfillRun(
            client,
            "benchmark",
            first_day=_FIRST_DAY,
            kinds=[RecordKind.ACCOUNT, RecordKind.INVOICE],
            write=kept,
            progress=lambda _: None,
        )
        await run.run()
    return kept.lines


async def bare(where: Tenant) -> int:
    """Page the same lists with nothing around it; return how many lines that was."""
    places, lines = asyncio.Semaphore(AT_ONCE), 0
    async with aiohttp.ClientSession() as session:
        form = {"grant_type": "client_credentials", "client_id": where.client_id, "client_secret": where.client_secret}
        async with session.post(f"{where.url}/oauth/token", data=form) as answer:
            headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

        async def page(objects: str, params: list[tuple[str, str]]) -> dict[str, Any]:
            url = f"{where.url}/object-query/{objects}"
            async with places, session.get(url, params=[*params, ("pageSize", "99")], headers=headers) as answer:
                found: dict[str, Any] = json.loads(await answer.read())
                return found

        async def lines_of(invoice: str) -> int:
            params = [("filter[]", f"invoiceid.EQ:{invoice}"), ("expand[]", "taxationitems"), ("sort[]", "id.ASC")]
            return len((await page(_LINES, params))["data"])

        cursor: str | None = ""
        while cursor is not None:
            params = [("sort[]", "updateddate.ASC")] + ([("cursor", cursor)] if cursor else [])
            found = await page("invoices", params)
            lines += sum(await asyncio.gather(*(lines_of(row["id"]) for row in found["data"])))
            cursor = found.get("nextPage")
    return lines


async def paced(where: Tenant) -> Paced:
    """Backfill within a budget, and hold it against it."""
    kept, began = Kept(), time.perf_counter()
    await backfill(
        where, kept, Budget(Allowance(per_minute=60 * PER_SECOND, concurrency=AT_ONCE, object_query=AT_ONCE))
    )
    seconds = time.perf_counter() - began
    async with aiohttp.ClientSession() as session, session.get(f"{where.url}/control/requests/counts") as answer:
        counts = {name: count for name, count in (await answer.json())["requests"].items() if "/oauth/" not in name}
    calls = sum(counts.values())
    return Paced(
        invoices=kept.invoices,
        calls=calls,
        refused=sum(count for name, count in counts.items() if name.endswith(" 429")),
        seconds=seconds,
        share=calls / (PER_SECOND * seconds),
        grown_mb=kept.grown_mb[-1] - kept.grown_mb[0] if kept.grown_mb else 0.0,
    )


def unlimited(where: Tenant, count: int) -> Comparison:
    """Return the comparison without a budget."""

    def ours() -> Callable[[], int]:
        budget = Budget(Allowance(concurrency=AT_ONCE + 1, object_query=AT_ONCE + 1))
        return lambda: asyncio.run(backfill(where, Kept(), budget))

    return Comparison(
        name="backfill of invoices with items, no budget",
        count=count,
        ways={"backfill": ours, "bare loop": lambda: lambda: asyncio.run(bare(where))},
    )


PAGE = """# Backfill

Written by `python -m benchmarks.backfill --write docs/backfill.md`, never by hand. The tenant is the stand-in, a
process of its own that takes 20 ms for each call; every invoice has three lines, which is one call each beside the
pages of 99. What is read is counted and not kept.

Machine: {machine}.

## Within a budget of {per_second} calls a second

The tenant's own limit is the same, so one call too many would be an answer of 429. Goal: at least 95 % of the budget
used, no 429, memory flat (`grown` is from the first thousand invoices to the last).

{paced}

## Without a budget

Eight calls at once on both sides. The bare loop keeps nothing, checks nothing and is lost where it stops. Runs of
each: {runs}, in turns.

{unlimited}
"""
_PACED = ("invoices", "calls", "answers of 429", "seconds", "share of the budget %", "grown, MB", "")
_UNLIMITED = ("how", "invoices", "median s", "spread %", "invoices/s", "time")


@click.command()
@click.option("--runs", type=click.IntRange(min=0), default=5, show_default=True, help="Runs without a budget.")
@click.option("--paced-runs", type=click.IntRange(min=0), default=5, show_default=True, help="Runs within a budget.")
@click.option("--invoices", type=click.IntRange(min=1), default=20_000, show_default=True, help="Within a budget.")
@click.option("--unlimited", "fewer", type=click.IntRange(min=1), default=4_000, show_default=True, help="Without.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page: docs/backfill.md.")
def main(*, runs: int, paced_runs: int, invoices: int, fewer: int, write: Path | None) -> None:
    """Backfill within a budget of 50 calls a second, and without one beside a bare loop."""
    where, held, rows = machine(), [], []
    for _ in range(paced_runs):
        with tenant(invoices, 60 * PER_SECOND) as at:
            held.append(asyncio.run(paced(at)))
            click.echo(held[-1])
    if runs:
        with tenant(fewer, _NO_LIMIT) as at:
            rows = measure(unlimited(at, fewer), runs=runs)
    page = PAGE.format(
        machine=where,
        per_second=PER_SECOND,
        runs=runs,
        paced=table(_PACED, [_paced_cells(one) for one in held]),
        unlimited=table(
            _UNLIMITED,
            [
                (
                    row.way,
                    str(row.documents),
                    f"{row.median_s:.2f}",
                    f"{100 * row.spread:.0f}",
                    f"{row.per_second:.0f}",
                    f"{row.ratio:.2f}",
                )
                for row in rows
            ],
        ),
    )
    click.echo(page)
    if write:
        write.write_text(page, encoding="utf-8")


def _paced_cells(one: Paced) -> tuple[str, ...]:
    return (
        str(one.invoices),
        str(one.calls),
        str(one.refused),
        f"{one.seconds:.1f}",
        f"{100 * one.share:.1f}",
        f"{one.grown_mb:.1f}",
        "met" if one.share >= _GOAL and not one.refused else "missed",
    )


if __name__ == "__main__":
    set_up_logs("error", process="benchmarks")
    main()
