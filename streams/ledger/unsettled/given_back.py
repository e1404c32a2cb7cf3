"""What refunds gave back of what a payment was applied to, without Invoice Settlement: noted, never posted.

A person books such a refund, and opens the invoice again by that. Until then QAD may have no room for what pays the
invoice anew: that goes by itself, so that no receipt waits for it. Source: ACCOUNTING 6.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from schemas.money import ZERO
from schemas.records import ZuoraRecord
from schemas.unsettled import InvoicePayment
from schemas.zuora import INVOICE_PAYMENTS, Payment, children_of
from streams.documents import Facts
from streams.ledger.applying.applications import SignedRow
from streams.ledger.applying.charged import is_part
from streams.ledger.building.postings import GivenBack


def returned(record: ZuoraRecord, facts: Facts) -> dict[str, Decimal]:
    """Return how much of each invoice payment was given back: as it says, else where the payment's own sum tells.

    Args:
        record: The payment.
        facts: What every document has.

    Raises:
        Unreadable: A row is not what Zuora documents.
    """
    payment: Payment = facts.parent
    applied: list[InvoicePayment] = children_of(record, INVOICE_PAYMENTS)
    return _by_row(applied, payment.refund_amount or ZERO)


def given_back(of: Mapping[str, Decimal], rows: Sequence[SignedRow]) -> GivenBack:
    """Return what was given back of a payment's rows, which are divided as they are posted.

    Args:
        of: How much of each invoice payment.
        rows: Its rows: of one that was divided, what the invoice itself took is given back first.
    """
    found: dict[str, Decimal] = {}
    for name, amount in of.items():
        rest = amount
        for row in (row for row in rows if is_part(row.id, name)):
            found[row.id] = min(rest, row.amount)
            rest -= found[row.id]
    return GivenBack(rows=found, items=tuple(dict.fromkeys(row.item_document for row in rows)))


def _by_row(applied: Sequence[InvoicePayment], refunded: Decimal) -> dict[str, Decimal]:
    """Return what was given back of each row: as it says, else where the payment's own sum leaves no choice."""
    if any(row.refund_amount is not None for row in applied):
        return {row.id: row.refund_amount or ZERO for row in applied}
    whole = refunded >= sum((row.amount for row in applied), ZERO)
    return {row.id: min(row.amount, refunded) if whole or len(applied) == 1 else ZERO for row in applied}
