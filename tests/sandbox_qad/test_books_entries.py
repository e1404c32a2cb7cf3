"""What each kind of document does to the general ledger and the open items, to the cent, in the base currency."""

import datetime as dt
from decimal import Decimal

import pytest
from msgspec import structs

from sandbox.qad.books.documents import PREPAYMENT, AdjustmentLine, TaxLine


def test_an_invoice_debits_receivables_and_credits_its_lines(desk, draft):
    lines = (
        draft.line("90.00", "4000", sub_account_code="SAAS"),
        draft.line("10.00", "4100"),
        draft.line("8.25", "2300"),
    )
    document = desk.post(draft.invoice("108.25", posting_lines=lines))
    assert desk.entry(document) == [
        ("control", "1200", "108.25", "0", "108.25", "0"),
        ("line", "4000", "0", "90.00", "0", "90.00"),
        ("line", "4100", "0", "10.00", "0", "10.00"),
        ("line", "2300", "0", "8.25", "0", "8.25"),
    ]
    item = desk.ledger.items[document.key]
    assert (item.item_type, item.original_amount, item.open_amount) == ("INVOICE", Decimal("108.25"), Decimal("108.25"))
    assert str(document.key) == "10USACO.2026.ZINV.1"
    assert (document.posting_period, document.created_by) == (1, "connector")
    desk.check()


def test_a_discount_stands_on_the_debit_side_of_an_invoice(desk, draft):
    lines = (draft.line("120.00"), draft.line("20.00", "4100", debit=True))
    document = desk.post(draft.invoice("100.00", posting_lines=lines))
    assert desk.entry(document)[1:] == [
        ("line", "4100", "0", "120.00", "0", "120.00"),
        ("line", "4100", "20.00", "0", "20.00", "0"),
    ]
    desk.check()


def test_a_credit_note_is_the_mirror_on_its_own_control_account(desk, draft):
    lines = (draft.line("90.00", debit=True), draft.line("10.00", "2300", debit=True))
    document = desk.post(draft.credit_note("100.00", posting_lines=lines))
    assert desk.entry(document) == [
        ("control", "1210", "0", "100.00", "0", "100.00"),
        ("line", "4100", "90.00", "0", "90.00", "0"),
        ("line", "2300", "10.00", "0", "10.00", "0"),
    ]
    assert not desk.ledger.items[document.key].is_debit
    desk.check()


def test_corrections_stand_negative_on_the_side_of_what_they_correct(desk, draft):
    invoice = desk.post(draft.invoice("100.00"))
    correction = desk.post(
        draft.invoice(
            "100.00",
            invoice_type="INVOICECORRECTION",
            posting_lines=(draft.line("-100.00"),),
            linked_posting_year=2026,
            linked_daybook_code="ZINV",
            linked_voucher=invoice.key.voucher,
        )
    )
    assert desk.entry(correction) == [
        ("control", "1200", "-100.00", "0", "-100.00", "0"),
        ("line", "4100", "0", "-100.00", "0", "-100.00"),
    ]
    credit_correction = desk.post(
        draft.credit_note(
            "40.00", invoice_type="CREDITNOTECORRECTION", posting_lines=(draft.line("-40.00", debit=True),)
        )
    )
    assert desk.entry(credit_correction) == [
        ("control", "1210", "0", "-40.00", "0", "-40.00"),
        ("line", "4100", "-40.00", "0", "-40.00", "0"),
    ]
    assert [item.is_debit for item in desk.ledger.items.values()] == [True, False, True]
    desk.post(draft.adjustment(draft.movement(invoice, credit="100"), draft.movement(correction, debit="100")))
    assert desk.open_amount(invoice) == desk.open_amount(correction) == 0
    desk.check()


