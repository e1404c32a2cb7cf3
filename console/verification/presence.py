"""I1, I2, I6 between the log and QAD: what was posted is there once, as it was intended, and nothing else of ours."""

import re

from console.verification.facts import Log, PostingFacts, written
from console.verification.report import Findings
from console.verification.systems import Qad, QadDocument
from schemas.ids import document_parts
from schemas.topics import Topic

_REFERENCE = re.compile(r"[A-Z2-7]{20}")
# In which lists of QAD a posting stands.
_LISTS = {
    "invoice": {"invoice"},
    "credit_note": {"credit_note"},
    "receipt": {"receipt"},
    "allocation": {"adjustment"},
    "refund": {"refund"},
    "transfer": {"transfer"},
    "journal": {"journal"},
}
# Where an inverse stands, by the kind of Zuora's document.
_INVERSES = {"payment": {"bounce", "journal"}, "refund": {"refund_reversal"}}
# What is parked so may be in QAD all the same: that is what it is parked for.
_DOUBTED = frozenset(
    {
        "conflict",
        "unknown_no_look_up",
        "log_not_whole",
        "duplicate",
        "carried_or_not",
        "crashed",
        "never_entered",
        "gone_from_qad",
    }
)
# What waits so stands in QAD: its GL entry is not made yet.
_NO_ENTRY = "no_gl_entry"
_NOT_THERE = frozenset({"waiting", "superseded", "ignored", "rejected"})


def compare_presence(qad: Qad, log: Log, findings: Findings, *, restored: bool) -> None:
    """Hold each posting against QAD, and each document of QAD against the postings.

    Args:
        qad: What QAD shows.
        log: What we say of it.
        findings: Where what is broken is named.
        restored: `outcomes` was cut or made anew: what was found by look-up needs no intent in the log.
    """
    presence = _Presence(qad, log, findings, restored=restored)
    for posting in log.postings.values():
        presence.said(posting)
        presence.shown(posting)
    presence.in_our_daybooks()


