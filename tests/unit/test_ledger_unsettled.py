"""Tenants without Invoice Settlement, decided on records alone: orders of events in which nothing may be lost."""

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest

from schemas.postings import AllocationContent
from schemas.records import RecordKind
from schemas.references import Daybook
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import Crash, world

POLICIES = ({"receipts": "allocated"}, {"receipts": "prepayment"})
LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"


def paid(amount, *applied, name="pay1", status="Processed", updated=zuora.STAMP, **more):
    """Return a payment with its invoice payments: (id, invoice, amount)."""
    parent = {"id": name, "paymentNumber": name.upper(), "accountId": zuora.ACCOUNT, "status": status}
    parent |= {"currency": "EUR", "amount": Decimal(amount), "effectiveDate": zuora.DAY, "type": "External"}
    rows = [
        {"Id": row, "InvoiceId": to, "Amount": Decimal(part), "CreatedDate": zuora.STAMP} for row, to, part in applied
    ]
    return zuora.record(RecordKind.PAYMENT, {**parent, "updatedDate": updated, **more}, invoice_payments=rows)


def adjusted(amount, name="adj1", *, to="inv1", total="100.00", kind="Credit", updated=zuora.STAMP, **more):
    """Return an adjustment of an invoice."""
    parent = {"Id": name, "AdjustmentNumber": name.upper(), "AccountId": zuora.ACCOUNT, "InvoiceId": to}
    parent |= {"Amount": Decimal(amount), "Type": kind, "Status": "Processed", "AdjustmentDate": zuora.DAY}
    parent |= {"AccountingCode": "Subscription Revenue", "CreatedDate": zuora.STAMP, "UpdatedDate": updated, **more}
    invoice = {"id": to, "invoiceNumber": to.upper(), "accountId": zuora.ACCOUNT, "status": "Posted"}
    invoice |= {"amount": Decimal(total), "currency": "EUR", "invoiceDate": zuora.DAY, "dueDate": "2026-04-09"}
    return zuora.record(RecordKind.INVOICE_ADJUSTMENT, {**parent, "id": name}, invoice=[invoice])


def moved(kind, amount, name, *, document, of="Invoice", created, status="Processed", **more):
    """Return a movement of a credit balance."""
    fields = {"Id": name, "Number": name.upper(), "Type": kind, "Amount": Decimal(amount), "Status": status}
    fields |= {"AdjustmentDate": zuora.DAY, "SourceTransactionId": document, "SourceTransactionType": of}
    return {
        **fields,
        "SourceTransactionNumber": document.upper(),
        "CreatedDate": created,
        "UpdatedDate": created,
        **more,
    }


def balance(*movements, updated=zuora.STAMP):
    parent = {"id": zuora.ACCOUNT, "accountNumber": "A-1", "currency": "EUR", "status": "Active"}
    return zuora.record(RecordKind.CREDIT_BALANCE, {**parent, "updatedDate": updated}, adjustments=movements)


def open_of(site):
    """Return what is open of each document in QAD."""
    found = {}
    names = {posting.id: posting.number for posting in site.postings}
    for posting in site.postings:
        content = posting.content
        if isinstance(content, AllocationContent):
            sign = 1 if content.reopens else -1
            for side in (content.payer, content.item):
                found[side] = found.get(side, Decimal(0)) + sign * content.amount
        else:
            found[posting.id] = found.get(posting.id, Decimal(0)) + content.total
    return {names[one]: amount for one, amount in found.items() if amount}


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


# -- whatever comes first ----------------------------------------------------------------------------------------------


OLD = {"invoiceDate": "2025-12-15", "dueDate": "2026-01-15", "postedDate": "2025-12-15T10:00:00Z"}


def in_order(records, *, policy=None, restarts=False, **changes):
    """Return a world that saw these records one after the other."""
    site = world(policy=policy, **changes)
    for record in records:
        site.put(record)
        if restarts:
            site.restart()
    return site


def moved_to(site):
    """Return what lies on each item, in sum."""
    found = {}
    for one in site.contents("allocation"):
        found[one.item_document] = found.get(one.item_document, Decimal(0)) + (-1 if one.reopens else 1) * one.amount
    return {name: amount for name, amount in found.items() if amount}


