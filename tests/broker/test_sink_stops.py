"""A connection that QAD does not let in stops, says so, asks again by itself and goes on; no other is held back."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from structlog.testing import capture_logs

from adapters.kafka.bookmark import Bookmark, Mark
from adapters.kafka.cluster import Cluster
from adapters.kafka.crashes import CRASHES_MAX
from adapters.kafka.reader import read_whole
from adapters.kafka.sink_calls import Limits
from sandbox.qad.faults import Fault
from schemas.codec import encode
from schemas.decisions import DocumentReleased
from schemas.events import read_outcome
from schemas.outcomes import AnyOutcome, Intended, Parked, Posted, Unknown
from schemas.postings import OpeningContent
from schemas.topics import Topic
from streams.ports import Accepted, Command
from tests.broker.erps import (
    CONNECTION,
    Qad,
    allocation,
    hand_loaded,
    invoice,
    posting,
    posting_set,
    receipt,
    running_qad,
)
from tests.broker.lanes import OwnedPartition, read_records
from tests.broker.sinks import LIMITS, Sink, kinds, outcomes, put, running_sink

STOPPED = "this connection stops, and is tried again by itself"
GOES_ON = "this connection goes on: QAD lets it in again"
SETS = [posting_set(invoice(f"INV{number}")) for number in range(12)]


def events(logs: Sequence[Any]) -> list[str]:
    return [log["event"] for log in logs if log["log_level"] in {"error", "warning"} or log["event"] == GOES_ON]


def writes(qad: Qad) -> int:
    return sum(call.is_write for call in qad.server.control.requests())


async def test_a_profile_that_is_not_confirmed_stops_the_connection_in_one_sentence(
    cluster: Cluster, qad: Qad, eventually
):
    """`erp.post` refuses before a byte is sent; when the site confirms the part, it goes on without a restart."""
    confirmed = qad.erp._profile
    part = msgspec.structs.replace(confirmed.documents["receipt"], confirmed=False)
    qad.erp._profile = msgspec.structs.replace(confirmed, documents={**confirmed.documents, "receipt": part})
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            await sink.give(*SETS)

            async def stopped() -> None:
                assert STOPPED in events(logs)

            await eventually(stopped)
            await asyncio.sleep(1.5)
            assert (writes(qad), sink.runs.acknowledged) == (0, [])
            qad.erp._profile = confirmed
            await eventually(sink.acknowledged, within_s=40)
    assert events(logs) == [STOPPED, GOES_ON]
    assert "receipt" in logs[[log["event"] for log in logs].index(STOPPED)]["what"]
    assert qad.documents() == len(SETS)
    assert not {"Unknown", "RejectedByQad", "Parked"} & set(kinds(await outcomes(cluster)))


async def test_a_wrong_column_met_by_a_look_up_stops_the_connection_until_it_is_mended(
    cluster: Cluster, qad: Qad, eventually
):
    right = qad.erp._profile
    document = right.documents["invoice"]
    wrong = msgspec.structs.replace(document, find=msgspec.structs.replace(document.find, reference="customShort99"))
    lost = qad.server.control.arm(Fault(name="commit_then_reset", kind="invoice", count=1))
    async with running_sink(cluster, qad) as sink:
        qad.erp._profile = msgspec.structs.replace(right, documents={**right.documents, "invoice": wrong})
        with capture_logs() as logs:
            await sink.give(*SETS)

            async def stopped() -> None:
                assert STOPPED in events(logs)

            await eventually(stopped)
            await asyncio.sleep(1.0)
            assert sink.runs.acknowledged == []
            qad.erp._profile = right
            await eventually(sink.acknowledged, within_s=40)
    assert lost.fired == 1
    assert events(logs) == [STOPPED, GOES_ON]
    assert qad.documents() == len(SETS)


async def test_while_it_is_stopped_one_call_at_a_time_tries(cluster: Cluster, qad: Qad, eventually):
    armed = qad.server.control.arm(Fault(name="forbidden", kind="invoice"))
    with capture_logs() as logs:
        async with running_sink(cluster, qad) as sink:
            await sink.give(*SETS)

            async def probed() -> None:
                assert armed.fired >= 10

            await eventually(probed, within_s=40)
            # No intent is written ahead of the door beyond the room, and what waits there is intended again with it.
            intended = {one.subject for one in await outcomes(cluster) if isinstance(one, Intended)}
            assert len(intended) <= Limits().intended_ahead
            qad.server.control.disarm()
            await eventually(sink.acknowledged, within_s=60)
    assert events(logs) == [STOPPED, GOES_ON]
    assert qad.documents() == len(SETS)


async def test_one_connection_away_holds_no_other_back(cluster: Cluster, qad: Qad, eventually, tmp_path: Path):
    """Both lanes live in one process; of one, QAD is down, and it holds more than it may."""
    (tmp_path / "other").mkdir()
    async with running_qad(tmp_path / "other") as other, OwnedPartition(cluster, 1) as worker:
        other.server.control.set_down(is_down=True)
        Bookmark(other.bookmark).set(Mark())
        away = [posting_set(invoice(f"A{number}")) for number in range(650)]
        for sent in [await worker.send(Topic.POSTINGS, key=b"k", value=encode(event), stage="test") for event in away]:
            await sent
        down = Sink(cluster, other, worker, connection="other", partition=1)
        down.lane.start()
        down.take(await read_records(cluster, Topic.POSTINGS, 1))

        async def in_doubt() -> Sequence[AnyOutcome]:
            found = [read_outcome(record.value) for record in await read_whole(cluster, 1, [Topic.OUTCOMES])]
            assert len({one.subject for one in found}) == Limits().intended_ahead
            return found

        await eventually(in_doubt)
        async with running_sink(cluster, qad) as sink:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await sink.give(*SETS)
            await eventually(sink.acknowledged)
            took_s = loop.time() - began
        # Behind the first 32 nothing more is intended, however long it lasts; the others are not even slow.
        unknown = {one.subject for one in await in_doubt() if isinstance(one, Unknown)}
        assert (worker.held_back, down.runs.acknowledged, other.documents()) == (1, [], 0)
        assert len(unknown) <= LIMITS.concurrency
        await down.lane.close()
    assert qad.documents() == len(SETS)
    assert took_s < 8


async def test_two_openings_under_one_number_park_as_a_conflict(cluster: Cluster, qad: Qad, eventually):
    for _ in range(2):
        qad.server.control.post_by_hand("10USACO", hand_loaded("INV-OLD"), user="clerk")
    opening = posting("INV-OLD", OpeningContent(number="INV-OLD", currency="USD", item_kind="invoice"))
    applied = allocation("P1", "INV-OLD", "60.00")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(opening), posting_set(receipt("P1"), applied))
        await eventually(sink.acknowledged)
    [parked] = await outcomes(cluster, opening)
    assert isinstance(parked, Parked)
    assert parked.reason.rule == "conflict"
    assert parked.reason.value == "2"
    [waits] = await outcomes(cluster, applied)
    assert waits.reason.blocked_by == "INV-OLD"
    assert qad.server.control.counts()["10USACO"]["adjustment"] == 0


class Stumbling:
    """QAD's adapter with an error of ours at one document, before its call or behind it."""

    def __init__(self, qad: Qad, reference: str, *, behind: bool) -> None:
        self._erp = qad.erp
        self._reference = reference
        self._behind = behind
        self.stumbled = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._erp, name)

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        stumbles = command.reference == self._reference
        if stumbles and not self._behind:
            self.stumbled += 1
            raise KeyError("nobody thought of this")
        accepted = await self._erp.post(command, not_after=not_after)
        if stumbles:
            self.stumbled += 1
            raise KeyError("nobody thought of this")
        return accepted


