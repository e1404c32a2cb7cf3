"""What waits for room and finds it, and what a cancelled charge or reversal frees, without Invoice Settlement."""

from decimal import Decimal

import msgspec
import pytest

from schemas.postings import AllocationContent
from schemas.references import Daybook
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.unsettled import LAST, LATER, POLICIES, adjusted, balance, in_order, moved, open_of, paid
from tests.unit.world import world


def test_a_payment_that_waits_for_room_and_is_voided_is_done():
    site = world().put(zuora.simple_invoice("100.00"))
    site.put(paid("100.00", ("r1", "inv1", "100.00")))
    site.put(paid("100.00", ("r2", "inv1", "100.00"), name="pay2"))
    assert site.standing("payment:pay2") == ("waiting", "more_than_charged")
    site.put(paid("100.00", ("r2", "inv1", "100.00"), name="pay2", status="Canceled", updated=LATER, cancelledOn=LATER))
    assert site.standing("payment:pay2")[0] in ("", "released"), site.standing("payment:pay2")


def test_a_credit_that_waits_for_room_and_is_cancelled_is_done():
    site = world().put(zuora.simple_invoice("100.00"))
    site.put(paid("100.00", ("r1", "inv1", "100.00")))
    site.put(adjusted("10.00"))
    assert site.standing("invoice_adjustment:adj1") == ("waiting", "more_than_charged")
    site.put(adjusted("10.00", Status="Canceled", updated=LATER))
    assert site.standing("invoice_adjustment:adj1")[0] in ("", "released"), site.standing("invoice_adjustment:adj1")


def test_what_waits_for_room_goes_on_when_the_invoice_is_posted_anew_with_more():
    site = world().put(zuora.simple_invoice("100.00"))
    site.put(paid("150.00", ("r1", "inv1", "150.00"), updated=LATER))
    assert site.standing("payment:pay1") == ("waiting", "more_than_charged")
    site.put(zuora.simple_invoice("150.00", updated=LATER, postedDate=LATER))
    site.put(zuora.account(updated=LATER))
    assert open_of(site).get("PAY1") is None, (site.standing("payment:pay1"), open_of(site))


@pytest.mark.parametrize("gone", ["voided", "refunded", "credit"])
def test_what_waits_for_room_goes_on_when_something_comes_off_a_charge(gone):
    site = world().put(zuora.simple_invoice("100.00"), adjusted("50.00", kind="Charge"))
    row = ("r2", "inv1", "50.00")
    first = adjusted("50.00", "adj2") if gone == "credit" else paid("50.00", row, name="pay2")
    site.put(paid("100.00", ("r1", "inv1", "100.00")), first)
    site.put(paid("50.00", ("r3", "inv1", "50.00"), name="pay3"))
    assert site.standing("payment:pay3") == ("waiting", "more_than_charged")
    site.put(
        {
            "voided": paid("50.00", row, name="pay2", status="Canceled", updated=LATER, cancelledOn=LATER),
            "refunded": paid("50.00", row, name="pay2", updated=LATER, refundAmount=Decimal("50.00")),
            "credit": adjusted("50.00", "adj2", Status="Canceled", updated=LATER),
        }[gone]
    )
    assert site.standing("payment:pay3")[0] == "released"


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["receipts"])
@pytest.mark.parametrize("charge_first", [True, False], ids=["charge first", "room first"])
@pytest.mark.parametrize("gone", ["payment", "credit"])
def test_what_lies_on_a_charge_that_is_cancelled_goes_to_what_is_left_of_its_invoice(
    gone, charge_first, policy, restarts
):
    row = ("r1", "inv1", "60.00")
    first = adjusted("60.00", "adj2") if gone == "credit" else paid("60.00", row)
    end = (
        adjusted("60.00", "adj2", Status="Canceled", updated=LATER)
        if gone == "credit"
        else paid("60.00", row, status="Canceled", updated=LATER, cancelledOn=LATER)
    )
    records = [zuora.simple_invoice("100.00"), adjusted("50.00", kind="Charge"), first]
    records.append(paid("90.00", ("r2", "inv1", "90.00"), name="pay2"))
    ends = [adjusted("50.00", kind="Charge", Status="Canceled", updated=LAST), end]
    site = in_order([*records, *(ends if charge_first else ends[::-1])], policy=policy, restarts=restarts)
    sink = Sink(site).run()
    assert sink.stuck == []
    assert (sink.owed("invoice:inv1"), sink.open_of("payment:pay2")) == (10, 0)
    assert site.standing("payment:pay2")[0] in ("", "released")
    made = len(site.postings)
    site.put(zuora.replayed("payment:pay2")).restart()
    assert len(site.postings) == made
    site.put(paid("90.00", ("r2", "inv1", "90.00"), name="pay2", status="Canceled", updated=LAST, cancelledOn=LAST))
    assert sink.run().stuck == []
    assert sink.owed("invoice:inv1") == 100


