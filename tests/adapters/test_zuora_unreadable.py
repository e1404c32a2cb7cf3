"""What cannot be read: it keeps nothing else back, is tried again where that helps, and is never just passed over."""

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

import msgspec
import pytest

from adapters.kafka.crashes import CRASHES_MAX
from adapters.kafka.feed import TenantFeed
from adapters.kafka.read_lane import ReadLane
from adapters.kafka.reader import LogRecord
from adapters.zuora.reading.kinds import BILL_RUN, KINDS
from adapters.zuora.reading.objects import ZuoraObjects
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.errors import Refused, Transient, Unreadable
from schemas.events import read_dead_letter, read_outcome
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.references import AccountingCode
from schemas.topics import RECORD_BYTES_MAX, Topic
from schemas.zuora import parent_of
from tests.adapters.ground import given
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import NOON, MemoryLog, poller, speaking_to

INVOICE, PAYMENT = RecordKind.INVOICE, RecordKind.PAYMENT
LISTS = {
    RecordKind.ACCOUNT: "accounts",
    INVOICE: "invoices",
    RecordKind.DEBIT_MEMO: "debit-memos",
    RecordKind.CREDIT_MEMO: "credit-memos",
    PAYMENT: "payments",
    RecordKind.REFUND: "refunds",
    BILL_RUN: "billing-runs",
}
STAMP = '"updatedDate": "2026-03-01T10:00:00Z"'


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
async def lists(strange):
    """A tenant that lists what a test tells it, and a client of it."""
    strange.tell("/v1/accounting-codes", Told(b'{"accountingCodes": []}'))
    for objects in LISTS.values():
        strange.tell(f"/object-query/{objects}", Told(b'{"data": []}'))
    async with speaking_to(strange) as client:
        yield SimpleNamespace(
            client=client,
            tell=lambda kind, *rows: strange.tell(
                f"/object-query/{LISTS[kind]}", Told(f'{{"data": [{", ".join(rows)}]}}'.encode())
            ),
        )


# -- for ever --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ['{"id": null}', "{}", "[]", "5", '{"id": "../x"}', '{"id": "i", "status": 5}'])
async def test_a_row_that_no_record_can_be_made_of_is_a_dead_letter_and_the_others_are_read(lists, log, row):
    lists.tell(INVOICE, f'{{"id": "i1", {STAMP}}}', row, f'{{"id": "i2", {STAMP}}}')
    polling = poller(lists.client, log)
    await polling.round()
    assert log.ids(INVOICE) == ["i1", "i2"]
    assert [(kind, raw.decode()) for kind, raw, _ in log.dead] == [(INVOICE, row)]
    assert INVOICE in log.cursors


async def test_a_row_is_a_dead_letter_once_while_it_stays_as_it_is(lists, log):
    lists.tell(INVOICE, f'{{"id": "i1", "status": 5, {STAMP}}}')
    polling = poller(lists.client, log, overlap_s=365 * 86_400)
    await polling.round()
    await polling.round()
    assert len(log.dead) == 1
    lists.tell(INVOICE, f'{{"id": "i1", "status": 6, {STAMP}}}')
    await polling.round()
    assert len(log.dead) == 2


async def test_what_zuora_gave_goes_on_as_it_came_where_it_only_lacks_a_value(lists, log):
    """Whoever decides says what is missing, and the document stands still by name."""
    row = f'{{"id": "i1", "status": null, {STAMP}}}'
    lists.tell(INVOICE, row)
    await poller(lists.client, log).round()
    [record] = log.kept
    assert (bytes(record.parent).decode(), log.dead) == (row, [])
    with pytest.raises(Unreadable):
        parent_of(record)


async def test_a_code_or_a_bill_run_that_is_not_as_documented_keeps_no_other_from_being_known(lists, log, strange):
    strange.tell("/v1/accounting-codes", Told(b'{"accountingCodes": [{"id": 5}, {"id": "c", "name": "n"}]}'))
    lists.tell(BILL_RUN, '{"id": "b1", "status": 5}', f'{{"id": "b2", "status": "Posted", {STAMP}}}')
    await poller(lists.client, log).round()
    assert [one.id for one in log.references_kept] == ["c", "b2"]
    assert BILL_RUN in log.cursors


# -- for now ---------------------------------------------------------------------------------------------------------


