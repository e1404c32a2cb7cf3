"""Callouts that nobody heard: Zuora's own list of them is read, and what they told of; rows in both of its shapes."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from adapters.zuora.finding.callout_history import CALLOUT_HISTORY, CalloutHistory
from sandbox.zuora import CalloutConfiguration
from sandbox.zuora.acts import Application, apply_payment, delete_invoice, unpost_invoice
from sandbox.zuora.settings import CalloutPolicy
from schemas.records import RecordKind
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import MemoryLog, zuora_tenant

INVOICE, PAYMENT = RecordKind.INVOICE, RecordKind.PAYMENT
HISTORY = "^/v1/notification-history/callout$"


@pytest.fixture
def log():
    return MemoryLog()


class Deaf:
    """A receiver that is away, or hears."""

    def __init__(self):
        self.url, self.status, self.heard = "", 503, 0

    async def take(self, request):
        self.heard += 1
        return web.Response(status=self.status)


@pytest.fixture
async def deaf():
    one = Deaf()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", one.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callouts"
    yield one
    await runner.cleanup()


@pytest.fixture(params=["as_typed", "as_shown"])
def shape(request):
    return request.param


@pytest.fixture
async def told(zuora, deaf, shape):
    """Have callouts of invoices, payments and their applications sent to a receiver that is away."""
    policy = CalloutPolicy(attempts=1)
    zuora.use(callouts=policy, callout_history=shape, payment_processed_for_external=True, token_life_s=10**7)
    zuora.sandbox.callouts.configurations = [
        CalloutConfiguration(name=f"{event}, to us", event=event, url=deaf.url)
        for event in ("InvoicePosted", "PaymentProcessed", "BillingRunCompletion")
    ]
    return zuora


async def history(zuora, log):
    return CalloutHistory(await zuora.client(), "acme", write=log)


async def test_what_nobody_heard_is_read_once(told, log):
    reading = await history(told, log)
    invoice, payment = told.invoice(), told.payment(amount="5")
    await told.callouts_are_through()
    given(all(attempt.failed for attempt in told.sandbox.callouts.history), "nobody heard")
    assert await reading.round() == 2
    assert Counter((record.kind, record.id) for record in log.kept) == {
        (INVOICE, invoice.id): 1,
        (PAYMENT, payment.id): 1,
    }
    assert {record.found.by for record in log.kept} == {"callout_history"}
    evidence = {record.found.evidence for record in log.kept if record.kind == INVOICE}
    assert [one.startswith("InvoicePosted, to us, 2026-03-15") and one.endswith(": 503") for one in evidence] == [True]
    assert await reading.round() == 0
    assert not reading.failed


async def test_what_was_heard_is_not_asked_for(told, log, deaf):
    deaf.status = 200
    told.invoice()
    await told.callouts_are_through()
    given(deaf.heard == 1, "it was heard")
    assert await (await history(told, log)).round() == 0
    assert told.requests("^/object-query/") == []


async def test_many_tries_and_many_callouts_of_one_object_are_one_read(told, log):
    told.use(callouts=CalloutPolicy(attempts=3, interval_s=0.01))
    payment = told.payment(amount="30")
    for invoice in (told.invoice(), told.invoice()):
        apply_payment(
            told.tenant, payment=payment.id, invoices=[Application(invoice=invoice.id, amount=payment.amount / 3)]
        )
    await told.callouts_are_through()
    given(len(told.sandbox.callouts.history) >= 9, "each was tried three times")
    await (await history(told, log)).round()
    assert set(Counter((record.kind, record.id) for record in log.kept).values()) == {1}
    assert len(log.kept) == 3


async def test_more_than_a_page_of_them_is_read_whole(told, log):
    made = [told.invoice().id for _ in range(95)]
    await told.callouts_are_through()
    assert await (await history(told, log)).round() == 95
    assert sorted(log.ids(INVOICE)) == sorted(made)
    assert len(told.requests(HISTORY)) == 3


async def test_it_goes_on_from_zuoras_time_after_a_restart(told, log):
    first = told.invoice()
    await told.callouts_are_through()
    await (await history(told, log)).round()
    # The tenant's zone is Pacific: 05:00 there.
    assert log.cursors[CALLOUT_HISTORY] == datetime(2026, 3, 15, 5, tzinfo=UTC)
    told.later(days=3)
    second = told.invoice()
    await told.callouts_are_through()
    await (await history(told, log)).round()
    # What the overlap shows again after a restart is read again.
    assert log.ids(INVOICE) == [first.id, first.id, second.id]
    asked = told.requests(HISTORY)[-1].query.replace("%3A", ":")
    assert "failedOnly=true" in asked
    assert "startTime=2026-03-15T03:00:00" in asked


async def test_a_time_that_is_far_ahead_hides_no_later_one(told, log):
    reading, noon = await history(told, log), told.sandbox.clock.stamp().utc()
    told.sandbox.clock.set(noon + timedelta(days=300), running=False)
    made = [told.invoice().id]
    await told.callouts_are_through()
    given(await reading.round() == 1, "it was read")
    told.sandbox.clock.set(noon, running=False)
    for _ in range(2):
        made.append(told.invoice().id)
        await told.callouts_are_through()
        told.later(hours=1)
        await reading.round()
    assert log.ids(INVOICE) == made


async def test_what_could_not_be_read_is_read_with_the_next_round(told, log, quick):
    invoice, payment = told.invoice(), told.payment(amount="5")
    await told.callouts_are_through()
    armed = told.arm("http_500", f"^/object-query/invoices/{invoice.id}$", count=5)
    reading = await history(told, log)
    assert await reading.round() == 0
    given(armed.fired == 5, "one object could not be read")
    assert reading.failed
    assert CALLOUT_HISTORY not in log.cursors
    assert await reading.round() == 2
    assert {record.id for record in log.kept} == {invoice.id, payment.id}


async def test_a_page_that_fails_is_read_again_and_nothing_is_passed_over(told, log, quick):
    made = [told.invoice().id for _ in range(60)]
    await told.callouts_are_through()
    armed = told.arm("cut_body", HISTORY, after=1, count=5)
    reading = await history(told, log)
    await reading.round()
    given(armed.fired == 5, "the second page was cut")
    assert reading.failed
    await reading.round()
    assert sorted(log.ids(INVOICE)) == sorted(made)


async def test_what_the_broker_did_not_take_is_read_again(told, log):
    invoice = told.invoice()
    await told.callouts_are_through()
    reading = await history(told, log)
    log.fails = lambda _records: OSError("away")
    with pytest.raises(OSError, match="away"):
        await reading.round()
    log.fails = lambda _records: None
    await reading.round()
    assert log.ids(INVOICE) == [invoice.id]


async def test_an_object_that_is_gone_keeps_no_other_back(told, log):
    gone, there = told.invoice(), told.invoice()
    await told.callouts_are_through()
    unpost_invoice(told.tenant, invoice=gone.id)
    delete_invoice(told.tenant, invoice=gone.id)
    await (await history(told, log)).round()
    assert log.ids(INVOICE) == [there.id]


async def test_an_object_that_the_user_may_not_read_keeps_no_other_back(told, log, heard):
    hidden, there = told.invoice(), told.invoice()
    await told.callouts_are_through()
    armed = told.arm("success_false", f"^/object-query/invoices/{hidden.id}$", code=50000010)
    reading = await history(told, log)
    assert await reading.round() == 1
    given(armed.fired == 1, "the user may not read one of them")
    assert log.ids(INVOICE) == [there.id]
    assert not reading.failed
    assert CALLOUT_HISTORY in log.cursors
    assert "what a failed callout told of cannot be read" in heard()


async def test_what_tells_of_nothing_we_read_is_passed_over(told, log, heard):
    told.bill_run(1)
    await told.callouts_are_through()
    told.sandbox.callouts.history = type(told.sandbox.callouts.history)(
        one for one in told.sandbox.callouts.history if one.event == "BillingRunCompletion"
    )
    await (await history(told, log)).round()
    assert [record.kind for record in log.kept if record.kind != RecordKind.ACCOUNT] == []


async def test_a_user_who_may_not_read_it_stops_nothing(told, log, heard):
    told.arm("success_false", HISTORY, code=50000010)
    reading = await history(told, log)
    for _ in range(3):
        assert await reading.round() == 0
        assert reading.failed
    assert heard().count("failed callouts cannot be read") == 1
    told.sandbox.faults.disarm()
    await reading.round()
    assert "failed callouts are read again" in heard()


async def test_nothing_of_a_context_is_logged_or_kept(told, log, heard):
    told.invoice()
    await told.callouts_are_through()
    await (await history(told, log)).round()
    assert "Müller" not in heard()
    assert all("Müller" not in record.found.evidence for record in log.kept)


@pytest.mark.parametrize(
    "night", ["2026-11-01T07:30:00", "2026-03-08T08:30:00"], ids=["an hour comes twice", "an hour is left out"]
)
async def test_nights_in_which_the_tenants_clock_changes_are_no_gap(told, log, night):
    """Pacific: 01:30 comes twice on the first of November; 02:30 does not come on the eighth of March."""
    begun = datetime.fromisoformat(night).replace(tzinfo=UTC)
    made = []
    reading = await history(told, log)
    for minutes in range(0, 240, 20):
        told.sandbox.clock.set(begun + timedelta(minutes=minutes), running=False)
        made.append(told.invoice().id)
        await told.callouts_are_through()
        if minutes % 60 == 0:
            await reading.round()
    told.later(minutes=20)
    await reading.round()
    assert sorted(log.ids(INVOICE)) == sorted(made)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
async def test_a_first_look_sees_a_day_wherever_the_tenant_sits(zone, log, deaf):
    async with zuora_tenant() as zuora:
        zuora.use(time_zone=zone, callouts=CalloutPolicy(attempts=1), token_life_s=10**7)
        zuora.sandbox.callouts.configurations = [
            CalloutConfiguration(name="posted", event="InvoicePosted", url=deaf.url)
        ]
        invoice = zuora.invoice()
        await zuora.callouts_are_through()
        zuora.later(hours=23)
        reading = await history(zuora, log)
        await reading.round()
        assert log.ids(INVOICE) == [invoice.id]
        zuora.later(hours=1)
        second = zuora.invoice()
        await zuora.callouts_are_through()
        await reading.round()
        assert log.ids(INVOICE) == [invoice.id, second.id]
