"""What is open: of each document, of each customer and currency, and on QAD's own control accounts.

What is open in Zuora, with the applications that are under way, should be open in QAD; an item that QAD no longer lists
is closed. A customer's balance is QAD's own, over all items in our daybooks and those that others loaded for us before
the cut-over: what stands under no document and was named nowhere is named there. Items of other daybooks are other
business. Source: ACCOUNTING 8 (b) to (d).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import msgspec

from console.reconciliation.facts import QadOpenItem
from console.reconciliation.ground import ZERO, Findings, Ground, Key, Place, key_of, place_of, written
from console.zuora_side import ZuoraDocument
from schemas.outcomes import Document
from schemas.postings import Act, AllocationContent, InvoiceContent, JournalContent, Posting, RefundContent

Balances = defaultdict[tuple[str, str], Decimal]


def compare_balances(ground: Ground, findings: Findings) -> tuple[Balances, Balances]:
    """Compare all that is open, document by document, then customer by customer.

    Returns:
        By customer and currency, what should be open by Zuora of what is in QAD, and what is.
    """
    if ground.qad.open_items is None:
        return defaultdict(Decimal), defaultdict(Decimal)
    comparison = _OpenItems(ground, findings)
    comparison.of_documents()
    comparison.of_what_no_longer_counts()
    sides = comparison.of_customers()
    _compare_control_accounts(ground, findings)
    return sides


class _OpenItems:
    def __init__(self, ground: Ground, findings: Findings) -> None:
        self._ground = ground
        self._findings = findings
        self._items = {key_of(item.key): item for item in ground.qad.open_items or ()}
        self._ours = dict(_items_of_postings(ground))
        # Items that stand for a document of Zuora.
        self._compared: set[Key] = set()
        self._expected: Balances = defaultdict(Decimal)
        self._named: Balances = defaultdict(Decimal)

    # -- documents ---------------------------------------------------------------------------------------------------

    def of_documents(self) -> None:
        """Compare what is open of each document that counts in Zuora."""
        pools: defaultdict[str, list[tuple[Decimal, Callable[[], None]]]] = defaultdict(list)
        for name, document in sorted(self._ground.zuora.items()):
            item = self._item_of(name, document)
            if item is None:
                continue
            self._findings.checks["open items"] += 1
            self._compared.add(key_of(item.key))
            should = abs(document.open) + self._pending(name)
            self._expected[_account(item)] += item.owed * should
            difference = item.open - should
            if difference:
                self._named[_account(item)] += item.owed * difference
                part, rule, why = self._why_open(name)
                what = f"{item.open} is open in QAD ({written(item.key)}), {should} should be by Zuora{why}"
                tell = partial(
                    self._findings.name, part, document.number, what, document.currency, difference, rule=rule
                )
                pools[document.pool or name].append((difference, tell))
        for found in pools.values():
            # Which of those that stand in for one another was used first is ours to say, not Zuora's.
            if sum((difference for difference, _ in found), ZERO):
                for _, name_it in found:
                    name_it()

    def of_what_no_longer_counts(self) -> None:
        """Hold that nothing is open of what we posted and took back, or should take back."""
        rests: defaultdict[str, list[QadOpenItem]] = defaultdict(list)
        for key, posting in self._ours.items():
            item = self._items.get(key)
            if item is not None and key not in self._compared:
                rests[posting.document].append(item)
                self._named[_account(item)] += item.owed * item.open
        for name, items in sorted(rests.items()):
            rest = sum((item.owed * item.open for item in items), ZERO)
            newest = self._ground.newest(name, Act.POST, Act.TRANSFER)
            if newest is not None and name not in self._ground.zuora:
                rest -= _owed(newest) * self._pending(name)
            if rest:
                bucket, rule, why = self._ground.where(name)
                part = "open_items" if bucket == "unexplained" else bucket
                keys = ", ".join(written(item.key) for item in items)
                what = f"{rest} is still open in QAD ({keys}): {why}"
                self._findings.name(part, items[0].number, what, items[0].key.currency, rest, rule=rule)

    def _why_open(self, name: str) -> Place:
        held = self._ground.log.documents.get(name)
        if self._ground.is_unread(name):
            return Place("in_flight", "", ": it changed after the last poll")
        gone = [self._ground.gone(one) for one in (*self._ground.moves[name], *self._ground.effects[name])]
        place = min(filter(None, gone), key=lambda one: one.bucket != "parked", default=None)
        if place is not None:
            return place._replace(why=f": {place.why}")
        if held is not None and held.reason is not None:
            bucket, rule, _ = place_of(held)
            return Place(bucket, rule, "")
        return Place("open_items", "", "")

    def _item_of(self, name: str, document: ZuoraDocument) -> QadOpenItem | None:
        """Return the open item that stands for a document in QAD, if one does."""
        posting = self._ground.newest(name, Act.POST, Act.TRANSFER)
        if posting is not None:
            if isinstance(posting.content, RefundContent | JournalContent):
                return None
            standing = self._ground.posted(posting)
            if standing is None or standing.qad is None:
                return None
            return self._items.get(key_of(standing.qad), _closed(posting, standing.qad, standing.customer))
        cut_over = self._ground.log.cut_over
        return self._opening_of(document) if cut_over is not None and document.day < str(cut_over) else None

    def _opening_of(self, document: ZuoraDocument) -> QadOpenItem | None:
        found = [
            item
            for key, item in self._items.items()
            if item.number == document.number and item.key.currency in ("", document.currency) and key not in self._ours
        ]
        if len(found) > 1:
            keys = ", ".join(written(item.key) for item in found)
            what = f"it is from before the cut-over, and {len(found)} opening items have its number ({keys})"
            amount = sum((item.open for item in found), ZERO) - abs(document.open)
            self._findings.name("open_items", document.number, what, document.currency, amount)
        elif not found and document.open:
            what = "it is from before the cut-over, open in Zuora, and QAD has no opening item with its number"
            self._findings.name("open_items", document.number, what, document.currency, document.open)
        return found[0] if len(found) == 1 else None

    def _pending(self, name: str) -> Decimal:
        """Return what applications and refunds that are not in QAD yet will take from a document's open item."""
        return sum((self._taken_later(posting) for posting in self._ground.moves[name]), ZERO)

    def _taken_later(self, posting: Posting) -> Decimal:
        if self._ground.status(posting) in ("posted", "superseded"):
            return ZERO
        content, refund = posting.content, self._ground.refund_of(posting)
        if refund is not None:
            return -refund.total if posting.act is Act.REVERSE else refund.total
        if not isinstance(content, AllocationContent):
            return ZERO
        return -content.amount if content.reopens else content.amount

    # -- customers ---------------------------------------------------------------------------------------------------

    def of_customers(self) -> tuple[Balances, Balances]:
        """Compare the balance of each customer and currency: QAD's own with Zuora's and what was named on the way."""
        actual: Balances = defaultdict(Decimal)
        daybooks = {key[1] for key in self._ours}.union(*self._ground.log.daybooks.values())
        for key, item in self._items.items():
            if key in self._compared or key[1] in daybooks:
                actual[_account(item)] += item.owed * item.open
                if key not in self._compared and key not in self._ours and key in self._ground.in_qad:
                    # A foreign document, or one of ours that the log does not know to be there yet: named as such.
                    self._named[_account(item)] += item.owed * item.open
        for customer, currency in sorted({*actual, *self._expected}):
            self._findings.checks["customers"] += 1
            balance = actual[customer, currency]
            gap = balance - self._expected[customer, currency] - self._named[customer, currency]
            if gap:
                what = f"{balance} is open in QAD, and {gap} of it stands under no document"
                self._findings.name("customers", customer, what, currency, gap)
        return self._expected, actual


