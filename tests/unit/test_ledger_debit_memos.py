"""Debit memos: invoices in all but name, paid by payments and credit memos, undone as invoices are (ACCOUNTING 1)."""

from datetime import date
from decimal import Decimal

from tests.unit import builders as zuora
from tests.unit.test_ledger_reversals import on, steps
from tests.unit.world import world

DEBIT = "debit_memo:dm1"


def to_debit_memo(amount: str, name: str = "r1", **more) -> dict:
    return zuora.row(amount, name, to=None, debitMemoId="dm1", **more)


def test_a_posted_debit_memo_is_an_invoice_dated_by_itself():
    found = world().put(zuora.debit_memo(zuora.memo_item("50.00", taxes=[zuora.tax("9.50")])))
    [posting] = found.postings
    content = posting.content
    assert (posting.act, posting.n, posting.step, posting.document) == ("post", 1, "document", DEBIT)
    assert (content.total, content.customer, content.daybook) == (Decimal("59.50"), "C1", "ZINV")
    assert (content.document_date, content.due_date) == (date(2026, 3, 10), date(2026, 4, 9))
    assert [(line.account, line.credit) for line in content.lines] == [
        ("4000", Decimal("50.00")),
        ("2300", Decimal("9.50")),
    ]
    assert posting.after == ()


def test_a_debit_memo_below_zero_is_a_credit_note_with_its_signs_turned():
    found = world().put(zuora.debit_memo(zuora.memo_item("-50.00")))
    [content] = found.contents("credit_note")
    assert (content.total, content.daybook) == (Decimal("50.00"), "ZCRN")


def test_a_debit_memo_without_a_due_date_is_due_on_its_day():
    [content] = world().put(zuora.debit_memo(zuora.memo_item("50.00"), dueDate=None)).contents("invoice")
    assert content.due_date == date(2026, 3, 10)


def test_a_draft_is_not_posted_and_a_debit_memo_unposted_or_cancelled_is_undone():
    found = world().put(zuora.debit_memo(zuora.memo_item("50.00"), status="Draft"))
    assert found.standing(DEBIT, "match") == ("ignored", "not_posted")
    found.put(zuora.debit_memo(zuora.memo_item("50.00"), updated=on(11)))
    found.put(zuora.debit_memo(zuora.memo_item("50.00"), status="Canceled", updated=on(12)))
    assert steps(found) == ["post#1 document", "reverse#1 inverse", "reverse#1 settle"]
    post, inverse, settle = found.postings
    assert (inverse.content.daybook, settle.content.payer, settle.content.item) == ("ZCRN", inverse.id, post.id)


def test_posted_again_with_another_amount_it_is_undone_and_posted():
    found = world().put(zuora.debit_memo(zuora.memo_item("50.00")))
    found.put(zuora.debit_memo(zuora.memo_item("60.00"), updated=on(12), postedOn=on(12)))
    assert steps(found, 1) == ["reverse#1 inverse", "reverse#1 settle", "post#2 document"]


def test_payments_and_credit_memos_pay_it():
    found = world().put(zuora.debit_memo(zuora.memo_item("50.00")))
    found.put(zuora.payment("30.00", to_debit_memo("30.00")))
    found.put(zuora.memo(zuora.memo_item("20.00"), rows=[to_debit_memo("20.00", "r2")]))
    [debit] = [posting.id for posting in found.postings if posting.document == DEBIT]
    allocations = found.contents("allocation")
    assert [(one.item, one.item_document, one.amount) for one in allocations] == [
        (debit, DEBIT, 30),
        (debit, DEBIT, 20),
    ]
    [receipt] = found.contents("receipt")
    assert [(offer.item, offer.amount) for offer in receipt.offers] == [(debit, 30)]


def test_what_pays_an_unposted_debit_memo_is_freed():
    found = world().put(zuora.debit_memo(zuora.memo_item("50.00")), zuora.payment("30.00", to_debit_memo("30.00")))
    found.put(zuora.debit_memo(zuora.memo_item("50.00"), status="Draft", updated=on(12)))
    assert steps(found)[-3:] == ["reverse#1 deallocate:r1", "reverse#1 inverse", "reverse#1 settle"]


def test_an_opening_debit_memo_that_is_paid_is_found_by_its_number():
    found = world(cut_over=date(2026, 3, 11)).put(zuora.debit_memo(zuora.memo_item("50.00")))
    assert found.standing(DEBIT) == ("ignored", "before_cut_over")
    found.put(zuora.payment("30.00", to_debit_memo("30.00", effectiveDate="2026-03-12"), effectiveDate="2026-03-12"))
    [opening] = found.contents("opening")
    assert (opening.number, opening.item_kind) == ("DM1", "debit_memo")
