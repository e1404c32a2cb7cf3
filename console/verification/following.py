"""Follows the log record by record, in the order of each topic, and holds what can be held on the way.

I3: postings balance. I6: each event names its cause, each decision its person. I7: what stands still says why, what
cannot be read is in dead letters. I10: nothing is unclassified. What the sink says is followed in `calls.py`. Topics
come in the order of `TOPICS`: what is named has been read before what names it.
"""

from collections.abc import Callable
from functools import partial
from sys import intern

from msgspec.structs import astuple

from console.verification import views
from console.verification.balance import imbalance
from console.verification.calls import Calls
from console.verification.facts import STANDING_STILL, Log, PostingFacts, Standstill, later
from console.verification.reading import Entry
from console.verification.report import Findings
from schemas.errors import Unreadable
from schemas.events import EVENTS
from schemas.ids import document_key, machine_reference
from schemas.topics import Topic

TOPICS = (
    Topic.DECISIONS,
    Topic.DEAD_LETTERS,
    Topic.RECORDS,
    Topic.MATCHED,
    Topic.POSTINGS,
    Topic.OUTCOMES,
    Topic.CURSORS,
)
# QAD's refusal, or an error of ours, that nobody has thought of.
_UNKNOWN = frozenset({"unclassified", "crashed"})
# How a stage says that an input has ended it several times.
_CRASHED = "crash"
# Topics whose records a stage decides one by one.
_DECIDED = (Topic.RECORDS, Topic.MATCHED, Topic.POSTINGS)
# Which topic the inputs of a deciding stage stand in.
_INPUTS = {"match": Topic.RECORDS, "ledger": Topic.MATCHED}


