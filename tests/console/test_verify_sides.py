"""The judge across Zuora, the log and QAD: what is lost, doubled, changed, unintended or unequal is named."""

from decimal import Decimal

import msgspec
import pytest

from console.verification.judging import _taken_by_none
from console.verification.report import Findings
from console.verification.systems import QadDocument
from console.verification.views import QadKey
from schemas.outcomes import Ignored, Intended, Parked, Posted, RejectedByQad, Superseded, Unknown, Waiting
from schemas.postings import Act
from schemas.reasons import Reason
from schemas.topics import Topic
from tests.console.court import REASON, content, in_order, inverse

UNREAD = "2026-04-02T08:00:00Z"


@pytest.fixture
def court():
    return in_order()


def first(court, number="INV0"):
    """Return the first posting of a document, its name, and what QAD shows of it."""
    posting = next(one for one in court.made.values() if one.number == number)
    return posting, posting.document, court.qad.documents[posting.reference]


def change(court, number, **changes):
    posting, _, shown = first(court, number)
    court.qad.documents[posting.reference] = msgspec.structs.replace(shown, **changes)


# -- I1 ----------------------------------------------------------------------------------------------------------------


def test_a_posted_document_that_is_not_in_qad(court):
    posting, name, shown = first(court)
    del court.qad.documents[posting.reference]
    found = [one for one in court.verdict().violations if one.invariant == "I1"]
    assert [(one.number, one.document) for one in found] == [("INV0", name)]
    assert f"{shown.key.year}/{shown.key.daybook}/{shown.key.voucher}" in found[0].what
    assert found[0].evidence == ("outcomes 3:1",)


def test_a_document_that_was_never_read(court):
    name = court.document("invoice", "70.00")
    verdict = court.verdict()
    assert [(one.invariant, one.document) for one in verdict.violations] == [("I1", name)]
    assert [line.missing for line in verdict.sums if line.kind == "invoice"] == [Decimal("70.00")]


def test_a_document_of_which_a_newer_version_was_never_read(court):
    _, name, _ = first(court)
    court.zuora[name] = msgspec.structs.replace(court.zuora[name], stamp="2026-03-12T08:00:00+00:00")
    assert court.broken() == {"I1": ["INV0"]}


def test_an_older_version_that_comes_behind_a_newer_one_is_nothing(court):
    _, name, _ = first(court)
    court.read(name, stamp="2026-03-11T07:00:00Z")
    assert court.verdict().holds


def test_one_moment_is_one_however_it_is_written(court):
    _, name, _ = first(court)
    court.zuora[name] = msgspec.structs.replace(court.zuora[name], stamp="2026-03-11T10:00:00.000+02:00")
    assert court.verdict().holds


def test_a_document_that_match_has_passed_without_a_word(court):
    name = court.document("invoice", "70.00")
    court.read(name)
    assert court.broken() == {"I1": [court.zuora[name].number]}


def test_a_document_that_ledger_has_passed_without_a_word(court):
    name = court.document("invoice", "70.00")
    court.upstream(name)
    assert court.broken() == {"I1": [court.zuora[name].number]}


def test_a_posting_that_the_sink_has_passed_without_a_word(court):
    name = court.document("invoice", "70.00")
    court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    verdict = court.verdict()
    assert verdict.broken == {"I1": 1}
    assert verdict.violations[0].evidence == ("postings 3:6",)


def test_a_document_whose_only_posting_will_never_be_made(court):
    name = court.document("invoice", "70.00")
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    court.say(Superseded, posting, reason=REASON)
    assert court.broken() == {"I1": [posting.number]}


@pytest.mark.parametrize(("stage", "topic"), [("match", Topic.RECORDS), ("ledger", Topic.MATCHED)])
def test_what_a_stage_has_not_come_to_is_on_its_way(court, stage, topic):
    name = court.document("invoice", "70.00")
    court.committed[stage] = len(court.topics[topic])
    court.read(name) if stage == "match" else court.upstream(name)
    verdict = court.verdict()
    assert verdict.holds
    assert len(verdict.on_its_way) == 1
    assert court.zuora[name].number in verdict.on_its_way[0]
    assert [line.on_its_way for line in verdict.sums if line.kind == "invoice"] == [Decimal("70.00")]


# Polled up to midnight: what changed within the second before may have changed after it was looked at.
@pytest.mark.parametrize("stamp", [UNREAD, "2026-03-31T23:59:59.500Z"])
def test_what_was_not_polled_yet_is_on_its_way(court, stamp):
    name = court.document("invoice", "70.00", stamp=stamp)
    assert court.verdict().holds
    assert court.zuora[name].number in court.verdict().on_its_way[0]


