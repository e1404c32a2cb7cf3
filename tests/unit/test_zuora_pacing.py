"""When a call may go, told the time: never more than promised, slower before a limit is hit."""

from bisect import bisect_left
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.zuora.asking.allowances import BudgetSettings, Process, Shares
from adapters.zuora.asking.pacing import Counted, Pace, Places, Priority, TokenPace, counted, retry_pause_s

LIVE, BACKFILL = Priority
PROCESSES = get_args(Process)


def run(pace: Pace, *, until_s: float, begin_s: float = 0.0, late_s: float = 0.0, priority: Priority = LIVE):
    """Send as often as the pace allows, each timer a little late; return when each call went."""
    now_s, sent = begin_s, []
    while now_s < until_s:
        wait_s = pace.wait_s(priority, now_s)
        if wait_s > 0:
            now_s += wait_s + late_s
            continue
        pace.sent(priority, now_s)
        sent.append(now_s)
    return sent


def most_in_a_minute(sent: list[float]) -> int:
    return max(place + 1 - bisect_left(sent, at_s - 60.0 + 1e-9) for place, at_s in enumerate(sent))


# -- what was promised -----------------------------------------------------------------------------------------------


@given(
    per_minute=st.integers(1, 5_000),
    late_s=st.floats(0, 0.5),
    rests=st.lists(st.floats(0, 100), max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_no_minute_ever_has_more_than_was_promised(per_minute, late_s, rests):
    pace, sent, now_s = Pace(per_minute), [], 0.0
    for rest_s in (*rests, 0.0):
        now_s += rest_s
        sent += run(pace, begin_s=now_s, until_s=now_s + 130, late_s=late_s)
        now_s = max([now_s, *sent[-1:]]) + 0.001
    assert most_in_a_minute(sent) <= per_minute


@pytest.mark.parametrize("late_s", [0.0, 0.001, 0.05, 0.2])
def test_nearly_all_of_it_is_used_however_late_timers_are(late_s):
    sent = run(Pace(3_000), until_s=600, late_s=late_s)
    assert 0.95 <= len(sent) / 30_000 <= 1


def test_without_a_limit_of_ours_and_without_a_word_of_zuora_nothing_waits():
    pace = Pace(None)
    for _ in range(10_000):
        assert pace.wait_s(BACKFILL, 0.0) == 0
        pace.sent(BACKFILL, 0.0)


def test_what_zuora_turns_away_closes_the_way_for_all():
    pace = Pace(None)
    pace.close(7.0, 100.0)
    assert [pace.wait_s(priority, 104.0) for priority in Priority] == [3.0, 3.0]
    assert pace.wait_s(LIVE, 107.0) == 0


# -- what Zuora tells ------------------------------------------------------------------------------------------------


class Tenant:
    """A tenant that counts in fixed windows, with others that ask it too."""

    def __init__(self, limit: int, *, others_per_s: float = 0.0, window_s: int = 60) -> None:
        self.limit, self.others_per_s, self.window_s = limit, others_per_s, window_s
        self.calls: dict[int, int] = {}
        self.refused = 0

    def ask(self, now_s: float) -> Counted:
        window = int(now_s // self.window_s)
        self.calls[window] = self.calls.get(window, 0) + 1
        used = self.calls[window] + int(self.others_per_s * (now_s % self.window_s))
        self.refused += used > self.limit
        return Counted(self.limit, max(0, self.limit - used), int(self.window_s - now_s % self.window_s) + 1)


def ask(pace: Pace, tenant: Tenant, *, until_s: float, begin_s: float = 0.0, priority: Priority = LIVE) -> int:
    now_s, count = begin_s, 0
    while now_s < until_s:
        wait_s = pace.wait_s(priority, now_s)
        if wait_s > 0:
            now_s += wait_s
            continue
        pace.sent(priority, now_s)
        pace.hear(tenant.ask(now_s), now_s)
        count += 1
    return count


def test_a_budget_that_is_the_tenants_whole_limit_is_used_and_never_passed():
    tenant = Tenant(3_000)
    assert ask(Pace(3_000), tenant, until_s=600) >= 0.95 * 30_000
    assert tenant.refused == 0


@pytest.mark.parametrize("begin_s", [0.0, 10.0, 37.5, 59.5])
@pytest.mark.parametrize("others_per_s", [0.0, 10.0, 30.0, 41.0])
@pytest.mark.parametrize("per_minute", [None, 50_000, 3_000])
def test_a_limit_that_others_use_as_well_is_not_hit(per_minute, others_per_s, begin_s):
    """Slower in time: the tenant refuses nobody, as long as the others leave anything at all."""
    tenant = Tenant(2_500, others_per_s=others_per_s)
    count = ask(Pace(per_minute), tenant, begin_s=begin_s, until_s=begin_s + 300)
    assert tenant.refused == 0
    assert count > 0


def test_what_others_will_use_up_is_no_part_of_what_we_may():
    """They took 200 of 900 in a second: in the nine that are left they will take all that there is."""
    pace = Pace(600)
    pace.hear(Counted(1_000, 900, 10), 0.0)
    pace.hear(Counted(1_000, 700, 9), 1.0)
    assert pace.wait_s(LIVE, 1.0) == 9.0
    # They rest: it is known at the next answer that there is room.
    pace.hear(Counted(1_000, 690, 2), 8.0)
    assert pace.wait_s(LIVE, 8.0) == 0


def test_what_we_sent_ourselves_is_not_taken_for_others():
    pace = Pace(600)
    pace.hear(Counted(1_000, 900, 10), 0.0)
    for _ in range(3):
        pace.sent(LIVE, 0.5)
    pace.hear(Counted(1_000, 897, 9), 1.0, on_the_way=1)
    assert pace.wait_s(LIVE, 2.0) == 0
    # Nor are our other processes, as far as the budget goes: half of 1,200 a minute is theirs.
    half = Pace(600, of_tenant=1_200)
    half.hear(Counted(1_000, 300, 10), 0.0)
    half.hear(Counted(1_000, 290, 9), 1.0)
    assert half.wait_s(LIVE, 1.0) == 0


def test_a_slow_answer_that_tells_of_long_ago_makes_no_others():
    """Two hundred quick calls overtake a slow one: its count is from before them, and they were ours."""
    pace = Pace(20_000)
    pace.sent(LIVE, 0.0)
    for number in range(1, 201):
        now_s = number * 0.01
        pace.sent(LIVE, now_s)
        pace.hear(Counted(50_000, 49_999 - number, 60), now_s, on_the_way=1, answered=number - 1)
    pace.hear(Counted(50_000, 49_999, 60), 2.01, answered=0)
    pace.sent(LIVE, 2.02)
    pace.hear(Counted(50_000, 49_798, 58), 2.021, answered=201)
    assert pace.wait_s(LIVE, 3.0) == 0
    pace.sent(LIVE, 3.0)
    assert pace.wait_s(LIVE, 3.1) == 0


def test_an_hour_that_is_nearly_used_up_is_spread_over_what_is_left_of_it():
    """A developer sandbox: 25,000 an hour are gone in two minutes of what a minute allows."""
    pace, tenant = Pace(12_000), Tenant(25_000, window_s=3600)
    ask(pace, tenant, until_s=3600)
    assert tenant.refused == 0
    assert 0.85 * 25_000 <= tenant.calls[0] <= 0.96 * 25_000


def test_of_what_is_scarce_a_backfill_leaves_the_last_tenth():
    left = {}
    for priority in Priority:
        tenant = Tenant(1_000)
        ask(Pace(10_000), tenant, until_s=59.9, priority=priority)
        left[priority] = 1_000 - tenant.calls[0]
    assert left[BACKFILL] >= 95
    assert 45 <= left[LIVE] < left[BACKFILL]


def test_processes_share_what_is_left_as_they_share_the_budget():
    pace = Pace(5_000, of_tenant=10_000)
    pace.hear(Counted(10_000, 1_500, 50), 0.0)
    sent = run(pace, until_s=10)
    # 1,500 less a twentieth of the limit is 1,000 in 50 s; half of that is ours.
    assert 90 <= len(sent) <= 110


def test_calls_that_are_on_their_way_are_not_in_what_was_told():
    pace = Pace(None)
    pace.hear(Counted(100, 9, 10), 0.0, on_the_way=4)
    assert pace.remaining(0.0) == 5
    assert pace.wait_s(LIVE, 0.0) == 10.0


def test_one_call_a_minute_looks_whether_a_long_window_has_room_again():
    pace = Pace(6_000)
    pace.hear(Counted(10_000, 0, 7_200), 0.0)
    assert run(pace, until_s=250) == pytest.approx([60, 120, 180, 240], abs=5)


def test_what_was_told_of_a_window_ends_with_it():
    pace = Pace(6_000)
    pace.hear(Counted(100, 0, 10), 0.0)
    assert (pace.wait_s(LIVE, 4.0), pace.remaining(4.0)) == (6.0, 0)
    assert (pace.wait_s(LIVE, 10.0), pace.remaining(10.0)) == (0.0, None)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {
                "RateLimit-Limit": "2250000, 50000;w=60, 2250000;w=3600, 27000000;w=86400",
                "RateLimit-Remaining": "12",
                "RateLimit-Reset": "7",
            },
            Counted(2_250_000, 12, 7),
        ),
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "0", "RateLimit-Reset": "0"}, Counted(50, 0, 0)),
        ({"RateLimit-Limit": "50;w=60", "RateLimit-Remaining": "1", "RateLimit-Reset": "1"}, Counted(50, 1, 1)),
        ({}, None),
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "1"}, None),
        ({"RateLimit-Limit": "0", "RateLimit-Remaining": "1", "RateLimit-Reset": "1"}, None),
        ({"RateLimit-Limit": "many", "RateLimit-Remaining": "1", "RateLimit-Reset": "1"}, None),
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "-1", "RateLimit-Reset": "1"}, None),
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "1" * 5000, "RateLimit-Reset": "1"}, None),
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "1", "RateLimit-Reset": "²"}, None),
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "1", "RateLimit-Reset": "86400"}, Counted(50, 1, 86_400)),
        # a moment in place of seconds: spread over decades, all that is left would be one call a minute for ever
        ({"RateLimit-Limit": "50", "RateLimit-Remaining": "50", "RateLimit-Reset": "1790000000"}, None),
    ],
)
def test_headers_that_say_nothing_are_nothing(headers, told):
    assert counted(headers) == told