class _Presence:
    def __init__(self, qad: Qad, log: Log, findings: Findings, *, restored: bool) -> None:
        self._qad = qad
        self._log = log
        self._findings = findings
        self._restored = restored

    def said(self, posting: PostingFacts) -> None:
        """Hold that the sink said something of each posting that it has passed."""
        if not posting.status and self._log.documents[posting.document].dead is not None:
            return
        if not posting.status and posting.origin < self._log.committed.get("sink", 0):
            what = f"the sink has passed {posting.step} and said nothing of it"
            self._name("I1", what, posting, self._log.evidence(Topic.POSTINGS, posting.origin))
        elif not self._rests(posting):
            self._findings.moves(f"{posting.number} {posting.step}: {posting.status or 'not begun'}")

    def _rests(self, posting: PostingFacts) -> bool:
        """Return whether a posting stays where it is; one that waits for what has come is about to go on."""
        if posting.status != "waiting":
            return posting.status in ("posted", "parked", "ignored", "superseded")
        return not any(
            self._log.postings[name].status == "posted" for name in posting.waits_for if name in self._log.postings
        )

    def shown(self, posting: PostingFacts) -> None:
        """Hold what QAD shows under a posting's reference against what the log says."""
        document = self._qad.documents.get(posting.reference)
        if posting.is_call:
            self._known_there(posting)
            if document is None:
                self._not_found(posting)
            else:
                self._as_intended(posting, document)
        elif document is not None:
            self._not_known_there(posting, document)

    def _known_there(self, posting: PostingFacts) -> None:
        if posting.how == "look_up" and posting.intended_at < 0:
            self._findings.adopted += 1
            if not self._restored:
                what = f"{posting.step} was found in QAD and never intended"
                self._name("I6", what, posting, self._said(posting))

    def _not_found(self, posting: PostingFacts) -> None:
        # What came while QAD was read may not have been there yet.
        if self._log.is_new(Topic.OUTCOMES, posting.posted_at) or not self._qad.kinds >= self._lists_of(posting):
            return
        key = written(posting.qad) if posting.qad is not None else "nothing"
        why = self._qad.absent.get(posting.reference, "")
        what = f"{posting.step} was posted as {key} and is not in QAD{f': {why}' if why else ''}"
        self._name("I1", what, posting, self._said(posting))

    def _as_intended(self, posting: PostingFacts, document: QadDocument) -> None:
        where = (self._said(posting), written(document.key))
        if document.no_entry is not None and document.no_entry[0] in self._lists_of(posting):
            what = f"{posting.step} was posted, and has made no GL entry: it stands in QAD in status"
            self._name("I1", f"{what} {document.no_entry[1]}", posting, *where)
        if document.key != posting.qad:
            key = written(posting.qad) if posting.qad is not None else "nothing"
            self._name("I2", f"{posting.step} was posted as {key} and is {written(document.key)}", posting, *where)
        columns = (
            ("customer", posting.customer, document.customer),
            ("currency", posting.sent_currency, document.currency),
            ("total", posting.sent_total, document.total),
            ("date", posting.sent_day, document.day),
        )
        # A column that the profile does not name, or that this kind of document has not, is empty.
        differing = [
            f"{name} {there} instead of {sent}"
            for name, sent, there in columns
            if sent not in ("", None) and there not in ("", None) and sent != there
        ]
        if differing:
            self._name("I2", f"{posting.step} is not as it was intended: {', '.join(differing)}", posting, *where)

    def _not_known_there(self, posting: PostingFacts, document: QadDocument) -> None:
        if posting.status == "posted":
            what = f"{posting.step} was {posting.how}, and has a document of its own all the same"
            self._name("I2", what, posting, self._said(posting), written(document.key))
        elif posting.intended_at < 0 and not (self._restored and posting.rule == _NO_ENTRY):
            self._name("I6", f"{posting.step} is in QAD and was never intended", posting, written(document.key))
        elif posting.rule == _NO_ENTRY:
            self._entered(posting, document)
        elif posting.status in _NOT_THERE or (posting.status == "parked" and posting.rule not in _DOUBTED):
            what = f"{posting.step} is in QAD, and the log says that it is {posting.status} ({posting.rule})"
            self._name("I2", what, posting, self._said(posting), written(document.key))

    def _entered(self, posting: PostingFacts, document: QadDocument) -> None:
        """Note what QAD has made the GL entry of since it was looked up last: it is about to go on."""
        if document.no_entry is None:
            self._findings.moves(f"{posting.number} {posting.step}: QAD has made its GL entry")

    def in_our_daybooks(self) -> None:
        """Hold that no reference stands twice, and that each of our form in our daybooks is of a posting."""
        postings = {posting.reference: posting for posting in self._log.postings.values()}
        for other in self._qad.others:
            posting, first = postings.get(other.reference), self._qad.documents[other.reference]
            if posting is not None:
                where = (written(first.key), written(other.key))
                self._name("I2", f"{posting.step} is in QAD more than once", posting, *where)
        for reference, document in self._qad.documents.items():
            is_ours = document.key.daybook in self._log.daybooks and _REFERENCE.fullmatch(reference)
            if is_ours and reference not in postings:
                key = written(document.key)
                what = f"a document with the reference {reference} is in our daybook, and no posting has it"
                self._findings.name("I6", what, number=key, evidence=(key,))

    def _lists_of(self, posting: PostingFacts) -> set[str]:
        """Return the lists of QAD in which a posting may stand."""
        if posting.kind != "inverse":
            return _LISTS[posting.kind]
        kind = document_parts(posting.document)[0]
        journals = any(
            name in self._log.postings and self._log.postings[name].kind == "journal" for name in posting.needs
        )
        return {"journal"} if journals and kind != "payment" else _INVERSES.get(kind, {"invoice", "credit_note"})

    def _said(self, posting: PostingFacts) -> str:
        return self._log.evidence(Topic.OUTCOMES, posting.said_at)

    def _name(self, invariant: str, what: str, posting: PostingFacts, *evidence: str) -> None:
        self._findings.name(invariant, what, document=posting.document, number=posting.number, evidence=evidence)
