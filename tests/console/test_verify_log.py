"""The judge over the log alone: each promise is broken by events that say so, and is named with where they stand."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from console.verification.report import NAMED_MAX, Findings
from schemas.cursors import Backfill, Reread
from schemas.outcomes import Document, Ignored, Parked, RejectedByQad, Superseded, Unknown, Waiting
from schemas.postings import Act
from schemas.reasons import Reason
from schemas.topics import Topic
from tests.console.court import CONNECTION, READ_TO, REASON, Court, allocation, content, in_order, inverse, offering


@pytest.fixture
def court():
    return in_order()


def one(court, invariant):
    """Return the only violation, which must be of this invariant."""
    verdict = court.verdict()
    assert verdict.broken == {invariant: 1}, verdict.violations
    [found] = verdict.violations
    assert found.invariant == invariant
    assert found.evidence
    assert not verdict.holds
    return found


def prepared(court, kind="invoice", total="70.00"):
    """Return a document with its posting, of which nothing is said yet: the sink is to come to it."""
    court.committed.setdefault("sink", len(court.topics[Topic.POSTINGS]))
    name = court.document(kind, total)
    [posting] = court.make(name, ("document", Act.POST, content(kind, total)), origin=court.upstream(name))
    return posting


def test_a_site_in_order_has_nothing_broken_and_all_is_counted(court):
    verdict = court.verdict()
    assert verdict.holds
    assert (verdict.broken, verdict.violations, verdict.on_its_way, verdict.adopted) == ({}, (), (), 0)
    assert verdict.read["outcomes"] == len(court.topics[Topic.OUTCOMES])
    assert verdict.read["postings made"] == verdict.read["QAD"] == 6
    assert {line.kind: line.zuora for line in verdict.sums} == {
        "invoice": Decimal("350.50"),
        "credit_memo": Decimal("40.00"),
        "payment": Decimal("80.00"),
    }
    assert all(line.in_qad == line.zuora and not line.missing for line in verdict.sums)


def test_what_a_backfill_and_a_re_read_say_of_themselves_is_an_event_and_no_cursor(court):
    moment, before = READ_TO, court.verdict().read
    known = {"connection": CONNECTION, "kind": "invoice"}
    read = {"first_day": moment.date(), "until": moment, "read_to": moment - timedelta(days=9), "records": 1}
    court.write(Topic.CURSORS, Backfill(**known, **read))
    court.write(Topic.CURSORS, Reread(**known, at=moment, since=moment, until=moment, proved_s=1, turn_s=1))
    verdict = court.verdict()
    assert (verdict.holds, verdict.violations) == (True, ())
    assert verdict.read["QAD"] == before["QAD"]
    court.write(Topic.CURSORS, b'{"type":"cursor","kind":"invoice"}')
    assert court.verdict().broken == {"I7": 1}


# -- I3 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"credit":"70.00"', b'"credit":"69.99"'),
        (b'"total":"70.00"', b'"total":"70.01"'),
        (b'"credit":"70.00"', b'"credit":"70.00","debit":"1.00"'),
        (b'"credit":"70.00"', b'"credit":"NaN"'),
        (b'"credit":"70.00"', b'"credit":"1E+900000000"'),
        (b'"currency":"EUR"', b'"currency":"XXX"'),
        (b'"total":"70.00"', b'"total":"70.001"'),
    ],
)
def test_a_posting_that_does_not_balance(court, old, new):
    posting = prepared(court)
    about, value = court.topics[Topic.POSTINGS][-1]
    assert old in value
    court.topics[Topic.POSTINGS][-1] = (about, value.replace(old, new))
    verdict = court.verdict()
    found = [found for found in verdict.violations if found.invariant == "I3"]
    assert [(one.number, one.document) for one in found] == [(posting.number, posting.document)]
    assert found[0].evidence == ("postings 3:6",)


def test_a_receipt_of_nothing(court):
    prepared(court, "payment")
    about, value = court.topics[Topic.POSTINGS][-1]
    court.topics[Topic.POSTINGS][-1] = (about, value.replace(b'"total":"70.00"', b'"total":"0"'))
    assert "I3" in court.verdict().broken


# -- I5 ----------------------------------------------------------------------------------------------------------------


def test_an_allocation_before_its_invoice(court):
    _, receipt = court.brought("payment", "70.00", open_amount="0")
    item = prepared(court)
    moved = court.applied(receipt, item, "70.00", row="r9")
    court.call(moved)
    court.call(item, open_amount="0")
    found = [found for found in court.verdict().violations if found.invariant == "I5"]
    assert [(one.number, one.document) for one in found] == [(receipt.number, receipt.document)]
    assert item.number in found[0].what


def test_a_receipt_that_carries_what_is_not_there(court):
    item = prepared(court)
    name = court.document("payment", "70.00")
    payer = court.posting(name, "document", Act.POST, content("payment", "70.00"))
    row = court.posting(name, "allocate:r9", Act.ALLOCATE, allocation(payer, item, "70.00", row="r9"))
    receipt = offering("70.00", row, item, "70.00")
    made = (("document", Act.POST, receipt), ("allocate:r9", Act.ALLOCATE, row.content))
    posting, moved = court.make(name, *made, origin=court.upstream(name, pays=item.document))
    court.intend(posting, carried=(moved.id,))
    assert court.verdict().broken == {"I5": 1}


@pytest.mark.parametrize("taken_back", [True, False])
def test_money_that_waited_for_what_it_paid_goes_when_that_is_taken_back(court, monkeypatch, taken_back):
    item, plain = prepared(court), Court.posting

    def cash_waits(self, name, step, act, content, **more):
        posting = plain(self, name, step, act, content, **more)
        return msgspec.structs.replace(posting, after=(item.id,)) if getattr(content, "offers", ()) else posting

    monkeypatch.setattr(Court, "posting", cash_waits)
    name = court.document("payment", "70.00")
    payer = court.posting(name, "document", Act.POST, content("payment", "70.00"))
    row = court.posting(name, "allocate:r9", Act.ALLOCATE, allocation(payer, item, "70.00", row="r9"))
    made = (("document", Act.POST, offering("70.00", row, item, "70.00")), ("allocate:r9", Act.ALLOCATE, row.content))
    posting, moved = court.make(name, *made, origin=court.upstream(name, pays=item.document))
    assert posting.after == (item.id,)
    if taken_back:
        court.say(Superseded, moved, reason=REASON)
    court.intend(posting)
    assert court.verdict().broken == ({} if taken_back else {"I5": 1})


def test_what_is_carried_before_the_receipt_is_there(court):
    posting = prepared(court)
    receipt = prepared(court, "payment")
    moved = court.applied(receipt, posting, "70.00", row="r9")
    court.answer(moved, how="carried", attempt=0)
    assert court.verdict().broken == {"I5": 1}


def test_an_inverse_before_what_it_undoes(court):
    posting = prepared(court)
    [undoing] = court.make(
        posting.document, ("inverse", Act.REVERSE, inverse(posting, "70.00")), origin=court.upstream(posting.document)
    )
    court.intend(undoing)
    assert court.verdict().broken == {"I5": 1}


def test_posted_again_before_the_first_posting_was_taken_back(court):
    """No posting says so: that the acts of a document are in order is the judge's own knowledge."""
    posting = prepared(court)
    court.call(posting)
    origin = court.upstream(posting.document)
    court.make(posting.document, ("inverse", Act.REVERSE, inverse(posting, "70.00")), origin=origin)
    again = ("document", Act.POST, content("invoice", "90.00"))
    [second] = court.make(posting.document, again, origin=origin, n=2)
    court.intend(second)
    assert court.verdict().broken == {"I5": 1}


