"""What the log says of a posting, read outcome by outcome: where it stands, and what was sent."""

from datetime import date
from decimal import Decimal

import pytest

from console.reconciliation.facts import LogSide
from console.reconciliation.reading import _take_outcome
from schemas.codec import encode
from schemas.outcomes import Document, Ignored, Intended, Marked, Parked, Posted, Unknown
from schemas.reasons import Reason

KNOWN = {
    "connection": "acme",
    "stage": "sink",
    "subject": "p1",
    "document": "invoice:8a",
    "number": "INV1",
    "origin": 1,
}
SENT = {"customer": "C1", "currency": "EUR", "total": Decimal("119.00")}
QAD = Document(year=2026, daybook="ZINV", voucher=7)


def intended(day, **changes):
    known = {"reference": "R", "attempt": 1, "mapping_version": 1, "source_hash": "", "content_hash": ""}
    return Intended(**KNOWN, **{**SENT, **known, "day": day, **changes})


def posted(**changes):
    return Posted(**KNOWN, **{**SENT, "qad": QAD, "attempt": 1, "how": "look_up", **changes})


def standing_after(*outcomes):
    side = LogSide()
    for outcome in outcomes:
        _take_outcome(side, encode(outcome), 0)
    return side.standings["p1"]


def test_what_was_intended_last_is_what_was_sent():
    standing = standing_after(
        intended(date(2026, 1, 31), total=Decimal(1)),
        Parked(**KNOWN, reason=Reason(rule="x", message="y")),
        intended(date(2026, 2, 1)),
        Unknown(**KNOWN, attempt=2, what="no answer"),
        posted(),
    )
    assert (standing.status, standing.qad, standing.how) == ("posted", QAD, "look_up")
    assert (standing.customer, standing.currency, standing.total) == ("C1", "EUR", Decimal("119.00"))
    assert standing.day == date(2026, 2, 1)


@pytest.mark.parametrize("later", [Parked(**KNOWN, reason=Reason(rule="x", message="y")), intended(date(2026, 3, 1))])
def test_what_is_posted_stays_posted(later):
    assert standing_after(intended(date(2026, 1, 31)), posted(), later).status == "posted"


@pytest.mark.parametrize("how", [Marked, Parked, Ignored])
def test_what_stands_in_fields_of_zuora_says_nothing_of_a_document(how):
    """A mark that Zuora refuses parks; the document is in QAD as it should be, and is counted as such."""
    side, known = LogSide(), {**KNOWN, "stage": "mark", "subject": "invoice:8a"}
    more = {"fields": {}, "how": "found"} if how is Marked else {"reason": Reason(rule="mark_refused", message="y")}
    _take_outcome(side, encode(how(**known, **more)), 0)
    assert (side.documents, side.standings) == ({}, {})
