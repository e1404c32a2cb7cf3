"""Movement per GL account and period: the lines that we sent against QAD's GL transactions, document by document.

QAD fills in the control side of a document and what exchange rates make; so only accounts that we named are held
against each other, the others are told. Base currency is told where the browse shows it, and never compared. Without
the browse, what we sent is told alone. Source: ACCOUNTING 8 (e), 3 for additions to deferred revenue.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from console.reconciliation.facts import QadGlLine
from console.reconciliation.ground import ZERO, Findings, Ground, Key, key_of, written
from console.reports import AccountMovement
from schemas.postings import (
    CreditNoteContent,
    GlLine,
    InverseContent,
    InvoiceContent,
    JournalContent,
    Posting,
    ReceiptContent,
    RefundContent,
    TransferContent,
)
from schemas.references import Period


class _Cell(NamedTuple):
    period: str
    account: str
    currency: str


class _Sums:
    def __init__(self) -> None:
        self.sent: Decimal | None = None
        self.deferred = self.qad = self.foreign = ZERO
        self.base: Decimal | None = None


def compare_movements(ground: Ground, findings: Findings, *, first: date, last: date) -> tuple[AccountMovement, ...]:
    """Compare what is posted in [first, last], and return the movement of each account, debit above zero."""
    cells: defaultdict[_Cell, _Sums] = defaultdict(_Sums)
    shown: defaultdict[Key, list[QadGlLine]] = defaultdict(list)
    for line in ground.qad.gl_lines or ():
        shown[key_of(line.key)].append(line)
    ours: set[Key] = set()
    for posting in ground.log.postings.values():
        standing = ground.posted(posting)
        if standing is None or standing.qad is None or standing.day is None:
            continue
        key = key_of(standing.qad)
        ours.add(key)
        lines = _sent(ground, posting)
        if first <= standing.day <= last:
            _add_sent(cells, lines, posting, period_of(ground.qad.periods, standing.day))
        if ground.qad.gl_lines is not None and key in ground.in_qad and not ground.late(posting):
            findings.checks["GL entries"] += 1
            _compare_one(posting, lines, shown[key], written(standing.qad), findings)
    for key, found in shown.items():
        for line in found:
            if line.day is not None and first <= line.day <= last:
                _add_shown(cells, line, period_of(ground.qad.periods, line.day), is_ours=key in ours)
    return tuple(
        AccountMovement(
            **cell._asdict(),
            sent=sums.sent,
            qad=sums.qad if ground.qad.gl_lines is not None else None,
            foreign=sums.foreign,
            deferred=sums.deferred,
            base=sums.base,
        )
        for cell, sums in sorted(cells.items(), key=lambda one: one[0])
    )


def period_of(periods: Sequence[Period], day: date) -> str:
    """Return QAD's period of a day, by its code."""
    found = [period.code for period in periods if period.first_day <= day <= period.last_day]
    return found[0] if found else "no period"


def _compare_one(
    posting: Posting, lines: Sequence[GlLine], shown: Sequence[QadGlLine], key: str, findings: Findings
) -> None:
    currency = posting.content.currency
    if not shown:
        findings.name("movements", posting.number, f"{key} has made no entry in QAD's general ledger", currency)
        return
    sent, there = _by_account(lines), defaultdict[str, Decimal](Decimal)
    for line in shown:
        if line.key.currency == currency:
            there[line.account] += line.amount
    for account, amount in sorted(sent.items()):
        if there[account] != amount:
            what = f"{key} moved {there[account]} on account {account} in QAD, {amount} was sent: somebody changed it"
            findings.name("movements", posting.number, what, currency, there[account] - amount)


def _by_account(lines: Sequence[GlLine]) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.account] += line.debit - line.credit
    return dict(sums)


def _add_sent(cells: defaultdict[_Cell, _Sums], lines: Sequence[GlLine], posting: Posting, period: str) -> None:
    for line in lines:
        sums = cells[_Cell(period, line.account, posting.content.currency)]
        sums.sent = (sums.sent or ZERO) + line.debit - line.credit
        if line.role == "deferred":
            sums.deferred += line.credit - line.debit


def _add_shown(cells: defaultdict[_Cell, _Sums], line: QadGlLine, period: str, *, is_ours: bool) -> None:
    sums = cells[_Cell(period, line.account, line.key.currency)]
    if is_ours:
        sums.qad += line.amount
    else:
        sums.foreign += line.amount
    if line.base is not None:
        sums.base = (sums.base or ZERO) + line.base


def _sent(ground: Ground, posting: Posting) -> tuple[GlLine, ...]:
    """Return the lines that a posting brought into the general ledger, but those that QAD fills in."""
    content, lines = posting.content, tuple[GlLine, ...]()
    match content:
        case InvoiceContent() | CreditNoteContent() | JournalContent():
            lines = content.lines
        case ReceiptContent():
            lines = (GlLine(account=content.bank_account, debit=content.total),)
        case RefundContent():
            lines = (GlLine(account=content.bank_account, credit=content.total),)
        case TransferContent() if content.of in ground.log.postings:
            lines = _turned(ground.log.postings[content.of], role="unassigned")
        case InverseContent() if content.of in ground.log.postings:
            undone = ground.log.postings[content.of]
            if isinstance(undone.content, JournalContent):
                lines = _turned(undone, role="bank" if content.item is not None else "")
            else:
                lines = tuple(line.inverse() for line in _sent(ground, undone))
        case _:
            pass
    return lines


def _turned(posting: Posting, *, role: str) -> tuple[GlLine, ...]:
    """Return the lines of a journal, or those of a role, on their other side."""
    lines = posting.content.lines if isinstance(posting.content, JournalContent) else ()
    return tuple(line.inverse() for line in lines if role in ("", line.role))
