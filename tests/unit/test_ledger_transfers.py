"""Money that changes hands: to another customer, once, from wherever it stands (ACCOUNTING 1)."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from schemas.outcomes import Parked
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.transferred import CASH, INVOICE, LAST, LATER, LATEST, PAYMENT, moved, steps, world
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World


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
