"""Payments that were Processed and are not any more: cancelled, failed, charged back, deleted (ACCOUNTING 1 and 4)."""

from datetime import date
from decimal import Decimal
from random import Random

import msgspec
import pytest

from schemas.postings import Act
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_ledger_refunds import world
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World

INVOICE, PAYMENT, REFUND = "invoice:inv1", "payment:pay1", "refund:ref1"
LATER, LATEST = "2026-03-12T10:00:00Z", "2026-03-13T10:00:00Z"
APPLIED = zuora.row("100.00", "r1")
UNAPPLIED = zuora.row("-100.00", "r2", created=LATER)


def gone(*rows, status="Canceled", **more) -> zuora.ZuoraRecord:
    return zuora.payment("100.00", *rows, status=status, updated=LATER, **more)


def steps(found: World) -> list[str]:
    return [f"{posting.act}#{posting.n} {posting.step}" for posting in found.postings if posting.document == PAYMENT]


@pytest.mark.parametrize("status", ["Canceled", "Error"])
def test_a_payment_taken_back_is_the_inverse_receipt_on_the_day_of_the_change_and_once(status):
    found = world().put(zuora.payment(), gone(status=status))
    receipt, inverse = found.postings
    assert steps(found) == ["post#1 document", "reverse#1 inverse"]
    assert (inverse.content.of, inverse.content.total, inverse.content.item) == (receipt.id, Decimal("100.00"), None)
    assert (inverse.content.posting_date, inverse.content.daybook) == (date(2026, 3, 12), "ZPAY")
    assert found.standing(PAYMENT) == ("", "")
    found.put(zuora.replayed(PAYMENT))
    found.restart()
    assert len(found.postings) == 2


def test_the_day_of_a_cancellation_is_zuoras_and_the_daybook_the_mappings():
    books = msgspec.structs.replace(zuora.ALL_DAYBOOKS, bounce="ZBNK")
    found = world(daybooks=books).put(zuora.payment(), gone(cancelledOn="2026-03-11T23:59:59-07:00"))
    inverse = found.postings[-1].content
    assert (inverse.posting_date, inverse.daybook) == (date(2026, 3, 11), "ZBNK")


def test_what_stands_applied_is_freed_first():
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED), gone(APPLIED))
    assert [step.split()[-1] for step in steps(found)] == ["document", "allocate:r1", "deallocate:r1", "inverse"]
    freed, inverse = found.postings[-2:]
    assert (freed.act, freed.step, freed.content.reopens) == (Act.REVERSE, "deallocate:r1", True)
    assert freed.id in inverse.after


def test_what_a_row_has_unapplied_is_not_freed_again():
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED), gone(APPLIED, UNAPPLIED))
    assert [step.split()[-1] for step in steps(found)] == ["document", "allocate:r1", "deallocate:r2", "inverse"]
    assert found.postings[-2].id in found.postings[-1].after


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rows", [(APPLIED,), (APPLIED, UNAPPLIED)])
@pytest.mark.parametrize("receipts", ["allocated", "prepayment"])
def test_the_books_are_as_before_the_payment_in_any_order(receipts, rows, seed):
    found = world(policy={"receipts": receipts}).put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED))
    sink = Sink(found)
    if seed % 2:
        sink.run(order=Random(seed))
    found.put(gone(*rows))
    sink.run(order=Random(seed))
    assert (sink.stuck, sink.open_of(INVOICE)) == ([], 100)
    assert (sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "control"]) == (0, 100)


def test_an_unapply_row_that_comes_after_the_reversal_moves_nothing():
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED), gone(APPLIED))
    count = len(found.postings)
    late = zuora.payment("100.00", APPLIED, UNAPPLIED, status="Canceled", updated=LATEST)
    found.put(late)
    assert len(found.postings) == count


