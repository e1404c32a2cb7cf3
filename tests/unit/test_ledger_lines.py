"""Which account each line goes to: deferral, processing types, tax, suspense; and that it adds up (ACCOUNTING 3)."""

from decimal import Decimal

import msgspec
import pytest

from schemas.mapping import PROCESSING_TYPES, Analysis, BankRow, LineRow, TaxRow
from streams.ledger.building.lines import plain_text, processing_of
from streams.ledger.building.rows import bank_row, line_row, tax_row
from tests.unit import builders as zuora
from tests.unit.world import World, world

INVOICE = "invoice:inv1"
DEFERRED = {"deferredRevenueAccountingCodeId": "c-def"}
IN, PAST = {"serviceEndDate": "2026-03-31"}, {"serviceEndDate": "2026-04-01"}


def lines_of(found: World) -> list[tuple[str, Decimal, str]]:
    """Return (account, credit less debit, role) of each line of the last document."""
    content = found.contents()[-1]
    return [(line.account, line.credit - line.debit, line.role) for line in content.lines]


def rows(*more: LineRow) -> dict[str, object]:
    return {"lines": (*zuora.lines(), *more)}


def revenue(rule: str | None) -> dict[str, object]:
    others = tuple(row for row in zuora.lines() if row.account != "4000")
    return {"lines": (LineRow(code="Subscription Revenue", account="4000", revenue=rule), *others)}


DEFERRAL = [
    (None, True, False, "2500"),
    (None, True, True, "2500"),
    (None, False, False, "4000"),
    (None, False, True, "no_deferral_rule"),
    ("deferred", True, False, "2500"),
    ("deferred", True, True, "2500"),
    ("deferred", False, False, "no_deferred_code"),
    ("deferred", False, True, "no_deferred_code"),
    ("recognized", True, False, "4000"),
    ("recognized", True, True, "4000"),
    ("recognized", False, False, "4000"),
    ("recognized", False, True, "4000"),
    ("by_service_period", True, False, "4000"),
    ("by_service_period", True, True, "2500"),
    ("by_service_period", False, False, "4000"),
    ("by_service_period", False, True, "no_deferred_code"),
]


@pytest.mark.parametrize(("rule", "given", "past", "expected"), DEFERRAL)
def test_deferral_of_an_invoice_line(rule, given, past, expected):
    line = zuora.item("100.00", **(DEFERRED if given else {}), **(PAST if past else IN))
    found = world(**revenue(rule)).put(zuora.invoice(line))
    if expected.startswith("no_"):
        assert found.standing(INVOICE) == ("parked", expected)
        assert found.postings == []
    else:
        role = "deferred" if expected == "2500" else "charge"
        assert lines_of(found) == [(expected, Decimal("100.00"), role)]


@pytest.mark.parametrize(("rule", "given", "past", "expected"), DEFERRAL)
def test_deferral_of_a_memo_line(rule, given, past, expected):
    finance = {"recognizedRevenueAccountingCode": "Subscription Revenue"}
    finance |= {"deferredRevenueAccountingCode": "Deferred Revenue"} if given else {}
    line = zuora.memo_item("100.00", financeInformation=finance, **(PAST if past else IN))
    found = world(**revenue(rule)).put(zuora.memo(line))
    if expected.startswith("no_"):
        assert found.standing("credit_memo:cm1") == ("parked", expected)
    else:
        assert lines_of(found)[0][:2] == (expected, Decimal("-100.00"))


def test_a_line_without_service_dates_is_of_its_period():
    found = world(**revenue(None)).put(zuora.invoice(zuora.item("5.00", serviceStartDate=None, serviceEndDate=None)))
    assert lines_of(found) == [("4000", Decimal("5.00"), "charge")]


@pytest.mark.parametrize(("ends", "account"), [("2026-04-30", "4000"), ("2026-05-01", "2500")])
def test_the_period_that_counts_is_that_of_the_posting_not_of_the_document(ends, account):
    found = world(policy={"closed_period": "first_open"}).put(zuora.period(3, is_open=False))
    found.put(zuora.invoice(zuora.item("100.00", serviceEndDate=ends, **DEFERRED)))
    assert lines_of(found)[0][0] == account


@pytest.mark.parametrize("field", ["unbilledReceivablesAccountingCodeId", "contractLiabilityAccountingCodeId"])
def test_unbilled_and_contract_codes_win_over_the_deferred_one(field):
    code = "c-unb" if field.startswith("unb") else "c-con"
    found = world(**revenue(None)).put(zuora.invoice(zuora.item("100.00", **{field: code}, **DEFERRED)))
    assert lines_of(found)[0][:2] == ("2600", Decimal("100.00"))


