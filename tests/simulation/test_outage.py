"""An hour without QAD: nothing is lost, doubled or out of order, and it is neither hammered nor forgotten."""

from tests.simulation.house import LIMITS
from tests.simulation.outage import OUTAGE_S, hour_away

# A call that was refused a connection waits at most 30 s until the next, 15 s on average (adapters/kafka/sink_gate.py);
# so each of the connection's slots asks about 240 times in an hour, here 492 for both. A quarter more is a pause lost.
CALLS_MAX = LIMITS.concurrency * (OUTAGE_S // 15) * 5 // 4
# Fewer than one in two minutes, and nobody would see for so long that QAD is back.
CALLS_MIN = OUTAGE_S // 120


def test_an_hour_without_qad_drains_by_itself_in_order(house):
    outage = hour_away(house)
    assert (outage.posted_meanwhile, outage.turned_away) == (0, outage.asked)
    assert CALLS_MIN < outage.asked < CALLS_MAX
    assert outage.left_behind > 2 * OUTAGE_S // 60
    assert (outage.wrong, outage.parked, outage.restarted) == ([], [], False)
