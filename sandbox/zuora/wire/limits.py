"""How many calls are answered: rates for the tenant, for tokens per address, and calls in flight.

Counted in the machine's time, because that is what a client waits in. A call that is turned away counts as well.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.settings import Limits, Settings
from sandbox.zuora.wire.answers import Answer, Family, plain_json, refusal

# Name and length in minutes of the windows that Zuora counts in.
_WINDOWS = (("minute", 1), ("hour", 60), ("day", 1440))


class RateMeter:
    """Calls of one tenant, or of one address, in fixed windows."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._counts: dict[str, tuple[int, int]] = {}

    def count(self, name: str, length_s: float) -> int:
        """Count a call in the window that is running and return how many it has had."""
        window = int(self._now_s() / length_s)
        before = self._counts.get(name)
        calls = before[1] + 1 if before is not None and before[0] == window else 1
        self._counts[name] = (window, calls)
        return calls

    def left_s(self, length_s: float) -> int:
        """Return the seconds until the next window, rounded up."""
        return int(length_s - self._now_s() % length_s) + 1


def count_call(meter: RateMeter, limits: Limits) -> tuple[dict[str, str], Answer | None]:
    """Count an API call; return the RateLimit headers, and the 429 if it is one too many."""
    left = [
        allowed - meter.count(name, limits.window_s * minutes)
        for allowed, (name, minutes) in zip(_allowed(limits), _WINDOWS, strict=True)
    ]
    # The headers speak of the window that is nearest to its end.
    place = min(range(len(left)), key=lambda one: left[one] / _allowed(limits)[one])
    name, minutes = _WINDOWS[place]
    reset_s = meter.left_s(limits.window_s * minutes)
    headers = rate_headers(limits, place=place, remaining=max(0, left[place]), reset_s=reset_s)
    return headers, rate_exceeded(name, reset_s) if left[place] < 0 else None


def _allowed(limits: Limits) -> tuple[int, int, int]:
    return limits.calls_per_minute, limits.calls_per_hour, limits.calls_per_day


def rate_headers(limits: Limits, *, place: int, remaining: int, reset_s: int) -> dict[str, str]:
    """Return the headers that tell a client how near it is to a limit."""
    allowed = _allowed(limits)
    policy = ", ".join(f"{calls};w={minutes * 60}" for calls, (_, minutes) in zip(allowed, _WINDOWS, strict=True))
    return {
        "RateLimit-Limit": f"{allowed[place]}, {policy}",
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(reset_s),
    }


def rate_exceeded(window: str, reset_s: int) -> Answer:
    """Return the 429 of a rate: code 70, which has no eight digits."""
    message = f"API Rate limit exceeded for the {window}, retry after {reset_s} seconds"
    return plain_json({"reasons": [{"code": 70, "message": message}]}, status=429)


def count_token_call(meter: RateMeter, limits: Limits, remote: str) -> tuple[dict[str, str], Answer | None]:
    """Count a token call of an address; return its headers, and the 429 if it is one too many."""
    calls = meter.count(f"token {remote}", limits.window_s)
    headers = {
        "X-RateLimit-Limit-minute": str(limits.token_calls),
        "X-RateLimit-Remaining-minute": str(max(0, limits.token_calls - calls)),
    }
    too_many = calls > limits.token_calls
    # The body of this 429 is not documented; the kong gateway that sends such headers writes this one.
    return headers, plain_json({"message": "API rate limit exceeded"}, status=429) if too_many else None


class Concurrency:
    """Calls in flight, by kind of endpoint."""

    def __init__(self) -> None:
        self._in_flight: dict[str, int] = {}
        self.most: dict[str, int] = {}

    @contextmanager
    def slot(self, family: Family, limits: Limits) -> Iterator[dict[str, str] | None]:
        """Hold a place while a call is answered and yield its headers; yield None when all places are taken."""
        kind, limit = concurrency_limit(family, limits)
        taken = self._in_flight.get(kind, 0)
        if taken >= limit:
            yield None
            return
        self._in_flight[kind] = taken + 1
        self.most[kind] = max(self.most.get(kind, 0), taken + 1)
        try:
            yield concurrency_headers(kind, limit=limit, remaining=limit - taken - 1)
        finally:
            self._in_flight[kind] -= 1


def concurrency_limit(family: Family, limits: Limits) -> tuple[str, int]:
    """Return the kind of limit that an endpoint counts towards, and how many it allows."""
    if family is Family.OBJECT_QUERY:
        return "Object Query", limits.concurrent_object_query
    return "Default", limits.concurrent


def concurrency_headers(kind: str, *, limit: int, remaining: int) -> dict[str, str]:
    """Return the headers that tell a client how many calls it may have in flight."""
    return {
        "Concurrency-Limit-Type": kind,
        "Concurrency-Limit-Limit": str(limit),
        "Concurrency-Limit-Remaining": str(remaining),
    }


def concurrency_exceeded(
    family: Family, *, settings: Settings, request_id: str, retry_after_s: int | None = None
) -> Answer:
    """Return the 429 of a call for which there is no place."""
    message = (
        "The total number of concurrent requests has exceeded the limit allowed by the system. "
        "Please resubmit your request later."
    )
    refused = Refused(Category.LIMIT, message)
    answer = refusal(family, refused, settings=settings, request_id=request_id)
    kind, limit = concurrency_limit(family, settings.limits)
    wait_s = settings.limits.concurrency_retry_after_s if retry_after_s is None else retry_after_s
    headers = concurrency_headers(kind, limit=limit, remaining=0) | {"Retry-After": str(wait_s)}
    return Answer(answer.body, answer.status, headers)