def _compare_control_accounts(ground: Ground, findings: Findings) -> None:
    """Compare QAD's open items with its own control accounts."""
    totals: Balances = defaultdict(Decimal)
    for item in {key_of(item.key): item for item in ground.qad.open_items or ()}.values():
        if item.account:
            totals[item.account, item.key.currency] += item.owed * item.open
    for account, currency in sorted(totals):
        findings.checks["control accounts"] += 1
        balance = ground.qad.balances.get((account, currency), ZERO)
        difference = totals[account, currency] - balance
        if difference and ground.qad.balances:
            what = f"its open items come to {totals[account, currency]}, its balance is {balance}"
            findings.name("control_accounts", account, what, currency, difference)


def _items_of_postings(ground: Ground) -> Iterator[tuple[Key, Posting]]:
    """Yield what made an open item in QAD, by its key."""
    for postings in ground.effects.values():
        for posting in postings:
            standing = ground.posted(posting)
            if standing is not None and standing.qad is not None:
                yield key_of(standing.qad), posting


def _owed(posting: Posting) -> int:
    return 1 if isinstance(posting.content, InvoiceContent) else -1


def _account(item: QadOpenItem) -> tuple[str, str]:
    return item.key.customer, item.key.currency


def _closed(posting: Posting, key: Document, customer: str) -> QadOpenItem:
    """Return the item of a posting that QAD no longer lists: nothing of it is open."""
    known = msgspec.structs.replace(key, customer=customer, currency=posting.content.currency)
    return QadOpenItem(key=known, number=posting.number, open=ZERO, owed=_owed(posting), account="")
