"""Documents both ways: what we posted is in QAD once and as it was sent, and each document's total is accounted for.

What people keyed in our daybooks is `foreign`: named, and outside the last line. Source: ACCOUNTING 8 (a).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from console.reconciliation.facts import Standing
from console.reconciliation.ground import ZERO, Findings, Ground, key_of, place_of, written
from console.reports import SumLine
from console.zuora_side import ZuoraDocument
from schemas.ids import document_parts
from schemas.outcomes import Document
from schemas.postings import Act, CreditNoteContent, InvoiceContent, Posting, ReceiptContent, RefundContent
from streams.sink.state import NO_ENTRY

# Documents that carry Zuora's number in a field of their own; others may show a text there.
_NUMBERED = (InvoiceContent, CreditNoteContent, ReceiptContent, RefundContent)

_BUCKETS = ("zuora", "in_qad", "in_flight", "parked", "ignored", "timing", "unexplained")


def compare_presence(ground: Ground, findings: Findings) -> None:
    """Hold that what the log calls posted is in QAD as it was sent, once; and name what is not ours."""
    references: Counter[str] = Counter()
    ours = {
        (posting.number, standing.qad.daybook): standing.qad
        for posting in ground.log.postings.values()
        if (standing := ground.posted(posting)) is not None and standing.qad is not None
    }
    for document in ground.in_qad.values():
        findings.checks["documents in QAD"] += 1
        if document.reference in ground.by_reference:
            references[document.reference] += 1
        else:
            what = f"a {document.kind} with the reference {document.number!r} is in our daybook and not ours"
            beside = ours.get((document.number, document.key.daybook))
            if beside is not None:
                what += f": keyed by hand, or it changes or reverses our {written(beside)}"
            key = document.key
            findings.name("foreign", written(key), what, key.currency, key.total or ZERO)
    for reference, count in references.items():
        if count > 1:
            posting = ground.by_reference[reference]
            findings.name("duplicate", posting.number, f"{count} documents carry the reference of {posting.step}")
    for posting in ground.log.postings.values():
        standing = ground.posted(posting)
        if standing is not None and standing.qad is not None:
            findings.checks["postings in QAD"] += 1
            _compare_one(posting, standing, standing.qad, ground, findings)
            _compare_days(posting, ground, findings)


def _compare_one(posting: Posting, standing: Standing, qad: Document, ground: Ground, findings: Findings) -> None:
    there = ground.in_qad.get(key_of(qad))
    if there is None:
        if not ground.late(posting):
            why = ground.qad.refused.get(posting.reference, "")
            what = f"{posting.step} was posted as {written(qad)} and is not in QAD{f': {why}' if why else ''}"
            findings.name("lost", posting.number, what)
        return
    if there.reference != posting.reference:
        what = f"{written(qad)} no longer carries our reference: somebody changed it"
        findings.name("documents", posting.number, what)
        return
    if told := ground.without_entry(posting):
        findings.name("documents", posting.number, told, rule=NO_ENTRY)
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("customer", standing.customer, there.key.customer),
        ("currency", standing.currency, there.key.currency),
        ("total", standing.total, there.key.total),
        ("date", standing.day, there.day),
        ("reference", posting.number if isinstance(posting.content, _NUMBERED) else "", there.number),
    )
    # A column that the profile does not name, or that this kind of document has not, is empty.
    differing = [(name, sent, shown) for name, sent, shown in pairs if not _agree(sent, shown)]
    if differing:
        told = ", ".join(f"{name} {shown} instead of {sent}" for name, sent, shown in differing)
        sent, shown = standing.total, there.key.total
        amount = ZERO if sent is None or shown is None else shown - sent
        what = f"{written(qad)} is not as it was sent: {told}"
        findings.name("documents", posting.number, what, there.key.currency, amount)


def _compare_days(posting: Posting, ground: Ground, findings: Findings) -> None:
    """Hold that a document is dated in Zuora as it was when it was posted."""
    document = ground.zuora.get(posting.document)
    day: date | None = getattr(posting.content, "document_date", None)
    newest = ground.newest(posting.document) is posting and posting.document not in ground.log.documents
    if document is None or day is None or not newest or ground.is_unread(posting.document):
        return
    if document.day[:10] != str(day):
        what = f"it is dated {document.day[:10]} in Zuora, and was posted with the document date {day}"
        findings.name("documents", posting.number, what, document.currency)


def _agree(sent: Any, shown: Any) -> bool:
    return sent in ("", None) or shown in ("", None) or sent == shown


class LastLine:
    """Brings each document's total to what is in QAD, and says where the rest is."""

    def __init__(self, ground: Ground, findings: Findings, *, first: date, last: date) -> None:
        """Sum up documents dated in [first, last]."""
        self._ground = ground
        self._findings = findings
        self._first = first
        self._last = last
        self._sums: dict[tuple[str, str], dict[str, Decimal]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def lines(self) -> tuple[SumLine, ...]:
        """Return the last line of each kind and currency."""
        for name in sorted({*self._ground.zuora, *self._ground.effects}):
            document = self._ground.zuora.get(name)
            if self._counts_here(document, self._ground.effects[name]):
                self._add(name, document)
        return tuple(
            SumLine(kind=kind, currency=currency, documents=self._counts[kind, currency], **line)
            for (kind, currency), line in sorted(self._sums.items())
        )

    def _add(self, name: str, document: ZuoraDocument | None) -> None:
        effects = self._ground.effects[name]
        kind = document_parts(name)[0]
        currency = document.currency if document else effects[0].content.currency
        total = document.total if document else ZERO
        number = document.number if document else effects[0].number
        sign = -1 if total < 0 else 1
        in_qad = sign * sum((self._effect(posting) for posting in effects), ZERO)
        line = self._sums.setdefault((kind, currency), dict.fromkeys(_BUCKETS, ZERO))
        self._counts[kind, currency] += 1
        line["zuora"] += total
        line["in_qad"] += in_qad
        rest = total - in_qad
        if rest:
            bucket, rule, why = self._ground.where(name)
            line[bucket] += rest
            part = "documents" if bucket == "unexplained" else bucket
            self._findings.name(part, number, why, currency, rest, rule=rule)
        elif document is not None and name in self._ground.log.documents:
            # Its total is zero, or already there: what does not go on is named all the same.
            part, rule, why = place_of(self._ground.log.documents[name])
            if part in ("parked", "ignored"):
                self._findings.name(part, number, why, currency, rule=rule)

        for posting in effects:
            self._beside(posting, number, currency)
            period = self._ground.log.closed_in_zuora.get(posting.id)
            if period:
                what = f"{posting.step} came into QAD's open period after Zuora had closed its own, {period}"
                self._findings.name("timing", number, what, currency, self._effect(posting), rule="closed_in_zuora")

    def _beside(self, posting: Posting, number: str, currency: str) -> None:
        """Name a journal beside a document that is not in QAD: no total shows that its lines stand elsewhere."""
        place = self._ground.of_effect(posting) if self._ground.is_beside(posting) else None
        if place is not None and place.bucket in ("in_flight", "parked", "timing"):
            what = f"its lines stand where they stood before {posting.step}: {place.why}"
            self._findings.name(place.bucket, number, what, currency, rule=place.rule)

    def _effect(self, posting: Posting) -> Decimal:
        """Return what a posting brought into QAD by QAD's own total: post counts, its inverse takes away."""
        if not self._ground.brings(posting) or self._ground.without_entry(posting):
            return ZERO
        standing = self._ground.log.standings.get(posting.id)
        there = self._ground.in_qad.get(key_of(standing.qad)) if standing and standing.qad else None
        if there is None or there.key.total is None:
            return ZERO
        return -there.key.total if posting.act is Act.REVERSE else there.key.total

    def _counts_here(self, document: ZuoraDocument | None, effects: Iterable[Posting]) -> bool:
        if document is not None:
            return str(self._first) <= document.day <= str(self._last)
        days = [getattr(posting.content, "document_date", None) for posting in effects]
        return any(day is not None and self._first <= day <= self._last for day in days)
