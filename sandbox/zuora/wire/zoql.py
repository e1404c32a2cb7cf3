"""POST /v1/action/query and /v1/action/queryMore: batches of rows with names in PascalCase.

Whether what follows a locator is what was found first, or what is found now, is a switch, since Zuora does not say.
"""

import json
from datetime import datetime
from typing import Any

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects import Record
from sandbox.zuora.query.zoql import Query, read_query
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.wire.answers import Answer
from sandbox.zuora.wire.call import Call
from sandbox.zuora.wire.sight import sight_of


def query(call: Call) -> Answer:
    """Answer POST /v1/action/query."""
    body = _body(call)
    text = body.get("queryString")
    if not isinstance(text, str):
        raise Refused(Category.MISSING_FIELD, "queryString is required")
    tenant = call.sandbox.tenant
    asked = read_query(text, tenant)
    return _batch(call, asked, _seen(call, asked.rows(tenant)), at=0, size=_size(call, body))


def query_more(call: Call) -> Answer:
    """Answer POST /v1/action/queryMore."""
    body, tenant = _body(call), call.sandbox.tenant
    standing = call.sandbox.locators.take(str(body.get("queryLocator")), life_s=tenant.settings.zoql_locator_life_s)
    live = tenant.settings.zoql_results == "live"
    found = _seen(call, standing.query.rows(tenant)) if live else standing.found
    return _batch(call, standing.query, found, at=standing.at, size=_size(call, body))


def _seen(call: Call, rows: list[Record]) -> list[Record]:
    sight = sight_of(call)
    return [row for row in rows if sight.sees(row)] if sight.narrowed else rows


def _body(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError as malformed:
        raise Refused(Category.MALFORMED, f"The body is not JSON: {malformed}") from None
    if not isinstance(body, dict):
        raise Refused(Category.MALFORMED, "The body must be a JSON object")
    return body


def _size(call: Call, body: dict[str, Any]) -> int:
    conf = body.get("conf")
    asked = conf.get("batchSize") if isinstance(conf, dict) else None
    most = call.sandbox.tenant.settings.zoql_batch_max
    return min(asked, most) if isinstance(asked, int) and asked > 0 else most


def _batch(call: Call, asked: Query, found: list[Record], *, at: int, size: int) -> Answer:
    sandbox = call.sandbox
    settings, chosen, end = sandbox.tenant.settings, found[at : at + size], at + size
    done = end >= len(found)
    answer: dict[str, Any] = {
        "size": len(found) if settings.zoql_size == "all" else len(chosen),
        "records": [_row(call, asked, row) for row in chosen],
        "done": done,
    }
    if not done:
        answer["queryLocator"] = sandbox.locators.keep(asked, found, end)
    return Answer(sandbox.renderer.encode(answer))


def _row(call: Call, asked: Query, row: Record) -> dict[str, Any]:
    """Return the fields asked for that are set; Id always is one of them."""
    held = {field.name: getattr(row, field.attribute) for field in asked.fields} | {"id": row.id}
    return {
        name[0].upper() + name[1:]: _moment(call, value) if isinstance(value, Stamp) else value
        for name, value in held.items()
        if value is not None
    }


def _moment(call: Call, stamp: Stamp) -> str:
    return datetime.fromtimestamp(stamp.epoch_s, call.sandbox.tenant.zone.zone).isoformat(timespec="milliseconds")
