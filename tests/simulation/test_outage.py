"""QAD is away for an hour, on a clock of its own, while Zuora goes on: then all drains by itself, in order."""

import random

from tests.simulation.house import LIMITS, House

OUTAGE_S = 3600
MINUTE_S = 60.0
# A call that was refused a connection waits at most 30 s until the next, 15 s on average (adapters/kafka/sink_gate.py);
# so each of the connection's slots asks about 240 times in an hour, here 492 for both. A quarter more is a pause lost.
CALLS_MAX = LIMITS.concurrency * (OUTAGE_S // 15) * 5 // 4
# Fewer than one in two minutes, and nobody would see for so long that QAD is back.
CALLS_MIN = OUTAGE_S // 120


def a_minute(house: House, number: int) -> None:
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


def test_an_hour_without_qad_drains_by_itself_in_order(house):
    random.seed(1)  # The product draws its pauses.
    a_minute(house, 1)
    processes, documents, asked = dict(house.processes), len(house.qad.documents), house.qad.asked
    house.qad.down = True
    for number in range(2, 2 + OUTAGE_S // 60):
        a_minute(house, number)
    away = house.qad.asked - asked
    assert (len(house.qad.documents), house.tally["QAD is away"]) == (documents, away)
    assert CALLS_MIN < away < CALLS_MAX
    assert len(house.judge.left_behind()) > 2 * OUTAGE_S // 60
    house.qad.come_back()
    # The longest pause, and the time that the calls take.
    house.run_for(2 * MINUTE_S)
    assert (house.wrong(), house.judge.parked()) == ([], [])
    house.rest()
    assert (house.wrong(), house.processes == processes, house.tally["fenced"]) == ([], True, 0)