def charges(to="inv1", **more):
    return [
        adjusted("50.00", "adj1", to=to, kind="Charge", **more),
        adjusted("20.00", "adj2", to=to, kind="Charge", CreatedDate=LATER, **more),
    ]


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


# -- what stands in for what was taken back ----------------------------------------------------------------------------


def credit_of(gone):
    """Return what went up, its end in two records, and what came down of it onto inv1."""
    source = {"of": "Payment"} if gone == "voided" else {}
    up = moved("Increase", "30", "m1", document="first", created="2026-03-10T10:00:00Z", **source)
    other = moved("Increase", "50", "m2", document="second", created="2026-03-10T10:00:01Z")
    down = moved("Decrease", "30", "m3", document="inv1", created="2026-03-10T10:00:02Z")
    if gone == "voided":
        first = paid("30.00", name="first")
        end = paid("30.00", name="first", status="Canceled", updated=LAST, cancelledOn=LAST)
    else:
        first = zuora.simple_invoice("-30.00", "first")
        end = zuora.draft("first", updated=LAST, amount=Decimal("-30.00"))
        end = zuora.deleted("invoice", "first") if gone == "deleted" else end
    ended = balance({**up, "Status": "Canceled", "UpdatedDate": LATER}, other, down, updated=LATER)
    return first, balance(up, other, down), [ended, end]


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("balance_first", [True, False], ids=["balance first", "document first"])
@pytest.mark.parametrize("gone", ["unposted", "deleted", "voided"])
def test_the_rest_of_the_balance_stands_in_whatever_is_read_first(gone, balance_first, restarts):
    first, whole, ends = credit_of(gone)
    records = [zuora.simple_invoice("100.00"), first, zuora.simple_invoice("-50.00", "second"), whole]
    site = in_order([*records, *(ends if balance_first else ends[::-1])], restarts=restarts)
    left = open_of(site)
    assert (left["INV1"], left["SECOND"]) == (70, 20), left
    made = len(site.postings)
    site.put(zuora.replayed(f"credit_balance:{zuora.ACCOUNT}")).restart()
    assert len(site.postings) == made


def test_what_ended_just_before_the_balance_was_decided_is_seen_at_the_next_start():
    first, whole, (_, end) = credit_of("unposted")
    site = in_order([zuora.simple_invoice("100.00"), first, zuora.simple_invoice("-50.00", "second"), whole])
    site.ledger.write_at_most = 1
    with pytest.raises(Crash):
        site.put(end)
    site.ledger.write_at_most = None
    site.restart()
    left = open_of(site)
    assert (left["INV1"], left["SECOND"]) == (70, 20), left


# -- refunds -----------------------------------------------------------------------------------------------------------


def refunded(amount, *, total="100.00", rows=(("r1", "inv1", "100.00"),), by_row=None, updated=LATER):
    """Return the first payment as it is after a refund; `by_row` where each row says what was given back of it."""
    record = paid(total, *rows, updated=updated, refundAmount=Decimal(amount))
    if by_row is None:
        return record
    told = [
        {**msgspec.json.decode(raw), "RefundAmount": by_row[place]}
        for place, raw in enumerate(record.children["invoice_payments"])
    ]
    return msgspec.structs.replace(record, children={"invoice_payments": [zuora.raw(row) for row in told]})


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["receipts"])
@pytest.mark.parametrize("charged", [False, True], ids=["invoice", "charged"])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_what_is_first_read_after_it_was_refunded_and_what_pays_anew_find_room_both(order, charged, policy):
    records = [
        zuora.simple_invoice("100.00"),
        refunded("40.00", rows=(("r1", "inv1", "100.00"),)),
        paid("40.00", ("r2", "inv1", "40.00"), name="pay2", updated=LAST),
    ]
    if charged:
        records[0] = zuora.simple_invoice("70.00")
        records.append(adjusted("30.00", kind="Charge", total="70.00"))
        order = (3, *order)
    site = in_order([records[place] for place in order], policy=policy)
    assert sum(moved_to(site).values()) == 140
    assert {site.standing(f"payment:{name}")[0] for name in ("pay1", "pay2")} <= {"", "released"}
    # QAD has room for all of it only once a person booked the refund: the receipt does not wait for that.
    [first] = (one for one in site.contents("receipt") if one.total == 100)
    assert {offer.amount for offer in first.offers} <= {30}
    made = len(site.log[Topic.POSTINGS])
    site.put(zuora.replayed("payment:pay1"), zuora.replayed("payment:pay2")).restart()
    assert len(site.log[Topic.POSTINGS]) == made


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["receipts"])
@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
def test_a_refund_gives_room_whatever_is_read_first(order, policy, restarts):
    after = [refunded("100.00"), paid("100.00", ("r2", "inv1", "100.00"), name="pay2", updated=LAST)]
    records = [zuora.simple_invoice("100.00"), paid("100.00", ("r1", "inv1", "100.00"))]
    site = in_order([*records, *(after[place] for place in order)], policy=policy, restarts=restarts)
    assert moved_to(site) == {"invoice:inv1": 200}
    assert site.standing("payment:pay2")[0] in ("", "released")
    # QAD has no room before a person booked the refund: what waits for that is the application, never the receipt.
    assert all(not one.offers for one in site.contents("receipt")[1:])
    made = len(site.log[Topic.POSTINGS])
    site.put(zuora.replayed("payment:pay1"), zuora.replayed("payment:pay2")).restart()
    assert len(site.log[Topic.POSTINGS]) == made


