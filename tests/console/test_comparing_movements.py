"""What moved on GL accounts, of three sides alone: what was sent, what QAD shows of it, and what others keyed there."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from console.reconciliation.facts import QadGlLine
from schemas.postings import GlLine
from schemas.references import Period
from tests.console.sides import DAY, LAST

D = Decimal
APRIL = date(2026, 4, 2)


@pytest.fixture
def booked(sides):
    """An invoice of 100, 40 of it deferred, whose lines QAD shows with a control line of its own."""
    sides.qad.periods = [
        Period(code=f"2026-{n:02}", year=2026, period=n, first_day=first, last_day=last, open=True)
        for n, first, last in ((3, date(2026, 3, 1), LAST), (4, date(2026, 4, 1), date(2026, 4, 30)))
    ]
    name = sides.posted("invoice", "100", number="INV1")
    [posting] = sides.log.postings.values()
    lines = (GlLine(account="4000", credit=D(60)), GlLine(account="2500", credit=D(40), role="deferred"))
    content = msgspec.structs.replace(posting.content, lines=lines)
    sides.log.postings[posting.id] = msgspec.structs.replace(posting, content=content)
    sides.qad.gl_lines = []
    for account, amount in (("1200", 100), ("4000", -60), ("2500", -40)):
        book(sides, account, amount)
    assert name in sides.zuora
    return sides


def book(sides, account, amount, *, key=None, day=DAY, base=None):
    """Put a line into QAD's general ledger, of the first document unless a key is given."""
    known = key or sides.qad.documents[0].key
    base = None if base is None else D(base)
    sides.qad.gl_lines.append(QadGlLine(key=known, account=account, day=day, amount=D(amount), base=base))


def told(found):
    return {(one.period, one.account): (one.sent, one.qad, one.foreign, one.deferred) for one in found.movements}


def test_what_was_sent_is_what_moved_and_additions_to_deferred_are_told(booked):
    found = booked.compared()
    assert told(found) == {
        ("2026-03", "1200"): (None, 100, 0, 0),
        ("2026-03", "2500"): (-40, -40, 0, 40),
        ("2026-03", "4000"): (-60, -60, 0, 0),
    }
    assert (found.differences, found.checks["GL entries"]) == ((), 1)


def test_a_line_that_somebody_moved_to_another_account_is_named_by_its_document(booked):
    place = next(n for n, line in enumerate(booked.qad.gl_lines) if line.account == "4000")
    booked.qad.gl_lines[place] = msgspec.structs.replace(booked.qad.gl_lines[place], account="4010")
    found = booked.compared()
    [difference] = found.differences
    assert (difference.part, difference.number, difference.amount) == ("movements", "INV1", 60)
    assert "moved 0 on account 4000 in QAD, -60 was sent" in difference.what
    assert not found.clean


def test_a_document_without_an_entry_is_named(booked):
    booked.qad.gl_lines = []
    [difference] = booked.compared().differences
    assert (difference.part, difference.number) == ("movements", "INV1")
    assert "has made no entry in QAD's general ledger" in difference.what


def test_where_no_browse_shows_lines_what_was_sent_is_told_alone(booked):
    booked.qad.gl_lines = None
    found = booked.compared()
    assert told(found) == {("2026-03", "2500"): (-40, None, 0, 40), ("2026-03", "4000"): (-60, None, 0, 0)}
    assert found.differences == ()


def test_what_others_keyed_stands_beside_it(booked):
    book(booked, "4000", "-7", key=booked.key("ZINV"))
    assert told(booked.compared())["2026-03", "4000"] == (-60, -60, -7, 0)


def test_what_is_posted_outside_the_days_is_held_against_qad_and_not_told(booked):
    found = booked.compared(from_date=date(2026, 4, 1), as_of=APRIL)
    assert (found.movements, found.checks["GL entries"]) == ((), 1)


def test_base_currency_is_told_where_it_is_shown_and_never_compared(booked):
    book(booked, "7790", "0", base="3.21")
    found = booked.compared()
    assert [one.base for one in found.movements if one.account == "7790"] == [D("3.21")]
    assert found.differences == ()
