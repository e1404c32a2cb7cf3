"""Without Invoice Settlement: an invoice that is posted anew shares what pays it with its charges."""

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest

from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.unsettled import LAST, LATER, POLICIES, adjusted, balance, charges, in_order, moved, paid
from tests.unit.world import world


def paid_last(amount, *, name="pay1", to="inv1", updated=LATER, **more):
    """Return a payment that Zuora applied after the invoice was posted anew."""
    row = {"Id": f"r-{name}", "InvoiceId": to, "Amount": Decimal(amount), "CreatedDate": LAST}
    payment = paid(amount, name=name, updated=updated, **more)
    return msgspec.structs.replace(payment, children={"invoice_payments": [zuora.raw(row)]})


def anew(total, *, updated=LATER):
    """Return the invoice as it was posted anew."""
    return zuora.simple_invoice(total, updated=updated, postedDate=updated)


def stands_on(site):
    """Return what stands applied to the newest posting of each document; nothing may stand on an older one."""
    stands, newest = {}, {posting.document: posting for posting in site.postings if posting.act == "post"}
    for one in site.contents("allocation"):
        if one.payer_document != one.item_document:
            stands[one.item] = stands.get(one.item, Decimal(0)) + (-1 if one.reopens else 1) * one.amount
    found = {document: stands.pop(posting.id, Decimal(0)) for document, posting in newest.items()}
    assert not any(stands.values())
    return {document: amount for document, amount in found.items() if amount}


def orders_of(count):
    """Return all orders in which an invoice is read before it is read as it was posted anew."""
    return [order for order in permutations(range(count)) if order.index(0) < order.index(1)]


def test_what_moves_to_an_invoice_that_was_posted_anew_over_less_is_divided():
    """The invoice was unposted, posted over less, charged and paid in Zuora; its payment is read first."""
    site = world().put(zuora.simple_invoice("150.00"), paid_last("150.00"))
    site.put(anew("100.00"))
    assert site.standing("payment:pay1") == ("waiting", "more_than_charged")
    site.put(adjusted("50.00", kind="Charge", CreatedDate=LATER))
    assert stands_on(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["receipts"])
@pytest.mark.parametrize("was", ["80.00", "120.00", "150.00", "200.00"])
@pytest.mark.parametrize("order", orders_of(4), ids=str)
def test_an_invoice_that_was_posted_anew_is_paid_with_its_charge_whatever_comes_first(order, was, policy, restarts):
    records = [zuora.simple_invoice(was), anew("100.00"), paid_last("150.00")]
    records.append(adjusted("50.00", kind="Charge", CreatedDate=LATER))
    site = in_order([records[index] for index in order], policy=policy, restarts=restarts)
    sink = Sink(site).run()
    assert sink.stuck == []
    assert stands_on(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}
    assert site.standing("payment:pay1")[0] in ("", "released")
    made = len(site.postings)
    site.restart()
    site.put(*(zuora.replayed(name) for name in ("invoice:inv1", "payment:pay1")))
    assert len(site.postings) == made
    site.put(paid_last("150.00", status="Canceled", updated=LAST, cancelledOn=LAST))
    assert sink.run().stuck == []
    assert stands_on(site) == {}


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("was", ["60.00", "90.00", "130.00", "200.00"])
@pytest.mark.parametrize("order", orders_of(5), ids=str)
def test_two_that_pay_an_invoice_that_was_posted_anew_share_it_and_its_charge(order, was, restarts):
    records = [zuora.simple_invoice(was), anew("100.00"), paid_last("70.00"), paid_last("60.00", name="pay2")]
    records.append(adjusted("50.00", kind="Charge", CreatedDate=LATER))
    site = in_order([records[index] for index in order], restarts=restarts)
    sink = Sink(site).run()
    assert sink.stuck == []
    assert sum(stands_on(site).values()) == 130
    assert (sink.open_of("payment:pay1"), sink.open_of("payment:pay2")) == (0, 0)
    assert sink.owed("invoice:inv1") + sink.owed("invoice_adjustment:adj1") == 20
    assert {site.standing(f"payment:pay{n}")[0] for n in (1, 2)} <= {"", "released"}