@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_chargeback_comes_from_its_refund_row_alone(first):
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED))
    sink = Sink(found).run()
    versions = [
        gone(APPLIED, UNAPPLIED, status="Error", refundAmount=Decimal("100.00")),
        zuora.refund("100.00", updated=LATER),
    ]
    for version in versions if first == "payment" else reversed(versions):
        found.put(version)
        sink.run()
    assert found.standing(PAYMENT) == ("ignored", "refunded_whole")
    assert "inverse" not in {posting.step for posting in found.postings}
    assert (sink.stuck, sink.open_of(INVOICE), sink.open_of(PAYMENT)) == ([], 100, 0)
    assert sink.books.ledger["EUR", "1010"] == 0


def test_a_refund_of_what_was_taken_back_is_ignored_by_that_rule():
    found = world().put(zuora.payment(), gone(status="Error"), zuora.refund("100.00", updated=LATEST))
    assert found.standing(REFUND) == ("ignored", "payment_taken_back")
    assert len(found.postings) == 2


@pytest.mark.parametrize("first", ["refund", "payment"])
@pytest.mark.parametrize("more", [{"banks": ()}, {"policy": {"external_payments": "already_in_erp"}}])
def test_a_chargeback_of_what_never_came_to_qad_waits_for_nothing(first, more):
    """Its receipt parked, or was not for QAD, and never comes: the refund would be in flight for ever."""
    found = world(**more).put(zuora.payment())
    versions = [gone(status="Error", refundAmount=Decimal(100)), zuora.refund("100.00", updated=LATER)]
    for version in versions if first == "payment" else reversed(versions):
        found.put(version)
    found.put(zuora.published(2, daybooks=zuora.ALL_DAYBOOKS, policy=more.get("policy")), zuora.replayed(REFUND))
    sink = Sink(found).run()
    assert (sink.stuck, sink.sent, found.standing(REFUND)[0]) == ([], [], "ignored")


def test_a_payment_taken_back_after_a_part_was_refunded_parks():
    found = world().put(zuora.payment(), zuora.refund("30.00"), gone(refundAmount=Decimal(30)))
    assert (found.standing(PAYMENT), len(found.postings)) == (("parked", "not_supported"), 2)


def test_processed_again_after_it_was_taken_back_parks():
    found = world().put(zuora.payment(), gone(), zuora.payment(updated=LATEST))
    assert (found.standing(PAYMENT), len(found.postings)) == (("parked", "not_supported"), 2)


def test_a_newer_mapping_rebuilds_what_takes_a_payment_back_until_it_is_intended():
    """QAD refuses the daybook, and says: name another in the mapping, publish it, and release the document."""
    found = world().put(zuora.payment(), gone())
    books = msgspec.structs.replace(zuora.ALL_DAYBOOKS, bounce="ZBNK")
    found.put(zuora.published(2, daybooks=books), zuora.released(PAYMENT), zuora.replayed(PAYMENT))
    assert found.postings[-1].content.daybook == "ZBNK"


def test_a_chargeback_that_was_over_before_it_was_first_read_leaves_nothing_waiting():
    """The refund waits for a receipt that never comes: in flight for ever, and no month closes."""
    found = world().put(gone(status="Error", refundAmount=Decimal(100)), zuora.refund("100.00", updated=LATER))
    assert Sink(found).run().stuck == []


def test_a_payment_that_shows_again_after_a_deletion_is_posted_again():
    """Decision 0020: an answer that came too early is healed by the next reading, and leaves the balance right."""
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED))
    sink = Sink(found).run()
    found.put(zuora.deleted("payment", "pay1"))
    sink.run()
    found.put(zuora.payment("100.00", APPLIED))
    sink.run()
    assert (sink.stuck, sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "control"]) == ([], 100, 0)


def test_a_status_that_is_read_late_without_the_refund_does_not_take_the_payment_back_as_well():
    """The refund row came first; the version of the payment between the two was read before it and written after."""
    found = world().put(zuora.payment(), zuora.refund("100.00", updated=LATEST))
    sink = Sink(found).run()
    found.put(gone(status="Error"), zuora.payment(status="Error", refundAmount=Decimal(100), updated=LATEST))
    sink.run()
    assert (sink.stuck, sink.books.ledger["EUR", "1010"]) == ([], 0)


