"""Which version of a Zuora record this is: its id from its content, its order from its stamps.

`record_id` leaves out all that later business moves (balances, applied and refunded amounts, transfer and e-invoice
marks, mail and update stamps, fields that we write): reading an unchanged record again adds nothing. What refunds gave
back of a payment stays where it is over, for it says what became of the money; and without Invoice Settlement, where it
opens invoices again. Source: ACCOUNTING 2.
"""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.codec import canonical
from schemas.errors import Unreadable
from schemas.ids import RecordId, record_id
from schemas.money import MoneyError, plain
from schemas.records import RecordKind, ZuoraRecord
from schemas.zuora import INVOICE_PAYMENTS, stamp_of

# Folded names: Zuora spells first letters either way. Every kind shares one list: none of these names means
# something else elsewhere.
_MOVED_BY_BUSINESS = frozenset(
    {
        "adjustmentamount",
        "appliedamount",
        "appliedcreditbalanceamount",
        "appliedtoothersamount",
        "availabletocreditamount",
        "balance",
        "beappliedamount",
        "beappliedbyothersamount",
        "creditamount",
        "creditbalance",
        "creditbalanceadjustmentamount",
        "creditmemoamount",
        "journalentryid",
        "lastemaildatetime",
        "lastemailsentdate",
        "lastinvoicedate",
        "lastmetricsupdate",
        "mrr",
        "paymentamount",
        "refundamount",
        "reservedpaymentamount",
        "reversed",
        "totaldebitmemobalance",
        "totalinvoicebalance",
        "transferredtoaccounting",
        "unappliedamount",
        "unappliedbalance",
        "unappliedcreditmemoamount",
        "updatedbyid",
        "updateddate",
        "gatewayreconciliationstatus",
        "gatewayreconciliationreason",
        "gatewaystate",
        "gatewaytransactionstate",
        "settledon",
        "payoutid",
        # Marks that this product writes itself.
        "qaddocument__c",
    }
)
_REFUNDED = "refundamount"
_MOVED_PREFIXES = ("einvoice", "ereporting", "salesereporting", "arereporting")

# Statuses of a payment that stands.
_IN_THE_BANK = frozenset({"Processed", "Posted"})

# The deepest nesting of a real record is four; more is not Zuora's.
_DEPTH_MAX = 16

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def identify(record: ZuoraRecord, written_back: frozenset[str] = frozenset()) -> RecordId:
    """Return the id of this version of the record.

    Args:
        record: The record.
        written_back: Custom fields that this site has us write, folded: our own write makes no new version.

    Raises:
        Unreadable: The record or a child of it is no object, a number in it cannot be carried, or it is nested beyond
            reason.
    """
    content = {
        "parent": _object(record.parent, written_back),
        "children": {
            name: sorted((_object(raw, written_back) for raw in rows), key=lambda row: str(row.get("id", "")))
            for name, rows in record.children.items()
        },
    }
    refunded = _given_back(record)
    if refunded:
        content["given_back"] = refunded
    return record_id(record.connection, kind=record.kind, zuora_id=record.id, content=canonical(content))


def _given_back(record: ZuoraRecord) -> dict[str, str]:
    """Return what refunds gave back of a payment that is over, or is without Invoice Settlement: nothing else tells it.

    With it, rows of a payment that stands tell, and the sums say nothing new.
    """
    if record.kind != RecordKind.PAYMENT:
        return {}
    found: dict[str, str] = {}
    for raw in (record.parent, *record.children.get(INVOICE_PAYMENTS, ())):
        fields = {key.casefold(): value for key, value in _decode(raw).items()}
        if INVOICE_PAYMENTS not in record.children and fields.get("status") in _IN_THE_BANK:
            continue
        amount = fields.get(_REFUNDED)
        if isinstance(amount, Decimal | int) and amount:
            found[str(fields.get("id", ""))] = _number(Decimal(amount))
    return found


def newest_stamp(record: ZuoraRecord) -> str:
    """Return the latest stamp of the record and its children as UTC, `2026-10-31T23:59:59Z`, or "" without any.

    Stamps without a zone (v1) are left out: at the end of daylight saving they repeat.
    """
    stamps = [stamp_of(record.parent)]
    for rows in record.children.values():
        stamps.extend(stamp_of(raw) for raw in rows)
    moments = [moment for stamp in stamps if (moment := moment_of(stamp)) is not None]
    return max(moments).strftime("%Y-%m-%dT%H:%M:%SZ") if moments else ""


def digest_of_parent(parent: msgspec.Raw) -> bytes:
    """Return the content of a row in short, whatever the order of its fields; of no JSON, that of its bytes.

    E-invoice marks are left out: they may change without its stamp, and who waits for them asks by himself.
    """
    try:
        fields = _decode(parent)
        if isinstance(fields, dict):
            fields = {key: value for key, value in fields.items() if not key.casefold().startswith(_MOVED_PREFIXES)}
        content = canonical(fields)
    except (msgspec.DecodeError, ValueError, RecursionError):
        content = bytes(parent)
    return blake2b(content, digest_size=16).digest()


def moment_of(stamp: str | None) -> datetime | None:
    """Return a zoned stamp of Zuora as UTC, or None where it has no zone, is none, or lies beyond the calendar."""
    if not stamp:
        return None
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _object(raw: msgspec.Raw, written_back: frozenset[str]) -> dict[str, Any]:
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
        raise Unreadable(f"no JSON that can be carried: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise Unreadable("a record of Zuora and each child of it are objects")
    return {key: inner for key, inner in _object_of(value, 0).items() if key not in written_back}


def _reduced(value: Any, depth: int) -> Any:
    if depth > _DEPTH_MAX:
        raise Unreadable("nested too deeply to be a record of Zuora")
    if isinstance(value, dict):
        return _object_of(value, depth)
    if isinstance(value, list):
        return [_reduced(inner, depth + 1) for inner in value]
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return _number(Decimal(value))
    return value


def _object_of(value: dict[str, Any], depth: int) -> dict[str, Any]:
    return {
        key.casefold(): _reduced(inner, depth + 1)
        for key, inner in value.items()
        if inner is not None and not _moved(key.casefold())
    }


def _number(value: Decimal) -> str:
    try:
        return plain(value)
    except MoneyError as error:
        raise Unreadable(str(error)) from None


def _moved(name: str) -> bool:
    return name in _MOVED_BY_BUSINESS or name.startswith(_MOVED_PREFIXES)
