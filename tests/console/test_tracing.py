"""What `trace` says of an event in words: a deletion is no finding, and a period that Zuora had closed is named."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from console.tracing import _WORDS, _content
from schemas.codec import encode
from schemas.errors import OutcomeUnknown
from schemas.outcomes import Aligned, Aligning, Parked, Waiting
from schemas.reasons import Reason
from schemas.records import Found, RecordKind, record_of_deletion
from schemas.references import AccountingPeriod
from streams.sink.saying import Job, say_still, say_unknown
from tests.unit import builders as zuora
from tests.unit import sink_data
from tests.unit.test_ledger_corrections import by as corrected
from tests.unit.test_ledger_reclasses import by as reclassified
from tests.unit.world import world

JOB = Job(connection="c", posting=sink_data.posting("a", sink_data.invoice()), origin=4, index=2, mapping_version=1)


def said(event) -> str:
    content = msgspec.json.decode(encode(event))
    return _WORDS[content["type"]](content)


HEAD = {"connection": "c", "stage": "align", "subject": "account:a", "document": "account:a", "origin": 1}


def test_what_flows_to_a_customer_is_told_by_the_names_of_its_fields():
    intent = Aligning(**HEAD, customer="C1", part="relation", code="BR1", words={"name": "f1", "city": "f2"})
    assert said(intent) == "relation BR1 is to be changed in QAD: name, city"
    done = Aligned(**HEAD, customer="C1", written=("name",), base={"name": "f1"}, left={"address": "differs"})
    assert said(done) == "customer C1, changed in QAD: name; address left as QAD has it (differs)"
    assert said(Aligned(**HEAD, customer="C1")) == "customer C1 compared"


def test_a_deletion_is_told_from_a_record():
    found = Found(by="reread", at=datetime(2026, 3, 1, tzinfo=UTC), evidence="2026-01/2026-02")
    assert said(zuora.simple_invoice()) == "found by poll "
    gone = record_of_deletion("t1", RecordKind.INVOICE, "inv1", found)
    assert said(gone) == "gone from Zuora, said by reread 2026-01/2026-02"


@pytest.mark.parametrize(("status", "told"), [("Open", ""), ("Closed", "; Zuora had closed Mar '26")])
def test_a_period_that_zuora_had_closed_is_named(status, told):
    march = AccountingPeriod(
        id="p", name="Mar '26", first_day=date(2026, 3, 1), last_day=date(2026, 3, 31), status=status
    )
    [event] = world().put(march, zuora.simple_invoice()).sets
    assert said(event) == f"post document{told}"


def test_what_people_decide_of_a_posting_is_told_with_who_says_it():
    one = reclassified("ada", cost_centre="CC1", project="P1")
    assert said(one) == "ada: 100.00 of 4000 to 4100 / CC1 / P1: wrong account"
    assert said(corrected("bob")) == "bob: posting 1 taken back and posted anew on 2026-05-04: wrong account"
    assert said(world().put(zuora.simple_invoice()).sets[0]) == "post document"


def test_a_contact_is_read_and_not_shown():
    record = zuora.account(billTo={"id": "c1", "city": "Bonn", "workEmail": "ada@acme.example"}, vATId="DE1")
    shown = _content(encode(record))
    assert shown["parent"] == {
        **msgspec.json.decode(zuora.account(vATId="DE1").parent),
        "billTo": "personal data, not shown",
    }
    assert _content(encode(zuora.account())) == msgspec.json.decode(encode(zuora.account()))
    assert _content(b"[1]") == [1]


def test_a_refusal_names_whom_it_calls_and_a_lock_that_passes_calls_nobody():
    parked = say_still(JOB, Parked, Reason(rule="gl_account", message="INV1: no such account"))
    assert said(parked) == "INV1: no such account (for the accountant)"
    waiting = say_still(JOB, Waiting, Reason(rule="waits_for_posting", message="INV1 waits"))
    assert said(waiting) == "INV1 waits"


def test_what_qad_said_beside_its_yes_and_in_the_place_of_an_answer_is_told():
    posted = msgspec.structs.replace(sink_data.posted("a"), warnings=("a tolerance was used",))
    assert said(posted).endswith("; QAD said: a tolerance was used")
    unknown = say_unknown(JOB, sink_data.intended("a"), OutcomeUnknown("no yes and no no", answer="HTTP 200: Sign in"))
    assert said(unknown) == "no yes and no no; what came: HTTP 200: Sign in"
