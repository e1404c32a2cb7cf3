"""A small site in order, event by event, to be put out of order by what a test is about; and the judge's verdict on it.

Two invoices, a credit memo and a payment, their applications posted: everything that the judge looks at occurs once.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from console.verification.facts import Log
from console.verification.following import TOPICS, Following
from console.verification.judging import judge
from console.verification.reading import Entry
from console.verification.report import Findings, Verdict
from console.verification.systems import Qad, QadDocument
from console.verification.views import QadKey
from console.zuora_side import ZuoraDocument
from schemas.codec import Event, encode
from schemas.cursors import Cursor
from schemas.deadletters import DeadLetter
from schemas.decisions import MappingPublished
from schemas.ids import document_key, machine_reference, posting_id
from schemas.mapping import Daybooks, Mapping, Policy
from schemas.matching import Matched, MatchRule
from schemas.outcomes import Document, Intended, Parked, Posted, Waiting
from schemas.postings import (
    Act,
    AllocationContent,
    Content,
    CreditNoteContent,
    GlLine,
    InverseContent,
    InvoiceContent,
    Offer,
    Posting,
    PostingSet,
    ReceiptContent,
    content_hash,
)
from schemas.reasons import Reason
from schemas.records import Found, ZuoraRecord
from schemas.topics import Topic, key

CONNECTION = "acme"
DAY, CUT_OVER = date(2026, 3, 10), date(2026, 1, 1)
CHANGED, READ_TO = "2026-03-11T08:00:00Z", datetime(2026, 4, 1, tzinfo=UTC)
_AT = datetime(2026, 3, 11, 9, tzinfo=UTC)
_DAYBOOKS = {"invoice": "ZINV", "credit_note": "ZCRN", "receipt": "ZPAY", "allocation": "ZADJ", "inverse": "ZCRN"}
_PREFIX = {"invoice": "INV", "credit_memo": "CM", "payment": "P-"}
REASON = Reason(rule="unmapped_code", message="a row is missing", next_step="Add it.")
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Court:
    """One connection's log and both systems."""

    def __init__(self) -> None:
        self.topics: dict[Topic, list[tuple[bytes, bytes]]] = {topic: [] for topic in Topic}
        self.zuora: dict[str, ZuoraDocument] = {}
        self.qad = Qad(open={}, balances={"EUR": Decimal(0)})
        self.made: dict[str, Posting] = {}
        self.committed: dict[str, int] = {}
        self.ends: dict[Topic, int] = {}
        self.restored = False
        self._vouchers = 0
        self._places: dict[str, tuple[int, int]] = {}

    # -- what is written ---------------------------------------------------------------------------------------------

    def write(self, topic: Topic, event: Event | bytes, *, about: bytes = b"k") -> int:
        """Write to a topic; return the offset."""
        value = event if isinstance(event, bytes) else encode(event)
        self.topics[topic].append((about, value))
        return len(self.topics[topic]) - 1

    def publish(self, **changes: Any) -> None:
        """Publish a mapping, and say that everything was polled."""
        known: dict[str, Any] = {"connection": CONNECTION, "by": "ada", "at": _AT, "why": "agreed"}
        books = Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZADJ")
        mapping = Mapping(
            cut_over=CUT_OVER,
            first_document_date=CUT_OVER,
            daybooks=books,
            policy=Policy(deferral_system="Zuora Revenue"),
            lines=(),
            banks=(),
        )
        published = MappingPublished(**{**known, **changes}, version=1, content_hash="h", mapping=mapping)
        self.write(Topic.DECISIONS, published)
        for kind in _PREFIX:
            self.write(Topic.CURSORS, Cursor(connection=CONNECTION, kind=kind, read_to=READ_TO))

    def document(
        self, kind: str, total: str, *, open_amount: str | None = None, stamp: str = CHANGED, counts: bool = True
    ) -> str:
        """Put a document into Zuora alone; return its name."""
        place = len(self.zuora)
        name = document_key(kind, f"8a{place}")
        self.zuora[name] = ZuoraDocument(
            kind=kind,
            number=f"{_PREFIX[kind]}{place}",
            currency="EUR",
            total=Decimal(total),
            open=Decimal(total if open_amount is None else open_amount),
            day=str(DAY),
            stamp=stamp,
            counts=counts,
        )
        return name

    def read(self, name: str, *, pays: str = "", stamp: str = CHANGED) -> int:
        """Write the record of a document; it may pay another."""
        kind, _, zuora_id = name.partition(":")
        rows = [{"id": "r", "invoiceId": pays.partition(":")[2]}] if pays else []
        record = ZuoraRecord(
            connection=CONNECTION,
            tenant="t",
            kind=kind,
            id=zuora_id,
            found=Found(by="poll", at=_AT),
            parent=msgspec.Raw(_encode({"id": zuora_id, "updatedDate": stamp, **_parent(kind)})),
            children={"applications": [msgspec.Raw(_encode(row)) for row in rows]} if pays else {},
        )
        return self.write(Topic.RECORDS, record, about=key(CONNECTION, kind, zuora_id))

    def match(self, name: str, origin: int) -> int:
        """Write that a document has its customer."""
        kind, _, zuora_id = name.partition(":")
        matched = Matched(
            connection=CONNECTION,
            kind=kind,
            id=zuora_id,
            number=self.zuora[name].number,
            origin=origin,
            record_id="",
            stamp=CHANGED,
            account_id="a",
            account_number="A-1",
            customer="C1",
            rule=MatchRule.LINK,
        )
        return self.write(Topic.MATCHED, matched, about=key(CONNECTION, kind, zuora_id))

    def make(self, name: str, *contents: tuple[str, Act, Content], origin: int, n: int = 1) -> list[Posting]:
        """Write the postings of a document."""
        kind, _, zuora_id = name.partition(":")
        postings = [self.posting(name, *content, n=n) for content in contents]
        offset = self.write(
            Topic.POSTINGS, self.posting_set(name, postings, origin), about=key(CONNECTION, kind, zuora_id)
        )
        for index, posting in enumerate(postings):
            self.made[posting.id] = posting
            self._places[posting.id] = (offset, index)
        return postings

    def posting(self, name: str, step: str, act: Act, content: Content, *, n: int = 1) -> Posting:
        """Return a posting."""
        kind, _, zuora_id = name.partition(":")
        identity = posting_id(CONNECTION, kind=kind, zuora_id=zuora_id, act=act, n=n, step=step)
        after = (content.payer, content.item) if isinstance(content, AllocationContent) else ()
        return Posting(
            id=identity,
            reference=machine_reference(identity),
            number=self.zuora[name].number,
            document=name,
            act=act,
            n=n,
            step=step,
            content=content,
            source_hash="s",
            content_hash=content_hash(content),
            after=(content.of,) if isinstance(content, InverseContent) else after,
        )

    def posting_set(self, name: str, postings: list[Posting], origin: int) -> PostingSet:
        """Return what an input became."""
        kind, _, zuora_id = name.partition(":")
        return PostingSet(
            connection=CONNECTION,
            kind=kind,
            id=zuora_id,
            number=self.zuora[name].number,
            origin=origin,
            record=0,
            record_id="",
            stamp=CHANGED,
            customer="C1",
            mapping_version=1,
            currency="EUR",
            value=self.zuora[name].total,
            postings=tuple(postings),
        )

    def intend(self, posting: Posting, *, attempt: int = 1, **changes: Any) -> int:
        """Write that a posting is about to be called."""
        content = posting.content
        said = {
            "reference": posting.reference,
            "customer": "C1",
            "mapping_version": 1,
            "source_hash": "s",
            "content_hash": "c",
            "currency": content.currency,
            "total": _worth(content),
            "day": DAY,
        }
        return self.say(Intended, posting, **{**said, "attempt": attempt, **changes})

    def answer(self, posting: Posting, *, voucher: int = 0, **changes: Any) -> QadKey:
        """Write that a posting is in QAD; return its key there."""
        self._vouchers += not voucher
        found = QadKey(2026, _DAYBOOKS[_kind(posting.content)], voucher or self._vouchers)
        said = {
            "qad": Document(year=found.year, daybook=found.daybook, voucher=found.voucher),
            "attempt": 1,
            "customer": "C1",
            "currency": posting.content.currency,
            "total": _worth(posting.content),
            "how": "answer",
        }
        self.say(Posted, posting, **{**said, **changes})
        return found

    def say(self, made: type[Event], posting: Posting, /, **fields: Any) -> int:
        """Write an outcome of the sink."""
        origin, index = self._places.get(posting.id, (0, 0))
        outcome = made(
            connection=CONNECTION,
            stage="sink",
            subject=posting.id,
            document=posting.document,
            number=posting.number,
            **{"origin": origin, "index": index, **fields},
        )
        return self.write(Topic.OUTCOMES, outcome, about=key(CONNECTION, posting.id))

    def hold(self, name: str, origin: int, *, made: type[Event] = Parked, stage: str = "match", **fields: Any) -> int:
        """Write that match or ledger hold a document."""
        outcome = made(
            connection=CONNECTION,
            stage=stage,
            subject=name,
            document=name,
            number=self.zuora[name].number,
            origin=origin,
            **{"reason": REASON, **fields},
        )
        return self.write(Topic.OUTCOMES, outcome, about=key(CONNECTION, name))

    def give_up(self, topic: Topic, offset: int, value: bytes, *, about: bytes = b"k", **changes: Any) -> None:
        """Write a dead letter."""
        said = {"reason": "not JSON", "next_step": "Mend it.", "stage": "match"}
        letter = DeadLetter(
            connection=CONNECTION,
            topic=topic,
            offset=offset,
            at_ms=0,
            key=about,
            value=value,
            **{**said, **changes},
        )
        self.write(Topic.DEAD_LETTERS, letter)

    def book(self, posting: Posting, found: QadKey, **changes: Any) -> None:
        """Put a document into QAD."""
        shown = QadDocument(
            key=found,
            reference=posting.reference,
            customer="" if isinstance(posting.content, AllocationContent) else "C1",
            currency=posting.content.currency,
            total=_worth(posting.content),
            day=str(DAY),
        )
        self.qad.add(msgspec.structs.replace(shown, **changes))

    # -- whole acts --------------------------------------------------------------------------------------------------

    def upstream(self, name: str, *, pays: str = "") -> int:
        """Write the record and the match of a document; return the match's offset."""
        return self.match(name, self.read(name, pays=pays))

    def call(self, posting: Posting, *, open_amount: str | None = None, **fields: Any) -> QadKey:
        """Intend, call and answer a posting."""
        self.intend(posting)
        found = self.answer(posting)
        self.book(posting, found, **fields)
        if open_amount is not None and self.qad.open is not None:
            self.qad.open[found] = Decimal(open_amount)
        return found

    def brought(self, kind: str, total: str, *, open_amount: str | None = None, pays: str = "") -> tuple[str, Posting]:
        """Bring a document all the way into QAD."""
        name = self.document(kind, total, open_amount=open_amount)
        [posting] = self.make(name, ("document", Act.POST, content(kind, total)), origin=self.upstream(name, pays=pays))
        self.call(posting, open_amount=open_amount or total)
        return name, posting

    def applied(self, payer: Posting, item: Posting, amount: str, *, row: str) -> Posting:
        """Write the posting of an application."""
        document = payer.document
        moved = allocation(payer, item, amount, row=row)
        origin = len(self.topics[Topic.MATCHED])
        self.upstream(document, pays=item.document)
        return self.make(document, (f"allocate:{row}", Act.ALLOCATE, moved), origin=origin)[0]

    # -- the verdict -------------------------------------------------------------------------------------------------

    def log(self, findings: Findings) -> Log:
        """Follow all that was written."""
        log = Log(CONNECTION, 3)
        log.ends = {topic: len(written) for topic, written in self.topics.items()} | self.ends
        sources = {"match": Topic.RECORDS, "ledger": Topic.MATCHED, "sink": Topic.POSTINGS}
        log.committed = {stage: len(self.topics[topic]) for stage, topic in sources.items()} | self.committed
        following = Following(log, findings)
        for topic in TOPICS:
            for offset, (about, value) in enumerate(self.topics[topic]):
                following.take(topic, Entry(offset, 0, about, value))
        return log

    def verdict(self) -> Verdict:
        """Judge."""
        findings = Findings(CONNECTION)
        return judge(self.zuora, self.qad, self.log(findings), findings, restored=self.restored)

    def broken(self) -> dict[str, list[str]]:
        """Return the numbers that are named, by invariant."""
        verdict = self.verdict()
        named: dict[str, list[str]] = {}
        for one in verdict.violations:
            named.setdefault(one.invariant, []).append(one.number)
        return named


