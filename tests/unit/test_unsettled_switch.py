"""Invoice Settlement is switched on: what was before it counts once, and what was charged is taken back."""

from decimal import Decimal

import pytest

from schemas.records import RecordKind
from schemas.references import Daybook
from tests.unit import builders as zuora
from tests.unit.unsettled import LATER, adjusted, in_order, moved_to, open_of, paid
from tests.unit.world import world

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
