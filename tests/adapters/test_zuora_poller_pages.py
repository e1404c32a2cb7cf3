"""Polling page by page: nothing that changed is skipped, whatever moves meanwhile."""

import pytest

from schemas.records import RecordKind
from streams.identity import moment_of
from tests.adapters.defects import given
from tests.adapters.zuora_tenant import MemoryLog, poller

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
