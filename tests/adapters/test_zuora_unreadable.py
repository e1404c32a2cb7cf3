"""What cannot be read: it keeps nothing else back, is tried again where that helps, and is never just passed over."""

import re
from datetime import timedelta

import msgspec
import pytest

from adapters.kafka.feed import TenantFeed
from adapters.kafka.reader import LogRecord
from adapters.zuora.reading.kinds import BILL_RUN, KINDS
from schemas.codec import encode
from schemas.errors import Transient, Unreadable
from schemas.events import read_dead_letter
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.references import AccountingCode
from schemas.topics import RECORD_BYTES_MAX, Topic
from schemas.zuora import parent_of
from tests.adapters.ground import given
from tests.adapters.listing_tenant import LISTS
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import NOON, poller

INVOICE, PAYMENT = RecordKind.INVOICE, RecordKind.PAYMENT
STAMP = '"updatedDate": "2026-03-01T10:00:00Z"'


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
