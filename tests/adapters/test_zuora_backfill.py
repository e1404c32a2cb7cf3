"""A backfill: everything from the cut-over on is read whole, whatever stops it wherever, beside polls that go on."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from adapters.zuora.finding.backfill import BackfillRun, slices
from adapters.zuora.finding.poller import DOCUMENT_KINDS
from adapters.zuora.reading.kinds import KINDS
from schemas.errors import Transient
from schemas.records import RecordKind
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import NOON, MemoryLog, ZuoraTenant, poller

ACCOUNT, INVOICE, CREDIT_MEMO, PAYMENT = (
    RecordKind.ACCOUNT,
    RecordKind.INVOICE,
    RecordKind.CREDIT_MEMO,
    RecordKind.PAYMENT,
)
CUT_OVER = date(2026, 1, 1)


@pytest.fixture
def log():
    return MemoryLog()


class Stopped(BaseException):
    """Somebody ends the process."""


async def run(zuora, log, *, told=None, first_day=CUT_OVER, kinds=DOCUMENT_KINDS, **more):
    backfilling = BackfillRun(
        await zuora.client(),
        "acme",
        first_day=first_day,
        kinds=kinds,
        write=log,
        progress=(told if told is not None else []).append,
        **more,
    )
    return await backfilling.run()


def at(zuora: ZuoraTenant, day: str) -> None:
    zuora.sandbox.clock.set(datetime.fromisoformat(f"{day}T12:00:00+00:00"), running=False)


def business(zuora: ZuoraTenant, days: int = 40) -> None:
    """Let an invoice be posted each day, some paid, some credited."""
    for day in range(days):
        zuora.sandbox.clock.set(datetime(2026, 1, 2, 9, tzinfo=UTC) + timedelta(days=day), running=False)
        invoice = zuora.invoice(invoice_date=CUT_OVER + timedelta(days=day))
        if day % 3 == 0:
            zuora.payment(invoice)
        elif day % 7 == 0:
            zuora.credit_memo(invoice)
    zuora.sandbox.clock.set(NOON, running=False)


def everything(zuora: ZuoraTenant) -> set[tuple[str, str]]:
    """Return what the tenant has, by kind and id."""
    tables = {
        ACCOUNT: zuora.tenant.accounts,
        INVOICE: zuora.tenant.invoices,
        CREDIT_MEMO: zuora.tenant.credit_memos,
        RecordKind.DEBIT_MEMO: zuora.tenant.debit_memos,
        PAYMENT: zuora.tenant.payments,
    }
    return {(kind, name) for kind, table in tables.items() for name in table.latest}


def kept(log: MemoryLog) -> Counter[tuple[str, str]]:
    """Return how often each object was kept."""
    return Counter((record.kind, record.id) for record in log.kept)


# -- what it reads ---------------------------------------------------------------------------------------------------


async def test_it_reads_what_changed_since_the_cut_over_and_says_so(zuora, log):
    business(zuora)
    standing = await run(zuora, log)
    assert kept(log) == dict.fromkeys(everything(zuora), 1)
    assert {(record.found.by, record.found.evidence) for record in log.kept} == {("backfill", "from 2026-01-01")}
    assert (standing.records, standing.share, standing.finished) == (len(log.kept), 1.0, True)


async def test_it_reads_every_account_whatever_its_age(zuora, log):
    at(zuora, "2019-05-05")
    old = zuora.account(name="Old")
    at(zuora, "2026-03-15")
    await run(zuora, log)
    assert old.id in log.ids(ACCOUNT)


async def test_it_reads_documents_of_the_cut_over_that_were_posted_ahead_of_it(zuora, log):
    at(zuora, "2025-12-20")
    ahead, before = zuora.invoice(invoice_date=CUT_OVER), zuora.invoice(invoice_date=date(2025, 12, 31))
    at(zuora, "2026-03-15")
    await run(zuora, log)
    assert log.ids(INVOICE) == [ahead.id]
    assert before.id not in log.ids(INVOICE)


async def test_it_reads_old_documents_that_changed_since_the_cut_over(zuora, log):
    at(zuora, "2025-12-01")
    old = zuora.invoice(invoice_date=date(2025, 12, 1))
    at(zuora, "2026-01-05")
    zuora.payment(old)
    at(zuora, "2026-03-15")
    await run(zuora, log)
    assert old.id in log.ids(INVOICE)


@pytest.mark.parametrize(
    "moment", ["2025-12-31T10:00:00+00:00", "2025-12-31T23:30:00+00:00", "2026-01-01T11:59:00+00:00"]
)
async def test_the_day_begins_where_it_begins_first(zuora, log, moment):
    """The first of January has begun somewhere from 10:00 UTC of the day before on."""
    zuora.sandbox.clock.set(datetime.fromisoformat(moment), running=False)
    paid = zuora.payment(zuora.invoice(invoice_date=date(2025, 12, 30)))
    at(zuora, "2026-03-15")
    await run(zuora, log)
    assert paid.id in log.ids(PAYMENT)


async def test_only_the_kinds_that_were_asked_for(zuora, log):
    business(zuora, days=10)
    await run(zuora, log, kinds=(PAYMENT,))
    assert {record.kind for record in log.kept} == {PAYMENT}
    await run(zuora, log)
    assert kept(log) == dict.fromkeys(everything(zuora), 1)


async def test_accounts_come_first_and_documents_in_order_of_time(zuora, log):
    business(zuora)
    await run(zuora, log)
    first_document = next(place for place, record in enumerate(log.kept) if record.kind != ACCOUNT)
    assert first_document == len(zuora.tenant.accounts.latest)
    where = {record.id: place for place, record in enumerate(log.kept)}
    for payment in zuora.tenant.payments.latest.values():
        later_invoices = [
            invoice
            for invoice in zuora.tenant.invoices.latest.values()
            if invoice.updated_date.epoch_s > payment.updated_date.epoch_s + 3 * 86_400
        ]
        assert all(where[payment.id] < where[invoice.id] for invoice in later_invoices)


# -- stopped and run again -------------------------------------------------------------------------------------------


async def test_a_second_run_writes_nothing(zuora, log):
    business(zuora, days=10)
    first = await run(zuora, log)
    asked = len(zuora.requests("^/object-query/"))
    second = await run(zuora, log)
    assert (second.records, second.records_now, second.finished) == (first.records, 0, True)
    assert len(zuora.requests("^/object-query/")) == asked


async def test_again_reads_it_once_more(zuora, log):
    business(zuora, days=10)
    await run(zuora, log)
    assert (await run(zuora, log, again=True)).records_now == len(everything(zuora))
    assert kept(log) == dict.fromkeys(everything(zuora), 2)


async def test_again_goes_on_from_wherever_it_was_stopped(zuora, log):
    business(zuora, days=10)
    await run(zuora, log)
    writes = []

    def fails(records):
        writes.append(records)
        return Stopped() if len(writes) == 1 else None

    log.fails = fails
    with pytest.raises(Stopped):
        await run(zuora, log, again=True)
    log.fails = lambda _records: None
    await run(zuora, log)
    assert min(kept(log).values()) == 2


async def test_an_earlier_day_is_another_backfill(zuora, log):
    at(zuora, "2025-11-11")
    old = zuora.invoice(invoice_date=date(2025, 11, 11))
    at(zuora, "2026-03-15")
    await run(zuora, log)
    assert old.id not in log.ids(INVOICE)
    await run(zuora, log, first_day=date(2025, 11, 1))
    assert old.id in log.ids(INVOICE)


async def test_it_goes_on_from_wherever_it_was_stopped(zuora, log):
    business(zuora, days=25)
    whole = await run(zuora, MemoryLog())
    stops = 0
    for _ in range(200):
        writes = []

        def fails(records, writes=writes):
            writes.append(records)
            return Stopped() if len(writes) == 3 else None

        log.fails = fails
        try:
            standing = await run(zuora, log)
        except Stopped:
            stops += 1
        else:
            break
    given(stops >= 10, "it was stopped many times")
    assert set(kept(log)) == everything(zuora)
    assert (standing.finished, standing.share) == (True, 1.0)
    # What was read and not yet acknowledged when it stopped comes again, and nothing else.
    assert len(log.kept) <= whole.records + 3 * stops


async def test_a_position_stands_only_for_what_the_broker_has(zuora, log):
    business(zuora)
    stamps = {(INVOICE, row.id): row.updated_date.utc() for row in zuora.tenant.invoices.latest.values()} | {
        (PAYMENT, row.id): row.updated_date.utc() for row in zuora.tenant.payments.latest.values()
    }
    wrong = []
    write_position = log.backfilled

    async def checked(position):
        await write_position(position)
        missing = {
            name
            for (kind, name), stamp in stamps.items()
            if kind == position.kind and stamp < position.read_to and name not in log.ids(kind)
        }
        if missing:
            wrong.append(position)

    log.backfilled = checked
    await run(zuora, log)
    assert wrong == []
    there = [kind for kind in DOCUMENT_KINDS if kind in KINDS]
    assert {kind: position.read_to for kind, position in log.backfills.items()} == dict.fromkeys(there, NOON)


async def test_a_page_that_fails_stops_it_in_one_sentence_and_the_next_run_goes_on(zuora, log, quick):
    business(zuora)
    armed = zuora.arm("http_500", "^/object-query/invoices$", after=60, count=5)
    with pytest.raises(Transient):
        await run(zuora, log)
    given(armed.fired == 5, "a page failed to the end")
    given(0 < len(log.ids(INVOICE)) < len(zuora.tenant.invoices.latest), "it stopped in the middle")
    assert (await run(zuora, log)).finished
    assert set(kept(log)) == everything(zuora)


async def test_an_object_that_cannot_be_read_is_not_passed_over(zuora, log, quick):
    business(zuora)
    payment = next(iter(zuora.tenant.payments.latest))
    armed = zuora.arm("http_500", f"^/v1/payments/{payment}/parts$", count=5)
    with pytest.raises(Transient, match="not every payment could be read; run it again"):
        await run(zuora, log)
    given(armed.fired == 5, "one object could not be read")
    assert not log.backfills[PAYMENT].finished
    assert (await run(zuora, log)).finished
    assert set(kept(log)) == everything(zuora)


async def test_polls_go_on_beside_it_and_neither_moves_the_others_position(zuora, log):
    business(zuora)
    polling = poller(await zuora.client(), log, start=NOON - timedelta(hours=1))
    await polling.round()
    cursors = dict(log.cursors)
    await run(zuora, log)
    assert log.cursors == cursors
    positions = dict(log.backfills)
    zuora.invoice()
    zuora.later(minutes=5)
    await polling.round()
    assert log.backfills == positions
    assert set(kept(log)) == everything(zuora)


# -- progress --------------------------------------------------------------------------------------------------------


async def test_progress_grows_and_tells_when_the_rest_will_have_been_read(zuora, log):
    business(zuora)
    told = []
    await run(zuora, log, told=told)
    assert all(one.records <= other.records and one.share <= other.share for one, other in pairwise(told))
    middle = [one for one in told if 0.3 < one.share < 0.9]
    assert middle
    assert all(one.left_s is not None and one.left_s > 0 and not one.finished for one in middle)
    assert told[-1].finished


@for_all(
    st.integers(946_684_800, 1_900_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.timedeltas(timedelta(0), timedelta(days=4000)),
)
def test_slices_leave_nothing_out_and_overlap_nowhere(begin, length):
    until = (begin + length).replace(microsecond=0)
    made = list(slices(begin, until))
    assert (bool(made), until > begin) in ((False, False), (True, True))
    assert not made or (made[0][0], made[-1][1]) == (begin, until)
    assert all(one[1] == other[0] for one, other in pairwise(made))
    assert all(one[0] < one[1] for one in made)
    assert len(made) <= 201
