"""Polling a tenant in trouble: rows come, change and go between two pages, pages fail, clocks change; nothing is lost.

Everything is read in the end, in its newest version, and what is gone is known to be gone.
"""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sandbox.zuora.acts import delete_invoice, unpost_invoice
from schemas.records import RecordKind
from streams.identity import moment_of
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import MemoryLog, poller, rereading

INVOICE = RecordKind.INVOICE
INVOICES = "^/object-query/invoices$"


@pytest.fixture
def log():
    return MemoryLog()


class Business:
    """People who post, touch and delete invoices between two answers of Zuora."""

    def __init__(self, zuora, seed, deeds):
        self.zuora, self.draw, self.left = zuora, random.Random(seed), deeds
        self.done = Counter()
        self._next()

    def _next(self):
        if self.left:
            self.left -= 1
            self.zuora.after_answer(INVOICES, self._deed)

    def _deed(self):
        rows = list(self.zuora.tenant.invoices.latest.values())
        what = self.draw.choice(("touch", "touch", "insert", "delete", "draft", "later"))
        self.done[what] += 1
        match what:
            case "touch":
                for row in self.draw.sample(rows, 3):
                    self.zuora.touch(row)
            case "insert":
                self.zuora.invoice()
            case "draft":
                self.zuora.invoice(post=False)
            case "delete":
                for row in self.draw.sample(rows, 3):
                    if row.status == "Posted" and row.balance == row.amount:
                        unpost_invoice(self.zuora.tenant, invoice=row.id)
                    if self.zuora.tenant.invoices.latest[row.id].status == "Draft":
                        delete_invoice(self.zuora.tenant, invoice=row.id)
            case "later":
                self.zuora.later(seconds=1)
        self._next()


def newest(log):
    """Return the newest stamp that was kept of each invoice that is not known to be gone."""
    stamps = {}
    for record in log.kept:
        if record.kind == INVOICE and record.deleted:
            stamps.pop(record.id, None)
        elif record.kind == INVOICE:
            moment = moment_of(log.newest(INVOICE, record.id).get("updatedDate"))
            stamps[record.id] = moment
    return stamps


def as_it_is(zuora):
    return {row.id: row.updated_date.utc() for row in zuora.tenant.invoices.latest.values()}


@pytest.mark.parametrize("cursors", ["offset", "keyset"])
@pytest.mark.parametrize("one_second", [True, False], ids=["one second", "many seconds"])
@pytest.mark.parametrize("seed", range(4))
async def test_rows_that_come_change_and_go_while_they_are_paged(zuora, log, cursors, one_second, seed):
    zuora.use(cursors={"invoices": cursors})
    if one_second:
        zuora.bill_run(230)
    else:
        zuora.every_second(230)
    zuora.later(minutes=20)
    client = await zuora.client()
    polling, again = poller(client, log), rereading(client, log, seed=seed, deletions_max=200)
    business = Business(zuora, seed, deeds=25)
    for _ in range(20):
        await polling.round()
        await again.round()
        zuora.later(minutes=5)
        if not business.left and newest(log) == as_it_is(zuora):
            break
    given(business.left == 0 and business.done["delete"] and business.done["touch"], "business went on meanwhile")
    assert newest(log) == as_it_is(zuora)


# How often a page must fail until a round gives up; a body that is whole by its length and no JSON is not asked for
# again, and a connection that was cut is opened once more by the client below ours.
GIVES_UP = {
    "http_500": 5,
    "http_503": 5,
    "cut_body": 5,
    "html_page": 5,
    "too_many_requests": 5,
    "reset": 10,
    "truncated_json": 1,
}
TROUBLES = [(fault, tries, 99) for fault, tries in GIVES_UP.items()]
TROUBLES += [(fault, 1, 230) for fault, tries in GIVES_UP.items() if tries > 1]


@pytest.mark.parametrize(("fault", "tries", "read"), TROUBLES)
async def test_a_page_in_the_middle_that_fails_is_read_again(zuora, log, quick, fault, tries, read):
    zuora.every_second(230)
    zuora.later(minutes=10)
    status = {"status": 503} if fault == "html_page" else {}
    armed = zuora.arm(fault, INVOICES, after=1, count=tries, **status)
    polling = poller(await zuora.client(), log)
    await polling.round()
    given(armed.fired == tries, "the second page failed")
    assert len(log.ids(INVOICE)) == read
    assert (INVOICE in polling.failed) == (read == 99)
    await polling.round()
    assert Counter(log.ids(INVOICE)) == dict.fromkeys(zuora.tenant.invoices.latest, 1)
    assert not polling.failed


