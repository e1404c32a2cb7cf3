"""The stand-in's own time: a clock that can be set, frozen and moved, and the two ways Zuora writes a moment.

A stamp has one-second precision, as Zuora's have. Object Query writes it with the offset of the tenant's zone, v1
without any zone; both are decided here and nowhere else. Nothing in the stand-in's state may ask the machine for the
time.
"""

import functools
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


@functools.total_ordering
class Stamp:
    """A moment in whole seconds since 1970, equal and ordered by that number."""

    __slots__ = ("epoch_s",)

    def __init__(self, epoch_s: int) -> None:
        self.epoch_s = epoch_s

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stamp) and other.epoch_s == self.epoch_s

    def __lt__(self, other: "Stamp") -> bool:
        return self.epoch_s < other.epoch_s

    def __hash__(self) -> int:
        return hash(self.epoch_s)

    def __repr__(self) -> str:
        return f"Stamp({self.utc().isoformat()})"

    def utc(self) -> datetime:
        """Return the moment as an aware datetime."""
        return datetime.fromtimestamp(self.epoch_s, UTC)


class Clock:
    """The time of one tenant: the machine's until it is set, then whatever was set, running on or standing still."""

    def __init__(self, machine_s: Callable[[], float] = time.time) -> None:
        self._machine_s = machine_s
        self._shift_s = 0.0
        self._frozen_s: float | None = None
        self._last = Stamp(0)

    @property
    def running(self) -> bool:
        """Tell whether the clock moves by itself."""
        return self._frozen_s is None

    def now_s(self) -> float:
        """Return the time in seconds since 1970, with fractions."""
        return self._machine_s() + self._shift_s if self._frozen_s is None else self._frozen_s

    def stamp(self) -> Stamp:
        """Return the time as a stamp; the same object within one second, which keeps a hundred thousand rows small."""
        second = int(self.now_s())
        if second != self._last.epoch_s:
            self._last = Stamp(second)
        return self._last

    def set(self, at: datetime, *, running: bool = True) -> None:
        """Set the time to an aware datetime, from which it runs on or at which it stands still."""
        if at.tzinfo is None:
            raise ValueError("The clock is set with a zone, for example 2026-03-31T23:59:00Z")
        self._shift_s = at.timestamp() - self._machine_s()
        self._frozen_s = None if running else at.timestamp()

    def advance(self, seconds: float) -> None:
        """Move the time by so many seconds, backwards when negative."""
        if self._frozen_s is None:
            self._shift_s += seconds
        else:
            self._frozen_s += seconds

    def reset(self) -> None:
        """Follow the machine again."""
        self._shift_s, self._frozen_s = 0.0, None


class TenantZone:
    """How a tenant in one time zone writes moments and names days."""

    def __init__(self, name: str) -> None:
        self.zone = ZoneInfo(name)
        # A bill run stamps thousands of rows within one second, so nearly every text is asked for again at once.
        self.with_offset = functools.lru_cache(maxsize=65_536)(self._with_offset)
        self.without_zone = functools.lru_cache(maxsize=65_536)(self._without_zone)

    def _with_offset(self, stamp: Stamp) -> str:
        text = self._local(stamp).isoformat()
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text

    def _without_zone(self, stamp: Stamp) -> str:
        return self._local(stamp).strftime("%Y-%m-%d %H:%M:%S")

    def _local(self, stamp: Stamp) -> datetime:
        return datetime.fromtimestamp(stamp.epoch_s, self.zone)

    def day(self, stamp: Stamp) -> date:
        """Return the calendar day of a moment in the tenant's zone."""
        return self._local(stamp).date()
