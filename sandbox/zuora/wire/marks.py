"""Writes that the API offers: PUT of fields on one object, and POST /v1/action/update for up to fifty.

Only the fields listed here and the tenant's own custom fields can be set; the names of custom fields are
case-sensitive. Whatever else is sent is ignored, as Zuora does. Every write moves the update stamp of its row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from sandbox.zuora.faults import Faults
from sandbox.zuora.objects import Account, CreditMemo, Invoice, Payment, Record
from sandbox.zuora.query.catalog import KINDS, ObjectKind
from sandbox.zuora.refusal import Category, Refused, invalid_value, not_found
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.answers import Answer, plain_json
from sandbox.zuora.wire.call import Call
from sandbox.zuora.wire.forms import invoices, memos, payments
from sandbox.zuora.wire.v1_reads import write

R = TypeVar("R", bound=Record)
TRANSFER_STATES = frozenset(("No", "Processing", "Yes", "Error", "Ignore"))
MOST_OBJECTS = 50


@dataclass(frozen=True)
class Writable:
    """An object that can be written to: the fields of it by the names of Object Query, in lower case."""

    kind: ObjectKind
    fields: frozenset[str]


def _writable(path: str, fields: str) -> Writable:
    return Writable(KINDS[path], frozenset(fields.split()))


_ACCOUNT = _writable(
    "accounts", "name notes crmid batch paymentterm purchaseordernumber communicationprofileid autopay"
)
_INVOICE = _writable("invoices", "autopay comments duedate invoicedate templateid transferredtoaccounting")
_CREDIT_MEMO = _writable("credit-memos", "comments reasoncode transferredtoaccounting excludefromautoapplyrules")
_PAYMENT = _writable("payments", "comment referenceid transferredtoaccounting")
_DEBIT_MEMO = _writable("debit-memos", "comments reasoncode transferredtoaccounting duedate")
_REFUND = _writable("refunds", "comment reasoncode transferredtoaccounting")
_INVOICE_ITEM = _writable("invoice-items", "description")

# What Actions could update; which of these a tenant takes is a switch.
ACTION_TYPES: dict[str, Writable] = {
    "Account": _ACCOUNT,
    "Invoice": _INVOICE,
    "InvoiceItem": _INVOICE_ITEM,
    "CreditMemo": _CREDIT_MEMO,
    "DebitMemo": _DEBIT_MEMO,
    "Payment": _PAYMENT,
    "Refund": _REFUND,
}


def put_invoice(call: Call) -> Answer:
    """Answer PUT /v1/invoices/{key}: the invoice as it is now, under names of its own."""
    return write(call, invoices.updated_invoice_form(_put(call, Invoice, _INVOICE, _body(call))))


def put_account(call: Call) -> Answer:
    """Answer PUT /v1/accounts/{key}; an empty value clears a field."""
    _put(call, Account, _ACCOUNT, _body(call))
    return write(call, {})


def put_credit_memo(call: Call) -> Answer:
    """Answer PUT /v1/credit-memos/{key}; `comment` is what reads call comments."""
    body = _body(call)
    if "comment" in body:
        body["comments"] = body.pop("comment")
    return write(call, memos.credit_memo_form(call.sandbox.tenant, _put(call, CreditMemo, _CREDIT_MEMO, body)))


def put_payment(call: Call) -> Answer:
    """Answer PUT /v1/payments/{key}; the transfer mark stands in financeInformation."""
    body = _body(call)
    finance = body.pop("financeInformation", None)
    if isinstance(finance, dict):
        body |= finance
    return write(call, payments.payment_form(call.sandbox.tenant, _put(call, Payment, _PAYMENT, body)))


def _body(call: Call) -> dict[str, Any]:
    if not call.body:
        raise Refused(Category.INVALID_VALUE, "A body is required", status=415)
    try:
        body = json.loads(call.body, parse_float=Decimal)
    except ValueError as malformed:
        raise Refused(Category.MALFORMED, f"The body is not JSON: {malformed}") from None
    if not isinstance(body, dict):
        raise Refused(Category.MALFORMED, "The body must be a JSON object")
    return body


def _put(call: Call, kind: type[R], writable: Writable, body: Mapping[str, Any]) -> R:
    tenant = call.sandbox.tenant
    row = tenant.tables[kind].find(call.names["key"])
    if row is None:
        refused = not_found(call.names["key"])
        raise Refused(Category.NOT_FOUND, refused.message, status=tenant.settings.v1_not_found_status)
    with tenant.act(f"put_{kind.__name__}"):
        changed: R = tenant.change(row, **read_changes(tenant, writable, row, body)[0])
    return changed


def read_changes(
    tenant: Tenant, writable: Writable, row: Record, body: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return the changes that a body asks for, and the names in it that nothing is known of."""
    known, own = writable.kind.fields, tenant.custom_fields.get(writable.kind.record.__name__, {})
    changes: dict[str, Any] = {}
    custom, unknown = dict(row.custom or {}), []
    for name, value in body.items():
        if name in own:
            custom[name] = "" if value is None else str(value)
        elif name.lower() in writable.fields:
            column = known[name.lower()]
            changes[column.attribute] = _read(column.name, column.type, value)
        else:
            unknown.append(name)
    filled = {name: value for name, value in custom.items() if value != ""}
    return changes | {"custom": filled or None}, unknown