@pytest.mark.parametrize("fault", ["cut_body", "truncated_json", "http_500"])
async def test_items_that_fail_hold_their_invoice_alone(zuora, log, quick, fault):
    zuora.every_second(20)
    zuora.later(minutes=10)
    armed = zuora.arm(fault, "^/object-query/invoice-items$", share=0.4, count=60)
    polling = poller(await zuora.client(), log)
    for _ in range(20):
        await polling.round()
        zuora.later(seconds=30)
        if not polling.failed:
            break
    given(armed.fired >= 5, "items failed")
    assert Counter(log.ids(INVOICE)) == dict.fromkeys(zuora.tenant.invoices.latest, 1)


NIGHTS = [
    ("America/Los_Angeles", "2026-03-08T08:00:00"),
    ("America/Los_Angeles", "2026-11-01T07:00:00"),
    ("Europe/Berlin", "2026-03-28T23:00:00"),
    ("Europe/Berlin", "2026-10-24T23:00:00"),
    # Half an hour, and the year's end where it comes first.
    ("Australia/Lord_Howe", "2026-04-04T13:00:00"),
    ("Pacific/Kiritimati", "2026-12-31T08:00:00"),
]


@pytest.mark.parametrize(("zone", "night"), NIGHTS)
async def test_nights_in_which_the_tenants_clock_changes(zuora, log, zone, night):
    """Stamps carry the offset of the tenant's zone, another one after the change."""
    zuora.use(time_zone=zone, token_life_s=10**7)
    begun = datetime.fromisoformat(night).replace(tzinfo=UTC)
    client = await zuora.client()
    polling = poller(client, log, start=begun - timedelta(days=1))
    again = rereading(client, log, start=begun - timedelta(days=1))
    made = []
    for minutes in range(0, 300, 20):
        zuora.sandbox.clock.set(begun + timedelta(minutes=minutes), running=False)
        made.append(zuora.invoice(invoice_date=begun.date()).id)
        await client.get("/v1/accounting-codes")
        if minutes % 60 == 0:
            await polling.round()
            await again.round()
    zuora.later(minutes=20)
    await client.get("/v1/accounting-codes")
    await polling.round()
    assert Counter(log.ids(INVOICE)) == dict.fromkeys(made, 1)
    moves = [moment for kind, moment in log.moves if kind == INVOICE]
    assert all(earlier <= later for earlier, later in pairwise(moves))
    offsets = {log.newest(INVOICE, name)["updatedDate"][19:] for name in made}
    assert len(offsets) == (1 if zone == "Pacific/Kiritimati" else 2)


async def test_what_is_stamped_while_zuoras_clock_is_behind_is_found_by_polls(zuora, log):
    """It goes back an hour, and on from there: what is stamped then lies behind the cursor and its overlap.

    But behind no row that was listed, so polls find it; the re-read has nothing to find.
    """
    zuora.use(token_life_s=10**7)
    zuora.every_second(5)
    zuora.later(hours=2)
    client = await zuora.client()
    polling, again = poller(client, log), rereading(client, log)
    await polling.round()
    await again.round()
    zuora.later(hours=-1)
    behind = zuora.invoice()
    zuora.later(minutes=5)
    await client.get("/v1/accounting-codes")
    await polling.round()
    for _ in range(30):
        zuora.later(minutes=10)
        await client.get("/v1/accounting-codes")
        await polling.round()
        await again.round()
    assert {record.found.by for record in log.kept if record.id == behind.id} == {"poll"}


async def test_an_hour_of_maintenance_ends_by_itself(zuora, log, quick):
    """Pages for people in place of every answer, the token's too: the same poller goes on after it."""
    before = zuora.every_second(3)
    zuora.later(minutes=5)
    client = await zuora.client()
    polling = poller(client, log)
    await polling.round()
    cursors, asked = dict(log.cursors), len(zuora.requests())
    away = [zuora.arm("http_503", path) for path in ("", "^/oauth/token$")]
    zuora.sandbox.tokens.revoke()
    during = []
    for _ in range(6):
        zuora.later(minutes=10)
        during.append(zuora.invoice())
        assert await polling.round() == 0
        assert polling.failed
    assert away[0].fired
    assert log.cursors == cursors
    rounds_cost = (len(zuora.requests()) - asked) / 6
    assert rounds_cost < 100, "what is away is not stormed"
    zuora.sandbox.faults.disarm()
    zuora.later(minutes=5)
    # The first round hears the time, the next one reads up to it.
    for _ in range(2):
        await polling.round()
    assert not polling.failed
    assert Counter(log.ids(INVOICE)) == dict.fromkeys((one.id for one in (*before, *during)), 1)
