"""Percentiles of a benchmark, and what comes evenly: the next one does not wait for the one before."""

import asyncio

import pytest

from benchmarks.latency import evenly, percentile, summed


@pytest.mark.parametrize(
    ("percent", "count", "found"), [(50, 100, 50), (95, 100, 95), (99, 100, 99), (99, 400, 396), (50, 3, 2), (99, 1, 1)]
)
def test_a_percentile_is_one_of_the_values(percent, count, found):
    assert percentile(range(count, 0, -1), percent) == found


def test_what_is_above_the_erp_is_told_by_the_run_it_was_in():
    runs = [([0.050], [0.040]), ([0.090], [0.050]), ([0.070], [0.055])]
    row = summed(runs)[0]
    assert row.percentile == 50
    assert row.sink.runs == pytest.approx((50, 90, 70))
    assert row.sink.median == pytest.approx(70)
    assert row.erp.median == pytest.approx(50)
    assert row.above.runs == pytest.approx((10, 40, 15))
    assert row.above.median == pytest.approx(15)
    assert row.above.spread == pytest.approx(30)


async def test_each_begins_at_its_time_whatever_became_of_the_one_before():
    now = asyncio.get_running_loop().time
    all_began = asyncio.Event()
    due: list[float] = []
    late: list[float] = []

    async def act(at):
        due.append(at)
        late.append(now() - at)
        if len(due) == 5:
            all_began.set()
        await all_began.wait()

    await asyncio.wait_for(evenly([act] * 5, per_second=100), timeout=30)
    assert [round(1e3 * (at - due[0])) for at in due] == [0, 10, 20, 30, 40]
    assert min(late) > -0.002