def test_what_is_settled_by_being_undone_is_out_of_the_way(court):
    posting = prepared(court)
    undoing = ("inverse", Act.REVERSE, inverse(posting, "70.00"))
    [taken_back] = court.make(posting.document, undoing, origin=court.upstream(posting.document))
    court.say(Superseded, posting, reason=REASON)
    court.say(Superseded, taken_back, reason=REASON)
    again = ("document", Act.POST, content("invoice", "70.00"))
    [second] = court.make(posting.document, again, origin=court.upstream(posting.document), n=2)
    court.call(second, open_amount="70.00")
    assert court.verdict().holds


# -- I6 and I2: calls --------------------------------------------------------------------------------------------------


def test_an_answer_without_an_intent(court):
    posting = prepared(court)
    found = court.answer(posting)
    court.book(posting, found)
    court.qad.open[found] = Decimal("70.00")
    assert one(court, "I6").number == posting.number


def test_an_answer_to_an_attempt_that_was_never_intended(court):
    posting = prepared(court)
    court.intend(posting)
    court.say(Unknown, posting, attempt=1, what="no answer")
    found = court.answer(posting, attempt=2)
    court.book(posting, found)
    court.qad.open[found] = Decimal("70.00")
    assert "attempt 2" in one(court, "I6").what