class Following:
    """Takes the records of one connection's log."""

    def __init__(self, log: Log, findings: Findings) -> None:
        """Follow into these facts, and name what is broken."""
        self._log = log
        self._findings = findings
        self._calls = Calls(log, findings)
        self._take: dict[Topic, Callable[[Entry], bool]] = {
            Topic.DECISIONS: self._decision,
            Topic.DEAD_LETTERS: self._dead_letter,
            Topic.RECORDS: self._record,
            Topic.MATCHED: self._matched,
            Topic.POSTINGS: self._postings,
            Topic.OUTCOMES: self._outcome,
            Topic.CURSORS: self._cursor,
        }

    def take(self, topic: Topic, entry: Entry) -> None:
        """Take one record; bytes that were given up as no event are none."""
        self._log.read[topic] += 1
        if (topic.value, entry.offset) in self._log.dead:
            return
        if not self._take[topic](entry) and not self._log.is_new(topic, entry.offset):
            self._findings.name(
                "I7",
                "bytes that are no event, and that are not in dead letters",
                number=entry.key.decode(errors="replace"),
                evidence=(self._log.evidence(topic, entry.offset),),
            )

    # -- people, and what was given up -------------------------------------------------------------------------------

    def _decision(self, entry: Entry) -> bool:
        decision = views.read_decision(entry.value)
        if decision is None:
            return False
        if not decision.by or not decision.at:
            what = f"a decision ({decision.type}) without its person or moment"
            self._findings.name("I6", what, evidence=(self._log.evidence(Topic.DECISIONS, entry.offset),))
        if decision.mapping is not None:
            books = decision.mapping.daybooks
            self._log.cut_over = decision.mapping.cut_over
            self._log.daybooks |= set(astuple(books)) - {""}
        return True

    def _dead_letter(self, entry: Entry) -> bool:
        letter = views.read_dead_letter(entry.value)
        if letter is None:
            return False
        document = _document_of(letter.key)
        if not _is_event(letter):
            self._log.dead.add((letter.topic, letter.offset))
        if document:
            self._log.document(document).dead = (letter.topic, letter.offset)
        evidence = (self._log.evidence(Topic.DEAD_LETTERS, entry.offset), f"{letter.topic} at {letter.offset}")
        number = letter.key.decode(errors="replace")
        if not (letter.stage and letter.reason and letter.next_step):
            what = "a dead letter without stage, reason or next step"
            self._findings.name("I7", what, document=document, number=number, evidence=evidence)
        if _CRASHED in letter.reason:
            what = f"it was given up after {letter.reason}: nobody knows why"
            self._findings.name("I10", what, document=document, number=number, evidence=evidence)
        return True

    # -- from Zuora to postings --------------------------------------------------------------------------------------

    def _record(self, entry: Entry) -> bool:
        record = views.read_record(entry.value)
        if record is None:
            return False
        name = document_key(record.kind, record.id)
        self._log.place(Topic.RECORDS, entry.offset, name)
        document = self._log.document(name)
        document.read_at, stamp = entry.offset, record.stamp
        # Two who poll at once may bring an older version behind a newer one.
        if not document.stamp or later(stamp, document.stamp):
            document.stamp = stamp
        self._followed(name, Topic.RECORDS, entry.offset)
        for paid in record.pays:
            owed = self._log.document(paid)
            if name not in owed.payers:
                owed.payers = (*owed.payers, name)
        return True

    def _matched(self, entry: Entry) -> bool:
        matched = views.read_matched(entry.value)
        if matched is None:
            return False
        name = document_key(matched.kind, matched.id)
        self._log.place(Topic.MATCHED, entry.offset, name)
        self._log.document(name).matched_at = entry.offset
        self._followed(name, Topic.MATCHED, entry.offset)
        self._caused(name, cause=Topic.RECORDS, origin=matched.origin, topic=Topic.MATCHED, offset=entry.offset)
        return True

    def _postings(self, entry: Entry) -> bool:
        event = views.read_postings(entry.value)
        if event is None:
            return False
        name = document_key(event.kind, event.id)
        self._followed(name, Topic.POSTINGS, entry.offset)
        self._caused(name, cause=Topic.MATCHED, origin=event.origin, topic=Topic.POSTINGS, offset=entry.offset)
        for index, posting in enumerate(event.postings):
            self._posting(posting, entry.offset, index)
        self._log.said[entry.offset] = tuple(self._log.postings[posting.id].id for posting in event.postings)
        return True

    def _posting(self, posting: views.Posting, offset: int, index: int) -> None:
        evidence = (self._log.evidence(Topic.POSTINGS, offset),)
        wrong = imbalance(posting.content)
        if wrong:
            self._name("I3", f"{posting.step} does not balance: {wrong}", posting, evidence)
        try:
            agrees = posting.reference == machine_reference(posting.id)  # type: ignore[arg-type]  # as it stands there
        except ValueError:
            agrees = False
        if not agrees:
            what = f"{posting.step} carries the reference {posting.reference}, which is not its own"
            self._name("I2", what, posting, evidence)
        known = self._log.postings.get(posting.id)
        facts = _facts_of(posting, self._log, offset=offset, index=index)
        if known is None:
            self._log.postings[facts.id] = facts
            document = self._log.document(facts.document)
            document.postings = (*document.postings, facts.id)
        else:
            for field in ("number", "currency", "total", "needs", "after", "origin", "index"):
                setattr(known, field, getattr(facts, field))

    # -- outcomes ----------------------------------------------------------------------------------------------------

    def _outcome(self, entry: Entry) -> bool:
        outcome = views.read_outcome(entry.value)
        if outcome is None:
            return False
        self._explained(outcome, entry.offset)
        self._followed(outcome.document, Topic.OUTCOMES, entry.offset)
        if outcome.stage in _INPUTS:
            self._of_document(outcome, entry.offset)
        elif outcome.stage == "sink":
            self._calls.take(outcome, entry)
        return True

    def _explained(self, outcome: views.Outcome, offset: int) -> None:
        """Hold that what stands still says why, and that somebody knows what it means."""
        name = partial(
            self._findings.name,
            document=outcome.document,
            number=outcome.number,
            evidence=(self._log.evidence(Topic.OUTCOMES, offset),),
        )
        reason = outcome.reason or views.Reason()
        if outcome.type in (*STANDING_STILL, "superseded"):
            needed = {"rule": reason.rule, "sentence": reason.message}
            if outcome.type == "parked":
                needed["next step"] = reason.next_step
            missing = [part for part, text in needed.items() if not text]
            if missing:
                name("I7", f"it is {outcome.type} and says no {', no '.join(missing)}")
        if _UNKNOWN & {reason.rule, outcome.reason_class}:
            name("I10", f"{outcome.type} for a reason that nobody knows")

    def _of_document(self, outcome: views.Outcome, offset: int) -> None:
        """Take up where match or ledger hold a document."""
        document = self._log.document(outcome.subject)
        document.held = tuple(held for held in document.held if held.stage != outcome.stage)
        if outcome.type in STANDING_STILL and outcome.reason is not None:
            stage, how, rule = map(intern, (outcome.stage, outcome.type, outcome.reason.rule))
            document.held = (*document.held, Standstill(stage, how, rule, offset))
        cause = _INPUTS[outcome.stage]
        self._caused(outcome.document, cause=cause, origin=outcome.origin, topic=Topic.OUTCOMES, offset=offset)

    # -- polls -------------------------------------------------------------------------------------------------------

    def _cursor(self, entry: Entry) -> bool:
        cursor = views.read_cursor(entry.value)
        if cursor is not None and cursor.type == "cursor":
            self._log.read_to[cursor.kind] = cursor.read_to
        return cursor is not None and (cursor.type == "reread" or bool(cursor.read_to))

    # -- what several need -------------------------------------------------------------------------------------------

    def _caused(self, document: str, *, cause: Topic, origin: int, topic: Topic, offset: int) -> None:
        """Hold that an event comes from a record of its own document."""
        if self._log.is_new(cause, origin) or self._log.at(cause, origin) == document:
            return
        what = f"it names {self._log.evidence(cause, origin)} as its cause, and that is not of this document"
        self._findings.name("I6", what, document=document, evidence=(self._log.evidence(topic, offset),))

    def _followed(self, name: str, topic: Topic, offset: int) -> None:
        """Take note that something came of a document: behind a dead letter, or while the systems were read."""
        document = self._log.document(name)
        if self._log.is_new(topic, offset):
            document.moving = True
        if document.dead is not None and document.dead[0] == topic and document.dead[1] < offset:
            document.dead = None

    def _name(
        self, invariant: str, what: str, posting: views.Posting | PostingFacts, evidence: tuple[str, ...]
    ) -> None:
        self._findings.name(invariant, what, document=posting.document, number=posting.number, evidence=evidence)


