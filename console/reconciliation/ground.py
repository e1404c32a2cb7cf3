"""What comparisons stand on: the three sides by what they are looked up by, and where a document is that is not in QAD.

Nothing is compared here, and nothing is read: what the sides say is all there is.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from console.reconciliation.facts import LogSide, QadSide, Standing
from console.reports import Difference
from console.zuora_side import ZuoraDocument
from schemas.ids import document_parts
from schemas.outcomes import Document
from schemas.postings import (
    Act,
    AllocationContent,
    InverseContent,
    JournalContent,
    OpeningContent,
    Posting,
    RefundContent,
    TransferContent,
)
from schemas.records import RecordKind
from streams.sink.freezing import kind_of
from streams.sink.state import NO_ENTRY

ZERO = Decimal(0)

# Rules of a wait that is a matter of dates, not of work to do.
_TIMING = frozenset({"period_closed", "period_not_defined"})

# What takes back a document of Zuora that is no invoice or memo.
_TAKEN_BACK: Mapping[str, str] = {RecordKind.PAYMENT: "bounce", RecordKind.REFUND: "refund_reversal"}

Key = tuple[int, str, int]


class Place(NamedTuple):
    """Where something is that is not in QAD: a bucket of the last line, the rule, and a sentence."""

    bucket: str
    rule: str
    why: str


class Findings:
    """What a comparison counted, and what it named."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.checks: Counter[str] = Counter()
        self.differences: list[Difference] = []

    def name(
        self, part: str, number: str, what: str, currency: str = "", amount: Decimal = ZERO, *, rule: str = ""
    ) -> None:
        """Name one difference."""
        found = Difference(part=part, number=number, what=what, currency=currency, amount=amount, rule=rule)
        self.differences.append(found)


