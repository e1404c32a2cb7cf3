"""What processes use of each tenant's budget, told by each in a small file beside the read model, for whoever asks.

A budget is split by shares, so no process needs to know what another uses: these files are for people and for alarms.
A process that ends takes its file along; of one that was killed it grows old, and is passed over.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from adapters.zuora.asking.allowances import Process
from adapters.zuora.asking.budget import Usage
from adapters.zuora.asking.commons import Commons
from console.wiring import Wiring

_EVERY_S = 5.0
# What was told longer ago is not how it is.
_FRESH = timedelta(seconds=30)


class BudgetUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one process uses of one tenant's budget.

    Attributes:
        tenant: Whose.
        process: Which process, whose share it is.
        slot: Which of its like.
        at: When it was told.
        usage: What is used.
        tokens: Tokens that were asked for since the process began.
    """

    tenant: str
    process: str
    slot: str
    at: datetime
    usage: Usage
    tokens: int


@asynccontextmanager
async def told(wiring: Wiring, process: Process, *, slot: str) -> AsyncIterator[None]:
    """Tell what this process uses, meanwhile."""
    path = _directory(wiring.data) / f"{process}.{slot}.json"
    path.parent.mkdir(exist_ok=True)
    telling = asyncio.create_task(_tell(path, wiring.commons, process, slot))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])
        path.unlink(missing_ok=True)


def budget_uses(data: Path) -> list[BudgetUse]:
    """Return what each process told last, by tenant; what is old is left out."""
    found: list[BudgetUse] = []
    for path in _directory(data).glob("*.json"):
        # Gone, or half of another version's: it is told again in a moment.
        with contextlib.suppress(OSError, msgspec.DecodeError):
            found += msgspec.json.decode(path.read_bytes(), type=list[BudgetUse])
    fresh = [use for use in found if use.at > datetime.now(UTC) - _FRESH]
    return sorted(fresh, key=lambda use: (use.tenant, use.process, use.slot))


async def _tell(path: Path, commons: Commons, process: Process, slot: str) -> None:
    while True:
        uses = [
            BudgetUse(
                tenant=tenant,
                process=process,
                slot=slot,
                at=datetime.now(UTC),
                usage=budget.usage(),
                tokens=commons.tokens_of(tenant),
            )
            for tenant, budget in commons.budgets.items()
        ]
        beside = path.with_suffix(".part")
        # A full disk keeps nobody from reading Zuora.
        with contextlib.suppress(OSError):
            beside.write_bytes(msgspec.json.encode(uses))
            beside.replace(path)
        await asyncio.sleep(_EVERY_S)


def _directory(data: Path) -> Path:
    return data / "budgets"
