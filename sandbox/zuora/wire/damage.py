"""Faults on the wire: what a client meets when the gateway, Zuora itself or the connection fails.

Each function takes the place of an answer, or spoils one. Whether a fault fires is decided in faults.py; here is only
what it does.
"""

import asyncio
import gzip
from collections.abc import Callable, Sequence

from aiohttp import web

from sandbox.zuora.faults import Fault, Faults
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.wire.access import unauthorized
from sandbox.zuora.wire.answers import Answer, Family, html_page, no_route, plain_json, v1_envelope
from sandbox.zuora.wire.call import Call
from sandbox.zuora.wire.limits import concurrency_exceeded, rate_exceeded, rate_headers

# A day without an answer: whoever waits longer than a test may take has no time-out.
_FOREVER_S = 86_400.0


class ConnectionCut(Exception):
    """The connection is to be cut, after so many bytes of an answer.

    Attributes:
        answer: What is sent in part; None for nothing at all.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__()
        self.answer = answer


def _unauthorized(call: Call, family: Family, _fault: Fault) -> Answer:
    return call.refusal(family, unauthorized())


def _too_many_requests(call: Call, _family: Family, fault: Fault) -> Answer:
    reset_s = fault.retry_after_s or 1
    answer = rate_exceeded("minute", reset_s)
    headers = rate_headers(call.sandbox.tenant.settings.limits, place=0, remaining=0, reset_s=reset_s)
    if fault.retry_after_s is not None:
        headers["Retry-After"] = str(fault.retry_after_s)
    return Answer(answer.body, answer.status, headers)


def _too_many_concurrent(call: Call, family: Family, fault: Fault) -> Answer:
    return concurrency_exceeded(
        family, settings=call.sandbox.tenant.settings, request_id=call.request_id, retry_after_s=fault.retry_after_s
    )


def _http_503(_call: Call, _family: Family, fault: Fault) -> Answer:
    answer = html_page(fault.status or 503)
    headers = {"Retry-After": str(fault.retry_after_s)} if fault.retry_after_s is not None else {}
    return Answer(answer.body, answer.status, headers, answer.content_type)


def _html_page(_call: Call, _family: Family, fault: Fault) -> Answer:
    return html_page(fault.status or 200)


def _redirect(_call: Call, _family: Family, fault: Fault) -> Answer:
    return Answer(b"", fault.status or 307, {"Location": fault.location}, "text/html")


def _no_route(_call: Call, _family: Family, _fault: Fault) -> Answer:
    return no_route()


def _bomb(_call: Call, _family: Family, _fault: Fault) -> Answer:
    spaces = gzip.compress(b" " * 100_000_000, compresslevel=6)
    return Answer(spaces, 200, {"Content-Encoding": "gzip"}, "application/json")


def _http_500(call: Call, family: Family, fault: Fault) -> Answer:
    refused = Refused(Category.INTERNAL, "Internal error", code=fault.code, status=fault.status or 500)
    return call.refusal(family, refused)


def _success_false(call: Call, _family: Family, fault: Fault) -> Answer:
    code = fault.code or 50_000_050
    message = "Operation failed due to a lock competition, please retry later."
    return plain_json(v1_envelope([(code, message)], request_id=call.request_id))


def _cursor_lost(call: Call, family: Family, _fault: Fault) -> Answer:
    refused = Refused(Category.INVALID_QUERY, "Invalid cursor")
    return call.refusal(family, refused)


Instead = Callable[[Call, Family, Fault], Answer]
_GATEWAY: tuple[tuple[str, Instead], ...] = (
    ("unauthorized", _unauthorized),
    ("too_many_requests", _too_many_requests),
    ("too_many_concurrent", _too_many_concurrent),
    ("http_503", _http_503),
    ("html_page", _html_page),
    ("redirect", _redirect),
    ("no_route", _no_route),
    ("bomb", _bomb),
)
_APPLICATION: tuple[tuple[str, Instead], ...] = (("http_500", _http_500), ("success_false", _success_false))


def _instead(faults: Faults, choices: Sequence[tuple[str, Instead]], call: Call, family: Family) -> Answer | None:
    for name, answer in choices:
        fault = faults.take(name, call.path, method=call.method)
        if fault is not None:
            return answer(call, family, fault)
    return None


async def at_the_gateway(call: Call, family: Family, request: web.Request) -> Answer | None:
    """Return what the gateway answers instead of Zuora, if a fault says so; may wait, or cut the connection."""
    faults = call.sandbox.faults
    if faults.take("reset", call.path, method=call.method) is not None:
        raise ConnectionCut
    hang = faults.take("hang", call.path, method=call.method)
    if hang is not None:
        await _hang(request, hang)
    return _instead(faults, _GATEWAY, call, family)


async def delay(call: Call) -> None:
    """Wait as long as the tenant, or a fault, lets every call take."""
    slow = call.sandbox.faults.take("slow", call.path, method=call.method)
    wait_s = call.sandbox.tenant.settings.latency_s + (slow.seconds if slow else 0.0)
    if wait_s:
        await asyncio.sleep(wait_s)


def in_the_application(call: Call, family: Family) -> Answer | None:
    """Return the failure that Zuora answers with instead of its work, if a fault says so."""
    faults = call.sandbox.faults
    if "cursor" in call.parameters and faults.take("cursor_lost", call.path) is not None:
        return _cursor_lost(call, family, Fault(name="cursor_lost"))
    failing = faults.page_that_fails(call.path, first="cursor" not in call.parameters)
    if failing is not None:
        return _http_500(call, family, failing)
    return _instead(faults, _APPLICATION, call, family)


async def on_the_way_back(call: Call, answer: Answer, request: web.Request) -> Answer:
    """Return the answer as it arrives; may wait, or cut the connection."""
    faults = call.sandbox.faults

    def hit(name: str) -> Fault | None:
        return faults.take(name, call.path, method=call.method)

    if hit("lost_reply") is not None:
        raise ConnectionCut
    hang = hit("hang_after")
    if hang is not None:
        await _hang(request, hang)
    if hit("cut_body") is not None:
        raise ConnectionCut(answer)
    if hit("truncated_json") is not None:
        return Answer(answer.body[: len(answer.body) // 2], answer.status, answer.headers, answer.content_type)
    if hit("wrong_content_type") is not None:
        return Answer(answer.body, answer.status, answer.headers, "text/plain")
    return answer


async def _hang(request: web.Request, fault: Fault) -> None:
    """Wait until the client goes or the time is over, and cut the connection."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + (fault.seconds or _FOREVER_S)
    while request.transport is not None and not request.transport.is_closing() and loop.time() < end_s:  # noqa: ASYNC110
        await asyncio.sleep(0.02)  # aiohttp tells of a client that went by no event.
    raise ConnectionCut
