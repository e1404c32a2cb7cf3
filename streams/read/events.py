"""Zuora's events that a tenant is asked to tell of: what each one hints at, and how it is configured there.

docs/zuora.md and `ml-connector zuora callouts` are written from this table. What it asks for, hints.py reads. An event
that is not here, or does not come, is found by the poll; a custom one can watch only what Zuora lists (no invoice
payments). Sources: Zuora's event codes, its custom event triggers.
"""

import json
from typing import Literal

import msgspec

POSTED_VARIANTS = ("manually", "via API", "within a bill run of auto-post")


def _new_or_changed(base_object: str) -> str:
    """Return a condition that no other trigger has: Zuora merges or deletes those of one condition."""
    return f"(changeType == 'INSERT' || changeType == 'UPDATE') && {base_object}.Id != null"


class WantedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event.

    Attributes:
        name: As Zuora names it; for a custom one, the name of its event type.
        object: What it hints at.
        id_field: The merge field that holds that object's id.
        code: Category of a standard event; 0 for a custom one.
        variants: Notifications of a standard event, each of which is configured by itself.
        base_object: What a custom event's trigger watches.
        condition: When it fires, in JEXL.
        settlement: Whether only tenants with Invoice Settlement have it (`on`), or only those without it (`off`).
        why: What would be late without it.
    """

    name: str
    object: str
    id_field: str
    code: int = 0
    variants: tuple[str, ...] = ()
    base_object: str = ""
    condition: str = ""
    settlement: Literal["", "on", "off"] = ""
    why: str

    @property
    def body(self) -> str:
        """The body template: an object and its id, nothing that is not read back."""
        return json.dumps({"object": self.object, "id": f"{{{{DataSource.{self.id_field}}}}}"})


def _left_posted(base_object: str) -> WantedEvent:
    return WantedEvent(
        name=f"{base_object}LeftPosted",
        settlement="" if base_object == "Invoice" else "on",
        object=base_object,
        id_field=f"{base_object}.Id",
        base_object=base_object,
        condition=f"{base_object}.Status != 'Posted' && {base_object}.Status_old == 'Posted'",
        why="unposted, cancelled, reversed",
    )


def _without_settlement(base_object: str, hinted: str, id_field: str, why: str) -> WantedEvent:
    return WantedEvent(
        name=f"{base_object}Changed",
        settlement="off",
        object=hinted,
        id_field=f"{base_object}.{id_field}",
        base_object=base_object,
        condition=_new_or_changed(base_object),
        why=why,
    )


WANTED = (
    WantedEvent(
        name="Invoice Posted",
        code=1110,
        variants=POSTED_VARIANTS,
        object="Invoice",
        id_field="Invoice.Id",
        why="invoices",
    ),
    WantedEvent(
        name="Credit Memo Posted",
        settlement="on",
        code=2720,
        variants=POSTED_VARIANTS,
        object="CreditMemo",
        id_field="CreditMemo.Id",
        why="credit memos",
    ),
    WantedEvent(
        name="Debit Memo Posted",
        settlement="on",
        code=2820,
        variants=("each that Zuora lists",),
        object="DebitMemo",
        id_field="DebitMemo.Id",
        why="debit memos",
    ),
    WantedEvent(
        name="Payment Processed",
        code=2120,
        variants=("each that Zuora lists",),
        object="Payment",
        id_field="Payment.Id",
        why="electronic payments",
    ),
    WantedEvent(
        name="Payment Refund Processed",
        code=2410,
        variants=("each that Zuora lists",),
        object="Refund",
        id_field="Refund.Id",
        why="refunds of payments",
    ),
    WantedEvent(
        name="Credit Memo Refund Processed",
        settlement="on",
        code=2430,
        variants=("each that Zuora lists",),
        object="Refund",
        id_field="Refund.Id",
        why="refunds of credit memos",
    ),
    WantedEvent(
        name="PaymentMade",
        object="Payment",
        id_field="Payment.Id",
        base_object="Payment",
        condition="changeType == 'INSERT' || Payment.Status != Payment.Status_old"
        " || Payment.AccountId != Payment.AccountId_old",
        why="external payments, and what is voided, fails or is transferred later",
    ),
    WantedEvent(
        name="PaymentApplied",
        settlement="on",
        object="Payment",
        id_field="PaymentApplication.PaymentId",
        base_object="PaymentApplication",
        condition=_new_or_changed("PaymentApplication"),
        why="what a payment is applied to, and taken back from",
    ),
    WantedEvent(
        name="CreditMemoApplied",
        settlement="on",
        object="CreditMemo",
        id_field="CreditMemoApplication.CreditMemoId",
        base_object="CreditMemoApplication",
        condition=_new_or_changed("CreditMemoApplication"),
        why="what a memo is applied to, and taken back from",
    ),
    WantedEvent(
        name="RefundChanged",
        object="Refund",
        id_field="Refund.Id",
        base_object="Refund",
        condition=_new_or_changed("Refund"),
        why="external refunds, and what is cancelled later",
    ),
    _left_posted("Invoice"),
    _left_posted("CreditMemo"),
    _left_posted("DebitMemo"),
    _without_settlement("InvoiceAdjustment", "InvoiceAdjustment", "Id", "corrections of invoices"),
    _without_settlement("InvoiceItemAdjustment", "InvoiceItemAdjustment", "Id", "corrections of their items"),
    _without_settlement("CreditBalanceAdjustment", "CreditBalance", "AccountId", "what stands on account"),
    WantedEvent(
        name="AccountChanged",
        object="Account",
        id_field="Account.Id",
        base_object="Account",
        condition=_new_or_changed("Account"),
        why="new accounts, and the QAD customer that one carries",
    ),
    WantedEvent(
        name="ContactChanged",
        object="Account",
        id_field="Contact.AccountId",
        base_object="Contact",
        condition="changeType == 'UPDATE' && Contact.Id != null",
        why="addresses, which move no stamp of their account",
    ),
)


def wanted(*, settlement: bool) -> tuple[WantedEvent, ...]:
    """Return the events that a tenant has, with Invoice Settlement or without it."""
    other = "off" if settlement else "on"
    return tuple(one for one in WANTED if one.settlement != other)
