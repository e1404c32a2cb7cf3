"""What QAD holds under our references: asked one by one, or read page by page where the log cannot say it.

A log of outcomes that has lost its end makes postings look new that stand in QAD. Here is who may, and what QAD says of
them. It never posts and never writes; what follows from an answer is decided in streams/sink/.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec

from adapters.clock import boot_time_s
from adapters.kafka.sink_gate import Gate
from schemas.errors import Conflict
from schemas.ids import PostingId, machine_reference
from schemas.money import ZERO
from schemas.outcomes import Intended
from schemas.postings import OpeningContent, ReceiptContent
from streams.ports import Erp, FoundInQad
from streams.sink import saying
from streams.sink.carrying import Carrying, carrying, in_question
from streams.sink.freezing import kind_of
from streams.sink.saying import Job
from streams.sink.state import SinkState, Standing

# Every kind of document that a posting can be in QAD. Those that are made most often come before those that share a
# browse with them: it is read in the words of the first, and of another kind it says only that something is there.
KINDS = (
    "invoice",
    "credit_note",
    "receipt",
    "adjustment",
    "refund",
    "refund_reversal",
    "bounce",
    "transfer",
    "journal",
)

Answer = TypeVar("Answer")


class Holdings:
    """What QAD holds, for one session of a lane."""

    def __init__(self, erp: Erp, state: SinkState, *, gate: Gate, moved: Callable[[], None]) -> None:
        """Build it: the log is taken at its word until `look_for` or `distrust`.

        Args:
            erp: QAD.
            state: Where all postings stand; the lane keeps it.
            gate: The connection's door.
            moved: Called whenever QAD was asked: the watchdog listens.
        """
        self._erp = erp
        self._state = state
        self._gate = gate
        self._moved = moved
        self._looked = asyncio.Event()
        self._looked.set()
        self._lost_below = 0
        # What QAD held when that was read, packed: there may be a million of them. An empty one stood there more than
        # once.
        self._already: dict[str, bytes] = {}
        self._has_read = False
        self._read_as: frozenset[str] = frozenset()
        self._looks_for: frozenset[PostingId] = frozenset()

    def look_for(self, names: frozenset[PostingId], *, below: int) -> None:
        """Have these looked up one by one before they are sent first, or end with what undoes them.

        Their turn had not come while the owner was there that read what QAD holds.

        Args:
            names: What stands still: it may stand in QAD from before the log lost its end.
            below: Postings from before this offset may have been sent.
        """
        self._looks_for, self._lost_below = names, below

    def distrust(self, below: int) -> None:
        """Hold all that is not in doubt back until what QAD holds has been read: the log cannot say that it is nothing.

        Args:
            below: Postings from before this offset may have been sent.
        """
        self._lost_below = max(self._lost_below, below)
        self._looked.clear()

    async def read(self, *, sure_from: float) -> None:
        """Read, page by page, what QAD holds under our references; then what is not in doubt may begin.

        Args:
            sure_from: Boot-time clock from which on no call of an owner before can be on the wire.
        """
        await asyncio.sleep(max(sure_from - boot_time_s(), 0.0))
        kinds = self._erp.lists_of(KINDS)
        for kind in kinds:
            # Paging is by position: a row that leaves the list meanwhile moves one that nobody has read to a page that
            # was. So a list of several pages is read until a reading shows nothing that was not known.
            while await self._answered(partial(self._shows_more, kind)):
                pass
        self._has_read, self._read_as = True, frozenset(kinds)
        self._looked.set()

    async def looked(self) -> None:
        """Return once what QAD holds has been read, where the log cannot say it."""
        await self._looked.wait()

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a reference; asked in a slot of the caller's until QAD answers.

        Raises:
            Conflict: Several carry it.
        """
        return await self._answered(lambda: self._erp.find(kind, reference))

    async def find_opening(self, content: OpeningContent) -> FoundInQad | None:
        """Return an item that others loaded before the cut-over; asked in a slot of the caller's until QAD answers.

        Raises:
            Conflict: Several carry its number.
        """
        return await self._answered(
            lambda: self._erp.find_opening(
                number=content.number, item_kind=content.item_kind, currency=content.currency
            )
        )

    def must_be_found(self, name: PostingId, first: int) -> bool:
        """Return whether to ask QAD for a posting before its first attempt; once `looked`.

        Of what the log may have lost, no list alone says that it is absent: a row can leave it while it is read.

        Args:
            name: The posting.
            first: Its first input's offset.
        """
        if not self._has_read:
            return name in self._looks_for
        return self._stood_there(name) or self.may_be_lost(first)

    def when_read(self, name: PostingId, kind: str) -> FoundInQad | None:
        """Return the one document that stood in QAD for a posting when that was read, or None.

        None as well for a kind whose list was read in the words of another: signs and statuses may mean something else.
        """
        packed = self._already.get(machine_reference(name)) if kind in self._read_as else None
        return _unpack(packed) if packed else None

    def may_be_lost(self, first: int) -> bool:
        """Return whether the log may have lost an outcome of a posting whose first input stands at this offset."""
        return first < self._lost_below

    def may_have_been_sent(self, name: PostingId, first: int) -> bool:
        """Return whether a posting may have been sent without a trace.

        Args:
            name: The posting.
            first: Its first input's offset.
        """
        return self.may_be_lost(first) or name in self._looks_for

    def tells_by_all(self, job: Job, standing: Standing) -> bool:
        """Return whether what QAD shows of a receipt in doubt tells more once all that it holds has been read.

        It may have been sent once more than the log knows. Whether it carries an application is told then by which of
        them QAD holds as documents of their own; looked at before that, a person would have to look.
        """
        return bool(job.offers) and self.may_have_been_sent(job.name, standing.first)

    def may_be_held(self, name: PostingId) -> bool:
        """Return whether QAD may hold a posting that by the log is not there; once `looked`."""
        standing = self._state.postings.get(name)
        if standing is not None and not standing.stands_still:
            return False
        if self._has_read and self._stood_there(name):
            return True
        return standing is not None and self.may_have_been_sent(name, standing.first)

    async def held(self, job: Job) -> Decimal | None:
        """Return how much QAD holds of such a posting, or None; all of it where nobody can tell how much."""
        kind, whole = kind_of(job.posting.content), saying.worth(job)[1] or ZERO
        if not self._erp.can_find(kind):
            return whole if self.may_be_lost(self._state.postings[job.name].first) else None
        if self._has_read and not self._stood_there(job.name):
            return None
        try:
            async with self._gate.slots:
                # Asked again where it was read: somebody may have taken it out since.
                found = await self.find(kind, job.posting.reference)
        except Conflict:
            return whole
        return None if found is None else found.document.total or whole

    def carrying(self, job: Job, intent: Intended, found: FoundInQad) -> Carrying:
        """Return which allocations a document that was found carries: by the log, or else by what QAD shows of it."""
        standing = self._state.postings.get(job.name)
        # An intent that QAD refused is not the one that made this document: that one is lost. So may be a later one.
        known = standing if standing is not None and standing.intent is not None and standing.may_be_there else None
        is_receipt = isinstance(job.posting.content, ReceiptContent)
        if known is not None and not self.may_have_been_sent(job.name, known.first):
            if is_receipt or not intent.carried:
                return Carrying(carried=intent.carried)
            # By its link QAD nets what is open of both: less than was meant where somebody has used the invoice. What
            # was meant is all of it, by the intent: newer content may come without the rows that made it up.
            if found.allocated == ZERO:
                return Carrying()
            is_whole = found.allocated == intent.total
            return Carrying(carried=intent.carried) if is_whole else Carrying(untold=intent.carried)
        if not is_receipt and not self._erp.nets(kind_of(job.posting.content)):
            return Carrying()
        question = in_question(job.offers, self._state, customer=found.document.customer, by_itself=self._stood_there)
        return carrying(question, found.allocated, others_known=self._has_read)

    def _stood_there(self, name: PostingId) -> bool:
        return machine_reference(name) in self._already

    async def _answered(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask QAD until it answers: asking changes nothing, so it is repeated without limit, with growing pauses."""
        turn = self._gate.turn()
        while True:
            async with turn:
                self._moved()
                return await ask()

    async def _shows_more(self, kind: str) -> bool:
        """Read a list; return whether it came on several pages and showed what was not known before."""
        found: dict[str, bytes] = {}
        pages = 0
        async for page in self._erp.find_all(kind):
            self._moved()
            pages += 1
            for one in page:
                found[one.reference] = b"" if one.reference in found else _pack(one)
        known = len(self._already)
        # What two lists show is as the first of them showed it.
        self._already = found | self._already
        return pages > 1 and len(self._already) > known


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(FoundInQad).decode
