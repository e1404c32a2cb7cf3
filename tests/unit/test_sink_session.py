"""Two postings of one pair that wake together: what undoes an allocation must not annul one that is just being sent.

The session is the lane's own; what it writes and whom it calls stand in memory, a commit and a call take a moment.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import permutations

import msgspec
import pytest

from adapters.kafka.crashes import CRASHES_MAX
from adapters.kafka.reader import LogRecord
from adapters.kafka.sink_session import Session
from adapters.kafka.sink_sides import Known
from adapters.kafka.sink_wire import Wire
from schemas.codec import encode
from schemas.errors import Rejected
from schemas.events import read_outcome
from schemas.outcomes import Document, Waiting
from schemas.reasons import Reason
from schemas.topics import Topic
from streams import waits
from streams.ports import Adjustment
from streams.sink import answers, saying
from streams.sink.freezing import freeze
from streams.sink.freezing import intended as intent_of
from streams.sink.saying import Job
from streams.sink.state import SinkState, Status
from tests.unit import builders as zuora
from tests.unit.world import World, world

MOMENT_S = 0.002


class Quay:
    """The writer, the calls and the inputs of one session."""

    def __init__(self, found: World) -> None:
        self.found = found
        self.state = SinkState()
        self.vouchers = 0
        self.room = Decimal(10**6)
        self.moved: list[Decimal] = []

    async def say(self, *outcomes) -> None:
        await asyncio.sleep(MOMENT_S)
        for outcome in outcomes:
            self.state.take(read_outcome(encode(outcome)))

    async def looked(self) -> None:
        pass

    def may_be_held(self, name) -> bool:
        return False

    async def make(self, job: Job, inverted, is_newest) -> None:
        assert is_newest()
        frozen = freeze(job.posting, state=self.state, inverted=inverted)
        place = {"connection": job.connection, "origin": job.origin, "index": job.index}
        intent = intent_of(job.posting, frozen, **place, attempt=1, mapping_version=1)
        await self.say(intent)
        await asyncio.sleep(MOMENT_S)
        if isinstance(frozen.command.payload, Adjustment):
            if frozen.total > self.room:
                rejected = Rejected("open_item", ("no room",))
                how, reason = answers.refusal(rejected, job.posting)
                await self.say(saying.say_rejected(job, intent, rejected), saying.say_still(job, how, reason))
                return
            self.moved.append(frozen.total)
        self.vouchers += 1
        document = Document(year=2026, daybook="Z", voucher=self.vouchers)
        await self.say(saying.say_posted(job, intent, document, how="answer"))

    async def get(self, offsets: Iterable[int]) -> dict[int, LogRecord]:
        values = self.found.log[Topic.POSTINGS]
        return {offset: LogRecord(Topic.POSTINGS, offset, 0, b"", values[offset]) for offset in offsets}


def applied_and_unapplied(day: str) -> World:
    """Return a world in which a payment was applied on a day and unapplied later; the invoice comes last."""
    later = {"effectiveDate": "2026-03-12", "created": "2026-03-12T10:00:00Z"}
    rows = [zuora.row("100.00", effectiveDate=day), zuora.row("-100.00", "r2", **later)]
    found = world().put(zuora.payment("100.00", rows[0]))
    return found.put(zuora.payment("100.00", *rows, updated="2026-03-12T10:00:00Z"), zuora.simple_invoice())


async def send(quay: Quay, *runs: Iterable[int], crashes: Counter[str] | None = None) -> None:
    """Begin with what is in doubt; hand the inputs of each run over at once, and wait until all have ended."""
    crashes = Counter() if crashes is None else crashes
    async with asyncio.TaskGroup() as tasks:
        session = Session(
            quay.state, quay, quay, tasks, inputs=quay, say=quay.say, known=Known({}), wire=Wire(), crashes=crashes
        )
        await asyncio.gather(*await session._begin_again(quay.state.to_settle()))
        for origins in runs:
            jobs = [job for origin in origins for job in saying.jobs_of(quay.found.sets[origin], origin)]
            await asyncio.gather(*session.begin_new(jobs))


def statuses(quay: Quay, *steps: str) -> list[Status | None]:
    return [quay.state.status(posting.id) for posting in quay.found.postings if posting.step in steps]


async def test_an_allocation_that_is_just_being_sent_is_not_annulled():
    quay = Quay(applied_and_unapplied("2026-03-11"))
    await send(quay, *([origin] for origin in range(len(quay.found.sets))))
    applied, unapplied = statuses(quay, "allocate:r1", "deallocate:r2")
    assert applied is unapplied
    assert applied in {Status.POSTED, Status.SUPERSEDED}


@pytest.mark.parametrize("runs", [*permutations([[0], [1], [2]]), ([2], [0, 1]), ([2], [1, 0]), ([0, 1, 2],)])
async def test_a_receipt_carries_an_allocation_or_it_is_annulled_never_both(runs):
    quay = Quay(applied_and_unapplied(zuora.DAY))
    await send(quay, *runs)
    applied, unapplied = statuses(quay, "allocate:r1", "deallocate:r2")
    assert applied is unapplied
    assert applied in {Status.POSTED, Status.SUPERSEDED}
    assert applied is Status.POSTED or not carried_by(quay)


def carried_by(quay: Quay) -> list[str]:
    return [name for standing in quay.state.postings.values() for name in standing.carried]


APPLIED, UNAPPLIED, RECEIPT = "allocate:r1", "deallocate:r2", "document"


@pytest.mark.parametrize("receipt_is_there", [False, True])
@pytest.mark.parametrize(
    "order", [*permutations([APPLIED, UNAPPLIED, RECEIPT]), (UNAPPLIED, RECEIPT), (RECEIPT, UNAPPLIED)], ids=" ".join
)
async def test_an_allocation_that_waits_is_annulled_or_goes_whatever_begins_at_one_moment(order, receipt_is_there):
    """The application waits for its receipt; all three begin at once, and each must find what the others do."""
    quay = Quay(applied_and_unapplied(zuora.DAY))
    jobs = {
        (job.posting.document, job.posting.step): job
        for origin, event in enumerate(quay.found.sets)
        for job in saying.jobs_of(event, origin)
    }
    receipt, allocation = jobs["payment:pay1", RECEIPT], jobs["payment:pay1", APPLIED]
    told = Reason(rule="waits_for_posting", message="", waits_for=(waits.posting(receipt.name),))
    # Its place counts from the end: the same posting, and older than what is handed over below.
    quay.state.take(saying.say_still(msgspec.structs.replace(allocation, index=-1), Waiting, told))
    async with asyncio.TaskGroup() as tasks:
        session = Session(
            quay.state, quay, quay, tasks, inputs=quay, say=quay.say, known=Known({}), wire=Wire(), crashes=Counter()
        )
        await asyncio.gather(*session.begin_new([jobs["invoice:inv1", RECEIPT]]))
        if receipt_is_there:
            document = Document(year=2026, daybook="Z", voucher=99)
            quay.state.take(saying.say_there(receipt, document, customer="C1", how="opening"))
        await asyncio.gather(*session.begin_new([jobs["payment:pay1", step] for step in order]))
    applied, unapplied = statuses(quay, APPLIED, UNAPPLIED)
    assert (applied is unapplied, quay.state.status(receipt.name)) == (True, Status.POSTED)
    assert applied in {Status.POSTED, Status.SUPERSEDED}
    # Of the two adjustments both were made, or none: the invoice and the receipt (if sent), a carried one is no call.
    calls = (0 if applied is Status.SUPERSEDED else 1 if carried_by(quay) else 2) + 1 + (not receipt_is_there)
    assert quay.vouchers == calls
    assert applied is Status.POSTED or not carried_by(quay)


@pytest.mark.parametrize("order", [(APPLIED, UNAPPLIED), (UNAPPLIED, APPLIED)], ids=" ".join)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_has_no_room_and_what_makes_room_never_wait_for_each_other(order, at_once):
    """QAD has room for 90.00 of the 100.00 that are applied: 10.00 of them were unapplied again."""
    later = {"effectiveDate": "2026-03-12", "created": "2026-03-12T10:00:00Z"}
    rows = [zuora.row("100.00", effectiveDate="2026-03-11"), zuora.row("-10.00", "r2", **later)]
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", rows[0]))
    quay = Quay(found.put(zuora.payment("100.00", *rows, updated="2026-03-12T10:00:00Z")))
    quay.room = Decimal(90)
    jobs = {
        (job.posting.document, job.posting.step): job
        for origin, event in enumerate(found.sets)
        for job in saying.jobs_of(event, origin)
    }
    async with asyncio.TaskGroup() as tasks:
        session = Session(
            quay.state, quay, quay, tasks, inputs=quay, say=quay.say, known=Known({}), wire=Wire(), crashes=Counter()
        )
        await asyncio.gather(*session.begin_new([jobs["invoice:inv1", RECEIPT], jobs["payment:pay1", RECEIPT]]))
        both = [jobs["payment:pay1", step] for step in order]
        for some in [both] if at_once else [[job] for job in both]:
            await asyncio.gather(*session.begin_new(some))
    assert quay.moved == [Decimal(90)]
    assert statuses(quay, APPLIED, UNAPPLIED) == [Status.POSTED, Status.SUPERSEDED]


@pytest.mark.parametrize("runs", [*permutations([[0], [1], [2]]), ([2], [0, 1]), ([0, 1, 2],)])
async def test_what_is_given_up_is_not_taken_back_from_what_undoes_it(runs):
    """An application at which the lane has crashed too often parks, unless its unapplication ends both meanwhile."""
    quay = Quay(applied_and_unapplied("2026-03-11"))
    [applied] = [posting.id for posting in quay.found.postings if posting.step == "allocate:r1"]
    await send(quay, *runs, crashes=Counter({applied: CRASHES_MAX}))
    first, second = statuses(quay, "allocate:r1", "deallocate:r2")
    if second is Status.SUPERSEDED:
        assert first is Status.SUPERSEDED
    else:
        assert first is Status.PARKED
        assert not quay.state.postings[applied].may_be_there


@pytest.mark.parametrize("intended", [False, True])
async def test_what_is_given_up_may_be_in_qad_only_where_a_call_was_intended(intended):
    quay = Quay(world().put(zuora.simple_invoice()))
    [posting] = [one for one in quay.found.postings if one.step == "document"]

    async def make(job: Job, inverted, is_newest) -> None:
        if intended:
            frozen = freeze(job.posting, state=quay.state, inverted=inverted)
            place = {"connection": job.connection, "origin": job.origin, "index": job.index}
            await quay.say(intent_of(job.posting, frozen, **place, attempt=1, mapping_version=1))
        raise KeyError("nobody thought of this")

    quay.make = make
    crashes = Counter[str]()
    for number in range(CRASHES_MAX):
        with pytest.raises(ExceptionGroup):
            await send(quay, [0], crashes=crashes)
        assert crashes[posting.id] == number + 1
    await send(quay, [0], crashes=crashes)
    standing = quay.state.postings[posting.id]
    assert (standing.status, standing.may_be_there, crashes[posting.id]) == (Status.PARKED, intended, 0)
