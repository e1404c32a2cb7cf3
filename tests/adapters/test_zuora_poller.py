"""Polling a tenant: windows by Zuora's clock, bill runs, and rows nobody documented."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from adapters.zuora.reading.kinds import KINDS
from sandbox.zuora.acts import Application, apply_payment, post_bill_run
from schemas.records import RecordKind
from schemas.references import AccountingCode, BillRun
from tests.adapters.ground import given
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import NOON, START, poller, speaking_to

ACCOUNT, INVOICE, PAYMENT = RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.PAYMENT
INVOICES = "^/object-query/invoices$"
# More than two pages.
MANY = 230


async def noticed(polling, client):
    """Return whether a bill run was finalized; the client hears the time first, which jumps in these tests alone."""
    await client.get("/v1/accounting-codes")
    return await polling.finalized_since()


# -- windows ---------------------------------------------------------------------------------------------------------


async def test_a_first_round_reads_everything_from_the_start(zuora, log):
    invoices = zuora.every_second(3)
    payment = zuora.payment(invoices[0])
    zuora.later(minutes=10)
    count = await poller(await zuora.client(), log).round()
    assert (count, len(log.kept)) == (5, 5)
    assert [record.kind for record in log.kept] == [ACCOUNT, INVOICE, INVOICE, INVOICE, PAYMENT]
    assert log.ids(PAYMENT) == [payment.id]
    assert log.newest(INVOICE, invoices[0].id)["balance"] == 0
    assert {record.found.by for record in log.kept} == {"poll"}
    assert {record.found.evidence for record in log.kept} == {"2026-01-01T00:00:00Z/2026-03-15T12:08:03Z"}
    assert len([one for one in log.references_kept if isinstance(one, AccountingCode)]) == 7
    assert set(log.cursors) == set(KINDS)


async def test_nothing_before_the_start_is_read(zuora, log):
    zuora.sandbox.clock.set(START - timedelta(seconds=1), running=False)
    zuora.invoice()
    zuora.sandbox.clock.set(START, running=False)
    first = zuora.invoice()
    zuora.sandbox.clock.set(NOON, running=False)
    await poller(await zuora.client(), log).round()
    assert log.ids(INVOICE) == [first.id]


async def test_a_window_stays_behind_zuoras_clock_whatever_ours_says(zuora, log):
    invoice = zuora.invoice()
    client = await zuora.client()
    polling = poller(client, log)
    zuora.later(seconds=119)
    await polling.round()
    assert log.ids(INVOICE) == []
    zuora.later(seconds=5)
    await polling.round()
    assert log.ids(INVOICE) == [invoice.id]
    assert all(moment < zuora.sandbox.clock.stamp().utc() - timedelta(seconds=115) for _, moment in log.moves)


async def test_one_answer_whose_date_is_ahead_passes_nothing_over(zuora, log):
    polling = poller(await zuora.client(), log)
    zuora.sandbox.clock.set(NOON + timedelta(hours=2), running=False)
    await polling.round()
    zuora.sandbox.clock.set(NOON, running=False)
    invoice = zuora.invoice()
    for _ in range(5):
        zuora.later(minutes=60)
        await polling.round()
    assert log.ids(INVOICE) == [invoice.id]


async def test_a_date_that_was_ahead_passes_nothing_over_however_long_the_next_round_waits(zuora, log):
    polling = poller(await zuora.client(), log)
    zuora.invoice()
    zuora.sandbox.clock.set(NOON + timedelta(hours=2), running=False)
    await polling.round()
    given(log.cursors[INVOICE] > NOON + timedelta(hours=1), "the cursor stands ahead")
    zuora.sandbox.clock.set(NOON + timedelta(minutes=1), running=False)
    invoice = zuora.invoice()
    zuora.later(days=1)
    await poller(await zuora.client(), log).round()
    assert log.ids(INVOICE).count(invoice.id) == 1


async def test_a_cursor_that_stands_ahead_with_a_stamp_is_set_back(zuora, log, heard):
    polling = poller(await zuora.client(), log)
    zuora.sandbox.clock.set(NOON + timedelta(hours=2), running=False)
    ahead = zuora.invoice()
    zuora.later(minutes=5)
    await polling.round()
    given(log.ids(INVOICE) == [ahead.id], "a row is stamped ahead as well")
    zuora.sandbox.clock.set(NOON, running=False)
    made = [zuora.invoice().id]
    zuora.later(minutes=5)
    await polling.round()
    assert log.cursors[INVOICE] == NOON + timedelta(minutes=3)
    assert "the cursor was ahead of Zuora's time: it is set back" in heard()
    for _ in range(3):
        made.append(zuora.invoice().id)
        zuora.later(minutes=50)
        await polling.round()
    assert [name for name in dict.fromkeys(log.ids(INVOICE)) if name != ahead.id] == made


def date_of_accounts(zuora, moment):
    """Have one list's answer alone tell another time, at which the token is still good."""
    zuora.use(token_life_s=10**9)
    now = zuora.sandbox.clock.stamp().utc()
    zuora.after_answer("billing-runs$", lambda: zuora.sandbox.clock.set(moment, running=False))
    zuora.after_answer("accounts$", lambda: zuora.sandbox.clock.set(now, running=False))


