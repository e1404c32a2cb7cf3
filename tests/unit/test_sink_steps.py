"""What happens next to a posting: every case of what it refers to (ACCOUNTING 6)."""

from decimal import Decimal

import msgspec
import pytest

from schemas.postings import Act
from streams import waits
from streams.sink.state import Status
from streams.sink.steps import Annul, CannotTell, CarriedBy, Drop, FindOpening, Ready, WaitFor, next_step
from tests.unit.sink_data import (
    allocation,
    disputed,
    intended,
    inverse,
    invoice,
    name,
    opening,
    parked,
    posted,
    posting,
    qad,
    receipt,
    rejected,
    state,
    superseded,
    unknown,
    waiting,
)

WHOLE = {"currency": "EUR", "value": Decimal("40.00")}
STILL = [[waiting("x", **WHOLE)], [parked("x", **WHOLE)], [intended("x", total=Decimal("40.00")), rejected("x")]]
DOUBTED = [
    [intended("x")],
    [intended("x"), unknown("x")],
    [intended("x"), unknown("x"), parked("x")],
    [intended("x"), unknown("x"), disputed("x", "unknown_no_look_up", **WHOLE)],
    [intended("x"), rejected("x"), disputed("x", "duplicate", **WHOLE)],
    [disputed("x", "conflict", **WHOLE)],
    [disputed("x", "log_not_whole", **WHOLE)],
]
ALLOCATE = posting("alloc", allocation(), "pay", "inv")
DEALLOCATE = posting("free", allocation(reopens=True), "pay", "inv", "alloc")
INVERSE = posting("undo", inverse(), "inv", "free")
BOTH = (posted("pay", 1), posted("inv", 2))


def renamed(outcome, text: str):
    """Return an outcome of STILL or DOUBTED said of another posting."""
    return msgspec.structs.replace(outcome, subject=name(text), document=f"test:{text}", number=text)


def test_what_refers_to_nothing_goes():
    for content in (invoice(), receipt(), receipt(("alloc", "inv", "40.00"))):
        assert next_step(posting("a", content), state()) == Ready()


def test_an_opening_is_looked_up_never_posted():
    assert next_step(posting("a", opening()), state()) == FindOpening(opening())


def test_an_allocation_goes_when_both_its_items_are_there():
    assert next_step(ALLOCATE, state(*BOTH)) == Ready()


@pytest.mark.parametrize("missing", ["pay", "inv"])
def test_an_allocation_waits_for_an_item_that_has_not_come(missing):
    step = next_step(ALLOCATE, state(posted("inv" if missing == "pay" else "pay")))
    assert isinstance(step, WaitFor)
    assert (step.posting, step.reason.waits_for) == (name(missing), (waits.posting(name(missing)),))
    assert step.reason.blocked_by == ("payment:pay" if missing == "pay" else "invoice:inv")


@pytest.mark.parametrize("stands", [*STILL, *DOUBTED])
@pytest.mark.parametrize("missing", ["pay", "inv"])
def test_an_allocation_waits_for_an_item_that_is_not_in_qad_and_says_for_which(stands, missing):
    there = "inv" if missing == "pay" else "pay"
    step = next_step(ALLOCATE, state(posted(there), *(renamed(one, missing) for one in stands)))
    assert isinstance(step, WaitFor)
    assert (step.posting, step.reason.blocked_by) == (name(missing), missing)


@pytest.mark.parametrize("gone", ["pay", "inv"])
def test_an_allocation_of_what_will_never_be_is_dropped(gone):
    there = "inv" if gone == "pay" else "pay"
    assert isinstance(next_step(ALLOCATE, state(posted(there), superseded(gone))), Drop)


def test_an_allocation_that_the_receipt_carries_is_there_with_it():
    carried = state(posted("inv", 2), posted("pay", 1, customer="C9", carried=("alloc",)))
    assert next_step(ALLOCATE, carried) == CarriedBy(qad(1, "C9"), "C9")
    other = state(posted("inv", 2), posted("pay", 1, carried=("another",)))
    assert next_step(ALLOCATE, other) == Ready()


def test_an_allocation_that_the_receipt_may_carry_or_not_is_for_a_person():
    untold = (posted("inv", 2), posted("pay", 1, untold=("alloc",)))
    step = next_step(ALLOCATE, state(*untold))
    assert isinstance(step, CannotTell)
    assert (step.reason.rule, step.reason.value, step.reason.waits_for) == ("carried_or_not", "40", ())
    assert "ZINV 1 of 2026" in step.reason.message
    assert "40 EUR to invoice:inv" in step.reason.message
    assert isinstance(next_step(ALLOCATE, state(*untold, waiting("alloc"))), CannotTell)
    other = state(posted("inv", 2), posted("pay", 1, untold=("another",)))
    assert next_step(ALLOCATE, other) == Ready()


