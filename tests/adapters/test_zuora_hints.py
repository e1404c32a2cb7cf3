"""Hints whose objects cannot be read, or not yet: none holds another back, and none is lost."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest

from adapters.kafka.crashes import CRASHES_MAX
from adapters.kafka.read_lane import ReadLane
from adapters.zuora.reading.objects import ZuoraObjects
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.errors import Refused
from schemas.events import read_dead_letter, read_outcome
from schemas.records import RecordKind
from schemas.topics import Topic
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import NOON, poller

INVOICE, PAYMENT = RecordKind.INVOICE, RecordKind.PAYMENT


class Worker:
    """The lane's side of the worker: keeps what is sent."""

    def __init__(self):
        self.sent, self.acknowledged, self.runs = [], asyncio.Event(), []

    def hold_back(self):
        pass

    let_go = moved = hold_back

    async def send(self, topic, *, key, value, stage):
        self.sent.append((topic, value))
        return asyncio.sleep(0)

    async def acknowledge(self, event):
        self.runs.append(event)
        self.acknowledged.set()


def hint(number, zuora_id):
    callout = Callout(
        connection="acme-main",
        tenant="acme",
        received_at=NOON,
        notification_id=f"n-{number}",
        headers={},
        content_type="application/json",
        body=msgspec.json.encode({"object": "Payment", "id": zuora_id}),
    )
    return SimpleNamespace(offset=number, timestamp=0, key=b"k", value=encode(callout))


async def read_hints(client, log, *zuora_ids, objects=ZuoraObjects):
    worker = Worker()
    lane = ReadLane(connection="acme-main", zuora=objects(client, "acme"), feed=log, worker=worker)
    lane.start()
    lane.put(SimpleNamespace(value=[hint(*one) for one in enumerate(zuora_ids)]), worker.acknowledge)
    try:
        async with asyncio.timeout(10):
            await worker.acknowledged.wait()
    finally:
        await lane.close()
    return worker


async def test_hints_of_one_object_that_wait_are_one_read_and_each_run_is_acknowledged(lists, strange, log):
    reads = []

    class Counting(ZuoraObjects):
        async def read(self, kind, zuora_id, found):
            reads.append((zuora_id, found.evidence))
            return await super().read(kind, zuora_id, found)

    for name in ("p1", "p2"):
        strange.tell(f"/object-query/payments/{name}", Told(b'{"id": "%s", "status": "Processed"}' % name.encode()))
        strange.tell(f"/v1/payments/{name}/parts", Told(b'{"parts": []}'))
    worker = Worker()
    lane = ReadLane(connection="acme-main", zuora=Counting(lists.client, "acme"), feed=log, worker=worker)
    lane.start()
    runs = [
        SimpleNamespace(value=[hint(10 * run + place, name) for place, name in enumerate(("p1", "p2", "p1"))])
        for run in range(4)
    ]
    for run in runs:
        lane.put(run, worker.acknowledge)
    try:
        async with asyncio.timeout(10):
            while len(worker.runs) < len(runs):
                await worker.acknowledged.wait()
                worker.acknowledged.clear()
    finally:
        await lane.close()
    # The newest hint of each.
    assert sorted(reads) == [("p1", "n-32"), ("p2", "n-31")]
    assert sorted(worker.runs, key=runs.index) == runs
    assert log.ids(PAYMENT) == ["p1", "p2"]


class Held(ZuoraObjects):
    """Reads of some objects wait, or fail, until they are let go."""

    def __init__(self, *given):
        super().__init__(*given)
        self.reads, self.begun, self.free, self.fails = [], asyncio.Event(), asyncio.Event(), False

    async def read(self, kind, zuora_id, found):
        self.reads.append((zuora_id, found.evidence))
        self.begun.set()
        if zuora_id == "p1":
            if self.fails and not self.free.is_set():
                raise Refused("this user may not")
            await self.free.wait()
        return await super().read(kind, zuora_id, found)


@asynccontextmanager
async def lane_of(objects, log):
    worker = Worker()
    lane = ReadLane(connection="acme-main", zuora=objects, feed=log, worker=worker)
    lane.start()
    try:
        async with asyncio.timeout(10):
            yield lane, worker
    finally:
        await lane.close()


@pytest.fixture
def held(lists, strange):
    for name in ("p1", "p2"):
        strange.tell(f"/object-query/payments/{name}", Told(b'{"id": "%s", "status": "Processed"}' % name.encode()))
        strange.tell(f"/v1/payments/{name}/parts", Told(b'{"parts": []}'))
    return Held(lists.client, "acme")


