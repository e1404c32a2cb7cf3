"""Whether the opening items that others loaded into QAD are what is open in Zuora, document by document.

Pure. Asked before the first posting: later acts on a document from before the cut-over find its opening item by the
Zuora number, or park. Decides nothing and posts nothing. Source: ACCOUNTING 7.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from console.reconciliation.facts import QadOpenItem
from console.reconciliation.ground import written
from console.zuora_side import ZuoraDocument
from schemas.money import ZERO
from schemas.records import RecordKind

# What is owed to the customer stands in QAD with the other sign.
_OWED = {RecordKind.INVOICE: 1, RecordKind.DEBIT_MEMO: 1, RecordKind.CREDIT_MEMO: -1, RecordKind.PAYMENT: -1}


class Untied(msgspec.Struct, frozen=True, kw_only=True):
    """One document that does not tie.

    Attributes:
        part: missing, amount, customer, side, twice or surplus.
        number: Zuora's number, or QAD's key where QAD alone has it.
        customer: QAD customer, "" where nobody knows.
        currency: Of the amounts.
        zuora: What is open in Zuora, signed as the customer owes it.
        qad: What is open in QAD, likewise.
        what: What is wrong, in a sentence.
        next_step: Who mends what.
    """

    part: str
    number: str
    customer: str
    currency: str
    zuora: Decimal
    qad: Decimal
    what: str
    next_step: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What is open of one customer and currency on both sides, as the customer owes it."""

    customer: str
    currency: str
    documents: int
    zuora: Decimal
    qad: Decimal


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found."""

    balances: tuple[Balance, ...]
    untied: tuple[Untied, ...]


def tie(
    documents: Iterable[ZuoraDocument],
    items: Iterable[QadOpenItem],
    *,
    cut_over: date,
    customer_of: Callable[[str], str],
    names: Mapping[str, str],
) -> Tie:
    """Tie what is open in Zuora of documents dated before the cut-over to QAD's open items.

    Args:
        documents: Zuora's documents today.
        items: All that is open in QAD.
        cut_over: Documents dated before it were loaded by others.
        customer_of: QAD customer of a billing account's id, "" where none is known.
        names: What QAD calls an open item of each kind, for the next step.
    """
    return _Ties(items, cut_over=cut_over, customer_of=customer_of, names=names).of(documents)


class _Ties:
    def __init__(
        self,
        items: Iterable[QadOpenItem],
        *,
        cut_over: date,
        customer_of: Callable[[str], str],
        names: Mapping[str, str],
    ) -> None:
        self._by_number: defaultdict[str, list[QadOpenItem]] = defaultdict(list)
        for item in items:
            self._by_number[item.number].append(item)
        self._cut_over, self._customer_of, self._names = cut_over, customer_of, names
        self._balances: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
        self._untied: list[Untied] = []

    def of(self, documents: Iterable[ZuoraDocument]) -> Tie:
        """Return what ties and what does not."""
        known = set[str]()
        ours = set[str]()
        for document in sorted(documents, key=lambda one: (one.kind, one.number)):
            known.add(document.number)
            customer = self._customer_of(document.account)
            ours.add(customer)
            if document.counts and document.kind in _OWED and document.day < str(self._cut_over):
                self._one(document, customer)
        for number, items in sorted(self._by_number.items()):
            for item in items:
                if number not in known and item.open and item.key.customer in ours - {""}:
                    self._surplus(item)
        balances = tuple(
            Balance(customer=customer, currency=currency, documents=int(count), zuora=zuora, qad=qad)
            for (customer, currency), (count, zuora, qad) in sorted(self._balances.items())
        )
        return Tie(balances=balances, untied=tuple(self._untied))

    def _one(self, document: ZuoraDocument, customer: str) -> None:
        owed = _OWED[RecordKind(document.kind)] * abs(document.open) * (-1 if document.total < 0 else 1)
        found = [one for one in self._by_number[document.number] if one.key.currency in ("", document.currency)]
        shown = sum((item.owed * item.open for item in found), ZERO)
        if not owed and not shown:
            return
        holder = customer or (found[0].key.customer if found else "")
        sums = self._balances[holder, document.currency]
        sums[0] += 1
        sums[1] += owed
        sums[2] += shown
        problem = self._problem(document, owed, found, shown, customer)
        if problem is not None:
            part, what, next_step = problem
            self._untied.append(
                Untied(
                    part=part,
                    number=document.number,
                    customer=holder,
                    currency=document.currency,
                    zuora=owed,
                    qad=shown,
                    what=what,
                    next_step=next_step,
                )
            )

    def _problem(
        self, document: ZuoraDocument, owed: Decimal, found: list[QadOpenItem], shown: Decimal, customer: str
    ) -> tuple[str, str, str] | None:
        called = self._names.get(document.kind, "open item")
        if not found:
            what = f"{owed} is open in Zuora, and QAD has no open item with this number"
            return "missing", what, f"Load it into QAD as {called}, with the Zuora number."
        if len(found) > 1:
            keys = ", ".join(written(item.key) for item in found)
            return "twice", f"{len(found)} open items carry this number ({keys})", "Close all but one of them in QAD."
        [item] = found
        if owed and shown and (owed > 0) != (shown > 0):
            what = f"it is on the other side in QAD ({written(item.key)}): {shown}, not {owed}"
            return "side", what, f"Load it as {called}."
        if owed != shown:
            what = f"{shown} is open in QAD ({written(item.key)}), {owed} in Zuora"
            return "amount", what, "Mend the open amount in QAD; or see in Zuora what was applied since it was loaded."
        if customer and item.key.customer != customer:
            what = f"it stands under {item.key.customer} in QAD, its account belongs to {customer}"
            return "customer", what, "Move it in QAD, or link the account to that customer (match link)."
        return None

    def _surplus(self, item: QadOpenItem) -> None:
        amount = item.owed * item.open
        self._untied.append(
            Untied(
                part="surplus",
                number=written(item.key),
                customer=item.key.customer,
                currency=item.key.currency,
                zuora=ZERO,
                qad=amount,
                what=f"{amount} is open in QAD under {item.number or 'no number'!r}, which Zuora does not have",
                next_step="If it is Zuora's business: give it the Zuora number. If it is not: nothing, it stays named.",
            )
        )
