"""What the read model answers: events of a document, where things stand, dead letters, lag in time and in money."""

import time
from decimal import Decimal

import pytest

from adapters.store.readmodel import ReadModel
from schemas.deadletters import DeadLetter
from schemas.outcomes import Ignored, RejectedByQad, Released, Unknown, Waiting
from schemas.topics import Topic
from tests.adapters.logbook import _STAND, ID, INVOICE, Log, dump, invoice, little_log, parked, reason


@pytest.fixture
def log():
    return little_log()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "readmodel.sqlite"


@pytest.fixture
def model(path, log):
    with ReadModel(path, write=True) as writing:
        writing.take(log.records)
        yield writing


# -- what it answers -------------------------------------------------------------------------------------------------


def test_every_event_of_a_document_in_order(model):
    events = model.events_of("acme", INVOICE)
    assert [event.type for event in events] == [
        "callout",
        "record by poll",
        "decision document_released",
        "matched",
        "ledger parked",
        "sink intended",
        "sink posted",
    ]
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    assert events[-1].topic is Topic.OUTCOMES
    assert model.events_of("other", INVOICE) == []


def test_what_cannot_be_read_is_an_event_all_the_same(path, model):
    kinds = [row[4] for row in dump(path)["events"] if row[0] == "zuora.records"]
    assert kinds.count("unreadable") == 1


@pytest.mark.parametrize("name", ["INV1", INVOICE, ID])
def test_a_document_is_found_by_number_key_or_id(model, name):
    assert model.find(name) == [("acme", INVOICE)]


def test_one_number_in_two_connections_is_two_documents(model):
    log = Log()
    log.add(Topic.RECORDS, invoice("9z", number="INV1", connection="other"), partition=1, gap=1)
    model.take(log.records)
    assert model.find("INV1") == [("acme", INVOICE), ("other", "invoice:9z")]


def test_what_is_not_there_is_not_found(model):
    assert model.find("INV") == []
    assert model.find("8a0") == []
    assert model.find("invoice") == []


@pytest.mark.parametrize("name", ["%", "8a0_", "____", "8%", ""])
def test_a_name_is_taken_as_it_is_written(model, name):
    assert model.find(name) == []


def test_the_documents_that_were_read(model):
    assert model.documents_read("acme") == {INVOICE, "invoice:8a02"}
    assert model.documents_read("other") == {"invoice:8a03"}


def test_the_newest_version_of_a_document_counts(model, path):
    log = Log()
    log.add(Topic.RECORDS, invoice(amount="240.00"), gap=3)
    model.take(log.records)
    assert ("acme", INVOICE, "INV1", "EUR", "240.00") in dump(path)["documents"]


def test_a_standing_is_the_newest_of_its_stage_and_subject(model):
    by = {(one.row.stage, one.row.subject): one.row.status for one in model.standings(statuses=["parked", "posted"])}
    assert by == {("ledger", INVOICE): "parked", ("sink", "p1"): "posted", ("ledger", "invoice:8a02"): "parked"}


