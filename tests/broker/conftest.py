"""What the tests of the sink share: a QAD whose books are checked when a test ends."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.broker.erps import Qad, running_qad


@pytest.fixture
async def qad(tmp_path: Path) -> AsyncIterator[Qad]:
    async with running_qad(tmp_path) as found:
        yield found
        found.check_books()
