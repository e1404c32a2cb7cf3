"""Waits until the product has nothing left to do: all of it read, all of it decided, nothing behind, nothing moving."""

import asyncio
from collections import Counter
from datetime import datetime

from adapters.kafka.reader import read_whole
from adapters.store.readmodel import ReadModel
from adapters.zuora.finding.callout_history import CALLOUT_HISTORY
from console.demo.screen import Screen
from console.watching.lagging import lags
from console.wiring import Wiring
from schemas.cursors import Cursor
from schemas.errors import ConnectorError
from schemas.events import read_cursor
from schemas.topics import Topic

_LOOK_S = 0.5
# So often nothing has moved: between two stages there is a moment in which neither is behind.
_STILL_LOOKS = 3
_STATUSES = ("posted", "intended", "unknown", "waiting", "parked", "ignored")


class StillBusyError(ConnectorError):
    """The product did not come to rest."""


async def until_quiet(wiring: Wiring, *, read_to: dict[str, datetime], screen: Screen, within_s: float = 120.0) -> str:
    """Come back when everything up to these moments is read and every stage has come to rest.

    Args:
        wiring: The installation.
        read_to: For each tenant, the moment by Zuora's clock up to which it must have been polled.
        screen: Told how far it is.
        within_s: Patience.

    Returns:
        How many stand where.

    Raises:
        StillBusyError: It took longer.
    """
    loop = asyncio.get_running_loop()
    until, before, still = loop.time() + within_s, "", 0
    with ReadModel(wiring.data / "readmodel.sqlite") as model, screen.awaiting("reading"):
        while still < _STILL_LOOKS:
            unread = [tenant for tenant, moment in read_to.items() if not await _is_read(wiring, tenant, moment)]
            behind = sum(lag.records for lag in await lags(wiring, model))
            counted = Counter(standing.row.status for standing in model.standings(statuses=_STATUSES))
            said = ", ".join(f"{count} {status}" for status, count in sorted(counted.items()))
            said += f"; {behind} behind" if behind else ""
            busy = unread or behind or counted["intended"] or counted["unknown"]
            still = 0 if busy or said != before else still + 1
            before = said
            screen.progress(said)
            if loop.time() > until:
                raise StillBusyError(
                    f"the product has not come to rest in {within_s:.0f} s: {said}; not read: {unread}"
                )
            await asyncio.sleep(_LOOK_S)
    return before


async def _is_read(wiring: Wiring, tenant: str, moment: datetime) -> bool:
    partitions = await wiring.partitions()
    first = wiring.site.connections_of(tenant)[0]
    cursors: dict[str, datetime] = {}
    for record in await read_whole(wiring.site.cluster, partitions[first], [Topic.CURSORS]):
        cursor = read_cursor(record.value)
        if isinstance(cursor, Cursor) and cursor.kind != CALLOUT_HISTORY:
            cursors[cursor.kind] = cursor.read_to
    return bool(cursors) and all(read_to > moment for read_to in cursors.values())
