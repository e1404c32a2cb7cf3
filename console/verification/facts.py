"""What the judge knows of one connection: each document and posting once, and where events stand that others name.

A million records come to some hundred thousand of these; nothing of a record is kept but what a verdict needs, and a
text that many say is kept once. There are no cycles, so the collector need not look at them.
"""

from array import array
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec

from console.verification.views import QadKey
from schemas.money import ZERO
from schemas.topics import Topic

# Outcomes in which a posting rests: what is below the sink's committed offset has one of them.
RESTING = frozenset({"posted", "waiting", "parked", "ignored", "superseded"})
STANDING_STILL = frozenset({"waiting", "parked", "ignored"})


class Standstill(NamedTuple):
    """Where a stage holds a document: which, how, by which rule, said at which offset of `outcomes`."""

    stage: str
    how: str
    rule: str
    at: int


class PostingFacts(msgspec.Struct, kw_only=True, gc=False):
    """One posting: what it is, and what the sink said of it.

    Attributes:
        needs: What must be in QAD before it; `after` need only be settled.
        closes_document: Of a refund: what it closes.
        origin: Offset of its newest content in `postings`, and its index there.
        undone: How much of an application, and of what takes it back, cancelled out before either was sent.
        status: The newest outcome, "" where there is none.
        rule: Why it stands still.
        waits_for: Postings that it waits for.
        said_at: Offset of the newest outcome.
        intended_at: Offset of the first intent, -1 where there is none.
        intended_ms: When that was written, by its record.
        attempt: The newest attempt.
        customer: What was intended last, as are the three after it.
        posted_at: Offset at which it was said to be in QAD, -1 where it was not.
        how: How it came to be known there.
    """

    id: str
    reference: str
    number: str
    document: str
    act: str
    n: int
    step: str
    kind: str
    currency: str
    total: Decimal | None
    needs: tuple[str, ...]
    after: tuple[str, ...]
    row: str = ""
    payer_document: str = ""
    closes_document: str = ""
    item_document: str = ""
    reopens: bool = False
    origin: int
    index: int
    undone: Decimal = ZERO
    status: str = ""
    rule: str = ""
    waits_for: tuple[str, ...] = ()
    said_at: int = -1
    intended_at: int = -1
    intended_ms: int = 0
    attempt: int = 0
    customer: str = ""
    sent_currency: str = ""
    sent_total: Decimal | None = None
    sent_day: str = ""
    posted_at: int = -1
    qad: QadKey | None = None
    how: str = ""

    @property
    def left(self) -> Decimal | None:
        """What is to be sent of it."""
        return self.total - self.undone if self.total is not None and self.undone else self.total

    @property
    def is_call(self) -> bool:
        """Whether it is in QAD by a call of ours, not found there or carried by another."""
        return self.status == "posted" and self.how in ("answer", "look_up")

    @property
    def is_effect(self) -> bool:
        """Whether it brings a document into QAD, or takes it away; what people moved of it does neither."""
        return self.act != "reclass" and self.kind in (
            "invoice",
            "credit_note",
            "receipt",
            "refund",
            "journal",
            "inverse",
        )


class DocumentFacts(msgspec.Struct, kw_only=True, gc=False):
    """One document of Zuora, as the log has it.

    Attributes:
        name: `kind:id`.
        stamp: Zuora's stamp of the newest version that was read.
        read_at: Offset of that in `zuora.records`, -1 where there is none.
        matched_at: Offset of the newest match, likewise.
        held: Where match and ledger hold it.
        dead: A dead letter of it that nothing has followed: topic and offset.
        payers: Documents that pay it.
        postings: Its postings.
        moving: Something was said of it while the systems were read.
    """

    name: str
    stamp: str = ""
    read_at: int = -1
    matched_at: int = -1
    held: tuple[Standstill, ...] = ()
    dead: tuple[str, int] | None = None
    payers: tuple[str, ...] = ()
    postings: tuple[str, ...] = ()
    moving: bool = False


class Log:
    """One connection's log.

    Attributes:
        connection: Whose.
        partition: Its partition.
        ends: Where topics ended before the systems were read: what stands behind moved meanwhile.
        committed: Up to which offset each stage has worked off its input.
        documents: By `kind:id`.
        postings: By id.
        said: Ids of the postings of each record of `postings`.
        read: How many records of each topic were read.
        dead: Bytes that were given up because they are no event, by topic and offset.
        cut_over: The agreed date, "" where there is none.
        daybooks: Daybooks that published mappings name.
        read_to: How far each kind was polled.
    """

    def __init__(self, connection: str, partition: int) -> None:
        """Begin with nothing."""
        self.connection = connection
        self.partition = partition
        self.ends: dict[Topic, int] = {}
        self.committed: dict[str, int] = {}
        self.documents: dict[str, DocumentFacts] = {}
        self.postings: dict[str, PostingFacts] = {}
        self.said: dict[int, tuple[str, ...]] = {}
        self.read: Counter[Topic] = Counter()
        self.dead: set[tuple[str, int]] = set()
        self.cut_over = ""
        self.daybooks: set[str] = set()
        self.read_to: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._names: list[str] = [""]
        self._places: dict[Topic, array[int]] = {Topic.RECORDS: array("I"), Topic.MATCHED: array("I")}

    def document(self, name: str) -> DocumentFacts:
        """Return what is known of a document, to be added to."""
        found = self.documents.get(name)
        if found is None:
            found = self.documents[name] = DocumentFacts(name=name)
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return found

    def known_id(self, name: str) -> str:
        """Return the one text that a posting's id is kept as: others that say it are let go."""
        known = self.postings.get(name)
        return known.id if known is not None else name

    def place(self, topic: Topic, offset: int, document: str) -> None:
        """Take note which document a record is about."""
        self.document(document)
        places = self._places[topic]
        places.extend([0] * (offset - len(places)))
        places.append(self._numbers[document])

    def at(self, topic: Topic, offset: int) -> str | None:
        """Return which document a record is about, None where nothing stands there."""
        places = self._places[topic]
        return self._names[places[offset]] if 0 <= offset < len(places) and places[offset] else None

    def is_new(self, topic: Topic, offset: int) -> bool:
        """Return whether a record came after the judge began to look."""
        return offset >= self.ends.get(topic, 1 << 62)

    def evidence(self, topic: str, offset: int) -> str:
        """Write where a record stands."""
        return f"{topic} {self.partition}:{offset}"


def written(key: QadKey) -> str:
    """Write QAD's key as people do."""
    return f"QAD {key.year}/{key.daybook}/{key.voucher}"


def later(one: str, other: str, *, by: timedelta = timedelta(0)) -> bool:
    """Return whether one moment comes after another, by more than so much; False where one of them is none."""
    first, second = _moment(one), _moment(other)
    return first is not None and second is not None and first - second > by


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
