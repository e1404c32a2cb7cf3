"""Where a ZOQL query that goes on stands: a locator is the query, what it found, and how far it was given out."""

from dataclasses import dataclass
from uuid import uuid4

from sandbox.zuora.clock import Clock
from sandbox.zuora.objects import Record
from sandbox.zuora.query.zoql import Query, fault


@dataclass
class Standing:
    """A query that goes on: what it found, where it stands, and when it was last asked."""

    query: Query
    found: list[Record]
    at: int
    asked_s: float


class Locators:
    """The locators of one tenant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._standing: dict[str, Standing] = {}

    def keep(self, query: Query, found: list[Record], at: int) -> str:
        """Return the locator of what follows."""
        name = f"{uuid4().hex}-{at}"
        self._standing[name] = Standing(query, found, at, self._clock.now_s())
        return name

    def take(self, name: str, *, life_s: float) -> Standing:
        """Return where a locator stands; asked again it stands there again.

        Raises:
            Refused: It is none, or nobody asked for too long.
        """
        standing = self._standing.get(name)
        if standing is None or self._clock.now_s() - standing.asked_s > life_s:
            raise fault("INVALID_QUERY_LOCATOR", "invalid queryLocator")
        standing.asked_s = self._clock.now_s()
        return standing
