"""Documents over nothing: they park, or their lines go to a journal (ACCOUNTING 1)."""

from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.transferred import INVOICE, LATER, LATEST, world


def over_nothing(**more) -> zuora.ZuoraRecord:
    return zuora.invoice(zuora.item("100.00", "a"), zuora.item("-100.00", "b", chargeName="less"), **more)


def test_a_document_over_nothing_parks_unless_the_mapping_sends_its_lines_to_a_journal():
    assert world().put(over_nothing()).standing(INVOICE) == ("parked", "zero_total")
    found = world(zero_total="journal").put(over_nothing())
    [journal] = found.contents("journal")
    assert (journal.total, journal.daybook, len(journal.lines)) == (100, "ZJRN", 2)


def test_a_document_over_nothing_that_parks_goes_on_with_the_mapping_that_its_next_step_names():
    found = world().put(over_nothing())
    assert '[policy] zero_total = "journal"' in found.outcomes[-1].reason.next_step
    found.put(zuora.published(2, policy={"zero_total": "journal"}, daybooks=zuora.ALL_DAYBOOKS))
    [journal] = found.contents("journal")
    assert (journal.total, found.standing(INVOICE)) == (100, ("released", ""))


def test_a_journal_of_a_document_is_turned_when_it_is_unposted_and_posted_again_comes_after():
    found = world(zero_total="journal").put(over_nothing(), zuora.draft(updated=LATER))
    found.put(zuora.simple_invoice("70.00", updated=LATEST, postedDate=LATEST))
    sink = Sink(found).run()
    assert [posting.step for posting in found.postings] == ["document", "inverse", "document"]
    assert found.postings[2].after == (found.postings[1].id,)
    assert (sink.stuck, sink.books.ledger["EUR", "control"]) == ([], 70)


def test_lines_that_are_all_nothing_make_nothing_either_way():
    found = world(zero_total="journal").put(zuora.simple_invoice("0.00"))
    assert found.standing(INVOICE) == ("ignored", "zero")
