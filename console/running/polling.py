"""Polling, one process: tenants of Zuora, what looks back in them, and both systems' reference data.

What is polled of one tenant or connection holds up nothing else: whatever ends it is said, and it begins again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from random import Random

import structlog

from adapters.kafka.feed import ReferenceFeed, TenantFeed
from adapters.kafka.ownership import Ownership
from adapters.kafka.publishing import Publisher
from adapters.pauses import jittered
from adapters.qad.profiles.lists import BROWSES
from adapters.zuora.finding.callout_history import CALLOUT_HISTORY, CalloutHistory
from adapters.zuora.finding.e_invoices import E_INVOICES, TenantEInvoices
from adapters.zuora.finding.poller import DOCUMENT_KINDS, TenantPoller
from adapters.zuora.finding.reread import REREAD, TenantReread
from adapters.zuora.finding.schedule import LOOK_BACK, Timetable
from console.watching.budgets import told
from console.wiring import Wiring
from schemas.errors import ConnectorError
from schemas.references import QadReference
from streams.ports import References

log = structlog.get_logger(__name__)

# Between two rounds, bill runs are looked at this often: a finalized one brings the next round at once.
_BILL_RUNS_EVERY_S = 30.0
# A reference list that could not be read is tried again after this long.
_REFERENCE_RETRY_S = 30.0
# Before what has ended by an error begins again; what ran for longer than the cap was well.
_AGAIN_S = 1.0
_AGAIN_MAX_S = 60.0

# The kind of reference that each list of QAD holds.
_KIND_OF_LIST = {
    "customers": "customer",
    "gl_accounts": "gl_account",
    "daybooks": "daybook",
    "periods": "period",
    "currencies": "currency",
}


async def poll(wiring: Wiring, *, slot: str) -> None:
    """Poll tenants, and both systems' reference data."""
    # Without the key nothing could ever be asked; what a single connection lacks holds up that one alone.
    wiring.credentials.names()
    partitions = await wiring.partitions()
    connections = {partition: connection for connection, partition in partitions.items()}
    async with Publisher(wiring.site.cluster) as publisher:

        async def work(partition: int) -> None:
            connection = connections.get(partition)
            if connection is None:
                return
            tenant = wiring.site.config.connections[connection].tenant

            async def zuora() -> None:
                feed = wiring.tenant_feed(tenant, publisher, partitions)
                await feed.load()
                await _side_by_side(
                    tenant,
                    {
                        "polling Zuora": lambda: _poll_tenant(wiring, tenant, feed),
                        "looking back in Zuora": lambda: _look_back(wiring, tenant, feed, partitions),
                    },
                    before_again=wiring.look_again,
                )

            polls = {"polling QAD's reference data": lambda: _poll_references(wiring, connection, partition, publisher)}
            if wiring.site.connections_of(tenant)[0] == connection:
                polls["reading where the polls of Zuora stand"] = zuora
            await _side_by_side(connection, polls, before_again=wiring.look_again)

        async with told(wiring, "poll", slot=slot):
            await Ownership(wiring.site.cluster, slot=slot, work=work).run()


async def _side_by_side(
    whose: str, works: Mapping[str, Callable[[], Awaitable[None]]], *, before_again: Callable[[], None]
) -> None:
    """Do several things, each for ever: what ends one of them is said, and ends none of the others.

    Args:
        whose: The tenant or connection.
        works: By what is said of them.
        before_again: Called before one begins again.
    """
    async with asyncio.TaskGroup() as tasks:
        for what, work in works.items():
            tasks.create_task(_for_ever(whose, what, work, before_again))


async def _for_ever(
    whose: str, what: str, work: Callable[[], Awaitable[None]], before_again: Callable[[], None]
) -> None:
    tries, loop = 0, asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        try:
            await work()
        except ConnectorError as error:
            log.error("this has ended; it begins again by itself", what=what, whose=whose, reason=str(error))
        except Exception:
            log.exception("this has ended; it begins again by itself", what=what, whose=whose)
        else:
            return
        tries = 1 if loop.time() - began_s > _AGAIN_MAX_S else tries + 1
        await asyncio.sleep(jittered(tries, base_s=_AGAIN_S, max_s=_AGAIN_MAX_S))
        before_again()