def test_what_came_down_onto_a_charge_that_is_cancelled_goes_to_what_is_left_of_its_invoice():
    site = world().put(zuora.simple_invoice("100.00"), zuora.simple_invoice("-90.00", "minus"))
    site.put(adjusted("50.00", kind="Charge"), adjusted("60.00", "adj2"))
    up = moved("Increase", "90", "m1", document="minus", created="2026-03-10T10:00:01Z")
    down = moved("Decrease", "90", "m2", document="inv1", created="2026-03-10T10:00:02Z")
    site.put(balance(up, down), adjusted("60.00", "adj2", Status="Canceled", updated=LATER))
    site.put(adjusted("50.00", kind="Charge", Status="Canceled", updated=LAST))
    sink = Sink(site).run()
    assert (sink.owed("invoice:inv1"), sink.owed("invoice:minus")) == (10, 0)
    made = len(site.postings)
    site.put(zuora.replayed("credit_balance:acc1"), zuora.replayed("invoice:inv1")).restart()
    assert len(site.postings) == made
    site.put(balance(up, {**down, "Status": "Canceled", "UpdatedDate": LAST}, updated=LAST))
    sink.run()
    assert (sink.owed("invoice:inv1"), abs(sink.owed("invoice:minus"))) == (100, 90)


def test_what_came_down_onto_two_charges_that_are_cancelled_one_after_the_other_follows_each():
    site = world().put(zuora.simple_invoice("100.00"), zuora.simple_invoice("-90.00", "minus"))
    site.put(
        adjusted("30.00", "adj1", kind="Charge"), adjusted("20.00", "adj10", kind="Charge"), adjusted("60.00", "cr")
    )
    up = moved("Increase", "90", "m1", document="minus", created="2026-03-10T10:00:01Z")
    down = moved("Decrease", "90", "m2", document="inv1", created="2026-03-10T10:00:02Z")
    site.put(balance(up, down), adjusted("60.00", "cr", Status="Canceled", updated=LATER))
    sink = Sink(site).run()
    assert (sink.owed("invoice:inv1"), sink.owed("invoice_adjustment:adj10")) == (60, 0)
    site.put(adjusted("30.00", "adj1", kind="Charge", Status="Canceled", updated=LATER)).restart()
    site.put(adjusted("20.00", "adj10", kind="Charge", Status="Canceled", updated=LAST))
    sink.run()
    assert (sink.owed("invoice:inv1"), sink.owed("invoice:minus"), sink.stuck) == (10, 0, [])


def test_what_pays_an_invoice_of_nothing_goes_to_its_charges():
    site = world().put(zuora.simple_invoice("0.00"), adjusted("50.00", kind="Charge", total="0"))
    site.put(paid("50.00", ("r1", "inv1", "50.00")))
    assert [one.item_document for one in site.contents("allocation")] == ["invoice_adjustment:adj1"]


