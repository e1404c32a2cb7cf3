"""Ledger and sink together: whatever the order in which documents are read and sent, QAD's open items become Zuora's.

QAD is a model that refuses to allocate what is not open (tests/unit/erp.py); Zuora keeps its own rules
(tests/unit/tenant.py). Nothing may be refused, nothing may stay behind, and each balance must be the same.
"""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.identity import newest_stamp
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.tenant import Tenant
from tests.unit.world import world

property_of_flows = settings(max_examples=150, deadline=None, derandomize=True, report_multiple_bugs=False)
INVOICES, PAYERS = ("i1", "i2"), ("p1", "cm1")


def agree(tenant: Tenant, sink: Sink) -> None:
    """Hold that QAD has what Zuora has. It may refuse what comes too early, if that goes on by itself."""
    assert sink.stuck == [], f"it never came to QAD; refused: {sink.parked}"
    for name in tenant.invoices:
        assert sink.owed(f"invoice:{name}") == tenant.balance(name), name
    for document in tenant.versions:
        kind, _, name = document.partition(":")
        if kind != "invoice":
            assert sink.owed(document) == -tenant.unapplied(name), name


def opened() -> Tenant:
    tenant = Tenant()
    for name in INVOICES:
        tenant.post(name, 100)
    for name in PAYERS:
        tenant.pay(name, 100)
    return tenant


def deliver(tenant: Tenant, picks: Sequence[int], *, eager: Sequence[bool] = (), order: Random | None = None) -> Sink:
    """Read every version in an order of documents, each document's versions in theirs; send as it comes, or late."""
    found = world()
    sink = Sink(found)
    waiting = {document: list(versions) for document, versions in tenant.versions.items()}
    for index, pick in enumerate([*picks, *range(sum(map(len, waiting.values())))]):
        left = [document for document, versions in waiting.items() if versions]
        if not left:
            break
        found.put(waiting[left[pick % len(left)]].pop(0))
        if index < len(eager) and eager[index]:
            sink.run(order=order)
    return sink.run(order=order)


deeds = st.lists(
    st.tuples(
        st.sampled_from(["apply", "unapply"]), st.sampled_from(PAYERS), st.sampled_from(INVOICES), st.integers(10, 100)
    ),
    max_size=7,
)
picks_of = st.lists(st.integers(0, 7), max_size=14)
flags = st.lists(st.booleans(), max_size=14)


@given(deeds, picks_of, flags)
@property_of_flows
def test_money_that_is_only_applied_comes_to_the_same_balances(done, picks, eager):
    tenant = opened()
    for _, payer, invoice, amount in done:
        tenant.apply(payer, invoice, amount)
    agree(tenant, deliver(tenant, picks, eager=eager))


@given(deeds, picks_of, flags, st.integers(0, 10**6))
@property_of_flows
def test_money_that_is_only_applied_may_be_sent_in_any_order(done, picks, eager, seed):
    tenant = opened()
    for _, payer, invoice, amount in done:
        tenant.apply(payer, invoice, amount)
    agree(tenant, deliver(tenant, picks, eager=eager, order=Random(seed)))


def as_it_happens(tenant: Tenant) -> Sink:
    """Read and send each version at once, all documents in the order in which they changed."""
    found = world()
    sink = Sink(found)
    for record in sorted((one for versions in tenant.versions.values() for one in versions), key=newest_stamp):
        found.put(record)
        sink.run()
    return sink


@given(deeds)
@property_of_flows
def test_money_that_is_applied_and_unapplied_comes_to_the_same_balances(done):
    tenant = opened()
    for deed, payer, invoice, amount in done:
        getattr(tenant, deed)(payer, invoice, amount)
    agree(tenant, as_it_happens(tenant))


def test_an_allocation_goes_on_when_the_amount_is_open_again():
    """Payments and memos are polled apart: what uses an amount may be read before what gives it back."""
    tenant = opened()
    tenant.apply("p1", "i2", 100)
    tenant.unapply("p1", "i2", 100)
    tenant.apply("cm1", "i2", 100)
    found = world().put(*tenant.versions["invoice:i1"])
    sink = Sink(found)
    (_, paid, unapplied), (_, credited) = tenant.versions["payment:p1"], tenant.versions["credit_memo:cm1"]
    found.put(*tenant.versions["invoice:i2"], paid, credited)
    assert (sink.run().stuck, sink.parked) == (["allocate:cm1-1"], ["allocate:cm1-1"])
    found.put(unapplied)
    agree(tenant, sink.run())


