"""What would move, from where it stands in QAD to where, who proposed it and who approves: by the log alone."""

from datetime import date

import pytest

from console.reclassing import Wanted, reclass_of
from console.reconciliation.facts import LogSide
from console.reconciliation.reading import TAKE
from schemas.codec import encode
from schemas.decisions import DocumentReclassified
from schemas.errors import Misconfigured
from schemas.events import read_decision
from schemas.mapping import Analysis
from schemas.references import GlAccount
from schemas.topics import Topic
from tests.console.test_correcting import books_of
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_ledger_corrections import by as corrected_by
from tests.unit.test_ledger_corrections import newest
from tests.unit.test_ledger_reclasses import CLEARING, INVOICE, LATER, posted

JUNE = date(2026, 6, 3)


def plan(found, person="ada", sink=None, *, frm="4000", to="4100", document=INVOICE, only=(), day=JUNE, **analysis):
    """Return what a person would decide; the sink has run as far as it goes unless it is given."""
    sink = sink or Sink(found).run()
    log = LogSide()
    decisions = [read_decision(value) for value in found.log[Topic.DECISIONS]]
    for topic in (Topic.DECISIONS, Topic.MATCHED, Topic.POSTINGS):
        for offset, value in enumerate(found.log[topic]):
            TAKE[topic](log, value, offset)
    for outcome in sink.outcomes:
        TAKE[Topic.OUTCOMES](log, encode(outcome), 0)
    wanted = Wanted(document=document, account=frm, to=Analysis(account=to, **analysis), only=only, day=day)
    return reclass_of(log, decisions, books_of(found, decisions), wanted, connection="acme", person=person)


def decided(found, person, **more):
    """Let a person decide what was planned for them."""
    one = plan(found, person, **more)
    made = zuora.replayed(one.document)
    shown = {name: getattr(one, name) for name in ("document", "number", "n", "m", "lines", "to", "day")}
    return found.put(DocumentReclassified(connection=made.connection, at=made.at, by=person, why="wrong", **shown))


def test_the_first_proposes_and_another_approves_what_it_shows():
    found = posted()
    first = plan(found)
    [line] = first.lines
    assert (line.account, line.credit, line.source, first.to.account) == ("4000", 100, "inv1-1", "4100")
    assert (first.n, first.m, first.total, first.currency, first.day) == (1, 1, 100, "EUR", JUNE)
    assert (first.daybook, first.proposed_by, first.approves) == ("ZJRN", "", False)
    decided(found, "ada")
    second = plan(found, "bob")
    assert (second.proposed_by, second.approves, second.lines) == ("ada", True, first.lines)
    decided(found, "bob")
    assert found.postings[-1].step == "journal:1"


@pytest.mark.parametrize("person", ["ada", "Ada", "ada "])
def test_who_proposed_it_cannot_approve_it(person):
    found = decided(posted(), "ada")
    with pytest.raises(Misconfigured, match="another person must approve"):
        plan(found, person)


def test_other_words_are_another_proposal():
    found = decided(posted(), "ada")
    assert not plan(found, "ada", to="4090").approves
    assert not plan(found, "bob", cost_centre="CC1").approves


def test_a_second_one_shows_the_line_where_it_stands_now():
    found = decided(decided(posted(), "ada"), "bob")
    with pytest.raises(Misconfigured, match="no line of INV1 stands on 4000: they stand on 4100"):
        plan(found)
    again = plan(found, frm="4100", to="4090")
    assert (again.m, [line.account for line in again.lines], again.approves) == (2, ["4100"], False)
    decided(decided(found, "ada", frm="4100", to="4090"), "bob", frm="4100", to="4090")
    assert plan(found, frm="4090").m == 3


def test_until_it_is_in_qad_nothing_more_is_moved():
    found = posted()
    sink = Sink(found).run()
    sink.books.journals_closed = True
    decided(decided(found, "ada", sink=sink), "bob", sink=sink)
    with pytest.raises(Misconfigured, match="its journal:1 is not begun"):
        plan(found, "eve", sink)
    with pytest.raises(Misconfigured, match=r"its journal:1 is (waiting|parked)"):
        plan(found, "eve", sink.run())