async def test_what_one_answer_alone_tells_of_the_time_moves_no_cursor_ahead(zuora, log):
    zuora.invoice()
    zuora.later(minutes=5)
    date_of_accounts(zuora, NOON + timedelta(hours=2))
    await poller(await zuora.client(), log).round()
    told = f"updateddate.LT:{NOON + timedelta(hours=1, minutes=58):%Y-%m-%dT%H:%M:%SZ}"
    given(told in zuora.requests(INVOICES)[0].query.replace("%3A", ":"), "a window went by it")
    assert log.cursors[INVOICE] == NOON + timedelta(minutes=3)


async def test_what_one_answer_alone_tells_of_the_time_sets_no_cursor_back(zuora, log, heard):
    polling = poller(await zuora.client(), log)
    await polling.round()
    zuora.later(minutes=5)
    date_of_accounts(zuora, NOON - timedelta(days=2))
    await polling.round()
    assert log.cursors[INVOICE] == NOON - timedelta(minutes=2)
    assert "set back" not in heard()
    invoice = zuora.invoice()
    zuora.later(minutes=5)
    await polling.round()
    assert (log.ids(INVOICE), log.cursors[INVOICE]) == ([invoice.id], NOON + timedelta(minutes=8))


async def test_a_quiet_time_is_listed_from_behind_its_last_row(zuora, log):
    zuora.bill_run(MANY)
    polling = poller(await zuora.client(), log)
    for _ in range(3):
        zuora.later(minutes=30)
        await polling.round()
    before = len(zuora.requests(INVOICES))
    zuora.later(minutes=30)
    assert await polling.round() == 0
    [request] = zuora.requests(INVOICES)[before:]
    assert f"updateddate.GE:{NOON + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}" in request.query.replace("%3A", ":")


async def test_what_becomes_visible_late_is_found_by_the_overlap(zuora, log):
    polling = poller(await zuora.client(), log)
    armed = zuora.arm("late_commit", "^create_invoice$|^post_invoice$", seconds=600)
    late = zuora.invoice()
    zuora.later(minutes=5)
    prompt = zuora.invoice()
    zuora.later(minutes=5)
    zuora.sandbox.faults.disarm()
    await polling.round()
    zuora.later(seconds=1)
    await polling.round()
    assert armed.fired == 4
    assert late.id in log.ids(INVOICE)
    assert log.cursors[INVOICE] > NOON + timedelta(minutes=5)
    zuora.later(minutes=10)
    await polling.round()
    assert set(log.ids(INVOICE)) == {late.id, prompt.id}


async def test_without_an_overlap_it_would_be_lost(zuora, log):
    """The test above can fail."""
    polling = poller(await zuora.client(), log, overlap_s=0)
    zuora.arm("late_commit", "^create_invoice$|^post_invoice$", seconds=600)
    zuora.invoice()
    zuora.sandbox.faults.disarm()
    zuora.later(seconds=1)
    prompt = zuora.invoice()
    zuora.later(minutes=5)
    await polling.round()
    zuora.later(minutes=10)
    await polling.round()
    assert log.ids(INVOICE) == [prompt.id]


