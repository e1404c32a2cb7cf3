"""Invoices, credit memos and payments when they are first posted: what each becomes (ACCOUNTING 1)."""

from datetime import date
from decimal import Decimal

import pytest

from schemas.ids import posting_id
from schemas.mapping import BankRow
from schemas.outcomes import Ignored
from schemas.topics import Topic
from streams.ledger.applying.applications import SignedRow, settle_signs
from tests.unit import builders as zuora
from tests.unit.world import World, world

INVOICE, MEMO, PAYMENT = "invoice:inv1", "credit_memo:cm1", "payment:pay1"
LATER = "2026-03-11T10:00:00Z"


def test_an_invoice_becomes_a_customer_invoice():
    found = world().put(zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")])))
    (posting,) = found.postings
    content = posting.content
    assert content.__struct_config__.tag == "invoice"
    assert (content.customer, content.currency, content.total) == ("C1", "EUR", Decimal("119.00"))
    assert (content.document_date, content.posting_date) == (date(2026, 3, 10), date(2026, 3, 10))
    assert (content.due_date, content.terms, content.daybook) == (date(2026, 4, 9), "NET30", "ZINV")
    assert (posting.number, posting.document, posting.n, posting.step) == ("INV1", INVOICE, 1, "document")
    assert posting.id == posting_id(zuora.CONNECTION, kind="invoice", zuora_id="inv1", act="post", n=1, step="document")
    (event,) = found.sets
    assert (event.mapping_version, event.currency, event.value) == (1, "EUR", Decimal("119.00"))
    assert event.record == len(found.log[Topic.RECORDS]) - 1
    assert event.sides == {
        topic: len(found.log[topic]) - 1 for topic in ("decisions", "qad.reference", "zuora.reference")
    }


def test_terms_that_are_not_mapped_leave_the_customers_own_and_the_due_date_is_sent():
    content = world(terms={}).put(zuora.simple_invoice()).contents()[0]
    assert (content.terms, content.due_date) == ("", date(2026, 4, 9))


def test_an_invoice_without_a_due_date_is_due_on_its_day():
    assert world().put(zuora.simple_invoice(dueDate=None)).contents()[0].due_date == date(2026, 3, 10)


def test_a_negative_invoice_becomes_a_credit_note_with_its_signs_turned():
    found = world().put(zuora.invoice(zuora.item("-100.00", taxes=[zuora.tax("-19.00")])))
    (content,) = found.contents("credit_note")
    assert (content.total, content.daybook) == (Decimal("119.00"), "ZCRN")
    assert [(line.account, line.debit, line.credit) for line in content.lines] == [("4000", 100, 0), ("2300", 19, 0)]
    assert found.sets[0].value == Decimal("-119.00")


@pytest.mark.parametrize("source", ["Subscription", "Standalone", "Order", "Invoice", "Consolidation"])
def test_a_credit_memo_becomes_a_credit_note_whatever_made_it(source):
    line = zuora.memo_item("100.00", taxes=[zuora.tax("19.00")])
    found = world().put(zuora.memo(line, sourceType=source, invoiceId="inv1", reversed=True))
    (content,) = found.contents()
    assert (content.__struct_config__.tag, content.total, content.refers_to) == ("credit_note", 119, INVOICE)
    assert [(line.account, line.debit, line.role) for line in content.lines] == [
        ("4000", 100, "charge"),
        ("2300", 19, "tax"),
    ]


def test_a_memo_line_that_includes_tax_counts_without_it():
    line = zuora.memo_item("100.00", taxes=[zuora.tax("19.00")], amount=Decimal("119.00"))
    assert world().put(zuora.memo(line)).contents()[0].total == 119


def test_a_write_off_memo_takes_the_non_revenue_account_and_its_tax_follows_its_own_rows():
    finance = {
        "nonRevenueWriteOffAccountingCode": "Bad Debt",
        "recognizedRevenueAccountingCode": "Subscription Revenue",
        "deferredRevenueAccountingCode": "Deferred Revenue",
    }
    line = zuora.memo_item("100.00", taxes=[zuora.tax("19.00")], revenueImpacting="No", financeInformation=finance)
    found = world().put(zuora.memo(line))
    assert [(line.account, line.debit) for line in found.contents()[0].lines] == [("6800", 100), ("2300", 19)]


def test_an_invoice_that_zuora_shows_as_reversed_or_written_off_makes_nothing_more():
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice(updated=LATER, reversed=True, balance=0))
    found.put(zuora.simple_invoice(updated="2026-03-12T10:00:00Z", writtenOff=True, creditMemoAmount=100))
    assert len(found.postings) == 1


@pytest.mark.parametrize(
    ("currency", "lines", "total"),
    [("JPY", ["1000", "-1"], "999"), ("KWD", ["0.005", "1.000"], "1.005"), ("USD", ["0.01"], "0.01")],
)
def test_each_currency_keeps_its_decimals(currency, lines, total):
    items = [zuora.item(amount, f"it{index}") for index, amount in enumerate(lines)]
    content = world().put(zuora.invoice(*items, currency=currency)).contents()[0]
    assert (content.currency, str(content.total)) == (currency, total)


