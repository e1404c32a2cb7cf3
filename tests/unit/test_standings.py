"""Where a document stands is folded from two topics, whichever is read first."""

from itertools import permutations

import pytest

from schemas.outcomes import Ignored, Parked, Released, Waiting
from schemas.reasons import Reason
from streams.standings import Standings, next_pass

NAME = "invoice:inv1"
PRODUCT = {"stamp": "2026-03-10T10:00:00Z"}


def said(kind, origin: int, input_pass: str = "live"):
    fields = {"connection": "c", "stage": "match", "subject": NAME, "document": NAME, "stamp": PRODUCT["stamp"]}
    reason = {} if kind is Released else {"reason": Reason(rule="r", message="m", waits_for=("k",))}
    return kind(**fields, **reason, origin=origin, input_pass=input_pass)


def folded(*events) -> Standings:
    """Return standings that took up outcomes, and results as (origin, pass)."""
    found = Standings()
    for event in events:
        if isinstance(event, tuple):
            found.settle(NAME, origin=event[0], input_pass=event[1], **PRODUCT)
        else:
            found.stand(event)
    return found


def test_the_passes_of_an_older_input_are_not_those_of_the_newest():
    results = [(1, "live"), (1, "release:2"), (5, "live"), (3, "replay:4")]
    for order in permutations(results):
        found = folded(*order)
        assert next_pass(found.entries[NAME], 5, "release") == "release:1"


@pytest.mark.parametrize(
    ("events", "unsettled"),
    [
        ([said(Waiting, 3)], [(3, "release")]),
        ([said(Parked, 3)], [(3, "release")]),
        ([said(Parked, 3), (5, "live")], [(5, "release")]),
        ([said(Parked, 3), (5, "live"), said(Released, 5)], []),
        ([said(Ignored, 3)], []),
        ([said(Ignored, 3), (5, "live")], [(5, "release")]),
        ([said(Ignored, 3), (5, "live"), said(Ignored, 5)], []),
        ([(3, "live")], []),
    ],
)
def test_what_stands_still_or_lacks_its_outcome_is_asked_again_at_a_start(events, unsettled):
    results = [event for event in events if isinstance(event, tuple)]
    outcomes = [event for event in events if not isinstance(event, tuple)]
    for order in (events, [*results, *outcomes], [*outcomes, *results]):
        assert folded(*order).unsettled() == unsettled
