"""What every Zuora document has, whatever its kind: number, account, currency, total, and whether it is posted."""

from decimal import Decimal
from typing import Any

import msgspec

from schemas.errors import Unreadable
from schemas.money import ZERO, MoneyError, total_of
from schemas.records import RecordKind, ZuoraRecord
from schemas.unsettled import Adjustment, AppliedRefund
from schemas.zuora import (
    INVOICE_PAYMENTS,
    Account,
    CreditMemo,
    DebitMemo,
    Invoice,
    Payment,
    Refund,
    children_of,
    parent_of,
)

# Zuora's words (reference: enums of the SDK). A status outside these sets parks the one record that shows it.
_POSTED: dict[str, frozenset[str]] = {
    RecordKind.INVOICE: frozenset({"Posted"}),
    RecordKind.CREDIT_MEMO: frozenset({"Posted"}),
    RecordKind.DEBIT_MEMO: frozenset({"Posted"}),
    RecordKind.PAYMENT: frozenset({"Processed"}),
    RecordKind.REFUND: frozenset({"Processed"}),
    RecordKind.INVOICE_ADJUSTMENT: frozenset({"Processed"}),
    RecordKind.INVOICE_ITEM_ADJUSTMENT: frozenset({"Processed"}),
    RecordKind.APPLIED_REFUND: frozenset({"Processed"}),
}
_BILLING_DOCUMENT = frozenset({"Draft", "Canceled", "CancelInProgress", "Generating", "PendingForTax", "Split"})
_NOT_POSTED: dict[str, frozenset[str]] = {
    RecordKind.INVOICE: _BILLING_DOCUMENT,
    RecordKind.CREDIT_MEMO: _BILLING_DOCUMENT,
    RecordKind.DEBIT_MEMO: _BILLING_DOCUMENT,
    RecordKind.PAYMENT: frozenset({"Draft", "Processing", "Error", "Canceled"}),
    RecordKind.REFUND: frozenset({"Processing", "Error", "Canceled"}),
    RecordKind.INVOICE_ADJUSTMENT: frozenset({"Canceled"}),
    RecordKind.INVOICE_ITEM_ADJUSTMENT: frozenset({"Canceled"}),
    RecordKind.APPLIED_REFUND: frozenset({"Processing", "Error", "Canceled"}),
}
# Without Invoice Settlement, a payment that went into accounting says so by its status.
_PAYMENT_IN_ACCOUNTING = "Posted"
# Which way an adjustment goes.
_SIGNS = {"Charge": 1, "Credit": -1}


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
    """Return the facts of a document; an adjustment is signed by what it does to its invoice.

    Raises:
        Unreadable: A field is missing or wrong, the status or currency is unknown, or the total has more decimals
            than its currency.
    """
    parent = parent_of(record)
    match parent:
        case Invoice():
            number, value, currency = parent.invoice_number, parent.amount, parent.currency
        case CreditMemo() | DebitMemo():
            number, value, currency = parent.memo_number, parent.total_amount, parent.currency
        case Payment():
            number, value, currency = parent.payment_number, parent.amount, parent.currency
        case Refund():
            number, value, currency = parent.refund_number, parent.amount, parent.currency
        case Adjustment():
            sign = _SIGNS.get(parent.type)
            if sign is None:
                raise Unreadable(
                    f"{parent.adjustment_number}: type {parent.type[:40]!r} is not known for {record.kind}"
                )
            number, value, currency = parent.adjustment_number, sign * parent.amount, _currency_of(record, "invoice")
        case AppliedRefund():
            number, value, currency = parent.refund_number, parent.amount, _currency_of(record, "account")
        case Account() if record.kind == RecordKind.CREDIT_BALANCE:
            return _facts_of_credit_balance(record, parent)
        case _:
            raise Unreadable(f"{record.kind} {record.id} is no document")
    return _facts(record, parent, number=number, value=value, currency=currency)


def _facts_of_credit_balance(record: ZuoraRecord, account: Account) -> Facts:
    number = f"credit balance of {account.account_number}"
    return Facts(
        number=number,
        account_id=account.id,
        currency=account.currency,
        value=_carried(_credit_balance(record), account.currency, number),
        status="",
        posted=True,
        parent=account,
    )


def _facts(record: ZuoraRecord, parent: Any, *, number: str, value: Decimal, currency: str) -> Facts:
    status = parent.status
    posted = status in _POSTED[record.kind]
    if status == _PAYMENT_IN_ACCOUNTING and INVOICE_PAYMENTS in record.children:
        posted = True
    if not posted and status not in _NOT_POSTED[record.kind]:
        raise Unreadable(f"{number}: status {status[:40]!r} is not known for {record.kind}")
    return Facts(
        number=number,
        account_id=parent.account_id or "",
        currency=currency,
        value=_carried(value, currency, number),
        status=status,
        posted=posted,
        parent=parent,
    )


def _carried(value: Decimal, currency: str, number: str) -> Decimal:
    try:
        return total_of(value, currency)
    except MoneyError as error:
        raise Unreadable(f"{number}: {error}") from None


def _currency_of(record: ZuoraRecord, child: str) -> str:
    """Return the currency of what a row of ZOQL comes with: the row itself has none."""
    found: list[Invoice | Account] = children_of(record, child)
    if len(found) != 1:
        raise Unreadable(f"{record.kind} {record.id} comes without its {child}")
    return found[0].currency


def _credit_balance(record: ZuoraRecord) -> Decimal:
    """Return what is there today."""
    rows = (row for row in children_of(record, "adjustments") if row.status == "Processed")
    return sum((row.amount if row.type == "Increase" else -row.amount for row in rows), ZERO)
