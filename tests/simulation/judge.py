"""What must hold: at each call that QAD gets, at each document that it makes, and when all has come to rest.

It sees the log as everybody does, and both systems' own books. It keeps what it found, for a test to raise.
"""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

from schemas.codec import canonical
from schemas.events import read_dead_letter, read_outcome, read_postings
from schemas.ids import PostingId, hash_of
from schemas.outcomes import AnyOutcome, Intended, Parked, Posted, Superseded, Waiting
from schemas.postings import CreditNoteContent, InvoiceContent, OpeningContent, Posting, PostingSet
from schemas.topics import Topic
from streams.ports import Command
from tests.simulation.cash import Cash
from tests.simulation.kafka import Entry, Log
from tests.simulation.qad import Qad
from tests.unit.erp import Item

ZERO = Decimal(0)
STANDS_FOR_A_DOCUMENT = frozenset({"document", "inverse", "transfer"})


class Judge:
    """The invariants of one connection."""

    def __init__(self, log: Log, qad: Qad, zuora: Cash) -> None:
        self.violations: list[str] = []
        self.postings: dict[PostingId, Posting] = {}
        self.outcomes: dict[str, AnyOutcome] = {}
        self.standings: dict[tuple[str, str], AnyOutcome] = {}
        # To which customers each account was ever linked.
        self.customers: defaultdict[str, set[str]] = defaultdict(set)
        self.sets: dict[int, PostingSet] = {}
        # What people moved from revenue elsewhere, and stands so.
        self.moved: Callable[[], Decimal] = lambda: ZERO
        self._intents: dict[str, Intended] = {}
        self._log, self._qad, self._zuora = log, qad, zuora
        log.committed = self._committed
        qad.came, qad.committed = self._came, self._made

    def read_again(self) -> None:
        """Forget what was said, and read what the log still holds of it."""
        self.outcomes.clear()
        self.standings.clear()
        for entry in self._log.visible(Topic.OUTCOMES.value, 0)[0]:
            self._outcome(entry)

    def forget_intents(self) -> None:
        """Know of no intent, as if none had been written."""
        self._intents.clear()

    def parked(self) -> list[str]:
        """Return the documents that a person must release: parked in a stage, or one of their postings in the sink."""
        said = (*self.standings.values(), *self.outcomes.values())
        return sorted({one.document for one in said if isinstance(one, Parked)})

    def left_behind(self) -> list[str]:
        """Return the postings that are neither in QAD nor superseded, and the documents that stand still."""
        left = [
            f"{posting.document} {posting.step} #{posting.n}: {_said(self.outcomes.get(name))}"
            for name, posting in self.postings.items()
            if not isinstance(self.outcomes.get(name), Posted | Superseded)
        ]
        standing = [said for said in self.standings.values() if isinstance(said, Waiting | Parked)]
        return left + [f"{said.stage} {said.subject}: {_said(said)}" for said in standing]

    def at_rest(self) -> list[str]:
        """Return what is wrong when everything has been read, released and sent."""
        found = self.left_behind()
        for entry in self._log.topics[Topic.DEAD_LETTERS.value]:
            found.append(f"dead letter: {read_dead_letter(entry.value).reason}")
        for name in self._zuora.invoices:
            found.extend(self._compare(f"invoice:{name}", self._zuora.balance(name)))
        for name in self._zuora.payers:
            kind = "credit_memo" if name.startswith("cm") else "payment"
            found.extend(self._compare(f"{kind}:{name}", -self._zuora.owed_to(name)))
        for name in self._zuora.payments():
            account = self._zuora.about[name].account
            holders = {item.customer for item in self._items(f"payment:{name}") if item.open}
            strangers = sorted(holders - self.customers[account])
            if account and strangers:
                found.append(f"payment:{name}: {account} was never {strangers}'s, which have its money in QAD")
        ledger = self._qad.books.ledger
        for accounts, truth in self._zuora.ledger(self.moved()).items():
            booked = sum((ledger["EUR", account] for account in accounts), ZERO)
            if booked != truth:
                found.append(f"GL {' and '.join(accounts)}: {truth} by Zuora, {booked} in QAD")
        return found

    def elsewhere(self) -> list[OpeningContent]:
        """Return the openings that are parked because QAD has them under another customer."""
        parked = (one for one in self.outcomes.values() if isinstance(one, Parked))
        contents = (self.postings[PostingId(one.subject)].content for one in parked)
        return [one for one in contents if isinstance(one, OpeningContent) and one.customer]

    def owed(self, document: str) -> Decimal:
        """Return what is open in QAD of all that a document ever became: owed above zero."""
        return sum((item.open if item.owed else -item.open for item in self._items(document)), ZERO)

    def _items(self, document: str) -> list[Item]:
        """Return the open items in QAD of all that a document ever became."""
        books = self._qad.books
        opening = books.openings.get(document.partition(":")[2].upper())
        items = [opening] if opening else []
        for posting in self.postings.values():
            if posting.document == document and posting.step in STANDS_FOR_A_DOCUMENT:
                made = self._qad.documents.get(posting.reference, ())
                vouchers = (found.document.voucher for found in made)
                items.extend(books.items[voucher] for voucher in vouchers if voucher in books.items)
        return items

    def _compare(self, document: str, truth: Decimal) -> list[str]:
        owed = self.owed(document)
        return [] if owed == truth else [f"{document}: {truth} in Zuora, {owed} in QAD"]

    def _committed(self, topic: str, entry: Entry) -> None:
        if topic == Topic.OUTCOMES.value:
            self._outcome(entry)
        elif topic == Topic.POSTINGS.value:
            event = self.sets[entry.offset] = read_postings(entry.value)
            self.postings.update({posting.id: posting for posting in event.postings})

    def _outcome(self, entry: Entry) -> None:
        said = read_outcome(entry.value)
        if said.stage != "sink":
            self.standings[said.stage, said.subject] = said
            return
        self.outcomes[said.subject] = said
        if isinstance(said, Intended):
            self._intents[said.reference] = said

    def _came(self, command: Command) -> None:
        intent = self._intents.get(command.reference)
        if intent is None or intent.content_hash != hash_of(canonical(command)):
            self.violations.append(f"{command.number}: called without its intent")
            return
        posting = self.sets[intent.origin].postings[intent.index]
        for name in posting.after:
            if not isinstance(self.outcomes.get(name), Posted | Superseded):
                before = self.postings[name].step if name in self.postings else "what has not come"
                self.violations.append(f"{command.number} {posting.step}: called before {before}")

    def _made(self, command: Command) -> None:
        if len(self._qad.documents[command.reference]) > 1:
            self.violations.append(f"{command.number}: two documents for one posting")
        match command.payload:
            case InvoiceContent() as content:
                balance = content.total + sum((line.debit - line.credit for line in content.lines), ZERO)
            case CreditNoteContent() as content:
                balance = -content.total + sum((line.debit - line.credit for line in content.lines), ZERO)
            case _:
                balance = ZERO
        if balance:
            self.violations.append(f"{command.number}: its entry does not balance, by {balance}")


def _said(outcome: AnyOutcome | None) -> str:
    if outcome is None:
        return "nothing is said of it"
    reason = getattr(outcome, "reason", None)
    return f"{type(outcome).__name__} {reason.message if reason else ''}".strip()
