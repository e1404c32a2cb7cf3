"""Polls of a tenant without Invoice Settlement, of one that lost a right, and of one that was switched."""

from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from adapters.zuora.reading.kinds import INVOICE_PAYMENT, KINDS, kinds_of
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from console.pinging.site import _settlement
from sandbox.zuora.acts import (
    adjust_credit_balance,
)
from schemas.records import RecordKind
from tests.adapters.unsettled_tenant import credit, pay, settlement
from tests.adapters.zuora_tenant import NOON, START, poller

pytestmark = pytest.mark.usefixtures("quick")

PAYMENT, CREDIT_BALANCE = RecordKind.PAYMENT, RecordKind.CREDIT_BALANCE
ADJUSTMENT, ITEM_ADJUSTMENT = RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT
NEXT_YEAR = NOON.replace(year=2027)
MEMOS, QUERY, MORE = "^/object-query/credit-memos$", "^/v1/action/query$", "^/v1/action/queryMore$"


# -- polling ---------------------------------------------------------------------------------------------------------


async def test_a_round_reads_what_there_is_without_it(off, log):
    invoice = off.invoice()
    payment = pay(off, "15", (invoice, "10"))
    other = off.invoice()
    row = credit(off, other)
    adjust_credit_balance(off.tenant, type="Decrease", amount=Decimal(5), invoice=other.id)
    off.later(minutes=10)
    client = await off.client()
    polling = poller(client, log, settlement=Settlement(client, "acme"))
    await polling.round()
    assert polling.failed == frozenset()
    account = off.tenant.accounts.find("A-00000001")
    assert set(log.ids(PAYMENT)) == {payment.id}
    assert log.ids(ADJUSTMENT) == [row.id]
    assert log.ids(CREDIT_BALANCE) == [account.id]
    assert set(log.cursors) == set(kinds_of(settled=False))
    before = len(log.kept)
    await polling.round()
    assert len(log.kept) == before


async def test_an_application_that_is_seen_after_its_payment_brings_the_payment_again(off, log):
    invoice = off.invoice()
    client = await off.client()
    polling = poller(client, log, settlement=Settlement(client, "acme"))
    off.later(minutes=10)
    payment = pay(off, "10", (invoice, "10"))
    off.later(minutes=10)
    await polling.round()
    with off.tenant.act("touch"):
        off.tenant.change(off.tenant.invoice_payments.children("payment_id", payment.id)[0])
    off.later(minutes=10)
    await polling.round({INVOICE_PAYMENT})
    assert set(log.ids(PAYMENT)) == {payment.id}
    assert len(log.ids(PAYMENT)) > 1


async def test_with_it_nothing_of_the_other_kind_is_asked_for(zuora, log):
    client = await zuora.client()
    zuora.payment(zuora.invoice())
    await poller(client, log, settlement=Settlement(client, "acme")).round()
    assert zuora.requests("^/v1/action/") == []
    assert set(log.cursors) == set(KINDS)


async def test_where_it_cannot_be_told_the_rest_is_read_all_the_same(off, log):
    invoice = off.invoice()
    off.later(minutes=10)
    off.arm("http_503", MEMOS, times=100)
    client = await off.client()
    polling = poller(client, log, settlement=Settlement(client, "acme"))
    await polling.round()
    assert log.ids(RecordKind.INVOICE) == [invoice.id]
    assert polling.failed >= {"Invoice Settlement", PAYMENT, CREDIT_BALANCE}
    assert log.ids(PAYMENT) == []


async def test_a_tenant_that_had_it_is_not_believed_to_have_it_no_more(zuora, log):
    client = await zuora.client()
    await poller(client, log, settlement=Settlement(client, "acme")).round()
    assert "credit_memo" in log.cursors
    # A right that was taken away looks so, and what is applied to invoices would be read as nothing.
    zuora.use(invoice_settlement=False)
    again = poller(client, log, settlement=Settlement(client, "acme"))
    with capture_logs() as said:
        await again.round()
    assert PAYMENT in again.failed or [line for line in said if "Invoice Settlement" in line["event"]]


