"""Compares the three sides, purely: documents both ways, open items, customers, control accounts, and the last line.

Zuora = in QAD + in flight + parked + ignored by rule + timing + unexplained, per kind and currency; only the last
must be 0. What people keyed in our daybooks is `foreign`, a line of its own outside that sum. Source: ACCOUNTING 8,
(a) to (d).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from console.reconciliation.facts import LogSide, QadDocument, QadOpenItem, QadSide, Standing, ZuoraDocument
from console.reports import Difference, SumLine
from schemas.ids import document_parts
from schemas.outcomes import Document
from schemas.postings import Act, AllocationContent, OpeningContent, Posting

ZERO = Decimal(0)

# Rules of a wait that is a matter of dates, not of work to do.
_TIMING = frozenset({"period_closed", "period_not_defined"})

Key = tuple[int, str, int]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found."""

    sums: tuple[SumLine, ...]
    checks: dict[str, int]
    differences: tuple[Difference, ...]


def compare(zuora: Sequence[ZuoraDocument], qad: QadSide, log: LogSide, *, from_date: date, as_of: date) -> Result:
    """Compare the three sides for documents dated in [from_date, as_of]."""
    comparison = _Comparison(zuora, qad, log, from_date=from_date, as_of=as_of)
    comparison.presence()
    comparison.documents()
    comparison.open_items()
    comparison.control_accounts()
    return comparison.result()