def test_a_refund_of_a_part_gives_so_much_room():
    site = world().put(zuora.simple_invoice("100.00"), paid("100.00", ("r1", "inv1", "100.00")), refunded("40.00"))
    site.put(paid("41.00", ("r2", "inv1", "41.00"), name="pay2", updated=LAST))
    assert site.standing("payment:pay2") == ("waiting", "more_than_charged")
    site.put(refunded("41.00", updated=LAST))
    assert moved_to(site) == {"invoice:inv1": 141}


def test_a_refund_that_names_no_invoice_of_several_gives_no_room():
    rows = (("r1", "inv1", "60.00"), ("r3", "inv2", "40.00"))
    site = world().put(zuora.simple_invoice("60.00"), zuora.simple_invoice("40.00", "inv2"), paid("100.00", *rows))
    again = paid("40.00", ("r2", "inv2", "40.00"), name="pay2", updated=LAST)
    site.put(refunded("40.00", rows=rows), again)
    assert site.standing("payment:pay2") == ("waiting", "more_than_charged")
    site.put(refunded("40.00", rows=rows, by_row=[0, 40], updated=LAST))
    assert moved_to(site) == {"invoice:inv1": 60, "invoice:inv2": 80}


def test_what_was_given_back_of_a_divided_row_opens_the_invoice_first():
    rows = (("r1", "inv1", "150.00"),)
    site = world().put(zuora.simple_invoice("100.00"), adjusted("50.00", kind="Charge"), paid("150.00", *rows))
    site.put(refunded("120.00", total="150.00", rows=rows, by_row=[120]))
    site.put(paid("120.00", ("r2", "inv1", "120.00"), name="pay2", updated=LAST))
    by_item = [(one.item_document, one.amount) for one in site.contents("allocation")[2:]]
    assert by_item == [("invoice:inv1", 100), ("invoice_adjustment:adj1", 20)]


def test_a_refund_that_is_cancelled_takes_its_room_back():
    site = world().put(zuora.simple_invoice("100.00"), paid("100.00", ("r1", "inv1", "100.00")), refunded("100.00"))
    site.put(refunded("0.00", updated=LAST))
    site.restart()
    site.put(paid("100.00", ("r2", "inv1", "100.00"), name="pay2", updated=LAST))
    assert site.standing("payment:pay2") == ("waiting", "more_than_charged")


def test_a_row_that_is_written_again_keeps_what_was_given_back_of_it():
    site = world().put(zuora.simple_invoice("100.00"), paid("100.00", ("r1", "inv1", "100.00")), refunded("100.00"))
    daybooks = msgspec.structs.replace(zuora.mapping().daybooks, adjustment="ZAD2")
    site.put(Daybook(code="ZAD2", active=True), zuora.published(2, daybooks=daybooks), zuora.replayed("payment:pay1"))
    assert len(site.contents("allocation")) == 2
    site.restart()
    site.put(paid("100.00", ("r2", "inv1", "100.00"), name="pay2", updated=LAST))
    assert site.standing("payment:pay2") == ("", "")


def test_a_payment_that_is_read_with_its_refund_is_posted_and_gives_room():
    site = world().put(zuora.simple_invoice("100.00"), refunded("100.00"))
    site.put(paid("100.00", ("r2", "inv1", "100.00"), name="pay2", updated=LAST))
    site.restart()
    assert moved_to(site) == {"invoice:inv1": 200}