async def test_a_payment_that_was_listed_before_it_was_switched_on_comes_with_its_applications(zuora):
    zuora.payment(zuora.invoice())
    switched = await settlement(zuora, "off")
    reading = ZuoraObjects(await zuora.client(), "acme", switched)
    [[header]] = [page async for page in reading.changed(PAYMENT, since=START, until=NEXT_YEAR)]
    switched._known = True
    record = await reading.complete(PAYMENT, header, by="poll", evidence="")
    assert len(record.children["parts"]) == 1
    assert len(record.children["applications"]) == 1


# -- a right that was lost, and a tenant that was switched ------------------------------------------------------------


async def test_a_right_that_is_lost_is_told_and_payments_are_read_with_their_applications(zuora, log):
    client = await zuora.client()
    await poller(client, log, settlement=Settlement(client, "acme")).round()
    payment = zuora.payment(zuora.invoice())
    zuora.later(minutes=10)
    zuora.use(zoql_with_settlement=True)
    refused = zuora.arm("success_false", MEMOS, times=100, code=50000010)
    again = poller(client, log, settlement=Settlement(client, "acme"))
    with capture_logs() as said:
        await again.round()
    assert refused.fired
    [told] = [line for line in said if line["event"].startswith("Invoice Settlement is never switched off")]
    assert "give the user back the right" in told["reason"]
    assert again.failed == {RecordKind.CREDIT_MEMO}
    assert [sorted(one.children) for one in log.kept if one.id == payment.id] == [["applications", "parts"]]
    assert log.ids(CREDIT_BALANCE) == []


async def test_a_right_that_is_lost_makes_a_configured_off_wrong(zuora, log):
    client = await zuora.client()
    await poller(client, log, settlement=Settlement(client, "acme")).round()
    zuora.use(invoice_settlement=False)
    told = Settlement(client, "acme", "off")
    told.remember(log)
    with capture_logs() as lines:
        assert not await told.is_on()
    assert [line for line in lines if "is wrong" in line["event"]]


async def test_ping_names_a_right_that_is_lost_and_what_is_read_no_more(zuora, log):
    asked = await settlement(zuora)
    asked.remember(log)
    log.cursors = {RecordKind.CREDIT_MEMO: NOON, ADJUSTMENT: NOON}
    finding = await _settlement(asked, "acme", "probe")
    assert finding.ok
    assert "invoice_adjustment, is read to 2026-03-15 12:00" in finding.found
    zuora.use(invoice_settlement=False)
    finding = await _settlement(asked, "acme", "probe")
    assert not finding.ok
    assert "give the user back the right" in finding.next_step


async def test_a_tenant_that_never_had_it_is_believed_however_often_it_is_asked(off, log):
    client = await off.client()
    for _ in range(3):
        polling = poller(client, log, settlement=Settlement(client, "acme"))
        await polling.round()
        assert polling.failed == frozenset()
    assert RecordKind.CREDIT_MEMO not in log.cursors


async def switched(zuora, log, monkeypatch, *, anew=False, **settings):
    """Return a poller that read the tenant, and what was made and not read before the switch."""
    invoice = zuora.invoice()
    pay(zuora, "7")
    credit(zuora, invoice)
    zuora.later(minutes=10)
    client = await zuora.client()
    polling = poller(client, log, settlement=Settlement(client, "acme"))
    await polling.round()
    row = credit(zuora, invoice, "2")
    (item,) = zuora.tenant.invoice_items.children("invoice_id", invoice.id)
    other = credit(zuora, invoice, "3", source=item.id)
    adjust_credit_balance(zuora.tenant, type="Decrease", amount=Decimal(4), invoice=invoice.id)
    zuora.later(seconds=1)
    zuora.use(invoice_settlement=True, **settings)
    monkeypatch.setattr("adapters.zuora.reading.settlement._BELIEVED_S", -1.0)
    return (poller(client, log, settlement=Settlement(client, "acme")) if anew else polling), row, other


