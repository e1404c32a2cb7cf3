"""Without Invoice Settlement: balances that stand in for what was taken back, and refunds."""

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest

from schemas.references import Daybook
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.unsettled import LAST, LATER, POLICIES, adjusted, balance, in_order, moved, moved_to, open_of, paid
from tests.unit.world import Crash, world

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