async def test_an_unchanged_row_in_the_overlap_is_not_read_again(zuora, log):
    zuora.payment(zuora.invoice())
    polling = poller(await zuora.client(), log)
    zuora.later(minutes=3)
    await polling.round()
    kept, parts = len(log.kept), len(zuora.requests("/parts$"))
    zuora.later(minutes=3)
    assert await polling.round() == 0
    assert (len(log.kept), len(zuora.requests("/parts$"))) == (kept, parts)


async def test_a_row_that_changes_in_the_overlap_is_read_again(zuora, log):
    invoice = zuora.invoice()
    polling = poller(await zuora.client(), log)
    zuora.later(minutes=3)
    await polling.round()
    zuora.payment(invoice)
    zuora.later(minutes=3)
    await polling.round()
    assert Counter(log.ids(INVOICE)) == {invoice.id: 2}
    assert log.newest(INVOICE, invoice.id)["balance"] == 0


async def test_a_second_change_of_the_same_second_is_read_again(zuora, log):
    invoice, payment = zuora.invoice(), zuora.payment(amount="10")
    armed = zuora.arm("late_commit", "^apply_payment$", seconds=300)
    paid = [Application(invoice=invoice.id, amount=payment.amount)]
    apply_payment(zuora.tenant, payment=payment.id, invoices=paid)
    polling = poller(await zuora.client(), log)
    for _ in range(3):
        zuora.later(minutes=3)
        await polling.round()
    given(armed.fired == 1, "the application became visible late")
    assert log.newest(PAYMENT, payment.id)["unappliedAmount"] == 0


async def test_no_cursor_is_ahead_of_zuora_when_the_first_call_fails(zuora, log, quick):
    armed = zuora.arm("reset", "^/v1/accounting-codes$")
    await poller(await zuora.client(), log).round()
    given(armed.fired >= 5, "the first call failed to the end")
    assert all(moment < zuora.sandbox.clock.stamp().utc() for _, moment in log.moves)


async def test_the_hour_that_comes_twice_is_read_once(zuora, log):
    """The tenant's zone leaves summer time on the first of November at 09:00 UTC: 01:30 comes twice."""
    made = []
    for moment in ("08:30", "09:30", "10:30"):
        zuora.sandbox.clock.set(datetime.fromisoformat(f"2026-11-01T{moment}:00+00:00"), running=False)
        made.append(zuora.invoice().id)
    zuora.later(minutes=5)
    polling = poller(await zuora.client(), log, start=datetime(2026, 11, 1, 9, 15, tzinfo=UTC))
    await polling.round()
    assert log.ids(INVOICE) == made[1:]
    assert log.newest(INVOICE, made[1])["updatedDate"] == "2026-11-01T01:30:00-08:00"


# -- bill runs -------------------------------------------------------------------------------------------------------


async def test_a_finalized_bill_run_is_noticed_once(zuora, log):
    client = await zuora.client()
    polling = poller(client, log)
    await polling.round()
    assert not await noticed(polling, client)
    run = zuora.bill_run(3, auto_post=False)
    zuora.later(minutes=3)
    assert not await noticed(polling, client)
    post_bill_run(zuora.tenant, bill_run=run.id)
    zuora.later(minutes=3)
    assert await noticed(polling, client)
    await polling.round()
    assert not await noticed(polling, client)
    shown = [one for one in log.references_kept if isinstance(one, BillRun)]
    assert [(one.status, one.invoices) for one in shown if one.id == run.id][-1] == ("Posted", 3)


async def test_what_a_bill_run_made_says_so(zuora, log):
    run = zuora.bill_run(3)
    zuora.later(minutes=3)
    await poller(await zuora.client(), log).round()
    found = {(record.found.by, record.found.evidence) for record in log.kept if record.kind == INVOICE}
    assert found == {("bill_run", run.billing_run_number)}


async def test_what_a_bill_run_made_says_so_when_it_was_noticed_between_two_rounds(zuora, log):
    client = await zuora.client()
    polling = poller(client, log)
    await polling.round()
    zuora.bill_run(3)
    zuora.later(minutes=3)
    given(await noticed(polling, client), "the bill run was noticed")
    await polling.round()
    assert {record.found.by for record in log.kept if record.kind == INVOICE} == {"bill_run"}


