"""Money of nobody known yet: it parks, or goes to unassigned cash, and to its customer once (ACCOUNTING 1)."""

import pytest

from streams.match.claims import Claim
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.transferred import CASH, INVOICE, LATER, LATEST, PAYMENT, steps, world
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World


def test_a_payment_without_an_account_parks_by_name_until_it_is_assigned():
    found = world().put(zuora.payment(accountId=None))
    assert (found.standing(PAYMENT, "match"), found.postings) == (("parked", "no_account"), [])
    found.put(zuora.payment(updated=LATER))
    assert steps(found) == ["post#1 document"]


def test_a_payment_without_an_account_goes_to_unassigned_cash_and_to_its_customer_once():
    found = world(**CASH).put(zuora.payment(accountId=None))
    [journal] = found.postings
    assert [(line.account, line.debit, line.credit, line.role) for line in journal.content.lines] == [
        ("1010", 100, 0, "bank"),
        ("1999", 0, 100, "unassigned"),
    ]
    assert journal.content.daybook == "ZJRN"
    sink = Sink(found).run()
    found.put(zuora.payment(updated=LATER), zuora.payment(updated=LATEST), zuora.replayed(PAYMENT))
    found.restart()
    sink.run()
    assert steps(found) == ["post#1 document", "transfer#1 transfer"]
    assert (sink.stuck, sink.sent[-1].customer) == ([], "C1")
    assert (sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "1999"]) == (100, 0)
    assert sink.books.ledger["EUR", "control"] == -100


def test_once_assigned_it_pays_and_once_given_back_the_bank_is_as_before():
    row = zuora.row("100.00", "r1", created=LATER)
    found = world(**CASH).put(zuora.simple_invoice(), zuora.payment(accountId=None), zuora.payment("100.00", row))
    sink = Sink(found).run()
    assert (sink.stuck, sink.open_of(INVOICE)) == ([], 0)
    found.put(zuora.payment("100.00", row, status="Error", updated=LATEST))
    sink.run()
    assert (sink.stuck, sink.open_of(INVOICE)) == ([], 100)
    assert (sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "1999"]) == (0, 0)


def test_a_refund_read_before_its_payment_is_assigned_is_not_sent_against_the_journal():
    """It waits for the prepayment; QAD would be asked to close an item that is none, of no customer."""
    found = world(**CASH).put(zuora.payment(accountId=None))
    sink = Sink(found).run()
    found.put(zuora.refund("30.00", updated=LATER))
    assert [content.closes for content in found.contents("refund")] != [found.postings[0].id]
    sink.run()


def test_cancelled_while_it_was_nobodys_its_journal_is_turned():
    found = world(**CASH).put(zuora.payment(accountId=None))
    found.put(zuora.payment(accountId=None, status="Canceled", updated=LATER))
    sink = Sink(found).run()
    assert (sink.stuck, sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "1999"]) == ([], 0, 0)
    assert found.postings[-1].content.daybook == "ZJRN"


def test_what_is_taken_from_its_account_parks():
    found = world(**CASH).put(zuora.payment(), zuora.payment(accountId=None, updated=LATER))
    assert (found.standing(PAYMENT), len(found.postings)) == (("parked", "not_supported"), 1)


def test_where_connections_share_a_tenant_nobody_posts_cash_of_nobody():
    claims = tuple(Claim(connection=name, field="Entity__c", values=(name,)) for name in (zuora.CONNECTION, "other"))
    found = World(claims=claims).put(zuora.published(policy=CASH), zuora.payment(accountId=None))
    assert (found.standing(PAYMENT, "match"), found.postings) == (("parked", "no_account"), [])


@pytest.mark.parametrize("order", [None, AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST])
@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_refund_of_cash_of_nobody_goes_against_the_prepayment_whichever_is_read_first(first, order):
    found = world(**CASH)
    sink = Sink(found)
    versions = [zuora.payment(accountId=None), zuora.refund("30.00", updated=LATER)]
    for version in [*(versions if first == "payment" else reversed(versions)), zuora.payment(updated=LATER)]:
        found.put(version)
        sink.run()
        if order:
            found.restart(order)
    _, transfer = (one for one in found.postings if one.document == PAYMENT)
    assert found.contents("refund")[-1].closes == transfer.id
    assert (sink.stuck, sink.parked, sink.sent[-1].customer) == ([], [], "C1")
    assert (sink.books.ledger["EUR", "1010"], sink.books.ledger["EUR", "1999"]) == (70, 0)
