"""QAD: what it books and refuses, how it answers, and what it tells nobody; and the sink's way to it.

The books are tests/unit/erp.py's. A call reaches QAD as a whole or not at all; once there, it goes on without whoever
made it: it commits, now or later, and its answer comes, or does not.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import msgspec

from schemas.errors import NotSent, OutcomeUnknown, Refused, Rejected, Transient
from streams.ports import Accepted, Adjustment, Command, FoundInQad, Receipt
from tests.simulation.counting import Tally
from tests.simulation.process import Process
from tests.unit.erp import ZERO, Books

TIMEOUT_S = 3.0
# A call that is committed late is so within the settle time less the age of an intent: that is what settling means.
LATE_S = (0.5, 6.0)

ANSWERED, LOST_REPLY, LOST_REQUEST, LATE, BROKEN = "answered", "reply lost", "request lost", "committed late", "error"
OURS, OURS_LATE = "error of ours before anything was done", "error of ours, committed late"
FATES = (LOST_REPLY, LOST_REQUEST, LATE, BROKEN, OURS, OURS_LATE)


class ErrorOfOursError(KeyError):
    """What nobody thought of, in the adapter."""


@dataclass
class Qad:
    """The other side."""

    tally: Tally
    random: Random
    # Called with each call that comes in, and with each that is committed.
    came: Callable[[Command], None] = lambda command: None
    committed: Callable[[Command], None] = lambda command: None
    books: Books = field(default_factory=Books)
    documents: defaultdict[str, list[FoundInQad]] = field(default_factory=lambda: defaultdict(list))
    kinds: dict[str, str] = field(default_factory=dict)
    # What becomes of the next calls; then all are answered.
    fates: list[str] = field(default_factory=list)
    down: bool = False
    locked: bool = False
    closed_months: set[int] = field(default_factory=set)
    # Customers, accounts and, as "?", calls that QAD refuses.
    refused: set[str] = field(default_factory=set)
    # References of documents whose date somebody changed by hand.
    changed: set[str] = field(default_factory=set)
    asked: int = 0
    _coming: set[str] = field(default_factory=set)

    def come_back(self) -> None:
        """Be there again."""
        self.down = False

    def unlock(self) -> None:
        """Take the credentials again."""
        self.locked = False

    def heal(self) -> None:
        """Be as QAD should be."""
        self.come_back()
        self.unlock()
        self.fates.clear()
        self.refused.clear()
        self.changed.clear()

    def fate(self) -> str:
        """Return what becomes of a call."""
        return self.fates.pop(0) if self.fates else ANSWERED

    def commit(self, command: Command) -> Accepted:
        """Make the document, or refuse it whole."""
        self._coming.discard(command.reference)
        self._refuse(command)
        try:
            made = self.books.post(command)
        except Rejected as error:
            self.tally.fired(f"QAD refuses: {error.reason_class}")
            raise
        customer = "" if isinstance(command.payload, Adjustment) else command.customer
        payload = command.payload
        document = msgspec.structs.replace(made, customer=customer, currency=payload.currency, total=payload.total)
        allocated = sum((one for _, one in payload.allocations), ZERO) if isinstance(payload, Receipt) else None
        found = FoundInQad(
            reference=command.reference, document=document, day=payload.posting_date, allocated=allocated
        )
        self.documents[command.reference].append(found)
        kind = self.kinds[command.reference] = str(payload.__struct_config__.tag)
        self.tally.fired(f"QAD makes: {kind}")
        self.committed(command)
        return Accepted(document=document)

    def commit_late(self, command: Command) -> None:
        """Make the document when its caller has given up; nobody is told of a refusal."""
        try:
            self.commit(command)
        except Rejected:
            return

    def find(self, reference: str) -> FoundInQad | None:
        """Return the document that carries a reference."""
        found = self.documents.get(reference)
        if found:
            return self._as_it_stands(found[0])
        if reference in self._coming:
            self.tally.fired("a look-up says absent of what is committed later")
        return None

    def all(self, kind: str) -> list[list[FoundInQad]]:
        """Return what there is of a kind, page by page."""
        pages = [found for reference, found in self.documents.items() if self.kinds[reference] == kind]
        return [[self._as_it_stands(one) for one in page] for page in pages]

    def move_opening(self, number: str, customer: str) -> None:
        """Have a person move an item that others loaded to another customer."""
        self.tally.fired("an opening is moved by hand")
        item = self.books.openings[number]
        item.customer = customer
        item.document = msgspec.structs.replace(item.document, customer=customer)

    def _as_it_stands(self, found: FoundInQad) -> FoundInQad:
        if found.reference not in self.changed:
            return found
        self.tally.fired("a look-up finds what was changed by hand")
        return msgspec.structs.replace(found, day=found.day + timedelta(days=1))

    def late(self, command: Command) -> None:
        """Remember that a call is to be committed later."""
        self._coming.add(command.reference)

    def _refuse(self, command: Command) -> None:
        payload = command.payload
        accounts = {line.account for line in getattr(payload, "lines", ()) if hasattr(line, "account")}
        refusal = ""
        if payload.posting_date.month in self.closed_months:
            refusal = "period_closed"
        elif command.customer in self.refused:
            refusal = "customer"
        elif accounts & self.refused:
            refusal = "gl_account"
        elif "?" in self.refused:
            refusal = "nobody knows this"
        if refusal:
            self.tally.fired(f"QAD refuses: {refusal}")
            raise Rejected(refusal, ("no",))


class Line:
    """The sink's adapter, as one process has it (streams/ports.py, Erp)."""

    def __init__(self, process: Process, qad: Qad) -> None:
        self._process, self._qad = process, qad

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; its first byte is not sent when the intent is too old."""
        loop, qad = asyncio.get_running_loop(), self._qad
        await self._process.passing("the call")
        await self._on_the_wire()
        await self._process.passing("the first byte")
        if loop.time() > not_after:
            qad.tally.fired("an intent is too old to be sent")
            raise NotSent("too old")
        self._hold_open()
        qad.came(command)
        fate = qad.fate()
        if fate != ANSWERED:
            qad.tally.fired(f"call: {fate}")
        if fate == BROKEN:
            raise Transient("502 before anything was done")
        if fate == LOST_REQUEST:
            await asyncio.sleep(TIMEOUT_S)
            raise OutcomeUnknown("no answer")
        if fate == OURS:
            raise ErrorOfOursError
        if fate in (LATE, OURS_LATE):
            qad.late(command)
            loop.call_later(qad.random.uniform(*LATE_S), qad.commit_late, command)
            if fate == OURS_LATE:
                raise ErrorOfOursError
            await asyncio.sleep(qad.random.choice((0.0, TIMEOUT_S)))
            raise OutcomeUnknown("no answer")
        takes_s = qad.random.uniform(0.01, 0.2)
        if fate == LOST_REPLY:
            loop.call_later(takes_s, qad.commit_late, command)
            await asyncio.sleep(TIMEOUT_S)
            raise OutcomeUnknown("no answer")
        answer: asyncio.Future[Accepted] = loop.create_future()
        loop.call_later(takes_s, self._commit, command, answer)
        accepted = await answer
        await self._process.passing("the answer")
        return accepted

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        await self._asked()
        return self._qad.find(reference)

    async def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        await self._asked()
        for page in self._qad.all(kind):
            yield page

    async def find_opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        await self._asked()
        item = self._qad.books.openings.get(number)
        return FoundInQad(reference="", document=item.document) if item else None

    def can_find(self, kind: str) -> bool:
        return True

    def nets(self, kind: str) -> bool:
        return False

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        return tuple(filter(self.can_find, kinds))

    def _commit(self, command: Command, answer: asyncio.Future[Accepted]) -> None:
        try:
            accepted = self._qad.commit(command)
        except Rejected as error:
            if not answer.done():
                answer.set_exception(error)
            return
        if not answer.done():
            answer.set_result(accepted)

    async def _asked(self) -> None:
        await self._process.passing("the question")
        await self._on_the_wire()
        self._hold_open()

    async def _on_the_wire(self) -> None:
        await asyncio.sleep(self._qad.random.uniform(0.0, 0.05))

    def _hold_open(self) -> None:
        self._qad.asked += 1
        if self._qad.down:
            self._qad.tally.fired("QAD is away")
            raise NotSent("connection refused")
        if self._qad.locked:
            self._qad.tally.fired("QAD refuses the credentials")
            raise Refused("401")
