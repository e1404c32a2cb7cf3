"""Money that changes hands: to another customer, of nobody known yet; and documents over nothing (ACCOUNTING 1)."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from schemas.mapping import Analysis
from schemas.outcomes import Parked
from streams.match.claims import Claim
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_ledger_refunds import world as with_banking
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World

PAYMENT, INVOICE = "payment:pay1", "invoice:inv1"
LATER, LATEST, LAST = "2026-03-12T10:00:00Z", "2026-03-13T10:00:00Z", "2026-03-14T10:00:00Z"
CASH = {"unassigned_cash": Analysis(account="1999")}


def world(**policy) -> World:
    """Return a world with a second customer, that of account acc2, and all daybooks."""
    found = with_banking(policy=policy).put(
        zuora.Daybook(code="ZJRN", active=True), zuora.customer("C2", zuora_account="")
    )
    return found.put(zuora.account("acc2", number="A-2"), zuora.linked("C2", "acc2"))


def steps(found: World) -> list[str]:
    return [f"{posting.act}#{posting.n} {posting.step}" for posting in found.postings if posting.document == PAYMENT]


def moved(*rows, **more) -> zuora.ZuoraRecord:
    return zuora.payment("100.00", *rows, **{"accountId": "acc2", "updated": LATER, **more})


def test_a_transferred_payment_becomes_a_prepayment_of_the_other_customer_once():
    found = world().put(zuora.payment(), moved())
    receipt, transfer = found.postings
    content = transfer.content
    assert steps(found) == ["post#1 document", "transfer#1 transfer"]
    assert (content.of, content.customer, content.total) == (receipt.id, "C2", Decimal("100.00"))
    assert (content.posting_date, content.daybook, transfer.after) == (date(2026, 3, 12), "ZADJ", (receipt.id,))
    found.put(zuora.replayed(PAYMENT), moved(updated=LATEST))
    found.restart()
    assert len(found.postings) == 2


def test_rows_after_a_transfer_pay_from_the_new_prepayment():
    applied = zuora.row("100.00", "r1", created=LATEST, accountId="acc2")
    found = world().put(zuora.simple_invoice(), zuora.payment(), moved(), moved(applied, updated=LATEST))
    assert found.contents("allocation")[0].payer == found.postings[2].id
    sink = Sink(found).run()
    assert (sink.stuck, sink.open_of(INVOICE), sink.owed(PAYMENT)) == ([], 0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_what_was_unapplied_before_and_applied_after_a_transfer_seen_at_once_goes_to_each_its_own(seed):
    before = (
        zuora.row("100.00", "r1", accountId="acc1"),
        zuora.row("-100.00", "r2", created=LATER, accountId="acc1"),
    )
    after = zuora.row("40.00", "r3", created=LATEST, accountId="acc2")
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", before[0]))
    sink = Sink(found).run() if seed % 2 else Sink(found)
    found.put(moved(*before, after, updated=LATEST))
    sink.run(order=Random(seed))
    assert (sink.stuck, sink.open_of(INVOICE), sink.parked) == ([], 60, [])
    assert steps(found)[-2:] == ["transfer#1 transfer", "allocate#1 allocate:r3"]


def test_an_unapplication_takes_back_from_the_posting_that_paid_whatever_its_row_says():
    before = (zuora.row("100.00", "r1"), zuora.row("-100.00", "r2", created=LATER, accountId="acc2"))
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", before[0]), moved(*before))
    receipt = found.postings[1]
    assert found.contents("allocation")[1].payer == receipt.id
    assert Sink(found).run().stuck == []


def test_transferred_twice_and_then_cancelled_takes_back_from_where_it_stands():
    third = zuora.account("acc3", number="A-3")
    found = world().put(
        third, zuora.customer("C3", zuora_account=""), zuora.linked("C3", "acc3"), zuora.payment(), moved()
    )
    found.put(moved(accountId="acc3", updated=LATEST))
    found.put(moved(accountId="acc3", updated=LAST, status="Canceled"))
    assert steps(found) == ["post#1 document", "transfer#1 transfer", "transfer#2 transfer", "reverse#1 inverse"]
    sink = Sink(found).run()
    assert [command.customer for command in sink.sent] == ["C1", "C2", "C3", "C3"]
    assert (sink.stuck, sink.books.ledger["EUR", "1010"]) == ([], 0)


def test_a_refund_after_a_transfer_closes_the_new_prepayment():
    found = world().put(zuora.payment(), moved(), zuora.refund("30.00", updated=LATEST, accountId="acc2"))
    assert found.contents("refund")[0].closes == found.postings[1].id
    sink = Sink(found).run()
    assert (sink.stuck, sink.sent[-1].customer, sink.books.ledger["EUR", "1010"]) == ([], "C2", 70)


def test_a_refund_read_before_its_payment_was_transferred_closes_what_holds_the_money():
    """The receipt is used up by the transfer: QAD refuses the refund for ever, and the money never leaves the bank."""
    found = world().put(zuora.refund("30.00", updated=LATEST, accountId="acc2"), zuora.payment(), moved())
    sink = Sink(found)
    sink.take_up()
    receipt, transfer = sink.jobs[found.postings[1].id], sink.jobs[found.postings[2].id]
    for job in (receipt, transfer):
        sink._step(job)
    sink.run().release()
    assert (sink.stuck, sink.books.ledger["EUR", "1010"]) == ([], 70)


def test_transferred_while_a_part_is_applied_or_refunded_parks():
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", zuora.row("10.00")), moved(zuora.row("10.00")))
    assert found.standing(PAYMENT) == ("parked", "not_supported")
    found = world().put(zuora.payment(), moved(refundAmount=Decimal(10)))
    assert (found.standing(PAYMENT), len(found.postings)) == (("parked", "not_supported"), 1)


def test_between_accounts_of_one_customer_nothing_moves():
    found = world().put(zuora.linked("C1", "acc2"), zuora.payment(), moved())
    assert (found.standing(PAYMENT), len(found.postings)) == (("ignored", "same_customer"), 1)


OLD = {"effectiveDate": "2025-12-10", "createdDate": "2025-12-10T10:00:00Z"}
OLD_STAMP = OLD["createdDate"]


def loaded(found: World, customer: str = "C1", total: str = "100.00") -> Sink:
    """Return the sink of a QAD into which others loaded the payment as a prepayment of that customer."""
    sink = Sink(found)
    sink.books.opening("PAY1", total, owed=False, customer=customer)
    return sink


def open_by_customer(sink: Sink) -> dict[str, Decimal]:
    return {item.customer: item.open for item in sink.books.items.values() if item.open}


@pytest.mark.parametrize("order", [None, AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST])
@pytest.mark.parametrize("seen", [OLD_STAMP, "2026-02-01T10:00:00Z"], ids=["untouched", "touched since"])
def test_what_others_loaded_and_is_transferred_since_moves(seen, order):
    """Passed over as before the cut-over, the prepayment would stay with the old customer, and nobody were told."""
    found = world().put(zuora.payment("100.00", updated=seen, **OLD))
    sink = loaded(found)
    if order:
        found.restart(order)
    found.put(zuora.linked("C2"), moved(**OLD), moved(updated=LATEST, comment="x", **OLD), zuora.replayed(PAYMENT))
    sink.run()
    assert [content.customer for content in found.contents("transfer")] == ["C2"]
    assert (sink.stuck, open_by_customer(sink)) == ([], {"C2": 100})


def test_what_others_loaded_pays_and_moves_on_from_where_it_was_transferred_to():
    applied = zuora.row("30.00", "r1", created=LATEST, accountId="acc2")
    back = zuora.row("-30.00", "r2", created=LATEST, accountId="acc2")
    found = world().put(zuora.simple_invoice(), zuora.payment(updated=OLD_STAMP, **OLD), moved(**OLD))
    found.put(moved(applied, updated=LATEST, **OLD))
    sink = loaded(found).run()
    assert (sink.stuck, sink.open_of(INVOICE), open_by_customer(sink)) == ([], 70, {"C1": 70, "C2": 70})
    found.put(zuora.payment("100.00", applied, back, updated=LAST, **OLD))
    sink.run()
    assert (sink.stuck, sink.open_of(INVOICE)) == ([], 100)
    assert steps(found)[-1] == "transfer#2 transfer"
    assert sink.sent[-1].customer == "C1"


@pytest.mark.parametrize("seen", [False, True], ids=["refund first", "refund last"])
def test_what_others_loaded_is_refunded_from_where_it_was_transferred_to(seen):
    refund, after = zuora.refund("30.00", updated=LATEST, accountId="acc2"), [moved(**OLD)] if seen else []
    found = world().put(zuora.payment(updated=OLD_STAMP, **OLD), *after, refund)
    found.restart()
    found.put(moved(updated=LATEST, refundAmount=Decimal(30), **OLD))
    sink = loaded(found).run()
    assert (sink.stuck, sink.parked, open_by_customer(sink)) == ([], [], {"C2": 70})
    assert sink.books.ledger["EUR", "1010"] == -30


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one each time"])
@pytest.mark.parametrize("transferred", [False, True], ids=["once seen", "transferred since"])
def test_what_others_loaded_is_known_for_loaded_whatever_it_stood_still_for_before_it_was_charged_back(
    transferred, restarts
):
    """Its transfer waits for the period when Zuora shows its end, and only then the refund that this is of."""
    found = world().put(zuora.payment(updated=OLD_STAMP, **OLD), zuora.period(3, is_open=False))
    if transferred:
        found.put(moved(**OLD))
        assert found.standing(PAYMENT) == ("waiting", "period_closed")
    account = "acc2" if transferred else "acc1"
    end = {"accountId": account, "status": "Error", "parts": [], **OLD}
    found.put(zuora.payment(updated=LATEST, **end))
    if restarts:
        found.restart()
    assert found.standing(PAYMENT) == ("parked", "opening_undone")
    found.put(zuora.refund("100.00", updated=LAST, accountId=account), zuora.period(3))
    found.put(zuora.payment(updated=LAST, refundAmount=Decimal(100), **end))
    sink = loaded(found).run()
    assert (sink.stuck, sink.parked, open_by_customer(sink)) == ([], [], {})
    assert sink.books.ledger["EUR", "1010"] == -100


SINCE = {
    "applied": moved(zuora.row("30.00", "r1", created=LATEST, accountId="acc2"), updated=LATEST, **OLD),
    "refunded": moved(updated=LATEST, refundAmount=Decimal(30), **OLD),
}
REST_REFUNDED = zuora.refund("30.00", updated=LATEST, accountId="acc2")


@pytest.mark.parametrize("refund_first", [False, True])
@pytest.mark.parametrize("used", SINCE)
def test_the_rest_of_what_was_transferred_and_used_before_it_was_first_seen_is_compared_with_qad(used, refund_first):
    refunds = [REST_REFUNDED] if used == "refunded" else []
    found = world().put(zuora.simple_invoice(), *(refunds if refund_first else ()), SINCE[used], *refunds)
    sink = loaded(found).run()
    assert "opening_elsewhere" in {one.reason.rule for one in sink.outcomes if isinstance(one, Parked)}
    sink = loaded(found, "C2").run()
    assert (sink.stuck, sum(item.open for item in sink.books.items.values() if not item.owed)) == ([], 70)


@pytest.mark.parametrize("holder", ["C1", "C2"])
def test_what_others_loaded_and_is_first_seen_after_it_was_changed_is_compared_with_qad(holder):
    """Read in another order, or first read by a backfill, nobody here knows whose it was: QAD does."""
    found = world().put(moved(**OLD), zuora.payment(updated=OLD_STAMP, **OLD))
    sink = loaded(found, holder).run()
    assert (found.standing(PAYMENT), found.contents("transfer")) == (("ignored", "before_cut_over"), [])
    reasons = [one.reason.rule for one in sink.outcomes if isinstance(one, Parked)]
    assert reasons == ([] if holder == "C2" else ["opening_elsewhere"])
    assert open_by_customer(sink) == {holder: 100}


def test_what_was_transferred_before_the_cut_over_was_loaded_where_it_went():
    found = world().put(zuora.payment(updated=OLD_STAMP, **OLD), moved(updated="2025-12-20T10:00:00Z", **OLD))
    assert (found.standing(PAYMENT), found.postings) == (("ignored", "before_cut_over"), [])
    found.put(moved(accountId="acc1", **OLD))
    sink = loaded(found, "C2").run()
    assert (sink.stuck, open_by_customer(sink)) == ([], {"C1": 100})


def test_what_others_loaded_moves_nothing_between_accounts_of_one_customer_whatever_is_linked_later():
    found = world().put(zuora.linked("C1", "acc2"), zuora.payment(updated=OLD_STAMP, **OLD), moved(**OLD))
    found.put(zuora.linked("C2", "acc2"), moved(updated=LATEST, comment="called", **OLD))
    found.restart()
    assert (found.standing(PAYMENT), found.postings) == (("ignored", "before_cut_over"), [])


PART_USED = {
    "applied": zuora.payment("100.00", zuora.row("10.00", effectiveDate="2025-12-20"), updated=OLD_STAMP, **OLD),
    "refunded": zuora.payment(updated=OLD_STAMP, refundAmount=Decimal(10), **OLD),
}


@pytest.mark.parametrize("used", PART_USED)
def test_what_others_loaded_and_is_transferred_while_a_part_of_it_is_used_parks(used):
    rows = [zuora.row("10.00", effectiveDate="2025-12-20")] if used == "applied" else []
    more = {} if used == "applied" else {"refundAmount": Decimal(10)}
    found = world().put(PART_USED[used], moved(*rows, **more, **OLD))
    assert (found.standing(PAYMENT), found.postings) == (("parked", "not_supported"), [])


@pytest.mark.parametrize("order", [None, AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST])
def test_a_new_link_moves_nothing_of_a_payment_that_was_transferred_within_its_customer(order):
    """Old items settle where they are: in Zuora nothing was transferred since."""
    found = world().put(zuora.linked("C1", "acc2"), zuora.payment(), moved())
    sink = Sink(found).run()
    if order:
        found.restart(order)
    found.put(zuora.linked("C2", "acc2"), moved(updated=LATEST, comment="called"), zuora.replayed(PAYMENT))
    sink.run()
    assert found.contents("transfer") == []
    assert found.standing(PAYMENT) == ("ignored", "same_customer")


def test_a_payment_that_leaves_its_customer_by_way_of_another_account_of_it_moves_once():
    found = world().put(zuora.linked("C1", "acc2"), zuora.payment(), moved(), zuora.linked("C2", "acc2"))
    found.put(zuora.payment(updated=LATEST))
    assert (found.standing(PAYMENT), found.contents("transfer")) == (("ignored", "same_customer"), [])
    found.restart()
    found.put(moved(updated=LAST), moved(updated=LAST, comment="x"))
    assert [content.customer for content in found.contents("transfer")] == ["C2"]
    sink = Sink(found).run()
    assert (sink.stuck, open_by_customer(sink)) == ([], {"C2": 100})


# -- of nobody known yet -----------------------------------------------------------------------------------------------


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


# -- to another connection of the tenant -------------------------------------------------------------------------------


def shared() -> World:
    """Return a world in which account acc1 is ours, and acc2 another connection's."""
    names = (zuora.CONNECTION, "other")
    claims = tuple(Claim(connection=name, field="Entity__c", values=(name,)) for name in names)
    ours = zuora.account(Entity__c=zuora.CONNECTION)
    return World(claims=claims).put(zuora.published(), ours, zuora.account("acc2", number="A-2", Entity__c="other"))


