"""When a worker ends itself, on real processes: with a reason and exit code 1; and when it must not."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from adapters.kafka.crashes import CRASHES_MAX
from adapters.kafka.reader import read_whole
from schemas.events import read_dead_letter
from schemas.topics import Topic
from tests.broker.workers import Fleet, numbers

# The watchdog's patience in these tests: six looks, one a second.
STILL_S = 6.0


@pytest.fixture
def fleet(cluster, tmp_path, eventually) -> Iterator[Fleet]:
    with Fleet(cluster, tmp_path, eventually) as found:
        yield found


async def test_the_watchdog_ends_a_worker_whose_event_loop_is_blocked(fleet: Fleet):
    await fleet.feed({0: [*numbers(10), b"block-once 10", *numbers(10)]})
    worker = fleet.start(still_s=STILL_S)
    assert await worker.ended(within_s=40) == 1
    assert fleet.fired.times("block-once 10") == 1
    assert worker.said("it is behind, and for 6 s nothing was acknowledged")
    fleet.start()
    assert await fleet.until_copied() == 0


async def test_the_watchdog_ends_a_worker_whose_lanes_stand_still(fleet: Fleet):
    await fleet.feed({0: numbers(10)})
    worker = fleet.start(gated=(0,), still_s=STILL_S)
    assert await worker.ended(within_s=40) == 1
    assert fleet.fired.times("gate") == 1
    assert worker.said("it is behind, and for 6 s nothing was acknowledged")


async def test_the_watchdog_leaves_a_worker_alone_that_has_nothing_to_do_or_moves(fleet: Fleet):
    await fleet.feed({0: numbers(20)})
    idle, busy = fleet.start("0", still_s=1.2), fleet.start("1", still_s=1.2)
    await fleet.until_copied()

    async def shared() -> None:
        assert idle.lanes()
        assert busy.lanes()

    await fleet.eventually(shared)
    for number in range(10):  # several times its patience
        await fleet.feed({0: numbers(1, start=20 + number)})
        await asyncio.sleep(0.5)
    await fleet.until_copied()
    assert idle.alive
    assert busy.alive


async def test_an_input_that_kills_the_process_becomes_a_dead_letter_after_three_times(fleet: Fleet):
    await fleet.feed({0: [*numbers(5), b"die 5", *numbers(5), b"raise 11", *numbers(5)], 1: numbers(10)})
    for _ in range(CRASHES_MAX):
        worker = fleet.start()
        assert await worker.ended() == -signal.SIGKILL
    worker = fleet.start()
    assert await fleet.until_copied(but=2) == 0
    assert (fleet.fired.times("die 5"), fleet.fired.times("raise 11")) == (CRASHES_MAX, CRASHES_MAX)
    assert worker.said("an input is given up") >= 2
    letters = [read_dead_letter(record.value) for record in await read_whole(fleet.cluster, 0, [Topic.DEAD_LETTERS])]
    assert [(letter.offset, letter.value) for letter in letters] == [(5, b"die 5"), (11, b"raise 11")]
    assert letters[0].reason == "3 crashes at this record"


async def test_a_worker_that_hangs_while_it_stops_ends_with_a_reason(fleet: Fleet):
    """A lane that does not close, and Faust that does not stop: 4 of 37 crashed workers were seen to hang there."""
    workers = {hangs: fleet.start(slot, hangs=hangs) for slot, hangs in (("0", "faust"), ("1", "lane"))}

    async def both_are_in() -> None:
        assert all(worker.lanes() for worker in workers.values())

    await fleet.eventually(both_are_in)
    for worker in workers.values():
        worker.kill(signal.SIGTERM)
    for hangs, worker in workers.items():
        assert await worker.ended(within_s=40) == 1
        assert fleet.fired.times(f"{hangs} hangs") >= 1
        assert worker.said("it hung while it stopped")


async def test_a_client_that_does_not_close_cleanly_holds_up_nobody(fleet: Fleet):
    await fleet.feed(dict.fromkeys(range(3), numbers(50)))
    worker = fleet.start("0", client_stumbles=True)
    await fleet.until_copied()
    worker.kill(signal.SIGTERM)
    assert await worker.ended(within_s=40) == 0
    assert fleet.fired.times("client stumbles") == worker.said("the Kafka client did not close cleanly") == 1
    assert not worker.said("Exception in thread")


async def test_of_two_workers_with_one_static_id_one_ends_with_a_reason(fleet: Fleet):
    await fleet.feed(dict.fromkeys(range(3), numbers(50)))
    first = fleet.start("0")
    await fleet.until_copied()
    second = fleet.start("0")

    async def one_has_ended() -> None:
        assert first.alive != second.alive

    await fleet.eventually(one_has_ended, within_s=40)
    loser, winner = (first, second) if second.alive else (second, first)
    assert await loser.ended() == 1
    assert loser.said("another process runs under this name")
    await fleet.feed(dict.fromkeys(range(3), numbers(50)))
    await fleet.until_copied()
    assert winner.alive
