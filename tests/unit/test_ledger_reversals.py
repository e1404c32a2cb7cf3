"""Unposted, posted again, changed: what undoes a document, how postings count, what a conflict is (ACCOUNTING 2, 4)."""

from datetime import date
from decimal import Decimal

import pytest

from schemas.postings import Act
from tests.unit import builders as zuora
from tests.unit.world import World, world

INVOICE, MEMO, PAYMENT = "invoice:inv1", "credit_memo:cm1", "payment:pay1"


def on(day: int) -> str:
    return f"2026-03-{day}T10:00:00Z"


def steps(found: World, since: int = 0) -> list[str]:
    return [f"{posting.act}#{posting.n} {posting.step}" for posting in found.postings[since:]]


def again(amount: str, day: int, **more) -> zuora.ZuoraRecord:
    """Return the invoice as posted again on a day."""
    return zuora.simple_invoice(amount, updated=on(day), postedDate=on(day), **more)


def test_an_unposted_invoice_is_undone_by_its_exact_inverse_which_is_allocated_to_it():
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=on(11)))
    post, inverse, settle = found.postings
    assert steps(found) == ["post#1 document", "reverse#1 inverse", "reverse#1 settle"]
    assert (inverse.content.of, inverse.content.total, inverse.content.currency) == (post.id, Decimal("100.00"), "EUR")
    assert (inverse.content.posting_date, inverse.content.daybook) == (date(2026, 3, 10), "ZCRN")
    assert (settle.content.payer, settle.content.item, settle.content.amount) == (inverse.id, post.id, 100)
    assert inverse.after == (post.id,)
    assert set(settle.after) == {post.id, inverse.id}
    assert found.standing(INVOICE) == ("", "")


def test_an_unposted_memo_is_undone_the_other_way_round():
    found = world().put(zuora.memo(zuora.memo_item("30.00")))
    found.put(zuora.memo(zuora.memo_item("30.00"), status="Draft", updated=on(11)))
    post, inverse, settle = found.postings
    assert (inverse.content.of, inverse.content.daybook) == (post.id, "ZINV")
    assert (settle.content.payer, settle.content.item) == (post.id, inverse.id)


@pytest.mark.parametrize("status", ["Draft", "Canceled", "CancelInProgress", "Split"])
def test_a_document_cancelled_after_it_was_posted_is_undone(status):
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=on(11), status=status))
    assert steps(found, 1) == ["reverse#1 inverse", "reverse#1 settle"]
    found.put(zuora.draft(updated=on(12), status="Canceled"))
    assert len(found.postings) == 3


def test_a_reversal_waits_for_its_period_where_the_site_holds():
    found = world().put(zuora.simple_invoice(), zuora.period(3, is_open=False), zuora.draft(updated=on(11)))
    assert (found.standing(INVOICE), len(found.postings)) == (("waiting", "period_closed"), 1)
    found.put(zuora.period(3))
    assert (found.standing(INVOICE), len(found.postings)) == (("released", ""), 3)


def test_a_reversal_moves_to_the_first_open_day_where_the_site_says_so():
    found = world(policy={"closed_period": "first_open"}).put(zuora.simple_invoice(), zuora.period(3, is_open=False))
    inverse = found.put(zuora.draft(updated=on(11))).contents("inverse")[0]
    assert (inverse.posting_date, inverse.original_date) == (date(2026, 4, 1), date(2026, 3, 10))


def test_a_reversal_takes_the_date_on_which_the_document_stands_in_qad():
    found = world(policy={"closed_period": "first_open"}).put(zuora.period(3, is_open=False), zuora.simple_invoice())
    assert found.put(zuora.draft(updated=on(11))).contents("inverse")[0].posting_date == date(2026, 4, 1)


def test_posted_again_after_it_was_undone_is_a_posting_of_its_own_even_with_the_same_content():
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=on(11)), again("100.00", 12))
    assert steps(found, 3) == ["post#2 document"]
    assert found.postings[3].id != found.postings[0].id
    assert found.postings[3].after == (found.postings[2].id,)


def test_our_postings_of_one_object_are_counted_whatever_caused_them():
    found = world().put(zuora.simple_invoice(), zuora.draft(updated=on(11)), again("110.00", 12), again("120.00", 13))
    found.put(zuora.draft(updated=on(14)), again("130.00", 15))
    posts = [posting for posting in found.postings if posting.act is Act.POST]
    assert [(posting.n, posting.content.total) for posting in posts] == [(1, 100), (2, 110), (3, 120), (4, 130)]
    undone = {content.of: content.total for content in found.contents("inverse")}
    assert undone == {posting.id: posting.content.total for posting in posts[:3]}
    assert len({posting.id for posting in found.postings}) == len(found.postings)