def test_attempts_that_jump(court):
    posting = prepared(court)
    court.intend(posting)
    court.intend(posting, attempt=3)
    assert one(court, "I6").number == posting.number


def test_an_intent_of_another_amount_than_the_posting_has(court):
    posting = prepared(court)
    court.intend(posting, total=Decimal("70.01"))
    assert one(court, "I6").evidence == ("outcomes 3:12", "postings 3:6")


def test_an_intent_under_another_reference(court):
    court.intend(prepared(court), reference="A" * 20)
    assert one(court, "I2").invariant == "I2"


def test_a_call_for_what_is_posted(court):
    posting = prepared(court)
    court.call(posting, open_amount="70.00")
    court.intend(posting, attempt=2)
    assert one(court, "I2").evidence == ("outcomes 3:14", "outcomes 3:13")


def test_a_posting_posted_as_two_documents(court):
    posting = prepared(court)
    court.call(posting, open_amount="70.00")
    twice = Document(year=2026, daybook="ZINV", voucher=999)
    court.answer(posting, qad=twice, how="look_up")
    assert one(court, "I2").number == posting.number


def test_a_posting_said_twice_to_be_the_same_document_is_nothing(court):
    posting = prepared(court)
    found = court.call(posting, open_amount="70.00")
    court.answer(posting, voucher=found.voucher, how="look_up")
    assert court.verdict().holds


def test_a_reference_that_is_not_the_postings_own(court):
    name = court.document("invoice", "70.00")
    posting = court.posting(name, "document", Act.POST, content("invoice", "70.00"))
    changed = msgspec.structs.replace(posting, reference="B" * 20)
    court.write(Topic.POSTINGS, court.posting_set(name, [changed], court.upstream(name)))
    court.committed["sink"] = 0
    assert one(court, "I2").number == posting.number


def test_an_outcome_of_a_posting_that_nobody_made(court):
    posting = court.posting(court.document("invoice", "70.00"), "document", Act.POST, content("invoice", "70.00"))
    court.read(posting.document)
    court.intend(posting)
    broken = court.broken()
    assert broken["I6"] == [posting.number]


# -- I4: what cancels out before it is sent ----------------------------------------------------------------------------


def unapplied(court, amount="20.00", row="r10"):
    """Return an application of 20.00 that waits, and what takes an amount of it back; neither was sent."""
    item = next(one for one in court.made.values() if one.number == "INV1")
    payer = next(one for one in court.made.values() if one.number == "P-3")
    applied = court.applied(payer, item, "20.00", row="r9")
    court.say(Waiting, applied, reason=REASON)
    undoing = allocation(payer, item, amount, row=row, reopens=True)
    origin = len(court.topics[Topic.MATCHED])
    court.upstream(payer.document, pays=item.document)
    [taken_back] = court.make(payer.document, (f"deallocate:{row}", Act.DEALLOCATE, undoing), origin=origin)
    return applied, taken_back