def test_an_allocation_that_a_person_released_or_that_went_alone_is_not_asked_about_again():
    untold = (posted("inv", 2), posted("pay", 1, untold=("alloc",)))
    # It is looked up by its own reference before it is sent.
    assert next_step(ALLOCATE, state(*untold, disputed("alloc", "carried_or_not"))) == Ready()
    for said in ([intended("alloc")], [intended("alloc"), rejected("alloc")]):
        assert next_step(ALLOCATE, state(*untold, *said)) == Ready()


@pytest.mark.parametrize("said", [waiting("alloc", **WHOLE), disputed("alloc", "carried_or_not", **WHOLE)])
def test_what_the_receipt_may_carry_is_not_taken_back_before_it_is_told(said):
    untold = state(posted("inv", 2), posted("pay", 1, untold=("alloc",)), said)
    step = next_step(DEALLOCATE, untold)
    assert isinstance(step, WaitFor)
    assert step.posting == name("alloc")


def test_what_went_alone_and_was_refused_is_certainly_not_carried():
    untold = (posted("inv", 2), posted("pay", 1, untold=("alloc",)))
    refused = (intended("alloc", total=Decimal("40.00")), rejected("alloc"))
    assert isinstance(next_step(DEALLOCATE, state(*untold, *refused)), Annul)


def test_a_receipt_that_is_asked_to_wait_for_its_invoices_waits():
    waits_for_it = posting("pay", receipt(("alloc", "inv", "40.00")), "inv")
    assert isinstance(next_step(waits_for_it, state()), WaitFor)
    assert next_step(waits_for_it, state(posted("inv"))) == Ready()
    # The invoice will never come: the receipt was only to wait for it.
    assert next_step(waits_for_it, state(superseded("inv"))) == Ready()


def test_a_deallocation_comes_after_what_it_undoes():
    assert next_step(DEALLOCATE, state(*BOTH, posted("alloc", 3))) == Ready()
    for stands in DOUBTED:
        step = next_step(DEALLOCATE, state(*BOTH, *(renamed(one, "alloc") for one in stands)))
        assert isinstance(step, WaitFor)
        assert step.posting == name("alloc")
    assert isinstance(next_step(DEALLOCATE, state(*BOTH)), WaitFor)


@pytest.mark.parametrize("stands", STILL)
def test_a_deallocation_of_what_is_certainly_not_there_undoes_it_here(stands):
    step = next_step(DEALLOCATE, state(*BOTH, *(renamed(one, "alloc") for one in stands)))
    assert isinstance(step, Annul)
    assert step.undone == (name("alloc"),)


@pytest.mark.parametrize("stands", STILL)
@pytest.mark.parametrize("part", ["0.01", "39.99"])
def test_a_deallocation_of_a_part_of_what_is_certainly_not_there_takes_that_part_back(stands, part):
    some = posting("free", allocation(reopens=True, amount=part), "pay", "inv", "alloc")
    step = next_step(some, state(*BOTH, *(renamed(one, "alloc") for one in stands)))
    assert isinstance(step, Annul)
    assert (step.undone, step.cancels, step.goes_on) == ((), {name("alloc"): Decimal(part)}, False)
    assert next_step(some, state(*BOTH, posted("alloc", 3))) == Ready()


@pytest.mark.parametrize("stands", STILL)
def test_a_deallocation_of_more_than_what_is_not_there_goes_on_with_the_rest(stands):
    more = posting("free", allocation(reopens=True, amount="40.01"), "pay", "inv", "alloc")
    step = next_step(more, state(*BOTH, *(renamed(one, "alloc") for one in stands)))
    assert isinstance(step, Annul)
    assert (step.undone, step.cancels, step.goes_on) == ((name("alloc"),), {name("alloc"): Decimal("40.00")}, True)


@pytest.mark.parametrize("stands", DOUBTED)
def test_a_deallocation_of_a_part_waits_while_nobody_knows(stands):
    some = posting("free", allocation(reopens=True, amount="0.01"), "pay", "inv", "alloc")
    assert isinstance(next_step(some, state(*BOTH, *(renamed(one, "alloc") for one in stands))), WaitFor)


CARRYING = [
    [posted("pay", carried=("alloc",))],
    [intended("pay", carried=("alloc",))],
    [intended("pay", carried=("alloc",)), unknown("pay"), parked("pay")],
    [intended("pay", carried=("alloc",)), rejected("pay"), disputed("pay", "duplicate")],
    [disputed("pay", "conflict")],
]