async def test_an_error_of_ours_at_one_document_stops_no_other(cluster: Cluster, qad: Qad, eventually):
    bad = SETS[3].postings[0]
    erp = Stumbling(qad, bad.reference, behind=False)
    with capture_logs() as logs:
        async with running_sink(cluster, qad, erp=erp) as sink:
            await sink.give(*SETS)
            await eventually(sink.acknowledged, within_s=40)
            assert erp.stumbled == CRASHES_MAX
            parked = (await outcomes(cluster, bad))[-1]
            assert isinstance(parked, Parked)
            assert parked.reason.rule == "crashed"
            assert qad.documents() == len(SETS) - 1
            erp._reference = "mended"
            released = DocumentReleased(
                connection=CONNECTION,
                by="tester",
                at=datetime(2026, 1, 1, tzinfo=UTC),
                document=bad.document,
                number=bad.number,
            )
            await put(cluster, Topic.DECISIONS, released)

            async def posted() -> None:
                assert kinds(await outcomes(cluster, bad))[-1] == "Posted"

            await eventually(posted, within_s=40)
    assert [log["number"] for log in logs if log["event"] == "a posting is given up"] == [bad.number]
    assert qad.documents() == len(SETS)


async def test_an_error_of_ours_behind_a_call_is_looked_up(cluster: Cluster, qad: Qad, eventually):
    bad = SETS[3].postings[0]
    erp = Stumbling(qad, bad.reference, behind=True)
    async with running_sink(cluster, qad, erp=erp) as sink:
        await sink.give(*SETS)
        await eventually(sink.acknowledged, within_s=40)
    assert erp.stumbled == 1
    assert [one.how for one in await outcomes(cluster, bad) if isinstance(one, Posted)] == ["look_up"]
    assert qad.documents() == len(SETS)
