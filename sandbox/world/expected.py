"""What must be in QAD when every fix is done, reckoned from Zuora's own books and what the story declared.

A judge's view: it knows nothing of the product but the names of its rules, and never asks it anything.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from sandbox.world.cases import Case, Fate
from sandbox.world.chart import UNASSIGNED_CASH, WALLET_BANK, banks_of
from sandbox.world.scene import Row, Scene
from sandbox.world.sites import CUT_OVER, Fact

# Kind of the product, book of the stand-in, and where that has number, date, total, and what is open of it.
_BOOKS = (
    ("invoice", "invoices", "invoiceNumber", "invoiceDate", "amount", "balance"),
    ("credit_memo", "credit-memos", "memoNumber", "memoDate", "totalAmount", "balance"),
    ("debit_memo", "debit-memos", "memoNumber", "memoDate", "totalAmount", "balance"),
    ("payment", "payments", "paymentNumber", "effectiveDate", "amount", "unappliedAmount"),
    ("refund", "refunds", "refundNumber", "refundDate", "amount", ""),
)
# A customer owes what is open of these; what is open of others is owed to the customer.
_OWED = ("invoice", "debit_memo")
# Rules that hold a part of a document, or a later act on it: the document itself is in QAD.
_IN_QAD_ITSELF = ("waits_for_posting", "same_customer")


class Total(Fact, frozen=True, kw_only=True):
    """How many documents, over how much."""

    documents: int
    amount: Decimal


class Staying(Fact, frozen=True, kw_only=True):
    """A document that does not end in QAD, or stands there and is not ours.

    Attributes:
        number: Zuora's number, or QAD's key.
        kind: Kind of the document.
        fate: parked, waiting, ignored or foreign.
        rule: The product's rule.
        currency: Its currency.
        amount: Its total.
    """

    number: str
    kind: str
    fate: Fate
    rule: str
    currency: str
    amount: Decimal


class ExpectedBooks(Fact, frozen=True, kw_only=True):
    """What must be true at the end.

    Attributes:
        in_qad: Totals of what is posted in QAD for Zuora's documents, by (kind, currency): invoice, credit_memo,
            debit_memo, payment, refund; what was undone does not count, nor what is over nothing.
        cash: What Zuora's payments and refunds leave on each account for money, by (GL account, currency): banks,
            and where money of nobody known waits, which is below zero.
        open: What Zuora's documents from the cut-over on leave open, by (customer, currency): owed by the customer less
            owed to it.
        staying: What is posted in Zuora and not in QAD, in the order of Zuora's books.
        passed_over: What is in QAD and of which a later act is ignored by a rule.
        foreign: What is in our daybooks and not ours.
    """

    in_qad: dict[tuple[str, str], Total]
    cash: dict[tuple[str, str], Decimal]
    open: dict[tuple[str, str], Decimal]
    staying: tuple[Staying, ...]
    passed_over: tuple[Staying, ...]
    foreign: tuple[Staying, ...]


async def expected_books(scene: Scene, *, mended: bool = True) -> ExpectedBooks:
    """Return what must be true of a site now.

    Args:
        scene: The site's scene, with what was declared so far.
        mended: As if every fix were done; else as if none were.
    """
    standing = {number: case for case in scene.cases for number in case.documents if _stands(case, mended=mended)}
    passed_over = {
        number: case
        for case in scene.cases
        for number in case.documents
        if case.fate == "ignored" and case.rule in _IN_QAD_ITSELF
    }
    corrected: dict[tuple[str, str], Decimal] = {
        (case.kind, number): case.amount
        for case in scene.cases
        if case.fix is not None and case.amount is not None and mended
        for number in case.documents
    }
    books = _Books(scene, await _customers(scene), assigned=_assigned(scene) if mended else {})
    staying: list[Staying] = []
    passed: list[Staying] = []
    for kind, book, number_field, day_field, total_field, open_field in _BOOKS:
        for row in await scene.zuora.book(book):
            number, amount = str(row[number_field]), Decimal(row[total_field])
            case = standing.get(number)
            before = date.fromisoformat(row[day_field]) < CUT_OVER
            if before:
                staying.append(_staying(kind, number, row, amount, fate="ignored", rule="before_cut_over"))
            elif case is not None and case.kind == kind:
                staying.append(_staying(kind, number, row, amount, fate=case.fate, rule=case.rule))
            else:
                total = corrected.get((kind, number), amount)
                books.add(
                    kind, row, total, still_open=Decimal(row[open_field]) + total - amount if open_field else None
                )
                if number in passed_over:
                    rule = passed_over[number].rule
                    passed.append(_staying(kind, number, row, amount, fate="ignored", rule=rule))
    return ExpectedBooks(
        in_qad=books.totals(),
        cash=_without_zero(books.cash),
        open=_without_zero(books.open),
        staying=tuple(staying),
        passed_over=tuple(passed),
        foreign=tuple(_foreign(case) for case in scene.cases if case.fate == "foreign"),
    )


class _Books:
    """Adds documents up."""

    def __init__(self, scene: Scene, customers: dict[str, str], *, assigned: dict[str, str]) -> None:
        self._customers = customers
        self._assigned = assigned
        wallet = [WALLET_BANK] if scene.site.name == "amer" else []
        banks = (*banks_of(scene.site), *wallet)
        self._banks = {(one.payment_type, one.gateway, one.currency): one.account for one in banks}
        self._amounts: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
        self.cash: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.open: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def add(self, kind: str, row: Row, total: Decimal, *, still_open: Decimal | None) -> None:
        currency = row["currency"]
        if total:
            self._amounts[kind, currency].append(total)
        if kind in ("payment", "refund"):
            bank = self._banks[row["type"], row.get("gateway") or "", currency]
            self.cash[bank, currency] += total if kind == "payment" else -total
        if still_open is None:
            return
        owner = self._customers.get(row.get("accountId", "")) or self._assigned.get(row.get("paymentNumber", ""))
        if owner is None:
            self.cash[UNASSIGNED_CASH, currency] -= still_open
        else:
            self.open[owner, currency] += still_open if kind in _OWED else -still_open

    def totals(self) -> dict[tuple[str, str], Total]:
        return {
            key: Total(documents=len(amounts), amount=sum(amounts, Decimal(0)))
            for key, amounts in sorted(self._amounts.items())
        }


async def _customers(scene: Scene) -> dict[str, str]:
    """Return the customer that each billing account belongs to in truth, by Zuora's id of the account."""
    known = {account.number: account.customer for account in scene.world.population.accounts}
    return {row["id"]: known[row["accountNumber"]] for row in await scene.zuora.book("accounts")}