def test_what_cancels_out_whole_is_not_sent_and_moves_nothing(court):
    applied, taken_back = unapplied(court)
    court.say(Superseded, applied, reason=REASON)
    court.say(Superseded, taken_back, reason=REASON, cancels={applied.id: Decimal("20.00")})
    assert court.verdict().holds


def test_what_is_left_of_an_application_is_what_is_sent(court):
    applied, taken_back = unapplied(court, "5.00")
    court.say(Superseded, taken_back, reason=REASON, cancels={applied.id: Decimal("5.00")})
    court.intend(applied, total=Decimal("15.00"))
    assert "I6" not in court.verdict().broken
    court.intend(applied)
    assert court.broken()["I6"] == [applied.number]


@pytest.mark.parametrize("amount", ["20.01", "0", "-5.00"])
def test_more_than_there_is_cannot_cancel_out(court, amount):
    applied, taken_back = unapplied(court)
    court.say(Superseded, taken_back, reason=REASON, cancels={applied.id: Decimal(amount)})
    assert court.broken()["I4"][0] == applied.number


def test_what_is_in_qad_does_not_cancel_out(court):
    _, taken_back = unapplied(court)
    posted = next(one for one in court.made.values() if one.step == "allocate:r2")
    court.say(Superseded, taken_back, reason=REASON, cancels={posted.id: Decimal("20.00")})
    assert court.broken()["I4"][0] == taken_back.number


# -- I6: causes and people ---------------------------------------------------------------------------------------------


def test_a_match_of_another_documents_record(court):
    name = court.document("invoice", "70.00")
    court.read(name)
    court.match(name, 0)
    court.committed["ledger"] = 0
    assert one(court, "I6").document == name


def test_postings_of_another_documents_match(court):
    name = court.document("invoice", "70.00")
    court.upstream(name)
    court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=0)
    court.committed["sink"] = 6
    assert one(court, "I6").document == name


def test_a_standstill_of_a_record_that_is_not_there(court):
    name = court.document("invoice", "70.00")
    court.read(name)
    court.hold(name, 5)
    assert one(court, "I6").document == name


@pytest.mark.parametrize("changes", [{"by": ""}])
def test_a_decision_of_nobody(court, changes):
    court.publish(**changes)
    assert one(court, "I6").evidence == ("decisions 3:1",)


# -- I7 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "reason", "missing"),
    [
        (Parked, Reason(rule="", message="m", next_step="n"), "rule"),
        (Parked, Reason(rule="r", message="", next_step="n"), "sentence"),
        (Parked, Reason(rule="r", message="m"), "next step"),
        (Waiting, Reason(rule="", message="m"), "rule"),
        (Ignored, Reason(rule="r", message=""), "sentence"),
    ],
)
def test_a_standstill_that_does_not_say_why(court, made, reason, missing):
    name = court.document("invoice", "70.00")
    court.hold(name, court.read(name), made=made, reason=reason)
    found = one(court, "I7")
    assert missing in found.what
    assert found.document == name


def test_a_wait_needs_no_next_step(court):
    name = court.document("invoice", "70.00")
    court.hold(name, court.read(name), made=Waiting, reason=Reason(rule="r", message="m"))
    assert court.verdict().holds


@pytest.mark.parametrize("topic", [Topic.DECISIONS, Topic.RECORDS, Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES])
def test_bytes_that_nobody_can_read_and_nobody_gave_up(court, topic):
    offset = court.write(topic, b'{"type":')
    assert one(court, "I7").evidence == (f"{topic} 3:{offset}",)


@pytest.mark.parametrize("topic", [Topic.RECORDS, Topic.MATCHED, Topic.POSTINGS])
def test_bytes_that_were_given_up_are_explained(court, topic):
    court.give_up(topic, court.write(topic, b'{"type":'), b'{"type":')
    assert court.verdict().holds