# -- calls at once ---------------------------------------------------------------------------------------------------


def test_where_others_leave_little_room_some_of_it_stays_theirs():
    places = Places(10)
    places.in_flight = 6
    places.hear(limit=40, remaining=3, now_s=0.0, sent_s=0.0)
    # Six and three, less a tenth of forty.
    assert [places.free(LIVE, 0.0), places.in_flight] == [False, 6]
    places.in_flight = 4
    assert places.free(LIVE, 0.0)
    places.in_flight = 9
    assert places.free(LIVE, 3.0), "what was told is old"


def test_a_count_that_was_made_before_ours_went_makes_no_room():
    places = Places(10)
    for _ in range(3):
        places.take(100.0)
    # Counted when the first of the three came: itself, and eight of others.
    places.hear(limit=12, remaining=3, now_s=100.1, sent_s=100.0)
    assert not places.free(LIVE, 100.1)
    # Three all the while: they are in the count, and nobody else has come.
    places.hear(limit=12, remaining=9, now_s=103.0, sent_s=102.5)
    assert places.free(LIVE, 103.0)


def test_one_may_always_go():
    places = Places(10)
    places.hear(limit=40, remaining=0, now_s=0.0, sent_s=0.0)
    assert places.free(LIVE, 0.0)
    assert places.free(BACKFILL, 0.0)


