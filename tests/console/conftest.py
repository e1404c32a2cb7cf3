"""Three sides for reconciliation: empty, and in order."""

import pytest

from tests.console.sides import Sides


@pytest.fixture
def sides():
    return Sides()


@pytest.fixture
def settled(sides):
    """A little of everything, in order: 30 of the memo and 60 of the payment are applied to the first invoice."""
    sides.posted("invoice", "100", open_amount="10", number="INV1")
    sides.posted("invoice", "250.50", number="INV2", customer="C2")
    sides.posted("invoice", "7000", number="INV3", currency="JPY", customer="C3")
    sides.posted("credit_memo", "40", open_amount="10", number="CM1")
    sides.posted("payment", "80", open_amount="20", number="P1")
    for payer, row, amount in (("credit_memo:8a0003", "r1", "30"), ("payment:8a0004", "r2", "60")):
        sides.put(sides.allocation(payer, "invoice:8a0000", amount, row=row))
    return sides