@pytest.mark.parametrize("items", [[], [zuora.item("0.00")], [zuora.item("0.00", taxes=[zuora.tax("0.00")])]])
def test_a_document_of_nothing_is_ignored_as_zero(items):
    found = world().put(zuora.invoice(*items))
    assert found.standing(INVOICE) == ("ignored", "zero")
    assert isinstance(found.outcomes[-1], Ignored)


def test_a_total_of_zero_with_lines_parks():
    found = world().put(zuora.invoice(zuora.item("100.00"), zuora.item("-100.00", "it2", processingType="1")))
    assert found.standing(INVOICE) == ("parked", "zero_total")


def test_a_document_that_is_read_again_with_other_words_adds_nothing():
    found = world().put(zuora.simple_invoice(), zuora.simple_invoice(updated=LATER, comments="thank you"))
    assert (len(found.matched), len(found.postings), found.standing(INVOICE)) == (2, 1, ("", ""))


def test_a_payment_becomes_a_receipt_and_its_application_an_allocation():
    found = world().put(zuora.simple_invoice(), zuora.payment("150.00", zuora.row("100.00")))
    receipt, allocation = found.postings[1:]
    content = receipt.content
    assert (content.total, content.customer, content.bank_account, content.daybook) == (150, "C1", "1010", "ZPAY")
    assert [(offer.allocation, offer.amount) for offer in content.offers] == [(allocation.id, 100)]
    assert content.offers[0].item == found.postings[0].id
    moved = allocation.content
    assert (moved.payer, moved.item, moved.amount, moved.daybook) == (receipt.id, found.postings[0].id, 100, "ZADJ")
    assert (moved.reopens, moved.row, allocation.step) == (False, "r1", "allocate:r1")
    assert set(allocation.after) == {receipt.id, found.postings[0].id}
    assert receipt.after == ()


@pytest.mark.parametrize(
    ("row", "offered"),
    [
        ({}, True),
        ({"effectiveDate": "2026-03-11"}, False),
        ({"debitMemoId": "dm1", "invoiceId": None}, True),
    ],
)
def test_a_receipt_offers_what_is_dated_as_itself(row, offered):
    found = world().put(zuora.payment("100.00", zuora.row("100.00", **row)))
    receipt, allocation = found.contents()
    assert bool(receipt.offers) is offered
    assert str(allocation.document_date) == row.get("effectiveDate", zuora.DAY)
    assert allocation.item_document == ("debit_memo:dm1" if "debitMemoId" in row else INVOICE)


def test_a_receipt_is_said_once_and_never_rebuilt_for_later_applications():
    found = world().put(zuora.payment("100.00", zuora.row("60.00")))
    found.put(zuora.payment("100.00", zuora.row("60.00"), zuora.row("40.00", "r2", to="inv2"), updated=LATER))
    receipt, first, second = found.postings
    assert [offer.allocation for offer in receipt.content.offers] == [first.id]
    assert second.step == "allocate:r2"


@pytest.mark.parametrize("choice", ["allocated", "prepayment"])
def test_a_site_chooses_whether_receipts_carry_applications(choice):
    found = world(policy={"receipts": choice}).put(zuora.payment("100.00", zuora.row("60.00")))
    assert len(found.contents()[0].offers) == (choice == "allocated")
    assert len(found.postings) == 2


def test_cash_waits_where_a_site_says_so():
    found = world(policy={"cash_waits": True}).put(zuora.payment("100.00", zuora.row("60.00")))
    receipt = found.postings[0]
    assert receipt.after == (receipt.content.offers[0].item,)


def test_an_external_payment_may_be_in_the_erp_already():
    found = world(policy={"external_payments": "already_in_erp"})
    found.put(zuora.payment("100.00", zuora.row("60.00")), zuora.payment("5.00", name="pay2", type="Electronic"))
    assert found.standing(PAYMENT) == ("ignored", "already_in_erp")
    assert [posting.document for posting in found.postings] == ["payment:pay2"]


def test_a_payment_goes_to_the_clearing_account_of_its_gateway():
    banks = (BankRow(currency="EUR", account="1010"), BankRow(currency="EUR", gateway="Adyen", account="1020"))
    found = world(banks=banks).put(zuora.payment("5.00", type="Electronic", gateway="Adyen"))
    assert found.contents()[0].bank_account == "1020"


def test_a_payment_without_a_bank_row_parks_with_all_that_hangs_on_it():
    found = world(banks=()).put(zuora.payment("5.00", zuora.row("5.00")))
    assert (found.standing(PAYMENT), found.postings) == (("parked", "unmapped_code"), [])