def test_what_pays_an_invoice_whose_lines_cancel_goes_to_its_charges():
    site = world(policy={"zero_total": "journal"}, daybooks=zuora.ALL_DAYBOOKS)
    site.put(Daybook(code="ZJRN", active=True))
    site.put(zuora.invoice(zuora.item("100.00", "a"), zuora.item("-100.00", "b", accountingCode="Usage")))
    assert site.contents("journal")
    site.put(adjusted("50.00", kind="Charge", total="0"), paid("50.00", ("r1", "inv1", "50.00")))
    assert [one.item_document for one in site.contents("allocation")] == ["invoice_adjustment:adj1"]


def test_an_invoice_that_others_loaded_is_paid_whole():
    old = {"invoiceDate": "2025-12-15", "dueDate": "2026-01-15", "postedDate": "2025-12-15T10:00:00Z"}
    site = world().put(zuora.simple_invoice("100.00", **old), paid("60.00", ("r1", "inv1", "60.00")))
    assert [one.item_document for one in site.contents("allocation")] == ["invoice:inv1"]


def test_a_row_that_a_reversal_freed_is_not_posted_again_under_another_mapping():
    site = world().put(zuora.simple_invoice("100.00"), zuora.simple_invoice("-50.00", "minus"))
    site.put(Daybook(code="ZAD2", active=True))
    up = moved("Increase", "50", "m2", document="minus", created="2026-03-10T10:00:01Z")
    down = moved("Decrease", "30", "m3", document="inv1", created="2026-03-10T10:00:02Z")
    site.put(balance(up, down))
    site.put(zuora.draft(updated=LATER))
    before = len(site.postings)
    daybooks = msgspec.structs.replace(zuora.mapping().daybooks, adjustment="ZAD2")
    site.put(zuora.published(2, daybooks=daybooks), zuora.replayed(f"credit_balance:{zuora.ACCOUNT}"))
    assert len(site.postings) == before


def test_a_credit_that_was_used_and_freed_is_not_used_again_under_another_mapping():
    site = world().put(zuora.simple_invoice("-100.00"), adjusted("40.00", kind="Charge", total="-100.00"))
    site.put(Daybook(code="ZAD2", active=True))
    site.put(zuora.draft(updated=LATER, amount=Decimal("-100.00")))
    before = [posting.id for posting in site.postings if isinstance(posting.content, AllocationContent)]
    daybooks = msgspec.structs.replace(zuora.mapping().daybooks, adjustment="ZAD2")
    site.put(zuora.published(2, daybooks=daybooks), zuora.replayed("invoice_adjustment:adj1"))
    after = [posting.id for posting in site.postings if isinstance(posting.content, AllocationContent)]
    assert after == before


def test_what_is_decided_before_its_invoice_is_divided_too():
    site = world().put(paid("150.00", ("r1", "inv1", "150.00")))
    site.put(zuora.simple_invoice("100.00"), adjusted("50.00", kind="Charge"))
    by_item = {one.item_document: one.amount for one in site.contents("allocation")}
    assert by_item == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}


def test_what_pays_an_opening_and_its_charge_is_divided():
    old = {"invoiceDate": "2025-12-15", "dueDate": "2026-01-15", "postedDate": "2025-12-15T10:00:00Z"}
    site = world().put(zuora.simple_invoice("100.00", **old), adjusted("50.00", kind="Charge"))
    site.put(paid("150.00", ("r1", "inv1", "150.00")))
    moved_to = {one.item_document: one.amount for one in site.contents("allocation")}
    assert moved_to == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}


