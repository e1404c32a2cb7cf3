"""QAD is away for an hour, on a clock of its own, while Zuora goes on: then all drains by itself, in order."""

import random
from typing import NamedTuple

from tests.simulation.house import House

OUTAGE_S = 3600
MINUTE_S = 60.0


class Outage(NamedTuple):
    """What came of the hour.

    Attributes:
        asked: Calls that QAD was asked for while it was away.
        turned_away: ... of which it answered none.
        posted_meanwhile: Documents that came into it all the same.
        left_behind: Postings that were not in it when it came back.
        wrong: What the judge found two minutes later, and when all was at rest: lost, doubled, out of order.
        parked: What was given to a person.
        restarted: Whether any process ended, or was shut out by another.
    """

    asked: int
    turned_away: int
    posted_meanwhile: int
    left_behind: int
    wrong: list[str]
    parked: list[str]
    restarted: bool


def hour_away(house: House) -> Outage:
    """Let QAD be away for an hour of a running house, and come back; two minutes later all has to be in it."""
    random.seed(1)  # The product draws its pauses.
    _a_minute(house, 1)
    processes, documents, asked = dict(house.processes), len(house.qad.documents), house.qad.asked
    house.qad.down = True
    for number in range(2, 2 + OUTAGE_S // 60):
        _a_minute(house, number)
    away, meanwhile = house.qad.asked - asked, len(house.qad.documents) - documents
    turned_away, left_behind = house.tally["QAD is away"], len(house.judge.left_behind())
    house.qad.come_back()
    # The longest pause, and the time that the calls take.
    house.run_for(2 * MINUTE_S)
    wrong, parked = house.wrong(), house.judge.parked()
    house.rest()
    return Outage(
        asked=away,
        turned_away=turned_away,
        posted_meanwhile=meanwhile,
        left_behind=left_behind,
        wrong=[*map(str, wrong), *map(str, house.wrong())],
        parked=list(map(str, parked)),
        restarted=house.processes != processes or bool(house.tally["fenced"]),
    )


def _a_minute(house: House, number: int) -> None:
    """Bill, be paid, and take some or all of it back; each fourth invoice is unposted again."""
    invoice, payment = f"i{number}", f"p{number}"
    house.zuora.bill(invoice, 100, account="acc1")
    house.zuora.receive(payment, 100, account="acc1")
    house.zuora.apply(payment, invoice, 60)
    house.zuora.unapply(payment, invoice, 20 if number % 4 else 60)
    if number % 4 == 0:
        assert house.zuora.unpost(invoice)
    house.read_all()
    house.run_for(MINUTE_S)
