"""A callout becomes a hint: which object of Zuora to read. Nothing else in it is used.

The body is what we ask the tenant to send (docs/zuora.md), JSON or a form: an `object` and an `id`. Ids are matched
whole, so that no path or query can be smuggled into the call that reads them back.
"""

import re
from urllib.parse import parse_qs

import msgspec

from schemas.callouts import Callout
from schemas.errors import Unreadable
from schemas.records import RecordKind

# Zuora's object names, as merge fields spell them.
_KINDS = {
    "account": RecordKind.ACCOUNT,
    "invoice": RecordKind.INVOICE,
    "creditmemo": RecordKind.CREDIT_MEMO,
    "debitmemo": RecordKind.DEBIT_MEMO,
    "payment": RecordKind.PAYMENT,
    "refund": RecordKind.REFUND,
    # Without Invoice Settlement; a credit balance is named by its account.
    "invoiceadjustment": RecordKind.INVOICE_ADJUSTMENT,
    "invoiceitemadjustment": RecordKind.INVOICE_ITEM_ADJUSTMENT,
    "creditbalance": RecordKind.CREDIT_BALANCE,
}
# Merge fields that hold the id of one of them.
_MERGE_FIELDS = {
    **{f"{name}.id": kind for name, kind in _KINDS.items()},
    "paymentapplication.paymentid": RecordKind.PAYMENT,
    "creditmemoapplication.creditmemoid": RecordKind.CREDIT_MEMO,
    "creditbalanceadjustment.accountid": RecordKind.CREDIT_BALANCE,
}
_ID = re.compile(r"[0-9a-f]{32}|[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """An object to read back.

    Attributes:
        kind: Its kind.
        id: Its id or number.
    """

    kind: RecordKind
    id: str


class _Body(msgspec.Struct):
    object: str = ""
    id: str = ""


_body = msgspec.json.Decoder(_Body)
_context = msgspec.json.Decoder()


def read_hint(callout: Callout) -> Hint | None:
    """Return the object that a callout hints at, or None where it is none that this product reads.

    Raises:
        Unreadable: The body is neither JSON nor a form of that shape, or the id is none.
    """
    body = _form(callout.body) if "form-urlencoded" in callout.content_type.lower() else _json(callout.body)
    kind = _KINDS.get(body.object.replace(" ", "").casefold())
    if kind is None:
        if not body.object:
            raise Unreadable("the callout names no object; its body must be as docs/zuora.md says")
        return None
    if not _ID.fullmatch(body.id):
        raise Unreadable(f"the callout for {kind} has no id that Zuora gives")
    return Hint(kind=kind, id=body.id)


def hints_of_context(context: bytes) -> list[Hint]:
    """Return the objects that a failed callout told of, from the context that Zuora keeps of it.

    Zuora's types call it text, its example shows an object of merge fields (`<Invoice.ID>`); the text may be the body
    that we ask for. An account is part of every context: it is told of only where nothing else is. What is none of
    these tells of nothing.

    Args:
        context: JSON.
    """
    try:
        held = _context.decode(context)
        fields = _context.decode(held) if isinstance(held, str) else held
    except (msgspec.DecodeError, ValueError, RecursionError):
        return []
    if not isinstance(fields, dict):
        return []
    named = {name.strip("<>").casefold(): value for name, value in fields.items() if isinstance(value, str)}
    if "object" in named:
        named = {f"{named['object'].replace(' ', '').casefold()}.id": named.get("id", "")}
    hints = [
        Hint(kind=kind, id=named[name]) for name, kind in _MERGE_FIELDS.items() if _ID.fullmatch(named.get(name, ""))
    ]
    return [hint for hint in hints if hint.kind != RecordKind.ACCOUNT] or hints


def _json(body: bytes) -> _Body:
    try:
        return _body.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Unreadable("the callout's body is not JSON as docs/zuora.md says") from None


def _form(body: bytes) -> _Body:
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=50)
    except ValueError:
        raise Unreadable("the callout's body is not a form as docs/zuora.md says") from None
    return _Body(object=fields.get("object", [""])[0], id=fields.get("id", [""])[0])
