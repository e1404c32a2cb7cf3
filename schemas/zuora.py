"""Typed views of Zuora's JSON: the fields that decisions read, decoded straight from the bytes, amounts as Decimal.

Enums stay plain strings, because Zuora may add values without notice: an unknown one parks one record, never a stream.
Names are those of Object Query, except where a class says v1. Source: the contract in tests/contracts/.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from schemas.errors import Unreadable
from schemas.records import RecordKind, ZuoraRecord
from schemas.unsettled import Adjustment, AppliedRefund, CreditBalanceAdjustment, InvoicePayment


class _View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of a view: camelCase on the wire, unknown fields are not looked at."""


class Account(_View, frozen=True, kw_only=True, rename="camel"):
    """A billing account. Its name and contacts are not part of the view: no decision needs them."""

    id: str
    account_number: str
    currency: str = ""
    status: str = ""
    payment_term: str | None = None
    parent_id: str | None = None
    organization_id: str | None = None
    sequence_set_id: str | None = None
    e_invoice_profile_id: str | None = None
    updated_date: str = ""


class Invoice(_View, frozen=True, kw_only=True, rename="camel"):
    """Header of an invoice; `amount` includes tax."""

    id: str
    invoice_number: str
    account_id: str
    status: str
    amount: Decimal
    currency: str = ""
    invoice_date: date
    due_date: date | None = None
    posted_date: str | None = None
    source_type: str | None = None
    payment_term: str | None = None
    tax_amount: Decimal | None = None
    e_invoice_status: str | None = None
    updated_date: str = ""


class TaxationItem(_View, frozen=True, kw_only=True, rename="camel"):
    """One tax row of an invoice item, or (v1) of a memo item."""

    id: str
    tax_amount: Decimal | None = None
    invoice_item_id: str | None = None
    tax_code: str | None = None
    jurisdiction: str | None = None
    tax_rate_type: str | None = None
    name: str | None = None


class InvoiceItem(_View, frozen=True, kw_only=True, rename="camel"):
    """One line of an invoice; `charge_amount` excludes tax in both tax modes. Accounting codes come by id."""

    id: str
    charge_amount: Decimal
    tax_amount: Decimal | None = None
    accounting_code: str | None = None
    deferred_revenue_accounting_code_id: str | None = None
    recognized_revenue_accounting_code_id: str | None = None
    unbilled_receivables_accounting_code_id: str | None = None
    contract_liability_accounting_code_id: str | None = None
    processing_type: str | None = None
    tax_mode: str | None = None
    charge_name: str | None = None
    sku: str | None = msgspec.field(name="sKU", default=None)
    service_start_date: date | None = None
    service_end_date: date | None = None
    exclude_item_billing_from_revenue_accounting: bool | None = None
    taxation_items: tuple[TaxationItem, ...] = ()


class CreditMemo(_View, frozen=True, kw_only=True, rename="camel"):
    """Header of a credit memo; `total_amount` includes tax."""

    id: str
    memo_number: str
    account_id: str
    status: str
    total_amount: Decimal
    currency: str = ""
    memo_date: date
    posted_on: str | None = None
    source_type: str | None = None
    tax_amount: Decimal | None = None
    invoice_id: str | None = None
    e_invoice_status: str | None = None
    updated_date: str = ""


class DebitMemo(_View, frozen=True, kw_only=True, rename="camel"):
    """Header of a debit memo; `total_amount` includes tax."""

    id: str
    memo_number: str
    account_id: str
    status: str
    total_amount: Decimal
    currency: str = ""
    memo_date: date
    due_date: date | None = None
    posted_on: str | None = None
    source_type: str | None = None
    tax_amount: Decimal | None = None
    e_invoice_status: str | None = None
    updated_date: str = ""


