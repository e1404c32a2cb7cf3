"""Allocations one by one, by QAD's lines of open item adjustments: ours as sent, and what people moved by hand.

Without the browse of these lines an allocation made by hand shows only as an open item that differs.
Source: ACCOUNTING 8 (a).
"""

from collections import defaultdict
from decimal import Decimal

from console.reconciliation.facts import QadItemLine
from console.reconciliation.ground import Findings, Ground, Key, key_of, written
from schemas.outcomes import Document
from schemas.postings import AllocationContent, Posting


def compare_allocations(ground: Ground, findings: Findings) -> None:
    """Compare what we allocated, and name what others did to our open items."""
    if ground.qad.item_lines is None:
        return
    shown: defaultdict[Key, list[QadItemLine]] = defaultdict(list)
    for line in ground.qad.item_lines:
        shown[key_of(line.key)].append(line)
    items: dict[Key, Posting] = {}
    ours: set[Key] = set()
    for posting in ground.log.postings.values():
        standing = ground.log.standings.get(posting.id)
        if standing is None or standing.qad is None or standing.status != "posted":
            continue
        key = key_of(standing.qad)
        ours.add(key)
        if not isinstance(posting.content, AllocationContent):
            items[key] = posting
        elif not ground.late(posting) and ground.posted(posting) is not None and (key in shown or key in ground.in_qad):
            # What a receipt carries has no document of its own: its open items are compared.
            findings.checks["allocations"] += 1
            _compare_one(ground, posting, posting.content, standing.qad, shown[key], findings)
    for key, lines in shown.items():
        there = ground.in_qad.get(key)
        if key not in ours and (there is None or there.reference not in ground.by_reference):
            _name_by_hand(lines, items, findings, counted=there is not None)


def _compare_one(
    ground: Ground,
    posting: Posting,
    content: AllocationContent,
    key: Document,
    lines: list[QadItemLine],
    findings: Findings,
) -> None:
    amount = ground.log.standings[posting.id].total or content.amount
    sign = 1 if content.reopens else -1
    expected: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for side, moved in ((content.item, sign * amount), (content.payer, -sign * amount)):
        known = ground.log.standings.get(side)
        if known is None or known.qad is None:
            return
        expected[key_of(known.qad)] += moved
    there: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for line in lines:
        there[line.item] += line.amount
    for item in sorted({*expected, *there}):
        if expected[item] != there[item]:
            what = f"{written(key)} moved {there[item]} on the open item {_told(item)}, {expected[item]} was sent"
            difference = there[item] - expected[item]
            findings.name("documents", posting.number, what, content.currency, difference)


def _name_by_hand(lines: list[QadItemLine], items: dict[Key, Posting], findings: Findings, *, counted: bool) -> None:
    for line in lines:
        posting = items.get(line.item)
        if posting is not None:
            what = (
                f"{written(line.key)}, not ours, moved {line.amount} on its open item {_told(line.item)} on {line.day}"
            )
            # What stands in a daybook of ours is named with its worth as a document already.
            worth = Decimal(0) if counted else line.amount
            findings.name("foreign", posting.number, what, line.key.currency, worth, rule="allocated_by_hand")


def _told(item: Key) -> str:
    year, daybook, voucher = item
    return f"{year}/{daybook}/{voucher}"
