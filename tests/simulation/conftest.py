"""What the written histories begin with."""

from collections.abc import Iterator

import pytest

from adapters.kafka.sink_calls import Limits
from tests.simulation.house import House, running_house


@pytest.fixture
def house() -> Iterator[House]:
    """A connection that runs and has read what stands in Zuora."""
    with running_house() as found:
        yield found


@pytest.fixture(params=[8.0, 20.0], ids=["", "settles for longer than a receipt waits for its invoices"])
def settles(request, monkeypatch):
    """Have the sink settle sooner, and later, than a receipt gives up waiting for its invoices."""
    limits = Limits(concurrency=2, intended_ahead=5, age_s=1.0, settle_s=request.param)
    monkeypatch.setattr("tests.simulation.house.LIMITS", limits)