@given(deeds, flags, st.integers(0, 10**6))
@property_of_flows
def test_money_of_one_payer_may_be_sent_in_any_order(done, eager, seed):
    tenant = opened()
    for deed, _, invoice, amount in done:
        getattr(tenant, deed)("p1", invoice, amount)
    picks = [0] * 30  # each document whole before the next
    agree(tenant, deliver(tenant, picks, eager=eager, order=Random(seed)))


def test_an_unapplication_makes_room_for_what_it_comes_after():
    """Sent before an older application of another payer, a younger one leaves that no room until it is unapplied."""
    tenant = opened()
    tenant.apply("cm1", "i1", 100)
    tenant.unapply("cm1", "i1", 10)
    tenant.apply("p1", "i1", 10)
    found = world().put(*tenant.versions["invoice:i1"], *tenant.versions["payment:p1"])
    sink = Sink(found).run()
    found.put(*tenant.versions["invoice:i2"], *tenant.versions["credit_memo:cm1"])
    agree(tenant, sink.run())


@given(deeds, picks_of, flags, st.integers(0, 10**6))
@property_of_flows
def test_money_of_two_payers_may_be_sent_in_any_order(done, picks, eager, seed):
    tenant = opened()
    for deed, payer, invoice, amount in done:
        getattr(tenant, deed)(payer, invoice, amount)
    agree(tenant, deliver(tenant, picks, eager=eager, order=Random(seed)))


def history(*, amount: int) -> Tenant:
    """Return a tenant in which a paid invoice was unapplied, unposted, posted again and paid again."""
    tenant = Tenant()
    tenant.post("i1", 100)
    tenant.pay("p1", 100)
    tenant.apply("p1", "i1", 100)
    tenant.unapply("p1", "i1", 100)
    tenant.unpost("i1")
    tenant.post("i1", amount)
    tenant.apply("p1", "i1", 100)
    return tenant


# Versions of i1: posted, draft, posted again. Of p1: new, applied, unapplied, applied again. Each word is an order in
# which the poller may come upon them after both were read once; a version that is not named was never seen.
ORDERS = (
    "draft again unapplied applied",
    "draft unapplied again applied",
    "draft again applied",
    "again unapplied applied",
    "again applied",
    "draft again unapplied applied looked",
    "draft again applied looked",
    "again applied looked",
    "draft unapplied applied again",
    "draft applied again",
    "unapplied draft again applied",
    "unapplied draft applied again",
    "unapplied applied draft again",
    "unapplied again applied",
    "unapplied applied again",
    "applied draft again",
    "applied again",
)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("eager", [True, False], ids=["sent at once", "sent late"])
def test_unapplied_unposted_posted_again_and_paid_again(order, eager):
    tenant = history(amount=120)
    first, draft, again = tenant.versions["invoice:i1"]
    _, paid, unapplied, applied = tenant.versions["payment:p1"]
    looked = zuora.payment("100", *tenant.payers["p1"].rows, name="p1", updated="2026-03-20T10:00:00Z", comment="x")
    versions = {"draft": draft, "again": again, "unapplied": unapplied, "applied": applied, "looked": looked}
    found = world().put(first, paid)
    sink = Sink(found).run()
    for word in order.split():
        found.put(versions[word])
        if eager:
            sink.run()
    agree(tenant, sink.run())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["apply", "unapply", "undo", "post"]),
            st.sampled_from(PAYERS),
            st.sampled_from(INVOICES),
            st.integers(10, 200),
        ),
        max_size=10,
    ),
    picks_of,
    flags,
    st.integers(0, 10**6),
)
@property_of_flows
def test_any_history_comes_to_the_same_balances(done, picks, eager, seed):
    tenant = opened()
    for deed, payer, invoice, amount in done:
        if deed == "undo":
            tenant.undo(invoice)
        elif deed == "post" and not tenant.invoices[invoice].posted:
            tenant.post(invoice, amount)
        elif deed != "post":
            getattr(tenant, deed)(payer, invoice, amount)
    agree(tenant, deliver(tenant, picks, eager=eager, order=Random(seed)))


