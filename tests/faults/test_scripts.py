"""What the scripts of the faults count is there only when the fault is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.errors import Unreadable
from schemas.events import EVENTS
from schemas.topics import Topic
from tests.faults.clocks import CLOCKS, bears_out, next_hour_twice
from tests.faults.poison import CONSUMED, unreadable

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("topic", CONSUMED)
def test_poison_is_refused_for_what_is_wrong_with_it_and_not_before(topic: Topic) -> None:
    for one in unreadable(topic):
        with pytest.raises(Unreadable) as refused:
            EVENTS[topic](one.value)
        assert one.says in str(refused.value), one.kind


def test_a_clock_that_goes_right_bears_nothing_out() -> None:
    now = datetime.now(UTC)
    stamps = [now - timedelta(seconds=seconds) for seconds in (20, 10, 0)]
    assert {what: bears_out(what, stamps, BERLIN) for what in CLOCKS} == dict.fromkeys(CLOCKS, 0)


def test_a_wrong_clock_is_told_by_the_stamps() -> None:
    now = datetime.now(UTC)
    new_year = datetime(2027, 1, 1, tzinfo=BERLIN)
    twice = next_hour_twice(datetime(2026, 11, 23, tzinfo=UTC), BERLIN)
    assert twice == datetime(2027, 10, 31, 1, tzinfo=UTC)
    second = timedelta(seconds=1)
    stamps = {
        "7 minutes ahead": [now + timedelta(minutes=7)],
        "an hour ahead": [now + timedelta(hours=1)],
        "7 minutes behind": [now - timedelta(minutes=7)],
        "an hour back in the middle": [now, now - timedelta(hours=1), now - timedelta(minutes=59)],
        "over a year's end": [new_year - second, new_year],
        "in an hour that comes twice": [twice - second, twice],
    }
    assert {what: bears_out(what, stamps[what], BERLIN) for what in CLOCKS} == dict.fromkeys(CLOCKS, 1)
