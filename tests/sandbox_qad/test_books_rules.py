"""Everything that the books refuse: the code, the field it names, and that nothing is left behind."""

import datetime as dt
from decimal import Decimal

import pytest
from msgspec import structs

from sandbox.qad.books.documents import PREPAYMENT, AdjustmentLine, DocumentKey, PostingLine, TaxLine
from sandbox.qad.books.master import PeriodStatus

TAX = TaxLine(tax_code="T", gl_account_code="2310", base_amount=Decimal(100), tax_amount=Decimal(7))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"invoice_type": "PROFORMA"}, {"VALUE_NOT_ALLOWED": "invoice_type"}),
        ({"entity_code": "20DEUCO"}, {"ENTITY_MISMATCH": "entity_code"}),
        ({"customer_code": "C9999"}, {"CUSTOMER_UNKNOWN": "customer_code"}),
        ({"currency_code": "XXX"}, {"CURRENCY_UNKNOWN": "currency_code"}),
        ({"currency_code": "GBP"}, {"RATE_MISSING": "currency_code"}),
        ({"credit_terms_code": "NET99"}, {"CREDIT_TERMS_UNKNOWN": "credit_terms_code"}),
        ({"daybook_code": "NONE"}, {"DAYBOOK_UNKNOWN": "daybook_code"}),
        ({"daybook_code": "OLDINV"}, {"DAYBOOK_INACTIVE": "daybook_code"}),
        ({"daybook_code": "ZCRN"}, {"DAYBOOK_TYPE": "daybook_code"}),
        ({"daybook_code": "HINV", "voucher": 7}, {"VOUCHER_NOT_ALLOWED": "voucher"}),
        ({"voucher": 1_000_000_000}, {"VOUCHER_NOT_ALLOWED": "voucher"}),
        ({"voucher": -1}, {"VOUCHER_NOT_ALLOWED": "voucher"}),
        ({"posting_date": dt.date(2031, 1, 1)}, {"PERIOD_MISSING": "posting_date"}),
        ({"posting_date": dt.date(9999, 12, 31), "due_date": None}, {"PERIOD_MISSING": "posting_date"}),
        (
            {"invoice_date": dt.date(9999, 12, 31), "due_date": None, "description": ""},
            {"FIELD_REQUIRED": "description"},
        ),
        ({"posting_year": 2025}, {"POSTING_YEAR": "posting_year"}),
        ({"description": " "}, {"FIELD_REQUIRED": "description"}),
        ({"description": "x" * 41}, {"FIELD_TOO_LONG": "description"}),
        ({"reference": "x" * 41}, {"FIELD_TOO_LONG": "reference"}),
        ({"custom_short_0": "x" * 21}, {"FIELD_TOO_LONG": "custom_short_0"}),
        (
            {"original_amount": Decimal("100.001")},
            {"AMOUNT_DECIMALS": "original_amount", "OUT_OF_BALANCE": "original_amount"},
        ),
        ({"original_amount": Decimal("1E+12")}, {"AMOUNT_TOO_LARGE": "original_amount"}),
        ({"original_amount": Decimal(99)}, {"OUT_OF_BALANCE": "original_amount"}),
        (
            {"original_amount": Decimal(0)},
            {"AMOUNT_NOT_POSITIVE": "original_amount", "OUT_OF_BALANCE": "original_amount"},
        ),
        ({"posting_lines": ()}, {"FIELD_REQUIRED": "posting_lines"}),
        ({"is_taxable": True}, {"TAX_LINES": "tax_lines"}),
        ({"tax_lines": (TAX,)}, {"TAX_LINES": "tax_lines", "OUT_OF_BALANCE": "original_amount"}),
        (
            {"linked_posting_year": 2026, "linked_daybook_code": "ZINV", "linked_voucher": 9},
            {"LINK_UNKNOWN": "linked_voucher"},
        ),
    ],
)
def test_invoice_headers(desk, draft, changes, expected):
    assert desk.refused(draft.invoice("100.00", **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gl_account_code": "9999"}, {"ACCOUNT_UNKNOWN": "gl_account_code"}),
        ({"gl_account_code": "4900"}, {"ACCOUNT_INACTIVE": "gl_account_code"}),
        ({"gl_account_code": "1200"}, {"ACCOUNT_IS_CONTROL": "gl_account_code"}),
        ({"gl_account_code": "2310"}, {"ACCOUNT_TYPE": "gl_account_code"}),
        ({"gl_account_code": "1020"}, {"ACCOUNT_CURRENCY": "gl_account_code"}),
        ({"gl_account_code": "4000"}, {"SUB_ACCOUNT": "sub_account_code"}),
        ({"gl_account_code": "4000", "sub_account_code": "NOPE"}, {"SUB_ACCOUNT": "sub_account_code"}),
        ({"gl_account_code": "4000", "sub_account_code": "OLD"}, {"SUB_ACCOUNT": "sub_account_code"}),
        ({"sub_account_code": "SAAS"}, {"SUB_ACCOUNT": "sub_account_code"}),
        ({"gl_account_code": "4200"}, {"COST_CENTRE": "cost_centre_code"}),
        ({"gl_account_code": "4200", "cost_centre_code": "CC99"}, {"COST_CENTRE": "cost_centre_code"}),
        ({"cost_centre_code": "CC10"}, {"COST_CENTRE": "cost_centre_code"}),
        ({"project_code": "PRJ1"}, {"PROJECT": "project_code"}),
        ({"gl_account_code": "6100"}, {"ANALYSIS_LIMITATION": "cost_centre_code"}),
        ({"gl_account_code": "6200", "cost_centre_code": "CC10"}, {"ANALYSIS_LIMITATION": "cost_centre_code"}),
        (
            {"gl_account_code": "6300", "cost_centre_code": "CC10", "project_code": "PRJ1"},
            {"ANALYSIS_LIMITATION": "cost_centre_code"},
        ),
        ({"text": "x" * 41}, {"FIELD_TOO_LONG": "text"}),
        ({"credit_amount": Decimal(0)}, {"AMOUNT_SIDE": "credit_amount", "OUT_OF_BALANCE": ""}),
        ({"debit_amount": Decimal(5)}, {"AMOUNT_SIDE": "debit_amount", "OUT_OF_BALANCE": ""}),
        ({"credit_amount": Decimal(-100)}, {"AMOUNT_SIDE": "credit_amount", "OUT_OF_BALANCE": ""}),
        ({"credit_amount": Decimal("1E+20")}, {"AMOUNT_TOO_LARGE": "credit_amount"}),
    ],
)
def test_lines_of_invoices(desk, draft, changes, expected):
    line = structs.replace(PostingLine(gl_account_code="4100", credit_amount=Decimal(100)), **changes)
    found = desk.refused(draft.invoice("100.00", posting_lines=(line,)))
    assert found == {code: f"posting_lines.{field}" if field else "original_amount" for code, field in expected.items()}


