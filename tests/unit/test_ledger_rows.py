"""Application rows as they grow: applied, taken back, applied anew; by either sign, in the order Zuora made them."""

from datetime import date
from decimal import Decimal

import pytest

from tests.unit import builders as zuora
from tests.unit.world import World, world

INVOICE, PAYMENT = "invoice:inv1", "payment:pay1"
LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"


def steps(found: World) -> list[tuple[str, Decimal, bool]]:
    """Return (step, amount, gives back) of the payment's rows."""
    return [
        (posting.step, posting.content.amount, posting.content.reopens)
        for posting in found.postings
        if posting.content.__struct_config__.tag == "allocation"
    ]


def paid(*rows: dict, updated: str = LAST, **more) -> zuora.ZuoraRecord:
    return zuora.payment("100.00", *rows, updated=updated, **more)


@pytest.mark.parametrize("sign", ["-", ""], ids=["signed", "without a sign"])
@pytest.mark.parametrize("amount", ["100.00", "40.00"])
def test_an_unapplication_is_a_posting_of_its_own_under_its_own_date(sign, amount):
    first = zuora.row("100.00")
    back = zuora.row(f"{sign}{amount}", "r2", created=LATER, effectiveDate="2026-03-15")
    part = zuora.part(str(Decimal(100) - Decimal(amount)))
    found = world().put(zuora.simple_invoice(), paid(first, updated=zuora.STAMP), paid(first, back, parts=[part]))
    assert steps(found) == [("allocate:r1", 100, False), ("deallocate:r2", Decimal(amount), True)]
    undone = found.postings[-1]
    assert undone.content.document_date == undone.content.posting_date == date(2026, 3, 15)
    assert found.postings[-2].id in undone.after


def test_applied_anew_is_a_posting_of_its_own_after_what_gave_the_amount_back():
    rows = [
        zuora.row("100.00"),
        zuora.row("-100.00", "r2", created=LATER),
        zuora.row("100.00", "r3", to="inv2", created=LAST),
    ]
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice(name="inv2"), paid(rows[0], updated=zuora.STAMP))
    found.put(paid(*rows))
    assert [step for step, _, _ in steps(found)] == ["allocate:r1", "deallocate:r2", "allocate:r3"]
    assert found.postings[-2].id in found.postings[-1].after


def test_a_row_belongs_to_one_posting_for_ever():
    rows = [zuora.row("60.00"), zuora.row("-60.00", "r2", created=LATER)]
    found = world().put(zuora.simple_invoice(), paid(rows[0], updated=zuora.STAMP), paid(*rows, updated=LATER))
    for moment in ("2026-03-13T10:00:00Z", "2026-03-14T10:00:00Z"):
        found.put(paid(*rows, updated=moment, comment=moment))
    assert len(steps(found)) == 2


def test_a_receipt_does_not_offer_an_item_that_was_unapplied_or_has_two_rows():
    rows = [
        zuora.row("10.00", "r1", to="inv1"),
        zuora.row("-10.00", "r2", to="inv1", created=LATER),
        zuora.row("20.00", "r3", to="inv2"),
        zuora.row("5.00", "r4", to="inv2"),
        zuora.row("30.00", "r5", to="inv3"),
    ]
    receipt = world().put(paid(*rows)).contents("receipt")[0]
    assert [offer.amount for offer in receipt.offers] == [30]


def test_what_is_unapplied_beyond_what_was_applied_parks():
    rows = [zuora.row("10.00", effectiveDate="2025-12-31"), zuora.row("-10.00", "r2", created=LATER)]
    found = world().put(zuora.simple_invoice(), paid(*rows))
    assert found.standing(PAYMENT) == ("parked", "not_supported")
    assert steps(found) == []


def test_rows_of_the_night_in_which_an_hour_comes_twice_keep_their_order():
    applied = zuora.row("100.00", created="2026-10-25T02:30:00+02:00")
    back = zuora.row("-40.00", "r2", created="2026-10-25T02:10:00+01:00")
    found = world().put(zuora.simple_invoice(), paid(applied, back))
    assert (found.standing(PAYMENT), [step for step, _, _ in steps(found)]) == (
        ("", ""),
        ["allocate:r1", "deallocate:r2"],
    )


def test_rows_of_one_second_are_applied_before_they_are_unapplied():
    found = world().put(zuora.simple_invoice(), paid(zuora.row("100.00", "rb"), zuora.row("-100.00", "ra")))
    assert (found.standing(PAYMENT), [step for step, _, _ in steps(found)]) == (
        ("", ""),
        ["allocate:rb", "deallocate:ra"],
    )


def test_a_receipt_never_offers_more_than_it_holds_although_an_unapplication_waits():
    found = World().put(*(zuora.period(month, is_open=month < 4) for month in range(1, 13)), zuora.published())
    rows = [
        zuora.row("100.00"),
        zuora.row("-100.00", "r2", created=LATER, effectiveDate="2026-04-02"),
        zuora.row("100.00", "r3", to="inv2", created=LAST),
    ]
    found.put(zuora.simple_invoice(), zuora.simple_invoice(name="inv2"), paid(*rows))
    assert found.standing(PAYMENT) == ("waiting", "period_closed")
