"""Houses with the whole product in them, as the demo builds them, on the broker of the test run."""

from collections.abc import AsyncIterator

import pytest

from console.demo.house import House, standing_house


@pytest.fixture
async def house(kafka: str, tmp_path) -> AsyncIterator[House]:
    """Two companies, small; the stand-ins run, the product does not yet."""
    async with standing_house(tmp_path / "house", seed=7, size=0.1, kafka=kafka) as found:
        yield found
