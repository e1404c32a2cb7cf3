"""What happened in the tenant, in order: the deeds that a judge counts by, and the changes that fire events.

A deed is business (posted, applied, reversed); a change is one row before and after one act. Both become known when
the act is done, never while it may still fail.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects import Record

Variant = Literal["manual", "api", "bill_run"]


class Deed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that was done to one document.

    Attributes:
        sequence: Counts all deeds of the tenant from 1.
        at: When, by the stand-in's clock.
        verb: posted, unposted, canceled, deleted, processed, failed, applied, unapplied, transferred, reversed,
            written_off, payment_refunded, memo_refunded or completed.
        kind: Object, for example Invoice.
        id: Id of the document; of the application row when something was applied.
        number: Number of the document that was acted on: of the payment or memo when something was applied.
        account_id: Account of the document.
        currency: Currency of the amount.
        amount: Total of the document, or what was applied; always as a positive number for applications.
        invoice_number: Invoice to which something was applied.
        effective_date: Date of an application.
        variant: Who posted: a person, the API or a bill run.
    """

    sequence: int
    at: Stamp
    verb: str
    kind: str
    id: str
    number: str
    account_id: str | None = None
    currency: str | None = None
    amount: Decimal | None = None
    invoice_number: str | None = None
    effective_date: date | None = None
    variant: Variant | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after one act; None before an insert and after a delete.

    Attributes:
        before: The version before the act.
        after: The version after it.
        balance_only: Whether nothing but balances moved.
    """

    before: Record | None
    after: Record | None
    balance_only: bool

    @property
    def row(self) -> Record:
        """Return the newest version there is."""
        row = self.after or self.before
        if row is None:
            raise ValueError("A change has a version before or after it")
        return row

    @property
    def type(self) -> str:
        """Return INSERT, UPDATE or DELETE."""
        if self.before is None:
            return "INSERT"
        return "DELETE" if self.after is None else "UPDATE"
