"""Which path belongs to which handler; what belongs to none is answered as Zuora, or the gateway before it, would."""

from uuid import uuid4

from aiohttp import web

from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.wire import marks, notifications, object_query, zoql
from sandbox.zuora.wire import v1_reads as v1
from sandbox.zuora.wire.answers import Answer, Family, no_route
from sandbox.zuora.wire.call import Call, Handler
from sandbox.zuora.wire.gate import Gate
from sandbox.zuora.wire.oauth import create_token

ROUTES: tuple[tuple[str, str, Family, Handler], ...] = (
    ("POST", "/oauth/token", Family.OAUTH, create_token),
    ("GET", "/object-query/{objects}", Family.OBJECT_QUERY, object_query.list_objects),
    ("GET", "/object-query/{objects}/{key}", Family.OBJECT_QUERY, object_query.get_object),
    ("GET", "/v1/invoices/{key}", Family.V1, v1.get_invoice),
    ("PUT", "/v1/invoices/{key}", Family.V1, marks.put_invoice),
    ("GET", "/v1/invoices/{key}/items", Family.V1, v1.list_invoice_items),
    ("GET", "/v1/invoices/{key}/items/{item}/taxation-items", Family.V1, v1.list_taxation_items),
    ("GET", "/v1/invoices/{key}/application-parts", Family.V1, v1.list_application_parts),
    ("GET", "/v1/payments/{key}", Family.V1, v1.get_payment),
    ("PUT", "/v1/payments/{key}", Family.V1, marks.put_payment),
    ("GET", "/v1/payments/{key}/parts", Family.V1, v1.list_payment_parts),
    ("GET", "/v1/refunds/{key}/parts", Family.V1, v1.list_refund_parts),
    ("GET", "/v1/credit-memos/{key}", Family.V1, v1.get_credit_memo),
    ("PUT", "/v1/credit-memos/{key}", Family.V1, marks.put_credit_memo),
    ("GET", "/v1/credit-memos/{key}/items", Family.V1, v1.list_credit_memo_items),
    ("GET", "/v1/credit-memos/{key}/parts", Family.V1, v1.list_credit_memo_parts),
    ("GET", "/v1/debit-memos/{key}", Family.V1, v1.get_debit_memo),
    ("GET", "/v1/debit-memos/{key}/items", Family.V1, v1.list_debit_memo_items),
    ("GET", "/v1/debit-memos/{key}/items/{item}/taxation-items", Family.V1, v1.list_debit_taxation_items),
    ("GET", "/v1/accounts/{key}", Family.V1, v1.get_account),
    ("PUT", "/v1/accounts/{key}", Family.V1, marks.put_account),
    ("GET", "/v1/accounting-codes", Family.V1, v1.list_accounting_codes),
    ("GET", "/v1/accounting-periods", Family.V1, v1.list_accounting_periods),
    ("GET", "/v1/bill-runs/{key}", Family.V1, v1.get_bill_run),
    ("GET", "/v1/notification-history/callout", Family.V1, v1.list_callout_history),
    ("GET", "/notifications/callout-templates", Family.NOTIFICATIONS, notifications.list_templates),
    ("GET", "/notifications/notification-definitions", Family.NOTIFICATIONS, notifications.list_definitions),
    ("GET", "/events/event-triggers", Family.NOTIFICATIONS, notifications.list_triggers),
    ("POST", "/v1/action/query", Family.ACTIONS, zoql.query),
    ("POST", "/v1/action/queryMore", Family.ACTIONS, zoql.query_more),
    ("POST", "/v1/action/update", Family.ACTIONS, marks.update_objects),
)


def add_routes(app: web.Application, gate: Gate) -> None:
    """Add the API to an application."""
    methods: dict[str, set[str]] = {}
    for method, path, family, handler in ROUTES:
        app.router.add_route(method, path, gate.route(family, handler))
        methods.setdefault(path, set()).add(method)
    for path in methods:
        app.router.add_route("*", path, gate.route(_family(path), _wrong_method))
    app.router.add_route("*", "/v1/{tail:.*}", gate.route(Family.V1, _no_endpoint))
    app.router.add_route("*", "/object-query/{tail:.*}", gate.route(Family.OBJECT_QUERY, _no_endpoint))
    app.router.add_route("*", "/{tail:.*}", _outside)


def _family(path: str) -> Family:
    return next(family for _, route, family, _ in ROUTES if route == path)


def _wrong_method(call: Call) -> Answer:
    raise Refused(Category.METHOD, f"Request method '{call.method}' not supported")


def _no_endpoint(call: Call) -> Answer:
    raise Refused(Category.NOT_FOUND, f"The endpoint {call.path} does not exist.")


async def _outside(_request: web.Request) -> web.Response:
    answer = no_route()
    headers = {"Zuora-Request-Id": str(uuid4()), "Content-Type": answer.content_type}
    return web.Response(body=answer.body, status=answer.status, headers=headers)