def test_posted_again_with_the_same_content_is_nothing_when_the_draft_was_never_seen():
    found = world().put(zuora.simple_invoice(), again("100.00", 12))
    assert (len(found.matched), len(found.postings), found.standing(INVOICE)) == (2, 1, ("", ""))


def test_posted_again_with_other_content_is_undone_and_posted_when_the_draft_was_never_seen():
    found = world().put(zuora.simple_invoice(), again("120.00", 12))
    assert steps(found, 1) == ["reverse#1 inverse", "reverse#1 settle", "post#2 document"]
    assert found.contents("inverse")[0].total == 100
    assert found.contents()[-1].total == 120


def test_posted_again_as_nothing_undoes_what_stands():
    found = world().put(zuora.simple_invoice(), again("0.00", 12))
    assert steps(found, 1) == ["reverse#1 inverse", "reverse#1 settle"]


CHANGED = [
    {"amount": Decimal("101.00"), "items": {"chargeAmount": Decimal("101.00")}},
    {"invoiceDate": "2026-03-09"},
    {"invoiceNumber": "INV-9"},
    {"currency": "USD"},
    {"items": {"accountingCode": "Usage"}},
    {"items": {"serviceEndDate": "2026-03-30"}},
    {"items": {"taxAmount": Decimal("1.00"), "taxationItems": [zuora.tax("1.00")]}, "amount": Decimal("101.00")},
]


def changed(items: dict | None = None, **header) -> zuora.ZuoraRecord:
    """Return the invoice with the same posting of Zuora's and another content."""
    line = zuora.item("100.00", "inv1-1") | (items or {})
    record = zuora.invoice(zuora.item("100.00"), updated=on(11), **header)
    return zuora.msgspec.structs.replace(record, children={"items": [zuora.raw(line)]})


@pytest.mark.parametrize("change", CHANGED, ids=str)
def test_other_financial_content_under_the_same_posting_is_a_conflict(change):
    found = world().put(zuora.simple_invoice(), changed(**change))
    assert (found.standing(INVOICE), len(found.postings)) == (("parked", "conflict"), 1)


@pytest.mark.parametrize("change", [{"accountId": "acc2"}, {"items": {"serviceStartDate": "2026-03-02"}}], ids=str)
def test_another_account_or_service_start_is_a_conflict_as_well(change):
    found = world().put(zuora.account("acc2"), zuora.simple_invoice(), changed(**change))
    assert found.standing(INVOICE) == ("parked", "conflict")


@pytest.mark.parametrize(
    "change", [{"dueDate": "2026-05-01"}, {"comments": "x"}, {"items": {"chargeName": "Seat"}}], ids=str
)
def test_what_is_not_financial_is_no_conflict(change):
    found = world().put(zuora.simple_invoice(), changed(**change))
    assert (found.standing(INVOICE), len(found.postings)) == (("", ""), 1)


def test_a_conflict_ends_when_zuora_shows_the_old_content_or_posts_anew():
    found = world().put(zuora.simple_invoice(), changed(**CHANGED[0]))
    found.put(zuora.simple_invoice(updated=on(12)))
    assert (found.standing(INVOICE), len(found.postings)) == (("released", ""), 1)
    found.put(changed(**CHANGED[0], comments="x"))
    found.put(again("101.00", 13))
    assert steps(found, 1) == ["reverse#1 inverse", "reverse#1 settle", "post#2 document"]


def test_a_renamed_accounting_code_changes_no_document():
    line = zuora.item("100.00", deferredRevenueAccountingCodeId="c-def", serviceEndDate="2027-02-28")
    found = world().put(zuora.invoice(line), zuora.AccountingCode(id="c-def", name="Deferred Revenue (new)"))
    found.put(zuora.invoice(line, updated=on(11), comments="x"))
    assert found.standing(INVOICE) == ("", "")


def test_another_mapping_is_no_conflict_and_touches_nothing_by_itself():
    found = world().put(zuora.simple_invoice())
    found.put(zuora.published(2, lines=(zuora.LineRow(code="Subscription Revenue", account="4100"),)))
    found.put(zuora.simple_invoice(updated=on(11), comments="x"))
    assert (found.standing(INVOICE), len(found.postings)) == (("", ""), 1)


def test_a_payment_with_another_amount_or_date_is_a_conflict():
    for change in ({"effectiveDate": "2026-03-11"}, {"currency": "USD"}):
        found = world().put(zuora.payment(), zuora.payment(updated=on(11), **change))
        assert found.standing(PAYMENT) == ("parked", "conflict")
    assert world().put(zuora.payment(), zuora.payment("99.00", updated=on(11))).standing(PAYMENT)[1] == "conflict"