def test_a_taxable_invoice_credits_tax_accounts_and_keeps_exempt_rows(desk, draft):
    taxes = (
        TaxLine(tax_code="US-MA", gl_account_code="2310", base_amount=Decimal("100.00"), tax_amount=Decimal("6.25")),
        TaxLine(tax_code="EXEMPT", gl_account_code="2310", base_amount=Decimal("50.00"), tax_amount=Decimal("0")),
        TaxLine(tax_code="REBATE", gl_account_code="2310", base_amount=Decimal("-4.00"), tax_amount=Decimal("-0.25")),
    )
    lines = (draft.line("100.00"), draft.line("50.00"))
    document = desk.post(draft.invoice("156.00", is_taxable=True, tax_lines=taxes, posting_lines=lines))
    assert desk.entry(document)[3:] == [
        ("tax", "2310", "0", "6.25", "0", "6.25"),
        ("tax", "2310", "0.25", "0", "0.25", "0"),
    ]
    assert len(document.content.tax_lines) == 3
    desk.check()


def test_an_own_tax_engine_overrules_the_tax_that_was_sent(desk, draft):
    desk.policy.own_tax_rate = Decimal("0.07")
    tax = TaxLine(tax_code="T", gl_account_code="2310", base_amount=Decimal("100.00"), tax_amount=Decimal("6.25"))
    document = desk.post(
        draft.invoice("106.25", is_taxable=True, tax_lines=(tax,), posting_lines=(draft.line("100.00"),))
    )
    assert document.content.original_amount == Decimal("107.00")
    assert desk.entry(document)[2] == ("tax", "2310", "0", "7.00", "0", "7.00")
    desk.check()


def test_a_site_may_make_more_of_a_document_than_was_sent(desk, draft):
    desk.policy.off_by = Decimal("0.01")
    tax = TaxLine(tax_code="T", gl_account_code="2310", base_amount=Decimal("100.00"), tax_amount=Decimal("6.25"))
    taxed = desk.post(draft.invoice("106.25", is_taxable=True, tax_lines=(tax,), posting_lines=(draft.line("100.00"),)))
    assert taxed.content.original_amount == Decimal("106.26")
    assert desk.entry(taxed)[2] == ("tax", "2310", "0", "6.26", "0", "6.26")
    plain = desk.post(draft.invoice("100.00"))
    assert plain.content.original_amount == Decimal("100.01")
    desk.check()


@pytest.mark.parametrize(("owed", "netted"), [("100.00", "40.00"), ("30.00", "30.00")])
def test_a_credit_note_may_be_netted_by_its_link_as_far_as_both_are_open(desk, draft, owed, netted):
    desk.policy.nets_linked = True
    invoice = desk.post(draft.invoice(owed))
    link = {"linked_posting_year": 2026, "linked_daybook_code": "ZINV", "linked_voucher": invoice.key.voucher}
    note = desk.post(draft.credit_note("40.00", **link))
    assert note.netted_amount == Decimal(netted)
    items = desk.ledger.items
    assert items[invoice.key].open_amount == Decimal(owed) - Decimal(netted)
    assert items[note.key].open_amount == Decimal("40.00") - Decimal(netted)
    desk.check()
    alone = desk.post(draft.credit_note("40.00"))
    assert (alone.netted_amount, items[alone.key].open_amount) == (0, Decimal("40.00"))


def test_a_payment_may_be_taken_as_initial_whatever_was_asked_for(desk, draft):
    desk.policy.payments_wait = True
    document = desk.post(draft.payment("50.00"))
    assert (document.content.status, document.is_posted) == ("Initial", False)
    desk.check()


def test_what_an_invoice_leaves_out_is_filled(desk, draft):
    desk.catalogue.customers["C0001"].credit_terms_code = "NET30"
    bare = draft.invoice(
        "100.00", currency_code="", invoice_date=None, posting_date=None, due_date=None, is_taxable=None
    )
    content = desk.post(bare).content
    today = dt.date(2026, 2, 15)
    assert (content.invoice_date, content.posting_date, content.tax_point_date) == (today, today, today)
    assert (content.due_date, content.credit_terms_code) == (dt.date(2026, 3, 17), "NET30")
    assert (content.currency_code, content.is_taxable, content.posting_year) == ("USD", False, 2026)