def test_a_payment_that_goes_to_another_connection_parks_where_its_receipt_is():
    """Ignored, its receipt would stay here while the other connection debits its bank for the same money."""
    found = shared().put(zuora.payment(), moved())
    assert found.standing(PAYMENT, "match") == ("parked", "given_to_other_connection")
    found.put(zuora.payment(updated=LATEST))
    assert (found.standing(PAYMENT, "match"), len(found.postings)) == (("released", ""), 1)


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
def test_a_payment_that_comes_from_another_connection_is_not_received_from_the_bank_again(restarts):
    found = shared().put(moved())
    assert found.standing(PAYMENT, "match") == ("ignored", "other_connection")
    if restarts:
        found.restart()
    found.put(zuora.payment(updated=LATEST))
    assert found.contents("receipt") == []
    assert found.standing(PAYMENT, "match") == ("parked", "taken_from_other_connection")
    found.put(zuora.payment(updated=LAST), zuora.released(PAYMENT))
    found.restart()
    assert (found.standing(PAYMENT, "match"), found.postings) == (("parked", "taken_from_other_connection"), [])


BETWEEN = {
    "of an account that is not read yet": moved(accountId="acc9", updated=LATEST),
    "of nobody": moved(accountId=None, updated=LATEST),
    "of an account that nobody claims": moved(accountId="acc0", updated=LATEST),
    "not readable": moved(updated=LATEST, status="Odd"),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_where_a_payment_comes_from_is_known_whatever_it_stood_still_for_meanwhile(between):
    found = shared().put(zuora.account("acc0", number="A-0"), moved(), between)
    assert found.standing(PAYMENT, "match")[0] in {"waiting", "parked"}
    found.restart()
    found.put(zuora.account("acc9", number="A-9", Entity__c=zuora.CONNECTION), zuora.payment(updated=LAST))
    assert (found.standing(PAYMENT, "match"), found.postings) == (("parked", "taken_from_other_connection"), [])


def test_a_payment_that_comes_from_another_connection_and_goes_back_is_ignored_again():
    found = shared().put(moved(), zuora.payment(updated=LATEST), moved(updated=LAST))
    assert found.standing(PAYMENT, "match") == ("ignored", "other_connection")


@pytest.mark.parametrize("seen", [False, True], ids=["of which nothing was seen before", "that nobody claimed before"])
def test_a_payment_that_no_connection_received_is_received_here(seen):
    """The older version says nothing once the newer one is decided; what nobody claims parks, in one connection."""
    found = shared().put(zuora.account("acc2", number="A-2", updated=LATER, Entity__c="nobody's")) if seen else shared()
    found.put(*([moved(), zuora.payment(updated=LATEST)] if seen else [zuora.payment(updated=LATEST), moved()]))
    found.restart()
    assert [content.customer for content in found.contents("receipt")] == ["C1"]


def test_an_account_that_comes_by_a_change_of_claims_takes_its_payments_along():
    found = shared().put(zuora.linked("C1", "acc2"), moved())
    found.put(zuora.account("acc2", number="A-2", updated=LATEST, Entity__c=zuora.CONNECTION))
    assert [content.customer for content in found.contents("receipt")] == ["C1"]


# -- documents over nothing --------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("status", ["Processed", "Canceled"])
def test_a_transfer_that_comes_while_an_unapplication_waits_goes_on_with_it(status):
    """What is applied of it until then is no reason for a person: Zuora unapplied it before."""
    rows = zuora.row("100.00", "r1"), zuora.row("-100.00", "r2", created=LATER)
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", rows[0]), zuora.period(3, is_open=False))
    found.put(moved(*rows, updated=LATEST, status=status))
    assert found.standing(PAYMENT) == ("waiting", "period_closed")
    found.put(zuora.period(3))
    sink = Sink(found).run()
    stands = status == "Processed"
    assert (sink.stuck, sink.open_of(INVOICE), sink.books.ledger["EUR", "1010"]) == ([], 100, 100 if stands else 0)
    assert found.contents("transfer")[0].customer == "C2"


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


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_refund_read_before_all_that_its_payment_went_through_is_never_sent_against_what_it_left(cancelled):
    """Of nobody, of C1, of C2: refunded there. The sink looks at the refund whenever it can."""
    found = world(**CASH).put(zuora.refund("30.00", updated=LATEST, accountId="acc2"))
    if cancelled:
        found.put(zuora.refund("30.00", updated=LAST, accountId="acc2", status="Canceled"))
    sink = Sink(found).run() if not cancelled else Sink(found)
    for version in (zuora.payment(accountId=None), zuora.payment(updated=LATER), moved(updated=LATEST)):
        found.put(version)
        sink.take_up()
        refund = next(job for name, job in sink.jobs.items() if job.posting.document == "refund:ref1")
        for job in [*sink.jobs.values(), refund]:
            sink._step(job)
    sink.run()
    assert (sink.stuck, sink.parked) == ([], [])
    assert [command.customer for command in sink.sent] == ["", "C1", "C2"] + ([] if cancelled else ["C2"])


def test_a_refund_that_is_in_qad_stays_what_it_was_and_its_payment_waits_until_it_is_cancelled():
    found = world().put(zuora.payment(), zuora.refund("30.00"))
    sink = Sink(found).run()
    found.put(moved(), zuora.replayed("refund:ref1"))
    assert (found.standing(PAYMENT), len(found.postings)) == (("parked", "not_supported"), 2)
    found.put(zuora.refund("30.00", status="Canceled", updated=LATEST))
    assert (sink.run().stuck, sink.parked) == ([], [])
    assert [command.customer for command in sink.sent] == ["C1", "C1", "C1", "C2"]
