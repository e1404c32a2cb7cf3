"""Each notification is stored once, and only what the broker has counts as a repeat."""

import asyncio

import pytest

from adapters.zuora.receiving.repeats import Repeats
from schemas.errors import Transient
from tests.adapters.receiving import PATH, Broker, basic, door, post, receiving

SAME = {"Zuora-Notification-Id": "n-1"}


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
async def url(broker):
    async with receiving({PATH: door()}, broker) as found:
        yield found


async def test_a_repeat_is_answered_200_and_stored_once(url, broker):
    for _ in range(3):
        assert (await post(url, **basic(), **SAME))[0] == 200
    assert [callout.notification_id for callout in broker.kept] == ["n-1"]


async def test_what_has_no_id_is_no_repeat(url, broker):
    for _ in range(3):
        assert (await post(url, **basic()))[0] == 200
    assert len(broker.kept) == 3


async def test_a_repeat_waits_for_the_first(url, broker):
    """Answered earlier, it would be lost with the first."""
    broker.waits = asyncio.Event()
    posting = [asyncio.create_task(post(url, **basic(), **SAME)) for _ in range(5)]
    done, _ = await asyncio.wait(posting, timeout=0.2)
    assert not done
    broker.waits.set()
    assert {status for status, _, _ in await asyncio.gather(*posting)} == {200}
    assert len(broker.kept) == 1


async def test_a_repeat_of_what_was_not_stored_is_stored(url, broker):
    broker.fails = Transient("away")
    assert (await post(url, **basic(), **SAME))[0] == 503
    broker.fails = None
    assert (await post(url, **basic(), **SAME))[0] == 200
    assert len(broker.kept) == 1


@pytest.mark.parametrize(
    "other",
    [{"body": b'{"object": "Invoice", "id": "other"}'}, {"Content-Type": "application/x-www-form-urlencoded"}],
    ids=["body", "type"],
)
async def test_nobody_keeps_a_hint_out_by_its_id(url, broker, other):
    await post(url, **{**basic(), **SAME, **other})
    assert (await post(url, **basic(), **SAME))[0] == 200
    assert len(broker.kept) == 2


async def test_an_id_belongs_to_its_tenant(broker):
    doors = {PATH: door(), "/callouts/another": door(tenant="other", connection="other-main")}
    async with receiving(doors, broker) as url:
        for path in doors:
            assert (await post(url, path, **basic(), **SAME))[0] == 200
    assert {callout.tenant for callout in broker.kept} == {"acme", "other"}


async def test_one_that_took_too_long_is_503_and_may_be_stored_all_the_same(broker):
    broker.waits = asyncio.Event()
    async with receiving({PATH: door()}, broker, answer_s=0.2) as url:
        assert (await post(url, **basic(), **SAME))[0] == 503
        broker.waits.set()
        assert (await post(url, **basic(), **SAME))[0] == 200
    assert len(broker.kept) == 1


async def test_what_is_known_is_bounded(callout_of):
    stored = []

    async def store(callout):
        stored.append(callout.notification_id)

    repeats = Repeats(store, known_max=3)
    taken = [await repeats.take(callout_of(name)) for name in "abcabcdeabc"]
    assert "".join(stored) == "abcdeabc"
    assert taken.count(True) == 3


@pytest.fixture
async def callout_of(broker):
    async with receiving({PATH: door()}, broker) as url:
        for name in "abcde":
            await post(url, **basic(), **{"Zuora-Notification-Id": name})
    return {one.notification_id: one for one in broker.kept}.__getitem__