@pytest.mark.parametrize(
    ("account", "analysis"),
    [
        ("6100", {"cost_centre_code": "CC10"}),
        ("6100", {"project_code": "PRJ1"}),
        ("6100", {"cost_centre_code": "CC10", "project_code": "PRJ1"}),
        ("6200", {"cost_centre_code": "CC10", "project_code": "PRJ1"}),
        ("6300", {"cost_centre_code": "CC10"}),
        ("6300", {"project_code": "PRJ2"}),
        ("4200", {"cost_centre_code": "CC20"}),
    ],
)
def test_analysis_that_satisfies_its_account(desk, draft, account, analysis):
    desk.post(draft.invoice("100.00", posting_lines=(draft.line("100.00", account, **analysis),)))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"gl_account_code": "2300"}, "ACCOUNT_TYPE"),
        ({"tax_code": ""}, "FIELD_REQUIRED"),
        ({"tax_amount": Decimal("7.001")}, "AMOUNT_DECIMALS"),
        ({"base_amount": Decimal("7.001")}, "AMOUNT_DECIMALS"),
        ({"sub_account_code": "SAAS"}, "SUB_ACCOUNT"),
    ],
)
def test_tax_lines(desk, draft, changes, code):
    invoice = draft.invoice("107.00", is_taxable=True, posting_lines=(draft.line("100.00"),))
    desk.post(structs.replace(invoice, tax_lines=(TAX,)))
    assert code in desk.refused(structs.replace(invoice, tax_lines=(structs.replace(TAX, **changes),)))


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("is_active", False, "CUSTOMER_INACTIVE"),
        ("is_locked_credit_limit", True, "CUSTOMER_ON_HOLD"),
        ("operations", {}, "CUSTOMER_INCOMPLETE"),
        ("invoice_control_gl_profile_code", "NOPE", "CUSTOMER_INCOMPLETE"),
        ("business_relation_code", "NOPE", "CUSTOMER_INCOMPLETE"),
    ],
)
def test_customers_that_cannot_be_used(desk, draft, field, value, code):
    setattr(desk.catalogue.customers["C0001"], field, value)
    assert desk.refused(draft.invoice()) == {code: "customer_code"}


