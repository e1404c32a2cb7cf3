"""The sink on a real broker against real books: each posting once, whatever is cut, killed, refused or late."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import read_whole
from sandbox.qad.books.master import PeriodStatus
from sandbox.qad.faults import Fault
from schemas.codec import encode
from schemas.decisions import DocumentReleased
from schemas.outcomes import Intended, Parked, Posted, Superseded, Unknown, Waiting
from schemas.references import Period
from schemas.topics import Topic
from tests.broker.erps import (
    CONNECTION,
    Qad,
    allocation,
    credit_note,
    invoice,
    offer,
    posting_set,
    receipt,
    reversal,
)
from tests.broker.lanes import OwnedPartition, read_records
from tests.broker.sinks import LIMITS, Sink, kinds, outcomes, put, running_sink
from tests.topics import delete_topic

# One owner alone, whose calls a busy machine may begin late: an intent that is too old by then is said once more.
UNHURRIED = msgspec.structs.replace(LIMITS, age_s=10.0)


async def test_intended_is_written_before_the_call_and_posted_after_it(cluster: Cluster, qad: Qad, eventually):
    first = invoice("INV1")
    async with running_sink(cluster, qad, limits=UNHURRIED) as sink:
        await sink.give(posting_set(first))
        await eventually(sink.acknowledged)
    found = await outcomes(cluster)
    assert kinds(found) == ["Intended", "Posted"]
    intended, posted = found
    assert isinstance(intended, Intended)
    assert isinstance(posted, Posted)
    assert (intended.reference, intended.customer, intended.content_hash) == (
        first.reference,
        "C0001",
        posted.content_hash,
    )
    assert posted.how == "answer"
    [document] = qad.server.control.find(first.reference)
    there = document["key"]
    assert (there["posting_year"], there["daybook_code"], there["voucher"]) == (
        posted.qad.year,
        posted.qad.daybook,
        posted.qad.voucher,
    )


@pytest.mark.parametrize(
    "fault",
    [
        "commit_then_reset",
        "commit_then_502",
        "commit_then_hang",
        "commit_then_login_page",
        "commit_then_no_content",
        "commit_then_other_shape",
        "commit_then_no_key",
        "commit_then_gzip_cut",
        "commit_then_chunks_cut",
        "empty_body",
        "truncated_json",
    ],
)
async def test_a_lost_answer_is_looked_up_never_repeated(cluster: Cluster, qad: Qad, eventually, fault: str):
    armed = qad.server.control.arm(Fault(name=fault, kind="invoice", count=1))
    async with running_sink(cluster, qad, limits=UNHURRIED) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    assert qad.documents() == 1
    found = await outcomes(cluster)
    assert kinds(found) == ["Intended", "Unknown", "Posted"]
    assert found[-1].how == "look_up"


@pytest.mark.parametrize("fault", ["reset_before_commit", "http_500_before_commit"])
async def test_what_is_certainly_absent_after_settling_is_sent_again(
    cluster: Cluster, qad: Qad, eventually, fault: str
):
    armed = qad.server.control.arm(Fault(name=fault, kind="invoice", count=1))
    async with running_sink(cluster, qad, limits=UNHURRIED) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    assert qad.documents() == 1
    assert kinds(await outcomes(cluster)) == ["Intended", "Unknown", "Intended", "Posted"]


async def test_a_commit_that_comes_late_is_not_doubled(cluster: Cluster, qad: Qad, eventually):
    """The answer times out, the look-up says absent, and then QAD commits: inside the settle time, so it is found."""
    armed = qad.server.control.arm(Fault(name="commit_late", kind="invoice", count=1, seconds=1.4))
    async with running_sink(cluster, qad, limits=UNHURRIED) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    assert qad.documents() == 1
    assert kinds(await outcomes(cluster)) == ["Intended", "Unknown", "Posted"]


async def test_a_document_that_browses_show_late_is_not_doubled(cluster: Cluster, qad: Qad, eventually):
    late = qad.server.control.arm(Fault(name="late_visibility", kind="invoice", count=1, seconds=1.2))
    cut = qad.server.control.arm(Fault(name="commit_then_reset", kind="invoice", count=1))
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged)
    assert (late.fired, cut.fired) == (1, 1)
    assert qad.documents() == 1


async def test_a_lane_that_is_closed_at_any_moment_doubles_nothing(cluster: Cluster, qad: Qad, eventually):
    sets = [posting_set(invoice(f"INV{number}")) for number in range(60)]
    await put(cluster, Topic.POSTINGS, *sets)
    records = await read_records(cluster, Topic.POSTINGS)
    qad.server.control.arm(Fault(name="commit_then_reset", kind="invoice", share=0.1, seed=5))
    for attempt in range(10):
        async with running_sink(cluster, qad) as sink:
            for start in range(0, 60, 20):
                sink.take(records[start : start + 20])
            await asyncio.sleep(0.05 + 0.07 * attempt)
    async with running_sink(cluster, qad) as sink:
        sink.take(records)
        await eventually(sink.acknowledged, within_s=40)

        async def all_of_them() -> None:
            assert qad.server.control.counts()["10USACO"]["invoice"] == 60

        # A run is acknowledged once its intents are in the log; what is in doubt goes on behind it.
        await eventually(all_of_them)
    assert qad.server.control.fired("commit_then_reset") > 0


async def test_a_new_owner_fences_the_old_one_and_looks_up_what_it_left(cluster: Cluster, qad: Qad, eventually):
    slow = qad.server.control.arm(Fault(name="slow", kind="invoice", count=1, ms=700))
    async with OwnedPartition(cluster) as worker:
        old, new = Sink(cluster, qad, worker), Sink(cluster, qad, worker)
        old.lane.start()
        await old.give(posting_set(invoice("INV1")))

        async def on_the_wire() -> None:
            assert slow.fired == 1

        await eventually(on_the_wire, every_s=0.02)
        new.lane.start()
        new.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(new.acknowledged)

        async def old_ended() -> None:
            assert old.ended

        await eventually(old_ended)
        await asyncio.gather(old.lane.close(), new.lane.close())
    assert qad.documents() == 1
    assert "another worker owns" in old.ended[0]


async def test_an_outcomes_log_that_was_made_anew_doubles_nothing(kafka: str, cluster: Cluster, qad: Qad, eventually):
    """What QAD holds under our references is read before the first attempt: the log cannot say that it is nothing."""
    sets = [posting_set(invoice(f"INV{number}")) for number in range(5)]
    async with running_sink(cluster, qad) as sink:
        await sink.give(*sets)
        await eventually(sink.acknowledged)
    count = await delete_topic(cluster, Topic.OUTCOMES)
    assert await create_topics(cluster, partitions=count, replicas=1) == [Topic.OUTCOMES]
    async with running_sink(cluster, qad) as sink:
        await sink.give(*sets)
        await eventually(sink.acknowledged, within_s=40)
    assert qad.documents() == 5
    assert {outcome.how for outcome in await outcomes(cluster) if isinstance(outcome, Posted)} == {"look_up"}


async def test_nothing_is_allocated_before_both_its_items_are_there(cluster: Cluster, qad: Qad, eventually):
    applied = allocation("P1", "INV1", "60.00")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(receipt("P1"), applied))
        await eventually(sink.acknowledged)
        [waiting] = await outcomes(cluster, applied)
        assert isinstance(waiting, Waiting)
        assert waiting.reason.blocked_by == "invoice:INV1"
        await sink.give(posting_set(invoice("INV1")))

        async def applied_too() -> None:
            assert kinds(await outcomes(cluster, applied)) == ["Waiting", "Intended", "Posted"]

        await eventually(applied_too)
    items = {item["item_type"]: item["open_amount"] for item in qad.server.control.items("10USACO")}
    assert str(items["INVOICE"]) == "40.00"


async def test_a_receipt_carries_what_is_there_and_leaves_the_rest_to_allocations(
    cluster: Cluster, qad: Qad, eventually
):
    offers = (offer("P1", "INV1", "60.00", row="r1"), offer("P1", "INV2", "40.00", row="r2"))
    carried, alone = allocation("P1", "INV1", "60.00", row="r1"), allocation("P1", "INV2", "40.00", row="r2")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")), posting_set(receipt("P1", offers=offers), carried, alone))
        await eventually(sink.acknowledged)
        await sink.give(posting_set(invoice("INV2")))

        async def both() -> None:
            assert kinds(await outcomes(cluster, alone))[-1] == "Posted"

        await eventually(both)
    [by_receipt] = await outcomes(cluster, carried)
    assert by_receipt.how == "carried"
    counts = qad.server.control.counts()["10USACO"]
    assert (counts["payment"], counts["adjustment"]) == (1, 1)
    opened = sorted(str(item["open_amount"]) for item in qad.server.control.items("10USACO"))
    assert opened == ["0.00", "40.00", "60.00"]


async def test_a_lost_answer_to_a_receipt_keeps_what_it_carried(cluster: Cluster, qad: Qad, eventually):
    armed = qad.server.control.arm(Fault(name="commit_then_reset", kind="payment", count=1))
    carried = allocation("P1", "INV1", "60.00")
    async with running_sink(cluster, qad) as sink:
        await sink.give(
            posting_set(invoice("INV1")), posting_set(receipt("P1", offers=(offer("P1", "INV1", "60.00"),)), carried)
        )
        await eventually(sink.acknowledged)
    assert armed.fired == 1
    [by_receipt] = await outcomes(cluster, carried)
    assert by_receipt.how == "carried"
    assert qad.server.control.counts()["10USACO"]["adjustment"] == 0


async def test_a_reversal_is_the_exact_inverse_and_leaves_nothing_open(cluster: Cluster, qad: Qad, eventually):
    inverse, settle = reversal("INV1")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await sink.give(posting_set(inverse, settle))
        await eventually(lambda: sink.acknowledged(2))
    assert all(item["open_amount"] == 0 for item in qad.server.control.items("10USACO"))
    for line in qad.server.control.trial_balance("10USACO"):
        assert (line.amount, line.base_amount) == (0, 0)


async def test_a_reversal_of_what_is_not_in_qad_undoes_it_without_a_call(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.set_account("CORP", "4100", is_active=False)
    refused = invoice("INV1")
    inverse, settle = reversal("INV1")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(refused))
        await eventually(sink.acknowledged)
        assert kinds(await outcomes(cluster, refused)) == ["Intended", "RejectedByQad", "Parked"]
        await sink.give(posting_set(inverse, settle))
        await eventually(lambda: sink.acknowledged(2))
    assert qad.documents() == 0
    for undone in (refused, inverse, settle):
        assert isinstance((await outcomes(cluster, undone))[-1], Superseded)


async def test_a_closed_period_waits_and_goes_on_when_qad_opens_it(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.set_period("10USACO", 2026, 3, status=PeriodStatus.LOCKED)
    first = invoice("INV1")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(first))
        await eventually(sink.acknowledged)
        assert kinds(await outcomes(cluster, first)) == ["Intended", "RejectedByQad", "Waiting"]
        qad.server.control.set_period("10USACO", 2026, 3, status=PeriodStatus.OPEN)
        day = first.content.posting_date
        shown = Period(code="2026-03", year=2026, period=3, first_day=day, last_day=day, open=True)
        await put(cluster, Topic.QAD_REFERENCE, shown)

        async def posted() -> None:
            assert kinds(await outcomes(cluster, first))[-1] == "Posted"

        await eventually(posted)
    assert qad.documents() == 1


async def test_a_parked_posting_goes_on_when_a_person_releases_it(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.set_account("CORP", "4100", is_active=False)
    first = invoice("INV1")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(first))
        await eventually(sink.acknowledged)
        [_, _, parked] = await outcomes(cluster, first)
        assert isinstance(parked, Parked)
        assert parked.reason.rule == "gl_account"
        assert parked.said
        qad.server.control.set_account("CORP", "4100", is_active=True)
        decision = DocumentReleased(
            connection=CONNECTION,
            by="tester",
            at=datetime(2026, 1, 1, tzinfo=UTC),
            document=first.document,
            number="INV1",
        )
        await put(cluster, Topic.DECISIONS, decision)

        async def posted() -> None:
            assert kinds(await outcomes(cluster, first))[-1] == "Posted"

        await eventually(posted)


async def test_with_qad_away_only_as_many_as_slots_probe_and_all_goes_on_after(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.set_down(is_down=True)
    sets = [posting_set(invoice(f"INV{number}")) for number in range(30)]
    async with running_sink(cluster, qad) as sink:
        await sink.give(*sets)
        await asyncio.sleep(2.5)
        doubted = {outcome.subject for outcome in await outcomes(cluster) if isinstance(outcome, Unknown)}
        assert len(doubted) <= LIMITS.concurrency
        qad.server.control.set_down(is_down=False)
        await eventually(sink.acknowledged, within_s=60)
    assert qad.server.control.counts()["10USACO"]["invoice"] == 30


async def test_wrong_credentials_stop_the_connection_until_they_are_right(cluster: Cluster, qad: Qad, eventually):
    armed = qad.server.control.arm(Fault(name="forbidden", kind="invoice", count=3))
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")))
        await eventually(sink.acknowledged, within_s=40)
    assert armed.fired == 3
    assert qad.documents() == 1
    assert "Unknown" not in kinds(await outcomes(cluster))


async def test_credit_notes_are_allocated_as_receipts_are(cluster: Cluster, qad: Qad, eventually):
    applied = allocation("CM1", "INV1", "40.00", payer_kind="credit_memo")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")), posting_set(credit_note("CM1"), applied))
        await eventually(sink.acknowledged)
    opened = sorted(str(item["open_amount"]) for item in qad.server.control.items("10USACO"))
    assert opened == ["0.00", "60.00"]


async def test_the_whole_log_again_makes_no_call(cluster: Cluster, qad: Qad, eventually):
    sets = [posting_set(invoice("INV1")), posting_set(receipt("P1"), allocation("P1", "INV1", "60.00"))]
    async with running_sink(cluster, qad) as sink:
        await sink.give(*sets)
        await eventually(sink.acknowledged)
    writes = [call for call in qad.server.control.requests() if call.is_write]
    before = len(await outcomes(cluster))
    async with running_sink(cluster, qad) as sink:
        sink.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(sink.acknowledged)
    assert [call for call in qad.server.control.requests() if call.is_write] == writes
    assert len(await outcomes(cluster)) == before


async def test_a_posting_that_somebody_changed_is_a_dead_letter(cluster: Cluster, qad: Qad, eventually):
    tampered = encode(posting_set(invoice("INV1"))).replace(b'"total":"100.00"', b'"total":"1000.00"')
    async with running_sink(cluster, qad) as sink, OwnedPartition(cluster) as worker:
        await (await worker.send(Topic.POSTINGS, key=b"k", value=tampered, stage="test"))
        sink.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(sink.acknowledged)
    [letter] = await read_whole(cluster, 0, [Topic.DEAD_LETTERS])
    assert b"not what its lines come to" in letter.value
    assert qad.documents() == 0
