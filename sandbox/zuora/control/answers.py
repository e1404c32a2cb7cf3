"""What the control API answers: JSON of any result, rows among it, and one sentence for whatever was wrong."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from aiohttp import web

from sandbox.zuora.objects import AccountingCode, AccountingPeriod, Record
from sandbox.zuora.query.catalog import CHILD_KINDS
from sandbox.zuora.query.rendering import Renderer, Selection
from sandbox.zuora.refusal import Refused

_KINDS = {kind.record: kind for kind in CHILD_KINDS.values()}
_ALL = Selection()

ControlHandler = Callable[[web.Request], Awaitable[bytes]]


def write_result(renderer: Renderer, result: Any) -> bytes:
    """Return the result of an act: a row as Object Query writes it, several of them, or several by name."""
    if isinstance(result, AccountingCode | AccountingPeriod):
        return renderer.encode(result)
    if isinstance(result, Record):
        return renderer.row(_KINDS[type(result)], result, _ALL)
    if is_dataclass(result):
        parts = [
            b'"' + one.name.encode() + b'":' + write_result(renderer, getattr(result, one.name))
            for one in fields(result)
        ]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(result, list):
        return b"[" + b",".join([write_result(renderer, one) for one in result]) + b"]"
    return renderer.encode(result)


def answering(handler: ControlHandler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the aiohttp handler that writes what a control handler returns, or why it could not."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return _response(await handler(request))
        except Refused as refused:
            reason = {"code": refused.code, "message": refused.message}
            return _response(json.dumps({"success": False, "reasons": [reason]}).encode(), status=422)
        except KeyError as unknown:
            return _response(json.dumps({"error": f"There is no {unknown.args[0]}"}).encode(), status=404)
        except msgspec.MsgspecError as wrong:
            return _response(json.dumps({"error": f"The body does not fit: {wrong}"}).encode(), status=400)
        except ValueError as wrong:
            return _response(json.dumps({"error": str(wrong)}).encode(), status=400)

    return handle


def _response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
