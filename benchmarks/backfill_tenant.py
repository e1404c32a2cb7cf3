"""A tenant of Zuora with so many posted invoices of three lines: `python -m benchmarks.backfill_tenant COUNT LIMIT`.

The stand-in, told to take 20 ms for every call and to let LIMIT calls a minute through. Writes one line of JSON, and
serves until it is ended.
"""

import asyncio
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

from sandbox.zuora import Sandbox, Settings, World
from sandbox.zuora.acts import (
    NewAccount,
    NewAccountingCode,
    NewInvoice,
    NewItem,
    create_invoice,
    post_invoice,
)
from sandbox.zuora.server import running
from sandbox.zuora.settings import Limits

LATENCY_S = 0.02
LINES = 3
# One every so often: what changes in one second is another matter.
_EVERY_S = 60
_BEGIN = datetime(2026, 1, 2, tzinfo=UTC)


def tenant(count: int, per_minute: int) -> Sandbox:
    """Return a tenant with so many invoices."""
    world = World(
        accounting_codes=[NewAccountingCode(name="Subscription Revenue", type="SalesRevenue")],
        accounts=[NewAccount(name="Benchmark", currency="EUR")],
        settings=Settings(latency_s=LATENCY_S, limits=Limits(calls_per_minute=per_minute)),
    )
    sandbox = Sandbox(seed=1, world=world)
    sandbox.clock.set(_BEGIN, running=False)
    lines = [NewItem(charge_amount=Decimal(10), accounting_code="Subscription Revenue") for _ in range(LINES)]
    for _ in range(count):
        sandbox.clock.advance(_EVERY_S)
        draft = create_invoice(
            sandbox.tenant, request=NewInvoice(account="A-00000001", items=lines, invoice_date=date(2026, 1, 10))
        )
        post_invoice(sandbox.tenant, invoice=draft.id)
    sandbox.clock.advance(_EVERY_S)
    return sandbox


async def serve(count: int, per_minute: int) -> None:
    """Serve until ended."""
    sandbox = tenant(count, per_minute)
    client = sandbox.world.clients[0]
    async with running(sandbox) as url:
        line = {"url": url, "client_id": client.client_id, "client_secret": client.client_secret}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