def in_order() -> Court:
    """Return a site in which everything holds."""
    court = Court()
    court.publish()
    _, first = court.brought("invoice", "100.00", open_amount="10.00")
    court.brought("invoice", "250.50")
    _, memo = court.brought("credit_memo", "40.00", open_amount="10.00")
    _, receipt = court.brought("payment", "80.00", open_amount="20.00")
    for payer, amount, row in ((memo, "30.00", "r1"), (receipt, "60.00", "r2")):
        court.call(court.applied(payer, first, amount, row=row))
    return court


def content(kind: str, total: str, **changes: Any) -> Content:
    """Return the content of a document."""
    known: dict[str, Any] = {"customer": "C1", "currency": "EUR", "total": Decimal(total), "description": "d"}
    known |= {"document_date": DAY, "posting_date": DAY, **changes}
    if kind == "payment":
        return ReceiptContent(daybook="ZPAY", bank_account="1010", **known)
    credit = kind == "credit_memo"
    line = GlLine(account="4000", **{"debit" if credit else "credit": Decimal(total)})
    made = CreditNoteContent if credit else InvoiceContent
    return made(daybook="ZCRN" if credit else "ZINV", due_date=DAY, lines=(line,), **known)


def allocation(payer: Posting, item: Posting, amount: str, *, row: str, reopens: bool = False) -> AllocationContent:
    """Return the content of an application."""
    return AllocationContent(
        payer=payer.id,
        item=item.id,
        payer_document=payer.document,
        item_document=item.document,
        amount=Decimal(amount),
        currency="EUR",
        document_date=DAY,
        posting_date=DAY,
        daybook="ZADJ",
        description="d",
        reopens=reopens,
        row=row,
    )


