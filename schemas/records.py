"""Topic `zuora.records`: what Zuora said, whole and verbatim, and how it was found."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from schemas.codec import Event


class RecordKind(StrEnum):
    """The kinds of record that this version reads; a topic may hold others, which are parked by name."""

    ACCOUNT = "account"
    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"
    DEBIT_MEMO = "debit_memo"
    PAYMENT = "payment"
    INVOICE_ADJUSTMENT = "invoice_adjustment"
    INVOICE_ITEM_ADJUSTMENT = "invoice_item_adjustment"
    CREDIT_BALANCE = "credit_balance"
    APPLIED_REFUND = "applied_refund"
    REFUND = "refund"


# What is posted with lines of its own, on accounts that the mapping chooses.
BILLED = frozenset(
    {
        RecordKind.INVOICE,
        RecordKind.CREDIT_MEMO,
        RecordKind.DEBIT_MEMO,
        RecordKind.INVOICE_ADJUSTMENT,
        RecordKind.INVOICE_ITEM_ADJUSTMENT,
    }
)


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a record was found.

    Attributes:
        by: The way.
        at: When it was read, by our clock; no decision uses it but how many deletions a day are believed.
        evidence: Notification id, bill run, or the window of the poll.
        request_id: `Zuora-Request-Id` of the answer that held the parent.
    """

    by: Literal["callout", "poll", "bill_run", "backfill", "reread", "callout_history"]
    at: datetime
    evidence: str = ""
    request_id: str = ""


class ZuoraRecord(Event, frozen=True, kw_only=True, tag="record"):
    """One object of Zuora with all its children, byte for byte as answered; of an account's contact, its address alone.

    Attributes:
        kind: A RecordKind, or a name this version does not know.
        id: Zuora's id of the parent.
        found: How it was found.
        parent: The JSON object as answered.
        children: Lists of JSON objects by name (`items`, `applications`, `parts`, `tax.<item id>`), each complete:
            no page is missing. A document that was never posted carries none.
        deleted: Zuora says that it has no such object any more: the parent is `{}`, and nothing belongs to it.
    """

    connection: str
    tenant: str
    kind: str
    id: str
    found: Found
    parent: msgspec.Raw
    children: dict[str, list[msgspec.Raw]] = msgspec.field(default_factory=dict)
    deleted: bool | msgspec.UnsetType = msgspec.UNSET


def record_of_deletion(tenant: str, kind: str, zuora_id: str, found: Found) -> ZuoraRecord:
    """Return what is written of an object that Zuora had and, asked for it by its id, has no more.

    It carries no stamp: it comes after whatever was read of that object before it, and says nothing of an object that
    was never read.
    """
    return ZuoraRecord(
        connection="", tenant=tenant, kind=kind, id=zuora_id, found=found, parent=msgspec.Raw(b"{}"), deleted=True
    )