def test_what_is_approved_and_waits_for_its_period_comes_first():
    found = decided(posted(), "ada")
    plan(found, "bob")
    sink = Sink(found).run()
    one = read_decision(found.log[Topic.DECISIONS][-1])
    found.put(zuora.period(JUNE.month, is_open=False))
    found.put(DocumentReclassified(**{name: getattr(one, name) for name in one.__struct_fields__} | {"by": "bob"}))
    assert found.standing(INVOICE) == ("waiting", "period_closed")
    with pytest.raises(Misconfigured, match="it is not booked yet"):
        plan(found, "eve", sink, day=date(2026, 5, 4))


def test_it_counts_what_was_sent_not_what_the_newest_mapping_says():
    found = posted()
    sink = Sink(found).run()
    found.put(newest(), zuora.replayed(INVOICE))
    assert [line.account for line in found.postings[-1].content.lines] == ["4100"]
    assert [line.account for line in plan(found, sink=sink).lines] == ["4000"]


def test_only_the_lines_that_are_named_move():
    lines = zuora.item("100.00", "a"), zuora.item("20.00", "b", taxes=[zuora.tax("4.00")])
    found = posted().put(zuora.invoice(*lines, name="inv2"))
    assert plan(found, document="invoice:inv2").total == 120
    one = plan(found, document="invoice:inv2", only=("b",))
    assert ([line.source for line in one.lines], one.total) == (["b"], 20)
    with pytest.raises(Misconfigured, match="c is no line of INV2 on 4000: there are a, b"):
        plan(found, document="invoice:inv2", only=("c",))


def test_nothing_is_moved_that_is_not_in_qad():
    with pytest.raises(Misconfigured, match="nothing of invoice:inv9 was posted"):
        plan(posted(), document="invoice:inv9")
    found = posted()
    with pytest.raises(Misconfigured, match="its document is not begun"):
        plan(found, sink=Sink(found))


def test_nothing_is_moved_of_what_is_taken_back():
    sentence = "INV1 is taken back, or about to be"
    with pytest.raises(Misconfigured, match=sentence):
        plan(posted().put(zuora.draft(updated=LATER)))
    waiting = posted().put(zuora.period(5, is_open=False), newest(), corrected_by("ada"), corrected_by("bob"))
    with pytest.raises(Misconfigured, match=sentence):
        plan(waiting)


def test_a_payment_and_cash_of_nobody_have_no_such_lines():
    found = posted(unassigned_cash=CLEARING).put(zuora.payment("60.00", accountId=None))
    with pytest.raises(Misconfigured, match="no invoice or memo"):
        plan(found, document="payment:pay1", frm="1999")


def test_a_day_in_a_closed_period_is_refused():
    with pytest.raises(Misconfigured, match="2026-06-03 is not open"):
        plan(posted().put(zuora.period(JUNE.month, is_open=False)))


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (GlAccount(code="4100", active=False), "is not active in QAD"),
        (GlAccount(code="4100", active=True, gone=True), "does not exist in QAD"),
        (GlAccount(code="4100", active=True, project_required=True), "asks for a project"),
        (GlAccount(code="4100", active=True, account_type="CUSTOMER_CONTROL"), "is a control account"),
        (GlAccount(code="4000", active=False), "4000 is not active"),
    ],
)
def test_an_account_that_takes_no_journal_is_refused(account, why):
    with pytest.raises(Misconfigured, match=why):
        plan(posted().put(account))


def test_its_analysis_moves_a_line_within_an_account():
    found = posted()
    with pytest.raises(Misconfigured, match="stands there already"):
        plan(found, to="4000")
    decided(decided(found, "ada", to="4000", sub_account="EU"), "bob", to="4000", sub_account="EU")
    assert found.postings[-1].step == "journal:1"
    assert [line.sub_account for line in plan(found, to="4100").lines] == ["EU"]


def test_the_mapping_must_name_a_daybook_for_journals():
    found = posted().put(zuora.published(2))
    with pytest.raises(Misconfigured, match=r"\[daybooks\] journal"):
        plan(found)


def test_over_the_clearing_account_the_lines_of_the_journal_move_and_never_clearing():
    found = posted(gl="journal", clearing=CLEARING)
    assert [line.account for line in plan(found).lines] == ["4000"]
    with pytest.raises(Misconfigured, match="no line of INV1 stands on 1999: they stand on 4000"):
        plan(found, frm="1999")
    with pytest.raises(Misconfigured, match="1999 is the clearing account"):
        plan(found, to="1999")
