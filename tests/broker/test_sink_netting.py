"""Credit notes that QAD nets by their link: once, to the cent, and recorded; whatever is lost on the way."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.kafka.cluster import Cluster
from sandbox.qad.faults import Fault
from schemas.outcomes import Parked, Posted
from schemas.postings import Act, Posting
from schemas.topics import Topic
from tests.adapters.netting import WORDS
from tests.broker.erps import Qad, allocation, credit_note, invoice, posting, posting_set, receipt, running_qad
from tests.broker.lanes import read_records
from tests.broker.sinks import cut_outcomes, kinds, outcomes, running_sink

OWED = invoice("INV1")
CREDIT_MEMO = "credit_memo"


def memo(number: str, total: str = "40.00") -> Posting:
    """Return a memo that refers to the invoice."""
    plain = credit_note(number, total)
    content = msgspec.structs.replace(plain.content, refers_to=OWED.document)
    return posting(number, content, kind=CREDIT_MEMO, after=(OWED.id,))


NOTE, APPLIED = memo("CM1"), allocation("CM1", "INV1", "40.00", payer_kind=CREDIT_MEMO)


def taken_back() -> Posting:
    """Return what takes the application of the memo back."""
    content = msgspec.structs.replace(APPLIED.content, reopens=True, row="r2")
    after = (*APPLIED.after, APPLIED.id)
    return posting("CM1", content, kind=CREDIT_MEMO, act=Act.ALLOCATE, step="deallocate:r2", after=after)


@pytest.fixture(params=[False, True], ids=["rest", "qxtend"])
async def qad(request, tmp_path: Path) -> AsyncIterator[Qad]:
    async with running_qad(tmp_path, over_qxtend=request.param) as found:
        found.server.control.change_settings({"books": {"nets_linked": True}})
        nets(found)
        yield found
        found.check_books()


def nets(qad: Qad) -> None:
    """Have the port's profile say that credit notes are netted by their link."""
    link, (fields, column) = ("item_year", "item_daybook", "item_voucher"), WORDS["house"]
    profile = qad.erp._profile
    note = profile.posted["credit_note"]
    find = msgspec.structs.replace(note.find, allocated=column)
    if profile.qxtend is None:
        said = {**note.fields, **dict(zip(link, fields, strict=True))}
        note = msgspec.structs.replace(note, nets=True, find=find, fields=said)
        documents = {**profile.documents, "credit_note": note}
        qad.erp._profile = msgspec.structs.replace(profile, documents=documents)
        return
    elements = ("tiLinkedPeriodYear", "tcLinkedJournalCode", "tiLinkedDInvoiceVoucher")
    first, *others = note.tables
    first = msgspec.structs.replace(first, fields={**first.fields, **dict(zip(link, elements, strict=True))})
    note = msgspec.structs.replace(note, nets=True, find=find, tables=(first, *others))
    qxtend = msgspec.structs.replace(profile.qxtend, documents={**profile.qxtend.documents, "credit_note": note})
    qad.erp._qxtend = qxtend
    qad.erp._profile = msgspec.structs.replace(profile, qxtend=qxtend)


def open_amounts(qad: Qad) -> list[Decimal]:
    return [item["open_amount"] for item in qad.server.control.items("10USACO")]


def adjustments(qad: Qad) -> int:
    return qad.server.control.counts()["10USACO"]["adjustment"]


async def newest(cluster: Cluster, one: Posting) -> object:
    return (await outcomes(cluster, one))[-1]


async def test_its_application_is_recorded_and_taking_it_back_is_posted(cluster: Cluster, qad: Qad, eventually):
    back = taken_back()
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED), posting_set(NOTE, APPLIED))
        await eventually(sink.acknowledged)
        posted, applied = await newest(cluster, NOTE), await newest(cluster, APPLIED)
        assert isinstance(posted, Posted)
        assert posted.carried == (APPLIED.id,)
        assert isinstance(applied, Posted)
        assert (applied.how, applied.qad.voucher, applied.total) == ("carried", posted.qad.voucher, 40)
        assert (open_amounts(qad), adjustments(qad)) == ([60, 0], 0)
        await sink.give(posting_set(back))
        await eventually(lambda: sink.acknowledged(2))
    assert (await newest(cluster, back)).how == "answer"
    assert (open_amounts(qad), adjustments(qad)) == ([100, 40], 1)


