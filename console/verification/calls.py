"""What the sink says of postings, outcome by outcome: intended before called, in order, and once.

I2: nothing is intended again once it is in QAD, nothing is posted as two. I5: nothing is intended before what it refers
to is in QAD. I6: what was answered was intended, with the content of its posting, attempt after attempt. I4: what
cancels out before it is sent is an application and what takes it back, by the same amount.
"""

from decimal import Decimal
from sys import intern

from console.verification import views
from console.verification.facts import Log, PostingFacts
from console.verification.reading import Entry
from console.verification.report import Findings
from schemas.money import ZERO
from schemas.topics import Topic

_WAITS_FOR_POSTING = "posting:"
_SETTLED = frozenset({"superseded", "ignored"})


class Calls:
    """Takes the sink's outcomes of one connection, in their order."""

    def __init__(self, log: Log, findings: Findings) -> None:
        """Follow into these facts, and name what is broken."""
        self._log = log
        self._findings = findings

    def take(self, outcome: views.Outcome, entry: Entry) -> None:
        """Take up an outcome, after it is held against what was said before."""
        posting = self._log.postings.get(outcome.subject)
        if not self._is_founded(outcome):
            self._unfounded(outcome, entry.offset)
        if posting is not None:
            self._of_posting(outcome, posting, entry)

    def _is_founded(self, outcome: views.Outcome) -> bool:
        """Return whether the record that an outcome names made this posting; one that came since is not known yet."""
        if self._log.is_new(Topic.POSTINGS, outcome.origin):
            return True
        said = self._log.said.get(outcome.origin, ())
        return outcome.index < len(said) and said[outcome.index] == outcome.subject

    def _of_posting(self, outcome: views.Outcome, posting: PostingFacts, entry: Entry) -> None:
        if outcome.type == "intended":
            self._intended(outcome, posting, entry)
        elif outcome.type == "posted":
            self._posted(outcome, posting, entry.offset)
        if posting.status == "posted" and outcome.type != "posted":
            return
        for name, amount in outcome.cancels.items():
            self._cancelled(posting, self._log.postings.get(name), amount, entry.offset)
        posting.status, posting.said_at = intern(outcome.type), entry.offset
        reason = outcome.reason or views.Reason()
        posting.rule = intern(reason.rule)
        posting.waits_for = tuple(
            self._log.known_id(key.removeprefix(_WAITS_FOR_POSTING))
            for key in reason.waits_for
            if key.startswith(_WAITS_FOR_POSTING)
        )

    def _cancelled(self, posting: PostingFacts, other: PostingFacts | None, amount: Decimal, offset: int) -> None:
        """Take up that an unapplication took back what was not sent: of the same pair, no more than is left of it."""
        pair = (posting.payer_document, posting.item_document)
        if (
            other is None
            or other.reopens
            or not posting.reopens
            or (other.payer_document, other.item_document) != pair
            or other.posted_at >= 0
            or not ZERO < amount <= min(posting.left or ZERO, other.left or ZERO)
        ):
            what = f"{posting.step} took back {amount} of {other.step if other is not None else 'nothing'}"
            self._name("I4", what, posting, (self._log.evidence(Topic.OUTCOMES, offset),))
        if other is not None:
            other.undone += amount
            posting.undone += amount

    def _intended(self, outcome: views.Outcome, posting: PostingFacts, entry: Entry) -> None:
        evidence = (self._log.evidence(Topic.OUTCOMES, entry.offset),)
        if posting.posted_at >= 0:
            where = (*evidence, self._log.evidence(Topic.OUTCOMES, posting.posted_at))
            self._name("I2", f"{posting.step} was intended again after it was posted", posting, where)
        if not posting.attempt <= outcome.attempt <= posting.attempt + 1 or outcome.attempt < 1:
            what = f"attempt {outcome.attempt} of {posting.step} follows attempt {posting.attempt}"
            self._name("I6", what, posting, evidence)
        if outcome.reference != posting.reference:
            what = f"{posting.step} was intended as {outcome.reference}, and is {posting.reference}"
            self._name("I2", what, posting, evidence)
        if outcome.origin == posting.origin and (outcome.total, outcome.currency) != (posting.left, posting.currency):
            what = (
                f"{posting.step} was intended with {outcome.total} {outcome.currency}, "
                f"and {posting.left} {posting.currency} is to be sent of it"
            )
            where = (*evidence, self._log.evidence(Topic.POSTINGS, posting.origin))
            self._name("I6", what, posting, where)
        self._in_order(posting, outcome.carried, evidence)
        if posting.intended_at < 0:
            posting.intended_at, posting.intended_ms = entry.offset, entry.timestamp_ms
        posting.attempt, posting.sent_day = outcome.attempt, intern(outcome.day)
        _sent(posting, outcome)

    def _in_order(self, posting: PostingFacts, carried: tuple[str, ...], evidence: tuple[str, ...]) -> None:
        """Hold that all that a posting refers to is in QAD before it is intended, and what it follows is settled."""
        for name in posting.needs:
            if not self._is_there(name):
                self._early(posting, name, evidence)
        for name in (*posting.after, *self._undone_first(posting)):
            known = self._log.postings.get(name)
            waits = not self._is_there(name) and (known is None or known.status not in _SETTLED)
            if waits and not self._pays_no_more(posting, name):
                self._early(posting, name, evidence)
        for name in carried:
            allocation = self._log.postings.get(name)
            for item in allocation.needs if allocation is not None else (name,):
                if item != posting.id and not self._is_there(item):
                    self._early(posting, item, evidence)

    def _undone_first(self, posting: PostingFacts) -> list[str]:
        """Return what took back the posting of a document before this one of it: its acts are in order."""
        if posting.n == 1 or posting.act != "post":
            return []
        own = (self._log.postings[name] for name in self._log.documents[posting.document].postings)
        return [one.id for one in own if one.kind == "inverse" and one.n == posting.n - 1]

    def _pays_no_more(self, posting: PostingFacts, name: str) -> bool:
        """Return whether a posting is a receipt whose application to another was taken back before either was sent."""
        own = (self._log.postings[one] for one in self._log.documents[posting.document].postings)
        applied = (one for one in own if one.needs == (posting.id, name) and not one.reopens)
        return posting.kind == "receipt" and any(one.status == "superseded" for one in applied)

    def _is_there(self, name: str) -> bool:
        known = self._log.postings.get(name)
        return known is not None and known.posted_at >= 0

    def _early(self, posting: PostingFacts, name: str, evidence: tuple[str, ...]) -> None:
        known = self._log.postings.get(name)
        what = f"{known.step} of {known.number}" if known is not None else f"posting {name}"
        self._name("I5", f"{posting.step} was intended before {what} was in QAD", posting, evidence)

    def _posted(self, outcome: views.Outcome, posting: PostingFacts, offset: int) -> None:
        evidence = (self._log.evidence(Topic.OUTCOMES, offset),)
        if outcome.how == "answer" and (posting.intended_at < 0 or outcome.attempt > posting.attempt):
            what = f"attempt {outcome.attempt} of {posting.step} was answered and never intended"
            self._name("I6", what, posting, evidence)
        if outcome.how == "carried":
            payer = next((self._log.postings.get(name) for name in posting.needs[:1]), None)
            if payer is None or payer.posted_at < 0:
                self._name("I5", f"{posting.step} was carried by what is not in QAD", posting, evidence)
        if posting.posted_at >= 0 and posting.qad != outcome.qad:
            where = (*evidence, self._log.evidence(Topic.OUTCOMES, posting.posted_at))
            self._name("I2", f"{posting.step} was posted twice, as two documents", posting, where)
        if posting.posted_at < 0:
            posting.posted_at, posting.qad, posting.how = offset, outcome.qad, intern(outcome.how)
            if posting.intended_at < 0:
                _sent(posting, outcome)

    def _unfounded(self, outcome: views.Outcome, offset: int) -> None:
        self._findings.name(
            "I6",
            f"{outcome.type} of a posting that nobody made: {outcome.subject}",
            document=outcome.document,
            number=outcome.number,
            evidence=(
                self._log.evidence(Topic.OUTCOMES, offset),
                self._log.evidence(Topic.POSTINGS, outcome.origin),
            ),
        )

    def _name(self, invariant: str, what: str, posting: PostingFacts, evidence: tuple[str, ...]) -> None:
        self._findings.name(invariant, what, document=posting.document, number=posting.number, evidence=evidence)


def _sent(posting: PostingFacts, outcome: views.Outcome) -> None:
    """Take up what was sent; an amount that is the posting's own is kept once."""
    posting.customer, posting.sent_currency = intern(outcome.customer), intern(outcome.currency)
    posting.sent_total = posting.total if outcome.total == posting.total else outcome.total