def test_a_payment_pays_invoices_and_its_rest_is_a_prepayment(desk, draft):
    first, second = desk.post(draft.invoice("60.00")), desk.post(draft.invoice("30.00"))
    payment = desk.post(draft.payment("100.00", (first, "60.00"), (second, "10.00")))
    assert desk.entry(payment) == [
        ("bank", "1010", "100.00", "0", "100.00", "0"),
        ("control", "1200", "0", "60.00", "0", "60.00"),
        ("control", "1200", "0", "10.00", "0", "10.00"),
        ("control", "2400", "0", "30.00", "0", "30.00"),
    ]
    assert desk.open_amount(first) == 0
    assert desk.open_amount(second) == Decimal("20.00")
    item = desk.ledger.items[payment.key]
    assert (item.item_type, item.original_amount, item.open_amount) == (PREPAYMENT, Decimal("30.00"), Decimal("30.00"))
    desk.check()


def test_a_payment_that_is_allocated_whole_leaves_no_item(desk, draft):
    invoice = desk.post(draft.invoice("60.00"))
    payment = desk.post(draft.payment("60.00", (invoice, "60.00")))
    assert payment.key not in desk.ledger.items
    desk.check()


def test_where_the_item_holds_the_whole_payment_its_allocation_can_be_undone(desk, draft):
    desk.policy.prepayment_holds_whole_payment = True
    invoice = desk.post(draft.invoice("60.00"))
    payment = desk.post(draft.payment("60.00", (invoice, "60.00")))
    item = desk.ledger.items[payment.key]
    assert (item.original_amount, item.open_amount) == (Decimal("60.00"), Decimal("0.00"))
    desk.post(draft.adjustment(draft.movement(invoice, debit="60"), draft.movement(payment, credit="60")))
    assert desk.open_amount(invoice) == desk.open_amount(payment) == Decimal("60.00")
    desk.check()


def test_an_initial_payment_touches_nothing_until_it_is_paid(desk, draft):
    invoice = desk.post(draft.invoice("60.00"))
    payment = desk.post(draft.payment("60.00", (invoice, "60.00"), status="Initial"))
    assert not payment.is_posted
    assert desk.open_amount(invoice) == Decimal("60.00")
    desk.books.pay(payment.key, origin=desk.origin)
    assert payment.is_posted
    assert payment.content.status == "Paid"
    assert desk.open_amount(invoice) == 0
    desk.check()


def test_an_adjustment_applies_a_credit_note_and_re_opens_it(desk, draft):
    invoice, credit = desk.post(draft.invoice("100.00")), desk.post(draft.credit_note("40.00"))
    applied = desk.post(draft.adjustment(draft.movement(credit, debit="25"), draft.movement(invoice, credit="25")))
    assert desk.entry(applied) == [
        ("control", "1210", "25", "0", "25.00", "0"),
        ("control", "1200", "0", "25", "0", "25.00"),
    ]
    assert (desk.open_amount(invoice), desk.open_amount(credit)) == (Decimal(75), Decimal(15))
    desk.post(draft.adjustment(draft.movement(credit, credit="25"), draft.movement(invoice, debit="25")))
    assert (desk.open_amount(invoice), desk.open_amount(credit)) == (Decimal(100), Decimal(40))
    desk.check()


def test_a_prepayment_pays_the_invoice_of_another_customer(desk, draft):
    invoice = desk.post(draft.invoice("50.00", customer_code="C0003"))
    payment = desk.post(draft.payment("80.00"))
    lines = draft.movement(payment, debit="50"), draft.movement(invoice, credit="50", customer="C0003")
    desk.post(draft.adjustment(*lines))
    assert (desk.open_amount(invoice), desk.open_amount(payment)) == (Decimal(0), Decimal(30))
    desk.check()


