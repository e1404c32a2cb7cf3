"""What a document that QAD shows means: posted, in QAD without its GL entry, or another than was sent."""

from decimal import Decimal

import msgspec
import pytest

from adapters.kafka.sink_again import Again
from schemas.errors import InvariantViolation
from schemas.outcomes import Document, Parked, Posted, Waiting
from schemas.postings import Act
from streams import waits
from streams.mending import who_mends
from streams.ports import Accepted, FoundInQad, NoEntry
from streams.sink import answers
from streams.sink.finding import say_shown, shown_by
from streams.sink.freezing import freeze
from streams.sink.freezing import intended as intent_of
from streams.sink.saying import Job
from streams.sink.state import GONE, NEVER_ENTERED, NO_ENTRY, SinkState, Status
from streams.sink.steps import Annul, Ready, WaitFor, next_step
from tests.unit.sink_data import allocation, inverse, name, posted, posting, receipt, state

DOCUMENT = Document(year=2026, daybook="ZPAY", voucher=12)
PAYMENT = posting("pay", receipt(), number="P-1")
JOB = Job(connection="c", posting=PAYMENT, origin=7, index=0, mapping_version=1)
INTENT = intent_of(
    PAYMENT, freeze(PAYMENT, state=SinkState()), connection="c", origin=7, index=0, attempt=1, mapping_version=1
)
INITIAL, CANCELLED, UNTOLD = NoEntry(status="Initial"), NoEntry(status="Cancelled", never=True), NoEntry(status="")


def shown(no_entry: NoEntry | None = None, document: Document = DOCUMENT, **more):
    found = FoundInQad(reference=PAYMENT.reference, document=document, no_entry=no_entry, **more)
    return say_shown(JOB, INTENT, found, how="look_up")


def lacking(*before) -> SinkState:
    """Return the state after QAD showed the receipt, which was intended, without its entry."""
    return state(*(before or (INTENT,)), shown(INITIAL))


def test_a_document_as_it_was_sent_is_posted():
    outcome = shown()
    assert isinstance(outcome, Posted)
    assert (outcome.qad, outcome.how) == (DOCUMENT, "look_up")


@pytest.mark.parametrize(("no_entry", "told"), [(INITIAL, "in status Initial"), (UNTOLD, "does not say in which")])
def test_without_its_entry_it_waits_by_number_and_with_a_next_step(no_entry, told):
    outcome = shown(no_entry)
    assert isinstance(outcome, Waiting)
    reason = outcome.reason
    assert (reason.rule, reason.value, reason.waits_for) == (NO_ENTRY, no_entry.status, ())
    assert reason.message.startswith("P-1: QAD has it as ZPAY 12 of 2026 ")
    assert told in reason.message
    assert "Process ZPAY 12 of 2026 in QAD" in reason.next_step
    assert who_mends(NO_ENTRY) == "accountant"


def test_in_a_status_that_never_makes_one_it_parks():
    outcome = shown(CANCELLED)
    assert isinstance(outcome, Parked)
    assert outcome.reason.rule == NEVER_ENTERED
    assert "in status Cancelled, which never makes a GL entry" in outcome.reason.message


def test_other_content_counts_before_the_status():
    outcome = shown(INITIAL, msgspec.structs.replace(DOCUMENT, total=Decimal("100.01")))
    assert isinstance(outcome, Parked)
    assert outcome.reason.rule == "conflict"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"document": msgspec.structs.replace(DOCUMENT, total=Decimal("100.01"))}, "total=100.01, not total=100.00"),
        ({"document": DOCUMENT, "tax": Decimal("0.01")}, "tax=0.01, not tax=0"),
        ({"document": msgspec.structs.replace(DOCUMENT, currency="USD")}, "currency=USD, not currency=EUR"),
    ],
)
def test_an_answer_that_shows_other_content_parks_as_a_look_up_would(answer, told):
    found = shown_by(Accepted(**answer), INTENT)
    by_answer = say_shown(JOB, INTENT, found, how="answer", warnings=("rounded",))
    by_look_up = say_shown(JOB, INTENT, found, how="look_up")
    assert isinstance(by_answer, Parked)
    assert isinstance(by_look_up, Parked)
    assert by_answer.reason.rule == by_look_up.reason.rule == "conflict"
    assert by_answer.reason.message == f"P-1: QAD has just made it as ZPAY 12 of 2026 with other content ({told})"
    assert by_answer.said == ("rounded",)
    assert state(INTENT, by_answer).postings[PAYMENT.id].disputed