@pytest.mark.parametrize("order", orders_of(4), ids=str)
def test_what_pays_a_part_of_an_invoice_that_was_posted_anew_stays_on_it(order):
    records = [zuora.simple_invoice("150.00"), anew("100.00"), paid_last("90.00")]
    records.append(adjusted("50.00", kind="Charge", CreatedDate=LATER))
    site = in_order([records[index] for index in order])
    assert Sink(site).run().stuck == []
    assert stands_on(site) == {"invoice:inv1": 90}


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("totals", [("120.00", "40.00"), ("40.00", "130.00"), ("90.00", "70.00")], ids=str)
def test_what_was_divided_is_divided_again_each_time_its_invoice_is_posted_anew(totals, restarts):
    first, second = totals
    stamps = ("2026-03-11T11:00:00Z", "2026-03-11T12:00:00Z")
    records = [zuora.simple_invoice("110.00"), *charges(), paid_last("150.00")]
    site = in_order([*records, anew(first, updated=stamps[0])], restarts=restarts)
    site.put(adjusted("80.00", "adj3", kind="Charge", CreatedDate=LATER), anew(second, updated=stamps[1]))
    if restarts:
        site.restart()
    sink = Sink(site).run()
    assert sink.stuck == []
    assert sum(stands_on(site).values()) == 150
    assert sink.open_of("payment:pay1") == 0
    made = len(site.postings)
    site.restart()
    site.put(zuora.replayed("payment:pay1"), zuora.replayed("invoice:inv1"))
    assert len(site.postings) == made


def test_a_credit_on_an_invoice_that_was_posted_anew_over_less_is_divided():
    credit = adjusted("120.00", "adj2", CreatedDate=LAST)
    site = world().put(zuora.simple_invoice("150.00"), credit, anew("100.00"))
    assert site.standing("invoice_adjustment:adj2") == ("waiting", "more_than_charged")
    site.put(adjusted("50.00", kind="Charge", CreatedDate=LATER))
    assert Sink(site).run().stuck == []
    assert stands_on(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 20}


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("order", orders_of(4), ids=str)
def test_what_came_down_onto_an_invoice_that_was_posted_anew_over_less_is_divided(order, restarts):
    up = moved("Increase", "150", "m1", document="minus", created="2026-03-12T10:00:00Z")
    down = moved("Decrease", "150", "m2", document="inv1", created="2026-03-12T10:00:02Z")
    records = [zuora.simple_invoice("150.00"), anew("100.00"), balance(up, down)]
    records.append(adjusted("50.00", kind="Charge", CreatedDate=LATER))
    minus = zuora.simple_invoice("-150.00", "minus")
    site = in_order([minus, *(records[index] for index in order)], restarts=restarts)
    sink = Sink(site).run()
    assert sink.stuck == []
    assert stands_on(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}
    made = len(site.postings)
    site.restart()
    site.put(zuora.replayed("credit_balance:acc1"), zuora.replayed("invoice:inv1"))
    assert len(site.postings) == made
    ended = "2026-03-13T10:00:00Z"
    site.put(balance(up, {**down, "Status": "Canceled", "UpdatedDate": ended}, updated=ended))
    assert sink.run().stuck == []
    assert stands_on(site) == {}


def test_what_a_cancelled_charge_took_of_an_invoice_that_was_posted_anew_goes_to_the_next():
    site = world().put(zuora.simple_invoice("150.00"), paid_last("150.00"), anew("100.00"))
    site.put(adjusted("50.00", kind="Charge", CreatedDate=LATER), adjusted("60.00", "adj2", kind="Charge"))
    site.put(adjusted("50.00", kind="Charge", CreatedDate=LATER, Status="Canceled", updated=LAST))
    assert Sink(site).run().stuck == []
    assert stands_on(site) == {"invoice:inv1": 100, "invoice_adjustment:adj2": 50}


def test_with_invoice_settlement_what_moves_to_an_invoice_that_was_posted_anew_moves_whole():
    """What makes room is read later; each application has its posting at once."""
    row = zuora.row("150.00", created=LAST)
    site = world().put(zuora.simple_invoice("150.00"), zuora.payment("150.00", row, updated=LATER), anew("100.00"))
    assert stands_on(site) == {"invoice:inv1": 150}
    assert site.standing("payment:pay1")[0] == ""