@pytest.mark.parametrize("amount", ["0.00", "-5.00"])
def test_a_payment_of_nothing_or_less_stands_with_a_reason(amount):
    assert world().put(zuora.payment(amount)).standing(PAYMENT)[0] in {"ignored", "parked"}


def rows_of(*amounts: str) -> list[SignedRow]:
    return [
        SignedRow(id=str(index), item_document=INVOICE, amount=Decimal(amount), day=date(2026, 3, 10), created="")
        for index, amount in enumerate(amounts)
    ]


@pytest.mark.parametrize(
    ("amounts", "part", "total", "signs"),
    [
        (["100"], "100", "100", "+"),
        (["100", "-40"], "60", "100", "+-"),
        (["100", "40"], "60", "100", "+-"),
        (["100", "100"], "0", "100", "+-"),
        (["100", "100", "100"], "100", "100", "+-+"),
        (["50", "50", "50"], "50", "50", "+-+"),
        (["50", "50", "50"], "50", "100", None),
        (["30", "20", "10"], "20", "100", "+-+"),
        (["30", "10", "20", "10", "10"], "20", "100", None),
        (["30", "20", "10"], "40", "100", "++-"),
        (["100"], "60", "100", None),
        (["100", "-30"], "60", "100", None),
        ([], "0", "100", ""),
        (["1"] * 13, "1", "100", None),
        (["1"] * 13, "13", "100", "+" * 13),
    ],
)
def test_signs_that_a_tenant_does_not_write_are_settled_by_the_part_or_not_at_all(amounts, part, total, signs):
    settled = settle_signs(rows_of(*amounts), part=Decimal(part), payer_total=Decimal(total))
    assert (None if settled is None else "".join("+" if row.amount > 0 else "-" for row in settled)) == signs


def test_rows_that_do_not_come_to_zuoras_part_park_and_the_others_go():
    rows = [zuora.row("60.00"), zuora.row("40.00", "r2", to="inv2")]
    parts = [zuora.part("50.00"), zuora.part("40.00", "inv2")]
    found = world().put(zuora.payment("100.00", *rows, parts=parts))
    assert found.standing(PAYMENT) == ("parked", "applications_mismatch")
    assert [posting.step for posting in found.postings] == ["document", "allocate:r2"]
    found.put(zuora.payment("100.00", *rows, updated=LATER))
    assert found.standing(PAYMENT) == ("released", "")
    assert [posting.step for posting in found.postings][2:] == ["allocate:r1"]


def test_a_part_without_any_row_parks():
    found = world().put(zuora.payment("100.00", parts=[zuora.part("60.00")]))
    assert found.standing(PAYMENT) == ("parked", "applications_mismatch")


def test_an_application_to_nothing_that_zuora_names_parks():
    found = world().put(zuora.payment("100.00", zuora.row("60.00", invoiceId=None), parts=[]))
    assert found.standing(PAYMENT) == ("parked", "not_supported")


def test_the_unapplied_rest_is_no_part_and_a_row_of_nothing_no_row():
    rest = {"id": "rest", "amount": Decimal("40.00")}
    rows = [zuora.row("60.00"), zuora.row("0.00", "r2")]
    found = world().put(zuora.payment("100.00", *rows, parts=[zuora.part("60.00"), rest]))
    assert [posting.step for posting in found.postings] == ["document", "allocate:r1"]


def test_a_memo_is_there_before_it_is_applied():
    found = world().put(zuora.simple_invoice(), zuora.memo(zuora.memo_item("30.00"), rows=[zuora.row("30.00")]))
    _, note, allocation = found.postings
    assert (note.content.__struct_config__.tag, allocation.content.payer) == ("credit_note", note.id)
    assert note.id in allocation.after


@pytest.mark.parametrize(
    ("closed", "steps", "standing"),
    [
        ("2026-04-02", ["document"], ("waiting", "period_closed")),
        (zuora.DAY, ["document", "allocate:r1"], ("", "")),
    ],
)
def test_an_application_of_a_period_that_is_not_open_waits_alone(closed, steps, standing):
    found = World().put(*(zuora.period(month, is_open=month < 4) for month in range(1, 13)), zuora.published())
    found.put(zuora.payment("100.00", zuora.row("60.00", effectiveDate=closed)))
    assert ([posting.step for posting in found.postings], found.standing(PAYMENT)) == (steps, standing)
    found.put(zuora.period(4))
    assert [posting.step for posting in found.postings] == ["document", "allocate:r1"]


def test_of_several_reasons_each_releases_what_it_holds():
    found = World().put(*(zuora.period(month, is_open=month < 4) for month in range(1, 13)), zuora.published())
    rows = [zuora.row("60.00", effectiveDate="2026-04-02"), zuora.row("40.00", "r2", to="inv2")]
    found.put(zuora.payment("100.00", *rows, parts=[zuora.part("60.00"), zuora.part("30.00", "inv2")]))
    found.put(zuora.period(4))
    assert [posting.step for posting in found.postings] == ["document", "allocate:r1"]
