"""Polling page by page: nothing that changed is skipped, whatever moves meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.zuora.reading.objects import ZuoraObjects
from schemas.errors import Transient
from schemas.records import RecordKind
from streams.identity import moment_of
from tests.adapters.ground import given
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import MemoryLog, poller, speaking_to

INVOICE = RecordKind.INVOICE
INVOICES = "^/object-query/invoices$"
# More than two pages.
MANY = 230


@pytest.fixture
def log():
    return MemoryLog()


# -- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cursors", ["offset", "keyset"])
async def test_a_second_that_holds_more_rows_than_a_page_is_read_whole(zuora, log, cursors):
    zuora.use(cursors={"invoices": cursors})
    zuora.bill_run(MANY)
    zuora.later(days=30)
    await poller(await zuora.client(), log).round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)
    assert len(set(log.ids(INVOICE))) == MANY


@pytest.mark.parametrize("before", [1, 98, 99, 100])
async def test_a_full_second_is_read_whole_wherever_the_page_ends(zuora, log, before):
    zuora.every_second(before)
    zuora.bill_run(150)
    zuora.every_second(3)
    zuora.later(days=30)
    await poller(await zuora.client(), log).round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


async def test_rows_that_change_while_they_are_paged_let_none_be_skipped(zuora, log):
    """Each page's first row moves to the end once it was shown, and all behind it move up."""
    zuora.every_second(MANY)
    zuora.later(days=30)
    armed = zuora.arm("row_shift", INVOICES)
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert armed.fired >= 2
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)
    zuora.sandbox.faults.disarm()
    zuora.later(minutes=5)
    await polling.round()
    for invoice in zuora.tenant.invoices.latest.values():
        assert moment_of(log.newest(INVOICE, invoice.id)["updatedDate"]) == invoice.updated_date.utc()


async def test_a_row_that_leaves_the_window_before_it_was_shown_comes_with_the_next(zuora, log):
    last = zuora.every_second(MANY)[-1]
    zuora.later(days=30)
    zuora.after_answer(INVOICES, lambda: zuora.payment(last))
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert last.id not in log.ids(INVOICE)
    zuora.later(minutes=5)
    await polling.round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


async def test_a_full_second_whose_rows_change_while_they_are_paged_is_read_whole(zuora, log):
    zuora.bill_run(MANY)
    zuora.later(days=30)
    armed = zuora.arm("row_shift", INVOICES)
    polling = poller(await zuora.client(), log)
    await polling.round()
    zuora.later(minutes=5)
    await polling.round()
    given(armed.fired >= 2, "rows changed between pages")
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


@pytest.mark.parametrize("page_size_max", [50, 99])
async def test_an_sdk_that_still_says_fifty(zuora, log, quick, page_size_max):
    """A tenant that takes no 99 rows is an error that is said, never a short list."""
    zuora.use(page_size_max=page_size_max)
    zuora.every_second(60)
    zuora.later(minutes=5)
    await poller(await zuora.client(), log).round()
    assert len(log.ids(INVOICE)) == (60 if page_size_max == 99 else 0)
    assert (INVOICE in log.cursors) == (page_size_max == 99)


async def test_a_row_that_becomes_visible_late_in_a_full_second_is_read(zuora, log):
    """It takes its place among those that were shown, and pushes none out."""
    zuora.bill_run(MANY)
    armed = zuora.arm("late_commit", "^create_invoice$|^post_invoice$", seconds=86_400)
    late = zuora.invoice()
    zuora.later(hours=23)
    zuora.after_answer(INVOICES, lambda: zuora.later(hours=2))
    await poller(await zuora.client(), log).round()
    assert armed.fired > 0
    assert late.id in log.ids(INVOICE)
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


async def test_a_full_second_that_stays_as_it_is_is_walked_twice(zuora, log):
    zuora.bill_run(MANY)
    zuora.later(days=30)
    await poller(await zuora.client(), log).round()
    # One page to find the second, one that it fills, twice three pages of it, and one to see that nothing is behind.
    assert len(zuora.requests(INVOICES)) == 1 + 1 + 2 * 3 + 1
    assert len(log.ids(INVOICE)) == MANY


async def test_a_second_without_an_order_comes_to_an_end(strange, log, monkeypatch):
    monkeypatch.setattr("adapters.zuora.reading.changes._WALKS_MAX", 3)
    row = '{{"id": "i{}", "updatedDate": "2026-03-01T10:00:00Z"}}'
    first = '{{"nextPage": "{}", "data": [{}]}}'
    # Each walk of two pages shows other rows than the one before.
    walks = [
        (first.format(f"c{number}", row.format(number)), f'{{"data": [{row.format(number + 1)}]}}')
        for number in range(1, 20, 2)
    ]
    told = [first.format("c0", row.format(0)), *(page for walk in walks for page in walk)]
    strange.tell("/object-query/invoices", *(Told(page.encode()) for page in told))
    async with speaking_to(strange) as client:
        objects = ZuoraObjects(client, "acme")
        second = datetime(2026, 3, 1, 10, tzinfo=UTC)
        with pytest.raises(Transient, match="never come twice"):
            [headers async for headers in objects.changed(INVOICE, since=second, until=second + timedelta(days=1))]
    assert strange.times("/object-query/invoices") == 1 + 2 * 3
