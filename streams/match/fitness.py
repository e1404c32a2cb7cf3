"""Whether a QAD customer takes a document: it exists, is active, has the currency, terms and control account for it.

Says what is missing in words for whoever keeps QAD's customers. Never decides which customer it is. Source: ACCOUNTING
5.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from schemas.mapping import Mapping
from schemas.records import RecordKind
from schemas.references import Customer


class Purpose(StrEnum):
    """What a document becomes in the customer's books."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit note"
    RECEIPT = "receipt"


_OWED = frozenset(
    {
        RecordKind.INVOICE,
        RecordKind.DEBIT_MEMO,
        RecordKind.INVOICE_ADJUSTMENT,
        RecordKind.INVOICE_ITEM_ADJUSTMENT,
    }
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a document asks of a customer.

    Attributes:
        number: The document's number, for the reason.
        currency: Its currency.
        purpose: What it becomes.
        payment_term: Zuora's payment term of its account, "" for none.
    """

    number: str
    currency: str
    purpose: Purpose
    payment_term: str = ""


def purpose_of(kind: str, value: Decimal) -> Purpose:
    """Return what a document becomes: one that is owed is a credit below zero, a refund closes a receipt."""
    if kind in (RecordKind.PAYMENT, RecordKind.REFUND, RecordKind.APPLIED_REFUND):
        return Purpose.RECEIPT
    return Purpose.INVOICE if kind in _OWED and value > 0 else Purpose.CREDIT_NOTE


def why_unfit(customer: Customer | None, wanted: Wanted, *, mapping: Mapping, show_terms: bool) -> str:
    """Return why a customer does not take a document, "" if it does.

    A credit hold and terms matter for what raises what the customer owes alone, never for their money or credit.
    Zuora's due date is always sent: where the mapping does not know Zuora's term, the customer's own terms do.

    Args:
        customer: The candidate, None where QAD shows none of this code.
        wanted: What the document asks.
        mapping: The newest mapping.
        show_terms: Whether the site's browse shows terms at all.
    """
    if customer is None:
        return "does not exist in QAD"
    owes = wanted.purpose is Purpose.INVOICE
    other_currency = customer.currency not in ("", wanted.currency) and not mapping.customers.other_currency
    no_terms = show_terms and not customer.terms and wanted.payment_term not in ("", *mapping.terms)
    checks = (
        (not customer.active, "is not active in QAD"),
        (other_currency, f"takes {customer.currency}, the document is in {wanted.currency}"),
        (_control_of(customer, wanted.purpose) == "", f"has no {_CONTROL[wanted.purpose]} control account in QAD"),
        (owes and customer.held, "is on credit hold in QAD"),
        (owes and no_terms, f"has no credit terms in QAD, and the mapping has none for {wanted.payment_term!r}"),
    )
    return next((why for fails, why in checks if fails), "")


# What is not allocated of a receipt is a prepayment.
_CONTROL = {Purpose.INVOICE: "invoice", Purpose.CREDIT_NOTE: "credit note", Purpose.RECEIPT: "prepayment"}


def _control_of(customer: Customer, purpose: Purpose) -> str | msgspec.UnsetType:
    match purpose:
        case Purpose.INVOICE:
            return customer.invoice_control
        case Purpose.CREDIT_NOTE:
            return customer.credit_note_control
        case Purpose.RECEIPT:
            return customer.prepayment_control