def test_a_payment_that_failed_before_it_was_processed_is_ignored():
    found = world().put(gone(status="Error"))
    assert (found.postings, found.standing(PAYMENT, "match")) == ([], ("ignored", "not_posted"))


def test_what_others_loaded_is_never_taken_back():
    old = {"effectiveDate": "2025-12-10", "createdDate": "2025-12-10T10:00:00Z"}
    found = world().put(zuora.payment(updated=old["createdDate"], **old), gone(**old))
    assert (found.postings, found.standing(PAYMENT)) == ([], ("parked", "opening_undone"))


@pytest.mark.parametrize("rows", [(), (APPLIED, UNAPPLIED)])
@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_chargeback_of_what_others_loaded_comes_from_its_refund_row_alone(first, rows):
    """Nobody is told to undo it by hand as well, and the refund finds the opening whichever is read first."""
    old = {"effectiveDate": "2025-12-10", "createdDate": "2025-12-10T10:00:00Z"}
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", *rows[:1], **old))
    sink = Sink(found)
    sink.books.opening("PAY1", "100.00", owed=False)
    versions = [gone(*rows, status="Error", refundAmount=Decimal(100), **old), zuora.refund("100.00", updated=LATER)]
    for version in versions if first == "payment" else reversed(versions):
        found.put(version)
        sink.run()
    assert found.standing(PAYMENT) == ("ignored", "before_cut_over")
    assert (sink.stuck, sink.open_of(INVOICE), sink.open_of(PAYMENT)) == ([], 100, 0)
    assert sink.books.ledger["EUR", "1010"] == -100


def test_a_cancellation_before_the_receipt_came_to_qad_ends_both():
    found = world().put(zuora.payment(), zuora.period(3, is_open=False), gone())
    assert found.standing(PAYMENT) == ("waiting", "period_closed")
    found.put(zuora.period(3))
    assert len(found.postings) == 2


def test_a_payment_that_zuora_deleted_is_taken_back_with_what_stands_applied():
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED), zuora.deleted("payment", "pay1"))
    sink = Sink(found).run()
    assert (sink.stuck, sink.open_of(INVOICE), sink.books.ledger["EUR", "1010"]) == ([], 100, 0)


def test_a_refund_that_zuora_deleted_is_taken_back():
    found = world().put(zuora.payment(), zuora.refund("30.00"), zuora.deleted("refund", "ref1"))
    sink = Sink(found).run()
    assert (sink.stuck, sink.open_of(PAYMENT), sink.books.ledger["EUR", "1010"]) == ([], 100, 100)
    assert [posting.step for posting in found.postings] == ["document", "document", "inverse"]


STARTS = (None, AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST)
DELETED = zuora.deleted("payment", "pay1")
UNREFUNDED = zuora.refund("30.00", status="Canceled", updated=LATEST)


def restarted(found: World, order: str | None) -> World:
    if order is not None:
        found.restart(order)
    return found


@pytest.mark.parametrize("order", STARTS)
@pytest.mark.parametrize("end", [UNREFUNDED, zuora.deleted("refund", "ref1")])
def test_a_deletion_waits_for_that_of_its_refund_and_takes_back_what_is_left(end, order):
    found = world().put(zuora.payment(), zuora.refund("30.00"))
    sink = Sink(found).run()
    restarted(found.put(DELETED), order)
    assert (found.standing(PAYMENT), len(found.postings)) == (("parked", "refunds_stand"), 2)
    restarted(found.put(end), order)
    assert (found.standing(PAYMENT)[0], sink.run().stuck) == ("released", [])
    assert (sink.open_of(PAYMENT), sink.books.ledger["EUR", "1010"], sink.parked) == (0, 0, [])


@pytest.mark.parametrize("order", STARTS)
def test_a_deletion_that_came_too_early_undoes_nothing_of_what_is_refunded(order):
    found = world().put(zuora.payment(), zuora.refund("30.00"), DELETED)
    restarted(found, order).put(zuora.payment())
    assert (found.standing(PAYMENT), len(found.postings)) == (("released", ""), 2)


