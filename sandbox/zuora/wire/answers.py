"""Answers between the handlers and the gate, and the envelopes in which Zuora wraps what it refuses.

Which envelope a refusal gets depends on the family of the endpoint: v1, Object Query, Actions, OAuth, or the gateway
before all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from sandbox.zuora.refusal import Refused
from sandbox.zuora.settings import Settings

JSON = "application/json"
# Zuora offers three schemes in one header.
WWW_AUTHENTICATE = "Basic realm=Zuora API, ZSession realm=Zuora API, Bearer realm=Zuora API"
_PLAIN = msgspec.json.Encoder(decimal_format="number")


class Family(Enum):
    """A kind of endpoint, as far as envelopes, tokens and limits go."""

    V1 = "v1"
    OBJECT_QUERY = "object-query"
    ACTIONS = "actions"
    NOTIFICATIONS = "notifications"
    OAUTH = "oauth"


@dataclass(frozen=True)
class Answer:
    """What goes back: a status, a body, further headers."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON


def plain_json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Return a value without rows in it as JSON."""
    return Answer(_PLAIN.encode(value), status, headers or {})


def refusal(family: Family, refused: Refused, *, settings: Settings, request_id: str) -> Answer:
    """Return a refusal in the envelope of its family."""
    headers = {"WWW-Authenticate": WWW_AUTHENTICATE} if refused.status == 401 else {}
    body = _ENVELOPES[family](refused, settings, request_id)
    return plain_json(body, status=refused.status, headers=headers)


def v1_envelope(reasons: Sequence[tuple[int | str, str]], *, request_id: str) -> dict[str, Any]:
    """Return the body of a v1 failure."""
    return {
        "success": False,
        "processId": request_id.replace("-", "")[:16].upper(),
        "reasons": [{"code": code, "message": message} for code, message in reasons],
        "requestId": request_id,
    }


def _v1(refused: Refused, settings: Settings, request_id: str) -> dict[str, Any]:
    code = str(refused.code) if settings.error_codes == "text" else refused.code
    return v1_envelope([(code, refused.message)], request_id=request_id)


def _object_query(refused: Refused, _settings: Settings, request_id: str) -> dict[str, Any]:
    return {"reasons": [{"code": refused.code, "message": refused.message}], "requestId": request_id}


def _actions(refused: Refused, _settings: Settings, _request_id: str) -> dict[str, Any]:
    if refused.status == 401:
        return {"message": "Authentication error"}
    if refused.status == 400:
        return {"FaultCode": refused.fault, "FaultMessage": refused.message}
    return {"code": refused.code, "message": refused.message}


def _notifications(refused: Refused, _settings: Settings, _request_id: str) -> dict[str, Any]:
    return {"reasons": [{"code": str(refused.code), "message": refused.message}]}


def _oauth(refused: Refused, _settings: Settings, _request_id: str) -> dict[str, Any]:
    if refused.status == 401:
        return {"message": refused.message}
    return {"code": refused.code, "message": refused.message}


_ENVELOPES: dict[Family, Callable[[Refused, Settings, str], dict[str, Any]]] = {
    Family.V1: _v1,
    Family.OBJECT_QUERY: _object_query,
    Family.ACTIONS: _actions,
    Family.NOTIFICATIONS: _notifications,
    Family.OAUTH: _oauth,
}


def no_route() -> Answer:
    """Return what the gateway says of a path that belongs to nobody."""
    return plain_json({"message": "no Route matched with those values"}, status=404)


def html_page(status: int) -> Answer:
    """Return what the gateway shows when nothing behind it answers."""
    text = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr></body></html>"
    return Answer(text.encode(), status, content_type="text/html")