@pytest.mark.parametrize("rule", ["recognized", "by_service_period"])
def test_unbilled_and_contract_codes_win_where_present_whatever_the_rule(rule):
    line = zuora.item("100.00", unbilledReceivablesAccountingCodeId="c-unb")
    assert lines_of(world(**revenue(rule)).put(zuora.invoice(line)))[0][0] == "2600"


@pytest.mark.parametrize("processing", PROCESSING_TYPES[1:])
def test_no_processing_type_falls_through_to_the_revenue_account(processing):
    without = tuple(row for row in zuora.lines() if row.processing == "Charge")
    found = world(lines=without).put(zuora.invoice(zuora.item("100.00", processingType=processing)))
    assert found.standing(INVOICE) == ("parked", "unmapped_code")
    own = LineRow(code="Subscription Revenue", processing=processing, account="4090", revenue="recognized")
    found.put(zuora.published(2, lines=(*without, own)))
    assert lines_of(found) == [("4090", Decimal("100.00"), processing.lower())]


@pytest.mark.parametrize(("number", "name"), [("0", "Charge"), ("1", "Discount"), ("2", "Prepayment"), ("3", "Tax")])
def test_object_query_gives_processing_types_by_number(number, name):
    assert processing_of(number) == processing_of(name) == name
    assert processing_of("") == processing_of(None) == "Charge"


def test_a_processing_type_that_is_new_parks_even_with_suspense():
    found = world(policy={"suspense": Analysis(account="1999")})
    found.put(zuora.invoice(zuora.item("100.00", processingType="Barter")))
    assert found.standing(INVOICE) == ("parked", "unknown_value")


def test_a_discount_is_a_line_of_its_own_on_the_other_side():
    discount = zuora.item("-20.00", "it2", processingType="1", discountAmount=Decimal("20.00"))
    found = world().put(zuora.invoice(zuora.item("100.00"), discount))
    assert lines_of(found) == [("4000", Decimal("100.00"), "charge"), ("4090", Decimal("-20.00"), "discount")]
    assert found.contents()[0].total == 80


def test_what_has_no_row_parks_with_what_to_add_or_goes_to_suspense():
    line = zuora.item("100.00", accountingCode="Consulting")
    found = world().put(zuora.invoice(line))
    assert found.standing(INVOICE) == ("parked", "unmapped_code")
    assert 'code = "Consulting"' in found.outcomes[-1].reason.next_step
    assert (found.outcomes[-1].value, found.outcomes[-1].currency) == (100, "EUR")
    found = world(policy={"suspense": Analysis(account="1999")}).put(zuora.invoice(line))
    assert lines_of(found) == [("1999", Decimal("100.00"), "suspense")]


def test_a_line_without_any_code_parks():
    found = world().put(zuora.invoice(zuora.item("100.00", accountingCode=None)))
    assert found.standing(INVOICE) == ("parked", "no_accounting_code")


def test_lines_excluded_from_revenue_accounting_never_share_a_row():
    line = zuora.item("100.00", excludeItemBillingFromRevenueAccounting=True)
    assert world().put(zuora.invoice(line)).standing(INVOICE) == ("parked", "unmapped_code")
    own = LineRow(code="Subscription Revenue", account="2600", excluded=True)
    assert lines_of(world(**rows(own)).put(zuora.invoice(line)))[0][0] == "2600"


def test_a_code_that_object_query_names_by_an_id_not_read_yet_waits_for_it():
    found = World().put(zuora.published())
    found.put(zuora.invoice(zuora.item("100.00", deferredRevenueAccountingCodeId="c-new", **PAST)))
    assert found.standing(INVOICE) == ("waiting", "reference_not_read")
    found.put(zuora.AccountingCode(id="c-new", name="Deferred Revenue"))
    assert lines_of(found)[0][0] == "2500"


def test_the_narrower_row_wins():
    wide = LineRow(code="A", account="1")
    product, both = (
        LineRow(code="A", product="P", account="2"),
        LineRow(code="A", product="P", currency="JPY", account="3"),
    )
    mapping = zuora.mapping(lines=(both, wide, product))
    ask = {"code": "A", "processing": "Charge", "charge": "X", "excluded": False}
    for found, product_asked, currency in (("3", "P", "JPY"), ("2", "P", "EUR"), ("1", "Q", "JPY")):
        row = line_row(mapping, product=product_asked, currency=currency, **ask)
        assert row is not None
        assert row.account == found
    assert line_row(mapping, product="P", currency="EUR", **{**ask, "excluded": True}) is None