def test_a_hold_stops_invoices_only_and_only_where_the_site_says_so(desk, draft):
    desk.catalogue.customers["C0001"].is_locked_credit_limit = True
    desk.post(draft.credit_note())
    desk.post(draft.payment())
    desk.policy.credit_hold_blocks_invoices = False
    desk.post(draft.invoice())


def test_a_site_may_hold_customers_to_their_own_currency(desk, draft):
    desk.post(draft.invoice(currency_code="EUR"))
    desk.policy.customer_currency_only = True
    assert desk.refused(draft.invoice(currency_code="EUR")) == {"CUSTOMER_CURRENCY": "currency_code"}
    assert desk.refused(draft.payment(currency_code="EUR")) == {"CUSTOMER_CURRENCY": "currency_code"}


def test_closed_periods(desk, draft):
    journal = draft.journal(("1900", "USD", "5", "0"), ("4100", "USD", "0", "5"))
    january = desk.ledger.entity.periods[12]
    january.is_open_for_sales = False
    assert desk.refused(draft.invoice()) == {"PERIOD_CLOSED_FOR_SALES": "posting_date"}
    desk.post(journal)
    january.status = PeriodStatus.LOCKED
    assert desk.refused(draft.invoice()) == {"PERIOD_CLOSED": "posting_date"}
    assert desk.refused(journal) == {"PERIOD_CLOSED": "posting_date"}
    desk.post(draft.invoice(posting_date=dt.date(2026, 2, 1)))


def test_a_key_that_is_there_is_refused(desk, draft):
    desk.post(draft.invoice(voucher=5))
    assert desk.refused(draft.invoice(voucher=5)) == {"ALREADY_EXISTS": "voucher"}


def test_amounts_keep_to_the_decimals_of_their_currency(desk, draft):
    assert "AMOUNT_DECIMALS" in desk.refused(draft.invoice("100.5", currency_code="JPY"))
    assert "AMOUNT_DECIMALS" in desk.refused(draft.invoice("1.0005", currency_code="KWD"))
    desk.post(draft.invoice("1.005", currency_code="KWD"))
    desk.post(draft.invoice("100.5000"))


def test_a_link_leads_to_an_invoice_of_the_same_customer(desk, draft):
    linked = {"linked_posting_year": 2026, "linked_daybook_code": "ZINV", "linked_voucher": 1}
    desk.post(draft.invoice(customer_code="C0003"))
    assert desk.refused(draft.credit_note(**linked)) == {"LINK_UNKNOWN": "linked_voucher"}
    desk.post(draft.credit_note(customer_code="C0003", **linked))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": Decimal(0)}, {"AMOUNT_NOT_POSITIVE": "amount"}),
        ({"amount": Decimal("-5")}, {"AMOUNT_NOT_POSITIVE": "amount"}),
        ({"amount": Decimal("1E+13")}, {"AMOUNT_TOO_LARGE": "amount"}),
        ({"status": "Accepted"}, {"VALUE_NOT_ALLOWED": "status"}),
        ({"status": "Bounced"}, {"ITEM_UNKNOWN": "linked_voucher"}),
        ({"bank_gl_account_code": "4100"}, {"ACCOUNT_TYPE": "bank_gl_account_code"}),
        ({"bank_gl_account_code": "1200"}, {"ACCOUNT_IS_CONTROL": "bank_gl_account_code"}),
        ({"bank_gl_account_code": ""}, {"ACCOUNT_UNKNOWN": "bank_gl_account_code"}),
        ({"bank_gl_account_code": "1020"}, {"ACCOUNT_CURRENCY": "bank_gl_account_code"}),
        ({"daybook_code": "ZINV"}, {"DAYBOOK_TYPE": "daybook_code"}),
        ({"payment_reference": "x" * 41}, {"FIELD_TOO_LONG": "payment_reference"}),
        ({"customer_code": "C9999"}, {"CUSTOMER_UNKNOWN": "customer_code"}),
        ({"currency_code": "GBP"}, {"RATE_MISSING": "currency_code"}),
    ],
)
def test_payments(desk, draft, changes, expected):
    assert desk.refused(structs.replace(draft.payment("100.00"), **changes)) == expected


