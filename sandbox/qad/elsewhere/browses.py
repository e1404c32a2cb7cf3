"""What can be looked for, elsewhere: plain columns, and credit notes in a browse of their own."""

import msgspec

from sandbox.qad.dialect import Browse
from sandbox.qad.elsewhere.words import ACCOUNT_TYPES, ITEM_TYPES, PERIOD_STATUSES, STATUSES, columns
from sandbox.qad.house.browses import BROWSES as HOUSE

_VALUES = {
    "open_items": {"item_type": ITEM_TYPES},
    "periods": {"status": PERIOD_STATUSES},
    "gl_accounts": {"account_type": ACCOUNT_TYPES},
    "customer_payments": {"status": STATUSES},
}

# What the customer has to their credit is shown below zero.
_OPEN_ITEM_AMOUNTS = ("original_amount", "open_amount", "original_base_amount", "open_base_amount")


def _elsewhere(browse: Browse) -> Browse:
    return Browse(
        table=browse.table,
        browse_id=f"urn:browse:mfg:{browse.table.replace('_', '')}",
        prefix="",
        columns=columns(*browse.columns),
        values=_VALUES.get(browse.table, {}),
        only={"invoice_type": "INVOICE"} if browse.table == "customer_invoices" else {},
        negative=_OPEN_ITEM_AMOUNTS if browse.table == "open_items" else (),
        negative_where={"item_type": ("CREDITNOTE", "PREPAYMENT")} if browse.table == "open_items" else {},
    )


_BROWSES = tuple(_elsewhere(browse) for browse in HOUSE)
_INVOICES = next(browse for browse in _BROWSES if browse.table == "customer_invoices")

BROWSES: tuple[Browse, ...] = (
    *_BROWSES,
    msgspec.structs.replace(
        _INVOICES,
        browse_id="urn:browse:mfg:creditnotes",
        only={"invoice_type": "CREDITNOTE"},
        negative=("original_amount", "tax_amount"),
    ),
)