@pytest.mark.parametrize(
    "rows",
    [
        [allocation("CM1", "INV1", "30.00", payer_kind=CREDIT_MEMO)],
        [
            allocation("CM1", "INV1", "30.00", payer_kind=CREDIT_MEMO),
            allocation("CM1", "INV2", "10.00", payer_kind=CREDIT_MEMO, row="r2"),
        ],
    ],
    ids=["a part", "two invoices"],
)
async def test_what_zuora_applies_otherwise_is_posted_by_itself(cluster: Cluster, qad: Qad, eventually, rows):
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED), posting_set(invoice("INV2")), posting_set(NOTE, *rows))
        await eventually(sink.acknowledged)
    assert {(await newest(cluster, row)).how for row in rows} == {"answer"}
    assert (await newest(cluster, NOTE)).carried == ()
    assert adjustments(qad) == len(rows)
    assert sum(open_amounts(qad)) == 240 - 2 * sum(row.content.amount for row in rows)


async def test_a_later_application_to_another_invoice_is_posted_when_the_first_was_taken_back(
    cluster: Cluster, qad: Qad, eventually
):
    back = taken_back()
    anew = allocation("CM1", "INV2", "40.00", payer_kind=CREDIT_MEMO, row="r3")
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED), posting_set(invoice("INV2")), posting_set(NOTE, APPLIED))
        await eventually(sink.acknowledged)
        await sink.give(posting_set(back, anew))
        await eventually(lambda: sink.acknowledged(2))
    assert [kinds(await outcomes(cluster, one))[-1] for one in (back, anew)] == ["Posted", "Posted"]
    assert sorted(open_amounts(qad)) == [0, 60, 100]


@pytest.mark.parametrize("paid", ["80.00", "100.00"], ids=["a part is open", "nothing is open"])
async def test_where_qad_has_less_open_than_zuora_applies(cluster: Cluster, qad: Qad, eventually, paid: str):
    """As where somebody allocated a receipt there by hand: nothing is guessed at, and nothing is netted twice."""
    cash = receipt("P1", paid)
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED), posting_set(cash, allocation("P1", "INV1", paid)))
        await eventually(sink.acknowledged)
        await sink.give(posting_set(NOTE, APPLIED))
        await eventually(lambda: sink.acknowledged(2))
    assert isinstance(await newest(cluster, NOTE), Posted)
    stands = await newest(cluster, APPLIED)
    assert isinstance(stands, Parked)
    # Of a part nobody can tell; where nothing was netted, the application went by itself, and QAD refused it.
    assert stands.reason.rule == ("carried_or_not" if paid == "80.00" else "open_item")
    if paid == "80.00":
        assert "credit note ZCRN 1 of 2026" in stands.reason.message


@pytest.mark.parametrize("fault", ["commit_then_reset", "commit_then_hang"])
async def test_an_answer_that_is_lost_is_looked_up_and_the_netting_found(
    cluster: Cluster, qad: Qad, eventually, fault: str
):
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED))
        await eventually(sink.acknowledged)
        armed = qad.server.control.arm(Fault(name=fault, count=1))
        await sink.give(posting_set(NOTE, APPLIED))
        await eventually(lambda: sink.acknowledged(2))
    assert armed.fired == 1
    assert (await newest(cluster, APPLIED)).how == "carried"
    assert (open_amounts(qad), adjustments(qad)) == ([60, 0], 0)


async def test_a_log_that_lost_its_end_nets_and_applies_nothing_twice(cluster: Cluster, qad: Qad, eventually):
    async with running_sink(cluster, qad) as sink:
        await sink.give(posting_set(OWED), posting_set(NOTE, APPLIED))
        await eventually(sink.acknowledged)
    assert await cut_outcomes(cluster, keep=2) >= 3
    async with running_sink(cluster, qad) as sink:
        sink.take(await read_records(cluster, Topic.POSTINGS))
        await eventually(sink.acknowledged)
    assert (await newest(cluster, APPLIED)).how == "carried"
    assert (open_amounts(qad), adjustments(qad)) == ([60, 0], 0)
