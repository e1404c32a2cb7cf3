"""A log of outcomes that lost its end, or all of it, doubles and loses nothing: QAD is asked before anything is sent.

Each test shows that what it did to the log was noticed: by what the lane says, and by what it asks QAD.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.clock import boot_time_s
from adapters.kafka.bookmark import Bookmark, Mark
from adapters.kafka.cluster import Cluster
from adapters.kafka.sink_holdings import KINDS
from adapters.qad.rest.port import RestQad
from sandbox.qad.faults import Fault
from schemas.decisions import DocumentReleased
from schemas.outcomes import Parked, Posted, Waiting
from schemas.reasons import Reason
from schemas.topics import Topic
from streams.sink.freezing import freeze
from streams.sink.state import SinkState
from tests.broker.erps import CONNECTION, Qad, allocation, invoice, offer, posting_set, receipt, running_qad
from tests.broker.lanes import read_records
from tests.broker.sinks import LIMITS, commit, cut_outcomes, kinds, outcomes, put, running_sink

INVOICES = [invoice(f"INV{number}") for number in range(20)]
SETS = [posting_set(one) for one in INVOICES]
NOT_WHOLE = "the outcomes cannot be shown whole: QAD is asked before anything is sent"
TAKEN_UP = "postings behind the commit have no outcome: taken up again"


def writes(qad: Qad) -> int:
    return sum(call.is_write for call in qad.server.control.requests())


def browsed(qad: Qad) -> int:
    return sum(not call.is_write and "browse" in call.path for call in qad.server.control.requests())


async def posted_all(cluster: Cluster, qad: Qad, eventually) -> None:
    async with running_sink(cluster, qad) as sink:
        await sink.give(*SETS)
        await eventually(sink.acknowledged)


async def all_are_posted(cluster: Cluster) -> None:
    posted = {outcome.subject for outcome in await outcomes(cluster) if isinstance(outcome, Posted)}
    assert {one.id for one in INVOICES} <= posted


def told(logs: list) -> set[str]:
    return {log["event"] for log in logs}


@pytest.mark.parametrize("keep", [0, 3, 15])
async def test_a_cut_tail_of_outcomes_doubles_nothing(cluster: Cluster, qad: Qad, eventually, keep: int):
    """Of all outcomes so many are left; the others went with the intents of what stands in QAD."""
    await posted_all(cluster, qad, eventually)
    # An intent and its end for each; more where a call was slow.
    assert await cut_outcomes(cluster, keep=keep) >= 2 * len(INVOICES) - keep
    before = writes(qad)
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            sink.take(await read_records(cluster, Topic.POSTINGS))
            await eventually(sink.acknowledged)
            await eventually(lambda: all_are_posted(cluster))
    assert NOT_WHOLE in told(logs)
    assert (writes(qad), qad.documents()) == (before, len(INVOICES))


async def test_a_cut_tail_that_others_have_written_over_is_noticed(cluster: Cluster, qad: Qad, eventually):
    await posted_all(cluster, qad, eventually)
    other = Waiting(
        connection=CONNECTION,
        stage="match",
        subject="a:b",
        document="a:b",
        origin=0,
        reason=Reason(rule="r", message="m"),
    )
    await cut_outcomes(cluster, keep=4, then=[other] * 40)
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            sink.take(await read_records(cluster, Topic.POSTINGS))
            await eventually(sink.acknowledged)
            await eventually(lambda: all_are_posted(cluster))
    assert NOT_WHOLE in told(logs)
    assert qad.documents() == len(INVOICES)


async def test_what_was_lost_behind_the_commit_is_found_again(cluster: Cluster, qad: Qad, eventually):
    """Nobody hands the postings over again: the group has committed past them."""
    await posted_all(cluster, qad, eventually)
    await commit(cluster, len(SETS))
    await cut_outcomes(cluster, keep=0)
    with capture_logs() as logs:
        async with running_sink(cluster, qad):
            await eventually(lambda: all_are_posted(cluster))
    assert {NOT_WHOLE, TAKEN_UP} <= told(logs)
    found = [outcome for outcome in await outcomes(cluster) if isinstance(outcome, Posted)]
    assert {outcome.how for outcome in found} == {"look_up"}
    assert qad.documents() == len(INVOICES)


@pytest.mark.parametrize("shifts", [2, 6])
async def test_a_row_that_leaves_the_list_while_it_is_read_hides_no_other(
    cluster: Cluster, tmp_path: Path, eventually, shifts: int
):
    """Of four pages three are behind the first: with six shifts two readings in a row pass over the same rows.

    Paging is by position: where a row before it leaves, the first row of a page moves to one that was read."""
    async with running_qad(tmp_path, page_size=6) as qad:
        await posted_all(cluster, qad, eventually)
        await commit(cluster, len(SETS))
        await cut_outcomes(cluster, keep=0)
        shifted = qad.server.control.arm(Fault(name="row_shift", kind="browse", count=shifts))
        before = writes(qad)
        async with running_sink(cluster, qad):
            await eventually(lambda: all_are_posted(cluster), within_s=30)
        assert shifted.fired == shifts
        assert (writes(qad), qad.documents()) == (before, len(INVOICES))
        qad.check_books()


async def test_it_is_found_by_pages_not_one_by_one(cluster: Cluster, qad: Qad, eventually):
    await posted_all(cluster, qad, eventually)
    await commit(cluster, len(SETS))
    await cut_outcomes(cluster, keep=0)
    before = browsed(qad)
    async with running_sink(cluster, qad):
        await eventually(lambda: all_are_posted(cluster))
    # Of each list one page, and one without a condition; those of invoices are shown with the credit notes'.
    lists = qad.erp.lists_of(KINDS)
    assert len(lists) == 5 < len(KINDS)
    assert browsed(qad) - before == 2 * len(lists) < len(INVOICES)


async def test_what_was_committed_past_and_never_sent_is_sent(cluster: Cluster, qad: Qad, eventually):
    """As when events were lost on their way to the lane: outcomes are whole, and QAD does not have them."""
    await posted_all(cluster, qad, eventually)
    lost = invoice("INV-LOST")
    await put(cluster, Topic.POSTINGS, posting_set(lost))
    await commit(cluster, len(SETS) + 1)
    with capture_logs() as logs:
        async with running_sink(cluster, qad):

            async def sent() -> None:
                assert kinds(await outcomes(cluster, lost)) == ["Intended", "Posted"]

            await eventually(sent)
    assert TAKEN_UP in told(logs)
    assert NOT_WHOLE not in told(logs)
    assert qad.documents() == len(INVOICES) + 1


async def test_the_newest_content_of_what_was_lost_counts(cluster: Cluster, qad: Qad, eventually):
    old, new = invoice("INV-A", "10.00"), invoice("INV-A", "20.00")
    await put(cluster, Topic.POSTINGS, posting_set(old), posting_set(new))
    await commit(cluster, 2)
    async with running_sink(cluster, qad):

        async def sent() -> None:
            assert kinds(await outcomes(cluster, new))[-1:] == ["Posted"]

        await eventually(sent)
    [item] = qad.server.control.items("10USACO")
    assert str(item["open_amount"]) == "20.00"


async def test_a_call_of_the_owner_before_that_commits_late_is_found(cluster: Cluster, qad: Qad, eventually):
    """Its intent went with the tail, QAD commits after the new owner began: pages are read after the settle time."""
    first = INVOICES[0]
    async with running_sink(cluster, qad) as sink:
        await sink.give(SETS[1])
        await eventually(sink.acknowledged)
    await cut_outcomes(cluster, keep=1)
    await put(cluster, Topic.POSTINGS, SETS[0])
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            sink.take(await read_records(cluster, Topic.POSTINGS))

            async def distrusts() -> None:
                assert NOT_WHOLE in told(logs)

            await eventually(distrusts, every_s=0.01)
            await asyncio.sleep(LIMITS.settle_s / 4)
            await qad.erp.post(freeze(first, state=SinkState()).command, not_after=boot_time_s() + 60)
            await eventually(sink.acknowledged)
    assert [one.how for one in await outcomes(cluster, first) if isinstance(one, Posted)] == ["look_up"]
    assert qad.documents() == 2


@pytest.mark.parametrize("damage", ["deleted", "garbled", "another's"])
async def test_a_bookmark_that_is_gone_or_another_s_costs_time_alone(
    cluster: Cluster, qad: Qad, eventually, tmp_path: Path, damage: str
):
    await posted_all(cluster, qad, eventually)
    if damage == "deleted":
        qad.bookmark.unlink()
    elif damage == "garbled":
        qad.bookmark.write_bytes(qad.bookmark.read_bytes()[:-300])
    else:
        Bookmark(qad.bookmark).set(Mark(offset=3, digest="other"))
    more = invoice("INV-MORE")
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            sink.take(await read_records(cluster, Topic.POSTINGS))
            await sink.give(posting_set(more))
            await eventually(lambda: sink.acknowledged(2))
    assert NOT_WHOLE in told(logs)
    assert kinds(await outcomes(cluster, more)) == ["Intended", "Posted"]
    assert qad.documents() == len(INVOICES) + 1


async def test_a_whole_log_asks_qad_for_nothing_at_the_next_start(cluster: Cluster, qad: Qad, eventually):
    await posted_all(cluster, qad, eventually)
    await commit(cluster, len(SETS))
    async with running_sink(cluster, qad):

        async def accounted() -> None:
            assert Bookmark(qad.bookmark).read().accounted == len(SETS)

        await eventually(accounted)
    before, more = browsed(qad), invoice("INV-MORE")
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            await sink.give(posting_set(more))
            await eventually(sink.acknowledged)
    assert NOT_WHOLE not in told(logs)
    assert browsed(qad) == before


@pytest.mark.parametrize("ends_well", [True, False])
async def test_a_start_of_the_machine_costs_nothing_where_the_owner_ended_well(
    cluster: Cluster, qad: Qad, eventually, monkeypatch, ends_well
):
    await posted_all(cluster, qad, eventually)
    if not ends_well:
        known = Bookmark(qad.bookmark)
        known.set(known.read() or Mark())
    monkeypatch.setattr("adapters.kafka.bookmark.boot_id", lambda: "the next start")
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            await sink.give(posting_set(invoice("INV-MORE")))
            await eventually(sink.acknowledged)
    assert (NOT_WHOLE in told(logs)) is not ends_well
    assert qad.documents() == len(INVOICES) + 1


async def test_a_tail_that_is_cut_while_the_lane_lives_is_noticed_when_it_opens_again(
    cluster: Cluster, qad: Qad, eventually
):
    async with running_sink(cluster, qad) as sink:
        await sink.give(*SETS)
        await eventually(sink.acknowledged)
        await sink.lane.close()
        await cut_outcomes(cluster, keep=5)
        with capture_logs() as logs:
            sink.lane.start()
            sink.take(await read_records(cluster, Topic.POSTINGS))
            await eventually(lambda: sink.acknowledged(2))
            await eventually(lambda: all_are_posted(cluster))
    assert NOT_WHOLE in told(logs)
    assert qad.documents() == len(INVOICES)


async def test_what_comes_again_after_a_reset_and_has_lost_its_outcome_is_looked_for(
    cluster: Cluster, qad: Qad, eventually
):
    """The bookmark says that all was accounted for; what comes again knows nothing of it."""
    await posted_all(cluster, qad, eventually)
    await cut_outcomes(cluster, keep=0)
    Bookmark(qad.bookmark).set(Mark(accounted=len(SETS)))
    async with running_sink(cluster, qad) as sink:
        sink.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(sink.acknowledged)
    found = [outcome for outcome in await outcomes(cluster) if isinstance(outcome, Posted)]
    assert {outcome.how for outcome in found} == {"look_up"}
    assert qad.documents() == len(INVOICES)


async def test_without_a_look_up_a_person_decides_about_what_may_have_been_sent(cluster: Cluster, qad: Qad, eventually):
    await posted_all(cluster, qad, eventually)
    await commit(cluster, len(SETS))
    await cut_outcomes(cluster, keep=2)
    profile = qad.erp._profile
    documents = {name: msgspec.structs.replace(one, find=None) for name, one in profile.documents.items()}
    blind = RestQad(qad.erp._client, msgspec.structs.replace(profile, documents=documents))
    new = invoice("INV-NEW")
    async with running_sink(cluster, qad, erp=blind) as sink:

        async def parked() -> None:
            found = [one for one in await outcomes(cluster) if isinstance(one, Parked)]
            # The first two outcomes were intents: those are in doubt, and say so.
            expected = ["log_not_whole"] * (len(INVOICES) - 2) + ["unknown_no_look_up"] * 2
            assert sorted(one.reason.rule for one in found) == expected

        await eventually(parked)
        await sink.give(posting_set(new))
        await eventually(sink.acknowledged)
        assert kinds(await outcomes(cluster, new)) == ["Intended", "Posted"]
        [one] = [one for one in await outcomes(cluster, INVOICES[7]) if isinstance(one, Parked)]
        released = DocumentReleased(
            connection=CONNECTION,
            by="tester",
            at=datetime(2026, 1, 1, tzinfo=UTC),
            document=one.document,
            number="INV7",
        )
        before = writes(qad)
        await put(cluster, Topic.DECISIONS, released)

        async def sent() -> None:
            assert writes(qad) == before + 1

        await eventually(sent)
    qad.server.control.duplicates = list  # the person was wrong, and it is their double


async def test_a_receipt_that_is_found_carries_what_does_not_stand_by_itself(cluster: Cluster, qad: Qad, eventually):
    """One application was carried by the receipt, the other came later as an adjustment; the log knows of neither."""
    offers = (offer("P1", "INV1", "60.00", row="r1"), offer("P1", "INV2", "40.00", row="r2"))
    carried, alone = allocation("P1", "INV1", "60.00", row="r1"), allocation("P1", "INV2", "40.00", row="r2")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(invoice("INV1")), posting_set(receipt("P1", offers=offers), carried, alone))
        await eventually(sink.acknowledged)
        await sink.give(posting_set(invoice("INV2")))

        async def both() -> None:
            assert kinds(await outcomes(cluster, alone))[-1] == "Posted"

        await eventually(both)
    await cut_outcomes(cluster, keep=0)
    before = writes(qad)
    async with running_sink(cluster, qad, limits=LIMITS) as sink:
        records = await read_records(cluster, Topic.POSTINGS)
        sink.take([records[0], records[2], records[1]])
        await eventually(sink.acknowledged)
    assert writes(qad) == before
    assert [one.how for one in await outcomes(cluster, carried)] == ["carried"]
    assert [one.how for one in await outcomes(cluster, alone) if isinstance(one, Posted)] == ["look_up"]


async def test_a_receipt_in_doubt_is_told_by_all_that_qad_holds(cluster: Cluster, qad: Qad, eventually):
    """The log kept that it was to be sent, and lost that its application went as an adjustment: nobody has to look."""
    money = receipt("P1", offers=(offer("P1", "INV1", "60.00", row="r1"),))
    alone = allocation("P1", "INV1", "60.00", row="r1")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(money, alone))

        async def received() -> None:
            assert "Posted" in kinds(await outcomes(cluster, money))

        await eventually(received)
        await sink.give(posting_set(invoice("INV1")))

        async def applied() -> None:
            assert kinds(await outcomes(cluster, alone))[-1] == "Posted"

        await eventually(applied)
    told = [(one.subject, type(one).__name__) for one in await outcomes(cluster)]
    await cut_outcomes(cluster, keep=told.index((money.id, "Intended")) + 1)
    before = writes(qad)
    async with running_sink(cluster, qad, limits=LIMITS) as sink:
        sink.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(sink.acknowledged)
    assert kinds(await outcomes(cluster, money)) == ["Intended", "Posted"]
    assert [one.how for one in await outcomes(cluster, alone) if isinstance(one, Posted)] == ["look_up"]
    assert not [one for one in await outcomes(cluster, alone) if isinstance(one, Parked)]
    assert writes(qad) == before