@pytest.mark.parametrize("order", STARTS)
def test_what_gives_back_a_payment_that_shows_again_counts_again(order):
    found = world().put(zuora.payment(), DELETED, zuora.refund("30.00"), zuora.refund("20.00", name="ref2"))
    assert [found.standing(name) for name in (REFUND, "refund:ref2")] == [("ignored", "payment_taken_back")] * 2
    restarted(found, order).put(zuora.payment())
    sink = Sink(found).run()
    assert (sink.stuck, sink.open_of(PAYMENT, n=2), sink.books.ledger["EUR", "1010"]) == ([], 50, 50)


@pytest.mark.parametrize("order", STARTS)
def test_a_payment_that_shows_again_is_applied_again_and_can_be_deleted_again(order):
    row = zuora.row("40.00", "r1")
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", row), DELETED, zuora.payment("100.00", row))
    sink = Sink(restarted(found, order)).run()
    assert (sink.stuck, sink.open_of(INVOICE), sink.open_of(PAYMENT, n=2)) == ([], 60, 60)
    found.put(DELETED)
    assert (sink.run().stuck, sink.open_of(INVOICE), sink.books.ledger["EUR", "1010"]) == ([], 100, 0)


@pytest.mark.parametrize("order", STARTS)
@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_refund_of_what_failed_counts_no_more_when_it_is_cancelled(first, order):
    """Whichever is read first: then the status of the payment alone takes it back."""
    found = world().put(zuora.payment(), zuora.refund("100.00", updated=LATER), gone(status="Error", refundAmount=100))
    sink = Sink(restarted(found, order)).run()
    assert (found.standing(PAYMENT), sink.books.ledger["EUR", "1010"]) == (("ignored", "refunded_whole"), 0)
    versions = [
        zuora.payment(status="Error", updated=LATEST),
        zuora.refund("100.00", status="Canceled", updated=LATEST),
    ]
    for version in versions if first == "payment" else reversed(versions):
        restarted(found.put(version), order)
        sink.run()
    assert (found.standing(PAYMENT)[0], sink.stuck) == ("released", [])
    assert (sink.open_of(PAYMENT), sink.books.ledger["EUR", "1010"]) == (0, 0)


def test_what_was_over_before_it_was_first_read_parks_where_a_part_of_it_was_refunded():
    """The rest may have gone back with it or not: nobody here can tell."""
    found = world().put(zuora.refund("30.00", updated=LATER), gone(status="Error", refundAmount=Decimal(30)))
    assert found.standing(PAYMENT) == ("parked", "not_supported")
    assert Sink(found).run().sent == []
    found.put(zuora.payment(status="Error", refundAmount=Decimal(100), updated=LATEST))
    assert (found.standing(PAYMENT), found.standing(REFUND)) == (
        ("ignored", "not_posted"),
        ("ignored", "payment_taken_back"),
    )
    assert Sink(found).run().stuck == []


def test_several_refunds_that_come_to_all_of_it_count_as_one():
    found = world().put(zuora.payment(), zuora.refund("30.00"), zuora.refund("70.00", name="ref2", updated=LATER))
    sink = Sink(found.put(gone(status="Error"))).run()
    assert (found.standing(PAYMENT), sink.stuck) == (("ignored", "refunded_whole"), [])
    assert sink.books.ledger["EUR", "1010"] == 0


@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_chargeback_of_what_others_loaded_goes_against_the_opening_although_it_was_over_when_it_was_read(first):
    old = {"effectiveDate": "2025-12-10", "createdDate": "2025-12-10T10:00:00Z"}
    found = world()
    sink = Sink(found)
    sink.books.opening("PAY1", "100.00", owed=False)
    versions = [gone(status="Error", refundAmount=Decimal(100), **old), zuora.refund("100.00", updated=LATER)]
    for version in versions if first == "payment" else reversed(versions):
        found.put(version)
        sink.run()
    assert (found.standing(PAYMENT), sink.stuck) == (("ignored", "before_cut_over"), [])
    assert (sink.open_of(PAYMENT), sink.books.ledger["EUR", "1010"]) == (0, -100)