def test_what_came_down_from_a_voided_payment_is_taken_from_what_is_left():
    site = world().put(zuora.simple_invoice("100.00"), zuora.simple_invoice("-50.00", "minus"))
    site.put(paid("30.00"))
    up = moved("Increase", "30", "m1", document="pay1", of="Payment", created="2026-03-10T10:00:00Z")
    other = moved("Increase", "50", "m2", document="minus", created="2026-03-10T10:00:01Z")
    down = moved("Decrease", "30", "m3", document="inv1", created="2026-03-10T10:00:02Z")
    site.put(balance(up, other, down))
    assert open_of(site) == {"INV1": 70, "MINUS": 50}
    site.put(paid("30.00", status="Canceled", updated=LATER, cancelledOn=LATER))
    site.put(balance({**up, "Status": "Canceled", "UpdatedDate": LATER}, other, down, updated=LATER))
    left = open_of(site)
    assert (left["INV1"], left["MINUS"]) == (70, 20), left
    before = len(site.postings)
    site.put(zuora.replayed(f"credit_balance:{zuora.ACCOUNT}"))
    site.restart()
    assert len(site.postings) == before
    gone = {"Status": "Canceled", "UpdatedDate": LAST}
    site.put(balance({**up, **gone}, other, {**down, **gone}, updated=LAST))
    left = open_of(site)
    assert (left["INV1"], left["MINUS"]) == (100, 50), left


def test_what_came_down_stays_on_its_invoice_when_what_paid_it_is_unposted():
    site = world().put(zuora.simple_invoice("100.00"))
    site.put(zuora.simple_invoice("-30.00", "first"), zuora.simple_invoice("-50.00", "second"))
    up = moved("Increase", "30", "m1", document="first", created="2026-03-10T10:00:00Z")
    other = moved("Increase", "50", "m2", document="second", created="2026-03-10T10:00:01Z")
    down = moved("Decrease", "30", "m3", document="inv1", created="2026-03-10T10:00:02Z")
    site.put(balance(up, other, down))
    site.put(balance({**up, "Status": "Canceled", "UpdatedDate": LATER}, other, down, updated=LATER))
    site.put(zuora.draft("first", updated=LAST, amount=Decimal("-30.00")))
    left = open_of(site)
    assert (left["INV1"], left["SECOND"]) == (70, 20), left


def test_what_pays_an_invoice_again_after_a_refund_is_applied():
    row = ("r1", "inv1", "100.00")
    site = world().put(zuora.simple_invoice("100.00"), paid("100.00", row))
    site.put(paid("100.00", row, updated=LATER, refundAmount=Decimal("100.00")))
    site.put(paid("100.00", ("r2", "inv1", "100.00"), name="pay2", updated=LAST))
    assert site.standing("payment:pay2") != ("waiting", "more_than_charged")


def test_what_came_down_onto_no_invoice_parks():
    site = world().put(zuora.simple_invoice("-50.00", "minus"), paid("30.00"))
    up = moved("Increase", "50", "m1", document="minus", created="2026-03-10T10:00:00Z")
    down = moved("Decrease", "30", "m2", document="pay1", of="Payment", created="2026-03-10T10:00:01Z")
    site.put(balance(up, down))
    assert site.standing(f"credit_balance:{zuora.ACCOUNT}") == ("parked", "not_supported")
    assert not site.contents("allocation")


def test_what_is_taken_of_a_payment_that_others_book_parks():
    site = world(policy={"external_payments": "already_in_erp"}).put(zuora.simple_invoice("100.00"), paid("30.00"))
    up = moved("Increase", "30", "m1", document="pay1", of="Payment", created="2026-03-10T10:00:00Z")
    down = moved("Decrease", "20", "m2", document="inv1", created="2026-03-10T10:00:01Z")
    site.put(balance(up, down))
    assert site.standing(f"credit_balance:{zuora.ACCOUNT}") == ("parked", "not_supported")
    assert not site.contents("allocation")


def test_a_credit_on_a_negative_invoice_is_open_beside_it():
    site = world().put(zuora.simple_invoice("-100.00"), adjusted("40.00", total="-100.00"))
    assert open_of(site) == {"INV1": 100, "ADJ1": 40}
    site.put(adjusted("40.00", total="-100.00", Status="Canceled", updated=LATER))
    assert [posting.step for posting in site.postings][-2:] == ["inverse", "settle"]