def test_allocations_of_payments(desk, draft):
    invoice, credit = desk.post(draft.invoice("60.00")), desk.post(draft.credit_note("60.00"))
    foreign = desk.post(draft.invoice("60.00", customer_code="C0003"))
    euro = desk.post(draft.invoice("60.00", currency_code="EUR"))
    assert desk.refused(draft.payment("100.00", (invoice, "61.00"))) == {"OVER_ALLOCATION": "allocations.amount"}
    assert desk.refused(draft.payment("50.00", (invoice, "60.00"))) == {"OVER_ALLOCATION": "amount"}
    twice = draft.payment("100.00", (invoice, "40.00"), (invoice, "21.00"))
    assert desk.refused(twice) == {"OVER_ALLOCATION": "allocations.amount"}
    assert desk.refused(draft.payment("100.00", (credit, "1.00"))) == {"ITEM_TYPE": "allocations.invoice_voucher"}
    assert desk.refused(draft.payment("100.00", (foreign, "1.00"))) == {"ITEM_CUSTOMER": "allocations.invoice_voucher"}
    assert desk.refused(draft.payment("100.00", (euro, "1.00"))) == {"ITEM_CURRENCY": "allocations.invoice_voucher"}
    assert desk.refused(draft.payment("100.00", (invoice, "0"))) == {"AMOUNT_NOT_POSITIVE": "allocations.amount"}
    payment = draft.payment("100.00", (invoice, "1.00"))
    unknown = structs.replace(payment.allocations[0], invoice_voucher=99)
    assert desk.refused(structs.replace(payment, allocations=(unknown,))) == {
        "ITEM_UNKNOWN": "allocations.invoice_voucher"
    }


def test_a_payment_that_waits_is_judged_again_when_it_is_paid(desk, draft):
    invoice = desk.post(draft.invoice("60.00"))
    waiting = desk.post(draft.payment("60.00", (invoice, "60.00"), status="Initial"))
    desk.post(draft.payment("60.00", (invoice, "60.00")))
    with pytest.raises(Exception, match=r"has only 0\.00 open"):
        desk.books.pay(waiting.key, origin=desk.origin)
    with pytest.raises(Exception, match="no payment in status Initial"):
        desk.books.pay(invoice.key, origin=desk.origin)
    desk.check()


def test_adjustments(desk, draft):
    invoice, credit = desk.post(draft.invoice("60.00")), desk.post(draft.credit_note("40.00"))
    debit, credited = draft.movement(credit, debit="10"), draft.movement(invoice, credit="10")
    unknown = draft.movement(DocumentKey("10USACO", 2026, "ZINV", 99), credit="10")
    cases = [
        (draft.adjustment(), {"FIELD_REQUIRED": "lines"}),
        (draft.adjustment(debit), {"OUT_OF_BALANCE": "lines"}),
        (draft.adjustment(debit, draft.movement(invoice, credit="9")), {"OUT_OF_BALANCE": "lines"}),
        (draft.adjustment(debit, unknown), {"ITEM_UNKNOWN": "lines.item_voucher"}),
        (
            draft.adjustment(debit, structs.replace(credited, customer_code="C0003")),
            {"ITEM_CUSTOMER": "lines.customer_code"},
        ),
        (
            draft.adjustment(debit, credited, currency_code="EUR"),
            {"ITEM_CURRENCY": "lines.item_voucher"},
        ),
        (
            draft.adjustment(draft.movement(credit, debit="41"), draft.movement(invoice, credit="41")),
            {"OVER_ALLOCATION": "lines.debit_amount"},
        ),
        (
            draft.adjustment(*[debit] * 5, draft.movement(invoice, credit="50")),
            {"OVER_ALLOCATION": "lines.debit_amount"},
        ),
        (
            draft.adjustment(draft.movement(invoice, debit="1"), draft.movement(credit, credit="1")),
            {"OVER_REOPENING": "lines.credit_amount"},
        ),
        (
            draft.adjustment(draft.movement(credit, debit="10.001"), draft.movement(invoice, credit="10.001")),
            {"AMOUNT_DECIMALS": "lines.credit_amount"},
        ),
        (
            draft.adjustment(debit, structs.replace(credited, debit_amount=Decimal(10))),
            {"AMOUNT_SIDE": "lines.debit_amount", "OUT_OF_BALANCE": "lines"},
        ),
        (
            draft.adjustment(debit, gl_lines=(draft.line("10", "1200"),)),
            {"ACCOUNT_IS_CONTROL": "gl_lines.gl_account_code"},
        ),
        (draft.adjustment(debit, gl_lines=(draft.line("10", "4000"),)), {"SUB_ACCOUNT": "gl_lines.sub_account_code"}),
        (draft.adjustment(debit, credited, daybook_code="ZINV"), {"DAYBOOK_TYPE": "daybook_code"}),
        (draft.adjustment(debit, credited, description="x" * 256), {"FIELD_TOO_LONG": "description"}),
    ]
    for content, expected in cases:
        assert desk.refused(content) == expected
    desk.post(draft.adjustment(debit, credited, description="x" * 255))


