"""Faults by name: armed by count, share or for good, each counting how often it was asked and how often it fired.

A test that arms a fault must see `fired` above 0, else its green means nothing. Shares are drawn from a seed of the
fault's own.
"""

import re
from random import Random

import msgspec

# What each fault does; `path` limits it to paths, for callout faults to events, for late_commit to acts, for
# object_locked to ids.
FAULTS = {
    # Before Zuora does anything; nothing is stored under an idempotency key.
    "unauthorized": "401 as for an expired token",
    "too_many_requests": "429 with code 70 and the RateLimit headers; Retry-After only if given",
    "too_many_concurrent": "429 with code 50000070 and the concurrency headers",
    "http_503": "503 of the gateway as HTML; another 5xx with `status`",
    "html_page": "an HTML page with `status`, 200 unless given",
    "redirect": "a redirect to `location`, 307 unless given: with method and body",
    "no_route": "404 of the gateway, as for a path that it does not know",
    "bomb": "a small compressed answer that unpacks to 100 MB of JSON",
    "slow": "answers after `seconds`",
    "hang": "never answers, or after `seconds`",
    "reset": "cuts the connection before anything is done",
    # Zuora's own failures; stored under an idempotency key.
    "http_500": "500 with code 50000060, or `code`",
    "success_false": "200 with success false and `code`, locking contention unless given",
    "page_fails": "page number `page` of a list fails with `status`, 500 unless given",
    "cursor_lost": "a request with a cursor is refused",
    "object_locked": "one object of an update, by its id, fails on a lock; the others of the call are done",
    # After Zuora has done it.
    "truncated_json": "only the first half of the body, with a length to match",
    "cut_body": "only the first half of the body, then the connection is cut",
    "wrong_content_type": "the right body as text/plain",
    "lost_reply": "cuts the connection once everything is done",
    "hang_after": "never answers, or after `seconds`, once everything is done",
    # On the state.
    "row_shift": "the first row of a page is changed once the page is served",
    "late_commit": "what an act does becomes visible `seconds` later by the stand-in's clock, with the older stamp",
    # On callouts.
    "callout_drop": "the event fires no callout",
    "callout_duplicate": "the callout is sent `times` times more, with the same notification id",
    "callout_delay": "the callout leaves `seconds` later",
    "callout_reorder": "each callout leaves at random within `seconds`",
}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault to be armed.

    Attributes:
        name: One of `FAULTS`.
        path: Regular expression to be found in the path, event or act; all when empty. /oauth/token is only hit by
            a path that names it.
        method: HTTP method; any when absent.
        count: Firings left; without limit when absent, so a loop until disarmed.
        share: Part of what matches that is hit, drawn from the seed.
        after: Matches that pass before the first hit.
    """

    name: str
    path: str = ""
    method: str | None = None
    count: int | None = None
    share: float = 1.0
    after: int = 0
    seed: int = 0
    status: int | None = None
    code: int | None = None
    seconds: float = 0.0
    page: int = 1
    times: int = 1
    retry_after_s: int | None = None
    location: str = ""


class ArmedFault(msgspec.Struct, kw_only=True):
    """A fault in force, with its counts."""

    id: int
    fault: Fault
    seen: int = 0
    fired: int = 0


class Faults:
    """The faults of one stand-in; disarmed ones keep their counts."""

    def __init__(self) -> None:
        self.all: list[ArmedFault] = []
        self._armed: dict[str, list[ArmedFault]] = {}
        self._random: dict[int, Random] = {}

    def arm(self, fault: Fault) -> ArmedFault:
        """Put a fault in force.

        Raises:
            ValueError: There is no fault of this name, or its path is no regular expression.
        """
        if fault.name not in FAULTS:
            raise ValueError(f"There is no fault {fault.name}; there are {', '.join(FAULTS)}")
        try:
            re.compile(fault.path)
        except re.error as wrong:
            raise ValueError(f"{fault.path} is no regular expression") from wrong
        armed = ArmedFault(id=len(self.all) + 1, fault=fault)
        self.all.append(armed)
        self._armed.setdefault(fault.name, []).append(armed)
        self._random[armed.id] = Random(fault.seed)  # noqa: S311 - a draw that repeats is the point.
        return armed

    def disarm(self, key: int | None = None) -> int:
        """Take one fault, or all, out of force and return how many were in it."""
        gone = 0
        for name, armed in self._armed.items():
            kept = [one for one in armed if key is not None and one.id != key]
            gone += len(armed) - len(kept)
            self._armed[name] = kept
        return gone

    def is_armed(self, *names: str) -> bool:
        """Tell whether any of these is in force at all, which is all that a quick path needs to know."""
        return any(self._armed.get(name) for name in names)

    def take(self, name: str, subject: str, *, method: str | None = None) -> Fault | None:
        """Return a fault of this name that hits a path, event or act now, and count it."""
        for armed in self._armed.get(name, ()):
            if self._matches(armed.fault, subject, method) and self._hits(armed):
                return armed.fault
        return None

    @staticmethod
    def _matches(fault: Fault, subject: str, method: str | None) -> bool:
        if fault.method is not None and fault.method != method:
            return False
        if subject == "/oauth/token" and not fault.path:
            return False
        return re.search(fault.path, subject) is not None

    def _hits(self, armed: ArmedFault) -> bool:
        fault = armed.fault
        if fault.count is not None and armed.fired >= fault.count:
            return False
        armed.seen += 1
        if armed.seen <= fault.after or (fault.share < 1 and self._random[armed.id].random() >= fault.share):
            return False
        armed.fired += 1
        return True

    def page_that_fails(self, path: str, *, first: bool) -> Fault | None:
        """Return the fault that hits this page of a list; pages are counted anew from each one without a cursor."""
        for armed in self._armed.get("page_fails", ()):
            fault = armed.fault
            if re.search(fault.path, path) is None or armed.fired >= (fault.count or 1):
                continue
            armed.seen = 1 if first else armed.seen + 1
            if armed.seen == fault.page:
                armed.fired += 1
                return fault
        return None

    def draw(self, fault: Fault) -> float:
        """Return the next number between 0 and 1 of a fault's own sequence."""
        armed = next(one for one in self.all if one.fault is fault)
        return self._random[armed.id].random()