def test_tax_goes_by_code_jurisdiction_and_rate_type():
    table = (TaxRow(account="1"), TaxRow(code="VAT", account="2"), TaxRow(code="VAT", jurisdiction="DE", account="3"))
    mapping = zuora.mapping(tax=table)
    for code, jurisdiction, account in (("VAT", "DE", "3"), ("VAT", "FR", "2"), ("GST", "DE", "1")):
        row = tax_row(mapping, code=code, jurisdiction=jurisdiction, rate_type="Percentage")
        assert row is not None
        assert row.account == account


def test_a_bank_goes_by_currency_always_and_by_type_and_gateway_where_said():
    table = (BankRow(currency="EUR", account="1"), BankRow(currency="EUR", gateway="Adyen", account="2"))
    mapping = zuora.mapping(banks=(*table, BankRow(currency="EUR", payment_type="External", account="3")))
    for payment_type, gateway, account in (
        ("Electronic", "Adyen", "2"),
        ("Electronic", "", "1"),
        ("External", "", "3"),
    ):
        row = bank_row(mapping, payment_type=payment_type, gateway=gateway, currency="EUR")
        assert row is not None
        assert row.account == account
    assert bank_row(mapping, payment_type="External", gateway="", currency="USD") is None


def test_tax_is_a_liability_line_of_its_own_and_zero_is_dropped_and_counted():
    taxes = [zuora.tax("19.00", "t1"), zuora.tax("0.00", "t2", taxCode="EXEMPT")]
    found = world().put(zuora.invoice(zuora.item("100.00", taxes=taxes), zuora.item("0.00", "it2")))
    assert lines_of(found) == [("4000", Decimal("100.00"), "charge"), ("2300", Decimal("19.00"), "tax")]
    assert [line.source for line in found.contents()[0].lines] == ["it1", "t1"]
    assert found.sets[0].dropped_zero_lines == 2


def test_tax_without_a_row_parks():
    found = world(tax=()).put(zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")])))
    assert found.standing(INVOICE) == ("parked", "unmapped_code")


def test_tax_rows_that_were_cut_at_the_page_count_from_where_they_are_whole():
    whole = [zuora.tax("1.00", f"t{number}") for number in range(19)]
    found = world().put(
        zuora.invoice(
            zuora.item("100.00", taxes=whole[:3], taxAmount=Decimal("19.00")),
            tax_rows={"it1": whole},
            amount=Decimal(119),
        )
    )
    assert sum(line.credit for line in found.contents()[0].lines if line.role == "tax") == 19


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (zuora.invoice(zuora.item("100.00"), amount=Decimal("100.01")), "total_mismatch"),
        (zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")]), amount=Decimal("100.00")), "total_mismatch"),
        (zuora.invoice(amount=Decimal("100.00")), "total_mismatch"),
        (
            zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")], taxAmount=Decimal("19.01"))),
            "tax_mismatch",
        ),
        (zuora.invoice(zuora.item("99.995", "a"), zuora.item("0.005", "b"), amount=Decimal(100)), "bad_amount"),
    ],
)
def test_lines_and_tax_that_do_not_come_to_the_total_park(record, rule):
    found = world().put(record)
    assert found.standing(INVOICE) == ("parked", rule)
    assert found.postings == []


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e400", "1e-40"])
def test_a_line_whose_amount_cannot_be_carried_parks(amount):
    line = zuora.raw(zuora.item("100.00") | {"chargeAmount": amount})
    found = world().put(msgspec.structs.replace(zuora.simple_invoice(), children={"items": [line]}))
    assert found.standing(INVOICE) == ("parked", "bad_amount")


def test_lines_whose_sum_is_out_of_range_park():
    huge = [zuora.item("900000000000000.00", name) for name in ("a", "b")]
    found = world().put(zuora.invoice(*huge, amount=Decimal("100.00")))
    assert found.standing(INVOICE)[0] == "parked"


def test_texts_are_what_qad_takes():
    assert plain_text("Seats\n\u200b\x00 and\tmore  ") == "Seats and more"
    assert plain_text("x" * 60) == "x" * 40
    assert plain_text("y" * 39 + " z") == "y" * 39
    found = world().put(zuora.invoice(zuora.item("1.00", accountingCode="Usage", chargeName="Über\r\n" + "n" * 60)))
    assert found.contents()[0].lines[0].text == "Über " + "n" * 35