def _assigned(scene: Scene) -> dict[str, str]:
    """Return the customers that money of nobody is given to by a fix, by payment."""
    customers = {account.number: account.customer for account in scene.world.population.accounts}
    asked = [case.fix.arguments for case in scene.cases if case.fix is not None and case.fix.act == "assign_payment"]
    return {one["payment"]: customers[one["account"]] for one in asked}


def _without_zero(amounts: dict[tuple[str, str], Decimal]) -> dict[tuple[str, str], Decimal]:
    return {key: amount for key, amount in sorted(amounts.items()) if amount}


def _stands(case: Case, *, mended: bool) -> bool:
    """Return whether a case keeps its documents out of QAD."""
    if case.fate not in ("parked", "waiting", "ignored") or case.rule in _IN_QAD_ITSELF:
        return False
    return not (mended and case.is_mended)


def _staying(kind: str, number: str, row: Row, amount: Decimal, *, fate: Fate, rule: str) -> Staying:
    return Staying(number=number, kind=kind, fate=fate, rule=rule, currency=row["currency"], amount=amount)


def _foreign(case: Case) -> Staying:
    return Staying(
        number=case.documents[0],
        kind=case.kind,
        fate="foreign",
        rule="",
        currency=case.currency,
        amount=case.amount or Decimal(0),
    )