class MemoItemFinance(_View, frozen=True, kw_only=True, rename="camel"):
    """Accounting codes of a memo item (v1), by name; a debit memo is never a write-off."""

    deferred_revenue_accounting_code: str | None = None
    recognized_revenue_accounting_code: str | None = None
    non_revenue_write_off_accounting_code: str | None = None


class TaxationItems(_View, frozen=True, kw_only=True, rename="camel"):
    """Tax rows of a memo item (v1), the first page with its continuation."""

    data: tuple[TaxationItem, ...] = ()
    next_page: str | None = None


class MemoItem(_View, frozen=True, kw_only=True, rename="camel"):
    """One line of a memo (v1: Object Query has no confirmed filter for them)."""

    id: str
    amount: Decimal
    amount_without_tax: Decimal | None = None
    tax_mode: str | None = None
    processing_type: str | None = None
    sku: str | None = None
    sku_name: str | None = None
    service_start_date: date | None = None
    service_end_date: date | None = None
    revenue_impacting: str | None = None
    exclude_item_billing_from_revenue_accounting: bool | None = None
    finance_information: MemoItemFinance = MemoItemFinance()
    taxation_items: TaxationItems = TaxationItems()


class Payment(_View, frozen=True, kw_only=True, rename="camel"):
    """A payment, electronic or external."""

    id: str
    payment_number: str
    account_id: str | None = None
    status: str
    amount: Decimal
    currency: str = ""
    effective_date: date
    type: str = ""
    gateway: str | None = None
    refund_amount: Decimal | None = None
    cancelled_on: str | None = None
    created_date: str = ""
    updated_date: str = ""


class Application(_View, frozen=True, kw_only=True, rename="camel"):
    """One row of the history of a payment or memo against a document; the sign of an unapplication is the tenant's.

    Exactly one of `apply_amount` (payments) and `amount` (memos) is there.
    """

    id: str
    apply_amount: Decimal | None = None
    amount: Decimal | None = None
    effective_date: date
    account_id: str | None = None
    invoice_id: str | None = None
    debit_memo_id: str | None = None
    created_date: str = ""
    updated_date: str = ""


class Part(_View, frozen=True, kw_only=True, rename="camel"):
    """What stands applied today between a payment or memo and one document (v1)."""

    id: str
    amount: Decimal
    invoice_id: str | None = None
    debit_memo_id: str | None = None


class Refund(_View, frozen=True, kw_only=True, rename="camel"):
    """Money given back from a payment or a credit memo; a chargeback is one."""

    id: str
    refund_number: str
    account_id: str | None = None
    status: str
    amount: Decimal
    currency: str = ""
    refund_date: date
    type: str = ""
    gateway: str | None = None
    cancelled_on: str | None = None
    created_date: str = ""
    updated_date: str = ""


class RefundApplication(_View, frozen=True, kw_only=True, rename="camel"):
    """Which payment or credit memo a refund closes, and how much of it."""

    id: str
    apply_amount: Decimal
    payment_id: str | None = None
    credit_memo_id: str | None = None
    invoice_id: str | None = None


class RefundPart(_View, frozen=True, kw_only=True, rename="camel"):
    """The same, as v1 has it."""

    id: str
    amount: Decimal
    payment_id: str | None = None
    credit_memo_id: str | None = None


class _Stamp(msgspec.Struct):
    """When a row changed, as Object Query names it and as ZOQL does."""

    updated: str | None = msgspec.field(name="updatedDate", default=None)
    updated_by_zoql: str | None = msgspec.field(name="UpdatedDate", default=None)


# How a payment of a tenant without Invoice Settlement says what it was applied to.
INVOICE_PAYMENTS = "invoice_payments"

# Children under `tax.<item id>` are all tax rows of an item whose nested rows were cut at the page.
TAX = "tax"

