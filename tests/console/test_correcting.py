"""Who proposes a correction, who approves it, and of what: by the log alone."""

from datetime import date

import pytest

from console.correcting import correction_of
from schemas.errors import Misconfigured
from schemas.events import read_decision, read_qad_reference
from schemas.mapping import Analysis
from schemas.topics import Topic
from streams.ledger.known.books import Books
from tests.unit import builders as zuora
from tests.unit.test_ledger_corrections import INVOICE, MAY, by, newest, posted

JUNE = date(2026, 6, 3)


def plan(found, person, *, document=INVOICE):
    decisions = [read_decision(value) for value in found.log[Topic.DECISIONS]]
    books = books_of(found, decisions)
    return correction_of(found.sets, decisions, books, connection="acme", document=document, person=person, day=JUNE)


def books_of(found, decisions):
    books = Books()
    for value in found.log[Topic.QAD_REFERENCE]:
        books.shown_by_qad(read_qad_reference(value))
    for decision in decisions:
        books.decided(decision)
    return books


def test_the_first_proposes_and_another_approves():
    found = posted().put(newest())
    first = plan(found, "ada")
    assert (first.n, first.total, first.currency, first.built_by, first.newest) == (1, 100, "EUR", 1, 2)
    assert (first.approves, first.proposed_by, first.number, first.day) == (False, "", "INV1", JUNE)
    found.put(by("ada"))
    second = plan(found, "bob")
    assert (second.approves, second.proposed_by, second.n) == (True, "ada", 1)


@pytest.mark.parametrize("person", ["ada", "Ada", "ada "])
def test_who_proposed_it_cannot_approve_it(person):
    with pytest.raises(Misconfigured, match="another person must approve"):
        plan(posted().put(by("ada")), person)


def test_what_was_corrected_may_be_corrected_again_from_its_new_posting():
    found = posted().put(newest(), by("ada"), by("bob"))
    again = plan(found, "ada")
    assert (again.n, again.built_by, again.approves) == (2, 2, False)


def test_what_two_have_decided_and_the_ledger_has_not_done_is_not_decided_again():
    found = posted().put(zuora.period(MAY.month, is_open=False), by("ada"), by("bob"))
    with pytest.raises(Misconfigured, match="ada and bob have decided it"):
        plan(found, "eve")


def test_what_does_not_stand_is_not_corrected():
    with pytest.raises(Misconfigured, match="nothing of"):
        plan(posted(), "ada", document="invoice:inv2")
    with pytest.raises(Misconfigured, match="nothing of"):
        plan(posted().put(zuora.draft(updated="2026-03-11T10:00:00Z")), "ada")


def test_a_day_in_a_closed_period_is_refused():
    with pytest.raises(Misconfigured, match=r"2026-06-03 is not open for receivables\. It goes on when"):
        plan(posted().put(zuora.period(JUNE.month, is_open=False)), "ada")


def test_cash_of_nobody_is_corrected_in_zuora():
    found = posted(unassigned_cash=Analysis(account="1999")).put(zuora.payment("60.00", accountId=None))
    assert found.postings[-1].content.lines
    with pytest.raises(Misconfigured, match="no invoice or memo"):
        plan(found, "ada", document="payment:pay1")


def test_a_payment_is_corrected_in_zuora():
    found = posted().put(zuora.payment("60.00"))
    with pytest.raises(Misconfigured, match="no invoice or memo"):
        plan(found, "ada", document="payment:pay1")
