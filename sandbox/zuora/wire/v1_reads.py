"""The older GETs under /v1: one object by id or number, and its items, taxes and parts, page by page.

A page is numbered from 1 and needs a pageSize; more than 40 is taken as 40. nextPage is a full URL and absent at the
end.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlunsplit

from sandbox.zuora.acts.settlement import check_settlement
from sandbox.zuora.objects import (
    Account,
    BillingRun,
    CreditMemo,
    CreditMemoItem,
    DebitMemo,
    DebitMemoItem,
    Invoice,
    InvoiceItem,
    Payment,
    Record,
    Refund,
)
from sandbox.zuora.refusal import Category, Refused, invalid_query, not_found
from sandbox.zuora.wire.answers import Answer
from sandbox.zuora.wire.call import Call
from sandbox.zuora.wire.forms import accounts, callouts, invoices, memos, payments
from sandbox.zuora.wire.forms.shape import Form, without_nulls
from sandbox.zuora.wire.sight import sight_of

R = TypeVar("R", bound=Record)
DEFAULT_PAGE_SIZE = 10


def _shown(call: Call, kind: type[R], name: str = "key") -> R:
    row: R | None = call.sandbox.tenant.tables[kind].find_shown(call.names[name])
    if row is None or not sight_of(call).sees(row):
        refused = not_found(call.names[name])
        raise Refused(
            Category.NOT_FOUND,
            refused.message,
            status=call.sandbox.tenant.settings.v1_not_found_status,
        )
    return row


def write(call: Call, form: Form) -> Answer:
    """Return a form as a v1 success."""
    settings = call.sandbox.tenant.settings
    body = {"success": True, **(form if settings.v1_nulls else without_nulls(form))}
    return Answer(call.sandbox.v1_encoder.encode(body))


def _page_of(call: Call) -> tuple[int, int]:
    """Return page number and size."""
    size, page = call.parameter("pageSize"), call.parameter("page")
    if page and not size:
        raise Refused(Category.INVALID_QUERY, "page is dependent on pageSize: set pageSize as well")
    if not (size or "1").isdigit() or not (page or "1").isdigit() or int(page or 1) < 1 or int(size or 1) < 1:
        raise invalid_query("page and pageSize must be numbers from 1")
    return int(page or 1), min(int(size or DEFAULT_PAGE_SIZE), call.sandbox.tenant.settings.v1_page_size_max)


def _paged(call: Call, rows: Sequence[Any]) -> tuple[Sequence[Any], Form]:
    """Return the rows of the page that was asked for, and nextPage if more follow."""
    page, size = _page_of(call)
    chosen = rows[(page - 1) * size : page * size]
    if page * size >= len(rows):
        return chosen, {}
    query = {**{key: values[0] for key, values in call.parameters.items()}, "page": page + 1, "pageSize": size}
    return chosen, {"nextPage": _url(call, call.path, query)}


def _url(call: Call, path: str, query: dict[str, Any]) -> str:
    return urlunsplit((call.url.scheme, call.url.netloc, path, urlencode(query), ""))


def get_invoice(call: Call) -> Answer:
    """Answer GET /v1/invoices/{key}."""
    return write(call, invoices.invoice_form(call.sandbox.tenant, _shown(call, Invoice)))


def list_invoice_items(call: Call) -> Answer:
    """Answer GET /v1/invoices/{key}/items, each item with the first of its taxes."""
    tenant, invoice = call.sandbox.tenant, _shown(call, Invoice)
    rows, tail = _paged(call, list(tenant.invoice_items.children_shown("invoice_id", invoice.id)))
    items = [invoices.invoice_item_form(tenant, row, _nested_taxes(call, invoice, row)) for row in rows]
    return write(call, {"invoiceItems": items, **tail})


def _nested_taxes(call: Call, invoice: Invoice, item: InvoiceItem) -> Form:
    rows = call.sandbox.tenant.taxation_items.children_shown("invoice_item_id", item.id)
    path = f"/v1/invoices/{invoice.id}/items/{item.id}/taxation-items"
    return _nested(call, [invoices.tax_form(row) for row in rows], path)


def _nested(call: Call, taxes: Sequence[Form], path: str) -> Form:
    """Return the first taxes of an item, and where the others are."""
    form: Form = {"data": taxes[:DEFAULT_PAGE_SIZE]}
    if len(taxes) > DEFAULT_PAGE_SIZE:
        form["nextPage"] = _url(call, path, {"page": 2, "pageSize": DEFAULT_PAGE_SIZE})
    return form


def list_taxation_items(call: Call) -> Answer:
    """Answer GET /v1/invoices/{key}/items/{item}/taxation-items."""
    tenant, invoice, item = call.sandbox.tenant, _shown(call, Invoice), _shown(call, InvoiceItem, "item")
    if item.invoice_id != invoice.id:
        raise not_found(call.names["item"])
    rows, tail = _paged(call, list(tenant.taxation_items.children_shown("invoice_item_id", item.id)))
    return write(call, {"data": [invoices.tax_form(row) for row in rows], **tail})


def list_application_parts(call: Call) -> Answer:
    """Answer GET /v1/invoices/{key}/application-parts: payments first, then credit memos."""
    check_settlement(call.sandbox.tenant)
    tenant, invoice = call.sandbox.tenant, _shown(call, Invoice)
    parts = [
        *tenant.payment_parts.children_shown("invoice_id", invoice.id),
        *tenant.credit_memo_parts.children_shown("invoice_id", invoice.id),
    ]
    rows, tail = _paged(call, parts)
    return write(call, {"applicationParts": [payments.application_part_form(row) for row in rows], **tail})


def get_payment(call: Call) -> Answer:
    """Answer GET /v1/payments/{key}."""
    return write(call, payments.payment_form(call.sandbox.tenant, _shown(call, Payment)))


def list_payment_parts(call: Call) -> Answer:
    """Answer GET /v1/payments/{key}/parts."""
    check_settlement(call.sandbox.tenant)
    parts = call.sandbox.tenant.payment_parts.children_shown("payment_id", _shown(call, Payment).id)
    rows, tail = _paged(call, list(parts))
    return write(call, {"parts": [payments.payment_part_form(row) for row in rows], **tail})


def get_credit_memo(call: Call) -> Answer:
    """Answer GET /v1/credit-memos/{key}."""
    check_settlement(call.sandbox.tenant)
    return write(call, memos.credit_memo_form(call.sandbox.tenant, _shown(call, CreditMemo)))


def list_credit_memo_items(call: Call) -> Answer:
    """Answer GET /v1/credit-memos/{key}/items."""
    tenant = call.sandbox.tenant
    check_settlement(tenant)
    memo = _shown(call, CreditMemo)
    version = call.headers.get("zuora-version", tenant.settings.default_version)
    rows, tail = _paged(call, list(tenant.credit_memo_items.children_shown("credit_memo_id", memo.id)))
    items = [memos.credit_memo_item_form(tenant, row, _credit_taxes(call, row), version=version) for row in rows]
    return write(call, {"items": items, **tail})


def _credit_taxes(call: Call, item: CreditMemoItem) -> Form:
    tenant = call.sandbox.tenant
    rows = tenant.credit_taxation_items.children_shown("credit_memo_item_id", item.id)
    return {"data": [memos.credit_tax_form(tenant, row) for row in rows]}


def list_credit_memo_parts(call: Call) -> Answer:
    """Answer GET /v1/credit-memos/{key}/parts."""
    check_settlement(call.sandbox.tenant)
    parts = call.sandbox.tenant.credit_memo_parts.children_shown("credit_memo_id", _shown(call, CreditMemo).id)
    rows, tail = _paged(call, list(parts))
    return write(call, {"parts": [payments.credit_memo_part_form(row) for row in rows], **tail})


def get_debit_memo(call: Call) -> Answer:
    """Answer GET /v1/debit-memos/{key}."""
    check_settlement(call.sandbox.tenant)
    return write(call, memos.debit_memo_form(call.sandbox.tenant, _shown(call, DebitMemo)))


def list_debit_memo_items(call: Call) -> Answer:
    """Answer GET /v1/debit-memos/{key}/items, each item with the first of its taxes."""
    tenant = call.sandbox.tenant
    check_settlement(tenant)
    memo = _shown(call, DebitMemo)
    version = call.headers.get("zuora-version", tenant.settings.default_version)
    rows, tail = _paged(call, list(tenant.debit_memo_items.children_shown("debit_memo_id", memo.id)))
    items = [memos.debit_memo_item_form(tenant, row, _debit_taxes(call, memo, row), version=version) for row in rows]
    return write(call, {"items": items, **tail})


def _debit_taxes(call: Call, memo: DebitMemo, item: DebitMemoItem) -> Form:
    tenant = call.sandbox.tenant
    rows = tenant.debit_taxation_items.children_shown("debit_memo_item_id", item.id)
    path = f"/v1/debit-memos/{memo.id}/items/{item.id}/taxation-items"
    return _nested(call, [memos.debit_tax_form(tenant, row) for row in rows], path)


def list_debit_taxation_items(call: Call) -> Answer:
    """Answer GET /v1/debit-memos/{key}/items/{item}/taxation-items."""
    tenant = call.sandbox.tenant
    check_settlement(tenant)
    memo, item = _shown(call, DebitMemo), _shown(call, DebitMemoItem, "item")
    if item.debit_memo_id != memo.id:
        raise not_found(call.names["item"])
    rows, tail = _paged(call, list(tenant.debit_taxation_items.children_shown("debit_memo_item_id", item.id)))
    return write(call, {"data": [memos.debit_tax_form(tenant, row) for row in rows], **tail})


def list_refund_parts(call: Call) -> Answer:
    """Answer GET /v1/refunds/{key}/parts."""
    check_settlement(call.sandbox.tenant)
    parts = call.sandbox.tenant.refund_applications.children_shown("refund_id", _shown(call, Refund).id)
    rows, tail = _paged(call, list(parts))
    return write(call, {"parts": [payments.refund_part_form(row) for row in rows], **tail})


def get_account(call: Call) -> Answer:
    """Answer GET /v1/accounts/{key}."""
    return write(call, accounts.account_form(call.sandbox.tenant, _shown(call, Account)))


def list_accounting_codes(call: Call) -> Answer:
    """Answer GET /v1/accounting-codes."""
    codes = list(call.sandbox.tenant.accounting_codes.shown.values())
    rows, tail = _paged(call, codes)
    return write(call, {"accountingCodes": [accounts.accounting_code_form(row) for row in rows], **tail})


def list_accounting_periods(call: Call) -> Answer:
    """Answer GET /v1/accounting-periods."""
    periods = list(call.sandbox.tenant.accounting_periods.shown.values())
    rows, tail = _paged(call, periods)
    return write(call, {"accountingPeriods": [accounts.accounting_period_form(row) for row in rows], **tail})


def get_bill_run(call: Call) -> Answer:
    """Answer GET /v1/bill-runs/{key}."""
    return write(call, invoices.bill_run_form(_shown(call, BillingRun)))


def list_callout_history(call: Call) -> Answer:
    """Answer GET /v1/notification-history/callout: failures of the last day, unless it is asked for more."""
    zone, clock = call.sandbox.tenant.zone, call.sandbox.clock
    end_s = _moment_s(call, "endTime", clock.now_s())
    start_s = _moment_s(call, "startTime", end_s - 86_400)
    failed_only = call.parameter("failedOnly", "true").lower() != "false"
    wanted = [
        attempt
        for attempt in call.sandbox.callouts.history
        if start_s <= attempt.at.epoch_s <= end_s
        and (attempt.failed or not failed_only)
        and call.parameter("objectId", attempt.object_id) == attempt.object_id
        and call.parameter("eventCategory", attempt.category) == attempt.category
    ]
    rows, tail = _paged(call, wanted)
    with_content = call.parameter("includeResponseContent", "false").lower() == "true"
    as_shown = call.sandbox.tenant.settings.callout_history == "as_shown"
    histories = [callouts.callout_form(zone, attempt, with_content=with_content, as_shown=as_shown) for attempt in rows]
    return write(call, {"calloutHistories": histories, **tail})


def _moment_s(call: Call, name: str, otherwise_s: float) -> float:
    text = call.parameter(name)
    if not text:
        return otherwise_s
    try:
        return datetime.fromisoformat(text).replace(tzinfo=call.sandbox.tenant.zone.zone).timestamp()
    except ValueError:
        raise invalid_query(f"{name} must be yyyy-MM-ddTHH:mm:ss") from None