def _document_of(key: bytes) -> str:
    """Return the document that a record's key names, "" where it names none."""
    parts = key.decode(errors="replace").split("|")
    return document_key(parts[1], parts[2]) if len(parts) == 3 else ""


def _is_event(letter: views.DeadLetter) -> bool:
    """Return whether a dead letter is an event of its topic: given up all the same, it is followed as one."""
    topic = next((topic for topic in _DECIDED if topic.value == letter.topic), None)
    try:
        return topic is not None and bool(EVENTS[topic](letter.value))
    except Unreadable:
        return False


def _facts_of(posting: views.Posting, log: Log, *, offset: int, index: int) -> PostingFacts:
    content = posting.content
    needs = tuple(log.known_id(name) for name in (content.payer, content.item, content.of, content.closes) if name)
    return PostingFacts(
        id=posting.id,
        reference=posting.reference,
        number=posting.number,
        document=log.document(posting.document).name,
        act=intern(posting.act),
        n=posting.n,
        step=posting.step if content.row else intern(posting.step),
        kind=intern(content.kind),
        currency=intern(content.currency),
        total=content.total if content.total is not None else content.amount,
        needs=needs,
        after=tuple(log.known_id(name) for name in posting.after if name not in needs),
        row=content.row,
        payer_document=content.payer_document and log.document(content.payer_document).name,
        closes_document=content.closes_document and log.document(content.closes_document).name,
        item_document=content.item_document and log.document(content.item_document).name,
        reopens=content.reopens,
        origin=offset,
        index=index,
    )