async def test_the_cursor_waits_for_what_may_be_read_later(zuora, log, quick, heard):
    payments = []
    for _ in range(3):
        zuora.later(seconds=10)
        payments.append(zuora.payment(amount="10"))
    zuora.later(minutes=30)
    armed = zuora.arm("http_500", f"^/v1/payments/{payments[1].id}/parts$")
    polling = poller(await zuora.client(), log)
    for _ in range(2):
        await polling.round()
        assert log.ids(PAYMENT) == [payments[0].id, payments[2].id]
        assert log.cursors[PAYMENT] == NOON + timedelta(seconds=20)
        assert payments[1].id in heard()
        zuora.later(minutes=30)
    given(armed.fired == 10, "one object could not be read")
    zuora.sandbox.faults.disarm()
    await polling.round()
    assert log.ids(PAYMENT) == [payments[0].id, payments[2].id, payments[1].id]
    assert log.cursors[PAYMENT] > NOON + timedelta(minutes=30)


async def test_an_object_that_stays_unread_is_found_after_a_restart(zuora, log, quick):
    """The cursor alone brings it back, without any overlap."""
    first, second = zuora.payment(amount="10"), zuora.payment(amount="10")
    zuora.later(minutes=30)
    zuora.arm("http_500", f"^/v1/payments/{first.id}/parts$")
    await poller(await zuora.client(), log, overlap_s=0).round()
    given(log.ids(PAYMENT) == [second.id], "one was read, one was not")
    zuora.sandbox.faults.disarm()
    await poller(await zuora.client(), log, overlap_s=0).round()
    assert set(log.ids(PAYMENT)) == {first.id, second.id}


async def test_more_than_a_page_that_cannot_be_read_ends_the_window(zuora, log, quick, heard):
    """A permission that is missing is no matter of single objects: a back-fill does not try them all each round."""
    for _ in range(220):
        zuora.later(seconds=1)
        zuora.payment(amount="10")
    zuora.later(minutes=30)
    armed = zuora.arm("http_500", "^/v1/payments/.*/parts$", code=50_000_010, status=403)
    await poller(await zuora.client(), log).round()
    given(armed.fired > 0, "nothing could be read")
    assert armed.fired <= 2 * 99
    assert "newer ones wait" in heard()
    assert (log.ids(PAYMENT), log.cursors[PAYMENT]) == ([], NOON + timedelta(seconds=1))


async def test_an_object_that_fails_is_tried_once_however_often_its_second_is_walked(zuora, log, quick):
    payments = [zuora.payment(amount="10") for _ in range(120)]
    zuora.later(minutes=30)
    armed = zuora.arm("http_500", f"^/v1/payments/{payments[0].id}/parts$")
    await poller(await zuora.client(), log).round()
    # Five tries of one reading.
    assert armed.fired == 5
    assert sorted(log.ids(PAYMENT)) == sorted(payment.id for payment in payments[1:])


async def test_a_backfill_remembers_no_more_than_the_overlap_shows_again(zuora, log):
    for _ in range(250):
        zuora.later(minutes=1)
        zuora.invoice()
    zuora.later(minutes=5)
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert len(log.ids(INVOICE)) == 250
    # Fifteen minutes, and the last page.
    assert len(polling._windows[INVOICE]._known) <= 15 + 99


# -- hints -----------------------------------------------------------------------------------------------------------


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


# -- where dead letters go -------------------------------------------------------------------------------------------


class Publisher:
    def __init__(self):
        self.sent = []

    async def publish(self, publications):
        self.sent += publications


@pytest.mark.parametrize(("size", "kept"), [(20, True), (9 * 1024 * 1024, False)])
async def test_a_row_goes_whole_to_the_first_connection(size, kept):
    publisher, row = Publisher(), b"x" * size
    feed = TenantFeed(None, publisher, {"acme-main": 3, "acme-asia": 5})
    await feed.unreadable(INVOICE, row, "no id")
    [publication] = publisher.sent
    letter = read_dead_letter(encode(publication.event))
    assert (publication.topic, publication.partition, letter.connection) == (Topic.DEAD_LETTERS, 3, "acme-main")
    assert (letter.value == row, letter.reason, letter.stage) == (kept, "no id", "poll")
    assert letter.next_step


