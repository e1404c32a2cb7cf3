"""Two postings of one pair that wake together: what undoes an allocation must not annul one that is just being sent.

The session is the lane's own; what it writes and whom it calls stand in memory, a commit and a call take a moment.
"""

import asyncio
from collections.abc import Iterable

from adapters.kafka.reader import LogRecord
from adapters.kafka.sink_lane import _Known, _Session
from schemas.codec import encode
from schemas.outcomes import Document
from schemas.topics import Topic
from streams.outcomes import decode_outcome
from streams.sink import saying
from streams.sink.freezing import freeze, intended
from streams.sink.saying import Job
from streams.sink.state import SinkState, Status
from tests.unit import builders as zuora
from tests.unit.defects import defect
from tests.unit.world import World, world

MOMENT_S = 0.002


class Quay:
    """The writer, the calls and the inputs of one session."""

    def __init__(self, found: World) -> None:
        self.found = found
        self.state = SinkState()
        self.vouchers = 0

    async def say(self, *outcomes) -> None:
        await asyncio.sleep(MOMENT_S)
        for outcome in outcomes:
            self.state.take(decode_outcome(encode(outcome)))

    async def make(self, job: Job, inverted) -> None:
        frozen = freeze(job.posting, state=self.state, inverted=inverted)
        place = {"connection": job.connection, "origin": job.origin, "index": job.index}
        intent = intended(job.posting, frozen, **place, attempt=1, mapping_version=1)
        await self.say(intent)
        await asyncio.sleep(MOMENT_S)
        self.vouchers += 1
        document = Document(year=2026, daybook="Z", voucher=self.vouchers)
        await self.say(saying.say_posted(job, intent, document, how="answer"))

    async def get(self, offsets: Iterable[int]) -> dict[int, LogRecord]:
        values = self.found.log[Topic.POSTINGS]
        return {offset: LogRecord(Topic.POSTINGS, offset, 0, b"", values[offset]) for offset in offsets}


@defect(
    "sink_lane._step: Annul does not ask whether the posting that it annuls is being made at this moment "
    "(`_live`): the allocation is then in QAD and what undoes it is superseded, so QAD stays paid where Zuora is "
    "open"
)
async def test_an_allocation_that_is_just_being_sent_is_not_annulled():
    later = {"effectiveDate": "2026-03-12", "created": "2026-03-12T10:00:00Z"}
    rows = [zuora.row("100.00", effectiveDate="2026-03-11"), zuora.row("-100.00", "r2", **later)]
    found = world().put(zuora.payment("100.00", rows[0]))
    found.put(zuora.payment("100.00", *rows, updated="2026-03-12T10:00:00Z"), zuora.simple_invoice())
    quay = Quay(found)
    async with asyncio.TaskGroup() as tasks:
        session = _Session(quay.state, quay, tasks, inputs=quay, say=quay.say, known=_Known({}))
        for origin, event in enumerate(found.sets):
            await asyncio.gather(*session.begin_new(saying.jobs_of(event, origin)))
    applied, unapplied = (
        quay.state.status(posting.id) for posting in found.postings if posting.step in {"allocate:r1", "deallocate:r2"}
    )
    assert applied is unapplied
    assert applied in {Status.POSTED, Status.SUPERSEDED}