@pytest.mark.parametrize(("made", "stage"), [(Parked, "match"), (Waiting, "ledger"), (Ignored, "ledger")])
def test_what_stands_still_is_explained(court, made, stage):
    name = court.document("invoice", "70.00")
    read = court.read(name)
    court.hold(name, read if stage == "match" else court.match(name, read), made=made, stage=stage)
    verdict = court.verdict()
    assert (verdict.holds, verdict.on_its_way) == (True, ())
    assert [line.explained for line in verdict.sums if line.kind == "invoice"] == [Decimal("70.00")]


def given_up(court, name):
    """Write bytes about a document that nobody can read, and that they were given up."""
    about = f"acme|{name.replace(':', '|')}".encode()
    court.give_up(Topic.RECORDS, court.write(Topic.RECORDS, b"?", about=about), b"?", about=about)


def test_a_dead_letter_explains_a_document_until_something_follows_it(court):
    name = court.document("invoice", "70.00")
    court.read(name)
    given_up(court, name)
    assert court.verdict().holds
    court.read(name)
    assert court.broken() == {"I1": [court.zuora[name].number]}


def test_a_document_of_which_nothing_but_a_dead_letter_is_there(court):
    name = court.document("invoice", "70.00")
    given_up(court, name)
    assert court.verdict().holds


def test_documents_before_the_cut_over_and_drafts_are_not_asked_for(court):
    name = court.document("invoice", "70.00")
    court.zuora[name] = msgspec.structs.replace(court.zuora[name], day="2025-12-31")
    court.document("invoice", "70.00", counts=False)
    assert court.verdict().holds


def test_a_document_of_another_connection_is_not_asked_for(court):
    name = court.document("invoice", "70.00")
    court.hold(name, court.read(name), made=Ignored, reason=Reason(rule="other_connection", message="m"))
    verdict = court.verdict()
    assert verdict.holds
    assert [line.zuora for line in verdict.sums if line.kind == "invoice"] == [Decimal("350.50")]


def test_a_document_that_every_connection_says_is_anothers(court):
    findings = Findings("acme")
    counting, draft = court.document("invoice", "70.00"), court.document("invoice", "70.00", counts=False)
    _taken_by_none({counting, draft}, court.zuora, findings)
    assert [(one.invariant, one.document) for one in findings.violations] == [("I1", counting)]


# -- I2 ----------------------------------------------------------------------------------------------------------------


def test_a_doubled_document(court):
    _, name, shown = first(court)
    court.qad.add(msgspec.structs.replace(shown, key=QadKey(2026, "ZINV", 999)))
    [found] = court.verdict().violations
    assert (found.invariant, found.document) == ("I2", name)
    assert found.evidence == ("QAD 2026/ZINV/1", "QAD 2026/ZINV/999")


def test_a_document_that_two_lists_show_is_one(court):
    _, _, shown = first(court)
    court.qad.add(msgspec.structs.replace(shown))
    assert court.verdict().holds


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"total": Decimal("100.01")}, {"I2", "I4"}),
        ({"currency": "USD"}, {"I2"}),
        ({"customer": "C2"}, {"I2"}),
        ({"day": "2026-03-11"}, {"I2"}),
        ({"key": QadKey(2026, "ZINV", 999)}, {"I2"}),
    ],
)
def test_a_document_that_is_not_as_it_was_intended(court, changes, named):
    change(court, "INV0", **changes)
    broken = court.broken()
    assert set(broken) == named
    assert broken["I2"] == ["INV0"]


def test_a_column_that_qad_does_not_show_is_not_compared(court):
    change(court, "INV0", customer="", currency="", day="")
    assert court.verdict().holds


@pytest.mark.parametrize("rule", ["conflict", "unknown_no_look_up", "unmapped_code", "crashed"])
def test_what_the_log_says_is_not_there(court, rule):
    name = court.document("invoice", "70.00")
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    court.intend(posting)
    court.book(posting, QadKey(2026, "ZINV", 70))
    court.say(Parked, posting, reason=Reason(rule=rule, message="m", next_step="n"))
    # A document that is parked because nobody knows, or that stands there with other content, may well be there.
    broken = {"unmapped_code": {"I2": [posting.number]}, "crashed": {"I10": [posting.number]}}
    assert court.broken() == broken.get(rule, {})


def test_a_refused_document_that_is_there_all_the_same(court):
    name = court.document("invoice", "70.00")
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    court.intend(posting)
    court.say(RejectedByQad, posting, attempt=1, reason_class="customer", messages=("no",))
    court.book(posting, QadKey(2026, "ZINV", 70))
    assert court.broken() == {"I2": [posting.number]}


def test_an_application_that_was_carried_and_made(court):
    posting = next(one for one in court.made.values() if one.step == "allocate:r2")
    court.topics[Topic.OUTCOMES] = court.topics[Topic.OUTCOMES][:-2]
    court.say(Posted, posting, **_posted(court.qad.documents[posting.reference], how="carried"))
    assert court.broken() == {"I2": [posting.number]}


