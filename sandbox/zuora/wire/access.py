"""Who may call: the tokens that were issued, and the check of the bearer.

A token lives for an hour by the stand-in's clock and can be revoked. There is no refresh token: a client asks again.
"""

from uuid import uuid4

from sandbox.zuora.clock import Clock
from sandbox.zuora.refusal import Category, Refused


class Tokens:
    """The tokens that are valid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_s: dict[str, float] = {}

    def issue(self, life_s: float) -> str:
        """Return a new token."""
        now_s = self._clock.now_s()
        self._ends_s = {token: end_s for token, end_s in self._ends_s.items() if end_s > now_s}
        token = uuid4().hex
        self._ends_s[token] = now_s + life_s
        return token

    def revoke(self) -> int:
        """End all tokens at once and return how many there were."""
        count = len(self._ends_s)
        self._ends_s.clear()
        return count

    def check(self, authorization: str) -> None:
        """Refuse a request whose bearer token is missing, unknown or expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or self._ends_s.get(token, 0.0) <= self._clock.now_s():
            raise unauthorized()


def unauthorized() -> Refused:
    """Return the refusal of a token."""
    return Refused(Category.AUTHENTICATION, "this resource is protected, please sign in first", code=90_000_011)
