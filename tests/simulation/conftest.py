"""What the written histories begin with."""

from collections.abc import Iterator

import pytest

from tests.simulation.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """A connection that runs and has read what stands in Zuora."""
    with House(1).open() as found:
        found.start_all()
        found.read_all()
        found.run_for(1.0)
        yield found