# -- Invoice Settlement is switched on ---------------------------------------------------------------------------------


def applied_refund(amount="40.00", name="rf1", **more):
    """Return a refund as a tenant without Invoice Settlement shows it."""
    parent = {"Id": name, "RefundNumber": name.upper(), "AccountId": zuora.ACCOUNT, "Amount": Decimal(amount)}
    parent |= {"RefundDate": zuora.DAY, "Status": "Processed", "SourceType": "Payment", "CreatedDate": zuora.STAMP}
    owner = {"id": zuora.ACCOUNT, "accountNumber": "A-1", "currency": "EUR", "status": "Active"}
    return zuora.record(
        RecordKind.APPLIED_REFUND, {**parent, "UpdatedDate": zuora.STAMP, "id": name, **more}, account=[owner]
    )


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("first", ["before", "after"])
def test_a_refund_that_is_read_on_both_sides_of_the_switch_counts_once(first, restarts):
    before, after = applied_refund(), zuora.refund("40.00", name="rf1")
    records = [before, after] if first == "before" else [after, before]
    site = in_order(
        [Daybook(code="ZBNK", active=True), paid("100.00"), *records], restarts=restarts, daybooks=zuora.ALL_DAYBOOKS
    )
    if first == "before":
        assert site.contents("refund") == []
        assert site.standing("applied_refund:rf1") == ("parked", "not_supported")
        assert site.standing("refund:rf1") == ("ignored", "refund_known_otherwise")
    else:
        assert len(site.contents("refund")) == 1
        assert site.standing("applied_refund:rf1") == ("ignored", "refund_known_otherwise")
        assert site.standing("refund:rf1") == ("", "")


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("payer", ["payment", "credit memo"])
@pytest.mark.parametrize("seen", ["one after the other", "at once"])
def test_what_was_charged_before_the_switch_is_paid_and_taken_back_after_it(seen, payer, restarts):
    rows = [
        zuora.row("150.00", "a1", created="2026-03-10T11:00:00Z"),
        zuora.row("-60.00", "a2", created="2026-03-10T12:00:00Z"),
        zuora.row("-90.00", "a3", created="2026-03-10T13:00:00Z"),
        zuora.row("150.00", "a4", created="2026-03-10T14:00:00Z"),
    ]

    def after(count):
        if payer == "payment":
            return zuora.payment("150.00", *rows[:count], updated=f"2026-03-11T1{count}:00:00Z")
        return zuora.memo(zuora.memo_item("150.00"), rows=rows[:count], updated=f"2026-03-11T1{count}:00:00Z")

    left = {1: {}, 2: {"invoice:inv1": 90}, 3: {}}
    site = in_order([zuora.simple_invoice("100.00"), adjusted("50.00", kind="Charge")])
    for count in range(1, 5) if seen == "one after the other" else (4,):
        site.put(after(count))
        if restarts:
            site.restart()
        if count == 2:
            assert moved_to(site) == left[2]
        if count == 3:
            assert moved_to(site) == {}
    assert moved_to(site) == {"invoice:inv1": 100, "invoice_adjustment:adj1": 50}
    assert open_of(site) == {}
    made = len(site.postings)
    document = "payment:pay1" if payer == "payment" else "credit_memo:cm1"
    site.put(zuora.replayed(document)).restart()
    assert len(site.postings) == made


def test_what_is_applied_before_the_last_charge_is_read_holds_what_takes_it_back():
    rows = [zuora.row("150.00", "a1"), zuora.row("-150.00", "a2", created=LATER)]
    site = world().put(zuora.simple_invoice("100.00"), adjusted("30.00", kind="Charge"))
    site.put(zuora.payment("150.00", *rows))
    assert site.standing("payment:pay1") == ("waiting", "more_than_charged")
    assert not site.contents("allocation")
    site.put(adjusted("20.00", "adj2", kind="Charge"))
    assert moved_to(site) == {}
    assert len(site.contents("allocation")) == 6


def test_with_invoice_settlement_nothing_waits_for_an_invoice():
    site = world().put(zuora.payment("100.00", zuora.row("100.00")))
    assert len(site.contents("allocation")) == 1
    assert site.standing("payment:pay1") == ("", "")


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