def test_an_answer_that_shows_nothing_of_its_content_is_believed():
    assert isinstance(say_shown(JOB, INTENT, shown_by(Accepted(document=DOCUMENT), INTENT), how="answer"), Posted)


def test_what_lacks_its_entry_is_in_doubt_and_looked_up_at_every_start():
    found = lacking()
    standing = found.postings[PAYMENT.id]
    assert (standing.status, standing.lacks_entry, standing.may_be_there) == (Status.WAITING, True, True)
    assert found.lacking_entry() == found.to_settle() == [PAYMENT.id]
    assert found.standing_still() == frozenset()
    assert found.refused_alike() == []
    assert found.held_by([waits.release(PAYMENT.document)]) == [PAYMENT.id]
    found.take(shown())
    assert found.lacking_entry() == []


def test_it_is_so_as_well_where_the_log_has_lost_its_intent():
    """Else it would be sent again by a session that takes the log at its word."""
    found = state(shown(INITIAL))
    standing = found.postings[PAYMENT.id]
    assert (standing.intent, standing.may_be_there, standing.stands_still) == (None, True, False)
    assert found.to_settle() == [PAYMENT.id]


@pytest.mark.parametrize("before", [(INTENT,), ()], ids=["intended", "intent lost"])
def test_what_refers_to_it_waits_and_nothing_undoes_it_unsent(before):
    found = state(*before, shown(INITIAL), posted("inv"))
    assert next_step(PAYMENT, found) == Ready()
    step = next_step(posting("a", allocation(), "pay", "inv"), found)
    assert isinstance(step, WaitFor)
    assert step.reason.blocked_by == "P-1"
    back = msgspec.structs.replace(posting("back", inverse("pay"), "pay"), act=Act.REVERSE)
    assert isinstance(next_step(back, found), WaitFor)
    assert not isinstance(next_step(back, found), Annul)


@pytest.mark.parametrize("rule", [NEVER_ENTERED, GONE])
def test_what_parked_for_its_status_may_be_in_qad_until_a_person_releases_it(rule):
    reason = answers.gone("P-1") if rule == GONE else None
    outcome = shown(CANCELLED)
    parked = msgspec.structs.replace(outcome, reason=reason) if reason is not None else outcome
    found = state(INTENT, shown(INITIAL), parked)
    standing = found.postings[PAYMENT.id]
    assert (standing.disputed, standing.lacks_entry) == (True, False)
    assert found.to_settle() == []
    assert found.held_by([waits.release(PAYMENT.document)]) == [PAYMENT.id]


def test_what_has_made_its_entry_has_no_reason_to_wait():
    with pytest.raises(InvariantViolation):
        answers.no_entry(FoundInQad(reference="r", document=DOCUMENT), number="P-1")


def test_pauses_grow_up_to_an_hour_each_for_itself():
    now = [0.0]
    again = Again(10.0, now=lambda: now[0])
    one, other = name("one"), name("other")

    def due(at: float, *names):
        now[0] = at
        return again.due(names)

    assert due(0, one) == []
    assert due(9, one, other) == []
    assert due(10, one, other) == [one]
    assert due(19, one, other) == [other]
    assert due(29.9, one, other) == []
    assert due(30, one, other) == [one]
    asked = [at for at in range(31, 100_000) if due(at, one)]
    assert asked[0] == 70
    assert {later - earlier for earlier, later in zip(asked[-5:], asked[-4:], strict=False)} == {3600}
    assert due(100_001) == []
    assert due(100_002, one) == []
    assert due(100_012, one) == [one]
