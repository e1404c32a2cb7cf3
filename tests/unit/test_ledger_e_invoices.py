"""At a site that posts what is cleared, an invoice or memo waits for its e-invoice, and nothing else is held by it."""

from itertools import permutations

import msgspec
import pytest

from schemas.codec import encode
from schemas.events import read_matched
from schemas.matching import E_INVOICE_AWAITED, AccountSeen
from schemas.postings import Act
from schemas.topics import Topic
from streams import waits
from streams.identity import identify
from streams.mending import who_mends
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_crashes import postings_of, standings_of, told
from tests.unit.test_kept_state import folded_over, own_outputs, stages
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World, world

CLEARED = {"post_when": "e_invoice_cleared"}
INVOICE = "invoice:inv1"
PROFILE = {"eInvoiceProfileId": "p1"}
LATER = "2026-03-11T10:00:00Z"


def e_invoicing(**policy: str) -> World:
    """Return a world whose site posts what is cleared, and whose account has an e-invoice profile."""
    return world(policy={**CLEARED, **policy}).put(zuora.account(updated=LATER, **PROFILE))


def invoice(status: str | None, **more):
    return zuora.simple_invoice(eInvoiceStatus=status, **more)


def reason(found: World, document: str = INVOICE):
    return [one for one in found.outcomes if one.subject == document and one.stage == "ledger"][-1].reason


def test_a_status_is_no_content_of_a_document():
    assert identify(invoice("Processing")) == identify(invoice("Success")) == identify(invoice(None))


@pytest.mark.parametrize(
    "status",
    ["Success", "ConditionalSuccess", "Conditional Success", "Generated", "Cancel Processing", "Canceled"],
)
def test_what_is_cleared_or_was_is_posted(status):
    found = e_invoicing().put(invoice(status))
    assert [posting.document for posting in found.postings] == [INVOICE]
    assert found.standing(INVOICE) == ("", "")


@pytest.mark.parametrize("status", ["Processing", "Retrieve Timeout", "RetrieveTimeout", "ApprovedByAuthority"])
def test_what_is_under_way_waits_and_says_so(status):
    found = e_invoicing().put(invoice(status))
    assert found.postings == []
    assert found.standing(INVOICE) == ("waiting", "e_invoice_not_cleared")
    told = reason(found)
    assert told.message == f"the e-invoice of INV1 is not cleared in Zuora: status {status}"
    assert told.next_step
    assert waits.e_invoice_waited_for(told.waits_for) == status
    assert who_mends(told.rule) is None


@pytest.mark.parametrize("status", ["Failed", "Rejected"])
def test_what_failed_parks_with_another_sentence(status):
    found = e_invoicing().put(invoice(status))
    assert (found.postings, found.standing(INVOICE)) == ([], ("parked", "e_invoice_failed"))
    assert f"status {status}" in reason(found).message
    assert "will not be by itself" in reason(found).message
    assert waits.e_invoice_waited_for(reason(found).waits_for) == status


def test_a_word_that_is_not_known_clears_nothing():
    found = e_invoicing().put(invoice("Blessed"))
    assert (found.postings, found.standing(INVOICE)) == ([], ("parked", "unknown_value"))
    assert waits.e_invoice_waited_for(reason(found).waits_for) == "Blessed"


def test_without_a_status_an_account_with_a_profile_waits_for_one():
    found = e_invoicing().put(invoice(None))
    assert (found.postings, found.standing(INVOICE)) == ([], ("waiting", "e_invoice_not_cleared"))
    assert waits.e_invoice_waited_for(reason(found).waits_for) == ""
    found.put(invoice("Processing"))
    assert reason(found).value == "Processing"
    found.put(invoice("Success"))
    assert [posting.document for posting in found.postings] == [INVOICE]


def test_an_account_without_a_profile_has_no_e_invoices():
    found = world(policy=CLEARED).put(invoice(None))
    assert [posting.document for posting in found.postings] == [INVOICE]


def test_an_account_that_loses_its_profile_lets_its_documents_go_when_they_are_asked_for_again():
    found = e_invoicing().put(invoice(None), zuora.account(updated="2026-03-12T10:00:00Z"))
    assert found.postings == []
    found.put(invoice(None))
    assert [posting.document for posting in found.postings] == [INVOICE]


