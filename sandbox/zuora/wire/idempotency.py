"""Idempotency keys: the answer to a POST or PATCH is kept for a day and given again, success or failure.

While the first is under way a second is told 409, and another URL or method 422. The clock is the stand-in's.
"""

from dataclasses import dataclass

from sandbox.zuora.clock import Clock
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.wire.answers import Answer
from sandbox.zuora.wire.request import Request

KEPT_S = 24 * 3600
HEADER = "idempotency-key"


@dataclass
class _Kept:
    call: tuple[str, str]
    since_s: float
    answer: Answer | None = None


class IdempotencyKeys:
    """The keys of one tenant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def begin(self, key: str, request: Request) -> Answer | None:
        """Return the kept answer of a key, or note that its first call is under way.

        Raises:
            Refused: The key is too long, under way, or was used for another call.
        """
        if len(key) > 255:
            raise Refused(Category.INVALID_VALUE, "Idempotency-Key must not be longer than 255 characters")
        self._forget()
        asked = (request.method, request.url.path + "?" + request.url.query)
        kept = self._kept.get(key)
        if kept is None:
            self._kept[key] = _Kept(asked, self._clock.now_s())
            return None
        if kept.call != asked:
            message = "The Idempotency-Key was used for another URL or method"
            raise Refused(Category.INVALID_VALUE, message, status=422)
        if kept.answer is None:
            message = "A request with this Idempotency-Key is in progress"
            raise Refused(Category.BUSINESS_RULE, message, status=409)
        return kept.answer

    def keep(self, key: str, answer: Answer) -> None:
        """Keep the answer of a key."""
        self._kept[key].answer = answer

    def drop(self, key: str) -> None:
        """Forget a key whose call came to no answer."""
        self._kept.pop(key, None)

    def _forget(self) -> None:
        # Keys stand in the order of their first call, so the old ones are in front.
        oldest_s = self._clock.now_s() - KEPT_S
        for key, kept in list(self._kept.items()):
            if kept.since_s > oldest_s:
                break
            del self._kept[key]


def check_method(request: Request) -> str | None:
    """Return the key of a call that may have one; refuse it on PUT, which a live tenant does."""
    key = request.headers.get(HEADER)
    if key is not None and request.method == "PUT":
        message = "Request method 'PUT' not supported with Idempotency-Key header"
        raise Refused(Category.METHOD, message, status=400)
    return key if request.method in ("POST", "PATCH") else None
