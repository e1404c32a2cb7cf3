"""Both other systems on loopback, and everything that is said while a test runs."""

import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog

from tests.adapters.billing_site import Site
from tests.adapters.listing_tenant import listing
from tests.adapters.qad_company import DIALECTS, QadCompany, qad_company
from tests.adapters.strange import StrangeServer, strange_server
from tests.adapters.zuora_tenant import MemoryLog, ZuoraTenant, zuora_tenant


@pytest.fixture
async def zuora() -> AsyncIterator[ZuoraTenant]:
    async with zuora_tenant() as tenant:
        yield tenant


@pytest.fixture
async def site(zuora: ZuoraTenant) -> Site:
    return Site(zuora)


@pytest.fixture
async def strange() -> AsyncIterator[StrangeServer]:
    async with strange_server() as server:
        yield server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of both clients: they are waited out all the same, in milliseconds."""
    monkeypatch.setattr("adapters.zuora.asking.pacing.PAUSE_MAX_S", 0.02)
    monkeypatch.setattr("adapters.zuora.asking.token._PAUSE_BETWEEN_S", 0.02)
    monkeypatch.setattr("adapters.qad.asking.token._PAUSE_BETWEEN_LOGINS_S", 0.02)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Return what was logged at any level by anybody, tracebacks and bound values included."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        yield lambda: caplog.text + "".join(str(record.__dict__) for record in caplog.records) + repr(events)


@pytest.fixture
def told() -> Callable[[BaseException], str]:
    """Return everything that an error tells: its words, its parts, and the errors it comes from."""
    return lambda error: repr(error) + repr(error.__dict__) + "".join(traceback.format_exception(error))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[QadCompany]:
    """A company in QAD that speaks the house's dialect, for what is said in its words."""
    async with qad_company(tmp_path) as company:
        yield company


@pytest.fixture(params=DIALECTS)
async def qad(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[QadCompany]:
    """A company in QAD, in each dialect of the stand-in: no test says of which, and none needs to."""
    async with qad_company(tmp_path, request.param) as company:
        yield company


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def off(zuora: ZuoraTenant) -> ZuoraTenant:
    """A tenant without Invoice Settlement."""
    zuora.use(invoice_settlement=False)
    return zuora


@pytest.fixture
async def lists(strange: StrangeServer) -> AsyncIterator[SimpleNamespace]:
    """A tenant that lists what a test tells it, and a client of it."""
    async with listing(strange) as found:
        yield found
