"""Each test here runs against every sink."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.ports import Erp
from tests.ports.books import Driver
from tests.ports.sinks import SINKS


@pytest.fixture(params=SINKS)
async def sink(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Driver]:
    async with SINKS[request.param](tmp_path) as driver:
        yield driver


@pytest.fixture
async def erp(sink: Driver) -> Erp:
    return await sink.port()
