"""Which accounts a person looks at first: those for which most waits; what has a customer and waits for none is not."""

from random import Random

import pytest

from adapters.store.projection import StandingRow
from console.customers.matching import Accounts
from console.customers.reviewing import most_first
from schemas.matching import AccountSeen

CONNECTION = "acme"


def account(number, *, claimed_by=(CONNECTION,)):
    return AccountSeen(
        connection=CONNECTION,
        id=f"id of {number}",
        number=number,
        origin=1,
        record_id="r",
        stamp="2026-01-31T00:00:00Z",
        currency="USD",
        claimed_by=claimed_by,
    )


def rows(count):
    return [
        StandingRow(
            connection=CONNECTION, stage="match", subject="s", document="d", number="n", status="parked", origin=origin
        )
        for origin in range(count)
    ]


# Neither by number nor by the order in which they were seen.
WAITS = {"A5": 3, "A1": 1, "A4": 12, "A2": 3, "A3": 0}


@pytest.mark.parametrize("seed", range(4))
def test_those_for_which_most_waits_come_first_and_then_by_number(seed):
    seen = [account(number) for number in WAITS] + [account("A9", claimed_by=("other",))]
    Random(seed).shuffle(seen)
    accounts = Accounts(connection=CONNECTION, seen={one.id: one for one in seen})
    waiting = {f"id of {number}": rows(count) for number, count in WAITS.items() if count}
    assert [one.number for one in most_first(accounts, waiting)] == ["A4", "A2", "A5", "A1", "A3"]
    assert [one.number for one in most_first(accounts, waiting, only="A1")] == ["A1"]
    # Where a link says whose it is, it is looked at only as long as something waits.
    accounts.links |= {"id of A3": "C1", "id of A5": "C1"}
    assert [one.number for one in most_first(accounts, waiting)] == ["A4", "A2", "A5", "A1"]