@pytest.mark.parametrize("receipt_stands", CARRYING)
def test_a_deallocation_of_what_a_receipt_carries_or_may_have_carried_waits(receipt_stands):
    step = next_step(DEALLOCATE, state(posted("inv"), waiting("alloc", **WHOLE), *receipt_stands))
    assert isinstance(step, WaitFor)
    assert step.posting == name("alloc")


def test_a_deallocation_of_what_a_receipt_did_not_carry_or_was_refused_with_undoes_it_here():
    refused = [intended("pay", carried=("alloc",)), rejected("pay")]
    for receipt_stands in ([posted("pay", carried=("another",))], [intended("pay")], refused):
        found = state(posted("inv"), waiting("alloc", **WHOLE), *receipt_stands)
        assert isinstance(next_step(DEALLOCATE, found), Annul)


def test_a_deallocation_of_what_will_never_be_is_dropped():
    assert isinstance(next_step(DEALLOCATE, state(*BOTH, superseded("alloc"))), Drop)


def of_several(amount: str, act: Act = Act.DEALLOCATE):
    content = allocation(reopens=True, amount=amount)
    return msgspec.structs.replace(posting("free", content, "pay", "inv", "alloc", "alloc2"), act=act)


def test_a_deallocation_of_several_takes_back_what_is_not_there_and_frees_the_rest():
    for amount in ("80.00", "50.00"):
        several, there = of_several(amount), (*BOTH, posted("alloc", 3))
        step = next_step(several, state(*there, waiting("alloc2", **WHOLE)))
        assert isinstance(step, Annul)
        assert (step.undone, step.cancels) == ((name("alloc2"),), {name("alloc2"): Decimal("40.00")})
        assert step.goes_on
        assert next_step(several, state(*there, superseded("alloc2"))) == Ready()
        assert next_step(several, state(*there, posted("alloc2", 4))) == Ready()
        assert isinstance(next_step(several, state(*there, intended("alloc2"))), WaitFor)


def test_a_deallocation_of_all_of_several_undoes_them_here():
    both = (waiting("alloc", **WHOLE), parked("alloc2", **WHOLE))
    step = next_step(of_several("80.00"), state(parked("pay"), *both))
    assert isinstance(step, Annul)
    assert set(step.undone) == {name("alloc"), name("alloc2")}
    step = next_step(of_several("79.99"), state(*BOTH, *both))
    assert isinstance(step, Annul)
    assert (step.undone, step.goes_on) == ((name("alloc2"),), False)
    assert step.cancels == {name("alloc2"): Decimal("40.00"), name("alloc"): Decimal("39.99")}


def test_of_several_the_newest_of_the_same_amount_is_undone_here():
    """What stands between two items is one sum: which of two equal allocations never came does not matter."""
    for first in (waiting("alloc", **WHOLE), posted("alloc", 3), superseded("alloc")):
        step = next_step(of_several("40.00"), state(*BOTH, first, waiting("alloc2", **WHOLE)))
        assert isinstance(step, Annul)
        assert step.undone == (name("alloc2"),)


def test_a_reversal_that_frees_what_is_left_takes_back_the_allocation_never_what_unapplied_it():
    """Of 40.00 a part of 20.00 is unapplied: the rest is 20.00 as well, and no amount tells the two apart."""
    part = {**WHOLE, "value": Decimal("20.00")}
    rest = of_several("20.00", Act.REVERSE)
    step = next_step(rest, state(*BOTH, waiting("alloc", **WHOLE), waiting("alloc2", **part)))
    assert isinstance(step, Annul)
    assert (step.undone, step.cancels) == ((), {name("alloc"): Decimal("20.00")})
    assert isinstance(next_step(rest, state(*BOTH, posted("alloc"), waiting("alloc2", **part))), WaitFor)


def test_a_reversal_goes_when_its_allocation_cancelled_out_while_another_of_the_pair_is_there():
    assert next_step(of_several("20.00", Act.REVERSE), state(*BOTH, superseded("alloc"), posted("alloc2"))) == Ready()


@pytest.mark.parametrize("held", ["pay", "inv"])
def test_what_certainly_is_not_there_is_annulled_whatever_else_is_missing(held):
    there = "inv" if held == "pay" else "pay"
    found = state(posted(there), parked(held), waiting("alloc", **WHOLE))
    assert isinstance(next_step(DEALLOCATE, found), Annul)


def test_an_inverse_goes_after_its_original_and_what_is_freed():
    assert next_step(INVERSE, state(posted("inv", 2), posted("free", 3))) == Ready()
    for free in ([], [waiting("free")], [intended("free")]):
        assert isinstance(next_step(INVERSE, state(posted("inv", 2), *free)), WaitFor)
    assert next_step(INVERSE, state(posted("inv", 2), superseded("free"))) == Ready()


