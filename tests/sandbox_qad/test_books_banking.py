"""Banking entries and payments that bounced: what they do to bank, open items and base, and what is refused."""

from decimal import Decimal

import pytest
from msgspec import structs

from sandbox.qad.books.reversals import Reversal


def test_money_out_uses_up_a_prepayment(desk, draft):
    payment = desk.post(draft.payment("100.00"))
    refund = desk.post(draft.banking("30.00", (payment, "30.00")))
    assert desk.entry(refund) == [
        ("bank", "1010", "0", "30.00", "0", "30.00"),
        ("control", "2400", "30.00", "0", "30.00", "0"),
    ]
    assert desk.open_amount(payment) == 70
    desk.check()


def test_money_in_opens_again_what_money_out_used_up(desk, draft):
    payment = desk.post(draft.payment("100.00"))
    desk.post(draft.banking("30.00", (payment, "30.00")))
    desk.post(draft.banking("30.00", (payment, "30.00"), direction="IN"))
    assert desk.open_amount(payment) == 100
    desk.check()


def test_money_out_closes_a_credit_note_and_money_in_pays_an_invoice(desk, draft):
    note, invoice = desk.post(draft.credit_note("40.00")), desk.post(draft.invoice("60.00"))
    desk.post(draft.banking("40.00", (note, "40.00")))
    desk.post(draft.banking("60.00", (invoice, "60.00"), direction="IN"))
    assert (desk.open_amount(note), desk.open_amount(invoice)) == (0, 0)
    desk.check()


def test_the_rest_of_a_line_goes_to_gl_accounts(desk, draft):
    note = desk.post(draft.credit_note("40.00"))
    desk.post(draft.banking("42.00", (note, "40.00"), gl_lines=(draft.line("2.00", debit=True),)))
    desk.check()


def test_a_refund_in_another_currency_realises_the_difference(desk, draft):
    more = {"customer_code": "C0002", "currency_code": "EUR"}
    payment = desk.post(draft.payment("100.00", **more))
    desk.post(draft.banking("100.00", (payment, "100.00"), **more))
    item = desk.ledger.items[payment.key]
    assert (item.open_amount, item.open_base_amount) == (0, 0)
    desk.check()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": Decimal("100.01")}, {"OUT_OF_BALANCE": "amount"}),
        ({"direction": "UP"}, {"VALUE_NOT_ALLOWED": "direction"}),
        ({"direction": "IN"}, {"OVER_REOPENING": "allocations.amount"}),
        ({"bank_gl_account_code": "4100"}, {"ACCOUNT_TYPE": "bank_gl_account_code"}),
        ({"customer_code": "C0003"}, {"ITEM_CUSTOMER": "allocations.item_voucher"}),
        ({"daybook_code": "ZPAY"}, {"DAYBOOK_TYPE": "daybook_code"}),
        ({"currency_code": "EUR"}, {"ITEM_CURRENCY": "allocations.item_voucher"}),
    ],
)
def test_what_a_banking_entry_may_not_be(desk, draft, changes, expected):
    payment = desk.post(draft.payment("100.00"))
    banking = structs.replace(draft.banking("100.00", (payment, "100.00")), **changes)
    assert desk.refused(banking).items() >= expected.items()


def test_no_more_goes_out_than_is_open(desk, draft):
    payment = desk.post(draft.payment("100.00"))
    banking = draft.banking("100.01", (payment, "100.01"))
    assert desk.refused(banking) == {"OVER_ALLOCATION": "allocations.amount"}


def test_a_banking_entry_is_reversed_by_its_inverse(desk, draft):
    payment = desk.post(draft.payment("100.00"))
    refund = desk.post(draft.banking("30.00", (payment, "30.00")))
    back = desk.books.reverse(refund.key, Reversal(), origin=desk.origin)
    assert (back.content.direction, desk.open_amount(payment)) == ("IN", 100)
    desk.check()


def bounced(draft, payment, amount, **changes):
    key = payment.key
    linked = {"posting_year": key.posting_year, "daybook_code": key.daybook_code, "voucher": key.voucher}
    linked = {f"linked_{name}": value for name, value in linked.items()}
    return draft.payment(amount, status="Bounced", custom_short_0="mlc-6", **linked, **changes)


def test_a_payment_that_bounces_takes_its_prepayment_and_the_money_back(desk, draft):
    payment = desk.post(draft.payment("100.00"))
    bounce = desk.post(bounced(draft, payment, "100.00"))
    assert desk.entry(bounce) == [
        ("bank", "1010", "0", "100.00", "0", "100.00"),
        ("control", "2400", "100.00", "0", "100.00", "0"),
    ]
    assert (desk.open_amount(payment), bounce.reversal_of) == (0, payment.key)
    desk.check()


def test_what_is_allocated_of_a_payment_does_not_bounce(desk, draft):
    invoice = desk.post(draft.invoice("60.00"))
    payment = desk.post(draft.payment("100.00", (invoice, "60.00")))
    assert desk.refused(bounced(draft, payment, "100.00")) == {"OVER_ALLOCATION": "amount"}
    assert desk.refused(bounced(draft, invoice, "60.00")) == {"ITEM_UNKNOWN": "linked_voucher"}
    assert desk.refused(bounced(draft, payment, "40.00", customer_code="C0003")) == {"ITEM_CUSTOMER": "linked_voucher"}
    desk.check()