def _posted(shown, **changes):
    key = {"year": shown.key.year, "daybook": shown.key.daybook, "voucher": shown.key.voucher}
    said = {"attempt": 0, "customer": "C1", "currency": "EUR", "total": shown.total}
    return {**said, "qad": msgspec.convert(key, Posted.__annotations__["qad"]), **changes}


# -- I3 ----------------------------------------------------------------------------------------------------------------


def test_a_currency_that_does_not_balance_in_qad(court):
    court.qad.balances["EUR"] = Decimal("0.01")
    assert court.broken() == {"I3": ["EUR"]}


# -- I4 ----------------------------------------------------------------------------------------------------------------


def test_an_amount_that_zuora_has_changed_and_nobody_has_noticed(court):
    _, name, _ = first(court, "INV1")
    court.zuora[name] = msgspec.structs.replace(court.zuora[name], total=Decimal("250.51"))
    verdict = court.verdict()
    assert court.broken() == {"I4": ["INV1"]}
    assert [line.missing for line in verdict.sums if line.kind == "invoice"] == [Decimal("0.01")]


def test_a_document_that_no_longer_counts_and_was_not_taken_back(court):
    _, name, _ = first(court, "INV1")
    court.zuora[name] = msgspec.structs.replace(court.zuora[name], counts=False)
    assert court.broken() == {"I4": ["INV1"]}


def test_a_document_that_was_taken_back_comes_to_nothing(court):
    posting, name, shown = first(court, "INV1")
    court.zuora[name] = msgspec.structs.replace(court.zuora[name], counts=False)
    undoing = ("inverse", Act.REVERSE, inverse(posting, "250.50"))
    [taken_back] = court.make(name, undoing, origin=court.upstream(name))
    court.call(taken_back)
    court.qad.open[shown.key] = Decimal(0)
    assert court.verdict().holds


def test_a_document_that_was_taken_back_and_counts(court):
    posting, name, _ = first(court, "INV1")
    undoing = ("inverse", Act.REVERSE, inverse(posting, "250.50"))
    [taken_back] = court.make(name, undoing, origin=court.upstream(name))
    court.call(taken_back)
    assert court.broken() == {"I4": ["INV1"]}


def test_an_invoice_below_zero_is_a_credit_note(court):
    name = court.document("invoice", "-70.00")
    [posting] = court.make(name, ("document", Act.POST, content("credit_memo", "70.00")), origin=court.upstream(name))
    court.call(posting, open_amount="70.00")
    assert court.verdict().holds


@pytest.mark.parametrize("number", ["INV0", "INV1", "CM2", "P-3"])
def test_an_open_amount_that_is_not_zuoras(court, number):
    _, _, shown = first(court, number)
    court.qad.open[shown.key] += Decimal("0.01")
    [found] = court.verdict().violations
    assert (found.invariant, found.number) == ("I4", number)
    assert found.evidence == (f"QAD 2026/{shown.key.daybook}/{shown.key.voucher}",)


def test_an_application_that_was_lost_shows_in_what_is_open(court):
    """Zuora has applied; no posting, no standstill says so: both items are open by that amount."""
    _, invoice, _ = first(court, "INV1")
    court.zuora[invoice] = msgspec.structs.replace(court.zuora[invoice], open=Decimal("230.50"))
    _, payment, _ = first(court, "P-3")
    court.zuora[payment] = msgspec.structs.replace(court.zuora[payment], open=Decimal(0))
    assert court.broken() == {"I4": ["INV1", "P-3"]}


def test_an_application_on_its_way_is_counted_in_what_is_open(court):
    receipt, payment, _ = first(court, "P-3")
    item, invoice, _ = first(court, "INV1")
    court.zuora[invoice] = msgspec.structs.replace(court.zuora[invoice], open=Decimal("230.50"))
    court.zuora[payment] = msgspec.structs.replace(court.zuora[payment], open=Decimal(0))
    moved = court.applied(receipt, item, "20.00", row="r9")
    court.say(Parked, moved, reason=REASON)
    assert court.verdict().holds


def test_a_payment_that_stands_still_keeps_what_it_pays_apart(court):
    name = court.document("payment", "20.00", open_amount="0")
    _, invoice, _ = first(court, "INV1")
    court.hold(name, court.read(name, pays=invoice))
    court.zuora[invoice] = msgspec.structs.replace(court.zuora[invoice], open=Decimal("230.50"))
    assert court.verdict().holds


# -- I6 ----------------------------------------------------------------------------------------------------------------


