"""Switches of the ERP itself, where sites differ. The defaults are a plain installation's."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct


class Policy(Struct, kw_only=True, forbid_unknown_fields=True):
    """How this installation keeps its books.

    Attributes:
        unique_reference: fields whose repetition within an entity and kind is refused; the plain ERP refuses none.
        credit_hold_blocks_invoices: a customer on credit hold takes no new invoice.
        customer_currency_only: a customer takes documents in its own currency only.
        prepayment_holds_whole_payment: a payment's open item has the whole payment as its original, so that a part
            allocated with the payment can
            be re-opened by an adjustment; else only the rest becomes an item.
        payments_wait: a payment that is asked for as Paid is taken as Initial: its entry is made when
            somebody pays it at the screens.
        nets_linked: a credit note is applied at once to the invoice that it is linked to, as far as both are open.
        own_tax_rate: this installation reckons tax itself at this rate on taxable invoices and ignores the tax that
            was sent.
        off_by: this installation makes an invoice or credit note by so much more than was sent: of its first tax line,
            or of a GL line where it has none.
        amendable_fields: header fields that may be changed after posting through the interface.
        offers_reversal: the interface offers the reversal of documents.
    """

    unique_reference: tuple[Literal["custom_short_0", "reference"], ...] = ()
    credit_hold_blocks_invoices: bool = True
    customer_currency_only: bool = False
    prepayment_holds_whole_payment: bool = False
    payments_wait: bool = False
    nets_linked: bool = False
    own_tax_rate: Decimal | None = None
    off_by: Decimal = Decimal(0)
    amendable_fields: tuple[
        Literal["due_date", "credit_terms_code", "description", "reference", "custom_short_0"], ...
    ] = ()
    offers_reversal: bool = False