def test_a_refusal_halves_them_for_a_while():
    places = Places(8)
    places.in_flight = 8
    places.refused(0.0)
    places.in_flight = 4
    assert not places.free(LIVE, 1.0)
    assert places.free(LIVE, 2.5)


def test_a_backfill_leaves_one_place():
    places = Places(3)
    places.in_flight = 2
    assert (places.free(LIVE, 0.0), places.free(BACKFILL, 0.0)) == (True, False)


# -- tokens, tries, shares -------------------------------------------------------------------------------------------


def test_a_storm_of_token_calls_is_twenty_a_minute():
    pace, now_s, sent = TokenPace(), 0.0, []
    while now_s < 600:
        wait_s = pace.wait_s(now_s)
        if wait_s > 0:
            now_s += wait_s
            continue
        pace.sent(now_s)
        sent.append(now_s)
    assert most_in_a_minute(sent) == 20
    assert len(sent) == 200


def test_where_zuora_has_few_tokens_left_for_the_address_none_is_asked_for():
    pace = TokenPace()
    for remaining, wait_s in ((None, 0.0), (5, 0.0), (4, 60.0)):
        pace.sent(100.0)
        pace.hear(remaining, 100.0)
        assert pace.wait_s(100.0) == wait_s
    assert (pace.wait_s(150.0), pace.wait_s(160.0)) == (10.0, 0.0)


@pytest.mark.parametrize(
    ("tries", "asked_s", "least_s", "most_s"),
    [(1, None, 0, 2), (3, None, 0, 8), (9, None, 0, 60), (1, 30.0, 30, 30), (1, 3600.0, 120, 120), (1, 0.5, 0.5, 2)],
)
def test_a_pause_is_full_jitter_and_no_less_than_asked_for_within_reason(tries, asked_s, least_s, most_s):
    assert retry_pause_s(tries, asked_s, lambda least, _: least) == least_s
    assert retry_pause_s(tries, asked_s, lambda _, most: most) == most_s


@given(
    settings_=st.builds(
        BudgetSettings,
        per_minute=st.integers(60, 100_000),
        concurrency=st.integers(1, 60),
        object_query=st.integers(1, 100),
        shares=st.builds(Shares, **dict.fromkeys(PROCESSES, st.integers(1, 60))),
    )
)
def test_the_parts_of_a_budget_are_together_no_more_than_it(settings_):
    parts = [settings_.of(process) for process in PROCESSES]
    assert all(part.per_minute and part.concurrency and part.object_query for part in parts)
    if not settings_.problem():
        assert sum(part.per_minute for part in parts) <= settings_.per_minute
        assert sum(part.concurrency for part in parts) <= settings_.concurrency
        assert sum(part.object_query for part in parts) <= settings_.object_query


def test_the_defaults_can_be_shared():
    assert BudgetSettings().problem() == ""