def test_a_posting_that_does_not_balance_and_was_given_up_is_explained(court):
    name = court.document("invoice", "70.00")
    origin = court.upstream(name)
    court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=origin)
    about, value = court.topics[Topic.POSTINGS][-1]
    bad = value.replace(b'"total":"70.00"', b'"total":"70.01"')
    court.topics[Topic.POSTINGS][-1] = (about, bad)
    court.give_up(Topic.POSTINGS, len(court.topics[Topic.POSTINGS]) - 1, bad, about=about)
    assert court.verdict().holds


@pytest.mark.parametrize("field", ["stage", "reason", "next_step"])
def test_a_dead_letter_that_does_not_say_why(court, field):
    court.give_up(Topic.RECORDS, court.write(Topic.RECORDS, b"?"), b"?", **{field: ""})
    assert one(court, "I7").number == "k"


# -- I10 ---------------------------------------------------------------------------------------------------------------


def test_a_refusal_that_nobody_knows(court):
    posting = prepared(court)
    court.intend(posting)
    court.say(RejectedByQad, posting, attempt=1, reason_class="unclassified", messages=("?",))
    court.say(Parked, posting, reason=Reason(rule="unclassified", message="m", next_step="n"))
    verdict = court.verdict()
    assert verdict.broken == {"I10": 2}
    assert {found.number for found in verdict.violations} == {posting.number}


def test_a_crash_that_nobody_knows(court):
    name = court.document("invoice", "70.00")
    offset = court.read(name)
    about, value = court.topics[Topic.RECORDS][offset]
    court.give_up(Topic.RECORDS, offset, value, about=about, reason="3 crashes at this record")
    found = one(court, "I10")
    assert found.document == name


def test_an_event_that_was_given_up_for_what_it_says_is_no_crash(court):
    """Its bytes are an event of the topic; an amount in it cannot be carried."""
    name = court.document("invoice", "70.00")
    about, value = court.topics[Topic.RECORDS][court.read(name)]
    court.give_up(Topic.RECORDS, len(court.topics[Topic.RECORDS]) - 1, value, about=about, reason="amount")
    assert court.verdict().holds


@pytest.mark.parametrize("parent", [b"7", b"[]", b'{"updatedDate":7}', b'{"id":"x","amount":1E999999999}'])
def test_a_record_whose_content_is_strange_is_a_record(court, parent):
    name = court.document("invoice", "70.00")
    offset = court.read(name)
    about, value = court.topics[Topic.RECORDS][offset]
    begin, end = value.index(b'"parent":') + len(b'"parent":'), value.index(b',"children"')
    court.topics[Topic.RECORDS][offset] = (about, value[:begin] + parent + value[end:])
    court.hold(name, offset)
    assert court.verdict().holds


# -- what is said of what stands still ---------------------------------------------------------------------------------


def test_so_many_are_named_and_the_others_counted(court):
    findings = Findings(CONNECTION)
    for _ in range(NAMED_MAX + 5):
        findings.name("I1", "w")
    assert (findings.broken["I1"], len(findings.violations)) == (NAMED_MAX + 5, NAMED_MAX)


def test_newer_content_counts_until_it_is_intended():
    """A mapping was published between two decisions: the same posting comes twice, the second counts."""
    court = Court()
    court.publish()
    name = court.document("invoice", "70.00")
    origin = court.upstream(name)
    first = ("document", Act.POST, content("invoice", "70.00"))
    court.make(name, first, origin=origin)
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00", description="new")), origin=origin)
    court.call(posting, open_amount="70.00")
    assert court.verdict().holds


def test_what_was_found_after_an_intent_is_as_good_as_an_answer(court):
    posting = prepared(court)
    court.intend(posting)
    found = court.answer(posting, how="look_up")
    court.book(posting, found)
    court.qad.open[found] = Decimal("70.00")
    assert court.verdict().holds
