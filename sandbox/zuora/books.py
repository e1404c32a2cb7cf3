"""What a judge reads: every posted document with its lines, taxes, applications and parts, and the totals of all.

It is what should be in the ERP. Rows are written as Object Query writes them, but with all their children and uncut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from sandbox.zuora.objects import CreditMemo, DebitMemo, Invoice, Record
from sandbox.zuora.query.catalog import CHILD_KINDS, Many
from sandbox.zuora.query.rendering import Expansion, Renderer, Selection
from sandbox.zuora.tenant import Tenant


@dataclass(frozen=True)
class Book:
    """One kind of document: what counts as posted, its amount, and what is shown with it."""

    path: str
    status: str
    amount: str
    selection: Selection


def _many(name: str, path: str, field: str, *deeper: Expansion) -> Expansion:
    return Expansion(Many(name, path, field), Selection(expansions=deeper, children=None))


def _book(path: str, status: str, amount: str, *children: Expansion) -> Book:
    return Book(path, status, amount, Selection(expansions=children, children=None))


BOOKS: dict[str, Book] = {
    book.path: book
    for book in (
        _book(
            "invoices",
            "Posted",
            "amount",
            _many(
                "invoiceItems",
                "invoice-items",
                "invoice_id",
                _many("taxationItems", "taxation-items", "invoice_item_id"),
            ),
            _many("paymentApplications", "payment-applications", "invoice_id"),
            _many("creditMemoApplications", "credit-memo-applications", "invoice_id"),
            _many("paymentParts", "payment-parts", "invoice_id"),
            _many("creditMemoParts", "credit-memo-parts", "invoice_id"),
        ),
        _book(
            "credit-memos",
            "Posted",
            "total_amount",
            _many(
                "creditMemoItems",
                "credit-memo-items",
                "credit_memo_id",
                _many("creditTaxationItems", "credit-taxation-items", "credit_memo_item_id"),
            ),
            _many("creditMemoApplications", "credit-memo-applications", "credit_memo_id"),
            _many("creditMemoParts", "credit-memo-parts", "credit_memo_id"),
        ),
        _book(
            "payments",
            "Processed",
            "amount",
            _many("paymentApplications", "payment-applications", "payment_id"),
            _many("paymentParts", "payment-parts", "payment_id"),
            _many("invoicePayments", "invoice-payments", "payment_id"),
        ),
        _book(
            "debit-memos",
            "Posted",
            "total_amount",
            _many(
                "debitMemoItems",
                "debit-memo-items",
                "debit_memo_id",
                _many("debitTaxationItems", "debit-taxation-items", "debit_memo_item_id"),
            ),
        ),
        _book("refunds", "Processed", "amount", _many("refundApplications", "refund-applications", "refund_id")),
        _book("invoice-adjustments", "Processed", "amount"),
        _book("invoice-item-adjustments", "Processed", "amount"),
        _book("credit-balance-adjustments", "Processed", "amount"),
        _book("accounts", "", "balance"),
    )
}


def _posted(tenant: Tenant, book: Book) -> list[Record]:
    rows = tenant.tables[CHILD_KINDS[book.path].record].latest.values()
    return [row for row in rows if book.status in ("", getattr(row, "status", ""))]


def write_page(tenant: Tenant, renderer: Renderer, path: str, *, after: int, limit: int) -> bytes:
    """Return `{"rows": [...], "next": n or null}`: posted documents in the order in which they were made.

    Raises:
        KeyError: There is no book of this name.
    """
    if path not in BOOKS:
        raise KeyError(f"book {path}; there are {', '.join(BOOKS)}")
    book = BOOKS[path]
    rows = _posted(tenant, book)
    chosen = list(islice(rows, after, after + limit))
    following = after + limit if after + limit < len(rows) else None
    written = renderer.rows(CHILD_KINDS[path], chosen, book.selection)
    return b'{"rows":' + written + b',"next":' + renderer.encode(following) + b"}"


def summary(tenant: Tenant) -> dict[str, Any]:
    """Return, per kind of document and currency, how many are posted, over how much, and what is open of them."""
    return {path: _totals(_posted(tenant, book), book.amount) for path, book in BOOKS.items()}


def _totals(rows: Sequence[Record], amount: str) -> dict[str, dict[str, Any]]:
    totals: dict[str, dict[str, Any]] = {}
    for row in rows:
        currency = getattr(row, "currency", "")
        total = totals.setdefault(currency, {"count": 0, "amount": Decimal(0), "tax": Decimal(0), "open": Decimal(0)})
        total["count"] += 1
        total["amount"] += getattr(row, amount)
        total["open"] += getattr(row, "unapplied_amount", None) or getattr(row, "balance", Decimal(0))
        if isinstance(row, Invoice | CreditMemo | DebitMemo):
            total["tax"] += row.tax_amount
    return totals
