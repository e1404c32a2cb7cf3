"""A document that hangs keeps its run open, and holds nothing else of its connection back."""

import msgspec
import pytest

from adapters.kafka import owned
from adapters.kafka.cluster import Cluster
from adapters.kafka.owned import InMemory
from sandbox.qad.faults import Fault
from schemas.outcomes import Posted, Unknown
from streams.ports import Accepted, Command
from tests.broker.erps import Qad, invoice, posting_set
from tests.broker.lanes import OwnedPartition, Runs
from tests.broker.sinks import LIMITS, outcomes, running_sink

# What is unknown stays in doubt for longer than a test takes.
IN_DOUBT = msgspec.structs.replace(LIMITS, settle_s=300.0)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    for name, count in (("DOCUMENTS_HIGH", 60), ("DOCUMENTS_LOW", 30), ("DOCUMENTS_MAX", 150)):
        monkeypatch.setattr(owned, name, count)


async def test_behind_a_document_in_doubt_the_others_are_fetched_and_posted(cluster: Cluster, qad: Qad, eventually):
    armed = qad.server.control.arm(Fault(name="reset_before_commit", kind="invoice", count=1))
    postings = [invoice(f"INV{number}") for number in range(100)]
    async with running_sink(cluster, qad, limits=IN_DOUBT) as sink:
        # Two runs, one of them with what hangs: together more than a lane may hold.
        await sink.give(*map(posting_set, postings[:50]))
        await sink.give(*map(posting_set, postings[50:]))
        assert sink.worker.held_back

        async def all_but_one() -> None:
            said = await outcomes(cluster)
            posted = {one.subject for one in said if isinstance(one, Posted)}
            hanging = {one.subject for one in said if isinstance(one, Unknown)}
            assert len(hanging) == 1
            assert posted == {one.id for one in postings} - hanging
            assert len(sink.runs.acknowledged) == 1

        await eventually(all_but_one)
        assert not sink.worker.held_back
    assert armed.fired == 1


async def test_a_lane_that_opens_again_counts_what_is_open_anew(cluster: Cluster, qad: Qad, eventually, monkeypatch):
    """Each of its runs is begun again, and what has ended of it by then ends again at once."""
    armed = qad.server.control.arm(Fault(name="reset_before_commit", kind="invoice", count=1))
    post, stumbled = qad.erp.post, []

    async def stumbling(command: Command, *, not_after: float) -> Accepted:
        if command.number == "INV-X" and not stumbled:
            stumbled.append(command.number)
            raise KeyError("nobody thought of this")
        return await post(command, not_after=not_after)

    monkeypatch.setattr(qad.erp, "post", stumbling)
    async with running_sink(cluster, qad, limits=IN_DOUBT) as sink:
        await sink.give(*(posting_set(invoice(f"INV{number}")) for number in range(50)))

        async def posted(count: int) -> None:
            assert len([one for one in await outcomes(cluster) if isinstance(one, Posted)]) == count

        await eventually(lambda: posted(49))
        await sink.give(posting_set(invoice("INV-X")))
        # It was intended when the session ended: now it is in doubt as well.
        for number in range(10):
            await sink.give(*(posting_set(invoice(f"INV{number}-{line}")) for line in range(6)))
        await eventually(lambda: posted(109))
        assert not sink.worker.held_back
        assert len(sink.runs.acknowledged) == 10
        # The two in doubt, and so many as are one too many with them.
        await sink.give(*(posting_set(invoice(f"INV-M{number}")) for number in range(59)))
        assert sink.worker.held_back
    assert stumbled
    assert armed.fired == 1


def test_the_runs_that_documents_in_doubt_keep_open_are_bounded_as_well(cluster: Cluster):
    worker, run = OwnedPartition(cluster), Runs().event(*range(50))
    memory = InMemory(worker)
    for is_held_back in (False, False, False, True):
        memory.took(run)
        for _ in range(49):
            memory.ended()
        assert bool(worker.held_back) == is_held_back
    memory.acknowledged(run)
    assert not worker.held_back
    # A lane that takes one run after the other says nothing of single documents.
    memory.clear()
    memory.took(run)
    memory.took(run)
    assert worker.held_back
    memory.acknowledged(run)
    assert worker.held_back
    memory.acknowledged(run)
    assert not worker.held_back