async def acknowledged(worker, count):
    while len(worker.runs) < count:
        await worker.acknowledged.wait()
        worker.acknowledged.clear()


@pytest.mark.parametrize("fails", [False, True], ids=["slow", "refused"])
async def test_an_object_that_cannot_be_read_holds_no_other(held, log, fails, monkeypatch):
    monkeypatch.setattr("adapters.kafka.read_lane._PAUSE_MAX_S", 0.02)
    held.fails = fails
    runs = [SimpleNamespace(value=[hint(number, name)]) for number, name in enumerate(("p1", "p2"))]
    async with lane_of(held, log) as (lane, worker):
        for run in runs:
            lane.put(run, worker.acknowledge)
        await acknowledged(worker, 1)
        assert worker.runs == [runs[1]]
        assert log.ids(PAYMENT) == ["p2"]
        held.free.set()
        await acknowledged(worker, 2)
    assert sorted(log.ids(PAYMENT)) == ["p1", "p2"]


async def test_a_hint_that_comes_while_its_object_is_read_is_another_read(held, log):
    """What it tells of may have happened after Zuora had answered; those that come meanwhile share it."""
    runs = [SimpleNamespace(value=[hint(number, "p1")]) for number in range(4)]
    async with lane_of(held, log) as (lane, worker):
        lane.put(runs[0], worker.acknowledge)
        await held.begun.wait()
        for run in runs[1:]:
            lane.put(run, worker.acknowledge)
        await asyncio.sleep(0.05)
        assert held.reads == [("p1", "n-0")]
        held.free.set()
        await acknowledged(worker, 4)
    assert held.reads == [("p1", "n-0"), ("p1", "n-3")]
    assert worker.runs[0] == runs[0]


async def test_what_the_user_may_not_read_waits_for_the_poll_and_holds_no_hint_back(zuora, log, quick):
    """So many that their partition would be held back if each were tried for ever."""
    payments = [zuora.payment() for _ in range(30)]
    zuora.later(minutes=5)
    forbidden = [
        zuora.arm("success_false", path, code=50000010) for path in ("^/object-query/payments/", "^/v1/payments/")
    ]
    client = await zuora.client()
    worker = await read_hints(client, log, *(one.id for one in payments))
    told = [msgspec.json.decode(value)["reason"] for topic, value in worker.sent if topic is Topic.OUTCOMES]
    assert [one["rule"] for one in told] == ["not_allowed"] * 30
    assert "right" in told[0]["message"]
    assert forbidden[0].fired == 30, "each is asked for once"
    assert not [one for one in worker.sent if one[0] is Topic.DEAD_LETTERS]
    # The poll's cursor waits for the right, and brings them once it is given.
    polling = poller(client, log)
    await polling.round()
    assert log.ids(PAYMENT) == []
    zuora.sandbox.faults.disarm()
    await polling.round()
    assert sorted(log.ids(PAYMENT)) == sorted(one.id for one in payments)


async def test_hints_that_come_while_an_object_is_tried_again_join_in_and_are_acknowledged(held, log, monkeypatch):
    monkeypatch.setattr("adapters.kafka.read_lane._PAUSE_MAX_S", 0.02)
    held.fails = True
    runs = [SimpleNamespace(value=[hint(number, "p1")]) for number in range(4)]
    async with lane_of(held, log) as (lane, worker):
        for number, run in enumerate(runs):
            held.begun.clear()
            lane.put(run, worker.acknowledge)
            # The next comes between two tries.
            while held.reads[-1:] != [("p1", f"n-{number}")]:
                await held.begun.wait()
                held.begun.clear()
        assert worker.runs == []
        held.free.set()
        await acknowledged(worker, 4)
    assert sorted(worker.runs, key=runs.index) == runs
    assert log.ids(PAYMENT) == ["p1"], "one read is for all of them"
    assert held.reads[-1] == ("p1", "n-3")