async def _poll_tenant(wiring: Wiring, tenant: str, feed: TenantFeed) -> None:
    settings = wiring.site.config.tenants[tenant].poll
    async with wiring.zuora(tenant, process="poll") as client:
        poller = TenantPoller(
            client,
            tenant,
            settings=settings,
            write=feed,
            moved=_nothing,
            settlement=wiring.settlement(client, tenant),
        )
        timetable = Timetable(settings, DOCUMENT_KINDS)
        loop = asyncio.get_running_loop()
        while True:
            due = timetable.due(loop.time())
            await poller.round(due)
            timetable.ran(due, failed=poller.failed, at_s=loop.time(), now=datetime.now(UTC))
            await _next_round(poller, timetable)


async def _look_back(wiring: Wiring, tenant: str, feed: TenantFeed, partitions: dict[str, int]) -> None:
    """Look for what polls may have missed; it stands back behind them."""
    settings = wiring.site.config.tenants[tenant].poll
    async with wiring.zuora(tenant, process="poll", yields=True) as client:
        rereading = TenantReread(
            client,
            tenant,
            kinds=DOCUMENT_KINDS,
            settings=settings,
            write=feed,
            held=wiring.inventory(tenant, partitions),
            moved=_nothing,
            random=Random(),  # noqa: S311 - which slice comes next is no secret
            settlement=wiring.settlement(client, tenant),
        )
        rounds: dict[str, TenantReread | CalloutHistory | TenantEInvoices] = {
            E_INVOICES: TenantEInvoices(
                client,
                tenant,
                write=feed,
                waiting=wiring.e_invoices(tenant, partitions),
                settlement=wiring.settlement(client, tenant),
            )
        }
        if settings.reread_rows:
            rounds[REREAD] = rereading
        if wiring.site.config.tenants[tenant].callouts is not None:
            settlement = wiring.settlement(client, tenant)
            rounds[CALLOUT_HISTORY] = CalloutHistory(client, tenant, write=feed, settlement=settlement)
        timetable = Timetable(settings, rounds, usual=LOOK_BACK)
        loop = asyncio.get_running_loop()
        while rounds:
            for name in timetable.due(loop.time()):
                await rounds[name].round()
                failed = frozenset({name} if rounds[name].failed else ())
                timetable.ran((name,), failed=failed, at_s=loop.time(), now=datetime.now(UTC))
            await asyncio.sleep(timetable.pause_s(loop.time()))


async def _next_round(poller: TenantPoller, timetable: Timetable) -> None:
    """Wait until something is due; a bill run that is finalized meanwhile brings a round at once."""
    loop = asyncio.get_running_loop()
    while pause_s := timetable.pause_s(loop.time()):
        await asyncio.sleep(min(pause_s, _BILL_RUNS_EVERY_S))
        if timetable.pause_s(loop.time()) and await poller.finalized_since():
            return


async def _poll_references(wiring: Wiring, connection: str, partition: int, publisher: Publisher) -> None:
    feed = ReferenceFeed(wiring.site.cluster, publisher, connection, partition)
    await feed.load()
    pause_s = wiring.site.config.connections[connection].reference_interval_s
    async with wiring.references(connection) as references:
        while True:
            failed = False
            for name in BROWSES:
                failed |= not await _poll_list(references, feed, name, connection)
            await asyncio.sleep(min(pause_s, _REFERENCE_RETRY_S) if failed else pause_s)


async def _poll_list(references: References, feed: ReferenceFeed, name: str, connection: str) -> bool:
    """Read one list whole and write what differs; return whether it could be read."""
    try:
        shown: list[QadReference] = [reference async for page in references.read(name) for reference in page]
        changed = await feed.write_list(_KIND_OF_LIST[name], shown)
    except ConnectorError as error:
        log.error("QAD's reference data could not be read", connection=connection, what=name, reason=str(error))
        return False
    if changed:
        log.info("reference data changed", connection=connection, what=name, changes=changed)
    return True


def _nothing() -> None:
    """Stand where nobody listens."""
