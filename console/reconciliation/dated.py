"""What moved what each customer owes, by the day on each side: balances as of a date, and how they rolled forward.

Zuora's balances and QAD's open items are only today's. So both are taken back from today by what came later: Zuora's
by document dates and dates of applications, QAD's by the posting dates that its browses show. An application moves a
balance only where two customers have a part in it. Only what is in QAD counts here on either side: what is not stands
in the last line. Source: ACCOUNTING 8 (c) and (f), and 4 for what is listed as timing.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from console.reconciliation.balances import Balances
from console.reconciliation.facts import Standing
from console.reconciliation.ground import ZERO, Findings, Ground, key_of
from console.reconciliation.movements import period_of
from console.reports import BalanceLine, RollForward
from schemas.ids import document_parts
from schemas.postings import (
    Act,
    AllocationContent,
    CreditNoteContent,
    InverseContent,
    InvoiceContent,
    JournalContent,
    Posting,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from schemas.records import RecordKind

_COLUMNS = {
    RecordKind.INVOICE: "invoices",
    RecordKind.DEBIT_MEMO: "debit_notes",
    RecordKind.CREDIT_MEMO: "credit_notes",
    RecordKind.PAYMENT: "receipts",
    RecordKind.REFUND: "refunds",
    RecordKind.APPLIED_REFUND: "refunds",
}


class Move(NamedTuple):
    """What one posting, or a foreign document, did to what a customer owes.

    Attributes:
        column: Of the roll-forward.
        in_zuora: Effective day, and what it moved; None where Zuora knows nothing of it.
        in_qad: Posting date that QAD shows, and what it moved there; None where QAD does not show it.
    """

    column: str
    customer: str
    currency: str
    in_zuora: tuple[date, Decimal] | None
    in_qad: tuple[date, Decimal] | None


class Dated:
    """All moves of one connection, and what both sides come to today."""

    def __init__(self, ground: Ground, expected: Balances, actual: Balances) -> None:
        """Gather the moves.

        Args:
            ground: The three sides.
            expected: What each customer should owe today by Zuora, of what is in QAD.
            actual: What each owes in QAD.
        """
        self._ground = ground
        self._expected = expected
        self._actual = actual
        self._moves = [*self._of_postings(), *self._of_foreign()]

    def balances(self, on: date) -> tuple[BalanceLine, ...]:
        """Return what each customer owes at the end of a day, in both systems."""
        zuora, qad = self._taken_back(on)
        timing: Balances = defaultdict(Decimal)
        for move in self._moves:
            if move.in_zuora is not None and move.in_qad is not None:
                early, late = move.in_zuora[0] <= on, move.in_qad[0] <= on
                if early != late:
                    timing[move.customer, move.currency] += move.in_qad[1] if late else -move.in_zuora[1]
        return tuple(
            BalanceLine(
                customer=customer,
                currency=currency,
                zuora=zuora[customer, currency],
                qad=qad[customer, currency],
                timing=timing[customer, currency],
                other=qad[customer, currency] - zuora[customer, currency] - timing[customer, currency],
            )
            for customer, currency in sorted({*zuora, *qad})
            if zuora[customer, currency] or qad[customer, currency]
        )

    def roll_forward(self, first: date, last: date) -> tuple[RollForward, ...]:
        """Return how the receivable came from the day before `first` to the end of `last`, by currency and side."""
        before, after = self._taken_back(first - timedelta(days=1)), self._taken_back(last)
        currencies = sorted({currency for side in (*before, *after) for _, currency in side})
        return tuple(
            self._rolled(currency, index, _in(before[index], currency), _in(after[index], currency), first, last)
            for currency in currencies
            for index in (0, 1)
        )

    def _rolled(
        self, currency: str, index: int, opening: Decimal, closing: Decimal, first: date, last: date
    ) -> RollForward:
        columns: dict[str, Decimal] = dict.fromkeys((*dict.fromkeys(_COLUMNS.values()), "other"), ZERO)
        for move in self._moves:
            at = (move.in_zuora, move.in_qad)[index]
            if move.currency == currency and at is not None and first <= at[0] <= last:
                columns[move.column] += at[1]
        side = ("Zuora", "QAD")[index]
        return RollForward(currency=currency, side=side, opening=opening, closing=closing, **columns)

    def _taken_back(self, on: date) -> tuple[Balances, Balances]:
        """Return what each customer owed at the end of a day: by Zuora, in QAD."""
        zuora, qad = defaultdict(Decimal, self._expected), defaultdict(Decimal, self._actual)
        for move in self._moves:
            for side, at in ((zuora, move.in_zuora), (qad, move.in_qad)):
                if at is not None and at[0] > on:
                    side[move.customer, move.currency] -= at[1]
        return zuora, qad

    # -- moves -------------------------------------------------------------------------------------------------------

    def _of_postings(self) -> Iterator[Move]:
        for posting in self._ground.log.postings.values():
            standing = self._ground.posted(posting)
            if standing is None or standing.qad is None:
                continue
            there = self._ground.in_qad.get(key_of(standing.qad))
            total = standing.total or ZERO
            day, worth = effective(self._ground, posting), self._worth(posting, total)
            for customer, sign in self._parts(posting, standing):
                in_qad = None
                if there is not None and there.day is not None:
                    in_qad = (there.day, sign * (total if there.key.total is None else there.key.total))
                yield Move(
                    column=self._column(posting),
                    customer=customer,
                    currency=posting.content.currency,
                    in_zuora=(day, sign * worth) if day is not None else None,
                    in_qad=in_qad,
                )

    def _column(self, posting: Posting) -> str:
        content = posting.content
        if isinstance(content, TransferContent | InverseContent):
            of = self._ground.log.postings.get(content.of)
            if of is not None and isinstance(of.content, JournalContent):
                # Cash of nobody is received by a customer when it is assigned.
                return "receipts"
        if not self._ground.brings(posting):
            return "other"
        undone = self._ground.log.postings.get(content.of) if isinstance(content, InverseContent) else None
        content = undone.content if undone is not None else content
        without_settlement = "debit_notes" if isinstance(content, InvoiceContent) else "credit_notes"
        return _COLUMNS.get(RecordKind(document_parts(posting.document)[0]), without_settlement)

    def _worth(self, posting: Posting, total: Decimal) -> Decimal:
        document = self._ground.zuora.get(posting.document)
        newest = document is not None and self._ground.newest(posting.document) is posting
        return abs(document.total) if document is not None and newest and posting.act is Act.POST else total

    def _parts(self, posting: Posting, standing: Standing) -> list[tuple[str, int]]:
        """Return whom a posting moves: 1 where the customer owes more by it, -1 where less."""
        content, parts = posting.content, list[tuple[str, int]]()
        match content:
            case InvoiceContent() | RefundContent():
                parts = [(standing.customer, 1)]
            case CreditNoteContent() | ReceiptContent():
                parts = [(standing.customer, -1)]
            case AllocationContent():
                payer, item = self._customer(content.payer), self._customer(content.item)
                sign = 1 if content.reopens else -1
                parts = [(item, sign), (payer, -sign)] if payer != item else []
            case TransferContent():
                held = self._ground.log.postings.get(content.of)
                from_cash = held is None or isinstance(held.content, JournalContent)
                parts = [(standing.customer, -1), *([] if from_cash else [(self._customer(content.of), 1)])]
            case InverseContent():
                parts = self._turned(content, standing)
            case _:
                pass
        return parts

    def _turned(self, content: InverseContent, standing: Standing) -> list[tuple[str, int]]:
        undone = self._ground.log.postings.get(content.of)
        before = self._ground.log.standings.get(content.of)
        parts = self._parts(undone, before) if undone is not None and before is not None else []
        if content.item is not None and undone is not None and isinstance(undone.content, JournalContent):
            # Cash of nobody that became somebody's prepayment since.
            return [(standing.customer, 1)]
        if len(parts) == 1:
            # It moves the item that it finds, which may be another customer's by now.
            return [(standing.customer or parts[0][0], -parts[0][1])]
        return [(customer, -sign) for customer, sign in parts]

    def _customer(self, posting: Any) -> str:
        standing = self._ground.log.standings.get(posting)
        return standing.customer if standing is not None else ""

    def _of_foreign(self) -> Iterator[Move]:
        items = {key_of(item.key): item for item in self._ground.qad.open_items or ()}
        for key, document in self._ground.in_qad.items():
            item = items.get(key)
            if document.reference not in self._ground.by_reference and item is not None and document.day is not None:
                amount = item.owed * (document.key.total or ZERO)
                yield Move("other", document.key.customer, document.key.currency, None, (document.day, amount))


def effective(ground: Ground, posting: Posting) -> date | None:
    """Return the day on which a posting counts in Zuora: what Zuora shows today, else what was decided."""
    document = ground.zuora.get(posting.document)
    if document is not None and posting.act is Act.POST and ground.newest(posting.document) is posting:
        return date.fromisoformat(document.day[:10])
    content: Any = posting.content
    decided: date | None = getattr(content, "document_date", None) or getattr(content, "original_date", None)
    return decided or getattr(content, "posting_date", None)


def name_shifted(ground: Ground, findings: Findings, *, first: date, last: date, on: date | None) -> None:
    """Name what was posted on another day than its own, where either is in [first, last] or they lie around `on`."""
    for posting in ground.log.postings.values():
        standing = ground.posted(posting)
        day = effective(ground, posting)
        if standing is None or standing.day is None or day is None or day == standing.day:
            continue
        around = on is not None and (day <= on) != (standing.day <= on)
        if around or first <= day <= last or first <= standing.day <= last:
            periods = [period_of(ground.qad.periods, one) for one in (day, standing.day)]
            what = f"{posting.step} is dated {day} ({periods[0]}) and was posted on {standing.day} ({periods[1]})"
            total = standing.total or ZERO
            findings.name("timing", posting.number, what, posting.content.currency, total, rule="shifted")


def _in(side: Balances, currency: str) -> Decimal:
    return sum((amount for (_, known), amount in side.items() if known == currency), ZERO)
