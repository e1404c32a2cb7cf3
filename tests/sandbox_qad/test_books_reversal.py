"""Documents that are taken back, and what may be changed of a document afterwards."""

import datetime as dt
from decimal import Decimal

import pytest

from sandbox.qad.books.audit import trial_balance
from sandbox.qad.books.errors import InvariantViolation, Refused
from sandbox.qad.books.ledger import Entry, GlLine
from sandbox.qad.books.reversals import Reversal


def reverse(desk, document, **asked):
    return desk.books.reverse(document.key, Reversal(**asked), origin=desk.origin)


def test_an_unpaid_invoice_is_reversed_with_negative_amounts(desk, draft):
    invoice = desk.post(draft.invoice("100.00", currency_code="EUR"))
    reversal = reverse(desk, invoice, posting_date=dt.date(2026, 3, 5), custom_short_0="mlc-r")
    assert reversal.content.invoice_type == "INVOICECORRECTION"
    assert reversal.key == ("10USACO", 2026, "ZINV", 2)
    assert desk.entry(reversal) == [
        ("control", "1200", "-100.00", "0", "-110.00", "0"),
        ("line", "4100", "0", "-100.00", "0", "-110.00"),
    ]
    assert (reversal.reversal_of, invoice.reversed_by) == (invoice.key, reversal.key)
    assert desk.open_amount(invoice) == 0
    desk.check()


def test_a_credit_note_is_reversed(desk, draft):
    credit = desk.post(draft.credit_note("40.00"))
    assert reverse(desk, credit).content.invoice_type == "CREDITNOTECORRECTION"
    assert desk.open_amount(credit) == 0
    desk.check()


def test_a_payment_bounces(desk, draft):
    invoice = desk.post(draft.invoice("60.00", currency_code="EUR"))
    payment = desk.post(draft.payment("100.00", (invoice, "60.00"), currency_code="EUR"))
    bounce = reverse(desk, payment, posting_date=dt.date(2026, 3, 5))
    assert (payment.content.status, bounce.content.status, bounce.content.amount) == ("Bounced", "Bounced", -100)
    assert desk.open_amount(invoice) == Decimal("60.00")
    assert desk.open_amount(payment) == 0
    assert (
        sum(line.base_amount for line in trial_balance(desk.ledger) if line.gl_account_code in ("1010", "7700", "2400"))
        == 0
    )
    desk.check()


def test_an_adjustment_and_a_journal_are_reversed(desk, draft):
    invoice, credit = desk.post(draft.invoice("100.00")), desk.post(draft.credit_note("40.00"))
    applied = desk.post(draft.adjustment(draft.movement(credit, debit="40"), draft.movement(invoice, credit="40")))
    reverse(desk, applied)
    assert (desk.open_amount(invoice), desk.open_amount(credit)) == (100, 40)
    journal = desk.post(draft.journal(("1900", "USD", "5", "0"), ("4100", "USD", "0", "5")))
    assert desk.entry(reverse(desk, journal)) == [
        ("line", "1900", "0", "5", "0", "5.00"),
        ("line", "4100", "5", "0", "5.00", "0"),
    ]
    desk.check()


def test_what_was_touched_or_reversed_is_not_reversed(desk, draft):
    invoice = desk.post(draft.invoice("100.00"))
    payment = desk.post(draft.payment("70.00", (invoice, "60.00")))
    other = desk.post(draft.invoice("100.00"))
    correction = reverse(desk, other)
    waiting = desk.post(draft.payment("5.00", status="Initial"))
    before = desk.snapshot()
    for document in (invoice, other, correction, waiting):
        with pytest.raises(Refused) as refused:
            reverse(desk, document)
        assert [error.code for error in refused.value.errors] == ["NOT_REVERSIBLE"]
    assert desk.snapshot() == before
    desk.post(draft.adjustment(draft.movement(payment, debit="5"), draft.movement(invoice, credit="5")))
    with pytest.raises(Refused, match=r"5\.00 open"):
        reverse(desk, payment)
    desk.check()


def test_a_payment_whose_own_item_was_re_opened_does_not_bounce(desk, draft):
    desk.policy.prepayment_holds_whole_payment = True
    invoice = desk.post(draft.invoice("60.00"))
    payment = desk.post(draft.payment("100.00", (invoice, "60.00")))
    desk.post(draft.adjustment(draft.movement(invoice, debit="20"), draft.movement(payment, credit="20")))
    desk.post(draft.payment("20.00", (invoice, "20.00")))
    with pytest.raises(Refused) as refused:
        reverse(desk, payment)
    assert [error.code for error in refused.value.errors] == ["NOT_REVERSIBLE"]
    desk.check()


def test_a_reversal_needs_an_open_period(desk, draft):
    invoice = desk.post(draft.invoice("100.00"))
    desk.ledger.entity.periods[12].is_open_for_sales = False
    with pytest.raises(Refused, match="closed for sales"):
        reverse(desk, invoice)
    reverse(desk, invoice, posting_date=dt.date(2026, 2, 1))
    desk.check()


def test_texts_and_due_dates_are_amended_and_found_anew(desk, draft):
    invoice = desk.post(draft.invoice("100.00"))
    changes = {"custom_short_0": "mlc-x", "due_date": dt.date(2026, 4, 1), "description": "Changed"}
    desk.books.amend(invoice.key, changes, origin=desk.origin)
    index = desk.ledger.by_custom_short_0
    assert (index.find("invoice", "mlc-1"), index.find("invoice", "MLC-X")) == ([], [invoice])
    assert desk.ledger.items[invoice.key].due_date == dt.date(2026, 4, 1)
    assert invoice.modified_by == "connector"
    for wrong, code in (
        ({"description": "x" * 41}, "FIELD_TOO_LONG"),
        ({"credit_terms_code": "NOPE"}, "CREDIT_TERMS_UNKNOWN"),
        ({"payment_reference": "P"}, "NOT_MODIFIABLE"),
    ):
        with pytest.raises(Refused) as refused:
            desk.books.amend(invoice.key, wrong, origin=desk.origin)
        assert refused.value.errors[0].code == code
    desk.check()


def test_an_entry_that_does_not_balance_never_reaches_the_books(desk, draft):
    document = desk.post(draft.invoice("100.00"))
    before = desk.snapshot()
    line = GlLine(
        document=document,
        sequence=1,
        origin="line",
        gl_account_code="4100",
        currency_code="USD",
        debit_amount=Decimal(1),
    )
    with pytest.raises(InvariantViolation):
        desk.ledger.commit(Entry(document=document, lines=[line], movements=[], is_new=False))
    assert desk.snapshot() == before
