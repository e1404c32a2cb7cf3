"""Who approves that an account goes to another customer: another person, where items are open or nobody knows."""

import pytest

from console.customers.linking import Effects, approval_problem


def effects_of(open_items):
    return Effects(
        customers=("C1",), documents=3, posted=2, open_items=open_items, open_value={}, waiting=0, waiting_value={}
    )


@pytest.mark.parametrize("open_items", [0, 1, None])
@pytest.mark.parametrize("same", ["ada", "Ada", "ADA"])
def test_nobody_approves_what_they_decide_themselves(open_items, same):
    assert "another person must approve" in approval_problem(effects_of(open_items), person="ada", approved_by=same)


@pytest.mark.parametrize(
    ("open_items", "problem"),
    [(0, ""), (1, "1 items are open in QAD: a second person"), (None, "open items cannot be told: a second person")],
)
def test_open_items_ask_for_a_second_person_and_so_does_not_knowing(open_items, problem):
    assert approval_problem(effects_of(open_items), person="ada", approved_by="").startswith(problem)
    assert bool(approval_problem(effects_of(open_items), person="ada", approved_by="")) is bool(problem)
    assert approval_problem(effects_of(open_items), person="ada", approved_by="grace") == ""
