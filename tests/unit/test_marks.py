"""What is written back and how its calls are named: from the log alone, off by default, the same call the same name."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kafka.cluster import Cluster
from adapters.kafka.mark_lane import MarkLane
from adapters.kafka.reader import LogRecord
from schemas.codec import encode
from schemas.matching import Matched, MatchRule
from schemas.outcomes import Document, Posted
from schemas.postings import Act, GlLine, InvoiceContent, Posting
from schemas.topics import Topic
from streams.mark import calls
from streams.mark.marks import (
    TRANSFERRED,
    WriteBack,
    document_number,
    may_mark,
    newest,
    of_match,
    of_posted,
    released,
)
from streams.ports import Stands
from tests.unit import builders as zuora
from tests.unit.world import world

ALL = WriteBack(customer_code="QADCode__c", transferred=True, document_number="QADDocument__c")
OFF = WriteBack()
QAD = Document(year=2026, daybook="SINV", voucher=1042)


def matched(customer: str = "C1", **more) -> Matched:
    fields = {"kind": "invoice", "id": "inv1", "number": "INV1", "origin": 3, "record_id": "r", "stamp": ""}
    account = {"account_id": "8a01", "account_number": "A-1"}
    return Matched(connection="acme", customer=customer, rule=MatchRule.LINK, **{**fields, **account, **more})


def posting(act: Act = Act.POST, step: str = "document") -> Posting:
    content = InvoiceContent(
        customer="C1",
        currency="EUR",
        total=Decimal(10),
        document_date=date(2026, 3, 10),
        posting_date=date(2026, 3, 10),
        due_date=date(2026, 4, 9),
        daybook="SINV",
        description="INV1",
        lines=(GlLine(account="4000", credit=Decimal(10)),),
    )
    names = {"id": "p1", "reference": "R", "number": "INV1", "document": "invoice:8a02"}
    return Posting(**names, act=act, n=1, step=step, content=content, source_hash="s", content_hash="c")


def posted(document: str = "invoice:8a02", how: str = "answer", subject: str = "p1") -> Posted:
    return Posted(
        connection="acme",
        stage="sink",
        subject=subject,
        document=document,
        number="INV1",
        origin=5,
        qad=QAD,
        attempt=1,
        customer="C1",
        currency="EUR",
        total=Decimal(10),
        how=how,
    )


def record_of(offset: int, event: Matched) -> LogRecord:
    return LogRecord(Topic.MATCHED, offset, 0, b"k", encode(event))


class Standing:
    """A tenant in which C1 stands on every account."""

    async def read(self, _type_name, ids, _fields):
        return {one: Stands(stamp="", values={"QADCode__c": "C1"}) for one in ids}


class Kept:
    """Where outcomes are kept by nobody."""

    async def publish(self, _publications):
        return


# -- what is marked --------------------------------------------------------------------------------------------------


def test_nothing_is_written_back_unless_a_setting_names_it():
    assert not OFF.on
    assert OFF.fields == ()
    assert of_match(matched(), 0, OFF) is None
    assert not may_mark(posted(), OFF)


@pytest.mark.parametrize(
    ("settings", "account", "document"),
    [
        (WriteBack(customer_code="QADCode__c"), {"QADCode__c": "C1"}, None),
        (WriteBack(transferred=True), None, {TRANSFERRED: "Yes"}),
        (WriteBack(document_number="QADDocument__c"), None, {"QADDocument__c": "2026/SINV/1042"}),
        (ALL, {"QADCode__c": "C1"}, {TRANSFERRED: "Yes", "QADDocument__c": "2026/SINV/1042"}),
    ],
)
def test_each_part_is_switched_on_by_itself(settings, account, document):
    assert settings.on
    of_account = of_match(matched(), 7, settings)
    assert (of_account and of_account.fields) == account
    assert may_mark(posted(), settings) == bool(document)
    if document:
        mark = of_posted(posted(), posting(), 9, settings)
        assert (mark.type_name, mark.id, mark.origin, mark.fields) == ("Invoice", "8a02", 9, document)


def test_a_match_that_keeps_the_customer_of_what_it_undoes_says_nothing_of_the_account():
    assert of_match(matched(kept=True), 0, ALL) is None
    assert of_match(matched(account_id=""), 0, ALL) is None


def test_the_match_stage_says_when_it_keeps_a_customer():
    found = world().put(zuora.simple_invoice(), zuora.customer(gone=True), zuora.draft(updated="2026-03-11T10:00:00Z"))
    assert [event.kept for event in found.matched] == [msgspec.UNSET, True]
    assert of_match(found.matched[0], 0, ALL).fields == {"QADCode__c": "C1"}
    assert of_match(found.matched[1], 1, ALL) is None


@pytest.mark.parametrize("document", ["credit_memo:8a02", "debit_memo:8a02", "account:8a02", "journal:8a02", "x:8a02"])
def test_what_actions_do_not_know_is_not_marked(document):
    assert not may_mark(posted(document), ALL)


@pytest.mark.parametrize("how", ["carried", "opening"])
def test_what_was_not_sent_by_us_as_a_document_is_not_marked(how):
    assert not may_mark(posted(how=how), ALL)


@pytest.mark.parametrize(
    ("act", "step"),
    [(Act.ALLOCATE, "allocate:r1"), (Act.DEALLOCATE, "deallocate:r1"), (Act.REVERSE, "inverse"), (Act.POST, "opening")],
)
def test_only_the_posting_that_makes_the_document_marks_it(act, step):
    assert of_posted(posted(), posting(act, step), 0, ALL) is None
    assert of_posted(posted(subject="another"), posting(), 0, ALL) is None


def test_the_newest_mark_of_an_object_counts():
    first, second, other = (
        of_match(matched("C1"), 1, ALL),
        of_match(matched("C2"), 2, ALL),
        of_match(matched("C3", account_id="8a09"), 3, ALL),
    )
    assert [mark.fields["QADCode__c"] for mark in newest([first, other, second])] == ["C2", "C3"]


async def test_an_account_that_goes_back_within_a_batch_keeps_what_stands_there():
    """The newest match counts, also where what it says is known to stand and an older one of the batch is not."""
    lane = MarkLane(
        cluster=Cluster("nowhere:1"),
        connection="acme",
        partition=0,
        settings=WriteBack(customer_code="QADCode__c"),
        marks=Standing(),
        publisher=Kept(),
    )
    await lane._settle("Account", await lane._marks_of([record_of(3, matched("C1"))]))
    assert await lane._marks_of([record_of(4, matched("C2")), record_of(5, matched("C1"))]) == []
    (mark,) = await lane._marks_of([record_of(6, matched("C1")), record_of(7, matched("C2"))])
    assert mark.fields == {"QADCode__c": "C2"}


def test_a_number_of_qad_reads_as_people_read_it():
    assert document_number(QAD) == "2026/SINV/1042"


# -- calls -----------------------------------------------------------------------------------------------------------

stamps = st.sampled_from(["2026-03-10T10:00:00Z", "2026-03-10T10:00:01Z"])
texts = st.sampled_from(["", "C1", "C2"])


def change(was: str, customer: str, stamp: str, account: str = "8a01"):
    mark = of_match(matched(customer, account_id=account), 1, ALL)
    return calls.change_of(mark, Stands(stamp=stamp, values={"QADCode__c": was}))


@given(was=texts, wanted=st.sampled_from(["C1", "C2"]), stamp=stamps)
def test_what_stands_there_is_not_written(was, wanted, stamp):
    found = change(was, wanted, stamp)
    assert found.fields == ({} if was == wanted else {"QADCode__c": wanted})


@given(first=st.tuples(texts, texts, stamps), second=st.tuples(texts, texts, stamps))
def test_two_calls_have_one_name_when_they_set_the_same_on_an_object_that_stands_the_same(first, second):
    one, other = (calls.name_of("acme", "Account", [change(*parts)]) for parts in (first, second))
    # Where nothing differs, nothing is called.
    same = change(*first).fields == change(*second).fields and first[2] == second[2]
    same = same and (not change(*first).fields or first[0] == second[0])
    assert (one == other) == same
    assert len(one) < 60


def test_whoever_changed_the_object_since_makes_it_another_call():
    """To C2 and back to C1 within a day: the key of the first C1 would be answered, and nothing would be done."""
    there = [change("", "C1", "2026-03-10T10:00:00Z"), change("C2", "C1", "2026-03-10T10:00:00Z")]
    assert len({calls.name_of("acme", "Account", [one]) for one in there}) == 2


def test_another_connection_type_company_or_release_is_another_call():
    one, other = change("", "C1", "s"), change("", "C1", "s", account="8a02")
    again = msgspec.structs.replace(one, mark=released(one.mark, "live"))
    names = [
        calls.name_of("acme", "Account", [one]),
        calls.name_of("acme-us", "Account", [one]),
        calls.name_of("acme", "Invoice", [one]),
        calls.name_of("acme", "Account", [one, other]),
        calls.name_of("acme", "Account", [other, one]),
        calls.name_of("acme", "Account", [again]),
    ]
    assert len(set(names)) == len(names)


def test_a_release_counts_on():
    mark = of_match(matched(), 1, ALL)
    assert [released(mark, one).input_pass for one in ("live", "release:1")] == ["release:1", "release:2"]


@given(count=st.integers(1, 200), tries=st.integers(0, calls.TRIES_MAX))
def test_every_mark_is_in_one_group_and_at_the_last_try_alone(count, tries):
    marks = [of_match(matched(account_id=f"8a{number}"), 1, ALL) for number in range(count)]
    groups = list(calls.groups_of(marks, tries))
    assert [mark for group in groups for mark in group] == marks
    assert max(len(group) for group in groups) <= calls.GROUP_MAX
    if tries == calls.TRIES_MAX - 1:
        assert {len(group) for group in groups} == {1}


@pytest.mark.parametrize("why", [calls.refused, calls.failed])
def test_a_reason_names_the_document_the_field_and_what_to_do(why):
    mark = of_posted(posted(), posting(), 0, ALL)
    reason = why(mark, "Invalid value")
    for words in ("INV1", "QADDocument__c = 2026/SINV/1042", "Invalid value"):
        assert words in reason.message
    assert "elease" in reason.next_step