def _read(name: str, kind: type, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name == "transferredToAccounting" and value not in TRANSFER_STATES:
        raise invalid_value(f"Invalid value for field {name}: {value}")
    try:
        return date.fromisoformat(value) if kind is date else _expect(kind, value)
    except (TypeError, ValueError):
        raise invalid_value(f"Invalid value for field {name}: {value}") from None


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value


def update_objects(call: Call) -> Answer:
    """Answer POST /v1/action/update: a bare array, one result for each object, in their order."""
    body, tenant = _body(call), call.sandbox.tenant
    objects, kind = body.get("objects"), body.get("type")
    known = isinstance(kind, str) and kind in tenant.settings.action_types
    writable = ACTION_TYPES.get(str(kind)) if known else None
    if writable is None:
        raise invalid_value(f"Invalid object type: {kind}")
    if not isinstance(objects, list) or not 0 < len(objects) <= MOST_OBJECTS:
        raise invalid_value(f"Between 1 and {MOST_OBJECTS} objects can be updated in one call")
    strict = call.parameter("rejectUnknownFields", "false").lower() == "true"
    faults = call.sandbox.faults
    return plain_json([_update(tenant, writable, one, strict=strict, faults=faults) for one in objects])


def _update(tenant: Tenant, writable: Writable, given: Any, *, strict: bool, faults: Faults) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("Id"), str):
        return _failure("MISSING_REQUIRED_VALUE", "Id is required")
    row = tenant.tables[writable.kind.record].latest.get(given["Id"])
    if faults.take("object_locked", given["Id"]) is not None:
        return _failure("LOCK_COMPETITION", "Operation failed due to a lock competition, please retry later.")
    if row is None:
        return _failure("INVALID_ID", f"There is no {writable.kind.record.__name__} with the id {given['Id']}")
    try:
        named = {name: value for name, value in given.items() if name not in ("Id", "type")}
        changes, unknown = read_changes(tenant, writable, row, named)
    except Refused as refused:
        return _failure("INVALID_VALUE", refused.message)
    if strict and unknown:
        return _failure("INVALID_FIELD", f"Unknown fields: {', '.join(unknown)}")
    with tenant.act("action_update"):
        tenant.change(row, **changes)
    return {"Success": True, "Id": row.id}


def _failure(code: str, message: str) -> dict[str, Any]:
    return {"Success": False, "Errors": [{"Code": code, "Message": message}]}
