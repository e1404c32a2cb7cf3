"""The words of Zuora that tell what a document is: one that this version does not know parks that one document.

Zuora adds values without notice, and what a new one means nobody here can tell, not even that it is harmless. What
stands already is not looked at, nor what is not posted. Source: enums of the SDK (reference 2.4).
"""

from collections.abc import Iterable, Iterator

from schemas.errors import CannotGoOn
from schemas.zuora import CreditMemo, DebitMemo, Invoice, InvoiceItem, MemoItem
from streams.ledger.stopping import reasons

_SOURCES = frozenset(
    {"Subscription", "Standalone", "Order", "Consolidation", "Invoice", "CreditMemo", "DebitMemo", "Surcharge"}
)
_TAX_MODES = frozenset({"TaxInclusive", "TaxExclusive"})
_PAYMENT_TYPES = frozenset({"External", "Electronic"})
_YES_NO = frozenset({"Yes", "No"})


def unknown_word(
    number: str, header: Invoice | CreditMemo | DebitMemo, rows: Iterable[InvoiceItem | MemoItem]
) -> CannotGoOn | None:
    """Return why a document cannot be understood, or None where all its words are known; an absent one is."""
    for name, value, known in _words(header, rows):
        if value and value not in known:
            return CannotGoOn(reasons.unknown_value(number, field=name, value=value))
    return None


def check_payment_type(number: str, payment_type: str) -> None:
    """Hold that it is known whether money went through a gateway or came from outside.

    Raises:
        CannotGoOn: Zuora says something else.
    """
    if payment_type and payment_type not in _PAYMENT_TYPES:
        raise CannotGoOn(reasons.unknown_value(number, field="type", value=payment_type))


def _words(
    header: Invoice | CreditMemo | DebitMemo, rows: Iterable[InvoiceItem | MemoItem]
) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    yield "sourceType", header.source_type, _SOURCES
    for row in rows:
        yield "taxMode", row.tax_mode, _TAX_MODES
        if isinstance(row, MemoItem):
            yield "revenueImpacting", row.revenue_impacting, _YES_NO
