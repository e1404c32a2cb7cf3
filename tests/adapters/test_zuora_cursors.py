"""Cursors of the polls: they move behind what was acknowledged, never back, and each kind by itself."""

from datetime import timedelta
from itertools import pairwise

import pytest

from schemas.errors import Transient
from schemas.records import RecordKind
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import NOON, START, poller

ACCOUNT, INVOICE, PAYMENT = RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.PAYMENT
INVOICES = "^/object-query/invoices$"
# More than two pages.
MANY = 230


async def test_a_cursor_moves_only_after_what_is_before_it(zuora, log):
    zuora.every_second(MANY)
    zuora.later(minutes=5)
    await poller(await zuora.client(), log).round()
    stamps = {row.id: row.updated_date.utc() for row in zuora.tenant.invoices.latest.values()}
    kept, moves = set(), [moment for kind, moment in log.moves if kind == INVOICE]
    for kind, what in log.deeds:
        if kind == INVOICE and what == "moved":
            moment = moves.pop(0)
            assert {name for name, stamp in stamps.items() if stamp < moment} <= kept
        elif kind == INVOICE:
            kept.add(what)
    assert moves == []


@pytest.mark.parametrize("page", [0, 1, 2])
async def test_what_the_broker_did_not_take_is_read_again(zuora, log, page):
    zuora.every_second(MANY)
    zuora.later(minutes=30)
    pages = []

    def fails(records):
        if not records or records[0].kind != INVOICE:
            return None
        pages.append(records)
        return Transient("the broker is away") if len(pages) == page + 1 else None

    log.fails = fails
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert len(log.ids(INVOICE)) < MANY
    assert log.cursors.get(INVOICE, START) < NOON + timedelta(seconds=MANY)
    await polling.round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


async def test_a_backfill_that_was_stopped_goes_on_where_it_was(zuora, log):
    for day in range(1, 200):
        zuora.sandbox.clock.set(START + timedelta(hours=6 * day), running=False)
        zuora.invoice()
    zuora.sandbox.clock.set(NOON, running=False)
    log.fails = lambda _records: KeyboardInterrupt() if len(log.ids(INVOICE)) > 90 else None
    with pytest.raises(KeyboardInterrupt):
        await poller(await zuora.client(), log).round()
    stopped_at = log.cursors[INVOICE]
    assert START < stopped_at < NOON
    before = len(zuora.requests(INVOICES))
    log.fails = lambda _records: None
    await poller(await zuora.client(), log).round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)
    begun = (stopped_at - timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert f"updateddate.GE:{begun}" in zuora.requests(INVOICES)[before].query.replace("%3A", ":")


async def test_a_cursor_never_goes_back(zuora, log):
    polling = poller(await zuora.client(), log)
    for _ in range(3):
        zuora.every_second(120)
        zuora.later(minutes=3)
        await polling.round()
    moves = [moment for kind, moment in log.moves if kind == INVOICE]
    assert all(earlier <= later_ for earlier, later_ in pairwise(moves))


async def test_a_page_that_fails_stops_its_kind_alone_and_comes_again(zuora, log, quick, heard):
    invoices = zuora.every_second(120)
    zuora.payment(invoices[0])
    zuora.later(minutes=5)
    armed = zuora.arm("page_fails", INVOICES, page=1, count=5)
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert armed.fired == 5
    assert (log.ids(INVOICE), len(log.ids(PAYMENT)), len(log.ids(ACCOUNT))) == ([], 1, 1)
    assert INVOICE not in log.cursors
    assert "poll failed" in heard()
    await polling.round()
    assert set(log.ids(INVOICE)) == {invoice.id for invoice in invoices}


async def test_a_second_page_that_fails_keeps_the_first(zuora, log, quick):
    zuora.every_second(120)
    zuora.later(minutes=5)
    armed = zuora.arm("http_500", INVOICES, after=1, count=5)
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert armed.fired == 5
    assert len(log.ids(INVOICE)) == 99
    assert log.cursors[INVOICE] == NOON + timedelta(seconds=99)
    await polling.round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


async def test_a_cursor_that_zuora_lost_is_an_error_that_the_next_round_mends(zuora, log, quick):
    zuora.bill_run(MANY)
    zuora.later(minutes=5)
    armed = zuora.arm("cursor_lost", INVOICES, count=1)
    polling = poller(await zuora.client(), log)
    await polling.round()
    assert armed.fired == 1
    assert INVOICE not in log.cursors or log.cursors[INVOICE] <= NOON
    await polling.round()
    assert set(log.ids(INVOICE)) == set(zuora.tenant.invoices.latest)


async def test_one_object_that_cannot_be_read_keeps_no_other_back(zuora, log, quick):
    first, *others = [zuora.payment(zuora.invoice()) for _ in range(4)]
    zuora.later(minutes=5)
    armed = zuora.arm("http_500", f"^/v1/payments/{first.id}/parts$")
    polling = poller(await zuora.client(), log)
    await polling.round()
    given(armed.fired == 5, "one object could not be read")
    assert set(log.ids(PAYMENT)) == {payment.id for payment in others}


async def test_credit_memos_are_polled(zuora, log):
    memo = zuora.credit_memo(zuora.invoice())
    zuora.later(minutes=5)
    await poller(await zuora.client(), log).round()
    assert log.ids(RecordKind.CREDIT_MEMO) == [memo.id]


async def test_each_page_is_a_sign_of_life(zuora, log):
    zuora.every_second(120)
    zuora.later(minutes=5)
    signs = []
    await poller(await zuora.client(), log, moved=lambda: signs.append(len(log.kept))).round()
    assert len(signs) >= 3
