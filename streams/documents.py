"""What every Zuora document has, whatever its kind: number, account, currency, total, and whether it is posted."""

from decimal import Decimal
from typing import Any

import msgspec

from schemas.errors import Unreadable
from schemas.money import MoneyError, total_of
from schemas.records import RecordKind, ZuoraRecord
from schemas.zuora import CreditMemo, DebitMemo, Invoice, Payment, Refund, parent_of

# Zuora's words (reference: enums of the SDK). A status outside these sets parks the one record that shows it.
_POSTED: dict[str, frozenset[str]] = {
    RecordKind.INVOICE: frozenset({"Posted"}),
    RecordKind.CREDIT_MEMO: frozenset({"Posted"}),
    RecordKind.DEBIT_MEMO: frozenset({"Posted"}),
    RecordKind.PAYMENT: frozenset({"Processed"}),
    RecordKind.REFUND: frozenset({"Processed"}),
}
_BILLING_DOCUMENT = frozenset({"Draft", "Canceled", "CancelInProgress", "Generating", "PendingForTax", "Split"})
_NOT_POSTED: dict[str, frozenset[str]] = {
    RecordKind.INVOICE: _BILLING_DOCUMENT,
    RecordKind.CREDIT_MEMO: _BILLING_DOCUMENT,
    RecordKind.DEBIT_MEMO: _BILLING_DOCUMENT,
    RecordKind.PAYMENT: frozenset({"Draft", "Processing", "Error", "Canceled"}),
    RecordKind.REFUND: frozenset({"Processing", "Error", "Canceled"}),
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What every document has.

    Attributes:
        number: Zuora's number.
        account_id: Billing account, or "" where there is none.
        currency: ISO 4217 code.
        value: Total in that currency, signed as Zuora signs it.
        status: Zuora's word.
        posted: Whether that status is the one in which it counts in the ledger.
        parent: The typed header.
    """

    number: str
    account_id: str
    currency: str
    value: Decimal
    status: str
    posted: bool
    parent: Any


def facts_of(record: ZuoraRecord) -> Facts:
    """Return the facts of an invoice, memo, payment or refund.

    Raises:
        Unreadable: A field is missing or wrong, the status or currency is unknown, or the total has more decimals
            than its currency.
    """
    parent = parent_of(record)
    match parent:
        case Invoice():
            number, value = parent.invoice_number, parent.amount
        case CreditMemo() | DebitMemo():
            number, value = parent.memo_number, parent.total_amount
        case Payment():
            number, value = parent.payment_number, parent.amount
        case Refund():
            number, value = parent.refund_number, parent.amount
        case _:
            raise Unreadable(f"{record.kind} {record.id} is no document")
    posted = parent.status in _POSTED[record.kind]
    if not posted and parent.status not in _NOT_POSTED[record.kind]:
        raise Unreadable(f"{number}: status {parent.status[:40]!r} is not known for {record.kind}")
    try:
        total = total_of(value, parent.currency)
    except MoneyError as error:
        raise Unreadable(f"{number}: {error}") from None
    return Facts(
        number=number,
        account_id=parent.account_id or "",
        currency=parent.currency,
        value=total,
        status=parent.status,
        posted=posted,
        parent=parent,
    )
