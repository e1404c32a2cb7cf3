"""What a tenant shows in lists: open items, balances, reference data."""

from typing import Literal

import msgspec

from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.part import Part, Value

BROWSES = ("customers", "gl_accounts", "daybooks", "periods", "currencies")


class OpenItems(Part, frozen=True, kw_only=True):
    """Where QAD shows its open items: opening items are found there by their Zuora number, balances compared.

    Attributes:
        find: The browse and its columns.
        open_amount: Column of what is open.
        account: Column of the control account.
        type_column: Column that tells invoice, credit note and prepayment apart.
        types: Value of that column by Zuora's kind; a debit memo is called as an invoice is unless it is named.
        negative: Kinds whose amounts, whole and open, the tenant shows below zero.
        confirmed: The site has confirmed this part.
    """

    find: Find
    open_amount: str
    account: str
    type_column: str
    types: dict[str, str]
    negative: tuple[Literal["invoice", "debit_memo", "credit_memo", "payment"], ...] = ()
    confirmed: bool = True

    def type_of(self, kind: str) -> str | None:
        """Return what QAD calls an open item of a kind, or None where the profile does not say."""
        return self.types.get(kind) or (self.types.get("invoice") if kind == "debit_memo" else None)

    def sign_of(self, shown: object) -> int:
        """Return -1 where the tenant shows amounts below zero for items of a type, 1 elsewhere."""
        return -1 if shown in [self.type_of(kind) for kind in self.negative] else 1


class Browse(Part, frozen=True, kw_only=True):
    """A list that QAD shows.

    Attributes:
        browse_id: The browse.
        prefix: Before each column, with a dot; "" where the columns have none.
        columns: Column by our word.
        true_values: Values of a yes-or-no column that mean yes.
        values: By our word of a column, our value by the tenant's: `status = { O = "open" }`.
        filter: Fixed filters, in the tenant's form, e.g. `entityCode,eq,{entity},literal`.
        confirmed: The site has confirmed this part.
    """

    browse_id: str
    prefix: str
    columns: dict[str, str]
    true_values: tuple[Value, ...] = (True, "true", "yes")
    values: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    filter: tuple[str, ...] = ()
    confirmed: bool = True