_PARENTS: dict[str, type[msgspec.Struct]] = {
    RecordKind.ACCOUNT: Account,
    RecordKind.INVOICE: Invoice,
    RecordKind.CREDIT_MEMO: CreditMemo,
    RecordKind.DEBIT_MEMO: DebitMemo,
    RecordKind.PAYMENT: Payment,
    RecordKind.REFUND: Refund,
    RecordKind.INVOICE_ADJUSTMENT: Adjustment,
    RecordKind.INVOICE_ITEM_ADJUSTMENT: Adjustment,
    RecordKind.CREDIT_BALANCE: Account,
    RecordKind.APPLIED_REFUND: AppliedRefund,
}
_CHILDREN: dict[tuple[str, str], type[msgspec.Struct]] = {
    (RecordKind.INVOICE, "items"): InvoiceItem,
    (RecordKind.INVOICE, TAX): TaxationItem,
    (RecordKind.CREDIT_MEMO, "items"): MemoItem,
    (RecordKind.CREDIT_MEMO, TAX): TaxationItem,
    (RecordKind.CREDIT_MEMO, "applications"): Application,
    (RecordKind.CREDIT_MEMO, "parts"): Part,
    (RecordKind.DEBIT_MEMO, "items"): MemoItem,
    (RecordKind.DEBIT_MEMO, TAX): TaxationItem,
    (RecordKind.PAYMENT, "applications"): Application,
    (RecordKind.PAYMENT, "parts"): Part,
    (RecordKind.REFUND, "applications"): RefundApplication,
    (RecordKind.REFUND, "parts"): RefundPart,
    (RecordKind.PAYMENT, INVOICE_PAYMENTS): InvoicePayment,
    (RecordKind.INVOICE_ADJUSTMENT, "invoice"): Invoice,
    (RecordKind.INVOICE_ITEM_ADJUSTMENT, "invoice"): Invoice,
    (RecordKind.INVOICE_ITEM_ADJUSTMENT, TAX): TaxationItem,
    (RecordKind.CREDIT_BALANCE, "adjustments"): CreditBalanceAdjustment,
    (RecordKind.APPLIED_REFUND, "account"): Account,
}
_parents = {kind: msgspec.json.Decoder(view) for kind, view in _PARENTS.items()}
_children = {key: msgspec.json.Decoder(view) for key, view in _CHILDREN.items()}
_stamp = msgspec.json.Decoder(_Stamp)


def parent_of(record: ZuoraRecord) -> Any:
    """Return the typed parent of a record of a known kind.

    Raises:
        Unreadable: The kind is unknown, or a field is missing or of the wrong type; the message names it.
    """
    decoder = _parents.get(record.kind)
    if decoder is None:
        raise Unreadable(f"records of kind {record.kind!r} are not known to this version")
    try:
        return decoder.decode(record.parent)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"{record.kind} {record.id}: {error}") from None


def children_of(record: ZuoraRecord, name: str) -> list[Any]:
    """Return the typed children of one name (`items`, `applications`, `tax.<item id>` ...), in the record's order.

    Raises:
        Unreadable: A field is missing or of the wrong type; the message names it.
    """
    decoder = _children[record.kind, name.partition(".")[0]]
    try:
        return [decoder.decode(raw) for raw in record.children.get(name, ())]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"{record.kind} {record.id}, {name}: {error}") from None


def field_of(raw: msgspec.Raw, name: str) -> str:
    """Return a text field whatever the case of its name, "" where it is absent, null or not a text.

    Object Query lower-cases the first letter of every field, also of custom fields.
    """
    fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    wanted = name.casefold()
    for key, value in fields.items():
        if key.casefold() == wanted:
            text = msgspec.json.decode(value)
            return text.strip() if isinstance(text, str) else ""
    return ""


def stamp_of(raw: msgspec.Raw) -> str:
    """Return `updatedDate` as it stands, however its first letter is spelt, or "" where there is none."""
    try:
        found = _stamp.decode(raw)
    except msgspec.DecodeError:
        return ""
    return found.updated or found.updated_by_zoql or ""