@pytest.mark.parametrize("stands", STILL)
def test_an_inverse_of_what_is_certainly_not_there_undoes_it_here(stands):
    step = next_step(INVERSE, state(*(renamed(one, "inv") for one in stands), waiting("free")))
    assert isinstance(step, Annul)
    assert step.undone == (name("inv"),)


@pytest.mark.parametrize("stands", DOUBTED)
def test_an_inverse_waits_while_nobody_knows(stands):
    step = next_step(INVERSE, state(*(renamed(one, "inv") for one in stands)))
    assert isinstance(step, WaitFor)
    assert step.posting == name("inv")


@pytest.mark.parametrize("stands", DOUBTED)
def test_what_may_be_in_qad_is_looked_up_whatever_became_of_what_it_refers_to(stands):
    assert next_step(INVERSE, state(*(renamed(one, "undo") for one in stands))) == Ready()
    conflict = state(disputed("old", "conflict"))
    assert isinstance(next_step(posting("old", opening()), conflict), FindOpening)


def test_an_inverse_of_what_will_never_be_is_dropped_and_all_that_hangs_on_it():
    found = state(superseded("inv"), superseded("undo"), posted("pay"))
    assert isinstance(next_step(INVERSE, found), Drop)
    settle = posting("settle", allocation("undo", "inv", "100.00"), "inv", "undo")
    assert isinstance(next_step(settle, found), Drop)
    renewed = posting("inv2", invoice(), "settle")
    found.take(superseded("settle"))
    assert next_step(renewed, found) == Ready()


def test_posted_again_waits_until_the_first_is_undone():
    renewed = posting("inv2", invoice(), "settle")
    assert isinstance(next_step(renewed, state()), WaitFor)
    assert isinstance(next_step(renewed, state(waiting("settle"))), WaitFor)
    assert next_step(renewed, state(posted("settle"))) == Ready()


def test_every_status_leads_somewhere():
    """No status of what a posting refers to leaves it without a next step."""
    outcomes = {
        Status.INTENDED: [intended("inv")],
        Status.UNKNOWN: [intended("inv"), unknown("inv")],
        Status.POSTED: [posted("inv")],
        Status.REJECTED: [rejected("inv")],
        Status.WAITING: [waiting("inv")],
        Status.PARKED: [parked("inv")],
        Status.SUPERSEDED: [superseded("inv")],
    }
    assert set(outcomes) == set(Status)
    expected = {Status.POSTED: Ready, Status.SUPERSEDED: Drop}
    for status, said in outcomes.items():
        step = next_step(ALLOCATE, state(posted("pay"), *said))
        assert isinstance(step, expected.get(status, WaitFor)), status


@pytest.mark.parametrize("stands", STILL)
@pytest.mark.parametrize(
    ("held", "cancelled", "goes_on"), [("40.00", None, True), ("15.00", "25.00", True), ("0.00", "40.00", False)]
)
def test_of_what_qad_holds_untraced_only_the_rest_cancels_out(stands, held, cancelled, goes_on):
    found = state(*BOTH, *(renamed(one, "alloc") for one in stands))
    step = next_step(DEALLOCATE, found, {name("alloc"): Decimal(held)})
    if cancelled is None:
        assert isinstance(step, WaitFor)
        assert "stands in QAD although" in step.reason.message
    else:
        assert isinstance(step, Annul)
        assert (step.cancels, step.goes_on) == ({name("alloc"): Decimal(cancelled)}, goes_on)


def test_what_a_receipt_that_qad_holds_untraced_may_carry_is_not_annulled():
    waits_too = (waiting("pay"), posted("inv"), waiting("alloc", **WHOLE))
    assert isinstance(next_step(DEALLOCATE, state(*waits_too)), Annul)
    assert isinstance(next_step(DEALLOCATE, state(*waits_too), {name("pay"): Decimal(100)}), WaitFor)
    # One that was intended by itself no receipt carries.
    alone = (waiting("pay"), posted("inv"), renamed(STILL[2][0], "alloc"), renamed(STILL[2][1], "alloc"))
    assert isinstance(next_step(DEALLOCATE, state(*alone), {name("pay"): Decimal(100)}), Annul)


@pytest.mark.parametrize("stands", STILL)
def test_an_inverse_waits_for_what_qad_holds_untraced(stands):
    found = state(*(renamed(one, "inv") for one in stands), waiting("free"))
    assert isinstance(next_step(INVERSE, found, {name("inv"): Decimal("0.00")}), WaitFor)
