"""What a receipt carries that is found although the log has lost what it was sent with: a table of cases."""

from decimal import Decimal

import pytest

from schemas.outcomes import Superseded, Waiting
from streams.sink.carrying import Carrying, carrying, in_question
from tests.unit import sink_data as data
from tests.unit.sink_data import intended, name, posted, receipt, rejected, state, superseded, waiting

A, B = name("a1"), name("a2")
SIXTY, FORTY = {A: Decimal("60.00")}, {B: Decimal("40.00")}
BOTH = SIXTY | FORTY
NOTHING, ALL, UNTOLD = Carrying(), Carrying(carried=(A, B)), Carrying(untold=(A, B))
OFFERS = (("a1", "i1", "60.00"), ("a2", "i2", "40.00"))


@pytest.mark.parametrize(
    ("question", "allocated", "told"),
    [
        (BOTH, "0", NOTHING),
        (BOTH, "0.00", NOTHING),
        (BOTH, "100.00", ALL),
        (BOTH, "100", ALL),
        # One of them, by its amount; or a part of the other, the rest of which was undone before it was sent.
        (BOTH, "60.00", UNTOLD),
        (BOTH, "40.00", UNTOLD),
        (BOTH, "99.99", UNTOLD),
        (BOTH, "0.01", UNTOLD),
        (BOTH, "100.01", UNTOLD),
        (BOTH, "-100.00", UNTOLD),
        (BOTH, None, UNTOLD),
        ({A: Decimal(50), B: Decimal(50)}, "50", UNTOLD),
        (SIXTY, "60.00", Carrying(carried=(A,))),
        (SIXTY, "0", NOTHING),
        (SIXTY, "40.00", Carrying(untold=(A,))),
        ({}, "0", NOTHING),
        ({}, "60.00", NOTHING),
        ({}, None, NOTHING),
    ],
)
def test_nothing_and_all_are_certain_and_what_lies_between_is_not_guessed_at(question, allocated, told):
    shown = None if allocated is None else Decimal(allocated)
    assert carrying(question, shown, others_known=True) == told


@pytest.mark.parametrize(("allocated", "told"), [("0", UNTOLD), ("100.00", ALL), ("60.00", UNTOLD), (None, UNTOLD)])
def test_where_qad_was_not_read_what_is_not_carried_may_stand_there_by_itself(allocated, told):
    shown = None if allocated is None else Decimal(allocated)
    assert carrying(BOTH, shown, others_known=False) == told


def asked(*before, customer="C1", there=()) -> dict:
    content = receipt(*OFFERS)
    return in_question(content.offers, state(*before), customer=customer, by_itself=lambda one: one in map(name, there))


def undone_in_part() -> list[Waiting | Superseded]:
    """Return what is said where an unapplication of 25 cancelled out with a part of the first."""
    said = waiting("d1", cancels={A: Decimal("25.00")})
    return [waiting("a1", value=Decimal("60.00")), said]


@pytest.mark.parametrize(
    ("before", "there", "question"),
    [
        ([], (), BOTH),
        ([posted("i1"), posted("i2")], (), BOTH),
        # Whether an item is known again does not matter: it was in QAD when the receipt was sent, or not.
        ([waiting("i1"), posted("i2")], (), BOTH),
        ([], ("a1",), FORTY),
        ([], ("a1", "a2"), {}),
        ([waiting("a1")], (), BOTH),
        ([waiting("a1"), superseded("a1")], (), FORTY),
        ([intended("a1"), rejected("a1")], (), FORTY),
        ([intended("a1")], (), FORTY),
        (undone_in_part(), (), {A: Decimal("35.00")} | FORTY),
    ],
)
def test_what_went_alone_or_was_undone_is_not_asked_about(before, there, question):
    assert asked(*before, there=there) == question


@pytest.mark.parametrize(("customer", "question"), [("C1", SIXTY), ("C2", FORTY), ("", BOTH)])
def test_a_receipt_carries_nothing_of_another_customer_s_items(customer, question):
    assert asked(posted("i1", customer="C1"), posted("i2", customer="C2"), customer=customer) == question
    assert asked(customer=customer) == BOTH
    assert asked(data.parked("i1"), customer=customer) == BOTH
