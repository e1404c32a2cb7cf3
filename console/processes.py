"""The processes, each until it is told to stop: receive, poll, mark, and one per stage. Losing any loses nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import structlog
from aiohttp import web

from adapters.kafka.feed import ReferenceFeed, TenantFeed
from adapters.kafka.ownership import Ownership
from adapters.kafka.publishing import STOP_TIMEOUT_S, Publication, Publisher
from adapters.pauses import jittered
from adapters.qad.profile import BROWSES
from adapters.qad.reference import QadReferences
from adapters.qad.rest import RestQad
from adapters.sparing import SparingLog
from adapters.store.observer import Observer
from adapters.store.readmodel import ReadModel
from adapters.zuora.finding.callout_history import CALLOUT_HISTORY, CalloutHistory
from adapters.zuora.finding.poller import DOCUMENT_KINDS, TenantPoller
from adapters.zuora.finding.reread import REREAD, TenantReread
from adapters.zuora.finding.schedule import LOOK_BACK, Timetable
from adapters.zuora.marks import ZuoraMarks
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.receiving.guard import Limits
from adapters.zuora.receiving.receiver import ANSWER_S, make_receiver
from console.budgets import told
from console.config import Listen
from console.web import Page
from console.wiring import Wiring
from schemas.callouts import Callout
from schemas.errors import ConnectorError, Misconfigured
from schemas.references import QadReference
from schemas.topics import Topic, key
from streams.read.spec import SPEC as READ
from streams.sink.spec import SPEC as SINK

log = structlog.get_logger(__name__)

# Between two rounds, bill runs are looked at this often: a finalized one brings the next round at once.
_BILL_RUNS_EVERY_S = 30.0
# The receiver looks at its secrets this often.
_DOORS_EVERY_S = 5.0
# With the end of a producer that failed, below what the receiver answers within.
_CALLOUT_WRITE_S = ANSWER_S - STOP_TIMEOUT_S - 2.0
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


async def until_told(work: Coroutine[Any, Any, None]) -> int:
    """Run something until it ends or a signal comes; return the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    working, told = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if working.done():
        _tell(working.exception())
        return 0
    working.cancel()
    await asyncio.wait([working])
    return 0


def _tell(error: BaseException | None) -> None:
    """Raise what ended the work; of several errors of operation at once, one says enough."""
    if isinstance(error, BaseExceptionGroup):
        operating, others = error.split(ConnectorError)
        if operating is not None and others is None:
            error = next(_leaves(operating))
    if error is not None:
        raise error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@asynccontextmanager
async def listening(runner: web.BaseRunner, listen: Listen, what: str) -> AsyncIterator[None]:
    """Serve meanwhile.

    Raises:
        Misconfigured: Somebody else listens there, or the address is not this machine's.
    """
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            raise Misconfigured(
                f"{what}: cannot listen on {listen.host}:{listen.port} ({os.strerror(error.errno or 0)}): "
                "end what listens there, or set another port"
            ) from None
        log.info("listening", what=what, host=listen.host, port=listen.port)
        yield
    finally:
        await runner.cleanup()


async def receive(wiring: Wiring) -> None:
    """Take callouts in."""
    partitions, doors = await wiring.partitions(), Doors(wiring)
    async with Publisher(wiring.site.cluster, write_timeout_s=_CALLOUT_WRITE_S) as publisher:

        async def store(callout: Callout) -> None:
            await publisher.publish(
                [
                    Publication(
                        topic=Topic.CALLOUTS,
                        partition=partitions[callout.connection],
                        key=key(callout.connection, callout.notification_id),
                        event=callout,
                    )
                ]
            )

        where = wiring.site.config.receiver
        limits = Limits(proxies=[ip_network(proxy) for proxy in where.proxies])
        server = make_receiver(lambda: doors.open, store, limits)
        # Nothing that it answers takes longer.
        runner = web.ServerRunner(server, shutdown_timeout=ANSWER_S)
        async with listening(runner, where, "callouts"):
            await doors.keep()