async def test_a_run_is_acknowledged_when_all_its_objects_are_read(held, log, eventually):
    both = SimpleNamespace(value=[hint(0, "p1"), hint(1, "p2")])
    nothing = SimpleNamespace(value=[SimpleNamespace(offset=2, timestamp=0, key=b"k", value=b"no callout")])
    async with lane_of(held, log) as (lane, worker):
        lane.put(both, worker.acknowledge)
        lane.put(nothing, worker.acknowledge)
        await acknowledged(worker, 1)
        assert worker.runs == [nothing]

        async def read():
            assert log.ids(PAYMENT) == ["p2"]

        await eventually(read)
        assert worker.runs == [nothing]
        held.free.set()
        await acknowledged(worker, 2)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id": 5}'])
async def test_a_hint_to_what_is_no_object_is_a_dead_letter_and_holds_no_other(lists, strange, log, body):
    strange.tell("/object-query/payments/p1", Told(body))
    strange.tell("/object-query/payments/p2", Told(b'{"id": "p2", "status": "Processed"}'))
    strange.tell("/v1/payments/p2/parts", Told(b'{"parts": []}'))
    worker = await read_hints(lists.client, log, "p1", "p2")
    [(topic, value)] = worker.sent
    letter = read_dead_letter(value)
    assert (topic, letter.offset) == (Topic.DEAD_LETTERS, 0)
    assert "not what it documents" in letter.reason
    assert log.ids(PAYMENT) == ["p2"]


async def test_a_hint_to_what_zuora_has_no_more_is_said_and_deletes_nothing(zuora, log):
    """One answer may mean a view that was lost; the re-read holds what is gone against all else that is."""
    payment = zuora.payment(amount="5")
    worker = await read_hints(await zuora.client(), log, "8a" + "0" * 30, payment.id)
    assert [(record.id, bool(record.deleted)) for record in log.kept] == [(payment.id, False)]
    assert [read_outcome(value).reason.rule for _, value in worker.sent] == ["not_found"]


async def test_an_error_of_ours_at_one_hint_holds_no_other(lists, strange, log, quick):
    tries = []

    class Stumbling(ZuoraObjects):
        async def read(self, kind, zuora_id, found):
            if zuora_id == "p1":
                tries.append(zuora_id)
                raise KeyError("nobody thought of this")
            return await super().read(kind, zuora_id, found)

    strange.tell("/object-query/payments/p2", Told(b'{"id": "p2", "status": "Processed"}'))
    strange.tell("/v1/payments/p2/parts", Told(b'{"parts": []}'))
    worker = await read_hints(lists.client, log, "p1", "p2", objects=Stumbling)
    [(topic, value)] = worker.sent
    letter = read_dead_letter(value)
    assert (topic, letter.offset, len(tries)) == (Topic.DEAD_LETTERS, 0, CRASHES_MAX)
    assert "crashes at this record" in letter.reason
    assert log.ids(PAYMENT) == ["p2"]


async def test_a_pause_that_zuora_asks_for_is_no_standing_still(zuora, log, monkeypatch):
    """It asks for two minutes where too many calls are on their way: the watchdog would end the worker after one."""
    monkeypatch.setattr("adapters.kafka.read_lane._REST_TOLD_S", 0.05)
    payment, client = zuora.payment(amount="5"), await zuora.client()
    await client.token.get()
    armed = zuora.arm("too_many_concurrent", "^/object-query/payments/", count=1, retry_after_s=1)
    told = []

    class Watched(Worker):
        def moved(self, *_) -> None:
            told.append(client.rests)

    worker = Watched()
    lane = ReadLane(connection="acme-main", zuora=ZuoraObjects(client, "acme"), feed=log, worker=worker)
    lane.start()
    lane.put(SimpleNamespace(value=[hint(0, payment.id)]), worker.acknowledge)
    try:
        async with asyncio.timeout(20):
            await worker.acknowledged.wait()
    finally:
        await lane.close()
    assert (armed.fired, log.ids(PAYMENT)) == (1, [payment.id])
    assert told.count(True) > 3


async def test_an_endpoint_that_is_not_there_is_no_deleted_document(lists, strange, log, quick):
    """A feature that is off, or a token call that leads nowhere: the hint waits, nothing is ignored."""
    no_endpoint = b'{"reasons": [{"code": 50000040, "message": "The endpoint /x does not exist."}]}'
    there = Told(b'{"id": "p1", "status": "Processed"}')
    strange.tell("/object-query/payments/p1", Told(no_endpoint, status=404), there)
    strange.tell("/v1/payments/p1/parts", Told(b'{"parts": []}'))
    worker = await read_hints(lists.client, log, "p1")
    assert (worker.sent, log.ids(PAYMENT)) == ([], ["p1"])
