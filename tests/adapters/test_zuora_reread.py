"""The rolling re-read: what polls cannot have seen is found, and what Zuora has no more; nothing is invented."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.zuora.finding.backfill import BackfillRun
from adapters.zuora.finding.poller import DOCUMENT_KINDS
from sandbox.zuora.acts import (
    Application,
    apply_payment,
    cancel_invoice,
    delete_invoice,
    set_e_invoice,
    unpost_invoice,
)
from schemas.records import Found, RecordKind
from schemas.topics import RECORD_BYTES_MAX
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import START, MemoryLog, poller, rereading

ACCOUNT, INVOICE, PAYMENT = RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.PAYMENT
POSTING = "^create_invoice$|^post_invoice$"


@pytest.fixture
def log():
    return MemoryLog()


class Reader:
    """A poller and a re-read of one tenant, and the time that passes between two rounds."""

    def __init__(self, zuora, log, client, **settings):
        self.zuora, self.log = zuora, log
        self.polling = poller(client, log, **settings)
        self.rereading = rereading(client, log, **settings)

    async def round(self, minutes=5):
        self.zuora.later(minutes=minutes)
        await self.polling.round()
        return await self.rereading.round()

    async def only_polls(self, **time):
        """Let time pass in which business and polls go on, and nothing is re-read.

        Where nothing came after it, polls find what commits late by themselves.
        """
        self.zuora.later(seconds=1)
        self.prompt = [self.zuora.invoice().id, self.zuora.payment(amount="1").id]
        for _ in range(6):
            self.zuora.later(seconds=timedelta(**time).total_seconds() / 6)
            await self.polling.round()

    async def until(self, done, *, rounds=60):
        for _ in range(rounds):
            await self.round()
            if done():
                return
        raise AssertionError("it was not found in so many rounds")

    def turns(self):
        return min(self.log.rereads[kind].turns for kind in DOCUMENT_KINDS if kind in self.log.rereads)


@pytest.fixture(autouse=True)
def a_token_that_lasts(zuora):
    """Time flies here, and tokens are asked for with a distance that does not."""
    zuora.use(token_life_s=10**9)


@pytest.fixture
async def reader(zuora, log):
    return Reader(zuora, log, await zuora.client())


def found_by(log, way):
    return [(record.kind, record.id) for record in log.kept if record.found.by == way]


# -- nothing to be found ---------------------------------------------------------------------------------------------


async def test_what_polls_have_read_is_proved_and_written_no_second_time(zuora, log, reader):
    zuora.payment(*zuora.every_second(120))
    zuora.credit_memo(zuora.invoice())
    zuora.later(hours=1)
    await reader.until(lambda: bool(log.rereads) and reader.turns() >= 2)
    assert found_by(log, "reread") == []
    standing = log.rereads[INVOICE]
    assert (standing.late, standing.changed, standing.deleted) == (0, 0, 0)
    assert standing.rows >= 2 * len(zuora.tenant.invoices.latest)


async def test_nothing_is_compared_before_a_cursor_stands(zuora, log, reader):
    zuora.invoice()
    zuora.later(hours=2)
    assert await reader.rereading.round() == 0
    assert zuora.requests("^/object-query/") == []


async def test_business_that_goes_on_is_no_finding(zuora, log, reader):
    invoices = zuora.every_second(30)
    for invoice in invoices:
        zuora.payment(invoice)
        zuora.invoice()
        await reader.round()
    await reader.until(lambda: reader.turns() >= 1)
    assert found_by(log, "reread") == []


async def test_what_changes_while_a_slice_is_listed_is_no_finding(zuora, log, reader):
    invoices = zuora.every_second(20)
    await reader.round(minutes=30)
    zuora.after_answer("^/object-query/invoices$", lambda: zuora.touch(invoices[3]))
    zuora.later(minutes=5)
    await reader.rereading.round()
    assert found_by(log, "reread") == []
    await reader.round()
    assert log.ids(INVOICE).count(invoices[3].id) == 2


async def test_an_e_invoice_status_that_moves_no_stamp_is_no_finding(zuora, log, reader):
    """Who waits for it asks by its id; nothing that a poll should have seen was missed."""
    invoice = zuora.invoice()
    zuora.later(hours=1)
    await reader.until(lambda: bool(log.rereads) and reader.turns() >= 1)
    set_e_invoice(zuora.tenant, document=invoice.id, status="Success")
    turns = reader.turns()
    await reader.until(lambda: reader.turns() > turns + 1)
    assert (found_by(log, "reread"), log.rereads[INVOICE].changed) == ([], 0)


# -- what was committed late -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [timedelta(minutes=40), timedelta(hours=3), timedelta(hours=30)])
async def test_what_commits_behind_the_overlap_is_found(zuora, log, reader, late):
    zuora.every_second(5)
    await reader.round(minutes=20)
    armed = zuora.arm("late_commit", POSTING, seconds=late.total_seconds())
    missed = zuora.invoice()
    zuora.sandbox.faults.disarm()
    given(armed.fired == 2, "it commits late")
    await reader.only_polls(seconds=late.total_seconds() + 600)
    assert missed.id not in log.ids(INVOICE), "polls cannot see it"
    await reader.until(lambda: missed.id in log.ids(INVOICE))
    assert (INVOICE, missed.id) in found_by(log, "reread")
    assert log.rereads[INVOICE].late == 1
    turns = log.rereads[INVOICE].turns
    await reader.until(lambda: log.rereads[INVOICE].turns > turns + 1)
    assert log.ids(INVOICE).count(missed.id) == 1


async def test_a_long_bill_run_that_commits_late_is_found_whole(zuora, log, reader):
    await reader.round(minutes=20)
    armed = zuora.arm("late_commit", "bill_run", seconds=3000)
    zuora.bill_run(250)
    given(armed.fired >= 1, "it commits late")
    zuora.sandbox.faults.disarm()
    await reader.only_polls(hours=1)
    assert set(log.ids(INVOICE)) == {reader.prompt[0]}
    await reader.until(lambda: set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest))
    assert {one.found.by for one in log.kept if one.kind == INVOICE and one.id not in reader.prompt} == {"reread"}


async def test_it_says_what_it_found(zuora, log, reader, heard):
    await reader.round(minutes=20)
    zuora.arm("late_commit", POSTING, seconds=3600)
    missed = zuora.invoice()
    zuora.sandbox.faults.disarm()
    await reader.only_polls(hours=2)
    await reader.until(lambda: missed.id in log.ids(INVOICE))
    assert "a re-read found what the polls had missed" in heard()
    assert missed.id in heard()


async def test_a_change_that_was_missed_is_found(zuora, log, reader):
    """It is stamped within the second in which the row was read, and commits behind the overlap."""
    invoice, payment = zuora.invoice(), zuora.payment(amount="10")
    armed = zuora.arm("late_commit", "^apply_payment$", seconds=5400)
    apply_payment(zuora.tenant, payment=payment.id, invoices=[Application(invoice=invoice.id, amount=payment.amount)])
    given(armed.fired == 1, "the application became visible late")
    await reader.round(minutes=30)
    assert log.newest(PAYMENT, payment.id)["unappliedAmount"] == 10
    await reader.only_polls(hours=2)
    given(log.newest(PAYMENT, payment.id)["unappliedAmount"] == 10, "polls cannot see it")
    await reader.until(lambda: log.newest(PAYMENT, payment.id)["unappliedAmount"] == 0)
    assert log.rereads[PAYMENT].changed == 1


# -- what is gone ----------------------------------------------------------------------------------------------------


def deletions(log):
    return [(record.kind, record.id) for record in log.kept if record.deleted]


async def test_what_was_unposted_and_deleted_between_two_polls_is_found(zuora, log, reader):
    invoice, other = zuora.invoice(), zuora.invoice()
    await reader.round(minutes=30)
    unpost_invoice(zuora.tenant, invoice=invoice.id)
    delete_invoice(zuora.tenant, invoice=invoice.id)
    await reader.until(lambda: deletions(log) == [(INVOICE, invoice.id)])
    gone = log.kept[-1]
    assert (gone.found.by, gone.found.evidence[:4], bytes(gone.parent)) == ("reread", "2026", b"{}")
    assert log.rereads[INVOICE].deleted == 1
    turns = log.rereads[INVOICE].turns
    await reader.until(lambda: log.rereads[INVOICE].turns > turns + 1)
    assert deletions(log) == [(INVOICE, invoice.id)]
    assert other.id not in [name for _, name in deletions(log)]


async def test_what_was_cancelled_is_there(zuora, log, reader):
    invoice = zuora.invoice()
    await reader.round(minutes=30)
    unpost_invoice(zuora.tenant, invoice=invoice.id)
    cancel_invoice(zuora.tenant, invoice=invoice.id)
    await reader.until(lambda: reader.turns() >= 2)
    assert deletions(log) == []
    assert log.newest(INVOICE, invoice.id)["status"] == "Canceled"


async def test_a_list_that_is_short_deletes_nothing(zuora, log, reader, quick):
    zuora.every_second(5)
    await reader.round(minutes=30)
    shown = dict(zuora.tenant.invoices.shown)
    order = list(zuora.tenant.invoices.order)
    zuora.tenant.invoices.order.clear()
    zuora.tenant.invoices.revision += 1
    await reader.round()
    given(zuora.requests("^/object-query/invoices/"), "each that is not listed is asked for")
    zuora.tenant.invoices.order.extend(order)
    assert deletions(log) == []
    assert set(shown) == set(zuora.tenant.invoices.shown)


async def test_a_view_that_was_lost_deletes_nothing_and_says_so(zuora, log, reader, heard):
    zuora.every_second(15)
    await reader.round(minutes=30)
    table = zuora.tenant.invoices
    hidden = (dict(table.shown), list(table.order))
    table.shown.clear()
    table.order.clear()
    table.revision += 1
    for _ in range(3):
        await reader.round()
    assert deletions(log) == []
    assert reader.rereading.failed
    assert "15 booked objects" in heard()
    assert "raise deletions_max" in heard()
    table.shown |= hidden[0]
    table.order += hidden[1]
    await reader.until(lambda: log.rereads[INVOICE].turns >= 2)
    assert (deletions(log), found_by(log, "reread")) == ([], [])


async def test_a_view_that_was_lost_deletes_nothing_however_little_a_slice_holds(zuora, log, reader):
    """Business at a slow pace: what trails behind the cursor, and the neighbours of a finding, hold one or two each."""
    for _ in range(48):
        zuora.invoice()
        await reader.round()
    given(len(log.rereads) > 0, "slices were proved while all could be seen")
    table = zuora.tenant.invoices
    table.shown.clear()
    table.order.clear()
    table.revision += 1
    for _ in range(24):
        await reader.round()
    assert deletions(log) == []
    assert reader.rereading.failed


async def test_where_people_say_so_many_are_deleted(zuora, log):
    invoices = zuora.every_second(15)
    reader = Reader(zuora, log, await zuora.client(), deletions_max=15)
    await reader.round(minutes=30)
    for invoice in invoices:
        unpost_invoice(zuora.tenant, invoice=invoice.id)
        delete_invoice(zuora.tenant, invoice=invoice.id)
    await reader.until(lambda: len(deletions(log)) == 15)


def delete(zuora, *invoices):
    for invoice in invoices:
        unpost_invoice(zuora.tenant, invoice=invoice.id)
        delete_invoice(zuora.tenant, invoice=invoice.id)


async def test_so_many_a_day_are_taken_for_deleted_however_they_are_spread_and_whoever_begins_anew(
    zuora, log, heard, monkeypatch
):
    """Each slice holds few of them: what a day brought is counted from the log, so no restart begins a new one."""
    old, newer = zuora.every_second(3), []
    zuora.later(hours=20)
    # Nothing of either lies beside a slice of the other.
    newer = zuora.every_second(9)[-3:]
    zuora.later(hours=20)

    async def begun():
        return Reader(zuora, log, await zuora.client(), deletions_max=4, reread_rows=3)

    reader = await begun()
    await reader.round(minutes=30)
    delete(zuora, *old)
    await reader.until(lambda: len(deletions(log)) == 3, rounds=120)
    delete(zuora, *newer)
    turns = log.rereads[INVOICE].turns
    await reader.until(lambda: "3 others were taken for deleted within a day" in heard(), rounds=120)
    reader = await begun()
    for _ in range(60):
        await reader.round()
    assert len(deletions(log)) == 3
    assert log.rereads[INVOICE].turns == 0, f"what is not told is not proved: before, it was {turns}"

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=1, minutes=1)

    monkeypatch.setattr("adapters.zuora.finding.reread.datetime", Tomorrow)
    await reader.until(lambda: len(deletions(log)) == 6, rounds=120)


# -- what goes wrong -------------------------------------------------------------------------------------------------


async def test_a_slice_that_cannot_be_read_is_not_proved_and_comes_again(zuora, log, reader, quick):
    zuora.every_second(5)
    await reader.round(minutes=30)
    armed = zuora.arm("http_500", "^/object-query/invoices$")
    zuora.later(minutes=5)
    await reader.rereading.round()
    given(armed.fired >= 5, "invoices could not be listed")
    assert reader.rereading.failed
    before = log.rereads[INVOICE]
    zuora.sandbox.faults.disarm()
    await reader.until(lambda: log.rereads[INVOICE].turns > before.turns)
    assert not reader.rereading.failed


async def test_what_was_late_and_cannot_be_read_whole_is_not_proved(zuora, log, reader, quick):
    await reader.round(minutes=20)
    zuora.arm("late_commit", "^create_payment$", seconds=3600)
    missed = zuora.payment(amount="5")
    zuora.sandbox.faults.disarm()
    await reader.only_polls(hours=2)
    armed = zuora.arm("http_500", f"^/v1/payments/{missed.id}/parts$")
    await reader.until(lambda: armed.fired >= 5)
    assert reader.rereading.failed
    assert missed.id not in log.ids(PAYMENT)
    zuora.sandbox.faults.disarm()
    await reader.until(lambda: missed.id in log.ids(PAYMENT))


async def test_an_object_that_stays_unread_keeps_no_other_of_its_slice_back(zuora, log, reader, quick):
    await reader.round(minutes=20)
    zuora.arm("late_commit", "^create_payment$", seconds=3600)
    first, missed, last = (zuora.payment(amount="5") for _ in range(3))
    zuora.sandbox.faults.disarm()
    await reader.only_polls(hours=2)
    armed = zuora.arm("http_500", f"^/v1/payments/{missed.id}/parts$")
    await reader.until(lambda: {first.id, last.id} <= set(log.ids(PAYMENT)), rounds=12)
    given(armed.fired >= 5, "one of the slice could not be read")
    assert missed.id not in log.ids(PAYMENT)
    zuora.sandbox.faults.disarm()
    await reader.until(lambda: missed.id in log.ids(PAYMENT))
    assert log.ids(PAYMENT).count(first.id) == log.ids(PAYMENT).count(last.id) == 1
    assert log.rereads[PAYMENT].late == 3


async def test_what_is_there_without_what_belongs_to_it_is_not_proved(zuora, log, reader):
    """Zuora has the payment and says that it has no parts of it: no payment that was deleted since it was listed."""
    await reader.round(minutes=20)
    zuora.arm("late_commit", "^create_payment$", seconds=3600)
    missed = zuora.payment(amount="5")
    zuora.sandbox.faults.disarm()
    await reader.only_polls(hours=2)
    armed = zuora.arm("success_false", f"^/v1/payments/{missed.id}/parts$", code=50000040)
    await reader.until(lambda: armed.fired > 0)
    assert missed.id not in log.ids(PAYMENT)
    assert reader.rereading.failed
    zuora.sandbox.faults.disarm()
    await reader.round()
    assert log.ids(PAYMENT) == [reader.prompt[1], missed.id]


async def test_what_the_broker_did_not_take_is_found_again(zuora, log, reader):
    await reader.round(minutes=20)
    zuora.arm("late_commit", POSTING, seconds=3600)
    missed = zuora.invoice()
    zuora.sandbox.faults.disarm()
    await reader.only_polls(hours=2)
    log.fails = lambda records: OSError("gone") if [one for one in records if one.found.by == "reread"] else None
    with pytest.raises(OSError, match="gone"):
        await reader.until(lambda: missed.id in log.ids(INVOICE))
    log.fails = lambda _records: None
    await reader.until(lambda: missed.id in log.ids(INVOICE))


async def test_what_a_finished_backfill_read_is_proved_as_well(zuora, log):
    zuora.sandbox.clock.set(START - timedelta(days=30), running=False)
    old = zuora.invoice()
    zuora.sandbox.clock.set(datetime(2026, 3, 15, 12, tzinfo=UTC), running=False)
    reader = Reader(zuora, log, await zuora.client())
    await reader.until(lambda: bool(log.rereads) and reader.turns() >= 1)
    assert old.id not in log.ids(INVOICE)
    backfilling = BackfillRun(
        await zuora.client(),
        "acme",
        first_day=START.date() - timedelta(days=60),
        kinds=DOCUMENT_KINDS,
        write=log,
        progress=lambda _: None,
    )
    await backfilling.run()
    await reader.round()
    unpost_invoice(zuora.tenant, invoice=old.id)
    delete_invoice(zuora.tenant, invoice=old.id)
    await reader.until(lambda: deletions(log) == [(INVOICE, old.id)])


async def test_a_slice_costs_no_more_than_its_rows(zuora, log):
    for _ in range(12):
        zuora.every_second(100)
        zuora.later(hours=6)
    reader = Reader(zuora, log, await zuora.client(), reread_rows=198)
    await reader.round()
    for _ in range(20):
        before = len(zuora.requests("^/object-query/invoices$"))
        zuora.later(minutes=5)
        await reader.rereading.round()
        # A slice at random, two trails and a neighbour: two pages each, and one to see that nothing follows.
        assert len(zuora.requests("^/object-query/invoices$")) - before <= 4 * 3


async def test_what_was_read_by_its_id_is_what_a_list_shows(zuora, log, reader):
    """Callouts and backfills write what they read either way: a re-read compares both with a list."""
    invoice = zuora.invoice(items=3, taxes=2)
    zuora.payment(invoice)
    zuora.credit_memo(zuora.invoice())
    zuora.later(hours=1)
    await reader.polling.round()
    listed, objects = list(log.kept), await zuora.objects()
    log.kept.clear()
    for record in listed:
        found = await objects.read(record.kind, record.id, Found(by="callout", at=record.found.at))
        assert found is not None
        log.kept.append(found)
    await reader.until(lambda: bool(log.rereads) and reader.turns() >= 1)
    assert {record.kind for record in log.kept} >= {ACCOUNT, INVOICE, PAYMENT, RecordKind.CREDIT_MEMO}
    assert found_by(log, "reread") == []


# -- what no topic takes ---------------------------------------------------------------------------------------------


async def test_what_is_too_large_is_a_dead_letter_once_until_it_changes(zuora, log, reader):
    await reader.round(minutes=20)
    zuora.arm("late_commit", POSTING, seconds=3600)
    large = zuora.invoice(items=40)
    small = zuora.invoice()
    zuora.sandbox.faults.disarm()
    log.bytes_max = 20_000
    await reader.only_polls(hours=2)
    given(log.dead == [], "polls cannot see it")
    await reader.until(lambda: small.id in log.ids(INVOICE) and log.dead)
    asked = len(zuora.requests("^/object-query/invoice-items$"))
    turns = log.rereads[INVOICE].turns
    await reader.until(lambda: log.rereads[INVOICE].turns > turns + 2)
    assert [kind for kind, _, _ in log.dead] == [INVOICE]
    assert large.id not in log.ids(INVOICE)
    assert len(zuora.requests("^/object-query/invoice-items$")) == asked
    assert log.rereads[INVOICE].late == 2
    log.bytes_max = RECORD_BYTES_MAX
    zuora.touch(zuora.tenant.invoices.latest[large.id])
    await reader.round()
    assert log.ids(INVOICE).count(large.id) == 1
