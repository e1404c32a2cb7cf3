"""What must be in QAD when every fix is done, reckoned from Zuora's own books and what the story declared.

A judge's view: it knows nothing of the product but the names of its rules, and never asks it anything.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from sandbox.world.cases import Case, Fate
from sandbox.world.scene import Row, Scene
from sandbox.world.sites import CUT_OVER, Fact

# Kind of the product, book of the stand-in, and where that has number, date and total.
_BOOKS = (
    ("invoice", "invoices", "invoiceNumber", "invoiceDate", "amount"),
    ("credit_memo", "credit-memos", "memoNumber", "memoDate", "totalAmount"),
    ("debit_memo", "debit-memos", "memoNumber", "memoDate", "totalAmount"),
    ("payment", "payments", "paymentNumber", "effectiveDate", "amount"),
)


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
            debit_memo, payment; what was undone does not count.
        staying: What is posted in Zuora and not in QAD, in the order of Zuora's books.
        foreign: What is in our daybooks and not ours.
    """

    in_qad: dict[tuple[str, str], Total]
    staying: tuple[Staying, ...]
    foreign: tuple[Staying, ...]


async def expected_books(scene: Scene, *, mended: bool = True) -> ExpectedBooks:
    """Return what must be true of a site now.

    Args:
        scene: The site's scene, with what was declared so far.
        mended: As if every fix were done; else as if none were.
    """
    standing = {number: case for case in scene.cases for number in case.documents if _stands(case, mended=mended)}
    corrected: dict[tuple[str, str], Decimal] = {
        (case.kind, number): case.amount
        for case in scene.cases
        if case.fix is not None and case.amount is not None and mended
        for number in case.documents
    }
    totals: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(list)
    staying: list[Staying] = []
    for kind, book, number_field, day_field, total_field in _BOOKS:
        for row in await scene.zuora.book(book):
            number, amount = str(row[number_field]), Decimal(row[total_field])
            case = standing.get(number)
            before = date.fromisoformat(row[day_field]) < CUT_OVER
            if before:
                staying.append(_staying(kind, number, row, amount, fate="ignored", rule="before_cut_over"))
            elif case is not None and case.kind == kind:
                staying.append(_staying(kind, number, row, amount, fate=case.fate, rule=case.rule))
            else:
                totals[kind, row["currency"]].append(corrected.get((kind, number), amount))
    return ExpectedBooks(
        in_qad={
            key: Total(documents=len(amounts), amount=sum(amounts, Decimal(0)))
            for key, amounts in sorted(totals.items())
        },
        staying=tuple(staying),
        foreign=tuple(_foreign(case) for case in scene.cases if case.fate == "foreign"),
    )


def _stands(case: Case, *, mended: bool) -> bool:
    """Return whether a case keeps its documents out of QAD; a payment whose application waits is there itself."""
    if case.fate not in ("parked", "waiting", "ignored") or case.rule == "waits_for_posting":
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
