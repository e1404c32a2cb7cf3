"""A receipt counts as posted when QAD has made its GL entry; and what QAD's yes shows is held against what was sent."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from adapters.kafka.cluster import Cluster
from sandbox.qad.books.documents import DocumentKey
from sandbox.qad.faults import Fault
from schemas.decisions import DocumentReleased
from schemas.outcomes import Parked, Posted, Waiting
from schemas.postings import Posting
from schemas.topics import Topic
from tests.broker.erps import CONNECTION, Qad, allocation, credit_note, invoice, posting_set, receipt, running_qad
from tests.broker.lanes import read_records
from tests.broker.sinks import LIMITS, Sink, cut_outcomes, kinds, outcomes, put, running_sink

SOON = msgspec.structs.replace(LIMITS, look_again_s=0.1)
PAID, OWED = receipt("P1", "60.00"), invoice("INV1")
APPLIED = allocation("P1", "INV1", "60.00")


@pytest.fixture(params=[False, True], ids=["rest", "qxtend"])
async def qad(request, tmp_path: Path) -> AsyncIterator[Qad]:
    async with running_qad(tmp_path, over_qxtend=request.param) as found:
        found.server.control.change_settings({"books": {"payments_wait": True}})
        yield found
        found.check_books()


def key_of(qad: Qad, one: Posting) -> DocumentKey:
    [document] = qad.server.control.find(one.reference)
    return DocumentKey(**document["key"])


def sent(qad: Qad) -> int:
    return sum(call.is_write for call in qad.server.control.requests())


async def newest(cluster: Cluster, one: Posting) -> object:
    return (await outcomes(cluster, one))[-1]


def becomes(cluster: Cluster, one: Posting, wanted: type):
    async def become() -> None:
        assert isinstance(await newest(cluster, one), wanted)

    return become


async def taken(sink: Sink, eventually) -> None:
    """Hand over an invoice, a receipt that waits in QAD, and its application."""
    await sink.give(posting_set(OWED), posting_set(PAID, APPLIED))
    await eventually(sink.acknowledged)


async def test_a_receipt_waits_until_qad_has_made_its_entry_and_so_does_what_refers_to_it(
    cluster: Cluster, qad: Qad, eventually
):
    async with running_sink(cluster, qad, limits=SOON) as sink:
        await taken(sink, eventually)
        waits, behind = await newest(cluster, PAID), await newest(cluster, APPLIED)
        assert isinstance(waits, Waiting)
        assert waits.reason.rule == "no_gl_entry"
        assert "ZPAY 1 of 2026 in status Initial" in waits.reason.message
        assert isinstance(behind, Waiting)
        assert behind.reason.blocked_by == "P1"
        asked = len(qad.server.control.requests())

        async def looked_up_again() -> None:
            assert len(qad.server.control.requests()) >= asked + 3

        await eventually(looked_up_again)
        # Looking up says nothing new, and nothing is sent: an invoice and a receipt.
        assert kinds(await outcomes(cluster, PAID)) == ["Intended", "Waiting"]
        assert sent(qad) == 2
        qad.server.control.pay_by_hand(key_of(qad, PAID), user="clerk")
        await eventually(becomes(cluster, APPLIED, Posted))
    assert kinds(await outcomes(cluster, PAID)) == ["Intended", "Waiting", "Posted"]
    assert sent(qad) == 3
    [item] = [item for item in qad.server.control.items("10USACO") if item["is_debit"]]
    assert str(item["open_amount"]) == "40.00"


@pytest.mark.parametrize("cut", [False, True], ids=["log whole", "log cut"])
async def test_a_restart_looks_it_up_and_sends_nothing(cluster: Cluster, qad: Qad, eventually, cut: bool):
    async with running_sink(cluster, qad) as sink:
        await taken(sink, eventually)
    if cut:
        assert await cut_outcomes(cluster, keep=0) >= 4
    for _ in range(2):
        async with running_sink(cluster, qad) as sink:
            sink.take(await read_records(cluster, Topic.POSTINGS))
            await eventually(sink.acknowledged)
            await eventually(becomes(cluster, PAID, Waiting))
    assert sent(qad) == 2
    qad.server.control.pay_by_hand(key_of(qad, PAID), user="clerk")
    async with running_sink(cluster, qad, limits=SOON):
        await eventually(becomes(cluster, APPLIED, Posted))
    assert sent(qad) == 3


async def test_a_receipt_that_was_cancelled_parks_and_is_looked_up_by_a_release(cluster: Cluster, qad: Qad, eventually):
    async with running_sink(cluster, qad, limits=SOON) as sink:
        await taken(sink, eventually)
        qad.server.control.cancel_by_hand(key_of(qad, PAID), user="clerk")
        await eventually(becomes(cluster, PAID, Parked))
        parked = await newest(cluster, PAID)
        assert parked.reason.rule == "never_entered"
        assert isinstance(await newest(cluster, APPLIED), Waiting)
        # What was cancelled keeps its document; without our reference there the receipt is sent anew.
        qad.server.control.change_settings({"books": {"payments_wait": False}})
        qad.server.control.amend_by_hand(key_of(qad, PAID), {"custom_short_0": ""}, user="clerk")
        await put(cluster, Topic.DECISIONS, released(PAID))
        await eventually(becomes(cluster, APPLIED, Posted), within_s=30)
    assert isinstance(await newest(cluster, PAID), Posted)
    assert sent(qad) == 4


async def test_a_receipt_that_is_gone_from_qad_parks_and_is_not_sent_by_itself(cluster: Cluster, qad: Qad, eventually):
    async with running_sink(cluster, qad, limits=SOON) as sink:
        await taken(sink, eventually)
        qad.server.control.amend_by_hand(key_of(qad, PAID), {"custom_short_0": ""}, user="clerk")
        await eventually(becomes(cluster, PAID, Parked), within_s=30)
    assert (await newest(cluster, PAID)).reason.rule == "gone_from_qad"
    assert sent(qad) == 2


async def test_a_receipt_that_browses_show_late_is_not_taken_for_gone(cluster: Cluster, qad: Qad, eventually):
    late = qad.server.control.arm(Fault(name="late_visibility", kind="payment", count=1, seconds=1.2))
    async with running_sink(cluster, qad, limits=SOON) as sink:
        # From here on no call of an owner before this one is waited for.
        await asyncio.sleep(SOON.settle_s)
        await taken(sink, eventually)
        asked = len(qad.server.control.requests())

        async def looked_up() -> None:
            assert len(qad.server.control.requests()) > asked

        await eventually(looked_up)
        qad.server.control.pay_by_hand(key_of(qad, PAID), user="clerk")
        await eventually(becomes(cluster, APPLIED, Posted), within_s=30)
    assert late.fired == 1
    assert kinds(await outcomes(cluster, PAID)) == ["Intended", "Waiting", "Posted"]
    assert sent(qad) == 3


async def test_what_qad_makes_by_a_cent_more_is_named_at_once_and_holds_what_refers_to_it(
    cluster: Cluster, qad: Qad, eventually
):
    """The answer is compared where it shows the total; here it is read back."""
    control = qad.server.control
    control.change_settings({"books": {"payments_wait": False, "off_by": 0.01}})
    reading_back(qad)
    async with running_sink(cluster, qad) as sink:
        await taken(sink, eventually)
        parked = await newest(cluster, OWED)
        assert isinstance(parked, Parked)
        assert parked.reason.rule == "conflict"
        assert "total=100.01, not total=100.00" in parked.reason.message
        assert isinstance(await newest(cluster, PAID), Posted)
        assert (await newest(cluster, APPLIED)).reason.blocked_by == "INV1"
        # A person undoes it there and switches QAD's own reckoning off: released, it is sent as it should be.
        control.change_settings({"books": {"off_by": 0}})
        control.amend_by_hand(key_of(qad, OWED), {"custom_short_0": ""}, user="clerk")
        await put(cluster, Topic.DECISIONS, released(OWED))
        await eventually(becomes(cluster, APPLIED, Posted), within_s=30)
    assert kinds(await outcomes(cluster, OWED)) == ["Intended", "Parked", "Intended", "Posted"]


async def test_what_is_read_back_as_it_was_sent_is_posted(cluster: Cluster, qad: Qad, eventually):
    qad.server.control.change_settings({"books": {"payments_wait": False}})
    reading_back(qad)
    before = len(qad.server.control.requests())
    async with running_sink(cluster, qad) as sink:
        await taken(sink, eventually)
    assert kinds(await outcomes(cluster, OWED)) == ["Intended", "Posted"]
    browsed = [call for call in qad.server.control.requests()[before:] if call.kind == "browse"]
    assert len(browsed) >= 1


async def test_a_list_that_kinds_share_does_not_say_of_one_what_counts_for_another(
    cluster: Cluster, qad: Qad, eventually
):
    """Credit notes stand in the list of invoices, and an invoice counts in any status."""
    note = credit_note("CM1")
    find = msgspec.structs.replace(qad.erp._profile.posted["credit_note"].find, status="currencyCode")
    saying_of(qad, "credit_note", posted_when=("Final",), find=find)
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED), posting_set(note))
        await eventually(sink.acknowledged)
        assert isinstance(await newest(cluster, note), Waiting)
    await cut_outcomes(cluster, keep=0)
    async with running_sink(cluster, qad) as sink:
        sink.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(sink.acknowledged, within_s=30)
        assert isinstance(await newest(cluster, OWED), Posted)
        assert (await newest(cluster, note)).reason.rule == "no_gl_entry"
    assert sent(qad) == 2


def reading_back(qad: Qad) -> None:
    """Have the port read invoices back."""
    saying_of(qad, "invoice", read_back=True)


def saying_of(qad: Qad, kind: str, **said: object) -> None:
    """Have the port's profile say more of a kind."""
    erp = qad.erp
    profile = erp._profile
    documents = {**profile.posted, kind: msgspec.structs.replace(profile.posted[kind], **said)}
    if profile.qxtend is None:
        erp._profile = msgspec.structs.replace(profile, documents=documents)
        return
    erp._qxtend = msgspec.structs.replace(profile.qxtend, documents=documents)
    erp._profile = msgspec.structs.replace(profile, qxtend=erp._qxtend)


def released(one: Posting) -> DocumentReleased:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return DocumentReleased(connection=CONNECTION, by="tester", at=at, document=one.document, number=one.number)