def test_a_part_unapplied_before_the_whole_came_leaves_the_rest_applied():
    tenant = Tenant()
    tenant.post("i1", 100)
    tenant.pay("p1", 100)
    tenant.apply("p1", "i1", 100)
    invoice, (new, applied) = tenant.versions["invoice:i1"][0], tenant.versions["payment:p1"]
    found = world().put(invoice, new)
    sink = Sink(found).run()
    sink.books.adjustments_closed = True
    found.put(applied)
    sink.run()
    tenant.unapply("p1", "i1", 40)
    found.put(tenant.versions["payment:p1"][-1])
    sink.run()
    sink.books.adjustments_closed = False
    sink.release()
    assert sink.owed("invoice:i1") == tenant.balance("i1") == Decimal(40)


def test_a_memo_posted_again_is_undone_whole():
    found = world().put(zuora.simple_invoice(name="i1"), zuora.memo(zuora.memo_item("30.00")))
    sink = Sink(found).run()
    found.put(zuora.memo(zuora.memo_item("40.00"), updated="2026-03-11T10:00:00Z", postedOn="2026-03-11T10:00:00Z"))
    sink.run()
    assert (sink.owed("credit_memo:cm1"), sink.parked, sink.stuck) == (-40, [], [])


def test_a_memo_posted_again_and_applied_anew_in_one_version():
    found = world().put(zuora.simple_invoice(name="i1"), zuora.simple_invoice(name="i2"))
    rows = [
        zuora.row("30.00", to="i1"),
        zuora.row("-30.00", "r2", to="i1", created="2026-03-11T10:00:00Z"),
        zuora.row("40.00", "r3", to="i2", created="2026-03-11T10:02:00Z"),
    ]
    sink = Sink(found.put(zuora.memo(zuora.memo_item("30.00"), rows=rows[:1]))).run()
    late = {"updated": "2026-03-11T10:03:00Z", "postedOn": "2026-03-11T10:01:00Z"}
    found.put(zuora.memo(zuora.memo_item("40.00"), rows=rows, **late))
    sink.run()
    assert (sink.parked, sink.stuck) == ([], [])
    assert (sink.owed("credit_memo:cm1"), sink.owed("invoice:i1"), sink.owed("invoice:i2")) == (0, 100, 60)


def test_what_was_passed_over_counts_again_when_its_document_takes_over_what_it_undoes():
    """The payment is read whole before the invoice is seen posted again: nothing else would look at it once more."""
    tenant = Tenant()
    tenant.post("i1", 100)
    tenant.pay("p1", 100)
    tenant.unpost("i1")
    tenant.post("i1", 11)
    tenant.apply("p1", "i1", 11)
    tenant.unapply("p1", "i1", 11)
    first, draft, again = tenant.versions["invoice:i1"]
    new, applied, unapplied = tenant.versions["payment:p1"]
    found = world().put(first, new, applied, draft, unapplied)
    assert found.standing("payment:p1") == ("ignored", "already_deallocated")
    agree(tenant, Sink(found.put(again)).run())


class _First:
    """An order in which one step is looked at before all others."""

    def __init__(self, step: str) -> None:
        self._step = step

    def shuffle(self, jobs: list) -> None:
        jobs.sort(key=lambda job: job.posting.step != self._step)


def test_an_unapplication_leaves_what_an_earlier_one_of_its_pair_takes_back():
    """Applied, unapplied, applied and unapplied again, with the first still waiting: nothing may stay applied."""
    rows = [
        zuora.row(amount, name, created=f"2026-03-{day}T10:00:00Z")
        for amount, name, day in (("50.00", "r1", 11), ("-50.00", "r2", 12), ("50.00", "r3", 13), ("-50.00", "r4", 14))
    ]
    found = world().put(zuora.payment("100.00", rows[0]))
    sink = Sink(found).run()
    found.put(zuora.payment("100.00", *rows, updated="2026-03-14T10:00:00Z"))
    sink.run(order=_First("deallocate:r4"))
    found.put(zuora.simple_invoice())
    sink.run()
    assert (sink.stuck, sink.open_of("invoice:inv1"), sink.open_of("payment:pay1")) == ([], 100, 100)
