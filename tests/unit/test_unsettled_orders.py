"""Without Invoice Settlement: what pays, what is owed and what is charged more come in any order."""

from itertools import permutations

import pytest

from schemas.references import Daybook
from tests.unit import builders as zuora
from tests.unit.unsettled import (
    LAST,
    LATER,
    OLD,
    POLICIES,
    adjusted,
    balance,
    charges,
    in_order,
    moved,
    moved_to,
    open_of,
    paid,
)
from tests.unit.world import world


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["receipts"])
@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_a_payment_is_divided_alike_whatever_comes_first(order, policy, restarts):
    records = [zuora.simple_invoice("100.00"), *charges(), paid("165.00", ("r1", "inv1", "165.00"))]
    site = in_order([records[place] for place in order], policy=policy, restarts=restarts)
    before = {"invoice:inv1": 100, "invoice_adjustment:adj1": 50, "invoice_adjustment:adj2": 15}
    # A charge that is known alone takes what is there; which of two it was is no word of Zuora's.
    assert sum(moved_to(site).values()) == 165
    assert moved_to(site)["invoice:inv1"] == 100
    assert site.standing("payment:pay1")[0] in ("", "released")
    if order.index(3) > max(order.index(0), order.index(1), order.index(2)):
        assert moved_to(site) == before
    made = len(site.postings)
    site.put(zuora.replayed("payment:pay1")).restart()
    assert len(site.postings) == made
    site.put(paid("165.00", ("r1", "inv1", "165.00"), status="Canceled", updated=LAST, cancelledOn=LAST))
    assert moved_to(site) == {}


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_a_payment_of_two_invoices_waits_for_the_one_alone(order):
    records = [
        zuora.simple_invoice("100.00"),
        zuora.simple_invoice("40.00", "inv2"),
        adjusted("50.00", kind="Charge"),
        paid("190.00", ("r1", "inv1", "150.00"), ("r2", "inv2", "40.00")),
    ]
    site = in_order([records[place] for place in order])
    assert open_of(site) == {}
    assert moved_to(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50, "invoice:inv2": 40}


def test_a_receipt_does_not_wait_for_the_invoice_that_its_applications_wait_for():
    site = world().put(paid("150.00", ("r1", "inv1", "150.00")))
    assert [one.total for one in site.contents("receipt")] == [150]
    assert site.standing("payment:pay1") == ("waiting", "invoice_not_decided")
    site.put(paid("150.00", ("r1", "inv1", "150.00"), status="Canceled", updated=LATER, cancelledOn=LATER))
    assert site.standing("payment:pay1")[0] == "released"
    site.put(zuora.simple_invoice("100.00"), adjusted("50.00", kind="Charge"))
    assert open_of(site) == {"INV1": 100, "ADJ1": 50, "PAY1": 150}
    assert [posting.step for posting in site.postings if posting.document == "payment:pay1"] == ["document", "inverse"]


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_cash_that_waits_waits_for_the_invoice_and_its_charge(order, restarts):
    records = [
        zuora.simple_invoice("100.00"),
        adjusted("50.00", kind="Charge"),
        paid("150.00", ("r1", "inv1", "150.00")),
    ]
    site = in_order([records[place] for place in order[:2]], policy={"cash_waits": True}, restarts=restarts)
    assert site.contents("receipt") == []
    site.put(records[order[2]])
    [receipt] = [posting for posting in site.postings if posting.document == "payment:pay1" and posting.act == "post"]
    assert sorted(offer.amount for offer in receipt.content.offers) == [50, 100]
    assert set(receipt.after) == {offer.item for offer in receipt.content.offers}


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("first", ["credit", "invoice"])
def test_a_credit_is_applied_whichever_comes_first(first, restarts):
    records = [adjusted("30.00"), zuora.simple_invoice("100.00")]
    site = in_order(records if first == "credit" else records[::-1], restarts=restarts)
    assert open_of(site) == {"INV1": 70}
    site.put(adjusted("30.00", Status="Canceled", updated=LATER))
    assert open_of(site)["INV1"] == 100


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_what_comes_down_is_divided_whatever_comes_first(order):
    up = moved("Increase", "130", "m1", document="minus", created="2026-03-10T10:00:00Z")
    down = moved("Decrease", "130", "m2", document="inv1", created="2026-03-10T10:00:01Z")
    records = [
        zuora.simple_invoice("-130.00", "minus"),
        zuora.simple_invoice("100.00"),
        adjusted("50.00", kind="Charge"),
        balance(up, down),
    ]
    site = in_order([records[place] for place in order])
    assert moved_to(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 30}
    site.put(balance(up, {**down, "Status": "Canceled", "UpdatedDate": LATER}, updated=LATER))
    assert moved_to(site) == {}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("what", ["zero", "journal"])
