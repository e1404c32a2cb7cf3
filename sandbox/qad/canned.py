"""The answers that faults put in the place of real ones: the gateway's refusals, a login page, a proxy's error."""

from collections.abc import Mapping
from typing import Protocol

from sandbox.qad.faults import Fault
from sandbox.qad.qxtend.messages import fault as soap_fault
from sandbox.qad.wire.envelopes import Answer

_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b'<body><form method="post" action="login"><input name="username"><input name="password" type="password">'
    b"</form></body></html>"
)
# What stands in the place of an answer to what was done.
_NO_ANSWERS = {
    "html_login": Answer(200, _LOGIN_PAGE, content_type="text/html"),
    "commit_then_login_page": Answer(200, _LOGIN_PAGE, content_type="text/html"),
    "commit_then_no_content": Answer(204, b""),
    "commit_then_other_shape": Answer(200, b'{"status": "ok", "items": [{"id": 7}]}'),
    "commit_then_no_key": Answer(200, b'{"submitResult": {"success": true}}'),
}
_SOAP_FAULTS = ("soap_fault", "commit_then_soap_fault")
_PROXY_REASONS = {"commit_then_502": (502, "Bad Gateway"), "commit_then_504": (504, "Gateway Time-out")}
_GATEWAY_REASONS = {
    "too_many_requests": (429, "Too many requests."),
    "unauthorized": (401, "The session has ended."),
    "forbidden": (403, "Access is denied"),
    "http_503_before_commit": (503, "The service is not available."),
}


class Gateway(Protocol):
    """What stands before a surface, and how it speaks for itself."""

    def gateway(self, status: int, message: str, *, field: str = "", headers: Mapping[str, str] = ...) -> Answer:
        """Answer that a call did not reach the business at all."""
        ...


def canned_answer(fault: Fault, envelopes: Gateway) -> Answer:
    """Return the answer of a fault that answers by itself."""
    if fault.name in _SOAP_FAULTS:
        return soap_fault(fault.code if fault.code in ("Client", "Server") else "Server", _soap_text(fault))
    if fault.name in _NO_ANSWERS:
        return _NO_ANSWERS[fault.name]
    if fault.name in _PROXY_REASONS:
        return _proxy_page(*_PROXY_REASONS[fault.name])
    if fault.name == "token_5xx":
        return envelopes.gateway(fault.status, "The token service failed.")
    status, message = _GATEWAY_REASONS.get(fault.name, (500, "An internal error occurred."))
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return envelopes.gateway(status, message, headers=headers)


def _soap_text(fault: Fault) -> str:
    return f"{fault.code}: {fault.message}" if fault.code.endswith(tuple("0123456789")) else fault.message


def _proxy_page(status: int, reason: str) -> Answer:
    title = f"{status} {reason}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return Answer(status, page.encode(), content_type="text/html")