def test_new_items_of_adjustments(desk, draft):
    payment = desk.post(draft.payment("80.00"))
    new = AdjustmentLine(customer_code="C0003", new_item_type=PREPAYMENT, credit_amount=Decimal(40))
    line = draft.movement(payment, debit="80")
    field = "lines.new_item_type"
    assert desk.refused(draft.adjustment(line, new, new)) == {"VALUE_NOT_ALLOWED": field}
    wrong = structs.replace(new, new_item_type="INVOICE", credit_amount=Decimal(80))
    assert desk.refused(draft.adjustment(line, wrong)) == {"VALUE_NOT_ALLOWED": field}
    unknown = structs.replace(new, customer_code="C9999", credit_amount=Decimal(80))
    assert desk.refused(draft.adjustment(line, unknown)) == {"CUSTOMER_UNKNOWN": "lines.customer_code"}


@pytest.mark.parametrize(
    ("lines", "changes", "expected"),
    [
        ((), {}, {"FIELD_REQUIRED": "lines"}),
        ((("1900", "USD", "5", "0"), ("4100", "USD", "0", "4")), {}, {"OUT_OF_BALANCE": "lines"}),
        ((("1900", "USD", "5", "0"), ("4100", "EUR", "0", "5")), {}, {"OUT_OF_BALANCE": "lines"}),
        ((("1200", "USD", "5", "0"), ("4100", "USD", "0", "5")), {}, {"ACCOUNT_IS_CONTROL": "lines.gl_account_code"}),
        ((("1900", "GBP", "5", "0"), ("4100", "GBP", "0", "5")), {}, {"RATE_MISSING": "lines.currency_code"}),
        ((("1900", "XXX", "5", "0"), ("4100", "XXX", "0", "5")), {}, {"CURRENCY_UNKNOWN": "lines.currency_code"}),
        ((("1900", "JPY", "5.5", "0"), ("4100", "JPY", "0", "5.5")), {}, {"AMOUNT_DECIMALS": "lines.credit_amount"}),
        ((("1900", "USD", "1E+14", "0"), ("4100", "USD", "0", "5")), {}, {"AMOUNT_TOO_LARGE": "lines.debit_amount"}),
        (
            (("1900", "USD", "5", "0"), ("4100", "USD", "0", "5")),
            {"daybook_code": "MGMT"},
            {"DAYBOOK_LAYER": "daybook_code"},
        ),
        (
            (("1900", "USD", "5", "0"), ("4100", "USD", "0", "5")),
            {"description": ""},
            {"FIELD_REQUIRED": "description"},
        ),
    ],
)
def test_journal_entries(desk, draft, lines, changes, expected):
    assert desk.refused(draft.journal(*lines, **changes)) == expected


def test_several_errors_come_at_once(desk, draft):
    wrong = draft.invoice(customer_code="C9999", daybook_code="NONE", description="", original_amount=Decimal(1))
    assert desk.refused(wrong) == {
        "CUSTOMER_UNKNOWN": "customer_code",
        "DAYBOOK_UNKNOWN": "daybook_code",
        "FIELD_REQUIRED": "description",
        "OUT_OF_BALANCE": "original_amount",
    }


def test_records_of_one_call_stand_or_fall_together(desk, draft):
    invoice = desk.post(draft.invoice("100.00"))
    before = desk.snapshot()
    contents = [
        draft.invoice("10.00"),
        draft.payment("30.00", (invoice, "20.00")),
        draft.invoice("10.00", customer_code="C9999"),
        draft.payment("90.00", (invoice, "90.00")),
    ]
    booked = desk.books.post("10USACO", contents, origin=desk.origin)
    assert booked.documents == []
    # The fourth is judged after the second: only 80.00 is open by then.
    assert {position: errors[0].code for position, errors in booked.refusals.items()} == {
        2: "CUSTOMER_UNKNOWN",
        3: "OVER_ALLOCATION",
    }
    assert desk.snapshot() == before
    by_itself = desk.books.post("10USACO", contents, origin=desk.origin, each_by_itself=True)
    assert [document.kind for document in by_itself.documents] == ["invoice", "payment"]
    assert desk.open_amount(invoice) == Decimal(80)
    desk.check()