@pytest.mark.parametrize("kind", ["credit_memo", "debit_memo"])
def test_memos_wait_as_invoices_do(kind):
    make = {"credit_memo": zuora.memo, "debit_memo": zuora.debit_memo}[kind]
    name = {"credit_memo": "cm1", "debit_memo": "dm1"}[kind]
    found = e_invoicing().put(make(zuora.memo_item("10.00"), eInvoiceStatus="Processing"))
    assert found.standing(f"{kind}:{name}") == ("waiting", "e_invoice_not_cleared")
    found.put(make(zuora.memo_item("10.00"), eInvoiceStatus="Success"))
    assert [posting.document for posting in found.postings] == [f"{kind}:{name}"]


def test_a_change_of_status_is_an_event_and_no_conflict():
    found = e_invoicing().put(invoice("Success"))
    posted = found.log[Topic.POSTINGS][:]
    found.put(invoice("Processing"), invoice("Failed"), invoice("Success"), invoice(None))
    assert found.log[Topic.POSTINGS] == posted
    assert found.standing(INVOICE) == ("", "")


def test_the_same_status_read_again_adds_nothing():
    found = e_invoicing().put(invoice("Processing"))
    before = {topic: len(found.log[topic]) for topic in (Topic.MATCHED, Topic.OUTCOMES, Topic.POSTINGS)}
    found.put(invoice("Processing"), invoice("Processing"))
    assert {topic: len(found.log[topic]) for topic in before} == before


def test_what_was_never_posted_is_not_reversed():
    found = e_invoicing().put(invoice("Processing"), zuora.draft(updated=LATER))
    assert found.postings == []
    assert found.standing(INVOICE) == ("ignored", "not_posted")


def test_posted_again_with_other_content_it_is_taken_back_and_waits_anew():
    again = {"updated": LATER, "postedDate": LATER}
    found = e_invoicing().put(invoice("Success"))
    found.put(zuora.simple_invoice("80.00", eInvoiceStatus="Processing", **again))
    acts = [posting.act for posting in found.postings]
    assert (acts[0], set(acts[1:])) == (Act.POST, {Act.REVERSE})
    assert found.standing(INVOICE) == ("waiting", "e_invoice_not_cleared")
    found.put(zuora.simple_invoice("80.00", eInvoiceStatus="Success", **again))
    assert [(posting.n, posting.content.total) for posting in found.postings if posting.act is Act.POST] == [
        (1, 100),
        (2, 80),
    ]


def test_a_memo_that_is_posted_is_applied_whatever_its_status_says_since():
    memo = zuora.memo_item("10.00")
    found = e_invoicing().put(invoice("Success"), zuora.memo(memo, eInvoiceStatus="Success"))
    found.put(zuora.memo(memo, rows=[zuora.row("10.00")], updated=LATER, eInvoiceStatus="Rejected"))
    assert [posting.content.amount for posting in found.postings if posting.act is Act.ALLOCATE] == [10]


def test_a_payment_is_posted_and_what_it_is_applied_to_is_waited_for_as_ever():
    found = e_invoicing(receipts="prepayment").put(
        invoice("Processing"), zuora.payment("100.00", zuora.row("100.00")), invoice("Success")
    )
    [receipt, applied, posted] = found.postings
    assert (receipt.act, applied.act, posted.document) == (Act.POST, Act.ALLOCATE, INVOICE)
    assert posted.id in applied.after


@pytest.mark.parametrize("is_seen_waiting", [True, False])
def test_money_that_waits_goes_when_what_it_paid_is_rejected_and_never_comes(is_seen_waiting):
    found, row = e_invoicing(cash_waits=True), zuora.row("100.00")
    sink = Sink(found.put(invoice("Processing"), zuora.payment("100.00", row)))
    if is_seen_waiting:
        assert sink.run().stuck == ["document", "allocate:r1"]
    found.put(invoice("Rejected"), zuora.payment("100.00", row, zuora.row("-100.00", "r2"), updated=LATER))
    found.put(zuora.draft(updated=LATER))
    sink.run()
    assert (sink.stuck, len(sink.sent), sink.open_of("payment:pay1")) == ([], 1, 100)


def test_a_newer_mapping_that_does_not_ask_lets_what_waits_go():
    found = e_invoicing().put(invoice("Processing"), zuora.published(2))
    assert [posting.document for posting in found.postings] == [INVOICE]


def test_a_mapping_counts_for_the_documents_of_its_days():
    found = e_invoicing().put(zuora.published(2, policy={}, first_document_date=zuora.date(2026, 4, 1)))
    found.put(invoice("Processing"), invoice("Processing", name="inv2", invoiceDate="2026-04-02"))
    assert [posting.document for posting in found.postings] == ["invoice:inv2"]