def test_a_transferred_payment_is_carried_or_says_that_it_is_not():
    found = world().put(zuora.customer("C2", zuora_account="A-2"), zuora.account("acc2", number="A-2"), zuora.payment())
    found.put(zuora.payment(accountId="acc2", updated=on(11)))
    assert len(found.postings) > 1 or found.standing(PAYMENT)[0] == "parked"


def applied(*rows: dict) -> World:
    """Return a world with an invoice of 100 and a payment of 100 that is applied to it."""
    return world().put(zuora.simple_invoice(), zuora.payment("100.00", zuora.row("100.00"), *rows))


def test_a_reversal_first_frees_what_is_applied():
    found = applied().put(zuora.draft(updated=on(11)))
    freed, inverse, _ = found.postings[3:]
    assert steps(found, 3) == ["reverse#1 deallocate:r1", "reverse#1 inverse", "reverse#1 settle"]
    assert (freed.content.reopens, freed.content.amount, freed.document) == (True, 100, INVOICE)
    assert set(freed.after) == {posting.id for posting in found.postings[:3]}
    assert freed.id in inverse.after


@pytest.mark.parametrize(("unapplied", "left"), [("-100.00", None), ("-40.00", "60.00")])
def test_a_reversal_frees_only_what_no_unapply_row_has(unapplied, left):
    rows = [zuora.row("100.00"), zuora.row(unapplied, "r2", created=on(11))]
    found = applied().put(zuora.payment("100.00", *rows, updated=on(11)), zuora.draft(updated=on(12)))
    freed = [posting.content.amount for posting in found.postings if posting.step == "deallocate:r1"]
    assert freed == ([] if left is None else [Decimal(left)])


def test_an_unapplication_that_a_reversal_has_done_already_makes_nothing():
    rows = [zuora.row("100.00"), zuora.row("-100.00", "r2", created=on(11))]
    found = applied().put(zuora.draft(updated=on(12)), zuora.payment("100.00", *rows, updated=on(13)))
    assert steps(found, 3) == ["reverse#1 deallocate:r1", "reverse#1 inverse", "reverse#1 settle"]


def test_an_unapplication_that_a_reversal_has_done_is_ignored_by_name():
    rows = [zuora.row("100.00"), zuora.row("-100.00", "r2", created=on(11))]
    found = applied().put(zuora.draft(updated=on(12)), zuora.payment("100.00", *rows, updated=on(13)))
    assert found.standing(PAYMENT) == ("ignored", "already_deallocated")


def test_an_unapplication_that_was_passed_over_never_undoes_a_later_application():
    rows = [zuora.row("100.00"), zuora.row("-100.00", "r2", created=on(11)), zuora.row("100.00", "r3", created=on(14))]
    found = applied().put(zuora.draft(updated=on(12)), again("120.00", 13))
    found.put(
        zuora.payment("100.00", *rows, updated=on(14)), zuora.payment("100.00", *rows, updated=on(15), comment="x")
    )
    assert [posting.step for posting in found.postings if posting.document == PAYMENT][2:] == ["allocate:r3"]


def test_an_unposted_memo_first_gives_back_what_it_pays():
    found = world().put(zuora.simple_invoice(), zuora.memo(zuora.memo_item("30.00"), rows=[zuora.row("30.00")]))
    found.put(zuora.memo(zuora.memo_item("30.00"), status="Draft", updated=on(11)))
    freed = [posting for posting in found.postings if posting.content.__struct_config__.tag == "allocation"]
    assert [posting.content.reopens for posting in freed[:2]] == [False, True]


def test_an_unposted_memo_is_undone_after_its_own_unapplication():
    rows = [zuora.row("30.00"), zuora.row("-30.00", "r2", created=on(11))]
    found = world().put(zuora.simple_invoice(), zuora.memo(zuora.memo_item("30.00"), rows=rows[:1]))
    found.put(zuora.memo(zuora.memo_item("30.00"), rows=rows, status="Draft", updated=on(11)))
    assert steps(found, 3) == ["deallocate#1 deallocate:r2", "reverse#1 inverse", "reverse#1 settle"]
    assert found.postings[3].id in found.postings[4].after


def test_an_application_to_a_document_that_was_posted_again_keeps_its_own_date():
    late = zuora.row("100.00", created=on(20), effectiveDate="2026-03-20")
    found = world().put(
        zuora.simple_invoice(), zuora.payment("100.00", late, updated=on(20)), again("120.00", 12, dueDate=None)
    )
    assert steps(found)[-1] == "allocate#2 allocate:r1"
    assert found.contents()[-1].document_date == date(2026, 3, 20)
