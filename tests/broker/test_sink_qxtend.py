"""The sink's lane over QXtend: the same promises on a real broker, whichever way QAD is spoken to."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.kafka.cluster import Cluster
from sandbox.qad.books.master import PeriodStatus
from sandbox.qad.faults import Fault
from schemas.outcomes import Parked, Posted
from schemas.postings import Posting, TaxLine
from schemas.topics import Topic
from tests.broker.erps import (
    Qad,
    allocation,
    credit_note,
    invoice,
    offer,
    posting,
    posting_set,
    receipt,
    reversal,
    running_qad,
)
from tests.broker.lanes import read_records
from tests.broker.sinks import kinds, outcomes, put, running_sink
from tests.broker.test_sink_stops import GOES_ON, STOPPED


@pytest.fixture
async def qad(tmp_path: Path) -> AsyncIterator[Qad]:
    async with running_qad(tmp_path, over_qxtend=True) as found:
        yield found


async def test_what_depends_on_each_other_is_posted_once_and_in_order(cluster: Cluster, qad: Qad, eventually):
    carried = offer("P1", "INV1", "60.00")
    sets = [
        posting_set(invoice("INV1")),
        posting_set(credit_note("CM1")),
        posting_set(receipt("P1", offers=(carried,)), allocation("P1", "INV1", "60.00")),
        posting_set(allocation("CM1", "INV1", "40.00", row="r2", payer_kind="credit_memo")),
        posting_set(invoice("INV2"), *reversal("INV2")),
    ]
    async with running_sink(cluster, qad) as sink:
        await sink.give(*sets)
        await eventually(sink.acknowledged)
    found = await outcomes(cluster)
    assert {type(outcome) for outcome in found if type(outcome).__name__ == "Parked"} == set()
    assert len([outcome for outcome in found if isinstance(outcome, Posted)]) == sum(len(one.postings) for one in sets)
    items = qad.server.control.items("10USACO")
    assert sum(item["open_amount"] for item in items if item["is_debit"]) == 0
    calls = [call for call in qad.server.control.requests() if call.is_write]
    assert {call.api for call in calls} == {"bdinvoicejournalentry", "bddocument", "bopenitemadjustment"}
    qad.check_books()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(name="commit_then_reset", count=1),
        Fault(name="commit_then_soap_fault", count=1, code="ProcessException009", message="Timed out."),
        Fault(name="commit_then_soap_fault", count=1, code="Server", message="An agent has died."),
        Fault(name="truncated_json", kind="invoice", count=1),
    ],
    ids=lambda fault: f"{fault.name} {fault.code}",
)
async def test_an_answer_that_is_lost_is_looked_up_and_never_repeated(cluster: Cluster, qad: Qad, eventually, fault):
    armed = qad.server.control.arm(fault)
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    assert qad.documents() == 1
    found = await outcomes(cluster)
    assert kinds(found) == ["Intended", "Unknown", "Posted"]
    assert found[-1].how == "look_up"


def taxed(number: str) -> Posting:
    """Return an invoice over 119 with a row of the tax report."""
    plain = invoice(number)
    content = msgspec.structs.replace(
        plain.content,
        total=Decimal("119.00"),
        tax_rows=(TaxLine(account="2310", code="V19", base=Decimal("100.00"), tax=Decimal("19.00")),),
    )
    return posting(number, content)


async def test_tax_rows_are_posted_and_taken_back_and_the_tax_is_what_was_sent(cluster: Cluster, qad: Qad, eventually):
    armed = qad.server.control.arm(Fault(name="commit_then_reset", count=1))
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(taxed("INV1"), *reversal("INV1", "119.00")))
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    found = await outcomes(cluster)
    assert len([one for one in found if isinstance(one, Posted)]) == 3
    made, undone, _ = qad.server.control.documents("10USACO")
    reported = [
        [(row.tax_code, row.base_amount, row.tax_amount) for row in one["content"]["tax_lines"]]
        for one in (made, undone)
    ]
    assert reported == [[("V19", 100, 19)]] * 2
    assert [one["content"]["invoice_type"] for one in (made, undone)] == ["INVOICE", "CREDITNOTE"]
    qad.check_books()


async def test_tax_that_qad_reckons_itself_is_a_conflict_when_it_is_looked_up(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.change_settings({"books": {"own_tax_rate": 0.07}})
    armed = qad.server.control.arm(Fault(name="commit_then_reset", count=1))
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(taxed("INV1")))
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    parked = (await outcomes(cluster))[-1]
    assert isinstance(parked, Parked)
    assert (parked.reason.rule, "tax=7" in parked.reason.message) == ("conflict", True), parked.reason.message


async def test_what_certainly_did_not_happen_is_sent_again(cluster: Cluster, qad: Qad, eventually):
    armed = qad.server.control.arm(
        Fault(name="soap_fault", count=2, code="Server", message="No licensed agent is available.")
    )
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert armed.fired == 2
    assert qad.documents() == 1
    assert "Unknown" not in kinds(await outcomes(cluster))


async def test_a_closed_period_waits(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.set_period("10USACO", 2026, 3, status=PeriodStatus.LOCKED)
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert kinds(await outcomes(cluster))[-1] == "Waiting"
    assert qad.documents() == 0


async def test_a_user_that_qxtend_does_not_let_in_stops_the_connection_until_it_does(
    cluster: Cluster, qad: Qad, eventually
):
    armed = qad.server.control.arm(
        Fault(name="soap_fault", code="Client", message="The user name or the password is wrong.")
    )
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            await sink.give(posting_set(invoice("INV1")), posting_set(invoice("INV2")))

            async def probed() -> None:
                assert armed.fired >= 4

            await eventually(probed, within_s=40)
            assert sink.runs.acknowledged == []
            qad.server.control.disarm()
            await eventually(sink.acknowledged, within_s=60)
    told = [entry["event"] for entry in logs if entry["event"] in (STOPPED, GOES_ON)]
    assert told == [STOPPED, GOES_ON]
    assert qad.documents() == 2
    qad.check_books()


async def test_a_lane_that_is_closed_at_any_moment_doubles_nothing(cluster: Cluster, qad: Qad, eventually):
    sets = [posting_set(invoice(f"INV{number}")) for number in range(30)]
    await put(cluster, Topic.POSTINGS, *sets)
    records = await read_records(cluster, Topic.POSTINGS)
    lost = [
        qad.server.control.arm(Fault(name="commit_then_reset", share=0.1, seed=5)),
        qad.server.control.arm(Fault(name="commit_then_soap_fault", share=0.1, seed=6, code="Server", message="Died.")),
    ]
    for attempt in range(6):
        async with running_sink(cluster, qad) as sink:
            sink.take(records)
            await asyncio.sleep(0.05 + 0.09 * attempt)
    async with running_sink(cluster, qad) as sink:
        sink.take(records)
        await eventually(sink.acknowledged, within_s=60)
    assert all(armed.fired for armed in lost)
    assert qad.documents() == 30
    qad.check_books()
