"""Open items: what a customer owes or is owed, document by document, in the currency of the document and in base.

The base value of what is open depends on nothing but how much is open, so any order of allocations and re-openings
ends at the same value and a closed item is worth exactly zero.
"""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from sandbox.qad.books.amounts import ZERO, proportion
from sandbox.qad.books.documents import INVOICE_RULES, Document, DocumentKey


class OpenItem(Struct, kw_only=True, gc=False):
    """One open item; it has the key of the document that made it.

    Attributes:
        item_type: type of its invoice, or PREPAYMENT.
        is_debit: the customer owes it; else it is owed to the customer.
        original_amount: what it was made with, positive.
        open_amount: what is still open, from zero to the original.
        original_base_amount: value of the original in base at the rate of its own date.
    """

    key: DocumentKey
    item_type: str
    customer_code: str
    gl_account_code: str
    sub_account_code: str
    currency_code: str
    due_date: date
    original_amount: Decimal
    open_amount: Decimal
    original_base_amount: Decimal
    open_base_amount: Decimal
    base_decimals: int
    document: Document

    @property
    def is_debit(self) -> bool:
        """Whether the customer owes it."""
        return self.item_type in INVOICE_RULES and INVOICE_RULES[self.item_type].raises_debt

    def base_at(self, open_amount: Decimal) -> Decimal:
        """Return the base value of the item while so much of it is open."""
        if open_amount == self.original_amount:
            return self.original_base_amount
        if not open_amount:
            return ZERO
        return proportion(
            self.original_base_amount, part=open_amount, of=self.original_amount, decimals=self.base_decimals
        )


class Movement(Struct, frozen=True, kw_only=True, gc=False):
    """A change of what is open of an item."""

    item: OpenItem
    change: Decimal
    base_change: Decimal
