"""GET /object-query/{objects} and /object-query/{objects}/{key}."""

from dataclasses import replace

from sandbox.zuora.objects import Contact
from sandbox.zuora.query.catalog import KINDS, ObjectKind
from sandbox.zuora.query.pages import Page, read_page
from sandbox.zuora.query.request import read_list_query, read_selection
from sandbox.zuora.refusal import Category, Refused, not_found
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.answers import Answer
from sandbox.zuora.wire.call import Call
from sandbox.zuora.wire.sight import sight_of


def list_objects(call: Call) -> Answer:
    """Answer a list."""
    sandbox, tenant = call.sandbox, call.sandbox.tenant
    kind = _kind(tenant, call)
    sight, query = sight_of(call), read_list_query(tenant, kind, call.parameters)
    if sight.narrowed:
        query = replace(query, sees=sight.sees, viewer=sight.key)
    selection = read_selection(tenant, kind, call.parameters)
    page = read_page(tenant.tables[kind.record], query, sandbox.offsets[kind.path])
    rows = sandbox.renderer.rows(kind, page.rows, selection)
    _shift(call, page)
    if page.next_cursor is None:
        return Answer(b'{"data":' + rows + b"}")
    return Answer(b'{"nextPage":' + sandbox.renderer.encode(page.next_cursor) + b',"data":' + rows + b"}")


def get_object(call: Call) -> Answer:
    """Answer one object, bare."""
    tenant = call.sandbox.tenant
    kind = _kind(tenant, call)
    selection = read_selection(tenant, kind, call.parameters)
    row = tenant.tables[kind.record].find_shown(call.names["key"])
    if row is None or not sight_of(call).sees(row):
        raise not_found(call.names["key"])
    return Answer(call.sandbox.renderer.row(kind, row, selection))


def _kind(tenant: Tenant, call: Call) -> ObjectKind:
    kind = KINDS.get(call.names["objects"])
    if kind is None:
        raise Refused(Category.NOT_FOUND, f"The endpoint {call.path} does not exist.")
    if kind.record is Contact and tenant.settings.contacts == "refused":
        raise Refused(Category.PERMISSION, "You do not have permission to access Contact")
    if kind.settlement and not tenant.settings.invoice_settlement:
        raise Refused(
            Category.PERMISSION,
            f"Object {kind.record.__name__} is not available in this tenant",
            code=tenant.settings.invoice_settlement_off_code,
            status=tenant.settings.invoice_settlement_off_status,
        )
    return kind


def _shift(call: Call, page: Page) -> None:
    """Change the first row of a page that has been read, as business does between two pages, if a fault says so."""
    if page.next_cursor is not None and call.sandbox.faults.take("row_shift", call.path) is not None:
        with call.sandbox.tenant.act("row_shift"):
            call.sandbox.tenant.change(page.rows[0], balance_only=True)