def test_a_post_without_intent(court):
    name = court.document("invoice", "70.00")
    court.committed["sink"] = len(court.topics[Topic.POSTINGS])
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    court.book(posting, QadKey(2026, "ZINV", 70))
    [found] = court.verdict().violations
    assert (found.invariant, found.number, found.evidence) == ("I6", posting.number, ("QAD 2026/ZINV/70",))


def test_a_receipt_that_has_made_no_gl_entry_is_not_posted(court):
    _, posting = court.brought("payment", "70.00")
    shown = court.qad.documents[posting.reference]
    court.qad.documents[posting.reference] = msgspec.structs.replace(shown, no_entry=("bounce", "Bounced"))
    assert court.verdict().holds
    court.qad.documents[posting.reference] = msgspec.structs.replace(shown, no_entry=("receipt", "Initial"))
    [found] = court.verdict().violations
    assert (found.invariant, found.number) == ("I1", posting.number)
    assert "it stands in QAD in status Initial" in found.what


@pytest.mark.parametrize(("no_entry", "moves"), [(("receipt", "Initial"), 0), (None, 1)])
def test_a_receipt_that_waits_for_its_entry_is_in_qad_and_no_contradiction(court, no_entry, moves):
    name = court.document("payment", "70.00")
    [posting] = court.make(name, ("document", Act.POST, content("payment", "70.00")), origin=court.upstream(name))
    court.intend(posting)
    court.say(Waiting, posting, reason=Reason(rule="no_gl_entry", message="m"))
    court.book(posting, QadKey(2026, "ZPAY", 70), no_entry=no_entry)
    verdict = court.verdict()
    assert (verdict.violations, len(verdict.on_its_way)) == ((), moves)


def test_a_document_in_our_daybook_that_no_posting_has(court):
    court.qad.add(QadDocument(key=QadKey(2026, "ZINV", 70), reference="ABCDEFGHIJKLMNOPQR23"))
    [found] = court.verdict().violations
    assert (found.invariant, found.number) == ("I6", "QAD 2026/ZINV/70")


@pytest.mark.parametrize(
    ("daybook", "reference"), [("OTHER", "ABCDEFGHIJKLMNOPQR23"), ("ZINV", "by hand"), ("ZINV", "abcdefghijklmnopqr23")]
)
def test_what_people_keyed_is_no_affair_of_the_judges(court, daybook, reference):
    court.qad.add(QadDocument(key=QadKey(2026, daybook, 70), reference=reference))
    assert court.verdict().holds


def test_a_document_found_that_was_never_intended_unless_outcomes_was_restored(court):
    name = court.document("invoice", "70.00")
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    found = court.answer(posting, how="look_up")
    court.book(posting, found)
    court.qad.open[found] = Decimal("70.00")
    assert court.broken() == {"I6": [posting.number]}
    court.restored = True
    verdict = court.verdict()
    assert (verdict.holds, verdict.adopted) == (True, 1)


# -- what moves while the judge looks ----------------------------------------------------------------------------------


def test_what_came_while_qad_was_read_is_not_called_lost(court):
    posting, _, _ = first(court)
    court.ends[Topic.OUTCOMES] = 1
    del court.qad.documents[posting.reference]
    verdict = court.verdict()
    assert "I1" not in verdict.broken
    assert any("INV0" in one for one in verdict.on_its_way)


@pytest.mark.parametrize("made", [Intended, Unknown])
def test_a_call_under_way_is_on_its_way(court, made):
    name = court.document("invoice", "70.00")
    [posting] = court.make(name, ("document", Act.POST, content("invoice", "70.00")), origin=court.upstream(name))
    court.intend(posting)
    if made is Unknown:
        court.say(Unknown, posting, attempt=1, what="no answer")
    verdict = court.verdict()
    assert verdict.holds
    assert f"{posting.number} document: {made.__struct_config__.tag}" in verdict.on_its_way


def test_what_waits_for_what_has_come_is_on_its_way_and_else_it_rests(court):
    item, _, _ = first(court, "INV1")
    receipt, payment, _ = first(court, "P-3")
    moved = court.applied(receipt, item, "20.00", row="r9")
    for name, open_amount in ((item.document, "230.50"), (payment, "0")):
        court.zuora[name] = msgspec.structs.replace(court.zuora[name], open=Decimal(open_amount))
    court.say(Waiting, moved, reason=Reason(rule="r", message="m", waits_for=("posting:" + "0" * 32,)))
    assert court.verdict().on_its_way == ()
    court.say(Waiting, moved, reason=Reason(rule="r", message="m", waits_for=(f"posting:{item.id}",)))
    assert court.verdict().on_its_way == ("P-3 allocate:r9: waiting",)
    assert court.verdict().holds


def test_the_log_names_where_things_stand(court):
    log = court.log(Findings("acme"))
    assert log.at(Topic.RECORDS, 0) == "invoice:8a0"
    assert log.at(Topic.RECORDS, 99) is None
