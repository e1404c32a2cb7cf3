"""Both sites' stand-ins on loopback, started with a world, and the story told once for all who only look at it."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from sandbox.qad.dialects import DIALECTS
from sandbox.qad.server import QadServer
from sandbox.qad.world import load_world
from sandbox.world import Case, Controls, ExpectedBooks, Story, World, build_world, expected_books, tell_story
from sandbox.world.building import world_json
from sandbox.zuora import Sandbox, read_world, running

Row = dict[str, Any]


@dataclass(kw_only=True)
class Stage:
    """Running stand-ins of both sites.

    Attributes:
        world: What they were started with.
        zuora: The Zuora stand-ins.
        qad: The QAD stand-ins.
        controls: Where the story acts on them.
    """

    world: World
    zuora: dict[str, Sandbox]
    qad: dict[str, QadServer]
    controls: dict[str, Controls]


@asynccontextmanager
async def standing(world: World) -> AsyncIterator[Stage]:
    """Start the stand-ins as processes would be: each world goes through its JSON."""
    async with AsyncExitStack() as stack:
        stage = Stage(world=world, zuora={}, qad={}, controls={})
        for name, site in world.sites.items():
            sandbox = Sandbox(seed=world.seed, world=read_world(world_json(site.zuora())))
            url = await stack.enter_async_context(running(sandbox))
            qad = QadServer(world=load_world(world_json(site.qad())), dialect=DIALECTS[site.site.dialect])
            server = await stack.enter_async_context(qad)
            stage.zuora[name], stage.qad[name] = sandbox, server
            stage.controls[name] = Controls(zuora=url, qad=server.control_url)
        yield stage


@pytest.fixture(scope="session")
def start() -> Callable[[World], AbstractAsyncContextManager[Stage]]:
    return standing


@pytest.fixture
async def small() -> AsyncIterator[Stage]:
    async with standing(build_world(seed=5, size=0.1)) as stage:
        yield stage


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


@dataclass(kw_only=True)
class Site:
    """What one site's stand-ins show after the story."""

    name: str
    cases: dict[str, Case]
    invoices: dict[str, Row]
    memos: dict[str, Row]
    debits: dict[str, Row]
    payments: dict[str, Row]
    refunds: dict[str, Row]
    accounts: dict[str, Row]
    chronicle: list[Row]
    qad_documents: list[Row]
    qad_items: list[Row]
    audit: list[str]
    closed_periods: set[int]
    inactive_accounts: set[str]
    expected: ExpectedBooks
    unmended: ExpectedBooks


@dataclass(kw_only=True)
class Told:
    """The story of both sites, told to its end."""

    world: World
    sites: dict[str, Site]
    elapsed_s: float

    def cases(self, name: str) -> list[tuple[Site, Case]]:
        """Return a case at each site that has it."""
        found = [(site, site.cases[name]) for site in self.sites.values() if name in site.cases]
        assert found, f"no site declares {name}"
        return found


async def _tell(world: World) -> Told:
    async with standing(world) as stage, tell_story(world, stage.controls) as story:
        started = time.monotonic()
        await story.tell()
        elapsed_s = time.monotonic() - started
        sites = {name: await _look(story, name, stage) for name in world.sites}
        return Told(world=world, sites=sites, elapsed_s=elapsed_s)


_BOOKS = ("invoices", "credit-memos", "debit-memos", "payments", "refunds", "accounts")


async def _look(story: Story, name: str, stage: Stage) -> Site:
    scene = story.scenes[name]
    books = {kind: await scene.zuora.book(kind) for kind in _BOOKS}
    ledger = stage.qad[name].installation.books.ledgers[scene.site.entity]
    catalogue = stage.qad[name].installation.books.master.catalogues[scene.site.shared_set]
    names = [case.name for case in scene.cases]
    assert len(set(names)) == len(names), "a site declares two cases of one name"
    return Site(
        name=name,
        cases={case.name: case for case in scene.cases},
        invoices={row["invoiceNumber"]: row for row in books["invoices"]},
        memos={row["memoNumber"]: row for row in books["credit-memos"]},
        debits={row["memoNumber"]: row for row in books["debit-memos"]},
        payments={row["paymentNumber"]: row for row in books["payments"]},
        refunds={row["refundNumber"]: row for row in books["refunds"]},
        accounts={row["id"]: row for row in books["accounts"]},
        chronicle=await scene.zuora.chronicle(),
        qad_documents=await scene.qad.show("documents", entity_code=scene.site.entity, limit="10000"),
        qad_items=await scene.qad.show("items", entity_code=scene.site.entity, limit="10000"),
        audit=stage.qad[name].control.audit()[scene.site.entity],
        closed_periods={one.period for one in ledger.entity.periods if not one.is_open_for_sales},
        inactive_accounts={code for code, one in catalogue.gl_accounts.items() if not one.is_active},
        expected=await expected_books(scene),
        unmended=await expected_books(scene, mended=False),
    )


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something to its end in a loop and a thread of its own: fixtures for the whole session have no loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def apart() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return run_apart


@pytest.fixture(scope="session")
def told_small() -> Told:
    told: Told = run_apart(_tell(build_world(seed=1, size=0.1)))
    return told


@pytest.fixture(scope="session")
def told_full() -> Told:
    told: Told = run_apart(_tell(build_world(seed=1, size=1.0)))
    return told


@pytest.fixture(params=["small", "full"])
def told(request: pytest.FixtureRequest) -> Told:
    """The story at both sizes."""
    found: Told = request.getfixturevalue(f"told_{request.param}")
    return found


@pytest.fixture(scope="session")
def tell() -> Callable[[World], Told]:
    """Tell the story of a world of the test's own."""
    return lambda world: run_apart(_tell(world))


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until a check holds: the only way of waiting in these tests."""

    async def wait(check: Callable[[], Any], *, within_s: float = 5.0) -> None:
        deadline = time.monotonic() + within_s
        while True:
            try:
                found = check()
                if inspect.isawaitable(found):
                    await found
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)
            else:
                return

    return wait
