"""The processes, each until it is told to stop: receive, mark, observe, and one per stage; poll stands in polling.py.

Losing any of them loses nothing.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from adapters.kafka.feed import TenantFeed
from adapters.kafka.publishing import STOP_TIMEOUT_S, Publication, Publisher
from adapters.qad.rest.customers import RestCustomers
from adapters.sparing import SparingLog
from adapters.store.observer import Observer
from adapters.store.readmodel import ReadModel
from adapters.zuora.marks import ZuoraMarks
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.receiving.guard import Limits
from adapters.zuora.receiving.receiver import ANSWER_S, make_receiver
from console.config import Listen
from console.customers.neighbours import same_customers
from console.running.writers import align_worker, customer_worker, mark_worker
from console.watching.budgets import told
from console.watching.web import Page
from console.wiring import Wiring
from schemas.callouts import Callout
from schemas.errors import ConnectorError, Misconfigured
from schemas.topics import Topic, key
from streams.ports import Erp
from streams.read.spec import SPEC as READ
from streams.sink.spec import SPEC as SINK

log = structlog.get_logger(__name__)

# The receiver looks at its secrets this often.
_DOORS_EVERY_S = 5.0
# With the end of a producer that failed, below what the receiver answers within.
_CALLOUT_WRITE_S = ANSWER_S - STOP_TIMEOUT_S - 2.0


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


async def work_stage(wiring: Wiring, stage: str, *, slot: str) -> int:
    """Run one stage; return the exit code."""
    partitions = await wiring.partitions()
    async with AsyncExitStack() as stack:
        erps: dict[str, Erp] = {}
        readers: dict[str, tuple[ZuoraObjects, TenantFeed]] = {}
        if stage == SINK.name:
            for connection in partitions:
                erps[connection] = await stack.enter_async_context(wiring.sink(connection))
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
        await mark_worker(wiring, slot=slot, partitions=partitions, tenants=tenants, publisher=publisher).run()


async def make_customers(wiring: Wiring, *, slot: str) -> None:
    """Make the customers that people approve and align those that are there, where that is on; else open nothing."""
    connections = wiring.site.config.connections
    wanted = [name for name, connection in connections.items() if connection.writes_customers]
    if not wanted:
        log.info("no connection has make_customers or align_customers: nothing is written to customers")
        await asyncio.Event().wait()
    partitions = await wiring.partitions()
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(wiring.site.cluster))
        books: dict[str, RestCustomers] = {}
        for name in wanted:
            profile = wiring.profile(name)
            client = await stack.enter_async_context(wiring.qad(name, profile))
            books[name] = RestCustomers(client, profile)
        made = {name: one for name, one in books.items() if connections[name].make_customers}
        aligned = {name: one for name, one in books.items() if connections[name].align_customers}
        for name in list(aligned):
            if others := same_customers(wiring, name):
                log.error(
                    "nothing is aligned: other connections have the same customers, or a profile that cannot be read",
                    connection=name,
                    with_=others,
                )
                del aligned[name]
        async with asyncio.TaskGroup() as tasks:
            for make, chosen in ((customer_worker, made), (align_worker, aligned)):
                if chosen:
                    worker = make(wiring, slot=slot, partitions=partitions, books=chosen, publisher=publisher)
                    tasks.create_task(worker.run())
            if not made and not aligned:
                await asyncio.Event().wait()


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