async def test_a_finalized_bill_run_has_what_it_made_read_whatever_is_due(zuora, log):
    client = await zuora.client()
    polling = poller(client, log)
    await polling.round()
    zuora.bill_run(3)
    payment = zuora.payment(amount="5")
    zuora.later(minutes=3)
    given(await noticed(polling, client), "the bill run was noticed")
    await polling.round(())
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)
    assert payment.id not in log.ids(PAYMENT)
    assert not await noticed(polling, client)


async def test_a_bill_run_stands_until_what_it_made_was_read(zuora, log, quick):
    client = await zuora.client()
    polling = poller(client, log)
    await polling.round()
    zuora.bill_run(3)
    zuora.later(minutes=3)
    armed = zuora.arm("http_500", INVOICES, count=5)
    given(await noticed(polling, client), "the bill run was noticed")
    await polling.round(())
    given(armed.fired == 5, "its invoices could not be listed")
    assert (log.ids(INVOICE), polling.failed) == ([], {INVOICE})
    assert await noticed(polling, client)
    await polling.round(())
    assert {(record.found.by, record.kind) for record in log.kept if record.kind == INVOICE} == {("bill_run", INVOICE)}
    assert not await noticed(polling, client)


async def test_a_kind_that_is_not_due_is_not_asked_for(zuora, log):
    zuora.payment(zuora.invoice())
    zuora.later(minutes=5)
    await poller(await zuora.client(), log).round((PAYMENT,))
    assert {record.kind for record in log.kept} == {PAYMENT}
    assert zuora.requests(INVOICES) == []


async def test_an_object_that_is_not_read_yet_marks_its_kind_as_failed(zuora, log, quick):
    first = zuora.payment(zuora.invoice())
    zuora.later(minutes=5)
    armed = zuora.arm("http_500", f"^/v1/payments/{first.id}/parts$", count=5)
    polling = poller(await zuora.client(), log)
    await polling.round()
    given(armed.fired == 5, "one object could not be read")
    assert polling.failed == {PAYMENT}
    await polling.round()
    assert (log.ids(PAYMENT), polling.failed) == ([first.id], frozenset())


async def test_a_lost_cursor_begins_at_the_start_and_says_so(zuora, log, heard):
    zuora.payment(zuora.invoice())
    zuora.later(minutes=5)
    await poller(await zuora.client(), log).round()
    before = sorted(log.ids(INVOICE) + log.ids(PAYMENT))
    log.cursors.clear()
    log.kept.clear()
    await poller(await zuora.client(), log).round()
    assert sorted(log.ids(INVOICE) + log.ids(PAYMENT)) == before
    assert "no cursor: everything is read from the start" in heard()


async def test_a_bill_run_that_was_known_before_a_restart_is_no_loss(zuora, log):
    zuora.bill_run(3)
    zuora.later(minutes=3)
    await poller(await zuora.client(), log).round()
    again = poller(await zuora.client(), log)
    zuora.later(minutes=3)
    await again.round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


# -- rows that are not as documented ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/object-query/billing-runs", b'{"data": [{"id": "b", "numberOfInvoices": null}]}'),
        ("/object-query/invoices", b'{"data": [{"id": "i", "status": null}]}'),
        ("/v1/accounting-codes", b'{"accountingCodes": [{"id": "c", "name": "n", "type": null}], "success": true}'),
    ],
)
async def test_a_row_that_is_not_as_documented_ends_no_process(strange, log, quick, path, body):
    strange.tell("/v1/accounting-codes", Told(b'{"accountingCodes": []}'))
    for objects in ("billing-runs", "accounts", "invoices", "debit-memos", "credit-memos", "payments"):
        strange.tell(f"/object-query/{objects}", Told(b'{"data": []}'))
    strange.tell(path, Told(body))
    async with speaking_to(strange) as client:
        await poller(client, log, start=datetime(2026, 1, 1, tzinfo=UTC)).round()
    assert PAYMENT in log.cursors