async def test_a_record_above_what_topics_take_is_a_letter_and_the_next_is_written():
    publisher = Publisher()
    feed = TenantFeed(None, publisher, {"acme-main": 3})
    found = Found(by="poll", at=NOON)
    large, small = (
        ZuoraRecord(connection="", tenant="acme", kind=INVOICE, id=name, found=found, parent=msgspec.Raw(parent))
        for name, parent in (
            ("i1", b'{"id": "i1", "fill": "' + b"x" * RECORD_BYTES_MAX + b'"}'),
            ("i2", b'{"id": "i2"}'),
        )
    )
    assert await feed.records([large, small]) == [large]
    dead, record = publisher.sent
    letter = read_dead_letter(encode(dead.event))
    assert (dead.topic, record.topic, record.event.id) == (Topic.DEAD_LETTERS, Topic.RECORDS, "i2")
    assert re.search(r"invoice i1 has \d+ bytes, above the \d+ that topics take", letter.reason)
    assert letter.next_step


async def test_the_first_connection_has_a_record_only_when_the_others_have_it():
    """The re-read compares with the first one's log: what the end of a process cut off there alone, nobody misses."""
    acknowledged = []

    class Cut(Publisher):
        async def publish(self, publications):
            partitions = {one.partition for one in publications}
            if 5 in partitions:
                acknowledged.extend(sorted(partitions - {5}))
                raise Transient("the broker is away for partition 5")
            acknowledged.extend(sorted(partitions))

    record = ZuoraRecord(
        connection="",
        tenant="acme",
        kind=INVOICE,
        id="i1",
        found=Found(by="reread", at=NOON),
        parent=msgspec.Raw(b'{"id": "i1"}'),
    )
    with pytest.raises(Transient):
        await TenantFeed(None, Cut(), {"acme-main": 3, "acme-asia": 5, "acme-west": 7}).records([record])
    assert 3 not in acknowledged
    publisher = Publisher()
    await TenantFeed(None, publisher, {"acme-main": 3, "acme-asia": 5, "acme-west": 7}).records([record])
    assert [(one.partition, one.event.connection) for one in publisher.sent] == [
        (5, "acme-asia"),
        (7, "acme-west"),
        (3, "acme-main"),
    ]


async def test_a_reference_goes_to_each_connection_that_lacks_it(monkeypatch):
    """One that came later, or whose write the end of a process cut off, knows no codes of its own otherwise."""
    code, other = (AccountingCode(id=name, name=name.upper()) for name in ("c1", "c2"))
    logs = {3: [code, other], 5: [other]}

    async def log_of(_cluster, partition, topics):
        shown = logs[partition] if Topic.ZUORA_REFERENCE in topics else []
        return [LogRecord(Topic.ZUORA_REFERENCE, place, 0, b"", encode(one)) for place, one in enumerate(shown)]

    monkeypatch.setattr("adapters.kafka.feed.read_whole", log_of)
    publisher = Publisher()
    feed = TenantFeed(None, publisher, {"acme-main": 3, "acme-asia": 5})
    await feed.load()
    await feed.references([code, other])
    assert [(one.partition, one.event) for one in publisher.sent] == [(5, code)]
    await feed.references([code, msgspec.structs.replace(other, active=False)])
    assert [one.partition for one in publisher.sent[1:]] == [3, 5]


async def test_a_cursor_is_known_again_with_what_was_quiet_before_it(monkeypatch):
    publisher, quiet = Publisher(), NOON - timedelta(hours=3)
    await TenantFeed(None, publisher, {"acme-main": 3}).moved_to(INVOICE, NOON, quiet_since=quiet)

    async def log_of(_cluster, partition, topics):
        sent = publisher.sent if Topic.CURSORS in topics else []
        return [LogRecord(Topic.CURSORS, place, 0, one.key, encode(one.event)) for place, one in enumerate(sent)]

    monkeypatch.setattr("adapters.kafka.feed.read_whole", log_of)
    feed = TenantFeed(None, publisher, {"acme-main": 3})
    await feed.load()
    assert (await feed.read_to(INVOICE), feed.quiet_since(INVOICE)) == (NOON, quiet)
    await feed.moved_to(INVOICE, NOON, quiet_since=quiet)
    assert len(publisher.sent) == 1
    await feed.moved_to(INVOICE, NOON)
    assert (len(publisher.sent), feed.quiet_since(INVOICE)) == (2, None)


def test_every_kind_that_is_polled_is_one_of_these():
    assert set(KINDS) == set(LISTS)
