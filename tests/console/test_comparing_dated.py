"""Balances as of a day and how they rolled forward, of three sides alone."""

from datetime import date
from decimal import Decimal

import msgspec

from console.reconciliation.facts import QadDocument
from schemas.references import Period
from tests.console.sides import CUT_OVER, DAY, LAST

D = Decimal
BEFORE, LATER = date(2026, 3, 9), date(2026, 4, 2)


def shift(sides, name, day):
    """Say that the document was posted on another day than its own, and that QAD shows it there."""
    [posting] = [one for one in sides.log.postings.values() if one.document == name]
    sides.log.standings[posting.id] = msgspec.structs.replace(sides.log.standings[posting.id], day=day)
    sides.change_document(name, day=day)


def test_what_is_dated_later_is_taken_back_on_both_sides(settled):
    settled.posted("invoice", "30", number="INV9", day=LATER)
    found = settled.compared(on=LAST)
    line = found.balances["C1", "EUR"]
    # 100 of the invoice, 40 of the memo and 80 of the payment: 20 are owed to the customer, as 30 later are not yet.
    assert (line.zuora, line.qad, line.timing, line.other) == (-20, -20, 0, 0)
    assert found.balances["C3", "JPY"].qad == 7000
    assert settled.compared(on=LATER).balances["C1", "EUR"].qad == 10
    assert settled.compared(on=BEFORE).balances == {}
    assert settled.compared().balances == {}


def test_an_application_moves_balances_between_customers_on_its_own_day(sides):
    invoice = sides.posted("invoice", "100", open_amount="0", customer="C1", day=BEFORE)
    payment = sides.posted("payment", "100", open_amount="0", customer="C2", day=BEFORE)
    posts = {one.document: one.id for one in sides.log.postings.values()}
    allocation = sides.allocation(payment, invoice, "100")
    content = msgspec.structs.replace(allocation.content, payer=posts[payment], item=posts[invoice])
    sides.put(sides.offer(payment, number="A", act=allocation.act, n=1, step="allocate:r1", content=content))
    owed = {name: line.qad for (name, _), line in sides.compared(on=BEFORE).balances.items()}
    assert owed == {"C1": 100, "C2": -100}
    assert sides.compared(on=DAY).balances == {}


def test_what_lies_around_the_day_is_timing_and_named_by_its_periods(sides):
    sides.qad.periods = [
        Period(code=f"2026-{n:02}", year=2026, period=n, first_day=first, last_day=last, open=True)
        for n, first, last in ((3, date(2026, 3, 1), LAST), (4, date(2026, 4, 1), date(2026, 4, 30)))
    ]
    name = sides.posted("invoice", "100", number="INV1")
    shift(sides, name, LATER)
    found = sides.compared(on=LAST)
    line = found.balances["C1", "EUR"]
    assert (line.zuora, line.qad, line.timing, line.other) == (100, 0, -100, 0)
    [timing] = found.differences
    assert (timing.part, timing.rule, timing.number, timing.amount) == ("timing", "shifted", "INV1", 100)
    assert timing.what == "document is dated 2026-03-10 (2026-03) and was posted on 2026-04-02 (2026-04)"
    assert found.clean
    # It is named in the period to which it went as well.
    assert [one.rule for one in sides.compared(from_date=date(2026, 4, 1), as_of=LATER).differences] == ["shifted"]


def test_a_date_that_somebody_changed_in_qad_is_no_timing(sides):
    name = sides.posted("invoice", "100", number="INV1")
    sides.change_document(name, day=LATER)
    found = sides.compared(on=LAST)
    assert [one.part for one in found.differences] == ["documents"]


def test_receivables_roll_forward_by_what_moved_them(settled):
    settled.posted("invoice", "5", number="INV0", day=date(2026, 2, 1))
    settled.posted("debit_memo", "7", number="DM1")
    settled.posted("invoice", "30", number="INV9", day=LATER)
    found = settled.compared(on=LAST).roll_forward
    for side in ("Zuora", "QAD"):
        line = found["EUR", side]
        moved = (line.invoices, line.debit_notes, line.credit_notes, line.receipts, line.refunds, line.other)
        assert (line.opening, moved, line.closing) == (5, (D("350.50"), 7, -40, -80, 0, 0), D("242.50"))
    assert found["JPY", "QAD"].invoices == 7000


def test_what_was_written_off_by_hand_on_no_known_day_stands_in_what_qad_began_with(sides):
    name = sides.posted("invoice", "100", number="INV1")
    sides.change_item(sides.zuora[name].number, open=D(90))
    found = sides.compared(on=LAST)
    told = [found.roll_forward["EUR", side] for side in ("Zuora", "QAD")]
    assert [(line.opening, line.closing, line.other) for line in told] == [(0, 100, 0), (-10, 90, 0)]
    assert (found.balances["C1", "EUR"].other, found.of("open_items")[0].amount) == (-10, -10)


def test_before_the_cut_over_nothing_is_told(sides):
    sides.posted("invoice", "100")
    found = sides.compared(from_date=date(2025, 1, 1), on=date(2025, 12, 31))
    assert date(2025, 12, 31) < CUT_OVER
    assert (found.balances, found.roll_forward) == ({}, {})


def test_a_foreign_invoice_is_a_move_of_qads_side_alone(sides):
    sides.posted("invoice", "100", number="INV1")
    key = sides.key("ZINV", total="25")
    sides.qad.documents.append(QadDocument(key=key, kind="invoice", reference="", number="HAND", day=DAY))
    sides.item(key, "25", number="HAND")
    found = sides.compared(on=LAST)
    assert [found.roll_forward["EUR", side].other for side in ("Zuora", "QAD")] == [0, 25]
    assert found.balances["C1", "EUR"].other == 25
    assert sides.compared(on=BEFORE).balances == {}