def test_what_pays_an_invoice_without_an_item_finds_its_charges_whatever_comes_first(what, order):
    lines = [zuora.item("100.00", "a"), zuora.item("-100.00", "b", accountingCode="Usage")]
    invoice = zuora.simple_invoice("0.00") if what == "zero" else zuora.invoice(*lines)
    records = [invoice, adjusted("50.00", kind="Charge", total="0"), paid("50.00", ("r1", "inv1", "50.00"))]
    site = world(policy={"zero_total": "journal"}, daybooks=zuora.ALL_DAYBOOKS)
    site.put(Daybook(code="ZJRN", active=True), *(records[place] for place in order))
    assert moved_to(site) == {"invoice_adjustment:adj1": 50}


def test_what_pays_an_invoice_that_parks_goes_on_with_it():
    strange = zuora.invoice(zuora.item("100.00", accountingCode="Nobody's"))
    site = world().put(strange, paid("100.00", ("r1", "inv1", "100.00")))
    assert site.standing("payment:pay1") == ("waiting", "invoice_not_decided")
    site.put(zuora.simple_invoice("100.00", updated=LATER))
    assert open_of(site) == {}


# -- what others loaded ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["receipts"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_what_pays_an_opening_and_its_charge_is_divided_whatever_comes_first(order, policy, restarts):
    records = [
        zuora.simple_invoice("100.00", **OLD),
        adjusted("50.00", kind="Charge"),
        paid("150.00", ("r1", "inv1", "150.00")),
    ]
    site = in_order([records[place] for place in order], policy=policy, restarts=restarts)
    assert moved_to(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}
    assert len(site.contents("opening")) == 1
    made = len(site.postings)
    site.put(zuora.replayed("payment:pay1")).restart()
    assert len(site.postings) == made


def test_an_opening_that_was_paid_in_part_before_takes_what_its_charge_leaves():
    """Of 100 others loaded 60: QAD alone knows that, and the charge takes what it holds first."""
    site = world().put(zuora.simple_invoice("100.00", **OLD), adjusted("50.00", kind="Charge"))
    site.put(paid("110.00", ("r1", "inv1", "110.00")))
    assert moved_to(site) == {"invoice:inv1": 60, "invoice_adjustment:adj1": 50}


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_an_opening_is_paid_with_what_it_was_charged_before_the_cut_over(order, restarts):
    before = {"AdjustmentDate": "2025-12-20", "CreatedDate": "2025-12-20T10:00:00Z"}
    records = [
        zuora.simple_invoice("100.00", **OLD),
        adjusted("50.00", kind="Charge", **before),
        paid("150.00", ("r1", "inv1", "150.00")),
    ]
    site = in_order([records[place] for place in order], restarts=restarts)
    assert site.standing("invoice_adjustment:adj1") == ("ignored", "before_cut_over")
    assert moved_to(site) == {"invoice:inv1": 150}


def test_a_payment_from_before_the_cut_over_waits_for_no_invoice():
    site = world().put(
        paid("30.00", ("r1", "inv1", "30.00"), effectiveDate="2025-12-20", createdDate=OLD["postedDate"])
    )
    assert site.standing("payment:pay1") == ("ignored", "before_cut_over")
