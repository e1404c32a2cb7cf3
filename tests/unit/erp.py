"""QAD as far as money goes, and the pure part of the sink run against it, one posting at a time.

The model keeps open items and the general ledger, and refuses what QAD refuses: an adjustment that takes more from an
item than is open, or gives back more than was taken. What adapters/kafka/sink_lane.py does side by side is done here in
any one order that the dependencies allow.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import msgspec

from schemas.codec import encode
from schemas.errors import Rejected
from schemas.events import read_outcome, read_postings
from schemas.ids import PostingId
from schemas.outcomes import AnyOutcome, Document, Parked, Posted, Superseded, Waiting
from schemas.postings import (
    Content,
    CreditNoteContent,
    InverseContent,
    InvoiceContent,
    JournalContent,
    OpeningContent,
    PostingSet,
    TransferContent,
)
from schemas.topics import Topic
from streams import waits
from streams.ports import Adjustment, BankMove, Command, Receipt, RefundReversal, Transfer
from streams.sink import answers, saying
from streams.sink.freezing import freeze, intended
from streams.sink.saying import Job, jobs_of
from streams.sink.state import SinkState
from streams.sink.steps import Annul, CarriedBy, Drop, FindOpening, Ready, WaitFor, moved_by, next_step
from tests.unit.world import World

ZERO = Decimal(0)


@dataclass
class Item:
    """An open item: `owed` by the customer, or to them."""

    document: Document
    customer: str
    total: Decimal
    open: Decimal
    owed: bool


@dataclass
class Books:
    """What stands in QAD."""

    items: dict[int, Item] = field(default_factory=dict)
    ledger: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    openings: dict[str, Item] = field(default_factory=dict)
    vouchers: int = 0
    adjustments_closed: bool = False
    journals_closed: bool = False

    def post(self, command: Command) -> Document:
        """Make a document, or refuse it whole."""
        payload = command.payload
        self.vouchers += 1
        document = Document(year=payload.posting_date.year, daybook=payload.daybook, voucher=self.vouchers)
        match payload:
            case InvoiceContent() | CreditNoteContent():
                owed = isinstance(payload, InvoiceContent)
                self._item(document, command.customer, payload.total, owed=owed)
                self._book(payload.currency, "control", payload.total if owed else -payload.total)
                for line in payload.lines:
                    self._book(payload.currency, line.account, line.debit - line.credit)
                for row in payload.tax_rows:
                    self._book(payload.currency, row.account, -row.tax if owed else row.tax)
            case Receipt():
                used = sum((amount for _, amount in payload.allocations), ZERO)
                moves = [(target, -amount) for target, amount in payload.allocations]
                self._move([*moves])
                self._item(document, command.customer, payload.total, owed=False).open -= used
                self._book(payload.currency, payload.bank_account, payload.total)
                self._book(payload.currency, "control", -payload.total)
            case JournalContent() | Transfer() | BankMove():
                self._money(document, command)
            case Adjustment():
                if self.adjustments_closed:
                    raise Rejected("period_closed", ("the period is closed",))
                self._move([(line.document, self._change(line)) for line in payload.lines])
        return document

    def _money(self, document: Document, command: Command) -> None:
        payload = command.payload
        match payload:
            case JournalContent():
                if self.journals_closed:
                    raise Rejected("period_closed", ("the period is closed",))
                for line in payload.lines:
                    self._book(payload.currency, line.account, line.debit - line.credit)
            case Transfer():
                if payload.item is not None:
                    self._move([(payload.item.document, -payload.item.debit)])
                else:
                    self._book(payload.currency, payload.unassigned.account, payload.unassigned.debit)
                    self._book(payload.currency, "control", -payload.total)
                self._item(document, command.customer, payload.total, owed=False)
            case BankMove():
                back = isinstance(payload, RefundReversal)
                self._move([(payload.item, payload.total if back else -payload.total)])
                self._book(payload.currency, payload.bank_account, payload.total if back else -payload.total)
                self._book(payload.currency, "control", -payload.total if back else payload.total)

    def opening(self, number: str, total: str, *, owed: bool, customer: str = "C1") -> None:
        """Load an item from before the cut-over, as others would."""
        self.vouchers += 1
        document = Document(year=2025, daybook="OPEN", voucher=self.vouchers, customer=customer)
        self.openings[number] = self._item(document, customer, Decimal(total), owed=owed)

    def open_of(self, document: Document) -> Decimal:
        return self.items[document.voucher].open

    def _item(self, document: Document, customer: str, total: Decimal, *, owed: bool) -> Item:
        self.items[document.voucher] = Item(document, customer, total, total, owed)
        return self.items[document.voucher]

    def _change(self, line: object) -> Decimal:
        up_for_owed = line.debit - line.credit  # type: ignore[attr-defined]
        return up_for_owed if self._open_item(line.document).owed else -up_for_owed  # type: ignore[attr-defined]

    def _open_item(self, document: Document) -> Item:
        """Return an open item; a journal makes none."""
        if document.voucher not in self.items:
            raise Rejected("open_item", (f"voucher {document.voucher} is no open item",))
        return self.items[document.voucher]

    def _move(self, moves: list[tuple[Document, Decimal]]) -> None:
        after = {document.voucher: self._open_item(document).open + change for document, change in moves}
        for voucher, amount in after.items():
            if not ZERO <= amount <= self.items[voucher].total:
                raise Rejected("open_item", (f"voucher {voucher} would be open by {amount}",))
        for voucher, amount in after.items():
            self.items[voucher].open = amount

    def _book(self, currency: str, account: str, debit: Decimal) -> None:
        self.ledger[currency, account] += debit


class Sink:
    """The sink of one connection, with the QAD it speaks to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.books = Books()
        self.state = SinkState()
        self.outcomes: list[AnyOutcome] = []
        self.sent: list[Command] = []
        self.jobs: dict[PostingId, Job] = {}
        self._taken = 0
        self._held: set[PostingId] = set()

    def run(self, *, order: Random | None = None) -> "Sink":
        """Take what the ledger wrote and bring all as far as it goes, in its own order or any other."""
        self.take_up()
        moved = True
        while moved:
            moved = False
            for job in self._pending(order):
                moved |= self._step(job)
        return self

    def send_next(self) -> "Sink":
        """Take what the ledger wrote and bring the first that can go on a step on, no other."""
        self.take_up()
        assert any(self._step(job) for job in self._pending(None))
        return self

    def take_up(self) -> None:
        """Take what the ledger wrote since the last time."""
        values = self.world.log[Topic.POSTINGS]
        for origin in range(self._taken, len(values)):
            self._take(read_postings(values[origin]), origin)
        self._taken = len(values)

    def inverted(self, job: Job) -> Content | None:
        """Return what an inverse undoes, as it was built."""
        content = job.posting.content
        is_of = isinstance(content, InverseContent | TransferContent)
        return self.jobs[content.of].posting.content if is_of else None

    def release(self) -> "Sink":
        """Try again what QAD refused."""
        self._held.clear()
        return self.run()

    @property
    def parked(self) -> list[str]:
        """Return the steps that QAD refused, once or more."""
        return [self.jobs[PostingId(one.subject)].posting.step for one in self.outcomes if isinstance(one, Parked)]

    @property
    def stuck(self) -> list[str]:
        """Return the steps that are neither in QAD nor superseded."""
        return [self.jobs[name].posting.step for name in self.jobs if not self.state.settled(name)]

    def open_of(self, document: str, n: int = 1) -> Decimal:
        """Return what is open of the n-th posting of a document."""
        for job in self.jobs.values():
            posting = job.posting
            if (posting.document, posting.step, posting.n) == (document, "document", n):
                qad = self.state.postings[posting.id].qad
                assert qad is not None, f"{document} #{n} is not in QAD"
                return self.books.open_of(qad)
        raise AssertionError(f"{document} #{n} was never posted")

    def owed(self, document: str) -> Decimal:
        """Return what is open of all postings of a document and their inverses: owed above zero."""
        total = ZERO
        for name, job in self.jobs.items():
            posting, standing = job.posting, self.state.postings.get(name)
            if posting.document == document and posting.step in {"document", "inverse"} and standing and standing.qad:
                item = self.books.items[standing.qad.voucher]
                total += item.open if item.owed else -item.open
        return total

    def _take(self, event: PostingSet, origin: int) -> None:
        for job in jobs_of(event, origin):
            standing = self.state.postings.get(job.name)
            if standing is None or standing.stands_still:
                self.jobs[job.name] = job

    def _pending(self, order: Random | None) -> Iterable[Job]:
        jobs = [job for job in self.jobs.values() if not self.state.settled(job.name)]
        if order is not None:
            order.shuffle(jobs)
        return jobs

    def _step(self, job: Job) -> bool:
        """Bring one posting on; return whether anything changed."""
        standing = self.state.postings.get(job.name)
        if self.state.settled(job.name) or job.name in self._held:
            return False
        job = msgspec.structs.replace(job, undone=self.state.undone(job.name))
        match next_step(job.posting, self.state):
            case Ready():
                self._send(job)
            case FindOpening(content):
                self._find(job, content)
            case CarriedBy(qad, customer):
                self._say(saying.say_there(job, qad, customer=customer, how="carried"))
            case Annul() as annul:
                for outcome in saying.say_annulled(job, annul, self.state):
                    self._say(outcome)
                self._held.difference_update(self.state.held_by(map(waits.item, moved_by(job.posting))))
            case Drop(reason):
                self._say(saying.say_still(job, Superseded, reason))
            case WaitFor(_, reason):
                if standing is not None and standing.reason is not None and standing.reason.reason == reason:
                    return False
                self._say(saying.say_still(job, Waiting, reason))
        return True

    def _send(self, job: Job) -> None:
        frozen = freeze(job.posting, state=self.state, inverted=self.inverted(job))
        intent = intended(
            job.posting,
            frozen,
            connection=job.connection,
            origin=job.origin,
            index=job.index,
            attempt=1,
            mapping_version=job.mapping_version,
        )
        self._say(intent)
        try:
            document = self.books.post(frozen.command)
        except Rejected as error:
            how, reason = answers.refusal(error, job.posting)
            self._say(saying.say_rejected(job, intent, error))
            self._say(saying.say_still(job, how, reason))
            self._held.add(job.name)
            return
        self.sent.append(frozen.command)
        self._say(saying.say_posted(job, intent, document, how="answer"))

    def _find(self, job: Job, content: OpeningContent) -> None:
        found = self.books.openings.get(content.number)
        document = found.document if found else None
        stop = answers.opening_stop(content, document)
        if stop is not None:
            self._say(saying.say_still(job, Parked, stop))
            self._held.add(job.name)
        elif document is not None:
            self._say(saying.say_there(job, document, customer=document.customer, how="opening"))

    def _say(self, outcome: AnyOutcome) -> None:
        self.outcomes.append(outcome)
        self.state.take(read_outcome(encode(outcome)))
        if isinstance(outcome, Posted):
            posting = self.jobs[PostingId(outcome.subject)].posting
            moved = (waits.posting(posting.id), *map(waits.item, moved_by(posting)))
            self._held.difference_update(self.state.held_by(moved))
