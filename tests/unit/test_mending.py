"""Whom a reason calls: every rule by which something parks names a person, and every class of QAD's refusals does."""

import re
from pathlib import Path

import pytest

from streams.mending import who_mends
from streams.sink.meanings import MEANINGS, REFUSED_HERE, UNCLASSIFIED

STREAMS = Path(__file__).parents[2] / "streams"
# What goes on by itself, is no fault, or was said of what will never be posted.
NOBODYS = {
    "account_not_read",
    "already_deallocated",
    "already_in_erp",
    "before_cut_over",
    "deleted",
    "e_invoice_not_cleared",
    "invoice_not_decided",
    "mark_not_found",
    "more_than_charged",
    "not_posted",
    "payment_taken_back",
    "reference_not_read",
    "refund_known_otherwise",
    "refunded_whole",
    "refunds_stand",
    "same_customer",
    "undone_before_posted",
    "waits_for_posting",
    "zero",
}


@pytest.mark.parametrize("rule", [*MEANINGS, *REFUSED_HERE, UNCLASSIFIED])
def test_every_class_of_refusal_calls_somebody(rule):
    assert who_mends(rule) is not None


def test_every_other_rule_calls_somebody_or_is_known_to_call_nobody():
    written = {
        rule
        for path in STREAMS.rglob("*.py")
        for rule in re.findall(r'rule="([a-z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(written) > 40
    assert {rule for rule in written if who_mends(rule) is None} == NOBODYS


def test_what_goes_on_by_itself_calls_nobody():
    assert who_mends("waits_for_posting") is None
