"""Make the contract copy of Zuora: python trim_zuora_openapi.py FULL.json > zuora-openapi.json.

Keeps the endpoints that the stand-in serves and the schemas they reach, without descriptions and examples. Schemas of
objects that the stand-in does not carry are replaced by any object.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ENDPOINTS = {
    "/events/event-triggers": ["get"],
    "/notifications/callout-templates": ["get"],
    "/notifications/notification-definitions": ["get"],
    "/oauth/token": ["post"],
    "/v1/action/query": ["post"],
    "/v1/action/queryMore": ["post"],
    "/v1/action/update": ["post"],
    "/v1/accounting-codes": ["get"],
    "/v1/accounting-periods": ["get"],
    "/v1/accounts/{account-key}": ["get", "put"],
    "/v1/bill-runs/{billRunId}": ["get"],
    "/v1/credit-memos/{creditMemoKey}": ["get", "put"],
    "/v1/credit-memos/{creditMemoKey}/items": ["get"],
    "/v1/credit-memos/{creditMemoKey}/parts": ["get"],
    "/v1/debit-memos/{debitMemoKey}": ["get"],
    "/v1/debit-memos/{debitMemoKey}/items": ["get"],
    "/v1/debit-memos/{debitMemoKey}/items/{debitMemoItemId}/taxation-items": ["get"],
    "/v1/invoices/{invoiceKey}": ["get", "put"],
    "/v1/invoices/{invoiceKey}/application-parts": ["get"],
    "/v1/invoices/{invoiceKey}/items": ["get"],
    "/v1/invoices/{invoiceKey}/items/{itemId}/taxation-items": ["get"],
    "/v1/notification-history/callout": ["get"],
    "/v1/payments/{paymentKey}": ["get", "put"],
    "/v1/payments/{paymentKey}/parts": ["get"],
    "/v1/refunds/{refundKey}/parts": ["get"],
}
OBJECTS = (
    "accounts",
    "billing-runs",
    "contacts",
    "credit-memo-applications",
    "credit-memo-items",
    "credit-memo-parts",
    "credit-memos",
    "debit-memo-items",
    "debit-memos",
    "invoice-items",
    "invoices",
    "payment-applications",
    "payment-methods",
    "payment-parts",
    "payments",
    "refund-applications",
    "refunds",
    "taxation-items",
)
NOT_CARRIED = re.compile(
    "Subscription|RatePlan|Product|Order|InvoiceSchedule|PaymentSchedule|Usage|ContactSnapshot|RefundApplicationItem|Bill.*Filter"
)
LEFT_OUT = ("description", "example", "examples", "title", "x-enumDescriptions")
REFERENCE = "#/components/schemas/"


def trimmed(node: Any) -> Any:
    """Return a node without prose, and without references to what is not carried."""
    if isinstance(node, list):
        return [trimmed(one) for one in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "")
    if reference and NOT_CARRIED.search(reference.removeprefix(REFERENCE)):
        return {"type": "object"}
    # "description" and the like are also names of fields, where they hold a schema.
    return {name: trimmed(value) for name, value in node.items() if name not in LEFT_OUT or isinstance(value, dict)}


def references(node: Any) -> set[str]:
    """Return the names of the schemas that a node refers to."""
    return set(re.findall(rf'"{REFERENCE}(\w+)"', json.dumps(node)))


def main() -> None:
    """Trim the file that the command line names."""
    full = json.loads(Path(sys.argv[1]).read_text())
    wanted = dict(ENDPOINTS)
    for name in OBJECTS:
        wanted |= {f"/object-query/{name}": ["get"], f"/object-query/{name}/{{key}}": ["get"]}
    paths = {
        path: {method: {"responses": trimmed(full["paths"][path][method]["responses"])} for method in methods}
        for path, methods in sorted(wanted.items())
    }
    schemas: dict[str, Any] = {}
    missing = references(paths)
    while missing:
        name = missing.pop()
        schemas[name] = trimmed(full["components"]["schemas"][name])
        missing |= references(schemas[name]) - set(schemas)
    info = {**full["info"], "x-source": "zuora-sdk 3.21.0 (PyPI), MIT, trimmed by trim_zuora_openapi.py"}
    copy = {
        "openapi": full["openapi"],
        "info": info,
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }
    sys.stdout.write(json.dumps(copy, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