class Ground:
    """The three sides.

    Attributes:
        zuora: What counts in Zuora today, by `kind:id`.
        qad: What QAD shows.
        log: What stands between.
        in_qad: Documents in our daybooks by their key.
        by_reference: Our postings by their machine reference.
        effects: Postings that bring a document into QAD or take it away, by document.
        moves: Applications, by each of the two documents that they move; refunds, by what they close.
    """

    def __init__(self, zuora: Mapping[str, ZuoraDocument], qad: QadSide, log: LogSide) -> None:
        """Sort the sides in."""
        self.zuora = {name: document for name, document in zuora.items() if document.counts}
        self._not_counting = {name: document for name, document in zuora.items() if not document.counts}
        self.qad = qad
        self.log = log
        self.in_qad = {key_of(document.key): document for document in qad.documents}
        # By kind as well: a list that kinds share is read in the words of each.
        self._no_entry = {
            (key_of(document.key), document.kind): document.no_entry
            for document in qad.documents
            if document.no_entry is not None
        }
        self.by_reference = {posting.reference: posting for posting in log.postings.values()}
        self.effects: defaultdict[str, list[Posting]] = defaultdict(list)
        self.moves: defaultdict[str, list[Posting]] = defaultdict(list)
        for posting in log.postings.values():
            self._sort_in(posting)
            refund = self.refund_of(posting)
            if refund is not None:
                self.moves[refund.closes_document].append(posting)

    def _sort_in(self, posting: Posting) -> None:
        content = posting.content
        if isinstance(content, AllocationContent):
            # What settles a document against its own inverse is no application of Zuora's.
            if content.row:
                self.moves[content.payer_document].append(posting)
                self.moves[content.item_document].append(posting)
        elif not isinstance(content, OpeningContent):
            self.effects[posting.document].append(posting)

    def brings(self, posting: Posting) -> bool:
        """Return whether a posting brings its document into QAD, or takes it away: neither does what moves it on.

        No journal moves an amount of it: neither that of a document over nothing, nor what moves its lines on.
        """
        content = posting.content
        if isinstance(content, InverseContent):
            undone = self.log.postings.get(content.of)
            return undone is None or self.brings(undone)
        of_payment = document_parts(posting.document)[0] == RecordKind.PAYMENT
        return not isinstance(content, TransferContent) and (of_payment or not isinstance(content, JournalContent))

    def refund_of(self, posting: Posting) -> RefundContent | None:
        """Return the refund that a posting makes or takes back, None where it does neither."""
        content = posting.content
        undone = self.log.postings.get(content.of) if isinstance(content, InverseContent) else posting
        found = undone.content if undone is not None else None
        return found if isinstance(found, RefundContent) else None

    def status(self, posting: Posting) -> str:
        """Return how far a posting is for the sink, "" where it has not met it."""
        standing = self.log.standings.get(posting.id)
        return standing.status if standing is not None else ""

    def newest(self, name: str, *acts: Act) -> Posting | None:
        """Return the newest posting that brings a document into QAD, or will: one that was undone before is none.

        Args:
            name: The document, `kind:id`.
            acts: What counts; without any, the post alone.
        """
        posts = [
            posting
            for posting in self.effects[name]
            if posting.act in (acts or (Act.POST,))
            and self.status(posting) != "superseded"
            and not (isinstance(posting.content, JournalContent) and posting.content.of)
        ]
        return max(posts, key=lambda posting: (posting.act is Act.TRANSFER, posting.n), default=None)

    def posted(self, posting: Posting) -> Standing | None:
        """Return where a posting stands, if it is in QAD by a call of ours."""
        standing = self.log.standings.get(posting.id)
        if standing is None or standing.qad is None or standing.how not in ("answer", "look_up"):
            return None
        return standing if standing.status == "posted" else None

    def without_entry(self, posting: Posting) -> str:
        """Return how QAD has a posting that by the log is there and has made no GL entry, "" where it has made it."""
        standing = self.posted(posting)
        if standing is None or standing.qad is None:
            return ""
        kind = kind_of(posting.content)
        if isinstance(posting.content, InverseContent):
            kind = _TAKEN_BACK.get(document_parts(posting.document)[0], kind)
        status = self._no_entry.get((key_of(standing.qad), kind))
        where = f"{posting.step} was posted as {written(standing.qad)}"
        return "" if status is None else f"{where} and stands there in status {status}: its GL entry is not made"

    def where(self, name: str) -> Place:
        """Return where the part of a document is that is not in QAD."""
        stands = next(filter(None, map(self.of_effect, self.effects[name])), None)
        if stands is not None:
            return stands
        held = self.log.documents.get(name)
        if held is not None:
            return place_of(held)
        on_its_way = self._on_its_way(name)
        if on_its_way:
            return Place("in_flight", "", on_its_way)
        what = "it is in Zuora and not in QAD" if name in self.zuora else "it is in QAD and no longer counts in Zuora"
        return Place("unexplained", "", f"{what}, and nothing says why")

    def of_effect(self, posting: Posting) -> Place | None:
        """Return where a posting is that is not in QAD, None where it is there."""
        standing = self.log.standings.get(posting.id)
        if standing is None or standing.status in ("intended", "unknown", "rejected", "released"):
            return Place("in_flight", "", f"{posting.step} is on its way to QAD")
        if standing.status in ("waiting", "parked", "superseded"):
            return place_of(standing)
        gone = self.gone(posting)
        if gone is not None:
            return gone
        told = self.without_entry(posting)
        return Place("unexplained", NO_ENTRY, told) if told else None

    def is_beside(self, posting: Posting) -> bool:
        """Return whether a posting is a journal beside its document, or turns one: it moves lines, and no total."""
        content = posting.content
        of = self.log.postings.get(content.of) if isinstance(content, InverseContent) else posting
        return of is not None and isinstance(of.content, JournalContent) and of.content.of is not None

    def late(self, posting: Posting) -> str:
        """Return why what was read of a posting in QAD may be either, "" where it is what stands there."""
        if posting.id in self.log.late:
            return "came into QAD while both systems were read"
        return self.qad.not_yet.get(posting.reference, "")

    def gone(self, posting: Posting) -> Place | None:
        """Return why a posting that was answered need not be in QAD, None where it must be."""
        refused, late = self.qad.refused.get(posting.reference, ""), self.late(posting)
        if refused:
            return Place("parked", "refused_by_import", f"{posting.step} is not in QAD: {refused}")
        return Place("in_flight", "", f"{posting.step} {late}") if late else None

    def _on_its_way(self, name: str) -> str:
        """Return where a document is that no outcome speaks of, or "" where nobody knows."""
        if self.is_unread(name):
            return "not read yet: it changed after the last poll"
        if name in self.log.matched and not self.effects[name]:
            return "matched, and not mapped yet"
        if name in self.log.read and name not in self.log.matched:
            return "read, and not matched yet"
        return ""

    def is_unread(self, name: str) -> bool:
        """Return whether a document, one that no longer counts too, may have changed after what was polled."""
        document = self.zuora.get(name) or self._not_counting.get(name)
        if document is None:
            return False
        read_to = self.log.read_to.get(document.kind, "")
        if not read_to or not document.stamp:
            return not read_to
        # Stamps are of whole seconds: what carries one may have changed until that second ended.
        changed_until = datetime.fromisoformat(document.stamp).astimezone(UTC) + timedelta(seconds=1)
        return changed_until > datetime.fromisoformat(read_to)


def place_of(standing: Standing) -> Place:
    """Return the bucket of what does not go on."""
    reason = standing.reason
    rule, why = (reason.rule, reason.message) if reason else ("", standing.status)
    if standing.status == "parked":
        return Place("parked", rule, why)
    if standing.status in ("ignored", "superseded"):
        return Place("ignored", rule, why)
    return Place("timing" if rule in _TIMING else "in_flight", rule, why)


def key_of(document: Document) -> Key:
    """Return the part of a document's key that no two have."""
    return (document.year, document.daybook, document.voucher)


def written(document: Document) -> str:
    """Return a key as people write it."""
    return f"{document.year}/{document.daybook}/{document.voucher}"