def test_standings_are_asked_for_by_status_connection_and_document(model):
    assert [one.row.number for one in model.standings(statuses=["parked"])] == ["INV1", "INV2"]
    assert [one.row.number for one in model.standings(statuses=["parked"], document="invoice:8a02")] == ["INV2"]
    assert model.standings(statuses=["parked"], connection="other") == []
    assert model.standings(statuses=["waiting"]) == []
    assert model.standings(statuses=[]) == []


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (Waiting(**_STAND, origin=7, reason=reason("period_closed", blocked_by="p0"), said=("one", "two")), "waiting"),
        (Ignored(**_STAND, origin=7, reason=reason("same_customer")), "ignored"),
        (Released(**_STAND, origin=7), "released"),
        (RejectedByQad(**_STAND, origin=7, attempt=1, reason_class="x", messages=()), "rejected"),
        (Unknown(**_STAND, origin=7, attempt=1, what="no answer"), "unknown"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_every_outcome_is_a_standing(model, event, status):
    log = Log()
    log.add(Topic.OUTCOMES, event, gap=6, at_ms=77)
    model.take(log.records)
    [found] = model.standings(statuses=[status])
    assert (found.row.subject, found.row.origin, found.since_ms) == ("p1", 7, 77)
    if isinstance(event, Waiting):
        assert (found.row.rule, found.row.blocked_by, found.row.said) == ("period_closed", "p0", ("one", "two"))
        assert (found.row.message, found.row.next_step) == ("a message", "a next step")


def test_what_qad_said_is_kept_message_by_message(model):
    said = ("first line\nsecond line", "another\u2028one")
    log = Log()
    log.add(Topic.OUTCOMES, parked(said=said), gap=6)
    model.take(log.records)
    [found] = model.standings(statuses=["parked"], document=INVOICE)
    assert found.row.said == said


def test_amounts_come_back_to_the_last_digit(model):
    log = Log()
    log.add(Topic.OUTCOMES, parked(value=Decimal("123456789012345.678")), gap=6)
    model.take(log.records)
    [found] = model.standings(statuses=["parked"], document=INVOICE)
    assert found.row.value == Decimal("123456789012345.678")


def test_a_standstill_without_a_value_has_none(model):
    log = Log()
    log.add(Topic.OUTCOMES, parked(value=None, currency=""), gap=6)
    model.take(log.records)
    [found] = model.standings(statuses=["parked"], document=INVOICE)
    assert found.row.value is None


def test_dead_letters_by_connection(model):
    [letter] = model.dead_letters()
    assert (letter.topic, letter.offset, letter.stage) == ("zuora.records", 2, "match")
    assert model.dead_letters("acme") == [letter]
    assert model.dead_letters("other") == []


def test_letters_of_what_never_stood_in_a_topic_are_all_kept(model):
    """What the poll cannot read has no offset of its own: each letter stands for itself, and once."""
    log = Log()
    for kind in ("invoice", "payment"):
        log.add(
            Topic.DEAD_LETTERS,
            DeadLetter(
                connection="acme",
                topic="zuora.records",
                offset=-1,
                at_ms=1,
                stage="poll",
                reason=f"a {kind} that is none",
                next_step="",
                key=b"",
                value=b"{}",
            ),
            gap=6,
        )
    model.take(log.records)
    model.take(log.records)
    assert len(model.dead_letters()) == 3


def test_lag_is_told_in_time_and_in_money(model):
    first_ms, worth = model.behind(Topic.RECORDS, 0, 0)
    assert (first_ms, worth) == (1_002, {"EUR": Decimal("119.00"), "USD": Decimal(50)})
    first_ms, worth = model.behind(Topic.RECORDS, 0, 1)
    assert (first_ms, worth) == (1_003, {"USD": Decimal(50)})
    assert model.behind(Topic.RECORDS, 0, 3) == (None, {})
    assert model.behind(Topic.RECORDS, 1, 0)[1] == {"EUR": Decimal(7)}
    assert model.behind(Topic.RECORDS, 2, 0) == (None, {})


def test_a_document_that_is_behind_twice_counts_once(model):
    log = Log()
    for _ in range(3):
        log.add(Topic.RECORDS, invoice(), gap=3)
    model.take(log.records)
    assert model.behind(Topic.RECORDS, 0, 0)[1]["EUR"] == Decimal("119.00")


def test_amounts_of_both_signs_do_not_cancel_out(model):
    log = Log()
    log.add(Topic.RECORDS, invoice("8a09", amount="-119.00"), gap=3)
    model.take(log.records)
    assert model.behind(Topic.RECORDS, 0, 0)[1]["EUR"] == Decimal("238.00")


def test_it_says_how_old_it_is(path):
    with ReadModel(path, write=True) as model:
        assert model.age_s() == float("inf")
        model.looked()
        assert model.age_s() < 5
        model._database.execute("update looked set at_ms = ?", (int((time.time() - 60) * 1000),))
        assert 59 < model.age_s() < 66


def test_thousands_of_events_are_taken_in_seconds(path):
    log = Log()
    for number in range(5_000):
        log.add(
            Topic.OUTCOMES, parked(subject=f"invoice:{number}", document=f"invoice:{number}", number=f"INV{number}")
        )
    began_s = time.monotonic()
    with ReadModel(path, write=True) as model:
        model.take(log.records)
        assert len(model.standings(statuses=["parked"])) == 5_000
    assert time.monotonic() - began_s < 10