def test_what_stood_still_when_the_mapping_began_to_ask_waits_until_zuora_is_asked_again():
    """Its record was read before, and says nothing of what became of the e-invoice since."""
    unmapped = {"lines": zuora.lines()[1:]}
    found = World().put(zuora.published(**unmapped), zuora.account(updated=LATER, **PROFILE), invoice(None))
    assert found.standing(INVOICE) == ("parked", "unmapped_code")
    found.put(invoice("Success"))
    found.put(zuora.published(2, policy=CLEARED))
    assert found.standing(INVOICE) == ("waiting", "e_invoice_not_cleared")
    found.put(invoice("Success"))
    assert [posting.document for posting in found.postings] == [INVOICE]


def test_a_document_over_nothing_is_ignored_not_waited_for():
    found = e_invoicing().put(zuora.simple_invoice("0.00", eInvoiceStatus="Processing"))
    assert found.standing(INVOICE) == ("ignored", "zero")


def test_in_any_order_it_is_posted_once_when_it_is_cleared():
    """Versions of one document come in their order; all else, and restarts, at any moment between."""
    others = [
        zuora.published(policy={**CLEARED, "receipts": "prepayment"}),
        zuora.account(updated=LATER, **PROFILE),
        zuora.payment("100.00", zuora.row("100.00")),
    ]
    statuses = [invoice("Processing"), invoice("Success")]
    books = set()
    for order in permutations([*others, "version", "version"]):
        found, versions = World(), iter(statuses)
        starts = iter((AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST, AS_WRITTEN, PRODUCT_FIRST))
        for event in order:
            found.put(next(versions) if event == "version" else event)
            found.restart(next(starts))
        # Whatever was read before the mapping asked is asked for again: it stands still.
        found.put(invoice("Success"))
        assert found.standing(INVOICE)[0] in ("", "released")
        assert len({posting.id for posting in found.postings}) == len(found.postings) == 3
        books.add(tuple(sorted((posting.id, posting.content_hash) for posting in found.postings)))
    assert len(books) == 1


def test_a_site_that_does_not_ask_has_the_same_bytes_whatever_the_status():
    def written(status: str | None, **profile: str) -> dict[Topic, list[bytes]]:
        found = world().put(zuora.account(updated=LATER, **profile))
        found.put(invoice(status), zuora.payment("100.00", zuora.row("100.00")))
        return {topic: found.log[topic] for topic in (Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES)}

    assert written(None) == written("Processing") == written("Failed", **PROFILE) == written("Success", **PROFILE)
    assert not any(b"e_invoice" in value for values in written("Success", **PROFILE).values() for value in values)
    assert b"post_when" not in encode(zuora.published())


def test_what_is_said_of_accounts_and_documents_stands_in_the_log():
    found = e_invoicing().put(invoice(None))
    [account] = [
        one
        for value in found.log[Topic.MATCHED]
        if isinstance(one := read_matched(value), AccountSeen) and one.e_invoices is True
    ]
    assert account.id == zuora.ACCOUNT
    assert [one.e_invoice for one in found.matched] == [E_INVOICE_AWAITED]


def test_another_word_is_refused_when_the_mapping_is_read():
    with pytest.raises(msgspec.ValidationError, match=r"post_when"):
        msgspec.convert({"deferral_system": "QAD", "post_when": "cleared"}, type(zuora.mapping().policy))


CLEARING = (
    zuora.published(policy={**CLEARED, "receipts": "prepayment"}),
    zuora.account(updated=LATER, **PROFILE),
    zuora.payment("100.00", zuora.row("100.00")),
    invoice(None),
    invoice("Processing"),
    invoice("Failed"),
    invoice("Success"),
    zuora.simple_invoice("80.00", eInvoiceStatus="Processing", updated=LATER, postedDate=LATER),
    zuora.simple_invoice("80.00", eInvoiceStatus="Success", updated=LATER, postedDate=LATER),
)


@pytest.mark.parametrize("victim", ["match", "ledger"])
def test_a_stage_that_is_killed_while_a_document_is_cleared_ends_where_it_would_have_ended(victim):
    whole, _ = told(CLEARING)
    assert {posting.act for posting in whole.postings} == {Act.POST, Act.ALLOCATE, Act.REVERSE}
    after, killed = 0, True
    while killed:
        found, killed = told(CLEARING, victim=victim, after=after)
        assert postings_of(found) == postings_of(whole), after
        assert standings_of(found) == standings_of(whole), after
        after += 1
    assert after > 5


def test_what_was_kept_at_any_cut_is_what_the_log_says():
    for lane in stages(CLEARING):
        whole = lane.folded()
        for cut in range(len(own_outputs(lane)) + 1):
            after = folded_over(lane, cut)
            assert (after.kept, after.unsettled()) == (whole.kept, whole.unsettled()), (lane.spec.name, cut)
