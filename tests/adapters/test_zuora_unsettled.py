"""A tenant without Invoice Settlement as the product reads it: found out, and read by ZOQL."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.zuora.reading.children.unsettled import of_applied_refund
from adapters.zuora.reading.kinds import kinds_of
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from adapters.zuora.reading.zoql import INVOICE_ADJUSTMENTS, rows_of
from console.pinging.site import _settlement
from sandbox.zuora.acts import (
    adjust_credit_balance,
    cancel_invoice_adjustment,
)
from schemas.errors import Transient, Unreadable
from schemas.records import RecordKind
from tests.adapters.strange import Told
from tests.adapters.unsettled_tenant import credit, objects, pay, settlement
from tests.adapters.zuora_tenant import BY_HAND, NOON, START, speaking_to

pytestmark = pytest.mark.usefixtures("quick")

PAYMENT, CREDIT_BALANCE = RecordKind.PAYMENT, RecordKind.CREDIT_BALANCE
ADJUSTMENT, ITEM_ADJUSTMENT = RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT
NEXT_YEAR = NOON.replace(year=2027)
MEMOS, QUERY, MORE = "^/object-query/credit-memos$", "^/v1/action/query$", "^/v1/action/queryMore$"


# -- whether it is on ------------------------------------------------------------------------------------------------


async def test_a_tenant_that_shows_credit_memos_has_it(zuora):
    assert await (await settlement(zuora)).is_on()
    assert zuora.requests(QUERY) == []


@pytest.mark.parametrize(("code", "status"), [(50000010, 403), (50000040, 404), (50000027, 400)])
async def test_a_tenant_that_refuses_memos_and_shows_invoice_payments_has_it_not(off, code, status):
    off.use(invoice_settlement_off_code=code, invoice_settlement_off_status=status)
    assert not await (await settlement(off)).is_on()
    assert len(off.requests(QUERY)) == 1


async def test_what_looks_like_a_missing_permission_is_told_by_nobody(strange):
    async with speaking_to(strange) as client:
        refused = b'{"reasons": [{"code": 50000010, "message": "no permission"}]}'
        strange.tell("/object-query/credit-memos", Told(refused, status=403))
        strange.tell("/v1/action/query", Told(b'{"FaultCode": "INVALID_TYPE", "FaultMessage": "x"}', status=400))
        with pytest.raises(Transient, match="neither credit memos nor invoice payments can be read"):
            await Settlement(client, "acme").is_on()


@pytest.mark.parametrize("fault", ["http_500", "http_503"])
async def test_a_tenant_that_does_not_answer_is_no_tenant_without_it(off, fault):
    armed = off.arm(fault, MEMOS, times=100)
    asked = await settlement(off)
    with pytest.raises(Transient, match=r"cannot be told.*invoice_settlement"):
        await asked.is_on()
    assert armed.fired
    off.sandbox.faults.disarm(armed.id)
    assert not await asked.is_on()


async def test_on_is_believed_and_not_asked_again(zuora):
    asked = await settlement(zuora)
    assert [await asked.is_on() for _ in range(3)] == [True] * 3
    assert len(zuora.requests(MEMOS)) == 1


async def test_that_it_was_switched_on_is_noticed_and_said(off, monkeypatch):
    asked = await settlement(off)
    assert not await asked.is_on()
    off.use(invoice_settlement=True)
    assert not await asked.is_on()
    monkeypatch.setattr("adapters.zuora.reading.settlement._BELIEVED_S", -1.0)
    with capture_logs() as said:
        assert await asked.is_on()
    assert [line["event"] for line in said if "switched on" in line["event"]]


@pytest.mark.parametrize("said", ["on", "off"])
@pytest.mark.parametrize("is_on", [True, False])
async def test_the_configuration_counts_and_is_called_wrong_where_it_is(zuora, said, is_on):
    zuora.use(invoice_settlement=is_on)
    with capture_logs() as lines:
        assert await (await settlement(zuora, said)).is_on() is (said == "on")
    assert bool([line for line in lines if "is wrong" in line["event"]]) is ((said == "on") != is_on)
    finding = await _settlement(await settlement(zuora, said), "acme", said)
    assert finding.ok is ((said == "on") == is_on)


@pytest.mark.parametrize(("is_on", "told"), [(True, "on: memos"), (False, "off: payments, adjustments")])
async def test_ping_says_it_in_a_sentence(zuora, is_on, told):
    zuora.use(invoice_settlement=is_on)
    finding = await _settlement(await settlement(zuora), "acme", "probe")
    assert finding.ok
    assert finding.found.startswith(told)


# -- objects ---------------------------------------------------------------------------------------------------------


async def test_a_payment_comes_with_what_it_was_applied_to(off):
    first, second = off.invoice(), off.invoice()
    payment = pay(off, "25", (first, "10"), (second, "5"))
    record = await (await objects(off)).read(PAYMENT, payment.id, BY_HAND)
    rows = [msgspec.json.decode(raw) for raw in record.children["invoice_payments"]]
    assert {row["InvoiceId"]: row["Amount"] for row in rows} == {first.id: 10, second.id: 5}
    assert list(record.children) == ["invoice_payments"]


async def test_an_adjustment_comes_with_its_invoice_and_its_tax(off):
    invoice = off.invoice(taxes=1)
    (item,) = off.tenant.invoice_items.children("invoice_id", invoice.id)
    (tax,) = off.tenant.taxation_items.children("invoice_item_id", item.id)
    reading = await objects(off)
    whole = await reading.read(ADJUSTMENT, credit(off, invoice).id, BY_HAND)
    net = await reading.read(ITEM_ADJUSTMENT, credit(off, invoice, source=item.id).id, BY_HAND)
    vat = await reading.read(ITEM_ADJUSTMENT, credit(off, invoice, "0.01", source=tax.id).id, BY_HAND)
    assert [sorted(one.children) for one in (whole, net, vat)] == [["invoice"], ["invoice"], ["invoice", "tax"]]
    assert msgspec.json.decode(vat.children["tax"][0])["id"] == tax.id
    assert {msgspec.json.decode(one.children["invoice"][0])["currency"] for one in (whole, net, vat)} == {"EUR"}
    assert msgspec.json.decode(net.parent)["SourceType"] == "InvoiceDetail"


async def test_a_credit_balance_is_one_record_with_all_that_moved_it(off):
    invoice = off.invoice()
    pay(off, "7")
    adjust_credit_balance(off.tenant, type="Decrease", amount=Decimal(5), invoice=invoice.id)
    account = off.tenant.accounts.find("A-00000001")
    record = await (await objects(off)).read(CREDIT_BALANCE, account.id, BY_HAND)
    rows = [msgspec.json.decode(raw) for raw in record.children["adjustments"]]
    assert sorted((row["Type"], row["Amount"]) for row in rows) == [("Decrease", 5), ("Increase", 7)]


async def test_what_a_tenant_has_not_is_named(zuora):
    reading = await objects(zuora)
    with pytest.raises(Unreadable, match="with Invoice Settlement has no invoice_adjustment"):
        await reading.read(ADJUSTMENT, "x", BY_HAND)
    zuora.use(invoice_settlement=False)
    reading = await objects(zuora)
    with pytest.raises(Unreadable, match="without Invoice Settlement has no credit_memo"):
        await reading.read(RecordKind.CREDIT_MEMO, "x", BY_HAND)
    assert await reading.read(ADJUSTMENT, "x", BY_HAND) is None


@pytest.mark.parametrize("hostile", ["x' or Id != 'x", "x\\", "a b", "", "x'"])
async def test_no_id_ends_the_quotes_it_stands_in(off, hostile):
    credit(off, off.invoice())
    client = await off.client()
    with pytest.raises(Unreadable, match="no id or number"):
        await rows_of(client, INVOICE_ADJUSTMENTS, "Id", hostile)
    for kind in kinds_of(settled=False):
        with pytest.raises(Unreadable, match="no id or number"):
            await ZuoraObjects(client, "acme", Settlement(client, "acme", "off")).read(kind, hostile, BY_HAND)
    assert [entry for entry in off.requests() if hostile and hostile in entry.path] == []
    assert {entry.status for entry in off.requests(QUERY)} <= {200}


# -- windows ---------------------------------------------------------------------------------------------------------


async def changed(reading, since=START, until=NEXT_YEAR):
    pages = reading.changed(ADJUSTMENT, since=since, until=until)
    return [header.id async for page in pages for header in page]


# What no cut divides.
ONE_SECOND = {"since": NOON, "until": NOON + timedelta(seconds=1)}


async def test_a_window_is_sorted_here_since_zoql_has_no_order(off):
    invoice, made = off.invoice(), []
    for _ in range(9):
        off.later(seconds=1)
        made.append(credit(off, invoice).id)
    assert await changed(await objects(off)) == made
    assert made != sorted(made)


@pytest.mark.parametrize("size", ["all", "batch"])
async def test_batches_are_read_to_their_end(off, size):
    invoice = off.invoice()
    made = {credit(off, invoice, "0.01").id for _ in range(7)}
    off.use(zoql_batch_max=3, zoql_size=size)
    found = await changed(await objects(off))
    assert (set(found), len(found)) == (made, 7)


async def test_a_row_that_leaves_while_batches_are_read_hides_no_other(off):
    invoice = off.invoice()
    rows = sorted(credit(off, invoice, "0.01").id for _ in range(7))
    off.use(zoql_batch_max=3, zoql_results="live")
    reading = await objects(off)
    off.later(days=1)
    # It leaves the window, which ended before: all behind it move up by one, past the end of the first batch.
    off.after_answer(QUERY, lambda: cancel_invoice_adjustment(off.tenant, adjustment=rows[0]))
    asked = len(off.requests(QUERY))
    assert await changed(reading, **ONE_SECOND) == rows[1:]
    assert len(off.requests(QUERY)) - asked == 3


async def test_a_locator_that_ends_begins_the_window_anew(off):
    invoice = off.invoice()
    made = {credit(off, invoice, "0.01").id for _ in range(5)}
    off.use(zoql_batch_max=2)
    reading = await objects(off)
    off.after_answer(QUERY, lambda: off.later(seconds=901))
    assert set(await changed(reading, **ONE_SECOND)) == made
    assert off.requests(MORE)[0].status == 400


async def test_a_list_that_never_stands_still_is_not_told_as_whole(off, monkeypatch):
    monkeypatch.setattr("adapters.zuora.reading.zoql._READINGS_MAX", 3)
    invoice = off.invoice()
    for _ in range(5):
        credit(off, invoice, "0.01")
    off.use(zoql_batch_max=2, zoql_locator_life_s=-1.0)
    with pytest.raises(Transient, match="never come twice the same"):
        await changed(await objects(off))


def credits_every(off, count, **apart):
    """Return so many adjustments, oldest first, each so much later than the one before."""
    invoice, made = off.invoice(), []
    for _ in range(count):
        made.append(credit(off, invoice, "0.01").id)
        off.later(**apart)
    return made


async def test_a_window_of_many_batches_is_cut_by_time_and_no_locator_is_followed(off):
    made = credits_every(off, 60, seconds=7)
    off.use(zoql_batch_max=5)
    reading, found, queries = await objects(off), [], []
    async for page in reading.changed(ADJUSTMENT, since=START, until=NEXT_YEAR):
        assert len(page) <= 5
        found += [header.id for header in page]
        queries.append(len(off.requests(QUERY)))
    assert found == made
    assert off.requests(MORE) == []
    assert queries[0] < queries[-1] / 2, "what is old is shown before what is new is asked for"
    assert queries[-1] < 60, "about two queries for each slice"


async def test_seconds_that_hold_more_than_a_batch_are_read_by_themselves(off):
    invoice, made = off.invoice(), []
    for _ in range(3):
        made.append({credit(off, invoice, "0.01").id for _ in range(9)})
        off.later(days=1)
    off.use(zoql_batch_max=4)
    found = await changed(await objects(off))
    assert [set(found[place : place + 9]) for place in (0, 9, 18)] == made
    assert len(found) == 27
    assert len(off.requests(QUERY)) < 24


async def test_a_change_while_a_long_window_is_read_costs_one_slice(off):
    made = credits_every(off, 40, seconds=3)
    off.use(zoql_batch_max=5, zoql_results="live")
    off.later(days=1)
    reading, until, found = await objects(off), NOON + timedelta(hours=1), []
    async for page in reading.changed(ADJUSTMENT, since=START, until=until):
        if not found:
            # They leave the window: one that was shown, and one that was not.
            for name in (made[0], made[-1]):
                cancel_invoice_adjustment(off.tenant, adjustment=name)
        found += [header.id for header in page]
    assert found == made[:-1]
    with_change = len(off.requests(QUERY))
    assert await changed(reading, until=until) == made[1:-1]
    assert abs(len(off.requests(QUERY)) - 2 * with_change) <= 3


@pytest.mark.parametrize(
    ("body", "error"),
    [(b'{"id": "a1", "currency": "E', Transient), (b"[]", Unreadable), (b'{"id": null}', Unreadable)],
    ids=["cut", "a list", "of nobody"],
)
async def test_what_belongs_to_an_object_is_whole_or_it_is_no_record(strange, body, error):
    """Else it stands in the event as it came: nobody can read the event, and the object is not read again."""
    strange.tell("/object-query/accounts/a1", Told(body))
    async with speaking_to(strange) as client:
        with pytest.raises(error):
            await of_applied_refund(client, msgspec.Raw(b'{"Id": "r1", "AccountId": "a1"}'))
