"""Refunds: what each closes, when it waits, how it is taken back, and what of it is not for QAD (ACCOUNTING 1)."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from schemas.postings import Act
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import World
from tests.unit.world import world as plain_world

REFUND, PAYMENT, MEMO = "refund:ref1", "payment:pay1", "credit_memo:cm1"
LATER = "2026-03-12T10:00:00Z"


def world(**changes) -> World:
    """Return a world whose mapping names the daybook of refunds."""
    banking = zuora.Daybook(code="ZBNK", active=True)
    return plain_world(**{"daybooks": zuora.ALL_DAYBOOKS, **changes}).put(banking)


def cancelled(**more) -> zuora.ZuoraRecord:
    return zuora.refund(status="Canceled", cancelledOn="2026-03-14T09:00:00-07:00", updated=LATER, **more)


def steps(found: World) -> list[str]:
    return [f"{posting.document.split(':')[0]} {posting.act}#{posting.n} {posting.step}" for posting in found.postings]


def test_a_refund_closes_the_prepayment_of_its_payment_against_bank():
    found = world().put(zuora.payment("100.00"), zuora.refund("30.00"))
    receipt, refund = found.postings
    content = refund.content
    assert (content.closes, content.closes_document, content.total) == (receipt.id, PAYMENT, Decimal("30.00"))
    assert (content.bank_account, content.daybook, content.posting_date) == ("1010", "ZBNK", date(2026, 3, 10))
    assert (refund.act, refund.step, refund.after) == (Act.POST, "document", (receipt.id,))
    assert found.standing(REFUND) == ("", "")


def test_a_refund_of_a_credit_memo_closes_the_credit_note():
    found = world().put(zuora.memo(zuora.memo_item("30.00")), zuora.refund("30.00", closes=MEMO))
    note, refund = found.postings
    assert (refund.content.closes, refund.content.closes_document) == (note.id, MEMO)


def test_a_refund_goes_by_the_bank_of_its_own_type_and_gateway():
    rows = (
        zuora.BankRow(currency="EUR", account="1010"),
        zuora.BankRow(currency="EUR", payment_type="Electronic", gateway="Stripe", account="1020"),
    )
    found = world(banks=rows).put(zuora.payment(), zuora.refund("30.00", type="Electronic", gateway="Stripe"))
    assert found.contents("refund")[0].bank_account == "1020"


def test_reading_a_refund_again_makes_nothing_and_a_changed_one_is_a_conflict():
    found = world().put(zuora.payment(), zuora.refund("30.00"), zuora.refund("30.00", updated=LATER))
    assert len(found.postings) == 2
    found.put(zuora.refund("31.00", updated="2026-03-13T10:00:00Z"))
    assert (len(found.postings), found.standing(REFUND)) == (2, ("parked", "conflict"))


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("restarts", [True, False])
def test_a_memo_that_is_posted_again_while_a_refund_closes_what_was_posted_before_parks_whole(sent, restarts):
    found = world().put(zuora.memo(zuora.memo_item("100.00")), zuora.refund("30.00", closes=MEMO))
    sink = Sink(found)
    if sent:
        sink.run()
    found.put(zuora.memo(zuora.memo_item("120.00"), updated=LATER, postedOn=LATER))
    assert found.standing(MEMO) == ("parked", "not_supported")
    # Half of a reversal would say that the customer owes what Zuora owes them.
    assert (sink.run().stuck, sink.owed(MEMO)) == ([], -70)
    if restarts:
        found.restart()
    found.put(cancelled(closes=MEMO))
    assert (sink.run().stuck, sink.owed(MEMO)) == ([], -120)
    assert found.standing(MEMO)[0] == "released"


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("then", ["posted again", "refund cancelled"])
def test_a_memo_that_is_unposted_while_its_refund_stands_waits_for_what_comes_next(then, restarts, sent):
    draft = zuora.memo(zuora.memo_item("100.00"), status="Draft", updated=LATER)
    found = world().put(zuora.memo(zuora.memo_item("100.00")), zuora.refund("30.00", closes=MEMO))
    sink = Sink(found)
    if sent:
        sink.run()
    found.put(draft)
    assert found.standing(MEMO) == ("parked", "refunds_stand")
    assert (sink.run().stuck, sink.owed(MEMO)) == ([], -70)
    if restarts:
        found.restart()
    if then == "posted again":
        found.put(zuora.memo(zuora.memo_item("100.00"), updated="2026-03-13T10:00:00Z", postedOn=LATER))
    else:
        found.put(cancelled(closes=MEMO))
    assert (sink.run().stuck, sink.owed(MEMO)) == ([], -70 if then == "posted again" else 0)
    assert found.standing(MEMO)[0] == "released"


def test_a_cancelled_refund_is_taken_back_on_the_day_it_was_cancelled_and_once():
    found = world().put(zuora.payment(), zuora.refund("30.00"), cancelled())
    assert steps(found) == ["payment post#1 document", "refund post#1 document", "refund reverse#1 inverse"]
    receipt, refund, inverse = found.postings
    assert (inverse.content.of, inverse.content.item) == (refund.id, receipt.id)
    assert (inverse.content.total, inverse.content.posting_date) == (Decimal("30.00"), date(2026, 3, 14))
    found.put(zuora.replayed(REFUND))
    found.restart()
    assert len(found.postings) == 3


def test_a_refund_that_was_never_processed_is_ignored():
    found = world().put(zuora.payment(), cancelled())
    assert (len(found.postings), found.standing(REFUND, "match")) == (1, ("ignored", "not_posted"))


def test_what_was_unapplied_for_a_refund_comes_before_it():
    rows = (zuora.row("100.00", "r1"), zuora.row("-100.00", "r2", created=LATER))
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", *rows), zuora.refund("100.00"))
    unapplied = next(posting for posting in found.postings if posting.step == "deallocate:r2")
    assert unapplied.id in found.postings[-1].after


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_refund_of_an_applied_payment_moves_the_books_once_in_any_order(first, seed):
    applied, unapplied = zuora.row("100.00", "r1"), zuora.row("-100.00", "r2", created=LATER)
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", applied))
    sink = Sink(found).run()
    versions = [zuora.payment("100.00", applied, unapplied, updated=LATER), zuora.refund("100.00", updated=LATER)]
    for version in versions if first == "payment" else reversed(versions):
        found.put(version)
        sink.run(order=Random(seed))
    assert sink.stuck == []
    assert (sink.open_of("invoice:inv1"), sink.open_of(PAYMENT)) == (100, 0)
    assert (sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "control"]) == (0, 100)


def test_a_cancelled_refund_leaves_the_books_as_they_were():
    found = world().put(zuora.payment(), zuora.refund("30.00"))
    sink = Sink(found).run()
    assert (sink.open_of(PAYMENT), sink.books.ledger["EUR", "1010"]) == (70, 70)
    found.put(cancelled())
    sink.run()
    assert (sink.open_of(PAYMENT), sink.books.ledger["EUR", "1010"], sink.stuck) == (100, 100, [])


def test_a_refund_cancelled_before_it_came_to_qad_is_never_sent():
    found = world().put(zuora.refund("30.00"), cancelled())
    sink = Sink(found).run()
    found.put(zuora.payment())
    assert [command.number for command in sink.run().sent] == ["PAY1"]
    assert sink.stuck == []


def test_a_refund_of_what_others_loaded_closes_the_opening():
    old = {"effectiveDate": "2025-12-10", "createdDate": "2025-12-10T10:00:00Z"}
    found = world().put(zuora.payment("100.00", **old), zuora.refund("30.00"))
    opening, refund = found.postings
    assert (opening.step, opening.document, refund.content.closes) == ("document", PAYMENT, opening.id)
    sink = Sink(found)
    sink.books.opening("PAY1", "100.00", owed=False)
    assert (sink.run().open_of(PAYMENT), sink.stuck) == (70, [])


def test_a_refund_goes_to_the_customer_that_holds_the_item():
    found = world().put(zuora.payment())
    sink = Sink(found).run()
    found.put(zuora.customer("C2"), zuora.linked("C2"), zuora.refund("30.00"))
    assert found.contents("refund")[0].customer == "C2"
    assert [command.customer for command in sink.run().sent] == ["C1", "C1"]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"rows": []}, "refund_closes"),
        ({"rows": [{"id": "a", "applyAmount": Decimal(30), "invoiceId": "inv1"}]}, "refund_closes"),
        (
            {
                "rows": [
                    {"id": "a", "applyAmount": Decimal(10), "paymentId": "pay1"},
                    {"id": "b", "applyAmount": Decimal(20), "paymentId": "pay2"},
                ]
            },
            "refund_closes",
        ),
        ({"rows": [{"id": "a", "applyAmount": Decimal(29), "paymentId": "pay1"}]}, "applications_mismatch"),
        ({"parts": [{"id": "p", "amount": Decimal(29), "paymentId": "pay1"}]}, "applications_mismatch"),
        ({"parts": [{"id": "p", "amount": Decimal(30), "creditMemoId": "pay1"}]}, "applications_mismatch"),
    ],
)
def test_a_refund_that_does_not_name_what_it_closes_parks(more, rule):
    found = world().put(zuora.payment(), zuora.refund("30.00", **more))
    assert (len(found.postings), found.standing(REFUND)) == (1, ("parked", rule))


def test_an_unknown_status_parks_one_record():
    found = world().put(zuora.payment(), zuora.refund("30.00", status="Chargedback"))
    assert found.standing(REFUND, "match") == ("parked", "unreadable_record")


def test_a_refund_parks_where_the_mapping_names_no_daybook_for_it_and_goes_on_when_it_does():
    found = world(daybooks=zuora.mapping().daybooks).put(zuora.payment(), zuora.refund("30.00"))
    assert found.standing(REFUND) == ("parked", "no_daybook")
    found.put(zuora.published(2, daybooks=zuora.ALL_DAYBOOKS))
    assert (found.standing(REFUND)[0], len(found.postings)) == ("released", 2)


def test_a_refund_of_what_is_in_qad_another_way_is_ignored_by_that_rule():
    found = world(policy={"external_payments": "already_in_erp"}).put(zuora.payment(), zuora.refund("30.00"))
    assert (found.postings, found.standing(REFUND)) == ([], ("ignored", "already_in_erp"))


def test_a_refund_from_before_the_cut_over_is_not_ours():
    old = "2025-12-10T10:00:00Z"
    found = world().put(
        zuora.payment(effectiveDate="2025-12-10", createdDate=old, updated=old),
        zuora.refund("30.00", refundDate="2025-12-11", createdDate="2025-12-11T10:00:00Z"),
    )
    assert (found.postings, found.standing(REFUND)) == ([], ("ignored", "before_cut_over"))


def test_a_refund_waits_for_its_period():
    found = world().put(zuora.payment(), zuora.period(3, is_open=False), zuora.refund("30.00"))
    assert found.standing(REFUND) == ("waiting", "period_closed")
    found.put(zuora.period(3))
    assert len(found.postings) == 2


def test_a_refund_that_came_before_a_payment_that_is_in_qad_another_way_ends_with_it():
    found = world(policy={"external_payments": "already_in_erp"}).put(zuora.refund("30.00"))
    sink = Sink(found).run()
    assert sink.stuck == ["document"]
    found.put(zuora.payment())
    sink.run()
    assert (found.standing(REFUND), sink.stuck, sink.sent) == (("ignored", "already_in_erp"), [], [])
    found.restart()
    assert len(found.postings) == 2


def test_a_refund_that_came_before_a_payment_that_others_loaded_closes_the_opening():
    found = world().put(zuora.refund("30.00"))
    sink = Sink(found).run()
    sink.books.opening("PAY1", "100.00", owed=False)
    found.put(zuora.payment("100.00", effectiveDate="2025-12-10", createdDate="2025-12-10T10:00:00Z"))
    assert (sink.run().open_of(PAYMENT), sink.stuck) == (70, [])