def inverse(of: Posting, total: str) -> InverseContent:
    """Return the content of an inverse."""
    return InverseContent(
        of=of.id, currency="EUR", total=Decimal(total), posting_date=DAY, daybook="ZCRN", description="d"
    )


def offering(total: str, allocated: Posting, item: Posting, amount: str) -> ReceiptContent:
    """Return a receipt that offers to carry an application."""
    found = content("payment", total)
    offer = Offer(allocation=allocated.id, item=item.id, amount=Decimal(amount))
    return msgspec.structs.replace(found, offers=(offer,))


def _kind(content: Content) -> str:
    return str(content.__struct_config__.tag)


def _worth(content: Content) -> Decimal:
    return content.amount if isinstance(content, AllocationContent) else content.total


def _parent(kind: str) -> dict[str, Any]:
    """Return what Zuora must say of a document so that it can be read."""
    common = {"accountId": "a", "status": "Posted", "currency": "EUR"}
    if kind == "invoice":
        return {**common, "invoiceNumber": "INV", "amount": 1, "invoiceDate": str(DAY)}
    if kind == "credit_memo":
        return {**common, "memoNumber": "CM", "totalAmount": 1, "memoDate": str(DAY)}
    return {**common, "paymentNumber": "P", "amount": 1, "effectiveDate": str(DAY)}


__all__ = ["REASON", "Court", "Waiting", "allocation", "content", "in_order", "inverse", "offering"]