def test_a_refund_closes_a_prepayment_against_the_bank(desk, draft):
    payment = desk.post(draft.payment("80.00"))
    refund = desk.post(draft.adjustment(draft.movement(payment, debit="80"), gl_lines=(draft.line("80", "1010"),)))
    assert desk.entry(refund) == [
        ("control", "2400", "80", "0", "80.00", "0"),
        ("line", "1010", "0", "80", "0", "80.00"),
    ]
    assert desk.open_amount(payment) == 0
    desk.check()


def test_a_prepayment_moves_to_another_customer(desk, draft):
    payment = desk.post(draft.payment("80.00"))
    new = AdjustmentLine(customer_code="C0003", new_item_type=PREPAYMENT, credit_amount=Decimal(80))
    moved = desk.post(draft.adjustment(draft.movement(payment, debit="80"), new))
    item = desk.ledger.items[moved.key]
    assert (item.customer_code, item.item_type, item.open_amount) == ("C0003", PREPAYMENT, Decimal(80))
    assert desk.ledger.items_by_customer["c0003"] == [item]
    desk.check()


def test_a_journal_entry_books_its_lines_with_analysis(desk, draft):
    journal = draft.journal(("6100", "USD", "25.00", "0"), ("1900", "USD", "0", "25.00"))
    lines = (structs.replace(journal.lines[0], cost_centre_code="CC10", text="Write-off"), journal.lines[1])
    document = desk.post(structs.replace(journal, lines=lines))
    assert desk.entry(document) == [
        ("line", "6100", "25.00", "0", "25.00", "0"),
        ("line", "1900", "0", "25.00", "0", "25.00"),
    ]
    line = desk.ledger.lines_of(document)[0]
    assert (line.cost_centre_code, line.text) == ("CC10", "Write-off")
    desk.check()


def test_period_balances_are_kept_by_account_sub_account_and_currency(desk, draft):
    for month, sub in ((1, "SAAS"), (1, "SAAS"), (1, "SERV"), (2, "SAAS")):
        line = draft.line("10.00", "4000", sub_account_code=sub)
        desk.post(draft.invoice("10.00", posting_date=dt.date(2026, month, 20), posting_lines=(line,)))
    held = {
        (key.sub_account_code, key.year, key.period): balance.credit_amount
        for key, balance in desk.ledger.balances.items()
        if key.gl_account_code == "4000"
    }
    assert held == {("SAAS", 2026, 1): 20, ("SERV", 2026, 1): 10, ("SAAS", 2026, 2): 10}


def test_vouchers_count_per_year_and_daybook_and_step_over_given_ones(desk, draft):
    assert desk.post(draft.invoice()).key.voucher == 1
    assert desk.post(draft.invoice(voucher=3)).key.voucher == 3
    assert desk.post(draft.invoice()).key.voucher == 2
    assert desk.post(draft.invoice()).key.voucher == 4
    assert desk.post(draft.invoice(posting_date=dt.date(2027, 1, 2))).key == ("10USACO", 2027, "ZINV", 1)
    assert desk.post(draft.invoice(daybook_code="HINV")).key.voucher == 1


def test_references_may_repeat_unless_the_site_forbids_it(desk, draft):
    desk.post(draft.invoice())
    desk.post(draft.invoice())
    assert len(desk.ledger.by_custom_short_0.repeated()) == 1
    desk.policy.unique_reference = ("custom_short_0",)
    assert desk.refused(draft.invoice()) == {"ALREADY_EXISTS": "custom_short_0"}
    desk.post(draft.invoice(custom_short_0="mlc-9"))
    desk.policy.unique_reference = ("reference",)
    assert desk.refused(draft.invoice(custom_short_0="mlc-10")) == {"ALREADY_EXISTS": "reference"}
    desk.post(draft.payment("5.00"))
    assert desk.refused(draft.payment("5.00")) == {"ALREADY_EXISTS": "reference"}