class _Comparison:
    def __init__(
        self, zuora: Sequence[ZuoraDocument], qad: QadSide, log: LogSide, *, from_date: date, as_of: date
    ) -> None:
        self._zuora = {document.document: document for document in zuora}
        self._log = log
        self._from_date = from_date
        self._as_of = as_of
        self._by_key = {_key(document.key): document for document in qad.documents}
        self._items = {_key(item.key): item for item in qad.open_items}
        self._qad = qad
        self._effects: defaultdict[str, list[Posting]] = defaultdict(list)
        self._moves: defaultdict[str, list[Posting]] = defaultdict(list)
        for posting in log.postings.values():
            self._sort_in(posting)
        self._sums: dict[tuple[str, str], dict[str, Decimal]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._checks: Counter[str] = Counter()
        self._differences: list[Difference] = []

    def _sort_in(self, posting: Posting) -> None:
        content = posting.content
        if isinstance(content, AllocationContent):
            # What settles a document against its own inverse is no application of Zuora's.
            if content.row:
                self._moves[content.payer_document].append(posting)
                self._moves[content.item_document].append(posting)
        elif not isinstance(content, OpeningContent):
            self._effects[posting.document].append(posting)

    # -- what is in our daybooks -------------------------------------------------------------------------------------

    def presence(self) -> None:
        """Hold that what the log calls posted is in QAD as it was sent, once; and name what is not ours."""
        ours = {posting.reference: posting for posting in self._log.postings.values()}
        references = Counter(document.reference for document in self._qad_documents() if document.reference in ours)
        for document in self._qad_documents():
            self._checks["documents in QAD"] += 1
            if document.reference not in ours:
                self._name(
                    "foreign",
                    _written(document.key),
                    f"a {document.kind} with the reference {document.number!r} is in our daybook and not ours",
                    document.key.currency,
                    document.key.total or ZERO,
                )
        for reference, count in references.items():
            if count > 1:
                posting = ours[reference]
                self._name("duplicate", posting.number, f"{count} documents carry the reference of {posting.step}")
        for name, posting in self._log.postings.items():
            standing = self._log.standings.get(name)
            if standing is not None and standing.status == "posted" and standing.how in ("answer", "look_up"):
                self._check_one(posting, standing)

    def _check_one(self, posting: Posting, standing: Standing) -> None:
        if standing.qad is None:
            return
        self._checks["postings in QAD"] += 1
        there = self._by_key.get(_key(standing.qad))
        if there is None:
            what = f"{posting.step} was posted as {_written(standing.qad)} and is not in QAD"
            self._name("lost", posting.number, what)
        elif there.reference != posting.reference:
            what = f"{_written(standing.qad)} no longer carries our reference: somebody changed it"
            self._name("documents", posting.number, what)
        elif (total := _total(posting)) is not None and there.key.total not in (None, total):
            difference = (there.key.total or ZERO) - total
            what = f"{_written(standing.qad)} has a total of {there.key.total}, {total} was sent"
            self._name("documents", posting.number, what, there.key.currency, difference)

    # -- the last line -----------------------------------------------------------------------------------------------

    def documents(self) -> None:
        """Bring each document's total to what is in QAD, and say where the rest is."""
        for name in sorted({*self._zuora, *self._effects}):
            document = self._zuora.get(name)
            if document is not None and not self._in_scope(document.day):
                continue
            if document is None and not self._dated_in_scope(self._effects[name]):
                continue
            self._one_document(name, document)

    def _one_document(self, name: str, document: ZuoraDocument | None) -> None:
        effects = self._effects[name]
        kind = document_parts(name)[0]
        currency = document.currency if document else effects[0].content.currency
        total = document.total if document else ZERO
        number = document.number if document else effects[0].number
        sign = -1 if total < 0 else 1
        in_qad = sign * sum((self._effect(posting) for posting in effects), ZERO)
        line = self._line(kind, currency)
        self._counts[kind, currency] += 1
        line["zuora"] += total
        line["in_qad"] += in_qad
        rest = total - in_qad
        if rest:
            bucket, rule, why = self._where(name, document, effects)
            line[bucket] += rest
            part = "documents" if bucket == "unexplained" else bucket
            self._name(part, number, why, currency, rest, rule)
        elif document is not None and name in self._log.documents:
            # Its total is zero, or already there: what does not go on is named all the same.
            part, rule, why = _bucket(self._log.documents[name])
            if part in ("parked", "ignored"):
                self._name(part, number, why, currency, ZERO, rule)

    def _effect(self, posting: Posting) -> Decimal:
        """Return what a posting brought into QAD by QAD's own total: post counts, its inverse takes away."""
        standing = self._log.standings.get(posting.id)
        if standing is None or standing.qad is None:
            return ZERO
        there = self._by_key.get(_key(standing.qad))
        if there is None or there.key.total is None:
            return ZERO
        return -there.key.total if posting.act is Act.REVERSE else there.key.total

    def _where(self, name: str, document: ZuoraDocument | None, effects: Iterable[Posting]) -> tuple[str, str, str]:
        """Return the bucket of what is not in QAD, the rule, and a sentence."""
        for posting in effects:
            standing = self._log.standings.get(posting.id)
            if standing is None or standing.status in ("intended", "unknown", "rejected", "released"):
                return "in_flight", "", f"{posting.step} is on its way to QAD"
            if standing.status in ("waiting", "parked", "superseded"):
                return _bucket(standing)
        held = self._log.documents.get(name)
        if held is not None:
            return _bucket(held)
        on_its_way = self._on_its_way(name, document)
        if on_its_way:
            return "in_flight", "", on_its_way
        what = "it is in Zuora and not in QAD" if document else "it is in QAD and no longer counts in Zuora"
        return "unexplained", "", f"{what}, and nothing says why"

    def _on_its_way(self, name: str, document: ZuoraDocument | None) -> str:
        """Return where a document is that no outcome speaks of, or "" where nobody knows."""
        if document is not None and self._unread(document):
            return "not read yet: it changed after the last poll"
        if name in self._log.matched and not self._effects[name]:
            return "matched, and not mapped yet"
        if name in self._log.read and name not in self._log.matched:
            return "read, and not matched yet"
        return ""

    # -- open items, customers, control accounts ---------------------------------------------------------------------

    def open_items(self) -> None:
        """Compare what is open of each document, and the balance of each customer and currency."""
        expected: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        actual: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        explained: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for name, document in sorted(self._zuora.items()):
            item = self._item_of(name, document)
            if item is None:
                continue
            self._checks["open items"] += 1
            pending = sum((self._pending(posting) for posting in self._moves[name]), ZERO)
            should = abs(document.open) + pending
            customer = (item.key.customer, document.currency)
            expected[customer] += item.owed * should
            actual[customer] += item.owed * item.open
            difference = item.open - should
            if difference:
                explained[customer] += item.owed * difference
                self._name_open(name, document, difference, item, should)
        for customer in sorted(expected):
            self._checks["customers"] += 1
            gap = actual[customer] - expected[customer] - explained[customer]
            if gap:
                self._name("customers", customer[0], "its balance differs", customer[1], gap)

    def _name_open(
        self, name: str, document: ZuoraDocument, difference: Decimal, item: QadOpenItem, should: Decimal
    ) -> None:
        held = self._log.documents.get(name)
        what = f"{item.open} is open in QAD ({_written(item.key)}), {should} should be by Zuora"
        if self._unread(document):
            self._name("in_flight", document.number, f"{what}: it changed after the last poll")
        elif held is not None and held.reason is not None:
            part = _bucket(held)[0]
            self._name(part, document.number, what, document.currency, difference, held.reason.rule)
        else:
            self._name("open_items", document.number, what, document.currency, difference)

    def _item_of(self, name: str, document: ZuoraDocument) -> QadOpenItem | None:
        """Return the open item that stands for a document in QAD, if one does."""
        for posting in sorted(self._log.postings.values(), key=lambda posting: -posting.n):
            if posting.document == name and posting.act is Act.POST:
                standing = self._log.standings.get(posting.id)
                if standing is not None and standing.status == "posted" and standing.qad is not None:
                    return self._items.get(_key(standing.qad))
        if self._log.cut_over is not None and document.day < self._log.cut_over:
            return self._opening(document)
        return None

    def _opening(self, document: ZuoraDocument) -> QadOpenItem | None:
        found = [item for item in self._items.values() if item.number == document.number]
        if not found and document.open:
            what = "it is from before the cut-over, open in Zuora, and QAD has no opening item with its number"
            self._name("open_items", document.number, what, document.currency, document.open)
        return found[0] if len(found) == 1 else None

    def _pending(self, posting: Posting) -> Decimal:
        """Return what a move that is not in QAD yet will take from an open item."""
        standing = self._log.standings.get(posting.id)
        if standing is not None and standing.status in ("posted", "superseded"):
            return ZERO
        content = posting.content
        if not isinstance(content, AllocationContent):
            return ZERO
        return -content.amount if content.reopens else content.amount

    def control_accounts(self) -> None:
        """Compare QAD's open items with its own control accounts."""
        totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for item in self._items.values():
            totals[item.account, item.key.currency] += item.owed * item.open
        for account, currency in sorted(totals):
            self._checks["control accounts"] += 1
            balance = self._qad.balances.get((account, currency), ZERO)
            difference = totals[account, currency] - balance
            if difference and self._qad.balances:
                what = f"its open items come to {totals[account, currency]}, its balance is {balance}"
                self._name("control_accounts", account, what, currency, difference)

    # -- odds and ends -----------------------------------------------------------------------------------------------

    def result(self) -> Result:
        sums = tuple(
            SumLine(kind=kind, currency=currency, documents=self._counts[kind, currency], **line)
            for (kind, currency), line in sorted(self._sums.items())
        )
        return Result(sums=sums, checks=dict(self._checks), differences=tuple(self._differences))

    def _qad_documents(self) -> Iterable[QadDocument]:
        return self._by_key.values()

    def _in_scope(self, day: date) -> bool:
        cut_over = self._log.cut_over or date.min
        return max(self._from_date, cut_over) <= day <= self._as_of

    def _dated_in_scope(self, effects: Iterable[Posting]) -> bool:
        days = [getattr(posting.content, "document_date", None) for posting in effects]
        return any(day is not None and self._in_scope(day) for day in days)

    def _unread(self, document: ZuoraDocument) -> bool:
        read_to = self._log.read_to.get(document.kind, "")
        if not read_to or not document.updated:
            return not read_to
        return datetime.fromisoformat(document.updated).astimezone(UTC) >= datetime.fromisoformat(read_to)

    def _line(self, kind: str, currency: str) -> dict[str, Decimal]:
        names = ("zuora", "in_qad", "in_flight", "parked", "ignored", "timing", "unexplained")
        return self._sums.setdefault((kind, currency), dict.fromkeys(names, ZERO))

    def _name(
        self, part: str, number: str, what: str, currency: str = "", amount: Decimal = ZERO, rule: str = ""
    ) -> None:
        self._differences.append(
            Difference(part=part, number=number, what=what, currency=currency, amount=amount, rule=rule)
        )


def _bucket(standing: Standing) -> tuple[str, str, str]:
    reason = standing.reason
    rule, why = (reason.rule, reason.message) if reason else ("", standing.status)
    if standing.status == "parked":
        return "parked", rule, why
    if standing.status in ("ignored", "superseded"):
        return "ignored", rule, why
    return ("timing" if rule in _TIMING else "in_flight"), rule, why


def _total(posting: Posting) -> Decimal | None:
    content = posting.content
    if isinstance(content, AllocationContent):
        return content.amount
    return getattr(content, "total", None)


def _key(document: Document) -> Key:
    return (document.year, document.daybook, document.voucher)


def _written(document: Document) -> str:
    return f"{document.year}/{document.daybook}/{document.voucher}"
