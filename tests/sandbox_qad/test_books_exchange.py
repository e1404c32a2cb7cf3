"""Base amounts, realised gain and loss, and rounding; each figure was worked out by hand.

Rates to USD: EUR 1.10 in January, 1.15 in February, 1.05 from March; JPY 0.67 with scale 0.01; KWD 3.25. Base is USD.
"""

import datetime as dt
from decimal import Decimal

import pytest

from sandbox.qad.books.documents import PREPAYMENT, AdjustmentLine

JANUARY, FEBRUARY, MARCH = dt.date(2026, 1, 10), dt.date(2026, 2, 10), dt.date(2026, 3, 10)


@pytest.fixture
def euro(draft):
    """Contents in EUR for the German customer."""

    def change(content, **changes):
        return type(content)(
            **{
                **{name: getattr(content, name) for name in content.__struct_fields__},
                "currency_code": "EUR",
                **({"customer_code": "C0002"} if hasattr(content, "customer_code") else {}),
                **changes,
            }
        )

    return change


def test_an_invoice_is_valued_at_the_rate_of_its_posting_date(desk, draft, euro):
    document = desk.post(euro(draft.invoice("1000.00")))
    assert desk.entry(document) == [
        ("control", "1200", "1000.00", "0", "1100.00", "0"),
        ("line", "4100", "0", "1000.00", "0", "1100.00"),
    ]


@pytest.mark.parametrize(
    ("day", "bank", "difference"),
    [
        (FEBRUARY, "1150.00", ("gain", "7700", "0", "0", "0", "50.00")),
        (MARCH, "1050.00", ("loss", "7710", "0", "0", "50.00", "0")),
    ],
)
def test_a_payment_realises_what_the_rate_has_moved(desk, draft, euro, *, day, bank, difference):
    invoice = desk.post(euro(draft.invoice("1000.00")))
    payment = desk.post(euro(draft.payment("1000.00", (invoice, "1000.00")), posting_date=day))
    assert desk.entry(payment) == [
        ("bank", "1010", "1000.00", "0", bank, "0"),
        ("control", "1200", "0", "1000.00", "0", "1100.00"),
        difference,
    ]
    desk.check()


def test_each_allocation_realises_its_own_difference_and_the_rest_is_valued_at_the_day(desk, draft, euro):
    january = desk.post(euro(draft.invoice("100.00")))
    march = desk.post(euro(draft.invoice("200.00"), posting_date=MARCH))
    payment = desk.post(euro(draft.payment("350.00", (january, "100.00"), (march, "200.00")), posting_date=FEBRUARY))
    assert desk.entry(payment) == [
        ("bank", "1010", "350.00", "0", "402.50", "0"),
        ("control", "1200", "0", "100.00", "0", "110.00"),
        ("gain", "7700", "0", "0", "0", "5.00"),
        ("control", "1200", "0", "200.00", "0", "210.00"),
        ("gain", "7700", "0", "0", "0", "20.00"),
        ("control", "2400", "0", "50.00", "0", "57.50"),
    ]
    desk.check()


def test_lines_that_round_apart_meet_on_the_rounding_account(desk, draft, euro):
    # 0.05 at 1.10 is 0.055 and rounds to 0.06 each; 0.15 is 0.165 and rounds to 0.17: a cent is left over.
    lines = tuple(draft.line("0.05") for _ in range(3))
    document = desk.post(euro(draft.invoice("0.15", posting_lines=lines)))
    assert desk.entry(document) == [
        ("control", "1200", "0.15", "0", "0.17", "0"),
        *[("line", "4100", "0", "0.05", "0", "0.06")] * 3,
        ("rounding", "7790", "0", "0", "0.01", "0"),
    ]
    desk.check()


def test_a_payment_that_rounds_apart_separates_rounding_from_gain(desk, draft, euro):
    # At 1.15 the bank's 0.30 is 0.345, so 0.35, and each 0.10 is 0.115, so 0.12: a cent of 0.36 goes to rounding.
    # The invoices stand at 0.11 each, so each realises a cent.
    invoices = [desk.post(euro(draft.invoice("0.10"))) for _ in range(3)]
    payment = desk.post(euro(draft.payment("0.30", *((one, "0.10") for one in invoices)), posting_date=FEBRUARY))
    assert desk.entry(payment) == [
        ("bank", "1010", "0.30", "0", "0.35", "0"),
        *[("control", "1200", "0", "0.10", "0", "0.11"), ("gain", "7700", "0", "0", "0", "0.01")] * 3,
        ("rounding", "7790", "0", "0", "0.01", "0"),
    ]
    desk.check()


