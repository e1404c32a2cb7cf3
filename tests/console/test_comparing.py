"""Zuora, QAD and the log compared by document: what is where, what differs, what nobody can explain; nothing else."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from console.reconciliation.facts import QadDocument, Standing
from tests.console.sides import CHANGED, DAY, FIRST, LAST, READ

D = Decimal


# -- in order --------------------------------------------------------------------------------------------------------


def test_sides_that_agree_have_no_difference(settled):
    found = settled.compared()
    assert found.differences == ()
    assert found.checks == {
        "documents in QAD": 7,
        "postings in QAD": 7,
        "open items": 5,
        "customers": 3,
        "control accounts": 4,
    }
    line = found.line()
    assert (line.documents, line.zuora, line.in_qad, line.unexplained) == (2, D("350.50"), D("350.50"), 0)
    assert found.line("invoice", "JPY").in_qad == 7000
    assert (found.line("credit_memo").in_qad, found.line("payment").in_qad) == (40, 80)


def test_three_empty_sides_agree(sides):
    assert (sides.compared().sums, sides.compared().differences) == ((), ())


def test_a_negative_invoice_is_a_credit_note_with_its_sign(sides):
    sides.posted("invoice", "-50", number="INV1")
    found = sides.compared()
    # Its open item is one that is owed to the customer.
    assert found.line().in_qad == -50
    assert found.of("documents") == []


# -- where what is not in QAD is -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "rule", "bucket"),
    [
        ("intended", "", "in_flight"),
        ("unknown", "", "in_flight"),
        ("rejected", "", "in_flight"),
        ("released", "", "in_flight"),
        ("waiting", "blocked", "in_flight"),
        ("waiting", "period_closed", "timing"),
        ("waiting", "period_not_defined", "timing"),
        ("parked", "gl_account", "parked"),
        ("superseded", "undone", "ignored"),
    ],
)
def test_a_posting_that_is_not_in_qad_says_where_it_is(sides, status, rule, bucket):
    name = sides.document("invoice", "100", number="INV1")
    sides.stands(sides.posting(name), status, rule)
    found = sides.compared()
    assert getattr(found.line(), bucket) == 100
    assert found.parts() == [(bucket, "INV1")]
    [difference] = found.differences
    assert (difference.amount, difference.currency, difference.rule) == (100, "EUR", rule)


def test_a_receipt_that_has_made_no_gl_entry_is_not_in_qad_and_is_named(sides):
    """As where a profile learned of statuses after it was posted."""
    sides.posted("payment", "100", number="P-1")
    [document] = sides.qad.documents
    sides.qad.documents = [
        msgspec.structs.replace(document, no_entry="Initial"),
        # The same row in the words of another kind that shares its list.
        msgspec.structs.replace(document, kind="bounce"),
    ]
    found = sides.compared()
    line = found.line("payment")
    assert (line.in_qad, line.unexplained) == (0, 100)
    assert found.parts() == [("documents", "P-1"), ("documents", "P-1")]
    assert all("stands there in status Initial: its GL entry is not made" in one.what for one in found.differences)
    assert {one.rule for one in found.differences} == {"no_gl_entry"}


def test_a_receipt_that_waits_for_its_gl_entry_is_in_flight_by_name(sides):
    name = sides.document("payment", "100", number="P-1")
    sides.stands(sides.posting(name), "waiting", "no_gl_entry")
    found = sides.compared()
    assert (found.line("payment").in_flight, found.parts()) == (100, [("in_flight", "P-1")])


def test_a_posting_that_the_sink_has_not_met_is_in_flight(sides):
    name = sides.document("invoice", "100")
    sides.posting(name)
    assert sides.compared().line().in_flight == 100


@pytest.mark.parametrize(
    ("status", "rule", "bucket"),
    [
        ("parked", "no_customer", "parked"),
        ("waiting", "blocked_by", "in_flight"),
        ("waiting", "period_closed", "timing"),
        ("ignored", "already_in_erp", "ignored"),
        ("superseded", "newer", "ignored"),
    ],
)
def test_a_document_that_match_or_ledger_hold_says_where_it_is(sides, status, rule, bucket):
    name = sides.document("payment", "100", number="P1")
    sides.held(name, status, rule)
    found = sides.compared()
    assert getattr(found.line("payment"), bucket) == 100
    assert [(one.part, one.rule) for one in found.differences] == [(bucket, rule)]


@pytest.mark.parametrize("where", ["read", "matched", "unread"])
def test_a_document_on_its_way_is_in_flight(sides, where):
    updated = "2026-04-01T00:00:00Z" if where == "unread" else "2026-03-11T00:00:00Z"
    name = sides.document("invoice", "100", updated=updated)
    if where != "unread":
        sides.log.read.add(name)
    if where == "matched":
        sides.log.matched.add(name)
    found = sides.compared()
    assert found.line().in_flight == 100
    assert found.of("documents") == []


def test_a_tenant_that_was_never_polled_is_in_flight(sides):
    sides.document("invoice", "100")
    sides.log.read_to.clear()
    assert sides.compared().line().in_flight == 100


def test_stamps_are_compared_as_moments_and_not_as_texts(sides):
    """01:00 in Kiritimati is eleven in the morning of the day before, in UTC: it was read."""
    sides.document("invoice", "100", updated="2026-04-01T01:00:00+14:00")
    assert sides.compared().line().unexplained == 100
    sides.document("invoice", "30", updated="2026-03-31T20:00:00-08:00")
    assert sides.compared().line().in_flight == 30


def test_what_nobody_can_explain_is_unexplained(sides):
    sides.document("invoice", "100", number="INV1")
    found = sides.compared()
    assert found.line().unexplained == 100
    assert found.parts() == [("documents", "INV1")]
    assert not found.clean


def test_buckets_of_many_documents_add_up(sides):
    sides.posted("invoice", "1")
    for amount, status, rule in (("2", "parked", "x"), ("4", "waiting", "period_closed"), ("8", "intended", "")):
        sides.stands(sides.posting(sides.document("invoice", amount)), status, rule)
    sides.held(sides.document("invoice", "16"), "ignored", "x")
    sides.document("invoice", "32")
    line = sides.compared().line()
    assert (line.zuora, line.in_qad, line.parked, line.timing, line.in_flight) == (63, 1, 2, 4, 8)
    assert (line.ignored, line.unexplained, line.documents) == (16, 32, 6)


# -- what is in QAD --------------------------------------------------------------------------------------------------


def test_a_document_that_people_keyed_in_our_daybook_is_foreign_and_outside_the_sum(settled):
    key = settled.key("ZCRN", total="12.34")
    settled.qad.documents.append(QadDocument(key=key, kind="credit_note", reference="", number="HAND-1", day=DAY))
    found = settled.compared()
    [difference] = found.differences
    assert (difference.part, difference.amount, difference.currency) == ("foreign", D("12.34"), "EUR")
    assert f"2026/ZCRN/{key.voucher}" in difference.number + difference.what
    assert "HAND-1" in difference.number + difference.what
    assert found.line("credit_memo").zuora == 40
    assert found.clean


def test_a_foreign_document_without_a_number_is_named_by_its_key(sides):
    key = sides.key("ZINV", total="5")
    sides.qad.documents.append(QadDocument(key=key, kind="invoice", reference="SOMEBODYS", number="", day=None))
    [difference] = sides.compared().differences
    assert difference.number == f"2026/ZINV/{key.voucher}"


def test_a_document_that_is_parked_is_named_also_where_its_total_is_in_qad(sides):
    name = sides.posted("payment", "100", number="P1")
    sides.held(name, "parked", "applications_differ")
    found = sides.compared()
    assert [(one.part, one.number, one.amount) for one in found.differences] == [("parked", "P1", 0)]
    assert found.line("payment").in_qad == 100


def test_a_second_document_with_our_reference_is_a_duplicate(settled):
    [original] = [one for one in settled.qad.documents if one.number == "INV1"]
    settled.qad.documents.append(msgspec.structs.replace(original, key=settled.key("ZINV", total="100")))
    found = settled.compared()
    assert ("duplicate", "INV1") in found.parts()
    assert "2 documents" in found.of("duplicate")[0].what
    assert found.line().in_qad == D("350.50")
    assert not found.clean


def test_a_document_that_is_gone_from_qad_is_lost(settled):
    settled.qad.documents = [one for one in settled.qad.documents if one.number != "INV2"]
    found = settled.compared()
    assert ("lost", "INV2") in found.parts()
    assert found.line().unexplained == D("250.50")
    assert not found.clean


def test_an_allocation_that_is_gone_from_qad_is_lost(settled):
    settled.qad.documents = [one for one in settled.qad.documents if one.number != "A"]
    assert settled.compared().parts().count(("lost", "A")) == 2


def test_a_total_that_was_changed_in_qad_is_named_with_its_difference(settled):
    settled.change_document("invoice:8a0001", total=D("260.50"))
    found = settled.compared()
    assert found.line().unexplained == -10
    assert {(one.number, one.amount) for one in found.of("documents")} == {("INV2", D(10)), ("INV2", D(-10))}
    assert not found.clean


def test_a_reference_that_somebody_changed_is_named(settled):
    settled.change_document("invoice:8a0001", reference="SOMEBODYS")
    found = settled.compared()
    assert {part for part, _ in found.parts()} == {"foreign", "documents"}
    assert "somebody changed it" in found.of("documents")[0].what


@pytest.mark.parametrize("changes", [{"customer": "C9"}, {"currency": "USD"}, {"day": date(2026, 5, 5)}], ids=str)
def test_any_other_control_column_that_was_changed_is_named(settled, changes):
    settled.change_document("invoice:8a0001", **changes)
    assert ("documents", "INV2") in settled.compared().parts()


@pytest.mark.parametrize("how", ["carried", "opening"])
def test_what_was_not_posted_by_itself_is_not_looked_for(sides, how):
    payment, invoice = sides.posted("payment", "80", open_amount="20"), sides.posted("invoice", "60", open_amount="0")
    carried = sides.allocation(payment, invoice, "60")
    key = next(one.qad for one in sides.log.standings.values())
    sides.log.standings[carried.id] = Standing(status="posted", qad=key, customer="C1", how=how)
    assert sides.compared().differences == ()


# -- documents that no longer count in Zuora -------------------------------------------------------------------------


def unposted(sides):
    """Return the posting of a document that is in QAD and is a draft again in Zuora."""
    name = sides.posted("invoice", "100", number="INV1")
    [posting] = list(sides.log.postings.values())
    del sides.zuora[name]
    return name, posting


def test_a_document_that_was_unposted_and_not_noticed_is_unexplained(sides):
    unposted(sides)
    found = sides.compared()
    line = found.line()
    assert (line.zuora, line.in_qad, line.unexplained) == (0, 100, -100)
    assert "no longer counts in Zuora" in found.of("documents")[0].what


@pytest.mark.parametrize(
    ("status", "rule", "bucket"), [("intended", "", "in_flight"), ("parked", "open_item", "parked")]
)
def test_a_reversal_that_is_not_in_qad_yet_says_where_it_is(sides, status, rule, bucket):
    name, posting = unposted(sides)
    sides.stands(sides.inverse(name, posting, total="100"), status, rule)
    line = sides.compared().line()
    assert (getattr(line, bucket), line.unexplained) == (-100, 0)


def test_a_reversal_in_qad_takes_the_document_away(sides):
    name, posting = unposted(sides)
    sides.put(sides.inverse(name, posting, total="100"))
    found = sides.compared()
    assert (found.line().in_qad, found.line().unexplained) == (0, 0)
    assert found.of("documents") == []


def test_a_document_that_was_posted_again_counts_once(sides):
    name = sides.document("invoice", "120", number="INV1")
    first = sides.posting(name, content=sides._content(msgspec.structs.replace(sides.zuora[name], total=D(100))))
    sides.put(first)
    sides.put(sides.inverse(name, first, total="100"))
    sides.put(sides.posting(name, n=2), open_amount="120")
    found = sides.compared()
    assert (found.line().in_qad, found.differences) == (120, ())


def test_an_amount_that_zuora_changed_and_parked_is_parked_by_the_difference(sides):
    name = sides.posted("invoice", "100", number="INV1", open_amount="100")
    sides.zuora[name] = msgspec.structs.replace(sides.zuora[name], total=D(130), open=D(100))
    sides.held(name, "parked", "conflict")
    line = sides.compared().line()
    assert (line.in_qad, line.parked, line.unexplained) == (100, 30, 0)


# -- scope -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (FIRST, True),
        (LAST, True),
        (date(2026, 2, 28), False),
        (date(2026, 4, 1), False),
        (date(2025, 12, 31), False),
    ],
)
def test_documents_count_by_their_date(sides, day, counts):
    sides.document("invoice", "100", open_amount="0", day=day)
    sums = sides.compared().sums
    assert [line.zuora for line in sums] == ([100] if counts else [])


def test_nothing_before_the_cut_over_counts(sides):
    sides.log.cut_over = date(2026, 3, 10)
    sides.document("invoice", "100", open_amount="0", day=date(2026, 3, 9))
    sides.document("invoice", "30", day=date(2026, 3, 10))
    assert sides.compared(from_date=date(2020, 1, 1)).line().zuora == 30


@pytest.mark.parametrize(("day", "counts"), [(DAY, True), (date(2026, 2, 28), False)])
def test_a_document_that_is_in_qad_alone_counts_by_its_date(sides, day, counts):
    name = sides.posted("invoice", "100", day=day)
    del sides.zuora[name]
    assert [line.in_qad for line in sides.compared().sums] == ([100] if counts else [])


def test_open_items_are_compared_whatever_the_date(sides):
    """Zuora's balances are today's: what was posted last month is still owed or is not."""
    sides.posted("invoice", "100", number="INV1", day=date(2026, 1, 15))
    sides.change_item("INV1", open=D(90))
    found = sides.compared()
    assert found.sums == ()
    assert found.parts() == [("open_items", "INV1")]


# -- whole -----------------------------------------------------------------------------------------------------------


def test_the_order_of_the_sides_does_not_matter(settled):
    settled.change_item("INV2", open=D(1))
    settled.document("invoice", "5", number="INV9")
    straight = settled.compared()
    settled.zuora = dict(reversed(settled.zuora.items()))
    settled.qad.documents.reverse()
    settled.qad.open_items.reverse()
    settled.log.postings = dict(reversed(settled.log.postings.items()))
    turned = settled.compared()
    assert turned.sums == straight.sums
    assert sorted(turned.parts()) == sorted(straight.parts())
    assert turned.checks == straight.checks


def test_nothing_of_the_sides_is_changed(settled):
    before = msgspec.msgpack.encode((list(settled.zuora.values()), settled.qad.documents, settled.qad.open_items))
    settled.compared()
    assert (
        msgspec.msgpack.encode((list(settled.zuora.values()), settled.qad.documents, settled.qad.open_items)) == before
    )


def test_a_report_is_clean_where_the_sides_agree(settled):
    assert settled.compared().clean


# -- what happens while both systems are read ------------------------------------------------------------------------


def taken_back(sides, name, *, updated):
    """Say that a document is a draft again in Zuora."""
    sides.zuora[name] = msgspec.structs.replace(
        sides.zuora[name], counts=False, total=D(100), open=D(100), stamp=updated
    )


@pytest.mark.parametrize("updated", [READ, "2026-03-31T23:59:59.500Z"])
def test_a_document_that_was_unposted_after_the_last_poll_is_in_flight(sides, updated):
    name = sides.posted("invoice", "100", number="INV1")
    taken_back(sides, name, updated=updated)
    found = sides.compared()
    assert (found.line().zuora, found.line().in_flight, found.line().unexplained) == (0, -100, 0)
    assert "changed after the last poll" in found.of("in_flight")[0].what
    assert found.clean


def test_a_document_that_was_unposted_before_the_last_poll_is_unexplained(sides):
    name = sides.posted("invoice", "100", number="INV1")
    taken_back(sides, name, updated=CHANGED)
    found = sides.compared()
    assert found.line().unexplained == -100
    assert not found.clean


def test_a_draft_that_was_never_posted_is_nothing(sides):
    name = sides.document("invoice", "100")
    taken_back(sides, name, updated=READ)
    assert (sides.compared().sums, sides.compared().differences) == ((), ())


def test_what_came_into_qad_while_it_was_read_is_not_lost(sides):
    sides.posted("invoice", "100", number="INV1")
    [posting] = sides.log.postings.values()
    sides.qad.documents.clear()
    sides.qad.open_items.clear()
    sides.qad.balances.clear()
    assert not sides.compared().clean
    sides.log.late = {posting.id}
    found = sides.compared()
    assert (found.line().in_flight, found.line().unexplained) == (100, 0)
    assert {part for part, _ in found.parts()} == {"in_flight"}


def test_all_columns_that_differ_are_told_in_one_sentence(settled):
    settled.change_document("invoice:8a0001", total=D("260.50"), customer="C9", day=date(2026, 5, 5))
    [difference] = [one for one in settled.compared().of("documents") if "as it was sent" in one.what]
    assert "customer C9 instead of C2, total 260.50 instead of 250.50, date 2026-05-05" in difference.what


@pytest.mark.parametrize("changes", [{"customer": ""}, {"currency": ""}, {"total": None}, {"day": None}], ids=str)
def test_a_column_that_the_profile_does_not_name_is_not_compared(settled, changes):
    settled.change_document("invoice:8a0001", **changes)
    assert [one for one in settled.compared().of("documents") if "as it was sent" in one.what] == []


def test_what_was_sent_counts_and_not_what_a_newer_mapping_makes_of_it(settled):
    [posting] = [one for one in settled.log.postings.values() if one.number == "INV2"]
    content = msgspec.structs.replace(posting.content, posting_date=date(2026, 4, 1), customer="C9")
    settled.log.postings[posting.id] = msgspec.structs.replace(posting, content=content)
    assert settled.compared().differences == ()


def test_what_came_into_qad_after_zuora_had_closed_its_period_is_a_timing_item_and_nothing_else(settled):
    before = settled.compared()
    posting = next(one for one in settled.log.postings.values() if one.step == "document" and one.act == "post")
    settled.log.closed_in_zuora[posting.id] = "2026-09"
    found = settled.compared()
    [named] = found.of("timing")
    assert (named.number, named.rule, "2026-09" in named.what) == (posting.number, "closed_in_zuora", True)
    assert named.amount
    assert found.sums == before.sums
    assert found.differences == (named,)


# -- debit memos, and what was deleted -------------------------------------------------------------------------------


def test_a_debit_memo_is_compared_as_an_invoice_is(sides):
    sides.posted("debit_memo", "50", number="DM1", open_amount="20")
    found = sides.compared()
    assert found.differences == ()
    assert found.line("debit_memo").in_qad == 50


def test_a_debit_memo_of_which_too_much_is_open_in_qad_is_named(sides):
    sides.posted("debit_memo", "50", number="DM1")
    sides.change_item("DM1", open=D("45"))
    assert [(one.number, one.amount) for one in sides.compared().of("open_items")] == [("DM1", D(-5))]


def test_a_document_that_was_deleted_in_zuora_and_stands_in_qad_is_unexplained_until_it_is_taken_back(sides):
    name = sides.posted("invoice", "50", number="INV1")
    del sides.zuora[name]
    assert ("documents", "INV1") in sides.compared().parts()
    assert sides.compared().line().unexplained == -50