@pytest.mark.parametrize("anew", [False, True], ids=["one process", "a new one"])
async def test_what_was_made_before_the_switch_is_read_once_more(off, log, monkeypatch, anew):
    polling, row, other = await switched(off, log, monkeypatch, anew=anew, zoql_with_settlement=True)
    before = len(log.ids(CREDIT_BALANCE))
    # What is younger than the poll's lag is not read yet, and is not forgotten.
    await polling.round()
    assert row.id not in log.ids(ADJUSTMENT)
    off.later(minutes=10)
    with capture_logs() as said:
        await polling.round()
    assert row.id in log.ids(ADJUSTMENT)
    assert other.id in log.ids(ITEM_ADJUSTMENT)
    assert len(log.ids(CREDIT_BALANCE)) > before
    assert [line for line in said if line["log_level"] == "error"] == []
    assert polling.failed == frozenset()
    off.later(hours=2)
    await polling.round()
    asked = len(off.requests(QUERY))
    await polling.round()
    assert len(off.requests(QUERY)) == asked


@pytest.mark.parametrize("anew", [False, True], ids=["one process", "a new one"])
async def test_what_was_made_before_the_switch_and_is_shown_no_more_is_named(off, log, monkeypatch, anew):
    polling, row, _ = await switched(off, log, monkeypatch, anew=anew)
    read_to = log.cursors[ADJUSTMENT]
    off.later(minutes=10)
    with capture_logs() as said:
        await polling.round()
        await polling.round()
    named = {line["kind"]: line for line in said if "no longer shows what was made before" in line["event"]}
    assert set(named) == {ADJUSTMENT, ITEM_ADJUSTMENT, CREDIT_BALANCE}
    assert named[ADJUSTMENT]["read_to"] == read_to.isoformat()
    assert "ml-connector reconcile" in named[ADJUSTMENT]["next_step"]
    assert len([line for line in said if "no longer shows" in line["event"]]) == 3
    assert row.id not in log.ids(ADJUSTMENT)
    assert polling.failed == frozenset()
    assert log.dead == []
    # It is not passed over: a process that begins anew, or Zuora that shows it again, finds the cursor where it was.
    assert log.cursors[ADJUSTMENT] == read_to


@pytest.mark.parametrize("fault", ["http_503"])
async def test_what_cannot_be_read_just_now_is_not_given_up(off, log, monkeypatch, fault):
    polling, row, _ = await switched(off, log, monkeypatch, zoql_with_settlement=True)
    off.later(minutes=10)
    armed = off.arm(fault, QUERY, times=100)
    with capture_logs() as said:
        await polling.round()
    assert armed.fired
    assert ADJUSTMENT in polling.failed
    assert [line for line in said if "no longer shows" in line["event"]] == []
    off.sandbox.faults.disarm(armed.id)
    await polling.round()
    assert row.id in log.ids(ADJUSTMENT)


async def test_a_tenant_that_always_had_it_is_asked_for_nothing_else(zuora, log):
    client = await zuora.client()
    zuora.use(zoql_with_settlement=True)
    polling = poller(client, log, settlement=Settlement(client, "acme"))
    await polling.round()
    await polling.round()
    assert zuora.requests("^/v1/action/") == []


@pytest.mark.parametrize("answers", [True, False], ids=["zoql answers", "zoql refuses"])
async def test_what_was_listed_before_the_switch_is_no_dead_letter(off, log, monkeypatch, answers):
    """An adjustment comes as it was listed; a payment that its application brought comes as it is now."""
    invoice = off.invoice()
    payment, row = pay(off, "5", (invoice, "5")), credit(off, invoice)
    asked = await settlement(off)
    reading = ZuoraObjects(await off.client(), "acme", asked)
    found = {}
    for kind in (ADJUSTMENT, INVOICE_PAYMENT):
        [[found[kind]]] = [page async for page in reading.changed(kind, since=START, until=NEXT_YEAR)]
    off.use(invoice_settlement=True, zoql_with_settlement=answers)
    monkeypatch.setattr("adapters.zuora.reading.settlement._BELIEVED_S", -1.0)
    adjustment = await reading.complete(ADJUSTMENT, found[ADJUSTMENT], by="poll", evidence="")
    assert (adjustment.kind, adjustment.id, list(adjustment.children)) == (ADJUSTMENT, row.id, ["invoice"])
    paid = await reading.complete(INVOICE_PAYMENT, found[INVOICE_PAYMENT], by="poll", evidence="")
    assert (paid.kind, paid.id, sorted(paid.children)) == (PAYMENT, payment.id, ["applications", "parts"])