def test_an_adjustment_realises_the_difference_between_two_items(desk, draft, euro):
    invoice = desk.post(euro(draft.invoice("100.00")))  # at 1.10
    payment = desk.post(euro(draft.payment("100.00"), posting_date=FEBRUARY))  # at 1.15
    lines = (
        draft.movement(payment, debit="100", customer="C0002"),
        draft.movement(invoice, credit="100", customer="C0002"),
    )
    applied = desk.post(draft.adjustment(*lines, currency_code="EUR", posting_date=MARCH))
    assert desk.entry(applied) == [
        ("control", "2400", "100", "0", "115.00", "0"),
        ("control", "1200", "0", "100", "0", "110.00"),
        ("gain", "7700", "0", "0", "0", "5.00"),
    ]
    undone = desk.post(
        draft.adjustment(
            draft.movement(invoice, debit="100", customer="C0002"),
            draft.movement(payment, credit="100", customer="C0002"),
            currency_code="EUR",
            posting_date=FEBRUARY,
        )
    )
    assert desk.entry(undone)[2] == ("loss", "7710", "0", "0", "5.00", "0")
    assert desk.ledger.items[invoice.key].open_base_amount == Decimal("110.00")
    desk.check()


def test_a_refund_at_another_rate_realises_the_difference(desk, draft, euro):
    payment = desk.post(euro(draft.payment("100.00"), posting_date=FEBRUARY))  # 115.00
    refund = desk.post(
        draft.adjustment(
            draft.movement(payment, debit="100", customer="C0002"),
            gl_lines=(draft.line("100", "1020"),),
            currency_code="EUR",
            posting_date=MARCH,
        )
    )
    assert desk.entry(refund) == [
        ("control", "2400", "100", "0", "115.00", "0"),
        ("line", "1020", "0", "100", "0", "105.00"),
        ("gain", "7700", "0", "0", "0", "10.00"),
    ]
    desk.check()


def test_a_prepayment_that_moves_is_valued_at_the_day_of_the_move(desk, draft, euro):
    payment = desk.post(euro(draft.payment("100.00"), posting_date=FEBRUARY))  # 115.00
    new = AdjustmentLine(customer_code="C0003", new_item_type=PREPAYMENT, credit_amount=Decimal(100))
    line = draft.movement(payment, debit="100", customer="C0002")
    moved = desk.post(draft.adjustment(line, new, currency_code="EUR", posting_date=MARCH))
    assert desk.entry(moved)[1:] == [
        ("control", "2400", "0", "100", "0", "105.00"),
        ("gain", "7700", "0", "0", "0", "10.00"),
    ]
    desk.check()


def test_partial_settlements_end_at_exactly_nothing(desk, draft, euro):
    # 100.01 at 1.10 is 110.011, so 110.01; three parts must relieve exactly that, whatever each rounds to.
    invoice = desk.post(euro(draft.invoice("100.01")))
    for part in ("33.33", "33.34", "33.34"):
        desk.post(euro(draft.payment(part, (invoice, part)), posting_date=FEBRUARY))
    item = desk.ledger.items[invoice.key]
    assert (item.open_amount, item.open_base_amount) == (0, 0)
    relieved = [line.base_credit_amount for line in desk.ledger.lines if line.item is item and line.credit_amount]
    assert relieved == [Decimal("36.66"), Decimal("36.68"), Decimal("36.67")]
    desk.check()


@pytest.mark.parametrize(
    ("currency", "amount", "base"),
    [("JPY", "1500", "10.05"), ("KWD", "1.005", "3.27"), ("USD", "7.77", "7.77")],
)
def test_currencies_of_other_decimals_and_rates_with_a_scale(desk, draft, currency, amount, base):
    document = desk.post(draft.invoice(amount, currency_code=currency))
    assert desk.entry(document)[0] == ("control", "1200", amount, "0", base, "0")


def test_a_journal_in_two_currencies_balances_in_each_and_in_base(desk, draft):
    journal = draft.journal(
        ("1900", "EUR", "0.05", "0"),
        ("1900", "EUR", "0.05", "0"),
        ("1020", "EUR", "0", "0.10"),
        ("1900", "JPY", "100", "0"),
        ("1010", "JPY", "0", "100"),
    )
    document = desk.post(journal)
    assert desk.entry(document)[:3] == [
        ("line", "1900", "0.05", "0", "0.06", "0"),
        ("line", "1900", "0.05", "0", "0.06", "0"),
        ("line", "1020", "0", "0.10", "0", "0.11"),
    ]
    assert desk.entry(document)[5] == ("rounding", "7790", "0", "0", "0", "0.01")
    desk.check()


def test_another_entity_values_the_same_document_in_its_own_base(desk, draft):
    booked = desk.books.post("20DEUCO", [draft.invoice("100.00")], origin=desk.origin)
    line = desk.books.ledgers["20DEUCO"].lines_of(booked.documents[0])[0]
    assert (line.debit_amount, line.base_debit_amount) == (Decimal("100.00"), Decimal("90.00"))
    assert desk.ledger.lines == []