class Doors:
    """The receiver's ways in, kept as the credential store has them: a secret changes and no callout is refused for it.

    Attributes:
        open: By path.
    """

    def __init__(self, wiring: Wiring) -> None:
        """Open them.

        Raises:
            Misconfigured: A secret is missing or does not open.
        """
        self._wiring = wiring
        self._said = SparingLog(log)
        self.open = wiring.doors()

    async def keep(self) -> None:
        """Look at the secrets from time to time, for ever; what cannot be read changes nothing."""
        while True:
            await asyncio.sleep(_DOORS_EVERY_S)
            try:
                self.open = self._wiring.doors()
            except Misconfigured as error:
                self._said.error("secrets cannot be read anew: callouts go by those from before", reason=str(error))


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


async def work_stage(wiring: Wiring, stage: str, *, slot: str) -> int:
    """Run one stage; return the exit code."""
    partitions = await wiring.partitions()
    async with AsyncExitStack() as stack:
        erps: dict[str, RestQad] = {}
        readers: dict[str, tuple[ZuoraObjects, TenantFeed]] = {}
        if stage == SINK.name:
            for connection in partitions:
                profile = wiring.profile(connection)
                client = await stack.enter_async_context(wiring.qad(connection, profile))
                erps[connection] = RestQad(client, profile)
        if stage == READ.name:
            await stack.enter_async_context(told(wiring, "read", slot=slot))
            publisher = await stack.enter_async_context(Publisher(wiring.site.cluster))
            for tenant in wiring.site.config.tenants:
                zuora = await stack.enter_async_context(wiring.zuora(tenant, process="read"))
                first = wiring.site.connections_of(tenant)[0]
                readers[first] = (
                    ZuoraObjects(zuora, tenant, wiring.settlement(zuora, tenant)),
                    wiring.tenant_feed(tenant, publisher, partitions),
                )
        worker = wiring.worker(stage, slot=slot, partitions=partitions, erps=erps, readers=readers)
        return await worker.run()


async def write_back(wiring: Wiring, *, slot: str) -> None:
    """Write back to the tenants where that is on; where it is on for none, nothing is opened."""
    written = [name for name, tenant in wiring.site.config.tenants.items() if tenant.write_back.on]
    if not written:
        log.info("no tenant has [tenants.*.write_back]: nothing is written back")
        await asyncio.Event().wait()
    partitions = await wiring.partitions()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(told(wiring, "mark", slot=slot))
        publisher = await stack.enter_async_context(Publisher(wiring.site.cluster))
        tenants = {
            name: ZuoraMarks(await stack.enter_async_context(wiring.zuora(name, process="mark"))) for name in written
        }
        await wiring.mark_worker(slot=slot, partitions=partitions, tenants=tenants, publisher=publisher).run()


async def observe(wiring: Wiring, read_model: Path) -> None:
    """Keep the read model, and serve metrics and the page."""
    await wiring.partitions()
    with ReadModel(read_model, write=True) as writing:
        observer = Observer(wiring.site.cluster, writing, partitions=wiring.site.config.kafka.partitions)
        # The page reads through its own handle: a long read never holds the writer.
        with ReadModel(read_model) as reading:
            page = Page(wiring, reading)
            where = wiring.site.config.observe
            runner = web.AppRunner(page.application(), access_log=None)
            async with listening(runner, where, "metrics and the page"), asyncio.TaskGroup() as tasks:
                tasks.create_task(observer.run())
                tasks.create_task(page.keep())


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
        rounds: dict[str, TenantReread | CalloutHistory] = {REREAD: rereading} if settings.reread_rows else {}
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
    profile = wiring.profile(connection)
    feed = ReferenceFeed(wiring.site.cluster, publisher, connection, partition)
    await feed.load()
    pause_s = wiring.site.config.connections[connection].reference_interval_s
    async with wiring.qad(connection, profile) as client:
        references = QadReferences(client, profile)
        while True:
            failed = False
            for name in BROWSES:
                failed |= not await _poll_list(references, feed, name, connection)
            await asyncio.sleep(min(pause_s, _REFERENCE_RETRY_S) if failed else pause_s)


async def _poll_list(references: QadReferences, feed: ReferenceFeed, name: str, connection: str) -> bool:
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
